"""The verbs of alerts: which fire, which are over, in whatever order they are reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from bot import audit, work
from bot.alerts.models import Alert
from bot.alerts.views import AlertView
from bot.audit import Tag
from bot.catalog import Catalog
from bot.deploys.models import Target
from bot.events import AlertReported

_FIRING = (
    select(Alert)
    .where(Alert.service == bindparam("of_service"), col(Alert.resolved_at).is_(None))
    .order_by(col(Alert.started_at), col(Alert.id))
)


def reported(session: Session, catalog: Catalog, event: AlertReported, now: datetime) -> Sequence[Alert]:
    """Keep that an alert fires or is over, and touch what its service may be promoted to; returns each one told of.

    Reports arrive in any order: one that is over does not fire again by an older report. A report that names no
    beginning ends every occurrence that began before it.
    """
    name = catalog.service(event.service).name
    told: Sequence[Alert]
    if event.started_at is not None:
        told = [_occurrence(session, event, name, event.started_at)]
    else:
        told = session.exec(_of_key(event).where(Alert.started_at <= event.at)).all()
    for alert in told:
        _seen(session, alert, event, name)
    session.flush()
    for target in session.exec(select(Target.id).where(func.lower(Target.service) == name.lower())).all():
        work.touch(session, "target", target or 0)
    return told


def _of_key(event: AlertReported) -> SelectOfScalar[Alert]:
    return select(Alert).where(Alert.source == event.source, Alert.fingerprint == event.fingerprint[:255])


def _occurrence(session: Session, event: AlertReported, name: str, started_at: datetime) -> Alert:
    alert = session.exec(_of_key(event).where(Alert.started_at == started_at)).first()
    if alert is None:
        alert = Alert(
            source=event.source, fingerprint=event.fingerprint[:255], service=name, environment=event.environment,
            name=event.name, url=event.url, started_at=started_at, seen_at=event.at,
        )  # fmt: skip
        session.add(alert)
        session.flush()
        audit.record(session, Tag.ALERT_FIRED, f"alert:{alert.id}", started_at, service=name, name=event.name)
    return alert


def _seen(session: Session, alert: Alert, event: AlertReported, name: str) -> None:
    if event.resolved_at is not None and alert.resolved_at is None:
        alert.resolved_at = event.resolved_at
        audit.record(session, Tag.ALERT_RESOLVED, f"alert:{alert.id}", event.resolved_at, service=name)
    if event.at >= alert.seen_at:
        alert.name, alert.url, alert.seen_at = event.name, event.url or alert.url, event.at


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


def firing(session: Session, service: str) -> Sequence[Alert]:
    """The alerts that fire on a service, the oldest first; a service is named as the catalogue spells it."""
    return session.exec(_FIRING, params={"of_service": service}).all()
