"""A call of which nobody can tell whether it reached the pipeline: a person looks, and says."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot import audit
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.promotions import advancing, judging, telling
from bot.promotions.models import Promotion, State
from bot.promotions.states import move, state_of
from bot.promotions.views import Said
from bot.promotions.words import called, starts_words, waits_words


def ask_person(session: Session, desk: Desk, promotion: Promotion, why: str, now: datetime) -> None:
    """Have somebody find out whether the call went through: nothing is called until they have said so."""
    promotion.asks_person = why
    session.flush()
    audit.record(session, Tag.PROMOTION_CALLED, f"promotion:{promotion.id}", now, outcome="doubtful", why=why)
    telling.show(session, desk, promotion, now)
    of = promotion.called_at.isoformat() if promotion.called_at else ""
    telling.say(session, desk, promotion, Said.ASKS_PERSON, now, of=of, why=why)


def went_through(session: Session, desk: Desk, promotion: Promotion, who: str, now: datetime) -> str:
    """The call did reach the pipeline: its reports are waited for."""
    promotion.asks_person = None
    judging.decide(
        session, promotion, judging.judge(session, desk, promotion, now), "went_through", "rolling", now, who
    )
    move(session, promotion, State.ROLLING, now, who=who)
    telling.show(session, desk, promotion, now)
    return f"Noted: {called(session, promotion)} is rolling out."


def try_again(session: Session, desk: Desk, promotion: Promotion, who: str, now: datetime) -> str:
    """The call did not reach the pipeline: it is judged afresh, and called again where every gate is open."""
    move(session, promotion, State.OPEN, now, who=who)
    judgement = advancing.advance(session, desk, promotion, now, act="try_again", who=who)
    if state_of(promotion) is State.STARTING:
        return f"Noted: {called(session, promotion)} {starts_words(desk, promotion)}."
    closed = waits_words(desk, judgement) if judgement is not None else ""
    return f"Noted. {called(session, promotion)} waits again" + (f": {closed}." if closed else ".")
