"""What GitHub's refusals mean to us, and what is never repeated of our credentials."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest

from bot.adapters.github import GithubForge
from bot.errors import GiveUp, RetryLater, Unauthorised
from tests.adapters.github_stub import REPO, SINCE, TOKEN, GithubServer, between, sha
from tests.adapters.stub import Answer, body, cut, hang, raw, told

# Faults

LIMIT = "API rate limit exceeded for installation ID 7."
NOON = "Sat, 21 Nov 2026 12:00:00 GMT"
QUARTER_PAST = str(int(datetime(2026, 11, 21, 12, 15, tzinfo=UTC).timestamp()))


@pytest.mark.parametrize(
    ("answer", "delay"),
    [
        (body({"message": LIMIT}, 403, x_ratelimit_remaining="0", x_ratelimit_reset=QUARTER_PAST, Date=NOON), 901.0),
        (body({"message": LIMIT}, 429, x_ratelimit_remaining="0", x_ratelimit_reset=QUARTER_PAST, Date=NOON), 901.0),
        (body({"message": LIMIT}, 403, x_ratelimit_remaining="0", x_ratelimit_reset="1"), 1.0),
        (body({"message": LIMIT}, 403, x_ratelimit_remaining="0"), 60.0),
        (body({"message": LIMIT}, 403, x_ratelimit_remaining="0", x_ratelimit_reset="1", Date="noon"), 1.0),
        (body({"message": LIMIT}, 403, Retry_After="soon"), 60.0),
        (body({"message": "You have exceeded a secondary rate limit."}, 403, Retry_After="7"), 7.0),
        (body({"message": "You have exceeded a secondary rate limit."}, 403), 60.0),
        (raw("slow down", 429), 60.0),
        (body({"message": LIMIT}, 403, Retry_After="99999"), 3600.0),
    ],
)
async def test_github_says_how_long_to_wait(
    answer: Answer, delay: float, forge: GithubForge, github: GithubServer
) -> None:
    """By its own clock; no thread sleeps for it, and nothing is repeated before."""
    github.tell("", answer)
    with pytest.raises(RetryLater) as raised:
        await between(forge)
    assert raised.value.rate_limited
    assert raised.value.delay == delay
    assert len(github.calls) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (body({"message": "Bad credentials"}, 401), Unauthorised, "GITHUB_TOKEN"),
        (body({"message": "Resource not accessible by integration"}, 403), Unauthorised, "not accessible"),
        (body({"message": "SSO"}, 403, X_GitHub_SSO="required; url=https://x"), Unauthorised, "single sign-on"),
        (body({"message": "Not Found"}, 404), GiveUp, "The token cannot see acme/checkout"),
        (raw("<h1>404</h1>", 404), GiveUp, "The token cannot see acme/checkout"),
        (body({"message": "Validation Failed"}, 422), GiveUp, "Validation Failed"),
        (body({"message": "Unavailable for legal reasons"}, 451), GiveUp, "legal reasons"),
    ],
)
async def test_a_refusal_is_final_and_says_the_mend(
    answer: Answer, kind: type[GiveUp], said: str, forge: GithubForge, github: GithubServer
) -> None:
    """One question is enough to know."""
    github.tell("", answer)
    with pytest.raises(GiveUp, match=said) as raised:
        await between(forge)
    assert type(raised.value) is kind
    assert len(github.calls) == 1
    assert TOKEN not in told(raised.value)


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        (body({"message": "Server Error"}, 500), 2),
        (raw("<h1>Bad gateway</h1>", 502), 2),
        (raw("", 503, Retry_After="600"), 2),
        (raw("", 408), 1),
        (cut, 2),
        (hang, 2),
        (raw("<h1>Welcome</h1>"), 1),
        (raw('{"full_na', kind="application/json"), 1),
        (raw(""), 1),
        (body([]), 1),
        (body({"full_name": "odd"}), 1),
        (body(["an error as a list"], 400), 1),
    ],
)
async def test_what_may_pass_is_tried_again_later(
    answer: Answer, calls: int, forge: GithubForge, github: GithubServer
) -> None:
    """A GET is repeated once at once where the connection or the server failed; the engine does the waiting."""
    github.tell("", answer)
    with pytest.raises(RetryLater) as raised:
        await between(forge)
    assert not raised.value.rate_limited
    assert len(github.calls) == calls
    assert TOKEN not in told(raised.value)


async def test_one_stumble_is_not_even_noticed(forge: GithubForge, github: GithubServer) -> None:
    """The repeated GET answers."""
    github.tell_range(status="identical")
    github.tell("", body({}, 502), {"full_name": REPO})
    await between(forge)


async def test_nobody_at_the_address_is_tried_again_later() -> None:
    """GitHub may be down; the card is completed when it is back."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        lonely = GithubForge(f"http://127.0.0.1:{unused.getsockname()[1]}", token=TOKEN, timeout=1)
        try:
            with pytest.raises(RetryLater):
                await between(lonely)
        finally:
            await lonely.close()


async def test_a_redirect_elsewhere_names_the_setting(forge: GithubForge, github: GithubServer) -> None:
    """The token must not follow to another host."""
    github.tell("", raw("", 301, Location="https://github.example/api/v3/"))
    with pytest.raises(GiveUp, match="GITHUB_API_URL"):
        await between(forge)


async def test_without_credentials_nothing_is_asked(github: GithubServer) -> None:
    """The mend names the settings; redelivery is for Apps."""
    bare = GithubForge(github.url)
    try:
        for question in (
            bare.compare(REPO, sha(1), sha(99), paths=False),
            bare.single(REPO, sha(2), paths=False),
            bare.email("ana"),
            bare.deployments_since(REPO, SINCE),
        ):
            with pytest.raises(GiveUp, match="GITHUB_TOKEN") as raised:
                await question
            assert raised.value.code == "no_token"
        assert await bare.redeliver_failed(SINCE) is None
    finally:
        await bare.close()
    assert github.calls == []


@pytest.mark.parametrize("token", ["ghp_secret\nX-Injected: 1", "ghp_s\u20accret"])
async def test_a_token_that_cannot_be_sent_is_not_repeated(token: str, github: GithubServer) -> None:
    """The HTTP library's complaint about such a header would show it."""
    wrong = GithubForge(github.url, token=token)
    try:
        with pytest.raises(Unauthorised) as raised:
            await between(wrong)
    finally:
        await wrong.close()
    assert "cret" not in told(raised.value)
    assert github.calls == []


# People


async def test_a_public_address_is_told(forge: GithubForge, github: GithubServer) -> None:
    """Nobody, and nobody's address, are answers and not failures."""
    github.tell_root("users/ana", {"login": "ana", "email": "ana@acme.example"})
    github.tell_root("users/ben", {"login": "ben", "email": None})
    assert await forge.email("ana") == "ana@acme.example"
    assert await forge.email("ben") is None
    assert await forge.email("nobody/../../x") is None
    github.tell_root("users/ana", body({}, 401))
    with pytest.raises(Unauthorised):
        await forge.email("ana")
