"""The stand-in's answers and webhooks are what GitHub's published description says, and so is what is sent to it.

A field that the description requires must be there, and one that it does not have must not. Of what it leaves open
this shows little: of errors, of ``{}``, of ``deployment_protection_rule`` and ``ping`` it requires next to nothing.
Every endpoint and every event of the stand-in has a row.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from github.Repository import Repository
from githubkit import AppAuthStrategy

from bot.adapters.github import GithubForge
from bot.sandbox.github_answers import API
from bot.sandbox.github_api import RestApi
from bot.sandbox.github_app import APP_ID
from bot.sandbox.github_hooks import EVENTS, INSTALLATION_ID
from bot.sandbox.server import Sandbox
from tests.conformance.github_published import Client, event_model, faults, model
from tests.conformance.github_stage import REPO, Json, Rule, Stage
from tests.conformance.test_github_rules import RULES

NOWHERE = "http://127.0.0.1:9"
FREE: Json = {"auto_merge": False, "required_contexts": []}


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One question: GitHub's name of the operation, what is sent, by whom (person, app, installation), the status.

    ``model`` is named only where githubkit's client does not know that of the answer.
    """

    operation: str
    sent: Json = field(default_factory=dict)
    by: str = "person"
    status: int = 200
    model: str | None = None
    note: str = ""

    def __str__(self) -> str:
        return f"{self.operation} {self.status} {self.note}".strip()


def ask(operation: str, status: int = 200, /, *, by: str = "person", note: str = "", **sent: Any) -> Ask:
    """A row."""
    return Ask(operation=operation, sent=sent, by=by, status=status, note=note)


ANSWERS = (
    # Who is asking
    ask("rate-limit/get"),
    ask("users/get-authenticated"),
    ask("users/get-by-username", username="ana"),
    ask("users/get-by-username", note="of a bot", username="dependabot[bot]"),
    ask("users/get-by-username", 404, username="nobody-at-all"),
    # Apps
    ask("apps/get-authenticated", by="app"),
    ask("apps/list-installations", by="app"),
    ask("apps/get-installation", by="app", installation_id=INSTALLATION_ID),
    ask("apps/get-org-installation", by="app", org="acme"),
    ask("apps/get-repo-installation", by="app"),
    ask("apps/create-installation-access-token", 201, by="app", installation_id=INSTALLATION_ID),
    ask("apps/list-webhook-deliveries", by="app"),
    ask("apps/get-webhook-delivery", by="app", delivery_id="{delivery}"),
    ask("apps/redeliver-webhook-delivery", 202, by="app", delivery_id="{delivery}"),
    # Code
    ask("repos/get"),
    ask("repos/get", 404, repo="nothing"),
    ask("repos/list-webhooks"),
    ask("repos/get-collaborator-permission-level", username="ana"),
    ask("repos/get-collaborator-permission-level", note="by an app", by="installation", username="a-triager"),
    ask("repos/get-collaborator-permission-level", note="of a stranger", username="ivy"),
    ask("repos/get-collaborator-permission-level", 404, username="nobody-at-all"),
    ask("repos/compare-commits", basehead="{range}"),
    ask("repos/compare-commits", note="diverged", basehead="main...behind"),
    ask("repos/list-commits"),
    ask("repos/get-commit", ref="{sha}"),
    ask("repos/get-commit", note="committed in the browser", ref="{landed}"),
    ask("repos/get-commit", 422, ref="nowhere"),
    ask("repos/list-pull-requests-associated-with-commit", commit_sha="{landed}"),
    ask("pulls/list", state="all"),
    ask("pulls/get", note="open", pull_number="{pull}"),
    ask("pulls/get", note="merged", pull_number="{merged}"),
    ask("pulls/list-files", pull_number="{pull}"),
    ask("pulls/list-commits", pull_number="{pull}"),
    ask("pulls/list-reviews", pull_number="{pull}"),
    ask("pulls/create-review", pull_number="{pull}", event="APPROVE"),
    # Checks
    ask("checks/list-for-ref", ref="{sha}"),
    ask("checks/list-suites-for-ref", ref="{sha}"),
    ask("checks/list-for-suite", check_suite_id="{suite}"),
    ask("checks/get-suite", check_suite_id="{suite}"),
    ask("checks/get", check_run_id="{check}"),
    ask("checks/create", 201, by="installation", name="gates", head_sha="{sha}", status="in_progress"),
    ask("checks/update", by="installation", check_run_id="{ours}", conclusion="success"),
    ask("repos/get-combined-status-for-ref", ref="{sha}"),
    ask("repos/list-commit-statuses-for-ref", ref="{sha}"),
    ask("repos/create-commit-status", 201, sha="{sha}", state="pending"),
    # Deployments
    ask("repos/list-deployments"),
    ask("repos/create-deployment", 201, ref="main", **FREE),
    ask("repos/create-deployment", 201, note="by an app", by="installation", ref="main", payload={"a": 1}, **FREE),
    Ask(
        operation="repos/create-deployment",
        sent={"ref": "behind"},
        status=202,
        model="ReposOwnerRepoDeploymentsPostResponse202",
    ),
    ask("repos/create-deployment", 422, ref="nowhere"),
    ask("repos/get-deployment", deployment_id="{deployment}"),
    ask("repos/list-deployment-statuses", deployment_id="{deployment}"),
    ask("repos/create-deployment-status", 201, deployment_id="{deployment}", state="in_progress"),
    ask("repos/create-deployment-status", 422, deployment_id="{deployment}", state="error", description="x" * 141),
    ask("repos/get-deployment-status", deployment_id="{deployment}", status_id="{status}"),
    ask("repos/get-all-environments"),
    ask("repos/get-environment", note="with reviewers", environment_name="canary"),
    ask("repos/get-environment", note="with a wait timer", environment_name="slow"),
    ask("repos/get-all-deployment-protection-rules", environment_name="production"),
    # Issues
    ask("issues/list-for-repo", state="all"),
    ask("issues/create", 201, by="installation", title="Watch the retries", body="From the incident", labels=["a b"]),
    ask("issues/create", 422, title="x" * 257),
    ask("issues/get", issue_number="{issue}"),
    ask("issues/get", note="a pull request", issue_number="{merged}"),
    # Gates
    ask(
        "actions/review-custom-gates-for-run",
        204,
        by="installation",
        run_id="{run}",
        environment_name="production",
        state="approved",
        comment="",
    ),
    ask("actions/get-pending-deployments-for-run", run_id="{run}"),
    ask(
        "actions/review-pending-deployments-for-run",
        run_id="{run}",
        environment_ids=["{canary}"],
        state="approved",
        comment="yes",
    ),
    ask("actions/get-reviews-for-run", run_id="{reviewed}"),
    # Runs
    ask("actions/list-repo-workflows"),
    ask("actions/get-workflow", workflow_id="deploy.yml"),
    ask("actions/list-workflow-runs", workflow_id="deploy.yml"),
    ask("actions/create-workflow-dispatch", 204, workflow_id="deploy.yml", ref="main", inputs={"sha": "a"}),
    Ask(
        operation="actions/create-workflow-dispatch",
        sent={"workflow_id": "deploy.yml", "ref": "main", "inputs": {"sha": "a"}, "return_run_details": True},
        model="WorkflowDispatchResponse",
    ),
    ask("actions/list-workflow-runs-for-repo"),
    ask("actions/get-workflow-run", note="that waits", run_id="{run}"),
    ask("actions/get-workflow-run", note="that ended", run_id="{ended}"),
    ask("actions/list-jobs-for-workflow-run", run_id="{run}"),
    ask("actions/cancel-workflow-run", 202, run_id="{run}"),
    ask("actions/cancel-workflow-run", 409, run_id="{ended}"),
    ask("actions/re-run-workflow", 201, run_id="{ended}"),
)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Sandbox(rate_limits=False) as sandbox:
        sandbox.connect(NOWHERE)
        sandbox.github.drop_webhooks()  # each delivery is kept, and fails
        made = Stage(sandbox)
        await made.prepare()
        await _more(made)
        yield made


async def _more(stage: Stage) -> None:
    github, names = stage.github, stage.names
    repo = github.forge.repository(REPO)
    names["range"] = f"{names['first']}...main"
    names["merged"] = await github.open_pull(REPO, author="ana", title="Landed", labels=["bug fix"])
    names["landed"] = await github.merge_pull(REPO, names["merged"], merged_by="ben")
    await github.review(REPO, names["pull"], by="ana", body="Fine")
    names["issue"] = (await stage.ask("POST", f"/repos/{REPO}/issues", {"title": "Tidy up"})).body["number"]
    names["check"] = await github.check_run(REPO, names["sha"], "unit")
    names["suite"] = repo.checks[names["check"]].suite.id
    names["ours"] = github.add_check(repo, github.suite_of(repo, names["sha"], "Shipmate"), "ours", "").id
    names["status"] = await github.deployment_status(REPO, names["deployment"], "success")
    github.environment(REPO, "slow", wait_minutes=30)
    names["reviewed"] = await github.begin_run(REPO, names["landed"])
    await github.enter(REPO, names["reviewed"], "canary")
    await github.review_deployment(REPO, names["reviewed"], "canary", by=github.machine_user.login)
    await stage.sandbox.settle()
    names["delivery"] = github.deliveries[-1].id


def client_of(stage: Stage, by: str) -> Client:
    """Somebody who asks."""
    github, api = stage.github, stage.sandbox.environment()["GITHUB_API_URL"]
    if by == "app":
        return Client(api, AppAuthStrategy(APP_ID, github.app.private_key))
    return Client(api, github.token if by == "person" else github.app.issue()["token"])


# What is answered


@pytest.mark.parametrize("row", ANSWERS, ids=str)
async def test_an_answer_is_as_published(stage: Stage, row: Ask) -> None:
    asked = {"owner": "acme", "repo": "checkout"} | stage.filled(row.sent)
    told = await client_of(stage, row.by).ask(row.operation, **asked)
    assert told.status == row.status, told.text
    if row.status == 204:
        assert told.text == ""
        return
    published = model(row.model) if row.model else told.model
    assert published is not Any, "the description has no model for this answer"
    assert faults(published, told.text) == []
    held = json.loads(told.text)
    assert held != [], "an empty list shows nothing"
    assert not isinstance(held, dict) or held.get("total_count", 1) > 0, "an empty list shows nothing"


def test_every_endpoint_has_a_row() -> None:
    client = Client("http://127.0.0.1", "nobody")
    rows = {_plain(client.endpoint(row.operation)) for row in ANSWERS}
    ours = {_plain(f"{one.method} {one.path}") for one in RestApi(Sandbox().github).routes("") if one.method != "*"}
    assert rows == ours


def _plain(endpoint: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", endpoint)


# What webhooks send

Act = Callable[[Stage], Awaitable[Any]]


async def _nothing(stage: Stage) -> None:
    """The prepared world has sent it already."""


async def _gated(stage: Stage, state: str) -> None:
    github, names = stage.github, stage.names
    run = await github.begin_run(REPO, names["sha"])
    await github.enter(REPO, run, "canary")
    await github.review_deployment(REPO, run, "canary", by=github.machine_user.login, state=state, comment="so be it")


EVENT_ROWS: tuple[tuple[str, str | None, Act], ...] = (
    ("check_run", "created", _nothing),
    ("check_run", "completed", _nothing),
    ("check_suite", "completed", lambda stage: stage.github.check_suite(REPO, stage.names["sha"], "failure")),
    ("deployment", "created", _nothing),
    ("deployment_protection_rule", "requested", _nothing),
    ("deployment_review", "requested", _nothing),
    ("deployment_review", "approved", lambda stage: _gated(stage, "approved")),
    ("deployment_review", "rejected", lambda stage: _gated(stage, "rejected")),
    ("deployment_status", "created", lambda stage: _gated(stage, "rejected")),
    ("ping", None, lambda stage: stage.github.ping(REPO)),
    ("pull_request", "opened", _nothing),
    ("pull_request", "closed", _nothing),
    ("pull_request_review", "submitted", _nothing),
    ("push", None, lambda stage: stage.github.force_push(REPO, "main", stage.names["first"], by="ana")),
    ("release", "published", lambda stage: stage.github.release(REPO, "v1", stage.names["sha"], "One")),
    ("release", "released", lambda stage: stage.github.release(REPO, "v1", stage.names["sha"], "One")),
    ("status", None, _nothing),
    ("workflow_job", "waiting", _nothing),
    ("workflow_job", "queued", lambda stage: _gated(stage, "approved")),
    ("workflow_job", "completed", lambda stage: _gated(stage, "rejected")),
    ("workflow_run", "requested", _nothing),
    ("workflow_run", "in_progress", _nothing),
    ("workflow_run", "completed", _nothing),
)


@pytest.mark.parametrize(("event", "action", "act"), EVENT_ROWS, ids=[f"{one[0]} {one[1] or ''}" for one in EVENT_ROWS])
async def test_a_webhook_is_as_published(stage: Stage, event: str, action: str | None, act: Act) -> None:
    await act(stage)
    await stage.sandbox.settle()
    sent = [one.body for one in stage.github.deliveries if (one.event, one.action) == (event, action)]
    assert sent
    assert [found for body in sent for found in faults(event_model(event, action), body)] == []


async def test_every_event_has_a_row(stage: Stage) -> None:
    """Both what the app subscribes to, and what a world full of everything has sent."""
    assert {event for event, _, _ in EVENT_ROWS} == {*EVENTS, "ping"}
    told = {(one.event, one.action) for one in stage.github.deliveries}
    assert told <= {(event, action) for event, action, _ in EVENT_ROWS}


# What is sent to GitHub: requests as PyGithub, our code and our rules write them

TOKENS = "AppInstallationsInstallationIdAccessTokensPostBody"
REQUESTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"POST /app/installations/\d+/access_tokens", (TOKENS,)),
    (r"POST /repos/.+/deployments", ("ReposOwnerRepoDeploymentsPostBody",)),
    (r"POST /repos/.+/deployments/\d+/statuses", ("ReposOwnerRepoDeploymentsDeploymentIdStatusesPostBody",)),
    (r"POST /repos/.+/check-runs", ("ReposOwnerRepoCheckRunsPostBodyOneof0", "ReposOwnerRepoCheckRunsPostBodyOneof1")),
    (
        r"PATCH /repos/.+/check-runs/\d+",
        ("ReposOwnerRepoCheckRunsCheckRunIdPatchBodyAnyof0", "ReposOwnerRepoCheckRunsCheckRunIdPatchBodyAnyof1"),
    ),
    (r"POST /repos/.+/pulls/\d+/reviews", ("ReposOwnerRepoPullsPullNumberReviewsPostBody",)),
    (r"POST /repos/.+/issues", ("ReposOwnerRepoIssuesPostBody",)),
    (r"POST /repos/.+/statuses/\w+", ("ReposOwnerRepoStatusesShaPostBody",)),
    (r"POST /repos/.+/dispatches", ("ReposOwnerRepoActionsWorkflowsWorkflowIdDispatchesPostBody",)),
    (
        r"POST /repos/.+/actions/runs/\d+/deployment_protection_rule",
        ("ReviewCustomGatesStateRequired", "ReviewCustomGatesCommentRequired"),
    ),
    (
        r"POST /repos/.+/actions/runs/\d+/pending_deployments",
        ("ReposOwnerRepoActionsRunsRunIdPendingDeploymentsPostBody",),
    ),
)


def request_faults(endpoint: str, body: str) -> list[str]:
    """Where the body of a request strays from the published one; an endpoint without one takes no body."""
    for pattern, names in REQUESTS:
        if re.fullmatch(pattern, endpoint):
            return faults(model(*names), body or "{}")
    return [] if body in ("", "null") else [f"{endpoint} takes no body"]


WRITES: tuple[tuple[str, bool, Callable[[Any, Stage], Any]], ...] = (
    (
        "a deployment",
        False,
        lambda repo, _: repo.create_deployment(
            "main", payload={"a": 1}, description="x", environment="qa", transient_environment=True, **FREE
        ),
    ),
    (
        "a deployment's status",
        False,
        lambda repo, stage: repo.get_deployment(stage.names["deployment"]).create_status(
            "success", target_url=NOWHERE, description="x", environment_url=NOWHERE, auto_inactive=False
        ),
    ),
    (
        "a check run",
        True,
        lambda repo, stage: repo.create_check_run(
            "gates",
            stage.names["sha"],
            details_url=NOWHERE,
            status="completed",
            conclusion="success",
            started_at=datetime(2026, 3, 2, tzinfo=UTC),
            output={"title": "x", "summary": "y"},
        ),
    ),
    (
        "a check run that changes",
        True,
        lambda repo, stage: repo.get_check_run(stage.names["ours"]).edit(status="completed", conclusion="failure"),
    ),
    (
        "a review",
        False,
        lambda repo, stage: repo.get_pull(stage.names["pull"]).create_review(body="Fine", event="APPROVE"),
    ),
    (
        "a commit's status",
        False,
        lambda repo, stage: repo.get_commit(stage.names["sha"]).create_status("success", NOWHERE, "x", "lint"),
    ),
    (
        "a dispatch",
        False,
        lambda repo, _: repo.get_workflow("deploy.yml").create_dispatch("main", {"sha": "a"}, throw=True),
    ),
)


@pytest.mark.parametrize(("app", "write"), [one[1:] for one in WRITES], ids=[one[0] for one in WRITES])
async def test_what_pygithub_sends_is_as_published(stage: Stage, app: bool, write: Callable[[Any, Stage], Any]) -> None:
    def call() -> None:
        write(Repository(stage.client(app), {}, {"url": f"/repos/{REPO}", "full_name": REPO}), stage)

    await asyncio.to_thread(call)
    assert any(wrote(stage)), "nothing was written"
    assert {endpoint: request_faults(endpoint, body) for endpoint, body in wrote(stage)} == {
        endpoint: [] for endpoint, _ in wrote(stage)
    }


def wrote(stage: Stage) -> list[tuple[str, str]]:
    """The endpoint and the body of each request that was meant to change something."""
    return [
        (f"{one.verb} {one.path.removeprefix(API)}", one.request_body)
        for one in stage.github.log.rows
        if one.incoming and one.verb != "GET"
    ]


async def test_what_our_code_sends_is_as_published(stage: Stage) -> None:
    """It asks for a token, for deliveries again, and opens an issue; everything else it does is reading."""
    settings = stage.sandbox.environment(github_app=True)
    forge = GithubForge(
        settings["GITHUB_API_URL"], app_id=settings["GITHUB_APP_ID"], private_key=settings["GITHUB_APP_PRIVATE_KEY"]
    )
    await forge.compare(REPO, stage.names["first"], "main", paths=True)
    await forge.deployments_since(REPO, stage.github.now() - timedelta(days=1))
    await forge.redeliver_failed(stage.github.now() - timedelta(hours=1))
    await forge.open_issue(REPO, "Watch the retries", "From the incident", "task:1")
    await forge.close()
    sent = wrote(stage)
    assert {endpoint.rpartition("/")[2] for endpoint, _ in sent} == {"access_tokens", "attempts", "issues"}
    assert [found for endpoint, body in sent for found in request_faults(endpoint, body)] == []


GOOD = [rule for rule in RULES if rule.sent is not None and rule.status < 300]


@pytest.mark.parametrize("rule", GOOD, ids=lambda rule: rule.name)
async def test_what_the_stand_in_takes_is_as_published(stage: Stage, rule: Rule) -> None:
    path = rule.path.format(**stage.names)
    assert request_faults(f"{rule.verb} {path}", json.dumps(stage.filled(rule.sent))) == []


# That all this can fail


async def test_what_is_required_must_be_there(stage: Stage) -> None:
    """Each required field of a repository in turn."""
    told = await client_of(stage, "person").ask("repos/get", owner="acme", repo="checkout")
    whole = json.loads(told.text)
    required = [one.alias or name for name, one in told.model.model_fields.items() if one.is_required()]
    assert len(required) > 70
    for name in required:
        without = json.dumps({other: value for other, value in whole.items() if other != name})
        assert faults(told.model, without) == [f"{name}: Field required"]


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("deployment", "creator", "login"), None, "valid string"),
        (("deployment", "id"), "7", "valid integer"),
        (("deployment_status", "state"), 7, "valid string"),
        (("deployment_status", "mood"), "good", "deployment_status.mood: not described"),
        (("sender", "nick"), "x", "sender.nick: not described"),
        (("repository", "created_at"), "yesterday", "datetime"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
async def test_what_strays_is_told(stage: Stage, path: tuple[str, ...], value: object, told: str) -> None:
    (body, *_) = [one.body for one in stage.github.deliveries if one.event == "deployment_status"]
    payload = json.loads(body)
    assert faults(event_model("deployment_status", "created"), json.dumps(payload)) == []
    within = payload
    for name in path[:-1]:
        within = within[name]
    within[path[-1]] = value
    found = faults(event_model("deployment_status", "created"), json.dumps(payload))
    assert any(told in one for one in found), found


def test_a_request_that_strays_is_told() -> None:
    assert request_faults("POST /repos/acme/checkout/deployments", "{}") == ["ref: Field required"]
    assert request_faults("POST /app/hook/deliveries/1/attempts", '{"a": 1}') != []
