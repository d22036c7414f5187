"""Words and addresses from outside where nothing escapes them: what phones show, and the heads of rooms."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

LONGEST_LINK = 2048

_TURNED = re.compile(r"(?:(?:turned|switched)\s+)?(on|off)\b(?!\s*(?:→|->))|(enabled|disabled)\b", re.IGNORECASE)

_REORDERING = frozenset(map(chr, [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
"""Characters that turn the direction of what follows."""

_NOT_IN_LINKS = frozenset('<>|"\\^`{}')


def one_line(words: str) -> str:
    """The same on one line, without characters that are not seen or that turn the direction of others."""
    line = " ".join(words.split())
    return "".join(one for one in line if unicodedata.category(one) not in ("Cc", "Cs") and one not in _REORDERING)


def was_turned(summary: str | None) -> str:
    """What was done to a flag, as the rest of a sentence: ``was turned off`` where its sender says so."""
    found = _TURNED.match((summary or "").strip())
    if found is None:
        return "was turned"
    return f"was turned {found.group(1).lower()}" if found.group(1) else f"was {found.group(2).lower()}"


def opens(url: str | None) -> bool:
    """Whether an address leads a browser somewhere: http or https, a host, no login, as addresses are written."""
    try:
        parts = urlsplit(url or "")
        host = parts.hostname
    except ValueError:
        return False
    written = all(character > " " and character not in _NOT_IN_LINKS for character in url or "")
    return (
        parts.scheme in ("http", "https")
        and bool(host)
        and parts.username is None
        and written
        and len(url or "") <= LONGEST_LINK
    )
