"""How Slack writes its objects in JSON: messages, conversations, people, and the page's own simpler message."""

from __future__ import annotations

import copy
import secrets
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.sandbox.documents import Canvas, File
from bot.sandbox.slack_blocks import elements_of, usable
from bot.sandbox.world import (
    APP_ID,
    BOT_ID,
    BOT_NAME,
    BOT_USER_ID,
    PARTNER_TEAM_ID,
    SLACKBOT_ID,
    TEAM_ID,
    Channel,
    Json,
    Message,
    Person,
    Usergroup,
)


def stored_blocks(blocks: list[Json]) -> list[Json]:
    """Blocks as Slack keeps them: every block has a ``block_id``, every element a person can use an ``action_id``."""
    kept = copy.deepcopy(blocks)
    for block in kept:
        block.setdefault("block_id", secrets.token_urlsafe(4)[:5])
        for element, _ in elements_of(block):
            if usable(element):
                element.setdefault("action_id", secrets.token_urlsafe(4)[:5])
    return kept


def message_json(message: Message, *, metadata: bool = True) -> Json:
    """A message as the Web API and interaction payloads give it."""
    shape: Json = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts, "team": TEAM_ID}
    if message.bot:
        shape |= {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": bot_profile()}
    if message.blocks:
        shape["blocks"] = message.blocks
    if message.attachments:
        shape["attachments"] = message.attachments
    if message.files:
        shape |= {"subtype": "file_share", "files": [file_json(one, "") for one in message.files], "upload": False}
    if message.edit_mark:
        shape["edited"] = {"user": message.user, "ts": message.ts}
    if metadata and message.metadata is not None:
        shape["metadata"] = message.metadata
    if message.thread_ts is not None and message.is_reply:
        shape |= {"thread_ts": message.thread_ts, "parent_user_id": message.parent_user}
    elif message.replies:
        people = list(dict.fromkeys(reply.user for reply in message.replies))
        shape |= {
            "thread_ts": message.ts,
            "reply_count": len(message.replies),
            "reply_users_count": len(people),
            "reply_users": people[:5],
            "latest_reply": message.replies[-1].ts,
            "is_locked": False,
            "subscribed": True,
        }
    if message.broadcast:
        shape["subtype"] = "thread_broadcast"
    if message.reactions:
        shape["reactions"] = reactions_json(message)
    if message.pinned_at is not None:
        shape["pinned_to"] = [message.channel]
    return shape


def file_json(file: File, url: str) -> Json:
    """A file; ``url`` is the workspace's address."""
    address = f"{url}/files/{BOT_USER_ID}/{file.id}/{file.name}"
    return {
        "id": file.id,
        "created": file.at,
        "timestamp": file.at,
        "name": file.name,
        "title": file.title,
        "mimetype": "text/markdown" if file.name.endswith(".md") else "application/octet-stream",
        "filetype": "markdown" if file.name.endswith(".md") else "binary",
        "pretty_type": "Markdown (raw)" if file.name.endswith(".md") else "Binary",
        "user": BOT_USER_ID,
        "user_team": TEAM_ID,
        "editable": False,
        "size": file.length,
        "mode": "hosted",
        "is_external": False,
        "is_public": True,
        "permalink": address,
        "url_private": address,
    }


def reactions_json(message: Message) -> list[Json]:
    """The emoji on a message, each with who put it there."""
    return [{"name": name, "users": list(who), "count": len(who)} for name, who in message.reactions.items()]


def bot_profile() -> Json:
    """Who the app is, as its messages say."""
    return {
        "id": BOT_ID,
        "app_id": APP_ID,
        "name": BOT_NAME,
        "icons": {"image_36": "", "image_48": "", "image_72": ""},
        "deleted": False,
        "updated": 1700000000,
        "team_id": TEAM_ID,
    }


def page_json(message: Message) -> Json:
    """A message as the sandbox's page draws it."""
    return {
        "ts": message.ts,
        "channel": message.channel,
        "user": message.user,
        "username": {BOT_USER_ID: BOT_NAME, SLACKBOT_ID: "Slackbot"}.get(message.user, ""),
        "bot": message.bot,
        "text": message.text,
        "blocks": message.blocks,
        "thread_ts": message.thread_ts,
        "broadcast": message.broadcast,
        "edited": message.edit_mark,
        "edits": message.edits,
        "metadata": message.metadata,
        "ephemeral_for": message.ephemeral_for,
        "reply_count": len(message.replies),
        "deleted": message.deleted,
        "attachments": message.attachments,
        "reactions": reactions_json(message),
        "pinned": message.pinned_at is not None,
        "files": [
            {"id": one.id, "name": one.name, "title": one.title, "text": (one.content or b"").decode(errors="replace")}
            for one in message.files
        ],
    }


def channel_json(channel: Channel) -> Json:
    """A conversation as the Web API gives it."""
    if channel.person:
        return {
            "id": channel.id,
            "created": channel.created,
            "is_archived": False,
            "is_im": True,
            "is_org_shared": False,
            "context_team_id": TEAM_ID,
            "updated": channel.created * 1000,
            "user": channel.person,
            "is_user_deleted": False,
            "priority": 0,
        }
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private and not channel.group,
        "is_im": False,
        "is_mpim": channel.group,
        "is_private": channel.private,
        "created": channel.created,
        "updated": channel.created * 1000,
        "is_archived": channel.archived,
        "is_general": channel.general,
        "unlinked": 0,
        "is_shared": channel.shared,
        "is_org_shared": False,
        "is_ext_shared": channel.shared,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "shared_team_ids": [TEAM_ID, PARTNER_TEAM_ID] if channel.shared else [TEAM_ID],
        "context_team_id": TEAM_ID,
        "creator": channel.creator,
        "is_member": BOT_USER_ID in channel.members,
        "topic": {"value": channel.topic, "creator": channel.topic_by, "last_set": channel.topic_at},
        "purpose": {"value": channel.purpose, "creator": channel.purpose_by, "last_set": channel.purpose_at},
        "previous_names": channel.previous_names,
        **({"properties": _with_canvas(channel.canvas)} if channel.canvas is not None else {}),
    }


def _with_canvas(canvas: Canvas) -> Json:
    """What a channel that has a canvas says of it."""
    return {
        "canvas": {"file_id": canvas.id, "is_empty": not canvas.markdown, "quip_thread_id": ""},
        "tabs": [{"id": canvas.id, "label": "", "type": "canvas", "data": {"file_id": canvas.id}}],
    }


def profile_json(person: Person, *, email: bool) -> Json:
    """A person's profile; the e-mail only where the scope allows it."""
    first, _, last = person.real_name.partition(" ")
    profile: Json = {
        "title": person.title,
        "phone": "",
        "skype": "",
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.name,
        "display_name_normalized": person.name,
        "first_name": first,
        "last_name": last,
        "status_text": person.status,
        "status_emoji": person.status_emoji or (":speech_balloon:" if person.status else ""),
        "status_expiration": person.status_until,
        "avatar_hash": "",
    }
    if email:
        profile["email"] = person.email
    return profile


def person_json(person: Person, *, email: bool, now: datetime) -> Json:
    """A person as ``users.info`` gives them; the e-mail only where the scope allows it, the offset as of ``now``."""
    shape: Json = {
        "id": person.slack_id,
        "team_id": person.team_id,
        "name": person.key,
        "deleted": person.deactivated,
        "profile": {**profile_json(person, email=email), "team": person.team_id},
        "is_bot": False,
        "is_app_user": False,
        "updated": 1700000000,
    }
    if person.deactivated:
        return shape
    local = now.astimezone(ZoneInfo(person.zone))
    return shape | {
        "color": person.colour,
        "real_name": person.real_name,
        "tz": person.zone,
        "tz_label": local.tzname() or person.zone,
        "tz_offset": int((local.utcoffset() or timedelta()).total_seconds()),
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": person.guest or person.single_channel_guest,
        "is_ultra_restricted": person.single_channel_guest,
        "is_email_confirmed": True,
        "who_can_share_contact_card": "EVERYONE",
    }


def usergroup_json(group: Usergroup, *, users: bool, count: bool) -> Json:
    """A user group as ``usergroups.list`` gives it."""
    shape: Json = {
        "id": group.id,
        "team_id": TEAM_ID,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": group.made,
        "date_update": group.changed,
        "date_delete": group.changed if group.disabled else 0,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": SLACKBOT_ID,
        "updated_by": SLACKBOT_ID,
        "deleted_by": SLACKBOT_ID if group.disabled else None,
        "prefs": {"channels": [], "groups": []},
    }
    if users:
        shape["users"] = list(group.users)
    if count:
        shape["user_count"] = len(group.users)
    return shape


def bot_user_json() -> Json:
    """The app's own user."""
    return {
        "id": BOT_USER_ID,
        "team_id": TEAM_ID,
        "name": BOT_NAME.lower(),
        "deleted": False,
        "color": "3d7c6f",
        "real_name": BOT_NAME,
        "tz": "Europe/Paris",
        "tz_label": "Europe/Paris",
        "tz_offset": 3600,
        "profile": {"real_name": BOT_NAME, "display_name": BOT_NAME, "api_app_id": APP_ID, "bot_id": BOT_ID},
        "is_bot": True,
        "is_app_user": False,
        "is_restricted": False,
        "updated": 1700000000,
    }


def find_element(blocks: list[Json], action_id: str, block_id: str | None) -> tuple[Json, Json]:
    """The block and the element with this action id; LookupError names those there are."""
    known: list[Any] = []
    for block in blocks:
        for element, _ in elements_of(block):
            if element.get("action_id") == action_id and block_id in (None, block.get("block_id")):
                return block, element
            if "action_id" in element:
                known.append(element["action_id"])
    raise LookupError(f"nothing here has the action {action_id!r}; there are {known}")
