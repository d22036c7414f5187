"""How far rollouts had come, and since when they had any traffic at all.

Reports arrive in any order and any number of times: of each percentage the earliest instant is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from bot.deploys.models import Deploy, RolloutStep
from bot.events import DeployReported, DeployStatus

Steps = tuple[tuple[datetime, int], ...]
"""The instants at which a rollout was first told to have come so far, in per cent, the earliest first."""

_STEP = select(RolloutStep).where(RolloutStep.deploy == bindparam("of_deploy"), RolloutStep.percent == bindparam("of"))
_STEPS = (
    select(RolloutStep)
    .where(col(RolloutStep.deploy).in_(bindparam("of_deploys", expanding=True)))
    .order_by(col(RolloutStep.at), col(RolloutStep.percent))
)


def keep(session: Session, deploy_id: int, event: DeployReported) -> None:
    """Keep how far a rollout is told to have come, where it is told; a pending or ended one tells of no progress."""
    if event.percent is None or event.status is not DeployStatus.IN_PROGRESS:
        return
    step = session.exec(_STEP, params={"of_deploy": deploy_id, "of": event.percent}).first()
    if step is None:
        session.add(RolloutStep(deploy=deploy_id, percent=event.percent, at=event.at))
        session.flush()
    elif event.at < step.at:
        step.at = event.at


def of(session: Session, deploys: Iterable[int]) -> Mapping[int, Steps]:
    """The steps of each of these deploys; those that told of none are not there."""
    found: dict[int, list[tuple[datetime, int]]] = {}
    for step in session.exec(_STEPS, params={"of_deploys": sorted(deploys)}).all():
        found.setdefault(step.deploy, []).append((step.at, step.percent))
    return {deploy: tuple(steps) for deploy, steps in found.items()}


def first_traffic_at(deploy: Deploy, steps: Steps = ()) -> datetime | None:
    """Since when a rollout provably had any of the traffic; None for one that never had.

    One that is in progress has some, unless its sender tells that it began with 0 %. One whose sender tells of
    its success alone has had it since then: that it began at ``began_at`` says nothing of its traffic. One that failed
    or was stopped had traffic if it was ever in progress, or told to have succeeded before.
    """
    told = [at for at, percent in steps if percent > 0]
    if deploy.in_progress_at is not None and not (steps and steps[0][1] == 0):
        told.append(deploy.in_progress_at)
    if deploy.live_at is not None:
        told.append(deploy.live_at)
    return min(told, default=None)
