"""Which occurrence of an alert a report is of: told twice, by replicas, out of order, with or without its beginning.

An alert of one key has one state at a time: a report that it is over ends every occurrence that began before, and one
that names another beginning within ``JITTER`` of a known one means that one, as two replicas of a monitoring tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from bot.alerts.models import Alert
from bot.events import AlertLevel, AlertReported

JITTER = timedelta(minutes=2)
"""How far apart two beginnings of one occurrence are told at most: replicas evaluate a rule at their own instants."""

ONE_AT_A_TIME = frozenset({"datadog", "sentry", "pagerduty"})
"""Sources whose key is of one occurrence, however its repeats say when it began: what fires goes on firing."""

UNDATED = frozenset({"alertmanager", "grafana"})
"""Sources that do not say when a report was made: it counts as made when it came."""

OVERTAKEN = timedelta(minutes=2)
"""For how long after its end was heard an undated report that an alert fires is taken for one that was overtaken.

Of any other sender one is undated that tells no instant of its own; it is taken so where it names the very beginning.

Replicas of Alertmanager wait for each other, 15 s a peer; later than that it fires again, be it with the same beginning
(Prometheus keeps that where it could not be heard for a while).
"""

_GRAVEST_FIRST = list(AlertLevel)

_SEARCHED = 8
"""The latest occurrences of a key among which that of a report is looked for."""

_OF_KEY = select(Alert).where(Alert.source == bindparam("of_source"), Alert.fingerprint == bindparam("of_key"))
_LATEST = _OF_KEY.order_by(col(Alert.started_at).desc()).limit(_SEARCHED)
_EXACTLY = _OF_KEY.where(Alert.started_at == bindparam("until"))
_BEGUN = _OF_KEY.where(Alert.started_at <= bindparam("until"), col(Alert.resolved_at).is_(None))


def occurrences(session: Session, event: AlertReported) -> list[tuple[Alert, bool]]:
    """Those that a report is about, each with whether it is new: that of its beginning, and what its end ends too."""
    if event.started_at is None:
        begun = session.exec(_BEGUN, params=_params(event, event.at)).all()
        if not begun and event.resolved_at is not None:
            _overtook(session, event)
        since = [_told_since(session, event, alert) for alert in begun if event.at < alert.seen_at]
        return [*((alert, False) for alert in begun), *((alert, True) for alert in since if alert is not None)]
    latest = session.exec(_LATEST, params=_params(event, None)).all()
    found = _known(session, event, event.started_at, latest)
    ended = session.exec(_BEGUN, params=_params(event, event.resolved_at)).all() if event.resolved_at else ()
    others = [(alert, False) for alert in ended if alert is not found]
    if found is not None:
        return [(found, False), *others]
    return [
        (_begun(session, event, event.started_at, over_at=_over_at(event, event.started_at, latest)), True),
        *others,
    ]


def _known(session: Session, event: AlertReported, started_at: datetime, latest: Sequence[Alert]) -> Alert | None:
    """The occurrence with this beginning, or the one that this beginning lies in or next to."""
    for alert in latest:
        if alert.started_at == started_at:
            return alert
    for alert in latest:
        alike = abs(alert.started_at - started_at) <= JITTER or event.source in ONE_AT_A_TIME
        over_since = alert.resolved_at is not None and not alert.started_at <= started_at <= alert.resolved_at
        if (alike or _names_no_beginning(event)) and not over_since:
            return alert
    if len(latest) < _SEARCHED:
        return None
    return session.exec(_EXACTLY, params=_params(event, started_at)).first()


def _names_no_beginning(event: AlertReported) -> bool:
    """Whether its beginning is only the instant of the report: of what fires already that is another report."""
    return event.started_at == event.at and event.source not in UNDATED


def _over_at(event: AlertReported, started_at: datetime, latest: Sequence[Alert]) -> datetime | None:
    """When what is heard of only now was over at the latest: as its key was, or as that fired for the next time."""
    ends = [alert.started_at for alert in latest if alert.started_at > started_at]
    for alert in latest:
        over = alert.resolved_at is not None and alert.resolved_at >= started_at
        if over and event.resolved_at is None and not fires_again(alert, event):
            ends.append(alert.resolved_at or started_at)
    return min(ends, default=None)


def _told_since(session: Session, event: AlertReported, alert: Alert) -> Alert | None:
    """What fires since an end that is heard of only now: a later report of it was taken for one of what is over.

    Only senders that date all they say can be read so; whoever dates ends alone has all of their key end.
    """
    if event.source not in ONE_AT_A_TIME:
        return None
    again = Alert(**alert.model_dump(exclude={"id", "started_at", "onset_at", "incident"}), started_at=alert.seen_at)
    session.add(again)
    return again


def _overtook(session: Session, event: AlertReported) -> None:
    """Keep that all of this key is over, though nothing of it fires: its beginning may be heard of later."""
    latest = session.exec(_LATEST, params=_params(event, None)).first()
    if latest is not None and latest.resolved_at is not None and latest.resolved_at >= event.at:
        return  # that is known
    if latest is None or latest.started_at < event.at:
        if latest is not None and latest.started_at == latest.resolved_at:
            latest.started_at = latest.resolved_at = event.at  # one such mark is enough
        else:
            _begun(session, event, event.at, over_at=event.at)


def _begun(session: Session, event: AlertReported, started_at: datetime, *, over_at: datetime | None) -> Alert:
    # Every column is given: to find out what each is by default costs more than to write the row.
    alert = Alert(
        id=None, source=event.source, fingerprint=event.fingerprint[:255], service=None,
        environment=event.environment, started_at=started_at, resolved_at=over_at, seen_at=event.at,
        labels=dict(event.labels), paths=list(event.paths), incident=None, **_said(event),
    )  # fmt: skip
    session.add(alert)
    return alert


def fires_again(alert: Alert, event: AlertReported) -> bool:
    """Whether a report of an occurrence that is over was made since, and says that it fires."""
    if event.resolved_at is not None or alert.resolved_at is None:
        return False
    if event.source in UNDATED or (event.undated and event.started_at == alert.started_at):
        return event.at - max(alert.resolved_at, alert.seen_at) >= OVERTAKEN
    return event.at > alert.resolved_at


def is_issue(alert: Alert) -> bool:
    """Whether it is an issue of Sentry's, which stays open until people close it."""
    return alert.source == "sentry" and alert.fingerprint.startswith("issue:")


def describes(alert: Alert, event: AlertReported) -> bool:
    """Whether what a report says of an alert stands: the latest does, and of an issue the gravest.

    Sentry tells of a new issue, and by a rule's alert that it matters, at the same moment and in either order.
    """
    if is_issue(alert) and event.level is not None and alert.level not in (None, event.level):
        return _GRAVEST_FIRST.index(event.level) < _GRAVEST_FIRST.index(AlertLevel(alert.level))
    return event.at >= alert.seen_at


def describe(alert: Alert, event: AlertReported) -> None:
    """What a later report says of an alert, beside when; what it leaves out stays as it was."""
    for column, value in _said(event).items():
        if value is not None and getattr(alert, column) != value:
            setattr(alert, column, value)
    if event.environment is not None and alert.environment is None:
        alert.environment = event.environment
    if event.labels and dict(event.labels) != alert.labels:
        alert.labels = dict(event.labels)
    if event.paths and list(event.paths) != alert.paths:
        alert.paths = list(event.paths)


def _said(event: AlertReported) -> dict[str, Any]:
    """What a report says, by the columns it is kept in."""
    return {
        "name": event.name,
        "url": event.url,
        "onset_at": event.onset_at,
        "level": event.level.value if event.level is not None else None,
        "summary": event.summary,
        "version": event.version[:255] if event.version is not None else None,
        "grouping": event.grouping[:255] if event.grouping is not None else None,
        "runbook": event.runbook,
        "dashboard": event.dashboard,
        "pager_incident": event.pager_incident,
    }


def _params(event: AlertReported, until: datetime | None) -> dict[str, Any]:
    held = {"of_source": event.source, "of_key": event.fingerprint[:255]}
    return held if until is None else {**held, "until": until}
