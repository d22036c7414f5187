"""Who asks: read from a signed payload, and judged before anything of theirs is stored."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.errors import OutgoingError, UserError
from bot.ports import Chat, Identity, Member

log = structlog.get_logger(__name__)

PATIENCE = 1.5
"""Seconds that somebody's act waits for Slack to say who they are; Slack gives three for everything."""

_MEMBER = re.compile(r"[UW][A-Z0-9]{1,31}")
"""How Slack's member ids look; two kinds are in use."""

SLACKBOT = "USLACKBOT"
"""Slack's own voice, in every workspace."""


@dataclass(frozen=True)
class Asker:
    """Somebody who typed a command or used a button. ``response_url`` is where they are answered; it is a secret.

    ``team_id`` is the workspace they belong to, which in a shared channel may be another than ours.
    """

    slack_id: str
    called: str
    team_id: str
    response_url: str


def asker_of(payload: Mapping[str, Any]) -> Asker:
    """Who sent this command or interaction; fields that are missing or of another kind are empty."""
    user, team = payload.get("user"), payload.get("team")
    if isinstance(user, Mapping):
        team_id = _text(user, "team_id") or (_text(team, "id") if isinstance(team, Mapping) else "")
        called = _text(user, "name") or _text(user, "username")
        return Asker(_text(user, "id"), called or "you", team_id, _text(payload, "response_url"))
    return Asker(
        _text(payload, "user_id"),
        _text(payload, "user_name") or "you",
        _text(payload, "team_id"),
        _text(payload, "response_url"),
    )


def may_act(asker: Asker, ourselves: Identity | None) -> None:
    """UserError unless this is a person of our own workspace; others may read, and change nothing.

    ``ourselves`` is None while Slack has not told us who we are: a signature for our app is then all we go by.
    """
    if _MEMBER.fullmatch(asker.slack_id) is None:
        raise UserError("Slack did not say who you are, so nothing was changed. Try it again.")
    if asker.slack_id == SLACKBOT or (ourselves is not None and asker.slack_id == ourselves.user_id):
        raise UserError("That was a bot, and only people act here. Nothing was changed.")
    if ourselves is not None and asker.team_id and asker.team_id != ourselves.team_id:
        raise UserError(ONLY_READ)


ONLY_READ = (
    "Guests, and people of other workspaces, only read here: nothing was changed. "
    "A full member of this workspace can do it."
)
"""What somebody is told who may not act, by whatever way they try."""

NO_LINK = (
    "Guests cannot link a GitHub login, only full members of this workspace. "
    "If it is yours, have it written under people in shipmate.yml."
)
"""What a guest is told who names a login."""


class SlackSilent(UserError):
    """Slack does not say at the moment who somebody is."""


async def full_member(asker: Asker, chat: Chat, *, refused: str = NO_LINK) -> Member:
    """Who this is; UserError unless Slack says now that it is a full member of the workspace, no guest or stranger.

    ``refused`` is what anybody else is told.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            member = await chat.member(asker.slack_id)
    except (TimeoutError, OutgoingError) as fault:
        log.warning("Slack does not say who somebody is", error=str(fault) or "no answer in time")
        raise SlackSilent(
            "Slack does not tell me just now who you are, so nothing was changed. Try it again in a moment."
        ) from None
    if member is None or member.guest or not member.active:
        raise UserError(refused)
    return member


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
