"""Slack's JSON into our words, and our messages into Slack's JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any

from bot.adapters.reading import text, whole
from bot.errors import RetryLater
from bot.ports import Member, Message

METADATA_EVENT = "shipmate_message"

_ABSENCE_EMOJI = frozenset(
    {
        ":palm_tree:",
        ":face_with_thermometer:",
        ":baby:",
        ":baby_bottle:",
        ":desert_island:",
        ":beach_with_umbrella:",
        ":hospital:",
        ":mask:",
        ":sick:",
        ":ooo:",
    }
)
_ABSENCE = re.compile(
    r"\b(ooo|out of (the )?office|vacation(ing)?|(on )?holidays?|on (\w+ ){0,2}leave"
    r"|(parental|maternity|paternity|sick|annual|medical|family|bereavement) (leave|day)"
    r"|(out |off |home )?sick|unwell|away|pto|day off|off today|sabbatical)\b",
    re.IGNORECASE,
)
_PRESENT_ALL_THE_SAME = re.compile(
    r"\b(back (from|at)|not (away|ooo)|before|until my|lunch|commut\w*|in a meeting|right away|working (from|remotely)"
    r"|holiday (release|freeze|season|cover\w*)|cover\w* for)\b",
    re.IGNORECASE,
)
"""Words of statuses that name an absence without being one: whoever is at lunch, or covers for somebody, is there."""

_MARKUP = re.compile(r"<([@#!]?)([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")


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


def words(marked: str, names: Mapping[str, str]) -> str:
    """A message's text as people read it: mentions as names (``names`` by id), links as their words and address."""

    def plain(found: re.Match[str]) -> str:
        kind, what, label = found.group(1), found.group(2), found.group(3)
        if kind == "@":
            return f"@{names.get(what) or label or what}"
        if kind == "#":
            return f"#{label or what}"
        if kind == "!":
            return label or f"@{what.partition('^')[0]}"
        return f"{label} ({what})" if label and label != what else what

    return unescape(_MARKUP.sub(plain, marked))


def mentioned(marked: str) -> list[str]:
    """Whom a message's text mentions, each once."""
    return list(dict.fromkeys(found.group(2) for found in _MARKUP.finditer(marked) if found.group(1) == "@"))


def absence(profile: object) -> tuple[str | None, datetime | None]:
    """What a status says where it means that somebody is not there, and when it ends by itself (UTC), where it does."""
    said, emoji = " ".join(text(profile, "status_text").split()), text(profile, "status_emoji")
    absent = emoji in _ABSENCE_EMOJI or _ABSENCE.search(said) is not None
    if not absent or _PRESENT_ALL_THE_SAME.search(said):
        return None, None
    until = whole(profile, "status_expiration", limit=2**33)
    return said or emoji.strip(":").replace("_", " "), datetime.fromtimestamp(until, UTC) if until else None


def member(slack_id: str, user: Mapping[str, Any], *, team_id: str = "") -> Member:
    """A person, of the workspace ``team_id`` where that is given, as users.info and users.lookupByEmail show them."""
    profile = user.get("profile")
    names = (
        text(profile, "display_name"),
        text(profile, "real_name"),
        text(user, "real_name"),
        text(user, "name"),
    )
    away, away_until = absence(profile)
    return Member(
        slack_id=slack_id,
        name=next((name for name in names if name), slack_id),
        active=not user.get("deleted", False),
        guest=any(user.get(kind) is True for kind in ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot"))
        or _of_another_workspace(user, team_id),
        email=text(profile, "email") or None if user.get("is_email_confirmed") is not False else None,
        zone=text(user, "tz") or None,
        away=away,
        away_until=away_until,
    )


def _of_another_workspace(user: Mapping[str, Any], team_id: str) -> bool:
    """Whether somebody belongs elsewhere; people of an organisation (Enterprise Grid) may belong to several."""
    theirs = text(user, "team_id")
    if not team_id or not theirs or theirs == team_id:
        return False
    organisation = user.get("enterprise_user")
    teams = organisation.get("teams") if isinstance(organisation, dict) else None
    return not (isinstance(teams, list) and team_id in teams)
