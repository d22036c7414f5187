"""The smoke gate: every named check has passed."""

from __future__ import annotations

import pytest

from bot.gates import Blocked, CheckFact, Open, Smoke, Verdict, Waiting
from tests.unit.situations import at, situation


def check(name: str, passed: bool | None, minutes: int = -5) -> CheckFact:
    """What a check said so many minutes from noon."""
    return CheckFact(name=name, passed=passed, at=at(minutes))


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        pytest.param((check("e2e", True), check("load", True)), Open("e2e and load passed"), id="all"),
        pytest.param(
            (check("e2e", True), check("load", True), check("lint", False)),
            Open("e2e and load passed"),
            id="another one failed",
        ),
        pytest.param((check("e2e", True), check("load", False)), Blocked("load failed"), id="one failed"),
        pytest.param((check("e2e", False),), Blocked("e2e failed"), id="one failed and one is unheard of"),
        pytest.param((check("e2e", None), check("load", True)), Waiting("e2e has not finished"), id="one runs"),
        pytest.param((check("load", True),), Waiting("e2e has not reported"), id="one is unheard of"),
        pytest.param((), Waiting("e2e and load have not reported"), id="both are unheard of"),
        pytest.param(
            (check("e2e", None),), Waiting("e2e has not finished; load has not reported"), id="neither is there"
        ),
        pytest.param((check("E2E", True), check("load", True)), Waiting("e2e has not reported"), id="in capitals"),
        pytest.param(
            (check("e2e", False, -9), check("e2e", True, -2), check("load", True)),
            Open("e2e and load passed"),
            id="mended since",
        ),
        pytest.param(
            (check("e2e", True, -9), check("e2e", None, -2), check("load", True)),
            Waiting("e2e has not finished"),
            id="begun again since",
        ),
        pytest.param(
            (check("e2e", True), check("e2e", False), check("load", True)), Blocked("e2e failed"), id="both at once"
        ),
    ],
)
def test_every_named_check_has_passed(checks: tuple[CheckFact, ...], verdict: Verdict) -> None:
    """One that failed is somebody's to mend; the others are waited for."""
    assert Smoke(("e2e", "load")).judge(situation(checks=checks), 0) == verdict
