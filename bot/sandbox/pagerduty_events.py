"""PagerDuty's Events API (version 2): alerts that open incidents by a policy, and change events that open none."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.bodies import parsed
from bot.sandbox.exhausted import refused_until
from bot.sandbox.pagerduty_answers import Refused
from bot.sandbox.pagerduty_api import API, answered, suffer
from bot.sandbox.pagerduty_records import Json, Service
from bot.sandbox.pagerduty_shapes import stamp

if TYPE_CHECKING:
    from bot.sandbox.pagerduty import PagerDuty

EVENTS = f"{API}/events"
"""Where the stand-in for events.pagerduty.com is."""
LARGEST = 512 * 1024
LONGEST_SUMMARY = 1024
LONGEST_KEY = 255
KEY_LENGTH = 32
PER_MINUTE = 120
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
_INVALID = "Event object is invalid"

Taken = Callable[[Json, Service], Json]


class EventsApi:
    """Takes events for one account."""

    def __init__(self, pagerduty: PagerDuty) -> None:
        self._pagerduty = pagerduty
        self._taken: dict[str, deque[float]] = {}

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.post(f"{EVENTS}/v2/enqueue", self._door("enqueue", self._alert)),
            web.post(f"{EVENTS}/v2/change/enqueue", self._door("change/enqueue", self._change)),
        ]

    def _door(self, name: str, take: Taken) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            began = time.perf_counter()
            status, answer = await self._answer(request, take)
            return await answered(self._pagerduty, request, began, status, answer, {}, name=f"events {name}")

        return handle

    async def _answer(self, request: web.Request, take: Taken) -> tuple[int, Json]:
        try:
            await suffer(self._pagerduty)
        except Refused as refused:
            return refused.status, {"status": "error", "message": str(refused)}
        raw = await request.read()
        if len(raw) > LARGEST:
            return 413, {"status": "invalid event", "message": _INVALID, "errors": ["The event is larger than 512 KB"]}
        try:
            sent = parsed(raw)
        except ValueError:
            sent = None
        if not isinstance(sent, dict):
            told = "Event object format is unrecognized"
            return 400, {"status": "Unrecognized object", "message": told, "errors": ["JSON parse error"]}
        service, errors = self._service(sent)
        errors += _faults(sent) if take == self._alert else _change_faults(sent)
        if errors or service is None:
            return 400, {"status": "invalid event", "message": _INVALID, "errors": errors}
        if self._too_many(service.routing_key):
            return 429, {"status": "throttle exceeded", "message": "Too many events; please retry after some time."}
        return 202, take(sent, service)

    def _service(self, sent: Json) -> tuple[Service | None, list[str]]:
        key = sent.get("routing_key")
        if not isinstance(key, str) or not key:
            return None, ["'routing_key' is missing or blank"]
        if len(key) != KEY_LENGTH:
            return None, [f"Length of 'routing_key' is incorrect (should be {KEY_LENGTH} characters)"]
        found = self._pagerduty.account.service_of(key)
        return found, [] if found else ["Invalid routing key"]

    def _too_many(self, key: str) -> bool:
        now, taken = time.time(), self._taken.setdefault(key, deque())
        while taken and taken[0] <= now - 60:
            taken.popleft()
        limited = refused_until(self._pagerduty.faults.rate_limited) is not None
        if limited or (self._pagerduty.rate_limits and len(taken) >= PER_MINUTE):
            return True
        taken.append(now)
        return False

    # What they do

    def _alert(self, sent: Json, service: Service) -> Json:
        key = sent.get("dedup_key") or secrets.token_hex(16)
        found = self._pagerduty.account.open_with(service, key)
        action = sent["event_action"]
        if action == "trigger" and found is None:
            self._pagerduty.open(service, sent["payload"]["summary"], by=None, key=key)
        elif action == "acknowledge" and found is not None:
            self._pagerduty.acknowledge(found, None)
        elif action == "resolve" and found is not None:
            self._pagerduty.resolve(found, None)
        return {"status": "success", "message": "Event processed", "dedup_key": key}

    def _change(self, sent: Json, service: Service) -> Json:
        payload, identity = sent["payload"], self._pagerduty.account.fresh("C")
        service.changes.append(
            {
                "id": identity,
                "type": "change_event",
                "summary": payload["summary"],
                "timestamp": payload.get("timestamp") or stamp(self._pagerduty.clock.now()),
                "source": payload.get("source"),
                "custom_details": payload.get("custom_details") or {},
                "links": sent.get("links") or [],
                "services": [self._pagerduty.shapes.service_reference(service)],
                "correlation_reason": {"reason": "most_recent"},
            }
        )
        return {"status": "success", "message": "Change event processed"}


def _faults(sent: Json) -> list[str]:
    action, key = sent.get("event_action"), sent.get("dedup_key")
    if action not in ACTIONS:
        return [f"'event_action' is missing or not one of {', '.join(ACTIONS)}"]
    errors = []
    if key is not None and (not isinstance(key, str) or len(key) > LONGEST_KEY):
        errors.append(f"'dedup_key' is longer than {LONGEST_KEY} characters")
    if action != "trigger":
        return errors if key else [*errors, "'dedup_key' is missing or blank"]
    payload = sent.get("payload")
    if not isinstance(payload, dict):
        return [*errors, "'payload' is missing or blank"]
    errors += [f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not payload.get(name)]
    if payload.get("severity") not in SEVERITIES:
        errors.append(
            "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error', 'info')"
        )
    if len(str(payload.get("summary", ""))) > LONGEST_SUMMARY:
        errors.append(f"'payload.summary' is longer than {LONGEST_SUMMARY} characters")
    return errors


def _change_faults(sent: Json) -> list[str]:
    payload = sent.get("payload")
    if not isinstance(payload, dict) or not payload.get("summary"):
        return ["'payload.summary' is missing or blank"]
    return []
