"""The Web API's conversation methods that read. The app sees public channels and those it is in."""

from __future__ import annotations

from bot.sandbox.slack_calls import Call, Refusal, answer
from bot.sandbox.slack_shapes import channel_json, message_json
from bot.sandbox.world import BOT_USER_ID, Channel, Json, Message, instant

LONGEST_THREAD = 1000
"""Messages of a thread in one page, also where no limit is given."""
_TYPES = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}
_SCOPES = {"public": "channels:read", "private": "groups:read", "im": "im:read", "mpim": "mpim:read"}


def listed(call: Call) -> Json:
    """``conversations.list``: each kind asked for needs its own scope."""
    return _list(call, [channel for channel in call.slack.workspace.channels.values() if call.visible(channel)])


def mine(call: Call) -> Json:
    """``users.conversations``: what a person (by default the app) is in, and the app can see."""
    who = call.person("user").slack_id if "user" in call.arguments else BOT_USER_ID
    everything = call.slack.workspace.channels.values()
    found = _list(call, [channel for channel in everything if who in channel.members and call.visible(channel)])
    for shape in found["channels"]:
        shape.pop("is_member", None)
    return found


def _list(call: Call, channels: list[Channel]) -> Json:
    types = (call.arguments.string("types") or "public_channel").replace(" ", "").split(",")
    unknown = [name for name in types if name not in _TYPES]
    if unknown:
        raise Refusal("invalid_types")
    wanted = {_TYPES[name] for name in types}
    for kind in wanted:
        call.grant(_SCOPES[kind])
    chosen = [channel for channel in channels if channel.type in wanted]
    if call.arguments.boolean("exclude_archived"):
        chosen = [channel for channel in chosen if not channel.archived]
    page, cursor = call.page(chosen)
    return answer(channels=[channel_json(channel) for channel in page], response_metadata={"next_cursor": cursor})


def info(call: Call) -> Json:
    """``conversations.info``."""
    channel = call.channel()
    call.grant_for(channel, "read")
    shape = channel_json(channel)
    if call.arguments.boolean("include_num_members"):
        shape["num_members"] = len(channel.members)
    return answer(channel=shape)


def members(call: Call) -> Json:
    """``conversations.members``."""
    channel = call.channel()
    call.grant_for(channel, "read")
    page, cursor = call.page(sorted(channel.members))
    return answer(members=page, response_metadata={"next_cursor": cursor})


def history(call: Call) -> Json:
    """``conversations.history``: newest first, top-level only; metadata only if asked for."""
    channel = _readable(call)
    first, last = _bounds(call, channel)
    limit = call.arguments.integer("limit", default=100, most=999)
    start = max(first, last - limit)
    more = start > first
    page = [message for message in reversed(channel.main[start:last]) if not message.deleted]
    return answer(
        messages=_messages(call, page),
        has_more=more,
        pin_count=sum(1 for message in channel.by_ts.values() if message.pinned_at is not None),
        response_metadata={"next_cursor": f"next_ts:{channel.main[start - 1].ts}" if more else ""},
    )


def replies(call: Call) -> Json:
    """``conversations.replies``: the parent and its thread, oldest first."""
    channel = _readable(call)
    parent = channel.by_ts.get(call.arguments.required("ts"))
    if parent is None:
        raise Refusal("thread_not_found")
    if parent.is_reply and parent.thread_ts is not None:
        parent = channel.by_ts[parent.thread_ts]
    oldest, latest = _instants(call)
    inclusive = call.arguments.boolean("inclusive")
    chosen = [
        reply
        for reply in parent.replies
        if (oldest is None or instant(reply.ts) > oldest or (inclusive and instant(reply.ts) == oldest))
        and (latest is None or instant(reply.ts) < latest or (inclusive and instant(reply.ts) == latest))
    ]
    page, cursor = call.page([parent, *chosen], default=LONGEST_THREAD, most=LONGEST_THREAD)
    return answer(messages=_messages(call, page), has_more=bool(cursor), response_metadata={"next_cursor": cursor})


def _readable(call: Call) -> Channel:
    channel = call.channel()
    call.grant_for(channel, "history")
    return call.ours(channel)


def _messages(call: Call, messages: list[Message]) -> list[Json]:
    metadata = call.arguments.boolean("include_all_metadata")
    return [message_json(message, metadata=metadata) for message in messages]


def _instants(call: Call) -> tuple[int | None, int | None]:
    found: list[int | None] = []
    for name in ("oldest", "latest"):
        value = call.arguments.string(name)
        try:
            found.append(instant(value) if value else None)
        except ValueError:
            raise Refusal(f"invalid_ts_{name}") from None
    return found[0], found[1]


def _bounds(call: Call, channel: Channel) -> tuple[int, int]:
    oldest, latest = _instants(call)
    first, last = channel.between(oldest, latest, inclusive=call.arguments.boolean("inclusive"))
    cursor = call.arguments.string("cursor")
    if cursor:
        try:
            _, upto = channel.between(None, instant(cursor.removeprefix("next_ts:")), inclusive=True)
        except ValueError:
            raise Refusal("invalid_cursor") from None
        last = min(last, upto)
    return first, last
