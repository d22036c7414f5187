"""The order gate: forwards only, and nothing back in that was rolled back and not mended."""

from __future__ import annotations

import pytest

from bot.gates import Blocked, Open, Order, Reentry, Staging, Verdict, Waiting
from bot.ports import Direction
from tests.unit.situations import at, run, situation


def back(label: str, *, answered: bool = False) -> Reentry:
    """A change that left production an hour ago."""
    return Reentry(label=label, left_at=at(-60), answered=answered)


BACK = "rolled back from production"


@pytest.mark.parametrize(
    ("direction", "reentries", "verdict"),
    [
        (None, (), Waiting("what it carries is not read yet")),
        (None, (back("#812"),), Waiting("what it carries is not read yet")),
        (Direction.AHEAD, (), Open("newer than what is live in production")),
        (
            Direction.BEHIND,
            (),
            Blocked("older than what is live in production: only a rollback goes back"),
        ),
        (
            Direction.DIVERGED,
            (),
            Blocked("lacks changes that are live in production: promote a build that has them, or roll back"),
        ),
        (Direction.IDENTICAL, (), Blocked("this build is already live in production")),
        (
            Direction.AHEAD,
            (back("#812"),),
            Blocked(f"#812 was {BACK}: bring a fix, or say why it may go in again"),
        ),
        (
            Direction.AHEAD,
            (back("#812"), back("#813", answered=True), back("#815")),
            Blocked(f"#812 and #815 were {BACK}: bring a fix, or say why they may go in again"),
        ),
        (Direction.AHEAD, (back("#812", answered=True),), Open("newer than what is live in production")),
    ],
)
def test_only_what_contains_the_live_build_goes_in(
    direction: Direction | None, reentries: tuple[Reentry, ...], verdict: Verdict
) -> None:
    """Unless it brings back what was taken out on purpose."""
    assert Order().judge(situation(run(direction=direction, reentries=reentries)), 0) == verdict


def test_what_never_succeeded_in_the_environment_before_waits() -> None:
    """Also where no gate asks for a soak: a build cannot be asked past staging."""
    never = situation(run(direction=Direction.AHEAD), staging=Staging(environment="staging", succeeded_at=None))
    assert Order().judge(never, 0) == Waiting("has not succeeded in staging yet")
    first = situation(run(direction=Direction.AHEAD), staging=Staging(environment=None, succeeded_at=None))
    assert Order().judge(first, 0) == Open("newer than what is live in production")
