"""What the train gate of a promotion must know, read from the rows of departures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from bot.catalog import Catalog, Train
from bot.departures.models import Departure, TrainRow
from bot.departures.states import State
from bot.deploys.models import Target
from bot.gates import TrainFact, TrainState
from bot.timetable import departures

# Held: to build a statement costs more than to run it, and every judgement of what goes by train needs one of these.
_ABOARD = (
    select(Departure, TrainRow.name)
    .join(TrainRow, col(Departure.train) == col(TrainRow.id))
    .where(Departure.id == bindparam("of_departure"))
)
_RECKONED = select(TrainRow.reckoned_until).where(TrainRow.name == bindparam("of_name"))

_SEEN_AS = {
    State.SEALED: TrainState.SEALED,
    State.HELD: TrainState.HELD,
    State.DEPARTED: TrainState.DEPARTED,
}
"""What a gate sees of each state; a departure that is closed carries nobody any more."""


def train_fact(
    session: Session, catalog: Catalog, target: Target, departure: int | None, asked: bool, now: datetime
) -> TrainFact | None:
    """What the train that goes to this target does about one promotion; None where none goes there.

    ``departure`` is the number of the one it is aboard of; ``asked`` whether somebody asked for it besides the train.
    """
    found = session.exec(_ABOARD, params={"of_departure": departure}).first() if departure is not None else None
    aboard = _aboard(target.service, *found) if found is not None else None
    if aboard is not None:
        return aboard
    train = catalog.train_of(target.service, target.environment)
    return _beside(train, next_boarding(session, train, now), asked) if train is not None else None


def train_facts(
    session: Session, catalog: Catalog, promotions: Mapping[int, tuple[Target, int | None, bool]], now: datetime
) -> Mapping[int, TrainFact | None]:
    """The same of many promotions by their number, each with its target, departure and whether it was asked for."""
    numbers = sorted({departure for _, departure, _ in promotions.values() if departure is not None})
    rows = (
        session.exec(
            select(Departure, TrainRow.name)
            .join(TrainRow, col(Departure.train) == col(TrainRow.id))
            .where(col(Departure.id).in_(numbers))
        ).all()
        if numbers
        else ()
    )
    departing = {departure.id: (departure, name) for departure, name in rows}
    leaves: dict[str, datetime | None] = {}
    found: dict[int, TrainFact | None] = {}
    for number, (target, departure, asked) in promotions.items():
        row = departing.get(departure)
        found[number] = _aboard(target.service, *row) if row is not None else None
        train = catalog.train_of(target.service, target.environment)
        if found[number] is None and train is not None:
            if train.name not in leaves:
                leaves[train.name] = next_boarding(session, train, now)
            found[number] = _beside(train, leaves[train.name], asked)
    return found


def _beside(train: Train, leaves_at: datetime | None, asked: bool) -> TrainFact:
    """What a train does about what is not aboard of it."""
    return TrainFact(
        name=train.name, scheduled_at=leaves_at, state=TrainState.BOARDING, aboard=False, hotfix=asked
    )  # fmt: skip


def waits_words(waits: Mapping[str, str]) -> str:
    """What each service waits for, as people read it: ``cart: soaks for 30 min; checkout: needs 1 yes``."""
    return "; ".join(f"{service}: {words}" for service, words in waits.items())


def next_boarding(session: Session, train: Train, now: datetime) -> datetime | None:
    """When the next departure leaves whose list is not closed; None where its timetable has come to an end."""
    reckoned = session.exec(_RECKONED, params={"of_name": train.name}).first()
    after = now if reckoned is None else max(now, reckoned)
    coming = next(departures(train.departs, train.zone, after), None)
    return coming.at if coming is not None else None


def _aboard(service: str, departure: Departure, name: str) -> TrainFact | None:
    """What the departure of a train does about a service that is aboard of it; None where it carries it no more."""
    place = _place(departure.stages, service)
    if departure.standing is State.CLOSED or place is None:
        return None
    held = departure.standing is State.HELD
    return TrainFact(
        name=name,
        scheduled_at=departure.scheduled_at,
        state=_SEEN_AS[departure.standing],
        aboard=True,
        stage_waits_for=tuple(one for stage in departure.stages[departure.stage : place] for one in stage),
        reason=_held_for(departure, service) if held else departure.stopped_reason or _returning(departure),
        held_by=(departure.hold_called or "somebody") if held and departure.hold_owner is not None else None,
        who=tuple(dict.fromkeys(one for one in (departure.hold_owner, departure.conductor, departure.backup) if one)),
        over_freeze=departure.over_freeze,
        over_freeze_at=departure.over_freeze_at,
    )


def _held_for(departure: Departure, service: str) -> str | None:
    """Why it is held, as somebody reads it who sees this service's own gates already: without what these say."""
    if departure.hold_owner is not None or departure.hold_reason is None:
        return departure.hold_reason
    others = {name: words for name, words in departure.hold_waits.items() if name.casefold() != service.casefold()}
    return waits_words(others) or None


def _returning(departure: Departure) -> str | None:
    return "what it brought is taken back" if departure.returning_at is not None else None


def _place(stages: Sequence[Sequence[str]], service: str) -> int | None:
    """In which of the stages a service leaves."""
    return next((place for place, stage in enumerate(stages) if service.casefold() in map(str.casefold, stage)), None)
