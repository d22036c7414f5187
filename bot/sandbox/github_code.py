"""Code on the stand-in GitHub: commits, branches, pull requests, reviews and releases. Each act sends its webhooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.sandbox.clock import Clock
from bot.sandbox.github_core import Ground
from bot.sandbox.github_records import Review
from bot.sandbox.github_shapes import stamp
from bot.sandbox.merging import WAYS
from bot.sandbox.repositories import NOBODY, ROLES, Account, Commit, Comparison, File, Forge, Pull, Repository
from bot.sandbox.world import Json

_DEFAULT_FILES = ("src/app.py",)
Landed = Callable[[Repository, str, str], None]
"""Told of each push: the repository, the branch, and the sha it now stands at."""


class Code(Ground):
    """What people do to code. They are named by login (``ana``); a stranger gets an account when first named."""

    def __init__(self, forge: Forge, clock: Clock | None = None, *, rate_limits: bool = False) -> None:
        super().__init__(forge, clock, rate_limits=rate_limits)
        self.landed: list[Landed] = []

    # Repositories and commits

    def repository(self, full_name: str, default_branch: str = "main") -> Repository:
        """The repository of this name, made with a first commit if need be."""
        if full_name.lower() in self.forge.repositories:
            return self.forge.repository(full_name)
        repo = self.forge.add_repository(full_name, default_branch=default_branch)
        first = repo.add_commit(
            message="Begin",
            author=self.forge.account("ana"),
            parents=(),
            files=(File(name="README.md"),),
            at=self.now(),
        )
        repo.branches[default_branch] = first.sha
        return repo

    def let_in(self, repo: str, login: str, role: str) -> None:
        """Give somebody a role in a repository, one of ``ROLES``; ``none`` takes back what was given."""
        if role not in ROLES:
            raise ValueError(f"{role!r} is no role; there are {', '.join(ROLES)}")
        self.forge.repository(repo).roles[self.forge.account(login).login.lower()] = role

    async def commit(
        self,
        repo: str,
        *,
        author: str,
        message: str,
        files: Sequence[str] = _DEFAULT_FILES,
        branch: str | None = None,
    ) -> str:
        """Push one commit to a branch (the default one if none is named); its sha."""
        there = self.forge.repository(repo)
        name = branch or there.default_branch
        before = there.branches.get(name)
        made = self._commit(there, author, message, files, there.branches.get(name) or self._head(there))
        self._push(there, name, [made], by=made.author, before=before)
        return made.sha

    def _commit(self, repo: Repository, author: str, message: str, files: Sequence[str | File], parent: str) -> Commit:
        return repo.add_commit(
            message=message,
            author=self.forge.account(author),
            parents=(parent,),
            files=tuple(File(name=file) if isinstance(file, str) else file for file in files),
            at=self.now(),
        )

    @staticmethod
    def _head(repo: Repository) -> str:
        return repo.branches[repo.default_branch]

    def _push(
        self,
        repo: Repository,
        branch: str,
        commits: Sequence[Commit],
        *,
        by: Account,
        before: str | None = None,
        forced: bool = False,
    ) -> None:
        after = commits[-1].sha
        repo.branches[branch] = after
        web = f"{self.shapes.web}/{repo.full_name}"
        self.send(
            "push",
            repo,
            by,
            {
                "ref": f"refs/heads/{branch}",
                "before": before or NOBODY,
                "after": after,
                "pusher": {"name": by.login, "email": by.commit_email},
                "created": before is None,
                "deleted": False,
                "forced": forced,
                "base_ref": None,
                "compare": f"{web}/compare/{(before or NOBODY)[:12]}...{after[:12]}",
                "commits": [self.shapes.pushed_commit(repo, commit) for commit in commits[-2048:]],
                "head_commit": self.shapes.pushed_commit(repo, commits[-1]),
            },
        )
        for tell in self.landed:
            tell(repo, branch, after)

    def catch_up(self, repo: Repository, branch: str, *, by: Account) -> Commit | None:
        """Merge the default branch into another; None where both have changed the same file."""
        compared = repo.compare(self._head(repo), repo.branches[branch])
        ours, theirs = (
            {file.name for sha in side for file in repo.commits[sha].files}
            for side in (compared.ahead, compared.behind)
        )
        if ours & theirs:
            return None
        made = repo.add_commit(
            message=f"Merge branch '{repo.default_branch}' into {branch}",
            author=by,
            parents=(repo.branches[branch], self._head(repo)),
            files=(),
            at=self.now(),
            by_github=True,
        )
        self._push(repo, branch, [made], by=by, before=repo.branches[branch])
        return made

    async def force_push(self, repo: str, branch: str, sha: str, *, by: str) -> None:
        """Move a branch to another commit."""
        there = self.forge.repository(repo)
        before = there.branches.get(branch)
        self._push(there, branch, [there.commits[sha]], by=self.forge.account(by), before=before, forced=True)

    # Pull requests

    async def open_pull(
        self,
        repo: str,
        *,
        author: str,
        title: str,
        commits: Sequence[str] = (),
        files: Sequence[str | File] = _DEFAULT_FILES,
        labels: Sequence[str] = (),
        body: str = "",
        coauthors: Sequence[str] = (),
        number: int | None = None,
        base: str | None = None,
    ) -> int:
        """Open a pull request of these commit messages (one, the title, if none); ``coauthors`` are logins."""
        there = self.forge.repository(repo)
        base_ref = base or there.default_branch
        taken = number or there.next_pull
        branch = f"{author.removesuffix('[bot]')}/{taken}"
        trailer = "".join(f"\nCo-authored-by: {self._signature(login)}" for login in coauthors)
        made: list[Commit] = []
        for message in commits or (title,):
            parent = made[-1].sha if made else there.branches[base_ref]
            made.append(self._commit(there, author, message + (f"\n{trailer}" if trailer else ""), files, parent))
        by = self.forge.account(author)
        self._push(there, branch, made, by=by)
        pull = there.add_pull(
            Pull(
                id=next(self.forge.numbers),
                number=taken,
                title=title,
                body=body,
                author=by,
                labels=tuple(labels),
                head_ref=branch,
                base_ref=base_ref,
                base_sha=there.branches[base_ref],
                commits=tuple(commit.sha for commit in made),
                created_at=self.now(),
            )
        )
        self._send_pull("opened", there, pull, by)
        return pull.number

    def _signature(self, login: str) -> str:
        account = self.forge.account(login)
        return f"{account.name} <{account.commit_email}>"

    async def merge_pull(self, repo: str, number: int, *, merged_by: str, how: str = "squash") -> str:
        """Merge a pull request by ``squash``, ``merge`` or ``rebase``; the sha it became on its base branch."""
        there = self.forge.repository(repo)
        pull = there.pulls[number]
        by = self.forge.account(merged_by)
        before = there.branches[pull.base_ref]
        theirs = [there.commits[sha] for sha in pull.commits]
        landed = WAYS[how](there, pull, theirs, by, self.now())
        pull.merged_at, pull.merged_by, pull.merge_sha = self.now(), by, landed[-1].sha
        there.land(pull, [commit.sha for commit in landed])
        self._send_pull("closed", there, pull, by)
        self._push(there, pull.base_ref, landed, by=by, before=before)
        return landed[-1].sha

    def _send_pull(self, action: str, repo: Repository, pull: Pull, by: Account) -> None:
        payload = {"action": action, "number": pull.number, "pull_request": self.shapes.pull(repo, pull, full=True)}
        self.send("pull_request", repo, by, payload)

    async def review(self, repo: str, number: int, *, by: str, state: str = "approved", body: str = "") -> int:
        """Review a pull request: ``approved``, ``changes_requested`` or ``commented``; the review's id."""
        there = self.forge.repository(repo)
        return self.add_review(there, there.pulls[number], self.forge.account(by), state.upper(), body).id

    def add_review(self, repo: Repository, pull: Pull, by: Account, state: str, body: str) -> Review:
        """Keep a review and tell of it."""
        made = Review(id=next(self.forge.numbers), by=by, state=state, body=body, sha=pull.commits[-1], at=self.now())
        pull.reviews.append(made)
        self.send(
            "pull_request_review",
            repo,
            by,
            {
                "action": "submitted",
                "review": self.shapes.review(repo, pull, made, hook=True),
                "pull_request": self.shapes.pull(repo, pull, full=False),
            },
        )
        return made

    # Releases

    async def release(self, repo: str, tag: str, sha: str, name: str, *, author: str = "ana") -> int:
        """Publish a release; its id."""
        there = self.forge.repository(repo)
        there.tags[tag] = sha
        by = self.forge.account(author)
        identity = next(self.forge.numbers)
        web = f"{self.shapes.web}/{there.full_name}"
        url = f"{self.shapes.api}/repos/{there.full_name}/releases/{identity}"
        release: Json = {
            "url": url,
            "assets_url": f"{url}/assets",
            "upload_url": f"{url}/assets{{?name,label}}",
            "html_url": f"{web}/releases/tag/{tag}",
            "id": identity,
            "node_id": f"RE_{identity}",
            "tag_name": tag,
            "target_commitish": there.default_branch,
            "name": name,
            "draft": False,
            "prerelease": False,
            "author": self.shapes.user(by),
            "created_at": stamp(self.now()),
            "updated_at": stamp(self.now()),
            "published_at": stamp(self.now()),
            "immutable": False,
            "tarball_url": f"{self.shapes.api}/repos/{there.full_name}/tarball/{tag}",
            "zipball_url": f"{self.shapes.api}/repos/{there.full_name}/zipball/{tag}",
            "assets": [],
            "body": None,
        }
        for action in ("published", "released"):
            self.send("release", there, by, {"action": action, "release": release})
        return identity

    def compare(self, repo: str, base: str, head: str) -> Comparison:
        """How two commits stand to each other."""
        there = self.forge.repository(repo)
        return there.compare(base, head)
