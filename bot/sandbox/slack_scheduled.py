"""The Web API's scheduled messages, posted when the world's clock gets there.

docs.slack.dev/reference/methods/chat.scheduleMessage: at most 120 days ahead, at most 30 within five minutes and
channel; a message with metadata is taken and never posted, as its page warns.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.sandbox.clock import Alarm
from bot.sandbox.slack_calls import Call, Refusal, answer
from bot.sandbox.slack_chat import content, destination, not_too_long, thread
from bot.sandbox.slack_shapes import bot_profile
from bot.sandbox.world import BOT_ID, BOT_USER_ID, Json, Message

FARTHEST_SECONDS = 120 * 86_400
WINDOW_SECONDS = 300
MOST_IN_WINDOW = 30


@dataclass(kw_only=True)
class Scheduled:
    """A message that is to be posted."""

    channel: str
    post_at: int
    made: int
    text: str
    alarm: Alarm


def schedule(call: Call) -> Json:
    """``chat.scheduleMessage``."""
    channel = destination(call)
    not_too_long(call)
    at = _instant(call)
    text, blocks, attachments, metadata = content(call)
    thread_ts = thread(call, channel)
    near = [
        one
        for one in call.slack.scheduled.values()
        if one.channel == channel.id and one.post_at // WINDOW_SECONDS == at // WINDOW_SECONDS
    ]
    if len(near) >= MOST_IN_WINDOW:
        raise Refusal("restricted_too_many")
    identity = f"Q{secrets.token_hex(5).upper()}"

    def post() -> None:
        del call.slack.scheduled[identity]
        if metadata is None and not channel.archived:
            message = Message(
                channel=channel.id,
                ts=channel.next_ts(),
                user=BOT_USER_ID,
                bot=True,
                text=text,
                blocks=blocks,
                attachments=attachments,
                thread_ts=thread_ts,
            )
            call.slack.events.said(call.slack.workspace.post(channel, message))

    call.slack.scheduled[identity] = Scheduled(
        channel=channel.id,
        post_at=at,
        made=call.slack.workspace.now(),
        text=text,
        alarm=call.slack.workspace.clock.call_at(datetime.fromtimestamp(at, UTC), post),
    )
    message: Json = {
        "text": text,
        "type": "delayed_message",
        "subtype": "bot_message",
        "user": BOT_USER_ID,
        "bot_id": BOT_ID,
        "bot_profile": bot_profile(),
    }
    if blocks:
        message["blocks"] = blocks
    return answer(channel=channel.id, scheduled_message_id=identity, post_at=at, message=message)


def _instant(call: Call) -> int:
    try:
        at = int(call.arguments.required("post_at"))
    except ValueError:
        raise Refusal("invalid_time") from None
    now = call.slack.workspace.now()
    if at <= now:
        raise Refusal("time_in_past")
    if at > now + FARTHEST_SECONDS:
        raise Refusal("time_too_far")
    return at


def listed(call: Call) -> Json:
    """``chat.scheduledMessages.list``: what is still to come."""
    where = call.arguments.string("channel")
    found = [
        {"id": name, "channel_id": one.channel, "post_at": one.post_at, "date_created": one.made, "text": one.text}
        for name, one in call.slack.scheduled.items()
        if where in (None, one.channel)
    ]
    page, cursor = call.page(found)
    return answer(scheduled_messages=page, response_metadata={"next_cursor": cursor})


def delete(call: Call) -> Json:
    """``chat.deleteScheduledMessage``."""
    channel = call.channel()
    name = call.arguments.required("scheduled_message_id")
    one = call.slack.scheduled.get(name)
    if one is None or one.channel != channel.id:
        raise Refusal("invalid_scheduled_message_id")
    one.alarm.cancel()
    del call.slack.scheduled[name]
    return answer()
