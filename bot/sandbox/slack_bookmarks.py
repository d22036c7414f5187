"""The Web API's bookmarks: links in the head of a channel. Errors are those of docs.slack.dev/reference/methods.

Decided here, for want of documentation: the app must be in the channel, which else answers ``access_denied``; a channel
takes a hundred (``too_many_bookmarks``); only links are taken, without folders.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot.sandbox.slack_calls import Call, Refusal, answer, invalid_arguments
from bot.sandbox.world import BOT_USER_ID, TEAM_ID, Channel, Json

LONGEST_TITLE = 256
LONGEST_LINK = 2048
MOST = 100


def _place(call: Call) -> Channel:
    if "channel_id" not in call.arguments:
        raise invalid_arguments("missing required field: channel_id")
    channel = call.channel("channel_id")
    if BOT_USER_ID not in channel.members:
        raise Refusal("access_denied")
    return channel


def _link(call: Call) -> str:
    link = call.arguments.string("link") or ""
    if not re.match(r"https?://", link) or not urlsplit(link).hostname:
        raise Refusal("invalid_link")
    if len(link) > LONGEST_LINK:
        raise invalid_arguments(f"must be less than {LONGEST_LINK + 1} characters [json-pointer:/link]")
    return link


def _title(call: Call) -> str:
    title = call.arguments.required("title")
    if len(title) > LONGEST_TITLE:
        raise invalid_arguments(f"must be less than {LONGEST_TITLE + 1} characters [json-pointer:/title]")
    return title


def _emoji(call: Call) -> str:
    emoji = call.arguments.string("emoji") or ""
    if emoji and not re.fullmatch(r":[a-z0-9_+'-]+:", emoji):
        raise Refusal("invalid_emoji")
    return emoji


def add(call: Call) -> Json:
    """``bookmarks.add``: the same link may be put there twice."""
    channel = _place(call)
    if call.arguments.required("type") != "link":
        raise Refusal("invalid_bookmark_type")
    title, link, emoji = _title(call), _link(call), _emoji(call)
    if len(channel.bookmarks) >= MOST:
        raise Refusal("too_many_bookmarks")
    workspace = call.slack.workspace
    made: Json = {
        "id": f"Bk{workspace.fresh()}",
        "channel_id": channel.id,
        "title": title,
        "link": link,
        "emoji": emoji,
        "icon_url": "",
        "type": "link",
        "entity_id": None,
        "date_created": workspace.now(),
        "date_updated": 0,
        "rank": f"g{len(channel.bookmarks)}",
        "last_updated_by_user_id": BOT_USER_ID,
        "last_updated_by_team_id": TEAM_ID,
        "shortcut_id": None,
        "app_id": None,
    }
    channel.bookmarks.append(made)
    workspace.place_changed(channel)
    return answer(bookmark=made)


def listed(call: Call) -> Json:
    """``bookmarks.list``."""
    return answer(bookmarks=list(_place(call).bookmarks))


def _asked(call: Call, channel: Channel) -> Json:
    wanted = call.arguments.required("bookmark_id")
    found = next((one for one in channel.bookmarks if one["id"] == wanted), None)
    if found is None:
        raise Refusal("not_found")
    return found


def edit(call: Call) -> Json:
    """``bookmarks.edit``: what is not given stays."""
    channel = _place(call)
    found = _asked(call, channel)
    if "title" in call.arguments:
        found["title"] = _title(call)
    if "link" in call.arguments:
        found["link"] = _link(call)
    if "emoji" in call.arguments:
        found["emoji"] = _emoji(call)
    found["date_updated"] = call.slack.workspace.now()
    call.slack.workspace.place_changed(channel)
    return answer(bookmark=found)


def remove(call: Call) -> Json:
    """``bookmarks.remove``."""
    channel = _place(call)
    channel.bookmarks.remove(_asked(call, channel))
    call.slack.workspace.place_changed(channel)
    return answer()
