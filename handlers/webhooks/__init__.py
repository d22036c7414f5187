"""The door for other systems: one route for all of them, and the table of those that are known.

Each request is read (within limits), verified on its raw body, checked, and stored; what it means is found out later,
by the inbox. Nothing is stored that is not verified and well formed, and nothing a sender does is our failure: the only
5xx says that storing was not possible just now.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import Counter

from bot.inbox import RECEIVED_AT, Accepted, Lane
from handlers.webhooks import alertmanager, datadog, generic, github, grafana, launchdarkly, pagerduty, sentry
from handlers.webhooks.source import (
    DeliveryError,
    Headers,
    Malformed,
    NotStored,
    Source,
    TooLarge,
    Unauthorised,
    UnknownSource,
)

log = structlog.get_logger(__name__)

SOURCES: Mapping[str, Source] = {
    "github": github.SOURCE,
    "alertmanager": alertmanager.SOURCE,
    "grafana": grafana.SOURCE,
    "datadog": datadog.SOURCE,
    "sentry": sentry.SOURCE,
    "pagerduty": pagerduty.SOURCE,
    "launchdarkly": launchdarkly.SOURCE,
    "generic": generic.SOURCE,
}
"""Who may knock, by the name in the path."""

BODY_LIMIT = 25 * 1024 * 1024
"""Bytes of one delivery: GitHub sends no larger one."""

SMALL_BODY = 1024 * 1024
"""Bytes that need no permission; almost every delivery is far smaller."""

LARGE_AT_ONCE = 4
"""How many larger bodies are held in memory at a time: strangers may send them too, and the rest wait unread."""

BODY_PATIENCE = 30.0
"""Seconds for a body to arrive, our own making it wait not counted. GitHub itself gives up after ten."""

PLACE_PATIENCE = 5.0
"""Seconds to wait for a place for a larger body: the sender must still hear that it is to send it again."""

RETRY_AFTER = 10
"""Seconds after which a delivery that could not be stored may be sent again."""


REFUSED = Counter(
    "shipmate_deliveries_refused_total",
    "Deliveries turned away at the door, by source and status.",
    ["source", "status"],
)
"""Alertmanager and Datadog send nothing again that is answered 4xx: with a wrong secret their alerts are lost."""


class WebhookBot(Protocol):
    """What this door needs of the bot."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """What time it is."""
        ...

    async def accept(
        self, *, source: str, delivery_id: str, headers: Mapping[str, str], body: bytes, lane: Lane, about: str = ""
    ) -> Accepted:
        """Store a delivery durably, or raise; ``about`` is of ``Source``."""
        ...

    def webhook_secret(self, source: str) -> str | None:
        """The secret shared with this source, or None where none is set."""
        ...

    def insecure(self, source: str) -> bool:
        """Whether the configuration takes this source at its word."""
        ...


def add_routes(
    app: web.Application,
    bot: WebhookBot,
    *,
    body_patience: float = BODY_PATIENCE,
    place_patience: float = PLACE_PATIENCE,
) -> None:
    """Open ``POST /webhooks/{source}``; a body has ``body_patience`` seconds to arrive."""
    large = _Places(place_patience)

    async def receive(request: web.Request) -> web.Response:
        name = request.match_info["source"]
        try:
            if name not in SOURCES:
                raise UnknownSource("unknown source", f"Sources known here: {', '.join(sorted(SOURCES))}.")
            async with contextlib.AsyncExitStack() as held:
                body = await _read(request, held, large, body_patience)
                _verify(name, request.headers, body, bot)
                accepted = await _store(name, request.headers, body, bot)
        except DeliveryError as refused:
            REFUSED.labels(name if name in SOURCES else "unknown", str(refused.status)).inc()
            return _refusal(request, refused)
        if accepted is Accepted.DUPLICATE:
            return web.json_response({"duplicate": True})
        return web.json_response({"accepted": True}, status=202)

    app.router.add_post("/webhooks/{source}", receive)


class _Places:
    """The few places for larger bodies; ``patience`` is how many seconds one is waited for."""

    def __init__(self, patience: float) -> None:
        self._free = asyncio.Semaphore(LARGE_AT_ONCE)
        self._patience = patience

    async def take(self, held: contextlib.AsyncExitStack, arriving: asyncio.Timeout) -> None:
        """Take a place until ``held`` ends; the time ``arriving`` stands still meanwhile. NotStored if none is free."""
        loop = asyncio.get_running_loop()
        began, ends = loop.time(), arriving.when()
        arriving.reschedule(None)
        try:
            async with asyncio.timeout(self._patience):
                await held.enter_async_context(self._free)
        except TimeoutError:
            raise NotStored("Too many large deliveries are arriving at once.", "Send it again in a moment.") from None
        if ends is not None:
            arriving.reschedule(ends + loop.time() - began)


async def _read(request: web.Request, held: contextlib.AsyncExitStack, large: _Places, patience: float) -> bytes:
    """The raw body; where it needs one of the ``large`` places, ``held`` keeps that until the answer."""
    too_large = TooLarge("The body is too large.", f"Send at most {BODY_LIMIT // 1024**2} MB.")
    if (request.content_length or 0) > BODY_LIMIT:
        raise too_large
    body = bytearray()
    small = True
    try:
        async with asyncio.timeout(patience) as arriving:
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise too_large
                if small and len(body) > SMALL_BODY:
                    small = False
                    await large.take(held, arriving)
    except TimeoutError:
        raise Malformed("The body did not arrive in time.", "Send it again.") from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise Malformed("The body is broken off or badly encoded.", "Send it again, uncompressed.") from None
    return bytes(body)


def _verify(name: str, headers: Headers, body: bytes, bot: WebhookBot) -> None:
    """Unauthorised unless the sender is who it claims to be, or the configuration takes it at its word."""
    secret = bot.webhook_secret(name)
    if secret:
        SOURCES[name].verify(headers, body, secret)
    elif not bot.insecure(name):
        raise Unauthorised(
            "No secret is set for this source, so nobody can prove to be it.",
            f"Set {name.upper().replace('-', '_')}_WEBHOOK_SECRET to the secret of the sender's webhook.",
        )


async def _store(name: str, headers: Headers, body: bytes, bot: WebhookBot) -> Accepted:
    """Hand over a verified delivery that is well formed; NotStored whatever goes wrong with keeping it."""
    source = SOURCES[name]
    source.check(headers, body)
    about = source.about(headers, body)
    delivery_id = about + source.delivery_id({**headers, RECEIVED_AT: bot.clock().isoformat()}, body)
    try:
        return await bot.accept(
            source=name,
            delivery_id=delivery_id,
            headers=source.keep(headers),
            body=body,
            lane=source.lane(headers),
            about=about,
        )
    except Exception as fault:  # noqa: BLE001 - whatever it is, the sender must know that we have nothing
        # The first line only: the rest of a database's error holds the row, and the row a stranger's words.
        reason = f"{type(fault).__name__}: {fault}".partition("\n")[0]
        log.error("webhook not stored", source=name, delivery=delivery_id, reason=reason)
        raise NotStored("This delivery could not be stored.", "Send it again in a moment.") from None


def _refusal(request: web.Request, refused: DeliveryError) -> web.Response:
    answer = web.json_response({"error": refused.reason, "mend": refused.mend}, status=refused.status)
    if isinstance(refused, NotStored):
        answer.headers["Retry-After"] = str(RETRY_AFTER)
    else:
        source = request.match_info["source"][:64]
        log.warning("webhook refused", source=source, status=refused.status, reason=refused.reason)
    if not request.content.is_eof():
        # What is left of the body is not worth waiting for.
        answer.force_close()
    return answer
