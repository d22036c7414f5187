"""Boarding closes: who goes is settled and said, with why for everybody who stays, and promotions are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from bot import audit, work
from bot.audit import Tag
from bot.catalog import Train
from bot.departures.models import Departure, Passenger, TrainRow
from bot.departures.states import Outcome, PassengerState, State
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Target
from bot.deploys.targets import Pair
from bot.events import Via
from bot.promotions import finding as promotions
from bot.promotions import raising
from bot.promotions import telling as promotions_telling
from bot.promotions.models import Promotion
from bot.promotions.models import State as PromotionState
from bot.promotions.states import is_called, state_of
from bot.timetable import Departs
from bot.trains import conductors, finding, gathering, rules, telling
from bot.trains.boarding import Boarding, Left, Pick, board
from bot.trains.telling import DEPARTURE, PassengerSaid, Said
from bot.trains.words import called, iso


def seal(
    session: Session, desk: Desk, row: TrainRow, train: Train, departs: Departs, now: datetime, *, extra: bool = False
) -> Departure | None:
    """Close the list of one departure, once; None where that was done before. ``extra`` = it is besides the timetable.

    With nothing aboard it is closed at once, and quietly. What was open already and is the build that goes is taken
    aboard; what is older is superseded.
    """
    held = targets.hold(session, desk.catalog, [(service, train.to) for service in train.services])
    if finding.scheduled(session, row, departs.at) is not None:
        return None
    crew = conductors.crew_of(session, desk, row, train, departs.local, departs.at)
    departure = Departure(
        train=row.id or 0, scheduled_at=departs.at, local=departs.local.isoformat(), zone=train.zone.key, extra=extra,
        state=State.SEALED.value, sealed_at=now, conductor=crew.conductor, backup=crew.backup,
    )  # fmt: skip
    session.add(departure)
    session.flush()
    leaves = max(departs.at, now)
    boarding = board(train, gathering.candidates(session, desk, train, leaves, now), leaves)
    aboard = _promote(session, desk, departure, train, held, boarding, now)
    left = [*boarding.left, *_kept_off(boarding, aboard)]
    _write_down(session, departure, boarding, aboard, left, now)
    if not departure.stages:
        departure.state, departure.outcome, departure.ended_at = State.CLOSED.value, Outcome.EMPTY.value, now
        session.flush()
    else:
        work.schedule(session, DEPARTURE, departure.id or 0, leaves)
    _tell(session, desk, departure, now)
    return departure


def _promote(
    session: Session,
    desk: Desk,
    departure: Departure,
    train: Train,
    held: Mapping[Pair, Target],
    boarding: Boarding,
    now: datetime,
) -> dict[str, Promotion | str]:
    """A promotion of each service that may go; why not, where something else is on its way there."""
    found: dict[str, Promotion | str] = {}
    for pick in boarding.aboard:
        found[pick.service] = _one(session, desk, departure, held[(pick.service, train.to)], pick, now)
    services = [service for service, what in found.items() if isinstance(what, Promotion)]
    departure.stages = [list(stage) for stage in rules.stages_aboard(train, services)]
    session.flush()
    return found


def _one(
    session: Session, desk: Desk, departure: Departure, target: Target, pick: Pick, now: datetime
) -> Promotion | str:
    assert target.id is not None
    in_the_way = _in_the_way(session, desk, target, pick)
    if in_the_way is not None:
        return in_the_way
    waiting = promotions.occupying(session, target.id)
    if waiting is None:
        return raising.begin(session, desk, target, pick.sha, Via.TRAIN, None, now, departure=departure.id)
    if waiting.sha != pick.sha:
        return raising.supersede(session, desk, waiting, pick.sha, Via.TRAIN, None, now, departure=departure.id)
    waiting.departure = departure.id
    session.flush()
    promotions_telling.show(session, desk, waiting, now)
    work.touch(session, "target", target.id)
    return waiting


def _in_the_way(session: Session, desk: Desk, target: Target, pick: Pick) -> str | None:
    """What is on its way there already, or waits and is not to give way; None where the build may be promoted."""
    for one in promotions.alive_at(session, target.id or 0):
        other = session.get(Departure, one.departure) if one.departure is not None else None
        if one.rollback:
            return f"a rollback of {pick.service} is on its way (promotion {one.id})"
        if is_called(one) and one.sha == pick.sha:
            return f"it is on its way already (promotion {one.id})"
        if other is not None and other.standing is not State.CLOSED:
            return f"{pick.service} is aboard {called(session, desk, other)}, which has not arrived yet"
        if state_of(one) is PromotionState.STARTING and not is_called(one):
            return f"a hotfix of {pick.service} is being started (promotion {one.id})"
        if state_of(one) is PromotionState.OPEN and one.sha != pick.sha and _newer(session, desk, target, one, pick):
            return f"a hotfix of {pick.service} that is newer waits for its gates (promotion {one.id})"
    return None


def _newer(session: Session, desk: Desk, target: Target, one: Promotion, pick: Pick) -> bool:
    """Whether what waits succeeded in the environment before later than what goes, or has not yet."""
    ours, other = (promotions.succeeded_before(session, desk, target, sha) for sha in (one.sha, pick.sha))
    return ours is None or (other is not None and ours > other)


def _kept_off(boarding: Boarding, aboard: Mapping[str, Promotion | str]) -> list[Left]:
    return [
        Left(change, pick.service, why)
        for pick in boarding.aboard
        for why in [aboard[pick.service]]
        if isinstance(why, str)
        for change in pick.changes
    ]


def _write_down(
    session: Session,
    departure: Departure,
    boarding: Boarding,
    aboard: Mapping[str, Promotion | str],
    left: list[Left],
    now: datetime,
) -> None:
    position = 0
    for pick in boarding.aboard:
        promotion = aboard[pick.service]
        if isinstance(promotion, str):
            continue
        for change in pick.changes:
            session.add(
                Passenger(
                    departure=departure.id or 0,
                    service=pick.service,
                    change=change.id,
                    promotion=promotion.id,
                    position=position,
                )
            )
            position += 1
    staying = {(one.change.id, one.service): one for one in left if one.change is not None}
    for (change_id, service), one in staying.items():
        session.add(
            Passenger(
                departure=departure.id or 0,
                service=service,
                change=change_id,
                state=PassengerState.LEFT.value,
                reason=one.reason,
                until=one.until,
                position=position,
            )
        )
        position += 1
    session.flush()
    audit.record(
        session, Tag.DEPARTURE_SEALED, f"departure:{departure.id}", now, scheduled_at=iso(departure.scheduled_at),
        extra=departure.extra or None, conductor=departure.conductor,
        aboard={service: promotion.id for service, promotion in aboard.items() if isinstance(promotion, Promotion)},
        left=[
            {"service": one.service, "change": one.change.label if one.change else None, "reason": one.reason}
            for one in left
        ],
    )  # fmt: skip


def _tell(session: Session, desk: Desk, departure: Departure, now: datetime) -> None:
    """The channel reads the list, and each author of theirs; why a change stays is not repeated to its author."""
    rows = finding.passengers_of(session, departure)
    if rows or departure.stages or departure.extra:
        telling.show(session, desk, departure, now)
    if departure.standing is not State.CLOSED:
        telling.say(session, desk, departure, Said.SEALED, now)
    aboard = [change for row, change in rows if row.state == PassengerState.ABOARD.value]
    left = [change for row, change in rows if row.state == PassengerState.LEFT.value and _is_news(session, row)]
    telling.tell_authors(session, desk, departure, PassengerSaid.ABOARD, aboard, now)
    telling.tell_authors(session, desk, departure, PassengerSaid.LEFT, _once(left), now)


def _is_news(session: Session, row: Passenger) -> bool:
    """Whether its author was not told of this reason by the departure before."""
    before = session.exec(
        select(Passenger)
        .where(Passenger.change == row.change, Passenger.service == row.service, Passenger.departure != row.departure)
        .order_by(col(Passenger.id).desc())
        .limit(1)
    ).first()
    return before is None or (before.state, before.reason) != (row.state, row.reason)


def _once(changes: list[Change]) -> list[Change]:
    return list({change.id: change for change in changes}.values())
