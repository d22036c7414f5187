"""``shipmate serve``, ``demo`` and ``sandbox``: processes that run until they are stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    as_json: Annotated[bool, typer.Option("--json-logs", help="Log JSON, also to a terminal.")] = False,
) -> None:
    """Run the bot: the HTTP server, and Socket Mode when SLACK_APP_TOKEN is set.

    Settings come from the environment and .env, the policy from shipmate.yml. Stops in good order on SIGTERM.

    \b
    Example:
      shipmate doctor && shipmate serve
    """
    import asyncio
    import sys

    from bot import server
    from bot.errors import ConfigurationError
    from bot.settings import load_settings

    settings = load_settings()
    missing = settings.missing_to_serve()
    if missing:
        raise ConfigurationError([*missing, "To try Shipmate without any of this: shipmate demo"])
    server.configure_logs(settings, as_json=as_json or not sys.stderr.isatty())
    asyncio.run(server.serve(settings))


def demo(
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 0,
    exit_after: Annotated[float | None, typer.Option(help="Stop by itself after so many seconds.")] = None,
    pace: Annotated[float, typer.Option(help="How slowly the story plays: 0.5 is twice as fast.")] = 1.0,
) -> None:
    """Run the whole bot in a stand-in Slack, GitHub and PagerDuty, with a story to watch. Nothing leaves this machine.

    \b
    Examples:
      shipmate demo
      shipmate demo --exit-after 20 --pace 0.2
    """
    import asyncio

    from bot.cli.demonstration import demonstrate

    asyncio.run(demonstrate(port=port, exit_after=exit_after, pace=pace))


def sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    env_file: Annotated[
        Path | None, typer.Option(help="Write the environment that a bot needs to live in this world to this file.")
    ] = None,
    bot_url: Annotated[str, typer.Option(help="Where that bot will listen.")] = "http://127.0.0.1:8080",
    socket_mode: Annotated[
        bool, typer.Option("--socket-mode", help="Have the bot connect by Socket Mode (SLACK_APP_TOKEN).")
    ] = False,
) -> None:
    """Run the stand-in Slack, GitHub and PagerDuty alone, on this machine only. It is not Slack.

    The policy of those who live there is bot/sandbox/acme.yml, whose whole path it prints.

    \b
    Example, in two terminals:
      shipmate sandbox --env-file sandbox.env
      set -a; . ./sandbox.env; SHIPMATE_CONFIG=bot/sandbox/acme.yml shipmate serve
    """
    import asyncio

    from bot.cli.demonstration import stand_in

    asyncio.run(stand_in(port=port, env_file=env_file, bot_url=bot_url, socket_mode=socket_mode))
