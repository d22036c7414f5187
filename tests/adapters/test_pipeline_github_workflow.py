"""Dispatching a workflow: over HTTP, found again by its run's name, and left to a person where it has none."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog

from bot.adapters.pipeline_github import GithubSide
from bot.adapters.pipeline_github_workflow import GithubWorkflow, Workflow
from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.events import DeployReported
from bot.ports import Found, Started
from bot.sandbox.github_records import Workflow as Written
from bot.sandbox.pipeline import Pipeline
from bot.sandbox.repositories import Repository, WorkflowRun
from bot.sandbox.server import Sandbox
from tests.adapters.between import Between
from tests.adapters.github_side import REPO, github_side, heard, just_now, order

ALL = {"service": False, "environment": True, "sha": True, "promotion": False}
NAMED = "Deploy ${{ inputs.service }} shipmate:${{ inputs.promotion }}"


@pytest.fixture
def written(sandbox: Sandbox) -> Written:
    """A workflow that takes everything, and says whose promotion it runs for."""
    return sandbox.github.workflow(REPO, "deploy", inputs=ALL, run_name=NAMED)


@pytest.fixture
def workflows(side: GithubSide) -> GithubWorkflow:
    return GithubWorkflow(side, lambda service: Workflow("deploy.yml"))


def runs(repo: Repository) -> list[WorkflowRun]:
    return list(repo.runs.values())


def begun(run: WorkflowRun, sandbox: Sandbox) -> Started:
    return Started(f"run:{run.id}", f"{sandbox.url}/github.com/{REPO}/actions/runs/{run.id}")


@pytest.mark.usefixtures("written")
async def test_a_dispatch_says_what_to_deploy_and_whose_it_is(
    workflows: GithubWorkflow, sandbox: Sandbox, repo: Repository
) -> None:
    started = await workflows.start(order(sandbox))
    (run,) = runs(repo)
    assert started == begun(run, sandbox)
    assert run.inputs == {
        "service": "checkout",
        "environment": "production",
        "sha": repo.branches["main"],
        "promotion": "12",
    }
    assert (run.event, run.branch, run.title) == ("workflow_dispatch", "main", "Deploy checkout shipmate:12")
    assert await workflows.find(order(sandbox), since=just_now()) == started


async def test_each_service_has_its_own_workflow_and_branch(
    side: GithubSide, sandbox: Sandbox, repo: Repository
) -> None:
    sandbox.github.workflow(REPO, "ship", inputs=ALL)
    repo.branches["releases"] = repo.branches["main"]
    workflows = GithubWorkflow(side, lambda service: Workflow(f"{service}.yml", "releases"))
    await workflows.start(order(sandbox, service="ship"))
    assert [(run.name, run.branch) for run in runs(repo)] == [("ship", "releases")]


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(("how", "status"), [("accept_then_cut", 0), ("accept_then_answer", 502)])
async def test_one_whose_answer_was_lost_is_found(
    workflows: GithubWorkflow, sandbox: Sandbox, repo: Repository, network: Between, how: str, status: int
) -> None:
    """Among others whose numbers begin the same."""
    for promotion in (1, 120, 121):
        await workflows.start(order(sandbox, promotion))
    network.spoil(how, path="/dispatches", status=status)
    with pytest.raises(Doubtful):
        await workflows.start(order(sandbox))
    assert await workflows.find(order(sandbox), since=just_now()) == begun(runs(repo)[-1], sandbox)
    assert len(runs(repo)) == 4


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(("how", "status"), [("cut", 0), ("answer", 500)])
async def test_one_that_never_arrived_is_absent(
    workflows: GithubWorkflow, sandbox: Sandbox, repo: Repository, network: Between, how: str, status: int
) -> None:
    """Every run since then is another promotion's, so none can be ours. It was sent once."""
    await workflows.start(order(sandbox, 120))
    network.spoil(how, path="/dispatches", status=status)
    with pytest.raises(Doubtful):
        await workflows.start(order(sandbox))
    assert len(network.posts("/dispatches")) == 2
    assert await workflows.find(order(sandbox), since=just_now()) is Found.ABSENT
    assert len(runs(repo)) == 1


async def test_a_nameless_run_asks_a_person(
    workflows: GithubWorkflow, sandbox: Sandbox, repo: Repository, network: Between
) -> None:
    """It may be ours. One that began long before is not, nor is one that was not dispatched."""
    sandbox.github.workflow(REPO, "deploy", inputs=ALL)
    await sandbox.github.workflow_run(REPO, repo.branches["main"], "deploy")
    assert await workflows.find(order(sandbox), since=just_now()) is Found.ABSENT
    network.spoil("accept_then_cut", path="/dispatches")
    with pytest.raises(Doubtful):
        await workflows.start(order(sandbox))
    assert await workflows.find(order(sandbox), since=just_now()) is Found.UNKNOWN
    assert await workflows.find(order(sandbox), since=just_now() + timedelta(minutes=5)) is Found.ABSENT


async def test_what_a_workflow_does_not_declare_is_left_out(
    workflows: GithubWorkflow, sandbox: Sandbox, repo: Repository, network: Between
) -> None:
    """GitHub refuses it whole, so nothing ran; the next dispatch knows. That it cannot be found is said once."""
    sandbox.github.workflow(REPO, "deploy", inputs={"environment": True, "sha": True})
    with structlog.testing.capture_logs() as lines:
        await workflows.start(order(sandbox))
        await workflows.start(order(sandbox, 13))
    assert [sorted(run.inputs) for run in runs(repo)] == [["environment", "sha"]] * 2
    assert len(network.posts("/dispatches")) == 3
    assert [line["log_level"] for line in lines] == ["warning"]
    assert "promotion" in lines[0]["event"]


async def test_an_older_server_tells_no_details(
    workflows: GithubWorkflow, sandbox: Sandbox, repo: Repository, network: Between, written: Written
) -> None:
    """It refuses the field by its name, and without it answers with nothing at all."""
    told = 'Invalid request.\n\n"return_run_details" is not a permitted key.'
    network.spoil("answer", path="/dispatches", status=422, body={"message": told})
    assert await workflows.start(order(sandbox)) == Started(None)
    assert [run.title for run in runs(repo)] == ["Deploy checkout shipmate:12"]
    assert written.run_name == NAMED


@pytest.mark.parametrize(
    ("inputs", "file", "code", "told"),
    [
        (None, "deploy.yml", "unprocessable", "Add the trigger workflow_dispatch to deploy.yml"),
        (ALL | {"ticket": True}, "deploy.yml", "unprocessable", "Required input 'ticket' not provided"),
        (ALL, "release.yml", "no_workflow", "has no workflow release.yml"),
    ],
)
async def test_a_refusal_says_what_to_write(
    side: GithubSide,
    sandbox: Sandbox,
    repo: Repository,
    inputs: dict[str, bool] | None,
    file: str,
    code: str,
    told: str,
) -> None:
    sandbox.github.workflow(REPO, "deploy", inputs=inputs)
    with pytest.raises(GiveUp, match=told) as raised:
        await GithubWorkflow(side, lambda service: Workflow(file)).start(order(sandbox))
    assert raised.value.code == code
    assert runs(repo) == []


@pytest.mark.usefixtures("written")
async def test_a_branch_that_is_gone_is_refused(side: GithubSide, sandbox: Sandbox) -> None:
    with pytest.raises(GiveUp, match="No ref found for: gone"):
        await GithubWorkflow(side, lambda service: Workflow("deploy.yml", "gone")).start(order(sandbox))


@pytest.mark.usefixtures("written")
async def test_github_that_is_busy_did_nothing(
    workflows: GithubWorkflow, sandbox: Sandbox, repo: Repository, network: Between
) -> None:
    network.spoil(
        "answer", path="/dispatches", status=403, body={"message": "You have exceeded a secondary rate limit"}
    )
    with pytest.raises(RetryLater) as raised:
        await workflows.start(order(sandbox))
    assert raised.value.rate_limited
    assert runs(repo) == []


@pytest.mark.usefixtures("written")
async def test_what_setting_up_lacks_is_told(workflows: GithubWorkflow, sandbox: Sandbox, network: Between) -> None:
    """The permission, the workflow, and that somebody switched it off."""
    assert await workflows.missing("checkout", REPO, ["production"]) == []
    sandbox.app.permissions["actions"] = "read"
    with pytest.raises(Unauthorised, match="actions: write"):
        await workflows.start(order(sandbox))
    network.spoil("answer", verb="GET", path="/workflows/", status=200, body={"state": "disabled_manually"})
    said = [lack.said for lack in await workflows.missing("checkout", REPO, ["production"])]
    assert said == [
        "the GitHub App has no permission actions: write",
        "the workflow deploy.yml is switched off (disabled_manually)",
    ]
    (lack,) = await workflows.missing("checkout", None, ["production"])
    assert "services.checkout.repo" in lack.mend
    async with github_side(sandbox, network, app=False) as made:
        (lack,) = await GithubWorkflow(made, lambda service: Workflow("x.yml")).missing("checkout", REPO, [])
    assert ".github/workflows/x.yml" in lack.mend


async def test_the_rollout_names_the_run_it_came_of(
    workflows: GithubWorkflow, sandbox: Sandbox, network: Between
) -> None:
    """The stand-in's own workflow deploys what is dispatched; its reports lead back by their run."""

    async def at_once(seconds: float) -> None:
        await sandbox.settle()

    pipeline = Pipeline(sandbox.github, REPO, at_once)
    sandbox.pipelines.append(pipeline)
    pipeline.watch()
    sandbox.connect(network.url)
    started = await workflows.start(order(sandbox))
    await pipeline.settle()
    assert await workflows.find(order(sandbox), since=just_now()) == started
    reports = [event for event in await heard(sandbox) if isinstance(event, DeployReported)]
    assert {f"run:{event.run}" for event in reports} == {started.external_id}
