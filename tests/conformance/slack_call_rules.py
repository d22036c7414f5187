"""The rules of messages and of reading them that the stand-in keeps: one row each, and how rows are written."""

from __future__ import annotations

from typing import Any

from tests.conformance.slack_stage import Call, Rule, bare, call

METADATA = {"event_type": "card", "event_payload": {"key": "k1"}}
POSTED = call("chat.postMessage", channel="C0DEPLOYS", text="card")
THEIRS = "C0GENERAL"
"""A public channel the app is not in."""
DIVIDER: list[dict[str, Any]] = [{"type": "divider"}]
TABLE: dict[str, Any] = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}


def docs(page: str) -> str:
    """A page of docs.slack.dev."""
    return f"Slack docs: {page}"


def refused(name: str, one: Call, error: str, *before: Call, source: str = "", without: tuple[str, ...] = ()) -> Rule:
    """A row for a refusal; its source is the method's page unless another is given."""
    page = source or docs(one.method)
    return Rule(name=name, source=page, before=before, call=one, error=error, without=frozenset(without))


def answered(name: str, one: Call, answer: dict[str, Any], *before: Call, source: str = "") -> Rule:
    """A row for a good answer; its source is the method's page unless another is given."""
    return Rule(name=name, source=source or docs(one.method), before=before, call=one, answer=answer)


def unscoped(one: Call, scope: str, *before: Call) -> Rule:
    """A row for a scope that was not granted."""
    name = f"{one.method} needs {scope}" + (f" for {one.arguments['channel']}" if "channel" in one.arguments else "")
    return Rule(
        name=name,
        source=docs(one.method),
        before=before,
        call=one,
        error="missing_scope",
        answer={"needed": scope},
        without=frozenset({scope}),
    )


MESSAGES = (
    answered("a message goes to a channel by its id", POSTED, {"channel": "C0DEPLOYS"}),
    answered(
        "a message goes to a channel by its name",
        call("chat.postMessage", channel="#deploys", text="x"),
        {"channel": "C0DEPLOYS", "message.text": "x"},
    ),
    answered(
        "a message to a person opens their conversation",
        call("chat.postMessage", channel="U0ANA", text="x"),
        {"channel": "D0ANA"},
    ),
    answered(
        "a public channel is written to without joining it",
        call("chat.postMessage", channel=THEIRS, text="x"),
        {"channel": THEIRS},
        source=docs("scopes/chat:write.public"),
    ),
    refused(
        "without chat:write.public the app must be in the channel",
        call("chat.postMessage", channel=THEIRS, text="x"),
        "not_in_channel",
        without=("chat:write.public",),
    ),
    refused("a channel must exist", call("chat.postMessage", channel="C0NOWHERE", text="x"), "channel_not_found"),
    refused(
        "a private channel without the app does not exist for it",
        call("chat.postMessage", channel="C0LEADS", text="x"),
        "channel_not_found",
    ),
    refused("an archived channel takes no message", call("chat.postMessage", channel="C0OLD", text="x"), "is_archived"),
    refused("a message says something", bare("chat.postMessage", channel="C0DEPLOYS"), "no_text"),
    refused(
        "a reply needs its thread",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", thread_ts="1.000001"),
        "thread_not_found",
        source="reported: slackapi/bolt-js discussions of thread_ts",
    ),
    refused(
        "blocks are JSON",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", blocks="{not json"),
        "invalid_blocks_format",
    ),
    refused(
        "blocks are an array",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", blocks={"type": "divider"}),
        "invalid_blocks_format",
    ),
    refused(
        "blocks keep Block Kit's rules",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", blocks=[{"type": "sparkle"}]),
        "invalid_blocks",
    ),
    refused(
        "blocks in attachments keep the same rules",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", attachments=[{"blocks": [{"type": "sparkle"}]}]),
        "invalid_blocks",
    ),
    refused(
        "a message has at most 100 attachments",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", attachments=[{"text": "x"}] * 101),
        "too_many_attachments",
    ),
    refused(
        "markdown_text stands alone",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", markdown_text="y"),
        "markdown_text_conflict",
    ),
    refused(
        "metadata is an object with an event type",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", metadata={"event_payload": {}}),
        "invalid_metadata_format",
    ),
    refused(
        "metadata has a payload",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", metadata={"event_type": "card"}),
        "invalid_metadata_schema",
    ),
    refused(
        "metadata has a size",
        call(
            "chat.postMessage",
            channel="C0DEPLOYS",
            text="x",
            metadata={"event_type": "card", "event_payload": {"key": "x" * 20_000}},
        ),
        "metadata_too_large",
    ),
    refused(
        "a bot's token does not write as a person",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", as_user=True),
        "as_user_not_supported",
    ),
    refused(
        "another name needs chat:write.customize",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", username="Somebody"),
        "missing_scope",
        source=docs("scopes/chat:write.customize"),
    ),
    refused(
        "blocks of more than 13,200 characters in all are too long",
        call(
            "chat.postMessage",
            channel="C0DEPLOYS",
            text="x",
            blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5,
        ),
        "msg_blocks_too_long",
        source="reported: slackapi/bolt-js issue 2509",
    ),
    refused(
        "a message has one table",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", blocks=[TABLE], attachments=[{"blocks": [TABLE]}]),
        "invalid_attachments",
        source=docs("block-kit/blocks/table"),
    ),
    refused(
        "Markdown has 12,000 characters at most",
        call("chat.postMessage", channel="C0DEPLOYS", markdown_text="x" * 12_001),
        "msg_too_long",
        source=f"{docs('chat.postMessage')}: the limit; which error it is, is ours",
    ),
    answered(
        "Markdown of 12,000 characters is taken",
        call("chat.postMessage", channel="C0DEPLOYS", markdown_text="x" * 12_000),
        {"channel": "C0DEPLOYS"},
    ),
    refused(
        "an ephemeral message is not cut",
        call("chat.postEphemeral", channel="C0DEPLOYS", user="U0ANA", text="x" * 40_001),
        "msg_too_long",
    ),
    refused(
        "a scheduled message is not cut",
        call("chat.scheduleMessage", channel="C0DEPLOYS", post_at=4_000_000_000, text="x" * 40_001),
        "msg_too_long",
        source=f"{docs('chat.scheduleMessage')}: the error; how long is too long, is ours",
    ),
    answered(
        "a Work Object alone is metadata",
        call("chat.postMessage", channel="C0DEPLOYS", text="x", metadata={"entities": [{"url": "https://a.example"}]}),
        {"message.metadata.entities.#": 1},
    ),
    answered(
        "a reply to a reply stands in the same thread",
        call("chat.postMessage", channel="C0DEPLOYS", text="more", thread_ts="$ts"),
        {"message.text": "more"},
        POSTED,
        call("chat.postMessage", channel="C0DEPLOYS", text="details", thread_ts="$ts"),
    ),
    answered(
        "an update says the message back",
        call("chat.update", channel="C0DEPLOYS", ts="$ts", text="done"),
        {"text": "done", "message.text": "done"},
        POSTED,
    ),
    answered(
        "an update without blocks removes them",
        call("chat.update", channel="C0DEPLOYS", ts="$ts", text="done"),
        {"message.blocks": None},
        call("chat.postMessage", channel="C0DEPLOYS", text="card", blocks=DIVIDER),
    ),
    answered(
        "an update without metadata keeps it",
        call("chat.update", channel="C0DEPLOYS", ts="$ts", text="done"),
        {"message.metadata": METADATA},
        call("chat.postMessage", channel="C0DEPLOYS", text="card", metadata=METADATA),
    ),
    answered(
        "an empty object takes metadata away",
        call("chat.update", channel="C0DEPLOYS", ts="$ts", text="done", metadata={}),
        {"message.metadata": None},
        call("chat.postMessage", channel="C0DEPLOYS", text="card", metadata=METADATA),
    ),
    refused(
        "an update needs its message", call("chat.update", channel="C0DEPLOYS", ts="1.1", text="x"), "message_not_found"
    ),
    refused(
        "an update takes no channel's name",
        call("chat.update", channel="#deploys", ts="1.1", text="x"),
        "channel_not_found",
    ),
    refused(
        "an update of more than 4,000 characters is too long",
        call("chat.update", channel="C0DEPLOYS", ts="$ts", text="x" * 4001),
        "msg_too_long",
        POSTED,
    ),
    refused(
        "an ephemeral message cannot be updated",
        call("chat.update", channel="C0DEPLOYS", ts="$message_ts", text="x"),
        "message_not_found",
        call("chat.postEphemeral", channel="C0DEPLOYS", user="U0ANA", text="you"),
    ),
    refused("an update says something", bare("chat.update", channel="C0DEPLOYS", ts="$ts"), "no_text", POSTED),
    refused(
        "a message is deleted once",
        call("chat.delete", channel="C0DEPLOYS", ts="$ts"),
        "message_not_found",
        POSTED,
        call("chat.delete", channel="C0DEPLOYS", ts="$ts"),
    ),
    refused(
        "an ephemeral message is for somebody in the channel",
        call("chat.postEphemeral", channel="C0DEPLOYS", user="U0GUS", text="x"),
        "user_not_in_channel",
    ),
    refused(
        "an ephemeral message needs the app in the channel",
        call("chat.postEphemeral", channel=THEIRS, user="U0ANA", text="x"),
        "not_in_channel",
    ),
    answered(
        "an ephemeral message is not in the history",
        call("conversations.history", channel="C0DEPLOYS"),
        {"messages.#": 0},
        call("chat.postEphemeral", channel="C0DEPLOYS", user="U0ANA", text="x"),
    ),
    refused(
        "a permalink needs its message",
        call("chat.getPermalink", channel="C0DEPLOYS", message_ts="1.1"),
        "message_not_found",
    ),
    refused(
        "a message is scheduled for the future",
        call("chat.scheduleMessage", channel="C0DEPLOYS", post_at=1, text="x"),
        "time_in_past",
    ),
    refused(
        "a message is scheduled for 120 days at most",
        call("chat.scheduleMessage", channel="C0DEPLOYS", post_at=9_999_999_999, text="x"),
        "time_too_far",
    ),
    refused(
        "a message is scheduled for an instant",
        call("chat.scheduleMessage", channel="C0DEPLOYS", post_at="noon", text="x"),
        "invalid_time",
    ),
    unscoped(POSTED, "chat:write"),
    unscoped(call("chat.update", channel="C0DEPLOYS", ts="1.1", text="x"), "chat:write"),
    unscoped(call("chat.delete", channel="C0DEPLOYS", ts="1.1"), "chat:write"),
    unscoped(call("chat.postEphemeral", channel="C0DEPLOYS", user="U0ANA", text="x"), "chat:write"),
)

READING = (
    answered(
        "metadata is in the history for those who ask",
        call("conversations.history", channel="C0DEPLOYS", include_all_metadata=True),
        {"messages.0.metadata": METADATA},
        call("chat.postMessage", channel="C0DEPLOYS", text="card", metadata=METADATA),
    ),
    answered(
        "metadata is not in the history for others",
        call("conversations.history", channel="C0DEPLOYS"),
        {"messages.0.metadata": None},
        call("chat.postMessage", channel="C0DEPLOYS", text="card", metadata=METADATA),
    ),
    answered(
        "the history goes on by its cursor",
        call("conversations.history", channel="C0DEPLOYS", limit=1, cursor="$cursor"),
        {"messages.0.text": "first", "has_more": False},
        call("chat.postMessage", channel="C0DEPLOYS", text="first"),
        call("chat.postMessage", channel="C0DEPLOYS", text="second"),
        call("conversations.history", channel="C0DEPLOYS", limit=1),
    ),
    refused(
        "a history's bound is an instant",
        call("conversations.history", channel="C0DEPLOYS", oldest="noon"),
        "invalid_ts_oldest",
    ),
    refused(
        "the other bound is one, too",
        call("conversations.history", channel="C0DEPLOYS", latest="noon"),
        "invalid_ts_latest",
    ),
    refused(
        "a cursor is one of Slack's",
        call("conversations.history", channel="C0DEPLOYS", cursor="page2"),
        "invalid_cursor",
    ),
    refused("a history is for members", call("conversations.history", channel=THEIRS), "not_in_channel"),
    refused(
        "a flag is yes or no",
        call("conversations.history", channel="C0DEPLOYS", inclusive="perhaps"),
        "invalid_arguments",
    ),
    refused("a thread is there", call("conversations.replies", channel="C0DEPLOYS", ts="1.1"), "thread_not_found"),
    answered(
        "a thread begins with its parent",
        call("conversations.replies", channel="C0DEPLOYS", ts="$ts"),
        {"messages.#": 2, "messages.0.text": "card", "messages.0.reply_count": 1},
        POSTED,
        call("chat.postMessage", channel="C0DEPLOYS", text="details", thread_ts="$ts"),
    ),
    answered(
        "a list is of those somebody is in",
        call("users.conversations", user="U0GUS"),
        {"channels.#": 1, "channels.0.id": "C0PARTNER"},
    ),
    refused("a list names kinds of conversations", call("conversations.list", types="tunnels"), "invalid_types"),
    refused("a page's size is a number", call("conversations.list", limit="many"), "invalid_limit"),
    refused("a page's size is not negative", call("conversations.list", limit=-1), "invalid_limit"),
    answered(
        "a page of no size is one of the usual size",
        call("conversations.members", channel="C0DEPLOYS", limit=0),
        {"members.#": 6},
        source="ours: not documented",
    ),
    refused(
        "a channel's members are for those who see it",
        call("conversations.members", channel="C0LEADS"),
        "channel_not_found",
    ),
    answered(
        "how many are in it is told to those who ask",
        call("conversations.info", channel="C0DEPLOYS", include_num_members=True),
        {"channel.num_members": 6},
    ),
    answered(
        "a shared channel says so", call("conversations.info", channel="C0PARTNER"), {"channel.is_ext_shared": True}
    ),
    unscoped(call("conversations.history", channel="C0DEPLOYS"), "channels:history"),
    unscoped(call("conversations.info", channel="C0DEPLOYS"), "channels:read"),
    unscoped(call("conversations.members", channel="C0DEPLOYS"), "channels:read"),
    unscoped(call("conversations.list"), "channels:read"),
    unscoped(call("conversations.list", types="private_channel"), "groups:read"),
)
