"""Pure time: what local times, calendar windows, working hours and timetables come to in UTC, in any zone and any year.

A local time is naive and stands for one instant (``instant``): when clocks are put forward, one that never comes stands
for the instant at which they change; when they are put back, one that comes twice stands for its first coming unless
said otherwise. Nothing here reads the clock.
"""

from __future__ import annotations

from bot.timetable.departures import Departs, departures
from bot.timetable.recurrence import Recurrence, is_recurrence, recurrence
from bot.timetable.windows import DAY, Comes, comes, instant, next_work_start, window, works_at

__all__ = [
    "DAY",
    "Comes",
    "Departs",
    "Recurrence",
    "comes",
    "departures",
    "instant",
    "is_recurrence",
    "next_work_start",
    "recurrence",
    "window",
    "works_at",
]
