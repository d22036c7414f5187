"""The train gate: with its departure, at its time and in its stage; besides it only as a hotfix, with one more yes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from bot.gates import (
    Approval,
    Blocked,
    Gate,
    Lock,
    Open,
    Situation,
    Train,
    TrainFact,
    TrainState,
    Verdict,
    Waiting,
    demands,
    judge,
    refusal,
)
from tests.unit.situations import GATES, SITUATIONS, TRAINS, at, change, run, situation, vote

WEB = TrainFact(name="web", scheduled_at=at(60), state=TrainState.BOARDING, aboard=False)
ABOARD = replace(WEB, aboard=True, state=TrainState.SEALED)
HELD = replace(ABOARD, state=TrainState.HELD, who=("U0CHI", "U0EVE"))
LEFT = replace(ABOARD, state=TrainState.DEPARTED, scheduled_at=at(-5))


@pytest.mark.parametrize(
    ("fact", "verdict"),
    [
        pytest.param(None, Open("no train goes there"), id="no train"),
        pytest.param(WEB, Waiting("goes with the web train", until=at(60)), id="boarding"),
        pytest.param(replace(WEB, scheduled_at=None), Waiting("goes with the web train"), id="no more departures"),
        pytest.param(ABOARD, Waiting("aboard the web train", until=at(60)), id="sealed"),
        pytest.param(
            replace(ABOARD, scheduled_at=at(-1)), Waiting("aboard the web train"), id="sealed, and past its time"
        ),
        pytest.param(
            replace(HELD, held_by="Chi", reason="search looks slow"),
            Blocked("the web train is held by Chi: search looks slow", who=("U0CHI", "U0EVE")),
            id="held by a person",
        ),
        pytest.param(
            replace(HELD, scheduled_at=at(-3), reason="search smoke failed"),
            Waiting("aboard the web train, which waits: search smoke failed"),
            id="held by what is closed",
        ),
        pytest.param(LEFT, Open("left with the web train"), id="departed"),
        pytest.param(
            replace(LEFT, stage_waits_for=("cart", "search")),
            Waiting("leaves after cart and search, with the web train"),
            id="a later stage",
        ),
        pytest.param(
            replace(LEFT, reason="cart failed", who=("U0CHI",)),
            Blocked("the web train goes no further: cart failed", who=("U0CHI",)),
            id="stopped on the way",
        ),
        pytest.param(
            replace(LEFT, reason="cart failed", stage_waits_for=("cart",)),
            Blocked("the web train goes no further: cart failed"),
            id="stopped before its stage",
        ),
    ],
)
def test_it_leaves_with_its_train(fact: TrainFact | None, verdict: Verdict) -> None:
    """At its time, when its stage is reached; it says who decides where somebody must."""
    assert Train().judge(situation(train=fact), 0) == verdict


HOTFIX = replace(WEB, hotfix=True)


def test_a_hotfix_wants_one_more_yes() -> None:
    """Two people then, who did not write it."""
    gates: tuple[Gate, ...] = (Approval(), Train())
    asked = situation(run(), vote("dee"), train=HOTFIX)
    assert demands(gates, asked) == 1
    assert not judge(gates, asked).open
    both = replace(asked, votes=(*asked.votes, vote("eve")))
    assert judge(gates, both).open
    assert judge(gates, both).verdicts[1].verdict == Open("a hotfix besides the web train: one more approval")
    assert refusal(gates, asked, vote("ana")) == "you wrote #812"


def test_a_hotfix_is_closed_where_nobody_can_be_asked() -> None:
    """A policy without approvals must not let everything go besides its train."""
    verdict = judge((Lock(), Train()), situation(train=HOTFIX)).verdicts[1].verdict
    assert verdict == Blocked(
        "a hotfix besides the web train wants one more approval, and the policy has no approval gate to ask: "
        "add an approval gate to its policy, or let it go with the train"
    )


def test_what_was_a_hotfix_goes_with_the_train_once_it_is_aboard() -> None:
    """It then waits like the others, and wants no further yes."""
    aboard = situation(run(change()), vote("dee"), train=replace(ABOARD, hotfix=True))
    assert demands((Approval(), Train()), aboard) == 0
    assert Train().judge(aboard, 0) == Waiting("aboard the web train", until=at(60))


def test_a_rollback_waits_for_no_train() -> None:
    """Not even for one that is held."""
    back = situation(run(rollback=True), train=replace(HELD, held_by="Chi"))
    assert judge((Train(),), back).open


@given(GATES, SITUATIONS, TRAINS)
def test_a_train_never_opens_anything(gates: tuple[Gate, ...], judged: Situation, fact: TrainFact) -> None:
    """What is closed where no train goes is closed where one does."""
    without = replace(judged, train=None)
    assert judge(gates, without).open or not judge(gates, replace(judged, train=fact)).open


@given(SITUATIONS, TRAINS)
def test_nothing_leaves_that_is_not_aboard_of_what_has_left(judged: Situation, fact: TrainFact) -> None:
    """But a hotfix, which one more person wants."""
    gates: tuple[Gate, ...] = (Approval(), Train())
    of = replace(judged, run=replace(judged.run, rollback=False), train=fact)
    if isinstance(Train().judge(of, demands(gates, of)), Open):
        left = fact.aboard and fact.state is TrainState.DEPARTED and not fact.stage_waits_for and fact.reason is None
        assert left or (fact.hotfix and not fact.aboard and demands(gates, of) >= 1)
