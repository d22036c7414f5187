"""``POST /slack/events``: commands, clicks and events over HTTP, let in by Slack's signature over the raw body.

Bolt would check the signature itself, yet it parses first (a broken payload from anybody ends in a traceback), answers
a malformed signature with a 500, and logs refused bodies. It also takes each form with the word ``payload`` in it for a
click, so that ``/ship where payload`` would be lost. Everything is therefore checked and read here, and Bolt is given
what was read, in the way in which its own Socket Mode does. Arguments in the address are never looked at.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from handlers.body import read_body
from handlers.webhooks.source import DeliveryError, Malformed, Unauthorised, header

log = structlog.get_logger(__name__)

ROUTE = "/slack/events"

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes: a view has at most 250 kB (docs.slack.dev), a message less; a form makes three bytes of one."""

BODY_PATIENCE = 10.0
"""Seconds for a body to arrive; Slack itself gives up after three."""

LATE = 300
"""Seconds by which a signature may be older or newer than now (docs.slack.dev, verifying requests)."""

_STAMP = re.compile(r"[0-9]{1,15}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_SSL_CHECK = re.compile(rb"(?:^|&)ssl_check=1(?:&|$)")
_FIELDS = 100
"""Fields of a form at most: a command has about a dozen."""


def add_routes(
    web_app: web.Application, app: AsyncApp, signing_secret: str | None, *, now: Callable[[], float] = time.time
) -> None:
    """Open the route; without a ``signing_secret`` (Socket Mode) everything is refused.

    ``now`` is the wall clock in seconds since 1970: Slack's signatures are dated by it, whatever clock the bot keeps.
    """

    async def receive(request: web.Request) -> web.Response:
        try:
            body = await read_body(request, limit=BODY_LIMIT, patience=BODY_PATIENCE)
            if "X-Slack-Signature" not in request.headers and _is_ssl_check(request, body):
                return web.Response()
            verify(request.headers, body, signing_secret, now())
            payload = parse(request.content_type, body)
            bolt_request = _for_bolt(payload, request.headers)
        except DeliveryError as refused:
            return _refusal(request, refused)
        return await to_aiohttp_response(await app.async_dispatch(bolt_request))

    web_app.router.add_post(ROUTE, receive)


def verify(headers: Mapping[str, str], body: bytes, secret: str | None, now: float) -> None:
    """Unauthorised unless the body carries Slack's signature of the last five minutes.

    ``v0=`` and the hexadecimal HMAC-SHA256 of ``v0:timestamp:body`` (docs.slack.dev, verifying requests).
    """
    if not secret:
        raise Unauthorised(
            "Nobody can prove to be Slack here.",
            "Set SLACK_SIGNING_SECRET, or use Socket Mode and leave this address out.",
        )
    stamp, given = header(headers, "X-Slack-Request-Timestamp"), header(headers, "X-Slack-Signature")
    if stamp is None or given is None or not _STAMP.fullmatch(stamp) or not _SIGNATURE.fullmatch(given):
        raise Unauthorised("Slack's signature is missing or malformed.", "Only Slack can call this address.")
    expected = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, given.removeprefix("v0=")):
        raise Unauthorised(
            "The signature does not belong to this body.",
            "Compare SLACK_SIGNING_SECRET with your Slack app → Basic Information.",
        )
    if abs(now - int(stamp)) > LATE:
        raise Unauthorised("The signature is too old or too new.", "Set this machine's clock right (NTP).")


def parse(content_type: str, body: bytes) -> dict[str, Any]:
    """What Slack sent, from JSON, or from a form whose ``payload`` field is JSON; Malformed where it is neither."""
    try:
        text = body.decode()
        if content_type == "application/json" or text.startswith("{"):
            payload = json.loads(text)
        else:
            payload = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS))
            if "payload" in payload:
                payload = json.loads(payload["payload"])
    except (ValueError, RecursionError):
        raise Malformed("The body cannot be read.", "Expected JSON, or a form as Slack sends it.") from None
    if not _is_complete(payload):
        raise Malformed("The body is not a command, a click or an event.", "Expected a payload as Slack sends it.")
    found: dict[str, Any] = payload
    return found


def _is_complete(payload: object) -> bool:
    """Whether this has what Bolt and the listeners rely on."""
    if not isinstance(payload, dict):
        return False
    kind = payload.get("type")
    if kind is None:
        return isinstance(payload.get("command"), str)
    relied_on = _RELIED_ON.get(kind) if isinstance(kind, str) else _nothing_else
    return relied_on is None or relied_on(payload)


def _nothing_else(payload: dict[str, Any]) -> bool:
    return False


def _has_actions(payload: dict[str, Any]) -> bool:
    actions = payload.get("actions")
    return (
        isinstance(actions, list)
        and bool(actions)
        and all(isinstance(one, dict) and isinstance(one.get("action_id"), str) for one in actions)
    )


def _has_view(payload: dict[str, Any]) -> bool:
    """Whether there is a modal with its name and what was filled in."""
    view = payload.get("view")
    if not isinstance(view, dict) or not isinstance(view.get("callback_id"), str):
        return False
    state = view.get("state")
    return isinstance(state, dict) and isinstance(state.get("values"), dict)


_RELIED_ON: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "block_actions": _has_actions,
    "view_submission": _has_view,
    "view_closed": _has_view,
    "shortcut": lambda payload: isinstance(payload.get("callback_id"), str),
    "message_action": lambda payload: isinstance(payload.get("callback_id"), str),
    "block_suggestion": lambda payload: isinstance(payload.get("action_id"), str),
    "event_callback": lambda payload: isinstance(payload.get("event"), dict),
}
"""What each kind of payload must have; Bolt gets the others as they are."""


def _is_ssl_check(request: web.Request, body: bytes) -> bool:
    """Slack's unsigned look at our certificate: it wants a 200 and nothing else."""
    return request.content_type == "application/x-www-form-urlencoded" and _SSL_CHECK.search(body) is not None


def _for_bolt(payload: dict[str, Any], headers: Mapping[str, str]) -> AsyncBoltRequest:
    try:
        kept = {name: value for name, value in headers.items() if name.lower().startswith("x-slack-retry-")}
        return AsyncBoltRequest(body=payload, headers={**kept}, mode="socket_mode")
    except (AttributeError, KeyError, TypeError, ValueError):
        # Bolt reads ids on the way, and stumbles where a field is of another kind.
        raise Malformed("The body is not shaped like Slack's.", "Expected a payload as Slack sends it.") from None


def _refusal(request: web.Request, refused: DeliveryError) -> web.Response:
    log.warning("a request to Slack's address was refused", status=refused.status, reason=refused.reason)
    answer = web.json_response({"error": refused.reason, "mend": refused.mend}, status=refused.status)
    if isinstance(refused, Malformed):
        answer.headers["X-Slack-No-Retry"] = "1"  # the same would come again
    if not request.content.is_eof():
        answer.force_close()  # what is left of the body is not worth waiting for
    return answer
