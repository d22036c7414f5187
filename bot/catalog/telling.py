"""What pydantic finds wrong with shipmate.yml, in words for whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.catalog.lines import Document, Fault, Place
from bot.catalog.shape import CatalogShape
from bot.spelling import did_you_mean

_SENTENCES = {
    "missing": "is missing",
    "value_error": "{error}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length}",
    "model_type": "expected keys and values, one to a line and indented",
    "dict_type": "expected keys and values, one to a line and indented",
    "list_type": "expected a list, such as [one, two]",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
}
"""By pydantic's name of the error; in braces, what it says of it."""

_ABSENCES = frozenset({"missing", "value_error"})
"""Errors whose own sentence fits better than "has no value" where nothing was written."""


def shape_faults(document: Document, error: ValidationError) -> Iterator[Fault]:
    """Each fault of form, with the line and place where it was written."""
    for detail in error.errors():
        # "[key]" is pydantic's mark for a fault in a key rather than in what stands under it.
        place: Place = tuple(step for step in detail["loc"] if step != "[key]")
        yield Fault(document.line(place), place, _told(detail, place))


def _told(detail: ErrorDetails, place: Place) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(place)
    if detail["input"] is None and kind not in _ABSENCES:
        return "has no value; give it one, or remove the key"
    if kind in ("enum", "literal_error"):
        expected = str(context["expected"]).replace("'", "")
        choices = expected.replace(" or ", ", ").split(", ")
        return f"expected {expected}{did_you_mean(str(detail['input']), choices)}"
    return _SENTENCES.get(kind, detail["msg"].replace("{", "{{")).format_map(context)


def _unknown_key(place: Place) -> str:
    word, known = str(place[-1]), _keys_at(place[:-1])
    what = "gate" if place[-3:-2] == ("gates",) else "key"
    return f"unknown {what}" + (did_you_mean(word, known) or f"; known here: {', '.join(sorted(known))}")


def _keys_at(place: Place) -> list[str]:
    """The keys that the mapping at a place may have."""
    here: Any = CatalogShape
    for step in place:
        here = _below(here, step)
    return list(_fields(here))


def _below(annotation: Any, step: str | int) -> Any:
    if get_origin(annotation) in (dict, list):
        return _inner(get_args(annotation)[-1])
    return _inner(_fields(annotation)[step])


def _fields(shape: type[BaseModel]) -> dict[Any, Any]:
    """What the keys of a mapping stand for, by the names they have in the file."""
    return {field.alias or name: field.annotation for name, field in shape.model_fields.items()}


def _inner(annotation: Any) -> Any:
    """An annotation without its ``| None`` and its validators."""
    while get_origin(annotation) not in (dict, list) and get_args(annotation):
        annotation = get_args(annotation)[0]
    return annotation
