"""What a deploy carries: asked of the forge by an effect (``RANGE``), and handed back to ``range_read``.

Until then the card says what the event itself carried.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, select

from bot import audit, outbox, work
from bot.audit import Tag
from bot.catalog import Catalog
from bot.deploys import keeping, statements, targets
from bot.deploys.models import Change, Deploy, DeployChange
from bot.deploys.views import RangeState
from bot.ports import Range

RANGE = "range"
"""The effect that reads what a deploy carries. Twice is harmless: it only reads, and its result replaces itself."""


def ask_range(session: Session, deploy: Deploy, now: datetime) -> None:
    """Have what lies between a deploy and what it replaces read, anew where that was asked before."""
    deploy.range = RangeState.READING.value
    if deploy.repo is None:
        deploy.range = RangeState.UNREADABLE.value
        return
    assert deploy.id is not None
    show_provisionally(session, deploy.id)
    key = _range_key(deploy, deploy.previous_sha)
    asked = outbox.add_effect(session, RANGE, key, now, deploy=deploy.id, base=deploy.previous_sha)
    if not asked:
        outbox.rearm_effect(session, key)


def range_read(
    session: Session, catalog: Catalog, deploy_id: int, base: str | None, found: Range, now: datetime
) -> None:
    """The forge answered what lies between ``base`` and this deploy: it carries that, unless ``base`` is stale."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.previous_sha != base or deploy.repo is None:
        return
    service = catalog.service(targets.of_deploy(session, deploy).service)
    _replace_changes(
        session,
        deploy,
        keeping.keep_all(session, deploy.repo, service, found.arriving),
        keeping.keep_all(session, deploy.repo, service, found.leaving),
    )
    deploy.range = RangeState.COMPLETE.value
    deploy.direction, deploy.truncated = found.direction.value, found.truncated
    audit.record(
        session,
        Tag.DEPLOY_RANGE_READ,
        f"deploy:{deploy_id}",
        now,
        base=base,
        head=deploy.sha,
        direction=found.direction.value,
        arriving=len(found.arriving.pulls) + len(found.arriving.commits),
        leaving=len(found.leaving.pulls) + len(found.leaving.commits),
    )
    work.touch(session, "range", deploy_id)


def range_unknown(session: Session, deploy_id: int, base: str | None, state: RangeState) -> None:
    """The forge does not answer now (UNKNOWN), or will not (UNREADABLE): show what the event itself carries."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.previous_sha != base or deploy.range in (RangeState.COMPLETE, state):
        return
    deploy.range = state.value
    work.touch(session, "range", deploy_id)


def show_provisionally(session: Session, deploy_id: int) -> None:
    """Until the forge answers, a deploy shows the change that its commit is, where we have heard of it."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.repo is None or deploy.range == RangeState.COMPLETE:
        return
    if session.exec(statements.CARRIED, params={"of_deploy": deploy_id}).first() is not None:
        return
    change = keeping.change_of_commit(session, deploy.repo, deploy.sha)
    if change is not None and change.id is not None:
        session.add(DeployChange(deploy=deploy_id, change=change.id))
        session.flush()


def _range_key(deploy: Deploy, base: str | None) -> str:
    return f"{RANGE}:{deploy.id}:{base}"


def _replace_changes(session: Session, deploy: Deploy, arriving: Iterable[Change], leaving: Iterable[Change]) -> None:
    """This is what the deploy carries now; what people may have been shown before is kept as dropped."""
    assert deploy.id is not None
    before = {row.change: row for row in session.exec(select(DeployChange).where(DeployChange.deploy == deploy.id))}
    placed: dict[int, bool] = {}
    for side, changes in ((False, arriving), (True, leaving)):
        for change in changes:
            assert change.id is not None
            placed.setdefault(change.id, side)
    for position, (change_id, side) in enumerate(placed.items()):
        row = before.pop(change_id, None) or DeployChange(deploy=deploy.id, change=change_id)
        row.leaving, row.position, row.dropped = side, position, False
        session.add(row)
    for row in before.values():
        row.dropped = True
    session.flush()
