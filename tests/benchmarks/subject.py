"""What is measured, in a process of its own on a core of its own: ``python -m tests.benchmarks.subject KIND``.

Kinds: ``bot``, with its settings in the environment; ``bare``, the baseline; ``judge``, which fills the database of its
settings with promotions, judges them and says what that took; ``imports``, which only imports the modules named on its
standard input. One JSON line on standard output says that it is ready. Then each line on standard input is a command
(``sample``, ``report``), and the end of input is the end.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from contextlib import AsyncExitStack, suppress
from typing import Any

BOT_CORE = 0


def main() -> None:
    """Be the kind of process that was asked for."""
    with suppress(OSError, AttributeError):  # one core, or not Linux: measured all the same, and said by run.py
        os.sched_setaffinity(0, {BOT_CORE})
    kind = sys.argv[1]
    if kind == "imports":
        for name in json.loads(sys.stdin.readline()):
            with suppress(ImportError):
                importlib.import_module(name)
        _say(ready=True)
    elif kind == "judge":
        from bot.server import configure_logs
        from bot.settings import load_settings
        from tests.benchmarks.judging import measure

        settings = load_settings(env_file=None)
        configure_logs(settings, as_json=True)
        _say(**measure(settings.database_url))
    else:
        asyncio.run(_serve(kind))


async def _serve(kind: str) -> None:
    async with AsyncExitStack() as stack:
        if kind == "bare":
            from tests.benchmarks.baseline import bare

            environment = os.environ
            url = await stack.enter_async_context(
                bare(
                    github_secret=environment["GITHUB_WEBHOOK_SECRET"],
                    slack_secret=environment["SLACK_SIGNING_SECRET"],
                    alert_secret=environment["ALERTMANAGER_WEBHOOK_SECRET"],
                    token=environment["SLACK_BOT_TOKEN"],
                    slack_url=environment["SLACK_API_URL"],
                    github_url=environment["GITHUB_API_URL"],
                    pager_url=environment["PAGERDUTY_API_URL"],
                )
            )
        else:
            url = await stack.enter_async_context(_bot())
        _say(url=url, modules=_libraries())
        await asyncio.to_thread(_obey)


def _bot() -> Any:
    from contextlib import asynccontextmanager

    from bot.delivery import Limits
    from bot.server import configure_logs, serving
    from bot.settings import load_settings

    settings = load_settings(env_file=None)
    configure_logs(settings, as_json=True)
    limits = Limits(per_channel=None, updates_per_minute=None, progress_every=0.0)

    @asynccontextmanager
    async def run() -> Any:
        async with serving(settings, limits=limits) as running:
            yield running.url

    return run()


def _obey() -> None:
    from tests.benchmarks.sampling import Sampler

    sampler = Sampler()
    for line in sys.stdin:
        if line.strip() == "sample":
            sampler.start()
        elif line.strip() == "report":
            _say(parts=sampler.stop())


def _libraries() -> list[str]:
    """Every module imported by now that is not ours."""
    return [name for name in sys.modules if name.partition(".")[0] not in ("bot", "handlers", "tests", "__main__")]


def _say(**words: object) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    main()
