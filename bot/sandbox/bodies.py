"""Reading what callers send: whatever it is, a stand-in answers, since real services do not fall over it."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


async def text_of(request: web.Request) -> str:
    """The body as text; what is not UTF-8 in it is replaced, whatever the caller says that it is."""
    return (await request.read()).decode(errors="replace")


def parsed(text: str | bytes) -> Any:
    """What JSON says; ValueError where it is none, or is too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
