"""Socket Mode: hello, envelopes to any one of the open connections, acknowledgements, and asking to reconnect.

docs.slack.dev/apis/events-api/using-socket-mode. At most ten connections; a ticket is good for one connection; each
lives for about an hour (``debug_reconnects=true``: six minutes), is warned ten seconds before and then refreshed.
Which connection gets what is random, but the same in each run.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from bot.sandbox.bodies import parsed
from bot.sandbox.slack_api import hang_up
from bot.sandbox.world import APP_ID, Json

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

MOST = 10
LIFE_SECONDS = 3600.0
DEBUG_LIFE_SECONDS = 360.0
WARNED_SECONDS = 10.0
_HOST = "sandbox"


class Sockets:
    """The open Socket Mode connections of one Slack; ``life`` and ``warned`` are in real seconds."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._tickets: set[str] = set()
        self._open: dict[web.WebSocketResponse, set[str]] = {}
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self.life = LIFE_SECONDS
        self.warned = WARNED_SECONDS

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def ticket(self) -> str:
        """A fresh address to connect to, once."""
        ticket = secrets.token_urlsafe(12)
        self._tickets.add(ticket)
        return f"{self._slack.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP_ID}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it closes."""
        if self._slack.faults.down:
            return hang_up(request)
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=403)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._open) >= MOST:
            await self._say(socket, "too_many_websockets")
            await socket.close()
            return socket
        life = DEBUG_LIFE_SECONDS if request.query.get("debug_reconnects") == "true" else self.life
        ageing = asyncio.create_task(self._age(socket, life))
        self._open[socket] = set()
        self._slack.socket_mode = True
        try:
            await socket.send_json(self._hello(life))
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledged(frame.data)
        finally:
            ageing.cancel()
            self._lost(socket)
        return socket

    def _hello(self, life: float) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": {"host": _HOST, "build_number": 1, "approximate_connection_time": int(life)},
            "connection_info": {"app_id": APP_ID},
        }

    async def _age(self, socket: web.WebSocketResponse, life: float) -> None:
        await asyncio.sleep(max(0.0, life - self.warned))
        await self._say(socket, "warning")
        await asyncio.sleep(min(life, self.warned))
        await self._say(socket, "refresh_requested")
        self._lost(socket)
        await socket.close()

    def _acknowledged(self, data: str) -> None:
        try:
            frame = parsed(data)
        except ValueError:
            return
        if isinstance(frame, dict):
            waiting = self._waiting.pop(str(frame.get("envelope_id")), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame.get("payload"))

    def _lost(self, socket: web.WebSocketResponse) -> None:
        """What a connection that is gone has not acknowledged, it never will."""
        for envelope in self._open.pop(socket, set()):
            waiting = self._waiting.pop(envelope, None)
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionError("the connection closed"))

    async def send(self, kind: str, payload: Json, *, answerable: bool, attempt: int = 0, reason: str = "") -> Any:
        """Send one envelope and wait for the payload of its acknowledgement.

        TimeoutError when patience ends, or the connection does; ConnectionError where there is none.
        """
        if not self._open:
            raise ConnectionError("no Socket Mode connection is open")
        name = str(uuid.uuid4())
        envelope: Json = {
            "envelope_id": name,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": answerable,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        socket = self._slack.chance.choice(list(self._open))
        self._waiting[name] = waiting
        self._open[socket].add(name)
        try:
            await socket.send_json(envelope)
            return await asyncio.wait_for(waiting, self._slack.patience)
        except ConnectionError as error:
            raise TimeoutError from error
        finally:
            self._waiting.pop(name, None)
            self._open.get(socket, set()).discard(name)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to be made anew, as Slack does from time to time; a ``warning`` closes none."""
        for socket in list(self._open):
            await self._say(socket, reason)
            if reason != "warning":
                self._lost(socket)
                await socket.close()

    async def cut(self) -> None:
        """Close every connection without a word."""
        for socket in list(self._open):
            await socket.close(code=1001)

    @staticmethod
    async def _say(socket: web.WebSocketResponse, reason: str) -> None:
        await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}})
