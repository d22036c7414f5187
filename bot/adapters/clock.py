"""The present instant: the machine's own, or a stand-in world's that can be turned (``SHIPMATE_CLOCK_URL``).

A turned clock moves what the bot thinks the time is: ages, due work, what templates say. Signatures and tokens keep
real time. The other clock is asked over HTTP a few times a second and carried on between the answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import structlog

log = structlog.get_logger(__name__)

ASK_SECONDS = 0.25
"""How often the other clock is asked."""

PATIENCE = 2.0
"""Seconds to wait for its answer."""

TURNED = timedelta(seconds=0.5)
"""A difference larger than this from what we carried on is a turn."""


def wall_clock() -> datetime:
    """The machine's own present instant."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class _Reading:
    """What the other clock said, when (monotonic seconds), and how fast it goes."""

    said: datetime
    at: float
    speed: float

    def now(self) -> datetime:
        return self.said + timedelta(seconds=(time.monotonic() - self.at) * self.speed)


class FollowedClock:
    """A clock that follows the one at ``url``: ``{"now": ISO 8601, "speed": 1.0}``. Call it for the instant.

    ``on_turn`` is called when it was turned, and at every reading while it runs at another speed than ours.
    """

    def __init__(self, url: str, on_turn: Callable[[], None]) -> None:
        self._url = url
        self._on_turn = on_turn
        self._reading = _Reading(wall_clock(), time.monotonic(), 1.0)
        self._task: asyncio.Task[None] | None = None

    def __call__(self) -> datetime:
        """The present instant of the other clock."""
        return self._reading.now()

    async def start(self) -> None:
        """Read it once, then follow it."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session:
            await self._read(session)
        self._task = asyncio.create_task(self._follow(), name="shipmate-clock")

    async def stop(self) -> None:
        """Follow it no longer."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session:
            while True:
                await asyncio.sleep(ASK_SECONDS)
                await self._read(session)

    async def _read(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.get(self._url) as response:
                reading = _parsed(await response.json(content_type=None))
        except (TimeoutError, aiohttp.ClientError, ValueError) as fault:
            log.warning("the clock does not answer; carrying on from what it said", error=type(fault).__name__)
            return
        turned = abs(reading.now() - self._reading.now()) > TURNED
        self._reading = reading
        if turned or reading.speed != 1.0:
            self._on_turn()


def _parsed(answer: Any) -> _Reading:
    match answer:
        case {"now": str(now), "speed": int() | float() as speed}:
            said = datetime.fromisoformat(now)
            if said.tzinfo is not None:
                return _Reading(said.astimezone(UTC), time.monotonic(), float(speed))
    raise ValueError('a clock answers {"now": "2026-11-21T14:00:00+00:00", "speed": 1.0}')
