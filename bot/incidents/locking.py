"""The locks of an incident: what it is about waits until it is over, and a person's unlocking stands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot.catalog import PagingMode
from bot.deploys.loading import Desk
from bot.incidents import rollouts
from bot.incidents.models import Incident, IncidentService
from bot.locks import service as locks
from bot.locks.models import Lock

MOST_LOCKED = 10
"""Services that one incident locks, those that joined first: a storm that names every service stops not every team."""

LONGEST_REASON = 500


def cause_of(incident: Incident) -> str:
    """The cause that its locks name."""
    return f"{rollouts.CAUSE}{incident.id}"


def incident_of(cause: str) -> int | None:
    """The number of the incident that set a lock of this cause, None where none did."""
    number = cause.removeprefix(rollouts.CAUSE)
    return int(number) if cause.startswith(rollouts.CAUSE) and number.isdecimal() else None


def reason_of(incident: Incident) -> str:
    """The reason that its locks give."""
    return f"incident: {incident.title}"[:LONGEST_REASON]


def lock(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """Lock what a real incident is about until it is resolved; a person's unlocking stands.

    Not what is only watched, and joined what is about others.
    """
    rows = session.exec(
        select(IncidentService)
        .where(IncidentService.incident == incident.id)
        .order_by(col(IncidentService.id))
        .limit(MOST_LOCKED)
    ).all()
    cause, reason, held = cause_of(incident), reason_of(incident), held_ever(session, incident)
    for row in sorted(rows, key=lambda one: (one.service, one.environment)):  # as everybody locks targets: sorted
        if not row.locked and not joined_watched(desk, incident, row, rows, held):
            row.locked = locks.set_by_itself(session, desk.catalog, cause, row.service, row.environment, reason, now)
    session.flush()
    rollouts.show(session, desk, incident, now)
    locks.name_room(session, desk.catalog, cause, incident.room, now)


def held_ever(session: Session, incident: Incident) -> frozenset[str]:
    """Where an incident has ever set a lock (``rollouts.place_of``)."""
    scopes = session.exec(select(Lock.scope).where(Lock.cause == cause_of(incident))).all()
    return frozenset(scope.casefold() for scope in scopes)


def joined_watched(
    desk: Desk, incident: Incident, row: IncidentService, among: Sequence[IncidentService], held: Collection[str]
) -> bool:
    """Whether a service wakes nobody by the catalogue, and only joined what is about others.

    What a person opened about it, or made real when it belonged to that (``held``), locks it all the same.
    """
    if incident.service is not None and incident.service.casefold() == row.service.casefold():
        return False
    if _wakes(desk, row):
        return False
    return any(_wakes(desk, one) for one in among) or (bool(held) and rollouts.place_of(row) not in held)


def _wakes(desk: Desk, row: IncidentService) -> bool:
    return desk.catalog.service(row.service).paging is PagingMode.PAGE
