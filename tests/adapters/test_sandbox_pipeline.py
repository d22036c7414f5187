"""The world's own pipeline: it ships what lands, waits where it must, and goes back when a place does not come up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import pytest

from bot.sandbox.pipeline import Pipeline, Rollout
from bot.sandbox.repositories import Repository
from bot.sandbox.server import Sandbox

REPO = "acme/checkout"


@pytest.fixture
def repo(sandbox: Sandbox) -> Repository:
    return sandbox.github.forge.repository(REPO)


@pytest.fixture
async def pipeline(sandbox: Sandbox) -> Pipeline:
    async def at_once(seconds: float) -> None:
        await sandbox.settle()

    made = Pipeline(sandbox.github, REPO, at_once)
    sandbox.pipelines.append(made)
    return made


def course(repo: Repository) -> list[tuple[str, str, list[str]]]:
    """Every deployment: its commit's first words, where to, and its states."""
    return [
        (repo.commits[one.sha].message, one.environment, [status.state for status in one.statuses])
        for one in repo.deployments.values()
    ]


def conclusions(repo: Repository) -> list[tuple[str, str | None]]:
    return [(run.name, run.conclusion) for run in repo.runs.values()]


WELL = ["pending", "in_progress", "success"]


async def test_what_lands_is_built_and_brought_everywhere(
    sandbox: Sandbox, pipeline: Pipeline, repo: Repository
) -> None:
    pipeline.watch()
    await sandbox.github.commit(REPO, author="ana", message="aside", branch="side")
    sha = await sandbox.github.commit(REPO, author="ana", message="one")
    await pipeline.settle()
    assert conclusions(repo) == [("ci", "success"), ("deploy", "success")]
    states = {(message, place): states[-1] for message, place, states in course(repo)}
    assert states == {("one", "staging"): "success", ("one", "production"): "success"}
    assert pipeline.live("production") == sha


async def test_a_red_build_goes_nowhere(sandbox: Sandbox, pipeline: Pipeline, repo: Repository) -> None:
    pipeline.break_next("ci")
    assert await pipeline.ship(repo.branches["main"]) == []
    assert (conclusions(repo), course(repo)) == ([("ci", "failure")], [])


async def test_a_canary_that_fails_stops_and_goes_back_to_what_was_live(
    sandbox: Sandbox, pipeline: Pipeline, repo: Repository
) -> None:
    good = repo.branches["main"]
    await pipeline.ship(good)
    bad = await sandbox.github.commit(REPO, author="ben", message="bad")
    pipeline.break_next("production", at=10)
    done = await pipeline.ship(bad)
    assert [one.state for one in done] == ["success", "failure", "success"]
    assert pipeline.live("production") == good
    failed = repo.deployments[done[1].deployment]
    assert [status.description for status in failed.statuses][2:] == [
        "Canary: 10 % of the traffic",
        "Stopped at 10 % of the traffic: 3 in 100 requests failed",
    ]
    assert conclusions(repo)[-1] == ("deploy", "failure")


async def test_the_first_of_all_has_nothing_to_go_back_to(
    sandbox: Sandbox, pipeline: Pipeline, repo: Repository
) -> None:
    pipeline.break_next("staging")
    assert [one.state for one in await pipeline.ship(repo.branches["main"])] == ["failure"]


@pytest.mark.parametrize(
    ("verdict", "end"), [("approved", ["success", "success"]), ("rejected", ["success", "rejected"])]
)
async def test_before_a_guarded_place_it_waits_for_the_verdict(
    sandbox: Sandbox, pipeline: Pipeline, repo: Repository, verdict: str, end: list[str]
) -> None:
    sandbox.github.environment(REPO, "production", reviewers=["dee"])
    shipping = asyncio.ensure_future(pipeline.ship(repo.branches["main"]))
    for _ in range(100):
        await asyncio.sleep(0)
    (run,) = [run for run in repo.runs.values() if run.status == "waiting"]
    assert not shipping.done()
    await sandbox.github.review_deployment(REPO, run.id, "production", by="dee", state=verdict)
    assert [one.state for one in await shipping] == end
    assert run.conclusion == ("success" if verdict == "approved" else "failure")


async def test_what_is_dispatched_is_rolled_out_under_its_run(
    sandbox: Sandbox, pipeline: Pipeline, repo: Repository
) -> None:
    pipeline.watch()
    sha = repo.branches["main"]
    workflow, by = repo.workflows["deploy"], sandbox.github.machine_user
    run = sandbox.github.dispatch(repo, workflow, "main", {"sha": sha, "environment": "production"}, by)
    lost = sandbox.github.dispatch(repo, workflow, "main", {"sha": "gone" * 10, "environment": "production"}, by)
    await pipeline.settle()
    ((_, place, states),) = course(repo)
    assert (place, states, run.conclusion, lost.conclusion) == ("production", WELL, "success", "failure")
    assert run.title == f"Deploy {sha} to production (shipmate:)"


async def test_what_is_announced_through_the_api_is_rolled_out(
    sandbox: Sandbox, pipeline: Pipeline, repo: Repository
) -> None:
    """As it was announced: the same deployment, which nobody announces again; a preview is somebody else's."""
    pipeline.watch()
    sha, settings = repo.branches["main"], sandbox.environment()
    headers = {"Authorization": f"Bearer {settings['GITHUB_TOKEN']}"}
    asked = {"ref": sha, "environment": "production", "auto_merge": False, "required_contexts": []}
    async with aiohttp.ClientSession(headers=headers) as client:
        for more in ({}, {"transient_environment": True, "environment": "preview"}):
            address = f"{settings['GITHUB_API_URL']}/repos/{REPO}/deployments"
            async with client.post(address, json=asked | more) as answer:
                assert answer.status == 201
    await pipeline.settle()
    assert [(place, states) for _, place, states in course(repo)] == [("production", WELL), ("preview", [])]
    assert pipeline.live("production") == sha


async def test_commits_that_land_together_are_shipped_one_after_another(
    sandbox: Sandbox, pipeline: Pipeline, repo: Repository
) -> None:
    pipeline.watch()
    for number in range(3):
        await sandbox.github.commit(REPO, author="ana", message=str(number))
    await pipeline.settle()
    places = [(message, place) for message, place, _ in course(repo)]
    assert places == [(str(number), place) for number in range(3) for place in ("staging", "production")]


async def test_it_may_run_by_the_worlds_clock(sandbox: Sandbox, repo: Repository) -> None:
    """A turn does not hurry it through everything: each wait begins when the one before is over."""
    sandbox.clock.speed = 0
    pipeline = Pipeline(sandbox.github, REPO, sandbox.clock.sleep)
    sandbox.pipelines.append(pipeline)
    shipping: asyncio.Future[list[Rollout]] = asyncio.ensure_future(pipeline.ship(repo.branches["main"]))
    turns = 0
    while not shipping.done():
        sandbox.clock.turn(by=timedelta(seconds=10))
        turns += 1
        for _ in range(20):
            await asyncio.sleep(0)
    assert [one.state for one in await shipping] == ["success", "success"]
    assert turns > 3


async def test_a_world_that_stops_leaves_it_where_it_stands(repo: Repository, sandbox: Sandbox) -> None:
    pipeline = Pipeline(sandbox.github, REPO, sandbox.clock.sleep)
    sandbox.pipelines.append(pipeline)
    pipeline.watch()
    await sandbox.github.commit(REPO, author="ana", message="x")
    await asyncio.wait_for(sandbox.stop(), 30)
    assert course(repo) == []
