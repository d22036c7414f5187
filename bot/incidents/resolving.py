"""The end of an incident, and its beginning anew: what was locked is let go, what was learnt is written down.

Recovery is counted from the onset until the harm ended: when the likely change was taken out, or nothing fired any
more, whichever is known; else until somebody said that it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from bot import audit
from bot.alerts.models import Alert
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import IncidentActed
from bot.incidents import (
    finding,
    locking,
    naming,
    paging,
    promises,
    rollouts,
    rooms,
    tasks,
    telling,
    timeline,
    unasking,
)
from bot.incidents.models import Incident
from bot.incidents.postmortem import Postmortem, load
from bot.incidents.states import EntryKind, State
from bot.incidents.telling import Said
from bot.locks import service as locks
from bot.promotions.models import Promotion
from bot.promotions.models import State as Underway

LONGEST = 4000
LISTED = 3


def resolve(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """It is over; returns what the person is told. While alerts of it fire, they are asked how it was resolved first.

    ``likely`` says which change it was: its deploy counts as failed. None: not said; 0: none of them.
    """
    words, firing = (event.text or "").strip()[:LONGEST], fires(session, incident)
    if firing and not words:
        raise UserError(
            f"Nothing was done: {_still(firing)} of {naming.called(incident)} ({_firing_named(session, incident)}). "
            "To resolve it all the same, say how it was resolved."
        )
    cause = None
    if event.likely is not None:
        cause = 0 if event.likely == 0 else finding.likely_of(session, incident, event.likely).id
    incident.state, incident.resolved_at, incident.resolved_by = State.RESOLVED.value, now, event.slack_id
    incident.resolution, incident.cause = words or None, cause
    # While something fires nobody knows yet when the harm ends: what is told of its end then says so.
    incident.mitigated_at = _mitigated_at(session, incident) or incident.quiet_at or (None if firing else now)
    promises.withdraw(session, incident)
    lifted = _locked(session, incident)
    for row in finding.services_of(session, incident):
        row.locked = False
        session.add(row)
    session.flush()
    locks.lift_cause(session, desk.catalog, locking.cause_of(incident), now, waits=_waits)
    paging.over(session, incident, now)
    number, took = incident.id or 0, _took(session, incident, now)
    key, stamp = f"resolved:{now.isoformat()}", now.isoformat()
    text = (f"Resolved while {_still(firing)}" if firing else f"Resolved {took}") + (f": {words}" if words else "")
    timeline.enter(session, number, EntryKind.ACT, key, text, now, who=event.called)
    audit.record(
        session, Tag.INCIDENT_MOVED, f"incident:{number}", now, who=f"slack:{event.slack_id}",
        to=State.RESOLVED.value, cause=cause, why=incident.resolution,
    )  # fmt: skip
    telling.say(
        session, desk, incident, Said.RESOLVED, stamp, now, called=event.called, who=event.slack_id, lifted=lifted
    )
    left = _follow_ups(session, desk, incident, now)
    if incident.room is not None:
        rooms.want_document(session, incident, now)
    elif not incident.watched:
        telling.say(session, desk, incident, Said.NO_DOCUMENT, stamp, now)
    unasking.unask(session, incident, now)
    rooms.head_changed(session, incident, now)
    rooms.close_later(session, desk, incident, now)
    telling.show(session, desk, incident, now)
    still = f" {_still(firing)} of it." if firing else ""
    return f"Resolved: {naming.called(incident)}, {took}.{still}{left}"


def _waits(session: Session, targets: Sequence[int]) -> bool:
    """Whether anything is on its way to these targets, so that somebody is to say when it goes on."""
    under_way = (Underway.OPEN.value, Underway.STARTING.value)
    wanted = select(Promotion.id).where(col(Promotion.target).in_(targets), col(Promotion.state).in_(under_way))
    return session.exec(wanted.limit(1)).first() is not None


def reopen(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """It is not over after all; returns what the person is told. UserError where another one goes on already."""
    other = open_beside(session, incident)
    if other is not None:
        raise UserError(
            f"Nothing was done: {naming.called(other)} is open for the same service. Go on there{where(other)}, or "
            "resolve it first."
        )
    reopened(session, desk, incident, now, called=event.called)
    return f"Opened again: {naming.called(incident)}{where(incident)}.{_locked_words(session, incident)}"


def reopened(
    session: Session, desk: Desk, incident: Incident, now: datetime, *, called: str | None, alert: int | None = None
) -> None:
    """It goes on, because somebody says so (``called``) or an ``alert`` fires again: locked, and with its room.

    Nobody is woken by this alone (``paging.reopened``).
    """
    incident.state = State.OPEN.value
    incident.resolved_at = incident.resolved_by = incident.resolution = incident.cause = None
    incident.mitigated_at = incident.quiet_at = None
    session.add(incident)
    session.flush()
    paging.begin_anew(session, incident)
    if not incident.watched:
        locking.lock(session, desk, incident, now)
        rooms.wanted_anew(session, desk, incident, now)
        promises.promise(session, desk, incident, now)
    stamp = now.isoformat()
    row = session.get(Alert, alert) if alert is not None else None
    why = "Opened again" if row is None else f"Opened again: {row.name} fires"
    timeline.enter(session, incident.id or 0, EntryKind.ACT, f"reopened:{stamp}", why, now, who=called)
    audit.record(
        session, Tag.INCIDENT_MOVED, f"incident:{incident.id}", now, who=called, to=State.OPEN.value, alert=alert
    )
    telling.say(session, desk, incident, Said.REOPENED, stamp, now, called=called, alert=alert)
    telling.show(session, desk, incident, now)


def _mitigated_at(session: Session, incident: Incident) -> datetime | None:
    """When the harm ended, as far as is known: not when a change was taken out that people say was not the cause."""
    likely = finding.likely_changes(session, incident)
    if incident.cause is not None and any(
        one.rolled_back_at is not None and one.rolled_back_at == incident.mitigated_at and one.id != incident.cause
        for one in likely
    ):
        return None
    return incident.mitigated_at


def open_beside(session: Session, incident: Incident) -> Incident | None:
    """Another incident that is open for the same service, so that this one cannot be."""
    if incident.bundle is None:
        return None
    return session.exec(
        select(Incident).where(
            Incident.bundle == incident.bundle, Incident.state == State.OPEN.value, Incident.id != incident.id
        )
    ).first()


def postmortem(session: Session, desk: Desk, incident: Incident) -> Postmortem:
    """What is known of an incident, as the draft of its postmortem shows it (``documents/postmortem.md``)."""
    return load(session, desk, incident)


def written(session: Session, desk: Desk, incident: Incident, address: str | None, now: datetime) -> None:
    """The draft was laid into the room. One of a former end stays as it is: people may have written in it."""
    times = 2 if incident.document is not None else 1
    incident.document = address or incident.document
    session.add(incident)
    session.flush()
    key = incident.resolved_at.isoformat() if incident.resolved_at is not None else now.isoformat()
    telling.say(session, desk, incident, Said.DOCUMENT, key, now, times=times)
    telling.show(session, desk, incident, now, urgent=False)


def not_written(session: Session, desk: Desk, incident: Incident, why: str, now: datetime) -> None:
    """The draft could not be laid into the room, which is said once for each end; it can be read all the same."""
    key = incident.resolved_at.isoformat() if incident.resolved_at is not None else now.isoformat()
    telling.say(session, desk, incident, Said.NO_DOCUMENT, key, now, why=why[:500])


def recovery(incident: Incident) -> timedelta | None:
    """How long it took from the onset until the harm ended; None while that is not known."""
    ended = incident.mitigated_at
    return max(timedelta(), ended - incident.onset_at) if ended is not None else None


def _took(session: Session, incident: Incident, now: datetime) -> str:
    """How long it lasted until somebody said that it is over, and where that is less, until the harm ended."""
    whole, ended = naming.length(now - incident.onset_at), recovery(incident)
    recovered = naming.length(ended) if ended is not None else whole
    when = ", when the likely change was out" if finding.recovered_by_undoing(session, incident) else ""
    return f"{whole} after it began" + (f" (recovered after {recovered}{when})" if recovered != whole else "")


def fires(session: Session, incident: Incident) -> int:
    """How many of its alerts fire."""
    statement = select(func.count()).select_from(Alert)
    found: int = session.exec(statement.where(Alert.incident == incident.id, col(Alert.resolved_at).is_(None))).one()
    return found


def _firing_named(session: Session, incident: Incident) -> str:
    """The first of its alerts that fire, by name."""
    statement = select(Alert.name).where(Alert.incident == incident.id, col(Alert.resolved_at).is_(None)).distinct()
    names = session.exec(statement.order_by(col(Alert.name)).limit(LISTED + 1)).all()
    return ", ".join(name[:60] for name in names[:LISTED]) + (", …" if len(names) > LISTED else "")


def where(incident: Incident) -> str:
    """Where an incident is dealt with: its room, if it has one that is open."""
    open_room = incident.room is not None and incident.archived_at is None
    return f" in #{incident.room_name}" if open_room else ""


def resolved_words(session: Session, desk: Desk, incident: Incident) -> str:
    """How it ended: ``incident 7 (…) was resolved by Ana at 14:40 (Europe/Paris)``."""
    by = f" by {naming.person_called(session, desk, incident.resolved_by)}" if incident.resolved_by else ""
    at = f" at {naming.spoken(desk, incident.resolved_at)}" if incident.resolved_at is not None else ""
    return f"{naming.called(incident)} was resolved{by}{at}"


def _follow_ups(session: Session, desk: Desk, incident: Incident, now: datetime) -> str:
    """What is left over becomes issues, where a repository is known; says so."""
    left = [task for task in tasks.left_over(session, incident) if task.issue_url is None]
    if not left:
        return ""
    repo = tasks.repo_of(desk, incident)
    if repo is None:
        return f" {_counted(len(left), 'task')} left: no repository is known for follow-ups."
    for task in left:
        if not task.follow_up:
            tasks.want_issue(session, task, now)
    become = "becomes an issue" if len(left) == 1 else "become issues"
    return f" {_counted(len(left), 'task')} left over {become} in {repo}."


def _locked(session: Session, incident: Incident) -> list[str]:
    """The services that its locks hold now: not what a person has unlocked."""
    cause = locking.cause_of(incident)
    held = {one.scope.casefold() for one in locks.standing(session) if one.cause == cause and one.lifted_at is None}
    return [row.service for row in finding.services_of(session, incident) if rollouts.place_of(row) in held]


def _locked_words(session: Session, incident: Incident) -> str:
    named = ", ".join(row.service for row in finding.services_of(session, incident) if row.locked)
    return f" Deploys of {named} are locked until it is resolved." if named else ""


def _still(number: int) -> str:
    return "1 alert still fires" if number == 1 else f"{number:,} alerts still fire"


def _counted(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"
