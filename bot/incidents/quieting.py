"""When nothing of an incident fires any more, and when it does again: it is for people to end one that was real.

Its rows and its cards have the truth at once; aloud it is said that it is quiet only once it has stayed so (``HOLD``),
and of alerts that come and go, once that they do (``FLAPS``), until nothing of it has fired for ``CALM``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from bot import audit, outbox, work
from bot.alerts.models import Alert
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.incidents import finding, joining, telling, timeline, unasking
from bot.incidents.models import Entry, Incident
from bot.incidents.states import EntryKind, State
from bot.incidents.telling import SAID, Said
from bot.outbox import Note

QUIET = "incident_quiet"
"""The kind of work that ends an incident that was only watched once it has been quiet for long; by its number."""

SETTLES = "incident_settles"
"""The kind of work that says that nothing of an incident fires any more, where that is so still; by its number."""

KINDS = (QUIET, SETTLES)

HOLD = timedelta(minutes=1)
"""How long nothing must have fired before that is said aloud."""

CALM = timedelta(minutes=10)
"""The same of what comes and goes: longer than Alertmanager waits between two words of one group (5 min)."""

LATELY = timedelta(minutes=30)
"""How far back it is counted how often something has fired again."""

FLAPS = 3
"""So often something fires again ``LATELY``, and it is said that it comes and goes, and no more each time."""

_AGAIN = "again:"
"""How the key begins of a line that says that something fires again."""


def alert_over(session: Session, desk: Desk, alert: Alert, now: datetime) -> None:
    """An alert is over: where none of its incident's fires any more, that is said; it is for people to resolve it."""
    incident = session.get(Incident, alert.incident) if alert.incident is not None else None
    if incident is None or alert.resolved_at is None:
        return
    _look_whether_quiet(session, desk, finding.going_on(session, incident), alert, f"{alert.name} is over", now)


def alert_moved(session: Session, desk: Desk, alert: Alert, now: datetime) -> None:
    """Somebody said that an alert is another service's, or nobody's: it leaves the incident that it was taken to be of.

    That is said there. Where nothing else of the incident fires, it is for people to end it.
    """
    known = session.get(Incident, alert.incident) if alert.incident is not None else None
    if known is None:
        return
    known = finding.going_on(session, known)
    owner = desk.catalog.service(alert.service) if alert.service is not None else None
    environment = joining.environment_of(owner, alert.environment) if owner is not None else None
    if owner is not None and environment is not None and joining.is_about(session, known, owner.name, environment):
        return
    alert.incident = None
    session.flush()
    whose = f"{owner.name}'s" if owner is not None else "nobody's"
    if not joining.has_named(session, known, alert.name):  # said once of all that are called so, and shown then
        if known.state == State.OPEN:
            key = f"{alert.id}:{now.isoformat()}"
            telling.say(session, desk, known, Said.LEFT, key, now, alert=alert.id, why=whose)
        telling.show(session, desk, known, now)
    _look_whether_quiet(session, desk, known, alert, f"{alert.name} is {whose}", now)


MOST_ENDS_ENTERED = 60
"""Lines of a timeline up to which the end of each alert is another; of a storm only the last one's is."""


def due(session: Session, desk: Desk, kind: str, incident_id: int, now: datetime) -> None:
    """A time that was kept for an incident that is quiet has come."""
    incident = session.get(Incident, incident_id)
    if incident is None or incident.state != State.OPEN or incident.quiet_at is None:
        return
    if kind == SETTLES:
        _settled(session, desk, incident, incident.quiet_at, now)
    elif incident.watched and not lasts(desk, incident, now):
        _over(session, desk, incident, now)


def lasts(desk: Desk, incident: Incident, now: datetime) -> bool:
    """Whether what fires now is still the same: nothing of it has been quiet for long."""
    return incident.quiet_at is None or now - incident.quiet_at < desk.catalog.incidents.reopens_within


def fires(session: Session, desk: Desk, incident: Incident, alert: Alert, now: datetime) -> None:
    """Something fires; where it was said that nothing does, that is said, and once where it comes and goes."""
    if incident.quiet_at is None:
        return
    quiet, incident.quiet_at = incident.quiet_at, None
    incident.mitigated_at = None  # also where a rollback was believed to have ended it
    session.flush()
    work.cancel(session, SETTLES, incident.id or 0)
    flaps = _flaps(session, incident)
    if not flaps:
        _fires_again(session, desk, incident, alert, quiet, now)
    telling.show(session, desk, incident, now, urgent=not flaps)


# --- inside -------------------------------------------------------------------------------------------------------


def _fires_again(
    session: Session, desk: Desk, incident: Incident, alert: Alert, quiet: datetime, now: datetime
) -> None:
    number, key = incident.id or 0, quiet.isoformat()
    timeline.enter(session, number, EntryKind.ALERT, f"{_AGAIN}{key}", f"{alert.name} fires again", now)
    times = _times(session, incident, now)
    if times >= FLAPS:
        telling.say(
            session, desk, incident, Said.FLAPS, str(_said_quiet(session, incident)), now, alert=alert.id, times=times
        )
        words = f"{alert.name} comes and goes: it fired again {times} times within {_minutes(LATELY)} min"
        timeline.enter(session, number, EntryKind.ALERT, f"flaps:{key}", words, now)
    elif outbox.noted(session, f"{_prefix(incident, Said.QUIET)}{key}"):
        telling.say(session, desk, incident, Said.FIRES_AGAIN, key, now, alert=alert.id)


def _look_whether_quiet(
    session: Session, desk: Desk, incident: Incident, alert: Alert, words: str, now: datetime
) -> None:
    """Where none of an incident's alerts fires any more since this one does not, its rows say so, and soon we do."""
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
    number, flaps = incident.id or 0, _flaps(session, incident)
    if incident.watched:
        work.schedule(session, QUIET, number, over + desk.catalog.incidents.reopens_within)
    if not flaps:
        timeline.enter(session, number, EntryKind.ALERT, _quiet_key(over), f"{words}; nothing fires", over)
    restless = flaps or _times(session, incident, now) >= FLAPS - 1
    work.schedule(session, SETTLES, number, min(over, now) + (CALM if restless else HOLD))
    session.flush()
    telling.show(session, desk, incident, now, urgent=not flaps)


def _settled(session: Session, desk: Desk, incident: Incident, quiet: datetime, now: datetime) -> None:
    """Nothing has fired for long enough: that is said."""
    timeline.enter(session, incident.id or 0, EntryKind.ALERT, _quiet_key(quiet), "Nothing fires any more", quiet)
    telling.say(session, desk, incident, Said.QUIET, quiet.isoformat(), now)
    telling.show(session, desk, incident, now)


def _over(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """One that was only watched has been quiet for long: it ends by itself, since nobody was asked to see to it."""
    incident.state, incident.resolved_at = State.RESOLVED.value, incident.quiet_at
    audit.record(session, Tag.INCIDENT_MOVED, f"incident:{incident.id}", now, to=State.RESOLVED.value)
    timeline.enter(
        session, incident.id or 0, EntryKind.ACT, f"over:{now.isoformat()}", "Ended by itself: nothing fires", now
    )
    unasking.unask(session, incident, now)
    telling.show(session, desk, incident, now)


def _flaps(session: Session, incident: Incident) -> bool:
    """Whether it was said that it comes and goes, and nothing since then that it stayed quiet."""
    return outbox.noted(session, f"{_prefix(incident, Said.FLAPS)}{_said_quiet(session, incident)}")


def _said_quiet(session: Session, incident: Incident) -> int:
    """Which of what was said of an incident said last that it is quiet; 0: nothing yet."""
    begins = _prefix(incident, Said.QUIET)
    said = select(func.max(Note.id)).where(col(Note.key) >= begins, col(Note.key) < f"{begins[:-1]};")
    return session.exec(said).one() or 0


def _times(session: Session, incident: Incident, now: datetime) -> int:
    """How often something of it has fired again lately."""
    again = select(func.count()).where(
        Entry.incident == incident.id, col(Entry.key).startswith(_AGAIN), Entry.at > now - LATELY
    )
    times: int = session.exec(again).one()
    return times


def _prefix(incident: Incident, said: Said) -> str:
    """How the keys begin of all that was said of this (``telling.say``)."""
    return f"{SAID}:{incident.id}:{said.value}:"


def _quiet_key(quiet: datetime) -> str:
    return f"quiet:{quiet.isoformat()}"


def _minutes(span: timedelta) -> int:
    return span // timedelta(minutes=1)


def _own(session: Session, incident: Incident) -> ColumnElement[bool]:
    """Which alerts are an incident's, or of those that were merged into it."""
    return col(Alert.incident).in_([incident.id, *(one.id for one in finding.merged_into(session, incident))])
