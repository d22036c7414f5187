"""Two incidents turn out to be one: everything of the one goes on in the other, and its card says where.

Its services are locked by the other before its own locks are lifted, so that nothing slips through between. What may
have caused it is looked at anew by the alerts of both, with what people said of each change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from bot import audit
from bot.alerts.models import Alert
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import IncidentActed
from bot.incidents import (
    attributing,
    finding,
    locking,
    naming,
    pages,
    paging,
    promises,
    resolving,
    roles,
    rooms,
    sending,
    telling,
    timeline,
    unasking,
)
from bot.incidents.models import Incident, IncidentService, Likely, Opinion, RoomPerson, StatusUpdate, Task
from bot.incidents.states import WAITING, EntryKind, PageState, State
from bot.incidents.telling import Said
from bot.locks import service as locks

MOST_MOVED = 30
"""People of its room who are let into the other's."""


def merge(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """This incident goes on as another one; returns what the person is told. UserError where it cannot.

    Where the other is only watched and this one is real, it is the other that goes on as this one.
    """
    into = _other(session, incident, event)
    if into.watched and not incident.watched:  # what is real goes on: whoever is called, its room, its locks, its lead
        incident, into = into, incident
    _move_rows(session, incident, into)
    _move_services(session, desk, incident, into, now)
    _move_pages(session, incident, into, now)
    for role in roles.ROLES.values():  # nobody else takes over unasked
        setattr(into, role, getattr(into, role) or getattr(incident, role))
    timeline.moved(session, incident, into)
    into.severity = min(into.severity, incident.severity)
    into.onset_at = min(into.onset_at, incident.onset_at)
    if resolving.fires(session, into):
        into.quiet_at = into.mitigated_at = None
    else:
        into.quiet_at = _later(into.quiet_at, incident.quiet_at)
        into.mitigated_at = _later(into.mitigated_at, incident.mitigated_at)
    incident.state, incident.merged_into = State.MERGED.value, into.id
    promises.withdraw(session, incident)
    session.add_all([incident, into])
    session.flush()
    number, other = incident.id or 0, into.id or 0
    went = f"It goes on as {naming.called(into)}"
    timeline.enter(session, number, EntryKind.ACT, f"merged:{other}", went, now, who=event.called)
    joined = f"{naming.capital(naming.called(incident))} is the same and goes on as this one"
    timeline.enter(session, other, EntryKind.ACT, f"joined:{number}", joined, now, who=event.called)
    audit.record(
        session, Tag.INCIDENT_MOVED, f"incident:{number}", now, who=f"slack:{event.slack_id}",
        to=State.MERGED.value, into=other,
    )  # fmt: skip
    _look_again(session, desk, incident, into, now)
    unasking.unask(session, incident, now)
    telling.say(session, desk, incident, Said.MERGED, f"into:{other}", now, into=other, called=event.called)
    telling.say(session, desk, into, Said.MERGED, f"from:{number}", now, from_=number, called=event.called)
    if not into.watched:
        people = session.exec(select(RoomPerson.slack_id).where(RoomPerson.incident == number)).all()
        rooms.let_in(session, desk, into, [*people[:MOST_MOVED], incident.lead, incident.communications], now)
    for one in (incident, into):
        rooms.head_changed(session, one, now)
        telling.show(session, desk, one, now)
    rooms.close_later(session, desk, incident, now)
    return f"{naming.capital(naming.called(incident))} goes on as {naming.called(into)}{resolving.where(into)}."


def _look_again(session: Session, desk: Desk, incident: Incident, into: Incident, now: datetime) -> None:
    """What may have caused the other is looked at by the alerts of both; what people said of a change goes with it.

    Whoever was woken for either is not woken anew; nobody else is, while anybody was.
    """
    session.flush()
    there = {(row.kind, row.subject): row for row in _likely_of(session, into)}
    for row in _likely_of(session, incident):
        same = there.get((row.kind, row.subject))
        if same is None:
            row.incident, row.rank = into.id or 0, 0
        else:
            _move_opinions(session, row, same)
    session.flush()
    attributing.attribute(session, desk, into, now, wakes=not pages.woken(session, into))


def _likely_of(session: Session, incident: Incident) -> Sequence[Likely]:
    return session.exec(select(Likely).where(Likely.incident == incident.id).order_by(col(Likely.id))).all()


def _move_opinions(session: Session, row: Likely, same: Likely) -> None:
    """What people said of a change is said of the same one there; of one person what they said last counts."""
    said = {one.slack_id: one for one in session.exec(select(Opinion).where(Opinion.likely == same.id)).all()}
    for one in session.exec(select(Opinion).where(Opinion.likely == row.id)).all():
        other = said.get(one.slack_id)
        if other is None:
            one.likely = same.id or 0
        elif one.at > other.at:
            other.right, other.at = one.right, one.at
    session.flush()


def _other(session: Session, incident: Incident, event: IncidentActed) -> Incident:
    if event.into is None:
        raise UserError(f"As which incident does {naming.called(incident)} go on? {finding.open_words(session)}")
    into = finding.hold(session, event.into)
    if into is None:
        raise UserError(f"I know no incident {event.into}. {finding.open_words(session)}")
    if into.id == incident.id:
        raise UserError("An incident cannot go on as itself: choose another one. " + finding.open_words(session))
    on = finding.going_on(session, into)
    if on.id == incident.id:
        raise UserError(f"{naming.capital(naming.called(into))} goes on as this one already.")
    if into.state == State.MERGED.value:
        raise UserError(f"{naming.capital(naming.called(into))} goes on as {naming.called(on)}: choose that one.")
    if into.state != State.OPEN.value:
        raise UserError(
            f"{naming.capital(naming.called(into))} is resolved. Reopen it first, or resolve this one as well."
        )
    return into


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two instants, as far as they are known: what was two is over when both are."""
    return max(one, other) if one is not None and other is not None else one or other


def _move_rows(session: Session, incident: Incident, into: Incident) -> None:
    session.flush()
    from_, other = incident.id, into.id
    for table in (Alert, Task, StatusUpdate):  # at once: a storm has thousands of alerts
        rows = col(table.incident)
        session.connection().execute(update(table).where(rows == from_).values(incident=other))
    session.expire_all()


def _move_services(session: Session, desk: Desk, incident: Incident, into: Incident, now: datetime) -> None:
    """The other is about these services too, and holds the locks that this one held."""
    there = {(row.service, row.environment): row for row in finding.services_of(session, into)}
    cause = locking.cause_of(incident)
    holding = [lock for lock in locks.standing(session) if lock.cause == cause and lock.lifted_at is None]
    standing = {lock.scope.casefold() for lock in holding}
    for row in finding.services_of(session, incident):
        pair = (row.service, row.environment)
        other = there.get(pair)
        if other is None:
            other = IncidentService(incident=into.id or 0, service=row.service, environment=row.environment)
        if f"{row.service}/{row.environment}".casefold() in standing:  # and nobody has unlocked it
            its, reason = locking.cause_of(into), locking.reason_of(into)
            made = locks.set_by_itself(session, desk.catalog, its, row.service, row.environment, reason, now)
            other.locked = other.locked or made
        row.locked = False
        session.add_all([row, other])
        session.flush()
    locks.name_room(session, desk.catalog, locking.cause_of(into), into.room, now)
    locks.lift_cause(session, desk.catalog, cause, now)


def _move_pages(session: Session, incident: Incident, into: Incident, now: datetime) -> None:
    """Whoever was woken for the one was woken for the other: nobody is woken again for what turned out to be one.

    Where somebody was woken for the other as well, those of this one need not answer any more; else they still must,
    and so they must while a phone rings for this one, and for the other nobody is on it or is called by one.
    """
    there = {page.who for page in finding.pages_of(session, into) if page.state != PageState.SHADOW.value}
    if there and (not _rings(session, incident) or _rings(session, into) or pages.answered(session, into)):
        paging.over(session, incident, now)
    elif into.pager_incident is None:
        into.pager_incident, into.pager_url = incident.pager_incident, incident.pager_url
        into.pager_ours = incident.pager_ours
    there |= {page.who for page in finding.pages_of(session, into)}
    for page in finding.pages_of(session, incident):
        if page.state == PageState.SHADOW.value and not into.watched:
            session.delete(page)  # nobody was or will be woken by it
        elif page.who not in there:
            page.incident = into.id or 0
            session.add(page)
    session.flush()


def _rings(session: Session, incident: Incident) -> bool:
    """Whether somebody is called by the pager for an incident, and has not answered."""
    return pages.not_ours(incident) or any(
        page.state in WAITING and page.way in sending.CALLS for page in finding.pages_of(session, incident)
    )
