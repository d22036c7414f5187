"""What GitHub says of commits and pull requests, and a small server that says it, well or badly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bot.adapters.github import GithubForge
from bot.events import Human
from bot.ports import Changes
from tests.adapters.stub import Stub, Told, body

REPO = "acme/checkout"
TOKEN = "ghp_not-a-real-token-5512"
MERGED = "2026-11-20T10:00:00Z"
SINCE = datetime(2026, 11, 20, tzinfo=UTC)
ANA = Human(login="ana", name="Ana Lima", email="ana@acme.example")

Json = dict[str, Any]


# What GitHub says


def sha(number: int) -> str:
    """A commit's id."""
    return f"{number:040x}"


def commit(
    number: int,
    message: str,
    *parents: int,
    login: str | None = "ana",
    name: str = "Ana Lima",
    email: str = "ana@acme.example",
    kind: str = "User",
    files: Sequence[Json] = (),
) -> Json:
    """A commit as comparisons and its own page show it."""
    return {
        "sha": sha(number),
        "html_url": f"https://github.example/{REPO}/commit/{sha(number)}",
        "commit": {
            "message": message,
            "author": {"name": name, "email": email, "date": "2026-11-19T09:00:00Z"},
            "committer": {"name": "GitHub", "email": "noreply@github.com", "date": MERGED},
        },
        "author": {"login": login, "type": kind} if login else None,
        "parents": [{"sha": sha(parent)} for parent in parents],
        "files": list(files),
    }


def pull(number: int, became: int | None, *, base: str = "main", login: str | None = "ana", **fields: Any) -> Json:
    """A pull request as its own page shows it."""
    return {
        "number": number,
        "title": f"Change {number}",
        "body": None,
        "html_url": f"https://github.example/{REPO}/pull/{number}",
        "user": {"login": login, "type": "User"} if login else None,
        "merged_by": {"login": "chi", "type": "User"},
        "merged_at": MERGED,
        "merge_commit_sha": sha(became) if became is not None else None,
        "labels": [{"name": "bug"}],
        "additions": 12,
        "deletions": 3,
        "base": {"ref": base, "repo": {"full_name": REPO, "default_branch": "main"}},
        **fields,
    }


def listed(found: Json) -> Json:
    """The same in a list, which tells less."""
    return {name: value for name, value in found.items() if name not in ("merged_by", "additions", "deletions")}


def comparison(status: str, commits: Sequence[Json], total: int | None = None) -> Json:
    """One page of a comparison."""
    return {"status": status, "total_commits": len(commits) if total is None else total, "commits": list(commits)}


class GithubServer(Stub):
    """Answers each path; 404 for what it was not told of."""

    def __init__(self) -> None:
        super().__init__("/api/v3/{name:.*}", otherwise=body({"message": "Not Found"}, 404))
        self.calls: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.credentials: list[str] = []
        self.tell("", {"full_name": REPO, "default_branch": "main"})

    def tell(self, path: str, *answers: Told) -> None:
        """What a path below the repository's answers."""
        self.tell_root(f"repos/{REPO}/{path}".rstrip("/"), *answers)

    def tell_root(self, path: str, *answers: Told) -> None:
        """What any path of the API answers."""
        self.answers(path, *answers)

    def tell_pulls(self, *pulls: Json) -> None:
        """Each pull request has its page."""
        for found in pulls:
            self.tell(f"pulls/{found['number']}", found)

    def tell_introduced(self, number: int, *pulls: Json) -> None:
        """Which pull requests a commit came by."""
        self.tell(f"commits/{sha(number)}/pulls", [listed(found) for found in pulls])

    def tell_range(self, *commits: Json, status: str = "ahead") -> None:
        """What lies between commits 1 and 99."""
        self.tell(f"compare/{sha(1)}...{sha(99)}", comparison(status, commits))

    def asked(self, word: str) -> list[str]:
        """The calls whose path holds this word."""
        return [call for call in self.calls if word in call]

    @property
    def url(self) -> str:
        """The API's address."""
        return str(self.server.make_url("/api/v3"))

    async def noted(self, name: str, request: web.Request) -> None:
        """Keep what was asked for, and by whom."""
        self.calls.append(f"{request.method} {name}")
        self.queries.append(dict(request.query))
        self.credentials.append(request.headers.get("Authorization", ""))


async def between(forge: GithubForge, *, paths: bool = False) -> Changes:
    """What arrives from commit 1 to 99."""
    return (await forge.compare(REPO, sha(1), sha(99), paths=paths)).arriving
