"""The rules of Block Kit that the stand-in keeps, tried by ``blocks.validate``: a row each, with what it points at."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.slack_stage import Call, Rule

Json = dict[str, Any]
PLAIN: Json = {"type": "plain_text", "text": "x"}
MRKDWN: Json = {"type": "mrkdwn", "text": "x"}
OPTION: Json = {"text": PLAIN, "value": "v"}
BUTTON: Json = {"type": "button", "text": PLAIN}
CONFIRM: Json = {"title": PLAIN, "text": MRKDWN, "confirm": PLAIN, "deny": PLAIN}
TEXT_INPUT: Json = {"type": "plain_text_input", "action_id": "why"}
MODAL: Json = {"type": "modal", "title": PLAIN, "submit": PLAIN}


def plain(length: int) -> Json:
    """A plain text of a length."""
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> Json:
    """A mrkdwn text of a length."""
    return {"type": "mrkdwn", "text": "x" * length}


def section(**fields: Any) -> Json:
    """A section with text, and more."""
    return {"type": "section", "text": MRKDWN, **fields}


def actions(*elements: Json) -> Json:
    """An actions block."""
    return {"type": "actions", "elements": list(elements)}


def asked(element: Json, **fields: Any) -> Json:
    """An input block."""
    return {"type": "input", "block_id": "b", "label": PLAIN, "element": element, **fields}


def bad(name: str, blocks: list[Json], pointer: str, page: str) -> Rule:
    """A row for blocks of a message that are refused, with the pointer among those told."""
    return Rule(
        name=f"blocks: {name}",
        source=f"Slack docs: block-kit/{page}",
        call=Call("blocks.validate", {"blocks": json.dumps(blocks)}),
        error="invalid_blocks",
        answer={"errors": Pointer(pointer)},
    )


def bad_view(name: str, view: Json, pointer: str, page: str = "surfaces/modals") -> Rule:
    """A row for a view that is refused."""
    return Rule(
        name=f"views: {name}",
        source=f"Slack docs: {page}",
        call=Call("blocks.validate", {"view": json.dumps(view)}),
        error="invalid_view",
        answer={"errors": Pointer(pointer)},
    )


def good(name: str, surface: str, value: Any, page: str) -> Rule:
    """A row for what is taken."""
    return Rule(
        name=f"{surface}: {name}",
        source=f"Slack docs: block-kit/{page}",
        call=Call("blocks.validate", {surface: json.dumps(value)}),
    )


class Pointer:
    """Equal to a list of faults of which one points here."""

    def __init__(self, pointer: str) -> None:
        self.pointer = pointer

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and any(
            fault["pointer"] == self.pointer and fault["message"] and fault["code"] for fault in other
        )

    def __hash__(self) -> int:
        return hash(self.pointer)

    def __repr__(self) -> str:
        return f"a fault at {self.pointer!r}"


LIMITS = (
    bad("a message has 50", [{"type": "divider"}] * 51, "", "blocks"),
    bad(
        "a section's text has 3,000 characters",
        [{"type": "section", "text": mrkdwn(3001)}],
        "/0/text/text",
        "blocks/section",
    ),
    bad(
        "a section's text has one at least", [{"type": "section", "text": mrkdwn(0)}], "/0/text/text", "blocks/section"
    ),
    bad("a section has text or fields", [{"type": "section"}], "/0", "blocks/section"),
    bad("a section has 10 fields", [section(fields=[MRKDWN] * 11)], "/0/fields", "blocks/section"),
    bad("a field has 2,000 characters", [section(fields=[mrkdwn(2001)])], "/0/fields/0/text", "blocks/section"),
    bad("a header has 150 characters", [{"type": "header", "text": plain(151)}], "/0/text/text", "blocks/header"),
    bad("a header is plain", [{"type": "header", "text": MRKDWN}], "/0/text/type", "blocks/header"),
    bad("a context has 10 elements", [{"type": "context", "elements": [MRKDWN] * 11}], "/0/elements", "blocks/context"),
    bad("a context has one at least", [{"type": "context", "elements": []}], "/0/elements", "blocks/context"),
    bad(
        "a context holds no button", [{"type": "context", "elements": [BUTTON]}], "/0/elements/0/type", "blocks/context"
    ),
    bad("actions have 25 elements", [actions(*[BUTTON] * 26)], "/0/elements", "blocks/actions"),
    bad(
        "actions hold no image",
        [actions({"type": "image", "alt_text": "a", "image_url": "https://a"})],
        "/0/elements/0/type",
        "blocks/actions",
    ),
    bad("actions hold no text input", [actions(TEXT_INPUT)], "/0/elements/0/type", "blocks/actions"),
    bad("a block's id has 255 characters", [{"type": "divider", "block_id": "x" * 256}], "/0/block_id", "blocks"),
    bad("a block's id is its own", [{"type": "divider", "block_id": "a"}] * 2, "/1/block_id", "blocks"),
    bad(
        "an action's id is its own in its block",
        [actions(BUTTON | {"action_id": "a"}, BUTTON | {"action_id": "a"})],
        "/0/elements/1/action_id",
        "block-elements",
    ),
    bad(
        "an action's id has 255 characters",
        [actions(BUTTON | {"action_id": "x" * 256})],
        "/0/elements/0/action_id",
        "block-elements",
    ),
    bad("a field nobody knows", [{"type": "divider", "colour": "red"}], "/0/colour", "blocks"),
    bad("a block nobody knows", [{"type": "sparkle"}], "/0/type", "blocks"),
    bad(
        "emoji is of plain text",
        [section(text=MRKDWN | {"emoji": True})],
        "/0/text/emoji",
        "composition-objects/text-object",
    ),
    bad(
        "verbatim is of mrkdwn",
        [section(text=PLAIN | {"verbatim": True})],
        "/0/text/verbatim",
        "composition-objects/text-object",
    ),
    bad("a button says something", [actions({"type": "button"})], "/0/elements/0", "block-elements/button-element"),
    bad(
        "a button says 75 characters",
        [actions({"type": "button", "text": plain(76)})],
        "/0/elements/0/text/text",
        "block-elements/button-element",
    ),
    bad(
        "a button's text is plain",
        [actions({"type": "button", "text": MRKDWN})],
        "/0/elements/0/text/type",
        "block-elements/button-element",
    ),
    bad(
        "a button's value has 2,000 characters",
        [actions(BUTTON | {"value": "x" * 2001})],
        "/0/elements/0/value",
        "block-elements/button-element",
    ),
    bad(
        "a button's address has 3,000 characters",
        [actions(BUTTON | {"url": "x" * 3001})],
        "/0/elements/0/url",
        "block-elements/button-element",
    ),
    bad(
        "a button's label has 75 characters",
        [actions(BUTTON | {"accessibility_label": "x" * 76})],
        "/0/elements/0/accessibility_label",
        "block-elements/button-element",
    ),
    bad(
        "a button's style is one of two",
        [actions(BUTTON | {"style": "loud"})],
        "/0/elements/0/style",
        "block-elements/button-element",
    ),
    bad(
        "a confirmation's title has 100 characters",
        [actions(BUTTON | {"confirm": CONFIRM | {"title": plain(101)}})],
        "/0/elements/0/confirm/title/text",
        "composition-objects/confirmation-dialog-object",
    ),
    bad(
        "a confirmation's text has 300 characters",
        [actions(BUTTON | {"confirm": CONFIRM | {"text": mrkdwn(301)}})],
        "/0/elements/0/confirm/text/text",
        "composition-objects/confirmation-dialog-object",
    ),
    bad(
        "a confirmation's buttons have 30 characters",
        [actions(BUTTON | {"confirm": CONFIRM | {"deny": plain(31)}})],
        "/0/elements/0/confirm/deny/text",
        "composition-objects/confirmation-dialog-object",
    ),
    bad(
        "a confirmation is whole",
        [actions(BUTTON | {"confirm": {"title": PLAIN}})],
        "/0/elements/0/confirm",
        "composition-objects/confirmation-dialog-object",
    ),
    bad(
        "an overflow has 5 options",
        [actions({"type": "overflow", "options": [OPTION] * 6})],
        "/0/elements/0/options",
        "block-elements/overflow-menu-element",
    ),
    bad(
        "a select has 100 options",
        [actions({"type": "static_select", "options": [OPTION] * 101})],
        "/0/elements/0/options",
        "block-elements/select-menu-element",
    ),
    bad(
        "a select has options or groups",
        [actions({"type": "static_select"})],
        "/0/elements/0",
        "block-elements/select-menu-element",
    ),
    bad(
        "a select's first choice is an option",
        [actions({"type": "static_select", "options": [OPTION], "initial_option": OPTION | {"value": "w"}})],
        "/0/elements/0/initial_option",
        "block-elements/select-menu-element",
    ),
    bad(
        "an option's text has 75 characters",
        [actions({"type": "static_select", "options": [OPTION | {"text": plain(76)}]})],
        "/0/elements/0/options/0/text/text",
        "composition-objects/option-object",
    ),
    bad(
        "an option's text in a select is plain",
        [actions({"type": "static_select", "options": [OPTION | {"text": MRKDWN}]})],
        "/0/elements/0/options/0/text/type",
        "composition-objects/option-object",
    ),
    bad(
        "an option's value has 150 characters",
        [actions({"type": "static_select", "options": [OPTION | {"value": "x" * 151}]})],
        "/0/elements/0/options/0/value",
        "composition-objects/option-object",
    ),
    bad(
        "an option's address is for overflows",
        [actions({"type": "static_select", "options": [OPTION | {"url": "https://a"}]})],
        "/0/elements/0/options/0/url",
        "composition-objects/option-object",
    ),
    bad(
        "a placeholder has 150 characters",
        [actions({"type": "users_select", "placeholder": plain(151)})],
        "/0/elements/0/placeholder/text",
        "block-elements/select-menu-element",
    ),
    bad(
        "there are 10 checkboxes",
        [actions({"type": "checkboxes", "options": [OPTION] * 11})],
        "/0/elements/0/options",
        "block-elements/checkboxes-element",
    ),
    bad(
        "there are 10 radio buttons",
        [actions({"type": "radio_buttons", "options": [OPTION] * 11})],
        "/0/elements/0/options",
        "block-elements/radio-button-group-element",
    ),
    bad(
        "a date is a date",
        [actions({"type": "datepicker", "initial_date": "tomorrow"})],
        "/0/elements/0/initial_date",
        "block-elements/date-picker-element",
    ),
    bad(
        "a time is a time",
        [actions({"type": "timepicker", "initial_time": "25:00"})],
        "/0/elements/0/initial_time",
        "block-elements/time-picker-element",
    ),
    bad(
        "an instant is in seconds",
        [actions({"type": "datetimepicker", "initial_date_time": 7})],
        "/0/elements/0/initial_date_time",
        "block-elements/datetime-picker-element",
    ),
    bad(
        "a section has no date and time at its side",
        [section(accessory={"type": "datetimepicker"})],
        "/0/accessory/type",
        "block-elements/datetime-picker-element",
    ),
    bad("an image has an address or a file", [{"type": "image", "alt_text": "a"}], "/0", "blocks/image"),
    bad("an image says what it shows", [{"type": "image", "image_url": "https://a"}], "/0", "blocks/image"),
    bad(
        "an image's title has 2,000 characters",
        [{"type": "image", "image_url": "https://a", "alt_text": "a", "title": plain(2001)}],
        "/0/title/text",
        "blocks/image",
    ),
    bad(
        "an image's address has 3,000 characters",
        [{"type": "image", "image_url": "x" * 3001, "alt_text": "a"}],
        "/0/image_url",
        "blocks/image",
    ),
    bad("markdown has 12,000 characters in all", [{"type": "markdown", "text": "x" * 6001}] * 2, "", "blocks/markdown"),
    bad(
        "there is one table", [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}] * 2, "", "blocks/table"
    ),
    bad(
        "a table has 100 rows",
        [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * 101}],
        "/0/rows",
        "blocks/table",
    ),
    bad(
        "a table has 20 columns",
        [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}],
        "/0/rows/0",
        "blocks/table",
    ),
    bad("a cell is text", [{"type": "table", "rows": [[MRKDWN]]}], "/0/rows/0/0/type", "blocks/table"),
    bad(
        "rich text has four kinds of parts",
        [{"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}],
        "/0/elements/0/type",
        "blocks/rich-text",
    ),
    bad(
        "a rich list is of one of two styles",
        [
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_list",
                        "style": "dotted",
                        "elements": [{"type": "rich_text_section", "elements": []}],
                    }
                ],
            }
        ],
        "/0/elements/0/style",
        "blocks/rich-text",
    ),
    bad(
        "rich text names its people",
        [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "user"}]}]}],
        "/0/elements/0/elements/0",
        "blocks/rich-text",
    ),
    bad("an input has a label", [{"type": "input", "element": TEXT_INPUT}], "/0", "blocks/input"),
    bad(
        "an input's label has 2,000 characters",
        [asked(TEXT_INPUT) | {"label": plain(2001)}],
        "/0/label/text",
        "blocks/input",
    ),
    bad("an input holds no button", [asked(BUTTON)], "/0/element/type", "blocks/input"),
    bad(
        "a text is typed up to 3,000 characters",
        [asked(TEXT_INPUT | {"max_length": 3001})],
        "/0/element/max_length",
        "block-elements/plain-text-input-element",
    ),
    bad(
        "the least is not more than the most",
        [asked(TEXT_INPUT | {"min_length": 9, "max_length": 3})],
        "/0/element",
        "block-elements/plain-text-input-element",
    ),
    bad(
        "a number says whether it may have decimals",
        [asked({"type": "number_input"})],
        "/0/element",
        "block-elements/number-input-element",
    ),
    bad(
        "a response address is for modals",
        [actions({"type": "conversations_select", "response_url_enabled": True})],
        "/0/elements/0/response_url_enabled",
        "block-elements/select-menu-element",
    ),
    bad(
        "one element has the focus",
        [asked(TEXT_INPUT | {"focus_on_load": True}), asked(TEXT_INPUT | {"focus_on_load": True}) | {"block_id": "c"}],
        "/1/element/focus_on_load",
        "block-elements/plain-text-input-element",
    ),
    bad_view("a title is needed", {"type": "modal", "blocks": []}, ""),
    bad_view("a title has 24 characters", MODAL | {"title": plain(25), "blocks": []}, "/title/text"),
    bad_view("a submit button has 24 characters", MODAL | {"submit": plain(25), "blocks": []}, "/submit/text"),
    bad_view("a close button has 24 characters", MODAL | {"close": plain(25), "blocks": []}, "/close/text"),
    bad_view("inputs need a submit button", {"type": "modal", "title": PLAIN, "blocks": [asked(TEXT_INPUT)]}, ""),
    bad_view("there are 100 blocks", MODAL | {"blocks": [{"type": "divider"}] * 101}, "/blocks"),
    bad_view(
        "private metadata has 3,000 characters",
        MODAL | {"blocks": [], "private_metadata": "x" * 3001},
        "/private_metadata",
    ),
    bad_view("a callback id has 255 characters", MODAL | {"blocks": [], "callback_id": "x" * 256}, "/callback_id"),
    bad_view(
        "a table is not for modals",
        MODAL | {"blocks": [{"type": "table", "rows": []}]},
        "/blocks/0/type",
        "block-kit/blocks/table",
    ),
    bad_view(
        "markdown is not for modals",
        MODAL | {"blocks": [{"type": "markdown", "text": "x"}]},
        "/blocks/0/type",
        "block-kit/blocks/markdown",
    ),
    bad_view("a home tab has no title", {"type": "home", "title": PLAIN, "blocks": []}, "/title", "surfaces/app-home"),
    bad_view("a view is a modal or a home tab", {"type": "poster", "blocks": []}, "/type"),
)

TAKEN = (
    good("51 blocks are for views", "view", MODAL | {"blocks": [{"type": "divider"}] * 51}, "blocks"),
    good("the same action id in two blocks", "blocks", [actions(BUTTON | {"action_id": "a"})] * 2, "block-elements"),
    good("exactly 3,000 characters", "blocks", [section(text=mrkdwn(3000))], "blocks/section"),
    good(
        "a response address in a modal's input",
        "view",
        MODAL | {"blocks": [asked({"type": "conversations_select", "response_url_enabled": True})]},
        "block-elements/select-menu-element",
    ),
    good("an input in a message", "blocks", [asked(TEXT_INPUT)], "blocks/input"),
    good(
        "mrkdwn in a checkbox's option",
        "blocks",
        [actions({"type": "checkboxes", "options": [OPTION | {"text": MRKDWN}]})],
        "composition-objects/option-object",
    ),
    good(
        "an address in an overflow's option",
        "blocks",
        [actions({"type": "overflow", "options": [OPTION | {"url": "https://a"}]})],
        "composition-objects/option-object",
    ),
    good(
        "no rich text at all in a section of it",
        "blocks",
        [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}],
        "blocks/rich-text",
    ),
)

BLOCK_RULES: tuple[Rule, ...] = (*LIMITS, *TAKEN)
