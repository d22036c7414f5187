"""A flag that was turned is the likely change: whoever is woken is helped to turn it back, and no deploy is blamed."""

from __future__ import annotations

from bot.events import FlagChanged, Human
from bot.incidents import finding
from bot.ports import Message
from tests.unit.buzzing import Slack
from tests.unit.reports import minute
from tests.unit.rooming import Rooming

URL = "https://app.launchdarkly.com/shop/production/features/new-basket"


def burning(here: Rooming, url: str | None = URL, at: float = -50) -> Slack:
    """Ben turns the flag, long after Ana's change went live; a minute later checkout burns."""
    here.shipped(at=at)
    event = FlagChanged(
        source="launchdarkly", external_id="f1", flag="new-basket", project="shop", environment="production",
        service="checkout", summary="25 % → 50 %", by=Human(login="ben", name="Ben"), url=url, at=minute(11),
    )  # fmt: skip
    here.reactions.react(here.session, [event], here.now)
    here.at = 12
    here.fires()
    here.calls()
    assert finding.named_likely(here.session, here.incident())[0].kind == "flag"
    return Slack(here)


def buttons(message: Message) -> list[str]:
    found = [one for block in message.blocks for one in block.get("elements", [])]
    return [one["text"]["text"] for one in found if one["type"] == "button"]


def test_the_page_and_the_card_say_what_was_turned_and_where_it_is_turned_back(calm: Rooming) -> None:
    slack = burning(calm)
    woken = "U0BEN" if calm.pages()[0][0] == "Ben" else "U0DEE"
    for message in (slack.shows("page", woken), slack.shows("incident", "#bakers")):
        words = str(list(message.blocks))
        assert "🚩 new-basket: 25 % → 50 % · Ben · " in words
        assert f"↩️ <{URL}|Turn it back in LaunchDarkly>: no deploy need be rolled back" in words
        assert "Roll back…" not in buttons(message)
    assert "|Flag>" in str(list(slack.shows("incident", "#bakers").blocks))


def test_so_does_pagerduty(calm: Rooming) -> None:
    burning(calm)
    details = calm.pager.calls[0].details
    assert "  new-basket: 25 % → 50 %, by Ben" in details
    assert f"  Turn it back: {URL}" in details


def test_without_an_address_it_says_where_it_is_kept(calm: Rooming) -> None:
    words = burning(calm, url=None).shows("incident", "#bakers").text
    assert "↩️ Turn it back in LaunchDarkly: no deploy need be rolled back" in words
    assert "Turn it back where it is kept" in calm.pager.calls[0].details


def test_the_thread_of_the_rollout_that_is_live_offers_no_rollback_either(calm: Rooming) -> None:
    """It says where the cause is looked for."""
    slack = burning(calm, at=-20)
    slack.sends()
    (said,) = [message.text for what, _, message in slack.posted if what == "deploy_said: alert"]
    assert "🔴 Incident 1 is open: checkout 5xx: what may have done it stands there" in said
    assert "/ship" not in said
