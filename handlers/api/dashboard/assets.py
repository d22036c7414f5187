"""The dashboard's style sheet and script: files beside this one, at addresses that change when they do."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from aiohttp import web

ASSETS = {"board.css": "text/css", "board.js": "text/javascript"}
"""Every file there is, with what it is."""


def address(root: str, name: str) -> str:
    """Where a page whose root is so far away finds a file as it is now."""
    return f"{root}dashboard/{name}?{_version(name)}"


async def served(name: str, request: web.Request) -> web.Response:
    """A file; kept by browsers where it was asked for by its present address. Nothing in it is anybody's secret."""
    present = request.query_string == _version(name)
    return web.Response(
        body=_content(name),
        content_type=ASSETS[name],
        charset="utf-8",
        headers={
            "Cache-Control": "public, max-age=31536000, immutable" if present else "no-cache",
            "X-Content-Type-Options": "nosniff",
        },
    )


@cache
def _content(name: str) -> bytes:
    return (Path(__file__).parent / name).read_bytes()


@cache
def _version(name: str) -> str:
    return hashlib.sha256(_content(name)).hexdigest()[:16]
