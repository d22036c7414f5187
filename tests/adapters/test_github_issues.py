"""Issues opened at the stand-in GitHub over real HTTP, through a network that fails: each key has one issue."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.adapters.github import GithubForge
from bot.adapters.github_issues import LONGEST_BODY, LONGEST_TITLE
from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.ports import Issues
from bot.sandbox.github_records import Issue
from bot.sandbox.server import Sandbox
from tests.adapters.between import Between
from tests.conftest import UNHURRIED

REPO = "acme/checkout"
KEY = "shipmate:task:7"
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


@pytest.fixture
async def forge(sandbox: Sandbox, network: Between) -> AsyncIterator[GithubForge]:
    """The bot's GitHub, as the App."""
    settings = sandbox.environment(github_app=True)
    made = GithubForge(
        settings["GITHUB_API_URL"].replace(sandbox.url, network.url),
        app_id=settings["GITHUB_APP_ID"],
        private_key=settings["GITHUB_APP_PRIVATE_KEY"],
        timeout=UNHURRIED,
    )
    yield made
    await made.close()


def opened(sandbox: Sandbox) -> list[Issue]:
    """The issues there are, oldest first."""
    return list(sandbox.github.forge.repository(REPO).issues.values())


async def opens(forge: Issues, *, key: str = KEY) -> str:
    """Have the issue of this key opened."""
    return await forge.open_issue(REPO, "Bound the retries", "Found in the incident of 14:12.", key)


async def test_an_issue_is_opened_once_for_a_key(forge: GithubForge, sandbox: Sandbox) -> None:
    """The second call returns the first one's address; another key has its own."""
    first = await opens(forge)
    assert await opens(forge) == first
    (issue,) = opened(sandbox)
    assert first.endswith(f"/{REPO}/issues/{issue.number}")
    assert issue.title == "Bound the retries"
    assert issue.body == f"Found in the incident of 14:12.\n\n<!-- {KEY} -->"
    assert issue.by_app
    assert await opens(forge, key="shipmate:task:77") != first
    assert len(opened(sandbox)) == 2


@pytest.mark.parametrize("how", ["accept_then_cut", "accept_then_answer"])
async def test_an_answer_that_is_lost_makes_no_second_one(
    how: str, forge: GithubForge, sandbox: Sandbox, network: Between
) -> None:
    """It is told as doubtful, and found by the next call."""
    network.spoil(how, path=f"/repos/{REPO}/issues", status=502)
    with pytest.raises(Doubtful):
        await opens(forge)
    (issue,) = opened(sandbox)
    assert (await opens(forge)).endswith(f"/{issue.number}")
    assert len(opened(sandbox)) == 1


async def test_one_that_was_cut_before_it_arrived_is_opened_by_the_next(
    forge: GithubForge, sandbox: Sandbox, network: Between
) -> None:
    """Nobody can tell the two apart, but by looking."""
    network.spoil("cut", path=f"/repos/{REPO}/issues")
    with pytest.raises(Doubtful):
        await opens(forge)
    assert opened(sandbox) == []
    await opens(forge)
    assert len(opened(sandbox)) == 1


@pytest.mark.parametrize(("status", "headers"), [(403, {"retry-after": "33"}), (429, {"retry-after": "33"}), (403, {})])
async def test_a_secondary_limit_says_when_to_come_back(
    status: int, headers: dict[str, str], forge: GithubForge, sandbox: Sandbox, network: Between
) -> None:
    """GitHub names the seconds, or means a minute (docs.github.com, rate limits for the REST API)."""
    network.spoil("answer", path=f"/repos/{REPO}/issues", status=status, body=SECONDARY, headers=headers)
    with pytest.raises(RetryLater) as raised:
        await opens(forge)
    assert raised.value.rate_limited
    assert raised.value.delay == (33.0 if headers else 60.0)
    assert opened(sandbox) == []


async def test_it_is_found_among_newer_ones(forge: GithubForge, sandbox: Sandbox) -> None:
    """The newest two hundred are read, pull requests among them."""
    first = await opens(forge)
    for number in range(120):
        await sandbox.github.open_pull(REPO, author="ana", title=f"Change {number}")
    assert await opens(forge) == first


async def test_what_is_too_long_is_cut(forge: GithubForge, sandbox: Sandbox) -> None:
    """GitHub refuses it otherwise; the marker stays."""
    await forge.open_issue(REPO, "Long\n" * 100, "word " * LONGEST_BODY, KEY)
    (issue,) = opened(sandbox)
    assert len(issue.title) <= LONGEST_TITLE
    assert "\n" not in issue.title
    assert issue.body is not None
    assert len(issue.body) <= LONGEST_BODY
    assert issue.body.endswith(f"<!-- {KEY} -->")


async def test_the_permission_that_lacks_is_named(forge: GithubForge, sandbox: Sandbox, network: Between) -> None:
    """Also where we may read issues and not write them."""
    sandbox.github.app.permissions["issues"] = "read"
    with pytest.raises(Unauthorised, match="issues: write"):
        await opens(forge)
    network.spoil("answer", path=f"/repos/{REPO}/issues", status=410, body={"message": "Issues has been disabled"})
    with pytest.raises(GiveUp, match="disabled"):
        await opens(forge)
