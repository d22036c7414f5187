"""PagerDuty's webhooks, version 3: an incident of its own is an alert here; about ours it answers.

Each is signed with one or several secrets (while one is being replaced), has to be answered within five seconds, and
keeps its event's id however often it is sent. Incidents that we opened have a key that begins with ``shipmate:``: what
is told of them are answers, never alerts. Source: PagerDuty/developer-docs, webhooks v3.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime

from bot.events import AlertLevel, AlertReported, Event, PagerAnswered, PagerSaid
from handlers.webhooks.alert_pieces import body_id, keep_type, labels_of, level_of, received_at, urgent
from handlers.webhooks.payload import Fields, decode_object
from handlers.webhooks.source import Headers, Malformed, Source, Unauthorised, header

NAME = "pagerduty"
SIGNATURE = "X-PagerDuty-Signature"
SETTING = "PAGERDUTY_WEBHOOK_SECRET"

OURS = "shipmate:"
"""How the keys of the incidents begin that we open."""

MOST_SIGNATURES = 16

MOST_ASSIGNEES = 10
"""People to whom an incident went at once who are read."""

SAID: Mapping[str, PagerSaid] = {
    "incident.acknowledged": PagerSaid.ACKNOWLEDGED,
    "incident.resolved": PagerSaid.RESOLVED,
    "incident.reassigned": PagerSaid.REASSIGNED,
    "incident.delegated": PagerSaid.REASSIGNED,
    "incident.escalated": PagerSaid.ESCALATED,
    "incident.reopened": PagerSaid.REOPENED,
}
"""Events that tell how an incident stands."""

FIRES = ("incident.triggered", "incident.priority_updated")
"""Events that tell that an incident goes on, and how grave it is by now."""

REPLIES: Mapping[str, PagerSaid] = {
    "accepted": PagerSaid.ACCEPTED,
    "joined": PagerSaid.ACCEPTED,
    "declined": PagerSaid.DECLINED,
}
"""What a responder who was asked may say. Its documents name only ``pending``; its pages say accept and join alike."""

_DIGEST = re.compile(r"v1=([0-9a-fA-F]{64})")
_EVENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def verify(headers: Headers, body: bytes, secret: str) -> None:
    """Unauthorised unless one of the signatures is the HMAC-SHA256 of the raw body under our secret."""
    given = header(headers, SIGNATURE)
    if given is None:
        raise Unauthorised(
            f"The header {SIGNATURE} is missing.",
            f"Only webhooks of version 3 are signed; keep its secret in {SETTING}.",
        )
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    digests = [
        found[1].lower() for part in given.split(",")[:MOST_SIGNATURES] if (found := _DIGEST.match(part.strip()))
    ]
    if not digests:
        raise Unauthorised(f"The header {SIGNATURE} holds no v1=<64 hexadecimal digits>.", "PagerDuty signs with v1.")
    # Each is compared, so that the time taken does not tell which one fits.
    fits = [hmac.compare_digest(expected, digest) for digest in digests]
    if not secret or not any(fits):
        raise Unauthorised(
            f"No signature in {SIGNATURE} belongs to this body.",
            f"Compare the secret of the webhook subscription with {SETTING}; PagerDuty shows it only as it is made.",
        )


def check(headers: Headers, body: bytes) -> None:
    """Malformed unless the body tells of an event."""
    if _event(body).word("event_type") is None:
        raise Malformed("There is no event.", "PagerDuty's webhooks of version 3 send {event: {event_type, …}}.")


def delivery_id(headers: Headers, body: bytes) -> str:
    """The event's id; without one, the body's."""
    found = _event(body).word("id")
    return found if found is not None and _EVENT_ID.fullmatch(found) else body_id(headers, body)


def translate(headers: Headers, body: bytes) -> list[Event]:
    """An incident as an alert, and what somebody did about it; nothing of pings, notes and services."""
    event = _event(body)
    kind, data = (event.word("event_type") or "").casefold(), event.fields("data")
    at = event.moment("occurred_at") or received_at(headers)
    if at is None:
        return []
    if kind == "incident.responder.replied":
        return _replied(data, at)
    incident, key, said = data.word("id"), data.word("incident_key"), SAID.get(kind)
    if incident is None or len(incident) > 64 or (said is None and kind not in FIRES):
        return []
    if said is None and (data.word("status") or "").casefold() == "resolved":
        return []
    found: list[Event] = []
    if not _is_ours(key) and said in (None, PagerSaid.REOPENED, PagerSaid.RESOLVED):
        found.append(_alert(data, incident, at, over=said is PagerSaid.RESOLVED, again=said is PagerSaid.REOPENED))
    if said in (PagerSaid.ESCALATED, PagerSaid.REASSIGNED):
        # It is of whom it went to; who or what moved it says nothing of who is called.
        people = [_person(one) for one in data.each("assignees")[:MOST_ASSIGNEES]] or [(None, None)]
        found += [
            PagerAnswered(incident=incident, key=key, said=said, user=user, name=name, at=at) for user, name in people
        ]
    elif said is not None:
        user, name = _person(event.fields("agent"))
        found.append(PagerAnswered(incident=incident, key=key, said=said, user=user, name=name, at=at))
    return found


def _replied(data: Fields, at: datetime) -> list[Event]:
    """A responder who was asked says whether they come."""
    incident, said = data.fields("incident").word("id"), REPLIES.get((data.word("state") or "").casefold())
    if incident is None or len(incident) > 64 or said is None:
        return []
    user, name = _person(data.fields("user"))
    return [PagerAnswered(incident=incident, key=None, said=said, user=user, name=name, at=at)]


def _alert(data: Fields, incident: str, at: datetime, *, over: bool, again: bool) -> AlertReported:
    service, priority = data.fields("service"), data.fields("priority")
    began = data.moment("reopened_at") or at if again else data.moment("reopened_at", "created_at") or at
    urgency = (data.word("urgency") or "").casefold()
    graveness = AlertLevel.WARNING if urgency == "low" else AlertLevel.ERROR
    labels = labels_of(
        {
            "pagerduty_service": service.word("id"),
            "pagerduty_service_name": service.word("summary"),
            "priority": priority.word("summary"),
            "urgency": data.word("urgency"),
        }
    )
    return AlertReported(
        source=NAME,
        fingerprint=incident,
        service=None,
        name=data.word("title") or data.word("summary") or f"PagerDuty incident {incident}",
        url=data.link("html_url"),
        started_at=None if over else min(began, at),
        resolved_at=at if over else None,
        at=at,
        level=None if over else level_of(priority.word("summary")) or graveness,
        labels=labels,
        pager_incident=incident,
    )


def _is_ours(key: str | None) -> bool:
    return key is not None and key.startswith(OURS)


def _person(agent: Fields) -> tuple[str | None, str | None]:
    """Who it was, and what they are called; what an integration or a rule did is nobody's doing."""
    found = agent.word("id")
    if found is None or len(found) > 64 or "user" not in (agent.word("type") or ""):
        return None, None
    return found, agent.word("summary")


def _event(body: bytes) -> Fields:
    return decode_object(body).fields("event")


SOURCE = Source(
    verify=verify,
    check=check,
    delivery_id=delivery_id,
    keep=keep_type,
    translate=translate,
    lane=urgent,
)
