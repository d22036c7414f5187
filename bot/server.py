"""One Shipmate process from start to orderly stop: database, bot, HTTP server, Socket Mode.

``shipmate serve`` and ``shipmate demo`` run it; so do the tests, in their own event loop.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from aiohttp import web

from bot import logs, wiring
from bot.app import Bot
from bot.delivery import Limits
from bot.errors import UserError
from bot.settings import SOURCES as KNOWN_SOURCES
from bot.settings import Settings
from bot.wiring import Wired
from handlers import api, slack, webhooks
from handlers.clock import ClockDoor

log = structlog.get_logger(__name__)

LARGEST_BODY = webhooks.BODY_LIMIT + 1024
"""aiohttp's own limit, just above the doors' so that they answer in their own words."""


@dataclass(frozen=True)
class Serving:
    """A running process: where it listens, and the bot inside."""

    url: str
    wired: Wired

    @property
    def bot(self) -> Bot:
        """The bot that is served."""
        return self.wired.bot


@asynccontextmanager
async def serving(
    settings: Settings,
    *,
    limits: Limits | None = None,
    clock: Callable[[], datetime] | None = None,
    slack_timeout: float = wiring.SLACK_TIMEOUT,
) -> AsyncIterator[Serving]:
    """Run a bot until the block is left; the tables are brought up to date first. Raises UserError."""
    await asyncio.to_thread(wiring.upgrade_database, settings)
    translators = {name: source.translate for name, source in webhooks.SOURCES.items()}
    wired = wiring.wire(
        settings,
        {**translators, slack.SOURCE: slack.translate, api.SOURCE: api.translate},
        limits=limits,
        clock=clock,
        slack_timeout=slack_timeout,
    )
    bot = wired.bot
    await wired.start_clock()
    bot.start(ClockDoor(bot))
    slack_door = slack.open_door(bot, wired.renderer)
    application = web.Application(client_max_size=LARGEST_BODY)
    webhooks.add_routes(application, bot)
    api.add_routes(application, bot, wired.renderer)
    slack_door.add_routes(application)
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=5)
    try:
        await runner.setup()
        site = web.TCPSite(runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as fault:
            raise UserError(
                f"Nothing can listen on {settings.host}:{settings.port} ({fault.strerror}). "
                "Is another Shipmate running? Set SHIPMATE_PORT to a free port."
            ) from None
        await slack_door.start()
        host, port = runner.addresses[0][:2]
        yield Serving(f"http://{host}:{port}", wired)
    finally:
        await slack_door.stop()
        await runner.cleanup()
        await wired.close()


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(settings) as running:
        log.info("Shipmate is listening", url=running.url, database=settings.database_url.partition(":")[0])
        for sentence in settings.missing_to_serve():
            log.warning(sentence)
        await stop.wait()
        log.info("stopping in good order")


def configure_logs(settings: Settings, *, as_json: bool) -> None:
    """Send logs to stderr without any of the settings' secrets."""
    sources = (settings.webhook_secret(source) for source in KNOWN_SOURCES)
    held = (
        settings.slack_bot_token,
        settings.slack_signing_secret,
        settings.slack_app_token,
        settings.github_token,
        settings.github_app_private_key,
        settings.api_token,
        settings.shipmate_webhook_secret,
        settings.pagerduty_api_key,
        settings.pagerduty_routing_key,
        *sources,
    )
    logs.configure(as_json=as_json, secrets=[secret.get_secret_value() for secret in held if secret is not None])
