"""GitHub's events as our fixtures hold them, and what they are read as."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.events import (
    ChangeMerged,
    CheckFinished,
    Commit,
    CommitsPushed,
    DeployReported,
    Event,
    GateRequested,
    Human,
    MergedPull,
    RunEnded,
)
from handlers.webhooks.github import translate

FIXTURES = Path(__file__).parents[1] / "payloads" / "github"
RECORDED = Path(__file__).parents[3] / "shared" / "payloads" / "github"

RETRY = "a1b2c3d4e5f60718293a4b5c6d7e8f9011223344"
BUMP = "0f9e8d7c6b5a49382716f5e4d3c2b1a099887766"
ANA = Human(login="ana", name="Ana Duarte", email="ana@example.com")

Change = Callable[[dict[str, Any]], object]


def told(event: str, change: Change | None = None) -> list[Event]:
    """What our fixture of this event means, after a change to it."""
    payload: dict[str, Any] = json.loads((FIXTURES / f"{event}.json").read_text(encoding="utf-8"))
    if change is not None:
        change(payload)
    return translate({"x-github-event": event}, json.dumps(payload).encode())


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, second, tzinfo=UTC)


def deploy(event: str = "deployment_status", change: Change | None = None) -> DeployReported:
    [found] = told(event, change)
    assert isinstance(found, DeployReported)
    return found


def merged(change: Change | None = None) -> MergedPull:
    [found] = told("pull_request", change)
    assert isinstance(found, ChangeMerged)
    return found.pull


def pushed(change: Change | None = None) -> tuple[Commit, ...]:
    [found] = told("push", change)
    assert isinstance(found, CommitsPushed)
    return found.commits


def finished(event: str = "workflow_run", change: Change | None = None) -> CheckFinished:
    found, *others = told(event, change)
    assert isinstance(found, CheckFinished)
    assert all(isinstance(other, RunEnded) for other in others)
    return found


def over(change: Change | None = None) -> RunEnded:
    *_, found = told("workflow_run", change)
    assert isinstance(found, RunEnded)
    return found


def requested(change: Change | None = None) -> GateRequested:
    [found] = told("deployment_protection_rule", change)
    assert isinstance(found, GateRequested)
    return found
