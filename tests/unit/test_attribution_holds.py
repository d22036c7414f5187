"""Likely changes are found as well as the README says: a small part of ``make evaluate``, on a seed of its own."""

from __future__ import annotations

import pytest

from bot.alerts.suspects import Confidence
from tests.evaluation.history import history
from tests.evaluation.scoring import Result, scored
from tests.evaluation.tables import agreement

SEED = 812
"""No seed with which the rule was made, nor the one that is held out."""


@pytest.fixture(scope="module")
def result() -> Result:
    """Half a year of a company."""
    return scored([history(SEED, days=180, services=40)])


def test_there_is_something_to_find(result: Result) -> None:
    """A few hundred alerts of every kind."""
    kinds = {kind for kind, _ in result.ours.by_kind}
    assert result.ours.alerts > 300
    assert {"at once", "within the hour", "slow burn", "canary", "flag", "dependency", "rollback"} <= kinds
    assert {"unrelated", "comes and goes", "storm", "untold change"} <= kinds


def test_both_baselines_are_clearly_beaten(result: Result) -> None:
    """The latest deploy of that service, and the latest of any."""
    ours = result.ours
    for name in ("latest deploy of that service", "latest deploy of any"):
        theirs = result.baselines[name]
        assert ours.precision_at_1 > theirs.precision_at_1 + 0.2
        assert ours.precision_at_3 > theirs.precision_at_3 + 0.2
        assert ours.found_at_1 > theirs.found_at_1 + 0.1
        assert ours.none_right > theirs.none_right + 0.3


def test_few_authors_are_woken_for_nothing(result: Result) -> None:
    """Fewer than one in twenty at high confidence; the less sure it is, the more often it is wrong."""
    high, medium = result.of(Confidence.HIGH), result.of(Confidence.MEDIUM)
    assert high.answers > 100
    assert high.rate < 0.05
    assert high.rate < medium.rate < 0.5


def test_an_alert_that_no_change_caused_is_mostly_told_so(result: Result) -> None:
    """“No likely change” is an answer."""
    assert result.ours.none_right > 0.8


def test_tables_tell_the_same_as_memory() -> None:
    """What is gathered from the tables is what was told."""
    found = agreement(history(SEED, days=7, services=40), most=10)
    assert (found.asked, found.differ) == (10, [])
