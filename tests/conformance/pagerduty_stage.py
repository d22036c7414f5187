"""The stage for the rules of PagerDuty's stand-in: a prepared world, a bot that listens, and pdpyras that asks."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.sandbox.pagerduty_records import Incident
from bot.sandbox.server import Sandbox

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns at import that it is no longer developed
    import pdpyras

Json = dict[str, Any]
CREATE = "PagerDuty docs: Create an Incident"
CHECKOUT = {"id": "PSCHECKOUT", "type": "service_reference"}
POLICY = {"id": "PEPAYMENTS", "type": "escalation_policy_reference"}


class Receiver:
    """What a bot receives; it answers with the statuses it is told to, then 202."""

    def __init__(self) -> None:
        self.events: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.statuses: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        self.events.append(json.loads(self.bodies[-1])["event"])
        return web.Response(status=self.statuses.pop(0) if self.statuses else 202)

    @property
    def kinds(self) -> list[str]:
        return [event["event_type"] for event in self.events]


class Stage:
    """A world, a bot that listens, and pdpyras asking in the bot's name."""

    def __init__(self, sandbox: Sandbox, receiver: Receiver) -> None:
        self.sandbox = sandbox
        self.pagerduty = sandbox.pagerduty
        self.receiver = receiver
        self.settings = sandbox.environment()

    def rest(self, *, sender: str | None = None, key: str | None = None) -> pdpyras.APISession:
        """PagerDuty's own client, without its retries."""
        session = pdpyras.APISession(key or self.settings["PAGERDUTY_API_KEY"])
        session.default_from = self.settings["PAGERDUTY_FROM"] if sender is None else sender or None
        session.url = self.settings["PAGERDUTY_API_URL"]
        return impatient(session)

    async def ask(self, verb: str, path: str, sent: Json | None = None, **who: str) -> tuple[int, Any, Any]:
        """Status, body and headers of an answer."""

        def call() -> tuple[int, Any, Any]:
            with self.rest(**who) as session:
                try:
                    answer = session.request(verb, path, **({} if sent is None else {"json": sent}))
                except pdpyras.PDHTTPError as refused:
                    answer = refused.response
                return answer.status_code, answer.json() if answer.content else None, answer.headers

        return await asyncio.to_thread(call)

    async def create(self, **fields: Any) -> tuple[int, Any, Any]:
        """Open an incident of checkout."""
        incident = {"type": "incident", "title": "checkout 5xx", "service": CHECKOUT, **fields}
        return await self.ask("POST", "/incidents", {"incident": incident})

    async def page(self, who: str, **fields: Any) -> Incident:
        """Page one person by name; the incident."""
        status, body, _ = await self.create(assignments=[assigned(who)], **fields)
        assert status == 201, body
        return self.pagerduty.account.incidents[body["incident"]["id"]]

    async def send(self, **event: Any) -> tuple[int, Any]:
        """Send an event as pdpyras does, without retries."""
        sent = {"routing_key": self.settings["PAGERDUTY_ROUTING_KEY"], "event_action": "trigger", **event}
        return await self.send_raw(json.dumps(sent))

    async def send_raw(self, text: str, path: str = "/v2/enqueue") -> tuple[int, Any]:
        """Send these bytes to the Events API."""

        def call() -> tuple[int, Any]:
            with pdpyras.EventsAPISession(self.settings["PAGERDUTY_ROUTING_KEY"]) as session:
                session.url = self.settings["PAGERDUTY_EVENTS_URL"]
                answer = impatient(session).request(
                    "POST", path, data=text, headers={"Content-Type": "application/json"}
                )
                return answer.status_code, answer.json()

        return await asyncio.to_thread(call)


def impatient(session: Any) -> Any:
    """The client without its retries: it would ask for ever on 429, and send a POST again on a lost connection."""
    session.max_network_attempts = 0
    session.max_http_attempts = -1
    session.retry = {429: 1}
    return session


def assigned(who: str) -> Json:
    """An assignment to a person."""
    return {"assignee": {"id": f"PU{who.upper()}", "type": "user_reference"}}


@asynccontextmanager
async def prepared() -> AsyncIterator[Stage]:
    """A world whose clock stands still, connected to a bot that listens."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/webhooks/pagerduty", receiver.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Sandbox(rate_limits=False) as sandbox:
        sandbox.clock.speed = 0
        sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
        yield Stage(sandbox, receiver)
    await runner.cleanup()
