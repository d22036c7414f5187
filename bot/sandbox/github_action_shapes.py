"""How GitHub writes deployments, workflow runs, environments and checks in JSON, for REST and webhooks alike."""

from __future__ import annotations

from collections.abc import Mapping

from bot.sandbox.github_app import APP_ID, APP_SLUG, PERMISSIONS
from bot.sandbox.github_hooks import EVENTS
from bot.sandbox.github_records import CheckRun, CheckSuite, CommitStatus, Environment, Waiting
from bot.sandbox.github_shapes import CodeShapes, stamp
from bot.sandbox.repositories import Deployment, DeploymentStatus, Repository, WorkflowRun
from bot.sandbox.world import Json

APP_OWNER = "acme"
_CREATED = "2024-01-01T00:00:00.000Z"


class Shapes(CodeShapes):
    """Writes objects with the addresses of one stand-in: ``api`` for REST, ``web`` for pages people open."""

    # Deployments

    def deployment(self, repo: Repository, deployment: Deployment) -> Json:
        """A deployment."""
        url = f"{self._of(repo)}/deployments/{deployment.id}"
        return {
            "url": url,
            "id": deployment.id,
            "node_id": f"DE_{deployment.id}",
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task,
            "payload": deployment.payload,
            "original_environment": deployment.original or deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": self.user(deployment.creator),
            "created_at": stamp(deployment.created_at),
            "updated_at": stamp(deployment.updated_at),
            "statuses_url": f"{url}/statuses",
            "repository_url": self._of(repo),
            "transient_environment": deployment.transient,
            "production_environment": deployment.production,
            "performed_via_github_app": self.app() if deployment.by_app else None,
        }

    def status(self, repo: Repository, deployment: Deployment, status: DeploymentStatus) -> Json:
        """A deployment's status; ``target_url`` repeats ``log_url``, as GitHub keeps it for old readers."""
        url = f"{self._of(repo)}/deployments/{deployment.id}"
        return {
            "url": f"{url}/statuses/{status.id}",
            "id": status.id,
            "node_id": f"DES_{status.id}",
            "state": status.state,
            "creator": self.user(status.creator),
            "description": status.description,
            "environment": status.environment,
            "target_url": status.log_url,
            "created_at": stamp(status.at),
            "updated_at": stamp(status.at),
            "deployment_url": url,
            "repository_url": self._of(repo),
            "environment_url": status.environment_url,
            "log_url": status.log_url,
            "performed_via_github_app": self.app() if status.by_app else None,
        }

    def app(self, app_id: int = APP_ID, slug: str = APP_SLUG, permissions: Mapping[str, str] | None = None) -> Json:
        """An app, by default our own; the permissions are those it is meant to have if none are given."""
        return {
            "id": app_id,
            "slug": slug,
            "node_id": f"A_{app_id}",
            "owner": self.owner(APP_OWNER),
            "name": slug.replace("-", " ").capitalize(),
            "description": None,
            "external_url": f"{self.web}/apps/{slug}",
            "html_url": f"{self.web}/apps/{slug}",
            "created_at": _CREATED,
            "updated_at": _CREATED,
            "permissions": dict(PERMISSIONS if permissions is None else permissions),
            "events": list(EVENTS),
        }

    # Workflows

    def run(self, repo: Repository, run: WorkflowRun, *, commit: bool = True) -> Json:
        """A workflow run; in deployment events GitHub leaves its head ``commit`` out."""
        url = f"{self._of(repo)}/actions/runs/{run.id}"
        workflow = workflow_id(run.name)
        return {
            "id": run.id,
            "name": run.name,
            "node_id": f"WFR_{run.id}",
            "head_branch": run.branch,
            "head_sha": run.sha,
            "path": f".github/workflows/{run.name}.yml",
            "display_title": run.title or repo.commits[run.sha].message.split("\n", 1)[0],
            "run_number": run.number,
            "event": run.event,
            "status": run.status,
            "conclusion": run.conclusion,
            "workflow_id": workflow,
            "check_suite_id": run.suite,
            "check_suite_node_id": f"CS_{run.suite}",
            "url": url,
            "html_url": self.run_page(repo, run),
            "pull_requests": [],
            "created_at": stamp(run.began),
            "updated_at": stamp(run.at),
            "run_started_at": stamp(run.began),
            "actor": self.user(run.actor),
            "triggering_actor": self.user(run.actor),
            "run_attempt": run.attempt,
            "referenced_workflows": [],
            "jobs_url": f"{url}/jobs",
            "logs_url": f"{url}/logs",
            "check_suite_url": f"{self._of(repo)}/check-suites/{run.suite}",
            "artifacts_url": f"{url}/artifacts",
            "cancel_url": f"{url}/cancel",
            "rerun_url": f"{url}/rerun",
            "previous_attempt_url": f"{url}/attempts/{run.attempt - 1}" if run.attempt > 1 else None,
            "workflow_url": f"{self._of(repo)}/actions/workflows/{workflow}",
            "head_commit": self.head_commit(repo.commits[run.sha]) if commit else None,
            "repository": self.minimal_repository(repo),
            "head_repository": self.minimal_repository(repo),
        }

    def run_page(self, repo: Repository, run: WorkflowRun) -> str:
        """Where people read a run."""
        return f"{self._page(repo)}/actions/runs/{run.id}"

    def workflow(self, repo: Repository, name: str) -> Json:
        """The workflow of this name."""
        identity = workflow_id(name)
        return {
            "id": identity,
            "node_id": f"W_{identity}",
            "name": name,
            "path": f".github/workflows/{name}.yml",
            "state": "active",
            "created_at": _CREATED,
            "updated_at": _CREATED,
            "url": f"{self._of(repo)}/actions/workflows/{identity}",
            "html_url": f"{self._page(repo)}/blob/{repo.default_branch}/.github/workflows/{name}.yml",
            "badge_url": f"{self._page(repo)}/workflows/{name}/badge.svg",
        }

    def job(self, repo: Repository, waiting: Waiting, status: str, conclusion: str | None) -> Json:
        """The job that wants to enter an environment."""
        run = waiting.run
        return {
            "id": waiting.job,
            "run_id": run.id,
            "workflow_name": run.name,
            "head_branch": run.branch,
            "run_url": f"{self._of(repo)}/actions/runs/{run.id}",
            "run_attempt": run.attempt,
            "node_id": f"CR_{waiting.job}",
            "head_sha": run.sha,
            "url": f"{self._of(repo)}/actions/jobs/{waiting.job}",
            "html_url": f"{self.run_page(repo, run)}/job/{waiting.job}",
            "status": status,
            "conclusion": conclusion,
            "created_at": stamp(waiting.began),
            "started_at": stamp(waiting.began),
            "completed_at": stamp(run.at) if conclusion else None,
            "name": f"deploy to {waiting.environment.name}",
            "steps": [],
            "check_run_url": f"{self._of(repo)}/check-runs/{waiting.job}",
            "labels": ["ubuntu-latest"],
            "runner_id": None,
            "runner_name": None,
            "runner_group_id": None,
            "runner_group_name": None,
        }

    # Environments

    def environment(self, repo: Repository, environment: Environment) -> Json:
        """An environment and what stands before it."""
        rules: list[Json] = []
        if environment.wait_minutes:
            rules.append(
                {
                    "id": environment.id * 10,
                    "node_id": f"GA_{environment.id}0",
                    "type": "wait_timer",
                    "wait_timer": environment.wait_minutes,
                }
            )
        if environment.reviewers:
            rules.append(
                {
                    "id": environment.id * 10 + 1,
                    "node_id": f"GA_{environment.id}1",
                    "type": "required_reviewers",
                    "prevent_self_review": environment.prevent_self_review,
                    "reviewers": self.reviewers(environment),
                }
            )
        return self.place(repo, environment) | {
            "created_at": stamp(environment.created_at),
            "updated_at": stamp(environment.created_at),
            "protection_rules": rules,
            "deployment_branch_policy": None,
        }

    def place(self, repo: Repository, environment: Environment) -> Json:
        """An environment as it stands inside other objects."""
        return {
            "id": environment.id,
            "node_id": f"EN_{environment.id}",
            "name": environment.name,
            "url": f"{self._of(repo)}/environments/{environment.name}",
            "html_url": f"{self._page(repo)}/deployments/activity_log?environments_filter={environment.name}",
        }

    def reviewers(self, environment: Environment) -> list[Json]:
        """Who may say yes."""
        return [{"type": "User", "reviewer": self.user(account)} for account in environment.reviewers]

    def callback(self, repo: Repository, run: WorkflowRun) -> str:
        """Where an app answers for a run."""
        return f"{self._of(repo)}/actions/runs/{run.id}/deployment_protection_rule"

    # Checks

    def suite(self, repo: Repository, suite: CheckSuite) -> Json:
        """A check suite."""
        return self.suite_of_run(repo, suite) | {
            "latest_check_runs_count": max(1, sum(1 for check in repo.checks.values() if check.suite is suite)),
            "check_runs_url": f"{self._of(repo)}/check-suites/{suite.id}/check-runs",
            "head_commit": self.head_commit(repo.commits[suite.sha]),
        }

    def suite_of_run(self, repo: Repository, suite: CheckSuite) -> Json:
        """A check suite as the webhooks of its check runs carry it."""
        commit = repo.commits[suite.sha]
        return {
            "id": suite.id,
            "node_id": f"CS_{suite.id}",
            "head_branch": suite.branch,
            "head_sha": suite.sha,
            "status": suite.status,
            "conclusion": suite.conclusion,
            "url": f"{self._of(repo)}/check-suites/{suite.id}",
            "before": commit.parents[0] if commit.parents else "0" * 40,
            "after": suite.sha,
            "pull_requests": [],
            "app": self._checker(suite.app),
            "created_at": stamp(suite.at),
            "updated_at": stamp(suite.at),
        }

    def check(self, repo: Repository, check: CheckRun) -> Json:
        """A check run."""
        return {
            "id": check.id,
            "name": check.name,
            "node_id": f"CR_{check.id}",
            "head_sha": check.sha,
            "external_id": "",
            "url": f"{self._of(repo)}/check-runs/{check.id}",
            "html_url": f"{self._page(repo)}/runs/{check.id}",
            "details_url": check.details_url or f"{self._page(repo)}/runs/{check.id}",
            "status": check.status,
            "conclusion": check.conclusion,
            "started_at": stamp(check.started_at),
            "completed_at": stamp(check.completed_at) if check.completed_at else None,
            "output": {
                "title": check.title,
                "summary": check.summary,
                "text": None,
                "annotations_count": 0,
                "annotations_url": f"{self._of(repo)}/check-runs/{check.id}/annotations",
            },
            "check_suite": {"id": check.suite.id},
            "app": self._checker(check.suite.app),
            "pull_requests": [],
        }

    def commit_status(self, repo: Repository, status: CommitStatus) -> Json:
        """A commit status."""
        return self.combined_status(repo, status) | {"creator": self.user(status.creator)}

    def combined_status(self, repo: Repository, status: CommitStatus) -> Json:
        """A commit status as the combined one holds it."""
        return {
            "url": f"{self._of(repo)}/statuses/{status.sha}",
            "id": status.id,
            "node_id": f"SC_{status.id}",
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": stamp(status.at),
            "updated_at": stamp(status.at),
            "avatar_url": "",
        }

    def _checker(self, name: str) -> Json:
        slug = name.lower().replace(" ", "-")
        return self.app(3000 + sum(slug.encode()), slug) | {"name": name}


def workflow_id(name: str) -> int:
    """The number of the workflow of this name; the same in every repository."""
    return 7000 + sum(name.encode())
