"""The ends that people type: ``for 2h``, ``until 18:00``, ``until friday 09:00``, in their own time zone. Pure.

A local time that a change of the clocks skips is the next one that exists; one that comes twice is the later: a brake
rather holds too long than too short.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.errors import UserError
from bot.spelling import did_you_mean

EXPECTED = "for 2h, until 18:00, until friday 09:00 or until 2026-12-01 09:00"
"""What an end may look like, for refusals."""

_LENGTH = re.compile(
    r"(?:(\d{1,3})\s*w(?:eeks?)?)?\s*(?:(\d{1,4})\s*d(?:ays?)?)?\s*(?:(\d{1,4})\s*h(?:ours?|rs?)?)?"
    r"\s*(?:(\d{1,5})\s*m(?:in(?:ute)?s?)?)?",
    re.IGNORECASE,
)
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})|(\d{1,2})h")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?", re.IGNORECASE)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NOT_REPEATED_WORDS = ("today", "tomorrow")
_MOST_WORDS = 4
"""Words of a length written out: ``for 2 hours 30 minutes``."""


@dataclass(frozen=True)
class Ending:
    """Words with the end that stood in them taken out: ``end`` None where none did."""

    end: datetime | None
    rest: str


class Over(UserError):
    """An end that can be read, and is in the past."""


def read_end(words: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The instant, in UTC, that these words name; UserError with what was expected.

    A time alone is its next occurrence; a weekday is the next one on which that time is still to come.
    """
    said = words.split()
    first, rest = (said[0].casefold(), said[1:]) if said else ("", [])
    if first == "for":
        return now + _length(" ".join(rest), words)
    if first in ("until", "till"):
        return _instant(rest, zone, now, words)
    if _LENGTH.fullmatch(" ".join(said)) and any(character.isdigit() for character in words):
        return now + _length(" ".join(said), words)
    return _instant(said, zone, now, words)


def take_end(words: str, zone: ZoneInfo, now: datetime) -> Ending:
    """Take ``for …`` or ``until …`` from the beginning or the end of a sentence; the rest is what it is about.

    At the beginning it must be an end, or it is a UserError. At the end it may be prose ("until the fix is in") unless
    it begins as a time does ("until 25:00").
    """
    said = words.split()
    if not said:
        return Ending(None, "")
    if said[0].casefold() in ("for", "until", "till"):
        return _leading(said, zone, now)
    for start in range(len(said) - 1, 0, -1):
        if said[start].casefold() in ("for", "until", "till"):
            tail = " ".join(said[start:])
            if not _looks_like_an_end(said[start:]):
                break
            return Ending(read_end(tail, zone, now), " ".join(said[:start]))
    return Ending(None, " ".join(said))


def take_bare_length(words: str, now: datetime) -> Ending:
    """Take a length that stands at the beginning without its "for": ``2h rolling``. A number alone is no length."""
    said = words.split()
    for most in range(min(len(said), _MOST_WORDS), 0, -1):
        if length := _bare_length(said[:most]):
            return Ending(now + length, " ".join(said[most:]))
    return Ending(None, " ".join(said))


def length_at_the_end(words: str) -> str | None:
    """The words of a length with which a sentence ends ("rolling 2h"), where it may have been meant as one."""
    said = words.split()
    for start in range(max(1, len(said) - _MOST_WORDS), len(said)):
        if _bare_length(said[start:]):
            return " ".join(said[start:])
    return None


def spoken(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """An instant for an answer in plain words, with its zone: ``18:00 (Europe/Paris)``, ``Fri 6 Mar 09:00 (UTC)``."""
    return f"{without_zone(at, zone, now)} ({zone.key})"


def without_zone(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The same for what says its zone in another way: ``18:00``, ``Fri 6 Mar 09:00``."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    day = "" if local.date() == today else f"{local:%a} {local.day} {local:%b} "
    if local.year != today.year:
        day = f"{local:%a} {local.day} {local:%b} {local.year} "
    return f"{day}{local:%H:%M}"


def _leading(said: Sequence[str], zone: ZoneInfo, now: datetime) -> Ending:
    """The longest beginning that is an end; where none is, that it is over already, else the fault of the shortest."""
    fault: UserError | None = None
    for length in range(min(len(said), 1 + _MOST_WORDS), 1, -1):
        try:
            return Ending(read_end(" ".join(said[:length]), zone, now), " ".join(said[length:]))
        except Over:
            raise
        except UserError as error:
            fault = error
    raise fault or _unreadable(said[0])


def _looks_like_an_end(said: Sequence[str]) -> bool:
    if len(said) < 2 or len(said) > 1 + _MOST_WORDS:
        return False
    word = said[1].casefold()
    if said[0].casefold() == "for":
        return bool(_LENGTH.fullmatch(" ".join(said[1:])))
    return word[0].isdigit() or word in _NOT_REPEATED_WORDS or _weekday(word) is not None


def _bare_length(said: Sequence[str]) -> timedelta:
    """How long these words are, zero where they are no length."""
    match = _LENGTH.fullmatch(" ".join(said))
    parts = [int(part or 0) for part in match.groups()] if match else []
    return timedelta(weeks=parts[0], days=parts[1], hours=parts[2], minutes=parts[3]) if parts else timedelta()


def _length(words: str, asked: str) -> timedelta:
    length = _bare_length(words.split())
    if not length:
        unit = " The unit is missing: 2h is two hours." if words.strip().isdecimal() else ""
        raise UserError(f"“{asked[:80]}” is no length of time I know.{unit} Say for 30m, for 2h or for 3d.")
    return length


def _instant(said: Sequence[str], zone: ZoneInfo, now: datetime, asked: str) -> datetime:
    if len(said) == 1 and _STAMP.fullmatch(said[0]):
        return _to_come(_stamp(said[0], zone, asked), zone, now, asked)
    today = now.astimezone(zone).date()
    if len(said) == 1 and (at := _time(said[0])) is not None:
        return _first_to_come([today, today + timedelta(days=1)], at, zone, now)
    day = said[0].casefold() if said else ""
    if len(said) == 1 and (_weekday(day) is not None or day in _NOT_REPEATED_WORDS or _DATE.fullmatch(day)):
        raise UserError(f"Say the time too: until {said[0]} 09:00.")
    at = _time(said[1]) if len(said) == 2 else None
    if at is None:
        raise _unreadable(asked)
    if (weekday := _weekday(day)) is not None:
        nearest = today + timedelta(days=(weekday - today.weekday()) % 7)
        return _first_to_come([nearest, nearest + timedelta(days=7)], at, zone, now)
    if day in _NOT_REPEATED_WORDS:
        return _to_come(_local(today + timedelta(days=_NOT_REPEATED_WORDS.index(day)), at, zone), zone, now, asked)
    if _DATE.fullmatch(day):
        return _to_come(_local(_date(day, asked), at, zone), zone, now, asked)
    raise _unreadable(asked, did_you_mean(day, (*_DAYS, *_NOT_REPEATED_WORDS)))


def _stamp(word: str, zone: ZoneInfo, asked: str) -> datetime:
    try:
        at = datetime.fromisoformat(word.upper())
    except ValueError:
        raise _unreadable(asked) from None
    return at.astimezone(UTC) if at.tzinfo is not None else _local(at.date(), at.time(), zone)


def _first_to_come(days: Sequence[date], at: time, zone: ZoneInfo, now: datetime) -> datetime:
    return next(instant for day in days if (instant := _local(day, at, zone)) > now or day is days[-1])


def _to_come(instant: datetime, zone: ZoneInfo, now: datetime, asked: str) -> datetime:
    if instant <= now:
        raise Over(
            f"“{asked[:80]}” is over already: it is {spoken(now, zone, now)} now. Say an end to come, such as "
            f"{EXPECTED}."
        )
    return instant


def _local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a local time: the later of two, or the first after a gap."""
    written = datetime.combine(day, at)
    later = written.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if later.astimezone(zone).replace(tzinfo=None) == written:
        return later
    # In a gap both readings miss it; the earlier offset lands as far behind the gap as was written into it, so the
    # gap's end is found between the two.
    low, high = sorted([later, written.replace(tzinfo=zone, fold=0).astimezone(UTC)])
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).replace(tzinfo=None) < written:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _time(word: str) -> time | None:
    match = _TIME.fullmatch(word.casefold())
    hour, minute = (int(match[1] or match[3]), int(match[2] or 0)) if match else (24, 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _date(word: str, asked: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise UserError(f"“{asked[:80]}” names a day that does not exist. Say a day such as 2026-12-01.") from None


def _weekday(word: str) -> int | None:
    """Monday is 0; three letters are enough."""
    found = [number for number, day in enumerate(_DAYS) if len(word) >= 3 and day.startswith(word)]
    return found[0] if len(found) == 1 else None


def _unreadable(asked: str, hint: str = "") -> UserError:
    return UserError(f"I cannot read “{asked[:80]}” as an end{hint or '.'} Say {EXPECTED}.")
