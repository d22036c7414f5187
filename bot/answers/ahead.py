"""The rest of a change's way, and when it is there: what it waits for, then as long as rollouts there usually take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from bot.answers.views import Ahead, AheadView, AskView, EndedLine, LockLine, PromotionLine, RolledBackLine, UsualRange
from bot.deploys import statements
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, Target
from bot.gates import Judgement, Open
from bot.locks import service as locks
from bot.promotions import judging
from bot.promotions import service as promotions
from bot.promotions.gathering import situation
from bot.promotions.models import Promotion, PromotionChange, State
from bot.promotions.shown import able_views, closed_lines, who_view
from bot.promotions.states import unawaited

FEWEST = 3
"""Rollouts below which nobody can say how long one usually takes."""

_CAME_TO_NOTHING = (State.REJECTED, State.CANCELLED, State.EXPIRED, State.FAILED)

_BRINGING = (
    select(Promotion)
    .join(PromotionChange, col(PromotionChange.promotion) == col(Promotion.id))
    .where(
        Promotion.target == bindparam("of_target"),
        PromotionChange.change == bindparam("of_change"),
        col(PromotionChange.leaving).is_(False),
    )
)


def ahead(
    session: Session,
    desk: Desk,
    change: Change,
    service: str,
    environment: str,
    before: str | None,
    *,
    reached: bool,
    who: str | None = None,
) -> AheadView:
    """What a change's way to this environment comes to; ``reached`` is whether it is live in the one ``before``.

    ``who`` reads it.
    """
    target = promotions.target_called(session, service, environment)
    carrying = _carrying(session, target, change) or _unawaited(session, target, change)
    if target is None or carrying is None:
        waiting = promotions.open_at(session, target.id or 0) if target is not None else None
        without = Ahead.BEFORE if not reached else Ahead.NEXT if waiting is not None else Ahead.UNASKED
        return AheadView(
            service=service, environment=environment, before=before, ahead=without,
            promotion_id=waiting.id if waiting is not None else None, sha=waiting.sha if waiting is not None else None,
            closed=(), able=(), from_at=None, to_at=None, after_yes=None,
            ended=_ended(session, desk, target, change) if without is Ahead.UNASKED else None,
            back=_taken_back(session, desk, target, change),
            locks=lock_lines(session, desk, service, environment) if reached else (),
            ask=ask_view(session, desk, service, environment, who) if without is Ahead.UNASKED else None,
        )  # fmt: skip
    state = State(carrying.state)
    judgement = promotions.judge(session, desk, carrying, desk.now) if state is State.OPEN else Judgement(())
    usual = usual_range(session, target.id or 0)
    begins, after_yes = _begins(session, desk, carrying, judgement), None
    if judgement.only_approval_missing and usual is not None:
        after_yes = desk.catalog.service(service).undo + usual.longer
    known = begins is not None and usual is not None
    wants_yes = any(one.gate == "approval" for one in judgement.closed)
    facts = situation(session, desk, carrying, desk.now) if judgement.closed else None
    circle = judging.circle(session, desk, carrying, facts) if wants_yes and facts is not None else judging.Circle()
    return AheadView(
        service=service,
        environment=environment,
        before=before,
        ahead={State.OPEN: Ahead.ABOARD, State.STARTING: Ahead.STARTING}.get(state, Ahead.ROLLING),
        promotion_id=carrying.id,
        sha=carrying.sha,
        closed=closed_lines(session, desk, carrying, judgement),
        able=able_views(session, desk, carrying) if wants_yes else (),
        from_at=max(desk.now, begins + usual.shorter) if known and begins and usual else None,
        to_at=max(desk.now, begins + usual.longer) if known and begins and usual else None,
        after_yes=after_yes,
        stuck=judging.stuck_words(desk, service, circle),
        reentry=facts is not None and any(not one.answered for one in facts.run.reentries),
    )


def ask_view(session: Session, desk: Desk, service: str, environment: str, who: str | None) -> AskView:
    """What becomes of asking for what is live before an environment to go there, by whoever reads it (``who``)."""
    owner = desk.catalog.service(service)
    if owner.promote_through is None or not owner.known:
        return AskView(ours=False)
    why = promotions.refused(session, desk, owner.name, environment)
    if why is not None:
        return AskView(why=why)
    to = f" to {environment}" if len(owner.environments) > 2 else ""
    train = desk.catalog.train_of(owner.name, environment)
    may = who is None or promotions.may_ask(session, desk, owner, who, desk.now)
    return AskView(
        typed=f"/ship promote {owner.name}{to}",
        by=None if may else promotions.askers(owner),
        train=train.name if train is not None else None,
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


def lock_lines(session: Session, desk: Desk, service: str, environment: str) -> tuple[LockLine, ...]:
    """What is locked, and every freeze that holds now; nothing is promoted to the first environment of a pipeline."""
    if desk.catalog.service(service).environments[:1] == (environment,):
        return ()
    held = locks.facts_for(session, desk.catalog, service, environment, None, desk.now)
    frozen = locks.freezes_for(session, desk.catalog, service, desk.now)
    return (
        *(
            LockLine(
                scope=one.scope,
                reason=one.reason,
                owner=one.owner,
                until=one.ends_at,
                wants_go=one.ended,
                room=one.room if not one.ended else None,
            )
            for one in held
        ),
        *(
            LockLine(scope="frozen", reason=one.reason, owner="", until=one.ends, wants_go=False)
            for one in frozen
            if one.begins <= desk.now
        ),
    )


def ended_line(session: Session, desk: Desk, promotion: Promotion | None) -> EndedLine | None:
    """How a promotion ended; None for one that is on its way, went live, or gave way to a newer build."""
    if promotion is None or promotion.ended_at is None or State(promotion.state) not in _CAME_TO_NOTHING:
        return None
    return EndedLine(
        state="unawaited" if unawaited(promotion) else promotion.state,
        at=promotion.ended_at,
        who=who_view(session, desk, promotion.ended_by),
        reason=promotion.ended_reason,
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
    alive = (State.OPEN.value, State.STARTING.value, State.ROLLING.value)
    carrying = _BRINGING.where(col(Promotion.state).in_(alive)).order_by(col(Promotion.id)).limit(1)
    return session.exec(carrying, params={"of_target": target.id, "of_change": change.id}).first()


def _unawaited(session: Session, target: Target | None, change: Change) -> Promotion | None:
    """The last promotion to this target with this change, where its rollout goes on and nobody waits for it."""
    last = _last(session, target, change)
    return last if last is not None and unawaited(last) else None


def _last(session: Session, target: Target | None, change: Change) -> Promotion | None:
    if target is None:
        return None
    last = _BRINGING.order_by(col(Promotion.id).desc()).limit(1)
    return session.exec(last, params={"of_target": target.id, "of_change": change.id}).first()


def _taken_back(session: Session, desk: Desk, target: Target | None, change: Change) -> RolledBackLine | None:
    """The declared rollback that took the change out, where that was the last to move it there."""
    if target is None:
        return None
    moved = session.exec(
        select(Promotion, PromotionChange.leaving)
        .join(PromotionChange, col(PromotionChange.promotion) == col(Promotion.id))
        .where(
            Promotion.target == target.id, PromotionChange.change == change.id, Promotion.state == State.DONE.value
        )
        .order_by(col(Promotion.id).desc())
        .limit(1)
    ).first()  # fmt: skip
    if moved is None or not moved[1] or not moved[0].rollback:
        return None
    back = moved[0]
    who = who_view(session, desk, back.requested_by)
    return RolledBackLine(at=back.ended_at or back.created_at, who=who, reason=back.reason)


def _ended(session: Session, desk: Desk, target: Target | None, change: Change) -> EndedLine | None:
    """How the last promotion to this target that carried the change ended."""
    return ended_line(session, desk, _last(session, target, change))


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
