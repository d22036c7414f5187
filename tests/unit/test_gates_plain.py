"""The gates that only look: health, and those that are not built yet."""

from __future__ import annotations

import pytest

from bot.gates import UNBUILT, AlertFact, Blocked, Health, Open, Unbuilt, Verdict, Waiting
from tests.unit.situations import at, situation


def alert(name: str, minutes: int, environment: str | None = None) -> AlertFact:
    """An alert that fires since so many minutes from noon."""
    return AlertFact(name=name, since=at(minutes), source="api", environment=environment)


@pytest.mark.parametrize(
    ("alerts", "verdict"),
    [
        pytest.param((), Open("no alert fires"), id="none"),
        pytest.param((alert("5xx", -3),), Waiting("the alert 5xx fires"), id="one"),
        pytest.param(
            (alert("latency", -3), alert("5xx", -9), alert("5xx", -2)),
            Waiting("the alerts 5xx and latency fire"),
            id="several, the oldest first",
        ),
        pytest.param(
            (alert("5xx", -3, "Production"), alert("5xx", -2, "staging")),
            Waiting("the alerts 5xx and 5xx (in staging) fire"),
            id="one where it is to go, one where it comes from",
        ),
        pytest.param(
            tuple(alert(f"a{number}", number) for number in range(9)),
            Waiting("the alerts a0, a1, a2, a3, a4 and 4 more fire"),
            id="a storm",
        ),
    ],
)
def test_nothing_ships_while_an_alert_fires(alerts: tuple[AlertFact, ...], verdict: Verdict) -> None:
    """Nobody can tell when it will be over."""
    assert Health().judge(situation(alerts=alerts), 0) == verdict


@pytest.mark.parametrize("name", UNBUILT)
def test_a_gate_that_is_not_built_yet_is_closed(name: str) -> None:
    """Never ignored."""
    assert Unbuilt(name).judge(situation(), 0) == Blocked(f"{name} is not built yet")
