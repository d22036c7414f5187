"""What becomes of a departure as what it carries moves: it leaves, goes on, stops, goes back, arrives.

A departure that is live in part is never left so over a failure or a freeze without somebody being asked: its conductor
rolls it on or back, and ``decide_by`` does what the policy says where nobody answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from bot import work
from bot.catalog import OnFailure, Train
from bot.departures.models import Departure
from bot.departures.states import Outcome, State
from bot.deploys.loading import Desk
from bot.gates import Open
from bot.locks import service as locks
from bot.promotions import judging
from bot.promotions.models import Promotion
from bot.promotions.models import State as PromotionState
from bot.promotions.states import is_called, state_of
from bot.trains import cancelling, departing, finding, moves, returning, rules, telling
from bot.trains.rules import Advance, Close, Leg, Return, Stop, Wait
from bot.trains.telling import DEPARTURE, Said
from bot.trains.words import clipped, fate_words, iso, listed

FREEZE_BEGAN = "a freeze began when it was live in part"
"""How the reason begins of a departure that stopped for a freeze."""

_FREEZE = "freeze"
"""The gate that a train which is live in part may roll on over."""

_FELL_OFF = (PromotionState.REJECTED, PromotionState.CANCELLED, PromotionState.EXPIRED, PromotionState.FAILED)


def reconsider(session: Session, desk: Desk, departure_id: int, now: datetime) -> None:
    """Derive what follows for a departure from where its promotions stand; it is shown anew in any case."""
    departure = finding.held(session, desk, departure_id)
    if departure is None:
        return
    match departure.standing:
        case State.SEALED | State.HELD:
            _before(session, desk, departure, now)
        case State.DEPARTED:
            _on_its_way(session, desk, departure, now)
        case State.CLOSED:
            pass
    if departure.outcome != Outcome.EMPTY.value or finding.passengers_of(session, departure):
        telling.show(session, desk, departure, now)


def due(session: Session, desk: Desk, departure_id: int, now: datetime) -> None:
    """The time of a departure has come: to leave, to be asked after, or for what the policy says."""
    departure = finding.held(session, desk, departure_id)
    if departure is None or departure.standing is State.CLOSED:
        return
    if departure.standing is State.DEPARTED:
        _decide_for_conductor(session, desk, departure, now)
    else:
        departing.due(session, desk, departure, now)
    work.touch(session, DEPARTURE, departure_id)


def legs_of(session: Session, departure: Departure) -> Mapping[str, Leg]:
    """What became of each service aboard."""
    promotions, back = finding.promotions_of(session, departure), returning.rollbacks_of(session, departure)
    return {
        service: _leg(departure, service, promotions[service], back.get(promotions[service].target))
        if service in promotions
        else Leg.OFF
        for service in finding.aboard(departure)
    }


def frozen(session: Session, desk: Desk, departure: Departure, now: datetime) -> str | None:
    """Why a freeze keeps what is left of a departure that is live in part; None where none does."""
    legs = legs_of(session, departure)
    if not any(leg in (Leg.LIVE, Leg.MOVING) for leg in legs.values()):
        return None
    for service, promotion in finding.promotions_of(session, departure).items():
        holding = (freeze.holds(now) for freeze in locks.freezes_for(session, desk.catalog, service, now))
        if legs[service] is not Leg.WAITS or not any(holding):
            continue
        for one in judging.judge(session, desk, promotion, now).verdicts:
            if one.gate == _FREEZE and not isinstance(one.verdict, Open):
                return one.verdict.reason
    return None


# --- before it leaves ---------------------------------------------------------------------------------------------


def _before(session: Session, desk: Desk, departure: Departure, now: datetime) -> None:
    fell_off = []
    for service, promotion in finding.promotions_of(session, departure).items():
        if state_of(promotion) in _FELL_OFF:
            why = clipped(fate_words(session, desk, service, promotion))
            moves.take_off(session, desk, departure, service, now, who=promotion.ended_by, why=why)
            fell_off.append(why)
    if not departure.stages:
        why = ": ".join(["nothing is left aboard", *(["; ".join(fell_off)] if fell_off else [])])
        cancelling.cancel(session, desk, departure, now, who=None, why=clipped(why))
    elif departure.hold_owner is None and (departure.standing is State.HELD or now >= departure.scheduled_at):
        departing.leave_or_wait(session, desk, departure, now)


# --- on its way ---------------------------------------------------------------------------------------------------


def _on_its_way(session: Session, desk: Desk, departure: Departure, now: datetime) -> None:
    train = finding.train_of(session, desk, departure)
    onward = rules.follow(
        departure.stages, departure.stage, legs_of(session, departure), _policy(train),
        passed_over=departure.passed_over, returning=departure.returning_at is not None,
    )  # fmt: skip
    match onward:
        case Wait():
            _look_for_freeze(session, desk, departure, now)
        case Advance(stage=stage):
            departure.stage = stage
            session.flush()
            departing.look_at_stage(session, desk, departure, now)
            moves.touch(session, departure)
        case Stop(services=services):
            _failed(session, desk, departure, services, now)
        case Return(services=services):
            if departure.returning_at is None:
                returning.begin(session, desk, departure, services, now, who=None)
            else:
                returning.go_on(session, desk, departure, services, now)
        case Close(outcome=outcome):
            close(session, desk, departure, outcome, now)


def close(session: Session, desk: Desk, departure: Departure, outcome: Outcome, now: datetime) -> None:
    """It is over: whatever of it was not called is called off, and everybody reads what came of it."""
    why = departure.stopped_reason
    moves.call_off(session, desk, departure, now, who=None, why=why or "its train is over")
    moves.move(session, departure, State.CLOSED, now, outcome=outcome, why=why)
    telling.show(session, desk, departure, now)
    telling.say(session, desk, departure, Said.ARRIVED, now, outcome=outcome.value)


def _failed(session: Session, desk: Desk, departure: Departure, services: Sequence[str], now: datetime) -> None:
    """These do not arrive. One more than its conductor was asked about is said as loudly as the first."""
    if departure.stopped_reason is not None and set(services) <= set(departure.stopped_for):
        return
    besides = departure.stopped_reason if not departure.stopped_for else None  # a freeze, say, that stopped it before
    departure.stopped_for = list(services)
    why = _failed_words(session, desk, departure, services)
    _stop(session, desk, departure, "; ".join(one for one in (besides, why) if one is not None), now)


def _stop(
    session: Session, desk: Desk, departure: Departure, why: str, now: datetime, *, can: Sequence[str] = ()
) -> None:
    """Ask its conductor to roll on or back, by the time that was said first. ``can`` are those who can help besides."""
    train = finding.train_of(session, desk, departure)
    departure.stopped_reason = clipped(why)
    within = train.decide_within if train is not None else departing.DEFAULT_DECIDE
    departure.decide_by = departure.decide_by or now + within
    session.flush()
    work.schedule(session, DEPARTURE, departure.id or 0, departure.decide_by)
    moves.touch(session, departure)
    telling.show(session, desk, departure, now)
    telling.say(
        session, desk, departure, Said.STOPPED, now, of=f"{iso(now)}:{len(departure.stopped_for)}",
        why=departure.stopped_reason, can=list(can), decide_by=iso(departure.decide_by),
    )  # fmt: skip


def _look_for_freeze(session: Session, desk: Desk, departure: Departure, now: datetime) -> None:
    """A freeze that began on its way is no reason to stay live in part: the conductor is asked."""
    if departure.stopped_reason is not None or departure.returning_at is not None:
        return
    why = frozen(session, desk, departure, now)
    if why is not None:
        _stop(session, desk, departure, f"{FREEZE_BEGAN}: {why}", now)


def _look_for_waiting(session: Session, desk: Desk, departure: Departure, now: datetime) -> None:
    """A stage whose turn came long ago and that something keeps (a lock, an expired yes): the conductor is asked."""
    legs = legs_of(session, departure)
    reached = [one for stage in departure.stages[: departure.stage + 1] for one in stage]
    train = finding.train_of(session, desk, departure)
    closed = [
        one
        for one in departing.closed_of(session, desk, departure, train, now)
        if one.service in reached and legs[one.service] is Leg.WAITS
    ]
    if closed:
        why = f"it does not go on: {departing.told(closed)}"
        _stop(session, desk, departure, why, now, can=departing.able(closed))
    elif any(legs[one] is not Leg.LIVE for one in reached):
        departing.look_at_stage(session, desk, departure, now)


def _decide_for_conductor(session: Session, desk: Desk, departure: Departure, now: datetime) -> None:
    """Nobody has said roll on or back in time, or a stage does not leave: the policy's word is done, or it is asked."""
    if departure.returning_at is not None:
        returning.remind(session, desk, departure, legs_of(session, departure), now)
        return
    if departure.stopped_reason is None or departure.decide_by is None:
        _look_for_waiting(session, desk, departure, now)
        return
    if now < departure.decide_by:
        work.schedule(session, DEPARTURE, departure.id or 0, departure.decide_by)
        return
    if _policy(finding.train_of(session, desk, departure)) is OnFailure.ROLLBACK:
        returning.begin(session, desk, departure, brought(session, departure), now, who=None)
        return
    departure.decide_by = now + returning.ASKED_AGAIN
    session.flush()
    work.schedule(session, DEPARTURE, departure.id or 0, departure.decide_by)
    telling.say(session, desk, departure, Said.STILL_STOPPED, now, of=iso(now), why=departure.stopped_reason)


def brought(session: Session, departure: Departure) -> tuple[str, ...]:
    """What of it has gone live, is on its way or failed to get there: the last to leave goes back first."""
    legs = legs_of(session, departure)
    goes_back = (Leg.LIVE, Leg.MOVING, Leg.FAILED)
    return tuple(one for one in reversed(finding.aboard(departure)) if legs[one] in goes_back)


def went_wrong(session: Session, departure: Departure) -> tuple[str, ...]:
    """What of it does not arrive and nobody has let it roll on over yet."""
    legs = legs_of(session, departure)
    return tuple(one for one, leg in legs.items() if leg in rules.WRONG and one not in departure.passed_over)


# --- inside -------------------------------------------------------------------------------------------------------


def _leg(departure: Departure, service: str, promotion: Promotion, back: Promotion | None) -> Leg:
    if back is not None and not state_of(back).ended:
        return Leg.MOVING
    if back is not None:
        return Leg.BACK if state_of(back) is PromotionState.DONE else Leg.STUCK
    tried = service in departure.tried_back  # and could not even be begun to be taken back
    match state_of(promotion):
        case PromotionState.DONE:
            return Leg.STUCK if tried else Leg.LIVE
        case PromotionState.FAILED:
            return Leg.BACK if tried else Leg.FAILED
        case PromotionState.OPEN | PromotionState.STARTING | PromotionState.ROLLING:
            return Leg.MOVING if is_called(promotion) else Leg.WAITS
    return Leg.OFF


def _failed_words(session: Session, desk: Desk, departure: Departure, services: Sequence[str]) -> str:
    promotions = finding.promotions_of(session, departure)
    fates = [fate_words(session, desk, one, promotions[one]) for one in services if one in promotions]
    return "; ".join(fates) or f"{listed(services)} did not arrive"


def _policy(train: Train | None) -> OnFailure:
    return train.on_failure if train is not None else OnFailure.HOLD
