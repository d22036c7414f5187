"""The world's clock: it turns forward only, rings what is due on the way, and everything is dated by it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.clock import FollowedClock
from bot.sandbox.clock import Clock, duration
from bot.sandbox.github_answers import Refused
from bot.sandbox.github_limits import Limits
from bot.sandbox.server import Sandbox

REPO = "acme/checkout"


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """A world whose clock stands still."""
    sandbox.clock.speed = 0
    return sandbox


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


async def test_a_clock_that_stands_still_moves_only_when_it_is_turned() -> None:
    clock = Clock()
    clock.speed = 0
    begun = clock.now()
    assert clock.now() == begun
    assert clock.turn(by=timedelta(hours=2)) == begun + timedelta(hours=2)
    assert clock.turn(to=begun + timedelta(days=1)) == clock.now() == begun + timedelta(days=1)


async def test_a_fast_clock_gets_ahead_of_real_time() -> None:
    clock = Clock()
    clock.speed = 1000
    woken = asyncio.Event()
    clock.call_later(timedelta(minutes=1), woken.set)
    await asyncio.wait_for(woken.wait(), 30)
    assert clock.turned > 50


@pytest.mark.parametrize(
    "turn",
    [
        {},
        {"by": timedelta(seconds=-1)},
        {"to": datetime(2020, 1, 1, tzinfo=UTC)},
        {"to": datetime(2999, 1, 1)},  # noqa: DTZ001
        {"to": datetime(9999, 12, 31, tzinfo=UTC)},
        {"by": timedelta(1), "to": datetime(2999, 1, 1, tzinfo=UTC)},
    ],
)
async def test_it_goes_neither_back_nor_nowhere(turn: dict[str, Any]) -> None:
    clock = Clock()
    clock.speed = 0
    before = clock.now()
    with pytest.raises(ValueError, match=r"clock|instant"):
        clock.turn(**turn)
    assert clock.now() == before


async def test_its_speed_is_not_below_standing_still() -> None:
    with pytest.raises(ValueError, match="speed"):
        Clock().speed = -1


@given(minutes=st.lists(st.integers(1, 500), max_size=12), turns=st.lists(st.integers(0, 200), max_size=8))
def test_alarms_ring_once_in_order_each_at_its_own_instant(minutes: list[int], turns: list[int]) -> None:
    async def live() -> None:
        clock = Clock()
        clock.speed = 0
        begun, rung = clock.now(), list[tuple[int, datetime]]()
        for after in minutes:
            clock.call_later(timedelta(minutes=after), lambda after=after: rung.append((after, clock.now())))  # type: ignore[misc]
        for by in turns:
            clock.turn(by=timedelta(minutes=by))
        assert rung == [(after, begun + timedelta(minutes=after)) for after in sorted(minutes) if after <= sum(turns)]

    asyncio.run(live())


async def test_what_an_alarm_sets_off_rings_on_the_same_turn() -> None:
    clock = Clock()
    clock.speed = 0
    rung: list[str] = []

    def first() -> None:
        rung.append("first")
        clock.call_later(timedelta(minutes=5), lambda: rung.append("second"))

    clock.call_later(timedelta(minutes=5), first)
    cancelled = clock.call_later(timedelta(minutes=1), lambda: rung.append("never"))
    cancelled.cancel()
    clock.turn(by=timedelta(minutes=10))
    assert rung == ["first", "second"]


async def test_an_alarm_that_fails_keeps_no_other_from_ringing(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    clock.speed = 0
    rung: list[int] = []
    clock.call_later(timedelta(minutes=1), lambda: rung.append(1 // 0))
    clock.call_later(timedelta(minutes=2), lambda: rung.append(2))
    goal = clock.now() + timedelta(minutes=5)
    assert clock.turn(to=goal) == goal
    assert rung == [2]
    assert "ZeroDivisionError" in caplog.text


async def test_whoever_sleeps_by_it_wakes_when_it_is_turned() -> None:
    clock = Clock()
    clock.speed = 0
    asleep = asyncio.ensure_future(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.turn(by=timedelta(minutes=59))
    await asyncio.sleep(0)
    assert not asleep.done()
    clock.turn(by=timedelta(minutes=1))
    await asyncio.wait_for(asleep, 30)


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1d", 86400), (12.5, 12.5)]
)
def test_durations_are_written_as_people_write_them(written: object, seconds: float) -> None:
    assert duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    ["", "soon", "5", "5 m", None, True, ["1h"], math.nan, math.inf, 1e300, "9" * 40 + "d"],
)
def test_and_in_no_other_way(written: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(written)


# Its door


async def test_the_door_reads_turns_and_speeds_it(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    door = sandbox.environment(clock=True)["SHIPMATE_CLOCK_URL"]
    async with session.get(door) as response:
        before = await response.json()
    assert (datetime.fromisoformat(before["now"]), before["speed"]) == (sandbox.clock.now(), 0)
    answer: dict[str, Any] = {}
    for wish in ({"by": "30m"}, {"by": 1800}, {"to": (sandbox.clock.now() + timedelta(hours=2)).isoformat()}):
        async with session.post(door, json=wish) as response:
            answer = await response.json()
            assert answer["ok"], answer
    assert datetime.fromisoformat(answer["now"]) - datetime.fromisoformat(before["now"]) == timedelta(hours=2)
    assert answer["turned"] > 7000
    async with session.post(door, json={"speed": 60}) as response:
        assert (await response.json())["speed"] == sandbox.clock.speed == 60


@pytest.mark.parametrize(
    "wish",
    [
        {},
        [],
        {"by": "soon"},
        {"by": "-5m"},
        {"to": "noon"},
        {"to": "2020-01-01T00:00:00Z"},
        {"speed": "fast"},
        {"speed": -1},
        {"speed": math.nan},
        {"by": math.nan},
        {"by": 1e300},
        {"to": "9999-12-31T23:59:59Z"},
        {"by": "5m", "sped": 60},
        {"by": "5m", "speed": 99_999},
        {"by": "5m", "speed": 10**400},
    ],
)
async def test_a_wish_that_cannot_be_is_a_400_with_a_reason(
    sandbox: Sandbox, session: aiohttp.ClientSession, wish: Any
) -> None:
    before = sandbox.clock.now()
    async with session.post(f"{sandbox.url}/_sandbox/clock", json=wish) as response:
        assert response.status == 400
        assert (await response.json())["error"]
    assert sandbox.clock.now() == before


async def test_the_page_is_told_of_a_turn(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(f"{sandbox.url}/_sandbox/live") as live:
        assert (await live.receive_json())["clock"]["speed"] == 0
        sandbox.clock.turn(by=timedelta(minutes=1))
        told = await live.receive_json()
    assert (told["type"], told["clock"]["now"]) == ("clock", sandbox.clock.now().isoformat())


async def test_a_bot_follows_it_only_where_asked(sandbox: Sandbox) -> None:
    assert "SHIPMATE_CLOCK_URL" not in sandbox.environment()


async def test_what_comes_after_a_turn_comes_in_the_present_of_a_bot_that_follows(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    """Else a deadline that is reckoned at once would lie in the past a moment later."""
    door = f"{sandbox.url}/_sandbox/clock"
    follows = FollowedClock(door, lambda: None)
    await follows.start()
    try:
        async with session.get(door) as response:
            assert response.status == 200
        async with session.post(door, json={"by": "12m"}) as response:
            assert response.status == 200
        assert abs(follows() - sandbox.clock.now()) < timedelta(seconds=30)
        sandbox.clock.turn(by=timedelta(minutes=12))
        await sandbox.clock.followed()
        assert abs(follows() - sandbox.clock.now()) < timedelta(seconds=30)
    finally:
        await follows.stop()


# What it dates


async def test_what_happens_on_every_stand_in_is_dated_by_it(sandbox: Sandbox) -> None:
    at = sandbox.clock.turn(by=timedelta(days=40))
    sha = await sandbox.github.commit(REPO, author="ana", message="later")
    deployment = await sandbox.github.deployment(REPO, sha, "staging")
    await sandbox.github.deployment_status(REPO, deployment, "success")
    account = sandbox.pagerduty.account
    incident = sandbox.pagerduty.open(account.services["PSCHECKOUT"], "5xx", by=account.user("shipmate"))
    message = await sandbox.slack.say("ana", "hello")
    repo = sandbox.github.forge.repository(REPO)
    assert repo.commits[sha].at == at
    assert repo.deployments[deployment].statuses[0].at == at
    assert incident.created_at == at
    assert float(message.ts) == pytest.approx(at.timestamp(), abs=1)


async def test_the_hours_of_tokens_and_limits_stay_real(sandbox: Sandbox) -> None:
    """A token that expires in the world's hour would be refused by the SDK, or never renewed."""
    sandbox.clock.turn(by=timedelta(days=40))
    issued = datetime.fromisoformat(sandbox.github.app.issue()["expires_at"])
    assert issued - datetime.now(UTC) < timedelta(hours=1, minutes=1)
    assert sandbox.github.limits.reset - datetime.now(UTC).timestamp() < 3700


def test_an_hour_that_the_clock_is_turned_by_is_one_in_which_nothing_was_asked() -> None:
    """Else a story that plays a day within a minute would use up GitHub's limit of that minute."""
    clock = Clock()
    limits = Limits(enforced=True, ahead=lambda: clock.now().timestamp() - datetime.now(UTC).timestamp())
    for _ in range(900):
        limits.count("GET", "/user")
    with pytest.raises(Refused):
        limits.count("GET", "/user")
    clock.turn(by=timedelta(minutes=1))
    limits.count("GET", "/user")
    clock.turn(by=timedelta(hours=1))
    limits.count("GET", "/user")
    assert limits.used == 1


async def test_late_webhooks_come_when_their_time_has(sandbox: Sandbox) -> None:
    """Each by some part of the lateness, so that they come in another order."""
    arrived: list[str] = []

    async def take(request: web.Request) -> web.Response:
        arrived.append((await request.json())["after"])
        return web.Response()

    application = web.Application()
    application.router.add_post("/webhooks/github", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
    sandbox.github.late_webhooks(600, seed=7)
    sent = [await sandbox.github.commit(REPO, author="ana", message=str(number)) for number in range(6)]
    await sandbox.settle()
    assert arrived == []
    sandbox.clock.turn(by=timedelta(minutes=10))
    await sandbox.settle()
    assert sorted(arrived) == sorted(sent)
    assert arrived != sent
    sandbox.github.late_webhooks(0)
    sent.append(await sandbox.github.commit(REPO, author="ana", message="at once"))
    await sandbox.settle()
    assert arrived[-1] == sent[-1]
    await runner.cleanup()
