"""The batch gate: too much at once asks for one more approval, and holds where there is none to ask."""

from __future__ import annotations

import pytest

from bot.gates import Approval, Batch, Blocked, ChangeFact, Open, Verdict, Waiting, demands, judge
from tests.unit.situations import change, run, situation

SEVEN = tuple(change(f"#{number}", lines=100) for number in range(812, 819))


@pytest.mark.parametrize(
    ("gate", "changes", "truncated", "reason", "more"),
    [
        pytest.param(Batch(7, None), SEVEN, 0, "7 changes", 0, id="as many as may be"),
        pytest.param(Batch(5, None), SEVEN, 0, "7 changes, more than 5", 1, id="too many"),
        pytest.param(Batch(7, None), SEVEN, 1, "8 changes, more than 7", 1, id="too many with those not read"),
        pytest.param(Batch(None, 700), SEVEN, 0, "7 changes", 0, id="as many lines as may be"),
        pytest.param(Batch(None, 699), SEVEN, 0, "700 changed lines, more than 699", 1, id="too many lines"),
        pytest.param(Batch(5, 5), SEVEN, 0, "7 changes, more than 5", 1, id="both, which is one more and not two"),
        pytest.param(
            Batch(9, 700),
            (change(lines=None), change("#813")),
            0,
            "how many lines #812 changed is not known",
            1,
            id="lines not told",
        ),
        pytest.param(
            Batch(None, 5),
            (change(lines=None), change(lines=6)),
            0,
            "6 changed lines, more than 5",
            1,
            id="enough told",
        ),
        pytest.param(
            Batch(None, 9000), SEVEN, 2, "how many lines 2 further commits changed is not known", 1, id="not read"
        ),
        pytest.param(Batch(5, None), (change(lines=None),), 0, "1 change", 0, id="lines that nobody limits"),
    ],
)
def test_more_than_the_limit_asks_for_one_more_approval(
    gate: Batch, changes: tuple[ChangeFact, ...], truncated: int, reason: str, more: int
) -> None:
    """And is open itself: the approval gate waits for it."""
    judged = situation(run(*changes, truncated=truncated))
    assert gate.asks(judged) == more
    assert gate.judge(judged, 1) == Open(f"{reason}: one more approval" if more else reason)
    assert isinstance(gate.judge(judged, 0), Blocked if more else Open)


@pytest.mark.parametrize("demanded", [0, 1])
def test_what_is_not_read_yet_is_waited_for(demanded: int) -> None:
    """Nobody knows how much it is."""
    verdict: Verdict = Batch(5, 800).judge(situation(run(unread=True)), demanded)
    assert verdict == Waiting("what it carries is not read yet")


def test_the_approval_gate_hears_what_the_batch_asks_for() -> None:
    """Wherever in the policy either of them stands."""
    judged = situation(run(*SEVEN))
    for gates in ((Batch(5, None), Approval()), (Approval(), Batch(5, None))):
        assert demands(gates, judged) == 1
        reasons = {one.gate: one.verdict.reason for one in judge(gates, judged).verdicts}
        assert reasons == {"batch": "7 changes, more than 5: one more approval", "approval": "needs 2 yeses"}


def test_without_an_approval_gate_a_batch_that_is_too_big_is_held() -> None:
    """Nobody would be asked."""
    judged = situation(run(*SEVEN))
    assert demands((Batch(5, None),), judged) == 0
    (held,) = judge((Batch(5, None),), judged).verdicts
    assert held.verdict == Blocked(
        "7 changes, more than 5, and the policy has no approval gate to ask for more: promote an earlier build"
    )
