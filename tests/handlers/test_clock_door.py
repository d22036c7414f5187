"""The clock's door: one trigger for the earliest that is due, late rather than never, and again after any fault."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from bot.app import Bot
from bot.database import DatabaseUnavailable
from handlers.clock import AFTER_FAULT, AT_LEAST_EVERY, JOB, SOON, ClockDoor


class DueBot:
    """As much of a bot as the door uses: what is due next, and a bell. It may live at another time than the machine."""

    def __init__(self) -> None:
        self.looks = 0
        self.answers: list[timedelta | Exception | None] = []
        self.looked: asyncio.Queue[int] = asyncio.Queue()
        self.going_on: asyncio.Event | None = None
        self.bells: list[Callable[[], None]] = []
        self.started = datetime.now(UTC)

    @property
    def database(self) -> DueBot:
        """Its own database: a bell."""
        return self

    def on_bell(self, bell: str, ring: Callable[[], None]) -> None:
        """Who hears it."""
        assert bell == "work"
        self.bells.append(ring)

    def clock(self) -> datetime:
        """Years ahead of the machine."""
        return datetime(2031, 1, 1, tzinfo=UTC) + (datetime.now(UTC) - self.started)

    async def due(self) -> datetime | None:
        """Do what is due; when something is next."""
        self.looks += 1
        self.looked.put_nowait(self.looks)
        if self.going_on is not None:
            await self.going_on.wait()
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return self.clock() + answer if answer is not None else None

    async def look(self) -> None:
        """Return once it has been looked once more."""
        async with asyncio.timeout(20):
            await self.looked.get()


@asynccontextmanager
async def kept(bot: DueBot, door: ClockDoor | None = None) -> AsyncIterator[ClockDoor]:
    """A door that is kept until the block is left."""
    door = door or ClockDoor(cast("Bot", bot))
    keeping = asyncio.create_task(door.keep())
    await bot.look()
    try:
        yield door
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def waits(door: ClockDoor) -> float:
    """Seconds until the door looks again, once it has decided."""
    async with asyncio.timeout(20):
        job = None
        while job is None:
            await asyncio.sleep(0)
            job = door._scheduler.get_job(JOB)
        return float((job.next_run_time - datetime.now(UTC)).total_seconds())


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (timedelta(seconds=40), timedelta(seconds=40)),
        (timedelta(hours=1), AT_LEAST_EVERY),
        (None, AT_LEAST_EVERY),
        (DatabaseUnavailable("away"), AFTER_FAULT),
        (ZeroDivisionError("a fault of ours"), AFTER_FAULT),
    ],
)
async def test_the_door_looks_again_when_something_is_due(
    answer: timedelta | Exception | None, wait: timedelta
) -> None:
    """At least every minute, and soon after a fault of any kind."""
    bot = DueBot()
    bot.answers.append(answer)
    async with kept(bot) as door:
        assert wait.total_seconds() - 15 < await waits(door) <= wait.total_seconds()


async def test_what_is_due_already_is_done_at_once_and_then_again() -> None:
    """However late, and as often as something is due; a fault in between ends nothing."""
    bot = DueBot()
    bot.answers += [timedelta(seconds=-100), timedelta(0), timedelta(milliseconds=20), None]
    async with kept(bot) as door:
        for _ in range(3):
            await bot.look()
        assert await waits(door) > 30
    assert bot.looks == 4


async def test_something_newly_kept_is_looked_at_soon() -> None:
    """It may be the earliest: the bell brings the next look forward, never back."""
    bot = DueBot()
    async with kept(bot) as door:
        assert await waits(door) > 30
        bot.bells[0]()
        await asyncio.sleep(0)
        assert await waits(door) <= SOON.total_seconds()


async def test_a_bell_that_rings_while_the_door_looks_is_heard() -> None:
    """What was kept meanwhile may not have been seen."""
    bot = DueBot()
    bot.going_on = asyncio.Event()
    async with kept(bot) as door:
        bot.bells[0]()
        await asyncio.sleep(0)
        bot.going_on.set()
        assert await waits(door) <= SOON.total_seconds()


async def test_a_door_that_was_left_can_be_kept_again() -> None:
    """Leadership was lost and won back."""
    bot = DueBot()
    async with kept(bot) as door:
        pass
    bot.answers += [timedelta(milliseconds=20), None]
    async with kept(bot, door):
        await bot.look()
        assert await waits(door) > 30
    assert bot.looks == 3
    assert len(bot.bells) == 1, "each listener more would be called for every instant that is kept"


async def test_a_door_that_is_left_while_it_looks_again_tells_of_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """An orderly stop often comes in the middle of a look."""
    bot = DueBot()
    bot.answers += [timedelta(0)]
    async with kept(bot):
        bot.going_on = asyncio.Event()
        await bot.look()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
