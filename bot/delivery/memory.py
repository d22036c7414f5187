"""What this process remembers of what it sends: what is under way, was tried in vain, is in doubt. It dies with it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from bot.database import DatabaseUnavailable
from bot.delivery.pace import UNAUTHORISED_SECONDS, Limits, Pace, backoff
from bot.delivery.view import View
from bot.errors import GiveUp

log = structlog.get_logger(__name__)


class Memory:
    """What the engine's parts know together. ``ticks`` gives the seconds that pauses are measured in."""

    def __init__(self, limits: Limits, ticks: Callable[[], float]) -> None:
        self.limits = limits
        self.now = ticks
        self.pace = Pace(limits)
        self.view = View()
        self.bell = asyncio.Event()
        self.tasks: dict[object, asyncio.Task[None]] = {}
        """What is under way, by name."""
        self.doubts: dict[str, set[str]] = {}
        """By place: the keys of messages that may stand there, or may not."""
        self.stopping = False
        self.trouble: str | None = None
        """What keeps us from the chat as a whole (credentials), in words for the operators; None when all is well."""
        self._not_before: dict[object, float] = {}
        self._attempts: dict[object, int] = {}

    def start(self, name: object, work: Coroutine[Any, Any, None], *, holds: str | None = None) -> None:
        """Start ``work`` under a name, unless it is under way; ``holds`` keeps its place busy until it ends.

        Nothing is started once we are stopping: a call that nobody waits for could not be called orderly.
        """
        if name in self.tasks or self.stopping:
            work.close()
            return
        task = asyncio.create_task(work)
        self.tasks[name] = task
        if holds is not None:
            self.pace.channel(holds).busy = True

        def ended(done: asyncio.Task[None]) -> None:
            self.tasks.pop(name, None)
            if holds is not None:
                self.pace.post_done(holds)
            if not done.cancelled() and (fault := done.exception()) is not None:
                level = log.warning if isinstance(fault, DatabaseUnavailable) else log.error
                level("a delivery task ended badly", name=str(name), exc_info=fault)
                self.again(name)
            if not self.view.has_settled(name):
                self.view.stale = True
            self.bell.set()

        task.add_done_callback(ended)

    def due_in(self, name: object, now: float) -> float:
        """Seconds until it may be tried again; none are left where this is not above 0."""
        return self._not_before.get(name, 0.0) - now

    def again(self, name: object, delay: float | None = None) -> None:
        """It did not work: try it again after a while, longer each time unless ``delay`` says how long."""
        attempts = self._attempts[name] = self._attempts.get(name, 0) + 1
        self._not_before[name] = self.now() + (delay or backoff(attempts, self.spread()))

    def forget(self, name: object) -> None:
        """It ended: its past troubles are nobody's business any more."""
        self._not_before.pop(name, None)
        self._attempts.pop(name, None)

    def backoff(self, place: str) -> float:
        """Seconds before the next try of anything at a place where the last ones failed."""
        return backoff(self.pace.channel(place).failures, self.spread())

    def refused(self, place: str, fault: GiveUp) -> None:
        """We are not let in, which a person must mend: nothing is tried at this place for a while."""
        self.trouble = str(fault)
        self.pace.post_failed(place, UNAUTHORISED_SECONDS, self.now())

    def spread(self) -> float:
        """A number from 0 to 1 by which tries of many are spread in time."""
        return random.random()  # noqa: S311 - it spreads tries in time, it guards nothing
