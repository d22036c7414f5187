"""Deployments, runs, checks and reviews at the stand-in GitHub, and what it tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import github as pygithub
import pytest

from bot.sandbox.server import Sandbox
from tests.adapters.github_receiver import REPO, Receiver, ask


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


# Deployments


async def test_a_deployment_and_its_statuses_are_told_and_listed_newest_first(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    run = await sandbox.github.begin_run(REPO, sandbox.github.forge.repository(REPO).branches["main"])
    deployment = await sandbox.github.deployment(REPO, "main", "production", run=run)
    for state in ("pending", "in_progress", "success"):
        await sandbox.github.deployment_status(REPO, deployment, state)
    await sandbox.settle()
    (created,) = receiver.of("deployment")
    assert (created["deployment"]["ref"], created["deployment"]["production_environment"]) == ("main", True)
    told = receiver.of("deployment_status")
    assert [one["deployment_status"]["state"] for one in told] == ["pending", "in_progress", "success"]
    assert told[0]["workflow_run"]["html_url"] == told[0]["deployment_status"]["log_url"]

    def read(client: pygithub.Github) -> list[tuple[str, list[str]]]:
        found = client.get_repo(REPO).get_deployments(environment="production")
        return [(one.environment, [status.state for status in one.get_statuses()]) for one in found]

    assert await ask(sandbox, read) == [("production", ["success", "in_progress", "pending"])]


async def test_a_success_quietly_makes_the_one_before_it_inactive_except_in_production(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    for environment in ("staging", "staging", "production", "production"):
        made = await sandbox.github.deployment(REPO, "main", environment)
        await sandbox.github.deployment_status(REPO, made, "success")
    await sandbox.settle()
    latest = [
        deployment.statuses[-1].state for deployment in sandbox.github.forge.repository(REPO).deployments.values()
    ]
    assert latest == ["inactive", "success", "success", "success"]
    assert [one["deployment_status"]["state"] for one in receiver.of("deployment_status")] == ["success"] * 4


async def test_checks_and_releases_are_told(sandbox: Sandbox, receiver: Receiver) -> None:
    sha = await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.github.workflow_run(REPO, sha, conclusion="failure")
    await sandbox.github.check_suite(REPO, sha)
    await sandbox.github.release(REPO, "v1.0", sha, "First")
    await sandbox.github.ping(REPO)
    await sandbox.settle()
    (run,) = receiver.of("workflow_run")
    assert (run["action"], run["workflow_run"]["conclusion"], run["workflow_run"]["head_sha"]) == (
        "completed",
        "failure",
        sha,
    )
    assert receiver.of("check_suite")[0]["check_suite"]["conclusion"] == "success"
    assert [one["action"] for one in receiver.of("release")] == ["published", "released"]
    assert receiver.of("ping")


async def test_a_further_attempt_keeps_the_id_of_its_run(sandbox: Sandbox, receiver: Receiver) -> None:
    sha = await sandbox.github.commit(REPO, author="ana", message="x")
    first = await sandbox.github.workflow_run(REPO, sha, conclusion="failure")
    again = await sandbox.github.workflow_run(REPO, sha, attempt=2)
    await sandbox.settle()
    assert first == again
    assert [one["workflow_run"]["run_attempt"] for one in receiver.of("workflow_run")] == [1, 2]


# What else happens, and is told


async def test_a_job_before_a_guarded_environment_is_told_to_everybody_concerned(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    """The deployment, its waiting, the app's question, the reviewers' request, and how it went on."""
    sha = await sandbox.github.commit(REPO, author="ana", message="x")
    sandbox.github.environment(REPO, "production", gate=True, reviewers=["dee"])
    run = await sandbox.github.begin_run(REPO, sha)
    waiting = await sandbox.github.enter(REPO, run, "production")
    await sandbox.settle()
    (question,) = receiver.of("deployment_protection_rule")
    assert (question["action"], question["environment"], question["sha"]) == ("requested", "production", sha)
    assert question["deployment_callback_url"].endswith(f"/actions/runs/{run}/deployment_protection_rule")
    assert question["deployment"]["id"] == waiting.deployment
    assert question["installation"]["id"]
    (request,) = receiver.of("deployment_review")
    assert [one["reviewer"]["login"] for one in request["reviewers"]] == ["dee"]
    assert [one["deployment_status"]["state"] for one in receiver.of("deployment_status")] == ["waiting"]
    assert [one["workflow_job"]["status"] for one in receiver.of("workflow_job")] == ["waiting"]
    sandbox.github.answer_rule(
        sandbox.github.forge.repository(REPO),
        waiting,
        int(sandbox.environment(github_app=True)["GITHUB_APP_ID"]),
        "approved",
        "",
    )
    await sandbox.github.review_deployment(REPO, run, "production", by="dee", comment="go")
    await sandbox.settle()
    assert [one["action"] for one in receiver.of("deployment_review")] == ["requested", "approved"]
    assert receiver.of("deployment_review")[-1]["approver"]["login"] == "dee"
    assert [one["deployment_status"]["state"] for one in receiver.of("deployment_status")] == ["waiting", "queued"]
    assert [one["workflow_job"]["status"] for one in receiver.of("workflow_job")] == ["waiting", "queued"]


async def test_an_environment_nobody_set_up_is_entered_at_once(sandbox: Sandbox, receiver: Receiver) -> None:
    run = await sandbox.github.begin_run(REPO, sandbox.github.forge.repository(REPO).branches["main"])
    waiting = await sandbox.github.enter(REPO, run, "qa")
    await sandbox.settle()
    assert waiting.verdict == "approved"
    assert receiver.of("deployment_protection_rule") == []
    with pytest.raises(LookupError, match="does not wait"):
        await sandbox.github.review_deployment(REPO, run, "qa", by="dee")


async def test_a_run_that_ends_lets_go_of_what_waits(sandbox: Sandbox, receiver: Receiver) -> None:
    """A newer run cancels a pending one of its group: the question vanishes without an answer."""
    sandbox.github.environment(REPO, "production", gate=True)
    run = await sandbox.github.begin_run(REPO, sandbox.github.forge.repository(REPO).branches["main"])
    waiting = await sandbox.github.enter(REPO, run, "production")
    await sandbox.github.finish_run(REPO, run, "cancelled")
    await sandbox.settle()
    assert (waiting.over.is_set(), waiting.verdict) == (True, "cancelled")
    assert receiver.of("workflow_run")[-1]["workflow_run"]["conclusion"] == "cancelled"


async def test_checks_statuses_and_reviews_are_told(sandbox: Sandbox, receiver: Receiver) -> None:
    sha = await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.github.check_run(REPO, sha, "e2e", "failure")
    await sandbox.github.check_run(REPO, sha, "lint", None)
    await sandbox.github.commit_status(REPO, sha, "coverage", "pending")
    number = await sandbox.github.open_pull(REPO, author="ben", title="Later")
    await sandbox.github.review(REPO, number, by="dee", state="changes_requested", body="Why?")
    await sandbox.settle()
    checks = [
        (one["action"], one["check_run"]["name"], one["check_run"]["conclusion"]) for one in receiver.of("check_run")
    ]
    assert checks == [("created", "e2e", None), ("completed", "e2e", "failure"), ("created", "lint", None)]
    assert [one["check_suite"]["conclusion"] for one in receiver.of("check_suite")] == ["failure"]
    (status,) = receiver.of("status")
    assert (status["context"], status["state"], status["sha"]) == ("coverage", "pending", sha)
    (review,) = receiver.of("pull_request_review")
    assert (review["review"]["state"], review["review"]["user"]["login"]) == ("changes_requested", "dee")
