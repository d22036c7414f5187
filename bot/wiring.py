"""The plug board: the only place that names concrete adapters and joins them to the engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from pydantic import SecretStr
from sqlmodel import Session

from bot import database, outbox
from bot.adapters.clock import FollowedClock, wall_clock
from bot.adapters.github import GithubForge
from bot.adapters.slack import SlackChat
from bot.app import Bot
from bot.catalog import Catalog, load_catalog
from bot.database import Database, Leadership
from bot.delivery import Delivery, Limits
from bot.inbox import Inbox, Translate
from bot.lookback import LookBack
from bot.outgoing import Kinds
from bot.reactions import Reactions
from bot.rendering import Renderer
from bot.settings import Settings

log = structlog.get_logger(__name__)

PUBLIC_GITHUB = "https://github.com"

SLACK_TIMEOUT = 10.0
"""Seconds that a call to Slack may take."""


@dataclass(frozen=True)
class Wired:
    """A bot and the adapters that must be closed with it."""

    bot: Bot
    chat: SlackChat
    forge: GithubForge
    renderer: Renderer
    clock: FollowedClock | None

    async def start_clock(self) -> None:
        """Follow the clock that the settings name, if they name one."""
        if self.clock is not None:
            await self.clock.start()

    async def close(self) -> None:
        """Stop the bot in good order, then let go of the vendors."""
        await self.bot.stop()
        await self.chat.close()
        await self.forge.close()
        if self.clock is not None:
            await self.clock.stop()


def wire(
    settings: Settings,
    translators: Mapping[str, Translate],
    *,
    limits: Limits | None = None,
    clock: Callable[[], datetime] | None = None,
    slack_timeout: float = SLACK_TIMEOUT,
) -> Wired:
    """Put a bot together from settings; raises ConfigurationError for a catalogue that cannot be used.

    ``translators`` gives each source's meaning (the doors own it). ``slack_timeout`` must not exceed
    ``limits.doubt_settles``. Nothing is started, and nobody is called.
    """
    catalog = load_catalog(settings.config, default_channel=settings.default_channel)
    store = Database(settings.database_url)
    followed = FollowedClock(settings.clock_url, store.ring_all) if settings.clock_url and clock is None else None
    clock = clock or followed or wall_clock
    chat = SlackChat(_secret(settings.slack_bot_token) or "", settings.slack_api_url, timeout=slack_timeout)
    forge = GithubForge(
        settings.github_api_url,
        token=_secret(settings.github_token),
        app_id=settings.github_app_id,
        private_key=_secret(settings.github_app_private_key),
    )
    reactions = Reactions(catalog, forge_url(settings.github_api_url))
    kinds = Kinds(
        catalog=catalog,
        forge_url=reactions.forge_url,
        database=store,
        chat=chat,
        forge=forge,
        clock=clock,
        settle=reactions.settle,
    )
    renderer = Renderer(settings.templates, _template_reporter(store, catalog, clock))
    bot = Bot(
        settings=settings,
        catalog=catalog,
        database=store,
        leadership=Leadership(settings.database_url, on_bell=store.ring),
        inbox=Inbox(store, clock=clock, translators=translators, apply=reactions.react),
        delivery=Delivery(store, chat, renderer, kinds.outgoing(), clock=clock, limits=limits),
        reactions=reactions,
        lookback=LookBack(store, forge, catalog, reactions, clock),
        chat=chat,
        clock=clock,
    )
    return Wired(bot, chat, forge, renderer, followed)


def upgrade_database(settings: Settings) -> tuple[str | None, str]:
    """Bring the tables up to date, holding SQLite's lock meanwhile; returns the revision before and after."""
    lock = database.SqliteLock(settings.database_url) if settings.database_url.startswith("sqlite") else None
    if lock is not None:
        lock.acquire()
    try:
        before, after = database.upgrade(settings.database_url)
    finally:
        if lock is not None:
            lock.release()
    if before != after:
        log.info("the database was brought up to date", before=before or "empty", after=after)
    return before, after


def forge_url(api_url: str) -> str:
    """Where people read code, from where programs do: GitHub, or an Enterprise server (``…/api/v3``)."""
    if api_url.rstrip("/").endswith("api.github.com"):
        return PUBLIC_GITHUB
    return api_url.rstrip("/").removesuffix("/api/v3")


def _template_reporter(store: Database, catalog: Catalog, clock: Callable[[], datetime]) -> Callable[[str, str], None]:
    """Tells the fallback channel, once a day each, that a user's template is broken and ours is shown instead."""
    tasks: set[asyncio.Task[bool]] = set()

    def report(template: str, error: str) -> None:
        log.error("a template of yours is broken; ours is shown instead", template=template, error=error)
        now = clock()
        key = f"template:{template}:{now.date().isoformat()}"

        def note(session: Session) -> bool:
            return outbox.add_note(
                session, "broken_template", key, catalog.default_channel, now, template=template, error=error
            )

        task = asyncio.get_running_loop().create_task(store.write(note))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return report


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None
