"""What PagerDuty's REST views have in common: refusals with its codes, pages of lists, references in bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from aiohttp import web

from bot.sandbox.bodies import parsed, text_of
from bot.sandbox.pagerduty_records import Json

MOST_PER_PAGE = 100
Kept = TypeVar("Kept")


class Refused(Exception):
    """PagerDuty answers with this status, its own code, and errors in detail."""

    def __init__(
        self, status: int, code: int, message: str, errors: Sequence[str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": {"message": message, "code": code, **({"errors": list(errors)} if errors else {})}}
        self.headers = dict(headers or {})


Answer = tuple[int, Json | None]
View = Callable[[web.Request], Awaitable[Answer]]


def invalid(*errors: str) -> Refused:
    """The fields are wrong."""
    return Refused(400, 2001, "Invalid Input Provided", errors)


def conflicting(*errors: str) -> Refused:
    """The fields are right, and what they ask for cannot be."""
    return Refused(400, 2002, "Arguments Caused Error", errors)


def not_found() -> Refused:
    """There is no such thing."""
    return Refused(404, 2100, "Not Found")


async def body_of(request: web.Request) -> Json:
    """The JSON object sent."""
    try:
        sent = parsed(await text_of(request))
    except ValueError:
        raise invalid("The request body is not JSON") from None
    if not isinstance(sent, dict):
        raise invalid("The request body is not an object")
    return sent


async def wrapped(request: web.Request, name: str) -> Json:
    """The object that stands in the body under its kind's name, as PagerDuty wants it."""
    found = (await body_of(request)).get(name)
    if not isinstance(found, dict):
        raise invalid(f"{name.capitalize()} is required")
    return found


def referred(piece: object, kept: Mapping[str, Kept], what: str, kind: str) -> Kept:
    """What a reference names, whose ``type`` is the kind or a reference to it."""
    named = piece if isinstance(piece, dict) else {}
    if named.get("type") not in (kind, f"{kind}_reference"):
        raise invalid(f"{what} is a reference whose type is {kind}_reference")
    identity = named.get("id")
    found = kept.get(identity) if isinstance(identity, str) else None
    if found is None:
        raise conflicting(f"{what} not found")
    return found


def listed(request: web.Request, name: str, everything: Sequence[Json]) -> Answer:
    """The page of a list that ``offset`` and ``limit`` ask for, with the total only where asked for."""
    offset, limit = _number(request, "offset", 0), min(max(_number(request, "limit", 25), 1), MOST_PER_PAGE)
    return 200, {
        name: list(everything[offset : offset + limit]),
        "limit": limit,
        "offset": offset,
        "more": offset + limit < len(everything),
        "total": len(everything) if request.query.get("total") in ("1", "true", "True") else None,
    }


def _number(request: web.Request, name: str, default: int) -> int:
    try:
        return max(0, int(request.query.get(name, default)))
    except ValueError:
        raise invalid(f"{name.capitalize()} must be an integer") from None
