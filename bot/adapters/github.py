"""GitHub as the Forge: what lies between two commits and who wrote it, and what we did not hear of.

Every call but the opening of an issue is a read, or harmless when it is done twice, so a failure is RetryLater or
GiveUp and never doubtful. An answer is whole or it is an error: a range of which one pull request could not be read is
not told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.adapters import github_errors
from bot.adapters.github_client import PER_PAGE, GithubClient, each, next_cursor
from bot.adapters.github_issues import IssueOpener
from bot.adapters.github_names import Names
from bot.adapters.github_proofs import Proofs
from bot.adapters.github_range import RangeReader
from bot.adapters.github_shapes import RangeCommit, commit, deploy
from bot.adapters.reading import instant, items, line, piece, text, whole
from bot.errors import GiveUp
from bot.events import DeployReported
from bot.ports import Changes, DeviceProof, Direction, MissedDeliveries, Range

MOST_COMMITS = 1_000
"""Commits of a range that are read; the rest is counted."""

_COMMITS_PER_PAGE = 250
_MOST_DEPLOYMENTS = 1_000
_MOST_DELIVERY_PAGES = 200
"""GitHub keeps deliveries for three days; this many pages hold 20,000."""


@dataclass(frozen=True)
class Hook:
    """A webhook that a repository sends."""

    url: str
    active: bool
    events: frozenset[str]


class GithubForge:
    """The Forge and Issues ports, over PyGithub. ``base_url`` is the REST API's; ``timeout`` is whole seconds a call.

    With neither a token nor an App's id and key every question is GiveUp(``no_token``).
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        app_id: str | None = None,
        private_key: str | None = None,
        timeout: int = 15,
    ) -> None:
        self._client = GithubClient(base_url, token=token, app_id=app_id, private_key=private_key, timeout=timeout)
        self._names = Names(self._client)
        self._proofs = Proofs(self._client, base_url, timeout=timeout)
        self._issues = IssueOpener(self._client, self._names)
        self._asked: set[str] = set()
        """GUIDs of the failed deliveries that the last look asked for again."""

    @property
    def client(self) -> GithubClient:
        """The connection, for the pipelines that GitHub carries out; it closes with this."""
        return self._client

    async def close(self) -> None:
        """Let running calls end and close the connections."""
        await self._client.close()

    async def compare(self, repo: str, base: str, head: str, *, paths: bool) -> Range:
        """The range base...head with each commit's pull request and everyone who wrote it; files if ``paths``.

        At most MOST_COMMITS each way, oldest first; ``truncated`` counts the others.
        """
        repo = await self._present_name(repo)
        direction, arriving, left_out = await self._between(repo, base, head)
        leaving: Sequence[RangeCommit] = ()
        if direction in (Direction.BEHIND, Direction.DIVERGED):
            _, leaving, more = await self._between(repo, head, base)
            left_out += more
        reader = RangeReader(self._client, repo, paths=paths)
        return Range(
            direction=direction,
            arriving=await reader.changes(arriving),
            leaving=await reader.changes(leaving),
            truncated=left_out,
        )

    async def single(self, repo: str, sha: str, *, paths: bool) -> Changes:
        """The one change that a commit is (there is nothing before it to compare with)."""
        repo = await self._present_name(repo)
        answer = await self._client.get(repo, f"/repos/{repo}/commits/{quote(sha)}", f"{repo}@{sha[:12]}")
        found = commit(answer.data) if isinstance(answer.data, dict) else None
        if found is None:
            raise github_errors.unreadable(f"{repo}@{sha[:12]}")
        return await RangeReader(self._client, repo, paths=paths).changes([found])

    async def email(self, login: str) -> str | None:
        """The public address of an account, or None."""
        try:
            answer = await self._client.get(None, f"/users/{quote(login, safe='')}", f"the account {login}")
        except GiveUp as fault:
            if fault.code == "not_found":
                return None
            raise
        return line(answer.data, "email") or None

    async def identity(self) -> str:
        """Who we are to GitHub: an App, the login that the token belongs to, or a token that belongs to nobody."""
        if self._client.is_app:
            return f"the App {line((await self._client.as_app('GET', '/app', 'the App')).data, 'slug')}"
        await self._client.get(None, "/rate_limit", "the token")  # any token that is good at all may ask this
        try:
            return line((await self._client.get(None, "/user", "the token's account")).data, "login")
        except GiveUp:
            return "a token that is nobody's"

    async def hooks(self, repo: str) -> list[Hook] | None:
        """The webhooks of a repository; None where we may not see them (it takes an administrator)."""
        try:
            found = await self._client.pages(repo, f"/repos/{repo}/hooks", repo, most=PER_PAGE)
        except GiveUp:
            return None
        return [
            Hook(
                url=text(piece(one, "config"), "url") or "",
                active=one.get("active") is True,
                events=frozenset(event for event in one.get("events") or () if isinstance(event, str)),
            )
            for one in found
        ]

    async def readable(self, repo: str) -> None:
        """Raise unless we may read this repository."""
        await self._present_name(repo)

    async def redeliver_failed(self, since: datetime) -> MissedDeliveries | None:
        """Ask for webhook deliveries that failed since then and never succeeded; None where we are no App.

        Twice is harmless: a redelivery keeps its GUID, by which it is known. One that GitHub no longer holds is
        passed over, one that was asked for by an earlier look is asked for once more and not counted.
        """
        if not self._client.is_app:
            return None
        missed = {
            guid: attempts for guid, attempts in (await self._deliveries(since)).items() if not _arrived(attempts)
        }
        asked = [
            first
            for guid, attempts in missed.items()
            if (first := await self._ask_again(attempts)) is not None and guid not in self._asked
        ]
        self._asked = set(missed)
        return MissedDeliveries(len(asked), min(asked, default=None), max(asked, default=None))

    async def deployments_since(self, repo: str, since: datetime) -> Sequence[DeployReported]:
        """Every deployment created in a repository since then, each with its latest status, oldest first."""
        repo = await self._present_name(repo)

        def is_older(found: dict[str, Any]) -> bool:
            created = instant(found, "created_at")
            return created is not None and created < since

        found = await self._client.pages(
            repo, f"/repos/{repo}/deployments", repo, most=_MOST_DEPLOYMENTS, stop=is_older
        )

        async def reported(deployment: Mapping[str, Any]) -> DeployReported | None:
            return await self._standing(repo, deployment)

        return _by_age(await each(found, reported))

    async def statuses(self, repo: str, external_ids: Sequence[str]) -> Sequence[DeployReported]:
        """Where these deployments of a repository stand now, oldest first; one that is gone is left out."""
        repo = await self._present_name(repo)

        async def reported(number: str) -> DeployReported | None:
            try:
                answer = await self._client.get(repo, f"/repos/{repo}/deployments/{number}", f"deployment {number}")
            except GiveUp as fault:
                if fault.code != "not_found":
                    raise
                return None
            if not isinstance(answer.data, dict):
                raise github_errors.unreadable(f"deployment {number}")
            return await self._standing(repo, answer.data)

        return _by_age(await each([one for one in external_ids if one.isdecimal()], reported))

    async def login_by_sign_on(self, owner: str, email: str) -> str | None:
        """The login that an organisation's single sign-on knows under this address, or None."""
        return await self._proofs.login_by_sign_on(owner, email)

    async def begin_device_proof(self) -> DeviceProof:
        """Begin to have somebody prove which account is theirs; GiveUp says what the App lacks for it."""
        return await self._proofs.begin()

    async def device_proven(self, proof: DeviceProof) -> str | None:
        """Who entered the code, None while nobody has; RetryLater where GitHub asks for more patience."""
        return await self._proofs.proven(proof)

    async def may_push(self, repo: str, login: str) -> bool:
        """Whether a login may push to a repository, by whatever way it was let in."""
        return await self._proofs.may_push(await self._present_name(repo), login)

    async def open_issue(self, repo: str, title: str, body: str, key: str) -> str:
        """Open an issue and return its address; one whose body carries ``key`` already is that one."""
        return await self._issues.open_issue(repo, title, body, key)

    async def _standing(self, repo: str, deployment: Mapping[str, Any]) -> DeployReported | None:
        number = whole(deployment, "id", limit=2**63 - 1)
        path = f"/repos/{repo}/deployments/{number}/statuses"
        return deploy(repo, deployment, await self._client.pages(repo, path, repo, most=PER_PAGE))

    async def _present_name(self, repo: str) -> str:
        """What the repository is called now, which also tells at once whether we can see it."""
        return (await self._names.of(repo)).name

    async def _between(self, repo: str, base: str, head: str) -> tuple[Direction, Sequence[RangeCommit], int]:
        """How head stands to base, the commits in head and not in base, and how many more there are."""
        path = f"/repos/{repo}/compare/{quote(base)}...{quote(head)}"
        found: dict[str, RangeCommit] = {}
        page = 1
        while True:
            answer = await self._compared(repo, path, page)
            try:
                direction = Direction(text(answer, "status"))
            except ValueError:
                raise github_errors.unreadable(repo) from None
            total, before = whole(answer, "total_commits") or 0, len(found)
            for entry in items(answer.get("commits")):
                one = commit(entry)
                if one is None:
                    raise github_errors.unreadable(repo)
                found.setdefault(one.sha, one)
            if len(found) >= min(total, MOST_COMMITS) or len(found) == before:
                kept = list(found.values())[:MOST_COMMITS]
                return direction, kept, max(total - len(kept), 0)
            page += 1

    async def _compared(self, repo: str, path: str, page: int) -> Mapping[str, Any]:
        try:
            answer = await self._client.get(repo, path, repo, per_page=_COMMITS_PER_PAGE, page=page)
        except GiveUp as fault:
            if fault.code != "not_found":
                raise
            raise GiveUp(
                "unknown_commit",
                f"GitHub knows no such range in {repo}: a commit is gone (force-pushed?) or of another repository.",
            ) from fault
        if not isinstance(answer.data, dict):
            raise github_errors.unreadable(repo)
        return answer.data

    async def _deliveries(self, since: datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The attempts of every delivery since then, newest first, by GUID."""
        attempts: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        cursor: dict[str, str | int] = {}
        for _ in range(_MOST_DELIVERY_PAGES):
            answer = await self._client.as_app(
                "GET", "/app/hook/deliveries", "the App's webhook deliveries", per_page=PER_PAGE, **cursor
            )
            if not isinstance(answer.data, list):
                raise github_errors.unreadable("the App's webhook deliveries")
            for attempt in items(answer.data):
                at = instant(attempt, "delivered_at")
                if at is not None and at < since:
                    return attempts
                attempts[text(attempt, "guid")].append(attempt)
            following = next_cursor(answer)
            if following is None:
                break
            cursor = {"cursor": following}
        return attempts

    async def _ask_again(self, attempts: Sequence[Mapping[str, Any]]) -> datetime | None:
        """Ask for one delivery again; when it first failed, or None where GitHub will not send it any more."""
        number = whole(attempts[0], "id", limit=2**63 - 1)
        failed_at = [at for attempt in attempts if (at := instant(attempt, "delivered_at"))]
        if number is None or not failed_at:
            return None
        try:
            await self._client.as_app("POST", f"/app/hook/deliveries/{number}/attempts", f"webhook delivery {number}")
        except GiveUp as fault:
            if fault.code not in ("not_found", "unprocessable"):
                raise
            return None
        return min(failed_at)


def _arrived(attempts: Iterable[Mapping[str, Any]]) -> bool:
    return any(200 <= (whole(attempt, "status_code") or 0) < 300 for attempt in attempts)


def _by_age(reports: Iterable[DeployReported | None]) -> list[DeployReported]:
    found = [report for report in reports if report is not None]
    return sorted(found, key=lambda report: (report.began_at, int(report.external_id)))
