"""The delivery engine: rounds of look, fold, load, render, send, settle.

One engine runs, on the leader. It keeps no claims in the database: an unsent row is claimed by existing, and this
process remembers what it has under way. A process that begins after a disorderly end therefore *doubts* every unsent
row it finds: it waits until a message must be visible if Slack took it, looks for its key in the history, and only then
sends. The same happens to a single send whose outcome is unknown. Within one place messages keep their order, so a
place with a doubt in it waits; other places do not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlmodel import Session

from bot import outbox, work
from bot.database import Database, DatabaseUnavailable
from bot.delivery import queue
from bot.delivery.doubting import Doubting
from bot.delivery.effects import Effects
from bot.delivery.figures import AGE
from bot.delivery.folding import Folding
from bot.delivery.kinds import Outgoing
from bot.delivery.loading import Loaded, load
from bot.delivery.memory import Memory
from bot.delivery.pace import Limits
from bot.delivery.queue import Waiting, WaitingEffect
from bot.delivery.sending import Renders, Sending
from bot.errors import Doubtful, GiveUp, RetryLater
from bot.outbox import Lane
from bot.ports import Chat

log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0
"""How often the outbox is looked at although no bell rang."""


class Delivery:
    """Sends what the outbox holds. ``clock`` gives instants, ``ticks`` the seconds that pauses are measured in."""

    def __init__(
        self,
        database: Database,
        chat: Chat,
        renderer: Renders,
        outgoing: Outgoing,
        *,
        clock: Callable[[], datetime],
        limits: Limits | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._outgoing = outgoing
        self._clock = clock
        self._limits = limits or Limits()
        self._memory = memory = Memory(self._limits, ticks)
        self._pace = memory.pace
        self._view = memory.view
        self._tasks = memory.tasks
        self._doubting = Doubting(memory, database, chat, clock=clock)
        self._folding = Folding(memory, database, outgoing.cards, clock=clock)
        elsewhere = frozenset(name for name, kind in outgoing.notes.items() if kind.elsewhere)
        self._sending = Sending(
            memory, database, chat, renderer, self._doubting, fallback=outgoing.fallback, elsewhere=elsewhere,
            clock=clock,
        )  # fmt: skip
        self._effects = Effects(database, outgoing.effects, clock=clock, spread=memory.spread)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unsure = False
        """Whether what somebody before us left behind is still to be doubted."""
        self._watch: int | None = None
        self._overlap = 0.0

    @property
    def trouble(self) -> str | None:
        """What keeps us from the chat as a whole (credentials), in words for the operators; None when all is well."""
        return self._memory.trouble

    @trouble.setter
    def trouble(self, words: str | None) -> None:
        self._memory.trouble = words

    def listen(self) -> None:
        """Hear the outbox's bell, rung from any thread."""
        self._loop = asyncio.get_running_loop()
        self._database.on_bell(outbox.BELL, self._ring)

    async def run(self, *, orderly: bool, watch: int | None = None, overlap: float = 0.0) -> None:
        """Send until ``stop``, or until somebody's watch has begun after ``watch``, ours (None: nobody else can).

        ``orderly`` is whether whoever did this before us ended well, leaving no doubts; otherwise they may go on for
        ``overlap`` seconds, not knowing that they were relieved.
        """
        self._memory.stopping = False
        self._watch = watch
        self._overlap = overlap
        self._unsure = self._unsure or not orderly
        while not self._memory.stopping:
            self._memory.bell.clear()
            try:
                if self._unsure:
                    await self._doubt_everything()
                    self._unsure = False
                wait = await self._round(look=self._view.stale)
            except DatabaseUnavailable as fault:
                log.warning("delivery waits for the database", error=str(fault))
                self._view.stale = True
                wait = POLL_SECONDS
            if wait > 0:
                try:
                    async with asyncio.timeout(min(wait, POLL_SECONDS)):
                        await self._memory.bell.wait()
                except TimeoutError:
                    self._view.stale = True

    async def stop(self, patience: float) -> bool:
        """Take nothing new, finish what is under way; returns whether nothing is left in doubt."""
        self._memory.stopping = True
        self._memory.bell.set()
        if self._tasks:
            _, pending = await asyncio.wait(set(self._tasks.values()), timeout=patience)
            for task in pending:
                task.cancel()
            if pending:
                return False
        return not self._memory.doubts and not self._unsure

    async def measure(self) -> None:
        """Bring the gauges up to date."""
        for lane, age in (await self._database.read(lambda session: queue.oldest(session, self._clock()))).items():
            AGE.labels(lane).set(age)

    # --- one round --------------------------------------------------------------------------------------------------

    async def _round(self, *, look: bool = True) -> float:
        """Start everything that may go now; returns the seconds until something else may.

        Without a ``look`` at the tables it goes by what is in view.
        """
        if look:
            self._view.reading()
            self._view.show(*await self._read_waiting())
            if await self._folding.fold(self._view.rows):
                self._view.stale = True
                return 0.0
        waits = [self._start_effects(self._view.effects)]
        ready, wait = self._pick(self._view.rows)
        waits.append(wait)
        if ready:
            await self._start(ready)
        return min(waits)

    async def _read_waiting(self) -> tuple[list[Waiting], list[WaitingEffect]]:
        now = self._clock()
        return await self._database.read(lambda session: queue.waiting(session, now))

    def _pick(self, rows: Sequence[Waiting]) -> tuple[list[Waiting], float]:
        """The rows that may be sent now, at most one post to a place, and the seconds until another may."""
        now = self._memory.now()
        room = self._limits.concurrency - len(self._tasks)
        ready: list[Waiting] = []
        wait = POLL_SECONDS
        taken: set[str] = set()
        for row in rows:
            if room <= len(ready):
                return ready, POLL_SECONDS  # a finished task rings the bell
            if row.name in self._tasks:
                taken.update(() if row.ts else {row.place})
                continue
            blocked = row.ts is None and row.place in taken
            pause = POLL_SECONDS if blocked else self._wait_of(row, now)
            if row.ts is None and self._memory.due_in(row.name, now) <= 0:
                taken.add(row.place)  # whoever comes behind waits for this one, unless its trouble is its own
            if pause <= 0:
                ready.append(row)
                if row.ts is not None:
                    self._pace.updating(now)
            else:
                wait = min(wait, pause)
        return ready, wait

    def _wait_of(self, row: Waiting, now: float) -> float:
        due = self._memory.due_in(row.name, now)
        if row.ts is None:
            if self._pace.channel(row.place).busy:
                return POLL_SECONDS
            return max(due, self._pace.post_wait(row.place, now))
        if not row.urgent and row.sent_at is not None:
            since = (self._clock() - row.sent_at).total_seconds()
            due = max(due, self._limits.progress_every - since)
        return max(due, self._pace.update_wait(now))

    async def _start(self, ready: Sequence[Waiting]) -> None:
        start = self._memory.start
        loadable: list[Waiting] = []
        for row in ready:
            if row.place.startswith(outbox.WHO):
                start(row.place, self._address(row.place), holds=row.place)
            elif row.ts is None and row.place in self._memory.doubts:
                start(f"doubt:{row.place}", self._doubting.resolve(row.place), holds=row.place)
            else:
                loadable.append(row)
        if not loadable:
            return
        loaded, broken = await self._database.read(lambda session: self._load(session, loadable))
        for row, fault in broken:
            log.error("what to show could not be loaded", kind=row.kind, row=row.id, exc_info=fault)
            self._memory.again(row.name)
        for one in loaded:
            edits = one.at is not None and one.row.ts is not None
            start(one.row.name, self._sending.deliver(one), holds=None if edits else one.row.place)

    def _load(
        self, session: Session, rows: Sequence[Waiting]
    ) -> tuple[Sequence[Loaded], Sequence[tuple[Waiting, Exception]]]:
        if self._watch is not None and not work.is_latest_watch(session, self._watch):
            self._memory.stopping = True  # we were relieved and have not heard it yet: another process sends now
            return (), ()
        return load(session, self._outgoing, rows, self._clock())

    async def _doubt_everything(self) -> None:
        rows, _ = await self._read_waiting()
        self._doubting.doubt_everything(rows, self._overlap)

    # --- people, effects, the bell ----------------------------------------------------------------------------------

    async def _address(self, place: str) -> None:
        """Find out who a person is in Slack, and give what waits for them its place."""
        memory = self._memory
        try:
            settle = await self._outgoing.find_person(place.removeprefix(outbox.WHO))
        except (RetryLater, Doubtful) as fault:
            delay = fault.delay if isinstance(fault, RetryLater) else None
            self._pace.post_failed(place, delay or memory.backoff(place), memory.now())
            return
        except GiveUp as fault:
            memory.refused(place, fault)
            log.error("people cannot be looked up", code=fault.code, mend=fault.mend)
            return
        await self._database.write(lambda session: settle(session, self._clock()))

    def _start_effects(self, effects: Sequence[WaitingEffect]) -> float:
        """Start the effects that may be done now; returns the seconds until another may."""
        now = self._memory.now()
        wait = POLL_SECONDS
        running = sum(1 for name in self._tasks if isinstance(name, str) and name.startswith("effect:"))
        for row in effects:
            if row.name in self._tasks:
                continue
            pause = self._memory.due_in(row.name, now)
            most = self._limits.effects + (self._limits.pages if row.lane == Lane.PAGE else 0)
            if pause > 0:
                wait = min(wait, pause)
            elif running < most:
                running += 1
                self._memory.start(row.name, self._do(row))
        return wait

    async def _do(self, row: WaitingEffect) -> None:
        if await self._effects.do(row):
            self._view.settle(row)
            self._memory.forget(row.name)

    def _ring(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        self._view.stale = True
        self._memory.bell.set()
