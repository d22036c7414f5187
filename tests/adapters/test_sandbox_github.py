"""The stand-in GitHub merges, compares, answers and refuses as GitHub does, towards PyGithub."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
import github as pygithub
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.repositories import Forge
from bot.sandbox.server import Sandbox
from tests.adapters.github_receiver import REPO, Receiver, ask, refusal


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


# Merging


async def test_a_squash_becomes_one_commit_by_the_author_that_names_who_helped(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    number = await sandbox.github.open_pull(
        REPO, author="ben", title="Show delivery date", commits=["First", "Second"], coauthors=["dee"], labels=["ui"]
    )
    sha = await sandbox.github.merge_pull(REPO, number, merged_by="chi")
    await sandbox.settle()
    closed = receiver.of("pull_request")[-1]
    assert (closed["action"], closed["pull_request"]["merged"]) == ("closed", True)
    assert closed["pull_request"]["merged_by"]["login"] == "chi"
    assert closed["pull_request"]["merge_commit_sha"] == sha
    assert [label["name"] for label in closed["pull_request"]["labels"]] == ["ui"]
    push = receiver.of("push")[-1]
    assert (push["ref"], push["after"], len(push["commits"])) == ("refs/heads/main", sha, 1)
    assert push["head_commit"]["author"]["username"] == "ben"
    assert push["head_commit"]["message"].startswith(f"Show delivery date (#{number})")
    assert "Co-authored-by: Dee Larsson <dee@example.com>" in push["head_commit"]["message"]


@pytest.mark.parametrize(("how", "arriving"), [("squash", 1), ("rebase", 2), ("merge", 3)])
async def test_each_way_of_merging_leaves_its_commits_between_before_and_after(
    sandbox: Sandbox, how: str, arriving: int
) -> None:
    before = sandbox.github.forge.repository(REPO).branches["main"]
    number = await sandbox.github.open_pull(REPO, author="ana", title="Retry", commits=["One", "Two"])
    after = await sandbox.github.merge_pull(REPO, number, merged_by="ana", how=how)

    def read(client: pygithub.Github) -> list[list[int]]:
        commits = client.get_repo(REPO).compare(before, after).commits
        return [[pull.number for pull in commit.get_pulls()] for commit in commits]

    assert await ask(sandbox, read) == [[number]] * arriving


async def test_who_merged_is_told_by_the_pull_itself_but_not_by_lists(sandbox: Sandbox) -> None:
    number = await sandbox.github.open_pull(REPO, author="dependabot[bot]", title="Bump stripe")
    sha = await sandbox.github.merge_pull(REPO, number, merged_by="chi")

    def read(client: pygithub.Github) -> tuple[str, str]:
        pull = client.get_repo(REPO).get_pull(number)
        return pull.merged_by.login, pull.user.type

    settings = sandbox.environment()
    url = f"{settings['GITHUB_API_URL']}/repos/{REPO}/commits/{sha}/pulls"
    headers = {"Authorization": f"token {settings['GITHUB_TOKEN']}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        (row,) = await response.json()
    assert "merged_by" not in row
    assert await ask(sandbox, read) == ("chi", "Bot")


# Comparing


async def test_a_comparison_says_ahead_behind_diverged_or_identical(sandbox: Sandbox) -> None:
    base = sandbox.github.forge.repository(REPO).branches["main"]
    main = await sandbox.github.commit(REPO, author="ana", message="on main")
    side = await sandbox.github.commit(REPO, author="ben", message="aside", branch="side")
    further = await sandbox.github.commit(REPO, author="ana", message="further")

    def read(client: pygithub.Github) -> list[tuple[str, int, int]]:
        repo = client.get_repo(REPO)
        pairs = [(base, further), (further, base), (further, side), (main, main)]
        found = [repo.compare(one, other) for one, other in pairs]
        return [(one.status, one.ahead_by, one.behind_by) for one in found]

    assert await ask(sandbox, read) == [("ahead", 2, 0), ("behind", 0, 2), ("diverged", 1, 1), ("identical", 0, 0)]


async def test_an_unpaged_comparison_has_the_latest_250_commits_and_pages_have_them_all(sandbox: Sandbox) -> None:
    repo = sandbox.github.forge.repository(REPO)
    base = repo.branches["main"]
    shas = [await sandbox.github.commit(REPO, author="ana", message=str(n), files=[f"f{n}"]) for n in range(310)]
    settings = sandbox.environment()
    url = f"{settings['GITHUB_API_URL']}/repos/{REPO}/compare/{base}...{shas[-1]}"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {settings['GITHUB_TOKEN']}"}) as session:
        async with session.get(url) as response:
            unpaged = await response.json()
        pages = []
        following: str | None = f"{url}?per_page=100"
        while following is not None:
            async with session.get(following) as response:
                pages.append(await response.json())
                following = str(response.links["next"]["url"]) if "next" in response.links else None
    assert [commit["sha"] for commit in unpaged["commits"]] == shas[-250:]
    assert (unpaged["total_commits"], len(unpaged["files"])) == (310, 300)
    assert [commit["sha"] for page in pages for commit in page["commits"]] == shas
    assert ["files" in page for page in pages] == [True, False, False, False]


@given(
    parents=st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=2), min_size=1, max_size=15),
    ends=st.tuples(st.integers(0, 50), st.integers(0, 50)),
)
def test_comparing_finds_exactly_what_one_side_has_and_the_other_has_not(
    parents: list[list[int]], ends: tuple[int, int]
) -> None:
    """Against the plain definition by sets of ancestors, on any history."""
    forge = Forge()
    repo = forge.add_repository("acme/any", default_branch="main")
    ana = forge.account("ana")
    shas: list[str] = []
    for mine in [[], *parents]:
        chosen = tuple(dict.fromkeys(shas[one % len(shas)] for one in mine))
        shas.append(repo.add_commit(message="x", author=ana, parents=chosen, files=(), at=datetime.now(UTC)).sha)
    base, head = (shas[one % len(shas)] for one in ends)

    def ancestors(sha: str) -> set[str]:
        found: set[str] = set()
        queue = [sha]
        while queue:
            one = queue.pop()
            if one not in found:
                found.add(one)
                queue += repo.commits[one].parents
        return found

    compared = repo.compare(base, head)
    assert set(compared.ahead) == ancestors(head) - ancestors(base)
    assert set(compared.behind) == ancestors(base) - ancestors(head)
    assert list(compared.ahead) == sorted(compared.ahead, key=shas.index)
    assert compared.merge_base in ancestors(base) & ancestors(head)


# Refusals and faults


async def test_what_is_not_there_or_not_ours_is_not_found(sandbox: Sandbox) -> None:
    questions: Sequence[Callable[[pygithub.Github], object]] = (
        lambda client: client.get_repo("acme/other").default_branch,
        lambda client: client.get_repo(REPO).get_pull(99999).title,
        lambda client: client.get_repo(REPO).compare("0" * 40, "main").status,
        lambda client: client.get_user("nobody-here").name,
    )
    assert [await refusal(sandbox, question) for question in questions] == [404] * 4
    wrong = pygithub.Auth.Token("ghp_wrong")
    assert await refusal(sandbox, lambda client: client.get_repo(REPO).default_branch, auth=wrong) == 401


async def test_public_addresses_are_shown_and_private_ones_are_not(sandbox: Sandbox) -> None:
    emails = await ask(sandbox, lambda client: [client.get_user(login).email for login in ("ana", "eve")])
    assert emails == ["ana@example.com", None]


async def test_the_rest_api_can_be_down_or_used_up_and_says_so_in_headers(sandbox: Sandbox) -> None:
    def question(client: pygithub.Github) -> str:
        return client.get_repo(REPO).default_branch

    sandbox.github.fault(down=True)
    assert await refusal(sandbox, question) == 503
    sandbox.github.fault(rate_limited=60)
    with pytest.raises(pygithub.RateLimitExceededException) as caught:
        await ask(sandbox, question)
    headers = caught.value.headers or {}
    assert headers["x-ratelimit-remaining"] == "0"
    assert int(headers["x-ratelimit-reset"]) > datetime.now(UTC).timestamp()
    sandbox.github.fault()
    assert await ask(sandbox, question) == "main"


async def test_everything_the_bot_may_read_is_there(sandbox: Sandbox) -> None:
    number = await sandbox.github.open_pull(
        REPO, author="ana", title="Retry", commits=["One", "Two"], files=["src/a.py", "src/b.py"], body="Why not"
    )
    waiting = await sandbox.github.open_pull(REPO, author="ben", title="Later")
    sha = await sandbox.github.merge_pull(REPO, number, merged_by="ben")
    run_id = await sandbox.github.workflow_run(REPO, sha)
    deployment_id = await sandbox.github.deployment(REPO, sha, "staging")

    def read(client: pygithub.Github) -> dict[str, Any]:
        repo = client.get_repo(REPO)
        pull = repo.get_pull(number)
        return {
            "pull": (pull.body, pull.additions, pull.changed_files, pull.base.ref),
            "files": [file.filename for file in pull.get_files()],
            "commits": [commit.commit.message for commit in pull.get_commits()],
            "open": [one.number for one in repo.get_pulls()],
            "closed": [one.number for one in repo.get_pulls(state="closed")],
            "commit": [file.filename for file in repo.get_commit(sha[:8]).files],
            "latest": next(iter(repo.get_commits())).sha,
            "run": repo.get_workflow_run(run_id).conclusion,
            "deployment": repo.get_deployment(deployment_id).sha,
            "limit": client.get_rate_limit().rate.limit,
        }

    assert await ask(sandbox, read) == {
        "pull": ("Why not", 12, 2, "main"),
        "files": ["src/a.py", "src/b.py"],
        "commits": ["One", "Two"],
        "open": [waiting],
        "closed": [number],
        "commit": ["src/a.py", "src/b.py"],
        "latest": sha,
        "run": "success",
        "deployment": sha,
        "limit": 5000,
    }


async def test_lists_come_in_pages_that_name_the_next(sandbox: Sandbox) -> None:
    made = [await sandbox.github.deployment(REPO, "main", "staging") for _ in range(7)]
    listed = await ask(sandbox, lambda client: [one.id for one in client.get_repo(REPO).get_deployments()], per_page=3)
    assert listed == made[::-1]


async def test_a_branch_can_be_moved_back_by_force(sandbox: Sandbox, receiver: Receiver) -> None:
    before = sandbox.github.forge.repository(REPO).branches["main"]
    after = await sandbox.github.commit(REPO, author="ana", message="oops")
    await sandbox.github.force_push(REPO, "main", before, by="ana")
    await sandbox.settle()
    push = receiver.of("push")[-1]
    assert (push["before"], push["after"], push["forced"]) == (after, before, True)


async def test_a_new_repository_begins_with_one_commit_and_strangers_get_an_account(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    made = sandbox.github.repository("acme/ledger")
    assert sandbox.github.repository("Acme/Ledger") is made
    await sandbox.github.commit("acme/ledger", author="zoe", message="x")
    await sandbox.settle()
    (push,) = receiver.of("push")
    assert (push["repository"]["full_name"], push["sender"]["login"]) == ("acme/ledger", "zoe")


async def test_what_the_bot_may_write_is_written_through_pygithub(sandbox: Sandbox, receiver: Receiver) -> None:
    """Its own classes, not only its requester: deployments, statuses, dispatch, commit statuses, reviews."""
    sandbox.github.workflow(REPO, "deploy", inputs={"sha": True}, run_name="Deploy ${{ inputs.sha }}")
    sha = sandbox.github.forge.repository(REPO).branches["main"]
    number = await sandbox.github.open_pull(REPO, author="ben", title="Later")

    def write(client: pygithub.Github) -> dict[str, Any]:
        repo = client.get_repo(REPO)
        made = repo.create_deployment(
            "main", auto_merge=False, required_contexts=[], environment="qa", payload={"a": 1}
        )
        status = made.create_status("in_progress", description="half")
        details = repo.get_workflow("deploy.yml").create_dispatch(
            "main", {"sha": sha}, throw=True, return_run_details=True
        )
        repo.get_commit(sha).create_status("success", context="shipmate")
        review = repo.get_pull(number).create_review(event="APPROVE")
        return {
            "deployment": (made.sha, made.environment, made.payload),
            "status": status.state,
            "run": repo.get_workflow_run(details.id).display_title,
            "combined": repo.get_commit(sha).get_combined_status().state,
            "review": (review.state, review.user.login),
            "environments": [one.name for one in repo.get_environments()],
            "me": client.get_user().login,
            "hooks": [hook.config["url"] for hook in repo.get_hooks()],
        }

    written = await ask(sandbox, write)
    assert written == {
        "deployment": (sha, "qa", {"a": 1}),
        "status": "in_progress",
        "run": f"Deploy {sha}",
        "combined": "success",
        "review": ("APPROVED", "shipmate-bot"),
        "environments": [],
        "me": "shipmate-bot",
        "hooks": [f"{sandbox.github.hooks.bot_url}/webhooks/github"],
    }
    await sandbox.settle()
    assert receiver.of("deployment")[0]["deployment"]["creator"]["login"] == "shipmate-bot"
    assert receiver.of("workflow_run")[0]["workflow_run"]["event"] == "workflow_dispatch"


async def test_a_secondary_limit_can_be_switched_on_and_says_how_long(sandbox: Sandbox) -> None:
    sandbox.github.fault(secondary=30)
    with pytest.raises(pygithub.RateLimitExceededException) as caught:
        await ask(sandbox, lambda client: client.get_repo(REPO).default_branch)
    assert 0 < int((caught.value.headers or {})["retry-after"]) <= 31
