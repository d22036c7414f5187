"""The soak gate: from this build's own success in the environment before."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.gates import Open, Soak, Staging, Verdict, Waiting
from tests.unit.situations import at, situation


@pytest.mark.parametrize(
    ("before", "succeeded_at", "verdict"),
    [
        pytest.param("staging", at(-30), Open("soaked in staging for 30 min"), id="to the second"),
        pytest.param("staging", at(-300), Open("soaked in staging for 30 min"), id="long ago"),
        pytest.param("staging", at(-12), Waiting("soaks in staging for 30 min", at(18)), id="12 of 30"),
        pytest.param("staging", at(5), Waiting("soaks in staging for 30 min", at(35)), id="a clock that is ahead"),
        pytest.param("staging", None, Waiting("has not succeeded in staging yet"), id="not there yet"),
        pytest.param(
            None, at(-60), Waiting("no environment comes before production where it could soak"), id="nothing before"
        ),
    ],
)
def test_a_build_soaks_from_its_own_success(
    before: str | None, succeeded_at: datetime | None, verdict: Verdict
) -> None:
    """The card names the instant, never the minutes that are left: it would have to be edited each minute."""
    judged = situation(staging=Staging(environment=before, succeeded_at=succeeded_at))
    assert Soak(timedelta(minutes=30)).judge(judged, 0) == verdict


@pytest.mark.parametrize(
    ("at_least", "spoken"),
    [
        (timedelta(seconds=10), "10 s"),
        (timedelta(minutes=90), "1 h 30 min"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=1, hours=2, seconds=5), "1 d 2 h 5 s"),
        (timedelta(0), "0 s"),
    ],
)
def test_how_long_is_said_in_full(at_least: timedelta, spoken: str) -> None:
    """As somebody wrote it down."""
    verdict = Soak(at_least).judge(situation(staging=Staging(environment="test", succeeded_at=at(-9999))), 0)
    assert verdict == Open(f"soaked in test for {spoken}")
