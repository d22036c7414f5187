"""A small server that answers as Slack does, well or badly."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.ports import Message, Posted

TOKEN = "xoxb-not-a-real-token-7281"
SINCE = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CARD = Message(
    text="checkout live in production",
    blocks=[{"type": "section", "text": {"type": "plain_text", "text": "checkout"}}],
    key="card:deploy:7:#deploys",
    metadata={"kind": "card"},
)
STANDING = Posted("C0DEPLOYS", "1763640000.000100")
METHOD_PAGES = Path(__file__).parents[2].parent / "shared" / "payloads" / "slack" / "methods"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def ok(**fields: Any) -> Answer:
    """A success."""
    return body({"ok": True, **fields})


def error(code: str, **fields: Any) -> Answer:
    """A refusal as Slack words it: HTTP 200, ``ok: false``."""
    return body({"ok": False, "error": code, **fields})


def body(value: object, *, headers: dict[str, str] | None = None) -> Answer:
    """Any JSON."""
    return raw(json.dumps(value), kind="application/json", headers=headers)


def raw(content: str, *, status: int = 200, kind: str = "text/html", headers: dict[str, str] | None = None) -> Answer:
    """Any answer at all."""

    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(text=content, status=status, content_type=kind, headers=headers)

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    """Take the whole request, then cut the connection."""
    await request.read()
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_within(request: web.Request) -> web.StreamResponse:
    """Begin an answer and cut the connection in the middle of it."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"ok": tr')
    assert request.transport is not None
    request.transport.abort()
    return response


async def hang(request: web.Request) -> web.StreamResponse:
    """Never answer; the server's end wakes it."""
    await request.app[RELEASED].wait()
    return web.Response()


RELEASED = web.AppKey("released", asyncio.Event)


class SlackServer:
    """Answers each method with what it was told to, in turn; the last answer is repeated."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.peers: set[object] = set()
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        app = web.Application()
        app[RELEASED] = asyncio.Event()
        app.router.add_route("*", "/api/{method}", self._handle)
        app.router.add_post("/hook/{method}", self._handle)
        self.app = app
        self.server = TestServer(app, host="127.0.0.1")

    def tell(self, method: str, *answers: Answer) -> None:
        """From now on."""
        self._answers[method] = list(answers)

    def arguments(self, method: str) -> list[dict[str, Any]]:
        """What a method was called with."""
        return [arguments for called, arguments in self.calls if called == method]

    @property
    def url(self) -> str:
        """The Web API's address."""
        return str(self.server.make_url("/api/"))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json" and request.can_read_body:
            arguments |= await request.json()
        self.calls.append((method, arguments))
        self.headers.append(dict(request.headers))
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
        answers = self._answers[method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return await answer(request)


def told(fault: BaseException | None) -> str:
    """Everything an error and its causes would show in a log."""
    words = []
    while fault is not None:
        words.append(f"{fault} {fault!r} {fault.__dict__!r}")
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    return " ".join(words)
