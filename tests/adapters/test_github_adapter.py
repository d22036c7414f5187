"""The GitHub adapter: PyGithub over real HTTP, against a small server that answers as GitHub does, well or badly."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.github import GithubForge
from bot.adapters.github_range import Claims
from bot.adapters.github_shapes import RangeCommit
from bot.errors import GiveUp, OutgoingError, RetryLater, Unauthorised
from bot.events import Commit, DeployStatus, Human, MergedPull
from bot.ports import Changes, Direction, MissedDeliveries
from handlers.webhooks import github as webhooks

REPO = "acme/checkout"
TOKEN = "ghp_not-a-real-token-5512"
MERGED = "2026-11-20T10:00:00Z"
SINCE = datetime(2026, 11, 20, tzinfo=UTC)
ANA = Human(login="ana", name="Ana Lima", email="ana@acme.example")

Json = dict[str, Any]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
RELEASED = web.AppKey("released", asyncio.Event)


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


def body(value: object, status: int = 200, **headers: str) -> Answer:
    """Any JSON."""
    return raw(json.dumps(value), status, kind="application/json", **headers)


def raw(content: str, status: int = 200, kind: str = "text/html", **headers: str) -> Answer:
    """Any answer at all; header names with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(text=content, status=status, content_type=kind, headers=named)

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    """Take the request, then cut the connection."""
    await request.read()
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(request: web.Request) -> web.StreamResponse:
    """Never answer; the server's end wakes it."""
    await request.app[RELEASED].wait()
    return web.Response()


class GithubServer:
    """Answers each path with what it was told to, in turn; the last answer is repeated; 404 for the rest."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.credentials: list[str] = []
        self._answers: dict[str, list[Answer]] = defaultdict(lambda: [body({"message": "Not Found"}, 404)])
        self.app = web.Application()
        self.app[RELEASED] = asyncio.Event()
        self.app.router.add_route("*", "/api/v3/{path:.*}", self._handle)
        self.server = TestServer(self.app, host="127.0.0.1")
        self.tell("", {"full_name": REPO, "default_branch": "main"})

    def tell(self, path: str, *answers: Answer | Json | list[Json]) -> None:
        """What a path below the repository's answers."""
        self.tell_root(f"repos/{REPO}/{path}".rstrip("/"), *answers)

    def tell_root(self, path: str, *answers: Answer | Json | list[Json]) -> None:
        """What any path of the API answers."""
        self._answers[path] = [answer if callable(answer) else body(answer) for answer in answers]

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

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.calls.append(f"{request.method} {path}")
        self.queries.append(dict(request.query))
        self.credentials.append(request.headers.get("Authorization", ""))
        answers = self._answers[path]
        return await (answers.pop(0) if len(answers) > 1 else answers[0])(request)


@pytest.fixture
async def github() -> AsyncIterator[GithubServer]:
    """A running server that knows one repository."""
    made = GithubServer()
    await made.server.start_server()
    yield made
    made.app[RELEASED].set()
    await made.server.close()


@pytest.fixture
async def forge(github: GithubServer) -> AsyncIterator[GithubForge]:
    """The adapter under test, with a token and little patience."""
    made = GithubForge(github.url, token=TOKEN, timeout=1)
    yield made
    await made.close()


async def between(forge: GithubForge, *, paths: bool = False) -> Changes:
    """What arrives from commit 1 to 99."""
    return (await forge.compare(REPO, sha(1), sha(99), paths=paths)).arriving


def told(fault: BaseException | None) -> str:
    """Everything an error and its causes would show in a log."""
    words = []
    while fault is not None:
        words.append(f"{fault} {fault!r} {fault.__dict__!r}")
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    return " ".join(words)


# Ranges


async def test_a_squashed_pull_request_costs_one_question(forge: GithubForge, github: GithubServer) -> None:
    """The number in its title is confirmed by the pull request itself, which tells all there is."""
    message = (
        "Retry payments (#812)\n\nCo-authored-by: Dee Roy <dee@acme.example>\nCo-authored-by: Ana <ana@acme.example>"
    )
    github.tell_range(commit(2, message, 1))
    github.tell_pulls(pull(812, 2, title="Retry  payments\0"))
    found = await forge.compare(REPO, sha(1), sha(99), paths=False)
    assert found.direction is Direction.AHEAD
    assert found.truncated == 0
    assert found.leaving == Changes()
    assert found.arriving == Changes(
        pulls=(
            MergedPull(
                number=812,
                sha=sha(2),
                title="Retry payments",
                url=f"https://github.example/{REPO}/pull/812",
                author=ANA,
                merger=Human(login="chi"),
                coauthors=(Human(name="Dee Roy", email="dee@acme.example"),),
                labels=("bug",),
                additions=12,
                deletions=3,
                base="main",
                merged_at=datetime(2026, 11, 20, 10, tzinfo=UTC),
            ),
        )
    )
    assert github.asked("pulls") == [f"GET repos/{REPO}/pulls/812"]
    assert set(github.credentials) == {f"token {TOKEN}"}


async def test_a_title_can_lie(forge: GithubForge, github: GithubServer) -> None:
    """Anybody can write a number into a title; the pull request says which commit it became."""
    github.tell_range(commit(2, "Looks reviewed (#812)", 1), commit(3, "Merge pull request #4 from x/y", 2))
    github.tell_pulls(pull(812, 70))
    github.tell_introduced(2)
    github.tell_introduced(3)
    found = await between(forge)
    assert found.pulls == ()
    assert [direct.sha for direct in found.commits] == [sha(2), sha(3)]


async def test_a_merge_commit_brings_its_commits_along(forge: GithubForge, github: GithubServer) -> None:
    """By the graph, without asking about each; whoever wrote one of them is an author too."""
    github.tell_range(
        commit(2, "Begin\n\nCo-authored-by: Eve <eve@acme.example>", 1),
        commit(3, "Go on", 2, login="ben", name="Ben", email="ben@acme.example"),
        commit(4, "Merge pull request #812 from acme/retry\n\nRetry", 1, 3, login="chi", name="Chi", email="c@x"),
    )
    github.tell_pulls(pull(812, 4))
    (found,) = (await between(forge)).pulls
    assert found.sha == sha(4)
    assert found.commits == (sha(2), sha(3))
    assert found.author == ANA
    assert found.coauthors == (
        Human(login="ben", name="Ben", email="ben@acme.example"),
        Human(name="Eve", email="eve@acme.example"),
    )
    assert github.asked("commits/") == []


async def test_what_a_branch_took_from_main_is_not_its_own(forge: GithubForge, github: GithubServer) -> None:
    """Main was merged into the branch before the branch was merged into main."""
    github.tell_range(
        commit(2, "Straight to main", 1, login="ben"),
        commit(3, "On the branch", 1),
        commit(4, "Merge branch 'main' into retry", 3, 2),
        commit(5, "Merge pull request #812 from acme/retry", 2, 4, login="chi"),
    )
    github.tell_pulls(pull(812, 5))
    github.tell_introduced(2)
    found = await between(forge)
    assert [one.commits for one in found.pulls] == [(sha(3), sha(4))]
    assert [direct.sha for direct in found.commits] == [sha(2)]


async def test_a_stacked_pull_request_keeps_its_own_commits(forge: GithubForge, github: GithubServer) -> None:
    """It was merged into another's branch, and both came to main together."""
    github.tell_range(
        commit(2, "Lower", 1),
        commit(3, "Upper", 2, login="ben", name="Ben", email="ben@acme.example"),
        commit(4, "Merge pull request #2 from acme/upper", 2, 3, login="ben"),
        commit(5, "Merge pull request #1 from acme/lower", 1, 4, login="chi"),
    )
    github.tell_pulls(pull(1, 5), pull(2, 4, base="lower", login="ben"))
    upper, lower = (await between(forge)).pulls
    assert (upper.number, upper.commits, upper.coauthors) == (2, (sha(3),), ())
    assert (lower.number, lower.commits, lower.coauthors) == (1, (sha(2),), ())


async def test_a_rebased_pull_request_is_one_change(forge: GithubForge, github: GithubServer) -> None:
    """However many commits it became; their titles say nothing, so each is asked about."""
    github.tell_range(commit(2, "One", 1), commit(3, "Two", 2), commit(4, "Three", 3))
    rebased = pull(812, 4)
    github.tell_pulls(rebased)
    for number in (2, 3, 4):
        github.tell_introduced(number, rebased)
    found = await between(forge)
    assert [(one.number, one.sha, one.commits) for one in found.pulls] == [(812, sha(4), (sha(2), sha(3)))]
    assert found.commits == ()
    assert len(github.asked("GET repos/acme/checkout/pulls/")) == 1


async def test_half_a_rebased_pull_request_is_still_it(forge: GithubForge, github: GithubServer) -> None:
    """A range may end within one: then it counts if it went to the default branch."""
    github.tell_range(commit(2, "One", 1))
    rebased = pull(812, 50)
    github.tell_pulls(rebased)
    github.tell_introduced(2, rebased)
    (found,) = (await between(forge)).pulls
    assert (found.sha, found.commits) == (sha(50), (sha(2),))


async def test_pull_requests_that_merely_contain_a_commit_do_not_count(
    forge: GithubForge, github: GithubServer
) -> None:
    """Open ones, ones merged elsewhere, and a fork's."""
    github.tell_range(commit(2, "Straight to main", 1))
    github.tell_introduced(
        2,
        pull(1, 50, merged_at=None),
        pull(2, 51, base="develop"),
        pull(3, 2, base="main") | {"base": {"ref": "main", "repo": {"full_name": "fork/checkout"}}},
    )
    found = await between(forge)
    assert found.pulls == ()
    assert len(found.commits) == 1


async def test_an_unusually_titled_merge_is_asked_about_before_its_commits(
    forge: GithubForge, github: GithubServer
) -> None:
    """One question then answers for all it brought in."""
    github.tell_range(commit(2, "One", 1), commit(3, "Two", 2), commit(4, "Ship retry", 1, 3, login="chi"))
    github.tell_pulls(pull(812, 4))
    github.tell_introduced(4, pull(812, 4))
    (found,) = (await between(forge)).pulls
    assert found.commits == (sha(2), sha(3))
    assert github.asked("commits/") == [f"GET repos/{REPO}/commits/{sha(4)}/pulls"]


async def test_direct_commits_name_everyone(forge: GithubForge, github: GithubServer) -> None:
    """With the account where GitHub found one, and who signed it otherwise."""
    github.tell_range(
        commit(2, "Fix\n\nCo-authored-by: Dee <9+dee@users.noreply.github.com>", 1),
        commit(3, "Bump", 2, login="dependabot[bot]", name="dependabot[bot]", kind="Bot", email="d@x"),
        commit(4, "From a laptop", 3, login=None, name="Ben", email="ben@laptop"),
        commit(5, "By nobody", 4, login=None, name="", email=""),
    )
    for number in (2, 3, 4, 5):
        github.tell_introduced(number)
    first, second, third, fourth = (await between(forge)).commits
    assert first == Commit(
        sha=sha(2),
        message="Fix\n\nCo-authored-by: Dee <9+dee@users.noreply.github.com>",
        author=ANA,
        coauthors=(Human(login="dee", name="Dee", email="9+dee@users.noreply.github.com"),),
        url=f"https://github.example/{REPO}/commit/{sha(2)}",
        at=datetime(2026, 11, 20, 10, tzinfo=UTC),
    )
    assert second.author.bot
    assert third.author == Human(name="Ben", email="ben@laptop")
    assert fourth.author == Human(name="unknown")


async def test_deleted_accounts_have_a_name(forge: GithubForge, github: GithubServer) -> None:
    """GitHub calls them ghost."""
    github.tell_range(commit(2, "Old (#7)", 1, login=None, name="Someone", email="s@x"))
    github.tell_pulls(pull(7, 2, login=None, merged_by=None))
    (found,) = (await between(forge)).pulls
    assert (found.author, found.merger) == (Human(name="ghost"), None)
    assert found.coauthors == (Human(name="Someone", email="s@x"),)


async def test_nothing_lies_between_a_commit_and_itself(forge: GithubForge, github: GithubServer) -> None:
    """And nothing is asked about it."""
    github.tell_range(status="identical")
    found = await forge.compare(REPO, sha(1), sha(99), paths=True)
    assert (found.direction, found.arriving, found.leaving) == (Direction.IDENTICAL, Changes(), Changes())
    assert len(github.calls) == 2


async def test_a_rollback_says_what_leaves(forge: GithubForge, github: GithubServer) -> None:
    """The reverse comparison tells it."""
    github.tell_range(status="behind")
    github.tell(f"compare/{sha(99)}...{sha(1)}", comparison("ahead", [commit(2, "Retry (#812)", 99)]))
    github.tell_pulls(pull(812, 2))
    found = await forge.compare(REPO, sha(1), sha(99), paths=False)
    assert (found.direction, found.arriving) == (Direction.BEHIND, Changes())
    assert [one.number for one in found.leaving.pulls] == [812]


async def test_a_hotfix_branch_brings_and_takes(forge: GithubForge, github: GithubServer) -> None:
    """Neither side holds all of the other."""
    github.tell_range(commit(2, "Hotfix", 1), status="diverged")
    github.tell(f"compare/{sha(99)}...{sha(1)}", comparison("diverged", [commit(3, "Retry (#812)", 1)]))
    github.tell_introduced(2)
    github.tell_pulls(pull(812, 3))
    found = await forge.compare(REPO, sha(1), sha(99), paths=False)
    assert found.direction is Direction.DIVERGED
    assert [one.sha for one in found.arriving.commits] == [sha(2)]
    assert [one.number for one in found.leaving.pulls] == [812]


def stretch(github: GithubServer, total: int, *sizes: int) -> None:
    """A long range in pages of these sizes: a merge commit, and the chain it brought in, as far as it is told."""
    read = min(sum(sizes), 1000)
    chain = (commit(number, "Step", number - 1) for number in range(3, total + 2))
    merge = commit(2, "Merge pull request #812 from acme/long", 1, read + 1, login="chi")
    told_commits = iter([merge, *chain])
    pages = [[one for _, one in zip(range(size), told_commits, strict=False)] for size in sizes]
    github.tell(f"compare/{sha(1)}...{sha(99)}", *(comparison("ahead", page, total) for page in pages))
    github.tell_pulls(pull(812, 2))


async def test_a_long_range_is_read_page_by_page(forge: GithubForge, github: GithubServer) -> None:
    """GitHub gives 250 commits at once."""
    stretch(github, 300, 250, 50)
    found = await forge.compare(REPO, sha(1), sha(99), paths=False)
    assert len(found.arriving.pulls[0].commits) == 299
    assert found.truncated == 0
    asked = [query for call, query in zip(github.calls, github.queries, strict=True) if "compare" in call]
    assert asked == [{"page": "1", "per_page": "250"}, {"page": "2", "per_page": "250"}]


async def test_what_github_leaves_out_is_counted(forge: GithubForge, github: GithubServer) -> None:
    """An empty page ends the reading; the range does not pass for whole."""
    stretch(github, 20, 10, 0)
    found = await forge.compare(REPO, sha(1), sha(99), paths=False)
    assert len(found.arriving.pulls[0].commits) == 9
    assert found.truncated == 10


async def test_an_endless_range_is_cut_and_counted(forge: GithubForge, github: GithubServer) -> None:
    """A first deploy after a year would cost thousands of calls."""
    stretch(github, 5000, 400, 400, 400, 400)
    found = await forge.compare(REPO, sha(1), sha(99), paths=False)
    assert len(found.arriving.pulls[0].commits) == 999
    assert found.truncated == 4000
    assert len(github.asked("compare")) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"body": "Reverts acme/checkout#700"}, 'Revert "x" (#812)'),
        ({"body": "Sorry.\nReverts #700 because of latency"}, "Back (#812)"),
        ({"title": 'Revert "Retry (#700)"'}, "Back (#812)"),
        ({"body": f"This reverts commit {sha(3)}."}, "Back (#812)"),
        ({}, f'Revert "Retry" (#812)\n\nThis reverts commit {sha(3)}.'),
        ({}, f'Revert "Retry" (#812)\n\nThis reverts commit {sha(60)}.'),
    ],
)
async def test_a_revert_says_what_it_takes_back(
    fields: Json, message: str, forge: GithubForge, github: GithubServer
) -> None:
    """By number, or by a commit of this range or of long ago."""
    github.tell_range(commit(3, "Retry (#700)", 1), commit(4, message, 3))
    github.tell_pulls(pull(700, 3), pull(812, 4, **fields))
    github.tell_introduced(60, pull(700, 60))
    first, second = (await between(forge)).pulls
    assert (first.reverts, second.reverts) == (None, 700)


@pytest.mark.parametrize("text", ["Reverts other/place#700", f"This reverts commit {sha(61)}.", "Reverts nothing"])
async def test_a_revert_of_something_else_is_no_revert_of_ours(
    text: str, forge: GithubForge, github: GithubServer
) -> None:
    """Another repository's number, or a commit that GitHub does not know."""
    github.tell_range(commit(4, "Back (#812)", 1))
    github.tell_pulls(pull(812, 4, body=text))
    github.tell(f"commits/{sha(61)}/pulls", body({"message": "No commit found for SHA"}, 422))
    assert (await between(forge)).pulls[0].reverts is None


async def test_files_are_read_where_they_are_wanted(forge: GithubForge, github: GithubServer) -> None:
    """All pages of them, with the old name of what was moved."""
    github.tell_range(commit(2, "Retry (#812)", 1), commit(3, "Straight", 2))
    github.tell_pulls(pull(812, 2))
    github.tell_introduced(3)
    github.tell(
        "pulls/812/files",
        body([{"filename": "b.py"}], Link=f'<{github.url}/repos/{REPO}/pulls/812/files?page=2>; rel="next"'),
        [{"filename": "a.py", "previous_filename": "old.py"}],
    )
    github.tell(f"commits/{sha(3)}", {"sha": sha(3), "files": [{"filename": "c.py"}]})
    found = await between(forge, paths=True)
    assert found.pulls[0].paths == ("a.py", "b.py", "old.py")
    assert found.commits[0].paths == ("c.py",)


async def test_a_full_page_without_a_link_is_followed(forge: GithubForge, github: GithubServer) -> None:
    """Some proxies drop the header that tells of more."""
    github.tell_range(commit(2, "Retry (#812)", 1))
    github.tell_pulls(pull(812, 2))
    github.tell("pulls/812/files", [{"filename": f"{n}.py"} for n in range(100)], [{"filename": "last.py"}])
    paths = (await between(forge, paths=True)).pulls[0].paths
    assert paths is not None
    assert len(paths) == 101


# Whole or not at all


@pytest.mark.parametrize("place", ["pulls/2", f"commits/{sha(4)}/pulls", "pulls/1/files", f"commits/{sha(4)}"])
@pytest.mark.parametrize("fault", [body({"message": "Server Error"}, 500), raw("<h1>Hi</h1>"), cut])
async def test_one_question_without_an_answer_fails_the_range(
    place: str, fault: Answer, forge: GithubForge, github: GithubServer
) -> None:
    """Half a range must never pass for the whole of it."""
    github.tell_range(commit(2, "One (#1)", 1), commit(3, "Two (#2)", 2), commit(4, "Three", 3))
    github.tell_pulls(pull(1, 2), pull(2, 3))
    github.tell_introduced(4)
    for files in ("pulls/1/files", "pulls/2/files"):
        github.tell(files, [])
    github.tell(f"commits/{sha(4)}", {"files": []})
    assert len((await between(forge, paths=True)).pulls) == 2
    github.tell(place, fault)
    with pytest.raises(RetryLater):
        await between(forge, paths=True)


async def test_a_pull_request_that_is_named_and_then_denied_fails_the_range(
    forge: GithubForge, github: GithubServer
) -> None:
    """GitHub's replicas disagree for a moment after a merge."""
    github.tell_range(commit(2, "One", 1))
    github.tell_introduced(2, pull(812, 2))
    with pytest.raises(RetryLater):
        await between(forge)


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "sideways", "commits": [], "total_commits": 0},
        {"commits": []},
        comparison("ahead", [{"sha": "not a commit"}]),
        [],
    ],
)
async def test_a_comparison_that_makes_no_sense_is_asked_for_again(
    odd: Json | list[Json], forge: GithubForge, github: GithubServer
) -> None:
    """Rather than be read as nothing."""
    github.tell(f"compare/{sha(1)}...{sha(99)}", odd)
    with pytest.raises(RetryLater):
        await between(forge)


async def test_an_unknown_commit_is_told_apart_from_an_unseen_repository(
    forge: GithubForge, github: GithubServer
) -> None:
    """The one was force-pushed away, the other is a matter of permissions."""
    with pytest.raises(GiveUp, match="force-pushed") as gone:
        await between(forge)
    assert gone.value.code == "unknown_commit"
    with pytest.raises(GiveUp, match="cannot see acme/secret"):
        await forge.compare("acme/secret", sha(1), sha(99), paths=False)


async def test_a_renamed_repository_is_asked_for_by_its_new_name(forge: GithubForge, github: GithubServer) -> None:
    """Once for all: PyGithub loses the page number when it follows a redirect."""
    github.tell_root("repos/acme/shop", {"full_name": REPO})
    github.tell_range(status="identical")
    for _ in range(2):
        await forge.compare("acme/shop", sha(1), sha(99), paths=False)
    assert len(github.asked("acme/shop")) == 1
    assert len(github.asked("compare")) == 2


@pytest.mark.parametrize("name", ["", "checkout", "acme/checkout/../../user", "acme/check out", "a/b?c"])
async def test_a_name_that_is_no_repositorys_is_not_asked_for(
    name: str, forge: GithubForge, github: GithubServer
) -> None:
    """It comes from payloads, and becomes part of an address."""
    with pytest.raises(GiveUp, match="acme/checkout"):
        await forge.single(name, sha(2), paths=False)
    assert github.calls == []


# One commit


async def test_one_commit_is_the_pull_request_it_became(forge: GithubForge, github: GithubServer) -> None:
    """There was nothing before it to compare with."""
    github.tell(f"commits/{sha(2)}", commit(2, "Retry (#812)", 1))
    github.tell_pulls(pull(812, 2))
    assert [one.number for one in (await forge.single(REPO, sha(2), paths=False)).pulls] == [812]


async def test_one_commit_without_a_pull_request_is_itself(forge: GithubForge, github: GithubServer) -> None:
    """With its files where they are wanted."""
    github.tell(f"commits/{sha(2)}", commit(2, "Straight", 1, files=[{"filename": "a.py"}]))
    github.tell_introduced(2)
    found = await forge.single(REPO, sha(2), paths=True)
    assert [(one.sha, one.paths) for one in found.commits] == [(sha(2), ("a.py",))]


async def test_a_commit_that_is_none_is_asked_for_again(forge: GithubForge, github: GithubServer) -> None:
    """Half an answer is none."""
    github.tell(f"commits/{sha(2)}", {"commit": {}})
    with pytest.raises(RetryLater):
        await forge.single(REPO, sha(2), paths=False)


# Faults

LIMIT = "API rate limit exceeded for installation ID 7."
NOON = "Sat, 21 Nov 2026 12:00:00 GMT"
QUARTER_PAST = str(int(datetime(2026, 11, 21, 12, 15, tzinfo=UTC).timestamp()))


@pytest.mark.parametrize(
    ("answer", "delay"),
    [
        (body({"message": LIMIT}, 403, x_ratelimit_remaining="0", x_ratelimit_reset=QUARTER_PAST, Date=NOON), 901.0),
        (body({"message": LIMIT}, 429, x_ratelimit_remaining="0", x_ratelimit_reset=QUARTER_PAST, Date=NOON), 901.0),
        (body({"message": LIMIT}, 403, x_ratelimit_remaining="0", x_ratelimit_reset="1"), 1.0),
        (body({"message": LIMIT}, 403, x_ratelimit_remaining="0"), 60.0),
        (body({"message": LIMIT}, 403, x_ratelimit_remaining="0", x_ratelimit_reset="1", Date="noon"), 1.0),
        (body({"message": LIMIT}, 403, Retry_After="soon"), 60.0),
        (body({"message": "You have exceeded a secondary rate limit."}, 403, Retry_After="7"), 7.0),
        (body({"message": "You have exceeded a secondary rate limit."}, 403), 60.0),
        (raw("slow down", 429), 60.0),
        (body({"message": LIMIT}, 403, Retry_After="99999"), 3600.0),
    ],
)
async def test_github_says_how_long_to_wait(
    answer: Answer, delay: float, forge: GithubForge, github: GithubServer
) -> None:
    """By its own clock; no thread sleeps for it, and nothing is repeated before."""
    github.tell("", answer)
    with pytest.raises(RetryLater) as raised:
        await between(forge)
    assert raised.value.rate_limited
    assert raised.value.delay == delay
    assert len(github.calls) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (body({"message": "Bad credentials"}, 401), Unauthorised, "GITHUB_TOKEN"),
        (body({"message": "Resource not accessible by integration"}, 403), Unauthorised, "not accessible"),
        (body({"message": "SSO"}, 403, X_GitHub_SSO="required; url=https://x"), Unauthorised, "single sign-on"),
        (body({"message": "Not Found"}, 404), GiveUp, "The token cannot see acme/checkout"),
        (raw("<h1>404</h1>", 404), GiveUp, "The token cannot see acme/checkout"),
        (body({"message": "Validation Failed"}, 422), GiveUp, "Validation Failed"),
        (body({"message": "Unavailable for legal reasons"}, 451), GiveUp, "legal reasons"),
    ],
)
async def test_a_refusal_is_final_and_says_the_mend(
    answer: Answer, kind: type[GiveUp], said: str, forge: GithubForge, github: GithubServer
) -> None:
    """One question is enough to know."""
    github.tell("", answer)
    with pytest.raises(GiveUp, match=said) as raised:
        await between(forge)
    assert type(raised.value) is kind
    assert len(github.calls) == 1
    assert TOKEN not in told(raised.value)


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        (body({"message": "Server Error"}, 500), 2),
        (raw("<h1>Bad gateway</h1>", 502), 2),
        (raw("", 503, Retry_After="600"), 2),
        (raw("", 408), 1),
        (cut, 2),
        (hang, 2),
        (raw("<h1>Welcome</h1>"), 1),
        (raw('{"full_na', kind="application/json"), 1),
        (raw(""), 1),
        (body([]), 1),
        (body({"full_name": "odd"}), 1),
        (body(["an error as a list"], 400), 1),
    ],
)
async def test_what_may_pass_is_tried_again_later(
    answer: Answer, calls: int, forge: GithubForge, github: GithubServer
) -> None:
    """A GET is repeated once at once where the connection or the server failed; the engine does the waiting."""
    github.tell("", answer)
    with pytest.raises(RetryLater) as raised:
        await between(forge)
    assert not raised.value.rate_limited
    assert len(github.calls) == calls
    assert TOKEN not in told(raised.value)


async def test_one_stumble_is_not_even_noticed(forge: GithubForge, github: GithubServer) -> None:
    """The repeated GET answers."""
    github.tell_range(status="identical")
    github.tell("", body({}, 502), {"full_name": REPO})
    await between(forge)


async def test_nobody_at_the_address_is_tried_again_later() -> None:
    """GitHub may be down; the card is completed when it is back."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        lonely = GithubForge(f"http://127.0.0.1:{unused.getsockname()[1]}", token=TOKEN, timeout=1)
        try:
            with pytest.raises(RetryLater):
                await between(lonely)
        finally:
            await lonely.close()


async def test_a_redirect_elsewhere_names_the_setting(forge: GithubForge, github: GithubServer) -> None:
    """The token must not follow to another host."""
    github.tell("", raw("", 301, Location="https://github.example/api/v3/"))
    with pytest.raises(GiveUp, match="GITHUB_API_URL"):
        await between(forge)


async def test_without_credentials_nothing_is_asked(github: GithubServer) -> None:
    """The mend names the settings; redelivery is for Apps."""
    bare = GithubForge(github.url)
    try:
        for question in (
            bare.compare(REPO, sha(1), sha(99), paths=False),
            bare.single(REPO, sha(2), paths=False),
            bare.email("ana"),
            bare.deployments_since(REPO, SINCE),
        ):
            with pytest.raises(GiveUp, match="GITHUB_TOKEN") as raised:
                await question
            assert raised.value.code == "no_token"
        assert await bare.redeliver_failed(SINCE) is None
    finally:
        await bare.close()
    assert github.calls == []


@pytest.mark.parametrize("token", ["ghp_secret\nX-Injected: 1", "ghp_s\u20accret"])
async def test_a_token_that_cannot_be_sent_is_not_repeated(token: str, github: GithubServer) -> None:
    """The HTTP library's complaint about such a header would show it."""
    wrong = GithubForge(github.url, token=token)
    try:
        with pytest.raises(Unauthorised) as raised:
            await between(wrong)
    finally:
        await wrong.close()
    assert "cret" not in told(raised.value)
    assert github.calls == []


# People


async def test_a_public_address_is_told(forge: GithubForge, github: GithubServer) -> None:
    """Nobody, and nobody's address, are answers and not failures."""
    github.tell_root("users/ana", {"login": "ana", "email": "ana@acme.example"})
    github.tell_root("users/ben", {"login": "ben", "email": None})
    assert await forge.email("ana") == "ana@acme.example"
    assert await forge.email("ben") is None
    assert await forge.email("nobody/../../x") is None
    github.tell_root("users/ana", body({}, 401))
    with pytest.raises(Unauthorised):
        await forge.email("ana")


# As an App


@pytest.fixture(scope="module")
def private_key() -> str:
    """An App's key, made for the run, as an environment file carries it: on one line."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return pem.decode().replace("\n", "\\n")


@pytest.fixture
async def app(github: GithubServer, private_key: str) -> AsyncIterator[GithubForge]:
    """The adapter as a GitHub App that is installed on acme."""
    github.tell("installation", {"id": 41})
    github.tell_root("app/installations", [{"id": 41, "account": {"login": "acme"}}])
    token = {"token": "ghs_installed", "expires_at": "2126-01-01T00:00:00Z", "permissions": {}}
    github.tell_root("app/installations/41/access_tokens", body(token, 201))
    made = GithubForge(github.url, app_id="7", private_key=private_key, timeout=1)
    yield made
    await made.close()


async def test_an_app_asks_as_its_installation(app: GithubForge, github: GithubServer) -> None:
    """One token serves many threads; it is fetched once."""
    github.tell_range(*(commit(number, f"Change (#{number})", number - 1) for number in range(2, 10)))
    github.tell_pulls(*(pull(number, number) for number in range(2, 10)))
    assert len((await between(app)).pulls) == 8
    assert len(github.asked("access_tokens")) == 1
    assert len(github.asked("installation")) == 2
    asked = {who for call, who in zip(github.calls, github.credentials, strict=True) if "pulls" in call}
    assert asked == {"token ghs_installed"}


async def test_threads_that_come_at_once_fetch_one_token(app: GithubForge, github: GithubServer) -> None:
    """PyGithub alone would fetch one for each."""
    github.tell_root("users/ana", {"email": "ana@acme.example"})
    assert await asyncio.gather(*(app.email("ana") for _ in range(8))) == ["ana@acme.example"] * 8
    assert len(github.asked("access_tokens")) == 1
    assert len(github.asked("app/installations")) == 2
    github.tell_range(status="identical")
    await between(app)
    assert await app.email("ana") == "ana@acme.example"


async def test_an_app_that_is_not_installed_says_so(app: GithubForge, github: GithubServer) -> None:
    """Somebody has to install it; the repository is named."""
    github.tell("installation", body({"message": "Not Found"}, 404))
    with pytest.raises(GiveUp, match="acme/checkout"):
        await between(app)
    github.tell_root("app/installations", [])
    with pytest.raises(Unauthorised, match="Install"):
        await app.email("ana")


async def test_a_key_that_is_none_is_not_repeated(github: GithubServer) -> None:
    """Half a key is still a secret."""
    wrong = GithubForge(github.url, app_id="7", private_key="-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n")
    try:
        with pytest.raises(Unauthorised, match="GITHUB_APP_PRIVATE_KEY") as raised:
            await between(wrong)
    finally:
        await wrong.close()
    assert "c2VjcmV0" not in told(raised.value)


def delivery(number: int, guid: str, at: str, status: int, *, again: bool = False) -> Json:
    """One attempt at a webhook delivery, as GitHub lists it."""
    return {
        "id": number,
        "guid": guid,
        "delivered_at": at,
        "redelivery": again,
        "status": "OK" if status < 300 else "failed to connect to host",
        "status_code": status,
        "event": "deployment_status",
    }


async def test_deliveries_that_never_arrived_are_asked_for_again(app: GithubForge, github: GithubServer) -> None:
    """Each once, by its latest attempt, with the time it was first missed; older ones are let be."""
    github.tell_root(
        "app/hook/deliveries",
        body(
            [
                delivery(9, "late", "2026-11-20T12:30:00Z", 200, again=True),
                delivery(8, "lost", "2026-11-20T12:25:00Z", 503, again=True),
                delivery(7, "lost", "2026-11-20T12:19:00Z", 0),
            ],
            Link=f'<{github.url}/app/hook/deliveries?per_page=100&cursor=v1_6>; rel="next"',
        ),
        [
            delivery(6, "gone", "2026-11-20T12:10:00Z", 500),
            delivery(5, "late", "2026-11-20T12:06:00Z", 502),
            delivery(4, "missed", "2026-11-20T12:04:00Z", 502),
            delivery(3, "old", "2026-11-19T23:59:59Z", 502),
        ],
    )
    for number in (8, 4):
        github.tell_root(f"app/hook/deliveries/{number}/attempts", body({}, 202))
    assert await app.redeliver_failed(SINCE) == MissedDeliveries(
        requested=2,
        first_at=datetime(2026, 11, 20, 12, 4, tzinfo=UTC),
        last_at=datetime(2026, 11, 20, 12, 19, tzinfo=UTC),
    )
    assert [call for call in github.calls if call.startswith("POST app/hook")] == [
        "POST app/hook/deliveries/8/attempts",
        "POST app/hook/deliveries/6/attempts",
        "POST app/hook/deliveries/4/attempts",
    ]
    assert github.queries[1]["cursor"] == "v1_6"
    assert all(who.startswith("Bearer ") for who in github.credentials)


async def test_what_fails_again_and_again_is_counted_once(app: GithubForge, github: GithubServer) -> None:
    """It is asked for by each look that still sees it, and told by the first."""
    github.tell_root("app/hook/deliveries", [delivery(4, "missed", "2026-11-20T12:04:00Z", 502)])
    github.tell_root("app/hook/deliveries/4/attempts", body({}, 202))
    found = [await app.redeliver_failed(SINCE) for _ in range(2)]
    assert [one.requested for one in found if one is not None] == [1, 0]
    assert len(github.asked("attempts")) == 2


async def test_nothing_missed_is_nothing_asked(app: GithubForge, github: GithubServer) -> None:
    """The list may end before the time asked about."""
    github.tell_root("app/hook/deliveries", [delivery(9, "fine", "2026-11-20T12:30:00Z", 202), {"guid": "odd"}])
    assert await app.redeliver_failed(SINCE) == MissedDeliveries(requested=0)


async def test_asking_again_is_not_repeated_by_itself(app: GithubForge, github: GithubServer) -> None:
    """PyGithub's default would send a POST four times; the whole look back is tried again instead."""
    github.tell_root("app/hook/deliveries", [delivery(4, "missed", "2026-11-20T12:04:00Z", 502)])
    github.tell_root("app/hook/deliveries/4/attempts", body({}, 502))
    with pytest.raises(RetryLater):
        await app.redeliver_failed(SINCE)
    assert len(github.asked("attempts")) == 1
    github.tell_root("app/hook/deliveries", raw("<h1>Hi</h1>"))
    with pytest.raises(RetryLater):
        await app.redeliver_failed(SINCE)


async def test_a_token_cannot_ask_for_deliveries(forge: GithubForge, github: GithubServer) -> None:
    """Then the deployments are listed instead."""
    assert await forge.redeliver_failed(SINCE) is None
    assert github.calls == []


# Deployments


def deployment(number: int, at: str = "2026-11-20T12:00:00Z", **fields: Any) -> Json:
    """A deployment as GitHub lists it, and as its webhooks carry it."""
    return {
        "id": number,
        "sha": sha(2),
        "ref": "main",
        "task": "deploy",
        "payload": {},
        "environment": "production",
        "description": None,
        "creator": {"login": "ana", "type": "User"},
        "created_at": at,
        "updated_at": at,
        "transient_environment": False,
        "production_environment": True,
        **fields,
    }


def status(number: int, state: str, at: str = "2026-11-20T12:05:00Z", **fields: Any) -> Json:
    """One status of a deployment."""
    return {
        "id": number,
        "state": state,
        "created_at": at,
        "log_url": "https://ci.example/run/1",
        "description": "",
        **fields,
    }


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        ("success", {}),
        ("failure", {"payload": {"service": "ledger"}}),
        ("error", {"payload": '{"service": "ledger"}'}),
        ("in_progress", {"task": "deploy:cart"}),
        ("queued", {"payload": "not json", "description": "By hand"}),
        ("waiting", {"creator": {"login": "github-actions[bot]", "type": "Bot"}, "production_environment": None}),
        ("pending", {"environment": " pro\0duction ", "creator": None, "payload": "[" * 5000}),
    ],
)
async def test_a_deployment_listed_is_the_deployment_heard_of(
    state: str, fields: Json, forge: GithubForge, github: GithubServer
) -> None:
    """The same rollout seen by webhook and by list is one: in every field."""
    github.tell("deployments", [deployment(71, **fields)])
    github.tell("deployments/71/statuses", [status(2, state)])
    payload = {
        "action": "created",
        "deployment": deployment(71, **fields),
        "deployment_status": status(2, state),
        "repository": {"full_name": REPO, "default_branch": "main"},
    }
    headers = {"X-GitHub-Event": "deployment_status", "X-GitHub-Delivery": "1", "Content-Type": "application/json"}
    heard = webhooks.translate(headers, json.dumps(payload).encode())
    assert list(await forge.deployments_since(REPO, SINCE)) == heard


async def test_the_latest_telling_status_counts(forge: GithubForge, github: GithubServer) -> None:
    """In whatever order they come; inactive only says that another took over."""
    github.tell("deployments", [deployment(71), deployment(70, "2026-11-20T11:00:00Z")])
    github.tell(
        "deployments/71/statuses",
        [
            status(1, "in_progress", "2026-11-20T12:01:00Z"),
            status(3, "inactive", "2026-11-20T13:00:00Z"),
            status(2, "success", "2026-11-20T12:05:00Z"),
        ],
    )
    github.tell("deployments/70/statuses", [])
    first, second = await forge.deployments_since(REPO, SINCE)
    assert (first.external_id, first.status, first.at) == ("70", DeployStatus.PENDING, first.began_at)
    assert (second.external_id, second.status) == ("71", DeployStatus.SUCCEEDED)
    assert second.at == datetime(2026, 11, 20, 12, 5, tzinfo=UTC)


async def test_a_deployment_that_is_named_is_told_as_it_stands_now(forge: GithubForge, github: GithubServer) -> None:
    """However long ago it was created; one that was deleted is left out, and what is no number is not asked about."""
    github.tell("deployments/71", deployment(71, "2026-11-17T12:00:00Z"))
    github.tell("deployments/71/statuses", [status(2, "success")])
    github.tell("deployments/70", body({"message": "Not Found"}, 404))
    (found,) = await forge.statuses(REPO, ["71", "70", "../hooks"])
    assert (found.external_id, found.status) == ("71", DeployStatus.SUCCEEDED)
    assert github.asked("hooks") == []
    github.tell("deployments/70", body(["odd"]))
    with pytest.raises(RetryLater):
        await forge.statuses(REPO, ["70"])


async def test_previews_and_odd_ones_are_left_out(forge: GithubForge, github: GithubServer) -> None:
    """So is one of which only its end is known; what is older is not even read."""
    github.tell(
        "deployments",
        [
            deployment(75, transient_environment=True),
            deployment(74, environment=""),
            deployment(73, sha="main"),
            deployment(72),
            deployment(71, "2026-11-19T23:00:00Z"),
        ],
    )
    for number in (72, 73, 74, 75):
        github.tell(f"deployments/{number}/statuses", [status(1, "inactive")])
    assert list(await forge.deployments_since(REPO, SINCE)) == []
    assert github.asked("deployments/71") == []


async def test_deployments_without_their_statuses_are_not_told(forge: GithubForge, github: GithubServer) -> None:
    """Better late than wrong."""
    github.tell("deployments", [deployment(71)])
    github.tell("deployments/71/statuses", body({}, 500))
    with pytest.raises(RetryLater):
        await forge.deployments_since(REPO, SINCE)
    github.tell("deployments", {"data": "odd"})
    with pytest.raises(RetryLater):
        await forge.deployments_since(REPO, SINCE)


# Around it


def test_pygithub_is_not_imported_before_it_is_needed() -> None:
    """It costs a third of a second, and the bot shall start quickly."""
    code = "import sys, bot.adapters.github; sys.exit('github' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_closing_is_not_the_end(forge: GithubForge, github: GithubServer) -> None:
    """A call after close opens new connections rather than fail; closing twice does no harm."""
    github.tell_root("users/ana", {"email": "ana@acme.example"})
    await forge.email("ana")
    await forge.close()
    await forge.close()
    assert await forge.email("ana") == "ana@acme.example"


@st.composite
def histories(draw: st.DrawFn) -> list[RangeCommit]:
    """Any history: each commit has up to two earlier ones before it."""
    commits = []
    for number in range(1, draw(st.integers(1, 25)) + 1):
        parents = draw(st.lists(st.integers(0, number - 1), max_size=2, unique=True))
        shown = Commit(sha=sha(number), message="", author=Human(name="x"))
        commits.append(RangeCommit(shown, tuple(sha(parent) for parent in parents)))
    return commits


@given(histories(), st.data())
def test_every_commit_belongs_to_one_change(history: list[RangeCommit], data: st.DataObject) -> None:
    """Whatever the graph: one pull request or none, nothing lost, nothing twice, and landings stay."""
    claims = Claims(history)
    landed = data.draw(st.dictionaries(st.sampled_from([one.sha for one in history]), st.integers(1, 5)))
    for landing, number in landed.items():
        claims.land(landing, number)
    claims.spread()
    claims.spread()
    groups = claims.by_pull()
    told_of = [one.sha for group in groups.values() for one in group] + [one.sha for one in claims.unclaimed()]
    assert sorted(told_of) == [one.sha for one in history]
    for landing, number in landed.items():
        assert landing in {one.sha for one in groups[number]}
    assert all(group == sorted(group, key=lambda one: one.sha) for group in groups.values())


async def test_a_failure_is_raised_as_it_is_and_ends_the_rest(forge: GithubForge, github: GithubServer) -> None:
    """No group of errors: the engine decides by class."""
    github.tell_range(*(commit(number, f"Change (#{number})", number - 1) for number in range(2, 60)))
    github.tell_pulls(*(pull(number, number) for number in range(2, 60)))
    github.tell("pulls/2", body({"message": "Bad credentials"}, 401))
    with pytest.raises(OutgoingError) as raised:
        await between(forge)
    assert type(raised.value) is Unauthorised
    assert len(github.asked("pulls/")) < 58
