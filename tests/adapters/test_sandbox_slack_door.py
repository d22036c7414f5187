"""The control door of the stand-in Slack: acting as a person, following what changes, switching faults."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bot.sandbox.faults import FIELDS, SUMMARIES, FaultKind
from bot.sandbox.slack_manifest import ALL_SCOPES, EVENT_SCOPES, Manifest, Shortcut, read_manifest
from tests.conformance.slack_modal_rules import CARD, MODAL, PLAIN, Told, carded
from tests.conformance.slack_stage import Json, Stage, staged

ROOT = Path(__file__).parents[2]
DOWN: dict[str, Any] = {"kind": "down", "for": 600}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as running:
        yield running


class Page:
    """Somebody who looks at the sandbox's page: acts by HTTP, follows by websocket."""

    def __init__(self, stage: Stage, session: aiohttp.ClientSession, live: aiohttp.ClientWebSocketResponse) -> None:
        self.url = stage.sandbox.url
        self.session = session
        self.live = live

    async def act(self, person: str, **wish: Any) -> Json:
        """Do something as a person."""
        async with self.session.post(f"{self.url}/_sandbox/act", json={"as": person, **wish}) as response:
            answer: Json = await response.json()
            assert answer["ok"] is (response.status == 200)
            return answer

    async def frame(self, kind: str) -> Json:
        """The next frame of a kind."""
        while True:
            frame: Json = await self.live.receive_json()
            if frame["type"] == kind:
                return frame

    async def fault(self, verb: str, query: str = "", **wish: Any) -> Json:
        """Ask the door for faults."""
        url = f"{self.url}/_sandbox/fault{query}"
        async with self.session.request(verb, url, json=wish if verb == "POST" else None) as response:
            answer: Json = await response.json()
            return answer | {"status": response.status}


@pytest.fixture
async def page(stage: Stage) -> AsyncIterator[Page]:
    url = f"{stage.sandbox.url}/_sandbox/live"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as live:
        await live.receive_json()
        yield Page(stage, session, live)


# Modals, home tabs, shortcuts


async def test_a_modal_is_followed_filled_in_and_submitted(stage: Stage, page: Page) -> None:
    told = Told(response_action="errors", errors={"reason": "Say which."})
    stage.app.view("lock")(told.hear)
    await stage.client.views_open(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
    frame = await page.frame("view")
    (view,) = frame["stack"]
    assert (frame["person"], view["person"], view["submit"]) == ("U0ANA", "U0ANA", PLAIN)
    use = {"view_id": view["id"], "values": {"reason": {"text": "red tests"}, "hours": {"number": ""}}}
    refused = await page.act("ana", submit=use)
    assert (refused["action"], refused["errors"], refused["status"]) == ("errors", {"reason": "Say which."}, 200)
    told.answer = {}
    assert (await page.act("ana", submit=use))["action"] == "close"
    assert (await page.frame("view"))["stack"] == []


async def test_what_is_not_filled_in_is_told_before_the_app_hears_of_it(stage: Stage, page: Page) -> None:
    await stage.client.views_open(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
    (view,) = stage.slack.modals("ana")
    answer = await page.act("ana", submit={"view_id": view["id"], "values": {"reason": {"text": ""}}})
    assert (answer["action"], answer["errors"]) == ("incomplete", {"reason": "Please complete this required field."})
    assert answer["view"]["id"] == view["id"]
    assert stage.requests == []


async def test_a_modal_is_closed_one_by_one_or_all_at_once(stage: Stage, page: Page) -> None:
    for everything, left in ((False, 1), (True, 0)):
        await stage.client.views_open(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
        above = await stage.client.views_push(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
        answer = await page.act("ana", close={"view_id": above["view"]["id"], "all": everything})
        assert (answer["status"], len(stage.slack.modals("ana"))) == (0, left)


async def test_only_the_view_on_top_can_be_used_and_only_by_its_person(stage: Stage, page: Page) -> None:
    below = await stage.client.views_open(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
    await stage.client.views_push(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
    (_, above) = stage.slack.modals("ana")
    for person, view in (("ana", below["view"]["id"]), ("ben", above["id"])):
        answer = await page.act(person, submit={"view_id": view, "values": {}})
        assert "does not see the view" in answer["error"]


async def test_a_home_tab_is_opened_and_followed_and_its_buttons_work(stage: Stage, page: Page) -> None:
    told = Told()
    stage.app.event("app_home_opened")(told.hear)
    stage.app.action("mute")(told.hear)
    assert (await page.act("ana", home=True))["view"] is None
    await stage.client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": CARD})
    home = (await page.frame("home"))["view"]
    assert (await page.act("ana", home=True))["view"]["id"] == home["id"]
    clicked = await page.act("ana", click={"view_id": home["id"], "action_id": "mute"})
    assert (clicked["status"], told.body["view"]["type"]) == (200, "home")


async def test_shortcuts_are_used_with_and_without_a_message(stage: Stage, page: Page) -> None:
    told = Told()
    stage.app.shortcut("promote")(told.hear)
    ts = await carded(stage)
    assert (await page.act("ana", shortcut={"callback_id": "promote"}))["status"] == 200
    await page.act("ana", shortcut={"callback_id": "promote", "channel": "C0DEPLOYS", "ts": ts})
    assert [body["type"] for body in told.bodies] == ["shortcut", "message_action"]


async def test_an_external_select_of_a_message_asks_for_options_and_takes_one(stage: Stage, page: Page) -> None:
    told = Told(option_groups=[{"label": PLAIN, "options": [{"text": PLAIN, "value": "checkout"}]}])
    stage.app.options("find")(told.hear)
    chosen = Told()
    stage.app.action("find")(chosen.hear)
    select = {"type": "external_select", "action_id": "find", "min_query_length": 0}
    blocks = [{"type": "actions", "elements": [select]}]
    posted = await stage.client.chat_postMessage(channel="C0DEPLOYS", text="x", blocks=blocks)
    place = {"channel": "C0DEPLOYS", "ts": posted["ts"], "action_id": "find"}
    offered = await page.act("ana", suggest={**place, "value": ""})
    assert offered["option_groups"][0]["options"][0]["value"] == "checkout"
    await page.act("ana", click={**place, "chosen": "checkout"})
    assert chosen.body["actions"][0]["selected_option"] == {"text": PLAIN, "value": "checkout"}


async def test_several_options_are_chosen_by_their_values(stage: Stage, page: Page) -> None:
    told = Told()
    stage.app.action("ticks")(told.hear)
    place = {"channel": "C0DEPLOYS", "ts": await carded(stage), "action_id": "ticks"}
    await page.act("ana", click={**place, "selected_options": ["a"]})
    assert [one["value"] for one in told.body["actions"][0]["selected_options"]] == ["a"]
    refused = await page.act("ana", click={**place, "selected_options": ["z"]})
    assert "no option 'z'" in refused["error"]


async def test_emoji_pins_and_topics_are_followed(stage: Stage, page: Page) -> None:
    ts = await carded(stage)
    await page.act("ana", react={"channel": "C0DEPLOYS", "ts": ts, "name": "eyes"})
    await page.act("ana", react={"channel": "C0DEPLOYS", "ts": ts, "name": "eyes"})
    await page.frame("message")
    shown = (await page.frame("message"))["message"]
    assert shown["reactions"] == [{"name": "eyes", "users": ["U0ANA"], "count": 1}]
    await page.act("ana", react={"channel": "C0DEPLOYS", "ts": ts, "name": "eyes", "remove": True})
    assert (await page.frame("message"))["message"]["reactions"] == []
    await stage.client.pins_add(channel="C0DEPLOYS", timestamp=ts)
    assert (await page.frame("message"))["message"]["pinned"] is True
    await stage.client.conversations_setTopic(channel="C0DEPLOYS", topic="checkout 5xx")
    assert (await page.frame("channel"))["place"]["topic"] == "checkout 5xx"


async def test_a_wish_that_cannot_be_understood_says_why(stage: Stage, page: Page) -> None:
    assert "command, click, say" in (await page.act("ana", dance=True))["error"]
    assert "missing 'view_id'" in (await page.act("ana", submit={}))["error"]
    assert "nobody here is called" in (await page.act("zoe", say="x"))["error"]
    view = {"type": "modal", "title": PLAIN, "blocks": CARD}
    opened = await stage.client.views_open(trigger_id=stage.slack.views.trigger("U0ANA"), view=view)
    refused = await page.act("ana", submit={"view_id": opened["view"]["id"]})
    assert "no submit button" in refused["error"]


async def test_the_snapshot_shows_what_is_open_and_what_the_app_offers(stage: Stage, page: Page) -> None:
    stage.slack.manifest = Manifest(shortcuts=(Shortcut(name="Lock", type="global", callback_id="lock"),))
    await stage.client.views_open(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
    await stage.client.views_publish(user_id="U0BEN", view={"type": "home", "blocks": CARD})
    stage.slack.fault("slow", seconds=2)
    async with page.session.get(f"{page.url}/_sandbox/messages") as response:
        shown = await response.json()
    assert [one["type"] for one in shown["views"]["U0ANA"]] == ["modal"]
    assert shown["homes"]["U0BEN"]["type"] == "home"
    assert shown["shortcuts"][0]["callback_id"] == "lock"
    assert shown["usergroups"][0]["handle"] == "payments-leads"
    assert [one["kind"] for one in shown["faults"]] == ["slow"]
    assert {one["key"] for one in shown["people"] if one["guest"] or one["stranger"]} == {"fay", "gus"}


# Faults


async def test_the_door_lists_every_kind_of_fault_and_those_that_are_on(page: Page) -> None:
    begun = await page.fault("POST", **DOWN)
    frame = await page.frame("faults")
    listed = await page.fault("GET")
    assert {one["kind"] for one in listed["kinds"] if one["system"] == "slack"} == {kind.value for kind in FaultKind}
    (fault,) = listed["faults"]
    assert (fault["id"], fault["summary"], fault["times"]) == (begun["id"], "Slack is down", None)
    assert 590 < fault["left"] <= 600
    assert frame["faults"][0]["id"] == begun["id"]


async def test_a_fault_ends_when_its_while_is_over(stage: Stage, page: Page) -> None:
    await page.fault("POST", **DOWN)
    assert len((await page.frame("faults"))["faults"]) == 1
    stage.sandbox.clock.turn(by=timedelta(minutes=10))
    assert (await page.frame("faults"))["faults"] == []
    assert (await stage.client.auth_test())["ok"]


async def test_one_fault_is_switched_off_and_the_others_stay(page: Page) -> None:
    first = await page.fault("POST", kind="slow", seconds=0.01)
    await page.fault("POST", kind="internal_error", method="chat.update")
    await page.fault("DELETE", f"?id={first['id']}")
    assert [one["kind"] for one in (await page.fault("GET"))["faults"]] == ["internal_error"]
    await page.fault("DELETE")
    assert (await page.fault("GET"))["faults"] == []


async def test_githubs_faults_are_switched_by_the_same_door(stage: Stage, page: Page) -> None:
    for kind in ("down", "drop_webhooks"):
        wish: dict[str, Any] = {"system": "github", "kind": kind, "for": 60}
        await page.fault("POST", **wish)
    listed = (await page.fault("GET"))["faults"]
    assert [(one["system"], one["kind"]) for one in listed] == [("github", "down"), ("github", "drop_webhooks")]
    assert stage.sandbox.github.faults.down
    await page.fault("DELETE", f"?id={listed[0]['id']}")
    assert (stage.sandbox.github.faults.down, stage.sandbox.github.hooks.dropping) == (False, True)
    stage.sandbox.clock.turn(by=timedelta(minutes=1))
    assert (stage.sandbox.github.hooks.dropping, (await page.fault("GET"))["faults"]) == (False, [])


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "gremlins"},
        {},
        {"kind": "down", "for": -1},
        {"kind": "down", "for": "a while"},
        {"kind": "slow", "times": 0},
        {"system": "github", "kind": "gremlins"},
        {"system": "mars", "kind": "down"},
        {"system": "github"},
        {"kind": ["down"]},
        {"kind": "slow", "seconds": "NaN"},
        {"kind": "slow", "seconds": math.inf},
        {"kind": "slow", "seconds": -1},
        {"kind": "slow", "seconds": {}},
        {"kind": "slow", "for": 1e300},
        {"kind": "slow", "times": 1.5},
        {"kind": "ratelimited", "retry_after": "soon"},
        {"kind": "slow", "method": "chat.postMesage"},
        {"kind": "slow", "channel": "#nowhere"},
        {"kind": "down", "times": 3},
        {"kind": "slow", "secnds": 3},
        {"system": "github", "kind": "slow", "seconds": math.nan},
        {"system": "github", "kind": "slow", "method": "x"},
        {"system": "github", "dwon": True},
    ],
)
async def test_a_fault_that_cannot_be_is_refused_and_nothing_is_on(page: Page, wish: Json) -> None:
    answer = await page.fault("POST", **wish)
    assert (answer["status"], bool(answer["error"])) == (400, True)
    assert (await page.fault("GET"))["faults"] == []


async def test_a_refused_fault_is_told_what_there_is(page: Page) -> None:
    assert "expected one of ratelimited, http_500" in (await page.fault("POST", kind="gremlins"))["error"]
    assert "expected one of slack, github, pagerduty" in (await page.fault("POST", system="mars", kind="x"))["error"]
    assert "there is no 'secnds'" in (await page.fault("POST", kind="slow", secnds=3))["error"]


async def test_the_same_fault_begun_again_takes_the_place_of_the_first(stage: Stage, page: Page) -> None:
    """So that one press of "End it" ends it, also after a double click."""
    await page.fault("POST", **DOWN)
    again = await page.fault("POST", **DOWN | {"for": 60})
    await page.fault("POST", kind="slow", method="response_url")
    await page.fault("POST", kind="slow", channel="#deploys")
    listed = (await page.fault("GET"))["faults"]
    assert [(one["kind"], one["method"], one["channel"]) for one in listed] == [
        ("down", None, None),
        ("slow", "response_url", None),
        ("slow", None, "C0DEPLOYS"),
    ]
    assert listed[0]["id"] == again["id"]
    assert (await page.fault("DELETE", f"?id={again['id']}"))["ended"] == [again["id"]]
    assert not stage.slack.faults.down


async def test_a_fault_is_not_ended_by_mistake(page: Page) -> None:
    begun = await page.fault("POST", **DOWN)
    assert (await page.fault("DELETE", f"?number={begun['id']}"))["status"] == 400
    assert (await page.fault("DELETE", "?id=down"))["status"] == 400
    assert (await page.fault("DELETE", "?id=99999"))["ended"] == []
    assert len((await page.fault("GET"))["faults"]) == 1


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"say": {"x": 1}}, "say: expected a string"),
        ({"say": "hi", "chanel": "#general"}, "there is no 'chanel'"),
        ({"say": "hi", "channel": 7}, "channel: expected a string"),
        ({"say": "hi", "command": "/ship"}, "one of: command"),
        ({"command": "/ship", "text": None}, "text: expected a string"),
        ({"click": "mute"}, "click: expected an object"),
        ({"click": {"channel": "C0DEPLOYS", "ts": "1.1"}}, "missing 'action_id'"),
        ({"click": {"channel": "C0DEPLOYS", "ts": "1.1", "action_id": "a", "values": 3}}, "values: expected an object"),
        ({"react": "zzz"}, "react: expected an object"),
        ({"react": {"channel": "C0DEPLOYS", "ts": "1.1", "emoji": "eyes"}}, "react: there is no 'emoji'"),
        (
            {"click": {"channel": "C0DEPLOYS", "ts": "1.1", "action_id": "a", "chose": "b"}},
            "click: there is no 'chose'",
        ),
        ({"shortcut": {"callback": "lock"}}, "shortcut: there is no 'callback'"),
        ({"submit": []}, "submit: expected an object"),
        ({"submit": {"view_id": 3}}, "view_id: expected a string"),
        ({"close": "V1"}, "close: expected an object"),
        ({"shortcut": "ship"}, "shortcut: expected an object"),
        ({"suggest": "x"}, "suggest: expected an object"),
        ({"scene": {"a": 1}}, "scene: expected a string"),
        ({"scene": "a calm deploy", "pace": math.nan}, "pace: expected a number"),
        ({"scene": "a calm deploy", "pace": -1}, "pace: expected a number"),
        ({"pager": "answer", "after": 1e300}, "is no duration"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused_in_words(page: Page, wish: Json, said: str) -> None:
    assert said in (await page.act("ana", **wish))["error"]


@pytest.mark.parametrize("address", ["act", "fault", "clock"])
@pytest.mark.parametrize("body", ["", "{", "[]", "null", "\udcff", pytest.param("[" * 100_000, id="deep")])
async def test_what_is_no_object_is_refused(page: Page, address: str, body: str) -> None:
    sent = body.encode("utf-8", "surrogateescape")
    async with page.session.post(f"{page.url}/_sandbox/{address}", data=sent) as response:
        assert response.status == 400
        assert await response.json() == {"ok": False, "error": "send a JSON object"}


async def test_who_acts_is_to_be_said(page: Page) -> None:
    async with page.session.post(f"{page.url}/_sandbox/act", json={"say": "hi"}) as response:
        assert response.status == 400
        assert "as: say who does it, one of ana, ben" in (await response.json())["error"]


def test_every_kind_of_fault_is_described() -> None:
    assert set(SUMMARIES) == set(FIELDS) == set(FaultKind)


async def test_a_call_that_hangs_is_let_go_when_its_while_is_over(stage: Stage) -> None:
    stage.slack.fault("hang", times=1, duration=60)
    struck = asyncio.Event()
    stage.slack.faults.watchers.append(struck.set)
    call = asyncio.ensure_future(stage.client.auth_test())
    await struck.wait()
    assert not call.done()
    stage.sandbox.clock.turn(by=timedelta(seconds=60))
    with pytest.raises(aiohttp.ClientError):
        await call


# The manifest


def test_our_own_manifest_is_read_as_slack_reads_it() -> None:
    content = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    manifest = read_manifest(content)
    assert manifest.scopes == set(content["oauth_config"]["scopes"]["bot"])
    assert manifest.scopes <= set(ALL_SCOPES)
    assert manifest.command("/ship").should_escape
    with pytest.raises(LookupError, match="/ship"):
        manifest.command("/shop")


def test_what_a_manifest_does_not_name_is_off() -> None:
    manifest = read_manifest({"oauth_config": {"scopes": {"bot": ["chat:write"]}}})
    assert manifest.scopes == {"chat:write"}
    assert (manifest.commands, manifest.shortcuts, manifest.home_tab) == ((), (), False)
    assert not manifest.hears("app_mention", manifest.scopes)


def test_an_event_is_heard_only_with_its_scope() -> None:
    manifest = Manifest(events=frozenset({"app_mention", "app_uninstalled"}))
    assert manifest.hears("app_mention", {"app_mentions:read"})
    assert not manifest.hears("app_mention", {"chat:write"})
    assert manifest.hears("app_uninstalled", set())
    assert "app_mention" in EVENT_SCOPES


async def test_a_sandbox_with_a_manifest_grants_what_it_asks_for() -> None:
    content = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    async with staged(manifest=read_manifest(content)) as stage:
        granted = (await stage.client.auth_test()).headers["x-oauth-scopes"].split(",")
        assert set(granted) == set(content["oauth_config"]["scopes"]["bot"])


async def test_the_inspector_shows_signatures_and_the_headers_of_answers(stage: Stage, page: Page) -> None:
    stage.app.command("/ship")(Told().hear)
    await page.act("ana", command="/ship")
    called, sent = await page.frame("request"), await page.frame("request")
    assert (called["name"], sent["name"]) == ("auth.test", "slash_commands")
    assert sent["request_headers"]["X-Slack-Signature"].startswith("v0=")
    assert "Content-Length" in sent["response_headers"]
    assert "x-oauth-scopes" in called["response_headers"]
    assert stage.slack.bot_token not in json.dumps(called)
