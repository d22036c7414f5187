"""The Web API's pins and reactions: what the app puts on messages.

Errors are those of docs.slack.dev/reference/methods. Which emoji exist is not known here: a name of the right form is
taken.
"""

from __future__ import annotations

import re

from bot.sandbox.slack_calls import Call, Refusal, answer
from bot.sandbox.slack_shapes import message_json, reactions_json
from bot.sandbox.world import BOT_USER_ID, Channel, Json, Message, instant

MOST_PINS = 100
MOST_EMOJI = 50
MOST_OF_ONE_PERSON = 23
"""Slack's help pages: a message takes 50 different emoji, a person may add 23 to it."""


def _item(call: Call) -> tuple[Channel, Message]:
    """The message that ``channel`` and ``timestamp`` name."""
    if "channel" not in call.arguments:
        raise Refusal("channel_not_found")
    channel = call.channel()
    stamp = call.arguments.string("timestamp")
    if stamp is None:
        raise Refusal("no_item_specified")
    try:
        instant(stamp)
    except ValueError:
        raise Refusal("bad_timestamp") from None
    message = channel.by_ts.get(stamp)
    if message is None or message.deleted:
        raise Refusal("message_not_found")
    return channel, message


def pin(call: Call) -> Json:
    """``pins.add``."""
    channel, message = _item(call)
    call.ours(channel)
    if message.pinned_at is not None:
        raise Refusal("already_pinned")
    if len(_pinned(channel)) >= MOST_PINS:
        raise Refusal("too_many_pins")
    message.pinned_at, message.pinned_by = call.slack.workspace.now(), BOT_USER_ID
    call.slack.workspace.changed(message)
    call.slack.events.pinned(message, added=True)
    return answer()


def unpin(call: Call) -> Json:
    """``pins.remove``."""
    _, message = _item(call)
    if message.pinned_at is None:
        raise Refusal("no_pin")
    message.pinned_at = None
    call.slack.workspace.changed(message)
    call.slack.events.pinned(message, added=False)
    return answer()


def pins(call: Call) -> Json:
    """``pins.list``: the newest first."""
    channel = call.channel()
    items = [
        {
            "type": "message",
            "channel": channel.id,
            "created": message.pinned_at,
            "created_by": message.pinned_by,
            "message": message_json(message) | {"permalink": permalink(call, channel, message)},
        }
        for message in _pinned(channel)
    ]
    return answer(items=items)


def _pinned(channel: Channel) -> list[Message]:
    found = [message for message in channel.by_ts.values() if message.pinned_at is not None and not message.deleted]
    return sorted(found, key=lambda message: message.pinned_at or 0, reverse=True)


def permalink(call: Call, channel: Channel, message: Message) -> str:
    """The address that leads to a message."""
    link = f"{call.slack.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return f"{link}?thread_ts={message.thread_ts}&cid={channel.id}" if message.is_reply else link


def react(call: Call) -> Json:
    """``reactions.add``."""
    name = _emoji(call)
    channel, message = _item(call)
    if channel.archived:
        raise Refusal("is_archived")
    who = message.reactions.get(name, [])
    if BOT_USER_ID in who:
        raise Refusal("already_reacted")
    if not who and len(message.reactions) >= MOST_EMOJI:
        raise Refusal("too_many_emoji")
    if sum(BOT_USER_ID in people for people in message.reactions.values()) >= MOST_OF_ONE_PERSON:
        raise Refusal("too_many_reactions")
    message.reactions.setdefault(name, []).append(BOT_USER_ID)
    call.slack.workspace.changed(message)
    call.slack.events.reacted(message, BOT_USER_ID, name, added=True)
    return answer()


def unreact(call: Call) -> Json:
    """``reactions.remove``."""
    name = _emoji(call)
    _, message = _item(call)
    if BOT_USER_ID not in message.reactions.get(name, []):
        raise Refusal("no_reaction")
    take_off(message, BOT_USER_ID, name)
    call.slack.workspace.changed(message)
    call.slack.events.reacted(message, BOT_USER_ID, name, added=False)
    return answer()


def take_off(message: Message, who: str, name: str) -> None:
    """Take somebody's emoji off a message."""
    message.reactions[name].remove(who)
    if not message.reactions[name]:
        del message.reactions[name]


def _emoji(call: Call) -> str:
    name = call.arguments.required("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        raise Refusal("invalid_name")
    return name


def reactions(call: Call) -> Json:
    """``reactions.get``."""
    channel, message = _item(call)
    shape = message_json(message) | {"permalink": permalink(call, channel, message)}
    return answer(type="message", channel=channel.id, message=shape | {"reactions": reactions_json(message)})
