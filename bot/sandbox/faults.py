"""Faults on demand: what makes the stand-in slow, unfair or dead for a while, matched by method and channel."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """What can go wrong with a call to the Web API."""

    RATELIMITED = "ratelimited"
    """429 with ``Retry-After: retry_after``."""
    HTTP_500 = "http_500"
    """A 500 that is not JSON, before anything was done."""
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
    """As ``cut``, for every method and for websockets."""


@dataclass(kw_only=True, eq=False)
class Fault:
    """One fault: to whom it applies (None = to all) and how many more ``times`` (None = until cleared)."""

    kind: FaultKind
    method: str | None = None
    channel: str | None = None
    times: int | None = None
    seconds: float = 1.0
    retry_after: int = 1
    cleared: asyncio.Event = field(default_factory=asyncio.Event)


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._uncleared: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on."""
        self.active.append(fault)
        self._uncleared.append(fault)

    def clear(self) -> None:
        """Switch every fault off and let go of the calls that hang, also by faults already used up."""
        self.active = []
        while self._uncleared:
            self._uncleared.pop().cleared.set()

    def take(self, method: str, channel: str | None) -> Fault | None:
        """The first fault that applies to this call, counted down."""
        for fault in self.active:
            applies = fault.kind is FaultKind.DOWN or (
                fault.method in (None, method) and fault.channel in (None, channel)
            )
            if not applies:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.active.remove(fault)
            return fault
        return None

    @property
    def down(self) -> bool:
        """Whether everything is down."""
        return any(fault.kind is FaultKind.DOWN for fault in self.active)
