"""Documents in Markdown, from templates: everything from outside is made harmless, on one line.

A template of a document (``documents/postmortem.md.j2``) writes Markdown itself; what it prints is a value. Three
things protect a reader, since Slack's canvases and GitHub's issues read Markdown each in their own way:

* what formats is escaped with a backslash; ``<`` and ``>`` become ``‹`` and ``›``, which begin no tag and no
  ``<!channel>`` anywhere, and which nobody has to read as ``&lt;`` where entities are not read;
* a word joiner stands where a link or a mention would begin (``![](@U1)``, ``](``, ``@here``), should a reader not know
  the backslash;
* a value never begins a line of its own as a heading, a list or a quotation.

An address shows where it leads, so it stays one where somebody wrote it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from bot.rendering import text

LONGEST_WORDS = 1200
"""Characters of one value from outside."""

_SPACE = re.compile(r"\s+")
_UNSEEN: dict[int, str | None] = {
    **dict.fromkeys(text.INVISIBLE),
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),
}
_FORMATS = re.compile(r"[\\`*\[\]|~]|&(?=#?\w{1,40};)")
_TAGS = str.maketrans("<>", "\u2039\u203a")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_BEGINS = re.compile(r"(?:#{1,6}|[+-]|\d{1,9}[.)])(?=\s|$)|[=-]+$")
_MENTION = re.compile(r"@(?=\w)")
_ADDRESS_SAFE = "!$',-./:;=?@#%_&~+*"


def plain(value: object, limit: int = LONGEST_WORDS) -> Markup:
    """A value from outside as harmless Markdown on one line, clipped to ``limit`` characters; None is nothing."""
    if value is None:
        return Markup()
    words = _SPACE.sub(" ", text.clip(str(value), limit)).strip().translate(_UNSEEN)
    words = _FORMATS.sub(r"\\\g<0>", words).translate(_TAGS)
    words = _EDGE_UNDERSCORE.sub(r"\\_", words)
    words = words.replace("!\\[", "!\N{WORD JOINER}\\[").replace("\\](", "\\]\N{WORD JOINER}(")
    words = _MENTION.sub("@\N{WORD JOINER}", words)
    if _BEGINS.match(words):
        words = "\N{WORD JOINER}" + words
    return Markup(words)  # noqa: S704 (made harmless just above)


def trusted(value: object) -> Markup:
    """The value as it is where it is ``Markup`` already, else made harmless."""
    return value if isinstance(value, Markup) else plain(value)


def link(url: str | None, label: object) -> Markup:
    """A link, or the label alone where the address is missing, not http(s), carries a login, or is far too long."""
    words = trusted(label)
    try:
        parts = urlsplit((url or "").strip())
        host = parts.hostname
    except ValueError:
        return words
    if not words or parts.scheme not in ("http", "https") or not host or parts.username is not None:
        return words
    address = quote((url or "").strip(), safe=_ADDRESS_SAFE, errors="replace")
    if len(address) > text.LONGEST_ADDRESS:
        return words
    return Markup("[") + words + Markup(f"]({address})")  # noqa: S704 (encoded just above)


def utc(at: datetime, style: str = "minute") -> str:
    """An instant in UTC: ``minute`` (2026-11-21 14:32), ``time`` (14:32:05). A naive datetime is a ValueError."""
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be shown")
    return format(at.astimezone(UTC), {"minute": "%Y-%m-%d %H:%M", "time": "%H:%M:%S"}[style])


def concatenate(parts: Iterable[object]) -> str:
    """Jinja's ``~``: plain strings stay hostile until printed; beside trusted text each is made harmless at once."""
    every = list(parts)
    if any(isinstance(part, Markup) for part in every):
        return Markup().join(map(trusted, every))
    return "".join(map(str, every))


def join(values: Iterable[object], separator: str = "") -> Markup:
    """Jinja's ``join``, with every value made harmless; the separator is the template's own word."""
    return Markup(separator).join(map(trusted, values))  # noqa: S704 (written in a template, not outside)


def tidy(output: str) -> str:
    """The document without empty lines in rows, and with one end of line at its end."""
    lines = [line.rstrip() for line in output.strip().split("\n")]
    kept = [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]
    return "\n".join(kept) + "\n"
