"""A small server that answers as Slack does, well or badly."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.ports import Message, Posted
from tests.adapters.stub import Answer, Stub, body

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


def ok(**fields: Any) -> Answer:
    """A success."""
    return body({"ok": True, **fields})


def error(code: str, **fields: Any) -> Answer:
    """A refusal as Slack words it: HTTP 200, ``ok: false``."""
    return body({"ok": False, "error": code, **fields})


class SlackServer(Stub):
    """Answers each method; what it was not told of is no method of Slack's."""

    def __init__(self) -> None:
        super().__init__("/api/{name}", "/hook/{name}", otherwise=error("unknown_method"))
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.peers: set[object] = set()

    def tell(self, method: str, *answers: Answer) -> None:
        """What a method answers from now on."""
        self.answers(method, *answers)

    def arguments(self, method: str) -> list[dict[str, Any]]:
        """What a method was called with."""
        return [arguments for called, arguments in self.calls if called == method]

    @property
    def url(self) -> str:
        """The Web API's address."""
        return str(self.server.make_url("/api/"))

    async def noted(self, name: str, request: web.Request) -> None:
        """Keep the arguments, the headers, and which connection it was."""
        arguments: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json" and request.can_read_body:
            arguments |= await request.json()
        self.calls.append((name, arguments))
        self.headers.append(dict(request.headers))
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
