"""The verbs of alerts and flags: which fire, which are over, whose they are; in whatever order they are reported.

Which occurrence a report is of is found out in ``occurrences``. A repeat costs one select and one update, and is news
to nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, or_
from sqlmodel import Session, col, select

from bot import audit, people, work
from bot.alerts import mapping, unknown
from bot.alerts.mapping import NAMES, PAGER_SERVICE, environment_of, kind_of, likely_services, service_of
from bot.alerts.models import Alert, AlertMapping, FlagChange
from bot.alerts.occurrences import JITTER, describe, describes, fires_again, is_issue, occurrences
from bot.alerts.views import AlertView
from bot.audit import Tag
from bot.catalog import Catalog
from bot.deploys.models import Target
from bot.errors import UserError
from bot.events import AlertMapped, AlertReported, FlagChanged

__all__ = [
    "KINDS",
    "LAPSE",
    "WATCHED",
    "Reported",
    "concerns",
    "due",
    "firing",
    "firing_besides",
    "firing_everywhere",
    "flag_changed",
    "mapped",
    "misnamed",
    "report",
    "reported",
    "those_it_may_be_of",
    "view",
]

LAPSE = "alert_lapse"
"""The kind of work of an alert that its sender never calls over."""

LAPSES_AFTER = timedelta(hours=1)
"""After so long without another report such an alert counts as over: it would close the gate ``health`` for ever."""

KINDS = frozenset({LAPSE, unknown.LOOK})
"""What alerts have looked at again when its time has come."""

WATCHED = "watched"
"""What is touched of a target on whose service something else fires than before, beside the target itself."""

MANY = 50
"""How many firing alerts of one service are looked at: a storm has thousands, and nobody reads more."""

MOST_MAPPED = 5_000
"""How many firing alerts are looked through when a person says whose a kind of them is."""

# Held statements: to build one costs more than to run it, and a storm runs each thousands of times.
_FIRES_NEAR = (
    Alert.service == bindparam("of_service"),
    col(Alert.resolved_at).is_(None),
    or_(
        col(Alert.environment).is_(None),
        func.lower(Alert.environment).in_(bindparam("lowered", expanding=True)),
        col(Alert.environment).in_(bindparam("spelt", expanding=True)),  # a database may lower ASCII alone
    ),
)
_FIRING = select(Alert).where(*_FIRES_NEAR).order_by(col(Alert.started_at), col(Alert.id)).limit(MANY)
_FIRING_BESIDES = (
    select(Alert)
    .where(
        Alert.service == bindparam("of_service"),
        col(Alert.resolved_at).is_(None),
        or_(
            col(Alert.environment).is_(None),
            and_(
                func.lower(Alert.environment).not_in(bindparam("lowered", expanding=True)),
                col(Alert.environment).not_in(bindparam("spelt", expanding=True)),
            ),
        ),
    )
    .order_by(col(Alert.started_at), col(Alert.id))
    .limit(MANY)
)
_ONE_MORE = select(Alert.id).where(*_FIRES_NEAR).offset(MANY).limit(1)
_TARGETS = select(Target.id).where(func.lower(Target.service) == bindparam("of_service"))
_DEPLOYED = _TARGETS.limit(1)
_SEEN = select(Target.service).distinct()
_MAPPED = select(AlertMapping.service).where(AlertMapping.kind == bindparam("of_kind"))


@dataclass(frozen=True)
class Reported:
    """What one report came to: ``every`` alert that it is of, and those of whom it is ``news`` to be told.

    A repeat is no news, nor is one more of a service of which ``MANY`` fire; that one of them is over always is.
    """

    every: Sequence[Alert]
    news: Sequence[Alert]


def reported(session: Session, catalog: Catalog, event: AlertReported, now: datetime) -> Sequence[Alert]:
    """Keep that an alert fires or is over, and touch what its service may be promoted to; returns each one told of.

    Reports arrive in any order: one that is over does not fire again by an older report. A report that names no
    beginning ends every occurrence that began before it. Where nobody knows whose it is, that is asked once.
    """
    return report(session, catalog, event, now).every


def report(session: Session, catalog: Catalog, event: AlertReported, now: datetime) -> Reported:
    """The same, told apart by what is news."""
    event = _labelled(session, catalog, _by_now(event, now))
    told = occurrences(session, event)
    turned = [alert for alert, new in told if _tell(session, catalog, alert, event, now, new=new)]
    session.flush()
    places = {(one.service, one.environment) for one in turned if one.service is not None}
    few = {(service, place) for service, place in places if _few_fire(session, service, place)}
    for service in sorted({service for service, _ in few}):
        _touch_targets(session, service)
    news = [
        one
        for one in turned
        if one.service is not None and ((one.service, one.environment) in few or one.resolved_at is not None)
    ]
    return Reported([alert for alert, _ in told], news)


def mapped(session: Session, catalog: Catalog, event: AlertMapped, now: datetime) -> tuple[str, Sequence[Alert]]:
    """Keep whose alerts of this kind are; what the person is told, and the firing ones that it moves."""
    about = session.get(Alert, event.alert)
    if about is None:
        raise UserError("I know that alert no more. Its next report is asked about anew.")
    if event.service is not None and not catalog.service(event.service).known and event.service not in _seen(session):
        raise UserError(f"I know no service “{event.service[:80]}”. shipmate.yml names those I know.")
    service = catalog.service(event.service).name if event.service is not None else None
    kind = kind_of(about.source, about.name, about.labels)
    before = session.get(AlertMapping, kind)
    if before is not None and before.at > event.at:
        owner = before.service or "nobody"
        raise UserError(f"Somebody said since then that alerts like “{about.name[:80]}” are {owner}'s: that stands.")
    former = before.service if before is not None else None
    _keep_mapping(session, before, AlertMapping(kind=kind, service=service, by=event.slack_id, at=event.at))
    moved = _of_kind(session, about.source, kind, former)
    for alert in moved:
        alert.service = service
        alert.environment = _environment(catalog, service, alert.environment, alert.labels)
    session.flush()
    unknown.answered(session, kind)
    audit.record(
        session, Tag.ALERT_MAPPED, f"alert:{about.id}", event.at, who=f"slack:{event.slack_id}", kind=kind,
        service=service,
    )  # fmt: skip
    for name in {one for one in (service, former) if one is not None}:
        _touch_targets(session, name)
    if service is None:
        return f"Alerts like “{about.name[:80]}” are nobody's: I ask about them no more.", moved
    fire = f" {len(moved)} of them {'fires' if len(moved) == 1 else 'fire'} now." if moved else ""
    return f"Alerts like “{about.name[:80]}” are {service}'s from now on.{fire}", moved


def flag_changed(session: Session, catalog: Catalog, event: FlagChanged, now: datetime) -> FlagChange | None:
    """Keep that a feature flag was turned; None where that was heard already."""
    known = select(FlagChange.id).where(
        FlagChange.source == event.source, FlagChange.external_id == event.external_id[:255]
    )
    if session.exec(known).first() is not None:
        return None
    service = _service(session, catalog, event.service, event.flag, kind_of(event.source, event.flag, event.labels),
                       event.labels)  # fmt: skip
    change = FlagChange(
        source=event.source,
        external_id=event.external_id[:255],
        flag=event.flag,
        project=event.project,
        environment=_environment(catalog, service, event.environment, event.labels),
        service=service,
        summary=event.summary,
        who=people.who_is(event.by) if event.by is not None else None,
        name=event.by.name if event.by is not None else None,
        url=event.url,
        at=event.at,
    )
    session.add(change)
    session.flush()
    audit.record(
        session, Tag.FLAG_CHANGED, f"flag:{change.id}", event.at, who=change.who, flag=event.flag, service=service,
        environment=change.environment, summary=event.summary,
    )  # fmt: skip
    return change


def due(session: Session, catalog: Catalog, kind: str, number: int, now: datetime) -> Sequence[Alert]:
    """Look again at what time changes; the alerts that are over by it."""
    if kind == unknown.LOOK:
        unknown.due(session, catalog, now)
        return ()
    alert = session.get(Alert, number)
    if alert is None or alert.resolved_at is not None:
        return ()
    if now < alert.seen_at + LAPSES_AFTER:
        work.schedule(session, LAPSE, number, alert.seen_at + LAPSES_AFTER)
        return ()
    alert.resolved_at = now
    session.flush()
    audit.record(session, Tag.ALERT_RESOLVED, f"alert:{alert.id}", now, service=alert.service)
    if alert.service is None:
        unknown.over(session, kind_of(alert.source, alert.name, alert.labels))
    if alert.service is not None and _few_fire(session, alert.service, alert.environment):
        _touch_targets(session, alert.service)
    return (alert,)


def those_it_may_be_of(session: Session, catalog: Catalog, alert: Alert) -> Sequence[str]:
    """Every service that an alert may be said to be of, the likeliest first."""
    return likely_services(catalog, alert.name, alert.labels, _seen(session))


def misnamed(session: Session, catalog: Catalog, alert: Alert) -> tuple[str, str | None] | None:
    """What its sender calls a service that is none, and which it may have meant; None where it names none such."""
    return mapping.misnamed(catalog, alert.labels, _seen(session))


def concerns(alert: Alert, environment: str) -> bool:
    """Whether an alert is about this environment; one that names none is about all of its service's."""
    return alert.environment is None or alert.environment.casefold() == environment.casefold()


def view(alert: Alert) -> AlertView:
    """What templates see of it."""
    return AlertView(name=alert.name, since=alert.started_at, url=alert.url)


def firing_everywhere(session: Session, most: int) -> Sequence[Alert]:
    """The alerts that fire on any service, the latest first."""
    return session.exec(
        select(Alert)
        .where(col(Alert.resolved_at).is_(None))
        .order_by(col(Alert.started_at).desc(), col(Alert.id).desc())
        .limit(most)
    ).all()


def firing(session: Session, service: str, environments: Collection[str]) -> Sequence[Alert]:
    """The first ``MANY`` that fire in one of these environments, or in none: those of others hide none of them."""
    return session.exec(_FIRING, params=_near(service, environments)).all()


def firing_besides(session: Session, service: str, environments: Collection[str]) -> Sequence[Alert]:
    """The first ``MANY`` that fire on a service in another environment than these, or in none."""
    return session.exec(_FIRING_BESIDES, params=_near(service, environments)).all()


def _tell(session: Session, catalog: Catalog, alert: Alert, event: AlertReported, now: datetime, *, new: bool) -> bool:
    """Keep what a report says of one occurrence; whether that changes what fires, and where."""
    again = not new and fires_again(alert, event)
    nobodys, placeless = alert.service is None, alert.environment is None
    if not new and describes(alert, event):
        describe(alert, event)
    alert.seen_at = max(alert.seen_at, event.at)
    if nobodys:
        kind = kind_of(alert.source, alert.name, alert.labels)
        alert.service = _service(session, catalog, event.service, alert.name, kind, alert.labels)
    if new or nobodys or placeless:
        alert.environment = _environment(catalog, alert.service, alert.environment, alert.labels)
    turned = new or (nobodys and alert.service is not None)
    if new:
        session.flush()
        audit.record(
            session, Tag.ALERT_FIRED, f"alert:{alert.id}", alert.started_at, service=alert.service, name=alert.name
        )
    if event.resolved_at is not None and alert.resolved_at is None and not _began_since(alert, event):
        alert.resolved_at = max(event.resolved_at, alert.started_at)
        audit.record(session, Tag.ALERT_RESOLVED, f"alert:{alert.id}", event.resolved_at, service=alert.service)
        turned = True
    elif again:
        alert.resolved_at = None
        audit.record(session, Tag.ALERT_FIRED, f"alert:{alert.id}", now, service=alert.service, name=alert.name)
        turned = True
    if is_issue(alert) and alert.resolved_at is None:  # nobody ever says that it is over, while people leave it open
        work.schedule(session, LAPSE, alert.id or 0, alert.seen_at + LAPSES_AFTER)
    if alert.service is None and turned:
        kind = kind_of(alert.source, alert.name, alert.labels)
        if alert.resolved_at is None:
            unknown.ask(session, catalog, alert, kind, now)
        else:
            unknown.over(session, kind)
    return turned


def _by_now(event: AlertReported, now: datetime) -> AlertReported:
    """The same without what lies ahead: whose clock is fast told of what was by the time that we heard of it.

    Else what is over in the future would be over still when it fires again before then.
    """
    latest = max(event.at, now)
    if event.at > now + JITTER:
        event, latest = replace(event, at=now), now
    if event.started_at is not None and event.started_at > latest + JITTER:
        event = replace(event, started_at=event.at, onset_at=None)
    if event.resolved_at is not None and event.resolved_at > latest:
        event = replace(event, resolved_at=max(event.at, event.started_at or event.at))
    return event


def _began_since(alert: Alert, event: AlertReported) -> bool:
    """Whether an occurrence began after an end that names no beginning: it goes on."""
    return event.started_at is None and event.resolved_at is not None and alert.started_at > event.resolved_at


# --- whose they are ----------------------------------------------------------------------------------------------


def _service(
    session: Session, catalog: Catalog, named: str | None, name: str, kind: str, labels: Mapping[str, str]
) -> str | None:
    outright = named is not None and _is_known(session, catalog, named)
    if named is not None and not outright:
        named, name = None, ""  # whoever names another one outright is not overruled by what the alert is called
    said = session.connection().execute(_MAPPED, {"of_kind": kind}).first() if not outright else None
    mappings: dict[str, str | None] = {kind: said[0]} if said is not None else {}
    found = service_of(
        catalog, mappings, named=named, labels=labels, pager_service=labels.get(PAGER_SERVICE), kind=kind, name=name
    )
    if found is None and said is None:
        seen = _seen(session)
        if any(not catalog.service(one).known for one in seen):
            return service_of(
                catalog, {}, named=None, labels=labels, pager_service=labels.get(PAGER_SERVICE), kind=kind, name=name,
                seen=seen,
            )  # fmt: skip
    return found


def _is_known(session: Session, catalog: Catalog, named: str) -> bool:
    """Whether anybody has heard of a service that is named outright; where no catalogue names any, each one counts."""
    name = named.strip()
    if not name or not catalog.services or catalog.service(name).known:
        return bool(name)
    return session.connection().execute(_DEPLOYED, {"of_service": name.lower()}).first() is not None


def _labelled(session: Session, catalog: Catalog, event: AlertReported) -> AlertReported:
    """The same with a service that is named outright as a label, where nobody has heard of it: somebody is asked."""
    named = (event.service or "").strip()
    if not named or any(key.casefold() == NAMES[0] for key in event.labels) or _is_known(session, catalog, named):
        return event
    return replace(event, labels={NAMES[0]: named, **event.labels})


def _environment(
    catalog: Catalog, service: str | None, environment: str | None, labels: Mapping[str, str]
) -> str | None:
    return environment_of(catalog.service(service) if service is not None else catalog.unknown, environment, labels)


def _seen(session: Session) -> Sequence[str]:
    """The services that were deployed."""
    return session.exec(_SEEN).all()


def _keep_mapping(session: Session, before: AlertMapping | None, now: AlertMapping) -> None:
    if before is None:
        session.add(now)
    else:
        before.service, before.by, before.at = now.service, now.by, now.at


def _of_kind(session: Session, source: str, kind: str, former: str | None) -> Sequence[Alert]:
    """What fires of this kind: of those that were nobody's, or were mapped otherwise."""
    owner = col(Alert.service) == former if former is not None else col(Alert.service).is_(None)
    rows = session.exec(
        select(Alert)
        .where(owner, col(Alert.resolved_at).is_(None), Alert.source == source)
        .order_by(col(Alert.started_at), col(Alert.id))
        .limit(MOST_MAPPED)
    ).all()
    return [alert for alert in rows if kind_of(alert.source, alert.name, alert.labels) == kind]


def _few_fire(session: Session, service: str, environment: str | None) -> bool:
    """Whether one alert more or less changes anything for what is judged there: in a storm it does not.

    A storm in staging says nothing of production.
    """
    near = _near(service, () if environment is None else (environment,))
    return session.connection().execute(_ONE_MORE, near).first() is None


def _near(service: str, environments: Collection[str]) -> dict[str, Any]:
    spelt = sorted(environments)
    return {"of_service": service, "spelt": spelt, "lowered": [one.lower() for one in spelt]}


def _touch_targets(session: Session, service: str) -> None:
    """What may be promoted there is judged anew."""
    for target in session.exec(_TARGETS, params={"of_service": service.lower()}).all():
        work.touch(session, "target", target or 0)
        work.touch(session, WATCHED, target or 0)
