"""The rules of GitHub that its stand-in keeps: a row each, naming its source, asked through PyGithub's requester.

"GitHub docs" are the REST and webhook pages of docs.github.com. "not documented" marks what GitHub leaves open: there
the stand-in takes the stricter side, and the row says so, so that nobody relies on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import github as pygithub
import pytest

from bot.sandbox.github_app import PERMISSIONS
from bot.sandbox.repositories import ROLES, Deployment
from bot.sandbox.server import Sandbox
from tests.conformance.github_stage import REPO, Rule, Stage

OF = "/repos/{repo}"
RUN = f"{OF}/actions/runs/{{run}}"
CALLBACK = f"{RUN}/deployment_protection_rule"
REVIEW = f"{RUN}/pending_deployments"
DISPATCH = f"{OF}/actions/workflows/deploy.yml/dispatches"
STATUSES = f"{OF}/deployments/{{deployment}}/statuses"
RULES_PAGE = "GitHub docs: Review custom deployment protection rules for a workflow run"
CREATING_PAGE = "GitHub docs: Creating custom deployment protection rules"
REVIEW_PAGE = "GitHub docs: Review pending deployments for a workflow run"
DEPLOYMENT_PAGE = "GitHub docs: Create a deployment"
STATUS_PAGE = "GitHub docs: Create a deployment status"
DISPATCH_PAGE = "GitHub docs: Create a workflow dispatch event"
CHECKS_PAGE = "GitHub docs: REST API endpoints for check runs"
ISSUE_PAGE = "GitHub docs: Create an issue"
ISSUES_PAGE = "GitHub docs: List repository issues"
ROLES_PAGE = "GitHub docs: Get repository permissions for a user"


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


FREE = {"auto_merge": False, "required_contexts": []}
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


# Rules that take more than one question


async def _twice(stage: Stage) -> None:
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 204
    assert (await stage.answer_as_app(environment_name="production", state="rejected")).status == 422
    history = (await stage.ask("GET", f"{RUN}/approvals")).body
    assert [(one["state"], one["user"]["type"]) for one in history] == [("approved", "Bot")]


async def _ten_reports(stage: Stage) -> None:
    reports = [await stage.answer_as_app(environment_name="production", comment=str(n)) for n in range(11)]
    assert [one.status for one in reports] == [204] * 10 + [422]
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 204


async def _all_rules_must_open(stage: Stage) -> None:
    """The App, another app, and Dee stand before production: it opens with the last of them."""
    repo = stage.github.forge.repository(REPO)
    waiting = repo.waiting[stage.names["run"], "production"]
    await stage.answer_as_app(environment_name="production", state="approved")
    stage.github.answer_rule(repo, waiting, 77, "approved", "")
    assert not waiting.over.is_set()
    await stage.github.review_deployment(REPO, stage.names["run"], "production", by="dee")
    assert waiting.verdict == "approved"
    states = [status.state for status in repo.deployments[waiting.deployment].statuses]
    assert states == ["waiting", "queued"]


async def _one_no_is_enough(stage: Stage) -> None:
    repo = stage.github.forge.repository(REPO)
    await stage.answer_as_app(environment_name="production", state="rejected", comment="locked")
    assert repo.waiting[stage.names["run"], "production"].verdict == "rejected"
    assert repo.runs[stage.names["run"]].conclusion == "failure"
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 422


async def _cancelled(stage: Stage) -> None:
    await stage.ask("POST", f"{RUN}/cancel")
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 422


async def _again(stage: Stage) -> None:
    """A re-run asks afresh, and keeps the run's id."""
    await stage.answer_as_app(environment_name="production", state="rejected")
    assert (await stage.ask("POST", f"{RUN}/rerun")).status == 201
    waiting = await stage.github.enter(REPO, stage.names["run"], "production")
    assert waiting.verdict is None
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 204
    assert (await stage.ask("GET", RUN)).body["run_attempt"] == 2


async def _run_name(stage: Stage) -> None:
    sent = {"ref": "main", "inputs": {"sha": "abc1234"}, "return_run_details": True}
    found = (await stage.ask("POST", DISPATCH, sent)).body
    run = (await stage.ask("GET", f"{OF}/actions/runs/{found['workflow_run_id']}")).body
    assert (run["display_title"], run["event"], run["status"]) == ("Deploy abc1234", "workflow_dispatch", "queued")
    assert run["html_url"] == found["html_url"]
    listed = (await stage.ask("GET", f"{OF}/actions/runs?event=workflow_dispatch")).body
    assert [one["id"] for one in listed["workflow_runs"]] == [found["workflow_run_id"]]


async def _auto_inactive(stage: Stage) -> None:
    """A success ends the ones before it, but not in production, nor a transient one, nor where that is switched off."""
    made: dict[str, Deployment] = {}
    repo = stage.github.forge.repository(REPO)
    kinds: dict[str, dict[str, Any]] = {
        "transient": {"environment": "staging", "transient_environment": True},
        "plain": {"environment": "staging"},
        "elsewhere": {"environment": "qa"},
        "later": {"environment": "staging"},
    }
    for name, options in kinds.items():
        answer = await stage.ask("POST", f"{OF}/deployments", {"ref": "main", **FREE, **options})
        made[name] = repo.deployments[answer.body["id"]]
    for name, deployment in made.items():
        sent = {"state": "success", "auto_inactive": name != "later"}
        assert (await stage.ask("POST", f"{OF}/deployments/{deployment.id}/statuses", sent)).status == 201
    assert [one.statuses[-1].state for one in made.values()] == ["success"] * 4
    await stage.ask("POST", f"{OF}/deployments/{made['later'].id}/statuses", {"state": "success"})
    assert [one.statuses[-1].state for one in made.values()] == ["success", "inactive", "success", "success"]


async def _permissions(stage: Stage) -> None:
    """Each question needs its permission, of which the refusal tells."""
    for permission, path in {
        "contents": f"{OF}/commits",
        "pull_requests": f"{OF}/pulls",
        "deployments": f"{OF}/deployments",
        "actions": f"{OF}/actions/runs",
        "checks": f"{OF}/commits/main/check-runs",
        "statuses": f"{OF}/commits/main/status",
    }.items():
        assert (await stage.ask("GET", path, app=True)).status == 200, permission
        stage.github.app.permissions = {name: level for name, level in PERMISSIONS.items() if name != permission}
        refused = await stage.ask("GET", path, app=True)
        stage.github.app.permissions = dict(PERMISSIONS)
        assert refused.status == 403, permission
        assert refused.headers["x-accepted-github-permissions"] == f"{permission}=read"


async def _roles(stage: Stage) -> None:
    """Each role with the base that it stands on; an organisation's member has the organisation's, a stranger none."""
    for role in ROLES:
        stage.github.let_in(REPO, f"a-{role}", role)
    told = {}
    for login in (*(f"a-{role}" for role in ROLES), "ana", "github-actions[bot]"):
        body = (await stage.ask("GET", f"{OF}/collaborators/{quote(login)}/permission", app=True)).body
        assert body["user"]["role_name"] == body["role_name"]
        told[login] = (body["permission"], body["role_name"], body["user"]["permissions"]["push"])
    assert told == {
        "a-none": ("none", "none", False),
        "a-read": ("read", "read", False),
        "a-triage": ("read", "triage", False),
        "a-write": ("write", "write", True),
        "a-maintain": ("write", "maintain", True),
        "a-admin": ("admin", "admin", True),
        "ana": ("write", "write", True),
        "github-actions[bot]": ("none", "none", False),
    }
    nobody = await stage.ask("GET", f"{OF}/collaborators/nobody-at-all/permission", app=True)
    assert (nobody.status, nobody.body["message"]) == (404, "nobody-at-all is not a user")


async def _roles_are_told_to_those_who_may_push(stage: Stage) -> None:
    for login, status in (("a-none", 404), ("a-triage", 403), ("a-write", 200)):
        stage.github.let_in(REPO, login, login.removeprefix("a-"))
        stage.github.sign_in.tokens[f"ghu_{login}"] = login
        asker = pygithub.Github(
            auth=pygithub.Auth.Token(f"ghu_{login}"), base_url=stage.sandbox.environment()["GITHUB_API_URL"],
            retry=None, seconds_between_requests=None,
        ).requester  # fmt: skip
        asked = await asyncio.to_thread(asker.requestJson, "GET", f"/repos/{REPO}/collaborators/ana/permission")
        assert asked[0] == status, login


async def _read_is_not_write(stage: Stage) -> None:
    stage.github.app.permissions = {**PERMISSIONS, "deployments": "read"}
    assert (await stage.ask("GET", f"{OF}/deployments", app=True)).status == 200
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 403


async def _hourly(stage: Stage) -> None:
    limits = stage.github.limits
    limits.enforced, limits.used = True, limits.hourly - 1
    last, refused = [await stage.ask("GET", OF) for _ in range(2)]
    assert (last.status, last.headers["x-ratelimit-remaining"]) == (200, "0")
    assert (refused.status, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert refused.body["message"].startswith("API rate limit exceeded")
    free = await stage.ask("GET", "/rate_limit")
    assert (free.status, free.body["rate"]["remaining"]) == (200, 0)


async def _creations(stage: Stage) -> None:
    stage.github.limits.enforced = True
    said = [await stage.ask("POST", STATUSES, {"state": "pending"}) for _ in range(81)]
    assert [one.status for one in said] == [201] * 80 + [403]
    assert int(said[-1].headers["retry-after"]) > 0
    assert said[-1].body["message"].startswith("You have exceeded a secondary rate limit")
    assert (await stage.ask("GET", OF)).status == 200


async def _points(stage: Stage) -> None:
    stage.github.limits.enforced = True
    asked = [await stage.ask("GET", "/user") for _ in range(901)]
    assert [one.status for one in asked] == [200] * 900 + [403]


async def _unlimited(stage: Stage) -> None:
    said = [await stage.ask("POST", STATUSES, {"state": "pending"}) for _ in range(90)]
    assert {one.status for one in said} == {201}


async def _issues(stage: Stage) -> None:
    opened = await stage.ask("POST", f"{OF}/issues", {"title": "Tidy up"})
    listed = await stage.ask("GET", f"{OF}/issues?state=all&per_page=2")
    assert [one["number"] for one in listed.body] == [opened.body["number"], stage.names["own_pull"]]
    assert ["pull_request" in one for one in listed.body] == [False, True]
    oldest = await stage.ask("GET", f"{OF}/issues?state=all&direction=asc&per_page=1")
    assert oldest.body[0]["number"] == stage.names["pull"]
    assert {one["state"] for one in (await stage.ask("GET", f"{OF}/issues")).body} == {"open"}
    assert (await stage.ask("GET", f"{OF}/issues?since=2999-01-01T00:00:00Z")).body == []
    assert (await stage.ask("GET", f"{OF}/issues?state=maybe")).status == 422


async def _granted(stage: Stage) -> None:
    opened = await stage.ask("POST", f"{OF}/issues", {"title": "x"}, app=True)
    assert opened.body["performed_via_github_app"]["slug"] == "shipmate"
    stage.github.app.permissions["issues"] = "read"
    refused = await stage.ask("POST", f"{OF}/issues", {"title": "x"}, app=True)
    assert (refused.status, refused.headers["x-accepted-github-permissions"]) == (403, "issues=write")
    assert (await stage.ask("GET", f"{OF}/issues", app=True)).status == 200


async def _review_by_self(stage: Stage) -> None:
    github = stage.github
    github.environment(REPO, "canary", reviewers=[github.machine_user.login], prevent_self_review=True)
    run = github.dispatch(
        github.forge.repository(REPO),
        github.forge.repository(REPO).workflows["deploy"],
        "main",
        {"sha": "x"},
        github.machine_user,
    )
    await github.enter(REPO, run.id, "canary")
    sent = {"environment_ids": ["{canary}"], "state": "approved", "comment": "me"}
    path = f"{OF}/actions/runs/{run.id}/pending_deployments"
    assert (await stage.ask("POST", path, sent)).status == 403
    assert [one["current_user_can_approve"] for one in (await stage.ask("GET", path)).body] == [False]


async def _wait_timer(stage: Stage) -> None:
    github = stage.github
    github.environment(REPO, "slow", wait_minutes=30)
    waiting = await github.enter(REPO, stage.names["ended"], "slow")
    github.clock.turn(by=timedelta(minutes=29))
    assert not waiting.over.is_set()
    github.clock.turn(by=timedelta(minutes=1))
    assert waiting.verdict == "approved"


async def _six_rules(stage: Stage) -> None:
    stage.github.environment(REPO, "crowded", gates=[(number, f"app-{number}") for number in range(6)])
    with pytest.raises(ValueError, match="at most 6"):
        stage.github.environment(REPO, "crowded", gate=True, gates=[(number, f"app-{number}") for number in range(6)])


Trial = Callable[[Stage], Awaitable[None]]
TRIALS: tuple[tuple[str, str, Trial], ...] = (
    ("a rule is answered once (status not documented)", RULES_PAGE, _twice),
    ("ten reports for each deployment", CREATING_PAGE, _ten_reports),
    ("every rule and reviewer must open", "GitHub docs: Deployments and environments", _all_rules_must_open),
    ("one no is enough, and fails the run", "GitHub docs: Deployments and environments", _one_no_is_enough),
    ("a cancelled run waits for nothing", "GitHub docs: Cancel a workflow run", _cancelled),
    ("a re-run asks afresh", "GitHub docs: Re-run a workflow", _again),
    ("a run is found by its run-name", DISPATCH_PAGE, _run_name),
    ("a success makes what was before it inactive", STATUS_PAGE, _auto_inactive),
    ("an App needs a permission for each", "GitHub docs: Permissions required for GitHub Apps", _permissions),
    ("pull requests are issues, the newest first", ISSUES_PAGE, _issues),
    ("an app opens an issue where it was granted that", "GitHub docs: Permissions required for GitHub Apps", _granted),
    ("what somebody may do is told by role and base", ROLES_PAGE, _roles),
    ("to nobody who may not push (observed, not documented)", ROLES_PAGE, _roles_are_told_to_those_who_may_push),
    ("read is not write", "GitHub docs: Permissions required for GitHub Apps", _read_is_not_write),
    ("an hour's calls", "GitHub docs: Rate limits for the REST API", _hourly),
    ("80 creations a minute", "GitHub docs: Rate limits for the REST API", _creations),
    ("900 points a minute", "GitHub docs: Rate limits for the REST API", _points),
    ("limits can be switched off (ours)", "the stand-in's own switch", _unlimited),
    ("nobody reviews their own run where that is prevented", REVIEW_PAGE, _review_by_self),
    ("a wait timer runs in minutes", "GitHub docs: Deployments and environments", _wait_timer),
    ("six custom rules at most", "GitHub docs: Deployments and environments", _six_rules),
)


@pytest.mark.parametrize(("name", "source", "trial"), TRIALS, ids=[name for name, _, _ in TRIALS])
async def test_github_behaves_as_it_says_it_does(stage: Stage, name: str, source: str, trial: Trial) -> None:
    await trial(stage)
