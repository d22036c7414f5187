"""GitHub's REST views of Actions: workflows, their dispatch, and their runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.sandbox.github_action_shapes import workflow_id
from bot.sandbox.github_answers import Answer, Refused, Route, body_of, invalid, number, wanted
from bot.sandbox.github_records import Workflow
from bot.sandbox.github_runs import between
from bot.sandbox.github_views import RepositoryViews, acting
from bot.sandbox.repositories import Repository, WorkflowRun

MOST_INPUTS = 25
_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)


class RunViews(RepositoryViews):
    """Answers what is asked of Actions."""

    def routes(self) -> list[Route]:
        """What it answers."""
        actions = "/repos/{owner}/{repo}/actions"
        return [
            ("GET", f"{actions}/workflows", self._workflows, "actions:read"),
            ("GET", f"{actions}/workflows/{{workflow}}", self._workflow, "actions:read"),
            ("GET", f"{actions}/workflows/{{workflow}}/runs", self._workflow_runs, "actions:read"),
            ("POST", f"{actions}/workflows/{{workflow}}/dispatches", self._dispatch, "actions:write"),
            ("GET", f"{actions}/runs", self._runs, "actions:read"),
            ("GET", f"{actions}/runs/{{id}}", self._run, "actions:read"),
            ("GET", f"{actions}/runs/{{id}}/jobs", self._jobs, "actions:read"),
            ("POST", f"{actions}/runs/{{id}}/cancel", self._cancel, "actions:write"),
            ("POST", f"{actions}/runs/{{id}}/rerun", self._rerun, "actions:write"),
        ]

    # Workflows

    async def _workflows(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        return self.counted(request, "workflows", [self.shapes.workflow(repo, name) for name in repo.workflows])

    def _asked(self, request: web.Request, repo: Repository) -> Workflow:
        wanted_name = request.match_info["workflow"]
        for workflow in repo.workflows.values():
            if wanted_name in (f"{workflow.name}.yml", str(workflow_id(workflow.name))):
                return workflow
        raise Refused(404, "Not Found")

    async def _workflow(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        return 200, self.shapes.workflow(repo, self._asked(request, repo).name)

    async def _dispatch(self, request: web.Request) -> Answer:
        repo, by, sent = self.repo(request), acting(request, self.github), await body_of(request)
        workflow, ref = self._asked(request, repo), wanted(sent, "ref", str)
        branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        if branch not in repo.branches and branch not in repo.tags:
            raise Refused(422, f"No ref found for: {ref}")
        run = self.github.dispatch(repo, workflow, branch, _inputs(workflow, sent.get("inputs")), by)
        if not sent.get("return_run_details", False):
            return 204, None
        url = f"{self.shapes.api}/repos/{repo.full_name}/actions/runs/{run.id}"
        return 200, {"workflow_run_id": run.id, "run_url": url, "html_url": self.shapes.run_page(repo, run)}

    # Runs

    async def _runs(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        return self._listed(request, repo, list(repo.runs.values()))

    async def _workflow_runs(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        workflow = self._asked(request, repo)
        return self._listed(request, repo, [run for run in repo.runs.values() if run.name == workflow.name])

    def _listed(self, request: web.Request, repo: Repository, runs: Sequence[WorkflowRun]) -> Answer:
        query = request.query
        since, until = _span(query.get("created"))
        chosen = [
            run
            for run in runs
            if query.get("branch") in (None, run.branch)
            and query.get("event") in (None, run.event)
            and query.get("head_sha") in (None, run.sha)
            and query.get("actor") in (None, run.actor.login)
            and query.get("status") in (None, run.status, run.conclusion)
            and query.get("check_suite_id") in (None, str(run.suite))
            and between(run.began, since, until)
        ]
        chosen.sort(key=lambda run: (run.began, run.id), reverse=True)
        return self.counted(request, "workflow_runs", [self.shapes.run(repo, run) for run in chosen])

    def _found(self, request: web.Request, repo: Repository) -> WorkflowRun:
        run = repo.runs.get(number(request, "id"))
        if run is None:
            raise Refused(404, "Not Found")
        return run

    async def _run(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        return 200, self.shapes.run(repo, self._found(request, repo))

    async def _jobs(self, request: web.Request) -> Answer:
        """The jobs that enter environments; a run's other jobs are not modelled."""
        repo = self.repo(request)
        run = self._found(request, repo)
        jobs = []
        for waiting in repo.waiting.values():
            if waiting.run is run:
                status = "waiting" if waiting.verdict is None else run.status
                jobs.append(self.shapes.job(repo, waiting, status, run.conclusion))
        return self.counted(request, "jobs", jobs)

    async def _cancel(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        run = self._found(request, repo)
        if run.status == "completed":
            raise Refused(409, "Cannot cancel a workflow run that is completed.")
        self.github.end_run(repo, run, "cancelled")
        return 202, {}

    async def _rerun(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        run = self._found(request, repo)
        if run.status != "completed":
            raise Refused(403, "This workflow is already running")
        self.github.run_again(repo, run)
        return 201, {}


def _inputs(workflow: Workflow, sent: object) -> Mapping[str, str]:
    if workflow.inputs is None:
        raise Refused(422, "Workflow does not have 'workflow_dispatch' trigger")
    if sent is None:
        sent = {}
    if not isinstance(sent, dict):
        raise invalid("For 'properties/inputs', the value is not an object.")
    if len(sent) > MOST_INPUTS:
        raise Refused(422, f"you may only define up to {MOST_INPUTS} `inputs` for a `workflow_dispatch` event")
    unexpected = [name for name in sent if name not in workflow.inputs]
    if unexpected:
        raise Refused(422, f"Unexpected inputs provided: {unexpected}")
    for name, required in workflow.inputs.items():
        if required and sent.get(name) in (None, ""):
            raise Refused(422, f"Required input '{name}' not provided")
    nested = [name for name, value in sent.items() if isinstance(value, dict | list)]
    if nested:
        raise invalid(f"For 'properties/inputs', {nested} hold more than one value.")
    return {name: _text(value) for name, value in sent.items()}


def _text(value: object) -> str:
    """An input as a run has it: a text, whatever JSON said."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _span(created: str | None) -> tuple[datetime | None, datetime | None]:
    """The search syntax for dates: ``>=T``, ``<T``, ``T..T`` with ``*`` for an open end; a day alone is all of it."""
    if not created:
        return None, None
    try:
        match created[:1], created[1:2]:
            case ">", "=":
                return _at(created[2:]), None
            case "<", "=":
                return None, _end(created[2:])
            case ">", _:
                return _moved(_end(created[1:]), _INSTANT), None
            case "<", _:
                return None, _moved(_at(created[1:]), -_INSTANT)
        since, dots, until = created.partition("..")
        return _at(since), _end(until if dots else since)
    except (ValueError, OverflowError):
        raise Refused(422, "Validation Failed", errors=[{"field": "created", "code": "invalid"}]) from None


def _moved(at: datetime | None, step: timedelta) -> datetime | None:
    return at + step if at is not None else None


def _at(written: str) -> datetime | None:
    found = None if written == "*" else datetime.fromisoformat(written)
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _end(written: str) -> datetime | None:
    """The last instant that is meant."""
    return _moved(_at(written), _DAY - _INSTANT if len(written) == len("2026-11-02") else timedelta())
