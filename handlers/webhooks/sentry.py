"""Sentry's webhooks of an integration: signed, named by the header Request-ID, answered within a second.

An issue alert (``event_alert``) never says that it is over: its key is the issue's id, and the issue's being resolved
or archived ends it. A new issue is told and opens no incident by itself (``WARNING``); whoever wants that writes an
alert rule. Stack frames come outermost first, and are told here innermost first. Source: docs.sentry.io, integration
platform, webhooks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.events import AlertLevel, AlertReported, Event
from handlers.webhooks.alert_pieces import (
    WINDOW,
    body_id,
    check_object,
    epoch,
    labels_of,
    level_of,
    one_label,
    received_at,
    urgent,
)
from handlers.webhooks.payload import LINE_LIMIT, Fields, decode_object, instant, one_line, storable
from handlers.webhooks.signatures import verify_hex
from handlers.webhooks.source import Headers, Malformed, Source, header

NAME = "sentry"
SIGNATURE = "Sentry-Hook-Signature"
RESOURCE = "Sentry-Hook-Resource"
STAMP = "Sentry-Hook-Timestamp"
REQUEST = "Request-ID"
KEPT = (RESOURCE, STAMP, REQUEST, "Content-Type")

MOST_PATHS = 20

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_PROJECT = re.compile(r"/projects/([^/?#]+)/([^/?#]+)/")
_ROOTS = re.compile(r"^(?:webpack(?:-internal)?:/+|app:/+|\./|~/|/usr/src/app/|/app/|/)+")
"""What stands before a file's path in its repository."""


def verify(headers: Headers, body: bytes, secret: str) -> None:
    """Unauthorised unless the raw body is signed with the integration's client secret."""
    verify_hex(headers, body, secret, name=SIGNATURE, setting="SENTRY_WEBHOOK_SECRET")


def check(headers: Headers, body: bytes) -> None:
    """Malformed unless the resource is named and the body holds one JSON object."""
    if header(headers, RESOURCE) is None:
        raise Malformed(f"The header {RESOURCE} is missing.", "Sentry's integrations send it; plain plugins do not.")
    check_object(headers, body)


def delivery_id(headers: Headers, body: bytes) -> str:
    """The request's id; without one, the body's."""
    found = header(headers, REQUEST)
    return found if found is not None and _REQUEST_ID.fullmatch(found) else body_id(headers, body)


def keep(headers: Headers) -> dict[str, str]:
    """The headers worth storing."""
    return {name: storable(value) for name in KEPT if (value := header(headers, name)) is not None}


def translate(headers: Headers, body: bytes) -> list[Event]:
    """What happened to an issue, or that an alert's rule holds or does no more."""
    reader = _READERS.get((header(headers, RESOURCE) or "").casefold())
    payload = decode_object(body)
    at = epoch(header(headers, STAMP)) or received_at(headers)
    return reader(payload, at) if reader is not None else []


def _issue(payload: Fields, at: datetime | None) -> list[Event]:
    issue, action = payload.fields("data").fields("issue"), (payload.word("action") or "").casefold()
    key = _number(issue.raw("id"))
    began = issue.moment("firstSeen") if action == "created" else None
    at = at or issue.moment("lastSeen", "firstSeen")
    if key is None or at is None or action not in ("created", "unresolved", "resolved", "archived", "ignored"):
        return []
    over = action in ("resolved", "archived", "ignored")
    project = issue.fields("project")
    labels = labels_of({"project": project.word("slug") or project.word("name"), "issue": issue.word("shortId")})
    path = one_line(issue.fields("metadata").raw("filename"))
    report = AlertReported(
        source=NAME,
        fingerprint=f"issue:{key}",
        service=None,
        name=issue.word("title") or f"Sentry issue {key}",
        url=issue.link("web_url", "permalink"),
        started_at=None if over else began or at,
        resolved_at=at if over else None,
        at=at,
        level=None if over else AlertLevel.WARNING,
        summary=issue.word("culprit"),
        labels=labels,
        version=_version(issue.fields("firstRelease").word("version")),
        paths=() if path is None else (_path(path),),
    )
    return [report]


def _event_alert(payload: Fields, at: datetime | None) -> list[Event]:
    data = payload.fields("data")
    event = data.fields("event")
    key = _number(event.raw("issue_id")) or _number(event.raw("groupID"))
    # When Sentry had it; the event's own time is told by the clock of whatever it happened on, a phone's for one.
    at = epoch(event.raw("received")) or at
    began = event.moment("datetime") or instant(event.raw("timestamp")) or at
    if key is None or began is None or payload.word("action") not in (None, "triggered"):
        return []
    rule = data.word("triggered_rule") or data.fields("issue_alert").word("title")
    labels = labels_of(_tags(event), {"rule": rule}, _project(event))
    release = event.word("release") or labels.get("release")
    report = AlertReported(
        source=NAME,
        fingerprint=f"issue:{key}",
        service=None,
        environment=event.word("environment") or labels.get("environment"),
        name=event.word("title") or rule or f"Sentry issue {key}",
        url=event.link("web_url"),
        started_at=min(began, at) if at is not None else began,
        at=at or began,
        # Somebody wrote a rule to be told of it: what the event is logged as does not make it less.
        level=AlertLevel.CRITICAL if level_of(event.word("level")) is AlertLevel.CRITICAL else AlertLevel.ERROR,
        summary=event.word("culprit") or event.fields("metadata").word("value"),
        labels=labels,
        version=_version(release),
        paths=paths_of(event),
    )
    return [report]


def _metric_alert(payload: Fields, at: datetime | None) -> list[Event]:
    data, action = payload.fields("data"), (payload.word("action") or "").casefold()
    alert = data.fields("metric_alert")
    rule = alert.fields("alert_rule")
    key = _number(alert.raw("id")) or _number(alert.raw("identifier"))
    fired = alert.moment("date_detected", "date_created", "date_started")
    over = action == "resolved"
    at = at or (alert.moment("date_closed") if over else None) or fired
    if key is None or at is None or action not in ("critical", "warning", "open", "resolved"):
        return []
    onset = alert.moment("date_started")
    projects = [text for one in alert.array("projects") if (text := one_line(one)) is not None]
    window = rule.count("time_window")
    labels = labels_of(
        {
            "project": projects[0] if len(projects) == 1 else None,
            "rule": rule.word("name"),
            WINDOW: f"{window}m" if window else None,
        }
    )
    report = AlertReported(
        source=NAME,
        fingerprint=f"metric:{key}",
        service=None,
        environment=rule.word("environment"),
        name=rule.word("name") or alert.word("title") or data.word("description_title") or f"Sentry alert {key}",
        url=data.link("web_url"),
        started_at=None if over else fired or at,
        resolved_at=(alert.moment("date_closed") or at) if over else None,
        at=at,
        onset_at=onset if not over and onset is not None and fired is not None and onset < fired else None,
        level=AlertLevel.WARNING if action == "warning" else AlertLevel.ERROR if action != "resolved" else None,
        summary=data.word("description_text"),
        labels=labels,
    )
    return [report]


_READERS: Mapping[str, Callable[[Fields, datetime | None], list[Event]]] = {
    "issue": _issue,
    "event_alert": _event_alert,
    "metric_alert": _metric_alert,
}
"""What is read; installations, comments and single errors are accepted and give nothing."""


def paths_of(event: Fields) -> tuple[str, ...]:
    """The files of the application's own frames, the innermost first, each once."""
    found: dict[str, None] = {}
    for raised in reversed(event.fields("exception").each("values")):
        for frame in reversed(raised.fields("stacktrace").each("frames")):
            name = frame.word("filename") or frame.word("abs_path")
            if frame.flag("in_app") is True and name is not None and len(found) < MOST_PATHS:
                found.setdefault(_path(name))
    return tuple(found)


def _path(name: str) -> str:
    """A file's path as its repository may have it."""
    return _ROOTS.sub("", name.partition("?")[0]) or name


def _version(release: str | None) -> str | None:
    """``checkout@1.4.2`` is version 1.4.2 of the package checkout."""
    if release is None:
        return None
    return release.rpartition("@")[2] or release


def _tags(event: Fields) -> dict[str, object]:
    """An event's tags come as pairs."""
    found: dict[str, object] = {}
    for pair in event.array("tags"):
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str):
            found.setdefault(pair[0], pair[1])
    return found


def _project(event: Fields) -> dict[str, object]:
    """Whose project it is of: an event says so in its address in the API alone."""
    for key in ("url", "issue_url"):
        held = event.raw(key)
        found = _PROJECT.search(held[:2_000]) if isinstance(held, str) else None
        if found is not None:
            return {"organization": found[1][:LINE_LIMIT], "project": found[2][:LINE_LIMIT]}
    return {"project": event.word("project_slug") or event.word("project_name")}


def _number(value: object) -> str | None:
    """An id, which comes as a number or as text."""
    label = one_label(value) if not isinstance(value, bool) else None
    return label[:128] if label else None


SOURCE = Source(
    verify=verify,
    check=check,
    delivery_id=delivery_id,
    keep=keep,
    translate=translate,
    lane=urgent,
)
