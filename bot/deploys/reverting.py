"""Changes that another one took back: what was merged and shipped, and does nothing any more where its revert is."""

from __future__ import annotations

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from bot.deploys.models import Change, Deploy, DeployChange
from bot.deploys.views import RevertView
from bot.events import DeployStatus

# Held: asked for every stage of every card. A revert has a higher number than what it takes back, which spares looking
# through all that a repository has ever merged, and keeps two that claim to revert each other from going on for ever.
_REVERTS = (
    select(Change)
    .where(
        Change.repo == bindparam("of_repo"),
        col(Change.number) > bindparam("of_number"),
        Change.reverts == bindparam("of_number"),
    )
    .order_by(col(Change.number))
)
_ARRIVED = (
    select(DeployChange, Deploy)
    .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
    .where(
        DeployChange.change == bindparam("of_change"),
        col(DeployChange.dropped).is_(False),
        Deploy.target == bindparam("of_target"),
    )
    .order_by(col(Deploy.began_at), col(Deploy.status_at), col(Deploy.sha))
)


def reverted_by(session: Session, change: Change, deploy: Deploy) -> RevertView | None:
    """What takes a change back where this deploy brought it: its revert that is live there, or that came with it.

    None where there is none, and where the revert was taken out or back itself.
    """
    if change.number is None:
        return None
    called = {"of_repo": change.repo, "of_number": change.number}
    for revert in session.exec(_REVERTS, params=called).all():
        there = _arrived(session, revert, deploy.target)
        if there is None or (there.id != deploy.id and there.state is not DeployStatus.SUCCEEDED):
            continue
        if reverted_by(session, revert, there) is None:
            return RevertView(label=revert.label, url=revert.url, at=there.status_at, together=there.id == deploy.id)
    return None


def _arrived(session: Session, change: Change, target: int) -> Deploy | None:
    """The deploy that brought a change to a target last; None where it never came, or was taken out again."""
    rows = session.exec(_ARRIVED, params={"of_change": change.id, "of_target": target}).all()
    told = [(row, deploy) for row, deploy in rows if not row.leaving or deploy.state is DeployStatus.SUCCEEDED]
    return told[-1][1] if told and not told[-1][0].leaving else None
