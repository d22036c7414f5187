"""What a promotion carries: asked of the forge when it is raised, and again whenever what is live moves."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from bot import audit, outbox, work
from bot.audit import Tag
from bot.catalog import Catalog
from bot.deploys import service as deploys
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.deploys.views import RangeState
from bot.outbox import Lane
from bot.ports import Direction, Range
from bot.promotions.gathering import seen_now, target_of
from bot.promotions.models import Promotion, PromotionChange, State

RANGE = "promotion_range"
"""The effect that reads what a promotion carries. Twice is harmless: it only reads, its result replaces itself."""


def live_sha(session: Session, target: Target) -> str | None:
    """The commit that is live there."""
    live = session.get(Deploy, target.live) if target.live is not None else None
    return live.sha if live is not None else None


def ask_range(session: Session, promotion: Promotion, base: str | None, now: datetime) -> None:
    """Have it read what lies between ``base`` and the build; until then nobody can say yes to it."""
    promotion.base_sha, promotion.direction, promotion.truncated = base, None, 0
    promotion.range = RangeState.READING.value
    if promotion.repo is None:
        promotion.range = RangeState.UNREADABLE.value
        session.flush()
        return
    session.flush()
    key = f"{RANGE}:{promotion.id}:{base}"
    if not outbox.add_effect(session, RANGE, key, now, lane=Lane.APPROVAL, promotion=promotion.id, base=base):
        outbox.rearm_effect(session, key)


def follow_live(session: Session, promotion: Promotion, target: Target, now: datetime) -> bool:
    """Ask anew where something else is live by now; returns whether it is."""
    base = live_sha(session, target)
    if base == promotion.base_sha:
        return False
    ask_range(session, promotion, base, now)
    return True


def range_wanted(session: Session, promotion_id: int, base: str | None) -> tuple[str, str, str] | None:
    """Repository, commit and service of a promotion whose range from ``base`` is still wanted."""
    promotion = session.get(Promotion, promotion_id)
    if promotion is None or not _wants(promotion, base) or promotion.repo is None:
        return None
    return promotion.repo, promotion.sha, target_of(session, promotion).service


def range_read(session: Session, desk: Desk, promotion_id: int, base: str | None, found: Range, now: datetime) -> None:
    """The forge answered what lies between ``base`` and the build: that is what it carries, unless that is stale."""
    promotion = session.get(Promotion, promotion_id)
    if promotion is None:
        return
    target = target_of(session, promotion)
    targets.hold(session, desk.catalog, [(target.service, target.environment)])
    session.refresh(promotion)  # as it stands once nobody else can change it: another base may be asked for by now
    if not _wants(promotion, base) or promotion.repo is None:
        return
    _replace(session, desk.catalog, promotion, found)
    promotion.range = RangeState.COMPLETE.value
    # Where nothing is live yet, every build is ahead of it.
    promotion.direction = (Direction.AHEAD if base is None else found.direction).value
    promotion.truncated = found.truncated
    session.flush()
    promotion.seen = seen_now(session, desk, promotion)
    audit.record(
        session, Tag.PROMOTION_RANGE_READ, f"promotion:{promotion_id}", now, base=base, head=promotion.sha,
        direction=promotion.direction, truncated=found.truncated or None,
        arriving=len(found.arriving.pulls) + len(found.arriving.commits),
        leaving=len(found.leaving.pulls) + len(found.leaving.commits),
    )  # fmt: skip
    work.touch(session, "target", promotion.target)


def range_unknown(session: Session, promotion_id: int, base: str | None, state: RangeState) -> None:
    """The forge does not answer now (UNKNOWN), or will not (UNREADABLE): its gates stay closed and say so."""
    promotion = session.get(Promotion, promotion_id)
    if promotion is None or not _wants(promotion, base) or promotion.range in (RangeState.COMPLETE, state):
        return
    promotion.range = state.value
    work.touch(session, "target", promotion.target)


def _wants(promotion: Promotion, base: str | None) -> bool:
    return promotion.base_sha == base and not State(promotion.state).ended


def _replace(session: Session, catalog: Catalog, promotion: Promotion, found: Range) -> None:
    assert promotion.id is not None
    assert promotion.repo is not None
    owner = catalog.service(target_of(session, promotion).service)
    placed: dict[int, bool] = {}
    for leaving, changes in ((False, found.arriving), (True, found.leaving)):
        for change in deploys.keep_all(session, promotion.repo, owner, changes):
            placed.setdefault(change.id or 0, leaving)
    before = {
        row.change: row
        for row in session.exec(select(PromotionChange).where(PromotionChange.promotion == promotion.id))
    }
    for position, (change_id, leaving) in enumerate(placed.items()):
        row = before.pop(change_id, None) or PromotionChange(promotion=promotion.id, change=change_id)
        row.leaving, row.position = leaving, position
        session.add(row)
    for row in before.values():
        session.delete(row)
    session.flush()
