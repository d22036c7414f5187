"""GitHub's events about runs: what they found of a commit, that they are over, that one waits before an environment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import structlog

from bot.callbacks import run_of
from bot.events import CheckFinished, CheckStatus, Event, GateRequested, Human, RunEnded
from handlers.webhooks.github_pieces import (
    account,
    commit_sha,
    default_branch,
    first_line,
    home,
    repository,
    repository_of,
    signature,
)
from handlers.webhooks.payload import Fields

log = structlog.get_logger(__name__)

MAIN_RUNS = frozenset({"push", "schedule", "workflow_dispatch"})
"""What starts a workflow for the default branch itself; a pull request's run may carry its fork's ``main``."""

ATTEMPTS = 1000
"""Room for re-runs of one workflow run in the number that orders them (GitHub allows about fifty)."""

BY_THEMSELVES = frozenset({"push", "schedule", "merge_group", "workflow_run", "check_run", "check_suite", "status"})
"""What starts a workflow without anybody asking for a deployment: its sender merged or pushed, no more."""

_ID_LIMIT = 2**63 - 1

_CONCLUSIONS: Mapping[str, CheckStatus] = {
    "success": CheckStatus.PASSED,
    "neutral": CheckStatus.PASSED,
    "failure": CheckStatus.FAILED,
    "timed_out": CheckStatus.FAILED,
    "startup_failure": CheckStatus.FAILED,
    "action_required": CheckStatus.CANCELLED,  # it waits for somebody's leave to run: the commit is not to blame
    "cancelled": CheckStatus.CANCELLED,
    "skipped": CheckStatus.CANCELLED,
    "stale": CheckStatus.CANCELLED,
}


def workflow_run(payload: Fields) -> list[Event]:
    """A workflow of GitHub Actions ended: what it found of its commit, and that nothing waits in it any more."""
    run = payload.fields("workflow_run")
    repo, number = repository(payload), run.count("id", limit=_ID_LIMIT)
    at, conclusion = run.moment("updated_at", "run_started_at", "created_at"), run.word("conclusion")
    if payload.raw("action") != "completed" or repo is None or at is None or conclusion is None:
        return []
    told = _finished(payload, run, repo, at)
    if number is not None:
        cancelled = conclusion == "cancelled"
        told.append(RunEnded(repo=repo, run=number, attempt=_attempt(run), cancelled=cancelled, at=at))
    return told


def deployment_protection_rule(payload: Fields) -> list[Event]:
    """A run waits before an environment and asks us; whether it waits at our own GitHub is for ``bot.callbacks``."""
    deployment = payload.fields("deployment")
    repo, environment = repository(payload), payload.word("environment") or deployment.word("environment")
    sha, url = commit_sha(payload, "sha") or commit_sha(deployment, "sha"), payload.link("deployment_callback_url")
    at = deployment.moment("created_at", "updated_at") or payload.fields("repository").moment("pushed_at", "updated_at")
    if payload.raw("action") != "requested" or repo is None or environment is None or at is None:
        return []
    try:
        _, number = run_of(url or "")
    except ValueError as fault:
        log.warning("a run's request to enter an environment is refused", repo=repo, reason=str(fault))
        return []
    if sha is None or number > _ID_LIMIT or url is None:
        return []
    by_itself = payload.word("event") in BY_THEMSELVES
    asked = None if by_itself else account(payload.fields("sender")) or Human()
    return [
        GateRequested(
            repo=repo, run=number, environment=environment, sha=sha, callback_url=url, requested_by=asked, at=at
        )
    ]


def check_suite(payload: Fields) -> list[Event]:
    """Another app's checks ended; GitHub Actions speaks for itself in ``workflow_run``."""
    suite = payload.fields("check_suite")
    app = suite.fields("app")
    repo, sha, name = repository(payload), commit_sha(suite, "head_sha"), app.word("slug") or app.word("name")
    status = _CONCLUSIONS.get(suite.word("conclusion") or "")
    at = suite.moment("updated_at", "created_at")
    if payload.raw("action") != "completed" or repo is None or sha is None:
        return []
    if name is None or status is None or at is None or name.casefold() in ("github-actions", "github actions"):
        return []
    head, branch = suite.fields("head_commit"), suite.word("head_branch")
    finished = CheckFinished(
        repo=repo,
        sha=sha,
        name=name,
        status=status,
        main=branch is not None and branch == default_branch(payload) and not suite.array("pull_requests"),
        # A suite keeps its id when it is asked for again; only its time tells the verdicts apart.
        run=int(at.timestamp()),
        at=at,
        url=f"{home(payload, repo)}/commit/{sha}/checks",
        author=signature(head.fields("author")),
        title=first_line(head),
    )
    return [finished]


def check_run(payload: Fields) -> list[Event]:
    """One check ended, of GitHub Actions a job: gates ask for it by name, and what is red is told by the whole."""
    check = payload.fields("check_run")
    repo, sha, name = repository(payload), commit_sha(check, "head_sha"), check.word("name")
    status, number = _CONCLUSIONS.get(check.word("conclusion") or ""), check.count("id", limit=_ID_LIMIT)
    at = check.moment("completed_at", "started_at")
    if payload.raw("action") != "completed" or repo is None or sha is None or number is None:
        return []
    if name is None or status is None or at is None:
        return []
    finished = CheckFinished(
        repo=repo,
        sha=sha,
        name=name,
        status=status,
        main=False,
        # A later run of it has a greater number; a workflow or suite of the same name, which is more, outweighs it.
        run=number - _ID_LIMIT,
        at=at,
        url=check.link("details_url") or check.link("html_url"),
    )
    return [finished]


def _finished(payload: Fields, run: Fields, repo: str, at: datetime) -> list[Event]:
    """What it found, where it ran on a commit and came to something."""
    sha, number = commit_sha(run, "head_sha"), run.count("run_number") or 0
    name = run.word("name") or payload.fields("workflow").word("name")
    status = _CONCLUSIONS.get(run.word("conclusion") or "")
    if sha is None or name is None or status is None:
        return []
    head, branch, home = run.fields("head_commit"), run.word("head_branch"), repository_of(run, "head_repository")
    finished = CheckFinished(
        repo=repo,
        sha=sha,
        name=name,
        status=status,
        main=run.word("event") in MAIN_RUNS
        and branch is not None
        and branch == default_branch(payload)
        and home in (None, repo),
        run=number * ATTEMPTS + _attempt(run),
        at=at,
        url=run.link("html_url"),
        author=_runs_author(run),
        title=first_line(head),
    )
    return [finished]


def _attempt(run: Fields) -> int:
    return min(run.count("run_attempt") or 1, ATTEMPTS - 1)


def _runs_author(run: Fields) -> Human | None:
    """Who wrote the commit a workflow ran for.

    The run's actor is whoever pushed or merged. It lends its login only where author and committer are one and the
    same, so that the merger of somebody's work is not taken for its author.
    """
    head = run.fields("head_commit")
    author, committer = signature(head.fields("author")), signature(head.fields("committer"))
    actor = account(run.fields("actor"))
    if author is None or author.login or author.bot or actor is None or actor.bot or run.word("event") != "push":
        return author
    if committer is None or not author.email or committer.email != author.email:
        return author
    return Human(login=actor.login, name=author.name, email=author.email)
