"""Channels joined, looked up and read: messages of ours found where they stand."""

from __future__ import annotations

from typing import Any

import pytest

from bot.adapters.slack import SlackChat
from bot.errors import GiveUp, PlaceUnreachable, RetryLater, Unauthorised
from bot.ports import Posted
from tests.adapters.slack_stub import CARD, SINCE, SlackServer, error, ok
from tests.adapters.stub import body

# Joining


async def test_a_public_channel_is_joined_once_and_posted_to(chat: SlackChat, slack: SlackServer) -> None:
    """Nobody has to invite the bot to a public channel."""
    slack.tell("chat.postMessage", error("not_in_channel"), ok(channel="C0DEPLOYS", ts="3.000001"))
    slack.tell("conversations.list", ok(channels=[{"id": "C0DEPLOYS", "name": "deploys"}]))
    slack.tell("conversations.join", ok(channel={"id": "C0DEPLOYS"}))
    assert await chat.post("#deploys", CARD) == Posted("C0DEPLOYS", "3.000001")
    assert [method for method, _ in slack.calls] == [
        "chat.postMessage",
        "conversations.list",
        "conversations.join",
        "chat.postMessage",
    ]


@pytest.mark.parametrize("code", ["method_not_supported_for_channel_type", "channel_not_found"])
async def test_where_we_may_not_join_somebody_must_invite_us(code: str, chat: SlackChat, slack: SlackServer) -> None:
    """The person who reads this can do it in one line."""
    slack.tell("chat.postMessage", error("not_in_channel"))
    slack.tell("conversations.join", error(code))
    with pytest.raises(PlaceUnreachable, match="/invite @shipmate"):
        await chat.post("C0PRIVATE", CARD)
    assert len(slack.arguments("chat.postMessage")) == 1


async def test_a_scope_missing_to_join_is_told_as_it_is(chat: SlackChat, slack: SlackServer) -> None:
    """An invitation to this channel would mend no other one."""
    slack.tell("chat.postMessage", error("not_in_channel"))
    slack.tell("conversations.join", error("missing_scope", needed="channels:join"))
    with pytest.raises(Unauthorised, match="channels:join"):
        await chat.post("C0DEPLOYS", CARD)


async def test_joining_in_vain_is_not_repeated(chat: SlackChat, slack: SlackServer) -> None:
    """One join, one more try, then the truth."""
    slack.tell("chat.postMessage", error("not_in_channel"))
    slack.tell("conversations.join", ok())
    with pytest.raises(PlaceUnreachable):
        await chat.post("C0ODD", CARD)
    assert len(slack.arguments("conversations.join")) == 1
    assert len(slack.arguments("chat.postMessage")) == 2


async def test_an_archived_channel_is_called_archived(chat: SlackChat, slack: SlackServer) -> None:
    """An invitation would not help there."""
    slack.tell("chat.postMessage", error("not_in_channel"))
    slack.tell("conversations.join", error("is_archived"))
    with pytest.raises(PlaceUnreachable, match="unarchive"):
        await chat.post("C0OLD", CARD)


# Looking back


def standing(key: str, ts: str, *, bot_id: str = "B0SHIPMATE", event: str = "shipmate_message") -> dict[str, Any]:
    """A message of the history with our metadata."""
    metadata = {"event_type": event, "event_payload": {"key": key}}
    return {"type": "message", "ts": ts, "bot_id": bot_id, "user": "U0SOMEONE", "metadata": metadata}


async def test_messages_of_ours_are_found_page_by_page(chat: SlackChat, slack: SlackServer) -> None:
    """A page may be small; the search begins a minute early, since clocks differ."""
    slack.tell(
        "conversations.history",
        ok(
            messages=[standing("other", "9.0"), {"type": "message", "ts": "8.0", "text": "hello"}],
            response_metadata={"next_cursor": "more"},
        ),
        ok(messages=[standing("one", "7.0")], response_metadata={"next_cursor": ""}),
    )
    found = await chat.find("C0DEPLOYS", {"one", "two"}, since=SINCE)
    assert found == {"one": Posted("C0DEPLOYS", "7.0")}
    first, second = slack.arguments("conversations.history")
    assert first["oldest"] == f"{SINCE.timestamp() - 60:.6f}"
    assert first["include_all_metadata"] == "1"
    assert "cursor" not in first
    assert second["cursor"] == "more"


async def test_somebody_elses_metadata_does_not_deceive(chat: SlackChat, slack: SlackServer) -> None:
    """Any app of the workspace can write our key; only our own messages count."""
    slack.tell(
        "conversations.history",
        ok(
            messages=[
                standing("one", "9.0", bot_id="B0OTHER"),
                standing("two", "8.0", event="something_else"),
                {"type": "message", "ts": "7.0", "bot_id": "B0SHIPMATE", "metadata": "odd"},
                {**standing("three", "6.0"), "ts": 6},
            ]
        ),
    )
    assert await chat.find("C0DEPLOYS", {"one", "two", "three", ""}, since=SINCE) == {}


async def test_replies_are_looked_for_in_their_threads(chat: SlackChat, slack: SlackServer) -> None:
    """The channel's history does not show replies; a thread whose first message is gone holds nothing."""
    slack.tell("conversations.history", ok(messages=[]))
    slack.tell("conversations.replies", error("thread_not_found"), ok(messages=[standing("reply", "5.5")]))
    found = await chat.find("D0ANA", {"reply"}, since=SINCE, threads=["4.0", "5.0", "6.0"])
    assert found == {"reply": Posted("D0ANA", "5.5")}
    assert [sent["ts"] for sent in slack.arguments("conversations.replies")] == ["4.0", "5.0"]


async def test_the_search_ends_when_all_is_found(chat: SlackChat, slack: SlackServer) -> None:
    """No page and no thread is read for nothing."""
    slack.tell(
        "conversations.history",
        ok(messages=[standing("one", "9.0")], response_metadata={"next_cursor": "more"}),
    )
    assert await chat.find("C0DEPLOYS", {"one"}, since=SINCE, threads=["1.0"]) == {"one": Posted("C0DEPLOYS", "9.0")}
    assert len(slack.arguments("conversations.history")) == 1
    assert slack.arguments("conversations.replies") == []


async def test_nothing_to_look_for_asks_nothing(chat: SlackChat, slack: SlackServer) -> None:
    """Not even who we are."""
    assert await chat.find("#deploys", set(), since=SINCE) == {}
    assert slack.calls == []


async def test_a_channels_name_is_looked_up_once(chat: SlackChat, slack: SlackServer) -> None:
    """The list is long and its limit is low."""
    slack.tell("conversations.history", ok(messages=[]))
    slack.tell(
        "conversations.list",
        ok(channels=[{"id": "C0GENERAL", "name": "general"}], response_metadata={"next_cursor": "c2"}),
        ok(channels=[{"id": "C0DEPLOYS", "name": "deploys"}]),
    )
    await chat.find("#deploys", {"one"}, since=SINCE)
    await chat.find("#deploys", {"one"}, since=SINCE)
    assert [sent["channel"] for sent in slack.arguments("conversations.history")] == ["C0DEPLOYS"] * 2
    assert len(slack.arguments("conversations.list")) == 2
    assert len(slack.arguments("auth.test")) == 1


async def test_a_channel_posted_to_needs_no_looking_up(chat: SlackChat, slack: SlackServer) -> None:
    """The answer to a post says its channel's id."""
    slack.tell("conversations.history", ok(messages=[]))
    await chat.post("#deploys", CARD)
    await chat.find("#deploys", {"one"}, since=SINCE)
    assert slack.arguments("conversations.list") == []


async def test_a_name_that_vanished_is_forgotten(chat: SlackChat, slack: SlackServer) -> None:
    """A channel may be made anew under its old name, with another id."""
    await chat.post("#deploys", CARD)
    slack.tell("chat.postMessage", error("channel_not_found"))
    with pytest.raises(PlaceUnreachable):
        await chat.post("#deploys", CARD)
    slack.tell("conversations.list", ok(channels=[{"id": "C0NEW", "name": "deploys"}]))
    slack.tell("conversations.history", ok(messages=[]))
    await chat.find("#deploys", {"one"}, since=SINCE)
    assert slack.arguments("conversations.history")[0]["channel"] == "C0NEW"


async def test_an_unknown_name_is_a_place_that_cannot_be_reached(chat: SlackChat, slack: SlackServer) -> None:
    """It may be private: then an invitation helps."""
    slack.tell("conversations.list", ok(channels=[]))
    with pytest.raises(PlaceUnreachable, match="/invite"):
        await chat.find("#nowhere", {"one"}, since=SINCE)


async def test_a_persons_conversation_is_opened_to_be_read(chat: SlackChat, slack: SlackServer) -> None:
    """History knows conversations, not people."""
    slack.tell("conversations.open", ok(channel={"id": "D0ANA"}))
    slack.tell("conversations.history", ok(messages=[standing("dm", "2.0")]))
    assert await chat.find("U0ANA", {"dm"}, since=SINCE) == {"dm": Posted("D0ANA", "2.0")}
    assert slack.arguments("conversations.open")[0]["users"] == "U0ANA"


async def test_a_conversation_without_an_id_is_asked_for_again(chat: SlackChat, slack: SlackServer) -> None:
    """Half an answer is none."""
    slack.tell("conversations.open", ok(channel={}), ok(channel={"id": "D0ANA"}))
    slack.tell("conversations.history", ok(messages=[]))
    with pytest.raises(RetryLater):
        await chat.find("U0ANA", {"dm"}, since=SINCE)
    assert await chat.find("U0ANA", {"dm"}, since=SINCE) == {}


async def test_a_public_channel_is_joined_to_be_read(chat: SlackChat, slack: SlackServer) -> None:
    """Posting there needed no membership, so a doubtful post may have gone to a channel we cannot read."""
    slack.tell("conversations.history", error("not_in_channel"), ok(messages=[standing("one", "2.0")]))
    slack.tell("conversations.join", ok())
    assert "one" in await chat.find("C0DEPLOYS", {"one"}, since=SINCE)
    assert slack.arguments("conversations.join") == [{"channel": "C0DEPLOYS"}]


async def test_where_we_may_not_read_nothing_is_known(chat: SlackChat, slack: SlackServer) -> None:
    """We may have posted there all the same: the message in doubt is held, where an unreachable place would free it."""
    slack.tell("conversations.history", error("not_in_channel"))
    slack.tell("conversations.join", error("method_not_supported_for_channel_type"))
    with pytest.raises(GiveUp, match="cannot look") as raised:
        await chat.find("C0DEPLOYS", {"one"}, since=SINCE)
    assert not isinstance(raised.value, PlaceUnreachable)


async def test_a_listing_cut_short_is_gone_on_with(chat: SlackChat, slack: SlackServer) -> None:
    """Begun anew by each try, that of a large workspace would never end; what was met on the way is known."""
    slack.tell("conversations.history", ok(messages=[]))
    slack.tell(
        "conversations.list",
        ok(channels=[{"id": "C0FIRST", "name": "first"}], response_metadata={"next_cursor": "c2"}),
        body({"ok": False, "error": "ratelimited"}, Retry_After="30"),
        ok(channels=[{"id": "C0LAST", "name": "last"}, {"name": "odd"}]),
    )
    with pytest.raises(RetryLater):
        await chat.find("#last", {"one"}, since=SINCE)
    await chat.find("#first", {"one"}, since=SINCE)
    await chat.find("#last", {"one"}, since=SINCE)
    assert [sent["channel"] for sent in slack.arguments("conversations.history")] == ["C0FIRST", "C0LAST"]
    assert [sent.get("cursor") for sent in slack.arguments("conversations.list")] == [None, "c2", "c2"]
    assert {sent["limit"] for sent in slack.arguments("conversations.list")} == {"999"}


async def test_a_listing_that_cannot_be_gone_on_with_begins_anew(chat: SlackChat, slack: SlackServer) -> None:
    """Its cursor went stale, or its pages go round in a circle."""
    slack.tell("conversations.history", ok(messages=[]))
    slack.tell(
        "conversations.list",
        ok(channels=[], response_metadata={"next_cursor": "c2"}),
        error("invalid_cursor"),
        ok(channels=[], response_metadata={"next_cursor": "c3"}),
        ok(channels=[], response_metadata={"next_cursor": "c3"}),
        ok(channels=[{"id": "C0DEPLOYS", "name": "deploys"}]),
    )
    with pytest.raises(GiveUp, match="invalid_cursor"):
        await chat.find("#deploys", {"one"}, since=SINCE)
    with pytest.raises(RetryLater, match="circle"):
        await chat.find("#deploys", {"one"}, since=SINCE)
    await chat.find("#deploys", {"one"}, since=SINCE)
    assert [sent.get("cursor") for sent in slack.arguments("conversations.list")] == [None, "c2", None, "c3", None]


async def test_pages_that_go_round_in_a_circle_end(chat: SlackChat, slack: SlackServer) -> None:
    """And are no proof that a message is missing."""
    slack.tell("conversations.history", ok(messages=[], response_metadata={"next_cursor": "again"}))
    with pytest.raises(RetryLater, match="circle"):
        await chat.find("C0DEPLOYS", {"one"}, since=SINCE)
