"""The sandbox as a whole: its manners, its control door and its scenes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.server import Sandbox
from bot.sandbox.story import SCENES, play
from bot.sandbox.story_room import Crew
from bot.sandbox.story_stage import Stage


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate_limits=False, pace=0) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
async def events(sandbox: Sandbox) -> AsyncIterator[list[tuple[str, Any]]]:
    """A bot that takes everything, and what it was told."""
    told: list[tuple[str, Any]] = []

    async def webhook(request: web.Request) -> web.Response:
        told.append((request.headers["X-GitHub-Event"], await request.json()))
        return web.Response(status=202)

    async def slack(request: web.Request) -> web.Response:
        told.append(("slack", dict(await request.post())))
        return web.Response(text="heard")

    application = web.Application()
    application.router.add_post("/webhooks/github", webhook)
    application.router.add_post("/slack/events", slack)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield told
    await runner.cleanup()


def api(sandbox: Sandbox, method: str) -> dict[str, Any]:
    """How to call a Web API method by hand."""
    return {
        "url": f"{sandbox.url}/api/{method}",
        "headers": {"Authorization": f"Bearer {sandbox.slack.bot_token}"},
    }


# Manners


def test_the_sandbox_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        Sandbox(host="0.0.0.0")


async def test_a_page_of_another_site_cannot_reach_it(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    url = f"{sandbox.url}/_sandbox/messages"
    statuses = []
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": sandbox.url}, {}):
        async with session.get(url, headers=headers) as response:
            statuses.append(response.status)
    assert statuses == [403, 403, 200, 200]


async def test_every_run_has_its_own_secrets(sandbox: Sandbox) -> None:
    async with Sandbox() as other:
        mine, theirs = sandbox.environment(socket_mode=True), other.environment(socket_mode=True)
        assert mine.keys() == theirs.keys()
        told_to_anybody = {"PAGERDUTY_FROM"}
        assert {name for name in mine if mine[name] == theirs[name]} == told_to_anybody


async def test_it_says_that_it_is_not_slack(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{sandbox.url}/_sandbox/messages") as response:
        assert "not Slack" in (await response.json())["workspace"]["name"]


def test_it_runs_on_a_loop_of_its_own_in_a_thread() -> None:
    ready, done = threading.Event(), threading.Event()
    told: dict[str, str] = {}

    async def live() -> None:
        async with Sandbox() as sandbox:
            told.update(sandbox.environment())
            ready.set()
            await asyncio.to_thread(done.wait, 10)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    try:
        assert ready.wait(10)

        async def call() -> Any:
            headers = {"Authorization": f"Bearer {told['SLACK_BOT_TOKEN']}"}
            url = f"{told['SLACK_API_URL']}auth.test"
            async with aiohttp.ClientSession() as session, session.post(url, headers=headers) as response:
                return await response.json()

        assert asyncio.run(call())["ok"]
    finally:
        done.set()
        thread.join(10)


async def test_it_stops_though_calls_hang_and_sockets_are_open(session: aiohttp.ClientSession) -> None:
    sandbox = Sandbox()
    await sandbox.start()
    sandbox.slack.fault("hang", method="auth.test", times=1)
    struck = asyncio.Event()
    sandbox.slack.faults.watchers.append(struck.set)
    address = sandbox.slack.sockets.ticket().replace("ws", "http", 1)
    async with (
        session.ws_connect(address) as socket,
        session.ws_connect(f"{sandbox.url}/_sandbox/live") as live,
    ):
        await socket.receive_json()
        await live.receive_json()
        sandbox.control.play("a calm deploy", pace=100)
        hanging = asyncio.ensure_future(session.post(**api(sandbox, "auth.test")))
        await asyncio.wait_for(struck.wait(), 30)
        await asyncio.wait_for(sandbox.stop(), 30)
        with pytest.raises(aiohttp.ClientError):
            await hanging


# The control door


async def test_people_act_and_what_they_see_is_read_by_http(
    sandbox: Sandbox, session: aiohttp.ClientSession, events: list[tuple[str, Any]]
) -> None:
    act = f"{sandbox.url}/_sandbox/act"
    async with session.post(
        act, json={"as": "ana", "command": "/ship", "text": "status", "channel": "#deploys"}
    ) as response:
        assert (await response.json())["answer"] == "heard"
    async with session.post(act, json={"as": "U0BEN", "say": "hello", "channel": "C0DEPLOYS"}) as response:
        said = await response.json()
    async with session.get(f"{sandbox.url}/_sandbox/messages") as response:
        snapshot = await response.json()
    seen = snapshot["messages"]["C0DEPLOYS"]
    assert [(one["text"], one["ephemeral_for"]) for one in seen] == [("heard", "U0ANA"), ("hello", None)]
    assert seen[1]["ts"] == said["ts"]
    assert {scene["name"] for scene in snapshot["scenes"]} == SCENES.keys()
    assert [one["name"] for one in snapshot["requests"]] == ["slash_commands"]


@pytest.mark.parametrize(
    "wish",
    [
        {"as": "nobody", "say": "x"},
        {"as": "ana"},
        {"say": "x"},
        {"scene": "a quiet apocalypse"},
        {"as": "ana", "say": "x", "channel": "#nowhere"},
        {"as": "ana", "click": {"channel": "#deploys", "ts": "1.0", "action_id": "x"}},
        [],
    ],
)
async def test_a_wish_that_cannot_be_met_is_a_400_with_a_reason(
    sandbox: Sandbox, session: aiohttp.ClientSession, wish: Any
) -> None:
    async with session.post(f"{sandbox.url}/_sandbox/act", json=wish) as response:
        answer = await response.json()
        assert response.status == 400
        assert answer["error"]


async def test_the_live_socket_begins_with_everything_and_follows_each_change(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    async with session.ws_connect(f"{sandbox.url}/_sandbox/live") as live:
        assert (await live.receive_json())["type"] == "snapshot"
        arguments = {"channel": "#deploys", "text": "card"}
        async with session.post(**api(sandbox, "chat.postMessage"), json=arguments) as response:
            posted = await response.json()
        first, second = await live.receive_json(), await live.receive_json()
        assert (first["type"], first["channel"], first["message"]["text"]) == ("message", "C0DEPLOYS", "card")
        assert (second["type"], second["name"], second["status"]) == ("request", "chat.postMessage", 200)
        assert sandbox.slack.bot_token not in json.dumps(second)
        update = {"channel": "C0DEPLOYS", "ts": posted["ts"], "text": "card, edited"}
        async with session.post(**api(sandbox, "chat.update"), json=update):
            pass
        assert (await live.receive_json())["message"]["edited"] is True


async def test_faults_are_switched_by_http(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    door = f"{sandbox.url}/_sandbox/fault"
    async with session.post(door, json={"kind": "internal_error"}) as response:
        assert response.status == 200
    async with session.post(door, json={"system": "github", "down": True}) as response:
        assert response.status == 200
    async with session.post(door, json={"kind": "gremlins"}) as response:
        assert response.status == 400
    async with session.post(**api(sandbox, "auth.test")) as response:
        assert (await response.json())["error"] == "internal_error"
    async with session.get(f"{sandbox.url}/github.com/api/v3/rate_limit") as response:
        assert response.status == 503
    async with session.delete(door):
        pass
    async with session.post(**api(sandbox, "auth.test")) as response:
        assert (await response.json())["ok"]
    async with session.get(f"{sandbox.url}/github.com/api/v3/rate_limit") as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("system", "address"), [("github", "/github.com/api/v3/users/ana"), ("pagerduty", "/pagerduty/users")]
)
async def test_other_systems_faults_are_offered_listed_and_end_by_the_worlds_clock(
    sandbox: Sandbox, session: aiohttp.ClientSession, system: str, address: str
) -> None:
    sandbox.clock.speed = 0
    door = f"{sandbox.url}/_sandbox/fault"
    async with session.get(door) as response:
        kinds = [one["kind"] for one in (await response.json())["kinds"] if one["system"] == system]
    assert "down" in kinds
    for kind in kinds:
        async with session.post(door, json={"system": system, "kind": kind, "for": 60}) as response:
            assert response.status == 200
    async with session.get(door) as response:
        on = (await response.json())["faults"]
    assert [(one["system"], one["kind"], one["left"]) for one in on] == [(system, kind, 60) for kind in kinds]
    async with session.get(f"{sandbox.url}{address}") as response:
        assert response.status == 503
    async with session.delete(door, params={"id": str(on[0]["id"])}):
        pass
    async with session.get(door) as response:
        assert len((await response.json())["faults"]) == len(kinds) - 1
    sandbox.clock.turn(by=timedelta(minutes=1))
    async with session.get(door) as response:
        assert (await response.json())["faults"] == []
    async with session.post(door, json={"system": system, "kind": "gremlins"}) as response:
        assert response.status == 400
    async with session.get(f"{sandbox.url}{address}") as response:
        assert response.status in (200, 401)


async def test_somebody_answers_their_pager_by_http(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    act = f"{sandbox.url}/_sandbox/act"
    account = sandbox.pagerduty.account
    incident = sandbox.pagerduty.open(account.services["PSCHECKOUT"], "5xx", by=None, assignees=[account.user("ana")])
    async with session.post(act, json={"as": "ana", "pager": "answer", "after": "2m"}) as response:
        assert len((await response.json())["woken"]) == 1
    sandbox.clock.turn(by=timedelta(minutes=2))
    assert incident.status == "acknowledged"
    async with session.post(act, json={"as": "ana", "pager": "silence"}) as response:
        assert response.status == 200
    for wish in ({"as": "nobody", "pager": "answer"}, {"as": "ana", "pager": "hum"}):
        async with session.post(act, json=wish) as response:
            assert response.status == 400


async def test_links_in_messages_lead_somewhere_here(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{sandbox.url}/github.com/acme/checkout/pull/812") as response:
        assert "acme/checkout/pull/812" in await response.text()
    async with session.get(f"{sandbox.url}/archives/C0DEPLOYS/p1", allow_redirects=False) as response:
        assert response.headers["Location"] == "/"


async def test_only_the_pages_own_files_are_served(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{sandbox.url}/..%2Fserver.py") as response:
        assert response.status == 404
    async with session.get(f"{sandbox.url}/") as response:
        assert response.status == 200


# Scenes


async def test_a_calm_deploy_merges_three_changes_and_rolls_them_out_twice(
    sandbox: Sandbox, events: list[tuple[str, Any]]
) -> None:
    await play(sandbox, "a calm deploy", pace=0)
    merged = [
        (payload["number"], payload["pull_request"]["user"]["login"], payload["pull_request"]["merged_by"]["login"])
        for event, payload in events
        if event == "pull_request" and payload["action"] == "closed"
    ]
    assert merged == [
        (809, "eve", "dee"),
        (812, "ana", "ana"),
        (816, "dependabot[bot]", "chi"),
        (815, "ben", "ben"),
    ]
    states = [
        (payload["deployment"]["environment"], payload["deployment_status"]["state"])
        for event, payload in events
        if event == "deployment_status"
    ]
    course = [(place, state) for place in ("staging", "production") for state in ("pending", "in_progress", "success")]
    assert states == course * 2


@pytest.mark.parametrize("name", [name for name, scene in SCENES.items() if not scene.needs_bot])
async def test_every_scene_plays_to_its_end_more_than_once(
    sandbox: Sandbox, events: list[tuple[str, Any]], name: str
) -> None:
    await play(sandbox, name, pace=0)
    once = len(events)
    lost = {False} if name == "webhooks go missing" else set()
    await play(sandbox, name, pace=0)
    assert len(events) > once > 0
    assert {delivery.ok for delivery in sandbox.github.deliveries} == {True} | lost


async def test_a_scene_is_begun_from_the_page_and_tells_its_end(
    sandbox: Sandbox, session: aiohttp.ClientSession, events: list[tuple[str, Any]]
) -> None:
    async with session.ws_connect(f"{sandbox.url}/_sandbox/live") as live:
        await live.receive_json()
        async with session.post(f"{sandbox.url}/_sandbox/act", json={"scene": "a red build"}) as response:
            assert (await response.json())["state"] == "playing"
        states = []
        while "done" not in states:
            event = await live.receive_json()
            if event["type"] == "scene":
                states.append(event["state"])
    assert states == ["playing", "done"]


async def test_a_rollback_ends_where_it_began(sandbox: Sandbox, events: list[tuple[str, Any]]) -> None:
    await play(sandbox, "a rollback", pace=0)
    shas = [payload["deployment"]["sha"] for event, payload in events if event == "deployment"]
    before, after, again = shas[-3:]
    assert again == before != after


async def test_what_was_refused_before_is_no_refusal_of_this_scene(sandbox: Sandbox) -> None:
    """Else a storm that is played again would be over before the bot called."""

    def refused() -> None:
        sandbox.pagerduty.log.add(incoming=True, verb="POST", path="/x", method="x", status=429, began=0.0)

    refused()
    crew = await Crew.ready(sandbox, Stage(sandbox, 0))
    waiting = asyncio.ensure_future(crew.is_refused())
    await asyncio.sleep(0)
    assert not waiting.done()
    refused()
    await waiting
