"""A bot in a process of its own, for tests that kill it: ``python -m tests.acceptance.served '{"effects": 2}'``.

Settings come from the environment, the pace (fields of ``bot.delivery.Limits``) from the argument. It prints its
address once it listens, and ends in good order on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

from bot.delivery import Limits
from bot.server import configure_logs, serving
from bot.settings import load_settings


async def main(limits: Limits) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = load_settings(os.environ, None)
    configure_logs(settings, as_json=False)
    async with serving(settings, limits=limits) as running:
        print(running.url, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(Limits(**json.loads(sys.argv[1]))))
