"""The Web API's conversation methods that change: make, name, archive, invite, remove, join, open.

Errors are those of docs.slack.dev/reference/methods. Decided here, for want of documentation: archived channels keep
their names; a person of another workspace cannot be invited by the app (``no_external_invite_permission``); a
deactivated one is ``user_not_found``; more than 100 people at once are ``invalid_arguments``.
"""

from __future__ import annotations

import re

from bot.sandbox.slack_calls import Call, Refusal, answer, invalid_arguments
from bot.sandbox.slack_shapes import channel_json
from bot.sandbox.world import BOT_USER_ID, SLACKBOT_ID, Channel, Json

LONGEST_NAME = 80
LONGEST_TOPIC = 250
MOST_INVITED = 100
MOST_OPENED = 8


def create(call: Call) -> Json:
    """``conversations.create``: names stay taken."""
    name = call.arguments.string("name")
    private = call.arguments.boolean("is_private")
    call.grant("groups:write" if private else "channels:manage")
    channel = call.slack.workspace.add_channel(
        _free_name(call, name), members={BOT_USER_ID}, private=private, creator=BOT_USER_ID
    )
    call.slack.events.made(channel)
    call.slack.events.joined(channel, BOT_USER_ID, inviter=None)
    return answer(channel=channel_json(channel))


def _free_name(call: Call, name: str | None) -> str:
    """A name of lowercase letters, digits, ``-`` and ``_``, at most 80, that no other channel has."""
    if name is None:
        raise Refusal("invalid_name_required")
    if len(name) > LONGEST_NAME:
        raise Refusal("invalid_name_maxlength")
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise Refusal("invalid_name_specials")
    if not re.search(r"[a-z0-9]", name):
        raise Refusal("invalid_name_punctuation")
    if call.slack.workspace.find_channel(f"#{name}") is not None:
        raise Refusal("name_taken")
    return name


def _changeable(call: Call, narrower: str = "") -> Channel:
    """The channel to change: no direct conversation, not archived, and the app is in it."""
    channel = _no_direct(call, call.channel())
    call.grant_to_manage(channel, narrower)
    if channel.archived:
        raise Refusal("is_archived")
    return call.ours(channel)


def _no_direct(call: Call, channel: Channel) -> Channel:
    if channel.person or channel.group:
        raise Refusal("method_not_supported_for_channel_type")
    return channel


def rename(call: Call) -> Json:
    """``conversations.rename``: whoever made the channel may."""
    channel = _changeable(call)
    if channel.creator != BOT_USER_ID:
        raise Refusal("not_authorized")
    name = call.arguments.string("name")
    if name != channel.name:
        call.slack.workspace.rename_channel(channel, _free_name(call, name))
        shape: Json = {"id": channel.id, "name": channel.name, "name_normalized": channel.name}
        shape |= {"created": channel.created} | ({} if channel.private else {"is_channel": True})
        kind = _event(channel, "rename")
        call.slack.events.happened(kind, {"type": kind, "channel": shape})
    return answer(channel=channel_json(channel))


def archive(call: Call) -> Json:
    """``conversations.archive``."""
    channel = _no_direct(call, call.channel())
    call.grant_to_manage(channel)
    if channel.archived:
        raise Refusal("already_archived")
    if channel.general:
        raise Refusal("cant_archive_general")
    call.ours(channel).archived = True
    return _archived(call, channel, "archive")


def unarchive(call: Call) -> Json:
    """``conversations.unarchive``."""
    channel = _no_direct(call, call.channel())
    call.grant_to_manage(channel)
    if not channel.archived:
        raise Refusal("not_archived")
    channel.archived = False
    return _archived(call, channel, "unarchive")


def _archived(call: Call, channel: Channel, what: str) -> Json:
    call.slack.workspace.place_changed(channel)
    kind = _event(channel, what)
    call.slack.events.happened(kind, {"type": kind, "channel": channel.id, "user": BOT_USER_ID})
    return answer()


def _event(channel: Channel, what: str) -> str:
    """What is told of private channels has a name of its own (docs.slack.dev/reference/events/group_archive)."""
    return f"{'group' if channel.private else 'channel'}_{what}"


def set_topic(call: Call) -> Json:
    """``conversations.setTopic``: at most 250 characters."""
    topic = _short(call, "topic")
    channel = _changeable(call, "write.topic")
    channel.topic, channel.topic_by, channel.topic_at = topic, BOT_USER_ID, call.slack.workspace.now()
    call.slack.workspace.place_changed(channel)
    return answer(channel=channel_json(channel))


def set_purpose(call: Call) -> Json:
    """``conversations.setPurpose``: at most 250 characters."""
    purpose = _short(call, "purpose")
    channel = _changeable(call, "write.topic")
    channel.purpose, channel.purpose_by, channel.purpose_at = purpose, BOT_USER_ID, call.slack.workspace.now()
    call.slack.workspace.place_changed(channel)
    return answer(channel=channel_json(channel))


def _short(call: Call, name: str) -> str:
    if name not in call.arguments.values:
        raise invalid_arguments(f"missing required field: {name}")
    value = call.arguments.string(name) or ""
    if len(value) > LONGEST_TOPIC:
        raise Refusal("too_long")
    return value


def invite(call: Call) -> Json:
    """``conversations.invite``: all or nobody, unless ``force`` leaves out those who cannot be invited."""
    channel = _changeable(call, "write.invites")
    listed = _listed(call, "users")
    if not listed:
        raise Refusal("no_user")
    if len(listed) > MOST_INVITED:
        raise invalid_arguments(f"no more than {MOST_INVITED} items allowed [json-pointer:/users]")
    errors = [
        {"user": who, "ok": False, "error": error}
        for who in listed
        if (error := _cannot_be_invited(call, channel, who)) is not None
    ]
    refused = {error["user"] for error in errors}
    welcome = [who for who in listed if who not in refused]
    if errors and not (welcome and call.arguments.boolean("force")):
        raise Refusal(str(errors[0]["error"]), errors=errors)
    for who in welcome:
        channel.members.add(who)
        call.slack.events.joined(channel, who, inviter=BOT_USER_ID)
    call.slack.workspace.place_changed(channel)
    shape = answer(channel=channel_json(channel))
    return shape | {"errors": errors} if errors else shape


def _cannot_be_invited(call: Call, channel: Channel, who: str) -> str | None:
    workspace = call.slack.workspace
    person = workspace.people.get(who)
    error: str | None = None
    if who == BOT_USER_ID:
        error = "cant_invite_self"
    elif person is None or person.deactivated:
        error = "cant_invite" if who == SLACKBOT_ID else "user_not_found"
    elif who in channel.members:
        error = "already_in_channel"
    elif person.stranger:
        error = "no_external_invite_permission"
    elif person.single_channel_guest and any(
        who in one.members and not one.person for one in workspace.channels.values()
    ):
        error = "ura_max_channels"
    return error


def kick(call: Call) -> Json:
    """``conversations.kick``."""
    channel = _no_direct(call, call.channel())
    call.grant_to_manage(channel)
    who = call.arguments.string("user")
    if who == BOT_USER_ID:
        raise Refusal("cant_kick_self")
    if who is None or who not in call.slack.workspace.people:
        raise Refusal("user_not_found")
    if channel.general:
        raise Refusal("cant_kick_from_general")
    if who not in call.ours(channel).members:
        raise Refusal("not_in_channel")
    channel.members.discard(who)
    call.slack.workspace.place_changed(channel)
    call.slack.events.left(channel, who)
    return answer()


def join(call: Call) -> Json:
    """``conversations.join``: public channels only; joining twice is well."""
    channel = call.channel()
    if channel.type != "public":
        raise Refusal("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refusal("is_archived")
    if BOT_USER_ID in channel.members:
        warnings = {"response_metadata": {"warnings": ["already_in_channel"]}}
        return answer(channel=channel_json(channel), warning="already_in_channel", **warnings)
    channel.members.add(BOT_USER_ID)
    call.slack.workspace.place_changed(channel)
    call.slack.events.joined(channel, BOT_USER_ID, inviter=None)
    return answer(channel=channel_json(channel))


def open_direct(call: Call) -> Json:
    """``conversations.open``: with one person, or with up to eight."""
    if "channel" in call.arguments:
        return answer(channel={"id": call.channel().id})
    users = _listed(call, "users")
    if not users:
        raise Refusal("users_list_not_supplied")
    if len(users) > MOST_OPENED:
        raise Refusal("too_many_users")
    call.grant("im:write" if len(users) == 1 else "mpim:write")
    workspace = call.slack.workspace
    for who in users:
        person = workspace.people.get(who)
        if person is None:
            raise Refusal("user_not_found")
        if person.deactivated:
            raise Refusal("user_disabled")
    if len(users) == 1:
        already = workspace.find_direct(users[0]) is not None
        channel = workspace.direct(users[0])
    else:
        members = {*users, BOT_USER_ID}
        found = next((one for one in workspace.channels.values() if one.group and one.members == members), None)
        already = found is not None
        name = f"mpdm-{'--'.join(sorted(workspace.people[who].key for who in users))}-1"
        channel = found or workspace.add_channel(name, members=members, private=True, group=True)
    shape = channel_json(channel) if call.arguments.boolean("return_im") else {"id": channel.id}
    return answer(channel=shape, no_op=already, already_open=already) if already else answer(channel=shape)


def _listed(call: Call, name: str) -> list[str]:
    """Ids separated by commas, each once."""
    value = call.arguments.values.get(name)
    text = ",".join(str(one) for one in value) if isinstance(value, list) else call.arguments.string(name) or ""
    return list(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
