"""Rooms in the stand-in Slack over real HTTP: opened once whatever fails, people let in, what stands in their heads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC

import pytest

from bot.adapters.slack import SlackChat
from bot.adapters.slack_rooms import LONGEST_NAME, LONGEST_TOPIC, MOST_INVITED
from bot.adapters.slack_shapes import words
from bot.errors import Doubtful, GiveUp, PlaceUnreachable, RetryLater
from bot.ports import Chat, Message, Posted, Room, Rooms
from bot.sandbox.server import Sandbox
from bot.sandbox.world import BOT_USER_ID, Channel, Person
from tests.adapters.between import Between
from tests.conftest import UNHURRIED

NAME = "inc-2026-11-21-checkout-5xx"
KEY = "room:7"


@pytest.fixture
async def chat(sandbox: Sandbox, network: Between) -> AsyncIterator[SlackChat]:
    """The bot's Slack, behind a network that can fail."""
    made = connected(sandbox, network.url)
    yield made
    await made.close()


def connected(sandbox: Sandbox, address: str) -> SlackChat:
    """The bot's Slack at this address."""
    return SlackChat(sandbox.slack.bot_token, f"{address}/api/", timeout=UNHURRIED)


def both(chat: SlackChat) -> tuple[Chat, Rooms]:
    """One object is both ports."""
    return chat, chat


def card(text: str = "checkout 5xx") -> Message:
    """What stands in a room."""
    return Message(text=text, blocks=[], key="card:incident:7")


def rooms(sandbox: Sandbox) -> list[Channel]:
    """The channels that the bot made, oldest first."""
    return [one for one in sandbox.world.channels.values() if one.creator == BOT_USER_ID and not one.person]


async def opened(chat: Rooms, *, key: str = KEY, name: str = NAME, private: bool = False) -> Room:
    """Have the room of this key open."""
    return await chat.open_room(name, key, private=private)


# Opening


@pytest.mark.parametrize("private", [False, True])
async def test_a_room_is_opened_once_for_a_key(private: bool, chat: SlackChat, sandbox: Sandbox) -> None:
    """Its purpose carries the key; asked again, the same room is given, also where people renamed it."""
    _, port = both(chat)
    room = await opened(port, private=private)
    assert room.name == NAME
    (made,) = rooms(sandbox)
    assert (made.id, made.private, made.members) == (room.channel, private, {BOT_USER_ID})
    assert KEY in made.purpose
    assert await opened(chat, private=private) == room
    sandbox.world.rename_channel(made, "inc-checkout")
    assert await opened(chat, private=private) == Room(room.channel, "inc-checkout")
    assert len(rooms(sandbox)) == 1


@pytest.mark.parametrize("method", ["conversations.create", "conversations.setPurpose"])
@pytest.mark.parametrize("how", ["cut", "accept_then_cut", "http_500", "ratelimited"])
async def test_whatever_fails_there_is_one_room(method: str, how: str, chat: SlackChat, sandbox: Sandbox) -> None:
    """Every failure may be followed by another try: it takes what it finds, and makes no second room."""
    sandbox.slack.fault(how, method=method, times=1)
    with pytest.raises(RetryLater):
        await opened(chat)
    room = await opened(chat)
    assert [(one.id, one.name) for one in rooms(sandbox)] == [(room.channel, NAME)]
    assert KEY in rooms(sandbox)[0].purpose


async def test_an_end_between_making_a_room_and_marking_it_makes_no_second_one(
    chat: SlackChat, sandbox: Sandbox
) -> None:
    """Another process goes on where the first one ended: the room is ours and has no purpose yet."""
    sandbox.slack.fault("hang", method="conversations.setPurpose", times=1)
    begun = asyncio.create_task(opened(chat))
    await sandbox.slack.until(lambda: rooms(sandbox))
    begun.cancel()
    await asyncio.gather(begun, return_exceptions=True)
    sandbox.slack.clear_faults()
    another = connected(sandbox, sandbox.url)
    try:
        room = await opened(another)
    finally:
        await another.close()
    assert [(one.id, KEY in one.purpose) for one in rooms(sandbox)] == [(room.channel, True)]


@pytest.mark.parametrize("taken", ["theirs", "archived", "ours", "theirs with our key"])
async def test_a_name_that_is_taken_gets_a_suffix(taken: str, chat: SlackChat, sandbox: Sandbox) -> None:
    """Somebody else's channel is never taken over, nor another incident's room, whatever their purpose says."""
    if taken == "ours":
        await opened(chat, key="room:70")
    else:
        purpose = f"Made by Shipmate for an incident ({KEY})" if taken == "theirs with our key" else ""
        members = {"U0ANA", BOT_USER_ID}
        sandbox.world.add_channel(NAME, members=members, purpose=purpose, archived=taken == "archived", creator="U0ANA")
    first = await opened(chat)
    assert first.name == f"{NAME}-2"
    assert await opened(chat) == first
    assert (await opened(chat, key="room:8")).name == f"{NAME}-3"


async def test_a_room_that_was_archived_is_not_taken_again(chat: SlackChat, sandbox: Sandbox) -> None:
    """People closed it: the incident has a new one."""
    first = await opened(chat)
    await chat.archive(first.channel)
    await chat.archive(first.channel)
    assert sandbox.world.channels[first.channel].archived
    assert (await opened(chat)).name == f"{NAME}-2"


async def test_two_at_once_of_one_name_have_a_room_each(chat: SlackChat, sandbox: Sandbox) -> None:
    """Neither takes the other's, which has no purpose yet."""
    found = await asyncio.gather(opened(chat), opened(chat, key="room:8"), opened(chat))
    assert len({one.channel for one in found}) == 2
    assert found[0] == found[2]
    assert len(rooms(sandbox)) == 2


async def test_a_long_name_has_room_for_its_suffix(chat: SlackChat, sandbox: Sandbox) -> None:
    """Names have at most 80 characters (docs.slack.dev, conversations.create)."""
    name = "inc-" + "x" * 200
    first, second = [await opened(chat, key=key, name=name) for key in ("room:1", "room:2")]
    assert len(first.name) == len(second.name) == LONGEST_NAME
    assert second.name.endswith("-2")
    del sandbox


async def test_where_every_name_is_taken_somebody_is_told(chat: SlackChat, sandbox: Sandbox) -> None:
    """After the ninth."""
    for number in range(1, 10):
        sandbox.world.add_channel(NAME if number == 1 else f"{NAME}-{number}", creator="U0ANA")
    with pytest.raises(GiveUp, match="is taken"):
        await opened(chat)


@pytest.mark.parametrize("code", ["restricted_action", "cannot_create_channel", "user_is_restricted"])
async def test_a_workspace_that_lets_apps_make_no_channels_says_who_can(
    code: str, chat: SlackChat, sandbox: Sandbox, network: Between
) -> None:
    """It is no fault of a place, so no other place is tried."""
    network.spoil("answer", path="conversations.create", status=200, body={"ok": False, "error": code})
    with pytest.raises(GiveUp, match="ask an admin") as raised:
        await opened(chat)
    assert not isinstance(raised.value, PlaceUnreachable)
    assert rooms(sandbox) == []


# Who is in it


async def test_people_are_let_in_a_hundred_at_a_time(chat: SlackChat, sandbox: Sandbox) -> None:
    """Who cannot be is named with Slack's reason; who is there already is well."""
    room = await opened(chat)
    crowd = [f"U0CROWD{number}" for number in range(MOST_INVITED + 20)]
    for number, who in enumerate(crowd):
        sandbox.world.add_person(Person(key=f"crowd{number}", slack_id=who, real_name=who, email=f"{who}@example.com"))
    refused = await chat.invite(room.channel, [*crowd, "U0NOBODY", "U0ANA", BOT_USER_ID, "U0ANA"])
    assert refused == {"U0NOBODY": "user_not_found"}
    assert {*crowd, "U0ANA"} <= sandbox.world.channels[room.channel].members
    calls = [one for one in sandbox.slack.calls if one.method == "conversations.invite"]
    assert [len(str(one.args["users"]).split(",")) for one in calls] == [MOST_INVITED, 23]
    assert await chat.invite(room.channel, ["U0ANA"]) == {}
    assert await chat.invite(room.channel, []) == {}


@pytest.mark.parametrize("code", ["cant_invite", "no_permission"])
async def test_where_nobody_can_be_let_in_each_has_a_reason(
    code: str, chat: SlackChat, sandbox: Sandbox, network: Between
) -> None:
    """Also where Slack names one reason for all, be it that we may not invite somebody: it is no fault of our token."""
    room = await opened(chat)
    assert await chat.invite(room.channel, ["U0NOBODY"]) == {"U0NOBODY": "user_not_found"}
    two = ["U0NOBODY", "U0NOBODY2"]
    assert await chat.invite(room.channel, two) == dict.fromkeys(two, "user_not_found")
    network.spoil("answer", path="conversations.invite", status=200, body={"ok": False, "error": code})
    assert await chat.invite(room.channel, ["U0ANA", "U0NOBODY"]) == {"U0NOBODY": "user_not_found"}
    assert "U0ANA" in sandbox.world.channels[room.channel].members


async def test_a_room_that_is_gone_is_told_as_such(chat: SlackChat) -> None:
    """It is the place that cannot be reached, not the people."""
    room = await opened(chat)
    await chat.archive(room.channel)
    with pytest.raises(PlaceUnreachable):
        await chat.invite(room.channel, ["U0ANA", "U0BEN"])
    with pytest.raises(PlaceUnreachable):
        await chat.set_topic(room.channel, "late")


# What stands in its head


async def test_a_rooms_head(chat: SlackChat, sandbox: Sandbox) -> None:
    """Topic, pin and bookmarks; each twice is once."""
    room = await opened(chat)
    at = await chat.post(room.channel, card())
    for _ in range(2):
        await chat.set_topic(room.channel, "SEV3 · lead nobody yet\n" + "x" * 300)
        await chat.pin(at)
        await chat.bookmark(room.channel, "Runbook", "https://runbooks.example/checkout")
    await chat.bookmark(room.channel, "Dashboard " + "x" * 300, "https://grafana.example/d/1?from=1&to=2")
    channel = sandbox.world.channels[room.channel]
    assert len(channel.topic) == LONGEST_TOPIC
    assert "\n" not in channel.topic
    assert sandbox.slack.messages(room.name)[0].pinned_at is not None
    assert [one["link"] for one in channel.bookmarks] == [
        "https://runbooks.example/checkout",
        "https://grafana.example/d/1?from=1&to=2",
    ]


async def test_a_bookmark_that_leads_elsewhere_now_is_changed_and_a_persons_is_not(
    chat: SlackChat, sandbox: Sandbox
) -> None:
    """PagerDuty's incident is another one once a page was passed on; what somebody wrote there stays theirs."""
    room = await opened(chat)
    first, second, third = (f"https://pager.example/incidents/{name}" for name in ("Q1", "Q2", "Q3"))
    for _ in range(2):
        for url in (first, second):
            await chat.bookmark(room.channel, "PagerDuty", url)
    bookmarks = sandbox.world.channels[room.channel].bookmarks
    assert [(one["title"], one["link"]) for one in bookmarks] == [("PagerDuty", second)]
    bookmarks[0]["last_updated_by_user_id"] = "U0ANA"
    await chat.bookmark(room.channel, "PagerDuty", third)
    assert [one["link"] for one in bookmarks] == [second, third]


async def test_a_bookmark_whose_answer_was_lost_is_not_put_twice(chat: SlackChat, sandbox: Sandbox) -> None:
    """The second try sees it."""
    room = await opened(chat)
    sandbox.slack.fault("accept_then_cut", method="bookmarks.add", times=1)
    with pytest.raises(RetryLater):
        await chat.bookmark(room.channel, "Runbook", "https://runbooks.example/checkout")
    await chat.bookmark(room.channel, "Runbook", "https://runbooks.example/checkout")
    assert len(sandbox.world.channels[room.channel].bookmarks) == 1


@pytest.mark.parametrize("url", ["javascript:alert(1)", "runbook", "https://x.example/" + "y" * 3000, ""])
async def test_what_is_no_link_is_not_sent(url: str, chat: SlackChat, sandbox: Sandbox) -> None:
    """It says what a bookmark is."""
    with pytest.raises(GiveUp, match="https://"):
        await chat.bookmark("C0DEPLOYS", "Runbook", url)
    assert not [one for one in sandbox.slack.calls if one.method == "bookmarks.add"]


# What is said there


async def test_a_whisper_is_for_one_person(chat: SlackChat, sandbox: Sandbox) -> None:
    """Who must be in the channel."""
    room = await opened(chat)
    with pytest.raises(PlaceUnreachable):
        await chat.whisper(room.channel, "U0ANA", card("You came late"))
    await chat.invite(room.channel, ["U0ANA"])
    await chat.whisper(room.channel, "U0ANA", card("You came late"))
    (said,) = sandbox.slack.messages(room.name)
    assert (said.ephemeral_for, said.text) == ("U0ANA", "You came late")


async def test_a_message_is_heard_in_the_channel_and_in_a_thread(chat: SlackChat, sandbox: Sandbox) -> None:
    """Who wrote it, the words as people read them, where it stands."""
    parent = await sandbox.slack.say("ana", "I see <5xx> & timeouts, @ben", channel="#deploys")
    reply = await sandbox.slack.say("ben", "Rolled back", channel="#deploys", thread_ts=parent.ts)
    await sandbox.slack.say("dee", "Thanks", channel="#deploys", thread_ts=parent.ts)
    heard = await chat.heard("C0DEPLOYS", parent.ts)
    assert heard is not None
    assert (heard.author, heard.text) == ("U0ANA", "I see <5xx> & timeouts, @Ben")
    assert heard.permalink == f"{sandbox.url}/archives/C0DEPLOYS/p{parent.ts.replace('.', '')}"
    assert abs(heard.at.timestamp() - float(parent.ts)) < 0.001
    assert heard.at.tzinfo is UTC
    below = await chat.heard("C0DEPLOYS", reply.ts)
    assert below is not None
    assert (below.author, below.text) == ("U0BEN", "Rolled back")
    assert below.permalink is not None
    assert f"thread_ts={parent.ts}" in below.permalink


async def test_what_an_app_said_has_no_author_and_what_is_gone_is_nothing(chat: SlackChat) -> None:
    """Neither is an error."""
    at = await chat.post("#deploys", card())
    heard = await chat.heard(at.channel, at.ts)
    assert heard is not None
    assert heard.author is None
    assert await chat.heard(at.channel, "1700000000.000001") is None


@pytest.mark.parametrize(
    ("marked", "read"),
    [
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("<@U0ANA> and <@U0X|xavier> and <@U0Y>", "@Ana and @xavier and @U0Y"),
        ("<#C1|deploys> <#C2> <!here> <!subteam^S1|@leads> <!subteam^S2>", "#deploys #C2 @here @leads @subteam"),
        ("<https://a.example|runbook> <https://b.example>", "runbook (https://a.example) https://b.example"),
        ("<https://a.example|https://a.example>", "https://a.example"),
        ("1 < 2 > 1", "1 < 2 > 1"),
    ],
)
def test_marked_text_is_read_as_people_read_it(marked: str, read: str) -> None:
    assert words(marked, {"U0ANA": "Ana"}) == read


# Documents


async def test_a_document_is_the_channels_canvas(chat: SlackChat, sandbox: Sandbox) -> None:
    """The second text comes below the first, in which somebody has written meanwhile."""
    room = await opened(chat)
    first = await chat.put_document(room.channel, "Postmortem", "# Draft", "Draft")
    canvas = sandbox.world.channels[room.channel].canvas
    assert canvas is not None
    assert first == f"{sandbox.url}/docs/T0ACME/{canvas.id}"
    canvas.markdown += "\nWe learnt this. Final? No."
    for _ in range(2):
        assert await chat.put_document(room.channel, "Postmortem", "# Final", "Final") == first
    assert canvas.title == "Postmortem"
    assert canvas.markdown == "# Draft\nWe learnt this. Final? No.\n---\n\n# Final"


@pytest.mark.parametrize("method", ["conversations.canvases.create", "canvases.edit"])
async def test_a_canvas_whose_answer_was_lost_is_not_written_on_twice(
    method: str, chat: SlackChat, sandbox: Sandbox
) -> None:
    """The second try finds the heading."""
    room = await opened(chat)
    if method == "canvases.edit":
        await chat.put_document(room.channel, "Postmortem", "# Draft", "Draft")
    sandbox.slack.fault("accept_then_cut", method=method, times=1)
    with pytest.raises(RetryLater):
        await chat.put_document(room.channel, "Postmortem", "# Final", "Final")
    assert await chat.put_document(room.channel, "Postmortem", "# Final", "Final") is not None
    canvas = sandbox.world.channels[room.channel].canvas
    assert canvas is not None
    assert canvas.markdown.count("# Final") == 1
    assert sandbox.slack.messages(room.name) == []


async def test_without_canvases_it_is_a_file(chat: SlackChat, sandbox: Sandbox, network: Between) -> None:
    """Sent to Slack itself: the address it names must be Slack's, or the one that is configured as Slack."""
    sandbox.slack.paid_plan = False
    sandbox.slack.url = network.url
    room = await opened(chat)
    where = await chat.put_document(room.channel, "Postmortem: checkout 5xx", "# Draft — ünïcode\n", "Draft")
    (said,) = sandbox.slack.messages(room.name)
    (file,) = said.files
    assert (file.name, file.title) == ("postmortem-checkout-5xx.md", "Postmortem: checkout 5xx")
    assert (file.content or b"").decode() == "# Draft — ünïcode\n"
    assert where is not None
    assert file.id in where


async def test_a_file_is_sent_to_nobody_else(chat: SlackChat, sandbox: Sandbox) -> None:
    """Here Slack's answer names another address than the one that was configured: nothing is sent there."""
    sandbox.slack.paid_plan = False
    room = await opened(chat)
    with pytest.raises(RetryLater, match="not Slack's"):
        await chat.put_document(room.channel, "Postmortem", "# Secret", "Draft")
    assert all(one.content is None for one in sandbox.slack.uploads.values())


@pytest.mark.parametrize(
    ("method", "how", "kind"),
    [
        ("files.getUploadURLExternal", "accept_then_cut", RetryLater),
        ("upload", "accept_then_cut", RetryLater),
        ("upload", "http_500", RetryLater),
        ("files.completeUploadExternal", "accept_then_cut", Doubtful),
        ("files.completeUploadExternal", "ratelimited", RetryLater),
    ],
)
async def test_a_file_is_doubtful_only_once_people_may_see_it(
    method: str, how: str, kind: type[Exception], sandbox: Sandbox
) -> None:
    """Before that, another try is harmless."""
    sandbox.slack.paid_plan = False
    chat = connected(sandbox, sandbox.url)
    try:
        room = await opened(chat)
        sandbox.slack.fault(how, method=method, times=1)
        with pytest.raises(kind) as raised:
            await chat.put_document(room.channel, "Postmortem", "# Draft", "Draft")
        assert type(raised.value) is kind
        assert len(sandbox.slack.messages(room.name)) == (1 if kind is Doubtful else 0)
    finally:
        await chat.close()


async def test_a_pin_of_what_is_gone_is_told(chat: SlackChat) -> None:
    with pytest.raises(GiveUp):
        await chat.pin(Posted("C0DEPLOYS", "1700000000.000001"))
