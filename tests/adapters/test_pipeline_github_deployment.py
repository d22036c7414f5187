"""Creating deployments at GitHub: over HTTP, found again when the answer is lost, and refused in GitHub's own words."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bot.adapters.pipeline_github import GithubSide
from bot.adapters.pipeline_github_deployment import GithubDeployment
from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.events import DeployReported, DeployStatus
from bot.ports import Found, Started
from bot.sandbox.pipeline import Pipeline
from bot.sandbox.repositories import Repository
from bot.sandbox.server import Sandbox
from tests.adapters.between import Between
from tests.adapters.github_side import REPO, SITE, github_side, heard, just_now, order


@pytest.fixture
def deployments(side: GithubSide) -> GithubDeployment:
    return GithubDeployment(side)


def begun(number: int) -> Started:
    return Started(f"deployment:{number}", f"{SITE}/{REPO}/deployments/production")


async def test_it_deploys_this_commit_and_nothing_else(
    deployments: GithubDeployment, sandbox: Sandbox, repo: Repository, network: Between
) -> None:
    """Nothing is merged into it, and no check of GitHub's is waited for: the gates have judged."""
    await sandbox.github.commit_status(REPO, repo.branches["main"], "e2e", "failure")
    started = await deployments.start(order(sandbox))
    (made,) = repo.deployments.values()
    assert started == begun(made.id)
    assert (made.sha, made.environment, made.task) == (repo.branches["main"], "production", "deploy")
    assert made.payload == {"service": "checkout", "shipmate": {"promotion": 12, "rollback": False}}
    assert made.description == "Promoted by Shipmate, promotion 12"
    sent = network.sent[-1]
    assert (sent["auto_merge"], sent["required_contexts"]) == (False, [])


async def test_a_rollback_says_so(deployments: GithubDeployment, sandbox: Sandbox, repo: Repository) -> None:
    await deployments.start(order(sandbox, rollback=True))
    (made,) = repo.deployments.values()
    assert made.description == "Rolled back by Shipmate, promotion 12"
    assert made.payload["shipmate"] == {"promotion": 12, "rollback": True}


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("how", "status"), [("accept_then_cut", 0), ("accept_then_answer", 502), ("accept_then_answer", 200)]
)
async def test_one_whose_answer_was_lost_is_found(
    deployments: GithubDeployment,
    sandbox: Sandbox,
    repo: Repository,
    network: Between,
    how: str,
    status: int,
    as_text: bool,
) -> None:
    """By the number it carries, whether GitHub gives the payload back as an object or as text."""
    await deployments.start(order(sandbox, 11))
    network.spoil(how, path="/deployments", status=status)
    with pytest.raises(Doubtful):
        await deployments.start(order(sandbox))
    made = list(repo.deployments.values())[-1]
    if as_text:
        made.payload = json.dumps(made.payload)
    assert await deployments.find(order(sandbox), since=just_now()) == begun(made.id)
    assert len(repo.deployments) == 2


@pytest.mark.parametrize(("how", "status"), [("cut", 0), ("answer", 500), ("answer", 504)])
async def test_one_that_never_arrived_is_absent(
    deployments: GithubDeployment, sandbox: Sandbox, repo: Repository, network: Between, how: str, status: int
) -> None:
    """It was sent once; others of the same commit and place are not taken for it."""
    await deployments.start(order(sandbox, 11))
    network.spoil(how, path="/deployments", status=status)
    with pytest.raises(Doubtful):
        await deployments.start(order(sandbox))
    assert len(network.posts("/deployments")) == 2
    assert len(repo.deployments) == 1
    for payload in ({}, None, "", "not JSON", "[" * 100_000, {"shipmate": {"promotion": "12"}}, {"shipmate": 12}):
        repo.deployments[next(iter(repo.deployments))].payload = payload
        assert await deployments.find(order(sandbox), since=just_now()) is Found.ABSENT


async def test_only_since_then_and_only_there(
    deployments: GithubDeployment, sandbox: Sandbox, repo: Repository
) -> None:
    """Numbers are used once; but a database that began anew counts from 1 again."""
    await deployments.start(order(sandbox))
    (made,) = repo.deployments.values()
    found = begun(made.id)
    assert await deployments.find(order(sandbox), since=made.created_at + timedelta(minutes=9)) == found
    assert await deployments.find(order(sandbox), since=made.created_at + timedelta(hours=1)) is Found.ABSENT
    assert await deployments.find(order(sandbox, environment="staging"), since=just_now()) is Found.ABSENT


async def test_github_that_is_busy_or_gone_did_nothing(sandbox: Sandbox, repo: Repository, network: Between) -> None:
    async with github_side(sandbox, network, app=False) as made:
        deployments = GithubDeployment(made)
        network.spoil("answer", path="/deployments", status=429, headers={"Retry-After": "9"})
        with pytest.raises(RetryLater) as raised:
            await deployments.start(order(sandbox))
        assert (raised.value.rate_limited, raised.value.delay) == (True, 9.0)
        await network.__aexit__()
        with pytest.raises(RetryLater):
            await deployments.start(order(sandbox))
    assert repo.deployments == {}


@pytest.mark.parametrize(
    ("status", "body", "code", "told"),
    [
        (409, {"message": "Conflict: Commit status checks failed for main."}, "conflict", "status checks failed"),
        (
            422,
            {"message": "Validation Failed", "errors": [{"message": "environment is too long"}]},
            "unprocessable",
            "Validation Failed; environment is too long",
        ),
        (404, {"message": "Not Found"}, "not_found", "Not Found"),
        (202, {"message": "Auto-merged main into retry on deployment."}, "not_deployed", "Auto-merged main"),
        (307, {"message": "Moved"}, "redirected", "GITHUB_API_URL"),
        (400, {}, "http_400", "refused the deployment of checkout to production"),
    ],
)
async def test_a_refusal_is_told_in_githubs_own_words(
    deployments: GithubDeployment,
    sandbox: Sandbox,
    network: Between,
    status: int,
    body: dict[str, object],
    code: str,
    told: str,
) -> None:
    network.spoil("answer", path="/deployments", status=status, body=body)
    with pytest.raises(GiveUp, match=told) as raised:
        await deployments.start(order(sandbox))
    assert raised.value.code == code


async def test_a_commit_that_is_gone_is_refused(deployments: GithubDeployment, sandbox: Sandbox) -> None:
    with pytest.raises(GiveUp, match="No ref found for: dead"):
        await deployments.start(order(sandbox, sha="dead" * 10))


async def test_a_missing_permission_is_named(deployments: GithubDeployment, sandbox: Sandbox) -> None:
    """Before anybody needs it, and when it is too late."""
    assert await deployments.missing("checkout", REPO, ["production"]) == []
    sandbox.app.permissions["deployments"] = "read"
    with pytest.raises(Unauthorised, match="deployments: write"):
        await deployments.start(order(sandbox))
    (lack,) = await deployments.missing("checkout", REPO, ["production"])
    assert lack.said == "the GitHub App has no permission deployments: write"
    (lack,) = await deployments.missing("checkout", None, ["production"])
    assert "services.checkout.repo" in lack.mend


async def test_the_rollout_carries_the_promotion_back_to_us(
    deployments: GithubDeployment, sandbox: Sandbox, network: Between
) -> None:
    """The repository's own automation takes it up, and each of its reports says whose it is."""

    async def at_once(seconds: float) -> None:
        await sandbox.settle()

    pipeline = Pipeline(sandbox.github, REPO, at_once)
    sandbox.pipelines.append(pipeline)
    pipeline.watch()
    sandbox.connect(network.url)
    await deployments.start(order(sandbox))
    await pipeline.settle()
    reports = [event for event in await heard(sandbox) if isinstance(event, DeployReported)]
    assert {(event.promotion, event.service, event.environment) for event in reports} == {
        (12, "checkout", "production")
    }
    assert [event.status for event in reports][-1] is DeployStatus.SUCCEEDED
