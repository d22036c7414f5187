"""The door for people: what they type and click in Slack, over HTTP or Socket Mode.

``listeners`` is the one list of what this app hears, and ``manifest.yml`` says the same to Slack (a test holds them
together). Each listener checks, stores what changes something, acknowledges, and leaves the answer to a tracked task.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Bot
from bot.rendering import Renderer
from handlers.slack import door, events, incident_words, incidents, locks, mapping, promotions, trains
from handlers.slack.acts import translate
from handlers.slack.answering import Answering
from handlers.slack.commands import Commands
from handlers.slack.events import EventDoor
from handlers.slack.home import DASHBOARD, HomeDoor
from handlers.slack.incident_words import IncidentWordsDoor
from handlers.slack.incidents import IncidentsDoor
from handlers.slack.locks import LocksDoor
from handlers.slack.mapping import MappingDoor
from handlers.slack.modals import Modals
from handlers.slack.people import BUTTONS, SOURCE, PeopleDoor
from handlers.slack.promotions import PromotionsDoor
from handlers.slack.socket_mode import SocketMode
from handlers.slack.stale import Stale
from handlers.slack.storing import Storing
from handlers.slack.trains import TrainsDoor
from handlers.slack.watching import WatchDoor

__all__ = ["SOURCE", "Listeners", "SlackDoor", "build", "listeners", "open_door", "translate"]

Listener = Callable[..., Awaitable[Any]]

_ANYTHING = re.compile(r".*", re.DOTALL)


@dataclass(frozen=True)
class Listeners:
    """Who hears what, by the names that Slack uses; ``any_`` ones hear what nobody else does."""

    commands: Mapping[str, Listener]
    any_command: Listener
    actions: Mapping[str, Listener]
    any_action: Listener
    views: Mapping[str, Listener]
    """Modals that were submitted."""
    any_view: Listener
    shortcuts: Mapping[str, Listener]
    """Global ones, and those of messages."""
    any_shortcut: Listener
    options: Mapping[str, Listener]
    """Menus that are filled while somebody types."""
    any_options: Listener
    events: Mapping[str, Listener]


def listeners(bot: Bot, answering: Answering) -> Listeners:
    """Everything this app hears."""
    home = HomeDoor(bot, answering.renderer)
    storing = Storing(bot, after=home.acted)
    modals = Modals(bot, answering.renderer, answering)
    people = PeopleDoor(bot, answering)
    promoting = PromotionsDoor(bot, answering, storing, modals)
    locking = LocksDoor(bot, answering, storing, modals)
    conducting = TrainsDoor(bot, answering, storing, modals)
    leading = IncidentsDoor(bot, answering, storing, modals)
    telling = IncidentWordsDoor(bot, answering, storing, modals, leading)
    mapped = MappingDoor(bot, answering, storing)
    commands = Commands(bot, answering, people, promoting, locking, WatchDoor(bot, storing), conducting)
    stale = Stale(answering)
    return Listeners(
        commands={
            "/ship": commands.ship,
            "/incident": telling.typed,
        },
        any_command=commands.unknown,
        actions={
            DASHBOARD: home.followed,
            **dict.fromkeys(BUTTONS, people.clicked),
            **dict.fromkeys(promotions.BUTTONS, promoting.clicked),
            **dict.fromkeys(locks.BUTTONS, locking.clicked),
            **dict.fromkeys(trains.BUTTONS, conducting.clicked),
            **dict.fromkeys(incidents.BUTTONS, leading.clicked),
            **dict.fromkeys(mapping.BUTTONS, mapped.clicked),
        },
        any_action=people.stale,
        views={
            **dict.fromkeys(promotions.SUBMISSIONS, promoting.submitted),
            locks.PLACE: locking.submitted,
            **dict.fromkeys(trains.SUBMISSIONS, conducting.submitted),
            **dict.fromkeys(incidents.SUBMISSIONS, leading.submitted),
            **dict.fromkeys(incident_words.SUBMISSIONS, telling.submitted),
        },
        any_view=stale.view,
        shortcuts={
            promotions.SHORTCUT: promoting.shortcut,
            locks.SHORTCUT: locking.shortcut,
            **dict.fromkeys(incident_words.SHORTCUTS, telling.shortcut),
        },
        any_shortcut=stale.shortcut,
        options={
            promotions.TARGETS: promoting.targets,
            locks.SCOPES: locking.scopes,
            incident_words.SERVICES: telling.services,
            mapping.SERVICE: mapped.services,
        },
        any_options=stale.options,
        events={
            "app_home_opened": home.opened,
            "app_uninstalled": events.revoked,
            "member_joined_channel": events.kept,
            "reaction_added": events.kept,
            "tokens_revoked": events.revoked,
        },
    )


def build(bot: Bot, renderer: Renderer) -> AsyncApp:
    """The Bolt app with all its listeners; nobody is called, neither now nor before the first request.

    ``process_before_response`` is right for listeners that only store and acknowledge: without it Bolt looks for the
    acknowledgement every ten milliseconds.
    """

    async def authorize(context: AsyncBoltContext) -> AuthorizeResult:
        """What Bolt wants to know before each request: never a refusal, since the signature is checked already."""
        ourselves = await bot.ourselves.learn()
        return AuthorizeResult(
            enterprise_id=context.enterprise_id,
            team_id=context.team_id,
            bot_user_id=ourselves.user_id if ourselves else None,
            bot_id=ourselves.bot_id if ourselves else None,
        )

    app = AsyncApp(
        name="shipmate",
        logger=_quiet_logger(),
        client=AsyncWebClient(base_url=bot.settings.slack_api_url, retry_handlers=[]),
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    _register(app, bot, listeners(bot, Answering(bot, renderer)))
    return app


def _register(app: AsyncApp, bot: Bot, heard: Listeners) -> None:
    app.middleware(EventDoor(bot, frozenset(heard.events)).store)
    for command, listener in heard.commands.items():
        app.command(command)(listener)
    for action, listener in heard.actions.items():
        app.action(action)(listener)
    for callback, listener in heard.views.items():
        app.view(callback)(listener)
    for callback, listener in heard.shortcuts.items():
        app.shortcut(callback)(listener)
    for action, listener in heard.options.items():
        app.options(action)(listener)
    for event, listener in heard.events.items():
        app.event(event)(listener)
    app.command(_ANYTHING)(heard.any_command)
    app.action(_ANYTHING)(heard.any_action)
    app.view(_ANYTHING)(heard.any_view)
    app.shortcut(_ANYTHING)(heard.any_shortcut)
    app.options(_ANYTHING)(heard.any_options)


def _quiet_logger() -> logging.Logger:
    """Bolt copies this level to all its loggers: below it, some write the bodies of requests."""
    logger = logging.getLogger("shipmate.bolt")
    logger.setLevel(logging.ERROR)
    return logger


class SlackDoor:
    """Both ways in: the HTTP route, and Socket Mode where an app token is set."""

    def __init__(self, bot: Bot, app: AsyncApp) -> None:
        self._app = app
        secret, token = bot.settings.slack_signing_secret, bot.settings.slack_app_token
        self._signing_secret = secret.get_secret_value() if secret else None
        self._socket_mode = (
            SocketMode(app, app_token=token.get_secret_value(), api_url=bot.settings.slack_api_url) if token else None
        )

    def add_routes(self, web_app: web.Application) -> None:
        """Open ``POST /slack/events``."""
        door.add_routes(web_app, self._app, self._signing_secret)

    async def start(self) -> None:
        """Begin to connect by Socket Mode, if that is wanted."""
        if self._socket_mode is not None:
            await self._socket_mode.start()

    async def stop(self) -> None:
        """Take nothing more by Socket Mode."""
        if self._socket_mode is not None:
            await self._socket_mode.stop()


def open_door(bot: Bot, renderer: Renderer) -> SlackDoor:
    """The whole door of one bot, for the process that serves it."""
    return SlackDoor(bot, build(bot, renderer))
