"""The stand-in Slack behaves as Slack does, towards Slack's own client: one test for each rule it keeps.

Rules are those of docs.slack.dev; the reports a few come from are named in the code. Time-outs are never asserted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.server import Sandbox

CARD: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*checkout* is live", "verbatim": True}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "mute", "value": "7", "text": {"type": "plain_text", "text": "Mute"}},
            {
                "type": "static_select",
                "action_id": "level",
                "options": [{"text": {"type": "plain_text", "text": "All"}, "value": "all"}],
            },
        ],
    },
]


class RecordingBot:
    """A bot that checks each signature by Slack's own code, remembers what came, and answers as told."""

    def __init__(self, secret: str) -> None:
        self.verifier = SignatureVerifier(secret)
        self.received: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[web.Response] = []
        self.url = ""
        self.hung = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        headers = dict(request.headers)
        assert self.verifier.is_valid_request(body, headers)
        self.headers.append(headers)
        if request.content_type == "application/json":
            self.received.append(json.loads(body))
        else:
            form = dict(await request.post())
            self.received.append(json.loads(str(form["payload"])) if "payload" in form else form)
        return self.answers.pop(0) if self.answers else web.Response()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate_limits=False) as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield client_of(sandbox, session)


def client_of(sandbox: Sandbox, session: aiohttp.ClientSession, **options: Any) -> AsyncWebClient:
    settings = sandbox.environment()
    token = options.pop("token", settings["SLACK_BOT_TOKEN"])
    return AsyncWebClient(token=token, base_url=settings["SLACK_API_URL"], session=session, retry_handlers=[])


@pytest.fixture
async def recorder(sandbox: Sandbox) -> AsyncIterator[RecordingBot]:
    bot = RecordingBot(sandbox.environment()["SLACK_SIGNING_SECRET"])
    application = web.Application()
    application.router.add_post("/slack/events", bot.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bot.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sandbox.connect(bot.url)
    yield bot
    await runner.cleanup()


async def refusal(call: Awaitable[Any]) -> dict[str, Any]:
    """What Slack answers to a call it refuses."""
    with pytest.raises(SlackApiError) as caught:
        await call
    answer: dict[str, Any] = caught.value.response.data
    return answer


# Posting


async def test_a_message_is_posted_to_a_channel_by_its_name_and_to_a_person_by_id(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="#payments-deploys", text="one")
    direct = await client.chat_postMessage(channel="U0ANA", text="two")
    assert (posted["channel"], direct["channel"]) == ("C0PAYMENTS", "D0ANA")
    assert [one.text for one in sandbox.slack.messages("#payments-deploys")] == ["one"]
    assert [one.text for one in sandbox.slack.direct_messages("ana")] == ["two"]


async def test_timestamps_are_unique_and_increase_within_a_channel(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel="C0DEPLOYS", text="x"))["ts"] for _ in range(20)]
    assert stamps == sorted(set(stamps))


async def test_slack_gives_every_block_an_id_and_says_the_message_back(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD)
    blocks = posted["message"]["blocks"]
    assert all(block["block_id"] for block in blocks)
    assert posted["message"]["bot_id"] == "B0SHIPMATE"


async def test_a_text_over_4000_characters_is_posted_as_several_messages(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel="C0DEPLOYS", text="x" * 9000)
    assert [len(one.text) for one in sandbox.slack.messages("#deploys")] == [4000, 4000, 1000]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ({"channel": "#payments-leads", "text": "x"}, "channel_not_found"),
        ({"channel": "U0NOBODY", "text": "x"}, "channel_not_found"),
        ({"channel": "#old-deploys", "text": "x"}, "is_archived"),
        ({"channel": "#deploys"}, "no_text"),
        ({"channel": "#deploys", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": "#deploys", "text": "x", "blocks": "{not json"}, "invalid_blocks_format"),
        ({"channel": "#deploys", "text": "x", "blocks": [{"type": "sparkle"}]}, "invalid_blocks"),
        ({"channel": "#deploys", "text": "x", "metadata": {"event_type": "card"}}, "invalid_metadata_schema"),
        ({"channel": "#deploys", "text": "x", "metadata": "nonsense"}, "invalid_metadata_format"),
        ({"channel": "#deploys", "text": "x", "attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"channel": "#deploys", "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
    ],
)
async def test_post_message_refuses_with_slacks_own_word(
    client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    assert (await refusal(client.api_call("chat.postMessage", json=arguments)))["error"] == error


async def test_a_public_channel_can_be_written_to_without_joining_only_with_the_scope_for_it() -> None:
    everything = Sandbox(rate_limits=False).slack.scopes
    for scopes, expected in ((everything, None), (everything - {"chat:write.public"}, "not_in_channel")):
        async with Sandbox(rate_limits=False, scopes=scopes) as sandbox, aiohttp.ClientSession() as session:
            call = client_of(sandbox, session).chat_postMessage(channel="#general", text="x")
            if expected is None:
                await call
            else:
                assert (await refusal(call))["error"] == expected


async def test_blocks_of_more_than_13200_characters_in_all_are_refused(client: AsyncWebClient) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}
    await client.chat_postMessage(channel="C0DEPLOYS", text="x", blocks=[block] * 4)
    answer = await refusal(client.chat_postMessage(channel="C0DEPLOYS", text="x", blocks=[block] * 5))
    assert answer["error"] == "msg_blocks_too_long"


async def test_invalid_blocks_are_told_with_json_pointers(client: AsyncWebClient) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    answer = await refusal(client.chat_postMessage(channel="C0DEPLOYS", text="x", blocks=[block]))
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ]


# Threads, edits, deletions, whispers


async def test_a_reply_stands_in_the_thread_and_the_parent_counts_it(sandbox: Sandbox, client: AsyncWebClient) -> None:
    parent = await client.chat_postMessage(channel="C0DEPLOYS", text="card")
    reply = await client.chat_postMessage(channel="C0DEPLOYS", text="details", thread_ts=parent["ts"])
    nested = await client.chat_postMessage(channel="C0DEPLOYS", text="more", thread_ts=reply["ts"])
    assert nested["message"]["thread_ts"] == parent["ts"]
    assert [one.text for one in sandbox.slack.messages("#deploys")] == ["card"]
    assert [one.text for one in sandbox.slack.replies("#deploys", parent["ts"])] == ["details", "more"]
    history = await client.conversations_history(channel="C0DEPLOYS")
    assert [(one["text"], one["reply_count"]) for one in history["messages"]] == [("card", 2)]
    thread = await client.conversations_replies(channel="C0DEPLOYS", ts=parent["ts"])
    assert [one["text"] for one in thread["messages"]] == ["card", "details", "more"]


async def test_an_update_with_text_alone_removes_the_blocks_and_keeps_the_metadata(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    metadata = {"event_type": "card", "event_payload": {"key": "k1"}}
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD, metadata=metadata)
    await client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="done")
    (message,) = sandbox.slack.messages("#deploys")
    assert (message.text, message.blocks, message.metadata, message.edits) == ("done", [], metadata, 1)


async def test_the_edited_mark_is_missing_where_an_update_has_blocks(sandbox: Sandbox, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD)
    await client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="card", blocks=CARD)
    assert not sandbox.slack.messages("#deploys")[0].edit_mark
    await client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="card")
    assert sandbox.slack.messages("#deploys")[0].edit_mark


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0DEPLOYS", "ts": "1.000001", "text": "x"}, "message_not_found"),
        ({"channel": "#deploys", "ts": "1.000001", "text": "x"}, "channel_not_found"),
        ({"channel": "C0DEPLOYS", "text": "x"}, "invalid_arguments"),
    ],
)
async def test_update_refuses_with_slacks_own_word(
    client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    assert (await refusal(client.api_call("chat.update", json=arguments)))["error"] == error


async def test_only_our_own_messages_can_be_updated_or_deleted(sandbox: Sandbox, client: AsyncWebClient) -> None:
    theirs = await sandbox.slack.say("ana", "hello", channel="#deploys")
    update = await refusal(client.chat_update(channel="C0DEPLOYS", ts=theirs.ts, text="x"))
    delete = await refusal(client.chat_delete(channel="C0DEPLOYS", ts=theirs.ts))
    assert (update["error"], delete["error"]) == ("cant_update_message", "cant_delete_message")


async def test_an_update_of_more_than_4000_characters_is_too_long(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="x")
    answer = await refusal(client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="x" * 4001))
    assert answer["error"] == "msg_too_long"


async def test_a_deleted_message_is_gone_and_deleting_it_again_says_so(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="x")
    await client.chat_delete(channel="C0DEPLOYS", ts=posted["ts"])
    assert sandbox.slack.messages("#deploys") == []
    again = await refusal(client.chat_delete(channel="C0DEPLOYS", ts=posted["ts"]))
    assert again["error"] == "message_not_found"


async def test_an_ephemeral_message_is_for_a_member_and_not_in_the_history(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    await client.chat_postEphemeral(channel="C0DEPLOYS", user="U0ANA", text="only you")
    (message,) = sandbox.slack.messages("#deploys")
    assert message.ephemeral_for == "U0ANA"
    assert (await client.conversations_history(channel="C0DEPLOYS"))["messages"] == []
    stranger = await refusal(client.chat_postEphemeral(channel="C0DEPLOYS", user="U0NOBODY", text="x"))
    assert stranger["error"] == "user_not_in_channel"


# Reading


async def test_metadata_is_in_the_history_only_for_those_who_ask(client: AsyncWebClient) -> None:
    metadata = {"event_type": "card", "event_payload": {"key": "k1"}}
    await client.chat_postMessage(channel="C0DEPLOYS", text="card", metadata=metadata)
    plain = await client.conversations_history(channel="C0DEPLOYS")
    full = await client.conversations_history(channel="C0DEPLOYS", include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


async def test_the_history_is_read_backwards_page_by_page(client: AsyncWebClient) -> None:
    for number in range(7):
        await client.chat_postMessage(channel="C0DEPLOYS", text=str(number))
    pages = await client.conversations_history(channel="C0DEPLOYS", limit=3)
    texts = [[one["text"] for one in page["messages"]] async for page in pages]
    assert texts == [["6", "5", "4"], ["3", "2", "1"], ["0"]]


async def test_the_bounds_of_the_history_are_left_out_unless_inclusive(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel="C0DEPLOYS", text=str(n)))["ts"] for n in range(4)]

    async def texts(**bounds: Any) -> list[str]:
        page = await client.conversations_history(channel="C0DEPLOYS", **bounds)
        return [one["text"] for one in page["messages"]]

    assert await texts(oldest=stamps[1], latest=stamps[3]) == ["2"]
    assert await texts(oldest=stamps[1], latest=stamps[3], inclusive=True) == ["3", "2", "1"]
    assert (await refusal(client.conversations_history(channel="C0DEPLOYS", oldest="noon")))["error"] == (
        "invalid_ts_oldest"
    )


async def test_a_channel_is_read_only_by_its_members_and_can_be_joined(client: AsyncWebClient) -> None:
    assert (await refusal(client.conversations_history(channel="C0GENERAL")))["error"] == "not_in_channel"
    await client.conversations_join(channel="C0GENERAL")
    assert (await client.conversations_history(channel="C0GENERAL"))["messages"] == []


async def test_private_channels_without_the_app_do_not_exist_for_it(client: AsyncWebClient) -> None:
    listed = await client.conversations_list(types="public_channel,private_channel")
    assert "payments-leads" not in [one["name"] for one in listed["channels"]]
    assert (await refusal(client.conversations_info(channel="C0LEADS")))["error"] == "channel_not_found"


async def test_channels_are_made_with_good_names_once(client: AsyncWebClient) -> None:
    made = await client.conversations_create(name="inc-checkout")
    assert made["channel"]["is_member"]
    errors = [
        (await refusal(client.conversations_create(name=name)))["error"]
        for name in ("inc-checkout", "Big Name", "x" * 81, "--")
    ]
    assert errors == ["name_taken", "invalid_name_specials", "invalid_name_maxlength", "invalid_name_punctuation"]


async def test_people_are_found_by_verified_address_and_with_their_time_zone(client: AsyncWebClient) -> None:
    found = await client.users_lookupByEmail(email="Dee@Example.com")
    assert (found["user"]["id"], found["user"]["tz"]) == ("U0DEE", "Asia/Kathmandu")
    assert (await refusal(client.users_lookupByEmail(email="x@example.com")))["error"] == "users_not_found"
    assert (await client.users_info(user="U0EVE"))["user"]["profile"]["email"] == "eve@example.com"


async def test_a_direct_conversation_is_opened_once(client: AsyncWebClient) -> None:
    first = await client.conversations_open(users="U0BEN")
    second = await client.conversations_open(users="U0BEN")
    assert first["channel"]["id"] == second["channel"]["id"] == "D0BEN"
    assert second["already_open"]


async def test_a_permalink_names_the_channel_and_the_message(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="x")
    link = await client.chat_getPermalink(channel="C0DEPLOYS", message_ts=posted["ts"])
    assert link["permalink"].endswith(f"/archives/C0DEPLOYS/p{posted['ts'].replace('.', '')}")


# Tokens, scopes, arguments


async def test_arguments_come_by_query_form_or_json(sandbox: Sandbox) -> None:
    settings = sandbox.environment()
    url = settings["SLACK_API_URL"] + "chat.postMessage"
    headers = {"Authorization": f"Bearer {settings['SLACK_BOT_TOKEN']}"}
    async with aiohttp.ClientSession() as session:
        arguments = {"channel": "#deploys", "text": "x"}
        for way in ({"params": arguments}, {"data": arguments}, {"json": arguments}):
            async with session.post(url, headers=headers, **way) as response:  # type: ignore[arg-type]
                assert (await response.json())["ok"]
        token = {"token": settings["SLACK_BOT_TOKEN"]}
        async with session.get(url, params=arguments | token) as response:
            assert (await response.json())["ok"]
        async with session.post(url, data="{", headers=headers | {"Content-Type": "application/json"}) as response:
            assert (response.status, (await response.json())["error"]) == (200, "invalid_json")
    assert len(sandbox.slack.messages("#deploys")) == 4


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        ("bot", "apps.connections.open", "not_allowed_token_type"),
        ("app", "chat.postMessage", "not_allowed_token_type"),
        ("bot", "chat.shout", "unknown_method"),
    ],
)
async def test_each_method_wants_its_own_kind_of_token(sandbox: Sandbox, token: str, method: str, error: str) -> None:
    real = {"bot": sandbox.slack.bot_token, "app": sandbox.slack.app_token}.get(token, token)
    async with aiohttp.ClientSession() as session:
        assert (await refusal(client_of(sandbox, session, token=real).api_call(method)))["error"] == error


@pytest.mark.parametrize(
    ("method", "arguments", "needed"),
    [
        ("chat.postMessage", {"channel": "#deploys", "text": "x"}, "chat:write"),
        ("users.info", {"user": "U0ANA"}, "users:read"),
        ("users.lookupByEmail", {"email": "ana@example.com"}, "users:read.email"),
        ("conversations.history", {"channel": "C0DEPLOYS"}, "channels:history"),
        ("conversations.history", {"channel": "D0ANA"}, "im:history"),
        ("conversations.list", {}, "channels:read"),
        ("conversations.open", {"users": "U0ANA"}, "im:write"),
        ("conversations.join", {"channel": "C0GENERAL"}, "channels:join"),
        ("conversations.create", {"name": "x"}, "channels:manage"),
        ("usergroups.list", {}, "usergroups:read"),
    ],
)
async def test_a_missing_scope_is_named(method: str, arguments: dict[str, Any], needed: str) -> None:
    everything = Sandbox().slack.scopes
    async with Sandbox(scopes=everything - {needed}) as sandbox, aiohttp.ClientSession() as session:
        sandbox.world.direct("U0ANA")
        answer = await refusal(client_of(sandbox, session).api_call(method, params=arguments))
        assert (answer["error"], answer["needed"]) == ("missing_scope", needed)
        assert needed not in answer["provided"].split(",")


async def test_the_address_of_a_person_is_hidden_without_its_scope() -> None:
    scopes = Sandbox().slack.scopes - {"users:read.email"}
    async with Sandbox(scopes=scopes) as sandbox, aiohttp.ClientSession() as session:
        shown = await client_of(sandbox, session).users_info(user="U0ANA")
        assert "email" not in shown["user"]["profile"]


async def test_the_scopes_granted_are_in_a_header(sandbox: Sandbox, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert set(answer.headers["x-oauth-scopes"].split(",")) == sandbox.slack.scopes


# Limits and faults


async def test_a_channel_takes_a_small_burst_and_then_says_when_to_come_back(sandbox: Sandbox) -> None:
    sandbox.slack.rate_limits = True
    async with aiohttp.ClientSession() as session:
        client = client_of(sandbox, session)
        for _ in range(3):
            await client.chat_postMessage(channel="C0DEPLOYS", text="x")
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="#deploys", text="x")
        assert (caught.value.response.status_code, caught.value.response["error"]) == (429, "ratelimited")
        assert int(caught.value.response.headers["Retry-After"]) >= 1
        await client.chat_postMessage(channel="C0PAYMENTS", text="other channels are not affected")


async def test_a_method_has_so_many_calls_a_minute(sandbox: Sandbox, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="x")
    sandbox.slack.rate_limits = True

    async def update(times: int) -> None:
        for _ in range(times):
            await client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="y")

    await update(50)
    with pytest.raises(SlackApiError) as caught:
        await update(500)
    assert caught.value.response.status_code == 429


async def test_a_fault_strikes_its_method_and_channel_only_so_many_times(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    sandbox.slack.fault("ratelimited", method="chat.postMessage", channel="#deploys", times=1, retry_after=7)
    await client.chat_postMessage(channel="C0PAYMENTS", text="x")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="#deploys", text="x")
    assert caught.value.response.headers["Retry-After"] == "7"
    await client.chat_postMessage(channel="#deploys", text="x")


@pytest.mark.parametrize(
    ("kind", "kept"), [("cut", 0), ("down", 0), ("accept_then_cut", 1), ("http_500", 0), ("internal_error", 0)]
)
async def test_a_broken_call_leaves_what_really_happened(
    sandbox: Sandbox, client: AsyncWebClient, kind: str, kept: int
) -> None:
    sandbox.slack.fault(kind)
    with pytest.raises((aiohttp.ClientError, SlackApiError)):
        await client.chat_postMessage(channel="C0DEPLOYS", text="x")
    assert len(sandbox.slack.messages("#deploys")) == kept
    sandbox.slack.clear_faults()
    await client.chat_postMessage(channel="C0DEPLOYS", text="y")


async def test_a_hanging_call_ends_when_the_fault_is_cleared(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.slack.fault("hang", times=1)
    call = asyncio.ensure_future(client.chat_postMessage(channel="C0DEPLOYS", text="x"))
    while sandbox.slack.faults.active:
        await asyncio.wait({call}, timeout=0.001)
    sandbox.slack.clear_faults()
    with pytest.raises(aiohttp.ClientError):
        await call
    assert sandbox.slack.messages("#deploys") == []


async def test_a_slow_call_is_done_even_if_the_caller_has_gone(sandbox: Sandbox) -> None:
    sandbox.slack.fault("slow", seconds=0.05)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.01)) as session:
        with pytest.raises(TimeoutError):
            await client_of(sandbox, session).chat_postMessage(channel="C0DEPLOYS", text="x")
    await sandbox.slack.until(lambda: sandbox.slack.messages("#deploys"))


# What people do


async def test_a_command_comes_signed_and_its_answer_is_shown_to_the_asker_alone(
    sandbox: Sandbox, recorder: RecordingBot
) -> None:
    recorder.answers.append(web.json_response({"text": "All is calm."}))
    answer = await sandbox.slack.command("ana", "/ship", "status", channel="#payments-deploys")
    assert answer.ok
    (command,) = recorder.received
    assert (command["command"], command["text"]) == ("/ship", "status")
    assert (command["user_id"], command["channel_id"], command["channel_name"]) == (
        "U0ANA",
        "C0PAYMENTS",
        "payments-deploys",
    )
    (message,) = sandbox.slack.messages("#payments-deploys")
    assert (message.text, message.ephemeral_for) == ("All is calm.", "U0ANA")


async def test_a_command_nobody_answers_well_is_told_by_slackbot(sandbox: Sandbox, recorder: RecordingBot) -> None:
    recorder.answers.append(web.Response(status=404))
    await sandbox.slack.command("ana", "/ship", "status", channel="#deploys")
    (message,) = sandbox.slack.messages("#deploys")
    assert (message.user, message.text) == ("USLACKBOT", '/ship failed with the error "dispatch_failed"')


async def test_a_response_url_works_five_times_and_whispers_unless_told_otherwise(
    sandbox: Sandbox, recorder: RecordingBot
) -> None:
    await sandbox.slack.command("ana", "/ship", "status", channel="#deploys")
    hook = AsyncWebhookClient(recorder.received[0]["response_url"])
    await hook.send(text="for you")
    await hook.send(text="for all", response_type="in_channel")
    statuses = [(await hook.send(text="more")).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 404]
    messages = sandbox.slack.messages("#deploys")
    assert [(one.text, one.ephemeral_for) for one in messages[:2]] == [("for you", "U0ANA"), ("for all", None)]


async def test_a_click_carries_the_whole_message_and_can_replace_it(
    sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot
) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD)
    await sandbox.slack.click("ben", "#deploys", posted["ts"], action_id="mute")
    (payload,) = recorder.received
    assert payload["type"] == "block_actions"
    assert (payload["user"]["id"], payload["actions"][0]["value"]) == ("U0BEN", "7")
    assert payload["message"]["ts"] == payload["container"]["message_ts"] == posted["ts"]
    await AsyncWebhookClient(payload["response_url"]).send(text="muted", replace_original=True)
    (message,) = sandbox.slack.messages("#deploys")
    assert (message.ts, message.text) == (posted["ts"], "muted")


async def test_choosing_an_option_sends_it_and_a_missing_button_is_a_mistake(
    sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot
) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD)
    await sandbox.slack.click("ben", "#deploys", posted["ts"], action_id="level", chosen="all")
    assert recorder.received[0]["actions"][0]["selected_option"]["value"] == "all"
    with pytest.raises(LookupError, match="mute"):
        await sandbox.slack.click("ben", "#deploys", posted["ts"], action_id="launch")


async def test_an_ephemeral_message_is_clicked_without_its_content_and_edited_by_its_response_url(
    sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot
) -> None:
    posted = await client.chat_postEphemeral(channel="C0DEPLOYS", user="U0ANA", text="you", blocks=CARD)
    await sandbox.slack.click("ana", "#deploys", posted["message_ts"], action_id="mute")
    (payload,) = recorder.received
    assert "message" not in payload
    assert payload["container"]["is_ephemeral"] is True
    await AsyncWebhookClient(payload["response_url"]).send(delete_original=True)
    assert sandbox.slack.messages("#deploys") == []


async def test_an_event_is_retried_with_the_same_id_until_it_is_acknowledged(
    sandbox: Sandbox, recorder: RecordingBot
) -> None:
    recorder.answers += [web.Response(status=500), web.Response(status=500)]
    statuses = await sandbox.slack.event({"type": "app_mention", "user": "U0ANA"}, retry_delays=(0, 0, 0))
    assert statuses == [500, 500, 200]
    assert len({body["event_id"] for body in recorder.received}) == 1
    assert recorder.headers[1]["X-Slack-Retry-Num"] == "1"
    assert recorder.headers[1]["X-Slack-Retry-Reason"] == "http_error"


async def test_a_mention_reaches_the_app_where_it_is_a_member(sandbox: Sandbox, recorder: RecordingBot) -> None:
    await sandbox.slack.say("ana", "<@U0SHIPMATE> hello", channel="#general")
    await sandbox.slack.say("ana", "<@U0SHIPMATE> hello", channel="#deploys")
    await sandbox.slack.until(lambda: recorder.received)
    assert [body["event"]["channel"] for body in recorder.received] == ["C0DEPLOYS"]


async def test_opening_the_home_tab_tells_the_app_and_shows_what_it_published(
    sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot
) -> None:
    assert await sandbox.slack.open_home("ana") == [200]
    assert recorder.received[0]["event"]["type"] == "app_home_opened"
    published = await client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": [{"type": "divider"}]})
    await sandbox.slack.open_home("ana")
    assert recorder.received[1]["event"]["view"]["hash"] == published["view"]["hash"]
    conflict = client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": []}, hash="old")
    assert (await refusal(conflict))["error"] == "hash_conflict"


async def test_a_trigger_opens_one_modal_once(sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot) -> None:
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "Mute"}, "blocks": [{"type": "divider"}]}
    await sandbox.slack.command("ana", "/ship", "me", channel="#deploys")
    trigger = recorder.received[0]["trigger_id"]
    opened = await client.views_open(trigger_id=trigger, view=modal)
    assert opened["view"]["root_view_id"] == opened["view"]["id"]
    assert (await refusal(client.views_open(trigger_id=trigger, view=modal)))["error"] == "exchanged_trigger_id"
    assert (await refusal(client.views_open(trigger_id="1.2.3", view=modal)))["error"] == "invalid_trigger_id"
    stale = sandbox.slack.views.trigger("U0ANA")
    sandbox.slack.views.triggers[stale].made -= 4
    assert (await refusal(client.views_open(trigger_id=stale, view=modal)))["error"] == "expired_trigger_id"


async def test_modals_stack_three_deep_and_an_old_hash_is_refused(sandbox: Sandbox, client: AsyncWebClient) -> None:
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "One"}, "blocks": [{"type": "divider"}]}
    first = await client.views_open(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=modal)
    second = await client.views_push(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=modal)
    assert second["view"]["previous_view_id"] == first["view"]["id"]
    await client.views_push(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=modal)
    fourth = client.views_push(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=modal)
    assert (await refusal(fourth))["error"] == "push_limit_reached"
    await client.views_update(view_id=first["view"]["id"], hash=first["view"]["hash"], view=modal)
    stale = client.views_update(view_id=first["view"]["id"], hash=first["view"]["hash"], view=modal)
    assert (await refusal(stale))["error"] == "hash_conflict"


async def test_a_modal_with_inputs_needs_a_submit_button(sandbox: Sandbox, client: AsyncWebClient) -> None:
    question = {
        "type": "input",
        "label": {"type": "plain_text", "text": "Why?"},
        "element": {"type": "plain_text_input"},
    }
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Mute"}, "blocks": [question]}
    answer = await refusal(client.views_open(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=view))
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must define `submit` to use an `input` block in modals [json-pointer:/view]"
    ]


# Socket Mode


@pytest.fixture
async def socket(sandbox: Sandbox) -> AsyncIterator[Callable[[dict[str, Any] | None], SocketModeClient]]:
    """Slack's own Socket Mode client, connected; calling the fixture's value sets what it acknowledges with."""
    settings = sandbox.environment(socket_mode=True)
    web_client = AsyncWebClient(base_url=settings["SLACK_API_URL"])
    client = SocketModeClient(app_token=settings["SLACK_APP_TOKEN"], web_client=web_client)
    received: list[SocketModeRequest] = []
    answer: list[dict[str, Any] | None] = [None]

    async def acknowledge(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        received.append(request)
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer[0]))

    def answering(payload: dict[str, Any] | None) -> SocketModeClient:
        answer[0] = payload
        return client

    client.socket_mode_request_listeners.append(acknowledge)
    answering.received = received  # type: ignore[attr-defined]
    await client.connect()  # type: ignore[no-untyped-call]
    yield answering
    await client.disconnect()  # type: ignore[no-untyped-call]
    await client.close()  # type: ignore[no-untyped-call]


async def test_an_open_socket_carries_commands_and_their_answers(
    sandbox: Sandbox, socket: Callable[[dict[str, Any] | None], SocketModeClient]
) -> None:
    socket({"text": "through the socket"})
    answer = await sandbox.slack.command("ana", "/ship", "status", channel="#deploys")
    assert (answer.status, answer.body) == (200, {"text": "through the socket"})
    (request,) = socket.received  # type: ignore[attr-defined]
    assert (request.type, request.payload["command"]) == ("slash_commands", "/ship")
    assert [one.text for one in sandbox.slack.messages("#deploys")] == ["through the socket"]


async def test_an_open_socket_carries_events_and_clicks(
    sandbox: Sandbox, client: AsyncWebClient, socket: Callable[[dict[str, Any] | None], SocketModeClient]
) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD)
    assert (await sandbox.slack.click("ana", "#deploys", posted["ts"], action_id="mute")).ok
    assert await sandbox.slack.open_home("ana") == [200]
    kinds = [request.type for request in socket.received]  # type: ignore[attr-defined]
    assert kinds == ["interactive", "events_api"]


async def test_a_ticket_is_good_for_one_connection(sandbox: Sandbox) -> None:
    address = sandbox.slack.sockets.ticket().replace("ws", "http", 1)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(address) as first:
            hello = await first.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(address)


async def test_a_refresh_closes_the_socket_with_its_reason(sandbox: Sandbox) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(sandbox.slack.sockets.ticket().replace("ws", "http", 1)) as connection,
    ):
        await connection.receive_json()
        await sandbox.slack.sockets.disconnect("refresh_requested")
        assert (await connection.receive_json())["reason"] == "refresh_requested"
        assert (await connection.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


# Block Kit


@pytest.mark.parametrize(
    ("blocks", "pointer"),
    [
        ([{"type": "divider"}] * 51, "/"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "/0/text/text"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "/0/text/type"),
        ([{"type": "section"}], "/0"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "/0/text/text"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}], "/0/fields/0/text"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}], "/0/fields"),
        ([{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}], "/0/elements"),
        ([{"type": "divider", "colour": "red"}], "/0/colour"),
        ([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}], "/1/block_id"),
        ([{"type": "actions", "elements": [{"type": "button"}]}], "/0/elements/0"),
        (
            [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}]}],
            "/0/elements/0/text/text",
        ),
        (
            [
                {
                    "type": "actions",
                    "elements": [
                        {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}},
                        {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "y"}},
                    ],
                }
            ],
            "/0/elements/1/action_id",
        ),
        (
            [
                {
                    "type": "section",
                    "text": {"type": "mrkdwn", "text": "x"},
                    "accessory": {
                        "type": "button",
                        "value": "v" * 2001,
                        "url": "u" * 3001,
                        "text": {"type": "plain_text", "text": "x"},
                    },
                }
            ],
            "/0/accessory/value",
        ),
        ([{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}] * 2, "/"),
    ],
)
async def test_blocks_validate_points_at_what_is_wrong(
    client: AsyncWebClient, blocks: list[dict[str, Any]], pointer: str
) -> None:
    answer = await refusal(client.api_call("blocks.validate", params={"blocks": json.dumps(blocks)}))
    assert answer["error"] == "invalid_blocks"
    assert pointer.removesuffix("/") in [fault["pointer"] for fault in answer["errors"]]


async def test_blocks_validate_takes_exactly_one_thing_and_no_token(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session:
        client = client_of(sandbox, session, token="")
        assert (await client.api_call("blocks.validate", params={"blocks": json.dumps(CARD)}))["ok"]
        assert (await refusal(client.api_call("blocks.validate")))["error"] == "invalid_arguments"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("text", "must provide an object"),
        ({"type": "section", "text": "words"}, "must provide an object"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": 7}}, "must provide a string"),
        (
            {"type": "section", "text": {"type": "mrkdwn", "text": "x", "verbatim": "yes"}},
            "must provide a boolean",
        ),
        ({"type": "context", "elements": {}}, "must provide an array"),
        ({"type": "context", "elements": []}, "no fewer than 1 items allowed"),
        ({"type": "context", "elements": [{"type": "button"}]}, "unsupported type: button"),
        ({"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}, "unsupported type: text"),
        (
            {
                "type": "actions",
                "elements": [{"type": "button", "style": "loud", "text": {"type": "plain_text", "text": "x"}}],
            },
            "unsupported value: loud",
        ),
    ],
)
async def test_blocks_validate_says_what_is_wrong(client: AsyncWebClient, block: Any, message: str) -> None:
    answer = await refusal(client.api_call("blocks.validate", params={"blocks": json.dumps([block])}))
    expected = "unsupported type: None" if block == "text" else message
    assert expected in [fault["message"] for fault in answer["errors"]]


async def test_good_blocks_of_every_kind_are_taken(client: AsyncWebClient) -> None:
    text, plain = {"type": "mrkdwn", "text": "x"}, {"type": "plain_text", "text": "x", "emoji": True}
    option = {"text": plain, "value": "v"}
    confirm = {"title": plain, "text": text, "confirm": plain, "deny": plain, "style": "danger"}
    rich = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain},
        {
            "type": "section",
            "text": text,
            "fields": [text, plain],
            "accessory": {"type": "overflow", "options": [option]},
        },
        {
            "type": "context",
            "elements": [text, {"type": "image", "image_url": "https://example.com/a", "alt_text": "a"}],
        },
        {
            "type": "actions",
            "elements": [{"type": "button", "text": plain, "confirm": confirm}, {"type": "datepicker"}],
        },
        {"type": "rich_text", "elements": [rich]},
        {"type": "image", "image_url": "https://example.com/a", "alt_text": "a", "title": plain},
        {"type": "markdown", "text": "**x**"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]},
        {"type": "input", "label": plain, "element": {"type": "radio_buttons", "options": [option]}},
    ]
    assert (await client.chat_postMessage(channel="C0DEPLOYS", text="x", blocks=blocks))["ok"]


async def test_api_test_says_back_what_it_was_told(client: AsyncWebClient) -> None:
    assert (await client.api_test(foo="bar"))["args"] == {"foo": "bar"}
    assert (await refusal(client.api_test(error="my_error")))["error"] == "my_error"


async def test_a_socket_that_never_acknowledges_is_a_command_without_answer(sandbox: Sandbox) -> None:
    sandbox.slack.patience = 0.01
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(sandbox.slack.sockets.ticket().replace("ws", "http", 1)) as connection,
    ):
        await connection.receive_json()
        answer = await sandbox.slack.command("ana", "/ship", "status", channel="#deploys")
        assert (await connection.receive_json())["accepts_response_payload"] is True
    assert answer.status == 0
    (told,) = sandbox.slack.messages("#deploys")
    assert told.text == '/ship failed with the error "operation_timeout"'


async def test_without_a_connection_a_command_reaches_nobody_in_socket_mode(sandbox: Sandbox) -> None:
    sandbox.slack.socket_mode = True
    answer = await sandbox.slack.command("ana", "/ship", "status", channel="#deploys")
    assert (answer.status, answer.reason) == (0, "connection_failed")
    (told,) = sandbox.slack.messages("#deploys")
    assert told.text == '/ship failed with the error "dispatch_failed"'


async def test_going_down_cuts_the_open_sockets(sandbox: Sandbox) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(sandbox.slack.sockets.ticket().replace("ws", "http", 1)) as connection,
    ):
        await connection.receive_json()
        sandbox.slack.fault("down")
        assert (await connection.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        with pytest.raises(aiohttp.ClientError):
            await session.ws_connect(sandbox.slack.sockets.ticket().replace("ws", "http", 1))
