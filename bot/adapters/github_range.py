"""Which pull request each commit of a range came by, asked of GitHub with as few calls as may be.

A title such as "… (#812)" or "Merge pull request #812 from …" is a hint: it holds once that pull request says it
became that very commit, since anybody can write a title. What a merge commit brought in is its pull request's, by the
graph. Only for the rest is every commit asked about. One failed question fails the whole: half a range must never
pass for the whole of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.adapters import github_errors
from bot.adapters.github_client import PER_PAGE, GithubClient, each
from bot.adapters.github_shapes import (
    PullFacts,
    RangeCommit,
    file_names,
    pull,
    reverted_commit,
    without,
)
from bot.adapters.reading import items
from bot.errors import GiveUp
from bot.events import Commit, Human, MergedPull
from bot.ports import Changes

MOST_FILES = 3_000
"""GitHub lists no more files of a pull request or commit."""


class Claims:
    """Which pull request each commit of a range belongs to, as far as is known. Pure."""

    def __init__(self, commits: Sequence[RangeCommit]) -> None:
        self._commits = {found.sha: found for found in commits}
        self._numbers: dict[str, int] = {}
        self._landings: dict[str, int] = {}

    def __contains__(self, sha: str) -> bool:
        return sha in self._commits

    def claim(self, sha: str, number: int) -> None:
        """A commit is this pull request's, unless it is another's already or not of this range."""
        if sha in self._commits:
            self._numbers.setdefault(sha, number)

    def land(self, sha: str, number: int) -> None:
        """This commit is what the pull request became on its base branch."""
        self.claim(sha, number)
        if sha in self._commits:
            self._landings[sha] = number

    def number(self, sha: str) -> int | None:
        """The pull request a commit belongs to; the first characters of an id will do."""
        whole = next((known for known in self._numbers if known.startswith(sha)), None)
        return self._numbers[whole] if whole else None

    def unclaimed(self) -> list[RangeCommit]:
        """Commits whose pull request is not known, oldest first."""
        return [found for sha, found in self._commits.items() if sha not in self._numbers]

    def spread(self) -> None:
        """Give every pull request that landed by a merge commit what that merge brought in.

        Oldest first: a pull request that was merged into another's branch keeps its own commits. Merges of the
        main branch into a pull request's branch spread nothing, since what they bring is not its own.
        """
        for sha, found in self._commits.items():
            number = self._landings.get(sha)
            if number is None or not found.merges:
                continue
            before = self._reachable(found.parents[:1])
            for inner in self._reachable(found.parents[1:]) - before:
                self.claim(inner, number)

    def by_pull(self) -> dict[int, list[RangeCommit]]:
        """The commits of each pull request, oldest first; the pull requests in the order they landed."""
        groups: dict[int, list[RangeCommit]] = defaultdict(list)
        for sha, found in reversed(self._commits.items()):
            if sha in self._numbers:
                groups[self._numbers[sha]].insert(0, found)
        return dict(reversed(groups.items()))

    def _reachable(self, tips: Iterable[str]) -> set[str]:
        found: set[str] = set()
        waiting = [tip for tip in tips if tip in self._commits]
        while waiting:
            sha = waiting.pop()
            if sha not in found:
                found.add(sha)
                waiting += [parent for parent in self._commits[sha].parents if parent in self._commits]
        return found


class RangeReader:
    """Turns the commits of one range of one repository into changes; keeps what it has asked."""

    def __init__(self, client: GithubClient, repo: str, *, paths: bool) -> None:
        self._client = client
        self._repo = repo
        self._paths = paths
        self._pulls: dict[int, PullFacts | None] = {}

    async def changes(self, commits: Sequence[RangeCommit]) -> Changes:
        """The merged pull requests of these commits (given oldest first), and the commits that came by none."""
        claims = Claims(commits)
        await self._confirm_hints(claims)
        claims.spread()
        await self._ask(claims, [found for found in claims.unclaimed() if found.merges])
        claims.spread()
        await self._ask(claims, claims.unclaimed())
        groups = claims.by_pull()
        await self._fetch(groups)
        pulls = await each(groups.items(), lambda group: self._finish(claims, *group))
        direct = await each(claims.unclaimed(), self._direct)
        return Changes(pulls=tuple(pulls), commits=tuple(direct))

    async def _confirm_hints(self, claims: Claims) -> None:
        hinted = [(found.sha, hint) for found in claims.unclaimed() if (hint := found.hint) is not None]
        await self._fetch(number for _, number in hinted)
        for sha, number in hinted:
            known = self._pulls[number]
            if known is not None and known.pull.sha == sha:
                claims.land(sha, number)

    async def _ask(self, claims: Claims, commits: Sequence[RangeCommit]) -> None:
        """Ask which pull requests these commits came by, and claim the best of them."""
        answers = await each(commits, lambda one: self._introduced(claims, one.sha))
        for found, best in zip(commits, answers, strict=True):
            if best is not None:
                claims.claim(found.sha, best.pull.number)
                claims.land(best.pull.sha, best.pull.number)

    async def _introduced(self, claims: Claims, sha: str) -> PullFacts | None:
        """The merged pull request a commit came by; GitHub also names others that merely contain the commit.

        It is the one that became this commit, else one that landed within the range, else one of the default
        branch (a range may begin or end in the middle of a rebased one).
        """
        answer = await self._client.get(
            self._repo, f"/repos/{self._repo}/commits/{sha}/pulls", self._repo, per_page=PER_PAGE
        )
        if not isinstance(answer.data, list):
            raise github_errors.unreadable(self._repo)
        merged = [facts for entry in items(answer.data) if (facts := pull(self._repo, entry))]
        fitting = (
            *(facts for facts in merged if facts.pull.sha == sha),
            *(facts for facts in merged if facts.pull.sha in claims),
            *(facts for facts in merged if facts.on_default),
        )
        return next(iter(fitting), None)

    async def _fetch(self, numbers: Iterable[int]) -> None:
        """Read each pull request's own page, once: lists tell neither merger nor size."""
        wanted = sorted(set(numbers) - self._pulls.keys())
        for number, facts in zip(wanted, await each(wanted, self._page), strict=True):
            self._pulls[number] = facts

    async def _page(self, number: int) -> PullFacts | None:
        try:
            answer = await self._client.get(self._repo, f"/repos/{self._repo}/pulls/{number}", f"{self._repo}#{number}")
        except GiveUp as fault:
            if fault.code == "not_found":
                return None  # "(#812)" was an issue's number, or another tracker's.
            raise
        if not isinstance(answer.data, dict) or "number" not in answer.data:
            raise github_errors.unreadable(f"{self._repo}#{number}")
        return pull(self._repo, answer.data)

    async def _finish(self, claims: Claims, number: int, commits: Sequence[RangeCommit]) -> MergedPull:
        """The pull request with everyone who wrote it, its commits, and its files where they are wanted."""
        facts = self._pulls[number]
        if facts is None:
            # GitHub named it for a commit and then denied it: this range cannot be told yet.
            raise github_errors.unreadable(f"{self._repo}#{number}")
        authors = [found.commit.author for found in commits if not found.merges]
        trailers = [human for found in commits for human in found.commit.coauthors]
        author = facts.pull.author
        own = [human for human in authors if human.login and _login(human) == _login(author)]
        if own:
            author = replace(author, name=own[0].name, email=own[0].email)
        reverts = facts.pull.reverts
        if reverts is None:
            sha = reverted_commit(facts.body, *(found.commit.message for found in commits))
            reverts = await self._reverted(claims, sha, number)
        return replace(
            facts.pull,
            author=author,
            coauthors=without([author, *own], [*authors, *trailers]),
            reverts=reverts,
            commits=tuple(found.sha for found in commits if found.sha != facts.pull.sha),
            paths=await self._files(f"pulls/{number}/files") if self._paths else None,
        )

    async def _reverted(self, claims: Claims, sha: str | None, number: int) -> int | None:
        if sha is None:
            return None
        found = claims.number(sha)
        if found is None:
            try:
                earlier = await self._introduced(claims, sha)
            except GiveUp as fault:
                if fault.code not in ("not_found", "unprocessable"):
                    raise
                return None  # A commit of somewhere else.
            found = earlier.pull.number if earlier else None
        return found if found != number else None

    async def _direct(self, found: RangeCommit) -> Commit:
        if not self._paths:
            return found.commit
        return replace(found.commit, paths=await self._files(f"commits/{found.sha}", field="files"))

    async def _files(self, path: str, *, field: str | None = None) -> tuple[str, ...]:
        return file_names(
            await self._client.pages(
                self._repo, f"/repos/{self._repo}/{path}", self._repo, most=MOST_FILES, field=field
            )
        )


def _login(human: Human) -> str:
    return (human.login or "").casefold()
