"""Acme's monitoring in the sandbox: how it tells a bot that an alert fires and that it is over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.events import AlertLevel, AlertReported, Event, FlagChanged
from bot.sandbox.exchanges import to_page
from bot.sandbox.monitoring import Alert
from bot.sandbox.server import Sandbox
from handlers.webhooks import SOURCES


@dataclass
class Taker:
    """A bot's API: what it was told, and what it answers from now on."""

    told: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    hooks: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    status: int = 202

    async def take(self, request: web.Request) -> web.Response:
        """One report."""
        self.told.append(await request.json())
        self.keys.append(request.headers["Idempotency-Key"])
        self.tokens.add(request.headers["Authorization"])
        return web.json_response({}, status=self.status)

    async def hook(self, request: web.Request) -> web.Response:
        """One webhook, of whatever source."""
        self.hooks.append((request.match_info["source"], dict(request.headers), await request.read()))
        return web.json_response({}, status=self.status)

    def events(self, sandbox: Sandbox) -> list[Event]:
        """What the webhooks mean to a bot that has this world's secrets; one that is not proven is a fault."""
        found: list[Event] = []
        for source, headers, body in self.hooks:
            secret = sandbox.environment()[f"{source.upper()}_WEBHOOK_SECRET"]
            SOURCES[source].verify(headers, body, secret)
            SOURCES[source].check(headers, body)
            found += SOURCES[source].translate(headers, body)
        return found


@pytest.fixture
async def taker(sandbox: Sandbox) -> AsyncIterator[Taker]:
    """Connected to the world."""
    made = Taker()
    application = web.Application()
    application.router.add_post("/api/v1/alerts", made.take)
    application.router.add_post("/webhooks/{source}", made.hook)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield made
    await runner.cleanup()


async def test_an_alert_is_told_when_it_fires_and_when_it_is_over_as_one_occurrence(
    sandbox: Sandbox, taker: Taker
) -> None:
    """With the API's token, which the page never shows; what is over is over once."""
    alert = sandbox.monitoring.fire("cart", "cart 5xx")
    sandbox.clock.turn(by=timedelta(minutes=2))
    sandbox.monitoring.resolve_all()
    sandbox.monitoring.resolve(alert)
    await sandbox.settle()
    fired, over = sorted(taker.told, key=lambda report: str(report["state"]))
    assert [fired["state"], over["state"]] == ["firing", "resolved"]
    same = ("service", "environment", "key", "name", "started_at")
    assert [fired[name] for name in same] == [over[name] for name in same]
    assert fired["started_at"] <= fired["at"] < over["at"]
    assert taker.tokens == {f"Bearer {sandbox.environment(api=True)['SHIPMATE_API_TOKEN']}"}
    shown = [to_page(row) for row in sandbox.monitoring.log.rows]
    assert {row["system"] for row in shown} == {"monitoring"}
    assert sandbox.monitoring.token not in json.dumps(shown)


async def test_a_report_that_nobody_took_comes_again_as_the_same_until_it_is_taken(
    sandbox: Sandbox, taker: Taker
) -> None:
    """By the world's clock; one that is refused for good is not repeated."""
    taker.status = 503
    sandbox.monitoring.fire("cart", "cart 5xx")
    await sandbox.settle()
    sandbox.clock.turn(by=timedelta(seconds=10))
    await sandbox.settle()
    taker.status = 401
    sandbox.clock.turn(by=timedelta(seconds=20))
    await sandbox.settle()
    sandbox.clock.turn(by=timedelta(minutes=10))
    await sandbox.settle()
    assert len(taker.told) == 3
    assert len(set(taker.keys)) == 1


async def test_monitoring_gives_up_after_an_hour_without_anybody(sandbox: Sandbox) -> None:
    """Nothing listens there; what it fired stays fired in its own eyes."""
    sandbox.connect("http://127.0.0.1:9")
    alert = sandbox.monitoring.fire("cart", "cart 5xx")
    for _ in range(30):
        await sandbox.settle()
        sandbox.clock.turn(by=timedelta(minutes=5))
    await sandbox.settle()
    tried = len(sandbox.monitoring.log.rows)
    assert 10 < tried < 20
    assert {row.status for row in sandbox.monitoring.log.rows} == {0}
    assert sandbox.monitoring.firing == [alert]


async def test_as_alertmanager_it_tells_in_groups_that_are_read_as_the_real_ones(
    sandbox: Sandbox, taker: Taker
) -> None:
    """With the webhook's secret; from each of its replicas; and again while it fires."""
    sandbox.monitoring.groups, sandbox.monitoring.replicas = True, 2
    alert = sandbox.monitoring.fire("cart", "CartErrors", severity="warning", labels={"pod": "cart-1"}, summary="7 %")
    await sandbox.settle()
    sandbox.clock.turn(by=timedelta(hours=4))
    sandbox.monitoring.replicas = 1
    sandbox.monitoring.repeat()
    await sandbox.settle()
    sandbox.monitoring.resolve(alert)
    sandbox.monitoring.repeat()
    await sandbox.settle()
    told = taker.events(sandbox)
    assert [source for source, _, _ in taker.hooks] == ["alertmanager"] * 4
    first, *_, over = told
    assert all(isinstance(one, AlertReported) and one.started_at == alert.began for one in told)
    assert isinstance(first, AlertReported)
    assert isinstance(over, AlertReported)
    assert (first.name, first.environment, first.level) == ("CartErrors", "production", AlertLevel.WARNING)
    assert (first.labels["service"], first.labels["pod"], first.summary) == ("cart", "cart-1", "7 %")
    assert len({one.fingerprint for one in told if isinstance(one, AlertReported)}) == 1
    assert first.resolved_at is None
    assert over.resolved_at is not None
    assert sandbox.monitoring.secret not in json.dumps([to_page(row) for row in sandbox.monitoring.log.rows])


async def test_many_alerts_are_one_group(sandbox: Sandbox, taker: Taker) -> None:
    """As when a whole zone fails."""
    sandbox.monitoring.groups = True
    now = sandbox.clock.now()
    sandbox.monitoring.fire_many(
        [
            Alert(service="cart", environment="production", name="PodDown", began=now, labels={"pod": str(number)})
            for number in range(30)
        ]
    )
    await sandbox.settle()
    assert len(taker.hooks) == 1
    assert len({one.fingerprint for one in taker.events(sandbox) if isinstance(one, AlertReported)}) == 30


async def test_a_flag_that_is_turned_is_told_signed_and_once_more_if_nobody_took_it(
    sandbox: Sandbox, taker: Taker
) -> None:
    """As LaunchDarkly tells it: who, where, and what was done."""
    taker.status = 503
    entry = sandbox.flags.turn("new-basket", on=True, tags=["cart"])
    await sandbox.settle()
    for _ in range(3):
        sandbox.clock.turn(by=timedelta(minutes=1))
        await sandbox.settle()
    first, again = taker.events(sandbox)
    assert isinstance(first, FlagChanged)
    assert first == again
    assert (first.flag, first.environment, first.summary) == ("new-basket", "production", "turned on")
    assert (first.external_id.startswith(entry["_id"]), "tag:cart" in first.labels) == (True, True)
    taker.hooks.clear()
    sandbox.flags.roll_out("new-basket", 25, 50, environment="staging", name="Ben", email="ben@example.com")
    await sandbox.settle()
    (more,) = taker.events(sandbox)
    assert isinstance(more, FlagChanged)
    assert (more.environment, more.summary) == ("staging", "updated: Changed the default rollout from 25% to 50%")
    assert more.by is not None
    assert more.by.email == "ben@example.com"
