"""``GET /api/v1/…``: services, deploys, promotions, locks, trains, incidents, a page at a time; a train's calendar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.answers import incident_rows, lists, timetables
from bot.answers.lists import LARGEST_PAGE, USUAL_PAGE, Asked, List
from bot.app import Bot
from bot.database import DatabaseUnavailable
from handlers.api.access import refusal
from handlers.webhooks.source import DeliveryError, Malformed

ROUTES: Mapping[str, List] = {
    "services": lists.services,
    "deploys": lists.deploys,
    "promotions": lists.promotions,
    "locks": lists.locks,
    "trains": timetables.trains,
    "incidents": incident_rows.incidents,
}
"""Everything that can be listed, by the last part of its address."""

ARGUMENTS = ("service", "environment", "state", "before", "limit")


def add_routes(app: web.Application, bot: Bot) -> None:
    """Open all of ROUTES."""
    for name, listing in ROUTES.items():
        app.router.add_get(f"/api/v1/{name}", _lister(bot, name, listing))
    app.router.add_get("/api/v1/trains/{name}.ics", _calendar(bot))


def _lister(bot: Bot, name: str, listing: List) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        refused = refusal(bot, request)
        if refused is not None:
            return refused
        try:
            asked = _asked(request.query)
        except DeliveryError as fault:
            return web.json_response({"error": fault.reason, "mend": fault.mend}, status=fault.status)
        try:
            page = await bot.read(lambda session, desk: listing(session, desk, asked))
        except DatabaseUnavailable as fault:
            return web.json_response({"error": str(fault), "mend": "Try again in a moment."}, status=503)
        return web.json_response({name: list(page.rows), "next": page.next})

    return answer


def _calendar(bot: Bot) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        refused = refusal(bot, request)
        if refused is not None:
            return refused
        name = request.match_info["name"]
        try:
            made = await bot.read(lambda session, desk: timetables.feed(session, desk, name))
        except DatabaseUnavailable as fault:
            return web.json_response({"error": str(fault), "mend": "Try again in a moment."}, status=503)
        if made is None:
            there = ", ".join(bot.catalog.trains) or "none"
            return web.json_response(
                {"error": f"There is no train {name[:80]}.", "mend": f"Those of shipmate.yml: {there}."}, status=404
            )
        return web.Response(body=made, content_type="text/calendar", charset="utf-8")

    return answer


def _asked(query: Mapping[str, str]) -> Asked:
    unknown = [name for name in query if name not in ARGUMENTS]
    if unknown:
        raise Malformed(f"Nobody knows the argument {unknown[0][:40]}.", f"Expected {', '.join(ARGUMENTS)}.")
    words = {name: query[name].replace("\0", "")[:255] for name in ("service", "environment", "state") if name in query}
    before = _number(query, "before", 2**31 - 1) if "before" in query else None
    limit = _number(query, "limit", LARGEST_PAGE) if "limit" in query else USUAL_PAGE
    return Asked(before=before, limit=max(1, limit), **words)


def _number(query: Mapping[str, str], name: str, most: int) -> int:
    value = query[name]
    if not value.isascii() or not value.isdigit() or len(value) > 10 or int(value) > most:
        raise Malformed(f"{name} is no number from 0 to {most}.", f"Expected for example ?{name}=50.")
    return int(value)
