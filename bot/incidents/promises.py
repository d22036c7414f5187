"""When the next word on an incident is promised, and the reminder that is due when it does not come.

What was said is known by the promise and how often it was repeated: a process that was not there says the latest
reminder once, and none twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from bot import work
from bot.deploys.loading import Desk
from bot.incidents import telling
from bot.incidents.models import Incident
from bot.incidents.states import SEVERITIES, USUAL_SEVERITY, State
from bot.incidents.telling import INCIDENT, Said

AGAIN = timedelta(minutes=10)
"""How long after a reminder the next one comes (a deputy calls the time every ten minutes)."""

MOST = 6
"""Reminders of one promise: whoever did not hear that many hears no more."""


def every(desk: Desk, incident: Incident) -> timedelta:
    """How often people are to be told how it stands: as the catalogue says, else as the severity does."""
    severity = SEVERITIES.get(incident.severity, SEVERITIES[USUAL_SEVERITY])
    return desk.catalog.incidents.update_every or severity.update_every


def promise(session: Session, desk: Desk, incident: Incident, now: datetime, at: datetime | None = None) -> None:
    """The next word comes ``at`` this instant; where none is said, when the severity calls for it."""
    incident.next_update_at, incident.nagged_at = at or now + every(desk, incident), None
    session.add(incident)
    session.flush()
    work.schedule(session, INCIDENT, incident.id or 0, incident.next_update_at)


def withdraw(session: Session, incident: Incident) -> None:
    """Nothing is promised any more: the incident is over."""
    incident.next_update_at = incident.nagged_at = None
    session.add(incident)
    session.flush()
    work.cancel(session, INCIDENT, incident.id or 0)


def severity_changed(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """It is worse or better than it was said to be: worse brings the next word nearer, a promise is never put off."""
    soonest = now + every(desk, incident)
    if incident.next_update_at is None or soonest < incident.next_update_at:
        promise(session, desk, incident, now, soonest)


def due(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """The time that was promised may have passed: whoever leads is reminded, again and again for an hour."""
    promised = incident.next_update_at
    if incident.state != State.OPEN.value or promised is None:
        return
    if now < promised:
        work.schedule(session, INCIDENT, incident.id or 0, promised)
        return
    times = int((now - promised) / AGAIN)
    if times < MOST:
        telling.say(
            session, desk, incident, Said.UPDATE_DUE, f"{int(promised.timestamp())}:{times}", now,
            at=promised.isoformat(), who=incident.lead,
        )  # fmt: skip
        incident.nagged_at = now
        session.add(incident)
        session.flush()
        telling.show(session, desk, incident, now, urgent=False)
    if times + 1 < MOST:
        work.schedule(session, INCIDENT, incident.id or 0, promised + (times + 1) * AGAIN)
