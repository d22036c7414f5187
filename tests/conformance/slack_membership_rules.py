"""The rules of who hears of what in a channel, each played: members, and nobody else."""

from __future__ import annotations

from bot.sandbox.slack_manifest import EVENT_SCOPES, Manifest
from tests.conformance.slack_modal_rules import Told, row
from tests.conformance.slack_stage import Rule, Stage, call


def _hearing(stage: Stage, *kinds: str) -> Told:
    """A listener to kinds of events, to which the app is subscribed."""
    told = Told()
    stage.slack.manifest = Manifest(events=frozenset(kinds))
    for kind in kinds:
        stage.app.event(kind)(told.hear)
    return told


def _sent(stage: Stage) -> list[str]:
    """The kinds of events that were sent, those of the app's own doing, too: Bolt keeps these from its listeners."""
    return [one.args["event"]["type"] for one in stage.slack.calls if one.method == "events_api"]


async def _eve_joins(stage: Stage, told: Told) -> None:
    """Eve comes into #deploys, which the app hears: by then it has been told of all that happened before."""
    stage.slack.workspace.channel("#deploys").members.discard("U0EVE")
    stage.slack.join("eve", "#deploys")
    await stage.slack.until(lambda: told.bodies)


async def _joins(stage: Stage) -> None:
    told = _hearing(stage, "member_joined_channel")
    await _eve_joins(stage, told)
    stage.slack.join("eve", "#deploys")
    event = told.body["event"]
    assert (event["user"], event["channel"], event["channel_type"]) == ("U0EVE", "C0DEPLOYS", "C")
    assert "inviter" not in event
    assert len(told.bodies) == 1


async def _joins_elsewhere(stage: Stage) -> None:
    told = _hearing(stage, "member_joined_channel")
    stage.slack.workspace.channel("#general").members.discard("U0EVE")
    stage.slack.join("eve", "#general")
    await _eve_joins(stage, told)
    assert [body["event"]["channel"] for body in told.bodies] == ["C0DEPLOYS"]


async def _joins_unread(stage: Stage) -> None:
    told = _hearing(stage, "member_joined_channel")
    room = (await stage.client.conversations_create(name="inc-1", is_private=True))["channel"]["id"]
    assert (await stage.call(call("conversations.invite", channel=room, users="U0ANA")))["ok"]
    await _eve_joins(stage, told)
    assert [body["event"]["channel"] for body in told.bodies] == ["C0DEPLOYS"]


async def _leaves(stage: Stage) -> None:
    told = _hearing(stage, "member_left_channel")
    stage.slack.leave("eve", "#deploys")
    assert (await stage.call(call("conversations.kick", channel="C0DEPLOYS", user="U0BEN")))["ok"]
    await stage.slack.until(lambda: len(told.bodies) == 2)
    assert {body["event"]["user"] for body in told.bodies} == {"U0EVE", "U0BEN"}


async def _reacts_elsewhere(stage: Stage) -> None:
    told = _hearing(stage, "reaction_added")
    for channel in ("#general", "#deploys"):
        said = await stage.slack.say("ben", "done", channel=channel)
        await stage.slack.react("ana", channel, said.ts, "eyes")
    await stage.slack.until(lambda: told.bodies)
    assert [body["event"]["item"]["channel"] for body in told.bodies] == ["C0DEPLOYS"]


async def _private_archive(stage: Stage) -> None:
    _hearing(stage, "channel_archive", "group_archive", "group_rename")
    room = (await stage.client.conversations_create(name="inc-1", is_private=True))["channel"]["id"]
    await stage.client.conversations_rename(channel=room, name="inc-2")
    await stage.client.conversations_archive(channel=room)
    await stage.slack.until(lambda: len(_sent(stage)) == 2)
    assert set(_sent(stage)) == {"group_rename", "group_archive"}


async def _told_of_everything(stage: Stage) -> None:
    """Each kind of event that there is a scope for, but for those of conversations among several people."""
    wanted = EVENT_SCOPES.keys() - {"message.mpim"}
    stage.slack.manifest = Manifest(events=frozenset(wanted))
    for private in (False, True):
        made = await stage.client.conversations_create(name=f"inc-{private}".lower(), is_private=private)
        room = made["channel"]["id"]
        await stage.client.conversations_invite(channel=room, users="U0ANA")
        said = await stage.slack.mention("ana", "hello", channel=room)
        await stage.slack.react("ana", room, said.ts, "eyes")
        await stage.slack.react("ana", room, said.ts, "eyes", remove=True)
        await stage.client.pins_add(channel=room, timestamp=said.ts)
        await stage.client.pins_remove(channel=room, timestamp=said.ts)
        stage.slack.leave("ana", room)
        await stage.client.conversations_rename(channel=room, name=f"inc-{private}-2".lower())
        await stage.client.conversations_archive(channel=room)
        await stage.client.conversations_unarchive(channel=room)
    await stage.slack.say("ana", "hello", channel="dm")
    stage.slack.change_person("ana", zone="Asia/Tokyo")
    stage.slack.change_usergroup("payments-leads", ["dee"])
    kinds = {kind.partition(".")[0] for kind in wanted}
    await stage.slack.until(lambda: kinds <= set(_sent(stage)))
    said_in = {one.args["event"].get("channel_type") for one in stage.slack.calls if one.method == "events_api"}
    assert {"channel", "group", "im"} <= said_in


_JOINED = "Slack docs: events/member_joined_channel"

MEMBERSHIP_RULES: tuple[Rule, ...] = (
    row("the app hears who joins, once", _JOINED, _joins),
    row("the app hears nothing of who joins where it is not", _JOINED, _joins_elsewhere),
    row("the app hears who joins only where it may read", _JOINED, _joins_unread, "groups:read"),
    row("the app hears who leaves", "Slack docs: events/member_left_channel", _leaves),
    row("the app hears of emoji where it is", "reported: reaction_added reaches members only", _reacts_elsewhere),
    row("whatever there is a scope for is told", "Slack docs: reference/events", _told_of_everything),
    row("what happens to a private channel has its own name", "Slack docs: events/group_archive", _private_archive),
)
