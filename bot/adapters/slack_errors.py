"""What a failed call to Slack means, and what may be done next: one table for Slack's codes.

The codes are those of the method pages of docs.slack.dev. One that is not in the table is final, told as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import aiohttp

from bot.errors import (
    Doubtful,
    GiveUp,
    MessageGone,
    OutgoingError,
    PlaceUnreachable,
    RetryLater,
    Unauthorised,
)


class Effect(Enum):
    """What a call changes, which decides what its unknown outcome means."""

    READ = auto()
    """Nothing."""
    REPEATABLE = auto()
    """Something, but the same thing when it is done twice (an edit, joining a channel)."""
    ONCE = auto()
    """Something that people would see twice (a new message)."""


class Remedy(Enum):
    """What may be done after an error code."""

    RETRY = auto()
    """It had no effect: try again later."""
    UNSURE = auto()
    """Slack stumbled and may have done it all the same."""
    TOKEN = auto()
    """Nothing works until somebody mends the app's token or scopes."""
    PLACE = auto()
    """This channel or person cannot be reached; the others can."""
    MENDED = auto()
    """It cannot be done so; the mend is told."""
    GONE = auto()
    """The message is no longer there or no longer ours to edit."""
    CONTENT = auto()
    """What we sent is wrong; the mend is Slack's own complaint."""


INVITE = "Invite @shipmate to the channel: type /invite @shipmate there."
_TOKEN = "Copy the Bot User OAuth Token (xoxb-…) from the app's OAuth & Permissions page into SLACK_BOT_TOKEN."  # noqa: S105
_ADMIN = "Ask an admin of the Slack workspace to allow the app there, or name another channel."
_POSTING = "The channel does not let the app post. Ask who manages it to allow it, or name another channel."

_MAKING = "The app may not make channels: ask an admin of the Slack workspace to allow it."

_RESTRICTED: Mapping[str, str] = {
    "conversations.create": _MAKING,
    "conversations.archive": "The app may not archive channels: ask an admin of the Slack workspace to allow it.",
    "pins.add": "The app may not pin messages there: ask who manages the channel to allow it.",
    "conversations.canvases.create": "The app may not make canvases: ask an admin of the Slack workspace to allow it.",
    "canvases.edit": "The app may not write on this canvas: ask who made it.",
}
"""The mend of ``restricted_action`` where it is not about posting."""

ERRORS: Mapping[Remedy, Mapping[str, str]] = {
    Remedy.RETRY: {
        "ratelimited": "",
        "rate_limited": "",
        "team_added_to_org": "",
        "update_failed": "",
        "streaming_state_conflict": "",
        "canvas_editing_locked": "",
        "too_many_requests": "",
        "external_channel_migrating": "",
    },
    Remedy.UNSURE: {
        "internal_error": "",
        "fatal_error": "",
        "service_unavailable": "",
        "request_timeout": "",
    },
    Remedy.TOKEN: {
        "invalid_auth": _TOKEN,
        "not_authed": _TOKEN,
        "token_revoked": _TOKEN,
        "token_expired": _TOKEN + " Token rotation must be off.",
        "account_inactive": "The app was removed: install it again and set the new SLACK_BOT_TOKEN.",
        "not_allowed_token_type": "SLACK_BOT_TOKEN must be a bot token (xoxb-…), not a user or app token.",
        "missing_scope": "",
        "no_permission": "",
        "org_login_required": "The workspace joined an organisation: install the app there.",
        "team_access_not_granted": "Ask an admin of the organisation to add the app to this workspace.",
        "app_access_restricted": "Ask an admin of the Slack workspace to approve the app.",
        "accesslimited": "Ask an admin of the Slack workspace to approve the app.",
    },
    Remedy.PLACE: {
        "ekm_access_denied": _ADMIN,
        "channel_not_found": "Check the channel's name. If it is private: " + INVITE,
        "not_in_channel": INVITE,
        "is_archived": "The channel is archived: unarchive it, or name another one.",
        "is_inactive": "The channel is archived or frozen: unarchive it, or name another one.",
        "channel_is_limited_access": _ADMIN,
        "method_not_supported_for_channel_type": "The app cannot write there: name a channel.",
        "too_many_members": "The channel is full for the app: name another one.",
        "team_not_found": "Name the channel by its id (C…) in this organisation.",
        "restricted_action": _POSTING,
        "restricted_action_read_only_channel": _POSTING,
        "restricted_action_thread_only_channel": _POSTING,
        "restricted_action_non_threadable_channel": _POSTING,
        "restricted_action_thread_locked": "The thread is locked. Ask who manages the channel to unlock it.",
        "messages_tab_disabled": "Switch the Messages tab on: app settings, App Home, Messages Tab.",
        "message_limit_exceeded": "The workspace's message limit is reached: ask one of its admins.",
        "user_not_found": "No such person in this workspace.",
        "user_not_in_channel": "This person is not in the channel.",
        "users_not_found": "No such person in this workspace.",
        "user_not_visible": "The app may not see this person.",
        "user_disabled": "This person's Slack account is deactivated.",
        "cannot_dm_bot": "This is a bot, which cannot be written to.",
        "invalid_user_combination": "This person is a stranger: no channel is shared with the app.",
    },
    Remedy.MENDED: {
        "plan_upgrade_required": "User groups need a paid plan of Slack: name people in shipmate.yml instead.",
        "expired_trigger_id": "It took too long: try again.",
        "exchanged_trigger_id": "It was answered already: try again.",
        "not_enabled": "Switch the Home tab on: app settings, App Home, Home Tab.",
        "not_found": "It was closed meanwhile.",
        "name_taken": "Every name that fits is taken: archive old rooms, or give one of them another name.",
        "cannot_create_channel": _MAKING,
        "user_is_restricted": _MAKING,
        "cant_archive_general": "The general channel cannot be archived.",
        "cant_archive_required": "An admin of the workspace requires this channel: it cannot be archived.",
        "too_many_pins": "The channel has as many pins as it may: take one off.",
        "not_pinnable": "A message of this kind cannot be pinned.",
        "too_many_bookmarks": "The channel has as many bookmarks as it may: take one off.",
        "too_many_tabs": "The channel has as many tabs as it may: take one off.",
        "permission_denied": _ADMIN,
        "access_denied": _ADMIN,
        "not_implemented": "The workspace has no bookmarks.",
        "canvas_disabled_user_team": "Canvases are switched off in this workspace.",
        "team_tier_cannot_create_channel_canvases": "Canvases of channels need a paid plan of Slack.",
        "free_teams_cannot_edit_standalone_canvases": "Canvases need a paid plan of Slack.",
        "posting_to_channel_denied": "The channel takes no files: it may be archived, or closed to apps.",
        "file_uploads_disabled": "File uploads are switched off: ask an admin of the workspace to allow them.",
        "file_uploads_except_images_disabled": "Only images may be uploaded: ask an admin of the workspace.",
        "file_type_not_allowed": "Markdown files may not be uploaded: ask an admin of the workspace to allow them.",
        "storage_limit_reached": "The workspace's storage is full: ask one of its admins.",
    },
    Remedy.GONE: {
        "message_not_found": "",
        "cant_update_message": "",
        "edit_window_closed": "",
        "block_mismatch": "",
        "thread_not_found": "",
        "cannot_reply_to_message": "",
    },
    Remedy.CONTENT: dict.fromkeys(
        (
            "invalid_blocks",
            "invalid_blocks_format",
            "invalid_arguments",
            "invalid_attachments",
            "msg_too_long",
            "msg_blocks_too_long",
            "no_text",
            "markdown_text_conflict",
            "too_many_attachments",
            "attachment_payload_limit_exceeded",
            "metadata_too_large",
            "invalid_metadata_format",
            "invalid_metadata_schema",
            "metadata_must_be_sent_from_app",
        ),
        "",
    ),
}

_REMEDIES: Mapping[str, Remedy] = {code: remedy for remedy, codes in ERRORS.items() for code in codes}


def answered(method: str, effect: Effect, status: int, headers: Mapping[str, str], body: object) -> OutgoingError:
    """What an answer that is not ``ok: true`` means."""
    facts: Mapping[str, Any] = body if isinstance(body, dict) else {}
    code = facts.get("error")
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return RetryLater(f"{method}: Slack asks us to slow down", delay=_retry_after(headers), rate_limited=True)
    if isinstance(code, str) and code:
        return _refused(method, effect, code, facts)
    if 400 <= status < 500 and status != 408:
        # A proxy or a wrong SLACK_API_URL: Slack itself answers errors with 200. Nothing was posted.
        return RetryLater(f"{method}: HTTP {status} without Slack's answer; is SLACK_API_URL right?")
    return unknown(f"{method}: HTTP {status} without an answer", effect)


def failed(method: str, effect: Effect, fault: Exception) -> OutgoingError:
    """What it means that no answer came at all."""
    if isinstance(fault, aiohttp.InvalidURL):
        return GiveUp("bad_address", "SLACK_API_URL is not an address: it looks like https://slack.com/api/.")
    if isinstance(fault, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.ClientHttpProxyError):
        # Name not found, refused, no TLS, no connection in time: certainly not sent.
        return RetryLater(f"{method}: cannot connect to Slack ({type(fault).__name__})")
    if isinstance(fault, asyncio.TimeoutError):
        return unknown(f"{method}: no answer from Slack in time", effect)
    return unknown(f"{method}: the connection to Slack broke ({type(fault).__name__})", effect)


def unknown(reason: str, effect: Effect) -> OutgoingError:
    """The outcome is not known: worth a look before a second try only where twice would be seen."""
    return Doubtful(reason) if effect is Effect.ONCE else RetryLater(reason)


def _refused(method: str, effect: Effect, code: str, facts: Mapping[str, Any]) -> OutgoingError:
    restricted = _RESTRICTED.get(method) if code == "restricted_action" else None
    match _REMEDIES.get(code) if restricted is None else None:
        case Remedy.RETRY:
            return RetryLater(f"{method}: {code}")
        case Remedy.UNSURE:
            return unknown(f"{method}: {code}", effect)
        case Remedy.TOKEN:
            return Unauthorised(code, ERRORS[Remedy.TOKEN][code] or _scope_mend(facts))
        case Remedy.PLACE:
            return PlaceUnreachable(code, ERRORS[Remedy.PLACE][code])
        case Remedy.GONE:
            return MessageGone(code, f"{method}: the message is gone or may not be edited")
        case _:
            return GiveUp(code, restricted or ERRORS[Remedy.MENDED].get(code) or _complaints(method, facts))


def _scope_mend(facts: Mapping[str, Any]) -> str:
    needed = facts.get("needed")
    provided = facts.get("provided")
    wanted = f"the bot scope {needed}" if isinstance(needed, str) and needed else "the missing bot scope"
    has = f" It has: {provided}." if isinstance(provided, str) and provided else ""
    return f"Give the app {wanted} (app settings, OAuth & Permissions), then install it again.{has}"


def _complaints(method: str, facts: Mapping[str, Any]) -> str:
    metadata = facts.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    said = "; ".join(m for m in messages if isinstance(m, str)) if isinstance(messages, list) else ""
    return f"{method}: {said}"[:500] if said else f"{method} was refused"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; None where Slack does not say (a proxy may strip the header), so that the caller backs off."""
    try:
        delay = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return delay if 0 <= delay < 86_400 else None
