"""Just enough HTTP/1.1 over asyncio's own protocols: the yardstick must cost far less than what it measures.

Keep-alive, bodies by Content-Length, one request at a time on a connection. Loopback only; not for strangers.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def split_message(buffer: bytes) -> tuple[bytes, bytes, bytes] | None:
    """The head, the body and what follows of the first whole message in ``buffer``; None while it is not whole."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = buffer[:end]
    length = _LENGTH.search(head)
    whole = end + 4 + (int(length[1]) if length else 0)
    if len(buffer) < whole:
        return None
    return head, buffer[end + 4 : whole], buffer[whole:]


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A POST in the form in which it is sent."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def response(body: bytes, headers: Sequence[str] = (), status: str = "200 OK") -> bytes:
    """An answer with a JSON body."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json; charset=utf-8", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers]).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Answered:
    """An answer: its status, when the request went out and when the answer was in (``time.perf_counter``)."""

    status: int
    sent_at: float
    at: float


class Line(asyncio.Protocol):
    """One connection of the load generator."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        message = split_message(self._buffer)
        if message is not None and self._waiting is not None:
            head, _, self._buffer = message
            self._waiting.set_result(int(head[9:12]))
            self._waiting = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None:
            self._waiting.set_exception(exc or ConnectionError("the connection was closed"))

    async def send(self, raw: bytes) -> Answered:
        """Send one request and wait for its answer."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        sent_at = time.perf_counter()
        self._transport.write(raw)
        status = await self._waiting
        return Answered(status, sent_at, time.perf_counter())

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


Answer = Callable[[bytes, bytes], bytes]
"""The raw answer to a request line and a body."""


class Door(asyncio.Protocol):
    """One connection of a stand-in."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._buffer += data
        while (message := split_message(self._buffer)) is not None:
            head, body, self._buffer = message
            self._transport.write(self._answer(head.partition(b"\r\n")[0], body))
