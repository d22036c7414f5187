"""What people put into inputs: the state Slack makes of it, what its client would not send, what it keeps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.acme import acme_workspace
from bot.sandbox.slack_forms import REQUIRED, faults_of, field_of, filled, initial_state, kept_state, state_of
from bot.sandbox.slack_interactions import escaped
from bot.sandbox.slack_shapes import stored_blocks

PLAIN = {"type": "plain_text", "text": "x"}
OPTIONS = [{"text": PLAIN, "value": name} for name in ("a", "b", "c")]
OPTION_A, OPTION_B, _ = OPTIONS


def asked(kind: str, *, optional: bool = False, **fields: Any) -> dict[str, Any]:
    """An input block with one element."""
    element = {"type": kind, "action_id": "field", **fields}
    return {"type": "input", "block_id": "asked", "label": PLAIN, "optional": optional, "element": element}


@pytest.mark.parametrize(
    ("kind", "fields", "value", "field", "shown"),
    [
        ("plain_text_input", {}, "red", "value", "red"),
        ("number_input", {}, 4, "value", "4"),
        ("static_select", {"options": OPTIONS}, "b", "selected_option", OPTION_B),
        ("static_select", {"option_groups": [{"label": PLAIN, "options": OPTIONS}]}, "b", "selected_option", OPTION_B),
        ("radio_buttons", {"options": OPTIONS}, "a", "selected_option", OPTION_A),
        ("checkboxes", {"options": OPTIONS}, ["a", "b"], "selected_options", [OPTION_A, OPTION_B]),
        ("multi_static_select", {"options": OPTIONS}, ["b"], "selected_options", [OPTION_B]),
        ("users_select", {}, "U0ANA", "selected_user", "U0ANA"),
        ("multi_users_select", {}, ["U0ANA"], "selected_users", ["U0ANA"]),
        ("channels_select", {}, "C0DEPLOYS", "selected_channel", "C0DEPLOYS"),
        ("conversations_select", {}, "D0ANA", "selected_conversation", "D0ANA"),
        ("multi_conversations_select", {}, ["D0ANA"], "selected_conversations", ["D0ANA"]),
        ("datepicker", {}, "2027-01-02", "selected_date", "2027-01-02"),
        ("timepicker", {}, "09:30", "selected_time", "09:30"),
        ("datetimepicker", {}, 1_800_000_000, "selected_date_time", 1_800_000_000),
        (
            "rich_text_input",
            {},
            {"type": "rich_text", "elements": []},
            "rich_text_value",
            {"type": "rich_text", "elements": []},
        ),
    ],
)
def test_a_simple_value_becomes_slacks_state(
    kind: str, fields: dict[str, Any], value: Any, field: str, shown: Any
) -> None:
    blocks = [asked(kind, **fields)]
    state = filled(blocks, initial_state(blocks), {"asked": value}, {})
    assert state == {"asked": {"field": {"type": kind, field: shown}}}
    assert faults_of(blocks, state) == {}
    assert filled(blocks, initial_state(blocks), {"field": value}, {}) == state
    assert filled(blocks, initial_state(blocks), {"asked": {"field": value}}, {}) == state
    assert state_of(blocks[0]["element"], state["asked"]["field"]) == state["asked"]["field"]


@pytest.mark.parametrize(
    ("kind", "fields", "shown"),
    [
        ("plain_text_input", {"initial_value": "red"}, "red"),
        ("static_select", {"options": OPTIONS, "initial_option": OPTION_A}, OPTION_A),
        ("checkboxes", {"options": OPTIONS, "initial_options": [OPTION_A]}, [OPTION_A]),
        ("multi_users_select", {"initial_users": ["U0ANA"]}, ["U0ANA"]),
        ("datepicker", {"initial_date": "2027-01-02"}, "2027-01-02"),
        ("datetimepicker", {"initial_date_time": 1_800_000_000}, 1_800_000_000),
        ("conversations_select", {"initial_conversation": "D0ANA"}, "D0ANA"),
        ("plain_text_input", {}, None),
        ("multi_static_select", {"options": OPTIONS}, []),
    ],
)
def test_what_nobody_touched_has_its_first_value(kind: str, fields: dict[str, Any], shown: Any) -> None:
    state = initial_state([asked(kind, **fields)])
    assert state["asked"]["field"][field_of(kind)] == shown


@pytest.mark.parametrize(
    ("kind", "fields", "value", "words"),
    [
        ("plain_text_input", {}, "", REQUIRED),
        ("multi_users_select", {}, [], REQUIRED),
        ("plain_text_input", {"min_length": 3}, "ab", "at least 3"),
        ("plain_text_input", {"max_length": 3}, "abcd", "no more than 3"),
        ("plain_text_input", {}, "x" * 3001, "no more than 3000"),
        ("number_input", {"is_decimal_allowed": False}, "1.5", "whole number"),
        ("number_input", {"is_decimal_allowed": True}, "many", "a number"),
        ("number_input", {"is_decimal_allowed": True, "min_value": "2"}, "1.5", "at least 2"),
        ("number_input", {"is_decimal_allowed": False, "max_value": "2"}, "3", "at most 2"),
        ("email_text_input", {}, "ana", "valid email"),
        ("url_text_input", {}, "example", "valid URL"),
        ("multi_static_select", {"options": OPTIONS, "max_selected_items": 1}, ["a", "b"], "no more than 1"),
    ],
)
def test_what_slacks_client_would_not_send_is_told_at_the_input(
    kind: str, fields: dict[str, Any], value: Any, words: str
) -> None:
    blocks = [asked(kind, **fields)]
    faults = faults_of(blocks, filled(blocks, initial_state(blocks), {"asked": value}, {}))
    assert list(faults) == ["asked"]
    assert words in faults["asked"]


@pytest.mark.parametrize(
    ("kind", "value"), [("email_text_input", "ana@example.com"), ("url_text_input", "https://example.com/x")]
)
def test_what_it_would_send_is_sent(kind: str, value: str) -> None:
    blocks = [asked(kind)]
    assert faults_of(blocks, filled(blocks, initial_state(blocks), {"asked": value}, {})) == {}


def test_an_optional_input_may_be_empty_and_a_section_asks_nothing() -> None:
    section = {
        "type": "section",
        "block_id": "s",
        "text": PLAIN,
        "accessory": {"type": "users_select", "action_id": "u"},
    }
    blocks = [asked("plain_text_input", optional=True), section]
    assert faults_of(blocks, initial_state(blocks)) == {}


def test_a_name_or_an_option_that_is_not_there_is_a_mistake() -> None:
    blocks = [asked("static_select", options=OPTIONS)]
    with pytest.raises(LookupError, match="asked"):
        filled(blocks, initial_state(blocks), {"why": "x"}, {})
    with pytest.raises(LookupError, match="'a', 'b', 'c'"):
        filled(blocks, initial_state(blocks), {"asked": "z"}, {})


@given(st.text(min_size=1, max_size=50))
def test_what_was_filled_in_stays_only_where_block_action_and_kind_are_the_same(text: str) -> None:
    before = [asked("plain_text_input")]
    state = filled(before, initial_state(before), {"asked": text}, {})
    assert kept_state(before, state) == state
    other_kind = [asked("url_text_input")]
    assert kept_state(other_kind, state) == initial_state(other_kind)
    other_block = [asked("plain_text_input") | {"block_id": "other"}]
    assert kept_state(other_block, state) == initial_state(other_block)


def test_every_element_that_a_person_can_use_gets_an_action_id() -> None:
    element = {"type": "plain_text_input"}
    (block,) = stored_blocks([{"type": "input", "label": PLAIN, "element": element}])
    assert block["block_id"]
    assert block["element"]["action_id"]
    assert "action_id" not in element


@pytest.mark.parametrize(
    ("typed", "passed_on"),
    [
        ("@ana, look", "<@U0ANA>, look"),
        ("@payments-leads @here", "<!subteam^S0LEADS> <!here>"),
        ("#deploys and #nowhere", "<#C0DEPLOYS> and #nowhere"),
        ("<@U0BEN> & <b>", "<@U0BEN> &amp; &lt;b&gt;"),
        ("see https://example.com/a?b=1", "see <https://example.com/a?b=1>"),
        ("mail ana@example.com", "mail ana@example.com"),
        ("@shipmate status", "<@U0SHIPMATE> status"),
        ("<https://example.com|x> stays", "<https://example.com|x> stays"),
    ],
)
def test_what_people_type_is_passed_on_as_slacks_tokens(typed: str, passed_on: str) -> None:
    assert escaped(typed, acme_workspace(), names=False) == passed_on
