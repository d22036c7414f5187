"""The stand-in GitHub's webhooks: when they come, come late, fail and are asked for again by the App."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import github as pygithub
import jwt
import pytest

from bot.sandbox.server import Sandbox
from tests.adapters.github_receiver import REPO, Receiver, ask


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


# Webhooks


async def test_nothing_is_sent_before_a_bot_is_connected(sandbox: Sandbox) -> None:
    await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.settle()
    assert sandbox.github.deliveries == []


async def test_webhooks_held_back_come_late_in_another_order_and_more_than_once(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.github.hold_webhooks()
    shas = [await sandbox.github.commit(REPO, author="ana", message=str(number)) for number in range(8)]
    await sandbox.settle()
    assert receiver.events == []
    await sandbox.github.release_webhooks(shuffle_seed=3, repeat=2)
    await sandbox.settle()
    arrived = [push["after"] for push in receiver.of("push")]
    assert sorted(arrived) == sorted(shas * 2)
    assert arrived != shas * 2
    assert len(set(receiver.guids)) == 8


async def test_a_failed_delivery_is_not_sent_again_until_it_is_asked_for_with_the_same_guid(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.github.drop_webhooks()
    await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.settle()
    sandbox.github.drop_webhooks(False)
    (failed,) = sandbox.github.deliveries
    assert (failed.ok, receiver.events) == (False, [])
    await sandbox.github.redeliver(failed.guid)
    await sandbox.settle()
    assert receiver.guids == [failed.guid]
    assert [one.redelivery for one in sandbox.github.deliveries] == [False, True]


async def test_an_unreachable_or_refusing_bot_is_recorded(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.statuses.append(500)
    await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.settle()
    sandbox.connect("http://127.0.0.1:1")
    await sandbox.github.commit(REPO, author="ana", message="y")
    await sandbox.settle()
    assert [one.status_code for one in sandbox.github.deliveries] == [500, 502]


# The App


def app_headers(sandbox: Sandbox, **claims: Any) -> dict[str, str]:
    """The headers of an App, with some claims of its JWT replaced; None leaves one out."""
    settings = sandbox.environment(github_app=True)
    now = datetime.now(UTC)
    good = {"iat": now - timedelta(seconds=60), "exp": now + timedelta(minutes=8), "iss": settings["GITHUB_APP_ID"]}
    told = {name: claim for name, claim in (good | claims).items() if claim is not None}
    token = jwt.encode(told, settings["GITHUB_APP_PRIVATE_KEY"], algorithm="RS256")
    return {"Authorization": f"Bearer {token}"}


async def test_an_app_signs_in_and_reads_with_its_installation_token(sandbox: Sandbox) -> None:
    settings = sandbox.environment(github_app=True)
    auth = pygithub.Auth.AppAuth(settings["GITHUB_APP_ID"], settings["GITHUB_APP_PRIVATE_KEY"])

    def read() -> str:
        with pygithub.GithubIntegration(auth=auth, base_url=settings["GITHUB_API_URL"]) as integration:
            installation = integration.get_repo_installation("acme", "checkout")
            return integration.get_access_token(installation.id).token

    token = await asyncio.to_thread(read)
    name = await ask(sandbox, lambda client: client.get_repo(REPO).default_branch, auth=pygithub.Auth.Token(token))
    assert name == "main"


async def test_failed_deliveries_are_listed_for_the_app_and_sent_again_on_request(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.statuses += [202, 503, 503]
    for number in range(3):
        await sandbox.github.commit(REPO, author="ana", message=str(number))
    await sandbox.settle()
    base = f"{sandbox.environment()['GITHUB_API_URL']}/app/hook/deliveries"
    async with aiohttp.ClientSession(headers=app_headers(sandbox)) as session:
        async with session.get(base, params={"status": "failure", "per_page": "1"}) as response:
            first = await response.json()
            following = str(response.links["next"]["url"])
        async with session.get(following) as response:
            second = await response.json()
            assert "next" not in response.links
        failed = [*first, *second]
        assert [row["status_code"] for row in failed] == [503, 503]
        async with session.post(f"{base}/{failed[0]['id']}/attempts") as response:
            assert response.status == 202
        await sandbox.settle()
        assert receiver.guids[-1] == failed[0]["guid"]
        async with session.get(base) as response:
            assert [row["redelivery"] for row in await response.json()] == [True, False, False, False]


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": timedelta(hours=1)},
        {"exp": timedelta(minutes=-10)},
        {"iss": "999"},
        {"iat": timedelta(minutes=5)},
        {"iat": None},
        {"exp": None},
        {"iss": None},
    ],
)
async def test_a_bad_jwt_is_refused(sandbox: Sandbox, claims: dict[str, Any]) -> None:
    """Instants are given by how far off they are when it is asked, however long ago the tests were collected."""
    claims = {name: datetime.now(UTC) + it if isinstance(it, timedelta) else it for name, it in claims.items()}
    url = f"{sandbox.environment()['GITHUB_API_URL']}/app"
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers=app_headers(sandbox)) as response:
            assert response.status == 200
        async with session.get(url, headers=app_headers(sandbox, **claims)) as response:
            assert response.status == 401
        async with session.get(url, headers={"Authorization": f"token {sandbox.github.token}"}) as response:
            assert response.status == 401
