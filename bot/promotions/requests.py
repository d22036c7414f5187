"""Somebody's wish that a build goes on: by a command, the API, or the next one to come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, literal, or_
from sqlmodel import Session, col, func, select

from bot import people
from bot.catalog import Service, Supersede
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, DeployChange, Release, Target
from bot.errors import UserError
from bot.events import DeployStatus, PromotionRequested
from bot.locks import ends
from bot.promotions import finding, gathering, raising
from bot.promotions.models import Promotion
from bot.promotions.ranges import live_sha
from bot.promotions.states import is_called
from bot.promotions.words import called
from bot.spelling import did_you_mean

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
"""What may be the beginning of a commit: shorter numbers are pull requests."""

FULL_SHA = 40
"""Characters of a commit's whole name: shorter ones are looked up among the builds that were deployed."""

_DEPLOYED = (
    select(Deploy.sha)
    .join(Target, col(Deploy.target) == col(Target.id))
    .where(Deploy.status == DeployStatus.SUCCEEDED.value)
)


def request(session: Session, desk: Desk, event: PromotionRequested, now: datetime) -> str:
    """Ask for a build to go to an environment; returns what is told to whoever asked. UserError says why not."""
    owner = promotable(desk, event.service)
    _must_be_member(session, desk, owner, event.by, now)
    environment = _environment(session, desk, owner, event.environment)
    sha = _build(session, owner, environment, event.sha)
    target = targets.hold(session, desk.catalog, [(owner.name, environment)])[(owner.name, environment)]
    assert target.id is not None
    if live_sha(session, target) == sha:
        return f"Nothing to do: {environment} runs {sha[:7]} of {owner.name} already."
    for promotion in finding.alive_at(session, target.id):
        if promotion.sha == sha:
            return _there_already(session, desk, promotion, target, now)
    waiting = finding.occupying(session, target.id)
    if waiting is None:
        made = raising.begin(session, desk, target, sha, event.via, event.by, now)
    else:
        _must_give_way(session, desk, owner, environment, waiting)
        made = raising.supersede(session, desk, waiting, sha, event.via, event.by, now)
    unnamed = _unnamed_said(session, desk, event.by)
    return f"Asked for: {called(session, made)} is promotion {made.id}. Its card says what it waits for.{unnamed}"


def refused(session: Session, desk: Desk, service: str, environment: str) -> str | None:
    """Why asking for what is live before an environment would begin nothing there; None where it would.

    Who asks is not looked at (``may_ask``).
    """
    try:
        owner = promotable(desk, service)
        written = environment_of(owner, environment)
        sha = _build(session, owner, written, None)
        target = finding.target_called(session, owner.name, written)
        if target is None or target.id is None:
            return None
        if live_sha(session, target) == sha:
            return f"{written} runs {sha[:7]} of {owner.name} already."
        waiting = finding.occupying(session, target.id)
        if waiting is not None:
            _must_give_way(session, desk, owner, written, waiting)
    except UserError as refusal:
        return str(refusal)
    return None


def may_ask(session: Session, desk: Desk, owner: Service, slack_id: str, now: datetime) -> bool:
    """Whether somebody may ask for promotions of a service, as far as that can be told: whoever asks is looked up."""
    try:
        return people.is_member(session, desk.catalog, owner.team, slack_id, now)
    except UserError:
        return True


def askers(owner: Service) -> str:
    """Who may ask for promotions of a service, in words."""
    if owner.team is None or not owner.team.members:
        return "full members of the workspace"
    return f"members of the team {owner.team.name}"


def _must_give_way(session: Session, desk: Desk, owner: Service, environment: str, waiting: Promotion) -> None:
    """UserError unless another build may take the place of what waits there."""
    where = f"{owner.name} → {environment}"
    if is_called(waiting):
        raise UserError(f"{called(session, waiting)} is being started just now: ask again once it rolls out.")
    if waiting.departure is not None:
        train = desk.catalog.train_of(owner.name, environment)
        name = train.name if train is not None else owner.name
        raise UserError(
            f"{where} has {waiting.sha[:7]} aboard the {name} train, and one build waits at a time. A hotfix goes "
            f"besides the train once {owner.name} is taken off it: its conductor can (/ship train {name})."
        )
    if owner.supersede is not Supersede.ALWAYS or waiting.rollback:
        raise UserError(
            f"{where} has {waiting.sha[:7]} open (promotion {waiting.id}), and one build waits at a time. "
            "A newer one waits as next: Include newer on the card takes it aboard. To promote another one, cancel that."
        )


def _there_already(session: Session, desk: Desk, promotion: Promotion, target: Target, now: datetime) -> str:
    """What is told to whoever asks for a build that has a promotion: how it is on its way, or which train it awaits."""
    name, fact = f"{called(session, promotion)} is promotion {promotion.id}", None
    if not is_called(promotion) and not promotion.rollback:
        fact = gathering.train_of(session, desk, promotion, target, now)
    if fact is None or (fact.hotfix and not fact.aboard):
        return f"{called(session, promotion)} is on its way already: promotion {promotion.id}. Its card shows how."
    train = desk.catalog.train_of(target.service, target.environment)
    zone = train.zone if train is not None else desk.catalog.timezone
    at = f", {ends.spoken(fact.scheduled_at, zone, now)}" if fact.scheduled_at is not None else ""
    if fact.aboard:
        return f"{name} already, aboard the {fact.name} train{at}: its departure's card shows what it waits for."
    return (
        f"{name} already, and waits for the {fact.name} train{at}. To ship it besides the train, cancel that promotion "
        "and ask again: as a hotfix it wants one more approval."
    )


def _unnamed_said(session: Session, desk: Desk, by: str | None) -> str:
    """What whoever asks for somebody who is nobody known is told besides."""
    if by is None:
        return " Nobody is named as asking (requested_by), so it wants one more approval."
    if people.is_known(session, desk.catalog, by):
        return ""
    name = by.partition(":")[2]
    what = "a bot" if people.is_bot(by) else "nobody I know (people in shipmate.yml, or /ship me github prove)"
    return f" {name} (requested_by) is {what}, so it wants one more approval: name the person who asks."


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
        names, first = " and ".join(owner.environments[1:]), written == owner.environments[0]
        why = "builds get there by the pipeline alone" if first else "that is no environment of it"
        raise UserError(f"{owner.name} is promoted to {names}, not to “{asked[:80]}”: {why}.")
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
    name = asked.strip()
    sha = name.lower()
    is_commit = _COMMIT.fullmatch(sha) is not None
    found = _beginning_with(session, owner, sha) if is_commit else ()
    if not found and is_commit and len(sha) >= FULL_SHA:
        return sha  # its gates say what it lacks
    found = found or _that_brought(session, owner, before, name) or _released_as(session, owner, name)
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"More than one build of {owner.name} goes by “{name[:80]}”: give more of its commit.")
    raise UserError(
        f"I know no build “{name[:80]}” of {owner.name} that was live in {before}: name it by its commit, its tag, its "
        f"version or a pull request that it brought (#812). /ship status {owner.name} shows what is live."
    )


def _beginning_with(session: Session, owner: Service, sha: str) -> Sequence[str]:
    """The builds whose commits begin so, among those that were deployed: two of them where there are more."""
    return session.exec(
        _DEPLOYED.where(Target.service == owner.name, col(Deploy.sha).startswith(sha, autoescape=True))
        .distinct()
        .limit(2)
    ).all()


def _that_brought(session: Session, owner: Service, before: str, name: str) -> Sequence[str]:
    """The first build that brought the pull request of this number (``812``, ``#812``) to the environment before."""
    number = name.removeprefix("#")
    if not (number.isdecimal() and number.isascii() and len(number) < 10):
        return ()
    return session.exec(
        _DEPLOYED.join(DeployChange, col(DeployChange.deploy) == col(Deploy.id))
        .join(Change, col(DeployChange.change) == col(Change.id))
        .where(
            Target.service == owner.name, Target.environment == before, Change.number == int(number),
            col(DeployChange.leaving).is_(False), col(DeployChange.dropped).is_(False),
        )
        .order_by(col(Deploy.status_at), col(Deploy.id))
        .limit(1)
    ).all()  # fmt: skip


def _released_as(session: Session, owner: Service, name: str) -> Sequence[str]:
    """The builds that were deployed by this tag, or by one whose version has this name in their repository."""
    refs = (name.lower(), f"refs/tags/{name.lower()}")
    is_of = and_(
        col(Release.repo) == col(Deploy.repo),
        or_(col(Release.tag) == col(Deploy.ref), literal("refs/tags/") + col(Release.tag) == col(Deploy.ref)),
    )
    return session.exec(
        _DEPLOYED.outerjoin(Release, is_of)
        .where(
            Target.service == owner.name,
            or_(func.lower(Deploy.ref).in_(refs), func.lower(Release.name) == name.lower()),
        )
        .distinct()
        .limit(2)
    ).all()  # fmt: skip


def _must_be_member(session: Session, desk: Desk, owner: Service, by: str | None, now: datetime) -> None:
    if by is None or not by.startswith("slack:"):
        return  # a token asked: it may, and its wish approves nothing
    if not people.is_member(session, desk.catalog, owner.team, by.removeprefix("slack:"), now):
        raise UserError(f"You can't promote {owner.name}: that is for {askers(owner)}.")
