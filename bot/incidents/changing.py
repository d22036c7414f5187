"""What the pager is told of production deploys, so that whoever is woken by it sees there what changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from bot import outbox
from bot.alerts.rollouts import went_back
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployStatus
from bot.incidents import pages, people
from bot.incidents.plain import opens
from bot.ports import ChangeEvent

LATEST = timedelta(days=1)
"""What was deployed longer ago, as is heard of after an outage of ours, is not told of."""

LONGEST_SUMMARY = 1000
MOST_LABELS = 5


def went_live(session: Session, desk: Desk, deploy: Deploy, now: datetime) -> None:
    """A rollout is live where customers are: the pager is told, and it becomes known whether its people are there."""
    target = session.get(Target, deploy.target)
    assert target is not None
    owner = desk.catalog.service(target.service)
    if deploy.state is not DeployStatus.SUCCEEDED or not owner.is_final(target.environment, deploy.final):
        return
    if now - deploy.status_at > LATEST:
        return
    people.want(session, desk, owner, people.of_deploy(session, desk, deploy), now)
    if desk.catalog.tells_changes:
        key = f"{pages.CHANGE_EVENT}:{deploy.id}"
        outbox.add_effect(session, pages.CHANGE_EVENT, key, now, deploy=deploy.id)


def change_of(session: Session, desk: Desk, deploy_id: int) -> ChangeEvent | None:
    """A production deploy as the pager shows it: ``checkout → production: #812 (a1b2c3d)``."""
    deploy = session.get(Deploy, deploy_id)
    target = session.get(Target, deploy.target) if deploy is not None else None
    if deploy is None or target is None:
        return None
    changes = people.changes_in(session, deploy)
    labels = ", ".join(one.label for one in changes[:MOST_LABELS]) + (", …" if len(changes) > MOST_LABELS else "")
    did = "rollback" if went_back(session, deploy) else labels
    summary = f"{target.service} → {target.environment}: {did or 'deploy'} ({deploy.sha[:7]})"
    details = {
        "service": target.service, "environment": target.environment, "sha": deploy.sha,
        "previous": deploy.previous_sha, "by": deploy.creator,
        "changes": "; ".join(f"{one.label} {one.title}" for one in changes[:MOST_LABELS]),
    }  # fmt: skip
    previous = session.get(Deploy, deploy.previous) if deploy.previous is not None else None
    links = {link.url: link.name for link in loading.links(desk, target, deploy, previous) if opens(link.url)}
    return ChangeEvent(
        summary=summary[:LONGEST_SUMMARY], source="shipmate", at=deploy.status_at,
        details={name: value[:LONGEST_SUMMARY] for name, value in details.items() if value}, links=links,
    )  # fmt: skip
