"""Deployments listed after an outage are those that would have been heard of."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.adapters.github import GithubForge
from bot.errors import RetryLater
from bot.events import DeployStatus
from handlers.webhooks import github as webhooks
from tests.adapters.github_stub import REPO, SINCE, GithubServer, Json, sha
from tests.adapters.stub import body

# Deployments


def deployment(number: int, at: str = "2026-11-20T12:00:00Z", **fields: Any) -> Json:
    """A deployment as GitHub lists it, and as its webhooks carry it."""
    return {
        "id": number,
        "sha": sha(2),
        "ref": "main",
        "task": "deploy",
        "payload": {},
        "environment": "production",
        "description": None,
        "creator": {"login": "ana", "type": "User"},
        "created_at": at,
        "updated_at": at,
        "transient_environment": False,
        "production_environment": True,
        **fields,
    }


def status(number: int, state: str, at: str = "2026-11-20T12:05:00Z", **fields: Any) -> Json:
    """One status of a deployment."""
    return {
        "id": number,
        "state": state,
        "created_at": at,
        "log_url": "https://ci.example/run/1",
        "description": "",
        **fields,
    }


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        ("success", {}),
        ("failure", {"payload": {"service": "ledger"}}),
        ("error", {"payload": '{"service": "ledger"}'}),
        ("in_progress", {"task": "deploy:cart"}),
        ("queued", {"payload": "not json", "description": "By hand"}),
        ("waiting", {"creator": {"login": "github-actions[bot]", "type": "Bot"}, "production_environment": None}),
        ("pending", {"environment": " pro\0duction ", "creator": None, "payload": "[" * 5000}),
    ],
)
async def test_a_deployment_listed_is_the_deployment_heard_of(
    state: str, fields: Json, forge: GithubForge, github: GithubServer
) -> None:
    """The same rollout seen by webhook and by list is one: in every field."""
    github.tell("deployments", [deployment(71, **fields)])
    github.tell("deployments/71/statuses", [status(2, state)])
    payload = {
        "action": "created",
        "deployment": deployment(71, **fields),
        "deployment_status": status(2, state),
        "repository": {"full_name": REPO, "default_branch": "main"},
    }
    headers = {"X-GitHub-Event": "deployment_status", "X-GitHub-Delivery": "1", "Content-Type": "application/json"}
    heard = webhooks.translate(headers, json.dumps(payload).encode())
    assert list(await forge.deployments_since(REPO, SINCE)) == heard


async def test_the_latest_telling_status_counts(forge: GithubForge, github: GithubServer) -> None:
    """In whatever order they come; inactive only says that another took over."""
    github.tell("deployments", [deployment(71), deployment(70, "2026-11-20T11:00:00Z")])
    github.tell(
        "deployments/71/statuses",
        [
            status(1, "in_progress", "2026-11-20T12:01:00Z"),
            status(3, "inactive", "2026-11-20T13:00:00Z"),
            status(2, "success", "2026-11-20T12:05:00Z"),
        ],
    )
    github.tell("deployments/70/statuses", [])
    first, second = await forge.deployments_since(REPO, SINCE)
    assert (first.external_id, first.status, first.at) == ("70", DeployStatus.PENDING, first.began_at)
    assert (second.external_id, second.status) == ("71", DeployStatus.SUCCEEDED)
    assert second.at == datetime(2026, 11, 20, 12, 5, tzinfo=UTC)


async def test_a_deployment_that_is_named_is_told_as_it_stands_now(forge: GithubForge, github: GithubServer) -> None:
    """However long ago it was created; one that was deleted is left out, and what is no number is not asked about."""
    github.tell("deployments/71", deployment(71, "2026-11-17T12:00:00Z"))
    github.tell("deployments/71/statuses", [status(2, "success")])
    github.tell("deployments/70", body({"message": "Not Found"}, 404))
    (found,) = await forge.statuses(REPO, ["71", "70", "../hooks"])
    assert (found.external_id, found.status) == ("71", DeployStatus.SUCCEEDED)
    assert github.asked("hooks") == []
    github.tell("deployments/70", body(["odd"]))
    with pytest.raises(RetryLater):
        await forge.statuses(REPO, ["70"])


async def test_previews_and_odd_ones_are_left_out(forge: GithubForge, github: GithubServer) -> None:
    """So is one of which only its end is known; what is older is not even read."""
    github.tell(
        "deployments",
        [
            deployment(75, transient_environment=True),
            deployment(74, environment=""),
            deployment(73, sha="main"),
            deployment(72),
            deployment(71, "2026-11-19T23:00:00Z"),
        ],
    )
    for number in (72, 73, 74, 75):
        github.tell(f"deployments/{number}/statuses", [status(1, "inactive")])
    assert list(await forge.deployments_since(REPO, SINCE)) == []
    assert github.asked("deployments/71") == []


async def test_deployments_without_their_statuses_are_not_told(forge: GithubForge, github: GithubServer) -> None:
    """Better late than wrong."""
    github.tell("deployments", [deployment(71)])
    github.tell("deployments/71/statuses", body({}, 500))
    with pytest.raises(RetryLater):
        await forge.deployments_since(REPO, SINCE)
    github.tell("deployments", {"data": "odd"})
    with pytest.raises(RetryLater):
        await forge.deployments_since(REPO, SINCE)
