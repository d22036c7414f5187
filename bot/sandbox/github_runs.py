"""GitHub Actions and checks on the stand-in GitHub: workflow runs, check suites and runs, commit statuses."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.sandbox.clock import Clock
from bot.sandbox.github_code import Code
from bot.sandbox.github_records import CheckRun, CheckSuite, CommitStatus, Workflow
from bot.sandbox.repositories import Account, Deployment, Forge, Repository, WorkflowRun
from bot.sandbox.world import Json

Started = Callable[[Repository, WorkflowRun], None]
"""Told of each run that a dispatch or a re-run has queued."""
Announced = Callable[[Repository, Deployment], None]
"""Told of each deployment that somebody creates through the API: whoever deploys for them acts on it."""
_INPUT = re.compile(r"\$\{\{\s*(?:github\.event\.)?inputs\.([\w-]+)\s*\}\}")


class Runs(Code):
    """What continuous integration does. A run that was dispatched waits in the queue until somebody ends it."""

    def __init__(self, forge: Forge, clock: Clock | None = None, *, rate_limits: bool = False) -> None:
        super().__init__(forge, clock, rate_limits=rate_limits)
        self.started: list[Started] = []
        self.announced: list[Announced] = []
        self._run_numbers = itertools.count(1)

    # Workflow runs

    def workflow(
        self, repo: str, name: str, *, inputs: Mapping[str, bool] | None = None, run_name: str | None = None
    ) -> Workflow:
        """Write a workflow; with ``inputs`` (True where required) it can be dispatched."""
        made = Workflow(name=name, inputs=inputs, run_name=run_name)
        self.forge.repository(repo).workflows[name] = made
        return made

    async def workflow_run(
        self,
        repo: str,
        sha: str,
        name: str = "ci",
        conclusion: str = "success",
        branch: str = "main",
        *,
        attempt: int = 1,
        event: str = "push",
    ) -> int:
        """A workflow ran on a commit and ended; its id. A further ``attempt`` keeps the id of the first."""
        run = self._run(repo, sha, name, branch, attempt=attempt, event=event)
        await self.finish_run(repo, run.id, conclusion)
        return run.id

    async def begin_run(self, repo: str, sha: str, name: str = "deploy", branch: str = "main") -> int:
        """A workflow begins on a commit; its id."""
        run = self._run(repo, sha, name, branch, attempt=1, event="push")
        self.send_run("requested", self.forge.repository(repo), run)
        await self.work_on(repo, run.id)
        return run.id

    async def work_on(self, repo: str, run_id: int) -> None:
        """A queued run gets a runner."""
        there = self.forge.repository(repo)
        there.runs[run_id].status = "in_progress"
        self.send_run("in_progress", there, there.runs[run_id])

    async def finish_run(self, repo: str, run_id: int, conclusion: str) -> None:
        """A workflow run ends; what it was still waiting for is moot."""
        there = self.forge.repository(repo)
        self.end_run(there, there.runs[run_id], conclusion)

    def end_run(self, repo: Repository, run: WorkflowRun, conclusion: str) -> None:
        """End a run, and let go of its jobs that wait."""
        run.status, run.conclusion, run.at = "completed", conclusion, self.now()
        suite = repo.suites[run.suite]
        suite.status, suite.conclusion, suite.at = "completed", conclusion, run.at
        for waiting in repo.waiting.values():
            if waiting.run is run and waiting.verdict is None:
                waiting.verdict = "cancelled"
                waiting.over.set()
        self.send_run("completed", repo, run)

    def dispatch(
        self, repo: Repository, workflow: Workflow, branch: str, inputs: Mapping[str, str], by: Account
    ) -> WorkflowRun:
        """Queue a run of a workflow on a branch or tag as ``workflow_dispatch`` does, and tell who watches for such."""
        title = _INPUT.sub(lambda found: inputs.get(found[1], ""), workflow.run_name) if workflow.run_name else None
        run = self._run(
            repo.full_name,
            repo.branches.get(branch) or repo.tags[branch],
            workflow.name,
            branch,
            attempt=1,
            event="workflow_dispatch",
            actor=by,
            title=title or workflow.name,
            inputs=dict(inputs),
        )
        self.send_run("requested", repo, run)
        self._tell_started(repo, run)
        return run

    def run_again(self, repo: Repository, run: WorkflowRun) -> None:
        """Queue a further attempt of a run that has ended."""
        run.attempt += 1
        run.status, run.conclusion, run.at, run.began = "queued", None, self.now(), self.now()
        self.send_run("requested", repo, run)
        self._tell_started(repo, run)

    def _tell_started(self, repo: Repository, run: WorkflowRun) -> None:
        for tell in self.started:
            tell(repo, run)

    def tell_announced(self, repo: Repository, deployment: Deployment) -> None:
        """Tell of a deployment that was created through the API."""
        for tell in self.announced:
            tell(repo, deployment)

    def _run(
        self,
        repo: str,
        sha: str,
        name: str,
        branch: str,
        *,
        attempt: int,
        event: str,
        actor: Account | None = None,
        title: str | None = None,
        inputs: dict[str, str] | None = None,
    ) -> WorkflowRun:
        there = self.forge.repository(repo)
        there.workflows.setdefault(name, Workflow(name=name, inputs=None))
        earlier = next((run for run in there.runs.values() if (run.name, run.sha) == (name, sha)), None)
        again = earlier if earlier is not None and attempt > 1 else None
        suite = there.suites[again.suite] if again else self._suite(there, sha, branch, "GitHub Actions", None)
        run = WorkflowRun(
            id=again.id if again else next(self.forge.numbers),
            number=again.number if again else next(self._run_numbers),
            attempt=attempt,
            name=name,
            sha=sha,
            branch=branch,
            event=event,
            status="queued",
            conclusion=None,
            actor=actor or there.commits[sha].author,
            at=self.now(),
            began=self.now(),
            suite=suite.id,
            title=title,
            inputs=inputs or {},
        )
        there.runs[run.id] = run
        return run

    def send_run(self, action: str, repo: Repository, run: WorkflowRun) -> None:
        """Tell of a run."""
        payload = {
            "action": action,
            "workflow": self.shapes.workflow(repo, run.name),
            "workflow_run": self.shapes.run(repo, run),
        }
        self.send("workflow_run", repo, run.actor, payload)

    # Checks

    async def check_suite(
        self, repo: str, sha: str, conclusion: str = "success", branch: str = "main", app: str = "Acme CI"
    ) -> int:
        """Another app's checks on a commit ended; the suite's id."""
        there = self.forge.repository(repo)
        suite = self._suite(there, sha, branch, app, conclusion)
        self._send_suite(there, suite)
        return suite.id

    async def check_run(
        self,
        repo: str,
        sha: str,
        name: str,
        conclusion: str | None = "success",
        *,
        branch: str = "main",
        app: str = "Acme CI",
        details_url: str = "",
    ) -> int:
        """One check of a commit began and, with a conclusion, ended; its id. The same name again is another run."""
        there = self.forge.repository(repo)
        suite = next((one for one in there.suites.values() if (one.sha, one.app) == (sha, app)), None)
        suite = suite or self._suite(there, sha, branch, app, None)
        check = self.add_check(there, suite, name, details_url)
        if conclusion is not None:
            self.end_check(there, check, conclusion)
        return check.id

    def add_check(
        self, repo: Repository, suite: CheckSuite, name: str, details_url: str, status: str = "in_progress"
    ) -> CheckRun:
        """Begin a check and tell of it."""
        check = CheckRun(
            id=next(self.forge.numbers),
            name=name,
            sha=suite.sha,
            suite=suite,
            status=status,
            conclusion=None,
            started_at=self.now(),
            completed_at=None,
            details_url=details_url,
        )
        repo.checks[check.id] = check
        suite.status, suite.conclusion = "in_progress", None
        self._send_check("created", repo, check)
        return check

    def end_check(self, repo: Repository, check: CheckRun, conclusion: str) -> None:
        """End a check, and with the last of them its suite; tell of both."""
        check.status, check.conclusion, check.completed_at = "completed", conclusion, self.now()
        self._send_check("completed", repo, check)
        others = [one for one in latest_checks(repo, check.sha) if one.suite is check.suite]
        if all(one.status == "completed" for one in others):
            bad = [one.conclusion for one in others if one.conclusion not in ("success", "neutral", "skipped")]
            check.suite.status, check.suite.at = "completed", self.now()
            check.suite.conclusion = bad[0] if bad else "success"
            self._send_suite(repo, check.suite)

    def suite_of(self, repo: Repository, sha: str, app: str) -> CheckSuite:
        """The suite of an app's checks of a commit, begun if need be."""
        found = next((one for one in repo.suites.values() if (one.sha, one.app) == (sha, app)), None)
        return found or self._suite(repo, sha, repo.default_branch, app, None)

    def _suite(self, repo: Repository, sha: str, branch: str, app: str, conclusion: str | None) -> CheckSuite:
        made = CheckSuite(
            id=next(self.forge.numbers),
            sha=sha,
            branch=branch,
            app=app,
            status="completed" if conclusion else "queued",
            conclusion=conclusion,
            at=self.now(),
        )
        repo.suites[made.id] = made
        return made

    def _send_suite(self, repo: Repository, suite: CheckSuite) -> None:
        author = repo.commits[suite.sha].author
        self.send("check_suite", repo, author, {"action": "completed", "check_suite": self.shapes.suite(repo, suite)})

    def _send_check(self, action: str, repo: Repository, check: CheckRun) -> None:
        shape = self.shapes.check(repo, check)
        shape["check_suite"] = self.shapes.suite_of_run(repo, check.suite)
        self.send("check_run", repo, repo.commits[check.sha].author, {"action": action, "check_run": shape})

    async def commit_status(
        self,
        repo: str,
        sha: str,
        context: str,
        state: str = "success",
        *,
        creator: str = "acme-ci",
        description: str | None = None,
        target_url: str | None = None,
    ) -> int:
        """Say how a check of a commit stands, the older way; the status's id."""
        there = self.forge.repository(repo)
        return self.add_status(there, sha, context, state, self.forge.account(creator), description, target_url).id

    def add_status(
        self,
        repo: Repository,
        sha: str,
        context: str,
        state: str,
        creator: Account,
        description: str | None,
        target_url: str | None,
    ) -> CommitStatus:
        """Keep a commit status and tell of it."""
        made = CommitStatus(
            id=next(self.forge.numbers),
            sha=sha,
            context=context,
            state=state,
            description=description,
            target_url=target_url,
            creator=creator,
            at=self.now(),
        )
        repo.commit_statuses.append(made)
        shape: Json = self.shapes.commit_status(repo, made)
        commit = self.shapes.commit(repo, repo.commits[sha])
        self.send(
            "status",
            repo,
            creator,
            {
                name: shape[name]
                for name in ("id", "state", "description", "target_url", "context", "created_at", "updated_at")
            }
            | {
                "sha": sha,
                "name": repo.full_name,
                "commit": commit,
                "branches": [
                    {"name": name, "commit": {"sha": at, "url": commit["url"]}, "protected": False}
                    for name, at in repo.branches.items()
                    if at == sha
                ],
            },
        )
        return made


def latest_checks(repo: Repository, sha: str) -> list[CheckRun]:
    """The latest check run of each name and app on a commit."""
    found: dict[tuple[str, str], CheckRun] = {}
    for check in repo.checks.values():
        if check.sha == sha:
            found[check.suite.app, check.name] = check
    return list(found.values())


def latest_statuses(repo: Repository, sha: str) -> list[CommitStatus]:
    """The latest commit status of each context on a commit."""
    return list({status.context: status for status in repo.commit_statuses if status.sha == sha}.values())


def verdicts(repo: Repository, sha: str) -> dict[str, str]:
    """How each context stands: ``success``, ``pending`` or what went wrong. Statuses, checks and runs count alike."""
    found = {status.context: status.state for status in latest_statuses(repo, sha)}
    for check in latest_checks(repo, sha):
        fine = check.conclusion in ("success", "neutral", "skipped")
        found[check.name] = "success" if fine else check.conclusion or "pending"
    for run in repo.runs.values():
        if run.sha == sha:
            found[run.name] = run.conclusion or "pending"
    return found


def between(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    """Whether an instant lies in a closed span, open where None."""
    return (since is None or at >= since) and (until is None or at <= until)
