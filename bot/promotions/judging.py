"""The one judgement that every way to production goes through, and the record of what was judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot import audit, gates, people
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.gates import Judgement, Situation
from bot.people import Available
from bot.promotions import rules
from bot.promotions.gathering import situation, target_of
from bot.promotions.models import Decision, Promotion


def judge(session: Session, desk: Desk, promotion: Promotion, now: datetime) -> Judgement:
    """Every gate's verdict on this promotion, from what is recorded. Nothing is written."""
    return judge_situation(session, desk, promotion, situation(session, desk, promotion, now))


def judge_situation(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> Judgement:
    """The same, of facts that were gathered before."""
    return gates.judge(desk.catalog.service(target_of(session, promotion).service).gates, known)


def decide(
    session: Session, promotion: Promotion, judgement: Judgement, act: str, outcome: str, now: datetime,
    who: str | None = None,
) -> None:  # fmt: skip
    """Keep what an act came to, with every verdict it was judged by."""
    verdicts = rules.plain_verdicts(judgement)
    session.add(
        Decision(
            promotion=promotion.id or 0,
            act=act,
            who=who,
            at=now,
            seen=promotion.seen,
            verdicts=verdicts,
            outcome=outcome,
        )
    )
    session.flush()
    audit.record(
        session, Tag.PROMOTION_DECIDED, f"promotion:{promotion.id}", now, who=who, act=act, outcome=outcome,
        seen=promotion.seen, verdicts=verdicts,
    )  # fmt: skip


def decisions_of(session: Session, promotion_id: int) -> Sequence[Decision]:
    """What was decided about a promotion and on what grounds, in order."""
    return session.exec(select(Decision).where(Decision.promotion == promotion_id).order_by(col(Decision.id))).all()


def who_can(session: Session, desk: Desk, promotion: Promotion, now: datetime) -> tuple[Available, ...]:
    """Who could give a yes that is missing, whoever is easiest to reach first; nobody where anybody could."""
    return helpers(session, desk, promotion, situation(session, desk, promotion, now))


def helpers(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> tuple[Available, ...]:
    """The same, of facts that were gathered before."""
    policy = desk.catalog.service(target_of(session, promotion).service).gates
    found = gates.candidates(policy, known)
    if not found:
        return ()
    names = people.names_of_each(session, desk.catalog, found)
    return people.who_can(session, desk.catalog, gates.can_help(policy, known, names), known.now)


def who_can_words(session: Session, desk: Desk, promotion: Promotion, now: datetime) -> str:
    """Who could give a missing yes, as people say it: ``Dee (online), Eve (off hours)``; empty where nobody is."""
    return named(who_can(session, desk, promotion, now))


def named(able: Sequence[Available]) -> str:
    """These people as people say it."""
    more = f" and {len(able) - MOST_NAMED} more" if len(able) > MOST_NAMED else ""
    return ", ".join(_named(one) for one in able[:MOST_NAMED]) + more


MOST_NAMED = 5
"""How many of those who can are named: more would not be read."""


def _named(one: Available) -> str:
    if one.online:
        return f"{one.name} (online)"
    return one.name if one.works_now else f"{one.name} (off hours)"
