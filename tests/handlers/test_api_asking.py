"""What pipelines ask of the API: a question that cannot be meant is refused, and nothing unknown is ever open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot import wiring
from bot.settings import load_settings
from handlers import api

TOKEN = "a-token-of-ours"
SHA = "a1b2c3d" + "0" * 33
POLICY = """
services:
  checkout: {repo: acme/checkout, environments: [staging, production], promote_through: github-deployment}
  cart: {repo: acme/cart}
"""

Ask = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture
async def ask(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Ask]:
    """A question to a bot that knows two services and has heard of no deploy; a body makes it a POST."""
    (tmp_path / "shipmate.yml").write_text(POLICY, encoding="utf-8")
    settings = load_settings(
        {"DATABASE_URL": sqlite_url, "SHIPMATE_API_TOKEN": TOKEN, "SHIPMATE_CONFIG": str(tmp_path / "shipmate.yml")},
        None,
    )
    await asyncio.to_thread(wiring.upgrade_database, settings)
    wired = wiring.wire(settings, {api.SOURCE: api.translate})
    wired.bot.database.start()
    application = web.Application()
    api.add_routes(application, wired.bot)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as http:

        async def asked(path: str, body: object = None, *, token: str = TOKEN) -> tuple[int, dict[str, Any]]:
            how: dict[str, Any] = {} if body is None else {"json": body}
            given = {"Authorization": f"Bearer {token}"}
            method = "GET" if body is None else "POST"
            async with http.request(method, f"http://{host}:{port}{path}", headers=given, **how) as answer:
                return answer.status, await answer.json()

        yield asked
    await runner.cleanup()
    await wired.close()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v1/gates?service=checkout&environment=production", "Say which sha."),
        ("/api/v1/gates?environment=production&sha=a1b2c3d", "Say which service."),
        ("/api/v1/deploys?team=payments", "Nobody knows the argument team."),
        ("/api/v1/promotions?limit=some", "limit is no number from 0 to"),
        ("/api/v1/locks?before=-1", "before is no number from 0 to"),
    ],
)
async def test_a_question_that_cannot_be_meant_is_refused_with_what_was_expected(
    ask: Ask, path: str, said: str
) -> None:
    status, told = await ask(path)
    assert status == 400
    assert told["error"].startswith(said)
    assert told["mend"].startswith("Expected ")


@pytest.mark.parametrize("path", ["/api/v1/gates", "/api/v1/services", "/api/v1/trains/web.ics"])
async def test_nobody_asks_without_the_token(ask: Ask, path: str) -> None:
    assert (await ask(path, token="another"))[0] == 401


async def test_what_nobody_knows_of_is_pending_and_never_open(ask: Ask) -> None:
    """Whoever polls reads 200; whoever asked to be strict is refused."""
    for service in ("checkout", "chekout"):
        of = f"/api/v1/gates?service={service}&environment=production&sha={SHA}"
        status, told = await ask(of)
        assert (status, told["state"], told["promotion"]) == (200, "pending", None)
        assert told["reason"]
        assert (await ask(f"{of}&strict=1"))[0] == 403


async def test_flagger_is_told_no_unless_it_only_tells(ask: Ask) -> None:
    """A canary nobody asked to take back is not taken back either."""
    about = {"metadata": {"service": "checkout", "environment": "production", "sha": SHA}}
    for phase, status in (("pre-rollout", 403), ("confirm-promotion", 403), ("rollback", 403), ("event", 200)):
        assert (await ask("/gate/flagger", {**about, "phase": phase}))[0] == status, phase
    status, told = await ask("/gate/flagger", {"phase": "confirm-promotion", "metadata": {"service": "checkout"}})
    assert (status, told["error"]) == (400, "The webhook does not say what it is about.")


async def test_lists_come_page_by_page(ask: Ask) -> None:
    status, first = await ask("/api/v1/services?limit=1")
    assert (status, [one["name"] for one in first["services"]]) == (200, ["cart"])
    _, second = await ask(f"/api/v1/services?limit=1&before={first['next']}")
    assert ([one["name"] for one in second["services"]], second["next"]) == (["checkout"], None)
    for name in ("deploys", "promotions", "locks", "trains", "incidents"):
        assert await ask(f"/api/v1/{name}") == (200, {name: [], "next": None})


async def test_a_train_that_is_none_has_no_calendar(ask: Ask) -> None:
    status, told = await ask("/api/v1/trains/web.ics")
    assert (status, told["error"], told["mend"]) == (404, "There is no train web.", "Those of shipmate.yml: none.")
