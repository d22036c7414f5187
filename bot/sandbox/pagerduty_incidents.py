"""PagerDuty's REST views of incidents: opening one, changing it, notes, status updates, asking for help, its log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.pagerduty_answers import (
    Answer,
    Refused,
    View,
    body_of,
    conflicting,
    invalid,
    listed,
    not_found,
    referred,
    wrapped,
)
from bot.sandbox.pagerduty_records import Incident, Json, Policy, User

if TYPE_CHECKING:
    from bot.sandbox.pagerduty import PagerDuty

LONGEST_NOTE = 2000
LONGEST_TITLE = 1024
URGENCIES = ("high", "low")
STATUSES = ("acknowledged", "resolved")
"""What an incident may be made; it is triggered again by going to somebody else."""
MOST_AT_ONCE = 500
MONTH = timedelta(days=31)
RESPONDING = ("incidents_responders", "responder_requests")
"""What only accounts see that may ask for help."""


class IncidentViews:
    """Answers what is asked of incidents."""

    def __init__(self, pagerduty: PagerDuty) -> None:
        self._pagerduty = pagerduty
        self._account = pagerduty.account

    def views(self) -> list[tuple[str, str, View]]:
        """What it answers."""
        one = "/incidents/{id}"
        return [
            ("GET", "/incidents", self._list),
            ("POST", "/incidents", self._create),
            ("PUT", "/incidents", self._change_several),
            ("GET", one, self._one),
            ("PUT", one, self._change_one),
            ("GET", f"{one}/notes", self._notes),
            ("POST", f"{one}/notes", self._add_note),
            ("POST", f"{one}/responder_requests", self._ask_for_help),
            ("POST", f"{one}/status_updates", self._add_update),
            ("GET", f"{one}/log_entries", self._log),
            ("GET", f"{one}/related_change_events", self._changes),
        ]

    def _asked(self, request: web.Request) -> Incident:
        """The incident in the path, by its id or its number."""
        named = request.match_info["id"]
        found = self._account.incidents.get(named)
        if found is None:
            found = next((one for one in self._account.incidents.values() if str(one.number) == named), None)
        if found is None:
            raise not_found()
        return found

    def _from(self, request: web.Request) -> User:
        """Who says they are asking; a key of the account alone does not say."""
        email = request.headers.get("From", "")
        if not email:
            raise invalid("The From header is required and must be the e-mail address of a valid user")
        user = self._account.by_email(email)
        if user is None:
            raise Refused(400, 1008, "Requester User Not Found")
        return user

    def _shape(self, incident: Incident, *, body: bool = False) -> Json:
        """An incident; its responders where the account may ask for any, its body only where that was asked for."""
        shape = self._pagerduty.shapes.incident(incident)
        hidden = [] if "coordinated_responding" in self._account.abilities else RESPONDING
        return {name: value for name, value in shape.items() if name not in hidden and (body or name != "body")}

    # Reading

    async def _list(self, request: web.Request) -> Answer:
        query = request.query
        statuses, services = query.getall("statuses[]", []), query.getall("service_ids[]", [])
        people, urgencies = query.getall("user_ids[]", []), query.getall("urgencies[]", [])
        key = query.get("incident_key")
        since, until = (None, None) if query.get("date_range") == "all" else self._span(request)
        found = [
            incident
            for incident in self._account.incidents.values()
            if (not statuses or incident.status in statuses)
            and (not services or incident.service.id in services)
            and (not people or any(user.id in people for user in incident.assignees))
            and (not urgencies or incident.urgency in urgencies)
            and key in (None, incident.key)
            and (since is None or incident.created_at >= since)
            and (until is None or incident.created_at <= until)
        ]
        if query.get("sort_by", "").endswith(":desc"):
            found.reverse()
        body = "body" in query.getall("include[]", [])
        return listed(request, "incidents", [self._shape(incident, body=body) for incident in found])

    def _span(self, request: web.Request) -> tuple[datetime, datetime]:
        """The last month where nothing else is asked for, and never more than six."""
        until = _instant(request.query.get("until")) or self._pagerduty.clock.now()
        since = _instant(request.query.get("since")) or until - MONTH
        if until - since > 6 * MONTH:
            raise invalid("Date range cannot exceed 6 months")
        return since, until

    async def _one(self, request: web.Request) -> Answer:
        body = "body" in request.query.getall("include[]", [])
        return 200, {"incident": self._shape(self._asked(request), body=body)}

    async def _log(self, request: web.Request) -> Answer:
        incident = self._asked(request)
        entries = [self._pagerduty.shapes.entry(incident, entry) for entry in reversed(incident.log)]
        return listed(request, "log_entries", entries)

    async def _changes(self, request: web.Request) -> Answer:
        return listed(request, "change_events", list(reversed(self._asked(request).service.changes)))

    # Opening

    async def _create(self, request: web.Request) -> Answer:
        by, sent = self._from(request), await wrapped(request, "incident")
        title = sent.get("title")
        if sent.get("type") != "incident":
            raise invalid("Type must be incident")
        if not isinstance(title, str) or not title:
            raise invalid("Title cannot be empty")
        if "service" not in sent:
            raise invalid("Service cannot be empty")
        service = referred(sent["service"], self._account.services, "Service", "service")
        if sent.get("assignments") and sent.get("escalation_policy"):
            raise invalid("Only one of assignments and escalation_policy may be given")
        key = sent.get("incident_key")
        if key is not None and not isinstance(key, str):
            raise invalid("Incident key must be a string")
        if key and self._account.open_with(service, key):
            raise conflicting("Open incident with matching dedup key already exists on this service")
        body = sent.get("body") or {}
        incident = self._pagerduty.open(
            service,
            title[:LONGEST_TITLE],
            by=by,
            key=key,
            urgency=_urgency(sent),
            assignees=self._assignees(sent),
            policy=self._policy(sent),
            details=body.get("details") if isinstance(body, dict) else None,
        )
        return 201, {"incident": self._shape(incident)}

    def _assignees(self, sent: Json) -> list[User]:
        assignments = sent.get("assignments") or ()
        if not isinstance(assignments, list | tuple):
            raise invalid("Assignments must be an array")
        found = []
        for assignment in assignments:
            piece = assignment.get("assignee") if isinstance(assignment, dict) else None
            found.append(referred(piece, self._account.users, "Assignee", "user"))
        if len(found) > 1:
            raise invalid("Only one assignee is allowed")
        return found

    def _policy(self, sent: Json) -> Policy | None:
        if not sent.get("escalation_policy"):
            return None
        return referred(sent["escalation_policy"], self._account.policies, "Escalation policy", "escalation_policy")

    # Changing

    async def _change_one(self, request: web.Request) -> Answer:
        by, incident, sent = self._from(request), self._asked(request), await wrapped(request, "incident")
        self._change(incident, sent, by)
        return 200, {"incident": self._shape(incident)}

    async def _change_several(self, request: web.Request) -> Answer:
        by, sent = self._from(request), (await body_of(request)).get("incidents")
        if not isinstance(sent, list) or not sent:
            raise invalid("Incidents cannot be empty")
        if len(sent) > MOST_AT_ONCE:
            raise Refused(413, 2001, "Request Entity Too Large")
        changed = [(referred(piece, self._account.incidents, "Incident", "incident"), piece) for piece in sent]
        for incident, piece in changed:
            self._change(incident, piece, by)
        return 200, {"incidents": [self._shape(incident) for incident, _ in changed]}

    def _change(self, incident: Incident, sent: Json, by: User) -> None:
        if sent.get("type") not in ("incident", "incident_reference"):
            raise invalid("Type must be incident or incident_reference")
        if not incident.open:
            raise invalid("Incident Already Resolved")
        assignees, policy, urgency = self._assignees(sent), self._policy(sent), _urgency(sent)
        if assignees and policy:
            raise invalid("Only one of assignments and escalation_policy may be given")
        status, level = sent.get("status"), sent.get("escalation_level")
        if status not in (None, *STATUSES):
            raise invalid("Status is invalid")
        levels = len((policy or incident.policy).levels)
        if level is not None and (type(level) is not int or not 1 <= level <= levels):
            raise invalid("Escalation level is invalid")
        if isinstance(sent.get("title"), str):
            incident.title = sent["title"]
        incident.urgency = urgency or incident.urgency
        if policy is not None:
            self._pagerduty.follow(incident, policy, by, level or 1)
        elif assignees:
            self._pagerduty.reassign(incident, assignees, by)
        elif level is not None:
            self._pagerduty.escalate(incident, level, by)
        if status == "acknowledged":
            self._pagerduty.acknowledge(incident, by)
        elif status == "resolved":
            self._pagerduty.resolve(incident, by, sent.get("resolution"))

    # What is said about them

    async def _notes(self, request: web.Request) -> Answer:
        return 200, {"notes": list(reversed(self._asked(request).notes))}

    async def _add_note(self, request: web.Request) -> Answer:
        by, incident, sent = self._from(request), self._asked(request), await wrapped(request, "note")
        content = sent.get("content")
        if not isinstance(content, str) or not content:
            raise invalid("Content cannot be empty")
        if len(content) > LONGEST_NOTE:
            raise invalid(f"Content is too long (maximum is {LONGEST_NOTE} characters)")
        return 200, {"note": self._pagerduty.add_note(incident, by, content)}

    async def _add_update(self, request: web.Request) -> Answer:
        by, incident, sent = self._from(request), self._asked(request), await body_of(request)
        message = sent.get("message")
        if not isinstance(message, str) or not message:
            raise invalid("Message cannot be empty")
        return 200, {"status_update": self._pagerduty.add_update(incident, by, message)}

    async def _ask_for_help(self, request: web.Request) -> Answer:
        if "coordinated_responding" not in self._account.abilities:
            raise Refused(402, 2012, "Account does not have the ability to perform the action")
        self._from(request)
        incident, sent = self._asked(request), await body_of(request)
        requester = self._account.users.get(str(sent.get("requester_id")))
        if requester is None:
            raise invalid("Requester is invalid")
        message, targets = sent.get("message"), sent.get("responder_request_targets")
        if not isinstance(message, str) or not isinstance(targets, list) or not targets:
            raise invalid("Message and responder request targets are required")
        meant = [self._target(target) for target in targets]
        self._pagerduty.ask_for_help(incident, requester, [user for _, people in meant for user in people], message)
        return 200, {
            "responder_request": {
                "incident": self._pagerduty.shapes.incident_reference(incident),
                "requester": self._pagerduty.shapes.user_reference(requester),
                "requested_at": incident.responders[-1].at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "message": message,
                "responder_request_targets": [self._asked_of(incident, *one) for one in meant],
            }
        }

    def _target(self, sent: object) -> tuple[User | Policy, tuple[User, ...]]:
        """Who was meant, and whom that comes to."""
        piece = sent.get("responder_request_target") if isinstance(sent, dict) else None
        kind = str(piece.get("type")) if isinstance(piece, dict) else ""
        if kind.startswith("escalation_policy"):
            policy = referred(piece, self._account.policies, "Escalation policy", "escalation_policy")
            return policy, policy.levels[0].on_call
        user = referred(piece, self._account.users, "Responder", "user")
        return user, (user,)

    def _asked_of(self, incident: Incident, target: User | Policy, people: tuple[User, ...]) -> Json:
        shapes, kind = self._pagerduty.shapes, "user" if isinstance(target, User) else "escalation_policy"
        asked = [shapes.responder(incident, one) for one in incident.responders if one.user in people]
        return {
            "responder_request_target": {
                "type": kind,
                "id": target.id,
                "summary": target.name,
                "incidents_responders": asked,
            }
        }


def _urgency(sent: Json) -> str | None:
    urgency = sent.get("urgency")
    if urgency not in (None, *URGENCIES):
        raise invalid("Urgency is invalid")
    return urgency if isinstance(urgency, str) else None


def _instant(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise invalid("Since and until must be in ISO 8601") from None
    if found.tzinfo is None:
        raise invalid("Since and until need their offset here")
    return found
