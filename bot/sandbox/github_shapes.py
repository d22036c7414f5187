"""How GitHub writes people, code and pull requests in JSON, for its REST API (2022-11-28) and its webhooks alike.

Only fields somebody could read are filled; templates of addresses are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.sandbox.github_records import Review
from bot.sandbox.repositories import WEB_FLOW_EMAIL, Account, Commit, Pull, Repository
from bot.sandbox.world import Json


def stamp(at: datetime) -> str:
    """GitHub's time: seconds, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class CodeShapes:
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

    def review(self, repo: Repository, pull: Pull, review: Review, *, hook: bool) -> Json:
        """A review; ``hook`` as the webhook has it, where the state is in lower case."""
        page = f"{self._page(repo)}/pull/{pull.number}"
        return {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": self.user(review.by),
            "body": review.body or (None if hook else ""),
            "state": review.state.lower() if hook else review.state,
            "html_url": f"{page}#pullrequestreview-{review.id}",
            "pull_request_url": f"{self._of(repo)}/pulls/{pull.number}",
            "author_association": "MEMBER",
            "submitted_at": stamp(review.at),
            "commit_id": review.sha,
        }

    def _branch(self, repo: Repository, ref: str, sha: str) -> Json:
        owner = self.repository(repo)["owner"]
        return {"label": f"{repo.owner}:{ref}", "ref": ref, "sha": sha, "user": owner, "repo": self.repository(repo)}


def statistics(commits: list[Commit]) -> dict[str, int]:
    """Lines added and deleted in all."""
    additions = sum(file.additions for commit in commits for file in commit.files)
    deletions = sum(file.deletions for commit in commits for file in commit.files)
    return {"total": additions + deletions, "additions": additions, "deletions": deletions}


def error(message: str, status: int, errors: Sequence[Json] | None = None) -> Json:
    """GitHub's body for an error."""
    details: Json = {} if errors is None else {"errors": list(errors)}
    return {"message": message, **details, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
