"""What goes wrong at the stand-in GitHub and PagerDuty when the control door says so, and that it ends when told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.sandbox import exhausted
from bot.sandbox.exchanges import to_page
from bot.sandbox.exhausted import Exhausted
from bot.sandbox.server import Sandbox
from tests.adapters.github_receiver import REPO, Receiver


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """A world whose clock stands still."""
    sandbox.clock.speed = 0
    return sandbox


class Door:
    """The control door, by HTTP."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = f"{url}/_sandbox"

    async def begin(self, kind: str, **chosen: Any) -> int:
        """Switch one of GitHub's faults on; its number."""
        wish = {"system": "github", "kind": kind, **chosen}
        async with self._session.post(f"{self._url}/fault", json=wish) as response:
            answer = await response.json()
            assert answer["ok"], answer
            return int(answer["id"])

    async def end(self, number: int) -> None:
        """Switch one off."""
        async with self._session.delete(f"{self._url}/fault", params={"id": str(number)}) as response:
            assert (await response.json())["ended"] == [number]

    async def act(self, **wish: Any) -> tuple[int, Any]:
        """Have somebody do something."""
        async with self._session.post(f"{self._url}/act", json=wish) as response:
            return response.status, await response.json()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
def door(session: aiohttp.ClientSession, sandbox: Sandbox) -> Door:
    return Door(session, sandbox.url)


async def _commits(sandbox: Sandbox, many: int) -> list[str]:
    return [await sandbox.github.commit(REPO, author="ana", message=str(number)) for number in range(many)]


# Webhooks


async def test_webhooks_come_in_another_order_each_once(sandbox: Sandbox, receiver: Receiver, door: Door) -> None:
    number = await door.begin("shuffle_webhooks", seconds=30)
    sent = await _commits(sandbox, 5)
    await sandbox.settle()
    assert receiver.events == []
    sandbox.clock.turn(by=timedelta(seconds=30))
    await sandbox.settle()
    arrived = [push["after"] for push in receiver.of("push")]
    assert sorted(arrived) == sorted(sent)
    assert arrived != sent
    more = await _commits(sandbox, 2)
    await door.end(number)
    await sandbox.settle()
    assert [push["after"] for push in receiver.of("push")][5:] == more[::-1]
    more += await _commits(sandbox, 2)
    await sandbox.settle()
    assert [push["after"] for push in receiver.of("push")][7:] == more[2:]


async def test_an_ended_shuffling_lets_nothing_of_the_next_one_go(
    sandbox: Sandbox, receiver: Receiver, door: Door
) -> None:
    number = await door.begin("shuffle_webhooks", seconds=30)
    await _commits(sandbox, 1)
    await door.end(number)
    sandbox.clock.turn(by=timedelta(seconds=20))
    await door.begin("shuffle_webhooks", seconds=30)
    await _commits(sandbox, 2)
    sandbox.clock.turn(by=timedelta(seconds=20))
    await sandbox.settle()
    assert len(receiver.of("push")) == 1
    sandbox.clock.turn(by=timedelta(seconds=10))
    await sandbox.settle()
    assert len(receiver.of("push")) == 3


async def test_webhooks_come_twice_with_the_same_guid(sandbox: Sandbox, receiver: Receiver, door: Door) -> None:
    number = await door.begin("double_webhooks")
    sent = await _commits(sandbox, 2)
    await sandbox.settle()
    assert [push["after"] for push in receiver.of("push")] == [sent[0], sent[0], sent[1], sent[1]]
    assert len(set(receiver.guids)) == 2
    await door.end(number)
    await _commits(sandbox, 1)
    await sandbox.settle()
    assert len(receiver.guids) == 5


async def test_a_delivery_is_forgotten_after_three_days(sandbox: Sandbox, receiver: Receiver) -> None:
    """Whoever was away for longer must look the facts up: they are not sent again."""
    sandbox.github.drop_webhooks()
    await _commits(sandbox, 1)
    await sandbox.settle()
    (lost,) = sandbox.github.deliveries
    sandbox.clock.turn(by=timedelta(days=3) - timedelta(seconds=1))
    await sandbox.github.redeliver(lost.guid)
    await sandbox.settle()
    assert [one.guid for one in sandbox.github.hooks.known()] == [lost.guid] * 2
    sandbox.clock.turn(by=timedelta(days=3, seconds=1))
    assert sandbox.github.hooks.known() == []
    with pytest.raises(LookupError):
        await sandbox.github.redeliver(lost.guid)


# Limits


@pytest.mark.parametrize("kind", ["rate_limited", "secondary"])
async def test_a_limit_lasts_until_it_is_ended_whatever_it_promised(
    sandbox: Sandbox, session: aiohttp.ClientSession, door: Door, kind: str
) -> None:
    """Its promise is in real time, and its end by the world's clock or by hand."""
    number = await door.begin(kind)
    faults = sandbox.github.faults
    limit = faults.rate_limited or faults.secondary
    assert limit is not None
    assert exhausted.refused_until(Exhausted(limit.until - 3600, lasts=limit.lasts)) is not None
    async with session.get(f"{sandbox.url}/github.com/api/v3/users/ana") as response:
        assert response.status == 403
    await door.end(number)
    async with session.get(f"{sandbox.url}/github.com/api/v3/users/ana") as response:
        assert response.status == 200


def test_a_limit_for_some_seconds_is_over_after_them() -> None:
    limit = exhausted.exhausted(60, lasts=False)
    assert limit is not None
    assert exhausted.refused_until(limit) == limit.until
    assert exhausted.refused_until(Exhausted(limit.until - 61)) is None
    assert exhausted.exhausted(None, lasts=True) is None


async def test_pagerdutys_limit_lasts_too(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    wish = {"system": "pagerduty", "kind": "rate_limited", "for": 60}
    async with session.post(f"{sandbox.url}/_sandbox/fault", json=wish) as response:
        assert response.status == 200
    assert sandbox.pagerduty.faults.rate_limited is not None
    assert sandbox.pagerduty.faults.rate_limited.lasts
    sandbox.clock.turn(by=timedelta(minutes=1))
    assert sandbox.pagerduty.faults.rate_limited is None


async def test_pagerdutys_webhooks_come_late(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """Somebody has taken a page, and whoever waits for that does not know it yet."""
    wish = {"system": "pagerduty", "kind": "late_webhooks", "seconds": 300}
    async with session.post(f"{sandbox.url}/_sandbox/fault", json=wish) as response:
        number = (await response.json())["id"]
    sandbox.connect("http://127.0.0.1:9")
    account = sandbox.pagerduty.account
    sandbox.pagerduty.answer("ana")
    sandbox.pagerduty.open(account.services["PSCHECKOUT"], "5xx", by=None, assignees=[account.user("ana")])
    await sandbox.settle()
    assert [one.attempts for one in sandbox.pagerduty.hooks.sent] == [0, 0]
    sandbox.clock.turn(by=timedelta(seconds=300))
    await sandbox.settle()
    assert [one.attempts for one in sandbox.pagerduty.hooks.sent] == [1, 1]
    async with session.delete(f"{sandbox.url}/_sandbox/fault", params={"id": str(number)}):
        pass
    assert sandbox.pagerduty.hooks.late == 0


async def test_how_the_limit_stands_may_be_asked_when_it_is_used_up(
    sandbox: Sandbox, session: aiohttp.ClientSession, door: Door
) -> None:
    headers = {"Authorization": f"token {sandbox.github.token}"}
    number = await door.begin("rate_limited")
    async with session.get(f"{sandbox.url}/github.com/api/v3/rate_limit", headers=headers) as response:
        told = (await response.json())["rate"]
    assert (response.status, told["remaining"], told["used"]) == (200, 0, told["limit"])
    await door.end(number)
    async with session.get(f"{sandbox.url}/github.com/api/v3/rate_limit", headers=headers) as response:
        assert (await response.json())["rate"]["remaining"] > 0


# People, and what is shown


@pytest.mark.parametrize(
    "wish",
    [{"pager": "answer", "after": -5}, {"pager": "answer", "after": "-5m"}, {"status": {"text": "Away", "for": -5}}],
)
async def test_nothing_is_done_before_now(door: Door, wish: Any) -> None:
    status, answer = await door.act(**{"as": "ana", **wish})
    assert (status, answer["ok"]) == (400, False)


async def test_somebody_resolves_what_they_have(sandbox: Sandbox, door: Door) -> None:
    account = sandbox.pagerduty.account
    service, ana, ben = account.services["PSCHECKOUT"], account.user("ana"), account.user("ben")
    first, other = (sandbox.pagerduty.open(service, "5xx", by=None, assignees=[one]) for one in (ana, ben))
    assert (await door.act(**{"as": "ana", "pager": "resolve"}))[0] == 200
    assert (first.status, first.resolved_by, other.status) == ("resolved", ana, "triggered")


async def test_the_inspector_shows_no_token(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """Neither where it is shown, nor where it is handed out, nor in an address."""
    settings = sandbox.environment()
    key = settings["PAGERDUTY_ROUTING_KEY"]
    event = {"routing_key": key, "event_action": "resolve", "dedup_key": "x"}
    async with session.post(f"{settings['PAGERDUTY_EVENTS_URL']}/v2/enqueue", json=event) as response:
        assert response.status == 202
    given = sandbox.app.issue()["token"]
    sandbox.github.log.add(
        incoming=True, verb="POST", path=f"/x?token={given}", method="POST /x", status=201, began=0.0,
        request_body=f'{{"token": "{settings["SLACK_BOT_TOKEN"]}"}}', answer_body=f'{{"token": "{given}"}}',
    )  # fmt: skip
    shown = str([to_page(row) for log in (sandbox.github.log, sandbox.pagerduty.log) for row in log.rows])
    assert [one for one in (key, given, settings["SLACK_BOT_TOKEN"]) if one in shown] == []
    assert "dedup_key" in shown
