"""What GitHub's REST views have in common: refusals, pages of lists and their ``Link`` header, bodies, numbers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from bot.sandbox.bodies import parsed, text_of

API = "/github.com/api/v3"
"""Where the REST API is, as at an Enterprise server: the site itself is one level up."""

MOST_PER_PAGE = 100
Kind = TypeVar("Kind")


class Refused(Exception):
    """GitHub answers with this status and message, and for some with ``errors`` in detail."""

    def __init__(
        self,
        status: int,
        message: str,
        headers: dict[str, str] | None = None,
        errors: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.errors = errors


@dataclass(frozen=True)
class Page:
    """One page of a list, with its ``Link`` header; ``around`` is what GitHub wraps it in, where it does."""

    items: Sequence[Any]
    link: str
    around: dict[str, Any] | None = None


Answer = tuple[int, Any] | Page
View = Callable[[web.Request], Awaitable[Answer]]
Route = tuple[str, str, View, str | None]
"""Verb, path below the API's address, view, and the permission an App needs for it (``deployments:write``)."""


def positive(request: web.Request, name: str, default: int) -> int:
    """A number of the query, at least 1; the default where it is absent or no number."""
    try:
        return max(1, int(request.query.get(name, default)))
    except ValueError:
        return default


def number(request: web.Request, name: str) -> int:
    """A number in the path; anything else is not found."""
    try:
        return int(request.match_info[name])
    except ValueError:
        raise Refused(404, "Not Found") from None


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object sent; an empty body is an empty object."""
    text = await text_of(request)
    try:
        sent = parsed(text) if text else {}
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None
    if not isinstance(sent, dict):
        raise Refused(400, "Body should be a JSON object")
    return sent


def invalid(told: str) -> Refused:
    """What GitHub says of a request that its own description does not allow."""
    return Refused(422, f"Invalid request.\n\n{told}")


def wanted(sent: Mapping[str, Any], name: str, kind: type[Kind]) -> Kind:
    """A required field of this type."""
    if name not in sent:
        raise invalid(f'"{name}" wasn\'t supplied.')
    return typed(sent, name, kind)


def typed(sent: Mapping[str, Any], name: str, kind: type[Kind]) -> Kind:
    """A field that is there, of this type."""
    value = sent[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise invalid(f"For 'properties/{name}', {json.dumps(value)} is not of the right type.")
    return value


def one_of(sent: Mapping[str, Any], name: str, allowed: Sequence[str]) -> str:
    """A required field that is one of these words."""
    value = wanted(sent, name, str)
    if value not in allowed:
        raise invalid(f"{value} is not a member of {list(allowed)}.")
    return value


def optional(sent: Mapping[str, Any], name: str, default: str = "") -> str:
    """A text that may be absent or null."""
    return default if sent.get(name) is None else typed(sent, name, str)


def instant_of(written: str | None, name: str) -> datetime | None:
    """An instant of the query in ISO 8601, in UTC where it has no offset; None where absent."""
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise Refused(422, "Validation Failed", errors=[{"code": "invalid", "field": name}]) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def page_of(request: web.Request, api: str, everything: Sequence[Any], *, default: int = 30) -> Page:
    """The page of a list that ``page`` and ``per_page`` ask for."""
    page, size = positive(request, "page", 1), min(positive(request, "per_page", default), MOST_PER_PAGE)
    start = (page - 1) * size
    last = max(1, -(-len(everything) // size))
    return Page(everything[start : start + size], _link(request, api, page, last))


def _link(request: web.Request, api: str, page: int, last: int) -> str:
    wanted: dict[str, int] = {}
    if page > 1:
        wanted |= {"prev": page - 1, "first": 1}
    if page < last:
        wanted |= {"next": page + 1, "last": last}
    base = f"{api}{request.path.removeprefix(API)}"
    links = []
    for relation, to in wanted.items():
        links.append(f'<{base}?{urlencode({**request.query, "page": to})}>; rel="{relation}"')
    return ", ".join(links)
