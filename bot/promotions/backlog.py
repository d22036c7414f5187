"""How much waits at a target: the changes of what is open there, whoever wrote them, and whose card says so."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from bot.deploys import rules
from bot.deploys import service as deploys
from bot.deploys.models import Target
from bot.promotions.models import Promotion, PromotionChange, State


def asking_at(session: Session, target_ids: Sequence[int]) -> tuple[str, ...]:
    """Where among these targets a promotion waits that has a card of its own, on which a Go is said."""
    if not target_ids:
        return ()
    found = session.exec(
        select(Target.service, Target.environment)
        .join(Promotion, col(Promotion.target) == col(Target.id))
        .where(
            col(Target.id).in_(target_ids), Promotion.state == State.OPEN.value, col(Promotion.departure).is_(None)
        )
        .order_by(col(Target.service), col(Target.environment))
        .distinct()
    ).all()  # fmt: skip
    return tuple(f"{service} → {environment}" for service, environment in found)


def waiting_at(session: Session, target_ids: Sequence[int]) -> tuple[int, int]:
    """How many changes wait to get to these targets, and how many people wrote them."""
    if not target_ids:
        return 0, 0
    changes = session.exec(
        select(PromotionChange.change)
        .join(Promotion, col(PromotionChange.promotion) == col(Promotion.id))
        .where(
            col(Promotion.target).in_(target_ids),
            col(Promotion.state).in_((State.OPEN.value, State.STARTING.value)),
            col(Promotion.called_at).is_(None),
            col(PromotionChange.leaving).is_(False),
        )
        .distinct()
    ).all()
    parts = deploys.parts(session, changes)
    people = {
        (part.human.login or part.human.email or part.human.name or "").casefold()
        for told in parts.values()
        for part in rules.to_be_told(told)
    }
    return len(changes), len(people)
