"""The rules of Socket Mode, each played: by Bolt's own handler, or by hand where that would hide what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError

from tests.conformance.slack_event_rules import EVENT, listening
from tests.conformance.slack_modal_rules import Told, row
from tests.conformance.slack_stage import Rule, Stage
from tests.conftest import UNHURRIED


@asynccontextmanager
async def connected(stage: Stage) -> AsyncIterator[AsyncSocketModeHandler]:
    """The Bolt app on Socket Mode, by Bolt's own handler."""
    handler = AsyncSocketModeHandler(stage.app, stage.slack.app_token, web_client=stage.client)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


def address(stage: Stage, more: str = "") -> str:
    """Where to connect by hand."""
    return stage.slack.sockets.ticket().replace("ws", "http", 1) + more


async def _bolt_by_socket(stage: Stage) -> None:
    told = Told(text="through the socket")
    stage.app.command("/ship")(told.hear)
    async with connected(stage):
        assert (await stage.slack.command("ana", "/ship", channel="#deploys")).ok
    assert (len(told.bodies), stage.requests) == (1, [])
    assert [one.text for one in stage.slack.messages("#deploys")] == ["through the socket"]


async def _modal_by_socket(stage: Stage) -> None:
    told = Told(response_action="errors", errors={"why": "Say more."})
    stage.app.view("lock")(told.hear)
    title = {"type": "plain_text", "text": "Lock"}
    asked = {
        "type": "input",
        "block_id": "why",
        "label": title,
        "element": {"type": "plain_text_input", "action_id": "text"},
    }
    view = {"type": "modal", "callback_id": "lock", "title": title, "submit": title, "blocks": [asked]}
    async with connected(stage):
        opened = await stage.client.views_open(trigger_id=stage.slack.views.trigger("U0ANA"), view=view)
        result = await stage.slack.submit("ana", opened["view"]["id"], {"why": "x"})
    assert (result.action, result.errors) == ("errors", {"why": "Say more."})


async def _redelivered(stage: Stage) -> None:
    """Only for the first attempt is Slack impatient: whoever is slow here acknowledges the second in time."""

    def calm_down(_: object) -> None:
        stage.slack.patience = UNHURRIED

    stage.slack.patience = 0.05
    async with aiohttp.ClientSession() as session, session.ws_connect(address(stage)) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        stage.slack.log.watchers.append(calm_down)
        telling = asyncio.ensure_future(stage.slack.event(EVENT))
        first = await socket.receive_json()
        again = await socket.receive_json()
        await socket.send_json({"envelope_id": again["envelope_id"]})
        assert await telling == [0, 200]
    assert (first["retry_attempt"], again["retry_attempt"], again["retry_reason"]) == (0, 1, "timeout")
    assert first["payload"]["event_id"] == again["payload"]["event_id"]


async def _lost(stage: Stage) -> None:
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(address(stage))
        await socket.receive_json()
        telling = asyncio.ensure_future(stage.slack.event(EVENT))
        await socket.receive_json()
        async with session.ws_connect(address(stage)) as other:
            await other.receive_json()
            await socket.close()
            again = await other.receive_json()
            await other.send_json({"envelope_id": again["envelope_id"]})
            assert await telling == [0, 200]


async def _spread(stage: Stage) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(address(stage)) for _ in range(3)]
        assert [(await one.receive_json())["num_connections"] for one in sockets] == [1, 2, 3]
        counts = [0, 0, 0]

        async def serve(place: int) -> None:
            async for frame in sockets[place]:
                counts[place] += 1
                await sockets[place].send_json({"envelope_id": frame.json()["envelope_id"]})

        serving = [asyncio.ensure_future(serve(place)) for place in range(3)]
        for _ in range(30):
            await stage.slack.event(EVENT)
        await asyncio.gather(*(one.close() for one in sockets), *serving)
    assert sum(counts) == 30
    assert all(counts)


async def _eleventh(stage: Stage) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(address(stage)) for _ in range(11)]
        first = [await one.receive_json() for one in sockets]
        assert [one["type"] for one in first] == ["hello"] * 10 + ["disconnect"]
        assert first[-1]["reason"] == "too_many_websockets"
        await asyncio.gather(*(one.close() for one in sockets))


async def _aged(stage: Stage) -> None:
    stage.slack.sockets.life, stage.slack.sockets.warned = 0.02, 0.01
    async with aiohttp.ClientSession() as session, session.ws_connect(address(stage)) as socket:
        frames = [await socket.receive_json() for _ in range(3)]
        assert [frame.get("reason") for frame in frames] == [None, "warning", "refresh_requested"]
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def _debugged(stage: Stage) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(address(stage, "&debug_reconnects=true")) as socket,
    ):
        assert (await socket.receive_json())["debug_info"]["approximate_connection_time"] == 360


async def _reconnects(stage: Stage) -> None:
    told = listening(stage, "reaction_added")
    stage.slack.retry_delays = (0.0, 60.0, 60.0, 60.0)
    stage.sandbox.clock.speed = 1000
    async with connected(stage):
        await stage.slack.sockets.disconnect("refresh_requested")
        assert (await stage.slack.event(EVENT))[-1] == 200
    assert (len(told.bodies), stage.requests) == (1, [])


async def _wrong_token(stage: Stage) -> None:
    with pytest.raises(SlackApiError) as caught:
        await stage.client.apps_connections_open(app_token=stage.slack.bot_token)
    assert caught.value.response["error"] == "not_allowed_token_type"


_SOCKETS = "Slack docs: apis/events-api/using-socket-mode"

SOCKET_RULES: tuple[Rule, ...] = (
    row("Bolt lives on Socket Mode, and nothing comes over HTTP", _SOCKETS, _bolt_by_socket),
    row("a modal's answer comes in the acknowledgement", _SOCKETS, _modal_by_socket),
    row("an event that nobody acknowledged comes again", _SOCKETS, _redelivered),
    row("an event of a lost connection comes by another", _SOCKETS, _lost),
    row("each of several connections gets its part", _SOCKETS, _spread),
    row("the eleventh connection is refused", _SOCKETS, _eleventh),
    row("an old connection is warned and refreshed", _SOCKETS, _aged),
    row("debug_reconnects makes lives short", _SOCKETS, _debugged),
    row("Bolt connects again when asked to", _SOCKETS, _reconnects),
    row("Socket Mode wants the app's own token", "Slack docs: apps.connections.open", _wrong_token),
)
