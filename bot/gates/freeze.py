"""Calendar windows within which nothing ships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.gates.base import FreezeFact, Open, Situation, TrainFact, TrainState, Verdict, Waiting
from bot.gates.wording import listed


@dataclass(frozen=True)
class Freeze:
    """No window covers this instant; a window holds from its beginning until just before its end.

    A train that is live in part is not left so: its conductor may let it roll on over one that began on its way.
    """

    name: str = "freeze"

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Waiting until the last of the windows that join up has ended."""
        holding = [freeze for freeze in situation.freezes if freeze.holds(situation.now)]
        if not holding:
            return Open("no freeze")
        train = situation.train
        if train is not None and _rolls_on(train, holding):
            return Open(f"{train.over_freeze} lets the {train.name} train roll on: it is live in part")
        reasons = dict.fromkeys(_told(freeze) for freeze in holding)
        return Waiting(f"frozen: {listed(tuple(reasons))}", until=self.turns_at(situation))

    def turns_at(self, situation: Situation) -> datetime | None:
        """When the calendar alone changes this: the end of the windows that hold, or the beginning of the next."""
        end = situation.now
        for freeze in sorted(situation.freezes, key=lambda freeze: freeze.begins):
            if freeze.begins <= end < freeze.ends:
                end = freeze.ends
        if end > situation.now:
            return end
        later = [freeze.begins for freeze in situation.freezes if situation.now < freeze.begins < freeze.ends]
        return min(later, default=None)


def _rolls_on(train: TrainFact, holding: Sequence[FreezeFact]) -> bool:
    """Whether somebody let it go on past every one of these."""
    said_at = train.over_freeze_at
    if not train.aboard or train.state is not TrainState.DEPARTED or said_at is None:
        return False
    return all(freeze.begins <= said_at for freeze in holding)


def _told(freeze: FreezeFact) -> str:
    return f"{freeze.reason} (by {freeze.owner})" if freeze.owner else freeze.reason
