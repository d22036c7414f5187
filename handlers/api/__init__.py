"""The HTTP API and what operators ask: alive, ready, metrics, replay."""

from __future__ import annotations

from aiohttp import web

from bot.app import Bot
from handlers.api import deliveries, health


def add_routes(app: web.Application, bot: Bot) -> None:
    """Every route of this door."""
    health.add_routes(app, bot)
    deliveries.add_routes(app, bot)
