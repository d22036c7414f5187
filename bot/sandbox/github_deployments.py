"""Deployments on the stand-in GitHub: environments, the rules before them, deployments and their statuses.

A job that wants to enter a guarded environment waits: its deployment is made, the apps of its custom rules are asked by
webhook, its reviewers too, and its wait timer runs by the world's clock. What GitHub does not document is decided here:
a rejected deployment ends in ``failure``, as its job does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.sandbox.github_app import APP_ID, APP_SLUG
from bot.sandbox.github_records import MOST_RULES, Approval, Environment, Rule, Waiting
from bot.sandbox.github_runs import Runs
from bot.sandbox.github_shapes import stamp
from bot.sandbox.repositories import Account, Deployment, DeploymentStatus, Repository, WorkflowRun
from bot.sandbox.world import Json

PIPELINE = "github-actions[bot]"


class Deployments(Runs):
    """What pipelines do, and what stands before them."""

    # Environments

    def environment(
        self,
        repo: str,
        name: str,
        *,
        gate: bool = False,
        gates: Sequence[tuple[int, str]] = (),
        reviewers: Sequence[str] = (),
        wait_minutes: int = 0,
        prevent_self_review: bool = False,
    ) -> Environment:
        """Set an environment up. ``gate`` asks the bot's own app, ``gates`` others (id and slug): 6 at most in all."""
        there = self.forge.repository(repo)
        asked = [*([(APP_ID, APP_SLUG)] if gate else []), *gates]
        if len(asked) > MOST_RULES:
            raise ValueError(f"an environment has at most {MOST_RULES} custom protection rules")
        before = there.environments.get(name.lower())
        made = Environment(
            id=before.id if before else next(self.forge.numbers),
            name=name,
            created_at=before.created_at if before else self.now(),
            rules=tuple(Rule(id=next(self.forge.numbers), app_id=app_id, app=slug) for app_id, slug in asked),
            reviewers=tuple(self.forge.account(login) for login in reviewers),
            wait_minutes=wait_minutes,
            prevent_self_review=prevent_self_review,
        )
        there.environments[name.lower()] = made
        return made

    async def enter(self, repo: str, run_id: int, environment: str) -> Waiting:
        """A job of a run wants to enter an environment; ``over`` is set when it may, or may not (``verdict``).

        An environment nobody set up appears by itself, unguarded, as GitHub's do.
        """
        there = self.forge.repository(repo)
        run = there.runs[run_id]
        place = there.environments.get(environment.lower()) or self.environment(repo, environment)
        deployment = there.deployments[await self.deployment(repo, run.sha, place.name, run=run.id, creator=PIPELINE)]
        waiting = Waiting(
            run=run,
            environment=place,
            deployment=deployment.id,
            job=next(self.forge.numbers),
            began=self.now(),
            answers={rule.app_id: None for rule in place.rules},
            waited=not place.wait_minutes,
        )
        there.waiting[run.id, place.name.lower()] = waiting
        if not place.guarded:
            self._settle(there, waiting)
            return waiting
        run.status, run.at = "waiting", self.now()
        self._send_job("waiting", there, waiting, None)
        self.add_deployment_status(there, deployment, "waiting", deployment.creator)
        if place.reviewers:
            self._send_review("requested", there, waiting, run.actor, "")
        for rule in place.rules:
            self._ask(there, waiting, deployment, rule)
        if place.wait_minutes:
            self.clock.call_later(timedelta(minutes=place.wait_minutes), lambda: self._waited(there, waiting))
        return waiting

    def _ask(self, repo: Repository, waiting: Waiting, deployment: Deployment, rule: Rule) -> None:
        if rule.app_id != APP_ID:
            return  # another app's webhooks do not come to the bot
        run = waiting.run
        self.send(
            "deployment_protection_rule",
            repo,
            run.actor,
            {
                "action": "requested",
                "environment": waiting.environment.name,
                "event": run.event,
                "sha": run.sha,
                "ref": f"refs/heads/{run.branch}",
                "deployment_callback_url": self.shapes.callback(repo, run),
                "deployment": self.shapes.deployment(repo, deployment),
                "pull_requests": [],
            },
        )

    def _waited(self, repo: Repository, waiting: Waiting) -> None:
        waiting.waited = True
        self._settle(repo, waiting)

    def answer_rule(self, repo: Repository, waiting: Waiting, app_id: int, state: str, comment: str) -> None:
        """An app decides by its rule."""
        waiting.answers[app_id] = state
        self._decided(repo, waiting, state, self.app_user, comment)

    def review_entry(self, repo: Repository, waiting: Waiting, state: str, by: Account, comment: str) -> None:
        """A listed reviewer decides."""
        waiting.reviewed = state
        self._send_review(state, repo, waiting, by, comment)
        self._decided(repo, waiting, state, by, comment)

    async def review_deployment(
        self, repo: str, run_id: int, environment: str, *, by: str, state: str = "approved", comment: str = ""
    ) -> None:
        """A reviewer presses "Review deployments"; LookupError if nothing waits for them."""
        there = self.forge.repository(repo)
        waiting = there.waiting.get((run_id, environment.lower()))
        if waiting is None or not waiting.review_due:
            raise LookupError(f"run {run_id} does not wait for a review of {environment}")
        self.review_entry(there, waiting, state, self.forge.account(by), comment)

    def _decided(self, repo: Repository, waiting: Waiting, state: str, by: Account, comment: str) -> None:
        place = waiting.environment.name
        waiting.run.approvals.append(Approval(environment=place, state=state, by=by, comment=comment))
        self._settle(repo, waiting)

    def _settle(self, repo: Repository, waiting: Waiting) -> None:
        if waiting.verdict is not None or waiting.judged is None:
            return
        waiting.verdict = waiting.judged
        run, deployment = waiting.run, repo.deployments[waiting.deployment]
        if waiting.verdict == "approved":
            if waiting.environment.guarded:
                run.status, run.at = "in_progress", self.now()
                self._send_job("queued", repo, waiting, None)
            self.add_deployment_status(repo, deployment, "queued", deployment.creator)
        else:
            self.add_deployment_status(repo, deployment, "failure", deployment.creator)
            self._send_job("completed", repo, waiting, "failure")
            self.end_run(repo, run, "failure")
        waiting.over.set()

    def _send_job(self, action: str, repo: Repository, waiting: Waiting, conclusion: str | None) -> None:
        job = self.shapes.job(repo, waiting, action, conclusion)
        deployment = self.shapes.deployment(repo, repo.deployments[waiting.deployment])
        self.send(
            "workflow_job", repo, waiting.run.actor, {"action": action, "workflow_job": job, "deployment": deployment}
        )

    def _send_review(self, action: str, repo: Repository, waiting: Waiting, by: Account, comment: str) -> None:
        payload: Json = {
            "action": action,
            "since": stamp(waiting.began),
            "workflow_run": self.shapes.run(repo, waiting.run),
        }
        if action == "requested":
            payload |= {
                "workflow_job_run": self._job_run(repo, waiting, "waiting"),
                "environment": waiting.environment.name,
                "requestor": self.shapes.user(by),
                "reviewers": self.shapes.reviewers(waiting.environment),
            }
        else:
            payload |= {
                "approver": self.shapes.user(by),
                "comment": comment,
                "reviewers": self.shapes.reviewers(waiting.environment),
                "workflow_job_runs": [self._job_run(repo, waiting, "queued" if action == "approved" else "completed")],
            }
        self.send("deployment_review", repo, by, payload)

    def _job_run(self, repo: Repository, waiting: Waiting, status: str) -> Json:
        job = self.shapes.job(repo, waiting, status, None)
        names = ("id", "name", "status", "conclusion", "html_url", "created_at")
        return {name: job[name] for name in names} | {
            "updated_at": stamp(self.now()),
            "environment": waiting.environment.name,
        }

    # Deployments

    async def deployment(
        self,
        repo: str,
        ref: str,
        environment: str,
        *,
        creator: str = PIPELINE,
        payload: Any = None,
        production: bool | None = None,
        transient: bool = False,
        run: int | None = None,
        description: str | None = None,
        task: str = "deploy",
        by_app: bool = False,
    ) -> int:
        """Announce a deployment of a branch, tag or sha; its id. ``production`` is by default the name's meaning."""
        there = self.forge.repository(repo)
        sha = there.resolve(ref)
        if sha is None:
            raise LookupError(f"{repo} has no {ref!r}")
        made = Deployment(
            id=next(self.forge.numbers),
            sha=sha,
            ref=ref,
            environment=environment,
            creator=self.forge.account(creator),
            payload={} if payload is None else payload,
            production=environment == "production" if production is None else production,
            transient=transient,
            created_at=self.now(),
            run=run,
            description=description,
            task=task,
            by_app=by_app,
        )
        there.deployments[made.id] = made
        self.send(
            "deployment",
            there,
            made.creator,
            {"action": "created", "deployment": self.shapes.deployment(there, made)} | self._run_of(there, made),
        )
        return made.id

    async def deployment_status(
        self,
        repo: str,
        deployment_id: int,
        state: str,
        *,
        log_url: str | None = None,
        description: str = "",
        environment_url: str = "",
    ) -> int:
        """Say where a deployment stands (``pending``, ``in_progress``, ``success`` …); the status's id.

        A success makes earlier ones of a lasting, non-production environment ``inactive``, of which no webhook tells.
        """
        there = self.forge.repository(repo)
        deployment = there.deployments[deployment_id]
        return self.add_deployment_status(
            there,
            deployment,
            state,
            deployment.creator,
            log_url=log_url,
            description=description,
            environment_url=environment_url,
        ).id

    async def tell_again(self, repo: str, deployment_id: int) -> None:
        """Send the webhooks of a deployment and of where it stands once more, for a bot that has never heard of it."""
        there = self.forge.repository(repo)
        deployment = there.deployments[deployment_id]
        about = {"action": "created", "deployment": self.shapes.deployment(there, deployment)}
        self.send("deployment", there, deployment.creator, about | self._run_of(there, deployment))
        for status in deployment.statuses[-1:]:
            told = about | {"deployment_status": self.shapes.status(there, deployment, status), "check_run": None}
            self.send("deployment_status", there, status.creator, told | self._run_of(there, deployment))

    def add_deployment_status(
        self,
        repo: Repository,
        deployment: Deployment,
        state: str,
        creator: Account,
        *,
        log_url: str | None = None,
        description: str = "",
        environment_url: str = "",
        auto_inactive: bool = True,
        by_app: bool = False,
    ) -> DeploymentStatus:
        """Keep a status of a deployment and tell of it."""
        run = self._runs(repo, deployment)
        status = self._status(
            deployment,
            state,
            creator,
            log_url or (self.shapes.run_page(repo, run) if run else ""),
            description[:140],
            environment_url,
            by_app=by_app,
        )
        if state == "success" and auto_inactive:
            for earlier in repo.deployments.values():
                same = earlier.environment == deployment.environment and earlier is not deployment
                lasting = not earlier.production and not earlier.transient
                if same and lasting and earlier.statuses and earlier.statuses[-1].state == "success":
                    self._status(earlier, "inactive", creator, "", "", "")
        self.send(
            "deployment_status",
            repo,
            creator,
            {
                "action": "created",
                "deployment_status": self.shapes.status(repo, deployment, status),
                "deployment": self.shapes.deployment(repo, deployment),
                "check_run": None,
            }
            | self._run_of(repo, deployment),
        )
        return status

    def _status(
        self,
        deployment: Deployment,
        state: str,
        creator: Account,
        log_url: str,
        description: str,
        environment_url: str,
        *,
        by_app: bool = False,
    ) -> DeploymentStatus:
        status = DeploymentStatus(
            id=next(self.forge.numbers),
            state=state,
            creator=creator,
            at=self.now(),
            description=description,
            log_url=log_url,
            environment_url=environment_url,
            environment=deployment.environment,
            by_app=by_app,
        )
        deployment.statuses.append(status)
        return status

    def _runs(self, repo: Repository, deployment: Deployment) -> WorkflowRun | None:
        return repo.runs.get(deployment.run) if deployment.run else None

    def _run_of(self, repo: Repository, deployment: Deployment) -> Json:
        run = self._runs(repo, deployment)
        if run is None:
            return {"workflow": None, "workflow_run": None}
        return {
            "workflow": self.shapes.workflow(repo, run.name),
            "workflow_run": self.shapes.run(repo, run, commit=False),
        }
