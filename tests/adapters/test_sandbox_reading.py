"""What the sandbox's page reads from its control door: what somebody has not seen yet, and what went over the wire."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.sandbox.server import Sandbox

KEPT = 5


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Whoever asks the door."""
    async with aiohttp.ClientSession() as made:
        yield made


async def ask(session: aiohttp.ClientSession, url: str, wish: Any = None) -> dict[str, Any]:
    """What the door answers; with a wish it is asked to do something."""
    async with session.request("GET" if wish is None else "POST", url, json=wish) as response:
        answer: dict[str, Any] = await response.json()
        return answer | {"status": response.status}


def call(sandbox: Sandbox, at: int) -> None:
    """The bot made a call; ``at`` tells it from others."""
    began = time.perf_counter()
    sandbox.slack.log.add(incoming=True, verb="POST", path="/api/x", method=f"call {at}", status=200, began=began)


async def test_what_somebody_has_seen_is_kept_for_every_page_and_never_becomes_unread(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    """Other pages hear of it at once; a page opened later finds it; nobody else has read it by that."""
    said = [await sandbox.slack.say("ben", words, channel="#general") for words in ("one", "two")]
    act = f"{sandbox.url}/_sandbox/act"
    async with session.ws_connect(f"{sandbox.url}/_sandbox/live") as live:
        assert (await live.receive_json())["read"] == {}
        for message in reversed(said):
            await ask(session, act, {"as": "ana", "read": {"channel": "C0GENERAL", "ts": message.ts}})
        told = await live.receive_json()
    assert told == {"type": "read", "person": "U0ANA", "channel": "C0GENERAL", "ts": said[1].ts}
    snapshot = await ask(session, f"{sandbox.url}/_sandbox/messages")
    assert snapshot["read"] == {"U0ANA": {"C0GENERAL": said[1].ts}}


@pytest.mark.parametrize(
    ("read", "error"),
    [
        ({"channel": "C0GENERAL", "ts": "9999999999.000000"}, "ts: expected the timestamp of a message in #general"),
        ({"channel": "C0GENERAL", "ts": "now"}, "ts: expected the timestamp of a message in #general"),
        ({"channel": "C0NOWHERE", "ts": "1.0"}, "there is no channel"),
        ({"channel": "C0GENERAL", "ts": "1.0", "at": 1}, "read: there is no 'at'; there are channel, ts"),
    ],
)
async def test_nobody_has_seen_what_was_never_said(
    sandbox: Sandbox, session: aiohttp.ClientSession, read: Any, error: str
) -> None:
    """Else it would be read as soon as it is said."""
    await sandbox.slack.say("ben", "one", channel="#general")
    answer = await ask(session, f"{sandbox.url}/_sandbox/act", {"as": "ana", "read": read})
    assert answer["status"] == 400
    assert error in answer["error"]
    assert not any(sandbox.world.read_marks.values())


async def test_requests_are_read_page_by_page_from_the_latest_back(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    """Each page says what is left before it; together they are everything, and nothing twice."""
    for number in range(KEPT):
        call(sandbox, number)
    door = f"{sandbox.url}/_sandbox/requests"
    latest = await ask(session, f"{door}?limit=2")
    assert (latest["total"], latest["older"]) == (KEPT, KEPT - 2)
    read, before = latest["requests"], latest["requests"][0]["id"]
    while latest["older"]:
        latest = await ask(session, f"{door}?limit=2&before={before}")
        before = latest["requests"][0]["id"]
        read = latest["requests"] + read
    assert [one["name"] for one in read] == [f"call {number}" for number in range(KEPT)]


async def test_the_snapshot_says_how_many_requests_there_were_beside_those_it_shows(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    """A page that is loaded again counts on from there."""
    for number in range(201):
        call(sandbox, number)
    snapshot = await ask(session, f"{sandbox.url}/_sandbox/messages")
    assert (len(snapshot["requests"]), snapshot["requests_total"]) == (200, 201)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("before=slack-9", "before: no request 'slack-9' is kept"),
        ("limit=0", "limit: expected a whole number from 1 to 1000, not '0'"),
        ("limit=many", "limit: expected a whole number"),
        ("after=slack-1", "there is no 'after'; there are before, limit"),
    ],
)
async def test_a_page_of_requests_that_cannot_be_is_refused_in_words(
    sandbox: Sandbox, session: aiohttp.ClientSession, query: str, error: str
) -> None:
    answer = await ask(session, f"{sandbox.url}/_sandbox/requests?{query}")
    assert answer["status"] == 400
    assert error in answer["error"]
