"""The stand-in Slack speaks Socket Mode with Slack's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.adapters.slack_side import CARD

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
