"""What a person did, as it is stored before it is acknowledged, and what it means. Pure.

The stored body is a small JSON object of our own, so that it reads the same however the act came in (button, command,
Socket Mode) and can be replayed. Slack's own events are stored too, to be known again when they are sent again; none
of them has a meaning yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, assert_never

from bot.events import Event, GithubLinked, Level, PreferenceChosen

Act = PreferenceChosen | GithubLinked
"""What people can do so far."""


def body(act: Act) -> bytes:
    """An act as it is stored."""
    fields: dict[str, Any]
    match act:
        case PreferenceChosen():
            fields = {"act": "preference", "slack_id": act.slack_id, "scope": act.scope, "level": act.level.value}
        case GithubLinked():
            fields = {"act": "link", "slack_id": act.slack_id, "login": act.login}
        case _:
            assert_never(act)
    return _compact({**fields, "at": act.at.astimezone(UTC).isoformat()})


def event_body(event: Mapping[str, Any]) -> bytes:
    """An event of Slack's as it is stored: without ``token``, an old kind of password that every event repeats."""
    return _compact({name: value for name, value in event.items() if name != "token"})


def translate(headers: Mapping[str, str], body: bytes) -> list[Event]:
    """What a stored act or event means; ValueError or KeyError for one that we never wrote."""
    held = json.loads(body)
    match held.get("act"):
        case "preference":
            return [
                PreferenceChosen(
                    slack_id=held["slack_id"], scope=held["scope"], level=Level(held["level"]), at=_instant(held["at"])
                )
            ]
        case "link":
            return [GithubLinked(slack_id=held["slack_id"], login=held["login"], at=_instant(held["at"]))]
        case None if held.get("type") == "event_callback":
            return []
        case unknown:
            raise ValueError(f"nobody knows what the act {unknown!r} means")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant without its zone")
    return at


def _compact(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
