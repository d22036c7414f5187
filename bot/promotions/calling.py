"""The call to the pipeline: judged once more at the last moment, never made twice, never believed without a look.

``prepare`` is the transaction before the call. Once it has committed ``called_at``, a lock comes too late, and whoever
sets it is told so (``finding.moving``); until then the lock wins. A call whose outcome nobody wrote down (a kill, a
lost answer) is looked for; that it cannot be found is believed only once it can no longer be on its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot import audit
from bot.audit import Tag
from bot.catalog import PromoteThrough
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Target
from bot.gates import Judgement, Open
from bot.ports import Order, Started
from bot.promotions import advancing, doubts, gatekeeping, gathering, judging, rules, telling
from bot.promotions.gathering import approvals_of, target_of
from bot.promotions.models import Promotion, State
from bot.promotions.ranges import follow_live
from bot.promotions.states import is_called, move, state_of
from bot.promotions.views import Said
from bot.promotions.words import person_words


@dataclass(frozen=True)
class Call:
    """What is to be called, by which way. ``since`` is when an earlier call of it was begun: look for that first."""

    through: PromoteThrough
    order: Order
    since: datetime | None


def prepare(session: Session, desk: Desk, data: Mapping[str, Any], now: datetime) -> Call | None:
    """Mark a promotion as called where every gate is still open; None where there is nothing to call.

    A gate that has closed since returns it to open, and that is said.
    """
    promotion = _held(session, desk, data)
    if promotion is None:
        return None
    target = target_of(session, promotion)
    if promotion.called_at is not None:
        return _call(session, desk, promotion, target, since=promotion.called_at)
    return _mark(session, desk, promotion, target, now)


def prepare_again(session: Session, desk: Desk, data: Mapping[str, Any], since: datetime, now: datetime) -> Call | None:
    """The call begun at ``since`` certainly did not happen: judge afresh, and mark it as called anew."""
    promotion = _held(session, desk, data)
    if promotion is None or promotion.called_at != since:
        return None
    promotion.called_at = None
    session.flush()
    return _mark(session, desk, promotion, target_of(session, promotion), now)


def not_called(session: Session, desk: Desk, data: Mapping[str, Any], now: datetime) -> None:
    """The call certainly had no effect, and is made later: until then a lock still stops it."""
    promotion = _held(session, desk, data)
    if promotion is not None and promotion.called_at is not None:
        promotion.called_at = None
        session.flush()


def started(session: Session, desk: Desk, data: Mapping[str, Any], order: Order, begun: Started, now: datetime) -> None:
    """The pipeline has it: its reports are waited for. They may have come before its answer."""
    promotion = _held(session, desk, data, whatever=True)
    if promotion is None or promotion.called_at is None:
        return
    promotion.external_id = begun.external_id or promotion.external_id
    promotion.url = begun.url or promotion.url
    session.flush()
    audit.record(
        session, Tag.PROMOTION_CALLED, f"promotion:{promotion.id}", now, outcome="started", run=order.run,
        external_id=begun.external_id, url=begun.url,
    )  # fmt: skip
    for run in gatekeeping.waiting(session, promotion):
        if run.id == promotion.called_run:
            gatekeeping.close(session, run, "approved", now)
        else:
            gatekeeping.refuse(session, run, "Another run of this build was let in. Cancel this one.", now)
    if state_of(promotion) is State.STARTING:
        move(session, promotion, State.ROLLING, now)
    telling.show(session, desk, promotion, now)


def vanished(session: Session, desk: Desk, data: Mapping[str, Any], order: Order, now: datetime) -> None:
    """The run that was to be let in waits no more: nothing happened, and its promotion waits for another run."""
    promotion = _held(session, desk, data)
    if promotion is None:
        return
    for run in gatekeeping.waiting(session, promotion):
        if run.id == promotion.called_run:
            gatekeeping.close(session, run, "vanished", now)
    audit.record(session, Tag.PROMOTION_CALLED, f"promotion:{promotion.id}", now, outcome="vanished", run=order.run)
    advancing.reopen(session, desk, promotion, judging.judge(session, desk, promotion, now), now)


def refused(session: Session, desk: Desk, data: Mapping[str, Any], why: str, now: datetime) -> None:
    """The pipeline will not do it, however often it is asked."""
    promotion = _held(session, desk, data)
    if promotion is None:
        return
    audit.record(session, Tag.PROMOTION_CALLED, f"promotion:{promotion.id}", now, outcome="refused", why=why)
    advancing.end(session, desk, promotion, State.FAILED, now, why=why, said=Said.FAILED)


def doubtful(session: Session, desk: Desk, data: Mapping[str, Any], why: str, now: datetime) -> None:
    """Nobody can look it up: a person must say."""
    promotion = _held(session, desk, data)
    if promotion is not None and is_called(promotion) and promotion.asks_person is None:
        doubts.ask_person(session, desk, promotion, why, now)


def _held(session: Session, desk: Desk, data: Mapping[str, Any], *, whatever: bool = False) -> Promotion | None:
    """The promotion as it stands while its target is held; None where this call is not wanted any more."""
    promotion = session.get(Promotion, int(data["promotion"]))
    if promotion is None:
        return None
    target = target_of(session, promotion)
    targets.hold(session, desk.catalog, [(target.service, target.environment)])
    session.refresh(promotion)
    if whatever:
        return promotion
    wanted = state_of(promotion) is State.STARTING and promotion.asks_person is None
    current = int(data["number"]) == advancing.calls(session, promotion.id or 0)
    return promotion if wanted and current else None


def _mark(session: Session, desk: Desk, promotion: Promotion, target: Target, now: datetime) -> Call | None:
    follow_live(session, promotion, target, now)
    owner = desk.catalog.service(target.service)
    judgement = judging.judge(session, desk, promotion, now)
    promotion.seen = gathering.seen_now(session, desk, promotion)
    if not judgement.open or not advancing.can_start(session, owner, promotion):
        judging.decide(session, promotion, judgement, "call", "reopened", now)
        advancing.reopen(session, desk, promotion, judgement, now)
        return None
    promotion.called_at = now
    gatekeeping.choose(session, promotion)
    judging.decide(session, promotion, judgement, "call", "called", now)
    telling.show(session, desk, promotion, now)
    return _call(session, desk, promotion, target, since=None)


def _call(session: Session, desk: Desk, promotion: Promotion, target: Target, *, since: datetime | None) -> Call | None:
    owner = desk.catalog.service(target.service)
    if owner.promote_through is None or promotion.repo is None:
        refused_for = "shipmate.yml names no way to carry it out (promote_through)" if promotion.repo else "no repo"
        advancing.end(session, desk, promotion, State.FAILED, desk.now, why=refused_for, said=Said.FAILED)
        return None
    run = gatekeeping.chosen(session, promotion)
    order = Order(
        promotion=promotion.id or 0,
        service=target.service,
        environment=target.environment,
        repo=run.repo if run is not None else promotion.repo,
        sha=promotion.sha,
        rollback=promotion.rollback,
        run=run.run if run is not None else None,
        gate=run.environment if run is not None else None,
        comment=_comment(session, desk, promotion),
        requested_by=promotion.requested_by,
    )
    return Call(owner.promote_through, order, since)


def _comment(session: Session, desk: Desk, promotion: Promotion) -> str:
    judgement = judging.judge(session, desk, promotion, desk.now)
    heading = _whose_yes(session, promotion, judgement)
    if promotion.rollback:
        heading = f"Rollback declared by {person_words(session, desk, promotion.requested_by)}"
    return rules.comment(heading, judgement)


def _whose_yes(session: Session, promotion: Promotion, judgement: Judgement) -> str:
    """Whose yes counted; where none counts any more, since an earlier call is looked for, whose was given to this."""
    counted = [
        one.verdict.reason for one in judgement.verdicts if one.gate == "approval" and isinstance(one.verdict, Open)
    ]
    if counted:
        return counted[0][:1].upper() + counted[0][1:]
    by = [row.called for row in approvals_of(session, promotion.id) if row.seen == promotion.seen]
    return f"Approved by {', '.join(by)}" if by else "Every gate is open"
