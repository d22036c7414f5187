"""The freeze gate: half-open windows, and when the last of those that join up is over."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.gates import Freeze, FreezeFact, Open, Verdict, Waiting
from tests.unit.situations import at, situation


def freeze(begins: int, ends: int, reason: str = "Holidays") -> FreezeFact:
    """A window in minutes from noon."""
    return FreezeFact(begins=at(begins), ends=at(ends), reason=reason)


@pytest.mark.parametrize(
    ("freezes", "verdict", "turns_at"),
    [
        pytest.param((), Open("no freeze"), None, id="none"),
        pytest.param((freeze(-60, 60),), Waiting("frozen: Holidays", at(60)), at(60), id="within"),
        pytest.param((freeze(0, 60),), Waiting("frozen: Holidays", at(60)), at(60), id="at its first instant"),
        pytest.param((freeze(-60, 0),), Open("no freeze"), None, id="at its end it is over"),
        pytest.param((freeze(5, 60), freeze(9, 10)), Open("no freeze"), at(5), id="to come"),
        pytest.param((freeze(60, 30),), Open("no freeze"), None, id="backwards"),
        pytest.param(
            (freeze(60, 90, "Stocktaking"), freeze(-60, 60)),
            Waiting("frozen: Holidays", at(90)),
            at(90),
            id="one that joins up",
        ),
        pytest.param(
            (freeze(-60, 60), freeze(-30, 20, "Stocktaking"), freeze(-9, 9)),
            Waiting("frozen: Holidays and Stocktaking", at(60)),
            at(60),
            id="several at once",
        ),
        pytest.param(
            (freeze(-60, 60), freeze(61, 90)), Waiting("frozen: Holidays", at(60)), at(60), id="a gap between two"
        ),
    ],
)
def test_a_freeze_holds_from_its_beginning_until_just_before_its_end(
    freezes: tuple[FreezeFact, ...], verdict: Verdict, turns_at: datetime | None
) -> None:
    """The calendar opens it again by itself."""
    assert Freeze().judge(situation(freezes=freezes), 0) == verdict
    assert Freeze().turns_at(situation(freezes=freezes)) == turns_at
