"""What modals about promotions show, read at once: a modal must open within three seconds."""

from __future__ import annotations

from sqlmodel import Session, col, select

from bot.deploys import loading as deploys
from bot.deploys.loading import LISTED, Desk
from bot.deploys.models import Deploy
from bot.errors import UserError
from bot.events import Act
from bot.promotions import finding, judging
from bot.promotions import service as promotions
from bot.promotions.gathering import changes_of, seen_now, situation, target_of
from bot.promotions.loading import promotion_card
from bot.promotions.models import Decision, Promotion, State
from bot.promotions.rolled import went_wrong_last
from bot.promotions.shown import gate_lines, who_view
from bot.promotions.states import may, state_of
from bot.promotions.views import (
    DecisionView,
    DetailsModal,
    PromoteModal,
    ReasonModal,
    RollbackModal,
    SizedChange,
)
from bot.promotions.words import called, ended_words

__all__ = ["PromoteModal", "ReasonModal", "details_modal", "reason_modal", "rollback_modal", "still_live"]

MOST_DETAILED = 30
"""Changes listed in the details: a modal holds a hundred blocks."""

MOST_DECISIONS = 15


def details_modal(session: Session, desk: Desk, promotion_id: int) -> DetailsModal:
    """All that is known of what the line of this promotion is now; UserError where there is no such promotion."""
    promotion = _present(session, promotion_id)
    known = situation(session, desk, promotion, desk.now)
    judgement = judging.judge_situation(session, desk, promotion, known)
    arriving = [change for row, change in changes_of(session, promotion.id) if row.leaving is promotion.rollback]
    views = deploys.change_views(session, desk, arriving[:MOST_DETAILED])
    decisions = judging.decisions_of(session, promotion.id or 0)[-MOST_DECISIONS:]
    return DetailsModal(
        card=promotion_card(session, desk, promotion),
        sized=tuple(
            SizedChange(change=views[change.id or 0], additions=change.additions, deletions=change.deletions)
            for change in arriving[:MOST_DETAILED]
        ),
        more=max(0, len(arriving) - MOST_DETAILED) + promotion.truncated,
        verdicts=()
        if state_of(promotion).ended or promotion.called_at is not None
        else gate_lines(session, desk, known, judgement.verdicts),
        decisions=tuple(
            DecisionView(
                at=one.at,
                act=one.act,
                who=who_view(session, desk, one.who),
                outcome=one.outcome,
                reason=promotion.acknowledged_reason if _acknowledged(promotion, one) else None,
                closed=tuple(
                    f"{held.get('gate')}: {held.get('reason')}" for held in one.verdicts if held.get("state") != "open"
                ),
            )
            for one in reversed(decisions)
        ),
    )


def _acknowledged(promotion: Promotion, decision: Decision) -> bool:
    """Whether this is the acknowledgement whose reason is kept: the last one's, of one person and what they saw."""
    by, seen = f"slack:{promotion.acknowledged_by}", promotion.acknowledged_seen
    return (decision.act, decision.who, decision.seen) == (Act.ACKNOWLEDGE.value, by, seen)


def reason_modal(session: Session, desk: Desk, promotion_id: int, act: Act) -> ReasonModal:
    """What somebody is about to do, and to what; UserError where that cannot be done to it any more."""
    promotion = _called(session, promotion_id)
    if act not in may(promotion):
        if state_of(promotion).ended:
            raise UserError(f"Nothing was done. {ended_words(session, desk, promotion)}")
        raise UserError(
            f"Nothing was done: {called(session, promotion)} is under way, its pipeline was called. "
            f"If it must not stay there: /ship rollback {target_of(session, promotion).service}"
        )
    target = target_of(session, promotion)
    about = [change for row, change in changes_of(session, promotion.id) if row.leaving is promotion.rollback]
    if act is Act.ACKNOWLEDGE:
        back = {one.label for one in situation(session, desk, promotion, desk.now).run.reentries if not one.answered}
        about = [change for change in about if change.label in back]
    views = deploys.change_views(session, desk, about[:LISTED])
    return ReasonModal(
        promotion_id=promotion.id or 0,
        seen=seen_now(session, desk, promotion),
        service=target.service,
        environment=target.environment,
        sha=promotion.sha,
        changes=tuple(views.values()),
        more=max(0, len(about) - LISTED) + promotion.truncated,
        rolling=state_of(promotion) is State.ROLLING,
    )


def still_live(session: Session, desk: Desk, promotion_id: int) -> tuple[str, str]:
    """The service and environment of a promotion whose build is live there, or failed to get there last.

    UserError once something else is.
    """
    promotion = _called(session, promotion_id)
    target = target_of(session, promotion)
    if went_wrong_last(session, promotion):
        return target.service, target.environment
    live = session.get(Deploy, target.live) if target.live is not None else None
    if live is None or live.sha != promotion.sha:
        runs = f"runs {live.sha[:7]}" if live is not None else "runs nothing I know of"
        raise UserError(
            f"Nothing was done: {promotion.sha[:7]} is not live any more, {target.environment} of {target.service} "
            f"{runs}. To roll that back: /ship rollback {target.service}"
        )
    return target.service, target.environment


def rollback_modal(
    session: Session, desk: Desk, service: str, environment: str | None, sha: str | None
) -> RollbackModal:
    """What leaves with a rollback to the last good build, or to the one that ``sha`` begins."""
    owner = desk.catalog.service(service)
    where = environment or next(iter(owner.environments[-1:]), "")
    target = promotions.target_called(session, owner.name, owner.configured(where) or where)
    asked = _brought(session, target.id or 0, sha) if sha is not None and target is not None else None
    offer = promotions.rollback_offer(session, desk, service, environment, None)
    if asked is not None and sha is not None and not offer.sha.startswith(sha):
        offer = promotions.rollback_offer(session, desk, service, environment, asked)
    to = session.get(Deploy, offer.to_deploy)
    assert to is not None
    views = deploys.change_views(session, desk, offer.leaves[:MOST_DETAILED])
    return RollbackModal(
        service=offer.service,
        environment=offer.environment,
        from_sha=offer.from_sha,
        to_sha=offer.sha,
        to_live_at=to.status_at,
        to_deploy=offer.to_deploy,
        seen=offer.seen,
        leaving=tuple(views.values()),
        more=max(0, len(offer.leaves) - MOST_DETAILED),
        complete=offer.complete,
    )


def _brought(session: Session, target_id: int, sha: str) -> int:
    """The last rollout there of the build that ``sha`` begins."""
    found = session.exec(
        select(Deploy.id, Deploy.sha)
        .where(Deploy.target == target_id, col(Deploy.sha).startswith(sha, autoescape=True))
        .order_by(col(Deploy.began_at).desc(), col(Deploy.id).desc())
    ).all()
    if not found:
        raise UserError(f"No build {sha[:40]} was ever rolled out there, so there is nothing to go back to.")
    if len({full for _, full in found}) > 1:
        raise UserError(f"More than one build there begins with {sha[:40]}: give more of it.")
    return found[0][0] or 0


def _called(session: Session, promotion_id: int) -> Promotion:
    promotion = finding.promotion_called(session, promotion_id)
    if promotion is None:
        raise UserError(f"I know no promotion {promotion_id}. /ship status shows what is on its way.")
    return promotion


def _present(session: Session, promotion_id: int) -> Promotion:
    """The latest of the line that this promotion belongs to: what its card shows."""
    promotion = _called(session, promotion_id)
    return finding.present(session, promotion.root or promotion_id) or promotion
