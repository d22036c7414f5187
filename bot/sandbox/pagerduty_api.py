"""PagerDuty's REST API (version 2), for what a bot needs: people, on-calls, services, policies, incidents.

The key is the account's, so there is no "me": whoever changes something names themselves in ``From``. Limits: one
account, no teams, no filters but those named here; policies name people, and a schedule says only whose shift it is.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.bodies import text_of
from bot.sandbox.exhausted import refused_until
from bot.sandbox.pagerduty_answers import Answer, Refused, View, listed, not_found
from bot.sandbox.pagerduty_incidents import IncidentViews

if TYPE_CHECKING:
    from bot.sandbox.pagerduty import PagerDuty

API = "/pagerduty"
PER_MINUTE = 960


class RestApi:
    """Answers REST calls for one account."""

    def __init__(self, pagerduty: PagerDuty) -> None:
        self._pagerduty = pagerduty
        self._asked: deque[float] = deque()

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        views: list[tuple[str, str, View]] = [
            ("GET", "/abilities", self._abilities),
            ("GET", "/abilities/{name}", self._ability),
            ("GET", "/users", self._users),
            ("GET", "/users/me", self._me),
            ("GET", "/users/{id}", self._user),
            ("GET", "/oncalls", self._on_calls),
            ("GET", "/schedules/{id}/users", self._on_schedule),
            ("GET", "/services", self._services),
            ("GET", "/services/{id}", self._service),
            ("GET", "/escalation_policies", self._policies),
            ("GET", "/escalation_policies/{id}", self._policy),
            *IncidentViews(self._pagerduty).views(),
        ]
        known = [web.route(verb, API + path, self._door(view)) for verb, path, view in views]
        return [*known, web.route("*", API + "/{rest:.*}", self._door(_unknown))]

    # The door

    def _door(self, view: View) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            began = time.perf_counter()
            headers: dict[str, str] = {}
            try:
                await suffer(self._pagerduty)
                self._authorise(request)
                headers = self._limited()
                status, answer = await view(request)
            except Refused as refused:
                status, answer, headers = refused.status, refused.body, headers | refused.headers
            return await answered(
                self._pagerduty, request, began, status, answer, headers, name=request.path.removeprefix(API)
            )

        return handle

    def _authorise(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Token token={self._pagerduty.api_key}":
            raise Refused(401, 2006, "Unauthorized")

    def _limited(self) -> dict[str, str]:
        now = time.time()
        while self._asked and self._asked[0] <= now - 60:
            self._asked.popleft()
        self._asked.append(now)
        headers = {
            "ratelimit-limit": str(PER_MINUTE),
            "ratelimit-remaining": str(max(0, PER_MINUTE - len(self._asked))),
            "ratelimit-reset": str(max(1, int(self._asked[0] + 60 - now))),
        }
        until = refused_until(self._pagerduty.faults.rate_limited)
        if until is not None:
            headers |= {"ratelimit-remaining": "0", "ratelimit-reset": str(int(until - now) + 1)}
        if until is not None or (self._pagerduty.rate_limits and len(self._asked) > PER_MINUTE):
            raise Refused(429, 2020, "Rate Limit Exceeded", headers=headers)
        return headers

    # The account

    async def _abilities(self, request: web.Request) -> Answer:
        return 200, {"abilities": sorted(self._pagerduty.account.abilities)}

    async def _ability(self, request: web.Request) -> Answer:
        if request.match_info["name"] not in self._pagerduty.account.abilities:
            raise Refused(402, 2012, "Account does not have the ability to perform the action")
        return 204, None

    async def _users(self, request: web.Request) -> Answer:
        """A substring of the name or the address, as PagerDuty searches."""
        asked = request.query.get("query", "").lower()
        users = self._pagerduty.account.users.values()
        found = [user for user in users if asked in user.name.lower() or asked in user.email.lower()]
        return listed(request, "users", [self._pagerduty.shapes.user(user) for user in found])

    async def _me(self, request: web.Request) -> Answer:
        raise Refused(400, 2001, "Invalid Input Provided", ["Account level API keys have no current user"])

    async def _user(self, request: web.Request) -> Answer:
        user = self._pagerduty.account.users.get(request.match_info["id"])
        if user is None:
            raise not_found()
        return 200, {"user": self._pagerduty.shapes.user(user)}

    async def _on_calls(self, request: web.Request) -> Answer:
        """Policies name people here, so that nobody is on call by a schedule."""
        policies, users = request.query.getall("escalation_policy_ids[]", []), request.query.getall("user_ids[]", [])
        found = [
            one
            for policy in self._pagerduty.account.policies.values()
            if not policies or policy.id in policies
            for number, level in enumerate(policy.levels, 1)
            for one in self._pagerduty.shapes.on_call(policy, number, level)
            if (not users or one["user"]["id"] in users) and "schedule_ids[]" not in request.query
        ]
        if request.query.get("earliest") in ("1", "true", "True"):
            found = list({one["user"]["id"]: one for one in reversed(found)}.values())[::-1]
        if "users" in request.query.getall("include[]", []):
            everyone = self._pagerduty.account.users
            found = [one | {"user": self._pagerduty.shapes.user(everyone[one["user"]["id"]])} for one in found]
        return listed(request, "oncalls", found)

    async def _on_schedule(self, request: web.Request) -> Answer:
        """Everybody with a shift within the time asked about: here shifts go on until they are turned by hand."""
        schedule = self._pagerduty.account.schedules.get(request.match_info["id"])
        if schedule is None:
            raise not_found()
        return 200, {"users": [self._pagerduty.shapes.user(user) for user in schedule.on_shift]}

    async def _services(self, request: web.Request) -> Answer:
        asked = request.query.get("query", "").lower()
        services = [one for one in self._pagerduty.account.services.values() if asked in one.name.lower()]
        return listed(request, "services", [self._pagerduty.shapes.service(one) for one in services])

    async def _service(self, request: web.Request) -> Answer:
        service = self._pagerduty.account.services.get(request.match_info["id"])
        if service is None:
            raise not_found()
        return 200, {"service": self._pagerduty.shapes.service(service)}

    async def _policies(self, request: web.Request) -> Answer:
        asked = request.query.get("query", "").lower()
        policies = [one for one in self._pagerduty.account.policies.values() if asked in one.name.lower()]
        return listed(request, "escalation_policies", [self._pagerduty.shapes.policy(one) for one in policies])

    async def _policy(self, request: web.Request) -> Answer:
        policy = self._pagerduty.account.policies.get(request.match_info["id"])
        if policy is None:
            raise not_found()
        return 200, {"escalation_policy": self._pagerduty.shapes.policy(policy)}


async def _unknown(request: web.Request) -> Answer:
    raise not_found()


async def suffer(pagerduty: PagerDuty) -> None:
    """Be slow or down, if that is what is wrong."""
    if pagerduty.faults.slow:
        await asyncio.sleep(pagerduty.faults.slow)
    if pagerduty.faults.down:
        raise Refused(503, 2000, "Service Unavailable")


async def answered(
    pagerduty: PagerDuty,
    request: web.Request,
    began: float,
    status: int,
    answer: object,
    headers: dict[str, str],
    *,
    name: str,
) -> web.StreamResponse:
    """Remember the exchange and answer; or hang up, where what was asked for is done and the line is to be cut."""
    text = "" if answer is None else json.dumps(answer)
    cut = pagerduty.faults.cut and not pagerduty.faults.down
    pagerduty.log.add(
        incoming=True,
        verb=request.method,
        path=request.path_qs,
        method=f"{request.method} {name}",
        args=dict(request.query),
        status=0 if cut else status,
        answer=answer,
        began=began,
        request_headers=request.headers,
        request_body=await text_of(request),
        answer_body="" if cut else text,
    )
    if cut and request.transport is not None:
        request.transport.abort()
    return web.Response(text=text, status=status, headers=headers, content_type="application/json", charset="utf-8")
