"""GitHub asks before a run enters production, and is answered by the gates: in sentences."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.sandbox.github_app import APP_ID
from bot.sandbox.github_records import Waiting
from bot.sandbox.pipeline import DEPLOY
from bot.sandbox.repositories import WorkflowRun
from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.promoting import GATES, Company, company, policy
from tests.acceptance.stories import REPO

RETRY = "Retry payments on a gateway time-out"
TAX = "Round the tax per line"
APPROVE = "promotions:approve"


@asynccontextmanager
async def guarded(sandbox: Sandbox, database_url: str, folder: Path, *, gates: str = GATES) -> AsyncIterator[Company]:
    """A company whose production is an environment with Shipmate's protection rule; its run goes on by itself."""
    catalogue = policy(gates=gates, through="github-environment")
    async with company(sandbox, database_url, folder, catalogue=catalogue, github_app=True) as there:
        sandbox.github.environment(REPO, "production", gate=True)
        yield there


async def ask(there: Company, sha: str) -> WorkflowRun:
    """A run of the pipeline brings a build as far as production's door, and waits."""
    github = there.sandbox.github
    run = await github.begin_run(REPO, sha, DEPLOY)
    await github.enter(REPO, run, "production")
    await there.at_rest()
    return github.repository(REPO).runs[run]


def door(there: Company, run: WorkflowRun) -> Waiting:
    """What GitHub knows of a run before production."""
    return there.sandbox.github.repository(REPO).waiting[run.id, "production"]


def notes(there: Company, run: WorkflowRun) -> list[str]:
    """The status notes on a run."""
    return door(there, run).notes.get(APP_ID, [])


async def test_a_run_asks_and_is_let_in_when_every_gate_is_open(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Closed gates never answer ``rejected``, which would end the run: they are told as notes, and then it goes on."""
    async with guarded(sandbox, database_url, tmp_path) as there:
        sha = await there.merge("ana", RETRY)
        run = await ask(there, sha)
        assert there.shows("needs 1 yes", "#801")
        assert door(there, run).verdict is None
        assert "**approval**: needs 1 yes" in notes(there, run)[-1]
        assert "**soak**: soaks in staging" in notes(there, run)[-1]
        await there.press("dee", APPROVE)
        assert door(there, run).verdict is None
        await there.turn(minutes=31)
        assert door(there, run).verdict == "approved"
        (answer,) = [one for one in run.approvals if one.state == "approved"]
        assert answer.comment.startswith("Approved by Dee")
        assert "- ✅ **approval**: approved by Dee" in answer.comment
        assert len(notes(there, run)) <= 10


async def test_however_often_a_gate_turns_github_gets_ten_notes_at_most(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """GitHub takes no more, and the last is kept for the end; the run waits all the same and is let in."""
    async with guarded(sandbox, sqlite_url, tmp_path, gates="[lock, approval]") as there:
        sha = await there.merge("ana", RETRY)
        run = await ask(there, sha)
        for reason in range(7):
            await there.ship("ben", f"lock checkout reason {reason}")
            await there.ship("ben", "unlock checkout")
        assert 2 < len(notes(there, run)) <= 10
        await there.press("dee", APPROVE)
        assert door(there, run).verdict == "approved"


async def test_a_persons_reject_ends_the_run(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """Only a person's no does, with their reason."""
    async with guarded(sandbox, database_url, tmp_path) as there:
        sha = await there.merge("ana", RETRY)
        run = await ask(there, sha)
        await there.press("dee", "promotions:reject")
        await there.submit("dee", {"reason": "the gateway is being moved"})
        assert door(there, run).verdict == "rejected"
        (answer,) = [one for one in run.approvals if one.state == "rejected"]
        assert "the gateway is being moved" in answer.comment


async def test_a_cancelled_promotion_leaves_the_run_to_whoever_began_it(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """It waits, and its last note says what to do."""
    async with guarded(sandbox, sqlite_url, tmp_path) as there:
        sha = await there.merge("ana", RETRY)
        run = await ask(there, sha)
        await there.choose("ben", "Cancel")
        await there.submit("ben", {"reason": "wrong day"})
        assert door(there, run).verdict is None
        assert "This promotion was cancelled" in notes(there, run)[-1]
        assert "/ship promote" in notes(there, run)[-1]


async def test_a_re_run_is_a_fresh_promotion(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """No yes carries over to it."""
    async with guarded(sandbox, sqlite_url, tmp_path, gates="[approval]") as there:
        sha = await there.merge("ana", RETRY)
        run = await ask(there, sha)
        await there.press("dee", APPROVE)
        assert door(there, run).verdict == "approved"
        await there.turn(minutes=5)
        first = there.card()
        await sandbox.github.finish_run(REPO, run.id, "failure")
        await there.at_rest()
        await there.turn(minutes=5)
        there_repo = sandbox.github.repository(REPO)
        sandbox.github.run_again(there_repo, run)
        await sandbox.github.enter(REPO, run.id, "production")
        await there.at_rest()
        assert there.card().ts != first.ts
        assert there.shows("needs 1 yes")
        assert door(there, run).verdict is None


async def test_a_run_that_vanished_is_waited_for_no_more(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Somebody cancelled it at GitHub: its promotion stays open, and the next run of that build is let in."""
    async with guarded(sandbox, sqlite_url, tmp_path, gates="[approval]") as there:
        sha = await there.merge("ana", RETRY)
        run = await ask(there, sha)
        await sandbox.github.finish_run(REPO, run.id, "cancelled")
        await there.at_rest()
        await there.press("dee", APPROVE)
        assert door(there, run).verdict == "cancelled"
        assert there.shows("✓ approved by Dee")
        assert "live" not in there.says().splitlines()[0]
        again = await ask(there, sha)
        assert door(there, again).verdict == "approved"


async def test_gates_open_without_a_run_stay_open(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """GitHub's environments cannot be made to start anything: what is approved waits for a run that asks."""
    async with guarded(sandbox, sqlite_url, tmp_path, gates="[approval]") as there:
        sha = await there.merge("ana", RETRY)
        said = await there.press("dee", APPROVE)
        assert "waits for a run that asks to go there" in said
        assert there.shows("✓ approved by Dee")
        run = await ask(there, sha)
        assert door(there, run).verdict == "approved"


async def test_an_answer_goes_to_our_own_github_or_nowhere(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """An address of another host in the request is somebody's attempt: nothing is raised, nothing is called."""
    async with guarded(sandbox, sqlite_url, tmp_path, gates="[lock]") as there:
        github = sandbox.github
        sha = await there.merge("ana", RETRY)
        github.drop_webhooks()
        number = await github.begin_run(REPO, sha, DEPLOY)
        waiting = await github.enter(REPO, number, "production")
        await there.at_rest()
        github.drop_webhooks(False)
        (asked,) = [one for one in github.deliveries if one.event == "deployment_protection_rule"]
        genuine = json.loads(asked.body)
        path = f"repos/{REPO}/actions/runs/{number}/deployment_protection_rule"
        for address in (f"https://evil.example.com/github.com/api/v3/{path}", f"{sandbox.url}/elsewhere/{path}"):
            github.hooks.send("deployment_protection_rule", genuine | {"deployment_callback_url": address})
            await there.at_rest()
            assert waiting.verdict is None, address
        github.hooks.send("deployment_protection_rule", genuine)
        await there.at_rest()
        assert waiting.verdict == "approved"


async def test_what_starts_without_our_answer_is_announced(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """Whoever can deploy past the gates is seen doing it."""
    async with guarded(sandbox, database_url, tmp_path) as there:
        sha = await there.merge("ana", RETRY)
        await there.pipeline.roll_out(sha, "production")
        await there.at_rest()
        assert "no gate was asked" in there.standing_in()
        assert there.shows("live in *production*")
        assert not watching.said_twice(sandbox)
