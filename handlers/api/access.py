"""Who may call the API: whoever holds ``SHIPMATE_API_TOKEN``. A token asks and reports; it never approves."""

from __future__ import annotations

import base64
import hmac

from aiohttp import web

from bot.app import Bot

_HOW = "Send Authorization: Bearer with SHIPMATE_API_TOKEN, or have it as the basic-auth password."


def refusal(bot: Bot, request: web.Request) -> web.Response | None:
    """The answer to a caller who may not, None for one who may."""
    token = bot.settings.api_token
    if token is None:
        return web.json_response(
            {"error": "The API is switched off.", "mend": "Set SHIPMATE_API_TOKEN where the bot runs, and here."},
            status=401,
        )
    given = _given(request)
    if not hmac.compare_digest(given, token.get_secret_value().encode()):
        return web.json_response(
            {"error": "That token is not ours." if given else "No token came with the request.", "mend": _HOW},
            status=401,
        )
    return None


def _given(request: web.Request) -> bytes:
    """The token a caller sends: after ``Bearer``, or as the password of basic auth (``https://x:TOKEN@…``)."""
    # Headers may hold any byte: aiohttp keeps those that are no text as surrogates.
    sort, _, value = request.headers.get("Authorization", "").strip().partition(" ")
    if sort.casefold() != "basic":
        return (value if sort.casefold() == "bearer" else sort).encode(errors="surrogateescape")
    try:
        return base64.b64decode(value.encode(errors="surrogateescape"), validate=True).partition(b":")[2]
    except ValueError:
        return b""
