"""GitHub's REST views of jobs that wait before an environment: the app's callback, reviews, and a run's history.

How a callback is refused is not documented; the statuses here are what GitHub answers to the like elsewhere: 404 for a
run that is not there, 403 for somebody whose rule it is not, 422 for what can no longer be decided.
"""

from __future__ import annotations

from aiohttp import web

from bot.sandbox.github_answers import Answer, Refused, Route, body_of, invalid, number, one_of, optional, wanted
from bot.sandbox.github_app import APP_ID
from bot.sandbox.github_deployment_views import too_long
from bot.sandbox.github_records import Waiting
from bot.sandbox.github_views import RepositoryViews, acting, caller_of
from bot.sandbox.repositories import Account, Repository, WorkflowRun
from bot.sandbox.world import Json

MOST_NOTES = 10
"""Status reports without a decision, per deployment (GitHub docs: Creating custom deployment protection rules)."""
LONGEST_COMMENT = 1024
NOTHING_PENDING = "No pending deployment requests to approve or reject"


class GateViews(RepositoryViews):
    """Answers apps and reviewers who decide."""

    def routes(self) -> list[Route]:
        """What it answers."""
        run = "/repos/{owner}/{repo}/actions/runs/{id}"
        return [
            ("POST", f"{run}/deployment_protection_rule", self._callback, "deployments:write"),
            ("GET", f"{run}/pending_deployments", self._pending, "actions:read"),
            ("POST", f"{run}/pending_deployments", self._review, "deployments:write"),
            ("GET", f"{run}/approvals", self._approvals, "actions:read"),
        ]

    def _run(self, request: web.Request) -> tuple[Repository, WorkflowRun]:
        repo = self.repo(request)
        run = repo.runs.get(number(request, "id"))
        if run is None:
            raise Refused(404, "Not Found")
        return repo, run

    async def _callback(self, request: web.Request) -> Answer:
        repo, run = self._run(request)
        if not caller_of(request).is_installation:
            raise Refused(403, "Resource not accessible by personal access token")
        sent = await body_of(request)
        name, comment = wanted(sent, "environment_name", str), optional(sent, "comment")
        if len(comment) > LONGEST_COMMENT:
            raise too_long("DeploymentProtectionRule", "comment", LONGEST_COMMENT)
        state = one_of(sent, "state", ("approved", "rejected")) if "state" in sent else None
        if state is None and not comment:
            raise invalid('"comment" wasn\'t supplied.')
        waiting = repo.waiting.get((run.id, name.lower()))
        if waiting is None or waiting.run is not run or APP_ID not in waiting.answers:
            raise Refused(422, f"No deployment protection rule of this app waits for {name} in this run")
        if waiting.verdict is not None or waiting.answers[APP_ID] is not None:
            raise Refused(422, NOTHING_PENDING)
        if state is None:
            _note(waiting, comment)
        else:
            self.github.answer_rule(repo, waiting, APP_ID, state, comment)
        return 204, None

    async def _pending(self, request: web.Request) -> Answer:
        repo, run = self._run(request)
        me = acting(request, self.github)
        return 200, [self._shape(repo, one, me) for one in _undecided(repo, run)]

    def _shape(self, repo: Repository, waiting: Waiting, me: Account) -> Json:
        environment = waiting.environment
        return {
            "environment": self.shapes.place(repo, environment),
            "wait_timer": environment.wait_minutes,
            "wait_timer_started_at": waiting.began.isoformat() if environment.wait_minutes else None,
            "current_user_can_approve": waiting.review_due and _may(me, waiting),
            "reviewers": self.shapes.reviewers(environment),
        }

    async def _review(self, request: web.Request) -> Answer:
        repo, run = self._run(request)
        me, sent = acting(request, self.github), await body_of(request)
        ids = wanted(sent, "environment_ids", list)
        state = one_of(sent, "state", ("approved", "rejected"))
        comment = wanted(sent, "comment", str)
        chosen = [one for one in _undecided(repo, run) if one.environment.id in ids and one.review_due]
        if not chosen or len(chosen) != len(ids):
            raise Refused(422, NOTHING_PENDING)
        if not all(_may(me, one) for one in chosen):
            raise Refused(403, "You are not authorized to review these deployments")
        for one in chosen:
            self.github.review_entry(repo, one, state, me, comment)
        return 200, [self.shapes.deployment(repo, repo.deployments[one.deployment]) for one in chosen]

    async def _approvals(self, request: web.Request) -> Answer:
        repo, run = self._run(request)
        return 200, [
            {
                "state": one.state,
                "comment": one.comment,
                "user": self.shapes.user(one.by),
                "environments": [self.shapes.place(repo, repo.environments[one.environment.lower()])],
            }
            for one in run.approvals
        ]


def _undecided(repo: Repository, run: WorkflowRun) -> list[Waiting]:
    return [one for one in repo.waiting.values() if one.run is run and one.verdict is None]


def _may(account: Account, waiting: Waiting) -> bool:
    """Whether somebody is a listed reviewer, and not held from their own run."""
    own = waiting.environment.prevent_self_review and account is waiting.run.actor
    return account in waiting.environment.reviewers and not own


def _note(waiting: Waiting, comment: str) -> None:
    notes = waiting.notes.setdefault(APP_ID, [])
    if len(notes) >= MOST_NOTES:
        raise Refused(422, f"A deployment takes at most {MOST_NOTES} status reports")
    notes.append(comment)
