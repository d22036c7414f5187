"""App Home: what waits for somebody, made anew when they open it and after what they did themselves.

Publishing is no promise: a Home that cannot be published now is published when it is opened again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.answers.home import home
from bot.app import Bot
from bot.database import DatabaseUnavailable
from bot.errors import OutgoingError
from bot.rendering import Renderer
from handlers import passes
from handlers.slack import meeting
from handlers.slack.asking import Asker, asker_of

log = structlog.get_logger(__name__)

MOST_KEPT = 5000
"""People whose Home is made anew after their own acts: those who opened it since this process began."""


DASHBOARD = "home:dashboard"
"""The button that opens the dashboard: Slack tells of the press, and the browser goes there by itself."""


@dataclass
class HomeDoor:
    """Publishes people's Homes."""

    bot: Bot
    renderer: Renderer
    _openers: set[str] = field(default_factory=set)

    async def opened(self, event: dict[str, Any]) -> None:
        """Somebody looks at the app: their Home is published in a task of its own."""
        who = event.get("user")
        if event.get("tab") == "home" and isinstance(who, str) and who:
            if len(self._openers) < MOST_KEPT:
                self._openers.add(who)
            self._soon(who, meet=True)

    async def followed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Somebody went to the dashboard: that link is used, and their Home gets another one."""
        await ack()
        self._soon(asker_of(body).slack_id)

    async def acted(self, asker: Asker) -> None:
        """Somebody did something: their Home shows it, if they ever look at it."""
        if asker.slack_id in self._openers:
            self._soon(asker.slack_id)

    def _soon(self, who: str, *, meet: bool = False) -> None:
        self.bot.track(asyncio.get_running_loop().create_task(self._publish(who, meet=meet)))

    async def _publish(self, who: str, *, meet: bool) -> None:
        try:
            if meet:
                await meeting.meet(self.bot, who)
            view = await self.bot.read(lambda session, desk: home(session, desk, who))
            if view.full:
                link = passes.dashboard_link(self.bot.settings, who, self.bot.clock())
                view = replace(view, dashboard=link)
            await self.bot.chat.publish_home(who, self.renderer.home("home/home", view))
        except (OutgoingError, DatabaseUnavailable) as fault:
            log.warning("somebody's Home could not be published", error=str(fault))
        except Exception:
            log.exception("somebody's Home could not be made")
