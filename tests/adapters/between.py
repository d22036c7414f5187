"""A server between a client and the stand-in world, which loses, cuts and refuses what passes as networks do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Spoil:
    """What happens to the next request of this verb whose path holds this word."""

    how: str
    verb: str
    path: str
    times: int
    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass
class Between:
    """Passes everything on to ``upstream``, but for what is to be spoilt; ``passed`` is what reached it."""

    upstream: str
    seen: list[str] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    """The JSON of each request, seen as well as passed on."""
    hanging: int = 0
    """How many were left without an answer so far."""
    _spoils: list[Spoil] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._released = asyncio.Event()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._server = TestServer(application, host="127.0.0.1")
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Between:
        await self._server.start_server()
        self._client = aiohttp.ClientSession(auto_decompress=False)
        return self

    async def __aexit__(self, *fault: object) -> None:
        self._released.set()
        assert self._client is not None
        await self._client.close()
        await self._server.close()

    @property
    def url(self) -> str:
        """The address that stands for ``upstream``."""
        return str(self._server.make_url("")).rstrip("/")

    def spoil(
        self,
        how: str,
        *,
        verb: str = "POST",
        path: str = "",
        times: int = 1,
        status: int = 502,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Spoil such requests.

        ``cut``: the connection ends before anything was done; ``accept_then_cut``: after. ``hang`` and
        ``accept_then_hang``: no answer until the end. ``answer`` and ``accept_then_answer``: ``status``, ``body``.
        """
        self._spoils.append(Spoil(how, verb, path, times, status, body or {}, headers or {}))

    def clear(self) -> None:
        """Spoil nothing more."""
        self._spoils.clear()

    def posts(self, word: str = "") -> list[str]:
        """The paths of the POSTs seen that hold this word."""
        return [one.partition(" ")[2] for one in self.seen if one.startswith("POST ") and word in one]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(f"{request.method} {request.path}")
        self.sent.append(await request.json() if request.content_type == "application/json" and body else None)
        spoil = next(
            (one for one in self._spoils if one.times and one.verb == request.method and one.path in request.path), None
        )
        if spoil is None:
            return await self._pass(request, body)
        spoil.times -= 1
        if spoil.how.startswith("accept_then_"):
            await self._pass(request, body)
        if spoil.how.endswith("cut"):
            assert request.transport is not None
            request.transport.abort()
        elif spoil.how.endswith("hang"):
            self.hanging += 1
            await self._released.wait()
        return web.json_response(dict(spoil.body), status=spoil.status, headers=dict(spoil.headers))

    async def _pass(self, request: web.Request, body: bytes) -> web.StreamResponse:
        assert self._client is not None
        kept = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
        async with self._client.request(
            request.method, f"{self.upstream}{request.path_qs}", data=body, headers=kept, allow_redirects=False
        ) as answer:
            told = {name: value for name, value in answer.headers.items() if name.lower().startswith(("x-", "retry-"))}
            text = await answer.read()
            kind = answer.content_type if text else None
            return web.Response(body=text, status=answer.status, headers=told, content_type=kind)
