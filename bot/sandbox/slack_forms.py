"""What people put into inputs: Slack's ``state.values`` from simple values, and what Slack's client would not send.

The shape of each element's state is that of docs.slack.dev/reference/block-kit/block-elements. The client's words for
an input that is not filled in are ours, but for the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.slack_blocks import elements_of
from bot.sandbox.slack_elements import STATEFUL, options_of
from bot.sandbox.world import Json

State = dict[str, dict[str, Json]]
"""State by block id and action id."""

REQUIRED = "Please complete this required field."
_FIELDS = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "rich_text_input": "rich_text_value",
}


def field_of(kind: str) -> str:
    """The field that holds an element's state: ``selected_option``, ``value`` …"""
    return _FIELDS.get(kind, "value")


def stateful(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Each block with each of its elements that has a state."""
    for block in blocks:
        for element, _ in elements_of(block):
            if element.get("type") in STATEFUL:
                yield block, element


def state_of(element: Json, value: Any, *, known: Mapping[str, Json] | None = None) -> Json:
    """An element's state from a simple value; options are given by their value, ``known`` are those once suggested.

    LookupError names the options there are.
    """
    kind = str(element["type"])
    if isinstance(value, dict) and value.get("type") == kind:
        return value
    field = field_of(kind)
    if field == "selected_option":
        shown: Any = _option(element, value, known or {}) if value not in (None, "") else None
    elif field == "selected_options":
        shown = [_option(element, one, known or {}) for one in value or ()]
    elif field.endswith("s"):
        shown = [_of_kind(one, str, field) for one in value or ()]
    elif value in (None, ""):
        shown = None
    elif field == "value":
        shown = str(value)
    else:
        shown = _of_kind(value, {"selected_date_time": int, "rich_text_value": dict}.get(field, str), field)
    return {"type": kind, field: shown}


def _of_kind(value: Any, kind: type, field: str) -> Any:
    """The same value, if it is what such an element holds; ValueError otherwise."""
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{field}: expected {kind.__name__}, not {value!r}")
    return value


def _option(element: Json, value: Any, known: Mapping[str, Json]) -> Json:
    if isinstance(value, dict):
        return value
    for option in options_of(element):
        if option["value"] == value:
            found: Json = option
            return found
    if value in known:
        return known[value]
    raise LookupError(f"no option {value!r}; there are {[one['value'] for one in options_of(element)] or list(known)}")


def initial_state(blocks: list[Json]) -> State:
    """The state nobody has touched."""
    state: State = {}
    for block, element in stateful(blocks):
        kind = str(element["type"])
        field = field_of(kind)
        first = {
            "value": "initial_value",
            "rich_text_value": "initial_value",
        }.get(field, field.replace("selected_", "initial_"))
        empty: Any = [] if field.endswith("s") else None
        shown = {"type": kind, field: element.get(first, empty)}
        if kind == "timepicker" and "timezone" in element:
            shown["timezone"] = element["timezone"]
        state.setdefault(block["block_id"], {})[element["action_id"]] = shown
    return state


def kept_state(blocks: list[Json], old: State) -> State:
    """The state after the blocks changed: what was filled in stays where block id, action id and kind are the same."""
    state = initial_state(blocks)
    for block_id, elements in state.items():
        for action_id, fresh in elements.items():
            before = old.get(block_id, {}).get(action_id)
            if before is not None and before["type"] == fresh["type"]:
                elements[action_id] = before
    return state


def filled(blocks: list[Json], state: State, values: Mapping[str, Any], known: Mapping[str, Json]) -> State:
    """The state with simple values put in, each named by its block id, or its action id, or both nested.

    LookupError for a name that is not there.
    """
    result: State = {block_id: dict(elements) for block_id, elements in state.items()}
    by_block: dict[str, list[Json]] = {}
    by_action: dict[str, tuple[Json, Json]] = {}
    for block, element in stateful(blocks):
        by_block.setdefault(block["block_id"], []).append(element)
        by_action[element["action_id"]] = block, element
    for name, value in values.items():
        elements = by_block.get(name)
        if elements is not None and isinstance(value, dict) and value.keys() <= {one["action_id"] for one in elements}:
            for element in elements:
                if element["action_id"] in value:
                    chosen = state_of(element, value[element["action_id"]], known=known)
                    result[name][element["action_id"]] = chosen
        elif elements is not None and len(elements) == 1:
            result[name][elements[0]["action_id"]] = state_of(elements[0], value, known=known)
        elif name in by_action:
            block, element = by_action[name]
            result[block["block_id"]][name] = state_of(element, value, known=known)
        else:
            raise LookupError(f"nothing to fill in is called {name!r}; there are {[*by_block, *by_action]}")
    return result


def faults_of(blocks: list[Json], state: State) -> dict[str, str]:
    """What Slack's client would not send: by block id, what it says of the input."""
    faults: dict[str, str] = {}
    for block, element in stateful(blocks):
        if block.get("type") != "input":
            continue
        shown = state[block["block_id"]][element["action_id"]]
        value = shown.get(field_of(str(element["type"])))
        if value in (None, "", []):
            if not block.get("optional"):
                faults[block["block_id"]] = REQUIRED
        elif (fault := _fault(element, value)) is not None:
            faults[block["block_id"]] = fault
    return faults


def _fault(element: Json, value: Any) -> str | None:
    match element["type"]:
        case "plain_text_input":
            return _length_fault(element, value)
        case "number_input":
            return _number_fault(element, value)
        case "email_text_input" if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            return "Please enter a valid email address."
        case "url_text_input" if not re.fullmatch(r"https?://\S+", value):
            return "Please enter a valid URL."
        case _:
            most = element.get("max_selected_items")
            if most is not None and len(value) > most:
                return f"Please choose no more than {most}."
            return None


def _length_fault(element: Json, value: str) -> str | None:
    if len(value) < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    longest = element.get("max_length", 3000)
    if len(value) > longest:
        return f"Please enter no more than {longest} characters."
    return None


def _number_fault(element: Json, value: str) -> str | None:
    decimals = element.get("is_decimal_allowed")
    if not re.fullmatch(r"-?\d+(\.\d+)?" if decimals else r"-?\d+", value):
        return "Please enter a number." if decimals else "Please enter a whole number."
    if "min_value" in element and float(value) < float(element["min_value"]):
        return f"Please enter a number of at least {element['min_value']}."
    if "max_value" in element and float(value) > float(element["max_value"]):
        return f"Please enter a number of at most {element['max_value']}."
    return None
