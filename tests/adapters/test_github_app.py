"""The GitHub adapter as an App: tokens of its installations, and deliveries asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.adapters.github import GithubForge
from bot.errors import GiveUp, RetryLater, Unauthorised
from bot.ports import MissedDeliveries
from tests.adapters.github_stub import SINCE, GithubServer, Json, between, commit, pull
from tests.adapters.stub import body, raw, told
from tests.conftest import UNHURRIED

# As an App


@pytest.fixture(scope="module")
def private_key() -> str:
    """An App's key, made for the run, as an environment file carries it: on one line."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return pem.decode().replace("\n", "\\n")


@pytest.fixture
async def app(github: GithubServer, private_key: str) -> AsyncIterator[GithubForge]:
    """The adapter as a GitHub App that is installed on acme."""
    github.tell("installation", {"id": 41})
    github.tell_root("app/installations", [{"id": 41, "account": {"login": "acme"}}])
    token = {"token": "ghs_installed", "expires_at": "2126-01-01T00:00:00Z", "permissions": {}}
    github.tell_root("app/installations/41/access_tokens", body(token, 201))
    made = GithubForge(github.url, app_id="7", private_key=private_key, timeout=UNHURRIED)
    yield made
    await made.close()


async def test_an_app_asks_as_its_installation(app: GithubForge, github: GithubServer) -> None:
    """One token serves many threads; it is fetched once."""
    github.tell_range(*(commit(number, f"Change (#{number})", number - 1) for number in range(2, 10)))
    github.tell_pulls(*(pull(number, number) for number in range(2, 10)))
    assert len((await between(app)).pulls) == 8
    assert len(github.asked("access_tokens")) == 1
    assert len(github.asked("installation")) == 2
    asked = {who for call, who in zip(github.calls, github.credentials, strict=True) if "pulls" in call}
    assert asked == {"token ghs_installed"}


async def test_threads_that_come_at_once_fetch_one_token(app: GithubForge, github: GithubServer) -> None:
    """PyGithub alone would fetch one for each."""
    github.tell_root("users/ana", {"email": "ana@acme.example"})
    assert await asyncio.gather(*(app.email("ana") for _ in range(8))) == ["ana@acme.example"] * 8
    assert len(github.asked("access_tokens")) == 1
    assert len(github.asked("app/installations")) == 2
    github.tell_range(status="identical")
    await between(app)
    assert await app.email("ana") == "ana@acme.example"


async def test_an_app_that_is_not_installed_says_so(app: GithubForge, github: GithubServer) -> None:
    """Somebody has to install it; the repository is named."""
    github.tell("installation", body({"message": "Not Found"}, 404))
    with pytest.raises(GiveUp, match="acme/checkout"):
        await between(app)
    github.tell_root("app/installations", [])
    with pytest.raises(Unauthorised, match="Install"):
        await app.email("ana")


async def test_a_key_that_is_none_is_not_repeated(github: GithubServer) -> None:
    """Half a key is still a secret."""
    wrong = GithubForge(github.url, app_id="7", private_key="-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n")
    try:
        with pytest.raises(Unauthorised, match="GITHUB_APP_PRIVATE_KEY") as raised:
            await between(wrong)
    finally:
        await wrong.close()
    assert "c2VjcmV0" not in told(raised.value)


async def test_the_public_half_of_a_key_signs_nothing(github: GithubServer) -> None:
    """The two are downloaded apart, and mistaken for each other."""
    half = rsa.generate_private_key(65537, 2048).public_key()
    written = half.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    wrong = GithubForge(github.url, app_id="7", private_key=written)
    try:
        with pytest.raises(Unauthorised, match="GITHUB_APP_PRIVATE_KEY"):
            await between(wrong)
    finally:
        await wrong.close()


def delivery(number: int, guid: str, at: str, status: int, *, again: bool = False) -> Json:
    """One attempt at a webhook delivery, as GitHub lists it."""
    return {
        "id": number,
        "guid": guid,
        "delivered_at": at,
        "redelivery": again,
        "status": "OK" if status < 300 else "failed to connect to host",
        "status_code": status,
        "event": "deployment_status",
    }


async def test_deliveries_that_never_arrived_are_asked_for_again(app: GithubForge, github: GithubServer) -> None:
    """Each once, by its latest attempt, with the time it was first missed; older ones are let be."""
    github.tell_root(
        "app/hook/deliveries",
        body(
            [
                delivery(9, "late", "2026-11-20T12:30:00Z", 200, again=True),
                delivery(8, "lost", "2026-11-20T12:25:00Z", 503, again=True),
                delivery(7, "lost", "2026-11-20T12:19:00Z", 0),
            ],
            Link=f'<{github.url}/app/hook/deliveries?per_page=100&cursor=v1_6>; rel="next"',
        ),
        [
            delivery(6, "gone", "2026-11-20T12:10:00Z", 500),
            delivery(5, "late", "2026-11-20T12:06:00Z", 502),
            delivery(4, "missed", "2026-11-20T12:04:00Z", 502),
            delivery(3, "old", "2026-11-19T23:59:59Z", 502),
        ],
    )
    for number in (8, 4):
        github.tell_root(f"app/hook/deliveries/{number}/attempts", body({}, 202))
    assert await app.redeliver_failed(SINCE) == MissedDeliveries(
        requested=2,
        first_at=datetime(2026, 11, 20, 12, 4, tzinfo=UTC),
        last_at=datetime(2026, 11, 20, 12, 19, tzinfo=UTC),
    )
    assert [call for call in github.calls if call.startswith("POST app/hook")] == [
        "POST app/hook/deliveries/8/attempts",
        "POST app/hook/deliveries/6/attempts",
        "POST app/hook/deliveries/4/attempts",
    ]
    assert github.queries[1]["cursor"] == "v1_6"
    assert all(who.startswith("Bearer ") for who in github.credentials)


async def test_what_fails_again_and_again_is_counted_once(app: GithubForge, github: GithubServer) -> None:
    """It is asked for by each look that still sees it, and told by the first."""
    github.tell_root("app/hook/deliveries", [delivery(4, "missed", "2026-11-20T12:04:00Z", 502)])
    github.tell_root("app/hook/deliveries/4/attempts", body({}, 202))
    found = [await app.redeliver_failed(SINCE) for _ in range(2)]
    assert [one.requested for one in found if one is not None] == [1, 0]
    assert len(github.asked("attempts")) == 2


async def test_nothing_missed_is_nothing_asked(app: GithubForge, github: GithubServer) -> None:
    """The list may end before the time asked about."""
    github.tell_root("app/hook/deliveries", [delivery(9, "fine", "2026-11-20T12:30:00Z", 202), {"guid": "odd"}])
    assert await app.redeliver_failed(SINCE) == MissedDeliveries(requested=0)


async def test_asking_again_is_not_repeated_by_itself(app: GithubForge, github: GithubServer) -> None:
    """PyGithub's default would send a POST four times; the whole look back is tried again instead."""
    github.tell_root("app/hook/deliveries", [delivery(4, "missed", "2026-11-20T12:04:00Z", 502)])
    github.tell_root("app/hook/deliveries/4/attempts", body({}, 502))
    with pytest.raises(RetryLater):
        await app.redeliver_failed(SINCE)
    assert len(github.asked("attempts")) == 1
    github.tell_root("app/hook/deliveries", raw("<h1>Hi</h1>"))
    with pytest.raises(RetryLater):
        await app.redeliver_failed(SINCE)


async def test_a_token_cannot_ask_for_deliveries(forge: GithubForge, github: GithubServer) -> None:
    """Then the deployments are listed instead."""
    assert await forge.redeliver_failed(SINCE) is None
    assert github.calls == []
