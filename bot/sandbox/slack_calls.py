"""One call to the Web API: its arguments, its token's scopes, and the ways Slack refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.sandbox.bodies import parsed
from bot.sandbox.world import BOT_USER_ID, Channel, Json, Message, Person

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

_PREFIXES = {"public": "channels", "private": "groups", "im": "im", "mpim": "mpim"}
_TRUE = ("1", "true", "t")
_FALSE = ("0", "false", "f")
DEEPEST = 100


class Refusal(Exception):
    """Slack answers ``ok:false`` with this error and these details."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.details = details


def invalid_arguments(*messages: str) -> Refusal:
    """The refusal that lists what is wrong with the arguments, as Slack words it."""
    return Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}" for message in messages]})


def too_deep(value: Any) -> bool:
    """Whether JSON is nested deeper than anything Slack has a use for; how deep that is, is ours."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


class Arguments:
    """Arguments as they came, from the query, a form or JSON: a form's values are strings, JSON's have types."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def string(self, name: str) -> str | None:
        """A string, or None where it is absent or empty."""
        value = self.values.get(name)
        if value in (None, ""):
            return None
        if isinstance(value, (dict, list)):
            raise invalid_arguments(f"must be a string [json-pointer:/{name}]")
        return str(value)

    def required(self, name: str) -> str:
        """A string that must be there."""
        value = self.string(name)
        if value is None:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """``1``, ``true`` and True are true; ``0``, ``false`` and False are false; anything else is refused."""
        value = self.values.get(name)
        if value in (None, ""):
            return default
        word = str(value).lower()
        if word not in (*_TRUE, *_FALSE):
            raise invalid_arguments(f"must be a boolean [json-pointer:/{name}]")
        return word in _TRUE

    def integer(self, name: str, *, default: int, most: int) -> int:
        """A number from 1 to ``most``; larger ones are cut, as Slack does with ``limit``, and 0 says nothing."""
        value = self.string(name)
        if value is None:
            return default
        try:
            number = int(value)
        except ValueError:
            raise Refusal("invalid_limit") from None
        if number < 0:
            raise Refusal("invalid_limit")
        return min(number, most) or default

    def structure(self, name: str, *, error: str) -> Any:
        """JSON, given as such or as a string; ``error`` where it is not JSON. None where absent."""
        value = self.values.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, str):
            return value
        try:
            found = parsed(value)
        except ValueError:
            raise Refusal(error) from None
        if too_deep(found):
            raise Refusal(error)
        return found


@dataclass(kw_only=True)
class Call:
    """A call whose token was accepted. ``scopes`` is None where any may call."""

    slack: Slack
    method: str
    arguments: Arguments
    scopes: frozenset[str]

    def grant(self, *accepted: str) -> None:
        """Refuse unless the token carries one of these scopes (Slack names the first as ``needed``)."""
        if not self.scopes.intersection(accepted):
            raise Refusal("missing_scope", needed=accepted[0], provided=",".join(sorted(self.scopes)))

    def grant_for(self, channel: Channel, suffix: str) -> None:
        """Refuse unless the scope for this kind of conversation is there: ``channels:read``, ``im:history`` …"""
        self.grant(f"{_PREFIXES[channel.type]}:{suffix}")

    def grant_to_manage(self, channel: Channel, narrower: str = "") -> None:
        """Refuse unless the app may change this conversation; ``narrower`` is the scope's end that suffices, too."""
        wide = "channels:manage" if channel.type == "public" else f"{_PREFIXES[channel.type]}:write"
        self.grant(wide, *([f"{_PREFIXES[channel.type]}:{narrower}"] if narrower else []))

    def channel(self, name: str = "channel") -> Channel:
        """The conversation an argument names by id; a private one without the app does not exist for it."""
        channel = self.slack.workspace.channels.get(self.arguments.required(name))
        if channel is None or not self.visible(channel):
            raise Refusal("channel_not_found")
        return channel

    def ours(self, channel: Channel) -> Channel:
        """The same channel, where the app is a member of it."""
        if BOT_USER_ID not in channel.members:
            raise Refusal("not_in_channel")
        return channel

    def message(self, channel: Channel, name: str = "ts") -> Message:
        """The message of a channel that an argument names by its timestamp."""
        message = channel.by_ts.get(self.arguments.required(name))
        if message is None or message.deleted:
            raise Refusal("message_not_found")
        return message

    def person(self, name: str, error: str = "user_not_found") -> Person:
        """The person an argument names by id."""
        person = self.slack.workspace.people.get(self.arguments.required(name))
        if person is None:
            raise Refusal(error)
        return person

    @staticmethod
    def visible(channel: Channel) -> bool:
        """Whether the app can know of this conversation."""
        return not channel.private or BOT_USER_ID in channel.members

    def page(self, everything: list[Any], *, default: int = 100, most: int = 999) -> tuple[list[Any], str]:
        """One page by ``limit`` and ``cursor`` (an opaque offset), and the next cursor, empty at the end."""
        limit = self.arguments.integer("limit", default=default, most=most)
        cursor = self.arguments.string("cursor")
        try:
            start = int(cursor.removeprefix("offset:")) if cursor else 0
        except ValueError:
            raise Refusal("invalid_cursor") from None
        end = start + limit
        return everything[start:end], f"offset:{end}" if end < len(everything) else ""


def answer(**fields: Any) -> Json:
    """A good answer."""
    return {"ok": True, **fields}
