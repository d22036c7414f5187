"""GitHub's workflow runs, check suites and check runs in our words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.events import (
    CheckFinished,
    CheckStatus,
    Human,
    RunEnded,
)
from handlers.webhooks.github import translate
from tests.handlers.github_told import RETRY, at, finished, over, told


def test_a_finished_workflow_is_a_check() -> None:
    """Its name, verdict and commit, and whom to tell: the author, not the merger who pushed it."""
    assert told("workflow_run") == [
        CheckFinished(
            repo="acme/checkout",
            sha=RETRY,
            name="CI",
            status=CheckStatus.FAILED,
            main=True,
            run=2207002,
            at=at(10, 4, 40),
            url="https://github.com/acme/checkout/actions/runs/17300990",
            author=Human(name="Ana Duarte", email="ana@example.com"),
            title="Retry payments (#812)",
        ),
        RunEnded(repo="acme/checkout", run=17300990, attempt=2, cancelled=False, at=at(10, 4, 40)),
    ]


@pytest.mark.parametrize("conclusion", ["success", "failure", "cancelled", "perplexed"])
def test_a_run_that_ended_is_over_however_it_went(conclusion: str) -> None:
    """Nothing waits in it any more, also where it ended in a way we do not know, or ran on no commit we know."""

    def change(payload: dict[str, Any]) -> None:
        payload["workflow_run"].update(conclusion=conclusion, head_sha=None, run_attempt=3)

    [found] = told("workflow_run", change)
    assert found == RunEnded(
        repo="acme/checkout", run=17300990, attempt=3, cancelled=conclusion == "cancelled", at=at(10, 4, 40)
    )


def test_a_run_without_a_number_is_a_check_all_the_same() -> None:
    """Nobody could have waited in it."""
    [found] = told("workflow_run", lambda payload: payload["workflow_run"].pop("id"))
    assert isinstance(found, CheckFinished)


def test_a_run_that_begins_is_not_over() -> None:
    """Neither one that is asked for, nor one under way."""
    assert told("workflow_run", lambda payload: payload.update(action="in_progress")) == []


def test_a_first_attempt_may_go_without_its_number() -> None:
    """Events of long ago had none."""
    assert over(lambda payload: payload["workflow_run"].pop("run_attempt")).attempt == 1


@pytest.mark.parametrize("event", ["workflow_run", "check_suite"])
@pytest.mark.parametrize(
    ("conclusion", "status"),
    [
        ("success", CheckStatus.PASSED),
        ("neutral", CheckStatus.PASSED),
        ("failure", CheckStatus.FAILED),
        ("timed_out", CheckStatus.FAILED),
        ("startup_failure", CheckStatus.FAILED),
        ("action_required", CheckStatus.CANCELLED),
        ("cancelled", CheckStatus.CANCELLED),
        ("skipped", CheckStatus.CANCELLED),
        ("stale", CheckStatus.CANCELLED),
    ],
)
def test_every_conclusion_has_a_meaning(event: str, conclusion: str, status: CheckStatus) -> None:
    """Nine of GitHub's; a check that was skipped says nothing about the commit."""
    assert finished(event, lambda payload: payload[event].update(conclusion=conclusion)).status is status


@pytest.mark.parametrize("event", ["workflow_run", "check_suite"])
def test_a_check_that_has_not_ended_is_not_told(event: str) -> None:
    """Neither one that is requested, nor one that ended without saying how."""
    assert told(event, lambda payload: payload.update(action="requested")) == []
    assert told(event, lambda payload: payload[event].update(conclusion=None)) == []


@pytest.mark.parametrize(
    ("change", "main"),
    [
        ({}, True),
        ({"event": "schedule"}, True),
        ({"event": "workflow_dispatch"}, True),
        ({"event": "pull_request"}, False),
        ({"event": "pull_request_target"}, False),
        ({"head_branch": "retry"}, False),
        ({"head_branch": None}, False),
        ({"head_repository": {"full_name": "stranger/checkout"}}, False),
        ({"head_repository": None}, True),
    ],
)
def test_a_run_is_mains_only_where_main_itself_was_built(change: dict[str, object], main: bool) -> None:
    """A pull request from a fork's own ``main`` is somebody's work, not our main branch."""
    assert finished(change=lambda payload: payload["workflow_run"].update(change)).main is main


def test_a_later_attempt_outranks_and_a_later_run_outranks_that() -> None:
    """The highest number is the present verdict."""
    runs = [(1, 1), (1, 2), (1, 5000), (2, 1), (2, None), (2, 2)]
    orders = [
        finished(
            change=lambda payload, run=run, attempt=attempt: payload["workflow_run"].update(  # type: ignore[misc]
                run_number=run, run_attempt=attempt
            )
        ).run
        for run, attempt in runs
    ]
    assert orders == sorted(orders)
    assert orders[3] == orders[4]
    assert len(set(orders)) == len(orders) - 1


def test_another_apps_checks_are_told_together() -> None:
    """A suite has no page of its own: the link leads to the commit's checks."""
    assert told("check_suite") == [
        CheckFinished(
            repo="acme/checkout",
            sha=RETRY,
            name="circleci-checks",
            status=CheckStatus.PASSED,
            main=True,
            run=int(at(10, 1, 30).timestamp()),
            at=at(10, 1, 30),
            url=f"https://github.com/acme/checkout/commit/{RETRY}/checks",
            author=Human(name="Ana Duarte", email="ana@example.com"),
            title="Retry payments (#812)",
        )
    ]


@pytest.mark.parametrize("app", [{"slug": "github-actions"}, {"name": "GitHub Actions"}, {}, None])
def test_actions_is_heard_once(app: object) -> None:
    """``workflow_run`` speaks for it already; an app without a name cannot be told apart."""
    assert told("check_suite", lambda payload: payload["check_suite"].update(app=app)) == []


def test_a_suite_of_a_pull_request_is_not_mains() -> None:
    """Though its branch has the name."""
    assert finished("check_suite").main
    assert not finished(
        "check_suite", lambda payload: payload["check_suite"].update(pull_requests=[{"number": 1}])
    ).main


def test_one_check_is_told_by_its_name_and_outweighed_by_a_whole_of_that_name() -> None:
    """A job called as its workflow may pass while another job fails: the workflow's verdict stands."""
    check = {
        "id": 901, "name": "e2e", "head_sha": RETRY, "conclusion": "failure", "completed_at": "2026-03-02T10:02:00Z",
        "details_url": "https://ci.example.com/901",
    }  # fmt: skip
    body = {"action": "completed", "check_run": check, "repository": {"full_name": "acme/checkout"}}
    headers = {"X-GitHub-Event": "check_run"}
    (event,) = translate(headers, json.dumps(body).encode())
    assert isinstance(event, CheckFinished)
    assert (event.name, event.status, event.main, event.url) == (
        "e2e", CheckStatus.FAILED, False, "https://ci.example.com/901",
    )  # fmt: skip
    check["id"] = 902
    (later,) = translate(headers, json.dumps(body).encode())
    assert isinstance(later, CheckFinished)
    assert event.run < later.run < finished("workflow_run").run
    for change in ({"name": None}, {"conclusion": None}, {"head_sha": "x"}, {"id": "x"}):
        assert translate(headers, json.dumps(body | {"check_run": check | change}).encode()) == []
    assert translate(headers, json.dumps(body | {"action": "created"}).encode()) == []
