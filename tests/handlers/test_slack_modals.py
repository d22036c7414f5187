"""Windows and menus, by themselves: what Slack's refusals are told as, what is read of what was filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import Bot
from bot.errors import Doubtful, GiveUp, OutgoingError, RetryLater, UserError
from bot.promotions.views import PromoteModal
from bot.rendering import Renderer
from handlers.slack import modals, offering
from handlers.slack.answering import Answering
from handlers.slack.asking import Asker
from handlers.slack.modals import Modals, Opened

DEE = Asker("U0DEE", "dee", "T0ACME", "https://hooks.slack.com/actions/1")


class Refusing:
    """A workspace that opens no window."""

    def __init__(self, fault: OutgoingError) -> None:
        self.fault = fault

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        raise self.fault


class Having:
    """As much of a bot as windows need."""

    def __init__(self, chat: Refusing) -> None:
        self.chat = chat


async def what() -> Opened:
    return Opened("modals/promote", PromoteModal(), "promotions:promote", {})


REFUSALS = (
    (GiveUp("expired_trigger_id"), "within three seconds"),
    (GiveUp("exchanged_trigger_id"), "within three seconds"),
    (GiveUp("invalid_trigger_id"), "within three seconds"),
    (RetryLater("views.open: 500"), "did not open the window just now"),
    (Doubtful("views.open: cut"), "did not open the window just now"),
)


@pytest.mark.parametrize(("fault", "told"), REFUSALS)
async def test_a_window_that_does_not_open_is_a_refusal_in_plain_words(fault: OutgoingError, told: str) -> None:
    bot, renderer = cast("Bot", Having(Refusing(fault))), Renderer()
    windows = Modals(bot, renderer, Answering(bot, renderer))
    with pytest.raises(UserError, match=told):
        await windows.open(DEE, {"trigger_id": "1.2.3"}, what)


@pytest.mark.parametrize("trigger", [None, "", 7])
async def test_without_a_trigger_no_window_is_tried(trigger: object) -> None:
    bot, renderer = cast("Bot", Having(Refusing(GiveUp("never_asked")))), Renderer()
    with pytest.raises(UserError, match="did not say where"):
        await Modals(bot, renderer, Answering(bot, renderer)).open(DEE, {"trigger_id": trigger}, what)


def submission(values: object, metadata: object = "{}") -> dict[str, Any]:
    return {"view": {"callback_id": "x", "private_metadata": metadata, "state": {"values": values}}}


def test_what_was_filled_in_is_read_by_its_question() -> None:
    filled = modals._read(
        submission(
            {
                "reason": {"reason": {"type": "plain_text_input", "value": " too risky "}},
                "scope": {"locks:scope": {"selected_option": {"value": "checkout"}}},
                "nothing": {"nothing": {"type": "plain_text_input", "value": None}},
                "odd": {"odd": 7},
                "odder": 7,
            },
            '{"about": "12:abc"}',
        )
    )
    assert filled.values == {"reason": " too risky ", "scope": "checkout"}
    assert filled.about() == "12:abc"
    assert filled.needed("reason", "Say why.") == "too risky"
    with pytest.raises(modals.Amiss, match="Say what") as fault:
        filled.needed("nothing", "Say what.")
    assert fault.value.block_id == "nothing"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
)


@given(ANYTHING)
def test_whatever_a_window_remembers_it_is_never_a_fault_of_ours(held: object) -> None:
    """It travels through somebody's client, and may come back as anything."""

    for metadata in (json.dumps(held), held):
        filled = modals._read(submission({}, metadata))
        if not isinstance(filled.remembers.get("about"), str):
            with pytest.raises(UserError, match="Open it anew"):
                filled.about()


OPTIONS = [offering.option(name, name) for name in ("checkout → production", "cart → production", "web-cart")]


def test_a_menu_offers_what_holds_the_words_and_first_what_begins_with_them() -> None:
    def values(typed: object) -> list[str]:
        return [one["value"] for one in offering.offered(OPTIONS, typed)]

    assert values("CART") == ["cart → production", "web-cart"]
    assert values("") == values(None) == [one["value"] for one in OPTIONS]
    assert values("nothing") == []


def test_a_menu_holds_what_slack_takes_and_no_more() -> None:
    many = [offering.option(f"service {number}", f"service-{number}") for number in range(300)]
    assert len(offering.offered(many, "service")) == offering.MOST
    long = offering.option("x" * 200, "v" * 200)
    assert len(long["text"]["text"]) == offering.LONGEST_LABEL
    assert offering.offered([long], "") == []
