"""What is said of a promotion besides its card, loaded at the instant it is sent."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from bot.alerts import service as alerts
from bot.alerts.models import Alert
from bot.deploys import loading as deploys
from bot.deploys.loading import LISTED, Desk
from bot.deploys.models import Change, Deploy, Target
from bot.events import DeployStatus
from bot.locks import loading as locks
from bot.locks import scopes
from bot.locks.models import DeclaredFreeze, Lock
from bot.locks.rules import Scope, ScopeKind
from bot.outbox import Note
from bot.promotions import finding, judging
from bot.promotions.gathering import changes_of, situation, target_of
from bot.promotions.models import Promotion, State
from bot.promotions.rolled import round_view
from bot.promotions.shown import able_of, closed_lines, who_view
from bot.promotions.states import state_of
from bot.promotions.views import (
    GateLine,
    HoldingLock,
    PromotionNote,
    Said,
)


def promotion_note(session: Session, desk: Desk, note: Note) -> PromotionNote | None:
    """What a note says of a promotion; None once it is not so any more."""
    promotion = session.get(Promotion, note.data["promotion"])
    if promotion is None:
        return None
    said, target = Said(note.data["said"]), target_of(session, promotion)
    if promotion.departure is not None and said in _SAID_BY_DEPARTURE:
        return None
    rows = changes_of(session, promotion.id)
    about = [change for row, change in rows if row.leaving is promotion.rollback]
    alert = session.get(Alert, note.data["alert"]) if "alert" in note.data else None
    if alert is not None and (alert.resolved_at is None) is not (said is Said.ALERT):
        return None
    if said is Said.HELD:
        about = _held_with(session, desk, note, promotion)
    if "change" in note.data:
        about = [change for change in about if _theirs(session, desk, change, note.place)] or about
    elif said is Said.VOID:
        about = [change for change in about if change.label not in note.data.get("saw", ())]
    known = situation(session, desk, promotion, desk.now) if said is Said.APPROVAL_NEEDED else None
    if known is not None and not (
        state_of(promotion) is State.OPEN and judging.judge_situation(session, desk, promotion, known).asks_for_yes
    ):
        return None  # somebody said yes meanwhile, or something else closed
    deploy = session.get(Deploy, promotion.deploy) if promotion.deploy is not None else None
    views = deploys.change_views(session, desk, about[:LISTED])
    return PromotionNote(
        said=said.value,
        promotion_id=promotion.id or 0,
        service=target.service,
        environment=target.environment,
        sha=promotion.sha,
        rollback=promotion.rollback,
        who=who_view(session, desk, note.data.get("who")),
        reason=note.data.get("why") or promotion.reason,
        changes=tuple(views[change.id or 0] for change in about[:LISTED]),
        url=promotion.url or (deploy.url if deploy is not None else None),
        able=able_of(session, desk, promotion, known) if known is not None else (),
        lock=locked_itself(session, desk, target) if said is Said.FAILED else _holding(session, desk, note),
        alert=alerts.view(alert) if alert is not None else None,
        rolling=deploy is not None and deploy.state is DeployStatus.IN_PROGRESS,
        waits=_waits(session, desk, promotion) if said is Said.GOES_ON else (),
        more=max(0, len(about) - LISTED),
        round=round_view(session, desk, promotion) if said is Said.LIVE else None,
    )


_SAID_BY_DEPARTURE = (Said.APPROVAL_NEEDED, Said.LIVE)
"""What the train that a promotion leaves with says once for all that it carries."""


def _waits(session: Session, desk: Desk, promotion: Promotion) -> tuple[GateLine, ...]:
    """What is closed of a promotion that is open."""
    if state_of(promotion) is not State.OPEN:
        return ()
    return closed_lines(session, desk, promotion, judging.judge(session, desk, promotion, desk.now))


def _theirs(session: Session, desk: Desk, change: Change, place: str) -> bool:
    return any(there == place for _, there in deploys.author_slack_ids(session, desk, change))


def _holding(session: Session, desk: Desk, note: Note) -> HoldingLock | None:
    """The lock or the freeze that a note to an author is about."""
    freeze = session.get(DeclaredFreeze, note.data["freeze"]) if "freeze" in note.data else None
    if freeze is not None:
        return HoldingLock(
            scope=freeze.service or "everything", reason=freeze.reason,
            owner=locks.person(session, desk, freeze.owner, freeze.called).name,
            ends_at=freeze.ends if freeze.lifted_at is None else None, freeze=True,
        )  # fmt: skip
    lock = session.get(Lock, note.data["lock"]) if "lock" in note.data else None
    if lock is None:
        return None
    owner = locks.person(session, desk, lock.owner, lock.called).name if lock.owner is not None else None
    return HoldingLock(
        scope=scopes.called(session, lock), reason=lock.reason, owner=owner,
        ends_at=lock.ends_at if lock.lifted_at is None and lock.ended_at is None else None,
        hold=lock.covered.kind is ScopeKind.PROMOTION,
    )  # fmt: skip


def locked_itself(session: Session, desk: Desk, target: Target) -> HoldingLock | None:
    """The lock that a failed rollout has set there by itself, while it holds."""
    for lock in scopes.standing(session):
        here = target.id in {covered.id for covered in scopes.covered_targets(session, desk.catalog, lock)}
        if here and lock.cause.startswith("failure:") and lock.lifted_at is None:
            return HoldingLock(scope=scopes.called(session, lock), reason=lock.reason, owner=None, ends_at=None)
    return None


def _held_with(session: Session, desk: Desk, note: Note, promotion: Promotion) -> list[Change]:
    """Everything that the same lock or freeze holds back, of all promotions: one message says it."""
    freeze = session.get(DeclaredFreeze, note.data["freeze"]) if "freeze" in note.data else None
    lock = session.get(Lock, note.data["lock"]) if "lock" in note.data else None
    covered: Sequence[Target] = ()
    if freeze is not None:
        scope = Scope(ScopeKind.SERVICE, freeze.service) if freeze.service else Scope(ScopeKind.EVERYTHING)
        covered = scopes.of_scope(session, desk.catalog, scope)
    elif lock is not None:
        covered = scopes.covered_targets(session, desk.catalog, lock)
    others = [finding.open_at(session, target.id or 0) for target in covered if target.id != promotion.target]
    lines = [promotion, *(one for one in others if one is not None and not one.rollback)]
    found = [change for line in lines for row, change in changes_of(session, line.id) if not row.leaving]
    return list({change.id: change for change in found}.values())
