"""What the API tells of trains: each with its next departures and its latest ones, and its departures as a calendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from sqlmodel import Session, col, func, select

from bot.answers.calendar import Entry, calendar
from bot.answers.lists import Asked, Page, Row, instant
from bot.audit import Fact
from bot.catalog import Train
from bot.departures.models import Departure, Passenger, TrainRow
from bot.departures.states import Outcome, PassengerState, State
from bot.deploys.loading import Desk
from bot.deploys.models import Change
from bot.locks import loading as people
from bot.trains import service
from bot.trains.whole import coming

NEXT = 5
"""Departures to come that are listed."""

LATEST = 10
"""Departures on record that are listed, the latest; one that has not ended is always among them."""

AHEAD = timedelta(days=60)
BACK = timedelta(days=7)
"""How far a calendar reaches: a subscriber reads it again every hour."""

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""When a timetable changed of a train that was never met: an instant is asked for, and it must not move."""

_TITLES = {
    Outcome.ARRIVED: "arrived",
    Outcome.FAILED: "not all of it is live",
    Outcome.ROLLED_BACK: "rolled back",
    Outcome.CANCELLED: "cancelled",
    Outcome.MISSED: "missed",
    Outcome.EMPTY: "nothing aboard",
}
_DOES_NOT_GO = (Outcome.CANCELLED, Outcome.MISSED, Outcome.EMPTY)


def trains(session: Session, desk: Desk, asked: Asked) -> Page:
    """Every train by name, a page by place; ``service`` and ``environment`` narrow them, ``state`` their departures."""
    every = [
        train
        for name, train in sorted(desk.catalog.trains.items(), key=lambda item: item[0].casefold())
        if asked.service is None or asked.service.casefold() in map(str.casefold, train.services)
        if asked.environment is None or asked.environment.casefold() == train.to.casefold()
    ]
    start = asked.before or 0
    part = every[start : start + asked.limit]
    following = start + asked.limit if start + asked.limit < len(every) else None
    return Page([_row(session, desk, train, asked.state) for train in part], following)


def feed(session: Session, desk: Desk, name: str) -> bytes | None:
    """A train's departures as a calendar, from a week ago to sixty days ahead; None where there is no such train."""
    train = next((one for one in desk.catalog.trains.values() if one.name.casefold() == name.casefold()), None)
    if train is None:
        return None
    row = service.row_called(session, train.name)
    recorded = {one.scheduled_at: one for one in _recorded(session, row, desk.now - BACK)}
    subjects = {one.id: f"departure:{one.id}" for one in recorded.values()}
    changed = _changed(session, [f"train:{train.name}", *subjects.values()])
    timetabled = changed.get(f"train:{train.name}", _NEVER)
    entries = {
        at: _entry(session, desk, train, one, changed.get(subjects[one.id]) or one.sealed_at or one.scheduled_at)
        for at, one in recorded.items()
    }
    after = desk.now if row is None else max(desk.now, row.reckoned_until)
    for departs in takewhile(lambda one: one.at <= desk.now + AHEAD, service.to_come(train, after)):
        entries.setdefault(departs.at, _to_come(train, departs.at, timetabled))
    return calendar(train.name, [entries[at] for at in sorted(entries)])


# --- rows ---------------------------------------------------------------------------------------------------------


def _row(session: Session, desk: Desk, train: Train, state: str | None) -> Row:
    row = service.row_called(session, train.name)
    return {
        "name": train.name,
        "services": list(train.services),
        "environment": train.to,
        "timezone": train.zone.key,
        "departs": list(train.departs),
        "boarding_closes": int(train.boarding_closes.total_seconds()),
        "capacity": train.capacity,
        "stages": [list(stage) for stage in train.stages],
        "channel": service.channel_of(desk, train),
        "next": [
            {
                "departs_at": instant(one.at),
                "boarding_closes_at": instant(one.closes_at),
                "conductor": one.conductor.slack_id if one.conductor is not None else None,
                "backup": one.backup.slack_id if one.backup is not None else None,
            }
            for one in coming(session, desk, train, NEXT)
        ],
        "departures": [_departure(session, one) for one in _latest(session, row, state)],
    }


def _departure(session: Session, departure: Departure) -> Row:
    rows = service.passengers_of(session, departure)
    return {
        "id": departure.id,
        "scheduled_at": instant(departure.scheduled_at),
        "local": departure.local,
        "extra": departure.extra,
        "state": departure.state,
        "outcome": departure.outcome,
        "conductor": departure.conductor,
        "backup": departure.backup,
        "sealed_at": instant(departure.sealed_at),
        "departed_at": instant(departure.departed_at),
        "ended_at": instant(departure.ended_at),
        "ended_by": departure.ended_by,
        "ended_reason": departure.ended_reason,
        "held_by": departure.hold_owner,
        "hold_reason": departure.hold_reason,
        "review_at": instant(departure.hold_review_at),
        "stopped_reason": departure.stopped_reason,
        "decide_by": instant(departure.decide_by),
        "aboard": [
            {
                "service": name,
                "promotion": promotion.id,
                "sha": promotion.sha,
                "state": promotion.state,
                "changes": list(_labels(rows, name)),
            }
            for name, promotion in service.promotions_of(session, departure).items()
        ],
        "left": [
            {
                "service": row.service,
                "change": change.label,
                "removed": row.state == PassengerState.REMOVED.value,
                "reason": row.reason,
                "until": instant(row.until),
            }
            for row, change in rows
            if row.state != PassengerState.ABOARD.value
        ],
    }


def _labels(rows: Sequence[tuple[Passenger, Change]], name: str) -> Iterator[str]:
    return (change.label for row, change in rows if row.service == name and row.state == PassengerState.ABOARD.value)


def _latest(session: Session, row: TrainRow | None, state: str | None) -> Sequence[Departure]:
    if row is None:
        return ()
    wanted = select(Departure).where(Departure.train == row.id)
    if state is not None:
        wanted = wanted.where(Departure.state == state)
    by_time = wanted.order_by(col(Departure.scheduled_at).desc())
    latest = session.exec(by_time.limit(LATEST)).all()
    alive = session.exec(by_time.where(Departure.state != State.CLOSED.value)).all()
    found = {one.id: one for one in [*alive, *latest]}
    return sorted(found.values(), key=lambda one: one.scheduled_at, reverse=True)


# --- calendar -----------------------------------------------------------------------------------------------------


def _recorded(session: Session, row: TrainRow | None, since: datetime) -> Sequence[Departure]:
    if row is None:
        return ()
    return session.exec(
        select(Departure)
        .where(Departure.train == row.id, Departure.scheduled_at >= since)
        .order_by(col(Departure.scheduled_at))
    ).all()


def _changed(session: Session, subjects: Sequence[str]) -> Mapping[str, datetime]:
    """When the trail last tells of each of these: nothing that a calendar shows of them changed since."""
    rows = session.exec(
        select(Fact.subject, func.max(Fact.at)).where(col(Fact.subject).in_(subjects)).group_by(col(Fact.subject))
    )
    return dict(rows.all())


def _entry(session: Session, desk: Desk, train: Train, departure: Departure, changed_at: datetime) -> Entry:
    outcome = Outcome(departure.outcome) if departure.outcome is not None else None
    stands = _TITLES[outcome] if outcome is not None else departure.state
    rows = service.still_aboard(session, departure)
    services = service.aboard(departure)
    detail = [f"{name}: {', '.join(_labels(rows, name)) or 'no change'}" for name in services]
    if departure.conductor is not None:
        detail.append(f"Conductor: {people.person(session, desk, departure.conductor).name}")
    if departure.ended_reason is not None:
        detail.append(departure.ended_reason)
    return Entry(
        at=departure.scheduled_at,
        changed_at=changed_at,
        title=f"{train.name} → {train.to}: {stands}",
        detail="\n".join(detail),
        cancelled=outcome in _DOES_NOT_GO,
    )


def _to_come(train: Train, at: datetime, changed_at: datetime) -> Entry:
    closes = (at - train.boarding_closes).astimezone(train.zone)
    return Entry(
        at=at,
        changed_at=changed_at,
        title=f"{train.name} → {train.to}",
        detail=f"Boarding closes {closes:%H:%M} ({train.zone.key}). {', '.join(islice(train.services, 20))}",
    )
