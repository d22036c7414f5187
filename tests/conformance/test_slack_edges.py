"""Block Kit's limits to the character: what is just small enough is taken, and one more is refused where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.sandbox.slack_blocks import check_blocks, check_view
from bot.sandbox.slack_calls import Arguments, Refusal
from bot.sandbox.slack_chat import said
from tests.conformance.slack_block_rules import (
    BUTTON,
    CONFIRM,
    MODAL,
    MRKDWN,
    PLAIN,
    TEXT_INPUT,
    actions,
    asked,
    mrkdwn,
    plain,
    section,
)

Json = dict[str, Any]
Make = Callable[[int], Json]
IMAGE: Json = {"type": "image", "image_url": "https://a", "alt_text": "a"}
CELL: Json = {"type": "raw_text", "text": "x"}
MENTION: Json = {"type": "user", "user_id": "U0ANA"}
CHOICE: Json = {"text": PLAIN, "value": "v"}
VIDEO: Json = {
    "type": "video",
    "video_url": "https://a",
    "thumbnail_url": "https://a",
    "alt_text": "a",
    "title": PLAIN,
}


def words(length: int) -> str:
    """A text of a length, of letters that take more than one byte."""
    return "é" * length


def options(number: int) -> list[Json]:
    """As many options."""
    return [{"text": PLAIN, "value": str(one)} for one in range(number)]


def static(**fields: Any) -> Json:
    """A select with one option, or others."""
    return actions({"type": "static_select", "action_id": "a", **({"options": options(1)} | fields)})


def confirmed(**fields: Any) -> Json:
    """A button that asks again."""
    return actions(BUTTON | {"confirm": CONFIRM | fields})


BLOCKS: dict[str, tuple[int, Make]] = {
    "block_id": (255, lambda n: {"type": "divider", "block_id": words(n)}),
    "action_id": (255, lambda n: actions(BUTTON | {"action_id": words(n)})),
    "section text": (3000, lambda n: {"type": "section", "text": mrkdwn(n)}),
    "section fields": (10, lambda n: section(fields=[MRKDWN] * n)),
    "section field": (2000, lambda n: section(fields=[mrkdwn(n)])),
    "header": (150, lambda n: {"type": "header", "text": plain(n)}),
    "context elements": (10, lambda n: {"type": "context", "elements": [MRKDWN] * n}),
    "actions elements": (25, lambda n: actions(*[BUTTON] * n)),
    "button text": (75, lambda n: actions({"type": "button", "text": plain(n)})),
    "button value": (2000, lambda n: actions(BUTTON | {"value": words(n)})),
    "button address": (3000, lambda n: actions(BUTTON | {"url": words(n)})),
    "button label": (75, lambda n: actions(BUTTON | {"accessibility_label": words(n)})),
    "option text": (75, lambda n: static(options=[CHOICE | {"text": plain(n)}])),
    "option description": (75, lambda n: static(options=[CHOICE | {"description": plain(n)}])),
    "option value": (150, lambda n: static(options=[CHOICE | {"value": words(n)}])),
    "select options": (100, lambda n: static(options=options(n))),
    "select groups": (
        100,
        lambda n: actions({"type": "static_select", "option_groups": [{"label": PLAIN, "options": options(1)}] * n}),
    ),
    "options of a group": (
        100,
        lambda n: actions({"type": "static_select", "option_groups": [{"label": PLAIN, "options": options(n)}]}),
    ),
    "group label": (
        75,
        lambda n: actions({"type": "static_select", "option_groups": [{"label": plain(n), "options": options(1)}]}),
    ),
    "overflow options": (5, lambda n: actions({"type": "overflow", "options": options(n)})),
    "checkboxes": (10, lambda n: actions({"type": "checkboxes", "options": options(n)})),
    "radio buttons": (10, lambda n: actions({"type": "radio_buttons", "options": options(n)})),
    "placeholder": (150, lambda n: static(placeholder=plain(n))),
    "confirm title": (100, lambda n: confirmed(title=plain(n))),
    "confirm text": (300, lambda n: confirmed(text=mrkdwn(n))),
    "confirm yes": (30, lambda n: confirmed(confirm=plain(n))),
    "confirm no": (30, lambda n: confirmed(deny=plain(n))),
    "input label": (2000, lambda n: asked(TEXT_INPUT, label=plain(n))),
    "input hint": (2000, lambda n: asked(TEXT_INPUT, hint=plain(n))),
    "input max_length": (3000, lambda n: asked(TEXT_INPUT | {"max_length": n})),
    "input min_length": (3000, lambda n: asked(TEXT_INPUT | {"min_length": n})),
    "input initial_value": (3000, lambda n: asked(TEXT_INPUT | {"initial_value": words(n)})),
    "image address": (3000, lambda n: IMAGE | {"image_url": words(n)}),
    "image alt": (2000, lambda n: IMAGE | {"alt_text": words(n)}),
    "image title": (2000, lambda n: IMAGE | {"title": plain(n)}),
    "markdown": (12_000, lambda n: {"type": "markdown", "text": words(n)}),
    "table rows": (100, lambda n: {"type": "table", "rows": [[CELL]] * n}),
    "table columns": (20, lambda n: {"type": "table", "rows": [[CELL] * n]}),
    "table column settings": (20, lambda n: {"type": "table", "rows": [[CELL]], "column_settings": [{}] * n}),
    "video title": (199, lambda n: VIDEO | {"title": plain(n)}),
    "video author": (49, lambda n: VIDEO | {"author_name": words(n)}),
}
"""What a block may have at most of something: the number, and a block that has so much."""

VIEWS: dict[str, tuple[int, Make]] = {
    "modal title": (24, lambda n: MODAL | {"title": plain(n), "blocks": []}),
    "modal submit": (24, lambda n: MODAL | {"submit": plain(n), "blocks": []}),
    "modal close": (24, lambda n: MODAL | {"close": plain(n), "blocks": []}),
    "private_metadata": (3000, lambda n: MODAL | {"private_metadata": words(n), "blocks": []}),
    "callback_id": (255, lambda n: MODAL | {"callback_id": words(n), "blocks": []}),
    "external_id": (255, lambda n: MODAL | {"external_id": words(n), "blocks": []}),
    "modal blocks": (100, lambda n: MODAL | {"blocks": [{"type": "divider"}] * n}),
    "home blocks": (100, lambda n: {"type": "home", "blocks": [{"type": "divider"}] * n}),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_taken_up_to_its_limit_and_no_further(name: str) -> None:
    most, make = BLOCKS[name]
    assert [fault.line() for fault in check_blocks([make(most)])] == []
    assert check_blocks([make(most + 1)])


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_taken_up_to_its_limit_and_no_further(name: str) -> None:
    most, make = VIEWS[name]
    assert [fault.line() for fault in check_view(make(most))] == []
    assert check_view(make(most + 1))


NULLED: Json = {"type": "table", "rows": [[CELL, CELL]], "column_settings": [None, {"align": "right"}]}


@pytest.mark.parametrize(
    "block",
    [
        NULLED,
        {"type": "table", "rows": [[{"type": "raw_number", "value": 7.5}]]},
        {"type": "header", "text": PLAIN, "level": 4},
        {"type": "image", "slack_file": {"id": "F0123"}, "alt_text": "a"},
        actions({"type": "conversations_select", "filter": {"include": ["im", "public"]}}),
        asked({"type": "rich_text_input", "action_id": "a", "initial_value": {"type": "rich_text", "elements": []}}),
        {"type": "divider", "block_id": "a"},
    ],
)
def test_what_the_pages_allow_is_taken(block: Json) -> None:
    assert [fault.line() for fault in check_blocks([block])] == []


def markdown(length: int) -> list[Json]:
    """Two blocks of Markdown, of a length in all."""
    return [{"type": "markdown", "text": words(length // 2)}, {"type": "markdown", "text": words(length - length // 2)}]


def sections(length: int) -> list[Json]:
    """Sections whose texts have a length in all."""
    whole, rest = divmod(length, 3000)
    return [{"type": "section", "text": mrkdwn(one)} for one in (*[3000] * whole, rest)]


MESSAGES: dict[str, tuple[int, Callable[[int], Json], str]] = {
    "blocks": (50, lambda n: {"text": "x", "blocks": [{"type": "divider"}] * n}, "invalid_blocks"),
    "attachments": (100, lambda n: {"attachments": [{"text": "x"}] * n}, "too_many_attachments"),
    "tables": (
        1,
        lambda n: {"text": "x", "attachments": [{"blocks": [{"type": "table", "rows": [[CELL]]}]}] * n},
        "invalid_attachments",
    ),
    "Markdown in blocks": (12_000, lambda n: {"text": "x", "blocks": markdown(n)}, "invalid_blocks"),
    "Markdown": (12_000, lambda n: {"markdown_text": words(n)}, "msg_too_long"),
    "text in blocks": (13_200, lambda n: {"text": "x", "blocks": sections(n)}, "msg_blocks_too_long"),
}
"""What a message may have at most of something: the number, a message that has so much, and the error of one more."""


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_taken_up_to_its_limit_and_no_further(name: str) -> None:
    most, make, error = MESSAGES[name]
    assert said(Arguments(make(most)))
    with pytest.raises(Refusal) as caught:
        said(Arguments(make(most + 1)))
    assert caught.value.error == error


@pytest.mark.parametrize(
    "block",
    [
        {"type": "divider", "block_id": []},
        {"type": "divider", "block_id": {}},
        asked(TEXT_INPUT | {"min_length": 10**400, "max_length": 3}),
        asked({"type": "number_input", "is_decimal_allowed": True, "min_value": [], "max_value": "1"}),
        actions(BUTTON | {"action_id": ["a"]}),
        actions(BUTTON | {"style": {}}),
        {"type": "table", "rows": [[{"type": "raw_number", "value": "7"}]]},
        {"type": "header", "text": PLAIN, "level": 5},
        {"type": "image", "slack_file": {"id": "F0123", "url": "https://a"}, "alt_text": "a"},
        {"type": "image", "slack_file": {}, "alt_text": "a"},
        actions({"type": "conversations_select", "filter": {}}),
        actions({"type": "conversations_select", "filter": {"include": ["im", "im"]}}),
        actions(BUTTON | {"accessibility_label": ""}),
        asked({"type": "rich_text_input", "action_id": "a", "initial_value": "text"}),
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [MENTION | {"user_id": "ana"}]}]},
        {"type": ["section"]},
        ["section"],
    ],
)
def test_what_is_nothing_of_the_kind_is_refused(block: Any) -> None:
    assert check_blocks([block])
