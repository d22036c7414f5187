"""`shipmate gate wait`: it goes on asking until there is an answer, and never takes a doubt for a yes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bot.cli.calling import NobodyAnswers
from bot.cli.gating import seconds, watch
from bot.errors import UserError

SOAKS: Mapping[str, Any] = {
    "state": "pending",
    "gates": [
        {"name": "soak", "state": "waiting", "reason": "soaking", "until": "2026-11-21T14:32:00Z"},
        {"name": "lock", "state": "open", "reason": "no lock"},
    ],
    "url": "https://shipmate.example.com",
}
APPROVED: Mapping[str, Any] = {"state": "approved", "gates": [{"name": "soak", "state": "open", "reason": "soaked"}]}
REJECTED: Mapping[str, Any] = {"state": "rejected", "gates": []}


class World:
    """Answers in their order (the last one for ever), and a clock that only resting turns."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self._answers: Iterator[Mapping[str, Any] | Exception] = iter(answers)
        self._last: Mapping[str, Any] | Exception = SOAKS

    def ask(self) -> Mapping[str, Any]:
        """The next answer."""
        self._last = next(self._answers, self._last)
        if isinstance(self._last, Exception):
            raise self._last
        return self._last

    def rest(self, many: float) -> None:
        """Let time pass."""
        self.now += many

    def wait(self, patience: float) -> Mapping[str, Any]:
        """What waiting comes to."""
        return watch(self.ask, patience, say=self.said.append, clock=lambda: self.now, rest=self.rest)


def test_it_waits_until_every_gate_is_open_and_says_each_change_once() -> None:
    """The same news is not repeated at every look."""
    world = World(SOAKS, SOAKS, SOAKS, APPROVED)
    assert world.wait(60) == APPROVED
    assert world.now == 15.0
    assert world.said == [
        "pending\n  ⏳ soak: soaking (until 2026-11-21T14:32:00Z)\n  ✓ lock: no lock\n  https://shipmate.example.com",
        "approved\n  ✓ soak: soaked",
    ]


def test_a_refusal_ends_the_wait_and_so_does_the_time() -> None:
    """The last look is at the very end."""
    assert World(SOAKS, REJECTED).wait(60) == REJECTED
    late = World(SOAKS)
    assert late.wait(12)["state"] == "pending"
    assert late.now == 12.0


def test_a_bot_that_does_not_answer_opens_nothing() -> None:
    """Approved before is not approved now."""
    world = World(SOAKS, NobodyAnswers("No Shipmate answers."))
    assert world.wait(10)["state"] == "pending"
    assert world.said[-1] == "⏳ No Shipmate answers."
    assert World(NobodyAnswers("away"), APPROVED).wait(10) == APPROVED


@pytest.mark.parametrize(("typed", "many"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2h", 7200), ("0s", 0)])
def test_durations_are_read(typed: str, many: float) -> None:
    """As they are written in shipmate.yml."""
    assert seconds(typed) == many


@pytest.mark.parametrize("typed", ["", "30", "h", "1d", "-5m", "1.5h", "soon"])
def test_what_is_no_duration_is_refused(typed: str) -> None:
    """With what was expected."""
    with pytest.raises(UserError, match="expected a duration such as 90s"):
        seconds(typed)
