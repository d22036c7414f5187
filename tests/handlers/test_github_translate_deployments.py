"""GitHub's deployments in our words, and the runs that wait for leave to deploy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.events import (
    DeployReported,
    DeployStatus,
    GateRequested,
    Human,
)
from bot.inbox import Lane
from handlers.webhooks.github import TRANSLATORS, lane
from tests.handlers.github_told import RETRY, Change, at, deploy, requested, told


def test_a_deployment_is_announced() -> None:
    """Pending, since its first status is still to come."""
    assert told("deployment") == [
        DeployReported(
            source="github",
            external_id="88120011",
            repo="acme/checkout",
            service="checkout-api",
            environment="production",
            sha=RETRY,
            ref="main",
            status=DeployStatus.PENDING,
            began_at=at(10, 2),
            at=at(10, 2),
            url="https://github.com/acme/checkout/actions/runs/17300991",
            description="From the release workflow",
            creator=Human(login="chi"),
            final=True,
            run=17300991,
        )
    ]


def test_a_deployment_status_moves_it_on() -> None:
    """The same rollout, with the time and words of the status."""
    found = deploy()
    assert (found.external_id, found.attempt) == ("88120011", 1)
    assert found.status is DeployStatus.SUCCEEDED
    assert (found.began_at, found.at) == (at(10, 2), at(10, 5, 12))
    assert found.description == "Three pods ready"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending", DeployStatus.PENDING),
        ("queued", DeployStatus.PENDING),
        ("waiting", DeployStatus.PENDING),
        ("in_progress", DeployStatus.IN_PROGRESS),
        ("success", DeployStatus.SUCCEEDED),
        ("failure", DeployStatus.FAILED),
        ("error", DeployStatus.FAILED),
    ],
)
def test_every_state_of_a_deployment_has_a_meaning(state: str, status: DeployStatus) -> None:
    """GitHub has seven that say how a rollout stands."""
    assert deploy(change=lambda payload: payload["deployment_status"].update(state=state)).status is status


@pytest.mark.parametrize("state", ["inactive", "", None, "perplexed", 3])
def test_a_state_that_says_nothing_of_the_rollout_is_not_told(state: object) -> None:
    """``inactive`` is sent when a newer one took over: this one went as it went."""
    assert told("deployment_status", lambda payload: payload["deployment_status"].update(state=state)) == []


@pytest.mark.parametrize("event", ["deployment", "deployment_status"])
@pytest.mark.parametrize(
    "change",
    [
        {"transient_environment": True},
        {"sha": None},
        {"sha": "0" * 40},
        {"sha": "<!channel>"},
        {"id": None},
    ],
)
def test_a_deployment_of_no_use_is_not_told(event: str, change: dict[str, object]) -> None:
    """Previews would drown the channel; without a commit or an id there is no rollout to speak of."""
    assert told(event, lambda payload: payload["deployment"].update(change)) == []


@pytest.mark.parametrize(
    ("payload", "task", "service"),
    [
        ({"service": "ledger"}, "deploy", "ledger"),
        ('{"service": "ledger"}', "deploy", "ledger"),
        ({"service": " led\nger "}, "deploy", "led ger"),
        ({}, "deploy:ledger", "ledger"),
        ("", "deploy:ledger", "ledger"),
        ({"service": "ledger"}, "deploy:other", "ledger"),
        ({"service": 7}, "deploy", None),
        ("not JSON", "deploy", None),
        ("[" * 100_000, "deploy", None),
        (None, "deploy", None),
        ({}, "deploy:", None),
        ({}, None, None),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_deployment_may_name_its_service(payload: object, task: object, service: str | None) -> None:
    """By ``payload.service``, as an object or as JSON in a string, or by its task."""
    change = {"payload": payload, "task": task}
    assert deploy(change=lambda whole: whole["deployment"].update(change)).service == service


def test_the_link_of_a_deployment_is_its_run_or_else_its_log() -> None:
    """Outside of GitHub Actions only the log's address is told; an address no browser opens is dropped."""

    def elsewhere(log: str, target: str) -> Change:
        def change(payload: dict[str, Any]) -> None:
            payload["workflow_run"] = None
            payload["deployment_status"].update(log_url=log, target_url=target)

        return change

    ci = "https://ci.example.com/job/7"
    assert deploy().url == "https://github.com/acme/checkout/actions/runs/17300991"
    assert deploy(change=elsewhere(ci, "")).url == ci
    assert deploy(change=elsewhere("", ci)).url == ci
    assert deploy(change=elsewhere("javascript:alert(1)", ci)).url == ci
    assert deploy(change=elsewhere("https://deployer:hunter2@ci.example.com/", "")).url is None
    assert deploy(change=elsewhere("https://", "https://ci.example.com/a b")).url is None
    assert deploy(change=elsewhere("https://[broken", "ftp://ci.example.com/")).url is None


def test_a_person_stands_before_the_bot_that_deployed_for_them() -> None:
    """Actions deploy as a bot; whoever started the run is the one to ask."""

    def by_ana(payload: dict[str, Any]) -> None:
        payload["deployment"]["creator"] = {"login": "ana", "type": "User"}

    def by_nobody(payload: dict[str, Any]) -> None:
        payload["workflow_run"] = None

    assert deploy().creator == Human(login="chi")
    assert deploy(change=by_ana).creator == Human(login="ana")
    assert deploy(change=by_nobody).creator == Human(login="github-actions[bot]", bot=True)


def test_a_bare_deployment_of_years_ago_is_still_one() -> None:
    """Only a commit, a place and a time are needed; what was not sent is not claimed."""

    def age(payload: dict[str, Any]) -> None:
        payload.clear()
        payload["repository"] = {"full_name": "acme/checkout"}
        payload["deployment"] = {"id": 1, "sha": RETRY, "environment": "staging"}
        payload["deployment_status"] = {"state": "success", "updated_at": "2019-05-15T17:20:55+02:00"}

    when = datetime(2019, 5, 15, 15, 20, 55, tzinfo=UTC)
    assert told("deployment_status", age) == [
        DeployReported(
            source="github",
            external_id="1",
            repo="acme/checkout",
            environment="staging",
            sha=RETRY,
            status=DeployStatus.SUCCEEDED,
            began_at=when,
            at=when,
        )
    ]


# Runs that wait


CALLBACK = "https://api.github.com/repos/acme/checkout/actions/runs/17300991/deployment_protection_rule"


def test_a_run_that_waits_asks_whether_it_may_enter() -> None:
    """Which run and environment, as GitHub names them, of which commit, and who pressed the button."""
    assert told("deployment_protection_rule") == [
        GateRequested(
            repo="acme/checkout",
            run=17300991,
            environment="production",
            sha=RETRY,
            callback_url=CALLBACK,
            requested_by=Human(login="chi"),
            at=at(10, 2),
        )
    ]


def test_a_waiting_run_is_answered_before_the_news() -> None:
    """It stands still meanwhile; everything else GitHub tells is news. A header's name has no case."""
    assert lane({"x-github-event": "deployment_protection_rule"}) is Lane.URGENT
    assert {lane({"X-GitHub-Event": event}) for event in set(TRANSLATORS) - {"deployment_protection_rule"}} == {
        Lane.FEED
    }


@pytest.mark.parametrize(
    ("event", "sender", "asked"),
    [
        ("workflow_dispatch", {"login": "chi", "type": "User"}, Human(login="chi")),
        ("release", {"login": "chi", "type": "User"}, Human(login="chi")),
        (None, {"login": "chi", "type": "User"}, Human(login="chi")),
        ("workflow_dispatch", {"login": "deploy[bot]", "type": "Bot"}, Human(login="deploy[bot]", bot=True)),
        ("workflow_dispatch", None, Human()),
        ("push", None, None),
        ("push", {"login": "deploy[bot]", "type": "Bot"}, None),
        ("push", {"login": "chi", "type": "User"}, None),
        ("schedule", {"login": "chi", "type": "User"}, None),
        ("merge_group", {"login": "chi", "type": "User"}, None),
    ],
)
def test_whoever_merged_did_not_ask_for_it(event: object, sender: object, asked: Human | None) -> None:
    """They may approve what others wrote; who started it by hand may not, and a bot, or nobody's name, hides who."""
    assert requested(lambda payload: payload.update(event=event, sender=sender)).requested_by == asked


def test_a_request_without_a_deployment_is_one_all_the_same() -> None:
    """GitHub's description allows null there; the time is then the repository's."""

    def change(payload: dict[str, Any]) -> None:
        payload["deployment"] = None
        payload["repository"]["pushed_at"] = "2026-11-20T09:58:01Z"

    assert requested(change).at == at(9, 58, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"action": "cancelled"},
        {"environment": None, "deployment": None},
        {"sha": None, "deployment": {"created_at": "2026-11-20T10:02:00Z"}},
        {"repository": {"full_name": "<!channel>"}},
        {"deployment_callback_url": None},
        {"deployment_callback_url": "https://api.github.com/repos/acme/checkout/actions/runs/17300991"},
        {"deployment_callback_url": CALLBACK.replace("17300991", "0")},
        {"deployment_callback_url": CALLBACK.replace("17300991", "9" * 19)},
        {"deployment_callback_url": f"{CALLBACK}?x=1"},
        {"deployment_callback_url": CALLBACK.replace("/actions", "/../actions")},
        {"deployment_callback_url": f"javascript:{CALLBACK}"},
    ],
)
def test_what_is_no_request_is_not_told(change: dict[str, object]) -> None:
    """Without a run nobody could be answered."""
    assert told("deployment_protection_rule", lambda payload: payload.update(change)) == []


# Whose promotion a deployment is


@pytest.mark.parametrize(
    ("payload", "promotion"),
    [
        ({"shipmate": {"promotion": 12}}, 12),
        ('{"shipmate": {"promotion": 12}}', 12),
        ({"shipmate": {"promotion": "12"}}, None),
        ({"shipmate": {"promotion": -1}}, None),
        ({"shipmate": {"promotion": 2**31}}, None),
        ({"shipmate": {"promotion": True}}, None),
        ({"shipmate": 12}, None),
        ("[" * 100_000, None),
        ("", None),
        (None, None),
    ],
    ids=lambda value: repr(value)[:32],
)
@pytest.mark.parametrize("event", ["deployment", "deployment_status"])
def test_a_deployment_may_carry_our_promotion(event: str, payload: object, promotion: int | None) -> None:
    """As we put it there: an object, or what GitHub made of it."""
    assert deploy(event, lambda found: found["deployment"].update(payload=payload)).promotion == promotion


@pytest.mark.parametrize(
    ("log", "run"),
    [
        ("https://github.com/acme/checkout/actions/runs/17300991/job/5", 17300991),
        ("https://github.com/acme/checkout/actions/runs/17300991", 17300991),
        ("https://ci.example.com/17300991", None),
        (f"https://github.com/acme/checkout/actions/runs/{'9' * 19}", None),
        (None, None),
    ],
)
def test_a_deployment_without_its_run_is_known_by_its_log(log: str | None, run: int | None) -> None:
    """GitHub's description makes the run optional."""

    def change(payload: dict[str, Any]) -> None:
        payload["workflow_run"] = None
        payload["deployment_status"].update(log_url=log, target_url=None)

    assert deploy(change=change).run == run
    assert deploy().run == 17300991
