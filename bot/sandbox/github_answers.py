"""What GitHub's REST views have in common: refusals, pages of lists and their ``Link`` header, numbers in addresses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

API = "/github.com/api/v3"
"""Where the REST API is, as at an Enterprise server: the site itself is one level up."""

MOST_PER_PAGE = 100


class Refused(Exception):
    """GitHub answers with this status and message."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


@dataclass(frozen=True)
class Page:
    """One page of a list, with its ``Link`` header; ``around`` is what GitHub wraps it in, where it does."""

    items: Sequence[Any]
    link: str
    around: dict[str, Any] | None = None


Answer = tuple[int, Any] | Page
View = Callable[[web.Request], Awaitable[Answer]]


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
        query = "&".join(f"{name}={value}" for name, value in {**request.query, "page": str(to)}.items())
        links.append(f'<{base}?{query}>; rel="{relation}"')
    return ", ".join(links)
