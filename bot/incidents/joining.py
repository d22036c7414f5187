"""Which services belong together, and which open incident a new alert joins. The first half is pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from bot.alerts.models import Alert
from bot.catalog import Catalog, Service
from bot.incidents.models import Incident, IncidentService
from bot.incidents.states import State

TOGETHER = timedelta(minutes=10)
"""Symptoms of connected services that begin within this time are taken for one."""

GROUPED = timedelta(hours=1)
"""Alerts that their sender counts as one group are one incident where they begin within this time."""

STORM = 5
"""So many incidents opened by alerts …"""

STORM_WITHIN = timedelta(minutes=10)
"""… within this time are a storm: further alerts without a clear cause join one incident."""

_STORM_BUNDLES = {False: "*", True: "*watched"}
"""The bundle of the incident of a storm, and of one for which nobody is woken; no service is called so."""

LOOKED_AT = 50
"""Open incidents of connected services, and alerts of one group, that are looked at."""

# Held: to build a statement costs more than to run it, and each alert of a storm needs these. What asks only whether
# there is such a row goes round the ORM, which costs twice as much; whatever was written was flushed by who wrote it.
_OF_BUNDLE = select(Incident).where(Incident.bundle == bindparam("of_bundle"), Incident.state == State.OPEN.value)
_OF_SAME_TIME = (
    select(Incident)
    .where(
        Incident.state == State.OPEN.value,
        col(Incident.storm).is_(False),
        col(Incident.opened_by).is_(None),
        col(Incident.onset_at).between(bindparam("since"), bindparam("until")),
        col(Incident.confidence).in_(("high", "medium")),
    )
    .order_by(col(Incident.id).desc())
    .limit(LOOKED_AT)
)
_ABOUT = select(IncidentService.id).where(
    IncidentService.incident == bindparam("of_incident"),
    func.lower(IncidentService.service) == bindparam("of_service"),
    func.lower(IncidentService.environment) == bindparam("of_environment"),
)
_NAMED = select(Alert.id).where(Alert.incident == bindparam("of_incident"), Alert.name == bindparam("of_name")).limit(1)


def bundle_of(service: str, environment: str) -> str:
    """What is unique while an incident is open."""
    return f"{service.casefold()}/{environment.casefold()}"[:255]


def environment_of(owner: Service, named: str | None) -> str | None:
    """The environment in which an alert of a service opens an incident; None where it opens none.

    Only the last one of its pipeline does; an alert that names none is about that.
    """
    if named is None:
        return owner.environments[-1] if owner.environments else "production"
    return (owner.configured(named) or named) if owner.is_final(named) else None


def below(catalog: Catalog, service: str) -> Mapping[str, int]:
    """What a service depends on, by how far away it is; itself is 0."""
    return _reached(service, lambda name: [catalog.service(one).name for one in catalog.service(name).depends_on])


def above(catalog: Catalog, service: str) -> Mapping[str, int]:
    """What depends on a service, by how far away it is, without itself."""
    users: dict[str, list[str]] = {}
    for one in catalog.services.values():
        for name in one.depends_on:
            users.setdefault(name.casefold(), []).append(one.name)
    found = dict(_reached(service, lambda name: users.get(name.casefold(), ())))
    found.pop(service, None)
    return found


def connected(catalog: Catalog, service: str) -> frozenset[str]:
    """Every service that this one depends on or that depends on it, at any distance; without itself."""
    return frozenset({*below(catalog, service), *above(catalog, service)} - {service})


def open_of(session: Session, service: str, environment: str) -> Incident | None:
    """The open incident that is about a service: its own, or one that it joined."""
    own = session.exec(_OF_BUNDLE, params={"of_bundle": bundle_of(service, environment)}).first()
    if own is not None:
        return own
    return session.exec(_with(State.OPEN, [service], environment).order_by(col(Incident.id).desc()).limit(1)).first()


def grouped(session: Session, alert: Alert) -> Incident | None:
    """The open incident that another alert of the same group of the same sender belongs to."""
    if alert.grouping is None:
        return None
    return session.exec(
        select(Incident)
        .join(Alert, col(Alert.incident) == col(Incident.id))
        .where(
            Alert.source == alert.source, Alert.grouping == alert.grouping, Alert.id != alert.id,
            Incident.state == State.OPEN.value,
            col(Alert.started_at).between(alert.began_at - GROUPED, alert.began_at + GROUPED),
        )
        .order_by(col(Incident.id))
        .limit(1)
    ).first()  # fmt: skip


def of_connected(session: Session, catalog: Catalog, service: str, environment: str) -> Sequence[Incident]:
    """The open incidents of services that are connected to this one, the latest first."""
    names = connected(catalog, service)
    if not names:
        return ()
    return session.exec(_with(State.OPEN, names, environment).order_by(col(Incident.id).desc()).limit(LOOKED_AT)).all()


def of_same_time(session: Session, at: datetime) -> Sequence[Incident]:
    """The open incidents of alerts that began at about this time and have a likely change that is at least probable."""
    return session.exec(_OF_SAME_TIME, params={"since": at - TOGETHER, "until": at + TOGETHER}).all()


def lately_resolved(session: Session, service: str, environment: str, since: datetime) -> Incident | None:
    """The incident of a service that was resolved last, if that was since then."""
    return session.exec(
        _with(State.RESOLVED, [service], environment)
        .where(col(Incident.resolved_at) >= since, col(Incident.storm).is_(False))
        .order_by(col(Incident.resolved_at).desc())
        .limit(1)
    ).first()  # fmt: skip


def storm_since(session: Session, now: datetime) -> bool:
    """Whether alerts have opened so many incidents lately that it is one storm."""
    opened = session.exec(
        select(func.count())
        .select_from(Incident)
        .where(
            col(Incident.opened_by).is_(None), Incident.opened_at > now - STORM_WITHIN, col(Incident.storm).is_(False)
        )
    ).one()
    return opened >= STORM


def storm_bundle(*, watched: bool) -> str:
    """What is unique of the incident of a storm; those for whom nobody is woken have one of their own."""
    return _STORM_BUNDLES[watched]


def storm_open(session: Session, *, watched: bool) -> Incident | None:
    """The incident of the storm that is going on."""
    return session.exec(_OF_BUNDLE, params={"of_bundle": storm_bundle(watched=watched)}).first()


def is_about(session: Session, incident: Incident, service: str, environment: str) -> bool:
    """Whether an incident is about a service already."""
    of = {"of_incident": incident.id, "of_service": service.lower(), "of_environment": environment.lower()}
    return session.connection().execute(_ABOUT, of).first() is not None


def has_named(session: Session, incident: Incident, name: str) -> bool:
    """Whether an alert of this name belongs to an incident."""
    of = {"of_incident": incident.id, "of_name": name}
    return session.connection().execute(_NAMED, of).first() is not None


def _with(state: State, services: Iterable[str], environment: str) -> SelectOfScalar[Incident]:
    names = sorted({one.lower() for one in services})
    of = select(IncidentService.incident).where(
        func.lower(IncidentService.service).in_(names), func.lower(IncidentService.environment) == environment.lower()
    )
    return select(Incident).where(Incident.state == state.value, col(Incident.id).in_(of))


def _reached(service: str, following: Callable[[str], Iterable[str]]) -> Mapping[str, int]:
    found, waiting = {service: 0}, [service]
    while waiting:
        name = waiting.pop(0)
        for further in following(name):
            if further not in found:
                found[further] = found[name] + 1
                waiting.append(further)
    return found
