"""Promoting by answering GitHub's custom deployment protection rule: a run waits, and our yes lets it in.

An approval carries a mark that no reader sees, with the promotion's number: so that one whose answer was lost is found
in the run's history, and an approval of an earlier attempt is not taken for it. GitHub's documents do not say whether
that history shows what rules decided, so a run that has gone past its gate counts as approved too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.adapters import github_errors
from bot.adapters.pipeline_github import GithubSide, begun_now, refusal
from bot.adapters.reading import flag, items, line, piece, text
from bot.errors import GiveUp
from bot.ports import Found, Missing, Order, Started

LONGEST_COMMENT = 1024
"""Characters of Markdown (GitHub's documentation: Creating custom deployment protection rules)."""

EVENT = "deployment_protection_rule"
_NEEDS = "deployments: write, as the GitHub App whose rule it is"
_NOTHING_PENDING = "no pending"
"""How GitHub begins to say that a rule was answered before, or that nothing waits any more."""


class GithubEnvironment:
    """The Pipeline for ``github-environment``, and the GateKeeper."""

    def __init__(self, github: GithubSide) -> None:
        self._github = github

    async def start(self, order: Order) -> Started:
        """Approve. A run that no longer waits is GiveUp(``vanished``); one that we had approved before is started."""
        begun = begun_now()
        run, gate = _waiting(order)
        repo = (await self._github.known(order.repo)).name
        try:
            await self._answer(repo, run, gate, _marked(order), "approved", begun)
        except GiveUp as fault:
            if fault.code not in ("not_found", "unprocessable"):
                raise
            return await self._after_refusal(repo, run, gate, order, fault)
        return self._started(repo, run)

    async def find(self, order: Order, *, since: datetime) -> Started | Found:
        """Whether our approval got through; never unknown, since answering twice is harmless."""
        run, gate = _waiting(order)
        repo = (await self._github.known(order.repo)).name
        return await self._look(repo, run, gate, order)

    async def note(self, repo: str, run: int, gate: str, comment: str) -> None:
        """Post a status note; GiveUp(``vanished``) where nothing waits, GiveUp(``too_many_notes``) after ten."""
        begun = begun_now()
        name = (await self._github.known(repo)).name
        try:
            await self._answer(name, run, gate, _clipped(comment, LONGEST_COMMENT), None, begun)
        except GiveUp as fault:
            if fault.code not in ("not_found", "unprocessable"):
                raise
            if not await self._is_pending(name, run, gate):
                raise _vanished(run, gate, fault) from fault
            if "at most" in fault.mend or "maximum" in fault.mend.casefold():
                raise GiveUp("too_many_notes", fault.mend) from fault
            raise

    async def reject(self, repo: str, run: int, gate: str, comment: str) -> None:
        """Say no, which ends the run. Where nothing waits any more there is nothing left to end: that is no error."""
        begun = begun_now()
        name = (await self._github.known(repo)).name
        try:
            await self._answer(name, run, gate, _clipped(comment, LONGEST_COMMENT), "rejected", begun)
        except GiveUp as fault:
            if fault.code not in ("not_found", "unprocessable") or await self._is_pending(name, run, gate):
                raise

    async def missing(self, service: str, repo: str | None, environments: Sequence[str]) -> Sequence[Missing]:
        """The App, its permissions and event, and the rule before each environment."""
        if repo is None:
            return [Missing("no repository is known", f"Set services.{service}.repo in shipmate.yml.")]
        if not self._github.client.is_app:
            return [
                Missing(
                    "only a GitHub App can answer GitHub's rules, and none is set",
                    "Set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY in place of GITHUB_TOKEN.",
                )
            ]
        told = await self._github.lacks(repo, {"actions": "read", "deployments": "write"}, events=frozenset({EVENT}))
        app = line((await self._github.client.as_app("GET", "/app", "the App")).data, "slug")
        name = (await self._github.known(repo)).name
        for environment in environments:
            if not await self._has_rule(name, environment, app):
                mend = f"In {repo}: Settings → Environments → {environment} → tick the rule of the App {app}."
                told.append(Missing(f"the rule before {environment} is not switched on", mend))
        return told

    async def _has_rule(self, repo: str, environment: str, app: str) -> bool:
        path = f"/repos/{repo}/environments/{quote(environment, safe='')}/deployment_protection_rules"
        try:
            answer = await self._github.client.get(repo, path, f"the rules of {environment}")
        except GiveUp as fault:
            if fault.code != "not_found":
                raise
            return False
        rules = items(answer.data.get("custom_deployment_protection_rules")) if isinstance(answer.data, dict) else []
        return any(line(piece(rule, "app"), "slug") == app and flag(rule, "enabled") is not False for rule in rules)

    async def _answer(self, repo: str, run: int, gate: str, comment: str, state: str | None, begun: float) -> None:
        body = {"environment_name": gate, "comment": comment} | ({"state": state} if state else {})
        about = f"the run {run} of {repo} before {gate}"
        path = f"actions/runs/{run}/deployment_protection_rule"
        await self._github.post(repo, path, about, body, needs=_NEEDS, begun=begun)

    async def _after_refusal(self, repo: str, run: int, gate: str, order: Order, fault: GiveUp) -> Started:
        """GitHub takes no answer: because it has ours, because nobody waits for one, or for a reason of its own."""
        if fault.code == "not_found" and await self._run(repo, run) is None:
            raise _vanished(run, gate, fault) from fault
        if await self._approved(repo, run, gate, order):
            return self._started(repo, run)
        if not await self._is_pending(repo, run, gate):
            raise _vanished(run, gate, fault) from fault
        if _NOTHING_PENDING in fault.mend.casefold():
            return self._started(repo, run)  # it has our answer, and waits for somebody else's
        raise refusal(fault, f"Is our rule switched on for {gate} under the repository's Settings → Environments?")

    async def _look(self, repo: str, run: int, gate: str, order: Order) -> Started | Found:
        found = await self._run(repo, run)
        if found is None:
            return Found.ABSENT  # calling again says that it has vanished
        if await self._approved(repo, run, gate, order):
            return self._started(repo, run)
        if await self._is_pending(repo, run, gate):
            return Found.ABSENT
        over = text(found, "status") == "completed"
        passed = not over or text(found, "conclusion") == "success"
        return self._started(repo, run) if passed else Found.ABSENT

    async def _run(self, repo: str, run: int) -> Mapping[str, Any] | None:
        try:
            answer = await self._github.client.get(repo, f"/repos/{repo}/actions/runs/{run}", f"the run {run}")
        except GiveUp as fault:
            if fault.code != "not_found":
                raise
            return None
        if not isinstance(answer.data, dict):
            raise github_errors.unreadable(f"the run {run}")
        return answer.data

    async def _approved(self, repo: str, run: int, gate: str, order: Order) -> bool:
        """Whether the run's history has the approval of this very promotion."""
        path = f"/repos/{repo}/actions/runs/{run}/approvals"
        answer = await self._github.client.get(repo, path, f"the history of run {run}")
        return any(
            text(one, "state") == "approved"
            and _mark(order) in text(one, "comment")
            and any(_same(line(place, "name"), gate) for place in items(one.get("environments")))
            for one in items(answer.data)
        )

    async def _is_pending(self, repo: str, run: int, gate: str) -> bool:
        """Whether the run still waits before this environment, for us or for anybody else."""
        path = f"/repos/{repo}/actions/runs/{run}/pending_deployments"
        try:
            answer = await self._github.client.get(repo, path, f"what run {run} waits for")
        except GiveUp as fault:
            if fault.code != "not_found":
                raise
            return False
        return any(_same(line(piece(one, "environment"), "name"), gate) for one in items(answer.data))

    def _started(self, repo: str, run: int) -> Started:
        return Started(f"run:{run}", f"{self._github.site}/{repo}/actions/runs/{run}")


def _waiting(order: Order) -> tuple[int, str]:
    if order.run is None or order.gate is None:
        raise GiveUp(
            "no_run", f"No run waits before {order.environment}: GitHub asks when a workflow wants to enter it."
        )
    return order.run, order.gate


def _vanished(run: int, gate: str, fault: GiveUp) -> GiveUp:
    return GiveUp(
        "vanished", f"The run {run} no longer waits before {gate}: it ended, or somebody let it in. {fault.mend}"
    )


def _mark(order: Order) -> str:
    """What no reader of the Markdown sees."""
    return f"<!-- shipmate:{order.promotion} -->"


def _marked(order: Order) -> str:
    mark = _mark(order)
    return f"{_clipped(order.comment, LONGEST_COMMENT - len(mark) - 1)}\n{mark}".lstrip()


def _clipped(comment: str, most: int) -> str:
    return comment if len(comment) <= most else f"{comment[: most - 1]}…"


def _same(one: str, other: str) -> bool:
    """Names of environments differ by more than capitals (GitHub's documentation: Managing environments)."""
    return one.casefold() == other.casefold()
