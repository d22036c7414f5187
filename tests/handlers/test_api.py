"""The HTTP API: who may call it, feeding deliveries again, and what operators ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlmodel import col, select

from bot import wiring
from bot.app import Bot
from bot.inbox import Delivery, Lane
from bot.settings import load_settings
from handlers import api, webhooks

TOKEN = "a-token-of-ours"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Called:
    """A bot whose API is open; its engines do not run."""

    bot: Bot
    url: str
    http: aiohttp.ClientSession

    async def replay(self, wanted: object, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """Ask for a replay; the status and the answer."""
        address = f"{self.url}/api/v1/deliveries/replay"
        how: dict[str, Any] = {"data": wanted} if isinstance(wanted, bytes) else {"json": wanted}
        async with self.http.post(address, headers=BEARER if headers is None else headers, **how) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> tuple[int, str]:
        """The status and the words of an answer."""
        async with self.http.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def deliveries(self) -> list[tuple[str, str]]:
        """What is stored: source and state."""
        found = await self.bot.database.read(
            lambda session: session.exec(select(Delivery.source, Delivery.state).order_by(col(Delivery.id))).all()
        )
        return list(found)


async def opened(database_url: str, **more: str) -> AsyncIterator[Called]:
    """Open the API of a bot with these settings."""
    settings = load_settings({"DATABASE_URL": database_url, **more}, None)
    await asyncio.to_thread(wiring.upgrade_database, settings)
    wired = wiring.wire(settings, {name: source.translate for name, source in webhooks.SOURCES.items()})
    wired.bot.database.start()
    application = web.Application()
    api.add_routes(application, wired.bot)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as http:
        yield Called(wired.bot, f"http://{host}:{port}", http)
    await runner.cleanup()
    await wired.close()


@pytest.fixture
async def called(sqlite_url: str) -> AsyncIterator[Called]:
    """The API of a bot that has a token."""
    async for one in opened(sqlite_url, SHIPMATE_API_TOKEN=TOKEN):
        yield one


@pytest.fixture
async def tokenless(sqlite_url: str) -> AsyncIterator[Called]:
    """The API of a bot for which nobody set a token."""
    async for one in opened(sqlite_url):
        yield one


# --- who may ------------------------------------------------------------------------------------------------------


NONE_CAME, NOT_OURS = "No token came with the request.", "That token is not ours."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, NONE_CAME),
        ({"Authorization": ""}, NONE_CAME),
        ({"Authorization": "Bearer "}, NONE_CAME),
        ({"Authorization": "Bearer wrong"}, NOT_OURS),
        ({"Authorization": f"Bearer {TOKEN}x"}, NOT_OURS),
    ],
)
async def test_whoever_does_not_hold_the_token_may_not_call(called: Called, given: dict[str, str], said: str) -> None:
    """They are told what is wrong and what to send, and nothing happens."""
    status, answer = await called.replay({"failed": True}, headers=given)
    assert (status, answer["error"]) == (401, said)
    assert "SHIPMATE_API_TOKEN" in answer["mend"]
    assert TOKEN not in str(answer)


async def test_without_a_token_the_api_is_switched_off(tokenless: Called) -> None:
    """An empty token opens nothing."""
    for given in ({}, {"Authorization": "Bearer "}):
        status, answer = await tokenless.replay({"failed": True}, headers=given)
        assert (status, answer["error"]) == (401, "The API is switched off.")


async def test_a_header_of_any_bytes_is_refused_as_any_other(called: Called) -> None:
    """Never an error of ours."""
    host, port = called.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/v1/deliveries/replay HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n"
        b"Authorization: Bearer \xff\xfe\r\n\r\n{}"
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401")


# --- replay -------------------------------------------------------------------------------------------------------


async def stored(called: Called, *names: str) -> list[int]:
    """Deliveries that could not be applied; their numbers."""
    for name in names:
        await called.bot.accept(source="github", delivery_id=name, headers={}, body=b"{}", lane=Lane.FEED)
    await called.bot.inbox.apply_pending()
    found = await called.bot.database.read(lambda session: session.exec(select(Delivery.id)).all())
    return [one for one in found if one is not None]


async def test_what_failed_is_fed_again(called: Called) -> None:
    """All of it, or those that are named; the answer says how many."""
    numbers = await stored(called, "one", "two", "three")
    assert await called.deliveries() == [("github", "failed")] * 3
    assert await called.replay({"ids": [numbers[1], 999, 2**63 - 1]}) == (200, {"replayed": 1})
    assert [state for _, state in await called.deliveries()] == ["failed", "pending", "failed"]
    assert await called.replay({"failed": True}) == (200, {"replayed": 2})
    assert await called.replay({"failed": True}) == (200, {"replayed": 0})


async def test_deliveries_kept_in_a_file_are_taken_as_new(called: Called) -> None:
    """Each time: it goes past the de-duplication."""
    one = {"source": "github", "headers": {"X-GitHub-Event": "ping"}, "body": '{"zen": "größer"}'}
    assert await called.replay({"deliveries": [one, one]}) == (200, {"replayed": 2})
    assert await called.deliveries() == [("github", "pending")] * 2
    await called.bot.inbox.apply_pending()
    assert await called.deliveries() == [("github", "applied")] * 2


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({}, "{}"),
        ({"X-GitHub-Event": "push"}, "["),
        ({"X-GitHub-Event": "\ud800"}, "{}"),
        ({"X-GitHub-Event": "pu\0sh"}, "{}"),
    ],
)
async def test_a_delivery_in_a_file_is_checked_as_at_the_door(
    called: Called, headers: dict[str, str], content: str
) -> None:
    """One that is incomplete could only fail; none of those beside it is taken then."""
    good = {"source": "github", "headers": {"X-GitHub-Event": "ping"}, "body": "{}"}
    status, answer = await called.replay({"deliveries": [good, {**good, "headers": headers, "body": content}]})
    assert status == 400
    assert answer["mend"]
    assert await called.deliveries() == []


async def test_a_delivery_in_a_file_keeps_only_what_is_worth_storing(called: Called) -> None:
    """What proves an identity is not kept, wherever it comes from."""
    kept = {"X-GitHub-Event": "ping"}
    one = {"source": "github", "headers": {**kept, "authorization": "Bearer secret", "x-odd": "\ud800"}, "body": "{}"}
    assert await called.replay({"deliveries": [one]}) == (200, {"replayed": 1})
    stored = await called.bot.database.read(lambda session: session.exec(select(Delivery.headers)).one())
    assert stored == kept


@pytest.mark.parametrize(
    "wanted",
    [
        b"",
        b"{",
        b"\xff\xfe\xfd",
        b"[" * 100_000,
        b'{"deliveries": [{"source": "github", "headers": {}, "body": "\\ud800"}]}',
        [],
        "failed",
        {},
        {"failed": False},
        {"ids": "1"},
        {"ids": [True]},
        {"ids": ["1"]},
        {"ids": [-1]},
        {"ids": [2**64]},
        {"deliveries": {}},
        {"deliveries": [{"source": "nobody", "headers": {}, "body": ""}]},
        {"deliveries": [{"source": "github", "headers": {"a": 1}, "body": ""}]},
        {"deliveries": [{"source": "github", "headers": {}, "body": None}]},
        {"deliveries": [{"source": "github", "headers": {}}]},
    ],
)
async def test_what_cannot_be_read_is_answered_with_what_was_expected(called: Called, wanted: object) -> None:
    """Whatever it is; nothing of it is stored."""
    status, answer = await called.replay(wanted)
    assert (status, answer["error"]) == (400, "That cannot be read.")
    assert answer["mend"].startswith("Expected")
    assert await called.deliveries() == []


async def test_a_body_in_an_unknown_encoding_is_read_as_json_is(called: Called) -> None:
    """JSON says by itself how it is written."""
    odd = {**BEARER, "Content-Type": "application/json; charset=nonsense"}
    assert await called.replay(b'{"failed": true}', headers=odd) == (200, {"replayed": 0})


async def test_a_database_that_is_away_is_said_to_be(called: Called) -> None:
    """And what to do; the figures that need no database are still told."""
    await called.bot.database.close()
    status, answer = await called.replay({"failed": True})
    assert (status, answer["mend"]) == (503, "Try again in a moment.")


# --- what operators ask -------------------------------------------------------------------------------------------


async def test_a_process_that_answers_is_alive(called: Called) -> None:
    """Whatever else is wrong: restarting it would mend nothing."""
    await called.bot.database.close()
    assert await called.get("/healthz") == (200, '{"status": "alive"}')


async def test_a_bot_is_ready_when_deliveries_can_be_stored(called: Called) -> None:
    """Slack's state is told, and is no reason to be unrouted."""
    status, said = await called.get("/readyz")
    assert (status, '"status": "ready"' in said, '"slack": "ok"' in said) == (200, True, True)
    called.bot.delivery.trouble = "invalid_auth: Set SLACK_BOT_TOKEN."
    status, said = await called.get("/readyz")
    assert (status, "invalid_auth" in said) == (200, True)


async def test_the_figures_are_told_for_prometheus(called: Called) -> None:
    """Inbox, outbox by lane, limits met, failures."""
    await stored(called, "one")
    status, said = await called.get("/metrics")
    assert status == 200
    for name in (
        "shipmate_inbox_lag_seconds",
        'shipmate_outbox_age_seconds{lane="page"}',
        "shipmate_rate_limited_total",
        "shipmate_outgoing_failures_total",
        'shipmate_deliveries_received_total{outcome="new",source="github"}',
        'shipmate_deliveries_applied_total{outcome="failed",source="github"}',
    ):
        assert name in said
