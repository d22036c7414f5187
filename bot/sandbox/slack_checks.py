"""What Block Kit's rules are made of: strings, lists, objects and texts of bounded size, each fault with its pointer.

The wording is Slack's where it is known (messages of ``invalid_blocks`` and ``invalid_arguments`` that people report).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


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


def pattern(expression: str, *, example: str) -> Check:
    """A string of a form, such as a date."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault(at, "must provide a string")
        elif not re.fullmatch(expression, value):
            yield Fault(at, f"must match the format {example}", "pattern", expression)

    return check


def whole(least: int, most: int) -> Check:
    """A whole number of a range."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Fault(at, "must provide an integer")
        elif not least <= value <= most:
            yield Fault(at, f"must be between {least} and {most}", "range", [least, most])

    return check


def numeric(value: Any, at: str) -> Iterator[Fault]:
    """A number, whole or not."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        yield Fault(at, "must provide a number")


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


def items(check_one: Check, longest: int, *, shortest: int = 1, unique: bool = False) -> Check:
    """A list of bounded length, each item checked; with ``unique``, none is there twice."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield Fault(at, "must provide an array")
            return
        if len(value) > longest:
            yield Fault(at, f"no more than {longest} items allowed", "max_items", longest)
        if len(value) < shortest:
            yield Fault(at, f"no fewer than {shortest} items allowed", "min_items", shortest)
        if unique and any(one in value[:place] for place, one in enumerate(value)):
            yield Fault(at, "items must be unique", "unique_items", True)
        for place, one in enumerate(value):
            yield from check_one(one, f"{at}/{place}")

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


def or_null(check_one: Check) -> Check:
    """A value that may be null."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if value is not None:
            yield from check_one(value, at)

    return check


def some_of(*names: str) -> Check:
    """An object that has at least one of these fields."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if isinstance(value, dict) and not value.keys() & set(names):
            yield Fault(at, f"must define at least one of {', '.join(f'`{name}`' for name in names)}")

    return check


def all_of(*checks: Check) -> Check:
    """Several rules over one value."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        for one in checks:
            yield from one(value, at)

    return check


def either(first: str, second: str) -> Check:
    """An object that has exactly one of two fields."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if isinstance(value, dict) and (first in value) == (second in value):
            yield Fault(at, f"must define either `{first}` or `{second}`")

    return check


def by_type(shapes: Mapping[str, Check]) -> Check:
    """An object whose ``type`` says which rules it follows."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        kind = value.get("type") if isinstance(value, dict) else None
        shape = shapes.get(kind) if isinstance(kind, str) else None
        if shape is None:
            yield Fault(f"{at}/type", f"unsupported type: {kind}", "enum", list(shapes))
        else:
            yield from shape(value, at)

    return check


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


IDENTITY = string(255, shortest=1)
PERSON = pattern(r"[UW][A-Z0-9]+", example="U123ABC456")
CHANNEL = pattern(r"[CG][A-Z0-9]+", example="C123ABC456")
