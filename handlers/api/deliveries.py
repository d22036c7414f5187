"""Feeding stored deliveries again: what ``shipmate replay`` calls.

``POST /api/v1/deliveries/replay`` takes ``{"failed": true}``, ``{"ids": [1, 2]}`` or ``{"deliveries": [{source,
headers, body}]}`` (``body`` as text, for deliveries kept in a file). It goes past the de-duplication; applying one
twice is harmless.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from aiohttp import web

from bot.app import Bot
from bot.database import DatabaseUnavailable
from bot.inbox import Lane
from handlers.api.access import refusal
from handlers.webhooks import SOURCES
from handlers.webhooks.source import DeliveryError

EXPECTED = 'Expected {"failed": true}, {"ids": [1, 2]} or {"deliveries": [{"source": …, "headers": {…}, "body": …}]}.'


def add_routes(app: web.Application, bot: Bot) -> None:
    """``POST /api/v1/deliveries/replay``."""

    async def replay(request: web.Request) -> web.Response:
        refused = refusal(bot, request)
        if refused is not None:
            return refused
        try:
            wanted = json.loads(await request.read())
        except (ValueError, RecursionError):  # no JSON, no text, or nested without end
            return _malformed()
        if not isinstance(wanted, dict):
            return _malformed()
        try:
            count = await _replay(bot, wanted)
        except DeliveryError as fault:
            return web.json_response({"error": fault.reason, "mend": fault.mend}, status=400)
        except DatabaseUnavailable as fault:
            return web.json_response({"error": str(fault), "mend": "Try again in a moment."}, status=503)
        return _malformed() if count is None else web.json_response({"replayed": count})

    app.router.add_post("/api/v1/deliveries/replay", replay)


async def _replay(bot: Bot, wanted: dict[str, Any]) -> int | None:
    """How many deliveries are fed again; None when what is wanted cannot be read.

    Each must be complete, and keeps only the headers worth storing, as at the webhooks' door (DeliveryError).
    """
    match wanted:
        case {"failed": True}:
            return await bot.replay(None)
        case {"ids": list(ids)} if all(_is_number(one) for one in ids):
            return await bot.replay(ids)
        case {"deliveries": list(deliveries)} if all(_is_delivery(one) for one in deliveries):
            for one in deliveries:
                SOURCES[one["source"]].check(one["headers"], one["body"].encode())
            for one in deliveries:
                await bot.accept(
                    source=one["source"],
                    delivery_id=f"replay:{uuid.uuid4()}",
                    headers=SOURCES[one["source"]].keep(one["headers"]),
                    body=one["body"].encode(),
                    lane=Lane.FEED,
                )
            return len(deliveries)
    return None


def _is_number(one: object) -> bool:
    """Whether this can be a delivery's own number: more than 64 bits is no number that a database can look for."""
    return isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 2**63


def _is_delivery(one: object) -> bool:
    match one:
        case {"source": str(source), "headers": dict(headers), "body": str(body)}:
            return source in SOURCES and _is_text(body) and all(isinstance(value, str) for value in headers.values())
    return False


def _is_text(body: str) -> bool:
    """Whether this can be sent: JSON may hold halves of characters, which nothing else can."""
    try:
        body.encode()
    except UnicodeEncodeError:
        return False
    return True


def _malformed() -> web.Response:
    return web.json_response({"error": "That cannot be read.", "mend": EXPECTED}, status=400)
