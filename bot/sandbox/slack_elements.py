"""Block Kit's elements and composition objects: what each may carry, by docs.slack.dev/reference/block-kit.

Not built: ``file_input``, ``workflow_button``, ``feedback_buttons`` and ``icon_button``, which are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.slack_checks import (
    CHANNEL,
    IDENTITY,
    PERSON,
    Check,
    Fault,
    Shape,
    all_of,
    boolean,
    by_type,
    either,
    items,
    one_of,
    pattern,
    plain,
    some_of,
    string,
    text,
    whole,
)
from bot.sandbox.slack_rich_text import RICH_TEXT

LONGEST_INPUT = 3000
CONFIRM = Shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
_VALUE = string(150, shortest=1)
OPTION = Shape({"text": plain(75), "value": _VALUE}, {"description": plain(75)})
OVERFLOW_OPTION = Shape({"text": plain(75), "value": _VALUE}, {"description": plain(75), "url": string(3000)})
CHOICE_OPTION = Shape({"text": text(75), "value": _VALUE}, {"description": text(75)})
OPTION_GROUP = Shape({"label": plain(75), "options": items(OPTION, 100)}, {})
DISPATCH = Shape(
    {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2, unique=True)},
    {},
)
CONVERSATION_FILTER = all_of(
    Shape(
        {},
        {
            "include": items(one_of("im", "mpim", "private", "public"), 4, unique=True),
            "exclude_external_shared_channels": boolean,
            "exclude_bot_users": boolean,
        },
    ),
    some_of("include", "exclude_external_shared_channels", "exclude_bot_users"),
)
SLACK_FILE = all_of(Shape({}, {"url": string(3000, shortest=1), "id": string(255, shortest=1)}), either("url", "id"))
IMAGE = all_of(
    Shape({"alt_text": string(2000, shortest=1)}, {"image_url": string(3000), "slack_file": SLACK_FILE}),
    either("image_url", "slack_file"),
)
_NUMBER = pattern(r"-?\d+(\.\d+)?", example="12.5")


def _select(**more: Check) -> Shape:
    common: dict[str, Check] = {
        "action_id": IDENTITY,
        "placeholder": plain(150),
        "confirm": CONFIRM,
        "focus_on_load": boolean,
    }
    return Shape({}, common | more)


def _multiple(**more: Check) -> Shape:
    return _select(max_selected_items=whole(1, 1_000_000), **more)


def _chosen_from_its_options(value: Any, at: str) -> Iterator[Fault]:
    """What is chosen at first is one of the options, exactly."""
    if not isinstance(value, dict):
        return
    known = options_of(value)
    for name in ("initial_option", "initial_options"):
        chosen = value.get(name)
        for number, one in enumerate(chosen if isinstance(chosen, list) else [chosen]):
            if one is not None and one not in known:
                place = f"{at}/{name}/{number}" if isinstance(chosen, list) else f"{at}/{name}"
                yield Fault(place, f"`{name}` must exactly match one of the provided options")


def options_of(element: Mapping[str, Any]) -> list[Any]:
    """Every option of an element, those in groups included."""
    listed: Any = element.get("options")
    found = list(listed) if isinstance(listed, list) else []
    groups: Any = element.get("option_groups")
    for group in groups if isinstance(groups, list) else []:
        if isinstance(group, dict) and isinstance(group.get("options"), list):
            found += group["options"]
    return found


def _bounds_in_order(least: str, most: str) -> Check:
    def check(value: Any, at: str) -> Iterator[Fault]:
        try:
            wrong = float(value[least]) > float(value[most])
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        if wrong:
            yield Fault(at, f"`{least}` must not be greater than `{most}`")

    return check


_STATIC: dict[str, Check] = {"options": items(OPTION, 100), "option_groups": items(OPTION_GROUP, 100)}
_CHOICE: dict[str, Check] = {"action_id": IDENTITY, "confirm": CONFIRM, "focus_on_load": boolean}
_CHOICES = items(CHOICE_OPTION, 10)
ELEMENTS: dict[str, Check] = {
    "button": Shape(
        {"text": plain(75)},
        {
            "action_id": IDENTITY,
            "value": string(2000, shortest=1),
            "url": string(3000),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75, shortest=1),
        },
    ),
    "image": IMAGE,
    "overflow": Shape({"options": items(OVERFLOW_OPTION, 5)}, {"action_id": IDENTITY, "confirm": CONFIRM}),
    "static_select": all_of(
        _select(**_STATIC, initial_option=OPTION), either("options", "option_groups"), _chosen_from_its_options
    ),
    "multi_static_select": all_of(
        _multiple(**_STATIC, initial_options=items(OPTION, 100)),
        either("options", "option_groups"),
        _chosen_from_its_options,
    ),
    "external_select": _select(initial_option=OPTION, min_query_length=whole(0, 1_000)),
    "multi_external_select": _multiple(initial_options=items(OPTION, 100), min_query_length=whole(0, 1_000)),
    "users_select": _select(initial_user=PERSON),
    "multi_users_select": _multiple(initial_users=items(PERSON, 1_000)),
    "channels_select": _select(initial_channel=CHANNEL, response_url_enabled=boolean),
    "multi_channels_select": _multiple(initial_channels=items(CHANNEL, 1_000)),
    "conversations_select": _select(
        initial_conversation=string(255),
        default_to_current_conversation=boolean,
        response_url_enabled=boolean,
        filter=CONVERSATION_FILTER,
    ),
    "multi_conversations_select": _multiple(
        initial_conversations=items(string(255), 1_000),
        default_to_current_conversation=boolean,
        filter=CONVERSATION_FILTER,
    ),
    "datepicker": _select(initial_date=pattern(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", example="YYYY-MM-DD")),
    "timepicker": _select(
        initial_time=pattern(r"([01]\d|2[0-3]):[0-5]\d", example="HH:mm"), timezone=string(255, shortest=1)
    ),
    "datetimepicker": Shape({}, {**_CHOICE, "initial_date_time": whole(1_000_000_000, 9_999_999_999)}),
    "checkboxes": all_of(
        Shape({"options": _CHOICES}, {**_CHOICE, "initial_options": _CHOICES}), _chosen_from_its_options
    ),
    "radio_buttons": all_of(
        Shape({"options": _CHOICES}, {**_CHOICE, "initial_option": CHOICE_OPTION}), _chosen_from_its_options
    ),
}
"""What actions and sections may hold, and inputs too, but for buttons, overflows and images."""

_TYPED: dict[str, Check] = {
    "action_id": IDENTITY,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    "dispatch_action_config": DISPATCH,
}
INPUTS: dict[str, Check] = {
    "plain_text_input": all_of(
        Shape(
            {},
            {
                **_TYPED,
                "initial_value": string(LONGEST_INPUT),
                "multiline": boolean,
                "min_length": whole(0, LONGEST_INPUT),
                "max_length": whole(1, LONGEST_INPUT),
            },
        ),
        _bounds_in_order("min_length", "max_length"),
    ),
    "number_input": all_of(
        Shape(
            {"is_decimal_allowed": boolean},
            {**_TYPED, "initial_value": _NUMBER, "min_value": _NUMBER, "max_value": _NUMBER},
        ),
        _bounds_in_order("min_value", "max_value"),
    ),
    "email_text_input": Shape({}, {**_TYPED, "initial_value": string(LONGEST_INPUT)}),
    "url_text_input": Shape({}, {**_TYPED, "initial_value": string(LONGEST_INPUT)}),
    "rich_text_input": Shape({"action_id": IDENTITY}, {**_TYPED, "initial_value": by_type({"rich_text": RICH_TEXT})}),
}
"""What only an input block may hold."""

STATEFUL = (ELEMENTS.keys() | INPUTS.keys()) - {"button", "image", "overflow"}
"""Elements whose value is in ``state.values``."""

IN_ACTIONS: dict[str, Check] = {kind: check for kind, check in ELEMENTS.items() if kind != "image"}
IN_SECTION: dict[str, Check] = {kind: check for kind, check in ELEMENTS.items() if kind != "datetimepicker"}
IN_INPUT: dict[str, Check] = {
    kind: check for kind, check in (ELEMENTS | INPUTS).items() if kind not in ("button", "image", "overflow")
}
