"""`/ship where`: which change somebody means, and how far it got.

A change is named as people paste it: ``812``, ``#812``, ``acme/checkout#812``, seven or more characters of a commit, or
the address of either. A commit that was deployed and whose change was never told to us is found as the commit it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from bot.answers.ahead import ahead
from bot.answers.views import AheadView, WhereFound, WhereReply
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Change, CommitRow, Deploy, Target
from bot.deploys.views import ChangeView, OnwardView, StageView
from bot.events import DeployStatus
from bot.trains import foreseeing

MOST_FOUND = 5
"""Changes shown for one question: a number can exist in many repositories."""

LARGEST_NUMBER = 2**31 - 1
"""What a pull request's number fits in; more digits can only be a commit."""

_ADDRESS = re.compile(r"[^?#]*?([\w.-]+/[\w.-]+)/(?:-/)?(pulls?|commits?)/([0-9a-f]+)(?:[/?#].*)?", re.IGNORECASE)
_NUMBER = re.compile(r"(?:([\w.-]+/[\w.-]+))?\s*(?:#|\bPR\s*#?)?\s*([0-9]{1,40})", re.IGNORECASE)
_COMMIT = re.compile(r"(?:([\w.-]+/[\w.-]+)@)?([0-9a-f]{7,64})", re.IGNORECASE)


@dataclass(frozen=True)
class Reference:
    """What somebody wrote to name a change; a run of seven digits may be a number and a commit both."""

    repo: str | None = None
    number: int | None = None
    sha: str | None = None


def read_reference(asked: str) -> Reference | None:
    """What this names, or None where it has no form that names a change."""
    asked = asked.strip()
    address = _ADDRESS.fullmatch(asked)
    if address is not None:
        repo, kind, name = address.groups()
        if kind.lower().startswith("commit"):
            return Reference(repo=repo, sha=name.lower()) if len(name) >= 7 else None
        return Reference(repo=repo, number=_number(name)) if _number(name) is not None else None
    commit, number = _COMMIT.fullmatch(asked), _NUMBER.fullmatch(asked)
    sha = commit.group(2).lower() if commit else None
    digits = _number(number.group(2)) if number else None
    if sha is None and digits is None:
        return None
    repo = (number.group(1) if number else None) or (commit.group(1) if commit else None)
    return Reference(repo=repo, number=digits, sha=sha)


def find_changes(session: Session, asked: str, *, most: int = MOST_FOUND) -> Sequence[Change]:
    """The changes that somebody may mean, the latest first; none for words that name no change."""
    reference = read_reference(asked)
    if reference is None:
        return []
    found: dict[int, Change] = {}
    there = [col(Change.repo).ilike(_literally(reference.repo), escape="\\")] if reference.repo else []
    for statement in _searches(reference):
        latest = (
            statement.where(*there)
            .order_by(col(Change.merged_at).desc().nulls_last(), col(Change.id).desc())
            .limit(most)
        )
        found |= {change.id: change for change in session.exec(latest) if change.id is not None}
    return list(found.values())[:most]


def where(session: Session, desk: Desk, asked: str, who: str | None = None) -> WhereReply:
    """How far the change got that somebody (``who``) asks about; ``found`` is empty when nobody has heard of it."""
    changes = find_changes(session, asked)
    views = loading.change_views(session, desk, changes)
    found = [how_far(session, desk, change, views[change.id or 0], who) for change in changes]
    return WhereReply(asked=asked, found=tuple(found or _bare_commits(session, desk, asked)))


def _searches(reference: Reference) -> list[SelectOfScalar[Change]]:
    searches = []
    if reference.number is not None:
        searches.append(select(Change).where(Change.number == reference.number))
    if reference.sha is not None:
        begins, ends = _between(reference.sha)
        searches.append(select(Change).where(Change.sha >= begins, Change.sha < ends))
        members = select(CommitRow.change).where(CommitRow.sha >= begins, CommitRow.sha < ends)
        searches.append(select(Change).where(col(Change.id).in_(members)))
    return searches


def how_far(session: Session, desk: Desk, change: Change, view: ChangeView, who: str | None = None) -> WhereFound:
    """How far a change got, and the next step of its way, as ``who`` reads it."""
    stages = loading.stages(session, desk, change)
    services = dict.fromkeys(stage.service for stage in stages)
    if not services:
        owners = [owner for owner in desk.catalog.services_of(change.repo) if owner.owns(change.paths)]
        services = dict.fromkeys(owner.name for owner in owners)
    reached = {(stage.service, stage.environment) for stage in stages}
    pipeline = [(name, environment) for name in services for environment in desk.catalog.service(name).environments]
    waiting = [place for place in pipeline if place not in reached]
    return WhereFound(
        change=view,
        repo=change.repo,
        merged_at=change.merged_at,
        stages=stages,
        waiting=tuple(
            environment if len(services) == 1 else f"{name} · {environment}" for name, environment in waiting
        ),
        ahead=_by_train(
            _ahead(session, desk, change, stages, pipeline, who),
            foreseeing.onward(session, desk, change, stages, authors=view.authors),
        ),
    )


def _ahead(
    session: Session,
    desk: Desk,
    change: Change,
    stages: Sequence[StageView],
    pipeline: Sequence[tuple[str, str]],
    who: str | None,
) -> tuple[AheadView, ...]:
    """The next step for each service: to the first environment where the change is not live.

    One where it failed, or was taken out of, is such: something may bring it there again.
    """
    live = {(one.service, one.environment) for one in stages if one.status is DeployStatus.SUCCEEDED and not one.left}
    steps: dict[str, AheadView] = {}
    for name, environment in pipeline:
        environments = desk.catalog.service(name).environments
        place = environments.index(environment)
        if name not in steps and place and (name, environment) not in live:
            before = environments[place - 1]
            reached = (name, before) in live
            steps[name] = ahead(session, desk, change, name, environment, before, reached=reached, who=who)
    return tuple(steps.values())


def _by_train(steps: Sequence[AheadView], rides: Sequence[OnwardView]) -> tuple[AheadView, ...]:
    """The same steps, each with the train that its service goes by."""
    trains = {ride.service: ride for ride in rides}
    return tuple(replace(step, onward=trains.get(step.service)) for step in steps)


def _bare_commits(session: Session, desk: Desk, asked: str) -> list[WhereFound]:
    """Commits that were deployed although no change of ours says what they are."""
    reference = read_reference(asked)
    if reference is None or reference.sha is None:
        return []
    begins, ends = _between(reference.sha)
    rows = session.exec(
        select(Deploy, Target)
        .join(Target, col(Deploy.target) == col(Target.id))
        .where(Deploy.sha >= begins, Deploy.sha < ends)
        .order_by(col(Deploy.began_at), col(Deploy.id))
    ).all()
    latest: dict[tuple[str, str], dict[tuple[str, str], StageView]] = {}
    for deploy, target in rows:
        stage = StageView(
            service=target.service,
            environment=target.environment,
            status=deploy.state,
            at=deploy.status_at,
            url=deploy.url,
        )
        repo = deploy.repo or target.service
        latest.setdefault((repo, deploy.sha), {})[(target.service, target.environment)] = stage
    return [
        WhereFound(
            change=ChangeView(
                label=sha[:7],
                title="was deployed; its pull request is not known to me",
                url=_commit_url(desk, repo, sha),
                authors=(),
            ),
            repo=repo,
            merged_at=None,
            stages=tuple(stages.values()),
            waiting=(),
        )
        for (repo, sha), stages in list(latest.items())[:MOST_FOUND]
    ]


def _commit_url(desk: Desk, repo: str, sha: str) -> str | None:
    return f"{desk.forge_url}/{repo}/commit/{quote(sha)}" if "/" in repo else None


def _number(digits: str) -> int | None:
    if not digits.isdecimal() or not digits.isascii():
        return None
    number = int(digits)
    return number if 0 < number <= LARGEST_NUMBER else None


def _between(prefix: str) -> tuple[str, str]:
    """The range of commits that begin so (an index serves it, unlike LIKE): ``g`` follows every hexadecimal digit."""
    return prefix, f"{prefix}g"


def _literally(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)
