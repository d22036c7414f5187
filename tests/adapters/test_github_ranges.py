"""What lies between two commits: each pull request once, whoever wrote it, and nothing that is not aboard."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.github import GithubForge
from bot.adapters.github_range import Claims
from bot.adapters.github_shapes import RangeCommit
from bot.events import Commit, Human, MergedPull
from bot.ports import Changes, Direction
from tests.adapters.github_stub import ANA, REPO, TOKEN, GithubServer, between, commit, comparison, pull, sha

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
