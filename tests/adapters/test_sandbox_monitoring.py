"""Acme's monitoring in the sandbox: how it tells a bot that an alert fires and that it is over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.exchanges import to_page
from bot.sandbox.server import Sandbox


@dataclass
class Taker:
    """A bot's API: what it was told, and what it answers from now on."""

    told: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    status: int = 202

    async def take(self, request: web.Request) -> web.Response:
        """One report."""
        self.told.append(await request.json())
        self.keys.append(request.headers["Idempotency-Key"])
        self.tokens.add(request.headers["Authorization"])
        return web.json_response({}, status=self.status)


@pytest.fixture
async def taker(sandbox: Sandbox) -> AsyncIterator[Taker]:
    """Connected to the world."""
    made = Taker()
    application = web.Application()
    application.router.add_post("/api/v1/alerts", made.take)
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
