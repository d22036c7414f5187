"""Block Kit's rules, as Slack refuses by them: limits, required and unknown fields, duplicates, with JSON pointers.

Limits are those of docs.slack.dev/reference/block-kit; two are undocumented and known from reports: all text of a
message's blocks together (about 13,200 characters, bolt-js issue 2509) and the texts of the messages. Not checked:
the inside of rich_text beyond its element types, and blocks of the newer AI and data kinds, which are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TOTAL_TEXT = 13_200
MARKDOWN_TEXT = 12_000
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100


@dataclass(frozen=True)
class Fault:
    """One broken rule: where (a JSON pointer), what Slack says of it, and the constraint ``blocks.validate`` names.

    Of the constraints only ``enum`` is documented; the other names are ours.
    """

    pointer: str
    message: str
    constraint: str = "schema"
    expected: Any = None

    def line(self) -> str:
        """As ``response_metadata.messages`` has it."""
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"


Check = Callable[[Any, str], Iterator[Fault]]


def string(longest: int, *, shortest: int = 0) -> Check:
    """A string of bounded length, in characters."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault(at, "must provide a string")
        elif len(value) > longest:
            yield Fault(at, f"must be less than {longest + 1} characters", "max_length", longest)
        elif len(value) < shortest:
            yield Fault(at, f"must be more than {shortest - 1} characters", "min_length", shortest)

    return check


def one_of(*allowed: str) -> Check:
    """One of a few words."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if value not in allowed:
            yield Fault(at, f"unsupported value: {value}", "enum", list(allowed))

    return check


def boolean(value: Any, at: str) -> Iterator[Fault]:
    """True or false."""
    if not isinstance(value, bool):
        yield Fault(at, "must provide a boolean")


def anything(value: Any, at: str) -> Iterator[Fault]:
    """Not looked into."""
    yield from ()


def items(check_one: Check, longest: int, *, shortest: int = 1) -> Check:
    """A list of bounded length, each item checked."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield Fault(at, "must provide an array")
            return
        if len(value) > longest:
            yield Fault(at, f"no more than {longest} items allowed", "max_items", longest)
        if len(value) < shortest:
            yield Fault(at, f"no fewer than {shortest} items allowed", "min_items", shortest)
        for number, one in enumerate(value):
            yield from check_one(one, f"{at}/{number}")

    return check


@dataclass(frozen=True)
class Shape:
    """An object: which fields it must have, which it may have; any other is refused, as Slack does."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check]

    def __call__(self, value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(at, "must provide an object")
            return
        for name in self.required:
            if name not in value:
                yield Fault(at, f"missing required field: {name}", "required", name)
        for name, inner in value.items():
            check = self.required.get(name) or self.optional.get(name)
            if check is not None:
                yield from check(inner, f"{at}/{name}")
            elif name not in ("type", "block_id"):
                yield Fault(f"{at}/{name}", f"invalid additional property: {name}")


def text(longest: int, *, kinds: Sequence[str] = ("plain_text", "mrkdwn"), shortest: int = 1) -> Check:
    """A text object; ``emoji`` belongs to plain_text only, ``verbatim`` to mrkdwn only."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(at, "must provide an object")
            return
        kind = value.get("type")
        if kind not in kinds:
            yield Fault(f"{at}/type", f"unsupported type: {kind}", "enum", list(kinds))
            return
        only: dict[str, Check] = {"emoji": boolean} if kind == "plain_text" else {"verbatim": boolean}
        faults = list(Shape({"text": string(longest, shortest=shortest)}, only)(value, at))
        if faults:
            yield Fault(at, "failed to match all allowed schemas")
            yield from faults

    return check


def plain(longest: int) -> Check:
    """A plain_text object."""
    return text(longest, kinds=("plain_text",))


IDENTITY = string(255)
CONFIRM = Shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
OPTION = Shape({"text": text(75), "value": string(150)}, {"description": text(75), "url": string(3000)})
OPTION_GROUP = Shape({"label": plain(75), "options": items(OPTION, 100)}, {})


def _select(**more: Check) -> Shape:
    common: dict[str, Check] = {
        "action_id": IDENTITY,
        "placeholder": plain(150),
        "confirm": CONFIRM,
        "focus_on_load": boolean,
    }
    return Shape({}, common | more)


_OPTIONS: dict[str, Check] = {
    "options": items(OPTION, 100),
    "option_groups": items(OPTION_GROUP, 100),
    "initial_option": OPTION,
    "initial_options": items(OPTION, 100),
    "max_selected_items": anything,
}
_CHOICES: dict[str, Check] = {
    "options": items(OPTION, 10),
    "initial_option": OPTION,
    "initial_options": items(OPTION, 10),
    "action_id": IDENTITY,
    "confirm": CONFIRM,
    "focus_on_load": boolean,
}
IMAGE_ELEMENT = Shape({"alt_text": string(2000)}, {"image_url": string(3000), "slack_file": anything})
ELEMENTS: dict[str, Check] = {
    "button": Shape(
        {"text": plain(75)},
        {
            "action_id": IDENTITY,
            "value": string(2000),
            "url": string(3000),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "image": IMAGE_ELEMENT,
    "overflow": Shape({"options": items(OPTION, 5)}, {"action_id": IDENTITY, "confirm": CONFIRM}),
    "static_select": _select(**_OPTIONS),
    "multi_static_select": _select(**_OPTIONS),
    "external_select": _select(initial_option=OPTION, min_query_length=anything),
    "multi_external_select": _select(initial_options=anything, min_query_length=anything, max_selected_items=anything),
    "users_select": _select(initial_user=anything),
    "multi_users_select": _select(initial_users=anything, max_selected_items=anything),
    "channels_select": _select(initial_channel=anything, response_url_enabled=boolean),
    "conversations_select": _select(
        initial_conversation=anything,
        default_to_current_conversation=boolean,
        response_url_enabled=boolean,
        filter=anything,
    ),
    "datepicker": _select(initial_date=anything),
    "timepicker": _select(initial_time=anything, timezone=anything),
    "datetimepicker": _select(initial_date_time=anything),
    "checkboxes": Shape({}, _CHOICES),
    "radio_buttons": Shape({}, _CHOICES),
    "plain_text_input": _select(
        initial_value=string(3000),
        multiline=boolean,
        min_length=anything,
        max_length=anything,
        dispatch_action_config=anything,
    ),
    "number_input": _select(
        is_decimal_allowed=boolean,
        initial_value=anything,
        min_value=anything,
        max_value=anything,
        dispatch_action_config=anything,
    ),
    "email_text_input": _select(initial_value=anything, dispatch_action_config=anything),
    "url_text_input": _select(initial_value=anything, dispatch_action_config=anything),
}
_INPUT_ONLY = {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
_TEXTS = ("plain_text", "mrkdwn")
_RICH = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")


def element(*, excluding: frozenset[str] | set[str] = frozenset()) -> Check:
    """An interactive element or image of a kind allowed here."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        kind = value.get("type") if isinstance(value, dict) else None
        shape = ELEMENTS.get(kind) if isinstance(kind, str) and kind not in excluding else None
        if shape is None:
            yield Fault(f"{at}/type", f"unsupported type: {kind}")
        else:
            yield from shape(value, at)

    return check


def context_element(value: Any, at: str) -> Iterator[Fault]:
    """A context block holds texts and images."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in _TEXTS:
        yield from text(3000)(value, at)
    elif kind == "image":
        yield from IMAGE_ELEMENT(value, at)
    else:
        yield Fault(f"{at}/type", f"unsupported type: {kind}")


def rich_element(value: Any, at: str) -> Iterator[Fault]:
    """One part of a rich_text block, by its type only."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in _RICH:
        yield Fault(f"{at}/type", f"unsupported type: {kind}")
    elif not isinstance(value.get("elements"), list):
        yield Fault(at, "missing required field: elements")


def section(value: Any, at: str) -> Iterator[Fault]:
    """A section has text, or fields, or both."""
    shape = Shape(
        {},
        {
            "text": text(3000),
            "fields": items(text(2000), 10),
            "accessory": element(excluding=_INPUT_ONLY),
            "expand": boolean,
        },
    )
    yield from shape(value, at)
    if "text" not in value and "fields" not in value:
        yield Fault(at, "must define either `fields` or `text`")


def table(value: Any, at: str) -> Iterator[Fault]:
    """At most 100 rows of 20 cells, all rows of one length."""
    yield from Shape({"rows": items(items(anything, 20), 100)}, {"column_settings": anything})(value, at)


BLOCKS: dict[str, Check] = {
    "section": section,
    "header": Shape({"text": plain(150)}, {"level": anything}),
    "divider": Shape({}, {}),
    "context": Shape({"elements": items(context_element, 10)}, {}),
    "actions": Shape({"elements": items(element(excluding=_INPUT_ONLY | {"image"}), 25)}, {}),
    "image": Shape(
        {"alt_text": string(2000)}, {"image_url": string(3000), "slack_file": anything, "title": plain(2000)}
    ),
    "rich_text": Shape({"elements": items(rich_element, 1000, shortest=0)}, {}),
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
            "provider_icon_url": anything,
            "provider_name": anything,
            "title_url": anything,
        },
    ),
    "table": table,
    "input": Shape(
        {"label": plain(2000), "element": element(excluding={"button", "image", "overflow"})},
        {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
}
_NOT_IN_MODALS = frozenset({"markdown", "table"})
_NOTHING: frozenset[str] = frozenset()


def check_blocks(blocks: Any, *, surface: str = "message", at: str = "/blocks") -> list[Fault]:
    """Every rule a list of blocks breaks on a surface (``message``, ``modal`` or ``home``)."""
    longest = MESSAGE_BLOCKS if surface == "message" else VIEW_BLOCKS
    if not isinstance(blocks, list):
        return [Fault(at, "must provide an array")]
    faults = [Fault(at, f"no more than {longest} items allowed")] if len(blocks) > longest else []
    refused = _NOTHING if surface == "message" else _NOT_IN_MODALS
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
            faults += IDENTITY(block["block_id"], f"{here}/block_id")
            if block["block_id"] in block_ids:
                faults.append(Fault(f"{here}/block_id", f"`block_id` already exists: {block['block_id']}"))
            block_ids.add(str(block["block_id"]))
        faults += _repeated_actions(block, here)
    if sum(len(str(one.get("text"))) for one in _of_kind(blocks, "markdown")) > MARKDOWN_TEXT:
        faults.append(Fault(at, f"markdown text must be less than {MARKDOWN_TEXT + 1} characters in all"))
    if len(_of_kind(blocks, "table")) > 1:
        faults.append(Fault(at, "only_one_table_allowed"))
    return faults


def _of_kind(blocks: list[Any], kind: str) -> list[dict[str, Any]]:
    return [block for block in blocks if isinstance(block, dict) and block.get("type") == kind]


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


def check_view(view: Any, *, at: str = "/view") -> list[Fault]:
    """Every rule a modal or a home tab breaks."""
    if not isinstance(view, dict):
        return [Fault(at, "must provide an object")]
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return [Fault(f"{at}/type", f"unsupported type: {kind}")]
    common: dict[str, Check] = {
        "blocks": anything,
        "private_metadata": string(3000),
        "callback_id": IDENTITY,
        "external_id": IDENTITY,
    }
    modal: dict[str, Check] = {
        "submit": plain(24),
        "close": plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    }
    shape = (
        Shape({"title": plain(24), "blocks": anything}, common | modal)
        if kind == "modal"
        else Shape({"blocks": anything}, common)
    )
    faults = list(shape(view, at))
    if "blocks" in view:
        faults += check_blocks(view["blocks"], surface=kind, at=f"{at}/blocks")
        if kind == "modal" and "submit" not in view and _of_kind(view["blocks"], "input"):
            faults.append(Fault(at, "missing required field: submit"))
    return faults
