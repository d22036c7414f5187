"""``shipmate replay``: what it understands, asks of the running bot, and says where that cannot be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.cli.replaying import feed
from bot.errors import UserError

PUSH = {"source": "github", "headers": {"X-GitHub-Event": "push"}, "body": "{}"}


@dataclass
class Running:
    """A bot that answers a replay as it is told to."""

    answer: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def replay(self, request: web.Request) -> web.Response:
        """The route that the command line calls."""
        self.asked.append(await request.json())
        return web.json_response(self.answer)


@pytest.fixture
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """It listens where SHIPMATE_URL says."""
    made = Running()
    application = web.Application()
    application.router.add_post("/api/v1/deliveries/replay", made.replay)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIPMATE_URL", str(server.make_url("/")).rstrip("/"))
    monkeypatch.setenv("SHIPMATE_API_TOKEN", "not-a-real-token")
    yield made
    await server.close()


async def fed(*what: str, failed: bool = False) -> int:
    """The command line waits for its answer in a thread of its own."""
    return await asyncio.to_thread(feed, what, failed=failed)


async def test_all_that_failed_or_some_by_number_or_what_files_hold(running: Running) -> None:
    Path("missed.jsonl").write_text(f"{json.dumps(PUSH)}\n\n{json.dumps(PUSH)}\n", encoding="utf-8")
    running.answer = {"replayed": 2}
    assert await fed(failed=True) == 2
    assert await fed("812", "813") == 2
    assert await fed("missed.jsonl") == 2
    assert running.asked == [{"failed": True}, {"ids": [812, 813]}, {"deliveries": [PUSH, PUSH]}]


@pytest.mark.parametrize(
    ("what", "replayed", "told"),
    [
        (["812"], 0, "There is no delivery 812."),
        (["813", "812", "812"], 0, "There is none of these deliveries: 812, 813."),
        (["812", "813"], 1, "1 of these 2 deliveries are being applied again; there are no others by these numbers."),
    ],
)
async def test_numbers_that_are_none_are_said(running: Running, what: list[str], replayed: int, told: str) -> None:
    running.answer = {"replayed": replayed}
    with pytest.raises(UserError) as refused:
        await fed(*what)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("what", "failed", "told"),
    [
        ([], False, "Say which: shipmate replay --failed, or numbers"),
        (["812"], True, "Say which: shipmate replay --failed, or numbers"),
        (["812", "missed.jsonl"], False, "Numbers and files cannot be mixed"),
        (["none.jsonl"], False, r"none.jsonl: cannot be read \(.*No such file"),
        (["odd.jsonl"], False, r'odd.jsonl:2: expected \{"source": "github"'),
    ],
)
async def test_what_cannot_be_meant_is_refused_before_anybody_is_called(
    running: Running, what: list[str], failed: bool, told: str
) -> None:
    Path("odd.jsonl").write_text(f"{json.dumps(PUSH)}\nnot JSON\n", encoding="utf-8")
    with pytest.raises(UserError, match=told):
        await fed(*what, failed=failed)
    assert running.asked == []


async def test_a_line_without_a_body_is_no_delivery(running: Running) -> None:
    Path("odd.jsonl").write_text(json.dumps({**PUSH, "body": None}), encoding="utf-8")
    with pytest.raises(UserError, match=r"odd\.jsonl:1: expected"):
        await fed("odd.jsonl")


async def test_what_the_bot_refuses_is_said_in_its_words(running: Running) -> None:
    running.answer = {"error": "Nobody may do this."}
    with pytest.raises(UserError, match="Nobody may do this"):
        await fed(failed=True)
