"""The stand-in GitHub behaves as GitHub does, towards PyGithub and towards whoever receives its webhooks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aiohttp
import github as pygithub
import jwt
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.repositories import Forge
from bot.sandbox.server import Sandbox

REPO = "acme/checkout"
Found = TypeVar("Found")


class Receiver:
    """What a bot receives, each signature checked; it answers with the statuses it is told to."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.guids: list[str] = []
        self.statuses: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        assert request.headers["X-Hub-Signature-256"] == f"sha256={digest}"
        assert request.headers["User-Agent"].startswith("GitHub-Hookshot/")
        self.guids.append(request.headers["X-GitHub-Delivery"])
        self.events.append((request.headers["X-GitHub-Event"], json.loads(body)))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 202)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.events if name == event]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def receiver(sandbox: Sandbox) -> AsyncIterator[Receiver]:
    receiver = Receiver(sandbox.environment()["GITHUB_WEBHOOK_SECRET"])
    application = web.Application()
    application.router.add_post("/webhooks/github", receiver.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield receiver
    await runner.cleanup()


async def ask(sandbox: Sandbox, question: Callable[[pygithub.Github], Found], **options: Any) -> Found:
    """Ask through PyGithub, in a thread as the bot does."""
    settings = sandbox.environment()
    auth = options.pop("auth", None) or pygithub.Auth.Token(settings["GITHUB_TOKEN"])

    def work() -> Found:
        with pygithub.Github(
            auth=auth,
            base_url=settings["GITHUB_API_URL"],
            lazy=True,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            **options,
        ) as client:
            return question(client)

    return await asyncio.to_thread(work)


async def refusal(sandbox: Sandbox, question: Callable[[pygithub.Github], object], **options: Any) -> int:
    """The status GitHub refuses a question with."""
    with pytest.raises(pygithub.GithubException) as caught:
        await ask(sandbox, question, **options)
    return caught.value.status


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


# Deployments


async def test_a_deployment_and_its_statuses_are_told_and_listed_newest_first(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    run = await sandbox.github.begin_run(REPO, sandbox.github.forge.repository(REPO).branches["main"])
    deployment = await sandbox.github.deployment(REPO, "main", "production", run=run)
    for state in ("pending", "in_progress", "success"):
        await sandbox.github.deployment_status(REPO, deployment, state)
    await sandbox.settle()
    (created,) = receiver.of("deployment")
    assert (created["deployment"]["ref"], created["deployment"]["production_environment"]) == ("main", True)
    told = receiver.of("deployment_status")
    assert [one["deployment_status"]["state"] for one in told] == ["pending", "in_progress", "success"]
    assert told[0]["workflow_run"]["html_url"] == told[0]["deployment_status"]["log_url"]

    def read(client: pygithub.Github) -> list[tuple[str, list[str]]]:
        found = client.get_repo(REPO).get_deployments(environment="production")
        return [(one.environment, [status.state for status in one.get_statuses()]) for one in found]

    assert await ask(sandbox, read) == [("production", ["success", "in_progress", "pending"])]


async def test_a_success_quietly_makes_the_one_before_it_inactive_except_in_production(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    for environment in ("staging", "staging", "production", "production"):
        made = await sandbox.github.deployment(REPO, "main", environment)
        await sandbox.github.deployment_status(REPO, made, "success")
    await sandbox.settle()
    latest = [
        deployment.statuses[-1].state for deployment in sandbox.github.forge.repository(REPO).deployments.values()
    ]
    assert latest == ["inactive", "success", "success", "success"]
    assert [one["deployment_status"]["state"] for one in receiver.of("deployment_status")] == ["success"] * 4


async def test_checks_and_releases_are_told(sandbox: Sandbox, receiver: Receiver) -> None:
    sha = await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.github.workflow_run(REPO, sha, conclusion="failure")
    await sandbox.github.check_suite(REPO, sha)
    await sandbox.github.release(REPO, "v1.0", sha, "First")
    await sandbox.github.ping(REPO)
    await sandbox.settle()
    (run,) = receiver.of("workflow_run")
    assert (run["action"], run["workflow_run"]["conclusion"], run["workflow_run"]["head_sha"]) == (
        "completed",
        "failure",
        sha,
    )
    assert receiver.of("check_suite")[0]["check_suite"]["conclusion"] == "success"
    assert [one["action"] for one in receiver.of("release")] == ["published", "released"]
    assert receiver.of("ping")


async def test_a_further_attempt_keeps_the_id_of_its_run(sandbox: Sandbox, receiver: Receiver) -> None:
    sha = await sandbox.github.commit(REPO, author="ana", message="x")
    first = await sandbox.github.workflow_run(REPO, sha, conclusion="failure")
    again = await sandbox.github.workflow_run(REPO, sha, attempt=2)
    await sandbox.settle()
    assert first == again
    assert [one["workflow_run"]["run_attempt"] for one in receiver.of("workflow_run")] == [1, 2]


# Webhooks


async def test_nothing_is_sent_before_a_bot_is_connected(sandbox: Sandbox) -> None:
    await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.settle()
    assert sandbox.github.deliveries == []


async def test_webhooks_held_back_come_late_in_another_order_and_more_than_once(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.github.hold_webhooks()
    shas = [await sandbox.github.commit(REPO, author="ana", message=str(number)) for number in range(8)]
    await sandbox.settle()
    assert receiver.events == []
    await sandbox.github.release_webhooks(shuffle_seed=3, repeat=2)
    await sandbox.settle()
    arrived = [push["after"] for push in receiver.of("push")]
    assert sorted(arrived) == sorted(shas * 2)
    assert arrived != shas * 2
    assert len(set(receiver.guids)) == 8


async def test_a_failed_delivery_is_not_sent_again_until_it_is_asked_for_with_the_same_guid(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.github.drop_webhooks()
    await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.settle()
    sandbox.github.drop_webhooks(False)
    (failed,) = sandbox.github.deliveries
    assert (failed.ok, receiver.events) == (False, [])
    await sandbox.github.redeliver(failed.guid)
    await sandbox.settle()
    assert receiver.guids == [failed.guid]
    assert [one.redelivery for one in sandbox.github.deliveries] == [False, True]


async def test_an_unreachable_or_refusing_bot_is_recorded(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.statuses.append(500)
    await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.settle()
    sandbox.connect("http://127.0.0.1:1")
    await sandbox.github.commit(REPO, author="ana", message="y")
    await sandbox.settle()
    assert [one.status_code for one in sandbox.github.deliveries] == [500, 502]


# The App


def app_headers(sandbox: Sandbox, **claims: Any) -> dict[str, str]:
    """The headers of an App, with some claims of its JWT replaced."""
    settings = sandbox.environment(github_app=True)
    now = datetime.now(UTC)
    good = {"iat": now - timedelta(seconds=60), "exp": now + timedelta(minutes=8), "iss": settings["GITHUB_APP_ID"]}
    token = jwt.encode(good | claims, settings["GITHUB_APP_PRIVATE_KEY"], algorithm="RS256")
    return {"Authorization": f"Bearer {token}"}


async def test_an_app_signs_in_and_reads_with_its_installation_token(sandbox: Sandbox) -> None:
    settings = sandbox.environment(github_app=True)
    auth = pygithub.Auth.AppAuth(settings["GITHUB_APP_ID"], settings["GITHUB_APP_PRIVATE_KEY"])

    def read() -> str:
        with pygithub.GithubIntegration(auth=auth, base_url=settings["GITHUB_API_URL"]) as integration:
            installation = integration.get_repo_installation("acme", "checkout")
            return integration.get_access_token(installation.id).token

    token = await asyncio.to_thread(read)
    name = await ask(sandbox, lambda client: client.get_repo(REPO).default_branch, auth=pygithub.Auth.Token(token))
    assert name == "main"


async def test_failed_deliveries_are_listed_for_the_app_and_sent_again_on_request(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.statuses += [202, 503, 503]
    for number in range(3):
        await sandbox.github.commit(REPO, author="ana", message=str(number))
    await sandbox.settle()
    base = f"{sandbox.environment()['GITHUB_API_URL']}/app/hook/deliveries"
    async with aiohttp.ClientSession(headers=app_headers(sandbox)) as session:
        async with session.get(base, params={"status": "failure", "per_page": "1"}) as response:
            first = await response.json()
            following = str(response.links["next"]["url"])
        async with session.get(following) as response:
            second = await response.json()
            assert "next" not in response.links
        failed = [*first, *second]
        assert [row["status_code"] for row in failed] == [503, 503]
        async with session.post(f"{base}/{failed[0]['id']}/attempts") as response:
            assert response.status == 202
        await sandbox.settle()
        assert receiver.guids[-1] == failed[0]["guid"]
        async with session.get(base) as response:
            assert [row["redelivery"] for row in await response.json()] == [True, False, False, False]


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": timedelta(hours=1)},
        {"exp": timedelta(minutes=-10)},
        {"iss": "999"},
    ],
)
async def test_a_bad_jwt_is_refused(sandbox: Sandbox, claims: dict[str, Any]) -> None:
    """Instants are given by how far off they are when it is asked, however long ago the tests were collected."""
    claims = {name: datetime.now(UTC) + it if isinstance(it, timedelta) else it for name, it in claims.items()}
    url = f"{sandbox.environment()['GITHUB_API_URL']}/app"
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers=app_headers(sandbox)) as response:
            assert response.status == 200
        async with session.get(url, headers=app_headers(sandbox, **claims)) as response:
            assert response.status == 401
        async with session.get(url, headers={"Authorization": f"token {sandbox.github.token}"}) as response:
            assert response.status == 401


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


# What else happens, and is told


async def test_a_job_before_a_guarded_environment_is_told_to_everybody_concerned(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    """The deployment, its waiting, the app's question, the reviewers' request, and how it went on."""
    sha = await sandbox.github.commit(REPO, author="ana", message="x")
    sandbox.github.environment(REPO, "production", gate=True, reviewers=["dee"])
    run = await sandbox.github.begin_run(REPO, sha)
    waiting = await sandbox.github.enter(REPO, run, "production")
    await sandbox.settle()
    (question,) = receiver.of("deployment_protection_rule")
    assert (question["action"], question["environment"], question["sha"]) == ("requested", "production", sha)
    assert question["deployment_callback_url"].endswith(f"/actions/runs/{run}/deployment_protection_rule")
    assert question["deployment"]["id"] == waiting.deployment
    assert question["installation"]["id"]
    (request,) = receiver.of("deployment_review")
    assert [one["reviewer"]["login"] for one in request["reviewers"]] == ["dee"]
    assert [one["deployment_status"]["state"] for one in receiver.of("deployment_status")] == ["waiting"]
    assert [one["workflow_job"]["status"] for one in receiver.of("workflow_job")] == ["waiting"]
    sandbox.github.answer_rule(
        sandbox.github.forge.repository(REPO),
        waiting,
        int(sandbox.environment(github_app=True)["GITHUB_APP_ID"]),
        "approved",
        "",
    )
    await sandbox.github.review_deployment(REPO, run, "production", by="dee", comment="go")
    await sandbox.settle()
    assert [one["action"] for one in receiver.of("deployment_review")] == ["requested", "approved"]
    assert receiver.of("deployment_review")[-1]["approver"]["login"] == "dee"
    assert [one["deployment_status"]["state"] for one in receiver.of("deployment_status")] == ["waiting", "queued"]
    assert [one["workflow_job"]["status"] for one in receiver.of("workflow_job")] == ["waiting", "queued"]


async def test_an_environment_nobody_set_up_is_entered_at_once(sandbox: Sandbox, receiver: Receiver) -> None:
    run = await sandbox.github.begin_run(REPO, sandbox.github.forge.repository(REPO).branches["main"])
    waiting = await sandbox.github.enter(REPO, run, "qa")
    await sandbox.settle()
    assert waiting.verdict == "approved"
    assert receiver.of("deployment_protection_rule") == []
    with pytest.raises(LookupError, match="does not wait"):
        await sandbox.github.review_deployment(REPO, run, "qa", by="dee")


async def test_a_run_that_ends_lets_go_of_what_waits(sandbox: Sandbox, receiver: Receiver) -> None:
    """A newer run cancels a pending one of its group: the question vanishes without an answer."""
    sandbox.github.environment(REPO, "production", gate=True)
    run = await sandbox.github.begin_run(REPO, sandbox.github.forge.repository(REPO).branches["main"])
    waiting = await sandbox.github.enter(REPO, run, "production")
    await sandbox.github.finish_run(REPO, run, "cancelled")
    await sandbox.settle()
    assert (waiting.over.is_set(), waiting.verdict) == (True, "cancelled")
    assert receiver.of("workflow_run")[-1]["workflow_run"]["conclusion"] == "cancelled"


async def test_checks_statuses_and_reviews_are_told(sandbox: Sandbox, receiver: Receiver) -> None:
    sha = await sandbox.github.commit(REPO, author="ana", message="x")
    await sandbox.github.check_run(REPO, sha, "e2e", "failure")
    await sandbox.github.check_run(REPO, sha, "lint", None)
    await sandbox.github.commit_status(REPO, sha, "coverage", "pending")
    number = await sandbox.github.open_pull(REPO, author="ben", title="Later")
    await sandbox.github.review(REPO, number, by="dee", state="changes_requested", body="Why?")
    await sandbox.settle()
    checks = [
        (one["action"], one["check_run"]["name"], one["check_run"]["conclusion"]) for one in receiver.of("check_run")
    ]
    assert checks == [("created", "e2e", None), ("completed", "e2e", "failure"), ("created", "lint", None)]
    assert [one["check_suite"]["conclusion"] for one in receiver.of("check_suite")] == ["failure"]
    (status,) = receiver.of("status")
    assert (status["context"], status["state"], status["sha"]) == ("coverage", "pending", sha)
    (review,) = receiver.of("pull_request_review")
    assert (review["review"]["state"], review["review"]["user"]["login"]) == ("changes_requested", "dee")


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
