"""Web pages from templates: HTML in which everything from outside is text, and only http(s) addresses are links.

A template (``pages/dashboard.html.j2``) writes the HTML; what it prints is a value, and is escaped. Characters that
nobody sees (controls, those that turn the direction of reading) are left out, so that a title says what it seems to
say. Instants are told by the organisation's clock (``zone`` of the view) and as seen from ``now``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from bot.rendering import text

LONGEST_WORDS = 500
"""Characters of one value from outside."""

_UNSEEN: dict[int, str | None] = {
    **dict.fromkeys(set(text.INVISIBLE) - {ord("\n"), ord("\t")}),
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),
}
_ADDRESS_SAFE = "!$'()*+,-./:;=?@[]#%_&~"


def plain(value: object, limit: int = LONGEST_WORDS) -> Markup:
    """A value from outside as text of a page, clipped to ``limit`` characters; None is nothing."""
    return Markup() if value is None else escape(text.clip(str(value), limit).translate(_UNSEEN))


def trusted(value: object) -> Markup:
    """The value as it is where it is ``Markup`` already, else made harmless."""
    return value if isinstance(value, Markup) else plain(value)


def address(url: str | None) -> str | None:
    """An address that may be linked; None where it is missing, not http(s), carries a login, or is far too long."""
    try:
        parts = urlsplit((url or "").strip())
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or "\\" in parts.netloc:
        return None
    encoded = quote((url or "").strip(), safe=_ADDRESS_SAFE, errors="replace")
    return encoded if len(encoded) <= text.LONGEST_ADDRESS else None


def link(url: str | None, label: object) -> Markup:
    """A link, or the label alone where the address may not be linked."""
    words, found = trusted(label), address(url)
    if found is None or not words:
        return words
    return Markup(f'<a href="{escape(found)}" rel="noreferrer">{words}</a>')  # noqa: S704 (each part is harmless)


def query(**words: object) -> Markup:
    """The end of an address that asks for these: ``?team=payments``."""
    asked = {name: str(value) for name, value in words.items() if value is not None}
    return escape("?" + urlencode(asked, errors="replace"))


def clock(at: datetime, zone: tzinfo, now: datetime) -> str:
    """An instant by this clock: ``14:32``, ``yesterday 14:32``, ``Mon 14:32`` within a week, else with its date."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    if days == 0:
        return f"{local:%H:%M}"
    if days in (-1, 1):
        return f"{'tomorrow' if days > 0 else 'yesterday'} {local:%H:%M}"
    if abs(days) < 7:
        return f"{local:%a %H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def apart(at: datetime, now: datetime) -> str:
    """How far an instant is from now, in its largest unit: ``12 min ago``, ``in 2 h``, ``just now``."""
    seconds = round((at - now).total_seconds())
    size = abs(seconds)
    if size < 45:
        return "in a moment" if seconds > 0 else "just now"
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if size >= (2 * unit if unit == 86400 else unit) or unit == 60:  # 40 h are yesterday's, not 2 d
            count = max(1, round(size / unit))
            return f"in {count} {name}" if seconds > 0 else f"{count} {name} ago"
    raise AssertionError(seconds)


@pass_context
def when(context: Context, at: datetime) -> Markup:
    """A ``<time>`` by the organisation's clock, with the date and zone in full for who points at it.

    A naive datetime is a ValueError.
    """
    zone, now = _clock_of(context)
    return _time(at, clock(at, zone, now), zone)


@pass_context
def ago(context: Context, at: datetime) -> Markup:
    """A ``<time>`` that says how far from now it is."""
    zone, now = _clock_of(context)
    return _time(at, apart(at, now), zone)


def duration(length: timedelta) -> str:
    """How long something took: ``3 min 12 s``."""
    return text.duration(length)


def concatenate(parts: Iterable[object]) -> str:
    """Jinja's ``~``: plain strings stay hostile until printed; beside trusted text each is made harmless at once."""
    every = list(parts)
    if any(isinstance(part, Markup) for part in every):
        return Markup().join(map(trusted, every))
    return "".join(map(str, every))


def join(values: Iterable[object], separator: str = "") -> Markup:
    """Jinja's ``join``, with every value made harmless; the separator is the template's own word."""
    return Markup(separator).join(map(trusted, values))  # noqa: S704 (written in a template, not outside)


def names(people: Iterable[object], most: int | None = None) -> Markup:
    """``Ana, Bo and Chi``; of more than ``most`` the rest is counted: ``Ana, Bo and 3 more``."""
    every = [plain(one, 80) for one in people]
    if most is not None and len(every) > most:
        every = [*every[:most], Markup(f"{len(every) - most} more")]  # noqa: S704 (a number)
    if len(every) < 2:
        return Markup().join(every)
    return Markup(" and ").join([Markup(", ").join(every[:-1]), every[-1]])


def _time(at: datetime, words: str, zone: tzinfo) -> Markup:
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be shown")
    local = at.astimezone(zone)
    full = f"{local.day} {local:%b %Y %H:%M:%S} ({_called(zone)})"
    instant = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    # Written out, since Markup.format takes five times as long, and a page may have a thousand instants.
    return Markup(f'<time datetime="{instant}" title="{escape(full)}">{words}</time>')  # noqa: S704 (words are ours)


def _called(zone: tzinfo) -> str:
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


def _clock_of(context: Context) -> tuple[tzinfo, datetime]:
    """By whose clock a page is told, and as of when: its view says both."""
    now = context["now"]
    assert isinstance(now, datetime)
    try:
        return ZoneInfo(str(context["zone"])), now
    except (KeyError, ValueError, OSError):
        return UTC, now
