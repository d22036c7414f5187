"""The plug board: the only place that names concrete adapters and joins them to the engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from pydantic import SecretStr
from sqlmodel import Session

from bot import database, outbox
from bot.adapters.clock import FollowedClock, wall_clock
from bot.adapters.github import GithubForge
from bot.adapters.github_names import Names
from bot.adapters.pagerduty import PagerDutyPager
from bot.adapters.pipeline_github import LONGEST_CALL, GithubSide
from bot.adapters.pipeline_github_deployment import GithubDeployment
from bot.adapters.pipeline_github_environment import GithubEnvironment
from bot.adapters.pipeline_github_workflow import GithubWorkflow, Workflow
from bot.adapters.pipeline_polled import PolledPipeline
from bot.adapters.pipeline_webhook import WebhookPipeline
from bot.adapters.slack import SlackChat
from bot.app import Bot
from bot.callbacks import vetted
from bot.catalog import Catalog, PromoteThrough, load_catalog
from bot.database import Database, Leadership
from bot.delivery import Delivery, Limits
from bot.inbox import Inbox, Translate
from bot.lookback import LookBack
from bot.outgoing import Kinds
from bot.ports import GateKeeper, Promoter
from bot.reactions import Reactions, stream_of
from bot.rendering import Renderer
from bot.settings import Settings

log = structlog.get_logger(__name__)

PUBLIC_GITHUB = "https://github.com"

SLACK_TIMEOUT = 10.0
"""Seconds that a call to Slack may take."""

PIPELINES_LONGEST_CALL = LONGEST_CALL
"""From the beginning of ``Pipeline.start`` to the last moment at which it may still have its effect, for every way."""


@dataclass(frozen=True)
class Pipelines:
    """Every way of carrying a promotion out, and who speaks to GitHub's waiting runs."""

    ways: Mapping[PromoteThrough, Promoter]
    gate_keeper: GateKeeper
    webhook: WebhookPipeline

    async def close(self) -> None:
        """Close what is theirs alone; GitHub's connections close with the forge."""
        await self.webhook.close()


@dataclass(frozen=True)
class Wired:
    """A bot and the adapters that must be closed with it."""

    bot: Bot
    chat: SlackChat
    forge: GithubForge
    pager: PagerDutyPager | None
    pipelines: Pipelines
    renderer: Renderer
    clock: FollowedClock | None

    async def start_clock(self) -> None:
        """Follow the clock that the settings name, if they name one."""
        if self.clock is not None:
            await self.clock.start()

    async def close(self) -> None:
        """Stop the bot in good order, then let go of the vendors."""
        await self.bot.stop()
        await self.close_adapters()
        if self.clock is not None:
            await self.clock.stop()

    async def close_adapters(self) -> None:
        """Let go of the vendors, of a bot that was never started."""
        await self.chat.close()
        await self.pipelines.close()
        await self.forge.close()
        if self.pager is not None:
            await self.pager.close()


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
    catalog = replace(
        catalog,
        proves_logins=settings.github_app_id is not None,
        pages=settings.pagerduty_api_key is not None and settings.pagerduty_from is not None,
        tells_changes=settings.pagerduty_api_key is not None and settings.pagerduty_routing_key is not None,
    )
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
    pipelines = _pipelines(settings, catalog, forge)
    pager = _pager(settings)
    reactions = Reactions(catalog, forge_url(settings.github_api_url))
    renderer = Renderer(settings.templates, _template_reporter(store, catalog, clock), zone=catalog.timezone)
    kinds = Kinds(
        catalog=catalog,
        forge_url=reactions.forge_url,
        database=store,
        chat=chat,
        forge=forge,
        clock=clock,
        settle=reactions.settle,
        pipelines=pipelines.ways,
        keeper=pipelines.gate_keeper,
        pager=pager,
        waker=pager,
        rooms=chat,
        issues=forge,
        renderer=renderer,
    )
    bot = Bot(
        settings=settings,
        catalog=catalog,
        database=store,
        leadership=Leadership(settings.database_url, on_bell=store.ring),
        inbox=Inbox(
            store,
            clock=clock,
            translators=_checked(translators, settings),
            apply=reactions.react,
            stream_of=stream_of,
        ),
        delivery=Delivery(store, chat, renderer, kinds.outgoing(), clock=clock, limits=limits),
        reactions=reactions,
        lookback=LookBack(store, forge, catalog, reactions, clock),
        chat=chat,
        forge=forge,
        clock=clock,
    )
    return Wired(bot, chat, forge, pager, pipelines, renderer, followed)


def _pager(settings: Settings) -> PagerDutyPager | None:
    key = _secret(settings.pagerduty_api_key)
    if key is None:
        return None
    return PagerDutyPager(
        key,
        settings.pagerduty_api_url,
        from_email=settings.pagerduty_from,
        routing_key=_secret(settings.pagerduty_routing_key),
        events_url=settings.pagerduty_events_url,
    )


def _pipelines(settings: Settings, catalog: Catalog, forge: GithubForge) -> Pipelines:
    github = GithubSide(forge.client, Names(forge.client), forge_url(settings.github_api_url))

    def workflow_of(service: str) -> Workflow:
        found = catalog.service(service)
        return Workflow(found.workflow, found.workflow_ref)

    environment = GithubEnvironment(github)
    webhook = WebhookPipeline(
        lambda service: catalog.service(service).promote_webhook, _secret(settings.shipmate_webhook_secret)
    )
    return Pipelines(
        ways={
            PromoteThrough.GITHUB_ENVIRONMENT: environment,
            PromoteThrough.GITHUB_DEPLOYMENT: GithubDeployment(github),
            PromoteThrough.GITHUB_WORKFLOW: GithubWorkflow(github, workflow_of),
            PromoteThrough.WEBHOOK: webhook,
            PromoteThrough.ARGO_ROLLOUTS: PolledPipeline(can_ask=settings.api_token is not None),
        },
        gate_keeper=environment,
        webhook=webhook,
    )


def _checked(translators: Mapping[str, Translate], settings: Settings) -> Mapping[str, Translate]:
    """The same, but nobody's run is believed that does not wait at our own GitHub."""
    github = translators.get("github")
    return translators if github is None else {**translators, "github": vetted(github, settings.github_api_url)}


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
    """Tells the fallback channel, once a day each, that a user's template is broken and ours is shown instead.

    Pages are made in threads: from there it is told on the loop on which this was made, if any.
    """
    tasks: set[asyncio.Task[bool]] = set()
    home = _running_loop()

    def report(template: str, error: str) -> None:
        log.error("a template of yours is broken; ours is shown instead", template=template, error=error)
        now = clock()
        key = f"template:{template}:{now.date().isoformat()}"

        def note(session: Session) -> bool:
            return outbox.add_note(
                session, "broken_template", key, catalog.default_channel, now, template=template, error=error
            )

        def begin() -> None:
            task = asyncio.get_running_loop().create_task(store.write(note))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        if _running_loop() is not None:
            begin()
        elif home is not None:
            home.call_soon_threadsafe(begin)

    return report


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None
