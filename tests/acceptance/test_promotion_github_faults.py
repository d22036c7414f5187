"""GitHub in trouble while a promotion is carried out: exactly one deployment, or a card that says what went wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.promoting import Company, company, policy
from tests.adapters.between import Between

RETRY = "Retry payments on a gateway time-out"
APPROVE = "promotions:approve"
AT_ONCE = policy(gates="[lock, freeze, order, approval, health]")
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


@asynccontextmanager
async def troubled(sandbox: Sandbox, url: str, folder: Path) -> AsyncIterator[tuple[Company, Between]]:
    """A company whose GitHub is reached through something that can spoil what passes."""
    async with Between(sandbox.url) as between:
        address = sandbox.environment()["GITHUB_API_URL"].replace(sandbox.url, between.url)
        async with company(sandbox, url, folder, catalogue=AT_ONCE, GITHUB_API_URL=address) as there:
            yield there, between


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        ("answer", {"status": 502}),
        ("accept_then_answer", {"status": 502}),
        ("cut", {}),
        ("accept_then_cut", {}),
        ("answer", {"status": 429, "headers": {"Retry-After": "60"}}),
        ("answer", {"status": 403, "body": SECONDARY, "headers": {"Retry-After": "60"}}),
        ("answer", {"status": 401, "body": {"message": "Bad credentials"}}),
    ],
    ids=["5xx", "done-then-5xx", "cut", "done-then-cut", "429", "secondary-limit", "401"],
)
async def test_a_call_that_fails_in_passing_comes_to_one_deployment(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, how: str, fault: dict[str, Any]
) -> None:
    """Whether GitHub had done it or not; and nobody is told that it failed."""
    async with troubled(sandbox, sqlite_url, tmp_path) as (there, between):
        sha = await there.merge("ana", RETRY)
        between.spoil(how, path="/deployments", **fault)
        sandbox.github.hold_webhooks()  # what GitHub did must be looked up: nobody tells
        assert "Approved" in await there.press("dee", APPROVE)
        for _ in range(6):
            await there.turn(minutes=1)
        assert there.production()[1:] == [sha]
        await sandbox.github.release_webhooks()
        await there.at_rest()
        assert there.shows("live in *production*")
        assert not [said for said in there.said_in_thread() if "failed" in said]
        assert watching.said_twice(sandbox) == []


async def test_a_lost_answer_is_looked_up_before_it_is_repeated(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """While its absence proves nothing, nothing is repeated; a lock is told that it may be moving."""
    async with troubled(sandbox, sqlite_url, tmp_path) as (there, between):
        sha = await there.merge("ana", RETRY)
        between.spoil("cut", path="/deployments")
        await there.press("dee", APPROVE)
        await there.turn(seconds=30)
        assert len(between.posts("/deployments")) == 1
        assert there.shows(
            "its pipeline has not answered yet", "an earlier call may still be on its way", "I try again"
        )
        locked = await there.ship("eve", "lock checkout the gateway is down")
        assert "Perhaps already on its way" in locked
        assert "if that did not arrive, this lock holds it" in locked
        await there.turn(minutes=4)
        assert sha not in there.production(), "it had not been made, and by now it is locked"
        assert there.shows("the gateway is down")


async def test_a_refusal_is_a_clear_card(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """However often it were asked: the promotion failed, and says why in GitHub's own words."""
    async with troubled(sandbox, sqlite_url, tmp_path) as (there, between):
        await there.merge("ana", RETRY)
        words = {"message": "Validation Failed", "errors": [{"message": "No ref found for that sha"}]}
        between.spoil("answer", path="/deployments", status=422, body=words)
        await there.press("dee", APPROVE)
        await there.turn(minutes=5)
        assert len(between.posts("/deployments")) == 1
        assert len(there.production()) == 1
        assert there.shows("No ref found for that sha")
        assert [said for said in there.said_in_thread() if "No ref found for that sha" in said]


async def test_a_github_that_is_dead_from_the_start_opens_nothing(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """What it carries cannot be read: nobody can approve it, the card says why, and heals by itself."""
    async with troubled(sandbox, sqlite_url, tmp_path) as (there, between):
        between.spoil("answer", verb="GET", path="/compare", status=503, times=50)
        sha = await there.merge("ana", RETRY)
        assert there.shows("⏳ approval: what it carries is not read yet")
        assert APPROVE not in there.buttons(), "nobody says yes to what nobody has seen"
        assert sha not in there.production()
        between.clear()
        await there.turn(minutes=10)
        assert "Approved" in await there.press("dee", APPROVE)
        assert there.production()[-1] == sha
