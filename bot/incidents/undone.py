"""What could not be done about a room, where nothing depends on it: said once, to whoever looks after Shipmate.

A topic, a pin or a link that Slack refuses holds nothing back, and whoever is woken can do nothing about it: so it is
said in the default channel and not in the room, and again only once it has worked in between.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select

from bot import outbox
from bot.deploys.loading import Desk
from bot.errors import GiveUp
from bot.incidents.models import Incident
from bot.incidents.telling import SAID, Said
from bot.outbox import Effect, Lane, SendState

OF_THE_CHANNEL = frozenset({"channel_not_found", "not_in_channel", "is_archived", "is_inactive"})
"""Of a channel that is gone: what cannot be said there says so by itself."""


def say(session: Session, desk: Desk, incident: Incident, kind: str, fault: GiveUp, now: datetime) -> None:
    """An effect of this kind about an incident's room could not be done; ``fault`` says why, and who can mend it."""
    if fault.code in OF_THE_CHANNEL:
        return
    worked = session.exec(
        select(func.max(Effect.id)).where(Effect.kind == kind, col(Effect.state) == SendState.DONE.value)
    ).one()
    outbox.add_note(
        session, SAID, f"incident_undone:{kind}:{fault.code}:{worked or 0}", desk.catalog.default_channel, now,
        lane=Lane.FEED, incident=incident.id, said=Said.UNDONE.value, what=kind, why=str(fault)[:500],
    )  # fmt: skip
