"""What was asked aloud of an incident that is over by now: the question goes, and so do buttons that mean nothing more.

A note is said once, and edited for this alone; ``bot.outgoing.unasking`` does it. An edit notifies nobody.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from bot import outbox
from bot.incidents.models import Incident
from bot.incidents.telling import PERSON_SAID, SAID, Said
from bot.outbox import Lane, Note, SendState

UNASKED = "incident_unasked"
"""The kind of effect that shows a ``note`` again, as it reads once the incident is over."""

ASKING = frozenset(
    {
        Said.NO_ANSWER,
        Said.DECLINED,
        Said.NOT_MINE,
        Said.PAGE_FAILED,
        Said.EXHAUSTED,
        Said.CALLED_AGAIN,
        Said.LIKELY,
        Said.QUIET,
        Said.FIRES_AGAIN,
        Said.FLAPS,
        Said.UPDATE_DUE,
        Said.REOPENED,
    }
)
"""What has buttons while the incident goes on (``notes/incident_said``)."""

MOST = 30
"""Messages of one incident that are edited, the latest: nobody looks further up."""

LOOKED_AT = 300


def unask(session: Session, incident: Incident, now: datetime) -> None:
    """It is over: what was asked of it, in its room, its thread and of single people, asks nothing any more."""
    session.flush()
    said = [row for row in _said(session, f"{SAID}:{incident.id}:") if row.data.get("said") in ASKING]
    told = _said(session, f"{PERSON_SAID}:{incident.id}:")
    for note in (*said[:MOST], *told[:MOST]):
        key = f"{UNASKED}:{note.id}"
        if not outbox.add_effect(session, UNASKED, key, now, lane=Lane.FEED, note=note.id):
            outbox.rearm_effect(session, key)


def _said(session: Session, begins: str) -> list[Note]:
    """What was said, or is about to be, the latest first."""
    return list(
        session.exec(
            select(Note)
            .where(
                col(Note.key) >= begins,
                col(Note.key) < f"{begins[:-1]};",
                col(Note.state).in_((SendState.PENDING.value, SendState.DONE.value)),
            )
            .order_by(col(Note.id).desc())
            .limit(LOOKED_AT)
        ).all()
    )
