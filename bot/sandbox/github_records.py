"""What the stand-in GitHub keeps beside commits: workflows, environments and who waits for them, checks, reviews."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.sandbox.repositories import Account, WorkflowRun

MOST_RULES = 6
"""Custom protection rules an environment may have (GitHub docs: Deployments and environments)."""


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """The workflow in ``.github/workflows/{name}.yml``; ``run_name`` may hold ``${{ inputs.name }}``.

    ``inputs`` are those of ``workflow_dispatch``, True where required; None: it has no such trigger.
    """

    name: str
    inputs: Mapping[str, bool] | None
    run_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One custom deployment protection rule: an app that is asked before a job enters."""

    id: int
    app_id: int
    app: str


@dataclass(kw_only=True, eq=False)
class Environment:
    """An environment of a repository, and what stands before it."""

    id: int
    name: str
    created_at: datetime
    rules: tuple[Rule, ...] = ()
    reviewers: tuple[Account, ...] = ()
    wait_minutes: int = 0
    prevent_self_review: bool = False

    @property
    def guarded(self) -> bool:
        """Whether anything stands before it."""
        return bool(self.rules or self.reviewers or self.wait_minutes)


@dataclass(frozen=True, kw_only=True)
class Approval:
    """One decision in a run's history; of a custom rule, the ``by`` is the app's account."""

    environment: str
    state: str
    by: Account
    comment: str


@dataclass(kw_only=True, eq=False)
class Waiting:
    """A job of a run that wants to enter an environment. ``answers`` are the rules' by app id, None until given."""

    run: WorkflowRun
    environment: Environment
    deployment: int
    job: int
    began: datetime
    answers: dict[int, str | None]
    reviewed: str | None = None
    notes: dict[int, list[str]] = field(default_factory=dict)
    """Comments without a decision, by app id."""
    waited: bool = True
    """Whether its wait timer has run out (or there is none)."""
    verdict: str | None = None
    """``approved``, ``rejected`` or ``cancelled``."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def review_due(self) -> bool:
        """Whether a person's yes or no is still wanted."""
        return bool(self.environment.reviewers) and self.reviewed is None

    @property
    def judged(self) -> str | None:
        """What everything before it says together; None while something is missing."""
        said = [*self.answers.values(), *([self.reviewed] if self.environment.reviewers else [])]
        if "rejected" in said:
            return "rejected"
        return "approved" if self.waited and all(one == "approved" for one in said) else None


@dataclass(kw_only=True, eq=False)
class CheckSuite:
    """What one app has checked of one commit, together."""

    id: int
    sha: str
    branch: str
    app: str
    status: str
    conclusion: str | None
    at: datetime


@dataclass(kw_only=True, eq=False)
class CheckRun:
    """One check of one commit."""

    id: int
    name: str
    sha: str
    suite: CheckSuite
    status: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None
    details_url: str = ""
    title: str | None = None
    summary: str | None = None


@dataclass(frozen=True, kw_only=True)
class CommitStatus:
    """One commit status: the older way of saying how a check went, by ``context``."""

    id: int
    sha: str
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: Account
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Review:
    """One person's review of a pull request: ``APPROVED``, ``CHANGES_REQUESTED`` or ``COMMENTED``."""

    id: int
    by: Account
    state: str
    body: str
    sha: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One issue; nobody closes any here."""

    id: int
    number: int
    title: str
    body: str | None
    author: Account
    labels: tuple[str, ...]
    at: datetime
    by_app: bool = False
