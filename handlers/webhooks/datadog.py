"""Datadog's webhooks: what is sent is the user's own template, and this is the reader of ours.

``docs/datadog-webhook.json`` is that template; Datadog fills in its variables, and leaves those empty or as they are
written that mean nothing in an event. It shows a secret in a custom header, or as a password in the address. Only 5xx
is sent again. One occurrence keeps its cycle key from the first alarm to the recovery. What a transition may be called
is documented by examples only, so it is read by its words. Source: docs.datadoghq.com/integrations/webhooks.
"""

from __future__ import annotations

import re
from datetime import datetime

from bot.events import AlertLevel, AlertReported, Event
from handlers.webhooks.alert_pieces import (
    body_id,
    environment_in,
    epoch,
    keep_type,
    labels_of,
    level_of,
    one_label,
    received_at,
    tags_of,
    urgent,
    version_in,
)
from handlers.webhooks.payload import LINE_LIMIT, Fields, decode_object, one_line
from handlers.webhooks.signatures import verify_shown
from handlers.webhooks.source import Headers, Malformed, Source

NAME = "datadog"
TEMPLATE = "docs/datadog-webhook.json"

_OURS = frozenset({"transition", "cycle_key", "alert_id"})
"""Keys of our template, one of which every delivery by it has."""

_HEADING = re.compile(r"^(?:\s*\[[^\]]*\]\s*)+")
"""``[Triggered on {host:a}]`` before a title: it differs from one report of an alert to the next."""

_MARKS = re.compile(r"%%%|@(?:webhook|slack|pagerduty|teams|hangouts)-[\w.-]+|@[\w.+-]+@[\w.-]+")
"""What a message holds for Datadog itself: its marks of Markdown, and whom it is to be sent to."""


def verify(headers: Headers, body: bytes, secret: str) -> None:
    """Unauthorised unless the secret is shown."""
    verify_shown(headers, secret, setting="DATADOG_WEBHOOK_SECRET")


def check(headers: Headers, body: bytes) -> None:
    """Malformed unless the body is what our template makes."""
    if not _OURS & decode_object(body).every().keys():
        raise Malformed(
            "This is not what our template makes.",
            f"Paste {TEMPLATE} as the payload of the webhook in Datadog, and do not encode it as a form.",
        )


def delivery_id(headers: Headers, body: bytes) -> str:
    """Datadog's id of the event with what it tells; without one, the body's."""
    payload = decode_object(body)
    event, transition = _said(payload, "id"), _said(payload, "transition")
    return f"{event}:{transition or ''}"[:255] if event is not None else body_id(headers, body)


def translate(headers: Headers, body: bytes) -> list[Event]:
    """An alert that fires, or is over; nothing where the event is no alert (the webhook's own test, for one)."""
    payload = decode_object(body)
    transition, sort = _words(payload, "transition"), _words(payload, "type")
    key = _said(payload, "cycle_key") or _said(payload, "aggregation_key") or _said(payload, "alert_id")
    received = received_at(headers)
    at = epoch(payload.raw("date"), thousandths=True) or received
    if key is None or at is None or not (transition or sort):
        return []
    over = "recover" in transition or "resolve" in transition or (not transition and sort == "success")
    return [_alert(payload, key, at, over=over, transition=transition)]


def _alert(payload: Fields, key: str, at: datetime, *, over: bool, transition: str) -> AlertReported:
    tags = tags_of(_text(payload, "scope")) | tags_of(_text(payload, "tags"))
    also = {name: _said(payload, name) for name in ("metric", "hostname", "organization")}
    labels = labels_of(also, tags)
    message = _MARKS.sub(" ", _text(payload, "message") or "")
    return AlertReported(
        source=NAME,
        fingerprint=key,
        service=None,
        environment=environment_in(labels),
        name=_name(payload),
        url=payload.link("link"),
        # A report that it is over names when that was, and no beginning.
        started_at=None if over else at,
        resolved_at=at if over else None,
        at=at,
        level=_level(payload, transition),
        summary=one_line(message) or _said(payload, "status"),
        labels=labels,
        version=version_in(tags),
        grouping=_said(payload, "alert_id"),
        dashboard=payload.link("snapshot"),
    )


def _level(payload: Fields, transition: str) -> AlertLevel | None:
    """What the monitor's priority says, where it has one; else whether it alarms or warns."""
    if "warn" in transition or _words(payload, "type") == "warning":
        return AlertLevel.WARNING
    return level_of(_said(payload, "priority")) or (AlertLevel.ERROR if "trigger" in transition else None)


def _name(payload: Fields) -> str:
    for key in ("title", "event_title"):
        called = one_line(_HEADING.sub("", _said(payload, key) or ""))
        if called is not None:
            return called
    return f"Datadog monitor {_said(payload, 'alert_id') or 'without a name'}"[:LINE_LIMIT]


def _words(payload: Fields, key: str) -> str:
    return (_said(payload, key) or "").casefold()


def _said(payload: Fields, key: str) -> str | None:
    """A short text that Datadog filled in; a variable that it left as it is written says nothing.

    An id is a number where somebody took off the template's quotes.
    """
    value = payload.raw(key)
    found = one_label(value) if isinstance(value, int) else payload.word(key)
    return None if found is None or found.startswith("$") else found


def _text(payload: Fields, key: str) -> str | None:
    found = payload.prose(key)
    return None if found is None or found.startswith("$") else found[:10_000]


SOURCE = Source(
    verify=verify,
    check=check,
    delivery_id=delivery_id,
    keep=keep_type,
    translate=translate,
    lane=urgent,
)
