"""Acme's own monitoring: it tells that an alert fires and that it is over, by the bot's API or as Alertmanager does.

A report that nobody took is sent again by the world's clock, as monitors do, and counts once however often it arrives.
As Alertmanager it shows the webhook's secret, may have replicas that each tell, and repeats what fires when asked.
Limits: nothing is measured here; whoever tells the story says what fires. How long real monitors wait differs.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.sandbox import monitoring_groups
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
    severity: str = "critical"
    summary: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(eq=False)
class Report:
    """One report on its way; ``status`` is the last answer's, 0 where none came."""

    state: str
    address: str
    token: str
    body: bytes
    began: datetime
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    attempts: int = 0
    status: int = 0


class Monitoring:
    """What fires at Acme, and its telling.

    ``token`` is the API's and ``secret`` the webhook's, which the bot has to be given. While ``groups`` is set it
    speaks as Alertmanager, from as many ``replicas``.
    """

    def __init__(self, clock: Clock) -> None:
        self.token = f"shipmate-{secrets.token_hex(16)}"
        self.secret = secrets.token_hex(24)
        self.groups = False
        self.replicas = 1
        self.bot_url: str | None = None
        self.log = Log("monitoring")
        self.firing: list[Alert] = []
        self._clock = clock
        self._sender = Sender(PATIENCE_SECONDS)

    def fire(
        self,
        service: str,
        name: str,
        *,
        environment: str = "production",
        severity: str = "critical",
        summary: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Alert:
        """An alert begins to fire now; ``labels`` are what it has besides."""
        alert = Alert(
            service=service, environment=environment, name=name, began=self._clock.now(), severity=severity,
            summary=summary, labels=labels or {},
        )  # fmt: skip
        self.firing.append(alert)
        self._tell([(alert, None)])
        return alert

    def fire_many(self, alerts: Sequence[Alert]) -> None:
        """All of these fire, and are told of together."""
        self.firing += alerts
        self._tell([(alert, None) for alert in alerts])

    def repeat(self) -> None:
        """What fires still is told of again, as after the interval of a group."""
        if self.firing:
            self._tell([(alert, None) for alert in self.firing])

    def resolve(self, alert: Alert) -> None:
        """An alert is over; one that is over already stays so."""
        if alert in self.firing:
            self.firing.remove(alert)
            self._tell([(alert, self._clock.now())])

    def resolve_all(self) -> None:
        """Nothing fires any more."""
        for alert in list(self.firing):
            self.resolve(alert)

    def _tell(self, alerts: Sequence[tuple[Alert, datetime | None]]) -> None:
        """Tell of them, each with when it was over."""
        if self.bot_url is None or not alerts:
            return
        now = self._clock.now()
        state = "firing" if any(over is None for _, over in alerts) else "resolved"
        if self.groups:
            body = monitoring_groups.group(alerts)
            for _ in range(self.replicas):
                self._begin(Report(state, monitoring_groups.ADDRESS, self.secret, body, now))
        else:
            for alert, over in alerts:
                self._begin(
                    Report(
                        "firing" if over is None else "resolved", ADDRESS, self.token, _report(alert, over, now), now
                    )
                )

    def _begin(self, report: Report) -> None:
        self._sender.begin(self._attempt(report))

    async def _attempt(self, report: Report) -> None:
        report.attempts += 1
        began = time.perf_counter()
        headers = {
            "Authorization": f"Bearer {report.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": report.key,
            "User-Agent": "Alertmanager/0.28.1" if report.address != ADDRESS else "acme-monitoring/1",
        }
        report.status, answer = await self._sender.post(f"{self.bot_url}{report.address}", headers, report.body)
        self.log.add(
            incoming=False,
            verb="POST",
            path=report.address,
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


def _report(alert: Alert, over: datetime | None, now: datetime) -> bytes:
    """What the API is told of one alert."""
    about: Json = {
        "service": alert.service,
        "environment": alert.environment,
        "key": f"{alert.service}/{alert.environment}/{alert.name}",
        "name": alert.name,
        "state": "firing" if over is None else "resolved",
        "level": alert.severity,
        "started_at": alert.began.isoformat(),
        "at": now.isoformat(),
        "url": f"https://monitoring.example.com/{alert.service}",
    }
    if alert.summary is not None:
        about["summary"] = alert.summary
    if alert.labels:
        about["labels"] = dict(alert.labels)
    return json.dumps(about).encode()
