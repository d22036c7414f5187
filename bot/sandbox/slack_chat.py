"""The Web API's chat methods: post, update, delete, whisper. Errors as docs.slack.dev/reference/methods lists them.

Decided here, for want of documentation: a text that Slack splits into several messages answers with the first one;
a reply below a message that is not there is refused with ``thread_not_found``.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack_blocks import MARKDOWN_TEXT, TOTAL_TEXT, check_blocks, text_length
from bot.sandbox.slack_calls import Arguments, Call, Refusal, answer
from bot.sandbox.slack_checks import Fault
from bot.sandbox.slack_marks import permalink as address
from bot.sandbox.slack_shapes import message_json, stored_blocks
from bot.sandbox.world import BOT_USER_ID, Channel, Json, Message

SPLIT_AT = 4000
"""A longer text is posted as several messages (bolt-python issue 764)."""
TRUNCATED_AT = 40_000
"""Where there is no splitting, longer texts are cut; of ephemeral and scheduled messages they are refused."""
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


def said(arguments: Arguments) -> tuple[str, list[Json], list[Json]]:
    """The text, blocks and attachments somebody writes, each checked, blocks as they are kept."""
    blocks = _listed(arguments, "blocks", error="invalid_blocks_format")
    attachments = _listed(arguments, "attachments", error="invalid_attachments")
    if not all(isinstance(one, dict) for one in attachments):
        raise Refusal("invalid_attachments")
    text = _text(arguments, blocks)
    _keep_the_rules(blocks, attachments)
    if not text and not blocks and not attachments:
        raise Refusal("no_text")
    return text[:TRUNCATED_AT], stored_blocks(blocks), attachments


def _listed(arguments: Arguments, name: str, *, error: str) -> list[Any]:
    """A list that may be absent."""
    found = arguments.structure(name, error=error)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Refusal(error)
    return found


def _text(arguments: Arguments, blocks: list[Any]) -> str:
    """The text, or Markdown in its place, which stands alone."""
    text, markdown = arguments.string("text") or "", arguments.string("markdown_text")
    if markdown is None:
        return text
    if text or blocks:
        raise Refusal("markdown_text_conflict")
    if len(markdown) > MARKDOWN_TEXT:
        raise Refusal("msg_too_long")
    return markdown


def _keep_the_rules(blocks: list[Any], attachments: list[Json]) -> None:
    """Block Kit's, and those of a message as a whole."""
    if _tables(blocks) + sum(_tables(one.get("blocks")) for one in attachments) > 1:
        raise Refusal("invalid_attachments", response_metadata={"messages": ["[ERROR] only_one_table_allowed"]})
    refuse_blocks(check_blocks(blocks))
    if text_length(blocks) > TOTAL_TEXT:
        raise Refusal("msg_blocks_too_long")
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    for number, one in enumerate(attachments):
        if "blocks" in one:
            refuse_blocks(check_blocks(one["blocks"], at=f"/attachments/{number}/blocks"))


def _tables(blocks: Any) -> int:
    """How many tables are among blocks, whatever these are."""
    listed = blocks if isinstance(blocks, list) else []
    return sum(isinstance(block, dict) and block.get("type") == "table" for block in listed)


def content(call: Call) -> tuple[str, list[Json], list[Json], Json | None]:
    """What a call carries: text, blocks, attachments and metadata, each checked."""
    return *said(call.arguments), _metadata(call)


def _metadata(call: Call) -> Json | None:
    """Metadata that is well formed; an empty object takes away what there was (docs.slack.dev, chat.update)."""
    metadata: Any = call.arguments.structure("metadata", error="invalid_metadata_format")
    if metadata is None:
        return None
    if metadata == {}:
        return {}
    if not isinstance(metadata, dict):
        raise Refusal("invalid_metadata_format")
    entities = metadata.get("entities")
    if not isinstance(entities, list) or not entities:  # a Work Object alone is no event
        if not isinstance(metadata.get("event_type"), str):
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
                metadata=metadata or None,
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
    not_too_long(call)
    text, blocks, attachments = said(call.arguments)
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


def not_too_long(call: Call) -> None:
    """Where a long text is neither split nor cut, it is refused."""
    if len(call.arguments.string("text") or "") > TRUNCATED_AT:
        raise Refusal("msg_too_long")


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
        message.metadata = metadata or None
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
