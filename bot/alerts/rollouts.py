"""Rollouts that may be behind a symptom, read from our tables: when each had traffic, and what it carries.

Nothing here decides anything: what cannot have done it is left out only to read less.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from bot.alerts.symptoms import LONGEST_ROLLOUT, Candidate, Symptom
from bot.catalog import Catalog
from bot.deploys import service as deploys
from bot.deploys import steps
from bot.deploys.models import Change, Deploy, DeployChange, Release, Target
from bot.deploys.views import RangeState
from bot.events import DeployStatus
from bot.ports import Direction

# Rows of each kind that are read, the nearest and latest first: ten times what an ordinary day of a large company has.
MOST_DEPLOYS = 200
MOST_CHANGES = 2_000


def rollouts(
    session: Session, catalog: Catalog, symptom: Symptom, window: timedelta, until: datetime
) -> Sequence[Candidate]:
    """Every rollout that began until then and may be behind a symptom, with what it carries."""
    return _with_changes(session, _deploys(session, catalog, symptom, window, until))


@dataclass(frozen=True)
class _Rollout:
    """A rollout that may be behind it, before what it carries is read."""

    candidate: Candidate
    deploy: Deploy
    told_ref: str | None
    """Its tag, where that is known to name a build …"""
    previous_ref: str | None
    """… and that of the build before it."""


def _deploys(
    session: Session, catalog: Catalog, symptom: Symptom, window: timedelta, until: datetime
) -> Sequence[_Rollout]:
    before, newer = aliased(Deploy), aliased(Deploy)
    replaced_at = (
        select(func.min(newer.status_at))
        .where(
            col(newer.target) == col(Deploy.target),
            col(newer.id) != col(Deploy.id),
            col(newer.status) == DeployStatus.SUCCEEDED.value,
            # The same build begun anew replaces nothing; tried again it does replace the attempt that never ended.
            or_(col(newer.sha) != col(Deploy.sha), col(Deploy.status).not_in(_ENDED)),
            or_(
                # Of those that ended, what ended later is what runs; one under way is replaced by what began later.
                and_(col(newer.status_at) > col(Deploy.status_at), col(Deploy.status).in_(_ENDED)),
                and_(col(newer.status_at) > col(Deploy.status_at), col(newer.began_at) > col(Deploy.began_at)),
                and_(col(newer.status_at) == col(Deploy.status_at), col(newer.began_at) > col(Deploy.began_at)),
            ),
        )
        .correlate(Deploy)
        .scalar_subquery()
    )
    nearest = case(symptom.distances, value=func.lower(Target.service), else_=99)
    rows = session.exec(
        select(Deploy, Target, before, replaced_at)
        .join(Target, col(Deploy.target) == col(Target.id))
        .outerjoin(before, col(Deploy.previous) == col(before.id))
        .where(
            func.lower(Target.service).in_(list(symptom.distances)),
            col(Deploy.began_at) <= until,
            _lately(symptom.onset_earliest - window),
        )
        .order_by(nearest, col(Deploy.began_at).desc(), col(Deploy.id))
        .limit(MOST_DEPLOYS)
    ).all()
    told = steps.of(session, [deploy.id or 0 for deploy, *_ in rows])
    finals = {target.service.casefold() for deploy, target, *_ in rows if _is_final(catalog, deploy, target)}
    found = []
    for deploy, target, previous, replaced in rows:
        final = _is_final(catalog, deploy, target)
        place: str | None = target.environment
        if symptom.environment is None:
            if not final and target.service.casefold() in finals:
                continue  # nobody says where it fails, and there is a place where customers are
        elif final and catalog.service(symptom.service or "").is_final(symptom.environment):
            place = symptom.environment  # each service calls the place where customers are as it likes
        rollout = replace(
            _candidate(deploy, target.service, place, told.get(deploy.id or 0, ())),
            replaced_at=replaced,
            rollback=_goes_back(deploy, previous),
        )
        if rollout.counts(symptom, window):
            found.append(_Rollout(rollout, deploy, *_tags(deploy, previous)))
    return found


_ENDED = [status.value for status in DeployStatus if status.ended]


def _lately(since: datetime) -> ColumnElement[bool]:
    """Rollouts that ended after this, or have not ended as far as is known and were heard of within a week of it."""
    return or_(
        and_(col(Deploy.status).in_(_ENDED), col(Deploy.status_at) >= since),
        and_(col(Deploy.status) == DeployStatus.IN_PROGRESS.value, col(Deploy.began_at) >= since - LONGEST_ROLLOUT),
    )


def went_back(session: Session, deploy: Deploy) -> bool:
    """Whether a rollout goes back to an older build: as the forge tells; where that does not, as it ran there."""
    return _goes_back(deploy, session.get(Deploy, deploy.previous) if deploy.previous is not None else None)


def _goes_back(deploy: Deploy, previous: Deploy | None) -> bool:
    brought_back = previous is not None and previous.previous_sha == deploy.sha != deploy.previous_sha
    return deploys.is_rollback(deploy) or (deploy.direction is None and brought_back)


def _tags(deploy: Deploy, previous: Deploy | None) -> tuple[str | None, str | None]:
    """Its tag and that of the build before it: what stays the same, or has no number, is a branch."""
    refs = deploy.ref, previous.ref if previous is not None else None
    told, before = (ref if ref is not None and any(char.isdigit() for char in ref) else None for ref in refs)
    return (told, before) if refs[0] != refs[1] else (None, None)


def _is_final(catalog: Catalog, deploy: Deploy, target: Target) -> bool:
    return catalog.service(target.service).is_final(target.environment, deploy.final)


def _candidate(deploy: Deploy, service: str, environment: str | None, told: steps.Steps) -> Candidate:
    return Candidate(
        kind="deploy",
        subject=deploy.id or 0,
        service=service,
        environment=environment,
        called=deploy.sha[:7],
        began_at=deploy.began_at,
        first_traffic_at=steps.first_traffic_at(deploy, told),
        finished_at=_finished_at(deploy, told),
        failed=deploy.state is DeployStatus.FAILED,
        cancelled=deploy.state is DeployStatus.CANCELLED,
        steps=told,
        sha=deploy.sha,
        previous_sha=deploy.previous_sha if deploy.previous_sha != deploy.sha else None,
        again=deploy.previous_sha == deploy.sha,
    )


def _finished_at(deploy: Deploy, told: steps.Steps) -> datetime | None:
    """When its rollout ended; of one whose end was never told, when it was first told to have all of the traffic."""
    if deploy.state.ended:
        return deploy.status_at
    return next((at for at, percent in told if percent >= 100), None)


def _with_changes(session: Session, found: Sequence[_Rollout]) -> Sequence[Candidate]:
    """The same with what they carry, and with all names of their builds."""
    carried = _changes(session, [rollout.deploy.id or 0 for rollout in found])
    releases = _releases(session, found)
    complete = []
    for rollout in found:
        deploy, every = rollout.deploy, carried.get(rollout.deploy.id or 0, ())
        changes = [change for change, _ in every]
        complete.append(
            replace(
                rollout.candidate,
                versions=_names(deploy, rollout.told_ref, deploy.sha, releases),
                previous_versions=_names(deploy, rollout.previous_ref, deploy.previous_sha, releases)
                if not rollout.candidate.again
                else frozenset(),
                ended_live_at=_taken_out_at(deploy, found, carried),
                nothing_own=_nothing_own(deploy, every),
                paths=frozenset(path for change in changes for path in change.paths or ()),
                additions=_sum([change.additions for change in changes]),
                deletions=_sum([change.deletions for change in changes]),
                labels=frozenset(label for change in changes for label in change.labels),
                revert=any(change.reverts is not None for change in changes),
                changes=len(changes),
            )
        )
    return complete


def _nothing_own(deploy: Deploy, every: Carried) -> bool:
    """Whether all is known that it brings, and the service owns none of that: so a monorepo rolls out all at once."""
    read = deploy.range == RangeState.COMPLETE and not deploy.truncated
    return read and deploy.direction == Direction.AHEAD.value and not every


def _names(
    deploy: Deploy, ref: str | None, sha: str | None, releases: Mapping[tuple[str | None, str | None], str]
) -> frozenset[str]:
    return frozenset({sha or "", ref or "", releases.get((deploy.repo, ref), "") if ref else ""} - {""})


def _taken_out_at(deploy: Deploy, found: Sequence[_Rollout], carried: Mapping[int, Carried]) -> datetime | None:
    """When what this brought was out again: by a later rollout of what ran before it, or by its changes' being gone.

    A change is gone once a rollout takes it out, or brings another that reverts it.
    """
    later = sorted(
        (
            other.deploy
            for other in found
            if other.deploy.target == deploy.target
            and other.deploy.state is DeployStatus.SUCCEEDED
            and other.deploy.began_at > deploy.began_at
            and (not deploy.state.ended or other.deploy.status_at > deploy.status_at)
        ),
        key=lambda other: (other.status_at, other.id or 0),
    )
    brought = [change for change, leaving in carried.get(deploy.id or 0, ()) if not leaving]
    known = bool(brought) and deploy.range == RangeState.COMPLETE and not deploy.truncated
    left = {change.id for change in brought}
    numbers = {change.number: change.id for change in brought if change.number is not None}
    came: set[str] = set()
    for other in later:
        for change, leaving in carried.get(other.id or 0, ()):
            left.discard(change.id if leaving else numbers.get(change.reverts or 0))
        to_what_was = other.sha == deploy.previous_sha or (not known and deploys.is_rollback(other))
        if (known and not left) or (to_what_was and other.sha not in came | {deploy.sha}):
            return other.status_at
        came.add(other.sha)
    return None


Carried = Sequence[tuple[Change, bool]]
"""The changes of a deploy, each with whether it takes that out."""


def _changes(session: Session, found: Collection[int]) -> Mapping[int, Carried]:
    """What these deploys bring in and take out; of each the first changes, where there are too many."""
    carried: dict[int, list[tuple[Change, bool]]] = {}
    if found:
        rows = session.exec(
            select(DeployChange.deploy, Change, DeployChange.leaving)
            .join(Change, col(DeployChange.change) == col(Change.id))
            .where(col(DeployChange.deploy).in_(found), col(DeployChange.dropped).is_(False))
            .order_by(col(DeployChange.position), col(DeployChange.id))
            .limit(MOST_CHANGES)
        ).all()
        for deploy, change, leaving in rows:
            carried.setdefault(deploy, []).append((change, leaving))
    return carried


def _releases(session: Session, found: Sequence[_Rollout]) -> Mapping[tuple[str | None, str | None], str]:
    """What releases are called, by repository and tag."""
    tags = {tag for rollout in found for tag in (rollout.told_ref, rollout.previous_ref) if tag}
    if not tags:
        return {}
    rows = session.exec(
        select(Release).where(
            col(Release.repo).in_({rollout.deploy.repo for rollout in found}), col(Release.tag).in_(tags)
        )
    ).all()
    return {(release.repo, release.tag): release.name for release in rows}


def _sum(told: Sequence[int | None]) -> int | None:
    known = [one for one in told if one is not None]
    return sum(known) if known else None
