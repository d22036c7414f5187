"""Messages of which it is not known whether they went out: looked for in the history of their place, then settled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from bot import outbox
from bot.database import Database
from bot.delivery import queue
from bot.delivery.figures import FAILURES
from bot.delivery.memory import Memory
from bot.delivery.queue import Waiting
from bot.errors import Doubtful, GiveUp, PlaceUnreachable, RetryLater
from bot.outbox import Lane, SendState
from bot.ports import Chat, Posted

log = structlog.get_logger(__name__)


class Doubting:
    """Doubts messages, and resolves the doubts of a place."""

    def __init__(self, memory: Memory, database: Database, chat: Chat, *, clock: Callable[[], datetime]) -> None:
        self._memory = memory
        self._database = database
        self._chat = chat
        self._clock = clock

    def doubt_everything(self, rows: Sequence[Waiting], overlap: float) -> None:
        """Whatever is unsent may have been sent by a process that was killed before it could write that down.

        It may still be sending for ``overlap`` seconds, if it was not killed and does not know that it was relieved.
        """
        since, limits = self._memory.now() + overlap, self._memory.limits
        doubted = [row for row in rows if row.ts is None and not row.place.startswith(outbox.WHO)]
        waking = {row.place for row in doubted if row.lane == Lane.PAGE}
        for row in doubted:
            settles = min(limits.doubt_settles, limits.page_settles) if row.place in waking else limits.doubt_settles
            self._memory.doubts.setdefault(row.place, set()).add(row.key)
            self._memory.pace.channel(row.place).paused_until = since + settles
        if doubted:
            log.info("looking for messages that may have been sent before", count=len(doubted))

    def doubt(self, row: Waiting, why: str) -> None:
        """This message may stand in its place, or may not: the place waits until that is known."""
        memory = self._memory
        FAILURES.labels(row.kind, "doubtful").inc()
        log.warning("it is not known whether a message went out", row=row.key, place=row.place, reason=why)
        memory.doubts.setdefault(row.place, set()).add(row.key)
        pause = max(memory.limits.doubt_settles, memory.backoff(row.place))
        memory.pace.post_failed(row.place, pause, memory.now())

    async def resolve(self, place: str) -> None:
        """Look for every doubted message of a place in its history; what stands there is settled, the rest is sent."""
        memory = self._memory
        now = self._clock()
        rows, _ = await self._database.read(lambda session: queue.waiting(session, now))
        keys = frozenset(memory.doubts.get(place, ()))
        doubted = {row.key: row for row in rows if row.place == place and row.key in keys and row.ts is None}
        threads = await self._database.read(lambda session: _threads(session, doubted.values()))
        since = min((row.created_at for row in doubted.values()), default=now) - timedelta(seconds=60)
        try:
            found = await self._chat.find(place, set(doubted), since=since, threads=threads) if doubted else {}
        except (RetryLater, Doubtful) as fault:
            delay = fault.delay if isinstance(fault, RetryLater) and fault.delay else 2.0
            memory.pace.post_failed(place, delay, memory.now())
            return
        except PlaceUnreachable:
            found = {}  # nothing can stand where nothing can be read or written; sending will say why
        except GiveUp as fault:
            memory.refused(place, fault)
            log.error(
                "cannot look for a message that may have been sent", place=place, code=fault.code, mend=fault.mend
            )
            return
        await self._database.write(lambda session: _settle_found(session, doubted, found, self._clock()))
        memory.doubts.pop(place, None)  # nothing was sent here meanwhile: the place was held
        log.info("doubts resolved", place=place, doubted=len(doubted), found=len(found))


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
