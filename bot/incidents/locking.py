"""The locks of an incident: what it is about waits until it is over, and a person's unlocking stands."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from bot.deploys.loading import Desk
from bot.incidents.models import Incident, IncidentService
from bot.locks import service as locks

MOST_LOCKED = 10
"""Services that one incident locks, those that joined first: a storm that names every service stops not every team."""

LONGEST_REASON = 500


def cause_of(incident: Incident) -> str:
    """The cause that its locks name."""
    return f"incident:{incident.id}"


def reason_of(incident: Incident) -> str:
    """The reason that its locks give."""
    return f"incident: {incident.title}"[:LONGEST_REASON]


def lock(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """Lock what a real incident is about until it is resolved; a person's unlocking stands."""
    rows = session.exec(
        select(IncidentService)
        .where(IncidentService.incident == incident.id)
        .order_by(col(IncidentService.id))
        .limit(MOST_LOCKED)
    ).all()
    cause, reason = cause_of(incident), reason_of(incident)
    for row in sorted(rows, key=lambda one: (one.service, one.environment)):  # as everybody locks targets: sorted
        if not row.locked:
            row.locked = locks.set_by_itself(session, desk.catalog, cause, row.service, row.environment, reason, now)
    session.flush()
    locks.name_room(session, desk.catalog, cause, incident.room, now)
