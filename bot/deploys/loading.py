"""From rows to views: what a template sees of a deploy or a change, at the instant it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlalchemy import bindparam
from sqlmodel import Session, select

from bot import people
from bot.catalog import Catalog, Service
from bot.deploys import reverting, rules, service, statements
from bot.deploys.models import Change, Deploy, DeployChange, Release, Target
from bot.deploys.views import (
    ChangeCard,
    ChangeView,
    DeployCard,
    LinkView,
    PersonView,
    RangeState,
    StageView,
    StuckView,
)
from bot.events import DeployStatus, Human, Level

LISTED = 10
"""Changes named on a card; the rest are counted."""


@dataclass(frozen=True)
class Desk:
    """What loading needs besides the session: the catalogue, where people read code, and the instant."""

    catalog: Catalog
    forge_url: str
    now: datetime


def deploy_card(session: Session, desk: Desk, deploy: Deploy) -> DeployCard:
    """A rollout as its channel sees it."""
    target = _target(session, deploy)
    rows = service.changes_of(session, _id(deploy))
    views = change_views(session, desk, [change for _, change in rows])
    arriving = tuple(views[_id(change)] for row, change in rows if not row.leaving)
    leaving = tuple(views[_id(change)] for row, change in rows if row.leaving)
    ended = deploy.state.ended
    began = deploy.in_progress_at or deploy.began_at
    return DeployCard(
        service=target.service,
        environment=target.environment,
        status=deploy.state,
        percent=deploy.percent if deploy.state is DeployStatus.IN_PROGRESS else None,
        rollback=service.is_rollback(deploy),
        sha=deploy.sha,
        ref=deploy.ref if deploy.ref != deploy.sha else None,
        version=_version(session, deploy),
        description=deploy.description,
        creator=person(session, desk, Human(login=_without_bot(deploy.creator))) if deploy.creator else None,
        began_at=began,
        ended_at=deploy.status_at if ended else None,
        duration=deploy.status_at - began if ended else None,
        previous_sha=deploy.previous_sha,
        first=deploy.previous is None,
        range=RangeState(deploy.range),
        arriving=arriving[:LISTED],
        leaving=leaving[:LISTED],
        more=max(0, len(arriving) - LISTED) + max(0, len(leaving) - LISTED) + deploy.truncated,
        links=links(desk, target, deploy, session.get(Deploy, deploy.previous) if deploy.previous else None),
        stuck=stuck_view(session, deploy),
    )


def stuck_view(session: Session, deploy: Deploy) -> StuckView | None:
    """How long a stuck rollout takes, and how long is usual; None while it is not stuck."""
    if deploy.stuck_at is None or deploy.state.ended:
        return None
    usual = service.usual_duration(session, deploy.target)
    return StuckView(running_since=deploy.in_progress_at or deploy.began_at, usual=usual, url=deploy.url)


def change_card(session: Session, desk: Desk, change: Change, slack_id: str) -> ChangeCard:
    """A change as one of its authors sees it."""
    parts = service.parts(session, [_id(change)])
    return ChangeCard(
        change_id=_id(change),
        change=change_views(session, desk, [change], parts)[_id(change)],
        role=_role(session, desk, parts[_id(change)], slack_id),
        stages=stages(session, desk, change),
        muted=people.level_of(session, slack_id, f"change:{change.id}") is Level.NONE,
        muted_everything=people.level_of(session, slack_id) is Level.NONE,
    )


def stages(session: Session, desk: Desk, change: Change) -> tuple[StageView, ...]:
    """How far a change got: its latest deploy in each environment, in the order of the service's pipeline."""
    latest: dict[tuple[str, str], tuple[DeployChange, Deploy, Target]] = {}
    for link, deploy, target in session.exec(statements.REACHED, params={"of_change": change.id}).all():
        if not link.leaving or deploy.state is DeployStatus.SUCCEEDED:  # until then it has taken nothing out
            latest[(target.service, target.environment)] = (link, deploy, target)
    found = [
        StageView(
            service=target.service,
            environment=target.environment,
            status=deploy.state,
            at=deploy.status_at,
            url=deploy.url,
            left=link.leaving,
            reverted=None
            if link.leaving or deploy.state in _NOT_THERE
            else reverting.reverted_by(session, change, deploy),
        )
        for link, deploy, target in latest.values()
    ]
    return tuple(sorted(found, key=lambda stage: (stage.service, _place_in_pipeline(desk.catalog, stage), stage.at)))


_NOT_THERE = (DeployStatus.FAILED, DeployStatus.CANCELLED)


def role_of(session: Session, desk: Desk, change: Change, slack_id: str) -> str:
    """The part somebody had in a change: ``author``, ``coauthor`` or ``merger``."""
    return _role(session, desk, service.parts(session, [_id(change)])[_id(change)], slack_id)


def _role(session: Session, desk: Desk, parts: Sequence[rules.Part], slack_id: str) -> str:
    theirs = (
        part.role
        for part in rules.to_be_told(parts)
        if people.known_slack_id(session, desk.catalog, part.human, desk.now) == slack_id
    )
    return next(theirs, "author")


def change_views(
    session: Session, desk: Desk, changes: Sequence[Change],
    parts: Mapping[int, Sequence[rules.Part]] | None = None,
) -> Mapping[int, ChangeView]:  # fmt: skip
    """How each of these changes is named, with those who made it (``parts``, where that was read already)."""
    if parts is None:
        parts = service.parts(session, [_id(change) for change in changes])
    return {_id(change): _change_view(session, desk, change, parts[_id(change)]) for change in changes}


def _without_bot(login: str) -> str:
    """A bot's login as people say it."""
    return login.removesuffix("[bot]") or login


def author_slack_ids(session: Session, desk: Desk, change: Change) -> Iterable[tuple[rules.Part, str]]:
    """Everybody who is to hear of a change, with where to write to them (``bot.people.place_of``)."""
    for part in rules.to_be_told(service.parts(session, [_id(change)])[_id(change)]):
        place = people.place_of(session, desk.catalog, part.human, desk.now)
        if place is not None:
            yield part, place


def _change_view(session: Session, desk: Desk, change: Change, parts: Sequence[rules.Part]) -> ChangeView:
    told = rules.to_be_told(parts)
    bot = rules.standing_in_for(parts)
    stands_in = bot is not None and any(part.role == "merger" for part in told)
    return ChangeView(
        label=change.label,
        title=change.title,
        url=change.url,
        authors=tuple(person(session, desk, part.human) for part in (told or parts)),
        merged_for=bot if stands_in else None,
        reverts=f"#{change.reverts}" if change.reverts else None,
        change_id=change.id,
    )


def person(session: Session, desk: Desk, human: Human) -> PersonView:
    """How somebody is named: as Slack knows them, else by their plain name."""
    return PersonView(
        name=people.name_of(session, desk.catalog, human),
        slack_id=people.known_slack_id(session, desk.catalog, human, desk.now),
    )


def links(desk: Desk, target: Target, deploy: Deploy, previous: Deploy | None) -> tuple[LinkView, ...]:
    links = []
    if deploy.repo and previous is not None and previous.sha != deploy.sha:
        base, head = (deploy.sha, previous.sha) if service.is_rollback(deploy) else (previous.sha, deploy.sha)
        links.append(LinkView(name="Diff", url=f"{desk.forge_url}/{deploy.repo}/compare/{quote(base)}...{quote(head)}"))
    elif deploy.repo:
        links.append(LinkView(name="Commit", url=f"{desk.forge_url}/{deploy.repo}/commit/{quote(deploy.sha)}"))
    owner = desk.catalog.service(target.service)
    if previous is not None:
        compare = compare_url(owner, target.environment, deploy.sha, deploy.began_at, previous.sha)
        links += [LinkView(name="Old vs new", url=compare)] if compare is not None else []
    if deploy.url:
        links.append(LinkView(name="Run", url=deploy.url))
    if owner.runbook and deploy.state is DeployStatus.FAILED:
        links.append(LinkView(name="Runbook", url=owner.runbook))
    return tuple(links)


def compare_url(owner: Service, environment: str, sha: str, began_at: datetime, previous_sha: str) -> str | None:
    """The dashboard that compares old and new, from the service's own template; None when it cannot be made."""
    if owner.compare_url is None:
        return None
    try:
        url = _address(owner.compare_url).render(
            deploy={"sha": quote(sha, safe=""), "began_at": int(began_at.timestamp())},
            previous={"sha": quote(previous_sha, safe="")},
            service=owner.name,
            environment=environment,
        )
    except TemplateError:
        return None
    return url if urlsplit(url).scheme in ("http", "https") else None


@lru_cache(maxsize=1024)
def _address(template: str) -> Template:
    """A service's ``compare_url``, compiled once; sandboxed, since the catalogue may be edited by many."""
    return ImmutableSandboxedEnvironment().from_string(template)


_VERSION = select(Release.name).where(Release.repo == bindparam("of_repo"), Release.tag == bindparam("of_tag"))
"""Held: to build a statement costs more than to run it, and every card of a deploy needs this one."""


def _version(session: Session, deploy: Deploy) -> str | None:
    if deploy.repo is None or deploy.ref is None:
        return None
    return session.exec(_VERSION, params={"of_repo": deploy.repo, "of_tag": deploy.ref}).first()


def _place_in_pipeline(catalog: Catalog, stage: StageView) -> int:
    environments = catalog.service(stage.service).environments
    return environments.index(stage.environment) if stage.environment in environments else len(environments)


def _target(session: Session, deploy: Deploy) -> Target:
    target = session.get(Target, deploy.target)
    assert target is not None
    return target


def _id(row: Change | Deploy) -> int:
    assert row.id is not None
    return row.id
