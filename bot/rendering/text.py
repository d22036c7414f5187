"""Words in Slack's mrkdwn: everything from outside is made harmless, and only the functions here make live syntax.

A plain ``str`` is hostile (a commit title, a branch, an alert's label) until ``plain`` has made it ``Markup``, which
is trusted. Three things protect a reader, and each is needed:

* Slack decodes ``&amp; &lt; &gt;`` and nothing else, so these three are escaped: no ``<!channel>``, no ``<@U1>``.
* Formatting has no escape, so its characters become look-alikes, and so does a leading ``>`` (it quotes).
* Blocks say ``verbatim: true`` (``blocks.py``) and top-level text is to be sent with ``parse: none``, so that a bare
  ``@here``, ``#channel`` or address is not linked. chat.update's own default is ``client``: it must be told too.

Sources: docs.slack.dev, "Formatting text for app surfaces" and "chat.update".
Limits: emoji names (``:tada:``) stay alive, since people write them in titles on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from bot.events import DeployStatus
from bot.rendering.limits import cut

LONGEST_WORDS = 300
"""Characters of one value from outside; more is never read, and would push out what matters."""

LONGEST_ADDRESS = 2000
"""Characters of a link; a longer one is shown as its label alone."""


class Person(Protocol):
    """Somebody to be named, as a view describes them."""

    @property
    def name(self) -> str:
        """What people call them."""
        ...

    @property
    def slack_id(self) -> str | None:
        """Their member id, where it is known."""
        ...


INVISIBLE = [
    *range(0x20),
    *range(0x7F, 0xA0),
    0xAD,
    0x61C,
    0x180E,
    0x200B,
    0x200E,
    0x200F,
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
]
"""Control, bidirectional and zero-width characters; the two joiners that emoji and some scripts need are kept."""

_HARMLESS: dict[int, str | None] = {
    **dict.fromkeys(INVISIBLE),
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord("*"): "\N{ASTERISK OPERATOR}",
    ord("~"): "\N{TILDE OPERATOR}",
    ord("`"): "\N{MODIFIER LETTER GRAVE ACCENT}",
}
_SPACE = re.compile(r"\s+")
_QUOTE = re.compile(r"^(\s*)(?:&gt;)+")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_BROAD_MENTION = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_MEMBER = re.compile(r"[UW][A-Z0-9]{1,30}")
_CHANNEL = re.compile(r"C[A-Z0-9]{5,30}")
_ADDRESS_SAFE = "!$'()+,-./:;=?@[]#%_&"


def plain(value: object, limit: int = LONGEST_WORDS) -> Markup:
    """A value from outside as harmless mrkdwn on one line, clipped to ``limit`` characters; None is nothing."""
    if value is None:
        return Markup()
    words = _SPACE.sub(" ", clip(str(value), limit)).translate(_HARMLESS)
    if "_" in words:
        words = _EDGE_UNDERSCORE.sub("\N{MODIFIER LETTER LOW MACRON}", words)
    if "&gt;" in words:
        words = _QUOTE.sub("\\1\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", words)
    if "@" in words:
        words = _BROAD_MENTION.sub("@\N{WORD JOINER}", words)
    return Markup(words)  # noqa: S704 (made harmless just above)


def trusted(value: object) -> Markup:
    """The value as it is where it is ``Markup`` already, else made harmless."""
    return value if isinstance(value, Markup) else plain(value)


def clip(words: str, limit: int) -> str:
    """The first ``limit`` characters, the last of them an ellipsis where something was cut."""
    if isinstance(words, Markup):
        return Markup(cut(words, limit))  # noqa: S704 (trusted before, and cut between its tokens)
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def paragraphs(words: str) -> Markup:
    """A text of ours that may have several lines: the line breaks stay, each line is made harmless."""
    return Markup("\n").join(plain(line, 1000) for line in words.splitlines())


def code(words: object) -> Markup:
    """A code span; nothing where there is nothing to show, since two bare backticks would open one."""
    inner = plain(words).strip()
    return Markup("`") + inner + Markup("`") if inner else Markup()


def short(sha: str) -> str:
    """The seven characters by which people know a commit."""
    return sha[:7]


def mention(person: Person) -> Markup:
    """A live mention, which notifies; the plain name where no Slack id is known."""
    if person.slack_id and _MEMBER.fullmatch(person.slack_id):
        return Markup(f"<@{person.slack_id}>")  # noqa: S704 (letters and digits only)
    return plain(person.name)


def names(people: Iterable[Person]) -> Markup:
    """``Ana, Bo and Chi``: plain names, nobody is notified."""
    every = [plain(person.name) for person in people]
    if len(every) < 2:
        return Markup().join(every)
    return Markup(", ").join(every[:-1]) + Markup(" and ") + every[-1]


def place(where: str) -> Markup:
    """A channel or person to write to: a live link where it is a channel's id, else as it was written."""
    return Markup(f"<#{where}>") if _CHANNEL.fullmatch(where) else plain(where)  # noqa: S704 (letters and digits only)


def link(url: str | None, label: object) -> Markup:
    """A link, or the label alone where the address is missing, not http(s), carries a login, or is far too long."""
    words = trusted(label)
    address = _address(url) if url else None
    if address is None or not words:
        return words
    return Markup(f"<{address}|") + words + Markup(">")  # noqa: S704 (encoded by _address)


def _address(url: str) -> str | None:
    """The address with every character that means something to Slack encoded; None where it is not to be linked."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or "\\" in parts.netloc:
        return None
    address = quote(url.strip(), safe=_ADDRESS_SAFE, errors="replace").replace("&", "&amp;")
    return address if len(address) <= LONGEST_ADDRESS else None


_zone: ContextVar[tzinfo] = ContextVar("_zone", default=UTC)


@contextmanager
def told_in(zone: tzinfo | None) -> Iterator[None]:
    """Whose clock the fallback of every instant is by that is written meanwhile; None = UTC."""
    before = _zone.set(zone or UTC)
    try:
        yield
    finally:
        _zone.reset(before)


def when(at: datetime, style: str = "time") -> Markup:
    """An instant in each reader's own zone: ``time`` (14:32), ``seconds`` (14:32:05), ``day`` (yesterday at 14:32).

    The fallback, read where Slack cannot convert (and in a notification), is by one clock for the whole message
    (``told_in``) and names its zone. A naive datetime is a ValueError.
    """
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be shown")
    local = at.astimezone(_zone.get())
    shown, fallback = {
        "time": ("{time}", f"{local:%H:%M %Z}"),
        "seconds": ("{time_secs}", f"{local:%H:%M:%S %Z}"),
        "day": ("{date_short_pretty} {time}", f"{local:%Y-%m-%d %H:%M %Z}"),
    }[style]
    return Markup(f"<!date^{int(at.timestamp())}^{shown}|{fallback}>")  # noqa: S704 (digits and our own words)


def duration(length: timedelta) -> str:
    """``3 min 12 s``: the two largest units that matter, never negative."""
    seconds = max(0, round(length.total_seconds()))
    for size, name, smaller, smaller_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{whole} {name} {rest // smaller} {smaller_name}" if rest // smaller else f"{whole} {name}"
    return f"{seconds} s"


def icon(status: DeployStatus) -> str:
    """One sign for where a rollout stands."""
    return _ICONS.get(status, "❔")


_ICONS = {
    DeployStatus.PENDING: "⏳",
    DeployStatus.IN_PROGRESS: "🔄",
    DeployStatus.SUCCEEDED: "✅",
    DeployStatus.FAILED: "🔴",
    DeployStatus.CANCELLED: "⚪",
}


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 change``, ``3 changes``; ``many`` where adding an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def dots(*parts: object) -> Markup:
    """The parts that say something, with a dot between them."""
    return Markup(" · ").join(part for part in map(trusted, parts) if part.strip())


def concatenate(parts: Iterable[object]) -> str:
    """Jinja's ``~``: plain strings stay hostile until printed; beside trusted text each is made harmless at once."""
    every = list(parts)
    if any(isinstance(part, Markup) for part in every):
        return Markup().join(map(trusted, every))
    return "".join(map(str, every))


def join(values: Iterable[object], separator: str = "") -> Markup:
    """Jinja's ``join``, with every value made harmless; the separator is the template's own word."""
    return Markup(separator).join(map(trusted, values))  # noqa: S704 (written in a template, not outside)
