"""The lock gate: who holds it, until when, and what waits for a Go."""

from __future__ import annotations

import pytest

from bot.gates import Blocked, Lock, LockFact, Open, Verdict
from tests.unit.situations import at, lock, run, situation

HELD = "checkout is locked by Dee: rollback in progress"
RAN_OUT = "the lock on checkout ran out: production waits for somebody's Go"
EVERYTHING = "everything is locked by Dee: rollback in progress"


@pytest.mark.parametrize(
    ("locks", "verdict"),
    [
        pytest.param((), Open("no lock"), id="none"),
        pytest.param((lock(),), Blocked(HELD, at(60), ("U0DEE",)), id="with an end"),
        pytest.param((lock(ends=None),), Blocked(HELD, None, ("U0DEE",)), id="without an end"),
        pytest.param((lock(ends=-5, ended=True),), Blocked(RAN_OUT, None, ("U0DEE",)), id="ran out"),
        pytest.param((lock(ends=-5),), Blocked(RAN_OUT, None, ("U0DEE",)), id="ran out and nobody has noted it"),
        pytest.param((lock(ends=0),), Blocked(RAN_OUT, None, ("U0DEE",)), id="runs out at this instant"),
        pytest.param(
            (lock(ends=None, ended=True),),
            Blocked("the lock on checkout is lifted: production waits for somebody's Go", None, ("U0DEE",)),
            id="lifted itself",
        ),
        pytest.param(
            (lock(), lock(2, ends=90, scope="everything", who=("U0EVE", "U0DEE"))),
            Blocked(f"{HELD}; {EVERYTHING}", at(90), ("U0DEE", "U0EVE")),
            id="two are open when the later ends",
        ),
        pytest.param(
            (lock(), lock(2, ends=None, scope="everything")),
            Blocked(f"{HELD}; {EVERYTHING}", None, ("U0DEE",)),
            id="one of two never ends",
        ),
    ],
)
def test_a_lock_says_who_holds_what_and_why(locks: tuple[LockFact, ...], verdict: Verdict) -> None:
    """And who can lift it."""
    assert Lock().judge(situation(locks=locks), 0) == verdict


@pytest.mark.parametrize(
    ("locks", "is_open"),
    [
        pytest.param((lock(),), True, id="an ordinary lock"),
        pytest.param((lock(ended=True),), True, id="one that waits for a Go"),
        pytest.param((lock(rollbacks=False),), False, id="one against rollbacks"),
        pytest.param((lock(rollbacks=False, ends=-1, ended=True),), False, id="one against them that waits for a Go"),
        pytest.param((lock(), lock(2, rollbacks=False)), False, id="one of two"),
    ],
)
def test_a_rollback_passes_every_lock_but_one_that_says_so(locks: tuple[LockFact, ...], is_open: bool) -> None:
    """The way out of a fire is not locked by the fire."""
    verdict = Lock().judge(situation(run(rollback=True), locks=locks), 0)
    assert isinstance(verdict, Open) is is_open
