"""GitHub asks whether a run may enter an environment: a promotion of its build is raised, or joined."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from bot import audit, people, work
from bot.audit import Tag
from bot.catalog import PromoteThrough
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Target
from bot.events import GateRequested, Via
from bot.promotions import finding, gatekeeping, raising
from bot.promotions.gathering import environment_before
from bot.promotions.models import SOMEBODY, GateRequest, Promotion


def gate_requested(session: Session, desk: Desk, event: GateRequested, now: datetime) -> None:
    """Keep the question, once; what waits already for this build waits for the run, else a promotion is raised.

    A run that was answered before asks afresh: its promotion is a new one, and no yes carries over.
    """
    owner, environment = desk.catalog.resolve_service(event.repo, None, event.environment)
    target = targets.hold(session, desk.catalog, [(owner.name, environment)])[(owner.name, environment)]
    if _asked_before(session, event):
        return
    assert target.id is not None
    by = _who_started(event)
    run = GateRequest(
        repo=event.repo, run=event.run, environment=event.environment, target=target.id, sha=event.sha,
        requested_by=by, asked_at=event.at,
    )  # fmt: skip
    session.add(run)
    session.flush()
    audit.record(
        session, Tag.GATE_REQUESTED, f"run:{event.repo}/{event.run}", event.at, who=by, service=owner.name,
        environment=environment, sha=event.sha,
    )  # fmt: skip
    ours = owner.promote_through is PromoteThrough.GITHUB_ENVIRONMENT
    if not ours or environment_before(owner, environment) is None:
        gatekeeping.refuse(
            session, run,
            f"shipmate.yml does not say that {owner.name} is promoted to {environment} through github-environment, so "
            "this run waits for ever. Mend that and run it again, or take the rule off the environment.", now,
        )  # fmt: skip
        return
    _give_promotion(session, desk, target, run, now)
    work.touch(session, "target", target.id)


def _who_started(event: GateRequested) -> str | None:
    """Whoever did, as our tables name them; a bot as one, since it does not say who had it do so."""
    human = event.requested_by
    if human is None:
        return None
    who = people.who_is(human)
    if who is None:
        return SOMEBODY
    return people.as_bot(who) if human.bot else who


def _give_promotion(session: Session, desk: Desk, target: Target, run: GateRequest, now: datetime) -> None:
    assert target.id is not None
    waiting = finding.occupying(session, target.id)
    train = desk.catalog.train_of(target.service, target.environment)
    if waiting is None and train is not None:
        words = f"Waiting for the {train.name} train: its next departure takes this build aboard, or says why not."
        gatekeeping.refuse(session, run, words, now)
    elif waiting is None:
        raising.begin(session, desk, target, run.sha, Via.GITHUB, run.requested_by, now, repo=run.repo)
    elif waiting.sha == run.sha:
        run.promotion = waiting.id
        session.flush()
    else:
        gatekeeping.refuse(session, run, _next_words(waiting), now)  # it is raised once that has ended


def _next_words(waiting: Promotion) -> str:
    return f"Waiting as next: promotion {waiting.id} ({waiting.sha[:7]}) is open, and one build waits at a time."


def _asked_before(session: Session, event: GateRequested) -> bool:
    """Whether this very question was kept: it still waits, or was over before it was told again."""
    rows = session.exec(
        select(GateRequest).where(
            GateRequest.repo == event.repo,
            GateRequest.run == event.run,
            col(GateRequest.environment) == event.environment,
        )
    ).all()
    return any(row.over_at is None or row.over_at >= event.at or row.asked_at >= event.at for row in rows)
