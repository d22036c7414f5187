"""What a departure brought is taken back: a declared rollback of each service, judged as every rollback is.

The last stage goes back first, and each one before it once that has: what leaned on an earlier one is gone by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot import work
from bot.departures.models import Departure
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import Via
from bot.promotions import advancing, rollbacks
from bot.promotions.gathering import target_of
from bot.promotions.models import Promotion, State
from bot.promotions.rollbacks import Rollback
from bot.promotions.states import state_of
from bot.trains import finding, moves, telling
from bot.trains.rules import Leg
from bot.trains.telling import DEPARTURE, Said
from bot.trains.words import called, iso

ASKED_AGAIN = timedelta(hours=1)
"""How often the conductor of a departure that has stopped, or that is on its way back, is told so again."""


def begin(
    session: Session, desk: Desk, departure: Departure, services: Sequence[str], now: datetime, *, who: str | None
) -> Sequence[str]:
    """Take back what these services brought, the last first; what has not left is called off. It is held, and has left.

    What runs there that this departure did not bring stays: a rollout that failed before it began left nothing, and one
    that has not begun yet is waited for. Returns why something cannot be taken back, each with its service.
    """
    departure.returning_at, departure.decide_by, departure.tried_back = now, now + ASKED_AGAIN, []
    session.flush()
    work.schedule(session, DEPARTURE, departure.id or 0, departure.decide_by)
    name = called(session, desk, departure)
    moves.call_off(session, desk, departure, now, who=who, why=f"{name} is rolled back")
    promotions = finding.promotions_of(session, departure)
    offers = {service: _offer(session, desk, promotions[service]) for service in services}
    refused = [f"{service}: {offer}" for service, offer in offers.items() if isinstance(offer, str)]
    _take_back(session, desk, departure, services, now, who=who)
    telling.show(session, desk, departure, now)
    telling.say(
        session, desk, departure, Said.ROLLED_BACK, now, who=who, why=departure.stopped_reason,
        refused=refused,
    )  # fmt: skip
    return refused


def go_on(session: Session, desk: Desk, departure: Departure, services: Sequence[str], now: datetime) -> None:
    """Those whose turn it was have gone back, or could not: the next ones do. It is held, and on its way back."""
    _take_back(session, desk, departure, services, now, who=None)
    telling.show(session, desk, departure, now)


def remind(session: Session, desk: Desk, departure: Departure, legs: Mapping[str, Leg], now: datetime) -> None:
    """It is not back yet: its conductor is told again, and of what it waits for, until it is. It is held."""
    if departure.decide_by is not None and now < departure.decide_by:
        work.schedule(session, DEPARTURE, departure.id or 0, departure.decide_by)
        return
    departure.decide_by = now + ASKED_AGAIN
    session.flush()
    work.schedule(session, DEPARTURE, departure.id or 0, departure.decide_by)
    waits = [service for service, leg in legs.items() if leg is Leg.MOVING]
    telling.say(session, desk, departure, Said.STILL_RETURNING, now, of=iso(now), services=waits)


def _take_back(
    session: Session, desk: Desk, departure: Departure, services: Sequence[str], now: datetime, *, who: str | None
) -> None:
    """Declare the rollbacks of those whose turn it is: of these services, which are in order, the first one's stage.

    One that is on its way there is waited for, and what cannot be taken back is left out for good.
    """
    promotions = finding.promotions_of(session, departure)
    stage = next((stage for stage in departure.stages if services and services[0] in stage), ())
    name = called(session, desk, departure)
    for service in [one for one in services if one in stage]:
        offer = _offer(session, desk, promotions[service])
        if isinstance(offer, str) and not state_of(promotions[service]).ended:
            continue
        departure.tried_back = [*departure.tried_back, service]
        session.flush()
        if isinstance(offer, str):
            continue
        reason = f"{name} is rolled back: {departure.stopped_reason or 'a failure on its way'}"
        target = target_of(session, promotions[service])
        made = rollbacks.declare(session, desk, target, offer, Via.TRAIN, who, reason[:500], now)
        advancing.advance(session, desk, made, now, act="roll_back", who=who)
    moves.touch(session, departure)


def _offer(session: Session, desk: Desk, promotion: Promotion) -> Rollback | str:
    """What taking it back would do; in words why it cannot be."""
    target = target_of(session, promotion)
    try:
        offer = rollbacks.rollback_offer(session, desk, target.service, target.environment, None)
    except UserError as fault:
        return str(fault)
    return offer if offer.from_sha == promotion.sha else _not_ours(promotion, offer.from_sha)


def _not_ours(promotion: Promotion, runs: str) -> str:
    """Why what runs there, which the departure did not bring, is not gone back from."""
    match state_of(promotion):
        case State.DONE:
            return f"{runs[:7]} came there after it, and stays"
        case State.FAILED:
            return "its rollout never began, and what ran there before stays"
    return "its rollout has not begun, and is waited for"


def rollbacks_of(session: Session, departure: Departure) -> Mapping[int, Promotion]:
    """By target of ours, the latest rollback that was declared since the departure left."""
    if departure.departed_at is None:
        return {}
    ours = select(Promotion.target).where(Promotion.departure == departure.id)
    rows = session.exec(
        select(Promotion)
        .where(
            col(Promotion.rollback).is_(True),
            Promotion.created_at >= departure.departed_at,
            col(Promotion.target).in_(ours),
        )
        .order_by(col(Promotion.id))
    ).all()
    return {row.target: row for row in rows}
