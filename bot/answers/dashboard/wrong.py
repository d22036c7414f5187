"""What is wrong now: open incidents, and alerts that fire without one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from bot.alerts import service as alerts
from bot.alerts.models import Alert
from bot.answers.dashboard.scope import Scope
from bot.answers.dashboard.views import IncidentRow, LooseAlert
from bot.deploys.loading import Desk
from bot.incidents import loading
from bot.incidents.models import Incident, IncidentService
from bot.incidents.states import SEVERITIES, State

MOST = 8
"""Incidents that are told of at length."""

MOST_LOOSE = 8
MOST_FIRING = 500
"""Firing alerts that are looked at, the latest first."""

RoomUrl = Callable[[str], str]
"""The address at which a channel opens."""


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What is wrong: shown, and by service for the pipelines."""

    incidents: tuple[IncidentRow, ...]
    more: int
    loose: tuple[LooseAlert, ...]
    about: Mapping[str, Sequence[tuple[IncidentService, Incident]]]
    """Open incidents by service, case folded."""
    firing: Mapping[str, Sequence[Alert]]
    """Alerts by service, case folded."""


def wrong(session: Session, desk: Desk, scope: Scope, room_url: RoomUrl) -> Wrong:
    """All of it, the worst first; an incident of no service is shown only where nothing was asked for."""
    rows = session.exec(
        select(Incident)
        .where(Incident.state == State.OPEN.value)
        .order_by(col(Incident.watched), col(Incident.severity), col(Incident.id).desc())
    ).all()
    numbers = {one.id: one for one in rows}
    about: dict[str, list[tuple[IncidentService, Incident]]] = defaultdict(list)
    services: dict[int, set[str]] = defaultdict(set)
    if numbers:
        for part in session.exec(
            select(IncidentService)
            .where(col(IncidentService.incident).in_(sorted(number or 0 for number in numbers)))
            .order_by(col(IncidentService.id))
        ).all():
            about[part.service.casefold()].append((part, numbers[part.incident]))
            services[part.incident].add(part.service)
    here = [one for one in rows if _concerns(scope, one, services[one.id or 0])]
    fires: dict[str, list[Alert]] = defaultdict(list)
    every = alerts.firing_everywhere(session, MOST_FIRING)
    for alert in reversed(every):
        fires[(alert.service or "").casefold()].append(alert)
    loose = [one for one in every if one.incident not in numbers and scope.has(one.service)]
    return Wrong(
        incidents=tuple(_row(session, desk, one, room_url) for one in here[:MOST]),
        more=max(0, len(here) - MOST),
        loose=tuple(
            LooseAlert(alert=alerts.view(one), service=one.service, environment=one.environment)
            for one in loose[:MOST_LOOSE]
        ),
        about=about,
        firing=fires,
    )


def _concerns(scope: Scope, incident: Incident, services: set[str]) -> bool:
    named = services or ({incident.service} if incident.service is not None else set())
    return any(scope.has(one) for one in named) if named else scope.has(None)


def _row(session: Session, desk: Desk, incident: Incident, room_url: RoomUrl) -> IncidentRow:
    severity = SEVERITIES.get(incident.severity)
    return IncidentRow(
        line=loading.incident_line(session, desk, incident),
        severity_words=severity.meaning if severity is not None else "",
        room_url=room_url(incident.room) if incident.room is not None else None,
    )
