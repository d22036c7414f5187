"""What a person did, as it is stored before it is acknowledged, and what it means. Pure.

The stored body is a small JSON object of our own, so that it reads the same however the act came in (button, command,
modal, Socket Mode) and can be replayed: the act's name, then the fields of its event. Slack's own events are stored
too, to be known again when they are sent again; what two of them mean for incidents is read here.
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
    AlertMapped,
    Event,
    FreezeDeclared,
    FreezeLifted,
    GithubLinked,
    HoursChosen,
    IdentityProven,
    IncidentActed,
    IncidentOpened,
    LockActed,
    LockPlaced,
    MessageKept,
    PreferenceChosen,
    PromotionActed,
    PromotionRequested,
    RollbackRequested,
    RoomJoined,
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
    | IncidentOpened
    | IncidentActed
    | MessageKept
    | RoomJoined
    | AlertMapped
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
    "incident_open": IncidentOpened,
    "incident": IncidentActed,
    "keep": MessageKept,
    "joined": RoomJoined,
    "alert_mapped": AlertMapped,
}
"""What each is stored as. A name once used is never given to another: stored acts are replayed for a month."""

KEEPS = frozenset({"pushpin", "round_pushpin", "memo", "pencil"})
"""Slack's names of 📌 📍 📝 ✏️: what they are put on in an incident's room stands on its timeline."""

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
        return _meant(held)
    kind = NAMES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"nobody knows what the act {name!r} means")
    return [_read(kind, held)]


def _meant(held: Mapping[str, Any]) -> list[Event]:
    """What an event of Slack's means: somebody came into a channel, or put a mark on a message; else nothing."""
    event, seconds = held.get("event"), held.get("event_time")
    if not isinstance(event, Mapping) or type(seconds) is not int or not 0 <= seconds < _END_OF_TIME:
        return []
    at, who = datetime.fromtimestamp(seconds, UTC), event.get("user")
    item, author = event.get("item"), event.get("item_user")
    if not isinstance(who, str) or not who or who in _ourselves(held):
        return []
    if event.get("type") == "member_joined_channel" and isinstance(event.get("channel"), str):
        return [RoomJoined(channel=event["channel"], slack_id=who, at=at)]
    if event.get("type") != "reaction_added" or event.get("reaction") not in KEEPS or not isinstance(item, Mapping):
        return []
    channel, ts = item.get("channel"), item.get("ts")
    if not isinstance(channel, str) or not isinstance(ts, str):
        return []
    known = author if isinstance(author, str) else None
    return [MessageKept(incident=None, channel=channel, ts=ts, text=None, author=known, slack_id=who, at=at)]


def _ourselves(held: Mapping[str, Any]) -> list[object]:
    """Whom Slack tells, which is the app: it hears of its own coming into each channel that it makes or joins."""
    told = held.get("authorizations")
    listed = told if isinstance(told, list) else []
    return [one.get("user_id") for one in listed if isinstance(one, Mapping) and one.get("is_bot") is True]


_END_OF_TIME = 253_402_300_800
"""Seconds until the year 10000, which no clock of ours shows."""


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
