"""What Slack's refusals and broken answers mean to us, and what is never repeated of our token."""

from __future__ import annotations

import json
import socket

import pytest

from bot.adapters.slack import SlackChat
from bot.adapters.slack_errors import ERRORS, Remedy
from bot.errors import Doubtful, GiveUp, MessageGone, OutgoingError, PlaceUnreachable, RetryLater, Unauthorised
from tests.adapters.slack_stub import CARD, STANDING, TOKEN, SlackServer, error, ok
from tests.adapters.stub import Answer, body, cut, cut_within, hang, raw, told

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


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
async def test_a_post_of_unknown_outcome_is_doubtful_and_not_repeated(
    fault: Answer, chat: SlackChat, slack: SlackServer
) -> None:
    """It may stand in the channel: only a look into the history tells. The SDK would have sent it twice."""
    slack.tell("chat.postMessage", fault)
    with pytest.raises(Doubtful) as raised:
        await chat.post("#deploys", CARD)
    assert len(slack.arguments("chat.postMessage")) == 1
    assert TOKEN not in told(raised.value)


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
async def test_an_edit_of_unknown_outcome_is_tried_again(fault: Answer, chat: SlackChat, slack: SlackServer) -> None:
    """The same edit twice shows the same, so there is nothing to look for."""
    slack.tell("chat.update", fault)
    with pytest.raises(RetryLater) as raised:
        await chat.update(STANDING, CARD)
    assert raised.value.delay is None
    assert not raised.value.rate_limited


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
async def test_a_question_without_an_answer_is_asked_again(fault: Answer, chat: SlackChat, slack: SlackServer) -> None:
    """Reading changes nothing."""
    slack.tell("users.lookupByEmail", fault)
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
    slack.tell("chat.postMessage", raw(answer, status=429, kind="application/json", **headers))
    with pytest.raises(RetryLater) as raised:
        await chat.post("#deploys", CARD)
    assert raised.value.rate_limited
    assert raised.value.delay == delay


async def test_a_429_in_html_is_a_429(chat: SlackChat, slack: SlackServer) -> None:
    """The edge of the network answers in its own words."""
    slack.tell("chat.update", raw("slow down", status=429, kind="text/plain", Retry_After="3"))
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
