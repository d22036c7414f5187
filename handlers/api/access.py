"""Who may call the API: whoever holds ``SHIPMATE_API_TOKEN``. A token asks and reports; it never approves."""

from __future__ import annotations

import hmac

from aiohttp import web

from bot.app import Bot


def refusal(bot: Bot, request: web.Request) -> web.Response | None:
    """The answer to a caller who may not, None for one who may."""
    token = bot.settings.api_token
    if token is None:
        return web.json_response(
            {"error": "The API is switched off.", "mend": "Set SHIPMATE_API_TOKEN where the bot runs, and here."},
            status=401,
        )
    # Headers may hold any byte: aiohttp keeps those that are no text as surrogates.
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode(errors="surrogateescape")
    if not hmac.compare_digest(given, token.get_secret_value().encode()):
        return web.json_response(
            {"error": "That token is not ours.", "mend": "Send Authorization: Bearer with SHIPMATE_API_TOKEN."},
            status=401,
        )
    return None
