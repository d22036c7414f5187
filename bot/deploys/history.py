"""Which deploy of a target ran before which, and which is live: found anew whenever a report tells something new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot import work
from bot.deploys import ranges, rules, statements, targets
from bot.deploys.models import Deploy
from bot.events import DeployStatus


def find_place(session: Session, deploy: Deploy, now: datetime, *, was_live: bool) -> None:
    """Say what this deploy replaces, and correct those for which it turns out to be what ran before, or not to be."""
    _set_previous(session, deploy, now)
    if deploy.state is not DeployStatus.SUCCEEDED and not was_live:
        return
    live = rules.live_of(map(_rollout, session.exec(statements.SUCCEEDED, params={"of_target": deploy.target})))
    targets.of_deploy(session, deploy).live = live.id if live else None
    for other in _after(session, deploy):
        if _set_previous(session, other, now):
            assert other.id is not None
            work.touch(session, "deploy", other.id)


def _set_previous(session: Session, deploy: Deploy, now: datetime) -> bool:
    """Find what ran before this deploy; returns whether that is news."""
    previous = rules.previous_of(_rollout(deploy), map(_rollout, _before(session, deploy)))
    sha = previous.sha if previous else None
    news = deploy.previous_sha != sha or not deploy.range_asked
    deploy.previous, deploy.previous_sha = previous.id if previous else None, sha
    if news:
        deploy.range_asked = True
        ranges.ask_range(session, deploy, now)
    return news


def _before(session: Session, deploy: Deploy) -> Sequence[Deploy]:
    """The few succeeded deploys among which the one before this must be (several may share an instant)."""
    others = {"of_target": deploy.target, "but": deploy.id}
    if deploy.state is DeployStatus.SUCCEEDED:
        return session.exec(statements.LIVE_BEFORE, params={**others, "latest": deploy.status_at}).all()
    return session.exec(statements.BEGUN_BEFORE, params={**others, "latest": deploy.began_at}).all()


def _after(session: Session, deploy: Deploy) -> Sequence[Deploy]:
    """Deploys of the same target for which this one may be what ran before."""
    return session.exec(
        statements.AFTER,
        params={
            "of_target": deploy.target,
            "of_deploy": deploy.id,
            "ended_at": deploy.status_at,
            "begun_at": deploy.began_at,
        },
    ).all()


def _rollout(deploy: Deploy) -> rules.Rollout:
    assert deploy.id is not None
    return rules.Rollout(
        id=deploy.id,
        sha=deploy.sha,
        status=deploy.state,
        status_at=deploy.status_at,
        began_at=deploy.began_at,
    )
