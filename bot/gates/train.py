"""Only with a train, where one goes: with its departure, at its time, in its stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.gates.base import Blocked, Open, Situation, TrainFact, TrainState, Verdict, Waiting
from bot.gates.wording import listed

_MENDS = "add an approval gate to its policy, or let it go with the train"


@dataclass(frozen=True)
class Train:
    """It leaves with the train that goes to its destination; besides it only as a hotfix, which one more person wants.

    Closed while it is not aboard, until its departure has left and its stage is reached, and once that departure has
    stopped on the way.
    """

    name: str = "train"

    def asks(self, situation: Situation) -> int:
        """How many approvals it wants beyond the policy's count: one for a hotfix."""
        fact = situation.train
        return 1 if fact is not None and fact.hotfix and not fact.aboard else 0

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Waiting until the departure's time, where that is to come."""
        fact = situation.train
        if fact is None:
            return Open("no train goes there")
        if fact.aboard:
            return _aboard(fact, situation.now)
        if not fact.hotfix:
            return Waiting(f"goes with the {fact.name} train", until=_to_come(fact, situation.now))
        if demands < 1:
            return Blocked(
                f"a hotfix besides the {fact.name} train wants one more approval, and the policy has no approval gate "
                f"to ask: {_MENDS}"
            )
        return Open(f"a hotfix besides the {fact.name} train: one more approval")


def _aboard(fact: TrainFact, now: datetime) -> Verdict:
    match fact.state:
        case TrainState.BOARDING | TrainState.SEALED:
            return Waiting(f"aboard the {fact.name} train", until=_to_come(fact, now))
        case TrainState.HELD if fact.held_by is None:
            waits = f", which waits: {fact.reason}" if fact.reason else ", which waits until every gate is open"
            return Waiting(f"aboard the {fact.name} train{waits}", until=_to_come(fact, now))
        case TrainState.HELD:
            told = f": {fact.reason}" if fact.reason else ""
            return Blocked(f"the {fact.name} train is held by {fact.held_by}{told}", who=fact.who)
        case TrainState.DEPARTED if fact.reason is not None:
            return Blocked(f"the {fact.name} train goes no further: {fact.reason}", who=fact.who)
        case TrainState.DEPARTED if fact.stage_waits_for:
            return Waiting(f"leaves after {listed(fact.stage_waits_for)}, with the {fact.name} train")
        case TrainState.DEPARTED:
            return Open(f"left with the {fact.name} train")


def _to_come(fact: TrainFact, now: datetime) -> datetime | None:
    """Its time, unless that has passed: then nobody can say when."""
    return fact.scheduled_at if fact.scheduled_at is not None and now < fact.scheduled_at else None
