"""A small server that answers as it is told to, well or badly: what those of GitHub and Slack have in common."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Told = Answer | dict[str, Any] | list[Any]
RELEASED = web.AppKey("released", asyncio.Event)


def body(value: object, status: int = 200, **headers: str) -> Answer:
    """Any JSON."""
    return raw(json.dumps(value), status, kind="application/json", **headers)


def raw(content: str, status: int = 200, kind: str = "text/html", **headers: str) -> Answer:
    """Any answer at all; header names with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(text=content, status=status, content_type=kind, headers=named)

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


class Stub:
    """Answers each ``{name}`` in its addresses with what it was told to, in turn; the last answer is repeated."""

    def __init__(self, *addresses: str, otherwise: Answer) -> None:
        self._answers: dict[str, list[Answer]] = defaultdict(lambda: [otherwise])
        self._app = web.Application()
        self._app[RELEASED] = asyncio.Event()
        for address in addresses:
            self._app.router.add_route("*", address, self._handle)
        self.server = TestServer(self._app, host="127.0.0.1")

    async def __aenter__(self) -> Self:
        await self.server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._app[RELEASED].set()
        await self.server.close()

    def answers(self, name: str, *answers: Told) -> None:
        """What is answered from now on; what is no answer yet is one as JSON."""
        self._answers[name] = [answer if callable(answer) else body(answer) for answer in answers]

    async def noted(self, name: str, request: web.Request) -> None:
        """Keep what tests ask for of a request."""
        raise NotImplementedError

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        await self.noted(name, request)
        answers = self._answers[name]
        return await (answers.pop(0) if len(answers) > 1 else answers[0])(request)


def told(fault: BaseException | None) -> str:
    """Everything an error and its causes would show in a log."""
    words = []
    while fault is not None:
        words.append(f"{fault} {fault!r} {fault.__dict__!r}")
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    return " ".join(words)
