"""Socket Mode: hello, envelopes to any one of the open connections, acknowledgements, and asking to reconnect.

docs.slack.dev/apis/events-api/using-socket-mode. At most ten connections; a ticket is good for one connection.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from bot.sandbox.slack_api import hang_up
from bot.sandbox.world import APP_ID, Json

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

MOST = 10
_HOST = "sandbox"


class Sockets:
    """The open Socket Mode connections of one Slack."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._tickets: set[str] = set()
        self._open: list[web.WebSocketResponse] = []
        self._waiting: dict[str, asyncio.Future[Any]] = {}

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
            await socket.send_json(
                {"type": "disconnect", "reason": "too_many_websockets", "debug_info": {"host": _HOST}}
            )
            await socket.close()
            return socket
        self._open.append(socket)
        try:
            await socket.send_json(self._hello())
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledged(frame.data)
        finally:
            if socket in self._open:
                self._open.remove(socket)
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": {"host": _HOST, "build_number": 1, "approximate_connection_time": 3600},
            "connection_info": {"app_id": APP_ID},
        }

    def _acknowledged(self, data: str) -> None:
        try:
            frame = json.loads(data)
        except ValueError:
            return
        if isinstance(frame, dict):
            waiting = self._waiting.pop(str(frame.get("envelope_id")), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame.get("payload"))

    async def send(self, kind: str, payload: Json, *, answerable: bool, attempt: int = 0, reason: str = "") -> Any:
        """Send one envelope and wait for the payload of its acknowledgement; TimeoutError when patience ends."""
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": answerable,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = waiting
        try:
            await random.choice(self._open).send_json(envelope)  # noqa: S311  (any connection will do)
            return await asyncio.wait_for(waiting, self._slack.patience)
        except ConnectionError as error:
            raise TimeoutError from error
        finally:
            self._waiting.pop(envelope["envelope_id"], None)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to be made anew, as Slack does from time to time, and close it."""
        for socket in list(self._open):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}})
            await socket.close()

    async def cut(self) -> None:
        """Close every connection without a word."""
        for socket in list(self._open):
            await socket.close(code=1001)
