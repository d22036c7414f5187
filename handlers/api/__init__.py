"""The HTTP API: what pipelines report and ask, what operators ask (alive, ready, metrics, replay), the dashboard."""

from __future__ import annotations

from aiohttp import web

from bot.app import Bot
from bot.rendering import Renderer
from handlers.api import dashboard, deliveries, description, gates, health, incidents, lists, reports
from handlers.api.reports import SOURCE, translate

__all__ = ["SOURCE", "add_routes", "translate"]


def add_routes(app: web.Application, bot: Bot, renderer: Renderer | None = None) -> None:
    """Every route of this door; ``renderer`` writes documents and pages, by our own templates where none is given."""
    renderer = renderer or Renderer()
    health.add_routes(app, bot)
    deliveries.add_routes(app, bot)
    reports.add_routes(app, bot)
    gates.add_routes(app, bot)
    lists.add_routes(app, bot)
    incidents.add_routes(app, bot, renderer)
    dashboard.add_routes(app, bot, renderer)
    description.add_routes(app)
