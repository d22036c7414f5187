"""Which departures there are, what they carry, and the rows that are held while something about one is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, or_
from sqlmodel import Session, col, func, select

from bot.catalog import Train
from bot.departures.models import Departure, Passenger, TrainRow
from bot.departures.states import Outcome, PassengerState, State
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Target
from bot.promotions.models import Promotion
from bot.promotions.models import State as PromotionState

# A held statement: to build one costs more than to run it, and whatever touches a target asks this.
_ALIVE_AT = (
    select(Departure.id)
    .join(Promotion, col(Promotion.departure) == col(Departure.id))
    .where(Promotion.target == bindparam("of_target"), Departure.state != State.CLOSED.value)
    .distinct()
    .order_by(col(Departure.id))
)


def row_of(session: Session, departure: Departure) -> TrainRow:
    """The train that a departure is of."""
    row = session.get(TrainRow, departure.train)
    assert row is not None
    return row


def row_called(session: Session, name: str) -> TrainRow | None:
    """The row of the train of this name, None where it was never met."""
    return session.exec(select(TrainRow).where(TrainRow.name == name)).first()


def train_of(session: Session, desk: Desk, departure: Departure) -> Train | None:
    """The train as it is configured, None once it is not any more."""
    return desk.catalog.trains.get(row_of(session, departure).name)


def channel_of(desk: Desk, train: Train) -> str:
    """Where a train is told of."""
    return train.channel or desk.catalog.service(train.services[0]).channel


def scheduled(session: Session, row: TrainRow, at: datetime) -> Departure | None:
    """The departure of this train at this instant."""
    return session.exec(select(Departure).where(Departure.train == row.id, Departure.scheduled_at == at)).first()


def alive(session: Session, train_id: int | None = None) -> Sequence[Departure]:
    """Every departure that is not closed, of one train or of all, the earliest first."""
    of_train = () if train_id is None else (Departure.train == train_id,)
    return session.exec(
        select(Departure)
        .where(Departure.state != State.CLOSED.value, *of_train)
        .order_by(col(Departure.scheduled_at), col(Departure.id))
    ).all()


def alive_at(session: Session, target_id: int) -> Sequence[int]:
    """The numbers of the departures that are not closed and carry something to this target."""
    found = session.exec(_ALIVE_AT, params={"of_target": target_id}).all()
    return [number for number in found if number is not None]


def ran_as(session: Session, departure: Departure) -> int | None:
    """The departure that a missed one was run as after all, None where it was not, or that came to nothing too."""
    if departure.outcome != Outcome.MISSED.value:
        return None
    return session.exec(
        select(Departure.id)
        .where(
            Departure.train == departure.train,
            col(Departure.extra).is_(True),
            Departure.local == departure.local,
            or_(
                col(Departure.outcome).is_(None),
                col(Departure.outcome).not_in([Outcome.CANCELLED.value, Outcome.MISSED.value]),
            ),
        )
        .limit(1)
    ).first()


def before(session: Session, row: TrainRow, at: datetime) -> int:
    """How many departures of a train were scheduled before this instant and are on record."""
    return session.exec(
        select(func.count(col(Departure.id))).where(Departure.train == row.id, Departure.scheduled_at < at)
    ).one()


def held(session: Session, desk: Desk, departure_id: int) -> Departure | None:
    """A departure as it stands once nobody else can change it: its targets are held, then its own row."""
    departure = session.get(Departure, departure_id)
    if departure is None:
        return None
    hold_targets(session, desk, departure)
    return session.exec(
        select(Departure).where(Departure.id == departure_id).with_for_update(),
        execution_options={"populate_existing": True},
    ).one()


def hold_targets(session: Session, desk: Desk, departure: Departure) -> None:
    """Hold everything that a departure goes to: as it was sealed, and as its train is configured now."""
    train = train_of(session, desk, departure)
    pairs = [(service, train.to) for service in train.services] if train is not None else []
    pairs += [(target.service, target.environment) for target in targets_of(session, departure)]
    targets.hold(session, desk.catalog, pairs)


def targets_of(session: Session, departure: Departure) -> Sequence[Target]:
    """Every target that a departure carries, or carried, something to."""
    return session.exec(
        select(Target)
        .join(Promotion, col(Promotion.target) == col(Target.id))
        .where(Promotion.departure == departure.id)
        .distinct()
        .order_by(col(Target.id))
    ).all()


def aboard(departure: Departure) -> tuple[str, ...]:
    """The services that are aboard, in the order in which they leave."""
    return tuple(service for stage in departure.stages for service in stage)


def promotions_of(session: Session, departure: Departure) -> Mapping[str, Promotion]:
    """The promotion of each service aboard, as it stands now, in the order in which they leave."""
    rows = session.exec(
        select(Target.service, Promotion)
        .join(Promotion, col(Promotion.target) == col(Target.id))
        .where(Promotion.departure == departure.id, Promotion.state != PromotionState.SUPERSEDED.value)
        .order_by(col(Promotion.id)),
        execution_options={"populate_existing": True},
    ).all()
    latest = dict(rows)
    return {service: latest[service] for service in aboard(departure) if service in latest}


def passengers_of(session: Session, departure: Departure) -> Sequence[tuple[Passenger, Change]]:
    """Everybody who was to go with a departure, in order."""
    return session.exec(
        select(Passenger, Change)
        .join(Change, col(Passenger.change) == col(Change.id))
        .where(Passenger.departure == departure.id)
        .order_by(col(Passenger.position), col(Passenger.id))
    ).all()


def still_aboard(
    session: Session, departure: Departure, service: str | None = None
) -> Sequence[tuple[Passenger, Change]]:
    """The same of those who are aboard, of one service or of all."""
    return [
        (row, change)
        for row, change in passengers_of(session, departure)
        if row.state == PassengerState.ABOARD.value and service in (None, row.service)
    ]
