"""The control door's log of what went over the wire: the latest of every system, and page after page what was before.

``GET /_sandbox/requests`` answers ``{"requests": […], "total": …, "older": …}``: at most ``limit`` of them (200 unless
told), oldest first, those before the one with the id ``before`` where it is said; how many there ever were; and how
many earlier ones are still kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bot.sandbox.control_wishes import only, refusal
from bot.sandbox.exchanges import Exchange, Log, id_of, to_page
from bot.sandbox.world import Json

ADDRESS = "/_sandbox/requests"
SHOWN = 200
MOST = 1000


class RequestsDoor:
    """Answers for the logs of all systems."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self._logs = logs

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [web.get(ADDRESS, self._read)]

    def before(self, before: str | None = None, limit: int = SHOWN) -> Json:
        """Some of what is kept, as the page draws it; LookupError where nothing of that id is kept."""
        rows = sorted((row for log in self._logs for row in list(log.rows)), key=_order)
        end = len(rows)
        if before is not None:
            found = (place for place, row in enumerate(rows) if id_of(row) == before)
            end = next(found, -1)
            if end < 0:
                raise LookupError(f"before: no request {before!r} is kept; ask without it for the latest")
        start = max(0, end - limit)
        return {
            "requests": [to_page(row) for row in rows[start:end]],
            "total": sum(log.total for log in self._logs),
            "older": start,
        }

    async def _read(self, request: web.Request) -> web.Response:
        try:
            only(request.query, ("before", "limit"))
            return web.json_response(self.before(request.query.get("before"), _limit(request.query.get("limit"))))
        except (LookupError, ValueError) as error:
            return refusal(error)


def _order(row: Exchange) -> tuple[float, str, int]:
    return row.at, row.system, row.number


def _limit(written: str | None) -> int:
    if written is None:
        return SHOWN
    if not (written.isascii() and written.isdigit() and 1 <= int(written[:9]) <= MOST):
        raise ValueError(f"limit: expected a whole number from 1 to {MOST}, not {written!r}")
    return int(written)
