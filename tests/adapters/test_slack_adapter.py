"""The Slack adapter over real HTTP: messages posted, edited and answered, and how it ends."""

from __future__ import annotations

import json

import pytest

from bot.adapters.slack import SlackChat
from bot.adapters.slack_calls import METHODS
from bot.errors import Doubtful, GiveUp, MessageGone, OutgoingError, PlaceUnreachable, RetryLater
from bot.ports import Message, Posted
from tests.adapters.slack_stub import CARD, METHOD_PAGES, STANDING, TOKEN, SlackServer, error, ok
from tests.adapters.stub import Answer, cut, hang, raw, told

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
        (raw("", 429, Retry_After="2"), RetryLater),
        (raw("gone", status=410), GiveUp),
        (raw("", 302, Location="https://evil.example/"), Doubtful),
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
