"""The rules of events, limits and tokens, and what the stand-in does on demand, each played."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack_manifest import Manifest
from tests.conformance.slack_modal_rules import Told, row
from tests.conformance.slack_stage import Json, Rule, Stage, call

EVENT: Json = {"type": "reaction_added", "user": "U0ANA", "reaction": "eyes"}


def listening(stage: Stage, *kinds: str) -> Told:
    """A listener to kinds of events, to which the app is subscribed."""
    told = Told()
    stage.slack.manifest = Manifest(events=frozenset(kinds))
    for kind in {kind.partition(".")[0] for kind in kinds}:
        stage.app.event(kind)(told.hear)
    return told


# Events


async def _mentioned(stage: Stage) -> None:
    told = listening(stage, "app_mention", "message.channels")
    said = await stage.slack.mention("ana", "what is live?", channel="#deploys")
    await stage.slack.until(lambda: len(told.bodies) == 2)
    events = {body["event"]["type"]: body["event"] for body in told.bodies}
    assert {event["ts"] for event in events.values()} == {said.ts}
    assert events["message"]["channel_type"] == "channel"
    assert len({body["event_id"] for body in told.bodies}) == 2


async def _not_a_member(stage: Stage) -> None:
    told = listening(stage, "app_mention")
    await stage.slack.mention("ana", "hello", channel="#general")
    await stage.slack.mention("ana", "hello", channel="#deploys")
    await stage.slack.until(lambda: told.bodies)
    assert [body["event"]["channel"] for body in told.bodies] == ["C0DEPLOYS"]


async def _without_scope(stage: Stage) -> None:
    told = listening(stage, "app_mention", "message.channels")
    await stage.slack.mention("ana", "hello", channel="#deploys")
    await stage.slack.until(lambda: told.bodies)
    assert [body["event"]["type"] for body in told.bodies] == ["message"]


async def _reacted(stage: Stage) -> None:
    told = listening(stage, "reaction_added", "reaction_removed")
    said = await stage.slack.say("ben", "done", channel="#deploys")
    await stage.slack.react("ana", "#deploys", said.ts, "eyes")
    await stage.slack.until(lambda: told.bodies)
    event = told.body["event"]
    assert (event["user"], event["item_user"], event["item"]["ts"]) == ("U0ANA", "U0BEN", said.ts)


async def _invited(stage: Stage) -> None:
    told = listening(stage, "member_joined_channel")
    await stage.client.conversations_invite(channel="C0DEPLOYS", users="U0FAY")
    await stage.slack.until(lambda: told.bodies)
    assert (told.body["event"]["user"], told.body["event"]["inviter"]) == ("U0FAY", "U0SHIPMATE")


async def _moved(stage: Stage) -> None:
    told = listening(stage, "user_change")
    stage.slack.change_person("ana", zone="Asia/Tokyo")
    await stage.slack.until(lambda: told.bodies)
    assert told.body["event"]["user"]["tz"] == "Asia/Tokyo"
    assert (await stage.client.users_info(user="U0ANA"))["user"]["tz_offset"] == 32400


async def _regrouped(stage: Stage) -> None:
    told = listening(stage, "subteam_members_changed")
    stage.slack.change_usergroup("payments-leads", ["dee", "chi"])
    await stage.slack.until(lambda: told.bodies)
    event = told.body["event"]
    assert (event["added_users"], event["removed_users"]) == (["U0CHI"], ["U0EVE"])


async def _retried(stage: Stage) -> None:
    assert await stage.slack.event(EVENT) == [404] * 4
    retries = [(one.get("X-Slack-Retry-Num"), one.get("X-Slack-Retry-Reason")) for one in stage.requests]
    assert retries == [(None, None), *((str(n), "http_error") for n in (1, 2, 3))]


async def _timetable(stage: Stage) -> None:
    stage.slack.retry_delays = (0.0, 60.0, 300.0)
    clock = stage.sandbox.clock
    telling = asyncio.ensure_future(stage.slack.event(EVENT))
    for sent, seconds in ((2, 60), (3, 300)):
        while not clock._alarms:
            await asyncio.wait({telling}, timeout=0.001)
        clock.turn(by=timedelta(seconds=seconds - 30))
        await asyncio.wait({telling}, timeout=0.01)
        assert len(stage.statuses) == sent
        clock.turn(by=timedelta(seconds=30))
        await stage.slack.until(lambda: len(stage.statuses) > sent)  # noqa: B023  (asked before the loop goes on)
    assert await telling == [404] * 4


async def _one_id(stage: Stage) -> None:
    stage.slack.fault("events_twice", times=1)
    told = listening(stage, "reaction_added")
    assert await stage.slack.event(EVENT) == [200, 200]
    assert len({body["event_id"] for body in told.bodies}) == 1


async def _no_retry(stage: Stage) -> None:
    @stage.app.middleware
    async def refuse() -> BoltResponse:
        return BoltResponse(status=500, headers={"x-slack-no-retry": "1"})

    assert await stage.slack.event(EVENT) == [500]


async def _nobody_there(stage: Stage) -> None:
    stage.slack.bot_url = "http://127.0.0.1:9"
    assert await stage.slack.event(EVENT) == [0] * 4


async def _shuffled(stage: Stage) -> None:
    told = listening(stage, "reaction_added")
    number = stage.slack.fault("events_shuffled", seconds=3600)
    telling = [asyncio.ensure_future(stage.slack.event(EVENT | {"reaction": str(n)})) for n in range(6)]
    await asyncio.wait(telling, timeout=0.01)
    assert told.bodies == []
    stage.slack.clear_faults(number)
    await asyncio.gather(*telling)
    order = [body["event"]["reaction"] for body in told.bodies]
    assert order != sorted(order)
    assert sorted(order) == [str(n) for n in range(6)]


# On demand


async def _skewed(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    stage.slack.fault("clock_skew", seconds=301)
    assert (await stage.slack.command("ana", "/ship")).status == 401
    stage.slack.clear_faults()
    assert (await stage.slack.command("ana", "/ship")).status == 200
    assert len(told.bodies) == 1


async def _down_for_a_while(stage: Stage) -> None:
    told = listening(stage, "reaction_added")
    stage.slack.fault("down", duration=600)
    telling = asyncio.ensure_future(stage.slack.event(EVENT))
    with pytest.raises(aiohttp.ClientError):
        await stage.client.auth_test()
    with pytest.raises(ConnectionError, match="down"):
        await stage.slack.command("ana", "/ship")
    stage.sandbox.clock.turn(by=timedelta(minutes=9))
    assert (stage.slack.faults.down, told.bodies) == (True, [])
    stage.sandbox.clock.turn(by=timedelta(minutes=1))
    assert await telling == [200]
    assert (await stage.client.auth_test())["ok"]


async def _storm(stage: Stage) -> None:
    stage.slack.fault("ratelimited", method="chat.postMessage", retry_after=30, duration=60)
    with pytest.raises(SlackApiError) as caught:
        await stage.client.chat_postMessage(channel="C0DEPLOYS", text="x")
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "30")
    assert (await stage.client.auth_test())["ok"]
    stage.sandbox.clock.turn(by=timedelta(seconds=60))
    await stage.client.chat_postMessage(channel="C0DEPLOYS", text="x")


async def _unavailable(stage: Stage) -> None:
    stage.slack.fault("http_503", times=1)
    with pytest.raises(SlackApiError) as caught:
        await stage.client.auth_test()
    assert caught.value.response.status_code == 503


# Limits, tokens, plans, the clock


async def _first_refusal(most: int, calling: Callable[[], Awaitable[Any]]) -> Any:
    """Call again and again until it is refused."""
    for _ in range(most):
        try:
            await calling()
        except SlackApiError as error:
            return error.response
    raise AssertionError(f"{most} calls were all taken")


async def _one_a_second(stage: Stage) -> None:
    stage.slack.rate_limits = True
    refusal = await _first_refusal(10, lambda: stage.client.chat_postMessage(channel="C0DEPLOYS", text="x"))
    assert int(refusal.headers["Retry-After"]) >= 1
    await stage.client.chat_postMessage(channel="C0PAYMENTS", text="x")


async def _tier(stage: Stage) -> None:
    stage.slack.rate_limits = True
    refusal = await _first_refusal(60, lambda: stage.client.pins_list(channel="C0DEPLOYS"))
    assert refusal["error"] == "ratelimited"
    assert (await stage.client.team_info())["ok"]


async def _scopes_told(stage: Stage) -> None:
    answer = await stage.client.auth_test()
    assert set(answer.headers["x-oauth-scopes"].split(",")) == stage.slack.scopes


async def _uninstalled(stage: Stage) -> None:
    told = listening(stage, "app_uninstalled", "tokens_revoked")
    await stage.slack.uninstall()
    assert [body["event"]["type"] for body in told.bodies] == ["tokens_revoked", "app_uninstalled"]
    assert (await stage.call(call("auth.test")))["error"] == "account_inactive"


async def _free_plan(stage: Stage) -> None:
    stage.slack.paid_plan = False
    assert (await stage.call(call("usergroups.list")))["error"] == "plan_upgrade_required"


async def _group_conversation(stage: Stage) -> None:
    stage.slack.scopes |= {"mpim:write", "mpim:read"}
    opened = await stage.client.conversations_open(users="U0ANA,U0BEN", return_im=True)
    again = await stage.client.conversations_open(users="U0BEN,U0ANA")
    assert (opened["channel"]["is_mpim"], again["already_open"]) == (True, True)
    await stage.client.chat_postMessage(channel=opened["channel"]["id"], text="x")
    listed = await stage.client.conversations_list(types="mpim")
    assert [one["id"] for one in listed["channels"]] == [opened["channel"]["id"]]


async def _guest_of_one_channel(stage: Stage) -> None:
    stage.slack.change_person("fay", single_channel_guest=True)
    answer = await stage.call(call("conversations.invite", channel="C0DEPLOYS", users="U0FAY"))
    assert answer["error"] == "ura_max_channels"
    assert (await stage.client.users_info(user="U0FAY"))["user"]["is_ultra_restricted"]


async def _gone(stage: Stage) -> None:
    stage.slack.change_person("ben", deactivated=True)
    assert (await stage.client.users_info(user="U0BEN"))["user"]["deleted"]
    for one, error in (
        (call("users.lookupByEmail", email="ben@example.com"), "users_not_found"),
        (call("conversations.open", users="U0BEN"), "user_disabled"),
        (call("chat.postMessage", channel="U0BEN", text="x"), "channel_not_found"),
        (call("conversations.invite", channel="C0PARTNER", users="U0BEN"), "user_not_found"),
    ):
        assert (await stage.call(one))["error"] == error


async def _stranger_left(stage: Stage) -> None:
    stage.slack.workspace.channel("#partner-launch").members.discard("U0GUS")
    assert (await stage.client.users_info(user="U0GUS"))["user"]["is_stranger"]
    listed = await stage.client.users_list()
    assert "U0GUS" not in [one["id"] for one in listed["members"]]


async def _scheduled(stage: Stage) -> None:
    soon = stage.slack.workspace.now() + 3600
    await stage.client.chat_scheduleMessage(channel="C0DEPLOYS", post_at=soon, text="later")
    metadata = {"event_type": "card", "event_payload": {}}
    await stage.client.chat_scheduleMessage(channel="C0DEPLOYS", post_at=soon, text="never", metadata=metadata)
    dropped = await stage.client.chat_scheduleMessage(channel="C0DEPLOYS", post_at=soon, text="dropped")
    await stage.client.chat_deleteScheduledMessage(
        channel="C0DEPLOYS", scheduled_message_id=dropped["scheduled_message_id"]
    )
    assert len((await stage.client.chat_scheduledMessages_list())["scheduled_messages"]) == 2
    stage.sandbox.clock.turn(by=timedelta(hours=2))
    assert [one.text for one in stage.slack.messages("#deploys")] == ["later"]


async def _split(stage: Stage) -> None:
    await stage.client.chat_postMessage(channel="C0DEPLOYS", text="x" * 9000)
    assert [len(one.text) for one in stage.slack.messages("#deploys")] == [4000, 4000, 1000]


_EVENTS = "Slack docs: apis/events-api"
_LIMITS = "Slack docs: apis/web-api/rate-limits"

EVENT_RULES: tuple[Rule, ...] = (
    row("a mention is a mention and a message, with one timestamp", "Slack docs: events/app_mention", _mentioned),
    row("a mention is told where the app is a member", "Slack docs: events/app_mention", _not_a_member),
    row("an event needs its scope", "Slack docs: events/app_mention", _without_scope, "app_mentions:read"),
    row("a reaction tells who, on what, and whose it is", "Slack docs: events/reaction_added", _reacted),
    row("an invitation tells who invited", "Slack docs: events/member_joined_channel", _invited),
    row("a new time zone is told", "Slack docs: events/user_change", _moved),
    row("a group tells who came and went", "Slack docs: events/subteam_members_changed", _regrouped),
    row("an event is sent four times in all, with number and reason", _EVENTS, _retried),
    row("retries come at once, after a minute, after five", _EVENTS, _timetable),
    row("x-slack-no-retry ends the retries", _EVENTS, _no_retry),
    row("an app that is not there is retried, too", _EVENTS, _nobody_there),
    row("an event may come twice, with one id", _EVENTS, _one_id),
    row("events may come in another order", _EVENTS, _shuffled),
    row("a signature older than five minutes is refused", "Slack docs: verifying-requests-from-slack", _skewed),
    row("Slack is down for ten minutes", "the stand-in's own", _down_for_a_while),
    row("a storm of 429 lasts as long as it was told to", _LIMITS, _storm),
    row("a 503 is not JSON", "reported: slack_sdk retry handlers", _unavailable),
    row("a channel takes a message a second after a burst", _LIMITS, _one_a_second),
    row("a method's tier is its own", _LIMITS, _tier),
    row("the scopes are in a header", "Slack docs: auth.test", _scopes_told),
    row(
        "an uninstalled app is told, and its token is worth nothing", "Slack docs: events/app_uninstalled", _uninstalled
    ),
    row("user groups are for paid plans", "Slack docs: usergroups.list", _free_plan),
    row("several people have one conversation", "Slack docs: conversations.open", _group_conversation),
    row("a guest of one channel stays in it", "Slack docs: conversations.invite", _guest_of_one_channel),
    row("who was deactivated is gone, but not forgotten", "Slack docs: users.info", _gone),
    row("who shares no channel is a stranger", "Slack docs: user object, is_stranger", _stranger_left),
    row("a scheduled message comes in time, with metadata never", "Slack docs: chat.scheduleMessage", _scheduled),
    row("a text over 4,000 characters is several messages", "reported: bolt-python issue 764", _split),
)
