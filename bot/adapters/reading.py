"""Reading JSON from other systems without trusting its shape: what is missing or of another kind counts as absent.

Text comes without NULs and lone surrogates, which PostgreSQL refuses.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

LINE_LIMIT = 255
"""Characters of a name or title: GitHub allows 256 in a title."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_YEARS = range(1970, 2200)
"""Dates outside are a sender's mistake, and the last years of the calendar break time zone arithmetic."""


def piece(container: object, name: str) -> dict[str, Any]:
    """The object in a field; an empty one where there is none."""
    value = container.get(name) if isinstance(container, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[dict[str, Any]]:
    """The objects of a list, and nothing of what is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(container: object, name: str) -> str:
    """A text field, or "" where there is none."""
    value = container.get(name) if isinstance(container, dict) else None
    if not isinstance(value, str):
        return ""
    return _UNSTORABLE.sub(lambda found: "" if found.group() == "\0" else "\ufffd", value)


def line(container: object, name: str) -> str:
    """A text field in one line, cut to LINE_LIMIT."""
    return " ".join(text(container, name)[: 8 * LINE_LIMIT].split())[:LINE_LIMIT].rstrip()


def whole(container: object, name: str, *, limit: int = 2**31 - 1) -> int | None:
    """A whole number from 0 to ``limit`` (by default PostgreSQL's ``integer``), or None."""
    value = container.get(name) if isinstance(container, dict) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= limit else None


def flag(container: object, name: str) -> bool | None:
    """True, false, or None where it is neither."""
    value = container.get(name) if isinstance(container, dict) else None
    return value if isinstance(value, bool) else None


def instant(container: object, *names: str) -> datetime | None:
    """The first of these fields that holds an ISO 8601 moment, in UTC; one without a zone is taken as UTC."""
    for name in names:
        try:
            moment = datetime.fromisoformat(text(container, name))
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if moment.year in _YEARS:
            return moment
    return None


def link(container: object, *names: str) -> str | None:
    """The first of these fields that a browser can follow: http or https, a host, no space, no password."""
    for name in names:
        address = text(container, name)
        try:
            parts = urlsplit(address)
            safe = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        except ValueError:
            continue
        if safe and len(address) <= 3_000 and all(character > " " for character in address):
            return address
    return None
