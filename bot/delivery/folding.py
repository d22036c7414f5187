"""Cards that would wait too long for their place become lines of its digest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from bot import outbox
from bot.database import Database
from bot.delivery import queue
from bot.delivery.figures import FOLDED
from bot.delivery.kinds import CardKind
from bot.delivery.memory import Memory
from bot.delivery.queue import Waiting
from bot.outbox import Card


class Folding:
    """Folds; what may not fold in its present version is not asked again."""

    def __init__(
        self, memory: Memory, database: Database, kinds: Mapping[str, CardKind], *, clock: Callable[[], datetime]
    ) -> None:
        self._memory = memory
        self._database = database
        self._kinds = kinds
        self._clock = clock
        self._unfoldable: set[tuple[int, int]] = set()

    async def fold(self, rows: Sequence[Waiting]) -> bool:
        """Fold the cards that would wait too long; returns whether any did."""
        late = self._late(rows)
        self._unfoldable &= {(row.id, row.version) for row in rows if row.sort == "card"}
        any_folded = False
        for place, cards in late.items():
            folded = await self._fold_in(place, cards)
            self._unfoldable.update((card.id, card.version) for card in cards if card.id not in folded)
            FOLDED.inc(len(folded))
            any_folded = any_folded or bool(folded)
        return any_folded

    def _late(self, rows: Sequence[Waiting]) -> dict[str, list[Waiting]]:
        """By place: the cards that would wait too long, and of which it is not known that they must not fold."""
        memory = self._memory
        now = memory.now()
        positions: dict[str, int] = defaultdict(int)
        late: dict[str, list[Waiting]] = defaultdict(list)
        for row in rows:
            if row.ts is not None or row.place.startswith(outbox.WHO):
                continue
            position = positions[row.place]
            positions[row.place] += 1
            if row.sort != "card" or row.kind == queue.DIGEST or row.name in memory.tasks:
                continue
            if row.key in memory.doubts.get(row.place, ()):
                continue
            if (row.id, row.version) in self._unfoldable:
                continue
            if memory.pace.backlog_wait(row.place, position, now) > memory.limits.fold_after:
                late[row.place].append(row)
        return late

    async def _fold_in(self, place: str, cards: Sequence[Waiting]) -> set[int]:
        return await self._database.write(
            lambda session: queue.fold(session, place, cards, self._foldable, self._clock())
        )

    def _foldable(self, session: Session, card: Card) -> bool:
        return self._kinds[card.kind].foldable(session, card)
