"""The freeze gate: half-open windows, and when the last of those that join up is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from bot.gates import Freeze, FreezeFact, Open, TrainFact, TrainState, Verdict, Waiting
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


ON_ITS_WAY = TrainFact(
    name="web", scheduled_at=at(-30), state=TrainState.DEPARTED, aboard=True, over_freeze="Chi", over_freeze_at=at(-5)
)


@pytest.mark.parametrize(
    ("train", "begins", "opens"),
    [
        pytest.param(ON_ITS_WAY, -10, True, id="it had begun when she said so"),
        pytest.param(ON_ITS_WAY, -4, False, id="it began later"),
        pytest.param(replace(ON_ITS_WAY, over_freeze_at=None), -10, False, id="nobody said so"),
        pytest.param(replace(ON_ITS_WAY, state=TrainState.HELD), -10, False, id="it has not left"),
        pytest.param(replace(ON_ITS_WAY, aboard=False), -10, False, id="not aboard"),
        pytest.param(None, -10, False, id="no train"),
    ],
)
def test_a_train_rolls_on_only_over_a_freeze_that_its_conductor_saw(
    train: TrainFact | None, begins: int, opens: bool
) -> None:
    """One that begins after she let it roll on holds it again."""
    verdict = Freeze().judge(situation(freezes=(freeze(begins, 60),), train=train), 0)
    assert isinstance(verdict, Open) is opens
