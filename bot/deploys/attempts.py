"""Reports by senders who do not name their rollouts: which rollout of the same build does one speak of?

Limits: such reports must arrive in order. Senders who may mix them name the rollout (``run`` at ``/api/v1/deploys``).
"""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session, col, select

from bot.deploys.models import Deploy, DeployReport, Target
from bot.events import DeployReported, DeployStatus

UNNAMED = 0
"""The attempt of a report whose sender does not say which rollout of this build it means."""


def named(session: Session, event: DeployReported) -> DeployReported:
    """The report with its attempt: the latest rollout of the build, or the next one when that one was over before it.

    The same end told twice is the same rollout; a success, while it is still what is live.
    """
    if event.attempt != UNNAMED:
        return event
    found = session.exec(
        select(DeployReport.attempt, Deploy, Target)
        .join(Deploy, col(Deploy.id) == col(DeployReport.deploy))
        .join(Target, col(Target.id) == col(Deploy.target))
        .where(DeployReport.source == event.source, DeployReport.external_id == event.external_id)
        .order_by(col(DeployReport.attempt).desc())
        .limit(1)
    ).first()
    if found is None:
        return replace(event, attempt=1)
    attempt, deploy, target = found
    over = deploy.state.ended and event.at > deploy.status_at
    repeated = event.status is deploy.state and (event.status is not DeployStatus.SUCCEEDED or target.live == deploy.id)
    return replace(event, attempt=attempt + 1 if over and not repeated else attempt)
