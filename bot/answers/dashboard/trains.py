"""Trains: what has been sealed or has left, and when each leaves next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlmodel import Session, col, func, select

from bot import people
from bot.answers.dashboard.scope import Scope
from bot.answers.dashboard.views import Run, TrainRow
from bot.catalog import Train
from bot.departures.models import Departure, Passenger
from bot.departures.models import TrainRow as Row
from bot.departures.states import PassengerState
from bot.deploys.loading import Desk
from bot.trains import service, whole

MOST = 8


def trains(session: Session, desk: Desk, scope: Scope) -> tuple[tuple[TrainRow, ...], int]:
    """The trains that carry what is shown, whichever leaves sooner first, and how many are not listed."""
    every = [
        train
        for train in desk.catalog.trains.values()
        if not scope.narrowed or any(scope.has(name) for name in train.services)
    ]
    shown = every[:MOST]
    alive = service.alive(session) if shown else ()
    running: dict[str, list[Departure]] = defaultdict(list)
    called = _names(session, {one.train for one in alive})
    for departure in alive:
        running[called[departure.train]].append(departure)
    aboard = _aboard(session, [one.id or 0 for one in alive])
    known = _people(session, desk, alive)
    rows = [_row(session, desk, train, running[train.name], aboard, known) for train in shown]
    return tuple(sorted(rows, key=lambda row: (row.leaves_at is None, row.leaves_at or desk.now))), len(every) - MOST


def _row(
    session: Session,
    desk: Desk,
    train: Train,
    running: Sequence[Departure],
    aboard: Mapping[int, int],
    known: Mapping[str, str],
) -> TrainRow:
    coming = next(iter(whole.coming(session, desk, train, 1)), None)
    return TrainRow(
        name=train.name,
        environment=train.to,
        services=train.services,
        zone=train.zone.key,
        running=tuple(
            Run(
                at=one.scheduled_at,
                state=one.state,
                services=service.aboard(one),
                changes=aboard.get(one.id or 0, 0),
                conductor=known.get(one.conductor) if one.conductor is not None else None,
                held_by=(one.hold_called or "somebody") if one.hold_owner is not None else None,
                reason=one.hold_reason if one.departed_at is None else one.stopped_reason,
                left_at=one.departed_at,
            )
            for one in running
        ),
        leaves_at=coming.at if coming is not None else None,
        closes_at=coming.closes_at if coming is not None else None,
        conductor=coming.conductor.name if coming is not None and coming.conductor is not None else None,
    )


def _names(session: Session, numbers: set[int]) -> Mapping[int, str]:
    if not numbers:
        return {}
    return {row.id or 0: row.name for row in session.exec(select(Row).where(col(Row.id).in_(sorted(numbers)))).all()}


def _aboard(session: Session, numbers: Sequence[int]) -> Mapping[int, int]:
    """How many changes each departure carries."""
    if not numbers:
        return {}
    rows = session.exec(
        select(Passenger.departure, func.count(func.distinct(Passenger.change)))
        .where(col(Passenger.departure).in_(numbers), Passenger.state == PassengerState.ABOARD.value)
        .group_by(col(Passenger.departure))
    ).all()
    return dict(rows)


def _people(session: Session, desk: Desk, alive: Sequence[Departure]) -> Mapping[str, str]:
    """What their conductors are called."""
    wanted = frozenset(one.conductor for one in alive if one.conductor is not None)
    profiles = people.profiles_of(session, wanted)
    entries = {one: desk.catalog.person_by_slack(one) for one in wanted}
    return {
        one: (entry.name if (entry := entries[one]) is not None else None)
        or (profiles[one].name if one in profiles else None)
        or "somebody"
        for one in wanted
    }
