"""What ``bot.alerts.suspects`` judges, read from our tables: in few statements, each bounded, within the transaction.

Nothing here decides anything: what cannot have done it is left out only to read less.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.alerts.earlier import occurrences_before, with_alerts
from bot.alerts.models import Alert, FlagChange
from bot.alerts.rollouts import rollouts
from bot.alerts.symptoms import Candidate, Symptom
from bot.catalog import Catalog

TOGETHER = timedelta(minutes=10)
"""Alerts whose beginnings lie this close to each other may have one cause."""

LONGEST_LAG = timedelta(minutes=5)
"""What a rule averages over delays it by no more than this: a symptom worth waking anybody for crosses it sooner."""

STORM = 3
"""So many other services that fail together, and do not depend on the one in question, have another cause."""

MOST_SERVICES = 200
"""Services that are looked at, the nearest first: of itself, of what it depends on, of those that fail together."""

# Rows of each kind that are read, the nearest and latest first: ten times what an ordinary day of a large company has.
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
        stacks=tuple(dict.fromkeys(tuple(alert.paths) for alert in ordered if alert.paths)),
        dependencies=nearby,
        storm=len(apart) >= STORM,
        failing=below,
        lower=_lower(catalog, named),
        alerts=tuple(alert.id for alert in ordered if alert.id is not None)[:MOST_ALERTS],
    )


def candidates(
    session: Session, catalog: Catalog, symptom: Symptom, window: timedelta, now: datetime
) -> Sequence[Candidate]:
    """Every rollout and every turned flag that may be behind a symptom, as far as our tables tell by now."""
    if symptom.service is None:
        return ()
    until = min(symptom.onset, now)
    found = [
        *rollouts(session, catalog, symptom, window, until),
        *_flags(session, catalog, symptom, window, until),
    ]
    occurrences = occurrences_before(session, symptom)
    own = [
        one.first_traffic_at
        for one in found
        if symptom.distances[one.service.casefold()] == 0 and one.first_traffic_at is not None
    ]
    return [with_alerts(one, occurrences, own, symptom.onset) for one in found]


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
    if alert.onset_at is not None:
        return min(alert.onset_at, alert.started_at)
    return alert.started_at - _length(alert, "for")


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


def _lower(catalog: Catalog, named: Sequence[Alert]) -> Mapping[str, frozenset[str]]:
    """Of each service that alerts, on which others that alert it depends, without circles: what broke those broke it.

    One that began to fail more than ``TOGETHER`` later did not, nor one that was over so long before.
    """
    of: dict[str, list[Alert]] = defaultdict(list)
    for alert in named:
        of[catalog.service(alert.service or "").name].append(alert)
    reached = {service: {name.casefold() for name in distances(catalog, (service,))} for service in of}
    found: dict[str, frozenset[str]] = {}
    for service in of if len(of) > 1 else ():
        at = min(_began(one) for one in of[service])
        found[service.casefold()] = frozenset(
            other
            for other in of
            if other.casefold() in reached[service]
            and service.casefold() not in reached[other]
            and any(_fires_by(one, at) for one in of[other])
        )
    return found


def _fires_by(alert: Alert, instant: datetime) -> bool:
    """Whether it fired within ``TOGETHER`` of an instant, or began before and fired on."""
    over = alert.resolved_at
    return _began(alert) <= instant + TOGETHER and (over is None or over >= instant - TOGETHER)


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
