"""Answering GitHub's custom deployment protection rule: over HTTP, with answers lost, late and refused on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.adapters.pipeline_github import GithubSide
from bot.adapters.pipeline_github_environment import LONGEST_COMMENT, GithubEnvironment
from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.events import GateRequested
from bot.ports import Found, Order, Started
from bot.sandbox.github_app import APP_ID
from bot.sandbox.github_records import Waiting
from bot.sandbox.repositories import Repository
from bot.sandbox.server import Sandbox
from tests.adapters.between import Between
from tests.adapters.github_side import REPO, SITE, github_side, heard, just_now, order


@pytest.fixture
def environment(side: GithubSide) -> GithubEnvironment:
    return GithubEnvironment(side)


@pytest.fixture
async def waiting(sandbox: Sandbox, repo: Repository) -> Waiting:
    """A run that waits before production for our answer alone."""
    sandbox.github.environment(REPO, "production", gate=True)
    return await wait(sandbox, repo)


async def wait(sandbox: Sandbox, repo: Repository) -> Waiting:
    run = await sandbox.github.begin_run(REPO, repo.branches["main"], "deploy")
    return await sandbox.github.enter(REPO, run, "production")


def asked(sandbox: Sandbox, waiting: Waiting, promotion: int = 12, **more: object) -> Order:
    return order(sandbox, promotion, **{"run": waiting.run.id, "gate": "production", **more})


def begun(waiting: Waiting) -> Started:
    return Started(f"run:{waiting.run.id}", f"{SITE}/{REPO}/actions/runs/{waiting.run.id}")


def comments(waiting: Waiting) -> list[tuple[str, str]]:
    return [(one.state, one.comment) for one in waiting.run.approvals]


async def test_a_yes_lets_the_run_in_and_says_on_what_grounds(
    environment: GithubEnvironment, sandbox: Sandbox, waiting: Waiting
) -> None:
    assert await environment.start(asked(sandbox, waiting)) == begun(waiting)
    assert waiting.verdict == "approved"
    assert comments(waiting) == [("approved", "Approved by Dee: soaked 30 min, e2e passed\n<!-- shipmate:12 -->")]
    assert await environment.find(asked(sandbox, waiting), since=just_now()) == begun(waiting)


@pytest.mark.parametrize("comment", ["", "x" * 999, "x" * 1_003, "é" * 1_004, "x" * 5_000])
async def test_a_comment_of_any_length_fits_and_keeps_its_mark(
    environment: GithubEnvironment, sandbox: Sandbox, waiting: Waiting, comment: str
) -> None:
    await environment.start(asked(sandbox, waiting, comment=comment))
    ((_, shown),) = comments(waiting)
    assert len(shown) <= LONGEST_COMMENT
    assert shown.endswith("<!-- shipmate:12 -->")
    assert shown[:900] == f"{comment[:900]}" if comment else shown == "<!-- shipmate:12 -->"


@pytest.mark.parametrize(
    ("how", "status"), [("accept_then_cut", 0), ("accept_then_answer", 502), ("accept_then_answer", 408)]
)
async def test_a_yes_whose_answer_was_lost_is_found(
    environment: GithubEnvironment, sandbox: Sandbox, waiting: Waiting, network: Between, how: str, status: int
) -> None:
    """In the run's history; and saying it again is neither an error nor a second yes."""
    network.spoil(how, path="deployment_protection_rule", status=status)
    with pytest.raises(Doubtful):
        await environment.start(asked(sandbox, waiting))
    assert await environment.find(asked(sandbox, waiting), since=just_now()) == begun(waiting)
    assert await environment.start(asked(sandbox, waiting)) == begun(waiting)
    assert len(comments(waiting)) == 1


@pytest.mark.parametrize(("how", "status"), [("cut", 0), ("answer", 500), ("answer", 503)])
async def test_a_yes_that_never_arrived_is_absent(
    environment: GithubEnvironment, sandbox: Sandbox, waiting: Waiting, network: Between, how: str, status: int
) -> None:
    """It was sent once; said again, it counts."""
    network.spoil(how, path="deployment_protection_rule", status=status)
    with pytest.raises(Doubtful):
        await environment.start(asked(sandbox, waiting))
    assert len(network.posts("deployment_protection_rule")) == 1
    assert await environment.find(asked(sandbox, waiting), since=just_now()) is Found.ABSENT
    assert await environment.start(asked(sandbox, waiting)) == begun(waiting)
    assert len(comments(waiting)) == 1


async def test_a_yes_that_github_does_not_answer_is_doubtful(
    sandbox: Sandbox, waiting: Waiting, network: Between
) -> None:
    async with github_side(sandbox, network, patience=1) as hasty:
        network.spoil("accept_then_hang", path="deployment_protection_rule")
        with pytest.raises(Doubtful):
            await GithubEnvironment(hasty).start(asked(sandbox, waiting))
    assert waiting.verdict == "approved"


@pytest.mark.parametrize(
    ("status", "body", "headers", "delay"),
    [
        (429, {"message": "Too many requests"}, {"Retry-After": "7"}, 7.0),
        (403, {"message": "You have exceeded a secondary rate limit"}, {}, 60.0),
    ],
)
async def test_a_limit_certainly_did_nothing(
    environment: GithubEnvironment,
    sandbox: Sandbox,
    waiting: Waiting,
    network: Between,
    status: int,
    body: dict[str, str],
    headers: dict[str, str],
    delay: float,
) -> None:
    network.spoil("answer", path="deployment_protection_rule", status=status, body=body, headers=headers)
    with pytest.raises(RetryLater) as raised:
        await environment.start(asked(sandbox, waiting))
    assert (raised.value.rate_limited, raised.value.delay) == (True, delay)
    assert waiting.verdict is None


async def test_the_stand_ins_own_secondary_limit_is_one_too(
    environment: GithubEnvironment, sandbox: Sandbox, waiting: Waiting
) -> None:
    sandbox.github.fault(secondary=30)
    with pytest.raises(RetryLater) as raised:
        await environment.start(asked(sandbox, waiting))
    assert raised.value.rate_limited


async def test_a_github_that_cannot_be_reached_did_nothing(
    sandbox: Sandbox, waiting: Waiting, network: Between
) -> None:
    """The repository and the token were asked for before it went away."""
    async with github_side(sandbox, network) as made:
        gone = GithubEnvironment(made)
        await gone.find(asked(sandbox, waiting), since=just_now())
        await network.__aexit__()
        with pytest.raises(RetryLater, match="did not answer"):
            await gone.start(asked(sandbox, waiting))
    assert waiting.verdict is None


async def test_what_github_asks_is_what_is_answered(
    environment: GithubEnvironment, sandbox: Sandbox, repo: Repository, network: Between
) -> None:
    """Its own callback is genuine; it names the run and the environment that the answer must repeat."""
    sandbox.connect(network.url)
    sandbox.github.environment(REPO, "Production EU", gate=True)
    run = await sandbox.github.begin_run(REPO, repo.branches["main"], "deploy")
    waiting = await sandbox.github.enter(REPO, run, "production eu")
    (request,) = [event for event in await heard(sandbox) if isinstance(event, GateRequested)]
    assert (request.repo, request.run, request.environment) == (REPO, run, "Production EU")
    await environment.start(order(sandbox, run=request.run, gate=request.environment))
    assert waiting.verdict == "approved"


# Runs that are no longer there


@pytest.mark.parametrize("number", [None, 999_999])
async def test_a_run_that_vanished_is_said_to_have(
    environment: GithubEnvironment, sandbox: Sandbox, repo: Repository, waiting: Waiting, number: int | None
) -> None:
    """A newer run of its group cancelled it, or somebody deleted it."""
    sandbox.github.end_run(repo, waiting.run, "cancelled")
    late = asked(sandbox, waiting) if number is None else asked(sandbox, waiting, run=number)
    assert await environment.find(late, since=just_now()) is Found.ABSENT
    with pytest.raises(GiveUp, match="no longer waits before production") as raised:
        await environment.start(late)
    assert raised.value.code == "vanished"
    with pytest.raises(GiveUp) as raised:
        await environment.note(REPO, late.run or 0, "production", "Waiting for soak")
    assert raised.value.code == "vanished"


async def test_a_run_that_somebody_let_in_without_us_counts_as_begun(
    environment: GithubEnvironment, sandbox: Sandbox, waiting: Waiting
) -> None:
    """An administrator may pass the rules over: it is no longer pending, and goes on."""
    waiting.verdict, waiting.run.status = "approved", "in_progress"
    assert await environment.find(asked(sandbox, waiting), since=just_now()) == begun(waiting)


async def test_a_re_run_asks_afresh(
    environment: GithubEnvironment, sandbox: Sandbox, repo: Repository, waiting: Waiting
) -> None:
    """The run keeps its number and its history; the yes to its first attempt is none to its second."""
    await environment.start(asked(sandbox, waiting))
    sandbox.github.end_run(repo, waiting.run, "failure")
    sandbox.github.run_again(repo, waiting.run)
    again = await sandbox.github.enter(REPO, waiting.run.id, "production")
    assert await environment.find(asked(sandbox, again, 13), since=just_now()) is Found.ABSENT
    assert again.verdict is None
    assert await environment.start(asked(sandbox, again, 13)) == begun(again)
    assert again.verdict == "approved"


async def test_a_yes_stands_while_others_are_still_asked(
    environment: GithubEnvironment, sandbox: Sandbox, repo: Repository
) -> None:
    """The run goes on waiting for a reviewer; ours is in its history."""
    sandbox.github.environment(REPO, "production", gate=True, reviewers=["dee"])
    waiting = await wait(sandbox, repo)
    assert await environment.start(asked(sandbox, waiting)) == begun(waiting)
    assert waiting.verdict is None
    assert await environment.find(asked(sandbox, waiting), since=just_now()) == begun(waiting)
    assert await environment.start(asked(sandbox, waiting)) == begun(waiting)
    waiting.run.approvals.clear()  # should GitHub's history not show what rules decided
    assert await environment.start(asked(sandbox, waiting)) == begun(waiting)


# Notes and rejections


async def test_ten_notes_and_no_more(environment: GithubEnvironment, sandbox: Sandbox, waiting: Waiting) -> None:
    """The eleventh is refused as such; the run still waits, and may still be let in."""
    run = waiting.run.id
    for number in range(10):
        await environment.note(REPO, run, "production", f"Waiting: {number}")
    with pytest.raises(GiveUp) as raised:
        await environment.note(REPO, run, "production", "Waiting: 10")
    assert raised.value.code == "too_many_notes"
    assert waiting.notes[APP_ID] == [f"Waiting: {number}" for number in range(10)]
    assert waiting.verdict is None
    await environment.start(asked(sandbox, waiting))
    assert waiting.verdict == "approved"


async def test_a_long_note_is_cut_and_not_refused(environment: GithubEnvironment, waiting: Waiting) -> None:
    await environment.note(REPO, waiting.run.id, "production", "x" * 2_000)
    assert [len(note) for note in waiting.notes[APP_ID]] == [LONGEST_COMMENT]


async def test_a_no_ends_the_run_and_twice_is_harmless(environment: GithubEnvironment, waiting: Waiting) -> None:
    for _ in range(2):
        await environment.reject(REPO, waiting.run.id, "production", "Rejected by Dee: wrong week")
    assert (waiting.verdict, comments(waiting)) == ("rejected", [("rejected", "Rejected by Dee: wrong week")])
    assert waiting.run.conclusion == "failure"


async def test_a_no_whose_answer_was_lost_is_said_again(
    environment: GithubEnvironment, waiting: Waiting, network: Between
) -> None:
    network.spoil("accept_then_cut", path="deployment_protection_rule")
    with pytest.raises(Doubtful):
        await environment.reject(REPO, waiting.run.id, "production", "No")
    await environment.reject(REPO, waiting.run.id, "production", "No")
    assert comments(waiting) == [("rejected", "No")]


async def test_a_no_to_a_run_that_is_gone_has_nothing_to_end(environment: GithubEnvironment, waiting: Waiting) -> None:
    await environment.reject(REPO, 999_999, "production", "No")
    assert waiting.verdict is None


# Who may not


async def test_an_environment_without_our_rule_is_named(
    environment: GithubEnvironment, sandbox: Sandbox, repo: Repository
) -> None:
    """With where to switch it on, and GitHub's own words."""
    sandbox.github.environment(REPO, "production", reviewers=["dee"])
    waiting = await wait(sandbox, repo)
    with pytest.raises(GiveUp, match=r"Settings → Environments.*GitHub says: No deployment protection rule") as raised:
        await environment.start(asked(sandbox, waiting))
    assert raised.value.code == "unprocessable"
    for speak in (environment.note, environment.reject):
        with pytest.raises(GiveUp) as raised:
            await speak(REPO, waiting.run.id, "production", "No")
        assert raised.value.code == "unprocessable"


async def test_a_token_may_not_answer(sandbox: Sandbox, waiting: Waiting, network: Between) -> None:
    async with github_side(sandbox, network, app=False) as made:
        with pytest.raises(Unauthorised, match="as the GitHub App whose rule it is"):
            await GithubEnvironment(made).start(asked(sandbox, waiting))
        (lack,) = await GithubEnvironment(made).missing("checkout", REPO, ["production"])
    assert "GITHUB_APP_ID" in lack.mend


async def test_a_permission_that_is_missing_is_named(
    environment: GithubEnvironment, sandbox: Sandbox, waiting: Waiting
) -> None:
    sandbox.app.permissions["deployments"] = "read"
    with pytest.raises(Unauthorised, match="deployments: write"):
        await environment.start(asked(sandbox, waiting))


async def test_without_a_waiting_run_there_is_nobody_to_answer(
    environment: GithubEnvironment, sandbox: Sandbox, network: Between
) -> None:
    for lost in (order(sandbox), replace(order(sandbox), run=1), replace(order(sandbox), gate="production")):
        with pytest.raises(GiveUp, match="No run waits before production"):
            await environment.start(lost)
    assert network.seen == []


async def test_what_setting_up_lacks_is_told_with_its_mend(
    environment: GithubEnvironment, sandbox: Sandbox, network: Between
) -> None:
    sandbox.github.environment(REPO, "production", gate=True)
    assert await environment.missing("checkout", REPO, ["production"]) == []
    sandbox.github.environment(REPO, "production", gates=[(1, "other")])
    installed = {"permissions": {"actions": "write", "deployments": "read"}, "events": ["push"]}
    network.spoil("answer", verb="GET", path="/installation", status=200, body=installed)
    told = [lack.said for lack in await environment.missing("checkout", REPO, ["production", "nowhere"])]
    assert told == [
        "the GitHub App has no permission deployments: write",
        "the GitHub App is not subscribed to deployment_protection_rule",
        "the rule before production is not switched on",
        "the rule before nowhere is not switched on",
    ]
    (lack,) = await environment.missing("checkout", None, ["production"])
    assert "services.checkout.repo" in lack.mend


# Late calls


async def test_a_call_that_cannot_begin_in_time_is_not_made(
    side: GithubSide, sandbox: Sandbox, network: Between, waiting: Waiting
) -> None:
    """It would take effect when nobody counts with it any more."""
    loop = asyncio.get_running_loop()
    with pytest.raises(RetryLater, match="in time"):
        await side.client.post(
            REPO, f"/repos/{REPO}/deployments", "it", {}, needs="deployments: write", begin_by=loop.time() - 1
        )
    assert network.posts("deployments") == []
