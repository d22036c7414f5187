"""Slack's own events: stored before they are acknowledged, once for each ``event_id``, however often they are sent.

Bolt acknowledges an event whatever happens in its listener, so the storing stands before all listeners: when it fails,
Slack gets a 500 and sends the event again. What must come of an event belongs into its translation, which the inbox
applies; a listener here only tells the log.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from bot.app import Bot
from bot.inbox import Accepted, Lane
from handlers.slack import acts
from handlers.slack.people import SOURCE

log = structlog.get_logger(__name__)

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class EventDoor:
    """Takes events in; ``known`` are those that a listener waits for."""

    bot: Bot
    known: frozenset[str]

    async def store(
        self, body: dict[str, Any], next_: Callable[[], Awaitable[BoltResponse | None]]
    ) -> BoltResponse | None:
        """Middleware of every request: an event goes on to its listener only when it is new."""
        if body.get("type") != "event_callback":
            return await next_()
        event_id, event = body.get("event_id"), body.get("event")
        if not isinstance(event_id, str) or _EVENT_ID.fullmatch(event_id) is None or not isinstance(event, dict):
            return BoltResponse(status=400, body={"error": "An event has an event_id and an event."})
        try:
            accepted = await self.bot.accept(
                source=SOURCE, delivery_id=event_id, headers={}, body=acts.event_body(body), lane=Lane.FEED
            )
        except Exception as fault:  # noqa: BLE001 - whatever it is, Slack must know that we have nothing
            log.error("an event was not stored", event_id=event_id, reason=f"{type(fault).__name__}: {fault}"[:200])
            return BoltResponse(status=500, body="")
        if accepted is Accepted.NEW and event.get("type") in self.known:
            return await next_()
        return BoltResponse(status=200, body="")


async def kept(event: dict[str, Any]) -> None:
    """What stands in it is done where it was stored: who comes into a room, and what is to stand on a timeline."""
    log.debug("an event was taken in", slack_event=event.get("type"))


async def revoked(event: dict[str, Any]) -> None:
    """The app was removed, or its token taken back: nothing reaches Slack until somebody installs it again."""
    log.error("Slack has taken our access away; install the app again", slack_event=event.get("type"))
