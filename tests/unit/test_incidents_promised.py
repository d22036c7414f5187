"""Who is said to be woken next is who is: on the card, in the page, and in what PagerDuty shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import RetryLater
from bot.events import IncidentAct
from tests.unit.alarming import BAKERS, away, paged
from tests.unit.buzzing import Slack
from tests.unit.rooming import Rooming

ALONE = replace(BAKERS, escalation_policy=None)

CASES: Mapping[str, tuple[Mapping[str, Any], str, str, str]] = {
    "its author, then the team's policy": (
        {}, "U0ANA", "it goes on to the escalation policy of bakers", "the escalation policy of bakers"
    ),
    "its author, then whoever is on call": ({"team": ALONE}, "U0ANA", "Dee (on call) is woken", "Dee"),
    "its author, and nobody knows who is on call": (
        {"team": ALONE, "rota": ()}, "U0ANA", "whoever is on call for checkout is woken",
        "whoever is on call for checkout",
    ),
    "whoever is on call, then the team's policy": (
        {"away": True},
        "U0DEE", "whoever is next by the escalation policy of bakers is called", "the escalation policy of bakers",
    ),
    "whoever is on call, then the service's own policy": (
        {"away": True, "team": ALONE},
        "U0DEE", "whoever is next by the escalation policy of checkout is called", "the escalation policy of checkout",
    ),
}  # fmt: skip
"""What is given, who is woken first, what is promised, and who is called then."""


def burning(here: Rooming, given: Mapping[str, Any]) -> Slack:
    """Checkout burns after Ana's change, under these circumstances."""
    here.services = (paged("checkout", team=given.get("team", BAKERS)),)
    here.rota(*given.get("rota", ("U0DEE",)))
    here.shipped()
    if given.get("away"):
        away(here, "U0ANA")
    here.at = 12
    here.fires()
    return Slack(here)


@pytest.mark.parametrize("case", sorted(CASES))
def test_who_is_woken_next_is_who_it_said(calm: Rooming, case: str) -> None:
    given, first, promised, woken = CASES[case]
    slack = burning(calm, given)
    page = slack.shows("page", first, first=True)
    calm.calls()
    assert f": {promised}\n" in page.text
    assert f": {promised}" in slack.shows("incident", "#bakers").text
    assert [f"No answer within 5 min: {promised}." in call.details for call in calm.pager.calls] == [True]
    before = calm.entries()
    calm.turn(18)
    assert [one for one in calm.entries() if one not in before and one.endswith(f": {woken} is called now")]


def test_without_a_pager_whoever_is_told_in_slack_is_asked_again(calm: Rooming) -> None:
    """And only in the end somebody else is woken, by name; then nobody is left, which it says."""
    calm.pages_by_pager = False
    slack = burning(calm, {"team": replace(BAKERS, approvers=("U0DEE",))})
    promises = {12: "this is asked again", 28: "Dee is woken", 50: "nobody else is left to be woken"}
    for at, promised in promises.items():
        calm.turn(at)
        assert f": {promised}" in slack.shows("incident", "#bakers").text
    assert [name for name, *_ in calm.pages()] == ["Ana", "Chi", "Dee"]
    assert calm.told("U0DEE")[0] == "page"


def test_nothing_is_promised_while_nothing_fires_or_somebody_is_on_it(calm: Rooming) -> None:
    slack = burning(calm, {})
    calm.calls()
    calm.at = 13
    calm.over()
    assert "none by" not in slack.shows("incident", "#bakers").text
    calm.at = 14
    calm.fires(began=14)
    assert "none by" in slack.shows("incident", "#bakers").text
    calm.at = 15
    calm.acts(IncidentAct.MINE, who="U0EVE")
    assert "none by" not in slack.shows("incident", "#bakers").text


def test_while_the_pager_cannot_be_reached_nobody_else_is_promised(calm: Rooming) -> None:
    """Whoever is woken is asked again, until the call has left; what the call itself says holds from then on."""
    slack = burning(calm, {})
    further = "it goes on to the escalation policy of bakers"
    calm.pager.faults["page"] = RetryLater("PagerDuty did not answer")
    assert f": {further}\n" in slack.shows("page", "U0ANA", first=True).text
    calm.turn(12.6)
    assert ": this is asked again\n" in slack.shows("page", "U0ANA").text
    calm.turn(17.1)
    assert not [one for one in calm.entries() if "the escalation policy of bakers" in one]
    del calm.pager.faults["page"]
    calm.turn(19)
    calm.calls()
    assert [f"No answer within 5 min: {further}." in call.details for call in calm.pager.calls] == [True]
    assert f": {further}\n" in slack.shows("page", "U0ANA").text
