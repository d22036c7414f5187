"""How GitHub writes people, code and pull requests in JSON, for its REST API (2022-11-28) and its webhooks alike.

Every field is there that GitHub's published description requires; counts of what nobody does here are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from bot.sandbox import github_addresses as addresses
from bot.sandbox.github_records import Review
from bot.sandbox.repositories import ROLES, WEB_FLOW_EMAIL, Account, Commit, Pull, Repository
from bot.sandbox.world import Json

ORGANISATION_ID = 9001
_BEGAN = "2019-01-01T00:00:00Z"
_CHANGED = "2026-01-01T00:00:00Z"
_WEB_FLOW = Account(login="web-flow", id=19864447, name="GitHub Web Flow", email=WEB_FLOW_EMAIL)
"""Who commits what is committed in the browser."""


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
            **addresses.of_account(f"{self.api}/users/{account.login}"),
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
            "hireable": None,
            "bio": None,
            "twitter_username": None,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": _BEGAN,
            "updated_at": _CHANGED,
        }

    def permission(self, account: Account, role: str) -> Json:
        """What somebody may in a repository; ``permission`` is the older base role that theirs stands on."""
        allowed = ROLES.index(role)
        ways = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}
        permissions = {way: allowed >= ROLES.index(least) for way, least in ways.items()}
        return {
            "permission": {"maintain": "write", "triage": "read"}.get(role, role),
            "user": self.user(account) | {"permissions": permissions, "role_name": role},
            "role_name": role,
        }

    def owner(self, login: str) -> Json:
        """The organisation of this name where an account could stand."""
        return {
            "login": login,
            "id": ORGANISATION_ID,
            "node_id": f"O_{ORGANISATION_ID}",
            "avatar_url": "",
            "gravatar_id": "",
            "url": f"{self.api}/users/{login}",
            "html_url": f"{self.web}/{login}",
            **addresses.of_account(f"{self.api}/users/{login}"),
            "type": "Organization",
            "user_view_type": "public",
            "site_admin": False,
        }

    def organisation(self, login: str) -> Json:
        """The organisation of this name as webhooks carry it."""
        return {
            "login": login,
            "id": ORGANISATION_ID,
            "node_id": f"O_{ORGANISATION_ID}",
            **addresses.of_organisation(f"{self.api}/orgs/{login}"),
            "avatar_url": "",
            "description": None,
        }

    def minimal_repository(self, repo: Repository) -> Json:
        """A repository as workflow runs carry it."""
        return {
            "id": repo.id,
            "node_id": f"R_{repo.id}",
            "name": repo.name,
            "full_name": repo.full_name,
            "private": True,
            "owner": self.owner(repo.owner),
            "html_url": self._page(repo),
            "description": None,
            "fork": False,
            "url": self._of(repo),
            **addresses.of_repository(self._of(repo)),
        }

    def repository(self, repo: Repository) -> Json:
        """A repository as webhooks and pull requests carry it."""
        return self.minimal_repository(repo) | {
            "created_at": _BEGAN,
            "updated_at": _CHANGED,
            "pushed_at": _CHANGED,
            **addresses.of_clones(self._page(repo)),
            "homepage": None,
            "size": 0,
            "stargazers_count": 0,
            "watchers_count": 0,
            "language": None,
            "has_issues": True,
            "has_projects": True,
            "has_downloads": True,
            "has_wiki": True,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": 0,
            "mirror_url": None,
            "archived": False,
            "disabled": False,
            "open_issues_count": 0,
            "license": None,
            "allow_forking": False,
            "is_template": False,
            "web_commit_signoff_required": False,
            "topics": [],
            "visibility": "private",
            "forks": 0,
            "open_issues": 0,
            "watchers": 0,
            "default_branch": repo.default_branch,
        }

    def full_repository(self, repo: Repository) -> Json:
        """A repository as ``GET /repos/{owner}/{repo}`` gives it."""
        return self.repository(repo) | {
            "organization": self.owner(repo.owner),
            "subscribers_count": 0,
            "network_count": 0,
        }

    def pushed_repository(self, repo: Repository) -> Json:
        """A repository as ``push`` carries it: its address is its page, and its times are Unix seconds there."""
        shape = self.repository(repo)
        times = {name: int(datetime.fromisoformat(shape[name]).timestamp()) for name in ("created_at", "pushed_at")}
        return (
            shape
            | times
            | {
                "url": self._page(repo),
                "owner": shape["owner"] | {"name": repo.owner, "email": None},
                "stargazers": 0,
                "master_branch": repo.default_branch,
                "organization": repo.owner,
            }
        )

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
                "verification": {
                    "verified": commit.by_github,
                    "reason": "valid" if commit.by_github else "unsigned",
                    "signature": None,
                    "payload": None,
                    "verified_at": stamp(commit.at) if commit.by_github else None,
                },
            },
            "url": url,
            "html_url": f"{self._page(repo)}/commit/{commit.sha}",
            "comments_url": f"{url}/comments",
            "author": self.user(commit.author),
            "committer": self.user(_WEB_FLOW if commit.by_github else commit.author),
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
            "labels": [self.label(repo, name) for name in pull.labels],
            "milestone": None,
            "draft": False,
            "commits_url": f"{url}/commits",
            "review_comments_url": f"{url}/comments",
            "review_comment_url": f"{self._of(repo)}/pulls/comments{{/number}}",
            "comments_url": f"{self._of(repo)}/issues/{pull.number}/comments",
            "statuses_url": f"{self._of(repo)}/statuses/{pull.commits[-1]}",
            "head": self._branch(repo, pull.head_ref, pull.commits[-1]),
            "base": self._branch(repo, pull.base_ref, pull.base_sha),
            "author_association": "MEMBER",
            "auto_merge": None,
            "active_lock_reason": None,
        }
        shape["_links"] = {
            name: {"href": shape[address]}
            for name, address in {
                "self": "url",
                "html": "html_url",
                "issue": "issue_url",
                "comments": "comments_url",
                "review_comments": "review_comments_url",
                "review_comment": "review_comment_url",
                "commits": "commits_url",
                "statuses": "statuses_url",
            }.items()
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
        page = f"{self._page(repo)}/pull/{pull.number}#pullrequestreview-{review.id}"
        url = f"{self._of(repo)}/pulls/{pull.number}"
        return {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": self.user(review.by),
            "body": review.body or (None if hook else ""),
            "state": review.state.lower() if hook else review.state,
            "html_url": page,
            "pull_request_url": url,
            "author_association": "MEMBER",
            "_links": {"html": {"href": page}, "pull_request": {"href": url}},
            "submitted_at": stamp(review.at),
            "commit_id": review.sha,
        }

    def label(self, repo: Repository, name: str) -> Json:
        """A label."""
        return {
            "id": 1,
            "node_id": "L_1",
            "url": f"{self._of(repo)}/labels/{quote(name)}",
            "name": name,
            "color": "ededed",
            "default": False,
            "description": "",
            "archived_by": None,
        }

    def _branch(self, repo: Repository, ref: str, sha: str) -> Json:
        shape = self.repository(repo)
        return {"label": f"{repo.owner}:{ref}", "ref": ref, "sha": sha, "user": shape["owner"], "repo": shape}


def statistics(commits: list[Commit]) -> dict[str, int]:
    """Lines added and deleted in all."""
    additions = sum(file.additions for commit in commits for file in commit.files)
    deletions = sum(file.deletions for commit in commits for file in commit.files)
    return {"total": additions + deletions, "additions": additions, "deletions": deletions}


def error(message: str, status: int, errors: Sequence[Json] | None = None) -> Json:
    """GitHub's body for an error."""
    details: Json = {} if errors is None else {"errors": list(errors)}
    return {"message": message, **details, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
