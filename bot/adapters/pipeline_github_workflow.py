"""Promoting by dispatching a workflow of the repository, which then deploys the commit it is given.

A dispatch carries nothing of ours but the workflow's inputs. A workflow whose ``run-name`` holds
``shipmate:${{ inputs.promotion }}`` lets a dispatch be found again whose answer was lost; of one that does not, a
person must say whether it runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import structlog

from bot.adapters.github_client import Answer
from bot.adapters.pipeline_github import CLOCKS_APART, GithubSide, begun_now, refusal
from bot.adapters.reading import instant, line, link, whole
from bot.errors import GiveUp
from bot.ports import Found, Missing, Order, Started

log = structlog.get_logger(__name__)

MOST_LOOKED_AT = 500
"""Runs of the workflow that are looked through, newest first."""

SECONDS_APART = timedelta(minutes=2)
"""How far two clocks that are kept by the net may differ at most: a nameless run from before is not ours."""

_NAMED = re.compile(r"\bshipmate:(\d{1,10})(?!\d)")
_UNEXPECTED = re.compile(r"unexpected inputs provided:?\s*\[(.*?)\]", re.IGNORECASE | re.DOTALL)
_NO_DETAILS = "return_run_details"
"""An Enterprise server that does not know this field refuses it by name."""


@dataclass(frozen=True)
class Workflow:
    """A service's deploying workflow: its file's name, and the branch or tag it is taken from (None: the main one)."""

    file: str
    ref: str | None = None


class GithubWorkflow:
    """The Pipeline for ``github-workflow``; ``workflow_of`` gives each service's."""

    def __init__(self, github: GithubSide, workflow_of: Callable[[str], Workflow]) -> None:
        self._github = github
        self._workflow_of = workflow_of
        self._undeclared: dict[tuple[str, str], frozenset[str]] = {}
        """Inputs that a workflow (repository, file) was found not to declare, to spare the next dispatch a refusal."""

    async def start(self, order: Order) -> Started:
        """Dispatch. What the workflow does not declare is left out: a refused dispatch has no effect."""
        begun = begun_now()
        known, workflow = await self._github.known(order.repo), self._workflow_of(order.service)
        key = (known.name.casefold(), workflow.file)
        body: dict[str, Any] = {"ref": workflow.ref or known.default_branch, "return_run_details": True}
        undeclared = self._undeclared.get(key, frozenset[str]())
        refused: GiveUp | None = None
        for _ in range(3):  # at most: details refused, inputs refused, done
            inputs = {name: value for name, value in _inputs(order).items() if name not in undeclared}
            try:
                answer = await self._dispatch(known.name, workflow, body | {"inputs": inputs}, order, begun)
            except GiveUp as fault:
                refused = fault
                unexpected = _unexpected(fault, inputs)
                if fault.code == "unprocessable" and _NO_DETAILS in fault.mend and _NO_DETAILS in body:
                    del body[_NO_DETAILS]
                elif unexpected:
                    undeclared |= unexpected
                else:
                    raise self._told(fault, workflow, known.name) from fault
            else:
                self._remember(key, undeclared)
                return _started(answer)
        raise refused or AssertionError("unreachable")

    async def find(self, order: Order, *, since: datetime) -> Started | Found:
        """The run whose name carries this promotion's number.

        Its absence is certain where every run dispatched since then carries another; where one carries none it may
        be ours, and a person must say.
        """
        known, workflow = await self._github.known(order.repo), self._workflow_of(order.service)
        earliest = (since - CLOCKS_APART).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = (
            f"/repos/{known.name}/actions/workflows/{quote(workflow.file, safe='')}/runs"
            f"?event=workflow_dispatch&created={quote(f'>={earliest}')}"
        )
        runs = await self._github.client.pages(
            known.name, path, f"the runs of {workflow.file}", most=MOST_LOOKED_AT, field="workflow_runs"
        )
        nameless = False
        for run in runs:
            carried = _NAMED.search(line(run, "display_title")) or _NAMED.search(line(run, "name"))
            if carried is None:
                began = instant(run, "created_at")
                nameless = nameless or began is None or began >= since - SECONDS_APART
            elif int(carried.group(1)) == order.promotion:
                number = whole(run, "id", limit=2**63 - 1)
                return Started(f"run:{number}" if number else None, link(run, "html_url"))
        return Found.UNKNOWN if nameless else Found.ABSENT

    async def missing(self, service: str, repo: str | None, environments: Sequence[str]) -> Sequence[Missing]:
        """The repository, the App's permission, and the workflow."""
        if repo is None:
            return [Missing("no repository is known", f"Set services.{service}.repo in shipmate.yml.")]
        known, workflow = await self._github.known(repo), self._workflow_of(service)
        told = await self._github.lacks(repo, {"actions": "write"})
        path = f"/repos/{known.name}/actions/workflows/{quote(workflow.file, safe='')}"
        try:
            found = (await self._github.client.get(known.name, path, f"the workflow {workflow.file}")).data
        except GiveUp as fault:
            if fault.code != "not_found":
                raise
            return [*told, Missing(f"{repo} has no workflow {workflow.file}", _no_workflow(workflow))]
        if line(found, "state") not in ("active", ""):
            mend = "Switch it on under the repository's Actions."
            told.append(Missing(f"the workflow {workflow.file} is switched off ({line(found, 'state')})", mend))
        return told

    async def _dispatch(
        self, repo: str, workflow: Workflow, body: Mapping[str, Any], order: Order, begun: float
    ) -> Answer:
        path = f"actions/workflows/{quote(workflow.file, safe='')}/dispatches"
        about = f"the workflow {workflow.file} for {order.service} to {order.environment}"
        return await self._github.post(repo, path, about, body, needs="actions: write", begun=begun)

    def _remember(self, key: tuple[str, str], undeclared: frozenset[str]) -> None:
        if "promotion" in undeclared - self._undeclared.get(key, frozenset[str]()):
            log.warning(
                "the workflow declares no input called promotion, so a dispatch in doubt must be settled by a person",
                repo=key[0],
                workflow=key[1],
                mend="declare it, and add run-name: … shipmate:${{ inputs.promotion }}",
            )
        self._undeclared[key] = undeclared

    def _told(self, fault: GiveUp, workflow: Workflow, repo: str) -> GiveUp:
        if fault.code == "not_found":
            return GiveUp(
                "no_workflow", f"{repo} has no workflow {workflow.file}, or we may not see it. {_no_workflow(workflow)}"
            )
        if "workflow_dispatch" in fault.mend:
            return refusal(fault, f"Add the trigger workflow_dispatch to {workflow.file}.")
        return fault


def _inputs(order: Order) -> dict[str, str]:
    return {
        "service": order.service,
        "environment": order.environment,
        "sha": order.sha,
        "promotion": str(order.promotion),
    }


def _unexpected(fault: GiveUp, inputs: Mapping[str, str]) -> frozenset[str]:
    """Which of the inputs GitHub says the workflow does not declare."""
    found = _UNEXPECTED.search(fault.mend) if fault.code == "unprocessable" else None
    named = re.findall(r"[\w-]+", found.group(1)) if found else []
    return frozenset(named) & frozenset(inputs)


def _started(answer: Answer) -> Started:
    """GitHub names the run; an older Enterprise server says nothing at all."""
    number = whole(answer.data, "workflow_run_id", limit=2**63 - 1)
    return Started(f"run:{number}" if number is not None else None, link(answer.data, "html_url"))


def _no_workflow(workflow: Workflow) -> str:
    return f"Write .github/workflows/{workflow.file} on the main branch, or name yours as workflow: in shipmate.yml."
