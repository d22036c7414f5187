"""How the stand-in Slack takes a call: its arguments, token and scopes, its limits, and what goes wrong on purpose."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.adapters.slack_side import client_of, refusal

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
        async with session.get(url, params=arguments, headers=headers) as response:
            assert (await response.json())["ok"]
    assert len(sandbox.slack.messages("#deploys")) == 4


async def test_a_token_comes_by_header_or_form_and_by_nothing_that_is_logged(sandbox: Sandbox) -> None:
    token = {"token": sandbox.slack.bot_token}
    found = {}
    async with aiohttp.ClientSession() as session:
        for way in ("data", "params", "json"):
            async with session.post(f"{sandbox.url}/api/auth.test", **{way: token}) as response:  # type: ignore[arg-type]
                found[way] = (await response.json()).get("error")
    assert found == {"data": None, "params": "not_authed", "json": "not_authed"}


DEEP = b"[" * 600 + b"]" * 600


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        ("application/json", b"{", "invalid_json"),
        ("application/json", b'{"text":"\xff"}', "invalid_json"),
        ("application/json", b"[" * 100_000, "invalid_json"),
        ("application/json", b'{"attachments":' + DEEP + b"}", "invalid_json"),
        ("application/json", b"[]", "json_not_object"),
        ("application/json; charset=klingon", b"{}", "invalid_charset"),
        ("application/x-www-form-urlencoded; charset=klingon", b"text=x", "invalid_charset"),
        ("application/x-www-form-urlencoded", b"attachments=" + DEEP + b"&channel=C0DEPLOYS", "invalid_attachments"),
        ("application/x-www-form-urlencoded", b"text=\xff", "invalid_form_data"),
        ("multipart/form-data", b"garbage", "invalid_form_data"),
        ("multipart/form-data; boundary=x", b"garbage", "invalid_form_data"),
        ("application/xml", b"<text/>", "invalid_post_type"),
        ("text/plain", b"text=x", "channel_not_found"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_in_slacks_words(
    sandbox: Sandbox, kind: str, body: bytes, error: str
) -> None:
    headers = {"Authorization": f"Bearer {sandbox.slack.bot_token}", "Content-Type": kind}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox.url}/api/chat.postMessage", data=body, headers=headers) as response,
    ):
        assert (response.status, (await response.json())["error"]) == (200, error)


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


async def test_a_slow_call_is_done_even_if_the_caller_has_gone(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.slack.fault("slow", seconds=0.05, times=1)
    struck = asyncio.Event()
    sandbox.slack.faults.watchers.append(struck.set)
    call = asyncio.ensure_future(client.chat_postMessage(channel="C0DEPLOYS", text="x"))
    await struck.wait()
    assert call.cancel()
    await sandbox.slack.until(lambda: sandbox.slack.messages("#deploys"))


async def test_api_test_says_back_what_it_was_told(client: AsyncWebClient) -> None:
    assert (await client.api_test(foo="bar"))["args"] == {"foo": "bar"}
    assert (await refusal(client.api_test(error="my_error")))["error"] == "my_error"
