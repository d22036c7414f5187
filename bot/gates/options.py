"""What options of gates are made of, as they are written in shipmate.yml; the catalogue's other keys use the same.

Each function takes what was written and returns what it stands for, or raises ValueError with what was expected, in a
sentence that goes on from the key's name.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

DURATION_PATTERN = r"^(?=[0-9])([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,7}s)?$"


class Shape(BaseModel):
    """A mapping of the file: its keys are the fields, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=False)


def duration(value: object) -> timedelta:
    """``10s``, ``30m``, ``4h``, ``2d``, or several together, greatest first: ``1h30m``."""
    match = re.match(DURATION_PATTERN, value) if isinstance(value, str) else None
    if match is None:
        unit = '; the unit is missing: "30m" is 30 minutes' if str(value).isdecimal() else ""
        raise ValueError(f"expected a duration such as 10s, 30m, 4h or 1h30m{unit}")
    days, hours, minutes, seconds = (int((part or "0s")[:-1]) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def name(value: object) -> str:
    """One word or more, on one line."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("expected a name")
    return value.strip()


def names(value: object) -> list[str]:
    """One name, or a list of them."""
    written = value if isinstance(value, list) else [value]
    if not written:
        raise ValueError("expected at least one name")
    return [name(each) for each in written]


def text(expected: str, **more: Any) -> WithJsonSchema:
    """How the schema describes a value that is written as text."""
    return WithJsonSchema({"type": "string", "description": expected, **more})


def needs(example: str) -> BeforeValidator:
    """A gate that must not stand without its options."""

    def check(value: object) -> object:
        if value is None:
            raise ValueError(f"needs options, for example {example}")
        return value

    return BeforeValidator(check)


def _no_options(value: object) -> None:
    if value is not None:
        raise ValueError("takes no options; only name it")


def _anything(value: object) -> None:
    return None


Name = Annotated[str, BeforeValidator(name)]
Names = Annotated[
    list[str],
    BeforeValidator(names),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    text("A duration", pattern=DURATION_PATTERN, examples=["10s", "30m", "4h", "1h30m"]),
]
Plain = Annotated[None, BeforeValidator(_no_options)]
"""The options of a gate that is only named."""
Later = Annotated[None, BeforeValidator(_anything), WithJsonSchema({})]
"""The options of a gate that is not built yet: whatever they will be."""
