"""When people are asked for an approval: once it is all that is missing, and of what goes by train before it leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.gates import Blocked, Judged, Judgement, Open, Verdict, Waiting
from tests.unit.stores import NOON

LEAVES = NOON + timedelta(minutes=15)
MISSING = Waiting("needs 1 yes")
TRAIN = Waiting("aboard the web train", until=LEAVES)


@pytest.mark.parametrize(
    ("verdicts", "asked", "only"),
    [
        ({"approval": MISSING}, True, True),
        ({"approval": MISSING, "lock": Open("no lock")}, True, True),
        ({"approval": MISSING, "soak": Waiting("soaks", until=NOON)}, False, False),
        ({"approval": MISSING, "train": TRAIN}, True, False),
        ({"approval": MISSING, "train": TRAIN, "soak": Waiting("soaks", until=LEAVES)}, True, False),
        (
            {"approval": MISSING, "train": TRAIN, "soak": Waiting("soaks", until=LEAVES + timedelta(minutes=1))},
            False,
            False,
        ),
        ({"approval": MISSING, "train": TRAIN, "smoke": Waiting("e2e runs")}, False, False),
        ({"approval": MISSING, "train": TRAIN, "lock": Blocked("locked", until=NOON)}, False, False),
        ({"approval": MISSING, "train": Waiting("aboard the web train, which waits")}, True, False),
        ({"approval": MISSING, "train": Blocked("the web train is held by Chi")}, False, False),
        ({"approval": Open("approved"), "train": TRAIN}, False, False),
    ],
)
def test_people_are_asked_when_their_yes_decides(verdicts: dict[str, Verdict], asked: bool, only: bool) -> None:
    """A lock, a check that fails or a Hold says first what is the matter."""
    judgement = Judgement(tuple(Judged(gate, verdict) for gate, verdict in verdicts.items()))
    assert (judgement.asks_for_yes, judgement.only_approval_missing) == (asked, only)
