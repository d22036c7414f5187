"""What follows ``/ship lock``, ``unlock`` and ``freeze``, taken apart. Pure; names are read later, by the verb.

``/ship lock checkout for 2h rollback in progress`` is the same as ``/ship lock checkout rollback in progress for 2h``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.errors import UserError
from bot.locks import ends
from bot.locks.rules import EVERYTHING_WORDS

NO_ROLLBACKS = "no-rollbacks"
"""The word that has a lock hold back rollbacks too."""

_BEGINNINGS = ("from", "until", "till", "for")


@dataclass(frozen=True)
class LockWords:
    """A lock as it was typed; ``scope`` and ``reason`` may be empty, which the verb refuses with what it expected."""

    scope: str
    reason: str
    ends_at: datetime | None
    rollbacks: bool


@dataclass(frozen=True)
class FreezeWords:
    """A freeze as it was typed; ``service`` None for all of them."""

    service: str | None
    begins: datetime
    ends: datetime
    reason: str


def read_lock(words: str, zone: ZoneInfo, now: datetime) -> LockWords:
    """``<scope> [for …|until …] [no-rollbacks] <reason> [for …|until …]``; UserError for an end nobody can read.

    Where no end is said so, a length right behind the scope is one without its "for".
    """
    said = [word for word in words.split() if word.casefold().lstrip("-") != NO_ROLLBACKS]
    ending = ends.take_end(" ".join(said[1:]), zone, now)
    if ending.end is None:
        ending = ends.take_bare_length(ending.rest, now)
    return LockWords(
        scope=said[0] if said else "",
        reason=ending.rest,
        ends_at=ending.end,
        rollbacks=len(said) == len(words.split()),
    )


def read_freeze(words: str, zone: ZoneInfo, now: datetime) -> FreezeWords:
    """``[service] [from …] until … <reason>``; UserError where the end is missing or cannot be read."""
    said = words.split()
    service = None
    if said and said[0].casefold() not in _BEGINNINGS:
        service = None if said[0].casefold() in EVERYTHING_WORDS else said[0]
        said = said[1:]
    begins = now
    if said and said[0].casefold() == "from":
        marks = [place for place, word in enumerate(said) if word.casefold() in ("until", "till", "for")]
        if not marks:
            raise _no_end()
        begins = ends.read_end(" ".join(said[1 : marks[0]]), zone, now)
        said = said[marks[0] :]
    if not said or said[0].casefold() not in _BEGINNINGS:
        raise _no_end()
    # A window's end is its first one after its beginning: from friday 18:00 until monday 09:00.
    try:
        ending = ends.take_end(" ".join(said), zone, begins)
    except ends.Over:
        if begins > now:
            raise UserError(
                "A freeze must end after it begins. Say both: from friday 18:00 until monday 09:00."
            ) from None
        raise
    assert ending.end is not None
    return FreezeWords(service=service, begins=begins, ends=ending.end, reason=ending.rest)


def _no_end() -> UserError:
    return UserError(
        "Say until when, and why: /ship freeze checkout until monday 09:00 moving the database. Without a service it "
        "is all of them."
    )
