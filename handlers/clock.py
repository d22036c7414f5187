"""The clock's door: APScheduler fires one date trigger, for the earliest instant that our own table keeps.

The table is the truth (``bot.work``); the scheduler holds nothing that a restart could lose. It fires late rather than
never (no misfire limit), and each firing does everything that is due by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from bot import work
from bot.app import Bot
from bot.database import DatabaseUnavailable

log = structlog.get_logger(__name__)

AT_LEAST_EVERY = timedelta(minutes=1)
"""The table is looked at this often although nothing seems due."""

SOON = timedelta(seconds=0.5)
"""How long after something new is kept the table is looked at: many that come together make one look."""

AFTER_FAULT = timedelta(seconds=2)
"""When to look again after the database did not answer."""

JOB = "due"
"""The scheduler's only job."""


class ClockDoor:
    """Wakes the bot when something is due."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._wanted = asyncio.Event()
        self._listening = False
        self._rung = False
        """Whether something new was kept while a look was under way."""

    async def keep(self) -> None:
        """Fire for everything due until cancelled."""
        if not self._listening:
            self._listening = True  # once: leadership may be lost and won back many times
            self._bot.database.on_bell(work.BELL, self._ringer())
        self._scheduler.start()
        try:
            while True:
                self._wanted.clear()
                await self._fire()
                await self._wanted.wait()
        finally:
            self._scheduler.shutdown(wait=False)

    async def _fire(self) -> None:
        try:
            due = await self._bot.due()
        except DatabaseUnavailable as fault:
            log.warning("the clock waits for the database", error=str(fault))
            due = self._bot.clock() + AFTER_FAULT
        except Exception as fault:
            log.error("what is due could not be done", exc_info=fault)
            due = self._bot.clock() + AFTER_FAULT
        self._set(min(due - self._bot.clock(), AT_LEAST_EVERY) if due else AT_LEAST_EVERY)

    async def _want(self) -> None:
        """The scheduler's job: no more than a word, since a job that is ended at its work is told as an error."""
        self._wanted.set()

    def _set(self, wait: timedelta) -> None:
        """Fire after ``wait``. The scheduler keeps the machine's time, the bot's own clock may have been turned."""
        if self._rung:
            self._rung, wait = False, min(wait, SOON)
        self._scheduler.add_job(
            self._want,
            DateTrigger(datetime.now(UTC) + max(wait, timedelta())),
            id=JOB,
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=2,  # one that is about to end, and the next: with one alone the next may be skipped for good
        )

    def _ringer(self) -> Callable[[], None]:
        """A bell that any thread may ring: something new is kept, look soon whether it is the earliest."""
        loop = asyncio.get_running_loop()

        def look_soon() -> None:
            job = self._scheduler.get_job(JOB) if self._scheduler.running else None
            soon = datetime.now(UTC) + SOON
            if job is None:
                self._rung = True  # a look is under way, and may have missed it
            elif job.next_run_time > soon:
                job.modify(next_run_time=soon)

        def ring() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(look_soon)

        return ring
