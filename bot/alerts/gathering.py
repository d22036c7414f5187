"""What ``bot.alerts.suspects`` judges, read from our tables: in few statements, each bounded, within the transaction.

Nothing here decides anything: what cannot have done it is left out only to read less.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from bot.alerts.earlier import occurrences_before, with_alerts
from bot.alerts.models import Alert, FlagChange
from bot.alerts.symptoms import LONGEST_ROLLOUT, Candidate, Symptom
from bot.catalog import Catalog
from bot.deploys import service as deploys
from bot.deploys import steps
from bot.deploys.models import Change, Deploy, DeployChange, Release, Target
from bot.events import DeployStatus

TOGETHER = timedelta(minutes=10)
"""Alerts whose beginnings lie this close to each other may have one cause."""

LONGEST_LAG = timedelta(minutes=5)
"""What a rule averages over delays it by no more than this: a symptom worth waking anybody for crosses it sooner."""

STORM = 3
"""So many other services that fail together, and do not depend on the one in question, have another cause."""

MOST_SERVICES = 200
"""Services that are looked at, the nearest first: of itself, of what it depends on, of those that fail together."""

# Rows of each kind that are read, the nearest and latest first: ten times what an ordinary day of a large company has.
MOST_DEPLOYS = 200
MOST_CHANGES = 2_000
MOST_FLAGS = 100
MOST_ALERTS = 50

_LENGTH = re.compile(r"(\d{1,4})(s|m|h)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


def symptom_of(session: Session, catalog: Catalog, alerts: Sequence[Alert]) -> Symptom:
    """What these alerts tell of together; at least one of them.

    It began when the first of them did. A rule's label ``for`` (how long it must hold before it fires) moves the
    beginning of an alert back whose sender does not tell it apart, and its label ``window`` (what it averages over)
    says how much earlier still it may have been, within ``LONGEST_LAG``. Every service that alerts is itself in
    question; the first one to alert gives its name. Without an environment, the last one of its pipeline is meant.
    """
    ordered = sorted(alerts, key=lambda alert: (alert.began_at, alert.id or 0))
    named = [alert for alert in ordered if alert.service is not None]
    services = list(dict.fromkeys(alert.service for alert in named if alert.service is not None))
    service = services[0] if services else None
    onset = min(_began(alert) for alert in ordered)
    nearby = distances(catalog, services)
    together = _failing_together(session, onset, nearby) if services else frozenset()
    below, apart = _failing(catalog, together, nearby)
    return Symptom(
        service=service,
        environment=_environment(catalog, service, [alert.environment for alert in named]),
        onset=onset,
        onset_earliest=min(_began(alert) - _lag(alert) for alert in ordered),
        versions=frozenset(alert.version for alert in ordered if alert.version),
        paths=tuple(dict.fromkeys(path for alert in ordered for path in alert.paths)),
        dependencies=nearby,
        storm=len(apart) >= STORM,
        failing=below,
        alerts=tuple(alert.id for alert in ordered if alert.id is not None)[:MOST_ALERTS],
    )


def candidates(
    session: Session, catalog: Catalog, symptom: Symptom, window: timedelta, now: datetime
) -> Sequence[Candidate]:
    """Every rollout and every turned flag that may be behind a symptom, as far as our tables tell by now."""
    if symptom.service is None:
        return ()
    until = min(symptom.onset, now)
    found = _deploys(session, catalog, symptom, window, until)
    flags = _flags(session, catalog, symptom, window, until)
    occurrences = occurrences_before(session, symptom)
    own = [
        one.first_traffic_at
        for one in (*(rollout.candidate for rollout in found), *flags)
        if symptom.distances[one.service.casefold()] == 0 and one.first_traffic_at is not None
    ]
    return [with_alerts(one, occurrences, own) for one in (*_with_changes(session, found), *flags)]


def distances(catalog: Catalog, services: Sequence[str]) -> Mapping[str, int]:
    """How far away each service is on which one of these depends, by itself or through others; these are at 0."""
    found: dict[str, int] = {}
    seen: set[str] = set()
    level, distance = list(services), 0
    while level and len(found) < MOST_SERVICES:
        following: list[str] = []
        for name in level:
            service = catalog.service(name)
            if service.name.casefold() not in seen and len(found) < MOST_SERVICES:
                seen.add(service.name.casefold())
                found[service.name] = distance
                following += service.depends_on
        level, distance = following, distance + 1
    return found


# --- symptoms -----------------------------------------------------------------------------------------------------


def _began(alert: Alert) -> datetime:
    """When the symptom was there for certain: a rule with ``for`` fires only once it has held for that long."""
    return alert.onset_at if alert.onset_at is not None else alert.started_at - _length(alert, "for")


def _lag(alert: Alert) -> timedelta:
    """How much earlier it may have begun: what is averaged over some minutes shows within them."""
    return min(_length(alert, "window"), LONGEST_LAG)


def _length(alert: Alert, label: str) -> timedelta:
    found = _LENGTH.fullmatch((alert.labels or {}).get(label, "").strip())
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()


def _environment(catalog: Catalog, service: str | None, told: Sequence[str | None]) -> str | None:
    environment = next((one for one in told if one), None)
    if environment is None and service is not None:
        pipeline = catalog.service(service).environments
        return pipeline[-1] if pipeline else None
    return environment


def _failing_together(session: Session, onset: datetime, nearby: Mapping[str, int]) -> frozenset[str]:
    """The other services that began to fail at about the same time."""
    failing = session.exec(
        select(Alert.service)
        .where(col(Alert.started_at).between(onset - TOGETHER, onset + TOGETHER), col(Alert.service).is_not(None))
        .distinct()
        .order_by(col(Alert.service))
        .limit(MOST_SERVICES)
    ).all()
    asked = {name.casefold() for name, distance in nearby.items() if distance == 0}
    return frozenset(one for one in failing if one is not None and one.casefold() not in asked)


def _failing(
    catalog: Catalog, together: frozenset[str], nearby: Mapping[str, int]
) -> tuple[frozenset[str], frozenset[str]]:
    """Of these: what the services in question depend on, and all that do not depend on them, whose failing is apart."""
    asked = {name.casefold() for name, distance in nearby.items() if distance == 0}
    apart = frozenset(
        one for one in together if asked.isdisjoint(name.casefold() for name in distances(catalog, (one,)))
    )
    below = {name.casefold() for name in nearby}
    return frozenset(one for one in apart if one.casefold() in below), apart


# --- rollouts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rollout:
    """A rollout that may be behind it, before what it carries is read."""

    candidate: Candidate
    deploy: Deploy
    told_ref: str | None
    """Its tag, where the build before it had another one: what stays the same, or has no number, is a branch."""


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
        select(Deploy, Target, before.ref, replaced_at)
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
    for deploy, target, ref, ended in rows:
        final = _is_final(catalog, deploy, target)
        place: str | None = target.environment
        if symptom.environment is None:
            if not final and target.service.casefold() in finals:
                continue  # nobody says where it fails, and there is a place where customers are
        elif final and catalog.service(symptom.service or "").is_final(symptom.environment):
            place = symptom.environment  # each service calls the place where customers are as it likes
        rollout = _candidate(deploy, target.service, place, told.get(deploy.id or 0, ()), ended)
        if rollout.counts(symptom, window):
            found.append(_Rollout(rollout, deploy, deploy.ref if deploy.ref != ref and _counted(deploy.ref) else None))
    return found


_ENDED = [status.value for status in DeployStatus if status.ended]


def _lately(since: datetime) -> ColumnElement[bool]:
    """Rollouts that ended after this, or have not ended as far as is known and were heard of within a week of it."""
    return or_(
        and_(col(Deploy.status).in_(_ENDED), col(Deploy.status_at) >= since),
        and_(col(Deploy.status) == DeployStatus.IN_PROGRESS.value, col(Deploy.began_at) >= since - LONGEST_ROLLOUT),
    )


def _counted(ref: str | None) -> bool:
    return ref is not None and any(char.isdigit() for char in ref)


def _is_final(catalog: Catalog, deploy: Deploy, target: Target) -> bool:
    return catalog.service(target.service).is_final(target.environment, deploy.final)


def _candidate(
    deploy: Deploy, service: str, environment: str | None, told: steps.Steps, ended: datetime | None
) -> Candidate:
    return Candidate(
        kind="deploy",
        subject=deploy.id or 0,
        service=service,
        environment=environment,
        called=deploy.sha[:7],
        began_at=deploy.began_at,
        first_traffic_at=steps.first_traffic_at(deploy, told),
        finished_at=deploy.status_at if deploy.state.ended else None,
        ended_live_at=ended,
        failed=deploy.state is DeployStatus.FAILED,
        steps=told,
        sha=deploy.sha,
        previous_sha=deploy.previous_sha if deploy.previous_sha != deploy.sha else None,
        rollback=deploys.is_rollback(deploy),
    )


def _with_changes(session: Session, found: Sequence[_Rollout]) -> Sequence[Candidate]:
    """The same with what they carry, and with all names of their builds."""
    carried = _changes(session, [rollout.deploy.id or 0 for rollout in found])
    releases = _releases(session, [rollout for rollout in found if rollout.told_ref])
    complete = []
    for rollout in found:
        changes = carried.get(rollout.deploy.id or 0, ())
        names = {rollout.deploy.sha, rollout.told_ref or "", releases.get((rollout.deploy.repo, rollout.told_ref), "")}
        complete.append(
            replace(
                rollout.candidate,
                versions=frozenset(names - {""}),
                paths=frozenset(path for change in changes for path in change.paths or ()),
                additions=_sum([change.additions for change in changes]),
                deletions=_sum([change.deletions for change in changes]),
                labels=frozenset(label for change in changes for label in change.labels),
                revert=any(change.reverts is not None for change in changes),
                changes=len(changes),
            )
        )
    return complete


def _changes(session: Session, found: Collection[int]) -> Mapping[int, Sequence[Change]]:
    """What these deploys bring in and take out; of each the first changes, where there are too many."""
    carried: dict[int, list[Change]] = {}
    if found:
        rows = session.exec(
            select(DeployChange.deploy, Change)
            .join(Change, col(DeployChange.change) == col(Change.id))
            .where(col(DeployChange.deploy).in_(found), col(DeployChange.dropped).is_(False))
            .order_by(col(DeployChange.position), col(DeployChange.id))
            .limit(MOST_CHANGES)
        ).all()
        for deploy, change in rows:
            carried.setdefault(deploy, []).append(change)
    return carried


def _releases(session: Session, found: Sequence[_Rollout]) -> Mapping[tuple[str | None, str | None], str]:
    """What releases are called, by repository and tag."""
    if not found:
        return {}
    rows = session.exec(
        select(Release).where(
            col(Release.repo).in_({rollout.deploy.repo for rollout in found}),
            col(Release.tag).in_({rollout.told_ref for rollout in found}),
        )
    ).all()
    return {(release.repo, release.tag): release.name for release in rows}


def _sum(told: Sequence[int | None]) -> int | None:
    known = [one for one in told if one is not None]
    return sum(known) if known else None


# --- flags --------------------------------------------------------------------------------------------------------


def _flags(
    session: Session, catalog: Catalog, symptom: Symptom, window: timedelta, until: datetime
) -> Sequence[Candidate]:
    """Flags turned, each until the same one was turned again."""
    rows = session.exec(
        select(FlagChange)
        .where(
            func.lower(FlagChange.service).in_(list(symptom.distances)),
            col(FlagChange.at).between(symptom.onset_earliest - window, until),
        )
        .order_by(col(FlagChange.at).desc(), col(FlagChange.id).desc())
        .limit(MOST_FLAGS)
    ).all()
    turned_again: dict[tuple[Any, ...], datetime] = {}
    found = []
    for flag in rows:  # the latest first
        key = (flag.source, flag.project, flag.flag, flag.environment)
        service = catalog.service(flag.service or "")
        final = flag.environment is not None and service.is_final(flag.environment)
        same = symptom.environment and final and catalog.service(symptom.service or "").is_final(symptom.environment)
        found.append(
            Candidate(
                kind="flag",
                subject=flag.id or 0,
                service=service.name,
                environment=symptom.environment if same else flag.environment,
                called=flag.flag,
                began_at=flag.at,
                first_traffic_at=flag.at,
                finished_at=flag.at,
                ended_live_at=turned_again.get(key),
            )
        )
        turned_again[key] = flag.at
    return [one for one in found if one.counts(symptom, window)]
