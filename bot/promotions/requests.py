"""Somebody's wish that a build goes on: by a command, the API, or the next one to come."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from bot import people
from bot.catalog import Service, Supersede
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.errors import UserError
from bot.events import DeployStatus, PromotionRequested
from bot.promotions import finding, raising
from bot.promotions.ranges import live_sha
from bot.promotions.states import is_called
from bot.promotions.words import called
from bot.spelling import did_you_mean

FULL_SHA = 40
"""Characters of a commit's whole name: shorter ones are looked up among the builds that were deployed."""


def request(session: Session, desk: Desk, event: PromotionRequested, now: datetime) -> str:
    """Ask for a build to go to an environment; returns what is told to whoever asked. UserError says why not."""
    owner = promotable(desk, event.service)
    _must_be_member(session, desk, owner, event.by, now)
    environment = _environment(session, desk, owner, event.environment)
    sha = _build(session, owner, environment, event.sha)
    target = targets.hold(session, desk.catalog, [(owner.name, environment)])[(owner.name, environment)]
    assert target.id is not None
    where = f"{owner.name} → {environment}"
    if live_sha(session, target) == sha:
        return f"Nothing to do: {environment} runs {sha[:7]} of {owner.name} already."
    for promotion in finding.alive_at(session, target.id):
        if promotion.sha == sha:
            return f"{called(session, promotion)} is on its way already: promotion {promotion.id}. Its card shows how."
    waiting = finding.occupying(session, target.id)
    if waiting is None:
        made = raising.begin(session, desk, target, sha, event.via, event.by, now)
    elif is_called(waiting):
        raise UserError(f"{called(session, waiting)} is being started just now: ask again once it rolls out.")
    elif owner.supersede is Supersede.ALWAYS and not waiting.rollback:
        made = raising.supersede(session, desk, waiting, sha, event.via, event.by, now)
    else:
        raise UserError(
            f"{where} has {waiting.sha[:7]} open (promotion {waiting.id}), and one build waits at a time. "
            "A newer one waits as next: Include newer on the card takes it aboard. To promote another one, cancel that."
        )
    return f"Asked for: {called(session, made)} is promotion {made.id}. Its card says what it waits for."


def promotable(desk: Desk, name: str) -> Service:
    """The service of this name, where builds of it can be promoted; UserError says what is missing."""
    owner = desk.catalog.service(name)
    if not owner.known:
        raise UserError(
            f"I know no service “{name[:80]}”{did_you_mean(name, desk.catalog.services) or '.'} "
            "Only services that shipmate.yml names are promoted."
        )
    if owner.promote_through is None or len(owner.environments) < 2:
        raise UserError(
            f"{owner.name} is not promoted by me: shipmate.yml gives it no promote_through, or fewer than two "
            "environments."
        )
    return owner


def environment_of(owner: Service, asked: str) -> str:
    """The environment of this name that builds can be promoted to; UserError names those that there are."""
    written = owner.configured(asked)
    if written is None or written == owner.environments[0]:
        names = ", ".join(owner.environments[1:])
        raise UserError(f"{owner.name} is promoted to {names}; “{asked[:80]}” is none of these.")
    return written


def _environment(session: Session, desk: Desk, owner: Service, asked: str | None) -> str:
    """The one asked for, else the first whose environment before runs something else."""
    if asked is not None:
        return environment_of(owner, asked)
    for before, environment in zip(owner.environments, owner.environments[1:], strict=False):
        here, there = (finding.target_called(session, owner.name, one) for one in (before, environment))
        newest = live_sha(session, here) if here is not None else None
        if newest is not None and newest != (live_sha(session, there) if there is not None else None):
            return environment
    raise UserError(f"There is nothing to promote: every environment of {owner.name} runs what the one before it runs.")


def _build(session: Session, owner: Service, environment: str, asked: str | None) -> str:
    before = owner.environments[owner.environments.index(environment) - 1]
    if asked is None:
        here = finding.target_called(session, owner.name, before)
        newest = live_sha(session, here) if here is not None else None
        if newest is None:
            raise UserError(f"Nothing of {owner.name} is live in {before} yet, so there is no build to promote.")
        return newest
    sha = asked.strip().lower()
    found = session.exec(
        select(Deploy.sha)
        .join(Target, col(Deploy.target) == col(Target.id))
        .where(
            Target.service == owner.name,
            Deploy.status == DeployStatus.SUCCEEDED.value,
            col(Deploy.sha).startswith(sha, autoescape=True),
        )
        .distinct()
        .limit(2)
    ).all()
    if len(found) == 1:
        return found[0]
    if not found and len(sha) >= FULL_SHA:
        return sha  # its gates say what it lacks
    if found:
        raise UserError(f"More than one build of {owner.name} begins with {sha[:40]}: give more of it.")
    raise UserError(f"No build {sha[:40]} of {owner.name} was ever live in {before}. /ship status shows what is.")


def _must_be_member(session: Session, desk: Desk, owner: Service, by: str | None, now: datetime) -> None:
    if by is None or not by.startswith("slack:"):
        return  # a token asked: it may, and its wish approves nothing
    if not people.is_member(session, desk.catalog, owner.team, by.removeprefix("slack:"), now):
        team = owner.team.name if owner.team else owner.name
        raise UserError(f"You can't promote {owner.name}: that is for members of the team {team}.")
