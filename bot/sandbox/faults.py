"""Faults on demand: what makes the stand-in Slack slow, unfair or dead for a while, matched by method and channel.

A fault is on until it is cleared, has struck so many times, or its while is over by the world's clock.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.sandbox.clock import Alarm, Clock
from bot.sandbox.world import Json


class FaultKind(StrEnum):
    """What can go wrong: with calls to the Web API, or with what Slack sends."""

    RATELIMITED = "ratelimited"
    """429 with ``Retry-After: retry_after``."""
    HTTP_500 = "http_500"
    """A 500 that is not JSON, before anything was done."""
    HTTP_503 = "http_503"
    """A 503 that is not JSON, before anything was done."""
    INTERNAL_ERROR = "internal_error"
    """200 with ``ok:false``, ``internal_error``, before anything was done."""
    SLOW = "slow"
    """It works, ``seconds`` late; it is done even if the caller has gone by then, as real servers do."""
    HANG = "hang"
    """No answer and nothing done, until the fault is cleared; then the connection is closed."""
    ACCEPT_THEN_CUT = "accept_then_cut"
    """It is done, and the connection is closed without an answer."""
    CUT = "cut"
    """The connection is closed before anything was done."""
    DOWN = "down"
    """As ``cut``, for every method and for websockets; people cannot do anything, and events wait until it is over."""
    EVENTS_TWICE = "events_twice"
    """Each event is delivered twice, with the same ``event_id``."""
    EVENTS_SHUFFLED = "events_shuffled"
    """Events wait for each other, and arrive in another order after ``seconds``, or when it is cleared."""
    CLOCK_SKEW = "clock_skew"
    """What Slack sends is signed as of ``seconds`` ago; from 300 on, an app must refuse it."""


SUMMARIES: dict[FaultKind, str] = {
    FaultKind.RATELIMITED: "Slack answers 429: too many calls",
    FaultKind.HTTP_500: "Slack answers 500",
    FaultKind.HTTP_503: "Slack answers 503",
    FaultKind.INTERNAL_ERROR: "Slack answers internal_error",
    FaultKind.SLOW: "Slack is slow",
    FaultKind.HANG: "Slack does not answer",
    FaultKind.ACCEPT_THEN_CUT: "Slack does it, but the answer is lost",
    FaultKind.CUT: "Slack hangs up before doing anything",
    FaultKind.DOWN: "Slack is down",
    FaultKind.EVENTS_TWICE: "Events arrive twice",
    FaultKind.EVENTS_SHUFFLED: "Events arrive in another order",
    FaultKind.CLOCK_SKEW: "Slack's signatures are too old",
}
_SENDING = frozenset({FaultKind.EVENTS_TWICE, FaultKind.EVENTS_SHUFFLED, FaultKind.CLOCK_SKEW})
_CALLS = ("for", "times", "method", "channel")
FIELDS: dict[FaultKind, tuple[str, ...]] = {
    FaultKind.RATELIMITED: (*_CALLS, "retry_after"),
    FaultKind.HTTP_500: _CALLS,
    FaultKind.HTTP_503: _CALLS,
    FaultKind.INTERNAL_ERROR: _CALLS,
    FaultKind.SLOW: (*_CALLS, "seconds"),
    FaultKind.HANG: _CALLS,
    FaultKind.ACCEPT_THEN_CUT: _CALLS,
    FaultKind.CUT: _CALLS,
    FaultKind.DOWN: ("for",),
    FaultKind.EVENTS_TWICE: ("for", "times"),
    FaultKind.EVENTS_SHUFFLED: ("for", "seconds"),
    FaultKind.CLOCK_SKEW: ("for", "seconds"),
}
"""What of a fault can be chosen; ``for`` is how long it lasts."""


@dataclass(kw_only=True, eq=False)
class Fault:
    """One fault: to whom it applies (None = to all) and how many more ``times`` (None = until it ends)."""

    kind: FaultKind
    method: str | None = None
    channel: str | None = None
    times: int | None = None
    seconds: float = 1.0
    retry_after: int = 1
    number: int = 0
    ends: datetime | None = None
    alarm: Alarm | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Faults:
    """The faults that are on."""

    def __init__(self, clock: Clock) -> None:
        self.active: list[Fault] = []
        self.watchers: list[Callable[[], None]] = []
        self._unended: list[Fault] = []
        self._clock = clock
        self._numbers = itertools.count(1)

    def add(self, fault: Fault, *, duration: float | None = None) -> Fault:
        """Switch a fault on, for ``duration`` of the world's seconds if given."""
        fault.number = next(self._numbers)
        self.active.append(fault)
        self._unended.append(fault)
        if duration is not None:
            fault.ends = self._clock.now() + timedelta(seconds=duration)
            fault.alarm = self._clock.call_at(fault.ends, lambda: self._end(fault))
        self._tell()
        return fault

    def clear(self, number: int | None = None) -> None:
        """Switch every fault off, or one by its number; calls that hang are let go, also by faults already used up."""
        for fault in [one for one in self._unended if number in (None, one.number)]:
            self._end(fault)

    def _end(self, fault: Fault) -> None:
        if fault.alarm is not None:
            fault.alarm.cancel()
        if fault in self.active:
            self.active.remove(fault)
        if fault in self._unended:
            self._unended.remove(fault)
        fault.over.set()
        self._tell()

    def take(self, method: str, channel: str | None) -> Fault | None:
        """The first fault that applies to this call, counted down."""
        for fault in self.active:
            applies = fault.kind is FaultKind.DOWN or (
                fault.kind not in _SENDING and fault.method in (None, method) and fault.channel in (None, channel)
            )
            if applies:
                self._count(fault)
                return fault
        return None

    def sending(self, kind: FaultKind) -> Fault | None:
        """The first fault of a kind that changes what Slack sends, counted down."""
        fault = self._of(kind)
        if fault is not None:
            self._count(fault)
        return fault

    def _of(self, kind: FaultKind) -> Fault | None:
        return next((one for one in self.active if one.kind is kind), None)

    def _count(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times > 0:
            self._tell()
        elif fault.kind is FaultKind.HANG:
            self.active.remove(fault)
            self._tell()
        else:
            self._end(fault)

    @property
    def down(self) -> bool:
        """Whether everything is down."""
        return self._of(FaultKind.DOWN) is not None

    async def until_up(self) -> None:
        """Wait until nothing is down."""
        while (fault := self._of(FaultKind.DOWN)) is not None:
            await fault.over.wait()

    def listed(self) -> list[Json]:
        """The faults that are on, for the control door; ``left`` is in the world's seconds."""
        now = self._clock.now()
        return [
            {
                "id": fault.number,
                "system": "slack",
                "kind": fault.kind.value,
                "summary": SUMMARIES[fault.kind],
                "method": fault.method,
                "channel": fault.channel,
                "times": fault.times,
                "left": max(0.0, (fault.ends - now).total_seconds()) if fault.ends is not None else None,
                "seconds": fault.seconds,
                "retry_after": fault.retry_after,
            }
            for fault in self.active
        ]

    def _tell(self) -> None:
        for watcher in self.watchers:
            watcher()


Answered = tuple[int, Any, dict[str, str], bool]
"""A status, what is said, its headers, and whether the connection is closed without saying it."""


async def suffered(fault: Fault | None) -> Answered | None:
    """What a fault answers in the place of what was asked, once it does; None to go on."""
    if fault is None:
        return None
    early: Answered | None = None
    match fault.kind:
        case FaultKind.RATELIMITED:
            early = 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(fault.retry_after)}, False
        case FaultKind.HTTP_500:
            early = 500, "<html>Internal Server Error</html>", {}, False
        case FaultKind.INTERNAL_ERROR:
            early = 200, {"ok": False, "error": "internal_error"}, {}, False
        case FaultKind.HTTP_503:
            early = 503, "<html>Service Unavailable</html>", {}, False
        case FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
        case FaultKind.HANG:
            await fault.over.wait()
            early = 0, None, {}, True
        case FaultKind.CUT | FaultKind.DOWN:
            early = 0, None, {}, True
        case _:
            pass
    return early


def lost(fault: Fault | None) -> bool:
    """Whether something is done and its answer never arrives."""
    return fault is not None and fault.kind is FaultKind.ACCEPT_THEN_CUT
