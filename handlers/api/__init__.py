"""The HTTP API: what pipelines report and ask, and what operators ask: alive, ready, metrics, replay."""

from __future__ import annotations

from aiohttp import web

from bot.app import Bot
from bot.rendering import Renderer
from handlers.api import deliveries, description, gates, health, incidents, lists, reports
from handlers.api.reports import SOURCE, translate

__all__ = ["SOURCE", "add_routes", "translate"]


def add_routes(app: web.Application, bot: Bot, renderer: Renderer | None = None) -> None:
    """Every route of this door; ``renderer`` writes documents, by our own templates where none is given."""
    health.add_routes(app, bot)
    deliveries.add_routes(app, bot)
    reports.add_routes(app, bot)
    gates.add_routes(app, bot)
    lists.add_routes(app, bot)
    incidents.add_routes(app, bot, renderer or Renderer())
    description.add_routes(app)
