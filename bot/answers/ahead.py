"""The rest of a change's way, and when it is there: what it waits for, then as long as rollouts there usually take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.answers.views import Ahead, AheadView, PromotionLine, UsualRange
from bot.deploys import statements
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, Target
from bot.gates import Judgement, Open
from bot.promotions import service as promotions
from bot.promotions.loading import able_views, closed_lines
from bot.promotions.models import Promotion, PromotionChange, State

FEWEST = 3
"""Rollouts below which nobody can say how long one usually takes."""


def ahead(
    session: Session, desk: Desk, change: Change, service: str, environment: str, before: str | None, *, reached: bool
) -> AheadView:
    """What a change's way to this environment comes to; ``reached`` is whether it is live in the one ``before``."""
    target = promotions.target_called(session, service, environment)
    carrying = _carrying(session, target, change)
    if target is None or carrying is None:
        waiting = promotions.open_at(session, target.id or 0) if target is not None else None
        without = Ahead.BEFORE if not reached else Ahead.NEXT if waiting is not None else Ahead.UNASKED
        return AheadView(
            service=service, environment=environment, before=before, ahead=without,
            promotion_id=waiting.id if waiting is not None else None, sha=waiting.sha if waiting is not None else None,
            closed=(), able=(), from_at=None, to_at=None, after_yes=None,
        )  # fmt: skip
    state = State(carrying.state)
    judgement = promotions.judge(session, desk, carrying, desk.now) if state is State.OPEN else Judgement(())
    usual = usual_range(session, target.id or 0)
    begins, after_yes = _begins(session, desk, carrying, judgement), None
    if judgement.only_approval_missing and usual is not None:
        after_yes = desk.catalog.service(service).undo + usual.longer
    known = begins is not None and usual is not None
    return AheadView(
        service=service,
        environment=environment,
        before=before,
        ahead={State.OPEN: Ahead.ABOARD, State.STARTING: Ahead.STARTING}.get(state, Ahead.ROLLING),
        promotion_id=carrying.id,
        sha=carrying.sha,
        closed=closed_lines(session, desk, carrying, judgement),
        able=able_views(session, desk, carrying) if any(one.gate == "approval" for one in judgement.closed) else (),
        from_at=max(desk.now, begins + usual.shorter) if known and begins and usual else None,
        to_at=max(desk.now, begins + usual.longer) if known and begins and usual else None,
        after_yes=after_yes,
    )


def promotion_line(session: Session, desk: Desk, promotion: Promotion) -> PromotionLine:
    """A promotion in short."""
    waits = State(promotion.state) is State.OPEN
    judgement = promotions.judge(session, desk, promotion, desk.now) if waits else Judgement(())
    rows = promotions.changes_of(session, promotion.id)
    return PromotionLine(
        promotion_id=promotion.id or 0,
        sha=promotion.sha,
        state=promotion.state,
        rollback=promotion.rollback,
        changes=sum(row.leaving is promotion.rollback for row, _ in rows) + promotion.truncated,
        closed=closed_lines(session, desk, promotion, judgement),
    )


def usual_range(session: Session, target_id: int) -> UsualRange | None:
    """Between what the middle half of the last rollouts took; None where there were too few to tell."""
    rows: Sequence[tuple[datetime | None, datetime]] = session.exec(
        statements.DURATIONS, params={"of_target": target_id}
    ).all()
    lengths = sorted(ended - began for began, ended in rows if began is not None)
    if len(lengths) < FEWEST:
        return None
    return UsualRange(shorter=_share(lengths, 0.25), longer=_share(lengths, 0.75))


def _share(lengths: Sequence[timedelta], share: float) -> timedelta:
    return lengths[round(share * (len(lengths) - 1))]


def _carrying(session: Session, target: Target | None, change: Change) -> Promotion | None:
    """The promotion to this target, not ended, that brings the change in."""
    if target is None:
        return None
    return session.exec(
        select(Promotion)
        .join(PromotionChange, col(PromotionChange.promotion) == col(Promotion.id))
        .where(
            Promotion.target == target.id,
            PromotionChange.change == change.id,
            col(PromotionChange.leaving).is_(False),
            col(Promotion.state).in_([State.OPEN.value, State.STARTING.value, State.ROLLING.value]),
        )
        .order_by(col(Promotion.id))
        .limit(1)
    ).first()


def _begins(session: Session, desk: Desk, promotion: Promotion, judgement: Judgement) -> datetime | None:
    """When its rollout begins, or began; None where nobody can tell."""
    if State(promotion.state) is State.OPEN:
        instants = [None if isinstance(one.verdict, Open) else one.verdict.until for one in judgement.closed]
        known = [at for at in instants if at is not None]
        if not judgement.verdicts or len(known) < len(instants):
            return None
        locked = any(one.gate == "lock" for one in judgement.closed)
        return None if locked else max([desk.now, *known])  # once a lock runs out, a person must say Go
    deploy = session.get(Deploy, promotion.deploy) if promotion.deploy is not None else None
    if deploy is not None:
        return deploy.in_progress_at or deploy.began_at
    return promotion.called_at or promotion.not_before
