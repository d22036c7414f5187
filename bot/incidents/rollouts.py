"""What runs, and what goes out, says that an incident is open about its service: on whatever card shows that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from bot.alerts.models import Alert
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.deploys.views import OpenIncident
from bot.incidents import finding, statements
from bot.incidents.models import Incident, IncidentService
from bot.incidents.states import State
from bot.locks import service as locks
from bot.promotions import service as promotions
from bot.promotions import telling

CAUSE = "incident:"
"""How the cause begins of a lock that an incident set; its number follows."""

MOST_TARGETS = 10
"""Services of one incident whose cards say so, those that joined first: a storm edits not everybody's."""


def open_about(session: Session, service: str, environment: str) -> tuple[OpenIncident, ...]:
    """The incidents that are open about a service where it runs, but for those that are only watched."""
    of = {"of_service": service.lower(), "of_environment": environment.lower()}
    rows = session.exec(statements.OPEN_ABOUT, params=of).all()
    held = held_by_incidents(session) if rows else frozenset()
    return tuple(
        OpenIncident(
            number=incident.id or 0,
            title=incident.title,
            room=incident.room,
            locked=row.locked and place_of(row) in held,
        )
        for incident, row in rows
    )


def open_of(session: Session, alert: Alert | None) -> OpenIncident | None:
    """The open incident that an alert belongs to, but for one that is only watched."""
    found = session.get(Incident, alert.incident) if alert is not None and alert.incident is not None else None
    found = finding.going_on(session, found) if found is not None else None
    if found is None or found.state != State.OPEN or found.watched:
        return None
    return OpenIncident(number=found.id or 0, title=found.title, room=found.room, locked=False)


def held_by_incidents(session: Session) -> frozenset[str]:
    """Where incidents' locks hold now (``place_of``): not where a person has lifted them since."""
    standing = [lock for lock in locks.standing(session) if lock.cause.startswith(CAUSE) and lock.lifted_at is None]
    return frozenset(lock.scope.casefold() for lock in standing)


def place_of(row: IncidentService) -> str:
    """Where an incident is about a service, as its lock names that."""
    return f"{row.service}/{row.environment}".casefold()


def show(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """An incident began, ended or moved: the cards of what runs there, and of what last went there, show it."""
    rows = session.exec(
        select(IncidentService)
        .where(IncidentService.incident == incident.id)
        .order_by(col(IncidentService.id))
        .limit(MOST_TARGETS)
    ).all()
    for row in rows:
        for target in _targets(session, row):
            deploys.show_latest(session, target.id or 0)
            live = session.get(Deploy, target.live) if target.live is not None else None
            promotion = promotions.owner_of(session, live) if live is not None else None
            if promotion is not None:
                telling.show(session, desk, promotion, now)


def _targets(session: Session, row: IncidentService) -> Sequence[Target]:
    return session.exec(
        select(Target).where(
            func.lower(Target.service) == row.service.lower(), func.lower(Target.environment) == row.environment.lower()
        )
    ).all()
