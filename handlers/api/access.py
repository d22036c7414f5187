"""Who may call the API: whoever holds ``SHIPMATE_API_TOKEN``. A token asks and reports; it never approves.

A browser that once signed in to the dashboard with the token sends it by itself, also with a form on somebody else's
page: what a page sends so is no report of a pipeline's, and is refused.
"""

from __future__ import annotations

import base64
import hmac

from aiohttp import web

from bot.app import Bot

_HOW = "Send Authorization: Bearer with SHIPMATE_API_TOKEN, or have it as the basic-auth password."

_READS = ("GET", "HEAD")
_BROWSERS_SAY = ("Origin", "Sec-Fetch-Site")
"""What a browser sends with every POST, and no page can leave out (Fetch, "Origin header"; Fetch Metadata)."""


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
    if _from_a_page(request):
        return web.json_response(
            {"error": "A web page sent this, and pages report nothing.", "mend": "Send it from your pipeline."},
            status=403,
        )
    return None


def _from_a_page(request: web.Request) -> bool:
    """Whether a browser sends this with a password that it keeps, and would have something done."""
    if request.method in _READS or _given_by(request)[0].casefold() != "basic":
        return False
    return any(name in request.headers for name in _BROWSERS_SAY)


def _given(request: web.Request) -> bytes:
    """The token a caller sends: after ``Bearer``, or as the password of basic auth (``https://x:TOKEN@…``)."""
    # Headers may hold any byte: aiohttp keeps those that are no text as surrogates.
    sort, value = _given_by(request)
    if sort.casefold() != "basic":
        return (value if sort.casefold() == "bearer" else sort).encode(errors="surrogateescape")
    try:
        return base64.b64decode(value.encode(errors="surrogateescape"), validate=True).partition(b":")[2]
    except ValueError:
        return b""


def _given_by(request: web.Request) -> tuple[str, str]:
    """How a token is sent (``Basic``, ``Bearer``, or it stands alone), and what follows that word."""
    sort, _, value = request.headers.get("Authorization", "").strip().partition(" ")
    return sort, value
