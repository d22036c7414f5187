"""Local times, calendar windows and working hours, in UTC.

Windows are half-open: the instant at which one ends is no longer in it. Weekdays are counted from Monday = 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY = 24 * 60
"""Minutes of a day; hours that end at this minute end at midnight."""

MONDAY_TO_FRIDAY = frozenset(range(5))

_FURTHEST = 15
"""Days to look ahead for the next beginning: a week, and more for a zone that crosses the date line and skips one."""


class Comes(StrEnum):
    """How often a local time is on the clock of its zone."""

    NEVER = "never"
    """The clocks are put forward over it."""
    ONCE = "once"
    TWICE = "twice"
    """The clocks are put back over it."""


def instant(local: datetime, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """The instant, in UTC, that a naive local time stands for; ``last`` takes the second of two."""
    readings = _readings(local, zone)
    real = _real(readings, local, zone)
    if real:
        return max(real) if last else min(real)
    return _change_between(min(readings), max(readings), zone)


def comes(local: datetime, zone: ZoneInfo) -> Comes:
    """How often a naive local time comes."""
    match len(set(_real(_readings(local, zone), local, zone))):
        case 0:
            return Comes.NEVER
        case 1:
            return Comes.ONCE
        case _:
            return Comes.TWICE


def window(begins: datetime, ends: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """What a window of local times covers, in UTC: where its end comes twice, until the second.

    Times that say their own offset are taken at their word.
    """
    return (
        begins.astimezone(UTC) if begins.tzinfo else instant(begins, zone),
        ends.astimezone(UTC) if ends.tzinfo else instant(ends, zone, last=True),
    )


def works_at(
    zone: ZoneInfo, begins_minutes: int, ends_minutes: int, now: datetime, weekdays: Collection[int] = MONDAY_TO_FRIDAY
) -> bool:
    """Whether ``now`` is within somebody's working hours, which are minutes of their own day.

    Hours that end at or before the minute they begin at end on the next day, and belong to the day they begin on.
    """
    today = now.astimezone(zone).date()
    shifts = _shifts(zone, begins_minutes, ends_minutes, weekdays, today - timedelta(days=2), days=4)
    return any(begins <= now < ends for begins, ends in shifts)


def next_work_start(
    zone: ZoneInfo, begins_minutes: int, ends_minutes: int, now: datetime, weekdays: Collection[int] = MONDAY_TO_FRIDAY
) -> datetime:
    """The first instant after ``now``, in UTC, at which somebody's working hours begin.

    Raises ValueError without a weekday between 0 and 6.
    """
    today = now.astimezone(zone).date()
    for begins, _ in _shifts(zone, begins_minutes, ends_minutes, weekdays, today - timedelta(days=1), days=_FURTHEST):
        if begins > now:
            return begins
    raise ValueError("expected at least one weekday, 0 (Monday) to 6 (Sunday)")


def _shifts(
    zone: ZoneInfo, begins: int, ends: int, weekdays: Collection[int], first: date, *, days: int
) -> Iterator[tuple[datetime, datetime]]:
    """The working hours of some days in UTC, in order; without those that clocks put forward leave nothing of."""
    length = (ends - begins) % DAY or DAY
    for day in (first + timedelta(days=further) for further in range(days)):
        if day.weekday() not in weekdays:
            continue
        from_local = datetime.combine(day, time()) + timedelta(minutes=begins)
        at, until = instant(from_local, zone), instant(from_local + timedelta(minutes=length), zone)
        if at < until:
            yield at, until


def _readings(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """A local time by the offset before, and by that after, a change of the clocks nearby."""
    return [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]


def _real(readings: list[datetime], local: datetime, zone: ZoneInfo) -> list[datetime]:
    return [at for at in readings if at.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(fold=0)]


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the zone's clocks change; exactly one change lies in between, on a whole second."""
    offset = after.astimezone(zone).utcoffset()
    early, late = int(before.timestamp()), int(after.timestamp())
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == offset:
            late = middle
        else:
            early = middle
    return datetime.fromtimestamp(late, UTC)
