"""Slack's limits: what is cut stays whole, and a message that is too long loses what matters least first."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import ActionsBlock, ContextBlock, DividerBlock, MarkdownTextObject, SectionBlock

from bot.rendering import limits
from bot.rendering.blocks import button


@pytest.mark.parametrize(
    ("words", "limit", "shown"),
    [
        ("short", 10, "short"),
        ("one <https://x.example|link> more", 20, "one…"),
        ("one &amp;&amp;&amp;&amp;&amp;", 16, "one &amp;…"),
        ("a *bold text that goes on* here", 16, "a *bold text…*"),
        ("first line of it\nsecond", 22, "first line of it…"),
        ("a `code that goes on`", 15, "a `code tha…`"),
    ],
)
def test_cutting_leaves_no_broken_token_or_open_format(words: str, limit: int, shown: str) -> None:
    assert limits.cut(words, limit) == shown


@given(st.lists(st.sampled_from(["<https://x.example/1|one>", "&amp;", "*b*", "word ", "\n", "é"]), max_size=60))
def test_cutting_and_splitting_always_fit(pieces: list[str]) -> None:
    words = "".join(pieces)
    assert len(limits.cut(words, 40)) <= 40
    parts = limits.split(words, 40)
    assert all(len(part) <= 40 for part in parts)
    assert not re.search(r"<[^>]*$|&[a-z]*$", limits.cut(words, 40).rstrip("…`*"))


def test_a_text_is_parted_at_line_ends_and_nothing_is_lost() -> None:
    lines = [f"line {number} of many" for number in range(500)]
    parts = limits.split("\n".join(lines))
    assert len(parts) > 1
    assert "\n".join(parts).split("\n") == lines
    assert limits.split("") == []


def test_a_line_too_long_gives_up_its_links_before_its_end() -> None:
    line = " ".join(f"<https://x.example/{number:040}|{number:04}>" for number in range(200))
    assert limits.split(line) == [" ".join(f"{number:04}" for number in range(200))]


def test_too_much_for_one_message_is_fitted_links_first_buttons_last() -> None:
    linked = "<https://x.example/" + "y" * 2000 + "|one> two"
    buttons: dict[str, Any] = {"type": "actions", "elements": []}
    eight = limits.fit([*({"type": "section", "text": {"type": "mrkdwn", "text": linked}} for _ in range(8)), buttons])
    assert [block["text"]["text"] for block in eight[:-1]].count("one two") in range(2, 5)
    assert sum("y" in block["text"]["text"] for block in eight[:-1]) > 2
    prose = limits.fit([{"type": "section", "text": {"type": "mrkdwn", "text": "word " * 600}} for _ in range(6)])
    assert limits._size(prose) <= limits.BLOCKS_BUDGET
    many = limits.fit([{"type": "divider"}] * 70 + [buttons])
    assert len(many) == 50
    assert many[-1] == buttons
    wide = {"type": "actions", "elements": [{"type": "button", "value": "v" * 900}]}
    assert limits.fit([wide] * 20) == [wide] * 12
    crowd = {"type": "context", "elements": [{"type": "mrkdwn", "text": "z" * 60}] * 10}
    assert limits._size(limits.fit([crowd] * 40)) <= limits.BLOCKS_BUDGET


def menu(called: str, options: int, initial: int | None = None) -> dict[str, Any]:
    """A menu as a message holds it, of options with names as long as services have them."""
    offered: list[dict[str, Any]] = [
        {"text": {"type": "plain_text", "text": f"{called}-{number:030}", "emoji": True}, "value": f"7:{number:030}"}
        for number in range(options)
    ]
    chosen = {} if initial is None else {"initial_option": offered[initial]}
    return {"type": "static_select", "action_id": called, "options": offered, **chosen}


def test_a_menu_of_a_hundred_loses_its_last_options_before_the_message_loses_a_word() -> None:
    words = {"type": "section", "text": {"type": "mrkdwn", "text": "Whose is it? " * 30}}
    way_out = {"type": "button", "action_id": "none"}
    kept = limits.fit([words, {"type": "actions", "elements": [menu("whose", 100), way_out]}])
    assert limits._size(kept) <= limits.BLOCKS_BUDGET
    assert kept[0] == words
    offered, button_kept = kept[1]["elements"]
    assert button_kept == way_out
    assert offered["options"] == menu("whose", 100)["options"][: len(offered["options"])]
    assert len(offered["options"]) > 60


def test_a_menu_keeps_what_is_chosen_and_some_options_and_then_words_go() -> None:
    words = {"type": "section", "text": {"type": "mrkdwn", "text": "word " * 600}, "accessory": menu("aside", 90, 89)}
    asked = {"type": "input", "element": menu("asked", 40)}
    words_kept, asked_kept = limits.fit([words, asked], budget=8_500)
    assert limits._size([words_kept, asked_kept]) <= 8_500
    offered = words_kept["accessory"]["options"]
    assert offered == [*menu("aside", limits.FEWEST_OPTIONS - 1)["options"], menu("aside", 90)["options"][89]]
    assert asked_kept["element"]["options"] == menu("asked", limits.FEWEST_OPTIONS)["options"]
    assert limits.SHORTEST_CUT < len(words_kept["text"]["text"]) < 3000


def test_the_sdk_lets_through_the_six_limits_we_keep() -> None:
    """Should the SDK begin to check one, ours may go; this tells."""
    long = MarkdownTextObject(text="x" * 3001)
    assert "text" not in SectionBlock(text=MarkdownTextObject(text="")).to_dict()["text"]
    assert SectionBlock(fields=[long]).to_dict()
    assert ContextBlock(elements=[long]).to_dict()
    assert "elements" not in ActionsBlock(elements=[]).to_dict()
    assert ActionsBlock(elements=[button("a", "same"), button("b", "same")]).to_dict()
    assert len([block.to_dict() for block in [DividerBlock()] * 51]) == 51
