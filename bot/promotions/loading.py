"""From rows to the view of a promotion's card: what templates see of it, at the instant it is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot.catalog import Service
from bot.deploys import loading as deploys
from bot.deploys import service
from bot.deploys.loading import LISTED, Desk
from bot.deploys.models import Change, Deploy, DeployChange
from bot.deploys.views import PersonView, RangeState
from bot.events import DeployStatus
from bot.gates import Approval, Judgement, Open, Situation
from bot.locks import ends
from bot.locks import loading as locks
from bot.promotions import finding, judging
from bot.promotions.gathering import approvals_of, changes_of, environment_before, situation, target_of
from bot.promotions.models import Approval as Yes
from bot.promotions.models import Promotion, PromotionChange, State
from bot.promotions.rolled import (
    duration_of,
    firing_on,
    links_of,
    live_at,
    rolled_back_at,
    round_view,
    trouble_of,
    trying_of,
    watch_ends,
    went_wrong_last,
)
from bot.promotions.shown import MOST_ABLE, able_shown, gate_lines, who_view
from bot.promotions.states import is_called, may, state_of, unawaited
from bot.promotions.views import (
    ApprovalView,
    BarredView,
    GateLine,
    LiveView,
    NextBuild,
    PromotionCard,
    RejectionView,
)


def promotion_card(session: Session, desk: Desk, promotion: Promotion) -> PromotionCard:
    """A promotion as its channel, and everybody who was asked, sees it."""
    target, state = target_of(session, promotion), state_of(promotion)
    owner = desk.catalog.service(target.service)
    waiting = not state.ended and not is_called(promotion)
    rows, yeses = changes_of(session, promotion.id), approvals_of(session, promotion.id)
    parts = service.parts(session, [change.id or 0 for _, change in rows])
    known = situation(session, desk, promotion, desk.now, carried=rows, yeses=yeses, parts=parts)
    judgement = judging.judge_situation(session, desk, promotion, known) if waiting else Judgement(())
    views = deploys.change_views(session, desk, [change for _, change in rows], parts)
    arriving = [change for row, change in rows if not row.leaving]
    leaving = [change for row, change in rows if row.leaving]
    deploy = session.get(Deploy, promotion.deploy) if promotion.deploy is not None else None
    live = live_at(session, target)
    is_live = state is State.DONE and live is not None and live.sha == promotion.sha
    mended = _mended(known, arriving) if waiting else ()
    watched_until = watch_ends(desk, owner, target, deploy, is_live)
    listed = LISTED if not leaving else LISTED // 2
    ships_at = _ships_at(judgement)
    circle = judging.circle(session, desk, promotion, known) if _wants_approval(judgement) else judging.Circle()
    return PromotionCard(
        promotion_id=promotion.id or 0,
        seen=known.run.seen,
        service=target.service,
        environment=target.environment,
        before=environment_before(owner, target.environment),
        state=state.value,
        rollback=promotion.rollback,
        sha=promotion.sha,
        reason=promotion.reason,
        requested_by=who_view(session, desk, promotion.requested_by),
        range=RangeState(promotion.range),
        changes=tuple(views[change.id or 0] for change in arriving[:listed]),
        leaving=tuple(views[change.id or 0] for change in leaving[:listed]),
        more=max(0, len(arriving) - listed) + max(0, len(leaving) - listed) + promotion.truncated,
        changes_in_all=len(leaving if promotion.rollback else arriving) + promotion.truncated,
        additions=_sum(change.additions for change in arriving),
        deletions=_sum(change.deletions for change in arriving),
        gates=gate_lines(session, desk, known, judgement.verdicts),
        ships_at=ships_at,
        only_approval=judgement.only_approval_missing,
        ships_at_said=ends.spoken(ships_at, desk.catalog.timezone, desk.now) if ships_at is not None else None,
        approvals=_approvals(session, desk, promotion, owner, known, yeses),
        able=able_shown(circle.able),
        unproven=tuple(PersonView(name=one.name, slack_id=one.slack_id) for one in circle.unproven[:MOST_ABLE]),
        proves=desk.catalog.proves_logins,
        short=circle.short,
        barred=tuple(
            BarredView(person=PersonView(name=one.name, slack_id=one.slack_id), why=why)
            for one, why in circle.barred[:MOST_ABLE]
        ),
        reentries=tuple(one.label for one in known.run.reentries if not one.answered) if waiting else (),
        held=waiting and any(lock.hold for lock in known.locks),
        next=_next(session, desk, promotion, arriving, leaving) if waiting else None,
        undo_until=promotion.not_before if state is State.STARTING and waiting else None,
        called=is_called(promotion),
        asks_person=promotion.asks_person,
        deploy=deploy.state if deploy is not None else None,
        percent=deploy.percent if deploy is not None and deploy.state is DeployStatus.IN_PROGRESS else None,
        duration=duration_of(deploy),
        ended_at=promotion.ended_at,
        ended_by=who_view(session, desk, promotion.ended_by),
        ended_reason=promotion.ended_reason,
        live=is_live,
        rolled_back_at=rolled_back_at(session, deploy) if state is State.DONE and not is_live else None,
        watched_until=watched_until,
        alerts=firing_on(session, target) if watched_until else (),
        links=links_of(session, desk, owner, target, promotion, deploy),
        may=tuple(sorted(may(promotion))),
        answered=tuple(one.label for one in known.run.reentries if one.answered and one.label not in mended)
        if waiting
        else (),
        answered_by=_acknowledged_by(session, desk, promotion, known),
        answered_reason=promotion.acknowledged_reason,
        trying=trying_of(session, promotion),
        trouble=trouble_of(session, promotion),
        now_live=LiveView(sha=live.sha, since=live.status_at) if state is State.FAILED and live is not None else None,
        goes_back=went_wrong_last(session, promotion),
        unawaited=unawaited(promotion),
        mended=mended,
        round=round_view(session, desk, promotion),
        rejections=_rejections(session, desk, promotion, arriving) if waiting else (),
        may_hold=_may_hold(session, desk, promotion, known),
        besides=known.train.name if known.train is not None and known.train.hotfix and not state.ended else None,
    )


def _mended(known: Situation, arriving: Sequence[Change]) -> tuple[str, ...]:
    """Changes aboard that a rollback took out, and whose revert is aboard too."""
    reverted = {(change.repo, change.reverts) for change in arriving if change.reverts is not None}
    fixed = {change.label for change in arriving if (change.repo, change.number) in reverted}
    return tuple(one.label for one in known.run.reentries if one.label in fixed)


def _rejections(
    session: Session, desk: Desk, promotion: Promotion, arriving: Sequence[Change]
) -> tuple[RejectionView, ...]:
    """Who said no to what is aboard, the last time that it was to go there; what went there since is past that."""
    rows = session.exec(
        select(PromotionChange.change, Promotion)
        .join(Promotion, col(PromotionChange.promotion) == col(Promotion.id))
        .where(
            Promotion.target == promotion.target,
            col(Promotion.id) < promotion.id,
            col(Promotion.state).in_((State.REJECTED.value, State.DONE.value)),
            col(PromotionChange.change).in_([change.id for change in arriving]),
            col(PromotionChange.leaving).is_(False),
        )
        .order_by(col(Promotion.id))
    ).all()
    last = dict(rows)
    labels: dict[int, list[str]] = defaultdict(list)
    for change in arriving:
        ended = last.get(change.id or 0)
        if ended is not None and state_of(ended) is State.REJECTED:
            labels[ended.id or 0].append(change.label)
    said_no = {one.id or 0: one for one in last.values()}
    return tuple(
        RejectionView(
            labels=tuple(labels[number]),
            who=who_view(session, desk, said_no[number].ended_by),
            at=said_no[number].ended_at or said_no[number].created_at,
            reason=said_no[number].ended_reason,
        )
        for number in sorted(labels)
    )


def _may_hold(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> tuple[GateLine, ...]:
    """What holds it if its call did not arrive, while nobody knows whether it did."""
    if state_of(promotion) is not State.STARTING or not is_called(promotion):
        return ()
    judgement = judging.judge_situation(session, desk, promotion, known)
    return gate_lines(session, desk, known, [one for one in judgement.closed if one.gate == "lock"])


def _acknowledged_by(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> PersonView | None:
    """Who said that what was rolled back may go in again, as long as that counts for what is aboard now."""
    if promotion.acknowledged_by is None or promotion.acknowledged_seen != known.run.seen:
        return None
    return locks.person(session, desk, promotion.acknowledged_by)


def _sum(numbers: Iterable[int | None]) -> int | None:
    """None where nothing, or not everything, is known."""
    found = list(numbers)
    known = [number for number in found if number is not None]
    return sum(known) if found and len(known) == len(found) else None


def _wants_approval(judgement: Judgement) -> bool:
    return any(one.gate == "approval" for one in judgement.closed)


def _ships_at(judgement: Judgement) -> datetime | None:
    """When the last of the other gates opens by itself; None where one of them says no instant, or none is closed.

    What is locked does not ship because the lock runs out: a person must say Go.
    """
    others = [one.verdict for one in judgement.closed if one.gate != "approval"]
    if any(one.gate == "lock" for one in judgement.closed):
        return None
    instants = [None if isinstance(verdict, Open) else verdict.until for verdict in others]
    known = [at for at in instants if at is not None]
    return max(known) if known and len(known) == len(instants) else None


def _approvals(
    session: Session, desk: Desk, promotion: Promotion, owner: Service, known: Situation, yeses: Sequence[Yes]
) -> tuple[ApprovalView, ...]:
    lapses = next((gate.expires for gate in owner.gates if isinstance(gate, Approval)), None)
    judged_at = promotion.called_at or promotion.ended_at or desk.now
    doubtful = () if is_called(promotion) or promotion.ended_at else {one.person for one in known.votes if not one.full}
    return tuple(
        ApprovalView(
            person=locks.person(session, desk, row.person, row.called),
            at=row.at,
            counts=row.seen == known.run.seen
            and (lapses is None or judged_at < row.at + lapses)
            and row.person not in doubtful,
        )
        for row in yeses
    )


def _next(
    session: Session, desk: Desk, promotion: Promotion, arriving: Sequence[Change], leaving: Sequence[Change]
) -> NextBuild | None:
    newest = finding.next_build(session, desk, promotion)
    if newest is None:
        return None
    since = finding.succeeded_before(session, desk, target_of(session, promotion), promotion.sha)
    changes = _arrived(session, newest, since or promotion.created_at)
    aboard = {change.id for change in (*arriving, *leaving)}
    added = [change for change in changes if change.id not in aboard]
    views = deploys.change_views(session, desk, added[:LISTED])
    return NextBuild(sha=newest.sha, changes=tuple(views.values()), more=max(0, len(added) - LISTED))


def _arrived(session: Session, newest: Deploy, since: datetime) -> Sequence[Change]:
    """What went live where this deploy did, after ``since``, as far as it is known."""
    rows = session.exec(
        select(Change)
        .join(DeployChange, col(DeployChange.change) == col(Change.id))
        .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
        .where(
            Deploy.target == newest.target,
            Deploy.status == DeployStatus.SUCCEEDED.value,
            Deploy.status_at > since,
            Deploy.status_at <= newest.status_at,
            col(DeployChange.leaving).is_(False),
            col(DeployChange.dropped).is_(False),
        )
        .order_by(col(Deploy.status_at), col(DeployChange.position))
    ).all()
    return list({change.id: change for change in rows}.values())
