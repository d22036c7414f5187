"""The words that reasons share; ``bot.rendering`` says the same of lengths, and may not be asked from here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

UNREAD = "what it carries is not read yet"
"""Why whatever depends on the range waits until the forge has told it."""

_MOST = 5
"""How many names a reason lists before it counts the others."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 change``, ``2 changes``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: Sequence[str], *, last: str = "and") -> str:
    """``a, b and c``; beyond a few the others are counted."""
    if len(words) > _MOST:
        return f"{', '.join(words[:_MOST])} {last} {len(words) - _MOST} more"
    *front, end = words or ("",)
    return f"{', '.join(front)} {last} {end}" if front else end


def spoken(length: timedelta) -> str:
    """``1 h 30 min``: every unit that is not nought."""
    rest = max(0, round(length.total_seconds()))
    parts = []
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        whole, rest = divmod(rest, size)
        if whole:
            parts.append(f"{whole} {name}")
    return " ".join(parts) or "0 s"
