"""Acme's own monitoring: by the bot's API, with the API's token, it tells that an alert fires and that it is over.

A report that nobody took is sent again by the world's clock, as monitors do, and counts once however often it arrives.
Limits: nothing is measured here; whoever tells the story says what fires. How long real monitors wait differs.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.sandbox.clock import Clock
from bot.sandbox.exchanges import Log
from bot.sandbox.sender import Sender
from bot.sandbox.world import Json

ADDRESS = "/api/v1/alerts"
"""Where the bot hears of alerts."""

PATIENCE_SECONDS = 10.0
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(minutes=5)
GIVES_UP_AFTER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One occurrence of an alert; ``began`` tells it from the next one of its name."""

    service: str
    environment: str
    name: str
    began: datetime


@dataclass(kw_only=True, eq=False)
class Report:
    """One report on its way; ``status`` is the last answer's, 0 where none came."""

    state: str
    body: bytes
    began: datetime
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    attempts: int = 0
    status: int = 0


class Monitoring:
    """What fires at Acme, and its telling. ``token`` is the API's, which the bot has to be given."""

    def __init__(self, clock: Clock) -> None:
        self.token = f"shipmate-{secrets.token_hex(16)}"
        self.bot_url: str | None = None
        self.log = Log("monitoring")
        self.firing: list[Alert] = []
        self._clock = clock
        self._sender = Sender(PATIENCE_SECONDS)

    def fire(self, service: str, name: str, *, environment: str = "production") -> Alert:
        """An alert begins to fire now."""
        alert = Alert(service=service, environment=environment, name=name, began=self._clock.now())
        self.firing.append(alert)
        self._tell(alert, "firing")
        return alert

    def resolve(self, alert: Alert) -> None:
        """An alert is over; one that is over already stays so."""
        if alert in self.firing:
            self.firing.remove(alert)
            self._tell(alert, "resolved")

    def resolve_all(self) -> None:
        """Nothing fires any more."""
        for alert in list(self.firing):
            self.resolve(alert)

    def _tell(self, alert: Alert, state: str) -> None:
        if self.bot_url is None:
            return
        now = self._clock.now()
        about: Json = {
            "service": alert.service,
            "environment": alert.environment,
            "key": f"{alert.service}/{alert.environment}/{alert.name}",
            "name": alert.name,
            "state": state,
            "started_at": alert.began.isoformat(),
            "at": now.isoformat(),
            "url": f"https://monitoring.example.com/{alert.service}",
        }
        self._begin(Report(state=state, body=json.dumps(about).encode(), began=now))

    def _begin(self, report: Report) -> None:
        self._sender.begin(self._attempt(report))

    async def _attempt(self, report: Report) -> None:
        report.attempts += 1
        began = time.perf_counter()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": report.key,
            "User-Agent": "acme-monitoring/1",
        }
        report.status, answer = await self._sender.post(f"{self.bot_url}{ADDRESS}", headers, report.body)
        self.log.add(
            incoming=False,
            verb="POST",
            path=ADDRESS,
            method=f"alert {report.state}",
            args={"attempt": report.attempts},
            status=report.status,
            answer=answer,
            began=began,
            request_headers=headers,
            request_body=report.body.decode(),
            answer_body=answer,
        )
        wait = min(LONGEST_RETRY, FIRST_RETRY * 2 ** (report.attempts - 1))
        passing = report.status in (0, 429) or report.status >= 500
        if passing and self._clock.now() + wait - report.began <= GIVES_UP_AFTER:
            self._clock.call_later(wait, lambda: self._begin(report))

    async def settle(self) -> None:
        """Wait until every report sent so far was answered or has failed; one that failed comes again later."""
        await self._sender.settle()

    async def close(self) -> None:
        """Stop telling."""
        await self._sender.close()
