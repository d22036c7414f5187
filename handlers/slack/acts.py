"""What a person did, as it is stored before it is acknowledged, and what it means. Pure.

The stored body is a small JSON object of our own, so that it reads the same however the act came in (button, command,
modal, Socket Mode) and can be replayed: the act's name, then the fields of its event. Slack's own events are stored
too, to be known again when they are sent again; none of them has a meaning yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from types import NoneType
from typing import Any, get_args, get_type_hints

from bot.events import (
    Event,
    FreezeDeclared,
    FreezeLifted,
    GithubLinked,
    HoursChosen,
    IdentityProven,
    LockActed,
    LockPlaced,
    PreferenceChosen,
    PromotionActed,
    PromotionRequested,
    RollbackRequested,
    TrainActed,
    WatchChosen,
)

Act = (
    PreferenceChosen
    | GithubLinked
    | HoursChosen
    | IdentityProven
    | PromotionRequested
    | RollbackRequested
    | PromotionActed
    | TrainActed
    | LockPlaced
    | LockActed
    | FreezeDeclared
    | FreezeLifted
    | WatchChosen
)
"""What people can do."""

NAMES: Mapping[str, type[Act]] = {
    "preference": PreferenceChosen,
    "link": GithubLinked,
    "hours": HoursChosen,
    "proof": IdentityProven,
    "promote": PromotionRequested,
    "roll_back": RollbackRequested,
    "promotion": PromotionActed,
    "train": TrainActed,
    "lock": LockPlaced,
    "locked": LockActed,
    "freeze": FreezeDeclared,
    "thaw": FreezeLifted,
    "watch": WatchChosen,
}
"""What each is stored as. A name once used is never given to another: stored acts are replayed for a month."""

_CALLED = {kind: name for name, kind in NAMES.items()}
_STORED_AS = {"act": "does"}
"""A field of an event whose name the stored body needs itself."""


def body(act: Act) -> bytes:
    """An act as it is stored."""
    held = {_stored_as(field): _plain(getattr(act, field.name)) for field in fields(act)}
    return _compact({"act": _CALLED[type(act)], **held})


def event_body(event: Mapping[str, Any]) -> bytes:
    """An event of Slack's as it is stored: without ``token``, an old kind of password that every event repeats."""
    return _compact({name: value for name, value in event.items() if name != "token"})


def translate(headers: Mapping[str, str], body: bytes) -> list[Event]:
    """What a stored act or event means; ValueError for one that we never wrote."""
    held = json.loads(body)
    if not isinstance(held, dict):
        raise ValueError("an act is an object")
    name = held.pop("act", None)
    if name is None and held.get("type") == "event_callback":
        return []
    kind = NAMES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"nobody knows what the act {name!r} means")
    return [_read(kind, held)]


def _read(kind: type[Act], held: Mapping[str, Any]) -> Act:
    """The event of these fields; a missing one is taken as its default, where it has one: it came later."""
    known = {_stored_as(field): field for field in fields(kind)}
    if strange := sorted(held.keys() - known.keys()):
        raise ValueError(f"an act of the kind {kind.__name__} has no {', '.join(strange)}")
    lacking = [stored for stored, field in known.items() if stored not in held and field.default is MISSING]
    if lacking:
        raise ValueError(f"an act of the kind {kind.__name__} lacks {', '.join(lacking)}")
    types = _types(_CALLED[kind])
    given: dict[str, Any] = {
        known[stored].name: _typed(value, types[known[stored].name]) for stored, value in held.items()
    }
    return kind(**given)


@lru_cache
def _types(name: str) -> Mapping[str, Any]:
    return get_type_hints(NAMES[name])


def _stored_as(field: Field[Any]) -> str:
    return _STORED_AS.get(field.name, field.name)


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _typed(value: object, wanted: Any) -> object:
    """The value as an event holds it; ValueError for one of another type."""
    choices = get_args(wanted) or (wanted,)
    if value is None:
        if NoneType in choices:
            return None
        raise ValueError("nothing where something is needed")
    for choice in choices:
        if choice is datetime and isinstance(value, str):
            return _instant(value)
        if isinstance(choice, type) and issubclass(choice, StrEnum) and isinstance(value, str):
            return choice(value)
        if type(value) is choice:
            return value
    raise ValueError(f"{value!r} where {wanted} is needed")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant without its zone")
    return at


def _compact(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
