"""Recurrence rules of iCalendar (RFC 5545, §3.3.10) over naive local times; python-dateutil does the counting.

A rule is written as the lines of a calendar: ``DTSTART`` once, ``RRULE`` at least once, ``RDATE`` and ``EXDATE`` as
wanted. Offsets, zones and seconds are refused: the zone is the timetable's, and nothing departs by the second. Beside
RFC 5545, a ``DTSTART`` that no rule names is no occurrence.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from types import MappingProxyType

from bot.spelling import did_you_mean

_EXPECTED = "expected DTSTART:20260105T100000 and, on the next line, RRULE:FREQ=WEEKLY;BYDAY=TU,TH"
_LINES = ("DTSTART", "RRULE", "RDATE", "EXDATE")
_TURNS = MappingProxyType({"DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1), "MONTHLY": None, "YEARLY": None})
"""How often a rule may come round, and how long one turn of it takes where all take the same."""

_NUMBERS = MappingProxyType(
    {
        # An interval or a count beyond these is a slip of the pen.
        "INTERVAL": range(1, 1001),
        "COUNT": range(1, 1001),
        "BYMINUTE": range(60),
        "BYHOUR": range(24),
        "BYMONTH": range(1, 13),
        "BYMONTHDAY": range(1, 32),
        "BYYEARDAY": range(1, 367),
        "BYWEEKNO": range(1, 54),
        "BYSETPOS": range(1, 367),
    }
)
_FROM_THE_END = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"})
_ENDS = ("COUNT", "UNTIL")
_ONE_ONLY = frozenset({"INTERVAL", "COUNT"})
_PARTS = ("FREQ", "UNTIL", "BYDAY", "WKST", *_NUMBERS)
_DAY = "(MO|TU|WE|TH|FR|SA|SU)"


@dataclass(frozen=True)
class Recurrence:
    """When something recurs, in naive local times."""

    begins: datetime
    rules: tuple[Mapping[str, str], ...]
    added: tuple[datetime, ...] = ()
    left_out: frozenset[datetime] = frozenset()

    def after(self, local: datetime) -> Iterator[datetime]:
        """Its occurrences strictly after a local time, ascending."""
        found = heapq.merge(
            *(_occurrences(parts, self.begins, local) for parts in self.rules),
            sorted(each for each in self.added if each > local),
        )
        return (each for each in found if each not in self.left_out)

    @property
    def first(self) -> datetime | None:
        """The very first occurrence; None when there never is one."""
        return next(self.after(min((self.begins, *self.added)) - timedelta(minutes=1)), None)


def is_recurrence(text: str) -> bool:
    """Whether this is meant as a recurrence rule; cron knows neither of these signs."""
    return ":" in text or "=" in text


@lru_cache(maxsize=256)  # judged with every promotion that goes by train
def recurrence(text: str) -> Recurrence:
    """What these lines say; raises ValueError with what was expected, in a sentence to go on from a key's name."""
    written: dict[str, list[str]] = {name: [] for name in _LINES}
    for line in text.upper().split():
        name, colon, value = line.partition(":")
        if "TZID=" in name:
            raise ValueError("times are local here: leave out TZID, and name the zone under timezone")
        if not colon and "=" in line:
            raise ValueError(f"{_EXPECTED}; {line} stands without RRULE: before it, or after a space")
        if name not in written:
            raise ValueError(f"{_EXPECTED}; nothing is called {name} here{did_you_mean(name, _LINES)}")
        written[name].append(value)
    if len(written["DTSTART"]) != 1 or not written["RRULE"]:
        raise ValueError(_EXPECTED)
    begins = _local("DTSTART", written["DTSTART"][0])
    rules = tuple(_parts(value) for value in written["RRULE"])
    if not all(_ever_comes(parts, begins) for parts in rules):
        raise ValueError("names a day that never comes")
    return Recurrence(
        begins=begins,
        rules=rules,
        added=_locals("RDATE", written["RDATE"]),
        left_out=frozenset(_locals("EXDATE", written["EXDATE"])),
    )


def _occurrences(parts: Mapping[str, str], begins: datetime, local: datetime) -> Iterator[datetime]:
    """One rule's occurrences after a local time.

    A rule is counted from its beginning, which may be years ago: days and weeks are left out of that in whole turns.
    A count has to be counted, and of months and years there are few.
    """
    from dateutil.rrule import rrulestr

    said = {"WKST": "MO", **parts}
    if "COUNT" not in said:
        turn = _TURNS[said["FREQ"]]
        if turn is not None:
            turn *= int(said.get("INTERVAL", "1"))
            # All but the last: the first week that is counted may be one that began before its first day.
            begins += max((local - begins) // turn - 1, 0) * turn
    rule = rrulestr(";".join(f"{name}={value}" for name, value in said.items()), dtstart=begins)
    return rule.xafter(local)


def _ever_comes(parts: Mapping[str, str], begins: datetime) -> bool:
    """Whether a rule, its interval and its end aside, names any day at all.

    dateutil looks for the next one until the year 9999, which takes it many seconds, so it is asked in 9948: what does
    not come in the fifty years that are left (cronsim's own limit) never does.
    """
    later = begins.replace(year=9948, month=begins.month if parts["FREQ"] == "YEARLY" else 1)
    if parts["FREQ"] == "WEEKLY":
        later -= timedelta(days=(later - begins).days % 7)
    said = {name: value for name, value in parts.items() if name not in ("INTERVAL", *_ENDS)}
    return next(_occurrences(said, later, later - timedelta(minutes=1)), None) is not None


def _parts(text: str) -> Mapping[str, str]:
    """The parts of one rule, none of which dateutil would read otherwise than RFC 5545 does."""
    parts: dict[str, str] = {}
    for part in text.rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if name not in _PARTS or not equals:
            seconds = "; nothing departs by the second" if name == "BYSECOND" else did_you_mean(name, _PARTS)
            raise ValueError(f"{_EXPECTED}; “{part}” is no part of a rule{seconds}")
        if name in parts:
            raise ValueError(f"says {name} twice")
        parts[name] = value
    if parts.get("FREQ") not in _TURNS:
        mend = did_you_mean(parts.get("FREQ", ""), _TURNS)
        several = "; for several times a day write FREQ=DAILY;BYHOUR=10,14"
        raise ValueError(f"expected FREQ=DAILY, WEEKLY, MONTHLY or YEARLY{mend or several}")
    for name in _NUMBERS.keys() & parts.keys():
        _check_numbers(name, parts[name])
    _check_days(parts)
    if "UNTIL" in parts:
        _local("UNTIL", parts["UNTIL"])
        if parts.keys() >= set(_ENDS):
            raise ValueError("says both COUNT and UNTIL; a rule has one end")
    return MappingProxyType(parts)


def _check_numbers(name: str, written: str) -> None:
    allowed, signs = _NUMBERS[name], "[+-]?" if name in _FROM_THE_END else ""
    values = [written] if name in _ONE_ONLY else written.split(",")
    for value in values:
        if not re.fullmatch(rf"{signs}[0-9]{{1,4}}", value) or abs(int(value)) not in allowed:
            counted = " (or counted from the end: -1)" if signs else ""
            raise ValueError(f"expected {name} from {allowed[0]} to {allowed[-1]}{counted}")


def _check_days(parts: Mapping[str, str]) -> None:
    numbered = "([+-]?[1-9][0-9]?)?" if parts["FREQ"] in ("MONTHLY", "YEARLY") else ""
    if not re.fullmatch(_DAY, parts.get("WKST", "MO")):
        raise ValueError("expected WKST=MO or another weekday")
    for day in parts.get("BYDAY", "MO").split(","):
        if not re.fullmatch(numbered + _DAY, day):
            which = ", numbered as in 1MO only in months and years" if not numbered else ", also the last one: -1FR"
            raise ValueError(f"expected BYDAY=MO,TU,WE,TH,FR,SA,SU{which}")


def _locals(name: str, values: Sequence[str]) -> tuple[datetime, ...]:
    return tuple(_local(name, each) for each in chain.from_iterable(value.split(",") for value in values))


def _local(name: str, text: str) -> datetime:
    if text.endswith("Z"):
        raise ValueError(f"times are local here: write {name} without the Z, and name the zone under timezone")
    if re.fullmatch(r"(19[7-9]|20\d|21\d)\d{5}T\d{4}00", text, re.ASCII):
        try:
            return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - local times are naive
        except ValueError:
            pass
    raise ValueError(f"expected {name} as a day and a whole minute, such as 20260105T100000, from 1970 to 2199")
