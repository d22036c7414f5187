"""When a published timetable departs: cron expressions and recurrence rules over the local times of one zone.

cronsim and dateutil count naive local times only; what clocks that change make of them is decided here alone. A local
time that never comes departs at the instant of the change, and all that fall into one gap are one departure; one that
comes twice departs at its first coming.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from cronsim import CronSim

from bot.timetable.recurrence import is_recurrence, recurrence
from bot.timetable.windows import instant


@dataclass(frozen=True)
class Departs:
    """One departure: what the timetable says, naive, and when that is, in UTC.

    ``local`` differs from the clock on the wall where clocks are put forward over it (``comes`` tells).
    """

    local: datetime
    at: datetime


def departures(departs: Sequence[str], zone: ZoneInfo, after: datetime) -> Iterator[Departs]:
    """What leaves strictly after ``after``, ascending, each instant once; it ends only where a timetable does.

    Expects expressions that the catalogue has checked. Of several local times of one departure the last is told,
    which is the one on the clock where there is one.
    """
    # Whatever is not after this local time cannot leave later either: the first comings keep the order of local times.
    since = after.astimezone(zone).replace(tzinfo=None, fold=0)
    written = heapq.merge(*(_local_times(expression, since) for expression in departs))
    for at, group in groupby(written, lambda local: instant(local, zone)):
        *_, local = group
        if at > after:
            yield Departs(local, at)


def _local_times(expression: str, since: datetime) -> Iterator[datetime]:
    """The naive local times that an expression names, strictly after ``since``."""
    return recurrence(expression).after(since) if is_recurrence(expression) else CronSim(expression, since)
