"""Reading JSON from outside without trusting its shape.

A missing piece and a piece of the wrong kind both read as None, so a translation never fails on an old or partial
payload. What is read can be stored on every database: no NUL, no lone surrogate, no number or date out of range.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from handlers.webhooks.source import Malformed

LINE_LIMIT = 255
"""Characters of a name or title. GitHub allows 256 in a title and 255 in an environment's name."""

TEXT_LIMIT = 10_000
"""Characters of a longer text: far more than any message shows."""

URL_LIMIT = 3_000
"""Characters of a link: what a Slack button carries."""

INTEGER_LIMIT = 2**31 - 1
"""The highest number that PostgreSQL's ``integer`` holds."""

_YEARS = range(1970, 2200)
"""Dates outside are a sender's mistake, and the last years of the calendar break time zone arithmetic."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def decode_object(body: bytes | str) -> Fields:
    """The JSON object in a body; Malformed where it is anything else, too deep, or has numbers JSON does not know."""
    try:
        value: object = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise Malformed("The JSON is nested too deeply.", "Send one JSON object.") from None
    except ValueError:  # JSONDecodeError, UnicodeDecodeError, NaN, and integers of thousands of digits
        raise Malformed("The body is not valid JSON.", "Send one JSON object in UTF-8.") from None
    if not isinstance(value, dict):
        raise Malformed("The JSON is not an object.", "Send one JSON object: {…}.")
    return Fields(value)


def storable(text: str) -> str:
    """The text without what PostgreSQL refuses: NUL goes, a lone surrogate becomes U+FFFD."""
    return _UNSTORABLE.sub(lambda found: "" if found.group() == "\x00" else "\ufffd", text)


def web_address(value: object) -> str | None:
    """The link, if it is one for a browser: http or https, a host, no space, and no password within."""
    if not isinstance(value, str) or len(value) > URL_LIMIT:
        return None
    if any(character <= " " for character in value) or storable(value) != value:
        return None
    try:
        parts = urlsplit(value)
        safe = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return None
    return value if safe else None


def instant(value: object) -> datetime | None:
    """The moment, in UTC, from ISO 8601 text (UTC where it names no zone) or from seconds since 1970."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.year in _YEARS else None


class Fields:
    """One JSON object; each reader gives the piece under a key, or None (or nothing) where it is not such a piece."""

    def __init__(self, value: object) -> None:
        self._value: dict[str, object] = value if isinstance(value, dict) else {}

    def raw(self, key: str) -> object:
        """The piece as it came."""
        return self._value.get(key)

    def every(self) -> Mapping[str, object]:
        """All pieces by their keys, as they came."""
        return self._value

    def fields(self, key: str) -> Fields:
        """The object under the key; an empty one where there is none."""
        return Fields(self._value.get(key))

    def array(self, key: str) -> list[object]:
        """The array under the key; an empty one where there is none."""
        value = self._value.get(key)
        return value if isinstance(value, list) else []

    def each(self, key: str) -> list[Fields]:
        """The objects of the array under the key."""
        return [Fields(piece) for piece in self.array(key) if isinstance(piece, dict)]

    def word(self, key: str) -> str | None:
        """A short text in one line: runs of white space become one space, the rest beyond the limit is cut."""
        return one_line(self._value.get(key))

    def prose(self, key: str) -> str | None:
        """A text of any length and many lines, whole."""
        value = self._value.get(key)
        return (storable(value).strip() or None) if isinstance(value, str) else None

    def flag(self, key: str) -> bool | None:
        """True or false."""
        value = self._value.get(key)
        return value if isinstance(value, bool) else None

    def count(self, key: str, *, limit: int = INTEGER_LIMIT) -> int | None:
        """A whole number from 0 to ``limit``."""
        value = self._value.get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if 0 <= value <= limit else None

    def moment(self, *keys: str) -> datetime | None:
        """The first of these keys that holds a moment."""
        return next((found for key in keys if (found := instant(self._value.get(key)))), None)

    def link(self, *keys: str) -> str | None:
        """The first of these keys that holds a link for a browser."""
        return next((found for key in keys if (found := web_address(self._value.get(key)))), None)


def one_line(value: object) -> str | None:
    """The text in one line and within LINE_LIMIT, or None where there is no text."""
    if not isinstance(value, str):
        return None
    # Cut generously before tidying, so that megabytes of white space cost nothing.
    line = " ".join(storable(value[: 8 * LINE_LIMIT]).split())
    return line[:LINE_LIMIT].rstrip() or None


def _refuse_constant(name: str) -> object:
    raise ValueError(name)
