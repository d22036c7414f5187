"""How long it lately took: what is on record of changes on their way to an environment, and of rollouts there.

The statements are held: to build one costs more than to run it, and every change that goes by train needs both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select

from bot.deploys.models import Change, Deploy, DeployChange
from bot.events import DeployStatus
from bot.ports import Direction
from bot.trains.forecast import History

REMEMBERED = timedelta(days=30)
"""How far back it is looked: pipelines change, and what took long in spring says nothing of autumn."""

MOST = 200
"""Of arrivals, and of rollouts of all targets that are asked about: the latest are enough to say what is usual."""

_ARRIVALS = (
    select(Change.merged_at, func.min(Deploy.status_at))
    .join(DeployChange, col(DeployChange.change) == col(Change.id))
    .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
    .where(
        Deploy.target == bindparam("of_target"),
        Deploy.status == DeployStatus.SUCCEEDED.value,
        Deploy.status_at > bindparam("since"),
        # One that was merged before then may have arrived before then for the first time.
        col(Change.merged_at) > bindparam("since"),
        col(DeployChange.leaving).is_(False),
        col(DeployChange.dropped).is_(False),
    )
    .group_by(col(Change.id), col(Change.merged_at))
    .order_by(func.min(Deploy.status_at).desc())
    .limit(MOST)
)
_ROLLOUTS = (
    select(Deploy.target, Deploy.in_progress_at, Deploy.status_at)
    .where(
        col(Deploy.target).in_(bindparam("of_targets", expanding=True)),
        Deploy.status == DeployStatus.SUCCEEDED.value,
        Deploy.status_at > bindparam("since"),
        # Until it is in progress it may wait for a gate, and that is no length of a rollout.
        col(Deploy.in_progress_at).is_not(None),
        col(Deploy.direction).is_distinct_from(Direction.BEHIND.value),
    )
    .order_by(col(Deploy.status_at).desc())
    .limit(MOST)
)
_ARRIVED_AT = (
    select(func.min(Deploy.status_at))
    .join(DeployChange, col(DeployChange.deploy) == col(Deploy.id))
    .where(
        Deploy.target == bindparam("of_target"),
        Deploy.status == DeployStatus.SUCCEEDED.value,
        DeployChange.change == bindparam("of_change"),
        col(DeployChange.leaving).is_(False),
        col(DeployChange.dropped).is_(False),
    )
)


def arrivals(session: Session, target_id: int | None, now: datetime) -> History:
    """How long changes took from their merge until they first succeeded in a target (None = was never met)."""
    if target_id is None:
        return History()
    rows = session.exec(_ARRIVALS, params={"of_target": target_id, "since": now - REMEMBERED}).all()
    return History.of(arrived - merged for merged, arrived in rows if merged is not None)


def rollouts(session: Session, target_ids: Sequence[int], now: datetime) -> Mapping[int, History]:
    """How long rollouts took in each of these targets that went forward; a rollback says nothing of them."""
    found: dict[int, list[timedelta]] = {target: [] for target in target_ids}
    if found:
        rows = session.exec(_ROLLOUTS, params={"of_targets": list(found), "since": now - REMEMBERED}).all()
        for target, began, ended in rows:
            if began is not None:
                found[target].append(ended - began)
    return {target: History.of(lengths) for target, lengths in found.items()}


def arrived_at(session: Session, target_id: int | None, change_id: int) -> datetime | None:
    """When a change first succeeded in a target; None while it has not."""
    if target_id is None:
        return None
    return session.exec(_ARRIVED_AT, params={"of_target": target_id, "of_change": change_id}).first()
