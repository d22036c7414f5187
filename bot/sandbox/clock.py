"""The world's one clock: it runs at a chosen speed, and can be turned forward by hand. All that happens is dated by it.

What belongs to the wire keeps real time all the same: signatures, tokens, trigger ids, rate limits, round trips. A
clock never goes back, since nothing that a real service dates does.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

log = logging.getLogger(__name__)

FASTEST = 10_000.0
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""A clock never goes back, so it must not come to where instants end."""
LONGEST = 100 * 366 * 86_400
"""Seconds of the longest duration: a hundred years."""
FOLLOWS_WITHIN = 1.0
"""Real seconds: whoever read the clock twice within so many, and no longer ago, follows it and will read it again."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


class Alarm:
    """Something that is to happen at an instant, unless it is cancelled before."""

    def __init__(self, at: datetime, act: Callable[[], None]) -> None:
        self.at = at
        self.act = act
        self.cancelled = False

    def cancel(self) -> None:
        """Let it not happen."""
        self.cancelled = True


class Clock:
    """What time it is in the world. Alarms ring in order, each at its own instant, also when time is turned past many.

    One that fails is logged, and keeps no other from ringing. Alarms need the event loop that the sandbox runs in;
    reading and turning work anywhere.
    """

    def __init__(self) -> None:
        self._at = datetime.now(UTC)
        self._since = time.monotonic()
        self._speed = 1.0
        self._alarms: list[tuple[datetime, int, Alarm]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self.watchers: list[Callable[[], None]] = []
        """Told when it was turned or runs at another speed."""
        self._reads = 0
        self._read_at = self._read_before = -math.inf
        self._read = asyncio.Event()

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return self._at + timedelta(seconds=(time.monotonic() - self._since) * self._speed)

    @property
    def speed(self) -> float:
        """How many of the world's seconds pass in a real one; 0 stands still."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        fit = fit_speed(value)
        self._stand_at(self.now())
        self._speed = fit
        self._arm()
        self._tell()

    @property
    def turned(self) -> float:
        """By how many seconds the world is ahead of real time (behind: less than 0, after having stood still)."""
        return (self.now() - datetime.now(UTC)).total_seconds()

    def turn(self, *, to: datetime | None = None, by: timedelta | None = None) -> datetime:
        """Go forward to an instant or by a duration, ringing what is due on the way; the new present.

        Raises ValueError for the past, for after LATEST, for a naive instant, and for neither or both.
        """
        if (to is None) == (by is None):
            raise ValueError("turn the clock either to an instant or by a duration")
        goal = to if to is not None else self.now() + (by or timedelta())
        if goal.tzinfo is None:
            raise ValueError("an instant needs its offset, as in 2026-11-02T09:00:00Z")
        if goal < self.now() - timedelta(milliseconds=1):
            raise ValueError(f"a clock turns forward only; it is {self.now():%Y-%m-%dT%H:%M:%SZ} now")
        if goal > LATEST:
            raise ValueError(f"a clock turns no further than {LATEST:%Y}; it is {self.now():%Y-%m-%dT%H:%M:%SZ} now")
        self._ring(goal.astimezone(UTC))
        self._stand_at(max(goal.astimezone(UTC), self.now()))
        self._arm()
        self._tell()
        return self.now()

    def _tell(self) -> None:
        for watcher in self.watchers:
            watcher()

    def told(self) -> dict[str, object]:
        """What the clock's door answers."""
        return {"now": self.now().isoformat(), "speed": self._speed, "turned": round(self.turned, 3) + 0.0}  # no -0.0

    # Who follows it

    def read(self) -> dict[str, object]:
        """What it says to whoever follows it, who is remembered to have asked."""
        self._reads += 1
        self._read_before, self._read_at = self._read_at, time.monotonic()
        self._read.set()
        return self.told()

    async def followed(self) -> None:
        """Wait until whoever follows it goes by what it says now; at once where nobody does.

        Who asks a second time knows what was said the first.
        """
        wanted = self._reads + 2
        if max(time.monotonic() - self._read_at, self._read_at - self._read_before) > FOLLOWS_WITHIN:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(FOLLOWS_WITHIN):
                while self._reads < wanted:
                    self._read.clear()
                    await self._read.wait()

    # Alarms

    def call_at(self, at: datetime, act: Callable[[], None]) -> Alarm:
        """Have something done at an instant; what is past is done at once, when the loop is next free."""
        alarm = Alarm(at, act)
        heapq.heappush(self._alarms, (at, next(self._order), alarm))
        self._arm()
        return alarm

    def call_later(self, delay: timedelta, act: Callable[[], None]) -> Alarm:
        """Have something done after a while of the world's time."""
        return self.call_at(self.now() + delay, act)

    async def sleep(self, seconds: float) -> None:
        """Wait for so much of the world's time to pass, however it passes."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ring() -> None:
            if not over.done():
                over.set_result(None)

        alarm = self.call_later(timedelta(seconds=seconds), ring)
        try:
            await over
        finally:
            alarm.cancel()

    def close(self) -> None:
        """Forget every alarm."""
        self._alarms = []
        self._disarm()

    def _stand_at(self, at: datetime) -> None:
        self._at, self._since = at, time.monotonic()

    def _ring(self, until: datetime) -> None:
        while self._alarms and self._alarms[0][0] <= until:
            at, _, alarm = heapq.heappop(self._alarms)
            if not alarm.cancelled:
                self._stand_at(max(at, self.now()))
                try:
                    alarm.act()
                except Exception:
                    log.exception("what was to happen at %s failed; the clock goes on", at)

    def _due(self) -> None:
        self._timer = None
        self._ring(self.now())
        self._arm()

    def _arm(self) -> None:
        self._disarm()
        if self._alarms and self._speed > 0:
            wait = (self._alarms[0][0] - self.now()).total_seconds() / self._speed
            self._timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._due)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def fit_speed(value: float) -> float:
    """A speed that a clock can run at; ValueError for any other."""
    if not 0 <= value <= FASTEST:
        raise ValueError(f"a clock's speed is from 0 (it stands still) to {FASTEST:g}, not {value}")
    return value


def duration(written: object) -> timedelta:
    """A duration as people write it (``90s``, ``1h30m``) or a number of seconds; ValueError for anything else."""
    seconds = math.nan
    if isinstance(written, int | float) and not isinstance(written, bool):
        seconds = written
    elif isinstance(written, str) and _DURATION.fullmatch(written):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(written))
    if not abs(seconds) <= LONGEST:  # which nan never is
        raise ValueError(f"{written!r} is no duration; write 90s, 30m or 1h30m, or a number of seconds")
    return timedelta(seconds=seconds)


def moment(written: object) -> datetime:
    """An instant in ISO 8601 with its offset; ValueError for anything else."""
    try:
        return datetime.fromisoformat(str(written))
    except ValueError:
        raise ValueError(f"{written!r} is no instant; write 2026-11-02T09:00:00Z") from None
