"""What a departure brought is taken back: a declared rollback of each service, judged as every rollback is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot import work
from bot.departures.models import Departure
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import Via
from bot.promotions import advancing, rollbacks
from bot.promotions.gathering import target_of
from bot.promotions.models import Promotion, State
from bot.promotions.states import state_of
from bot.trains import finding, moves, telling
from bot.trains.telling import DEPARTURE, Said
from bot.trains.words import called


def begin(
    session: Session, desk: Desk, departure: Departure, services: Sequence[str], now: datetime, *, who: str | None
) -> Sequence[str]:
    """Take back what these services brought, once; what has not left is called off. It is held, and has left.

    What runs there that this departure did not bring stays: a rollout that failed before it began left nothing, and one
    that has not begun yet is waited for. Returns why something cannot be taken back, each with its service.
    """
    promotions = finding.promotions_of(session, departure)
    departure.returning_at, departure.decide_by = now, None
    session.flush()
    work.cancel(session, DEPARTURE, departure.id or 0)
    name = called(session, desk, departure)
    moves.call_off(session, desk, departure, now, who=who, why=f"{name} is rolled back")
    refused = []
    for service in services:
        promotion = promotions[service]
        target = target_of(session, promotion)
        reason = f"{name} is rolled back: {departure.stopped_reason or 'a failure on its way'}"
        try:
            offer = rollbacks.rollback_offer(session, desk, target.service, target.environment, None)
        except UserError as fault:
            refused.append(f"{service}: {fault}")
            continue
        if offer.from_sha != promotion.sha:
            refused.append(f"{service}: {_not_ours(promotion, offer.from_sha)}")
            continue
        made = rollbacks.declare(session, desk, target, offer, Via.TRAIN, who, reason[:500], now)
        advancing.advance(session, desk, made, now, act="roll_back", who=who)
    moves.touch(session, departure)
    telling.show(session, desk, departure, now)
    telling.say(
        session, desk, departure, Said.ROLLED_BACK, now, who=who, why=departure.stopped_reason,
        refused=refused,
    )  # fmt: skip
    return refused


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
