"""Alertmanager's webhooks, version 4: groups of alerts, each firing or resolved by itself.

It shows a secret (``http_config.authorization`` or ``basic_auth``) and cannot sign. An answer of 4xx makes it drop the
group, and 5xx makes it send it again: a group is therefore taken as long as it has alerts, and those that cannot be
read are left out. It names neither its deliveries nor when it made them; replicas may send the same group twice, and
every group comes again at its ``repeat_interval``. An alert is known by its fingerprint (a digest of its labels) and
when it began. Source: Prometheus, docs/alerting/latest/configuration, ``webhook_config``.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import structlog

from bot.events import AlertReported, Event
from handlers.webhooks.alert_pieces import (
    WINDOW,
    body_id,
    duration,
    environment_in,
    first_of,
    keep_type,
    labels_of,
    level_in,
    link_in,
    onset_of,
    plain_labels,
    received_at,
    urgent,
    version_in,
)
from handlers.webhooks.payload import LINE_LIMIT, Fields, decode_object, instant, one_line
from handlers.webhooks.signatures import verify_shown
from handlers.webhooks.source import Headers, Malformed, Source

log = structlog.get_logger(__name__)

NAME = "alertmanager"


def verify(headers: Headers, body: bytes, secret: str) -> None:
    """Unauthorised unless the secret is shown."""
    verify_shown(headers, secret, setting="ALERTMANAGER_WEBHOOK_SECRET")


def check(headers: Headers, body: bytes) -> None:
    """Malformed unless the body is an object with a list of alerts."""
    if not isinstance(decode_object(body).raw("alerts"), list):
        raise Malformed("There is no list of alerts.", "Alertmanager's webhook_config sends version 4: {alerts: […]}.")


def translate(headers: Headers, body: bytes) -> list[Event]:
    """Each alert of the group that can be read."""
    return group_of(NAME, headers, decode_object(body))


def group_of(source: str, headers: Headers, group: Fields) -> list[Event]:
    """The alerts of one group, as Alertmanager and Grafana send it."""
    received = received_at(headers)
    read = [alert_of(source, group, alert, received) for alert in group.each("alerts")]
    found: list[Event] = [one for one in read if one is not None]
    lost, cut = len(group.array("alerts")) - len(found), group.count("truncatedAlerts") or 0
    if lost or cut:
        log.warning("alerts of a group could not be read", source=source, unreadable=lost, not_sent=cut)
    return found


def alert_of(source: str, group: Fields, alert: Fields, received: datetime | None) -> AlertReported | None:
    """One alert; None where it does not say what it is or since when."""
    labels = labels_of(group.fields("groupLabels"), group.fields("commonLabels"), alert.fields("labels"))
    told = plain_labels(labels_of(group.fields("commonAnnotations"), alert.fields("annotations")))
    began = alert.moment("startsAt")
    over = (alert.word("status") or group.word("status") or "").casefold() == "resolved"
    if began is None:
        return None
    ended = (alert.moment("endsAt") or received or began) if over else None
    held = duration(first_of({**labels, **told}, ("for", "pending_for")))
    onset = instant(told.get("onset") or labels.get("onset")) or (began - held if held is not None else None)
    looks_back = told.get("window")
    if looks_back is not None and duration(looks_back) is not None:
        labels.setdefault(WINDOW, looks_back)
    return AlertReported(
        source=source,
        fingerprint=_fingerprint(alert, labels),
        service=None,
        environment=environment_in(labels),
        name=_name(alert, labels),
        url=link_in(alert.raw("generatorURL"), group.raw("externalURL")),
        started_at=began,
        resolved_at=max(ended, began) if ended is not None else None,
        at=received or ended or began,
        onset_at=onset_of(began, onset),
        level=level_in(labels) or level_in(told),
        summary=_summary(alert, told),
        labels=labels,
        version=version_in(labels),
        grouping=group.word("groupKey"),
        runbook=link_in(told.get("runbook_url"), told.get("runbook")),
        dashboard=_dashboard(alert, told),
    )


def _fingerprint(alert: Fields, labels: dict[str, str]) -> str:
    """Alertmanager's own; versions before 0.19 send none, and it is made of the same: the labels."""
    given = alert.word("fingerprint")
    if given is not None:
        return given
    return hashlib.sha256("\x1f".join(f"{key}={labels[key]}" for key in sorted(labels)).encode()).hexdigest()[:32]


def _name(alert: Fields, labels: dict[str, str]) -> str:
    """What people call it; Grafana's alerts about missing data carry the rule's name apart."""
    called = labels.get("alertname")
    if called in ("DatasourceNoData", "DatasourceError"):
        rule = labels.get("rulename")
        called = f"{rule} ({called})" if rule else called
    return (called or first_of(labels, ("rulename", "alert")) or "An alert without a name")[:LINE_LIMIT]


def _summary(alert: Fields, told: dict[str, str]) -> str | None:
    said = next((told[key] for key in ("summary", "message", "title", "description") if told.get(key)), None)
    return one_line(said) or alert.word("valueString")


def _dashboard(alert: Fields, told: dict[str, str]) -> str | None:
    """Where its curves are; ``silenceURL`` is no such place."""
    return link_in(
        alert.raw("panelURL"),
        alert.raw("dashboardURL"),
        *(told.get(key) for key in ("dashboard_url", "dashboard", "grafana_dashboard", "grafana_url", "panel_url")),
    )


SOURCE = Source(
    verify=verify,
    check=check,
    delivery_id=body_id,
    keep=keep_type,
    translate=translate,
    lane=urgent,
)
