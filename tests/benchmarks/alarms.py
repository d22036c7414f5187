"""Alerts after rollouts: how long until PagerDuty is asked to wake somebody, and until the incident's room is told.

Each alert is of a service of its own that went live a moment before, by somebody whom PagerDuty knows, and names the
version on which it is seen (so many services at once would else count as one storm): one page, one room, one lock. It
is measured while it is quiet, and while a storm of 500 alerts a second rages about another service, which all belong
to one incident. The bare server makes one call to PagerDuty and one to Slack for each alert: it knows nobody, decides
nothing, and finds its rooms made.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.benchmarks.baseline import ROOMS
from tests.benchmarks.load import ALARMS, ALERT_SECRET, Lines, Rollout
from tests.benchmarks.report import Figures
from tests.benchmarks.stand_in import StandIn
from tests.benchmarks.wire import request

STORMED_ALARMS = 20
QUIET_ALARMS = ALARMS - 1 - STORMED_ALARMS
STORM = 500
"""Alerts a second about one service, while others alert besides."""
STORM_SECONDS = 4
PATIENCE = 60.0
"""Seconds after which a page that did not come is given up."""


def alert(service: str, key: str, now: datetime, version: str = "") -> bytes:
    """A group of Alertmanager's with one alert that fires."""
    labels = {"alertname": "HighErrorRate", "service": service, "environment": "production", "severity": "critical",
              "instance": key, "version": version}  # fmt: skip
    body = {
        "version": "4", "groupKey": f"{{}}:{{service={service}}}", "truncatedAlerts": 0, "status": "firing",
        "receiver": "shipmate", "groupLabels": {"service": service}, "commonLabels": labels,
        "commonAnnotations": {"summary": "The error rate doubled"}, "externalURL": "https://alerts.example.com",
        "alerts": [
            {
                "status": "firing", "labels": labels, "annotations": {"summary": "The error rate doubled"},
                "startsAt": now.isoformat(), "endsAt": "0001-01-01T00:00:00Z", "fingerprint": key,
                "generatorURL": "https://prometheus.example.com/graph",
            }
        ],
    }  # fmt: skip
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {ALERT_SECRET}"}
    return request("/webhooks/alertmanager", headers, json.dumps(body).encode())


async def measure_bare(lines: Lines, world: StandIn, bare: Figures) -> None:
    """What it takes to make the two calls and nothing else."""
    for number in range(ROOMS):
        await _one(lines, world, f"bare-{number}", "", bare, "")


async def measure(lines: Lines, world: StandIn, figures: Figures) -> None:
    """The rollouts, then the alerts: quiet, and in a storm."""
    live = [
        Rollout(number, f"b{50_000_000 + number * 40 + number % 40:039x}", "production", "alarm")
        for number in range(ALARMS)
    ]
    await lines.at_once([one.delivery("success") for one in live])
    await world.quiet(1.0)
    for number in range(QUIET_ALARMS):
        await _one(lines, world, f"alarm-{number}", live[number].sha, figures, " quiet")
        await world.quiet(0.1)
    await _storm(lines, world, live, figures)


async def _storm(lines: Lines, world: StandIn, live: Sequence[Rollout], figures: Figures) -> None:
    now = datetime.now(UTC)
    about = f"alarm-{ALARMS - 1}"
    raging = asyncio.create_task(
        lines.at_rate([alert(about, f"storm-{number}", now) for number in range(STORM * STORM_SECONDS)], STORM)
    )
    others = []
    for number in range(QUIET_ALARMS, QUIET_ALARMS + STORMED_ALARMS):
        await asyncio.sleep(STORM_SECONDS / STORMED_ALARMS)
        others.append(asyncio.create_task(_one(lines, world, f"alarm-{number}", live[number].sha, figures, " storm")))
    await asyncio.gather(raging, *others)
    await world.quiet()


async def _one(lines: Lines, world: StandIn, service: str, version: str, figures: Figures, when: str) -> None:
    paged, in_room = world.paged(service), world.in_room(service)
    began = time.perf_counter()
    await lines.send(alert(service, f"{service}-{began}", datetime.now(UTC), version))
    try:
        async with asyncio.timeout(PATIENCE):
            figures.add(f"alert paged{when}", [await paged - began])
            figures.add(f"alert room{when}", [await in_room - began])
    except TimeoutError:
        raise RuntimeError(f"nobody was woken for {service}, or its room not told, within {PATIENCE:.0f} s") from None
