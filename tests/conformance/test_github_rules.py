"""The rules of GitHub that its stand-in keeps: a row each, naming its source, asked through PyGithub's requester.

"GitHub docs" are the REST and webhook pages of docs.github.com. "not documented" marks what GitHub leaves open: there
the stand-in takes the stricter side, and the row says so, so that nobody relies on it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sandbox.server import Sandbox
from tests.conformance.github_pages import (
    CALLBACK,
    CHECKS_PAGE,
    CREATING_PAGE,
    DEPLOYMENT_PAGE,
    DISPATCH,
    DISPATCH_PAGE,
    FREE,
    ISSUE_PAGE,
    ISSUES_PAGE,
    OF,
    REVIEW,
    REVIEW_PAGE,
    RULES_PAGE,
    RUN,
    STATUS_PAGE,
    STATUSES,
)
from tests.conformance.github_stage import Rule, Stage


def callback(name: str, sent: dict[str, Any], status: int, told: str = "", *, source: str = CREATING_PAGE) -> Rule:
    """A row for an answer by the App to the job that waits before production."""
    return Rule(name=name, source=source, verb="POST", path=CALLBACK, sent=sent, app=True, status=status, told=told)


def deploy(name: str, sent: dict[str, Any], status: int, told: str = "", **answer: Any) -> Rule:
    """A row for the making of a deployment."""
    return Rule(
        name=name,
        source=DEPLOYMENT_PAGE,
        verb="POST",
        path=f"{OF}/deployments",
        sent=sent,
        status=status,
        told=told,
        answer=answer,
    )


def say(name: str, sent: dict[str, Any], status: int, told: str = "", **answer: Any) -> Rule:
    """A row for a status of a deployment."""
    return Rule(
        name=name,
        source=STATUS_PAGE,
        verb="POST",
        path=STATUSES,
        sent=sent,
        status=status,
        told=told,
        answer=answer,
    )


def dispatch(name: str, sent: dict[str, Any], status: int, told: str = "") -> Rule:
    """A row for the dispatch of a workflow."""
    return Rule(name=name, source=DISPATCH_PAGE, verb="POST", path=DISPATCH, sent=sent, status=status, told=told)


def issue(name: str, sent: dict[str, Any], status: int, told: str = "", **answer: Any) -> Rule:
    """A row for the opening of an issue."""
    path = f"{OF}/issues"
    return Rule(
        name=name, source=ISSUE_PAGE, verb="POST", path=path, sent=sent, status=status, told=told, answer=answer
    )


def read(told: str, path: str, source: str, **answer: Any) -> Rule:
    """A row for something that is read."""
    return Rule(name=told, source=source, verb="GET", path=OF + path, status=200, answer=answer)


RULES = (
    issue("an issue is open", {"title": "Bound the retries", "body": "x"}, 201, state="open", body="x"),
    issue("an issue has labels", {"title": "x", "labels": ["incident"]}, 201),
    issue("an issue may have no body", {"title": "x"}, 201, body=None),
    issue("an issue has a title", {"body": "x"}, 422, "title"),
    issue("an issue's title is not empty", {"title": " "}, 422, "Validation Failed"),
    issue("an issue's title has 256 characters", {"title": "x" * 256}, 201),
    issue("an issue's title has no more", {"title": "x" * 257}, 422, "Validation Failed"),
    issue("an issue's body has no more than 65,536", {"title": "x", "body": "x" * 65_537}, 422, "Validation Failed"),
    Rule(name="no issue, no answer", source=ISSUES_PAGE, verb="GET", path=f"{OF}/issues/99999", status=404),
    callback("an app approves", {"environment_name": "production", "state": "approved"}, 204, source=RULES_PAGE),
    callback("an app rejects", {"environment_name": "production", "state": "rejected"}, 204, source=RULES_PAGE),
    callback("a comment alone is a report", {"environment_name": "production", "comment": "soaking"}, 204),
    callback("without state a comment is required", {"environment_name": "production"}, 422, "comment"),
    callback("the environment is required", {"state": "approved"}, 422, "environment_name", source=RULES_PAGE),
    callback("a state is one of two", {"environment_name": "production", "state": "maybe"}, 422, "maybe"),
    callback("a comment has 1,024 characters", {"environment_name": "production", "comment": "x" * 1024}, 204),
    callback("a comment has no more", {"environment_name": "production", "comment": "x" * 1025}, 422, "Validation"),
    callback(
        "an app decides its own rule only",
        {"environment_name": "canary", "state": "approved"},
        422,
        "canary",
        source=RULES_PAGE,
    ),
    callback(
        "an environment that the run does not enter (status not documented)",
        {"environment_name": "staging", "state": "approved"},
        422,
        "staging",
    ),
    Rule(
        name="a wrong run is not found",
        source=RULES_PAGE,
        verb="POST",
        path=f"{OF}/actions/runs/1/deployment_protection_rule",
        sent={"environment_name": "production", "state": "approved"},
        app=True,
        status=404,
    ),
    Rule(
        name="a run that does not wait (status not documented)",
        source=RULES_PAGE,
        verb="POST",
        path=f"{OF}/actions/runs/{{ended}}/deployment_protection_rule",
        sent={"environment_name": "production", "state": "approved"},
        app=True,
        status=422,
    ),
    Rule(
        name="a person is not the app (status not documented)",
        source=RULES_PAGE,
        verb="POST",
        path=CALLBACK,
        sent={"environment_name": "production", "state": "approved"},
        status=403,
    ),
    # Reviewers
    Rule(
        name="a listed reviewer approves",
        source=REVIEW_PAGE,
        verb="POST",
        path=REVIEW,
        sent={"environment_ids": ["{canary}"], "state": "approved", "comment": "yes"},
        status=200,
    ),
    Rule(
        name="who is not listed may not (status not documented)",
        source=REVIEW_PAGE,
        verb="POST",
        path=REVIEW,
        sent={"environment_ids": ["{production}"], "state": "approved", "comment": "yes"},
        status=403,
    ),
    Rule(
        name="a review has a comment",
        source=REVIEW_PAGE,
        verb="POST",
        path=REVIEW,
        sent={"environment_ids": ["{canary}"], "state": "approved"},
        status=422,
        told="comment",
    ),
    Rule(
        name="nothing pending (status not documented)",
        source=REVIEW_PAGE,
        verb="POST",
        path=REVIEW,
        sent={"environment_ids": [1], "state": "approved", "comment": "yes"},
        status=422,
        told="No pending deployment requests",
    ),
    read("environments are listed", "/environments", "GitHub docs: List environments", total_count=2),
    read("an environment has a name", "/environments/production", "GitHub docs: Get an environment", name="production"),
    read(
        "custom rules are listed",
        "/environments/production/deployment_protection_rules",
        "GitHub docs: Get all deployment protection rules for an environment",
        total_count=2,
    ),
    # Deployments
    deploy("a deployment of a branch", {"ref": "main", **FREE}, 201, environment="production", task="deploy"),
    deploy("production by its name", {"ref": "main", **FREE}, 201, production_environment=True),
    deploy("no other by its name", {"ref": "main", "environment": "qa", **FREE}, 201, production_environment=False),
    deploy("a ref is required", FREE, 422, "ref"),
    deploy("an unknown ref", {"ref": "nowhere", **FREE}, 422, "No ref found for: nowhere"),
    deploy("left to itself a branch that is behind is merged instead", {"ref": "behind"}, 202, "Auto-merged main"),
    deploy("and where that conflicts, refused", {"ref": "torn"}, 409, "Conflict merging main into torn"),
    deploy(
        "left to itself every context counts",
        {"ref": "red", "auto_merge": False},
        409,
        "Conflict: Commit status checks failed for red.",
    ),
    deploy("no contexts wanted, none counts", {"ref": "red", **FREE}, 201),
    deploy(
        "one that is named must be there",
        {"ref": "green", "auto_merge": False, "required_contexts": ["unit"]},
        409,
        "Commit status checks failed",
    ),
    deploy(
        "a payload of JSON in a text is the object",
        {"ref": "main", "payload": '["a"]', **FREE},
        201,
        payload=["a"],
    ),
    # Statuses
    say("a status", {"state": "in_progress", "log_url": "https://ci.example.com/1"}, 201, state="in_progress"),
    say("waiting is not ours to say", {"state": "waiting"}, 422, "waiting"),
    say("a state is required", {}, 422, "state"),
    say("a description has 140 characters", {"state": "success", "description": "x" * 140}, 201),
    say("a description has no more", {"state": "success", "description": "x" * 141}, 422, "Validation Failed"),
    say("a status may rename the environment", {"state": "success", "environment": "qa"}, 201, environment="qa"),
    Rule(
        name="a status of no deployment",
        source=STATUS_PAGE,
        verb="POST",
        path=f"{OF}/deployments/1/statuses",
        sent={"state": "success"},
        status=404,
    ),
    # Dispatch
    dispatch("a dispatch says nothing", {"ref": "main", "inputs": {"sha": "abc"}}, 204),
    dispatch("or the run, if asked", {"ref": "main", "inputs": {"sha": "a"}, "return_run_details": True}, 200),
    dispatch("a ref is required", {"inputs": {"sha": "abc"}}, 422, "ref"),
    dispatch("an unknown ref", {"ref": "nowhere", "inputs": {"sha": "abc"}}, 422, "No ref found"),
    dispatch("a required input", {"ref": "main"}, 422, "Required input 'sha' not provided"),
    dispatch("an unknown input", {"ref": "main", "inputs": {"sha": "a", "x": "1"}}, 422, "Unexpected inputs"),
    dispatch("25 inputs at most", {"ref": "main", "inputs": {f"i{n}": "1" for n in range(26)}}, 422, "25"),
    Rule(
        name="a workflow without the trigger",
        source=DISPATCH_PAGE,
        verb="POST",
        path=f"{OF}/actions/workflows/ci.yml/dispatches",
        sent={"ref": "main"},
        status=422,
        told="does not have 'workflow_dispatch' trigger",
    ),
    Rule(
        name="no such workflow",
        source=DISPATCH_PAGE,
        verb="POST",
        path=f"{OF}/actions/workflows/nothing.yml/dispatches",
        sent={"ref": "main"},
        status=404,
    ),
    # Runs
    read("runs of a commit", "/actions/runs?head_sha={sha}", "GitHub docs: List workflow runs", total_count=2),
    read("runs by conclusion", "/actions/runs?status=success", "GitHub docs: List workflow runs", total_count=1),
    read("runs by waiting", "/actions/runs?status=waiting", "GitHub docs: List workflow runs", total_count=1),
    read(
        "runs since",
        "/actions/runs?created=%3E%3D2999-01-01T00:00:00Z",
        "GitHub docs: List workflow runs",
        total_count=0,
    ),
    read("runs of a workflow", "/actions/workflows/ci.yml/runs", "GitHub docs: List workflow runs", total_count=1),
    Rule(
        name="a run is cancelled",
        source="GitHub docs: Cancel a workflow run",
        verb="POST",
        path=f"{RUN}/cancel",
        status=202,
    ),
    Rule(
        name="an ended run cannot be",
        source="GitHub docs: Cancel a workflow run",
        verb="POST",
        path=f"{OF}/actions/runs/{{ended}}/cancel",
        status=409,
    ),
    Rule(
        name="an ended run runs again",
        source="GitHub docs: Re-run a workflow",
        verb="POST",
        path=f"{OF}/actions/runs/{{ended}}/rerun",
        status=201,
    ),
    # Checks
    read("check runs of a commit", "/commits/{sha}/check-runs", CHECKS_PAGE, total_count=1),
    read("check suites of a commit", "/commits/{sha}/check-suites", "GitHub docs: List check suites", total_count=3),
    read(
        "the combined status is a success",
        "/commits/{sha}/status",
        "GitHub docs: Get the combined status",
        state="success",
    ),
    read("one failure fails it", "/commits/red/status", "GitHub docs: Get the combined status", state="failure"),
    read("with none it is pending", "/commits/green/status", "GitHub docs: Get the combined status", state="pending"),
    Rule(
        name="only apps write check runs",
        source=CHECKS_PAGE,
        verb="POST",
        path=f"{OF}/check-runs",
        sent={"name": "x", "head_sha": "{sha}"},
        status=403,
    ),
    Rule(
        name="an app writes one",
        source=CHECKS_PAGE,
        verb="POST",
        path=f"{OF}/check-runs",
        sent={"name": "gates", "head_sha": "{sha}", "conclusion": "success"},
        app=True,
        status=201,
        answer={"status": "completed", "conclusion": "success"},
    ),
    Rule(
        name="completed needs a conclusion",
        source=CHECKS_PAGE,
        verb="POST",
        path=f"{OF}/check-runs",
        sent={"name": "gates", "head_sha": "{sha}", "status": "completed"},
        app=True,
        status=422,
        told="conclusion",
    ),
    Rule(
        name="a commit status",
        source="GitHub docs: Create a commit status",
        verb="POST",
        path=f"{OF}/statuses/{{sha}}",
        sent={"state": "pending"},
        status=201,
        answer={"context": "default"},
    ),
    Rule(
        name="its states are four",
        source="GitHub docs: Create a commit status",
        verb="POST",
        path=f"{OF}/statuses/{{sha}}",
        sent={"state": "skipped"},
        status=422,
    ),
    # Reviews of pull requests
    Rule(
        name="a pull request is approved",
        source="GitHub docs: Create a review for a pull request",
        verb="POST",
        path=f"{OF}/pulls/{{pull}}/reviews",
        sent={"event": "APPROVE"},
        status=200,
        answer={"state": "APPROVED"},
    ),
    Rule(
        name="not one's own",
        source="GitHub docs: Approving a pull request with required reviews",
        verb="POST",
        path=f"{OF}/pulls/{{own_pull}}/reviews",
        sent={"event": "APPROVE"},
        status=422,
    ),
    Rule(
        name="changes are requested with words",
        source="GitHub docs: Create a review for a pull request",
        verb="POST",
        path=f"{OF}/pulls/{{pull}}/reviews",
        sent={"event": "REQUEST_CHANGES"},
        status=422,
    ),
    # Who is asking
    Rule(name="who a token is", source="GitHub docs: Get the authenticated user", verb="GET", path="/user", status=200),
    Rule(
        name="an installation is nobody",
        source="GitHub docs: Endpoints available for GitHub App installation access tokens",
        verb="GET",
        path="/user",
        app=True,
        status=403,
        told="not accessible by integration",
    ),
    Rule(
        name="a repository's hooks need a permission of their own",
        source="GitHub docs: Permissions required for GitHub Apps",
        verb="GET",
        path=f"{OF}/hooks",
        app=True,
        status=403,
    ),
    Rule(
        name="an admin sees the hooks",
        source="GitHub docs: List repository webhooks",
        verb="GET",
        path=f"{OF}/hooks",
        status=200,
    ),
)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Sandbox(rate_limits=False) as sandbox:
        made = Stage(sandbox)
        await made.prepare()
        yield made


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.verb} {rule.path}: {rule.name}")
async def test_github_answers_as_it_says_it_does(stage: Stage, rule: Rule) -> None:
    answer = await stage.ask(rule.verb, rule.path, rule.sent, app=rule.app)
    assert answer.status == rule.status, (rule.source, answer.body)
    body = answer.body if isinstance(answer.body, dict) else {}
    assert rule.told in body.get("message", ""), rule.source
    assert {name: body.get(name) for name in rule.answer} == rule.answer, rule.source


def test_every_rule_names_its_source_once() -> None:
    names = [(rule.path, rule.name) for rule in RULES]
    assert len(names) == len(set(names))
    assert all(rule.source.startswith("GitHub docs: ") for rule in RULES)
