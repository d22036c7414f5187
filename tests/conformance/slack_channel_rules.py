"""The rules of channels, pins and reactions that the stand-in keeps: one row each."""

from __future__ import annotations

from tests.conformance.slack_call_rules import POSTED, THEIRS, answered, docs, refused, unscoped
from tests.conformance.slack_stage import Rule, bare, call

MADE = call("conversations.create", name="inc-1")
RENAMED = call("conversations.rename", channel="$channel", name="shipping")
CHANNELS = (
    answered(
        "who makes a channel is in it",
        call("conversations.create", name="inc-1"),
        {"channel.is_member": True, "channel.name": "inc-1", "channel.is_private": False},
    ),
    answered(
        "a private channel is private",
        call("conversations.create", name="inc-1", is_private=True),
        {"channel.is_private": True},
    ),
    refused("a name is taken once", call("conversations.create", name="deploys"), "name_taken"),
    refused(
        "an archived channel keeps its name",
        call("conversations.create", name="old-deploys"),
        "name_taken",
        source="ours: not documented",
    ),
    refused("a name has 80 characters at most", call("conversations.create", name="x" * 81), "invalid_name_maxlength"),
    refused("a name has no capitals or spaces", call("conversations.create", name="Inc 1"), "invalid_name_specials"),
    refused("a name is not punctuation alone", call("conversations.create", name="--"), "invalid_name_punctuation"),
    refused("a name is needed", call("conversations.create", name=""), "invalid_name_required"),
    answered("a channel is archived", call("conversations.archive", channel="C0DEPLOYS"), {"ok": True}),
    refused(
        "a channel is archived once",
        call("conversations.archive", channel="C0DEPLOYS"),
        "already_archived",
        call("conversations.archive", channel="C0DEPLOYS"),
    ),
    refused("nobody archives #general", call("conversations.archive", channel="C0GENERAL"), "cant_archive_general"),
    refused(
        "a conversation with a person is not archived",
        call("conversations.archive", channel="$channel"),
        "method_not_supported_for_channel_type",
        call("conversations.open", users="U0ANA"),
    ),
    refused("an open channel is not unarchived", call("conversations.unarchive", channel="C0DEPLOYS"), "not_archived"),
    answered(
        "an unarchived channel takes messages",
        POSTED,
        {"channel": "C0DEPLOYS"},
        call("conversations.archive", channel="C0DEPLOYS"),
        call("conversations.unarchive", channel="C0DEPLOYS"),
        source=docs("conversations.unarchive"),
    ),
    answered(
        "a renamed channel remembers",
        RENAMED,
        {"channel.name": "shipping", "channel.previous_names": ["inc-1"]},
        MADE,
    ),
    answered(
        "a renamed channel's old name is free",
        MADE,
        {"channel.name": "inc-1"},
        MADE,
        RENAMED,
        source="ours: not documented",
    ),
    refused("a new name is free", call("conversations.rename", channel="$channel", name="general"), "name_taken", MADE),
    refused(
        "who did not make a channel does not rename it",
        call("conversations.rename", channel="C0DEPLOYS", name="shipping"),
        "not_authorized",
    ),
    answered(
        "a name of 80 characters is taken", call("conversations.create", name="x" * 80), {"channel.name": "x" * 80}
    ),
    answered(
        "a topic of 250 characters is taken",
        call("conversations.setTopic", channel="C0DEPLOYS", topic="x" * 250),
        {"channel.topic.value": "x" * 250},
    ),
    refused(
        "an archived channel keeps its name, come what may",
        call("conversations.rename", channel="C0OLD", name="x"),
        "is_archived",
    ),
    refused(
        "only a member renames",
        call("conversations.rename", channel=THEIRS, name="everybody"),
        "not_in_channel",
    ),
    answered(
        "a topic says who set it",
        call("conversations.setTopic", channel="C0DEPLOYS", topic="checkout 5xx"),
        {"channel.topic.value": "checkout 5xx", "channel.topic.creator": "U0SHIPMATE"},
    ),
    refused(
        "a topic has 250 characters at most",
        call("conversations.setTopic", channel="C0DEPLOYS", topic="x" * 251),
        "too_long",
    ),
    refused("a topic is needed", bare("conversations.setTopic", channel="C0DEPLOYS"), "invalid_arguments"),
    refused(
        "a purpose has 250 characters at most",
        call("conversations.setPurpose", channel="C0DEPLOYS", purpose="x" * 251),
        "too_long",
    ),
    refused(
        "only a member sets the purpose",
        call("conversations.setPurpose", channel=THEIRS, purpose="x"),
        "not_in_channel",
    ),
    refused(
        "an archived channel keeps its topic", call("conversations.setTopic", channel="C0OLD", topic="x"), "is_archived"
    ),
    answered(
        "several people are invited at once",
        call("conversations.invite", channel="$channel", users="U0ANA,U0BEN"),
        {"ok": True},
        call("conversations.create", name="inc-1"),
    ),
    refused(
        "somebody who is there is not invited",
        call("conversations.invite", channel="C0DEPLOYS", users="U0ANA"),
        "already_in_channel",
    ),
    refused(
        "nobody invites themselves",
        call("conversations.invite", channel="C0DEPLOYS", users="U0SHIPMATE"),
        "cant_invite_self",
    ),
    refused("an invitation is for somebody", call("conversations.invite", channel="C0DEPLOYS", users=""), "no_user"),
    refused(
        "who is invited exists", call("conversations.invite", channel="C0DEPLOYS", users="U0NOBODY"), "user_not_found"
    ),
    refused(
        "nobody is invited to an archived channel",
        call("conversations.invite", channel="C0OLD", users="U0FAY"),
        "is_archived",
    ),
    refused("only a member invites", call("conversations.invite", channel=THEIRS, users="U0FAY"), "not_in_channel"),
    refused(
        "no more than 100 are invited at once",
        call("conversations.invite", channel="C0DEPLOYS", users=",".join(f"U0X{n}" for n in range(101))),
        "invalid_arguments",
    ),
    Rule(
        name="one who cannot be invited keeps all out",
        source=docs("conversations.invite"),
        before=(call("conversations.create", name="inc-1"),),
        call=call("conversations.invite", channel="$channel", users="U0ANA,U0NOBODY,U0SHIPMATE"),
        error="user_not_found",
        answer={"errors.#": 2, "errors.0.user": "U0NOBODY", "errors.1.error": "cant_invite_self"},
    ),
    answered(
        "force invites the others",
        call("conversations.invite", channel="$channel", users="U0ANA,U0NOBODY", force=True),
        {"errors.0.user": "U0NOBODY"},
        call("conversations.create", name="inc-1"),
    ),
    answered(
        "somebody is taken out of a channel",
        call("conversations.kick", channel="C0DEPLOYS", user="U0BEN"),
        {"ok": True},
    ),
    refused(
        "nobody takes themselves out",
        call("conversations.kick", channel="C0DEPLOYS", user="U0SHIPMATE"),
        "cant_kick_self",
    ),
    refused(
        "nobody is taken out of #general",
        call("conversations.kick", channel="C0GENERAL", user="U0ANA"),
        "cant_kick_from_general",
    ),
    refused("who is taken out was in", call("conversations.kick", channel="C0DEPLOYS", user="U0GUS"), "not_in_channel"),
    refused(
        "who is taken out exists", call("conversations.kick", channel="C0DEPLOYS", user="U0NOBODY"), "user_not_found"
    ),
    answered("joining a public channel", call("conversations.join", channel=THEIRS), {"channel.is_member": True}),
    answered(
        "joining twice is well", call("conversations.join", channel="C0DEPLOYS"), {"warning": "already_in_channel"}
    ),
    refused("an archived channel is not joined", call("conversations.join", channel="C0OLD"), "is_archived"),
    answered(
        "a conversation is opened once",
        call("conversations.open", users="U0ANA"),
        {"already_open": True, "channel.id": "D0ANA"},
        call("conversations.open", users="U0ANA"),
    ),
    refused("a conversation is with somebody", call("conversations.open", users=""), "users_list_not_supplied"),
    refused("who it is with exists", call("conversations.open", users="U0NOBODY"), "user_not_found"),
    refused(
        "a conversation is with eight at most",
        call("conversations.open", users=",".join(f"U{n}" for n in range(9))),
        "too_many_users",
    ),
    refused(
        "another workspace's people are not invited",
        call("conversations.invite", channel="C0DEPLOYS", users="U0GUS"),
        "no_external_invite_permission",
        source="ours: which of the page's errors it is, is not documented",
    ),
    refused(
        "Slackbot is not invited", call("conversations.invite", channel="C0DEPLOYS", users="USLACKBOT"), "cant_invite"
    ),
    refused(
        "a topic needs the app in the channel",
        call("conversations.setTopic", channel=THEIRS, topic="x"),
        "not_in_channel",
    ),
    refused("what is archived exists", call("conversations.archive", channel="C0OTHER"), "channel_not_found"),
    refused("several people need mpim:write", call("conversations.open", users="U0ANA,U0BEN"), "missing_scope"),
    answered(
        "a conversation is told whole to those who ask",
        call("conversations.open", users="U0ANA", return_im=True),
        {"channel.is_im": True, "channel.user": "U0ANA"},
    ),
    refused(
        "a conversation with a person is not joined",
        call("conversations.join", channel="$channel"),
        "method_not_supported_for_channel_type",
        call("conversations.open", users="U0ANA"),
    ),
    unscoped(call("conversations.create", name="inc-1"), "channels:manage"),
    unscoped(call("conversations.create", name="inc-1", is_private=True), "groups:write"),
    unscoped(call("conversations.archive", channel="C0DEPLOYS"), "channels:manage"),
    unscoped(call("conversations.invite", channel="C0DEPLOYS", users="U0FAY"), "channels:manage"),
    unscoped(call("conversations.setTopic", channel="C0DEPLOYS", topic="x"), "channels:manage"),
    unscoped(call("conversations.join", channel=THEIRS), "channels:join"),
    unscoped(call("conversations.open", users="U0ANA"), "im:write"),
)

PINNED = call("pins.add", channel="C0DEPLOYS", timestamp="$ts")
UNPINNED = call("pins.remove", channel="C0DEPLOYS", timestamp="$ts")
EYES = call("reactions.add", channel="C0DEPLOYS", timestamp="$ts", name="eyes")
MARKS = (
    answered(
        "an unpinned message is not listed",
        call("pins.list", channel="C0DEPLOYS"),
        {"items.#": 0},
        POSTED,
        PINNED,
        UNPINNED,
    ),
    refused("a message is unpinned once", UNPINNED, "no_pin", POSTED, PINNED, UNPINNED),
    refused(
        "a pin needs the app in the channel",
        call("pins.add", channel=THEIRS, timestamp="$ts"),
        "not_in_channel",
        call("chat.postMessage", channel=THEIRS, text="x"),
    ),
    answered(
        "an emoji taken off is gone",
        call("reactions.get", channel="C0DEPLOYS", timestamp="$ts"),
        {"message.reactions": []},
        POSTED,
        EYES,
        call("reactions.remove", channel="C0DEPLOYS", timestamp="$ts", name="eyes"),
    ),
    refused(
        "nobody reacts in an archived channel",
        EYES,
        "is_archived",
        POSTED,
        call("conversations.archive", channel="C0DEPLOYS"),
    ),
    refused(
        "the app puts 23 emoji on a message",
        EYES,
        "too_many_reactions",
        POSTED,
        *(call("reactions.add", channel="C0DEPLOYS", timestamp="$ts", name=f"e{n}") for n in range(23)),
        source="Slack help: emoji reactions",
    ),
    refused(
        "a channel takes 100 pins",
        PINNED,
        "too_many_pins",
        *(one for _ in range(100) for one in (POSTED, PINNED)),
        POSTED,
        source="Slack docs: pins.add, and the help page on pins",
    ),
    answered(
        "a pin is listed", call("pins.list", channel="C0DEPLOYS"), {"items.0.message.text": "card"}, POSTED, PINNED
    ),
    refused("a message is pinned once", PINNED, "already_pinned", POSTED, PINNED),
    refused("a pin needs its message", call("pins.add", channel="C0DEPLOYS", timestamp="1.1"), "message_not_found"),
    refused("a pin names a message", call("pins.add", channel="C0DEPLOYS"), "no_item_specified"),
    refused("a pin's timestamp is one", call("pins.add", channel="C0DEPLOYS", timestamp="noon"), "bad_timestamp"),
    refused("a pin's channel exists", call("pins.add", channel="C0NOWHERE", timestamp="1.1"), "channel_not_found"),
    refused(
        "what is not pinned is not unpinned",
        call("pins.remove", channel="C0DEPLOYS", timestamp="$ts"),
        "no_pin",
        POSTED,
    ),
    answered(
        "an emoji is put on a message",
        call("reactions.add", channel="C0DEPLOYS", timestamp="$ts", name="eyes"),
        {},
        POSTED,
    ),
    refused(
        "an emoji is put there once",
        call("reactions.add", channel="C0DEPLOYS", timestamp="$ts", name="eyes"),
        "already_reacted",
        POSTED,
        call("reactions.add", channel="C0DEPLOYS", timestamp="$ts", name="eyes"),
    ),
    refused(
        "an emoji has a name",
        call("reactions.add", channel="C0DEPLOYS", timestamp="$ts", name="Big Eyes"),
        "invalid_name",
        POSTED,
    ),
    refused(
        "an emoji is for a message",
        call("reactions.add", channel="C0DEPLOYS", timestamp="1.1", name="eyes"),
        "message_not_found",
    ),
    refused(
        "an emoji that is not there is not taken off",
        call("reactions.remove", channel="C0DEPLOYS", timestamp="$ts", name="eyes"),
        "no_reaction",
        POSTED,
    ),
    answered(
        "a message's emoji say whose they are",
        call("reactions.get", channel="C0DEPLOYS", timestamp="$ts"),
        {"message.reactions.0.users": ["U0SHIPMATE"], "message.reactions.0.count": 1},
        POSTED,
        call("reactions.add", channel="C0DEPLOYS", timestamp="$ts", name="eyes"),
    ),
    unscoped(call("pins.add", channel="C0DEPLOYS", timestamp="1.1"), "pins:write"),
    unscoped(call("pins.list", channel="C0DEPLOYS"), "pins:read"),
    unscoped(call("reactions.add", channel="C0DEPLOYS", timestamp="1.1", name="eyes"), "reactions:write"),
    unscoped(call("reactions.get", channel="C0DEPLOYS", timestamp="1.1"), "reactions:read"),
)
