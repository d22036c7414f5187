"""Waking people through PagerDuty, and what is written on its incidents; change events through its Events API.

Each call is made once. Those that people would notice twice look first, so that a second try after a doubtful one does
nothing new: an open incident with the same key is taken as it is, responders are asked once, a note stands once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import quote

from bot.adapters.pagerduty_session import PagerDutySession, unreadable
from bot.adapters.reading import items, link, piece, text
from bot.errors import GiveUp, RetryLater
from bot.ports import Call, ChangeEvent, Paged, PagerState, Reached

LONGEST_TITLE = 1_024
LONGEST_NOTE = 2_000
LONGEST_SUMMARY = 1_024
"""PagerDuty's limits (its API reference)."""

THREADS = 8
"""Calls at once: as many as effects may be under way, so that a page waits for no note that hangs."""

_MOST_USERS = 100
_MOST_KEY = 255

_IS_OPEN = "matching dedup key already exists"
"""What PagerDuty's 400 says where an incident with the key is open on the service."""

_NO_FROM = (
    "Set PAGERDUTY_FROM to the address of a PagerDuty user made for Shipmate: PagerDuty wants to know who opens an "
    "incident."
)


class PagerDutyPaging:
    """What the Pager port does besides saying who is on call."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        from_email: str | None,
        routing_key: str | None,
        events_url: str,
        timeout: float,
    ) -> None:
        self._paging = PagerDutySession(api_key, base_url, timeout=timeout, threads=THREADS)
        self._from = from_email.strip() if from_email else None
        self._routing_key = routing_key
        self._events_url = events_url.rstrip("/")
        self._ourselves: str | None = None

    async def close(self) -> None:
        """Let running calls end and close the connections."""
        await self._paging.close()

    async def user_by_email(self, email: str) -> str | None:
        """The id of the user with exactly this address (in any case), or None: PagerDuty's search is by substring."""
        wanted = email.strip()
        if "@" not in wanted:
            return None
        answer = await self._paging.get("/users", f"the address {wanted}", query=wanted, limit=_MOST_USERS)
        if not isinstance(answer.get("users"), list):
            raise unreadable(f"the address {wanted}")
        same = (one for one in items(answer["users"]) if text(one, "email").casefold() == wanted.casefold())
        return next((text(one, "id") for one in same), None) or None

    async def page(self, call: Call) -> Paged:
        """Wake somebody; an open incident of the service with that key is returned as it is.

        GiveUp(``own_page``) where who opens incidents is who would be woken: PagerDuty would take it as acknowledged
        at once and tell nobody (its API reference, create an incident).
        """
        sender = self._sender()
        if call.user is not None and await self._own_id() == call.user:
            raise GiveUp(
                "own_page",
                f"PAGERDUTY_FROM ({sender}) is the person to be woken, whom PagerDuty then does not tell: make a "
                "PagerDuty user for Shipmate, and set PAGERDUTY_FROM to its address.",
            )
        about = f"a page on the service {call.service}"
        incident: dict[str, Any] = {
            "type": "incident",
            "title": _cut(call.title, LONGEST_TITLE),
            "service": {"id": call.service, "type": "service_reference"},
            "urgency": "high",
            "incident_key": call.key[:_MOST_KEY],
            "body": {"type": "incident_body", "details": _details(call)},
        }
        if call.user is not None:
            incident["assignments"] = [{"assignee": {"id": call.user, "type": "user_reference"}}]
        elif call.policy is not None:
            incident["escalation_policy"] = {"id": call.policy, "type": "escalation_policy_reference"}
        try:
            answer = await self._paging.write("POST", "/incidents", about, {"incident": incident}, sender=sender)
        except GiveUp as fault:
            if fault.code != "http_400":
                raise
            found = await self._open_with(call)
            if found is not None:
                return found
            if _IS_OPEN in fault.mend:  # its lists lag behind, or it was ended this instant
                raise RetryLater(f"PagerDuty has {about} open and does not list it yet") from None
            raise
        return _paged(piece(answer, "incident"), about)

    async def _open_with(self, call: Call) -> Paged | None:
        """The open incident of a service with this key."""
        about = f"a page on the service {call.service}"
        answer = await self._paging.get(
            "/incidents",
            about,
            incident_key=call.key[:_MOST_KEY],
            date_range="all",  # else those of the last month
            **{"statuses[]": ["triggered", "acknowledged"], "service_ids[]": [call.service]},
        )
        found = [one for one in items(answer.get("incidents")) if text(one, "incident_key") == call.key[:_MOST_KEY]]
        return _paged(found[0], about) if found else None

    async def ask_responders(self, incident: str, users: Sequence[str], message: str) -> bool:
        """Ask further people to an incident, each once; False where the account cannot (402, by its plan)."""
        found = await self._incident(incident)
        asked = {text(piece(one, "user"), "id") for one in items(found.get("incidents_responders"))}
        asked |= {text(piece(one, "assignee"), "id") for one in items(found.get("assignments"))}
        left = [one for one in dict.fromkeys(users) if one not in asked]
        if not left:
            return True
        body = {
            "requester_id": await self._own_id(),
            "message": _cut(message, LONGEST_NOTE),
            "responder_request_targets": [
                {"responder_request_target": {"id": one, "type": "user_reference"}} for one in left
            ],
        }
        path = f"{_at(incident)}/responder_requests"
        try:
            await self._paging.write("POST", path, _about(incident), body, sender=self._sender())
        except GiveUp as fault:
            if fault.code == "http_402":
                return False
            raise
        return True

    async def escalate(self, incident: str, policy: str | None, but: Sequence[str]) -> Sequence[Reached]:
        """Bring an incident to the first level of a policy (None: its own) where anybody is other than ``but``.

        Returns whom it goes to now, nobody where there is no such level. One that is over stays so; one that goes by
        the policy and has reached somebody else by itself is not touched (``escalation_level`` of PUT /incidents/{id},
        and who is on call at each level by GET /oncalls: PagerDuty's API reference).
        """
        found = await self._incident(incident)
        own = text(piece(found, "escalation_policy"), "id")
        policy = policy or own
        by_policy = text(found, "assigned_via") == "escalation_policy" and own == policy
        reached = _reached(found)
        if text(found, "status") == "resolved":
            return ()
        if by_policy and any(one.user not in but for one in reached):
            return reached
        level, people = await self._next_level(policy, but)
        if not people:
            return ()
        change: dict[str, Any] = {"escalation_level": level}
        if own != policy or not by_policy:
            change["escalation_policy"] = {"id": policy, "type": "escalation_policy_reference"}
        await self._change(incident, change)
        return people

    async def _next_level(self, policy: str, but: Sequence[str]) -> tuple[int, Sequence[Reached]]:
        """The first level of a policy at which anybody is on call besides these, and who is."""
        answer = await self._paging.get(
            "/oncalls", f"the policy {policy}", limit=_MOST_USERS, **{"escalation_policy_ids[]": [policy]}
        )
        levels: dict[int, dict[str, Reached]] = {}
        for one in items(answer.get("oncalls")):
            level, user = one.get("escalation_level"), piece(one, "user")
            if isinstance(level, int) and text(user, "id"):
                person = Reached(text(user, "id"), text(user, "summary") or text(user, "name") or None)
                levels.setdefault(level, {})[person.user] = person
        for level in sorted(levels):
            if any(one not in but for one in levels[level]):
                return level, tuple(levels[level].values())
        return 0, ()

    async def state(self, incident: str) -> PagerState:
        """How an incident stands now: acknowledged by whom, or over."""
        found = await self._incident(incident)
        status = text(found, "status")
        if status not in ("triggered", "acknowledged", "resolved"):
            raise unreadable(_about(incident))
        people = (text(piece(one, "acknowledger"), "id") for one in items(found.get("acknowledgements")))
        return PagerState(
            acknowledged_by=tuple(dict.fromkeys(one for one in people if one)), resolved=status == "resolved"
        )

    async def acknowledge(self, incident: str) -> None:
        """Say that somebody is on an incident; one that is acknowledged or over stays so."""
        if text(await self._incident(incident), "status") == "triggered":
            await self._move(incident, "acknowledged")

    async def note(self, incident: str, text: str) -> None:
        """Write on an incident, in at most 2,000 characters; not again what stands there already."""
        content = text.strip()
        content = content if len(content) <= LONGEST_NOTE else f"{content[: LONGEST_NOTE - 1].rstrip()}…"
        path = f"{_at(incident)}/notes"
        listed = items((await self._paging.get(path, _about(incident))).get("notes"))
        if not content or any(one.get("content") == content for one in listed):
            return
        body = {"note": {"content": content}}
        await self._paging.write("POST", path, _about(incident), body, sender=self._sender())

    async def resolve(self, incident: str) -> None:
        """End an incident; one that is over stays so."""
        await self._move(incident, "resolved")

    async def record_change(self, change: ChangeEvent) -> None:
        """Have PagerDuty show a deploy beside incidents: a change event of Events v2, which 202 answers."""
        if self._routing_key is None:
            raise GiveUp("no_routing_key", "Set PAGERDUTY_ROUTING_KEY to an Events v2 integration key of a service.")
        body = {
            "routing_key": self._routing_key,
            "payload": {
                "summary": _cut(change.summary, LONGEST_SUMMARY),
                "source": change.source,
                "timestamp": change.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "custom_details": dict(change.details),
            },
            "links": [{"href": address, "text": words} for address, words in change.links.items()],
        }
        await self._paging.write_elsewhere(f"{self._events_url}/v2/change/enqueue", "a change event", body)

    async def _incident(self, incident: str) -> Mapping[str, Any]:
        found = piece(await self._paging.get(_at(incident), _about(incident)), "incident")
        if text(found, "id") != incident:
            raise unreadable(_about(incident))
        return found

    async def _move(self, incident: str, status: str) -> None:
        """Bring an incident to this status; nothing where it is over, which PagerDuty refuses to change."""
        try:
            await self._change(incident, {"status": status})
        except GiveUp as fault:
            if fault.code != "http_400" or not (await self.state(incident)).resolved:
                raise

    async def _change(self, incident: str, change: Mapping[str, Any]) -> None:
        body = {"incident": {"type": "incident_reference", **change}}
        await self._paging.write("PUT", _at(incident), _about(incident), body, sender=self._sender())

    def _sender(self) -> str:
        if self._from is None or not self._from.isascii() or not self._from.isprintable():
            raise GiveUp("no_from", _NO_FROM)
        return self._from

    async def _own_id(self) -> str:
        """The id of the user in whose name we ask."""
        if self._ourselves is None:
            sender = self._sender()
            self._ourselves = await self.user_by_email(sender)
            if self._ourselves is None:
                raise GiveUp("no_from", f"PagerDuty knows nobody with the address {sender}. {_NO_FROM}")
        return self._ourselves


def _paged(incident: Mapping[str, Any], about: str) -> Paged:
    identity = text(incident, "id")
    if not identity:
        raise unreadable(about)  # twice is harmless: the next try finds it
    return Paged(identity, link(incident, "html_url"), _reached(incident))


def _reached(incident: Mapping[str, Any]) -> tuple[Reached, ...]:
    """Whom an incident is assigned to."""
    people = (piece(one, "assignee") for one in items(incident.get("assignments")))
    return tuple(Reached(text(one, "id"), text(one, "summary") or None) for one in people if text(one, "id"))


def _details(call: Call) -> str:
    return f"{call.details}\n\n{call.url}" if call.url else call.details


def _cut(said: str, most: int) -> str:
    line = " ".join(said.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _at(incident: str) -> str:
    return f"/incidents/{quote(incident, safe='')}"


def _about(incident: str) -> str:
    return f"the incident {incident}"
