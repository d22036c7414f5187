"""The delivery engine: rounds of look, fold, load, render, send, settle.

One engine runs, on the leader. It keeps no claims in the database: an unsent row is claimed by existing, and this
process remembers what it has under way. A process that begins after a disorderly end therefore *doubts* every unsent
row it finds: it waits until a message must be visible if Slack took it, looks for its key in the history, and only then
sends. The same happens to a single send whose outcome is unknown. Within one place messages keep their order, so a
place with a doubt in it waits; other places do not.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlmodel import Session

from bot import outbox, work
from bot.database import Database, DatabaseUnavailable
from bot.delivery import queue
from bot.delivery.effects import Effects
from bot.delivery.figures import AGE, DELAY, FAILURES, FOLDED, LIMITED, SENT
from bot.delivery.kinds import Outgoing, Showing
from bot.delivery.pace import UNAUTHORISED_SECONDS, Limits, Pace, backoff
from bot.delivery.queue import Waiting, WaitingEffect
from bot.delivery.view import View
from bot.errors import Doubtful, GiveUp, MessageGone, PlaceUnreachable, RetryLater, Unauthorised
from bot.outbox import Card, CardState, Lane, Note, SendState
from bot.ports import Chat, Message, Posted

log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0
"""How often the outbox is looked at although no bell rang."""


class Renders(Protocol):
    """Turns a template and a view into a message."""

    def message(self, template: str, view: object, *, key: str, metadata: Mapping[str, str]) -> Message: ...


@dataclass(frozen=True)
class _Loaded:
    row: Waiting
    showing: Showing | None
    shown: str | None = None
    at: Posted | None = None
    """Where the message to be edited stands, or whose thread to reply in."""


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
        self._chat = chat
        self._renderer = renderer
        self._outgoing = outgoing
        self._clock = clock
        self._now = ticks
        self._limits = limits or Limits()
        self._pace = Pace(self._limits)
        self._effects = Effects(database, outgoing.effects, clock=clock, spread=self._spread)
        self._view = View()
        self._bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: dict[object, asyncio.Task[None]] = {}
        self._not_before: dict[object, float] = {}
        self._attempts: dict[object, int] = {}
        self._doubts: dict[str, set[str]] = {}
        """By place: the keys of messages that may stand there, or may not."""
        self._unsure = False
        """Whether what somebody before us left behind is still to be doubted."""
        self._unfoldable: set[tuple[int, int]] = set()
        self._stopping = False
        self._watch: int | None = None
        self._overlap = 0.0
        self.trouble: str | None = None
        """What keeps us from the chat as a whole (credentials), in words for the operators; None when all is well."""

    def listen(self) -> None:
        """Hear the outbox's bell, rung from any thread."""
        self._loop = asyncio.get_running_loop()
        self._database.on_bell(outbox.BELL, self._ring)

    async def run(self, *, orderly: bool, watch: int | None = None, overlap: float = 0.0) -> None:
        """Send until ``stop``, or until somebody's watch has begun after ``watch``, ours (None: nobody else can).

        ``orderly`` is whether whoever did this before us ended well, leaving no doubts; otherwise they may go on for
        ``overlap`` seconds, not knowing that they were relieved.
        """
        self._stopping = False
        self._watch = watch
        self._overlap = overlap
        self._unsure = self._unsure or not orderly
        while not self._stopping:
            self._bell.clear()
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
                        await self._bell.wait()
                except TimeoutError:
                    self._view.stale = True

    async def stop(self, patience: float) -> bool:
        """Take nothing new, finish what is under way; returns whether nothing is left in doubt."""
        self._stopping = True
        self._bell.set()
        if self._tasks:
            _, pending = await asyncio.wait(set(self._tasks.values()), timeout=patience)
            for task in pending:
                task.cancel()
            if pending:
                return False
        return not self._doubts and not self._unsure

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
            if await self._fold(self._view.rows):
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
        now = self._now()
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
            if row.ts is None and self._not_before.get(row.name, 0.0) <= now:
                taken.add(row.place)  # whoever comes behind waits for this one, unless its trouble is its own
            if pause <= 0:
                ready.append(row)
                if row.ts is not None:
                    self._pace.updating(now)
            else:
                wait = min(wait, pause)
        return ready, wait

    def _wait_of(self, row: Waiting, now: float) -> float:
        due = self._not_before.get(row.name, 0.0) - now
        if row.ts is None:
            if self._pace.channel(row.place).busy:
                return POLL_SECONDS
            return max(due, self._pace.post_wait(row.place, now))
        if not row.urgent and row.sent_at is not None:
            since = (self._clock() - row.sent_at).total_seconds()
            due = max(due, self._limits.progress_every - since)
        return max(due, self._pace.update_wait(now))

    async def _start(self, ready: Sequence[Waiting]) -> None:
        loadable: list[Waiting] = []
        for row in ready:
            if row.place.startswith(outbox.WHO):
                self._spawn(row.place, self._address(row.place), holds=row.place)
            elif row.ts is None and row.place in self._doubts:
                self._spawn(f"doubt:{row.place}", self._resolve_doubts(row.place), holds=row.place)
            else:
                loadable.append(row)
        if not loadable:
            return
        loaded, broken = await self._database.read(lambda session: self._load(session, loadable))
        for row, fault in broken:
            log.error("what to show could not be loaded", kind=row.kind, row=row.id, exc_info=fault)
            self._again(row.name)
        for one in loaded:
            self._spawn(
                one.row.name, self._deliver(one), holds=one.row.place if one.at is None or one.row.ts is None else None
            )

    def _load(self, session: Session, rows: Iterable[Waiting]) -> tuple[list[_Loaded], list[tuple[Waiting, Exception]]]:
        now = self._clock()
        loaded: list[_Loaded] = []
        broken: list[tuple[Waiting, Exception]] = []
        if self._watch is not None and not work.is_latest_watch(session, self._watch):
            self._stopping = True  # we were relieved and have not heard it yet: another process sends now
            return loaded, broken
        self._read_ahead(session, [row for row in rows if row.sort == "card"])
        for row in rows:
            try:
                one = self._load_card(session, row, now) if row.sort == "card" else self._load_note(session, row, now)
            except Exception as fault:  # noqa: BLE001 - one row that cannot be shown must not stop the others
                broken.append((row, fault))
            else:
                if one is not None:
                    loaded.append(one)
        return loaded, broken

    def _read_ahead(self, session: Session, rows: Sequence[Waiting]) -> None:
        """One question for all cards, and one for all of a kind, instead of some for each."""
        cards: dict[str, list[Card]] = defaultdict(list)
        for card in queue.cards(session, [row.id for row in rows]) if rows else ():
            cards[card.kind].append(card)
        for kind, found in cards.items():
            ahead = self._outgoing.cards[kind].ahead
            if ahead is not None:
                ahead(session, found)

    def _load_card(self, session: Session, row: Waiting, now: datetime) -> _Loaded | None:
        card = session.get(Card, row.id)
        if card is None or card.state != CardState.LIVE:
            return None
        at = Posted(card.channel, card.ts) if card.channel and card.ts else None
        return _Loaded(row, self._outgoing.cards[row.kind].load(session, card, now), card.hash, at)

    def _load_note(self, session: Session, row: Waiting, now: datetime) -> _Loaded | None:
        note = session.get(Note, row.id)
        if note is None or note.state != SendState.PENDING:
            return None
        parent = queue.parent(session, note.thread)
        if note.thread is not None and (parent is None or parent.channel is None or parent.ts is None):
            return _Loaded(row, None)  # what it would answer is not shown
        at = Posted(parent.channel, parent.ts) if parent is not None and parent.channel and parent.ts else None
        return _Loaded(row, self._outgoing.notes[row.kind].load(session, note, now), None, at)

    # --- sending ----------------------------------------------------------------------------------------------------

    async def _deliver(self, loaded: _Loaded) -> None:
        row, showing = loaded.row, loaded.showing
        if showing is None:
            await self._settle_unshown(row)
            return
        try:
            message = self._renderer.message(showing.template, showing.view, key=row.key, metadata=showing.metadata)
        except Exception as fault:
            log.error("a message could not be rendered", template=showing.template, row=row.key, exc_info=fault)
            self._again(row.name)
            return
        shown = _hash(message)
        if row.sort == "card" and loaded.at is not None:
            if shown != loaded.shown:
                await self._edit(row, loaded.at, message, shown)
            else:
                self._pace.update_spared()
                await self._database.write(lambda session: queue.settle_card(session, row, self._clock()))
                self._view.settle(row)
            return
        await self._post(row, loaded.at, message, shown)

    async def _settle_unshown(self, row: Waiting) -> None:
        if row.ts is not None:
            self._pace.update_spared()
        if row.sort == "card":
            await self._database.write(lambda session: queue.settle_card(session, row, self._clock()))
        else:
            await self._database.write(lambda session: queue.settle_note(session, row, SendState.MOOT, None))
        self._forget(row.name)
        self._view.settle(row)

    async def _edit(self, row: Waiting, at: Posted, message: Message, shown: str) -> None:
        try:
            await self._chat.update(at, message)
        except MessageGone:
            await self._database.write(lambda session: queue.repost_card(session, row))
            return
        except RetryLater as fault:
            if fault.rate_limited:
                LIMITED.labels("update").inc()
                self._pace.updates_limited(fault.delay or backoff(1, self._spread()), self._now())
            self._again(row.name, fault.delay)
            return
        except Unauthorised as fault:
            self._unauthorised(row, fault)
            return
        except GiveUp as fault:
            if message.blocks and not isinstance(fault, PlaceUnreachable):
                await self._edit(row, at, _plain(message, fault), shown)
            else:
                await self._give_up(row, fault)
            return
        except Doubtful:
            FAILURES.labels(row.kind, "again").inc()
            self._again(row.name)  # editing twice is harmless
            return
        except Exception as fault:  # noqa: BLE001 - editing twice is harmless: whatever happened, try again
            self._unexpected(row, fault)
            return
        self._went_well(row, "update")
        await self._settled(row, at, shown)

    async def _post(self, row: Waiting, thread: Posted | None, message: Message, shown: str) -> None:
        place = row.place
        self._pace.posting(place, self._now())
        try:
            posted = await self._chat.post(
                thread.channel if thread else place, message, thread=thread.ts if thread else None
            )
        except RetryLater as fault:
            self._refused(row, fault)
            return
        except Doubtful as fault:
            self._doubt(row, str(fault))
            return
        except Unauthorised as fault:
            self._unauthorised(row, fault)
            return
        except GiveUp as fault:
            if message.blocks and not isinstance(fault, PlaceUnreachable):
                await self._post(row, thread, _plain(message, fault), shown)
            else:
                await self._give_up(row, fault)
            return
        except Exception as fault:
            log.error("an unexpected fault while posting", row=row.key, exc_info=fault)
            self._doubt(row, type(fault).__name__)
            return
        finally:
            self._pace.post_done(place)
        self._pace.post_succeeded(place)
        self._went_well(row, "post")
        DELAY.observe(max(0.0, (self._clock() - row.created_at).total_seconds()))
        await self._settled(row, posted, shown)

    async def _settled(self, row: Waiting, posted: Posted, shown: str) -> None:
        try:
            if row.sort == "card":
                await self._database.write(
                    lambda session: queue.settle_card(session, row, self._clock(), posted=posted, shown=shown),
                    patient=True,
                )
            else:
                await self._database.write(
                    lambda session: queue.settle_note(session, row, SendState.DONE, posted), patient=True
                )
        except Exception as fault:
            if not isinstance(fault, DatabaseUnavailable):
                log.error("what was sent could not be written down", row=row.key, exc_info=fault)
            if row.ts is None:
                self._doubt(row, str(fault))  # it is out, and nobody knows
            else:
                self._again(row.name)
        else:
            self._view.settle(row)

    def _refused(self, row: Waiting, fault: RetryLater) -> None:
        now = self._now()
        if fault.rate_limited:
            LIMITED.labels("post").inc()
            self._pace.post_limited(row.place, fault.delay or self._backoff(row.place), now)
            return
        FAILURES.labels(row.kind, "again").inc()
        self._pace.post_failed(row.place, fault.delay or self._backoff(row.place), now)

    def _backoff(self, place: str) -> float:
        return backoff(self._pace.channel(place).failures, self._spread())

    async def _give_up(self, row: Waiting, fault: GiveUp) -> None:
        FAILURES.labels(row.kind, "given_up").inc()
        log.error(
            "a message cannot be sent", kind=row.kind, place=row.place, row=row.key, code=fault.code, mend=fault.mend
        )
        unreachable = isinstance(fault, PlaceUnreachable)

        def close(session: Session) -> None:
            if row.sort == "card":
                state = CardState.UNREACHABLE if unreachable else CardState.LIVE
                queue.close_card(session, row, state, str(fault))
            else:
                queue.settle_note(session, row, SendState.FAILED, None, str(fault))
            if unreachable and row.place != self._outgoing.fallback:
                worked = queue.last_sent(session, row.place)  # said once, and again only after it worked in between
                outbox.add_note(
                    session, "unreachable", f"unreachable:{row.place}:{fault.code}:{worked}", self._outgoing.fallback,
                    self._clock(), unreachable=row.place, code=fault.code, mend=fault.mend,
                    card=row.id if row.sort == "card" else None,
                )  # fmt: skip

        await self._database.write(close)
        self._forget(row.name)

    # --- doubts -----------------------------------------------------------------------------------------------------

    async def _doubt_everything(self) -> None:
        """Whatever is unsent may have been sent by a process that was killed before it could write that down."""
        rows, _ = await self._read_waiting()
        until = self._now() + self._overlap + self._limits.doubt_settles
        doubted = [row for row in rows if row.ts is None and not row.place.startswith(outbox.WHO)]
        for row in doubted:
            self._doubts.setdefault(row.place, set()).add(row.key)
            self._pace.channel(row.place).paused_until = until
        if doubted:
            log.info("looking for messages that may have been sent before", count=len(doubted))

    def _doubt(self, row: Waiting, why: str) -> None:
        FAILURES.labels(row.kind, "doubtful").inc()
        log.warning("it is not known whether a message went out", row=row.key, place=row.place, reason=why)
        self._doubts.setdefault(row.place, set()).add(row.key)
        self._pace.post_failed(row.place, max(self._limits.doubt_settles, self._backoff(row.place)), self._now())

    async def _resolve_doubts(self, place: str) -> None:
        """Look for every doubted message of a place in its history; what stands there is settled, the rest is sent."""
        rows, _ = await self._read_waiting()
        keys = frozenset(self._doubts.get(place, ()))
        doubted = {row.key: row for row in rows if row.place == place and row.key in keys and row.ts is None}
        threads = await self._database.read(lambda session: _threads(session, doubted.values()))
        since = min((row.created_at for row in doubted.values()), default=self._clock()) - timedelta(seconds=60)
        try:
            found = await self._chat.find(place, set(doubted), since=since, threads=threads) if doubted else {}
        except (RetryLater, Doubtful) as fault:
            delay = fault.delay if isinstance(fault, RetryLater) and fault.delay else 2.0
            self._pace.post_failed(place, delay, self._now())
            return
        except PlaceUnreachable:
            found = {}  # nothing can stand where nothing can be read or written; sending will say why
        except GiveUp as fault:
            self.trouble = str(fault)
            self._pace.post_failed(place, UNAUTHORISED_SECONDS, self._now())
            log.error(
                "cannot look for a message that may have been sent", place=place, code=fault.code, mend=fault.mend
            )
            return
        await self._database.write(lambda session: _settle_found(session, doubted, found, self._clock()))
        self._doubts.pop(place, None)  # nothing was sent here meanwhile: the place was held
        log.info("doubts resolved", place=place, doubted=len(doubted), found=len(found))

    # --- people, folding, effects -----------------------------------------------------------------------------------

    async def _address(self, place: str) -> None:
        """Find out who a person is in Slack, and give what waits for them its place."""
        try:
            settle = await self._outgoing.find_person(place.removeprefix(outbox.WHO))
        except (RetryLater, Doubtful) as fault:
            delay = fault.delay if isinstance(fault, RetryLater) else None
            self._pace.post_failed(place, delay or self._backoff(place), self._now())
            return
        except GiveUp as fault:
            self.trouble = str(fault)
            log.error("people cannot be looked up", code=fault.code, mend=fault.mend)
            self._pace.post_failed(place, UNAUTHORISED_SECONDS, self._now())
            return
        await self._database.write(lambda session: settle(session, self._clock()))

    async def _fold(self, rows: Sequence[Waiting]) -> bool:
        """Fold the cards that would wait too long; returns whether any did."""
        now = self._now()
        positions: dict[str, int] = defaultdict(int)
        late: dict[str, list[Waiting]] = defaultdict(list)
        for row in rows:
            if row.ts is not None or row.place.startswith(outbox.WHO):
                continue
            position = positions[row.place]
            positions[row.place] += 1
            if row.sort != "card" or row.kind == queue.DIGEST or row.name in self._tasks:
                continue
            if row.key in self._doubts.get(row.place, ()):
                continue
            if (row.id, row.version) in self._unfoldable:
                continue
            if self._pace.backlog_wait(row.place, position, now) > self._limits.fold_after:
                late[row.place].append(row)
        self._unfoldable &= {(row.id, row.version) for row in rows if row.sort == "card"}
        any_folded = False
        for place, cards in late.items():
            folded = await self._fold_in(place, cards)
            self._unfoldable.update((card.id, card.version) for card in cards if card.id not in folded)
            FOLDED.inc(len(folded))
            any_folded = any_folded or bool(folded)
        return any_folded

    async def _fold_in(self, place: str, cards: Sequence[Waiting]) -> set[int]:
        return await self._database.write(
            lambda session: queue.fold(session, place, cards, self._foldable, self._clock())
        )

    def _foldable(self, session: Session, card: Card) -> bool:
        return self._outgoing.cards[card.kind].foldable(session, card)

    def _start_effects(self, effects: Sequence[WaitingEffect]) -> float:
        """Start the effects that may be done now; returns the seconds until another may."""
        now = self._now()
        wait = POLL_SECONDS
        running = sum(1 for name in self._tasks if isinstance(name, str) and name.startswith("effect:"))
        for row in effects:
            if row.name in self._tasks:
                continue
            pause = self._not_before.get(row.name, 0.0) - now
            most = self._limits.effects + (self._limits.pages if row.lane == Lane.PAGE else 0)
            if pause > 0:
                wait = min(wait, pause)
            elif running < most:
                running += 1
                self._spawn(row.name, self._do(row))
        return wait

    async def _do(self, row: WaitingEffect) -> None:
        if await self._effects.do(row):
            self._view.settle(row)
            self._forget(row.name)

    # --- small things -----------------------------------------------------------------------------------------------

    def _spawn(self, name: object, work: Coroutine[Any, Any, None], *, holds: str | None = None) -> None:
        """Start ``work`` under a name, unless it is under way; ``holds`` keeps its place busy until it ends.

        Nothing is started once we are stopping: a call that nobody waits for could not be called orderly.
        """
        if name in self._tasks or self._stopping:
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks[name] = task
        if holds is not None:
            self._pace.channel(holds).busy = True

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.pop(name, None)
            if holds is not None:
                self._pace.post_done(holds)
            if not done.cancelled() and (fault := done.exception()) is not None:
                level = log.warning if isinstance(fault, DatabaseUnavailable) else log.error
                level("a delivery task ended badly", name=str(name), exc_info=fault)
                self._again(name)
            if not self._view.has_settled(name):
                self._view.stale = True
            self._bell.set()

        task.add_done_callback(ended)

    def _again(self, name: object, delay: float | None = None) -> None:
        attempts = self._attempts[name] = self._attempts.get(name, 0) + 1
        self._not_before[name] = self._now() + (delay or backoff(attempts, self._spread()))

    def _went_well(self, row: Waiting, call: str) -> None:
        SENT.labels(row.kind, call).inc()
        self._forget(row.name)
        self.trouble = None

    def _forget(self, name: object) -> None:
        """It ended: its past troubles are nobody's business any more."""
        self._not_before.pop(name, None)
        self._attempts.pop(name, None)

    def _unauthorised(self, row: Waiting, fault: Unauthorised) -> None:
        FAILURES.labels(row.kind, "unauthorised").inc()
        if self.trouble != str(fault):
            log.error("Slack refuses our credentials", code=fault.code, mend=fault.mend)
        self.trouble = str(fault)
        until = self._now() + UNAUTHORISED_SECONDS
        self._pace.posts_paused_until = self._pace.updates_paused_until = until

    def _unexpected(self, row: Waiting, fault: Exception) -> None:
        log.error("an unexpected fault while editing", row=row.key, exc_info=fault)
        self._again(row.name)

    def _spread(self) -> float:
        return random.random()  # noqa: S311 - it spreads tries in time, it guards nothing

    def _ring(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        self._view.stale = True
        self._bell.set()


def _hash(message: Message) -> str:
    return hashlib.sha256(json.dumps([message.text, list(message.blocks)], sort_keys=True).encode()).hexdigest()


def _plain(message: Message, fault: GiveUp) -> Message:
    """The same words without blocks, when Slack will not take the blocks: better plain than lost."""
    log.error("Slack refused our blocks; sending the words alone", key=message.key, code=fault.code, mend=fault.mend)
    return Message(text=message.text, blocks=(), key=message.key, metadata=message.metadata)


def _threads(session: Session, rows: Iterable[Waiting]) -> list[str]:
    parents = (queue.parent(session, row.thread) for row in rows)
    return sorted({parent.ts for parent in parents if parent is not None and parent.ts})


def _settle_found(session: Session, doubted: Mapping[str, Waiting], found: Mapping[str, Posted], now: datetime) -> None:
    for key, posted in found.items():
        row = doubted[key]
        if row.sort == "card":
            queue.found_card(session, row, posted, now)
        else:
            queue.settle_note(session, row, SendState.DONE, posted)
