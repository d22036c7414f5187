"""The Web API's chat methods: post, update, delete, whisper. Errors as docs.slack.dev/reference/methods lists them.

Decided here, for want of documentation: a text that Slack splits into several messages answers with the first one;
a reply below a message that is not there is refused with ``thread_not_found``.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack_blocks import TOTAL_TEXT, check_blocks, text_length
from bot.sandbox.slack_calls import Call, Refusal, answer
from bot.sandbox.slack_checks import Fault
from bot.sandbox.slack_marks import permalink as address
from bot.sandbox.slack_shapes import message_json, stored_blocks
from bot.sandbox.world import BOT_USER_ID, Channel, Json, Message

SPLIT_AT = 4000
"""A longer text is posted as several messages (bolt-python issue 764)."""
TRUNCATED_AT = 40_000
LONGEST_UPDATE = 4000
MOST_ATTACHMENTS = 100
METADATA_BYTES = 16_000
"""Slack documents ``metadata_too_large`` without its size; this one is ours."""


def refuse_blocks(faults: list[Fault], *, error: str = "invalid_blocks") -> None:
    """Raise the refusal that lists these faults, if there are any."""
    if faults:
        raise Refusal(
            error,
            errors=[fault.line().removeprefix("[ERROR] ") for fault in faults],
            response_metadata={"messages": [fault.line() for fault in faults]},
        )


def content(call: Call) -> tuple[str, list[Json], list[Json], Json | None]:
    """The text, blocks, attachments and metadata a call carries, each checked."""
    arguments = call.arguments
    blocks = arguments.structure("blocks", error="invalid_blocks_format")
    attachments = arguments.structure("attachments", error="invalid_attachments") or []
    text = arguments.string("text") or ""
    markdown = arguments.string("markdown_text")
    if blocks is not None and not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    if markdown is not None:
        if text or blocks:
            raise Refusal("markdown_text_conflict")
        text = markdown
    if blocks:
        refuse_blocks(check_blocks(blocks))
        if text_length(blocks) > TOTAL_TEXT:
            raise Refusal("msg_blocks_too_long")
    if not isinstance(attachments, list):
        raise Refusal("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    for number, one in enumerate(attachments):
        if isinstance(one, dict) and "blocks" in one:
            refuse_blocks(check_blocks(one["blocks"], at=f"/attachments/{number}/blocks"))
    if not text and not blocks and not attachments:
        raise Refusal("no_text")
    return text[:TRUNCATED_AT], stored_blocks(blocks or []), attachments, _metadata(call)


def _metadata(call: Call) -> Json | None:
    metadata: Any = call.arguments.structure("metadata", error="invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise Refusal("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_schema")
    if len(str(metadata)) > METADATA_BYTES:
        raise Refusal("metadata_too_large")
    return metadata


def destination(call: Call) -> Channel:
    """Where a message goes: an id, a channel's name, or a person, whose direct conversation is opened."""
    workspace = call.slack.workspace
    where = call.arguments.string("channel")
    if where is None:
        raise Refusal("channel_not_found")
    person = workspace.people.get(where)
    if person is not None:
        if person.deactivated:
            raise Refusal("channel_not_found")
        _messages_tab(call)
        return workspace.direct(person.slack_id)
    channel = workspace.find_channel(where)
    if channel is None or not call.visible(channel):
        raise Refusal("channel_not_found")
    if channel.archived:
        raise Refusal("is_archived")
    if channel.person:
        _messages_tab(call)
    if BOT_USER_ID not in channel.members and "chat:write.public" not in call.scopes:
        raise Refusal("not_in_channel")
    return channel


def _messages_tab(call: Call) -> None:
    """People have a conversation with the app only where its manifest gives it one."""
    if not call.slack.manifest.messages_tab:
        raise Refusal("messages_tab_disabled")


def _as_itself(call: Call) -> None:
    """The app writes under its own name, unless it was granted another."""
    if call.arguments.boolean("as_user"):
        raise Refusal("as_user_not_supported")
    if any(name in call.arguments for name in ("username", "icon_emoji", "icon_url")):
        call.grant("chat:write.customize")


def thread(call: Call, channel: Channel) -> str | None:
    """The parent's timestamp a reply goes below; a reply's own timestamp means its parent."""
    ts = call.arguments.string("thread_ts")
    if ts is None:
        return None
    parent = channel.by_ts.get(ts)
    if parent is None:
        raise Refusal("thread_not_found")
    return parent.thread_ts if parent.is_reply else parent.ts


def post_message(call: Call) -> Json:
    """``chat.postMessage``."""
    _as_itself(call)
    channel = destination(call)
    text, blocks, attachments, metadata = content(call)
    thread_ts = thread(call, channel)
    parts = [text] if blocks or len(text) <= SPLIT_AT else split(text)
    posted = [
        call.slack.workspace.post(
            channel,
            Message(
                channel=channel.id,
                ts=channel.next_ts(),
                user=BOT_USER_ID,
                bot=True,
                text=part,
                blocks=blocks,
                attachments=attachments,
                metadata=metadata,
                thread_ts=thread_ts,
                broadcast=thread_ts is not None and call.arguments.boolean("reply_broadcast"),
            ),
        )
        for part in parts
    ]
    for message in posted:
        call.slack.events.said(message)
    return answer(channel=channel.id, ts=posted[0].ts, message=message_json(posted[0]))


def split(text: str) -> list[str]:
    """The pieces a long text is posted in."""
    return [text[start : start + SPLIT_AT] for start in range(0, len(text), SPLIT_AT)]


def post_ephemeral(call: Call) -> Json:
    """``chat.postEphemeral``: the person must be in the channel."""
    channel = destination(call)
    person = call.person("user", "user_not_in_channel")
    if person.slack_id not in channel.members:
        raise Refusal("user_not_in_channel")
    if BOT_USER_ID not in channel.members:
        raise Refusal("not_in_channel")
    text, blocks, attachments, _ = content(call)
    message = call.slack.workspace.post(
        channel,
        Message(
            channel=channel.id,
            ts=channel.next_ts(),
            user=BOT_USER_ID,
            bot=True,
            text=text,
            blocks=blocks,
            attachments=attachments,
            thread_ts=thread(call, channel),
            ephemeral_for=person.slack_id,
        ),
    )
    return answer(message_ts=message.ts)


def update(call: Call) -> Json:
    """``chat.update``: our own messages only, by id; text without blocks removes blocks."""
    channel = call.channel()
    message = call.message(channel)
    if not message.bot:
        raise Refusal("cant_update_message")
    if channel.archived:
        raise Refusal("is_inactive")
    if len(call.arguments.string("text") or "") > LONGEST_UPDATE:
        raise Refusal("msg_too_long")
    text, blocks, attachments, metadata = content(call)
    message.text, message.blocks = text, blocks
    if "attachments" in call.arguments.values:
        message.attachments = attachments
    if metadata is not None:
        message.metadata = metadata
    call.slack.workspace.edited(message, mark=not blocks)
    return answer(channel=channel.id, ts=message.ts, text=text, message=message_json(message))


def delete(call: Call) -> Json:
    """``chat.delete``: our own messages only."""
    channel = call.channel()
    message = call.message(channel)
    if not message.bot:
        raise Refusal("cant_delete_message")
    call.slack.workspace.delete(message)
    return answer(channel=channel.id, ts=message.ts)


def permalink(call: Call) -> Json:
    """``chat.getPermalink``."""
    channel = call.channel()
    message = call.message(channel, "message_ts")
    return answer(channel=channel.id, permalink=address(call, channel, message))
