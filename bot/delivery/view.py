"""What waits, as the engine last read it, so that not every message sent means reading all that waits once more.

It may be behind, never wrong for long: whatever changes the outbox rings its bell, which makes it stale, and so does
everything that ends otherwise than settled. Nothing is sent from it: what a row shows is loaded anew before it goes.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.delivery.queue import Waiting, WaitingEffect


class View:
    """The rows in view; ``stale`` says that they are to be read again before anything is chosen from them."""

    def __init__(self) -> None:
        self.stale = True
        self._rows: dict[object, Waiting] = {}
        self._effects: dict[object, WaitingEffect] = {}
        self._settled: set[object] = set()

    @property
    def rows(self) -> Sequence[Waiting]:
        """The cards and notes in view, in order of lanes."""
        return tuple(self._rows.values())

    @property
    def effects(self) -> Sequence[WaitingEffect]:
        """The effects in view, in order of lanes."""
        return tuple(self._effects.values())

    def reading(self) -> None:
        """The rows are being read: what changes from now on is not in what will be shown."""
        self.stale = False
        self._settled.clear()

    def show(self, rows: Sequence[Waiting], effects: Sequence[WaitingEffect]) -> None:
        """These were read; what was settled while they were is left out, and looked at once more."""
        self._rows = {row.name: row for row in rows if row.name not in self._settled}
        self._effects = {row.name: row for row in effects if row.name not in self._settled}
        self.stale = self.stale or len(self._rows) < len(rows) or len(self._effects) < len(effects)

    def settle(self, row: Waiting | WaitingEffect) -> None:
        """It is settled in the database as ``row`` says: out of view, and looked at again where something is newer."""
        self._settled.add(row.name)
        seen = self._rows.get(row.name)
        if seen is not None and isinstance(row, Waiting) and seen.version != row.version:
            self.stale = True
        self._rows.pop(row.name, None)
        self._effects.pop(row.name, None)

    def has_settled(self, name: object) -> bool:
        """Whether this was settled since the rows were last read."""
        return name in self._settled
