"""Block Kit's rules, as Slack refuses by them: limits, required and unknown fields, duplicates, with JSON pointers.

Limits are those of docs.slack.dev/reference/block-kit; two are undocumented and known from reports: all text of a
message's blocks together (about 13,200 characters, bolt-js issue 2509) and the texts of the messages. Blocks of the
newer AI and data kinds (cards, plans, charts …) are refused: an app that uses them needs a fall-back anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.sandbox.slack_checks import (
    IDENTITY,
    Check,
    Fault,
    Shape,
    all_of,
    anything,
    boolean,
    by_type,
    either,
    items,
    numeric,
    one_of,
    or_null,
    plain,
    string,
    text,
    whole,
)
from bot.sandbox.slack_elements import ELEMENTS, IMAGE, IN_ACTIONS, IN_INPUT, IN_SECTION, SLACK_FILE
from bot.sandbox.slack_rich_text import RICH_TEXT

TOTAL_TEXT = 13_200
MARKDOWN_TEXT = 12_000
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
_CELL = by_type(
    {
        "raw_text": Shape({"text": string(100_000)}, {}),
        "raw_number": Shape({"value": numeric}, {"text": string(100_000)}),
        "rich_text": RICH_TEXT,
    }
)


def _some_text(value: Any, at: str) -> Iterator[Fault]:
    if isinstance(value, dict) and "text" not in value and "fields" not in value:
        yield Fault(at, "must define either `fields` or `text`")


BLOCKS: dict[str, Check] = {
    "section": all_of(
        Shape(
            {},
            {
                "text": text(3000),
                "fields": items(text(2000), 10),
                "accessory": by_type(IN_SECTION),
                "expand": boolean,
            },
        ),
        _some_text,
    ),
    "header": Shape({"text": plain(150)}, {"level": whole(1, 4)}),
    "divider": Shape({}, {}),
    "context": Shape(
        {"elements": items(by_type({"plain_text": text(3000), "mrkdwn": text(3000), "image": IMAGE}), 10)}, {}
    ),
    "actions": Shape({"elements": items(by_type(IN_ACTIONS), 25)}, {}),
    "image": all_of(
        Shape(
            {"alt_text": string(2000, shortest=1)},
            {"image_url": string(3000), "slack_file": SLACK_FILE, "title": plain(2000)},
        ),
        either("image_url", "slack_file"),
    ),
    "rich_text": RICH_TEXT,
    "markdown": Shape({"text": string(MARKDOWN_TEXT, shortest=1)}, {}),
    "video": Shape(
        {
            "video_url": string(3000),
            "thumbnail_url": string(3000),
            "alt_text": string(2000),
            "title": plain(199),
        },
        {
            "author_name": string(49),
            "description": plain(2000),
            "provider_icon_url": string(3000),
            "provider_name": string(255),
            "title_url": string(3000),
        },
    ),
    "table": Shape(
        {"rows": items(items(_CELL, 20), 100)},
        {
            "column_settings": items(
                or_null(Shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})), 20, shortest=0
            )
        },
    ),
    "input": Shape(
        {"label": plain(2000), "element": by_type(IN_INPUT)},
        {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
}
_NOT_IN_VIEWS = frozenset({"markdown", "table"})


def check_blocks(blocks: Any, *, surface: str = "message", at: str = "/blocks") -> list[Fault]:
    """Every rule a list of blocks breaks on a surface (``message``, ``modal`` or ``home``)."""
    longest = MESSAGE_BLOCKS if surface == "message" else VIEW_BLOCKS
    if not isinstance(blocks, list):
        return [Fault(at, "must provide an array")]
    faults = [Fault(at, f"no more than {longest} items allowed")] if len(blocks) > longest else []
    refused = frozenset[str]() if surface == "message" else _NOT_IN_VIEWS
    block_ids: set[str] = set()
    for number, block in enumerate(blocks):
        here = f"{at}/{number}"
        kind = block.get("type") if isinstance(block, dict) else None
        check = BLOCKS.get(kind) if isinstance(kind, str) and kind not in refused else None
        if check is None:
            faults.append(Fault(f"{here}/type", f"unsupported type: {kind}"))
            continue
        faults += check(block, here)
        if "block_id" in block:
            identity = block["block_id"]
            faults += IDENTITY(identity, f"{here}/block_id")
            if isinstance(identity, str):
                if identity in block_ids:
                    faults.append(Fault(f"{here}/block_id", f"`block_id` already exists: {identity}"))
                block_ids.add(identity)
        faults += _repeated_actions(block, here)
        faults += _misplaced(block, surface, here)
    return [*faults, *_together(blocks, at)]


def _together(blocks: list[Any], at: str) -> Iterator[Fault]:
    """Rules over all blocks of one surface."""
    if sum(len(str(one.get("text"))) for one in _of_kind(blocks, "markdown")) > MARKDOWN_TEXT:
        yield Fault(at, f"markdown text must be less than {MARKDOWN_TEXT + 1} characters in all")
    if len(_of_kind(blocks, "table")) > 1:
        yield Fault(at, "only_one_table_allowed")
    focused = [
        where
        for number, block in enumerate(blocks)
        if isinstance(block, dict)
        for one, where in elements_of(block, f"{at}/{number}")
        if one.get("focus_on_load") is True
    ]
    for where in focused[1:]:
        yield Fault(f"{where}/focus_on_load", "only one element can have `focus_on_load` set")


def _misplaced(block: dict[str, Any], surface: str, at: str) -> Iterator[Fault]:
    """``response_url_enabled`` belongs to the inputs of modals."""
    for one, where in elements_of(block, at):
        if one.get("response_url_enabled") is True and (surface != "modal" or block.get("type") != "input"):
            yield Fault(
                f"{where}/response_url_enabled", "`response_url_enabled` works in the input blocks of modals only"
            )


def _of_kind(blocks: Any, kind: str) -> list[dict[str, Any]]:
    listed = blocks if isinstance(blocks, list) else []
    return [block for block in listed if isinstance(block, dict) and block.get("type") == kind]


def _repeated_actions(block: dict[str, Any], at: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for one, where in elements_of(block, at):
        action_id = one.get("action_id")
        if isinstance(action_id, str):
            if action_id in seen:
                yield Fault(f"{where}/action_id", f"`action_id` already exists: {action_id}")
            seen.add(action_id)


def elements_of(block: dict[str, Any], at: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """The elements of a block that a person can use, each with its pointer."""
    listed = block.get("elements")
    for number, one in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(one, dict):
            yield one, f"{at}/elements/{number}"
    for name in ("accessory", "element"):
        if isinstance(block.get(name), dict):
            yield block[name], f"{at}/{name}"


def usable(element: dict[str, Any]) -> bool:
    """Whether a person can do something with it."""
    return element.get("type") in (ELEMENTS.keys() | IN_INPUT.keys()) - {"image"}


def text_length(value: Any) -> int:
    """How many characters of text a tree of blocks carries."""
    if isinstance(value, dict):
        return sum(
            len(inner) if name == "text" and isinstance(inner, str) else text_length(inner)
            for name, inner in value.items()
        )
    if isinstance(value, list):
        return sum(text_length(one) for one in value)
    return 0


_VIEW: dict[str, Check] = {
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}
_SHAPES = {
    "modal": Shape(
        {"title": plain(24), "blocks": anything},
        {
            **_VIEW,
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
    ),
    "home": Shape({"blocks": anything}, _VIEW),
}


def check_view(view: Any, *, at: str = "/view") -> list[Fault]:
    """Every rule a modal or a home tab breaks."""
    if not isinstance(view, dict):
        return [Fault(at, "must provide an object")]
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return [Fault(f"{at}/type", f"unsupported type: {kind}")]
    faults = list(_SHAPES[kind](view, at))
    if "blocks" in view:
        faults += check_blocks(view["blocks"], surface=kind, at=f"{at}/blocks")
        if kind == "modal" and "submit" not in view and _of_kind(view["blocks"], "input"):
            faults.append(Fault(at, "must define `submit` to use an `input` block in modals"))
    return faults
