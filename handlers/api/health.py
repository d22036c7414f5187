"""Alive, ready, metrics.

Ready means that deliveries can be stored: the database answers. Slack's state is told in the body and does not count,
as an outage there must not take our webhooks away from us.
"""

from __future__ import annotations

from contextlib import suppress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.app import Bot
from bot.database import DatabaseUnavailable


def add_routes(app: web.Application, bot: Bot) -> None:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    async def alive(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(request: web.Request) -> web.Response:
        found = await bot.readiness()
        body = {
            "status": "ready" if found.ready else "not ready",
            "database": found.database or "ok",
            "slack": found.slack or "ok",
            "leading": found.leading,
        }
        return web.json_response(body, status=200 if found.ready else 503)

    async def metrics(request: web.Request) -> web.Response:
        with suppress(DatabaseUnavailable):  # the other figures still tell; /readyz says what is wrong
            await bot.delivery.measure()
            await bot.inbox.measure()
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
