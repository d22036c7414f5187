"""How GitHub writes its objects in JSON, for its REST API (2022-11-28) and its webhooks alike.

Only fields somebody could read are filled; templates of addresses are left out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.sandbox.repositories import (
    WEB_FLOW_EMAIL,
    Account,
    Commit,
    Deployment,
    DeploymentStatus,
    Pull,
    Repository,
    WorkflowRun,
)
from bot.sandbox.world import Json


def stamp(at: datetime) -> str:
    """GitHub's time: seconds, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shapes:
    """Writes objects with the addresses of one stand-in: ``api`` for REST, ``web`` for pages people open."""

    def __init__(self, api: str, web: str) -> None:
        self.api = api
        self.web = web

    def user(self, account: Account) -> Json:
        """An account as it stands inside other objects."""
        return {
            "login": account.login,
            "id": account.id,
            "node_id": f"U_{account.id}",
            "avatar_url": "",
            "gravatar_id": "",
            "url": f"{self.api}/users/{account.login}",
            "html_url": f"{self.web}/{account.login}",
            "type": "Bot" if account.bot else "User",
            "user_view_type": "public",
            "site_admin": False,
        }

    def full_user(self, account: Account) -> Json:
        """An account as ``GET /users/{login}`` gives it."""
        return self.user(account) | {
            "name": account.name,
            "company": None,
            "blog": "",
            "location": None,
            "email": account.email,
            "bio": None,
            "public_repos": 0,
            "followers": 0,
            "following": 0,
            "created_at": "2019-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        }

    def repository(self, repo: Repository) -> Json:
        """A repository."""
        return {
            "id": repo.id,
            "node_id": f"R_{repo.id}",
            "name": repo.name,
            "full_name": repo.full_name,
            "private": True,
            "owner": {
                "login": repo.owner,
                "id": 9001,
                "node_id": "O_9001",
                "url": f"{self.api}/users/{repo.owner}",
                "html_url": f"{self.web}/{repo.owner}",
                "type": "Organization",
                "site_admin": False,
            },
            "html_url": f"{self.web}/{repo.full_name}",
            "description": None,
            "fork": False,
            "url": self._of(repo),
            "created_at": "2019-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "pushed_at": "2026-01-01T00:00:00Z",
            "archived": False,
            "disabled": False,
            "visibility": "private",
            "topics": [],
            "default_branch": repo.default_branch,
        }

    def pushed_repository(self, repo: Repository) -> Json:
        """A repository as ``push`` carries it: its times are Unix seconds there."""
        shape = self.repository(repo)
        return shape | {
            name: int(datetime.fromisoformat(shape[name]).timestamp()) for name in ("created_at", "pushed_at")
        }

    def _of(self, repo: Repository) -> str:
        return f"{self.api}/repos/{repo.full_name}"

    def _page(self, repo: Repository) -> str:
        return f"{self.web}/{repo.full_name}"

    def commit(self, repo: Repository, commit: Commit, *, files: bool = False) -> Json:
        """A commit; with its files and statistics as ``GET /commits/{sha}`` gives it."""
        author = {"name": commit.author.name, "email": commit.author.commit_email, "date": stamp(commit.at)}
        committer = {"name": "GitHub", "email": WEB_FLOW_EMAIL, "date": stamp(commit.at)}
        url = f"{self._of(repo)}/commits/{commit.sha}"
        shape: Json = {
            "sha": commit.sha,
            "node_id": f"C_{commit.sha[:12]}",
            "commit": {
                "author": author,
                "committer": committer if commit.by_github else author,
                "message": commit.message,
                "tree": {"sha": commit.sha[::-1], "url": f"{self._of(repo)}/git/trees/{commit.sha[::-1]}"},
                "url": f"{self._of(repo)}/git/commits/{commit.sha}",
                "comment_count": 0,
                "verification": {"verified": commit.by_github, "reason": "valid", "signature": None, "payload": None},
            },
            "url": url,
            "html_url": f"{self._page(repo)}/commit/{commit.sha}",
            "comments_url": f"{url}/comments",
            "author": self.user(commit.author),
            "committer": self.user(commit.author),
            "parents": [
                {
                    "sha": parent,
                    "url": f"{self._of(repo)}/commits/{parent}",
                    "html_url": f"{self._page(repo)}/commit/{parent}",
                }
                for parent in commit.parents
            ],
        }
        if files:
            shape["stats"] = statistics([commit])
            shape["files"] = self.files(repo, [commit])
        return shape

    def files(self, repo: Repository, commits: list[Commit]) -> list[Json]:
        """The files these commits touch together."""
        touched: dict[str, list[int]] = {}
        for commit in commits:
            for file in commit.files:
                counts = touched.setdefault(file.name, [0, 0])
                counts[0] += file.additions
                counts[1] += file.deletions
        return [
            {
                "sha": "0" * 40,
                "filename": name,
                "status": "modified",
                "additions": additions,
                "deletions": deletions,
                "changes": additions + deletions,
                "blob_url": f"{self._page(repo)}/blob/{repo.default_branch}/{name}",
                "raw_url": f"{self._page(repo)}/raw/{repo.default_branch}/{name}",
                "contents_url": f"{self._of(repo)}/contents/{name}",
            }
            for name, (additions, deletions) in touched.items()
        ]

    def pushed_commit(self, repo: Repository, commit: Commit) -> Json:
        """A commit as ``push`` carries it."""
        committer = ("GitHub", WEB_FLOW_EMAIL, "web-flow")
        author = (commit.author.name, commit.author.commit_email, commit.author.login)
        return {
            "id": commit.sha,
            "tree_id": commit.sha[::-1],
            "distinct": True,
            "message": commit.message,
            "timestamp": commit.at.isoformat(timespec="seconds"),
            "url": f"{self._page(repo)}/commit/{commit.sha}",
            "author": dict(zip(("name", "email", "username"), author, strict=True)),
            "committer": dict(
                zip(("name", "email", "username"), committer if commit.by_github else author, strict=True)
            ),
            "added": [],
            "removed": [],
            "modified": [file.name for file in commit.files],
        }

    def head_commit(self, commit: Commit) -> Json:
        """A commit as ``workflow_run`` and ``check_suite`` carry it."""
        author = {"name": commit.author.name, "email": commit.author.commit_email}
        return {
            "id": commit.sha,
            "tree_id": commit.sha[::-1],
            "message": commit.message,
            "timestamp": stamp(commit.at),
            "author": author,
            "committer": {"name": "GitHub", "email": WEB_FLOW_EMAIL} if commit.by_github else author,
        }

    def pull(self, repo: Repository, pull: Pull, *, full: bool) -> Json:
        """A pull request; ``full`` as the single GET and the webhook have it, else as in lists (no ``merged_by``)."""
        url = f"{self._of(repo)}/pulls/{pull.number}"
        shape: Json = {
            "url": url,
            "id": pull.id,
            "node_id": f"PR_{pull.id}",
            "html_url": f"{self._page(repo)}/pull/{pull.number}",
            "diff_url": f"{self._page(repo)}/pull/{pull.number}.diff",
            "patch_url": f"{self._page(repo)}/pull/{pull.number}.patch",
            "issue_url": f"{self._of(repo)}/issues/{pull.number}",
            "number": pull.number,
            "state": "closed" if pull.merged_at else "open",
            "locked": False,
            "title": pull.title,
            "user": self.user(pull.author),
            "body": pull.body or None,
            "created_at": stamp(pull.created_at),
            "updated_at": stamp(pull.merged_at or pull.created_at),
            "closed_at": stamp(pull.merged_at) if pull.merged_at else None,
            "merged_at": stamp(pull.merged_at) if pull.merged_at else None,
            "merge_commit_sha": pull.merge_sha,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "labels": [
                {
                    "id": 1,
                    "node_id": "L_1",
                    "url": "",
                    "name": name,
                    "color": "ededed",
                    "default": False,
                    "description": "",
                }
                for name in pull.labels
            ],
            "milestone": None,
            "draft": False,
            "commits_url": f"{url}/commits",
            "statuses_url": f"{self._of(repo)}/statuses/{pull.commits[-1]}",
            "head": self._branch(repo, pull.head_ref, pull.commits[-1]),
            "base": self._branch(repo, pull.base_ref, pull.base_sha),
            "author_association": "MEMBER",
            "auto_merge": None,
            "active_lock_reason": None,
        }
        if full:
            commits = [repo.commits[sha] for sha in pull.commits]
            counts = statistics(commits)
            shape |= {
                "merged": pull.merged_at is not None,
                "mergeable": None if pull.merged_at else True,
                "rebaseable": None if pull.merged_at else True,
                "mergeable_state": "unknown" if pull.merged_at else "clean",
                "merged_by": self.user(pull.merged_by) if pull.merged_by else None,
                "comments": 0,
                "review_comments": 0,
                "maintainer_can_modify": False,
                "commits": len(commits),
                "additions": counts["additions"],
                "deletions": counts["deletions"],
                "changed_files": len(self.files(repo, commits)),
            }
        return shape

    def _branch(self, repo: Repository, ref: str, sha: str) -> Json:
        owner = self.repository(repo)["owner"]
        return {"label": f"{repo.owner}:{ref}", "ref": ref, "sha": sha, "user": owner, "repo": self.repository(repo)}

    def deployment(self, repo: Repository, deployment: Deployment) -> Json:
        """A deployment."""
        url = f"{self._of(repo)}/deployments/{deployment.id}"
        return {
            "url": url,
            "id": deployment.id,
            "node_id": f"DE_{deployment.id}",
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": "deploy",
            "payload": deployment.payload,
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": self.user(deployment.creator),
            "created_at": stamp(deployment.created_at),
            "updated_at": stamp(deployment.updated_at),
            "statuses_url": f"{url}/statuses",
            "repository_url": self._of(repo),
            "transient_environment": deployment.transient,
            "production_environment": deployment.production,
            "performed_via_github_app": None,
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
            "performed_via_github_app": None,
        }

    def run(self, repo: Repository, run: WorkflowRun) -> Json:
        """A workflow run."""
        url = f"{self._of(repo)}/actions/runs/{run.id}"
        return {
            "id": run.id,
            "name": run.name,
            "node_id": f"WFR_{run.id}",
            "head_branch": run.branch,
            "head_sha": run.sha,
            "path": f".github/workflows/{run.name}.yml",
            "display_title": repo.commits[run.sha].message.split("\n", 1)[0],
            "run_number": run.number,
            "event": run.event,
            "status": run.status,
            "conclusion": run.conclusion,
            "workflow_id": _workflow_id(run),
            "check_suite_id": run.suite,
            "url": url,
            "html_url": self.run_page(repo, run),
            "pull_requests": [],
            "created_at": stamp(run.at),
            "updated_at": stamp(run.at),
            "run_started_at": stamp(run.at),
            "actor": self.user(run.actor),
            "triggering_actor": self.user(run.actor),
            "run_attempt": run.attempt,
            "jobs_url": f"{url}/jobs",
            "logs_url": f"{url}/logs",
            "check_suite_url": f"{self._of(repo)}/check-suites/{run.suite}",
            "workflow_url": f"{self._of(repo)}/actions/workflows/{_workflow_id(run)}",
            "head_commit": self.head_commit(repo.commits[run.sha]),
            "repository": self.repository(repo),
            "head_repository": self.repository(repo),
        }

    def run_page(self, repo: Repository, run: WorkflowRun) -> str:
        """Where people read a run."""
        return f"{self._page(repo)}/actions/runs/{run.id}"

    def workflow(self, repo: Repository, run: WorkflowRun) -> Json:
        """The workflow a run is of."""
        return {
            "id": _workflow_id(run),
            "node_id": f"W_{_workflow_id(run)}",
            "name": run.name,
            "path": f".github/workflows/{run.name}.yml",
            "state": "active",
            "created_at": "2024-01-01T00:00:00.000Z",
            "updated_at": "2024-01-01T00:00:00.000Z",
            "url": f"{self._of(repo)}/actions/workflows/{_workflow_id(run)}",
            "html_url": f"{self._page(repo)}/blob/{repo.default_branch}/.github/workflows/{run.name}.yml",
            "badge_url": f"{self._page(repo)}/workflows/{run.name}/badge.svg",
        }


def statistics(commits: list[Commit]) -> dict[str, int]:
    """Lines added and deleted in all."""
    additions = sum(file.additions for commit in commits for file in commit.files)
    deletions = sum(file.deletions for commit in commits for file in commit.files)
    return {"total": additions + deletions, "additions": additions, "deletions": deletions}


def _workflow_id(run: WorkflowRun) -> int:
    return 7000 + sum(run.name.encode())


def error(message: str, status: int) -> dict[str, Any]:
    """GitHub's body for an error."""
    return {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
