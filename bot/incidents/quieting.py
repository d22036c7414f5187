"""When nothing of an incident fires any more, and when it does again: it is for people to end one that was real."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from bot import audit, work
from bot.alerts.models import Alert
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.incidents import finding, joining, telling, timeline
from bot.incidents.models import Incident
from bot.incidents.states import EntryKind, State
from bot.incidents.telling import Said

QUIET = "incident_quiet"
"""The kind of work that ends an incident that was only watched once it has been quiet for long; by its number."""


def alert_over(session: Session, desk: Desk, alert: Alert, now: datetime) -> None:
    """An alert is over: where none of its incident's fires any more, that is said; it is for people to resolve it."""
    incident = session.get(Incident, alert.incident) if alert.incident is not None else None
    if incident is None or alert.resolved_at is None:
        return
    _look_whether_quiet(session, desk, finding.going_on(session, incident), alert, f"{alert.name} is over", now)


def alert_moved(session: Session, desk: Desk, alert: Alert, now: datetime) -> None:
    """Somebody said that an alert is another service's: it leaves the incident that it was taken to belong to."""
    known = session.get(Incident, alert.incident) if alert.incident is not None else None
    if known is None or alert.service is None:
        return
    known = finding.going_on(session, known)
    owner = desk.catalog.service(alert.service)
    environment = joining.environment_of(owner, alert.environment)
    if environment is not None and joining.is_about(session, known, owner.name, environment):
        return
    alert.incident = None
    session.flush()
    _look_whether_quiet(session, desk, known, alert, f"{alert.name} is {owner.name}'s", now)


MOST_ENDS_ENTERED = 60
"""Lines of a timeline up to which the end of each alert is another; of a storm only the last one's is."""


def quiet_due(session: Session, desk: Desk, incident_id: int, now: datetime) -> None:
    """One that was only watched has been quiet for long: it ends by itself, since nobody was asked to see to it."""
    incident = session.get(Incident, incident_id)
    if incident is None or not incident.watched or incident.state != State.OPEN or lasts(desk, incident, now):
        return
    incident.state, incident.resolved_at = State.RESOLVED.value, incident.quiet_at
    audit.record(session, Tag.INCIDENT_MOVED, f"incident:{incident.id}", now, to=State.RESOLVED.value)
    timeline.enter(
        session, incident.id or 0, EntryKind.ACT, f"over:{now.isoformat()}", "Ended by itself: nothing fires", now
    )
    session.flush()
    telling.show(session, desk, incident, now)


def lasts(desk: Desk, incident: Incident, now: datetime) -> bool:
    """Whether what fires now is still the same: nothing of it has been quiet for long."""
    return incident.quiet_at is None or now - incident.quiet_at < desk.catalog.incidents.reopens_within


def fires(session: Session, desk: Desk, incident: Incident, alert: Alert, now: datetime) -> None:
    """Something fires; where nothing did before, that is said."""
    if incident.quiet_at is None:
        return
    quiet, incident.quiet_at = incident.quiet_at, None
    incident.mitigated_at = None  # also where a rollback was believed to have ended it
    key = quiet.isoformat()
    timeline.enter(session, incident.id or 0, EntryKind.ALERT, f"again:{key}", f"{alert.name} fires again", now)
    telling.say(session, desk, incident, Said.FIRES_AGAIN, key, now, alert=alert.id)
    session.flush()
    telling.show(session, desk, incident, now)


# --- inside -------------------------------------------------------------------------------------------------------


def _look_whether_quiet(
    session: Session, desk: Desk, incident: Incident, alert: Alert, words: str, now: datetime
) -> None:
    """Where none of an incident's alerts fires any more since this one does not, that is said."""
    if incident.quiet_at is not None:
        return
    own = _own(session, incident)
    if session.exec(select(Alert.id).where(own, col(Alert.resolved_at).is_(None)).limit(1)).first() is not None:
        if alert.resolved_at is not None and timeline.count(session, incident.id or 0) < MOST_ENDS_ENTERED:
            key, at = f"over:{alert.id}:{alert.resolved_at.isoformat()}", alert.resolved_at
            timeline.enter(session, incident.id or 0, EntryKind.ALERT, key, words, at)
        return
    # Not when the one that we heard of last was over: they are told of in any order.
    over = session.exec(select(func.max(Alert.resolved_at)).where(own)).one() or alert.resolved_at or now
    incident.quiet_at = over
    incident.mitigated_at = incident.mitigated_at or over
    if incident.state != State.OPEN:  # people had resolved it while it fired
        telling.show(session, desk, incident, now)
        return
    if incident.watched:
        work.schedule(session, QUIET, incident.id or 0, over + desk.catalog.incidents.reopens_within)
    key = over.isoformat()
    timeline.enter(session, incident.id or 0, EntryKind.ALERT, f"quiet:{key}", f"{words}; nothing fires", over)
    telling.say(session, desk, incident, Said.QUIET, key, now, alert=alert.id)
    session.flush()
    telling.show(session, desk, incident, now)


def _own(session: Session, incident: Incident) -> ColumnElement[bool]:
    """Which alerts are an incident's, or of those that were merged into it."""
    return col(Alert.incident).in_([incident.id, *(one.id for one in finding.merged_into(session, incident))])
