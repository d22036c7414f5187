"""The Slack adapter over real HTTP, against a small server that answers as Slack does, well or badly."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.slack import SlackChat
from bot.adapters.slack_calls import METHODS
from bot.adapters.slack_errors import ERRORS, Remedy
from bot.errors import Doubtful, GiveUp, MessageGone, OutgoingError, PlaceUnreachable, RetryLater, Unauthorised
from bot.ports import Member, Message, Posted

TOKEN = "xoxb-not-a-real-token-7281"
SINCE = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CARD = Message(
    text="checkout live in production",
    blocks=[{"type": "section", "text": {"type": "plain_text", "text": "checkout"}}],
    key="card:deploy:7:#deploys",
    metadata={"kind": "card"},
)
STANDING = Posted("C0DEPLOYS", "1763640000.000100")
METHOD_PAGES = Path(__file__).parents[2].parent / "shared" / "payloads" / "slack" / "methods"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def ok(**fields: Any) -> Answer:
    """A success."""
    return body({"ok": True, **fields})


def error(code: str, **fields: Any) -> Answer:
    """A refusal as Slack words it: HTTP 200, ``ok: false``."""
    return body({"ok": False, "error": code, **fields})


def body(value: object, *, headers: dict[str, str] | None = None) -> Answer:
    """Any JSON."""
    return raw(json.dumps(value), kind="application/json", headers=headers)


def raw(content: str, *, status: int = 200, kind: str = "text/html", headers: dict[str, str] | None = None) -> Answer:
    """Any answer at all."""

    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(text=content, status=status, content_type=kind, headers=headers)

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    """Take the whole request, then cut the connection."""
    await request.read()
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_within(request: web.Request) -> web.StreamResponse:
    """Begin an answer and cut the connection in the middle of it."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"ok": tr')
    assert request.transport is not None
    request.transport.abort()
    return response


async def hang(request: web.Request) -> web.StreamResponse:
    """Never answer; the server's end wakes it."""
    await request.app[RELEASED].wait()
    return web.Response()


RELEASED = web.AppKey("released", asyncio.Event)


class SlackServer:
    """Answers each method with what it was told to, in turn; the last answer is repeated."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.peers: set[object] = set()
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        app = web.Application()
        app[RELEASED] = asyncio.Event()
        app.router.add_route("*", "/api/{method}", self._handle)
        app.router.add_post("/hook/{method}", self._handle)
        self.app = app
        self.server = TestServer(app, host="127.0.0.1")

    def tell(self, method: str, *answers: Answer) -> None:
        """From now on."""
        self._answers[method] = list(answers)

    def arguments(self, method: str) -> list[dict[str, Any]]:
        """What a method was called with."""
        return [arguments for called, arguments in self.calls if called == method]

    @property
    def url(self) -> str:
        """The Web API's address."""
        return str(self.server.make_url("/api/"))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json" and request.can_read_body:
            arguments |= await request.json()
        self.calls.append((method, arguments))
        self.headers.append(dict(request.headers))
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
        answers = self._answers[method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return await answer(request)


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """A running server that knows who we are."""
    made = SlackServer()
    made.tell(
        "auth.test",
        body(
            {
                "ok": True,
                "url": "https://acme.slack.example/",
                "team": "Acme",
                "team_id": "T0ACME",
                "user": "shipmate",
                "user_id": "U0SHIPMATE",
                "bot_id": "B0SHIPMATE",
            },
            headers={"x-oauth-scopes": "chat:write, users:read"},
        ),
    )
    made.tell("chat.postMessage", ok(channel=STANDING.channel, ts=STANDING.ts, message={}))
    await made.server.start_server()
    yield made
    made.app[RELEASED].set()
    await made.server.close()


@pytest.fixture
async def chat(slack: SlackServer) -> AsyncIterator[SlackChat]:
    """The adapter under test, with little patience."""
    made = SlackChat(TOKEN, slack.url, timeout=0.5)
    yield made
    await made.close()


def told(fault: BaseException | None) -> str:
    """Everything an error and its causes would show in a log."""
    words = []
    while fault is not None:
        words.append(f"{fault} {fault!r} {fault.__dict__!r}")
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    return " ".join(words)


# Posting


async def test_a_message_goes_out_whole_and_quiet(chat: SlackChat, slack: SlackServer) -> None:
    """Text, blocks and the key in the metadata; nothing unfurls and nothing in the text is parsed."""
    assert await chat.post("#deploys", CARD) == STANDING
    (sent,) = slack.arguments("chat.postMessage")
    assert sent["channel"] == "#deploys"
    assert sent["text"] == CARD.text
    assert sent["blocks"] == CARD.blocks
    assert sent["metadata"] == {
        "event_type": "shipmate_message",
        "event_payload": {"key": CARD.key, "kind": "card"},
    }
    assert (sent["parse"], sent["unfurl_links"], sent["unfurl_media"]) == ("none", False, False)
    assert "thread_ts" not in sent
    assert "link_names" not in sent
    assert slack.headers[-1]["Authorization"] == f"Bearer {TOKEN}"


async def test_a_reply_names_its_thread(chat: SlackChat, slack: SlackServer) -> None:
    """A loud reply stands under the card."""
    await chat.post("C0DEPLOYS", CARD, thread="1763640000.000001")
    assert slack.arguments("chat.postMessage")[0]["thread_ts"] == "1763640000.000001"


async def test_a_person_is_written_to_by_their_id(chat: SlackChat, slack: SlackServer) -> None:
    """Slack opens the conversation itself; the answer says which it is."""
    slack.tell("chat.postMessage", ok(channel="D0ANA", ts="1.000001"))
    assert await chat.post("U0ANA", CARD) == Posted("D0ANA", "1.000001")
    assert slack.arguments("chat.postMessage")[0]["channel"] == "U0ANA"


async def test_the_key_alone_decides_the_client_message_id(chat: SlackChat, slack: SlackServer) -> None:
    """The same message tried again carries the same id, another message another."""
    await chat.post("#deploys", CARD)
    await chat.post("#deploys", Message(text="changed since", blocks=[], key=CARD.key))
    await chat.post("#deploys", Message(text=CARD.text, blocks=[], key="another"))
    first, again, other = (sent["client_msg_id"] for sent in slack.arguments("chat.postMessage"))
    assert first == again != other


async def test_an_id_slack_remembers_of_a_deleted_message_is_dropped(chat: SlackChat, slack: SlackServer) -> None:
    """A card that somebody deleted is posted anew under its key; Slack must not refuse it for ever."""
    slack.tell("chat.postMessage", error("duplicate_message_not_found"), ok(channel="C1", ts="2.000001"))
    assert await chat.post("#deploys", CARD) == Posted("C1", "2.000001")
    first, second = slack.arguments("chat.postMessage")
    assert "client_msg_id" in first
    assert "client_msg_id" not in second


async def test_an_answer_without_a_place_is_doubtful(chat: SlackChat, slack: SlackServer) -> None:
    """It was posted, but nobody knows where: look before trying again."""
    slack.tell("chat.postMessage", ok())
    with pytest.raises(Doubtful):
        await chat.post("#deploys", CARD)


async def test_all_calls_share_one_connection(chat: SlackChat, slack: SlackServer) -> None:
    """The SDK alone would open one for each."""
    for _ in range(5):
        await chat.post("#deploys", CARD)
    assert len(slack.peers) == 1


# Unknown outcomes

BROKEN: dict[str, Answer] = {
    "cut after sending": cut,
    "cut within the answer": cut_within,
    "no answer in time": hang,
    "HTTP 500": raw("", status=500),
    "HTTP 502 in HTML": raw("<h1>Bad gateway</h1>", status=502),
    "HTML with 200": raw("<h1>Welcome</h1>"),
    "plain text with 200": raw("ok", kind="text/plain"),
    "a list with 200": body([1, 2]),
    "an empty object with 200": body({}),
    "null with 200": body(None),
    "nothing with 200": raw("", kind="application/json"),
    "broken JSON with 200": raw('{"ok": tru', kind="application/json"),
    "bytes with 200": raw("data", kind="application/gzip"),
    "internal_error": error("internal_error"),
    "fatal_error": error("fatal_error"),
    "service_unavailable": error("service_unavailable"),
    "request_timeout": error("request_timeout"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_post_of_unknown_outcome_is_doubtful_and_not_repeated(
    fault: str, chat: SlackChat, slack: SlackServer
) -> None:
    """It may stand in the channel: only a look into the history tells. The SDK would have sent it twice."""
    slack.tell("chat.postMessage", BROKEN[fault])
    with pytest.raises(Doubtful) as raised:
        await chat.post("#deploys", CARD)
    assert len(slack.arguments("chat.postMessage")) == 1
    assert TOKEN not in told(raised.value)


@pytest.mark.parametrize("fault", BROKEN)
async def test_an_edit_of_unknown_outcome_is_tried_again(fault: str, chat: SlackChat, slack: SlackServer) -> None:
    """The same edit twice shows the same, so there is nothing to look for."""
    slack.tell("chat.update", BROKEN[fault])
    with pytest.raises(RetryLater) as raised:
        await chat.update(STANDING, CARD)
    assert raised.value.delay is None
    assert not raised.value.rate_limited


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_question_without_an_answer_is_asked_again(fault: str, chat: SlackChat, slack: SlackServer) -> None:
    """Reading changes nothing."""
    slack.tell("users.lookupByEmail", BROKEN[fault])
    with pytest.raises(RetryLater):
        await chat.member_by_email("ana@acme.example")


async def test_what_was_certainly_not_sent_is_tried_again() -> None:
    """Nobody listens at the address: nothing can have been posted."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        lonely = SlackChat(TOKEN, f"http://127.0.0.1:{port}/api/")
        try:
            with pytest.raises(RetryLater, match="cannot connect"):
                await lonely.post("#deploys", CARD)
        finally:
            await lonely.close()


async def test_a_refusal_that_is_not_slacks_posted_nothing(chat: SlackChat, slack: SlackServer) -> None:
    """A proxy's 403 or a wrong address: Slack answers its own refusals with 200."""
    slack.tell("chat.postMessage", raw("<h1>Forbidden</h1>", status=403))
    with pytest.raises(RetryLater, match="SLACK_API_URL"):
        await chat.post("#deploys", CARD)


async def test_an_address_that_is_none_is_told(chat: SlackChat) -> None:
    """No try will mend a setting."""
    wrong = SlackChat(TOKEN, "slack.example/api/")
    try:
        with pytest.raises(GiveUp, match="SLACK_API_URL"):
            await wrong.update(STANDING, CARD)
    finally:
        await wrong.close()


# Refusals


@pytest.mark.parametrize(
    ("headers", "delay"),
    [({"Retry-After": "7"}, 7.0), ({}, None), ({"Retry-After": "soon"}, None), ({"Retry-After": "-1"}, None)],
)
async def test_slack_says_how_long_to_wait(
    headers: dict[str, str], delay: float | None, chat: SlackChat, slack: SlackServer
) -> None:
    """A 429 had no effect; where Slack names no time, or none that makes sense, the caller backs off."""
    answer = json.dumps({"ok": False, "error": "ratelimited"})
    slack.tell("chat.postMessage", raw(answer, status=429, kind="application/json", headers=headers))
    with pytest.raises(RetryLater) as raised:
        await chat.post("#deploys", CARD)
    assert raised.value.rate_limited
    assert raised.value.delay == delay


async def test_a_429_in_html_is_a_429(chat: SlackChat, slack: SlackServer) -> None:
    """The edge of the network answers in its own words."""
    slack.tell("chat.update", raw("slow down", status=429, kind="text/plain", headers={"Retry-After": "3"}))
    with pytest.raises(RetryLater) as raised:
        await chat.update(STANDING, CARD)
    assert (raised.value.rate_limited, raised.value.delay) == (True, 3.0)


async def test_rate_limited_with_200_is_a_rate_limit(chat: SlackChat, slack: SlackServer) -> None:
    """chat.postMessage documents this code besides the status."""
    slack.tell("chat.postMessage", error("rate_limited"))
    with pytest.raises(RetryLater) as raised:
        await chat.post("#deploys", CARD)
    assert raised.value.rate_limited


KINDS: dict[Remedy, type[OutgoingError]] = {
    Remedy.RETRY: RetryLater,
    Remedy.UNSURE: Doubtful,
    Remedy.TOKEN: Unauthorised,
    Remedy.PLACE: PlaceUnreachable,
    Remedy.MENDED: GiveUp,
    Remedy.GONE: MessageGone,
    Remedy.CONTENT: GiveUp,
}


@pytest.mark.parametrize(("remedy", "code"), [(remedy, code) for remedy in Remedy for code in ERRORS[remedy]])
async def test_every_code_of_the_table_has_its_own_error(
    remedy: Remedy, code: str, chat: SlackChat, slack: SlackServer
) -> None:
    """By its remedy; and whatever a person can mend says how."""
    slack.tell("conversations.list", ok(channels=[]))
    slack.tell("chat.postMessage", error(code))
    with pytest.raises(OutgoingError) as raised:
        await chat.post("#deploys", CARD)
    assert type(raised.value) is KINDS[remedy]
    if isinstance(raised.value, GiveUp):
        assert raised.value.code == code
        assert raised.value.mend


async def test_a_code_nobody_knows_is_final_and_told(chat: SlackChat, slack: SlackServer) -> None:
    """A new refusal of Slack's is no reason to hammer it."""
    slack.tell("chat.postMessage", error("phase_of_the_moon"))
    with pytest.raises(GiveUp, match="phase_of_the_moon") as raised:
        await chat.post("#deploys", CARD)
    assert type(raised.value) is GiveUp


async def test_a_missing_scope_is_named(chat: SlackChat, slack: SlackServer) -> None:
    """Who reads it can mend it without looking anything up."""
    slack.tell("chat.postMessage", error("missing_scope", needed="chat:write", provided="users:read,commands"))
    with pytest.raises(GiveUp) as raised:
        await chat.post("#deploys", CARD)
    assert "chat:write" in raised.value.mend
    assert "users:read,commands" in raised.value.mend
    assert isinstance(raised.value, Unauthorised)


async def test_a_wrong_token_names_the_setting(chat: SlackChat, slack: SlackServer) -> None:
    """And not its value."""
    slack.tell("chat.postMessage", error("invalid_auth"))
    with pytest.raises(GiveUp, match="SLACK_BOT_TOKEN") as raised:
        await chat.post("#deploys", CARD)
    assert TOKEN not in told(raised.value)


@pytest.mark.parametrize("token", ["xoxb-secret\nX-Injected: 1", "xoxb-s\u00e9cret"])
async def test_a_token_that_cannot_be_sent_is_not_repeated(token: str, slack: SlackServer) -> None:
    """The HTTP library's complaint about such a header would show it."""
    wrong = SlackChat(token, slack.url)
    try:
        with pytest.raises(GiveUp, match="SLACK_BOT_TOKEN") as raised:
            await wrong.post("#deploys", CARD)
    finally:
        await wrong.close()
    assert "cret" not in told(raised.value)
    assert slack.calls == []


async def test_slacks_complaint_about_our_blocks_is_kept(chat: SlackChat, slack: SlackServer) -> None:
    """The pointer says which block is wrong."""
    said = "[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]"
    slack.tell("chat.postMessage", error("invalid_blocks", response_metadata={"messages": [said]}))
    with pytest.raises(GiveUp) as raised:
        await chat.post("#deploys", CARD)
    assert said in raised.value.mend


async def test_an_edit_replaces_text_blocks_and_metadata(chat: SlackChat, slack: SlackServer) -> None:
    """Text without blocks would take the blocks away."""
    slack.tell("chat.update", ok(channel=STANDING.channel, ts=STANDING.ts))
    await chat.update(STANDING, CARD)
    (sent,) = slack.arguments("chat.update")
    assert (sent["channel"], sent["ts"], sent["text"]) == (STANDING.channel, STANDING.ts, CARD.text)
    assert sent["blocks"] == CARD.blocks
    assert sent["metadata"]["event_payload"]["key"] == CARD.key


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_a_message_that_is_gone_is_told_apart_from_a_channel_that_is(
    code: str, chat: SlackChat, slack: SlackServer
) -> None:
    """The one is posted anew, the other cannot be."""
    slack.tell("chat.update", error(code), error("is_inactive"))
    with pytest.raises(MessageGone):
        await chat.update(STANDING, CARD)
    with pytest.raises(PlaceUnreachable):
        await chat.update(STANDING, CARD)


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
        body({"ok": False, "error": "ratelimited"}, headers={"Retry-After": "30"}),
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


# People


async def test_a_person_is_found_by_address(chat: SlackChat, slack: SlackServer) -> None:
    """By the name they show."""
    slack.tell(
        "users.lookupByEmail",
        ok(
            user={
                "id": "U0ANA",
                "name": "ana",
                "real_name": "Ana Lima",
                "tz": "Europe/Lisbon",
                "deleted": False,
                "profile": {"display_name": "Ana\0", "real_name": "Ana Lima", "email": "ana@acme.example"},
            }
        ),
    )
    assert await chat.member_by_email(" ana@acme.example ") == Member(
        slack_id="U0ANA", name="Ana", email="ana@acme.example", zone="Europe/Lisbon"
    )
    assert slack.arguments("users.lookupByEmail") == [{"email": "ana@acme.example"}]


async def test_nobody_has_this_address(chat: SlackChat, slack: SlackServer) -> None:
    """That is an answer, not a failure; and what is no address is not asked about."""
    slack.tell("users.lookupByEmail", error("users_not_found"))
    assert await chat.member_by_email("ghost@acme.example") is None
    assert await chat.member_by_email("not an address") is None
    assert len(slack.calls) == 1


async def test_a_deactivated_account_is_not_active(chat: SlackChat, slack: SlackServer) -> None:
    """Whoever left is still named, but not written to."""
    slack.tell("users.lookupByEmail", ok(user={"id": "U0BEN", "deleted": True, "profile": {"real_name": "Ben"}}))
    assert await chat.member_by_email("ben@acme.example") == Member(slack_id="U0BEN", name="Ben", active=False)


async def test_a_refusal_about_people_is_not_taken_for_nobody(chat: SlackChat, slack: SlackServer) -> None:
    """A missing scope would otherwise look like a company without people."""
    slack.tell(
        "users.lookupByEmail",
        error("missing_scope", needed="users:read.email"),
        ok(user=None),
        error("user_disabled"),
    )
    with pytest.raises(GiveUp, match=r"users:read\.email"):
        await chat.member_by_email("ana@acme.example")
    with pytest.raises(RetryLater):
        await chat.member_by_email("ana@acme.example")
    with pytest.raises(PlaceUnreachable):
        await chat.member_by_email("ana@acme.example")


async def test_we_know_who_we_are_and_what_we_may(chat: SlackChat, slack: SlackServer) -> None:
    """For the doctor; the scopes come in a header."""
    identity = await chat.identity()
    assert (identity.team, identity.user_id, identity.bot_id) == ("Acme", "U0SHIPMATE", "B0SHIPMATE")
    assert identity.scopes == {"chat:write", "users:read"}


# Answering commands


def hook(slack: SlackServer) -> str:
    """A response_url of this server."""
    return str(slack.server.make_url("/hook/secret-ticket"))


async def test_a_command_is_answered_where_slack_said(chat: SlackChat, slack: SlackServer) -> None:
    """In plain ``ok`` or JSON, both are a yes; the bot's token does not go along."""
    slack.tell("secret-ticket", raw("ok", kind="text/plain"), ok())
    await chat.respond(hook(slack), {"text": "checkout is live"})
    await chat.respond(hook(slack), {"text": "checkout is live"})
    assert slack.arguments("secret-ticket") == [{"text": "checkout is live"}] * 2
    assert all("Authorization" not in headers for headers in slack.headers)


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.slack.com.evil.example/commands/1",
        "https://hooks.slack.com@evil.example/commands/1",
        "http://hooks.slack.com/commands/1",
        "https://hooks.slack.com:8443/commands/1",
        "http://127.0.0.1:1/hook/1",
        "http://[broken",
        "file:///etc/passwd",
        "",
    ],
)
async def test_an_address_that_is_not_slacks_gets_nothing(address: str, chat: SlackChat) -> None:
    """Whoever forges a payload must not make us call where they like."""
    with pytest.raises(GiveUp, match="not Slack's"):
        await chat.respond(address, {"text": "internal"})


async def test_a_spent_address_is_told_kindly_and_kept_secret(chat: SlackChat, slack: SlackServer) -> None:
    """Five uses or thirty minutes; the address itself would let anybody post."""
    spent = json.dumps({"ok": False, "error": "used_url"})
    slack.tell("secret-ticket", raw(spent, status=404, kind="application/json"), error("expired_url"))
    for code in ("used_url", "expired_url"):
        with pytest.raises(GiveUp, match="ask again") as raised:
            await chat.respond(hook(slack), {"text": "late"})
        assert raised.value.code == code
        assert "secret-ticket" not in told(raised.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (cut, Doubtful),
        (hang, Doubtful),
        (raw("", status=503), Doubtful),
        (raw("", status=429, headers={"Retry-After": "2"}), RetryLater),
        (raw("gone", status=410), GiveUp),
        (raw("", status=302, headers={"Location": "https://evil.example/"}), Doubtful),
    ],
)
async def test_an_answer_that_fails_says_how(
    answer: Answer, kind: type[OutgoingError], chat: SlackChat, slack: SlackServer
) -> None:
    """As for posts, and without following anybody elsewhere."""
    slack.tell("secret-ticket", answer)
    with pytest.raises(OutgoingError) as raised:
        await chat.respond(hook(slack), {"text": "hello"})
    assert type(raised.value) is kind
    assert "secret-ticket" not in told(raised.value)
    assert len(slack.calls) == 1


async def test_after_closing_nothing_is_opened_again(chat: SlackChat, slack: SlackServer) -> None:
    """Somebody who still asks when we are stopping is put off: nobody would close what was opened for them."""
    await chat.close()
    with pytest.raises(RetryLater):
        await chat.post("#deploys", CARD)
    assert slack.calls == []


@pytest.mark.parametrize("method", METHODS)
def test_the_scopes_we_name_are_those_slack_documents(method: str) -> None:
    """Held against Slack's own method pages, where they are at hand."""
    page = METHOD_PAGES / f"{method}.json"
    if not page.is_file():
        pytest.skip("Slack's method pages are not beside this checkout")
    documented = set(json.loads(page.read_text())["scope"].get("bot", ()))
    named = METHODS[method][1] - {"chat:write.public", "users:read"}  # They widen another scope: on no method's page.
    assert named <= documented
