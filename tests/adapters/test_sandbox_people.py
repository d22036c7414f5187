"""What people do in the stand-in world by its control door: come and go, say where they are, answer their phones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.sandbox.pagerduty_acme import BOT_EMAIL
from bot.sandbox.pagerduty_records import Incident
from bot.sandbox.server import Sandbox

Json = dict[str, Any]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Whoever asks."""
    async with aiohttp.ClientSession() as made:
        yield made


async def does(sandbox: Sandbox, session: aiohttp.ClientSession, **wish: Any) -> Json:
    """Ask the control door."""
    wish = {"as" if name == "who" else name: value for name, value in wish.items()}
    async with session.post(f"{sandbox.url}/_sandbox/act", json=wish) as answer:
        told: Json = await answer.json()
    return told


async def seen(sandbox: Sandbox, session: aiohttp.ClientSession) -> Json:
    """Everything the page draws."""
    async with session.get(f"{sandbox.url}/_sandbox/messages") as answer:
        told: Json = await answer.json()
    return told


def rings(sandbox: Sandbox, who: str = "ana") -> Incident:
    """Somebody's phone rings."""
    account = sandbox.pagerduty.account
    return sandbox.pagerduty.open(
        account.services["PSCHECKOUT"],
        "checkout 5xx",
        by=account.by_email(BOT_EMAIL),
        assignees=[account.user(who)],
    )


def asks(sandbox: Sandbox, incident: Incident, who: str) -> None:
    """Somebody's help is asked for."""
    account = sandbox.pagerduty.account
    sandbox.pagerduty.ask_for_help(incident, account.user("shipmate"), [account.user(who)], "You merged it")


async def test_people_come_and_go(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """As they may: nobody walks into a private channel, nobody leaves #general."""
    assert (await does(sandbox, session, who="eve", leave="#deploys"))["ok"]
    assert "U0EVE" not in sandbox.world.channel("#deploys").members
    assert (await does(sandbox, session, who="eve", join="#deploys"))["ok"]
    assert "U0EVE" in sandbox.world.channel("#deploys").members
    sandbox.world.add_channel("inc-secret", members={"U0ANA"}, private=True)
    assert "private" in (await does(sandbox, session, who="eve", join="#inc-secret"))["error"]
    assert "nobody leaves" in (await does(sandbox, session, who="eve", leave="#general"))["error"]


async def test_somebody_says_where_they_are(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """For a while; the page shows it."""
    status = {"text": "On holiday", "emoji": ":palm_tree:", "for": "2h"}
    assert (await does(sandbox, session, who="ana", status=status))["until"] == sandbox.world.now() + 7200
    ana = next(one for one in (await seen(sandbox, session))["people"] if one["key"] == "ana")
    assert (ana["status"], ana["status_emoji"]) == ("On holiday", ":palm_tree:")
    sandbox.clock.turn(by=timedelta(hours=3))
    assert sandbox.world.person("ana").status == ""
    await does(sandbox, session, who="ana", status={"text": "Lunch"})
    assert sandbox.world.person("ana").status == "Lunch"
    await does(sandbox, session, who="ana", status={})
    assert sandbox.world.person("ana").status == ""


async def test_a_phone_that_rings_is_answered_once(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """What they do the next time stays as it was."""
    incident = rings(sandbox)
    told = (await seen(sandbox, session))["pager"]
    assert [one["name"] for one in told["people"] if one["ringing"]] == ["Ana Torres"]
    assert told["rings"][0]["title"] == "checkout 5xx"
    assert (await does(sandbox, session, who="ana", pager="acknowledge"))["ok"]
    assert incident.status == "acknowledged"
    told = (await seen(sandbox, session))["pager"]
    assert told["incidents"][0]["acknowledged"] == ["Ana Torres"]
    assert [one for one in told["people"] if one["ringing"]] == []
    assert rings(sandbox).status == "triggered"


async def test_who_declines_says_no_where_help_is_asked_for(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """What is assigned to them rings on: there is no declining that (PagerDuty's help, responder requests)."""
    incident = rings(sandbox)
    asks(sandbox, incident, "ben")
    assert incident.responders[0].state == "pending"
    for who in ("ana", "ben"):
        await does(sandbox, session, who=who, pager="decline")
    asks(sandbox, incident, "ana")
    assert [one.state for one in incident.responders] == ["declined", "declined"]
    assert incident.status == "triggered"
    await does(sandbox, session, who="ana", pager="answer")
    assert incident.status == "acknowledged"


async def test_who_slept_through_a_request_joins_on_waking(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """After the delay they need."""
    incident = rings(sandbox)
    asks(sandbox, incident, "ben")
    await does(sandbox, session, who="ben", pager="answer", after="2m")
    assert incident.responders[0].state == "pending"
    sandbox.clock.turn(by=timedelta(minutes=3))
    await sandbox.slack.until(lambda: incident.responders[0].state == "joined")
    assert sandbox.pagerduty.does("ben") == "answer"
    await does(sandbox, session, who="ben", pager="silence")
    assert sandbox.pagerduty.does("ben") == "silence"


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"pager": "shout"}, "answer, decline, silence, acknowledge"),
        ({"pager": "decline", "after": "2m"}, "only who answers"),
        ({"status": {"until": "2h"}}, "text, emoji, for"),
        ({"status": {"for": "a while"}}, "no duration"),
        ({"join": "#nowhere"}, "there is no channel"),
    ],
)
async def test_a_mistake_is_told(wish: Json, told: str, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    assert told in (await does(sandbox, session, who="ana", **wish))["error"]


async def test_the_page_hears_of_statuses_and_phones(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """By the live line; what happens at once is told once."""
    async with session.ws_connect(f"{sandbox.url}/_sandbox/live") as live:
        assert (await live.receive_json())["type"] == "snapshot"
        await does(sandbox, session, who="ana", status={"text": "Lunch"})
        told = await live.receive_json()
        assert (told["type"], told["person"]["status"]) == ("person", "Lunch")
        rings(sandbox)
        told = await live.receive_json()
        assert (told["type"], told["pager"]["incidents"][0]["title"]) == ("pager", "checkout 5xx")
