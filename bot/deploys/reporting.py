"""Rollouts as pipelines report them: which deploy a report speaks of, where it stands, whether it is stuck."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, select

from bot import audit, work
from bot.audit import Tag
from bot.catalog import Catalog, Service
from bot.deploys import attempts, history, rules, statements, steps, targets
from bot.deploys.models import Deploy, DeployReport, Target
from bot.events import DeployReported, DeployStatus

SAME_ROLLOUT = timedelta(hours=2)
"""Two systems that report the same commit for the same target within this time speak of one rollout."""


def reported(session: Session, catalog: Catalog, event: DeployReported, now: datetime) -> Deploy:
    """A pipeline says where a rollout stands: make the deploy or move it, never backwards; touch whatever follows."""
    targets.hold(session, catalog, ())  # as whoever decides does: two leaders must not wait for each other
    event = attempts.named(session, event)
    deploy = deploy_reported(session, event)
    standing = rules.Standing(event.status, event.at)
    if deploy is None:
        service, environment = catalog.resolve_service(event.repo, event.service, event.environment)
        target = target_of(session, service.name, environment)
        deploy = _same_rollout(session, target, event) or _begin(session, service, target, event)
        assert deploy.id is not None
        session.add(
            DeployReport(source=event.source, external_id=event.external_id, attempt=event.attempt, deploy=deploy.id)
        )
        audit.record(
            session, Tag.DEPLOY_BEGAN, f"deploy:{deploy.id}", event.began_at, source=event.source, sha=event.sha
        )
    before = rules.Standing(deploy.state, deploy.status_at)
    after = rules.later(before, standing)
    was_live = before.status is DeployStatus.SUCCEEDED
    moved = after != before
    if moved:
        deploy.status, deploy.status_at = after.status.value, after.at
        audit.record(session, Tag.DEPLOY_MOVED, f"deploy:{deploy.id}", event.at, to=after.status.value)
    _keep_details(deploy, event, moved=moved)
    session.flush()
    assert deploy.id is not None
    steps.keep(session, deploy.id, event)
    work.touch(session, "deploy", deploy.id)
    history.find_place(session, deploy, now, was_live=was_live)
    return deploy


def deploy_reported(session: Session, event: DeployReported) -> Deploy | None:
    """The deploy that this sender's rollout is known as."""
    called = {"of_source": event.source, "of_id": event.external_id, "of_attempt": event.attempt}
    return session.exec(statements.REPORTED, params=called).first()


def target_of(session: Session, service: str, environment: str) -> Target:
    """The row of a service in an environment, made when it is met for the first time."""
    target = session.exec(statements.TARGET, params={"of_service": service, "of_environment": environment}).first()
    if target is None:
        target = Target(service=service, environment=environment)
        session.add(target)
        session.flush()
    return target


def look_whether_stuck(session: Session, deploy_id: int, now: datetime) -> bool:
    """Mark a rollout that has taken far longer than usual; returns whether it is newly so, or reschedules the look."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.state is not DeployStatus.IN_PROGRESS or deploy.stuck_at is not None:
        return False
    since = deploy.in_progress_at or deploy.began_at
    due = since + rules.stuck_after(usual_duration(session, deploy.target))
    if now < due:
        work.schedule(session, "deploy", deploy_id, due)
        return False
    deploy.stuck_at = now
    audit.record(session, Tag.DEPLOY_STUCK, f"deploy:{deploy_id}", now, since=since.isoformat())
    work.touch(session, "deploy", deploy_id)
    return True


def usual_duration(session: Session, target: int) -> timedelta | None:
    """How long rollouts of this target usually take, from the last succeeded ones."""
    rows = session.exec(statements.DURATIONS, params={"of_target": target}).all()
    return rules.usual_duration([ended - began for began, ended in rows if began is not None])


def _same_rollout(session: Session, target: Target, event: DeployReported) -> Deploy | None:
    """A deploy of this commit that another system reported and this one has not yet: the nearest in time, if any."""
    nearby = session.exec(
        statements.NEARBY,
        params={
            "of_target": target.id,
            "of_sha": event.sha,
            "earliest": event.began_at - SAME_ROLLOUT,
            "latest": event.began_at + SAME_ROLLOUT,
        },
    ).all()
    for deploy in sorted(nearby, key=lambda deploy: abs(deploy.began_at - event.began_at)):
        senders = session.exec(select(DeployReport.source).where(DeployReport.deploy == deploy.id)).all()
        if event.source not in senders:
            return deploy
    return None


def _begin(session: Session, service: Service, target: Target, event: DeployReported) -> Deploy:
    assert target.id is not None
    deploy = Deploy(
        target=target.id,
        repo=event.repo or service.repo,
        sha=event.sha,
        status=event.status.value,
        status_at=event.at,
        began_at=event.began_at,
    )
    session.add(deploy)
    session.flush()
    return deploy


def _keep_details(deploy: Deploy, event: DeployReported, *, moved: bool) -> None:
    """What the event says besides its status; where two say different things, the one whose status stands is right."""
    standing = rules.Standing(event.status, event.at)
    deploy.began_at = min(deploy.began_at, event.began_at)
    if event.status is DeployStatus.IN_PROGRESS:
        deploy.in_progress_at = min(deploy.in_progress_at or event.at, event.at)
    if event.status is DeployStatus.SUCCEEDED:
        deploy.live_at = min(deploy.live_at or event.at, event.at)
    if moved:
        deploy.percent = event.percent
    elif standing == rules.Standing(deploy.state, deploy.status_at):  # two with the same instant
        deploy.percent = max((one for one in (deploy.percent, event.percent) if one is not None), default=None)
    if event.final is not None:
        deploy.final = bool(deploy.final) or event.final
    if deploy.repo is None and event.repo is not None:
        deploy.repo, deploy.range_asked = event.repo, False
    _keep_words(deploy, event, rules.weight(standing))


def _keep_words(deploy: Deploy, event: DeployReported, weight: str) -> None:
    said = {
        "url": event.url,
        "description": event.description,
        "ref": event.ref,
        "creator": event.creator.login if event.creator else None,
    }
    for name, words in said.items():
        if words and (weight, words) > (deploy.told.get(name, ""), getattr(deploy, name) or ""):
            setattr(deploy, name, words)
            deploy.told = {**deploy.told, name: weight}
