"""The statements that every status of every rollout needs, held: to build one costs more than to run it.

Their parameters are named ``of_…`` after what is looked for, or after their bound. Nothing here is for rare questions:
those are written where they are asked.
"""

from __future__ import annotations

from sqlalchemy import and_, bindparam, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from bot.deploys import rules
from bot.deploys.models import Change, CommitRow, Contributor, Deploy, DeployChange, DeployReport, Target
from bot.events import DeployStatus

RECENT = 8
"""Succeeded deploys among which the one before another must be: several may share an instant."""

REPORTED = (
    select(Deploy)
    .join(DeployReport, col(DeployReport.deploy) == col(Deploy.id))
    .where(
        DeployReport.source == bindparam("of_source"),
        DeployReport.external_id == bindparam("of_id"),
        DeployReport.attempt == bindparam("of_attempt"),
    )
)
# For update: whatever is decided about a target is decided by one replica at a time.
TARGET = (
    select(Target)
    .where(Target.service == bindparam("of_service"), Target.environment == bindparam("of_environment"))
    .with_for_update()
)
NEARBY = select(Deploy).where(
    Deploy.target == bindparam("of_target"),
    Deploy.sha == bindparam("of_sha"),
    col(Deploy.began_at).between(bindparam("earliest"), bindparam("latest")),
)
SUCCEEDED = (
    select(Deploy)
    .where(Deploy.target == bindparam("of_target"), Deploy.status == DeployStatus.SUCCEEDED.value)
    .order_by(col(Deploy.status_at).desc(), col(Deploy.id).desc())
    .limit(RECENT)
)
LIVE_BEFORE = SUCCEEDED.where(Deploy.id != bindparam("but"), Deploy.status_at <= bindparam("latest"))
BEGUN_BEFORE = SUCCEEDED.where(Deploy.id != bindparam("but"), Deploy.began_at <= bindparam("latest"))
EARLIER = aliased(Deploy)
AFTER = (
    select(Deploy)
    .outerjoin(EARLIER, col(Deploy.previous) == col(EARLIER.id))
    .where(
        Deploy.target == bindparam("of_target"),
        Deploy.id != bindparam("of_deploy"),
        or_(
            col(Deploy.previous) == bindparam("of_deploy"),
            and_(
                or_(col(Deploy.status_at) >= bindparam("ended_at"), col(Deploy.began_at) >= bindparam("begun_at")),
                or_(col(Deploy.previous).is_(None), col(EARLIER.status_at) <= bindparam("ended_at")),
            ),
        ),
    )
)
WITH_TARGET = (
    select(Deploy, Target, EARLIER)
    .join(Target, col(Deploy.target) == col(Target.id))
    .outerjoin(EARLIER, col(Deploy.previous) == col(EARLIER.id))
    .where(col(Deploy.id).in_(bindparam("of_deploys", expanding=True)))
)
DURATIONS = (
    select(Deploy.in_progress_at, Deploy.status_at)
    .where(
        Deploy.target == bindparam("of_target"),
        Deploy.status == DeployStatus.SUCCEEDED.value,
        col(Deploy.in_progress_at).is_not(None),
    )
    .order_by(col(Deploy.status_at).desc())
    .limit(rules.USUAL_SAMPLES)
)
CARRIED = select(DeployChange.id).where(DeployChange.deploy == bindparam("of_deploy")).limit(1)
CHANGES = (
    select(DeployChange, Change)
    .join(Change, col(DeployChange.change) == col(Change.id))
    .where(DeployChange.deploy == bindparam("of_deploy"), col(DeployChange.dropped).is_(False))
    .order_by(col(DeployChange.position))
)
DROPPED = (
    select(Change)
    .join(DeployChange, col(DeployChange.change) == col(Change.id))
    .where(DeployChange.deploy == bindparam("of_deploy"), col(DeployChange.dropped).is_(True))
)
REACHED = (
    select(DeployChange, Deploy, Target)
    .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
    .join(Target, col(Deploy.target) == col(Target.id))
    .where(DeployChange.change == bindparam("of_change"), col(DeployChange.dropped).is_(False))
    .order_by(col(Deploy.began_at), col(Deploy.status_at), col(Deploy.sha))
)
LANDED_AS = select(Change).where(Change.repo == bindparam("of_repo"), Change.sha == bindparam("of_sha"))
CONTAINING = (
    select(Change)
    .join(CommitRow, col(CommitRow.change) == col(Change.id))
    .where(CommitRow.repo == bindparam("of_repo"), CommitRow.sha == bindparam("of_sha"))
)
COMMIT = select(CommitRow).where(CommitRow.repo == bindparam("of_repo"), CommitRow.sha == bindparam("of_sha"))
PARTS = select(Contributor).where(col(Contributor.change).in_(bindparam("of_changes", expanding=True)))
