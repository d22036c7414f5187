"""Ranges read page by page, in part or not at all; what a change takes back and touches; one commit by itself."""

from __future__ import annotations

import pytest

from bot.adapters.github import GithubForge
from bot.errors import GiveUp, RetryLater
from tests.adapters.github_stub import REPO, GithubServer, Json, between, commit, comparison, pull, sha
from tests.adapters.stub import Answer, body, cut, raw


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
