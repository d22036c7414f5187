"""The edits that take back what was asked of an incident that is over.

Why twice is harmless: an edit to what a message shows already changes nothing, and notifies nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from bot.database import Database
from bot.delivery import EffectKind, Showing
from bot.delivery.kinds import Settle
from bot.deploys.loading import Desk
from bot.errors import GiveUp, RetryLater, Unauthorised
from bot.incidents import telling, unasking
from bot.incidents.models import Incident
from bot.incidents.states import State
from bot.outbox import Note, SendState
from bot.outgoing import incidents
from bot.ports import Chat, Posted
from bot.rendering import Renderer

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Unasking:
    """Shows what was said of an incident as it reads once that is over."""

    database: Database
    chat: Chat
    clock: Callable[[], datetime]
    desk: Callable[[datetime], Desk]
    renderer: Renderer

    def effects(self) -> Mapping[str, EffectKind]:
        """The kinds of effects."""
        return {unasking.UNASKED: EffectKind(run=self.unask, postponed=_as_it_is, given_up=_as_it_is)}

    async def unask(self, data: Mapping[str, Any]) -> Settle:
        """Edit one message; RetryLater while it is on its way. One that is gone, or of what goes on, is let be."""
        number, desk = int(data["note"]), self.desk(self.clock())
        wanted = await self.database.read(lambda session: _wanted(session, desk, number))
        if wanted is None:
            return _nothing
        at, key, showing = wanted
        message = self.renderer.message(showing.template, showing.view, key=key, metadata=showing.metadata)
        try:
            await self.chat.update(at, message)
        except Unauthorised:
            raise
        except GiveUp as fault:
            log.info("a question could not be taken back", why=str(fault), note=number)
        return _nothing


def _wanted(session: Session, desk: Desk, number: int) -> tuple[Posted, str, Showing] | None:
    """Where a message stands, its key, and what it is to show; None where it is to stay as it is."""
    note = session.get(Note, number)
    incident = session.get(Incident, note.data["incident"]) if note is not None else None
    if note is None or incident is None or incident.state == State.OPEN.value:
        return None
    if note.state == SendState.PENDING.value:
        raise RetryLater("what was asked is on its way")
    if note.state != SendState.DONE.value or not note.channel or not note.ts:
        return None
    load = incidents.incident_note if note.kind == telling.SAID else incidents.person_note
    showing = load(session, desk, note, over=True)
    return (Posted(note.channel, note.ts), f"note:{note.id}", showing) if showing is not None else None


def _nothing(session: Session, now: datetime) -> None:
    """Nothing is to be written."""


def _as_it_is(session: Session, data: Mapping[str, Any], now: datetime) -> None:
    """What was said stays as it is."""
