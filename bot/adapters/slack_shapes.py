"""Slack's JSON into our words, and our messages into Slack's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.adapters.reading import text
from bot.errors import RetryLater
from bot.ports import Member, Message

METADATA_EVENT = "shipmate_message"


def content(message: Message) -> dict[str, Any]:
    """What a message shows, as chat.postMessage and chat.update take it."""
    return {
        "text": message.text,
        "blocks": list(message.blocks),
        "parse": "none",
        "metadata": {
            "event_type": METADATA_EVENT,
            "event_payload": {**message.metadata, "key": message.key},
        },
    }


def key(posted: Mapping[str, Any], *, bot_id: str, user_id: str) -> str | None:
    """The key of a message of ours, else None: any app of the workspace can write the same metadata."""
    by_us = (bot_id and text(posted, "bot_id") == bot_id) or (user_id and text(posted, "user") == user_id)
    if not by_us:
        return None
    metadata = posted.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != METADATA_EVENT:
        return None
    return text(metadata.get("event_payload"), "key") or None


def identifier(method: str, thing: object) -> str:
    """The id of what Slack answered with; RetryLater where there is none."""
    found = text(thing, "id")
    if not found:
        raise RetryLater(f"{method}: Slack answered without an id")
    return found


def member(slack_id: str, user: Mapping[str, Any], *, team_id: str = "") -> Member:
    """A person, of the workspace ``team_id`` where that is given, as users.info and users.lookupByEmail show them."""
    profile = user.get("profile")
    names = (
        text(profile, "display_name"),
        text(profile, "real_name"),
        text(user, "real_name"),
        text(user, "name"),
    )
    return Member(
        slack_id=slack_id,
        name=next((name for name in names if name), slack_id),
        active=not user.get("deleted", False),
        guest=any(user.get(kind) is True for kind in ("is_restricted", "is_ultra_restricted", "is_stranger"))
        or _of_another_workspace(user, team_id),
        email=text(profile, "email") or None if user.get("is_email_confirmed") is not False else None,
        zone=text(user, "tz") or None,
    )


def _of_another_workspace(user: Mapping[str, Any], team_id: str) -> bool:
    """Whether somebody belongs elsewhere; people of an organisation (Enterprise Grid) may belong to several."""
    theirs = text(user, "team_id")
    if not team_id or not theirs or theirs == team_id:
        return False
    organisation = user.get("enterprise_user")
    teams = organisation.get("teams") if isinstance(organisation, dict) else None
    return not (isinstance(teams, list) and team_id in teams)
