"""What exists on the stand-in GitHub: accounts, commits and their ancestry, pulls, deployments, runs. Pure state.

Shas are real-looking and unique, but hash nothing. Files are names with line counts, never contents.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.github_records import (
    Approval,
    CheckRun,
    CheckSuite,
    CommitStatus,
    Environment,
    Issue,
    Review,
    Waiting,
    Workflow,
)

NOBODY = "0" * 40
ROLES = ("none", "read", "triage", "write", "maintain", "admin")
"""What somebody may do in a repository, from least to most."""
BASE_ROLE = "write"
"""What every member of an organisation may in its repositories."""
WEB_FLOW_EMAIL = "noreply@github.com"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody on GitHub. ``email`` is the public one; ``commit_email`` stands in their commits.

    A ``member`` belongs to every organisation here.
    """

    login: str
    id: int
    name: str
    email: str | None = None
    commit_email: str = ""
    bot: bool = False
    member: bool = False


@dataclass(frozen=True, kw_only=True)
class File:
    """One file as a commit changes it."""

    name: str
    additions: int = 3
    deletions: int = 1


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One commit. ``order`` counts up, so a parent's is always lower; ``by_github`` = committed in the browser."""

    sha: str
    message: str
    author: Account
    at: datetime
    parents: tuple[str, ...]
    files: tuple[File, ...]
    order: int
    by_github: bool = False


@dataclass(kw_only=True, eq=False)
class Pull:
    """One pull request; ``merge_sha`` is what it became on its base branch."""

    id: int
    number: int
    title: str
    body: str
    author: Account
    labels: tuple[str, ...]
    head_ref: str
    base_ref: str
    base_sha: str
    commits: tuple[str, ...]
    created_at: datetime
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_sha: str | None = None
    landed: tuple[str, ...] = ()
    """The commits of the base branch that are this pull request's."""
    reviews: list[Review] = field(default_factory=list)


@dataclass(kw_only=True, eq=False)
class DeploymentStatus:
    """One status of a deployment."""

    id: int
    state: str
    creator: Account
    at: datetime
    description: str
    log_url: str
    environment_url: str
    environment: str
    by_app: bool = False


@dataclass(kw_only=True, eq=False)
class Deployment:
    """One deployment of a commit to an environment; ``original`` is what a status has renamed, empty where none has."""

    id: int
    sha: str
    ref: str
    environment: str
    creator: Account
    payload: Any
    production: bool
    transient: bool
    created_at: datetime
    description: str | None = None
    task: str = "deploy"
    run: int | None = None
    by_app: bool = False
    original: str = ""
    statuses: list[DeploymentStatus] = field(default_factory=list)

    def rename(self, environment: str) -> None:
        """From now on it is a deployment to this environment."""
        if environment != self.environment:
            self.original, self.environment = self.original or self.environment, environment

    @property
    def updated_at(self) -> datetime:
        """When it last changed."""
        return self.statuses[-1].at if self.statuses else self.created_at


@dataclass(kw_only=True, eq=False)
class WorkflowRun:
    """One run of a workflow; ``title`` is its run-name, where the workflow gives it one."""

    id: int
    number: int
    attempt: int
    name: str
    sha: str
    branch: str
    event: str
    status: str
    conclusion: str | None
    actor: Account
    at: datetime
    suite: int
    began: datetime
    title: str | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    approvals: list[Approval] = field(default_factory=list)


class Repository:
    """One repository and its history."""

    def __init__(self, full_name: str, identity: int, *, default_branch: str, numbers: Iterator[int]) -> None:
        self.full_name = full_name
        self.owner, self.name = full_name.split("/", 1)
        self.id = identity
        self.default_branch = default_branch
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.pulls: dict[int, Pull] = {}
        self.issues: dict[int, Issue] = {}
        """They share their numbers with the pull requests."""
        self.pulls_of: dict[str, list[int]] = {}
        self.deployments: dict[int, Deployment] = {}
        self.runs: dict[int, WorkflowRun] = {}
        self.workflows: dict[str, Workflow] = {}
        self.environments: dict[str, Environment] = {}
        self.waiting: dict[tuple[int, str], Waiting] = {}
        """Jobs that wanted to enter an environment, by run and environment in lower case; the last attempt's."""
        self.suites: dict[int, CheckSuite] = {}
        self.checks: dict[int, CheckRun] = {}
        self.commit_statuses: list[CommitStatus] = []
        self.roles: dict[str, str] = {}
        """As what somebody was let in besides, by login in lower case."""
        self.next_pull = 1
        self._numbers = numbers

    def add_commit(
        self,
        *,
        message: str,
        author: Account,
        parents: Sequence[str],
        files: Sequence[File],
        at: datetime,
        by_github: bool = False,
    ) -> Commit:
        """Add a commit on top of its parents; no branch moves."""
        seed = f"{self.full_name}\n{next(self._numbers)}\n{message}"
        commit = Commit(
            sha=hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest(),
            message=message,
            author=author,
            at=at.astimezone(UTC),
            parents=tuple(parents),
            files=tuple(files),
            order=len(self.commits),
            by_github=by_github,
        )
        self.commits[commit.sha] = commit
        return commit

    def role_of(self, account: Account) -> str:
        """What somebody may here: the most that any way lets them."""
        given = self.roles.get(account.login.lower(), "none")
        return max(given, BASE_ROLE if account.member else "none", key=ROLES.index)

    def resolve(self, ref: str) -> str | None:
        """The sha a branch, tag, full or shortened sha (7 characters or more) names."""
        ref = ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("heads/").removeprefix("tags/")
        found = self.branches.get(ref) or self.tags.get(ref) or (ref if ref in self.commits else None)
        if found is None and len(ref) >= 7:
            matching = list(itertools.islice((sha for sha in self.commits if sha.startswith(ref)), 2))
            found = matching[0] if len(matching) == 1 else None
        return found

    def add_pull(self, pull: Pull) -> Pull:
        """Keep a pull request."""
        self.pulls[pull.number] = pull
        for sha in pull.commits:
            self.pulls_of.setdefault(sha, []).append(pull.number)
        self.next_pull = max(self.next_pull, pull.number + 1)
        return pull

    def add_issue(self, issue: Issue) -> Issue:
        """Keep an issue."""
        self.issues[issue.number] = issue
        self.next_pull = max(self.next_pull, issue.number + 1)
        return issue

    def land(self, pull: Pull, shas: Sequence[str]) -> None:
        """Remember that these commits of the base branch are this pull request's."""
        pull.landed = tuple(shas)
        for sha in shas:
            numbers = self.pulls_of.setdefault(sha, [])
            if pull.number not in numbers:
                numbers.append(pull.number)

    def history(self, head: str) -> list[Commit]:
        """A commit and everything it stands on, also by merges, the newest first."""
        found, left = {head}, [head]
        while left:
            new = [parent for parent in self.commits[left.pop()].parents if parent not in found]
            found.update(new)
            left += new
        return sorted((self.commits[sha] for sha in found), key=lambda commit: commit.order, reverse=True)

    def compare(self, base: str, head: str) -> Comparison:
        """What head has and base has not, and the reverse; works only as deep as the two differ."""
        sides = {base: 1}
        sides[head] = sides.get(head, 0) | 2
        queue = [(-self.commits[sha].order, sha) for sha in sides]
        heapq.heapify(queue)
        undecided = 0 if base == head else 2
        only: dict[int, list[str]] = {1: [], 2: []}
        while undecided:
            _, sha = heapq.heappop(queue)
            side = sides[sha]
            if side != 3:
                only[side].append(sha)
                undecided -= 1
            for parent in self.commits[sha].parents:
                before = sides.get(parent, 0)
                sides[parent] = before | side
                if before == 0:
                    heapq.heappush(queue, (-self.commits[parent].order, parent))
                    undecided += side != 3
                elif before != 3 and before | side == 3:
                    undecided -= 1
        common = [sha for sha in sides if sides[sha] == 3]
        merge_base = max(common, key=lambda sha: self.commits[sha].order, default=None)
        return Comparison(
            base=base, head=head, merge_base=merge_base, ahead=tuple(reversed(only[2])), behind=tuple(reversed(only[1]))
        )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How head stands to base; both lists oldest first. ``merge_base`` is None for unrelated histories."""

    base: str
    head: str
    merge_base: str | None
    ahead: tuple[str, ...]
    behind: tuple[str, ...]

    @property
    def status(self) -> str:
        """GitHub's word for it."""
        if self.ahead and self.behind:
            return "diverged"
        if self.ahead:
            return "ahead"
        return "behind" if self.behind else "identical"


class Forge:
    """Every account and repository."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Repository] = {}
        self.numbers = itertools.count(1_000_001)

    def account(self, login: str) -> Account:
        """The account with this login; a stranger's is made when first named."""
        found = self.accounts.get(login.lower())
        return found or self.add_account(
            Account(login=login, id=next(self.numbers), name=login, commit_email=f"{login}@users.noreply.github.com")
        )

    def add_account(self, account: Account) -> Account:
        """Keep an account; logins do not depend on case."""
        self.accounts[account.login.lower()] = account
        return account

    def repository(self, full_name: str) -> Repository:
        """The repository of this name; LookupError names those there are."""
        found = self.repositories.get(full_name.lower())
        if found is None:
            known = ", ".join(one.full_name for one in self.repositories.values())
            raise LookupError(f"there is no repository {full_name!r}; there are {known}")
        return found

    def add_repository(self, full_name: str, *, default_branch: str) -> Repository:
        """Make an empty repository."""
        made = Repository(full_name, next(self.numbers), default_branch=default_branch, numbers=self.numbers)
        self.repositories[full_name.lower()] = made
        return made
