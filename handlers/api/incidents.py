"""``GET /api/v1/incidents/{id}``, its ``/timeline`` and ``/postmortem``, and ``GET /api/v1/metrics``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from aiohttp import web
from sqlmodel import Session

from bot.answers import incident_rows
from bot.answers.metrics import LONGEST
from bot.app import Bot
from bot.database import DatabaseUnavailable
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.incidents import postmortem
from bot.incidents.models import Incident
from bot.rendering import Renderer
from handlers.api.access import refusal

Found = TypeVar("Found")
Read = Callable[[Session, Desk, int], Found | None]

ARGUMENTS = ("service", "team", "days")
"""What narrows the figures."""


def add_routes(app: web.Application, bot: Bot, renderer: Renderer) -> None:
    """Open them."""
    app.router.add_get(r"/api/v1/incidents/{id:\d{1,9}}", _about(bot, incident_rows.incident, web.json_response))
    app.router.add_get(
        r"/api/v1/incidents/{id:\d{1,9}}/timeline",
        _about(bot, incident_rows.timeline_of, lambda lines: web.json_response({"timeline": lines})),
    )
    app.router.add_get(
        r"/api/v1/incidents/{id:\d{1,9}}/postmortem",
        _about(bot, _postmortem, lambda view: _document(renderer, view)),
    )
    app.router.add_get("/api/v1/metrics", _metrics(bot))


def _about(
    bot: Bot, read: Read[Found], answered: Callable[[Found], web.Response]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        refused = refusal(bot, request)
        if refused is not None:
            return refused
        number = int(request.match_info["id"])
        try:
            found = await bot.read(lambda session, desk: read(session, desk, number))
        except DatabaseUnavailable as fault:
            return _away(fault)
        if found is None:
            return web.json_response(
                {
                    "error": f"There is no incident {number}.",
                    "mend": "GET /api/v1/incidents lists those that there are.",
                },
                status=404,
            )
        return answered(found)

    return answer


def _metrics(bot: Bot) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        refused = refusal(bot, request) or _amiss(request.query)
        if refused is not None:
            return refused
        service, team = (request.query.get(name, "").replace("\0", "")[:255] or None for name in ("service", "team"))
        days = int(request.query["days"]) if "days" in request.query else None
        try:
            found = await bot.read(lambda session, desk: incident_rows.metrics(session, desk, service, team, days))
        except DatabaseUnavailable as fault:
            return _away(fault)
        except UserError as unknown:
            mend = "Leave it out for all of them; names are those of shipmate.yml, and of what was deployed."
            return web.json_response({"error": str(unknown), "mend": mend}, status=404)
        return web.json_response(found)

    return answer


def _amiss(query: Mapping[str, str]) -> web.Response | None:
    unknown = [name for name in query if name not in ARGUMENTS]
    if unknown:
        return web.json_response(
            {"error": f"Nobody knows the argument {unknown[0][:40]}.", "mend": f"Expected {', '.join(ARGUMENTS)}."},
            status=400,
        )
    days = query.get("days", "30")
    if not days.isascii() or not days.isdigit() or len(days) > 4 or not 1 <= int(days) <= LONGEST.days:
        return web.json_response(
            {"error": f"days is no number from 1 to {LONGEST.days}.", "mend": "Expected for example ?days=30."},
            status=400,
        )
    return None


def _postmortem(session: Session, desk: Desk, number: int) -> postmortem.Postmortem | None:
    row = session.get(Incident, number)
    return postmortem.load(session, desk, row) if row is not None else None


def _document(renderer: Renderer, view: postmortem.Postmortem) -> web.Response:
    """The draft as it would be written now, in Markdown."""
    return web.Response(
        text=renderer.document(postmortem.TEMPLATE, view), content_type="text/markdown", charset="utf-8"
    )


def _away(fault: DatabaseUnavailable) -> web.Response:
    return web.json_response({"error": str(fault), "mend": "Try again in a moment."}, status=503)
