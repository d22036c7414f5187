"""Rules of GitHub that take more than one question, each with its source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
import github as pygithub
import pytest

from bot.sandbox.github_app import PERMISSIONS
from bot.sandbox.repositories import ROLES, Deployment
from bot.sandbox.server import Sandbox
from tests.conformance.github_pages import (
    CREATING_PAGE,
    DEPLOYMENT_PAGE,
    DISPATCH,
    DISPATCH_PAGE,
    FREE,
    ISSUES_PAGE,
    OF,
    REVIEW_PAGE,
    ROLES_PAGE,
    RULES_PAGE,
    RUN,
    STATUS_PAGE,
    STATUSES,
)
from tests.conformance.github_stage import REPO, Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Sandbox(rate_limits=False) as sandbox:
        made = Stage(sandbox)
        await made.prepare()
        yield made


# Rules that take more than one question


async def _twice(stage: Stage) -> None:
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 204
    assert (await stage.answer_as_app(environment_name="production", state="rejected")).status == 422
    history = (await stage.ask("GET", f"{RUN}/approvals")).body
    assert [(one["state"], one["user"]["type"]) for one in history] == [("approved", "Bot")]


async def _ten_reports(stage: Stage) -> None:
    reports = [await stage.answer_as_app(environment_name="production", comment=str(n)) for n in range(11)]
    assert [one.status for one in reports] == [204] * 10 + [422]
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 204


async def _all_rules_must_open(stage: Stage) -> None:
    """The App, another app, and Dee stand before production: it opens with the last of them."""
    repo = stage.github.forge.repository(REPO)
    waiting = repo.waiting[stage.names["run"], "production"]
    await stage.answer_as_app(environment_name="production", state="approved")
    stage.github.answer_rule(repo, waiting, 77, "approved", "")
    assert not waiting.over.is_set()
    await stage.github.review_deployment(REPO, stage.names["run"], "production", by="dee")
    assert waiting.verdict == "approved"
    states = [status.state for status in repo.deployments[waiting.deployment].statuses]
    assert states == ["waiting", "queued"]


async def _one_no_is_enough(stage: Stage) -> None:
    repo = stage.github.forge.repository(REPO)
    await stage.answer_as_app(environment_name="production", state="rejected", comment="locked")
    assert repo.waiting[stage.names["run"], "production"].verdict == "rejected"
    assert repo.runs[stage.names["run"]].conclusion == "failure"
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 422


async def _cancelled(stage: Stage) -> None:
    await stage.ask("POST", f"{RUN}/cancel")
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 422


async def _again(stage: Stage) -> None:
    """A re-run asks afresh, and keeps the run's id."""
    await stage.answer_as_app(environment_name="production", state="rejected")
    assert (await stage.ask("POST", f"{RUN}/rerun")).status == 201
    waiting = await stage.github.enter(REPO, stage.names["run"], "production")
    assert waiting.verdict is None
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 204
    assert (await stage.ask("GET", RUN)).body["run_attempt"] == 2


async def _run_name(stage: Stage) -> None:
    sent = {"ref": "main", "inputs": {"sha": "abc1234"}, "return_run_details": True}
    found = (await stage.ask("POST", DISPATCH, sent)).body
    run = (await stage.ask("GET", f"{OF}/actions/runs/{found['workflow_run_id']}")).body
    assert (run["display_title"], run["event"], run["status"]) == ("Deploy abc1234", "workflow_dispatch", "queued")
    assert run["html_url"] == found["html_url"]
    listed = (await stage.ask("GET", f"{OF}/actions/runs?event=workflow_dispatch")).body
    assert [one["id"] for one in listed["workflow_runs"]] == [found["workflow_run_id"]]


async def _auto_inactive(stage: Stage) -> None:
    """A success ends the ones before it, but not in production, nor a transient one, nor where that is switched off."""
    made: dict[str, Deployment] = {}
    repo = stage.github.forge.repository(REPO)
    kinds: dict[str, dict[str, Any]] = {
        "transient": {"environment": "staging", "transient_environment": True},
        "plain": {"environment": "staging"},
        "elsewhere": {"environment": "qa"},
        "later": {"environment": "staging"},
    }
    for name, options in kinds.items():
        answer = await stage.ask("POST", f"{OF}/deployments", {"ref": "main", **FREE, **options})
        made[name] = repo.deployments[answer.body["id"]]
    for name, deployment in made.items():
        sent = {"state": "success", "auto_inactive": name != "later"}
        assert (await stage.ask("POST", f"{OF}/deployments/{deployment.id}/statuses", sent)).status == 201
    assert [one.statuses[-1].state for one in made.values()] == ["success"] * 4
    await stage.ask("POST", f"{OF}/deployments/{made['later'].id}/statuses", {"state": "success"})
    assert [one.statuses[-1].state for one in made.values()] == ["success", "inactive", "success", "success"]


async def _permissions(stage: Stage) -> None:
    """Each question needs its permission, of which the refusal tells."""
    for permission, path in {
        "contents": f"{OF}/commits",
        "pull_requests": f"{OF}/pulls",
        "deployments": f"{OF}/deployments",
        "actions": f"{OF}/actions/runs",
        "checks": f"{OF}/commits/main/check-runs",
        "statuses": f"{OF}/commits/main/status",
    }.items():
        assert (await stage.ask("GET", path, app=True)).status == 200, permission
        stage.github.app.permissions = {name: level for name, level in PERMISSIONS.items() if name != permission}
        refused = await stage.ask("GET", path, app=True)
        stage.github.app.permissions = dict(PERMISSIONS)
        assert refused.status == 403, permission
        assert refused.headers["x-accepted-github-permissions"] == f"{permission}=read"


async def _roles(stage: Stage) -> None:
    """Each role with the base that it stands on; an organisation's member has the organisation's, a stranger none."""
    for role in ROLES:
        stage.github.let_in(REPO, f"a-{role}", role)
    told = {}
    for login in (*(f"a-{role}" for role in ROLES), "ana", "github-actions[bot]"):
        body = (await stage.ask("GET", f"{OF}/collaborators/{quote(login)}/permission", app=True)).body
        assert body["user"]["role_name"] == body["role_name"]
        told[login] = (body["permission"], body["role_name"], body["user"]["permissions"]["push"])
    assert told == {
        "a-none": ("none", "none", False),
        "a-read": ("read", "read", False),
        "a-triage": ("read", "triage", False),
        "a-write": ("write", "write", True),
        "a-maintain": ("write", "maintain", True),
        "a-admin": ("admin", "admin", True),
        "ana": ("write", "write", True),
        "github-actions[bot]": ("none", "none", False),
    }
    nobody = await stage.ask("GET", f"{OF}/collaborators/nobody-at-all/permission", app=True)
    assert (nobody.status, nobody.body["message"]) == (404, "nobody-at-all is not a user")


async def _roles_are_told_to_those_who_may_push(stage: Stage) -> None:
    for login, status in (("a-none", 404), ("a-triage", 403), ("a-write", 200)):
        stage.github.let_in(REPO, login, login.removeprefix("a-"))
        stage.github.sign_in.tokens[f"ghu_{login}"] = login
        asker = pygithub.Github(
            auth=pygithub.Auth.Token(f"ghu_{login}"), base_url=stage.sandbox.environment()["GITHUB_API_URL"],
            retry=None, seconds_between_requests=None,
        ).requester  # fmt: skip
        asked = await asyncio.to_thread(asker.requestJson, "GET", f"/repos/{REPO}/collaborators/ana/permission")
        assert asked[0] == status, login


async def _read_is_not_write(stage: Stage) -> None:
    stage.github.app.permissions = {**PERMISSIONS, "deployments": "read"}
    assert (await stage.ask("GET", f"{OF}/deployments", app=True)).status == 200
    assert (await stage.answer_as_app(environment_name="production", state="approved")).status == 403


async def _hourly(stage: Stage) -> None:
    limits = stage.github.limits
    limits.enforced, limits.used = True, limits.hourly - 1
    last, refused = [await stage.ask("GET", OF) for _ in range(2)]
    assert (last.status, last.headers["x-ratelimit-remaining"]) == (200, "0")
    assert (refused.status, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert refused.body["message"].startswith("API rate limit exceeded")
    free = await stage.ask("GET", "/rate_limit")
    assert (free.status, free.body["rate"]["remaining"]) == (200, 0)


async def _creations(stage: Stage) -> None:
    stage.github.limits.enforced = True
    said = [await stage.ask("POST", STATUSES, {"state": "pending"}) for _ in range(81)]
    assert [one.status for one in said] == [201] * 80 + [403]
    assert int(said[-1].headers["retry-after"]) > 0
    assert said[-1].body["message"].startswith("You have exceeded a secondary rate limit")
    assert (await stage.ask("GET", OF)).status == 200


async def _points(stage: Stage) -> None:
    stage.github.limits.enforced = True
    asked = [await stage.ask("GET", "/user") for _ in range(901)]
    assert [one.status for one in asked] == [200] * 900 + [403]


async def _unlimited(stage: Stage) -> None:
    said = [await stage.ask("POST", STATUSES, {"state": "pending"}) for _ in range(90)]
    assert {one.status for one in said} == {201}


async def _issues(stage: Stage) -> None:
    opened = await stage.ask("POST", f"{OF}/issues", {"title": "Tidy up"})
    listed = await stage.ask("GET", f"{OF}/issues?state=all&per_page=2")
    assert [one["number"] for one in listed.body] == [opened.body["number"], stage.names["own_pull"]]
    assert ["pull_request" in one for one in listed.body] == [False, True]
    oldest = await stage.ask("GET", f"{OF}/issues?state=all&direction=asc&per_page=1")
    assert oldest.body[0]["number"] == stage.names["pull"]
    assert {one["state"] for one in (await stage.ask("GET", f"{OF}/issues")).body} == {"open"}
    assert (await stage.ask("GET", f"{OF}/issues?since=2999-01-01T00:00:00Z")).body == []
    assert (await stage.ask("GET", f"{OF}/issues?state=maybe")).status == 422


async def _granted(stage: Stage) -> None:
    opened = await stage.ask("POST", f"{OF}/issues", {"title": "x"}, app=True)
    assert opened.body["performed_via_github_app"]["slug"] == "shipmate"
    stage.github.app.permissions["issues"] = "read"
    refused = await stage.ask("POST", f"{OF}/issues", {"title": "x"}, app=True)
    assert (refused.status, refused.headers["x-accepted-github-permissions"]) == (403, "issues=write")
    assert (await stage.ask("GET", f"{OF}/issues", app=True)).status == 200


async def _review_by_self(stage: Stage) -> None:
    github = stage.github
    github.environment(REPO, "canary", reviewers=[github.machine_user.login], prevent_self_review=True)
    run = github.dispatch(
        github.forge.repository(REPO),
        github.forge.repository(REPO).workflows["deploy"],
        "main",
        {"sha": "x"},
        github.machine_user,
    )
    await github.enter(REPO, run.id, "canary")
    sent = {"environment_ids": ["{canary}"], "state": "approved", "comment": "me"}
    path = f"{OF}/actions/runs/{run.id}/pending_deployments"
    assert (await stage.ask("POST", path, sent)).status == 403
    assert [one["current_user_can_approve"] for one in (await stage.ask("GET", path)).body] == [False]


async def _wait_timer(stage: Stage) -> None:
    github = stage.github
    github.environment(REPO, "slow", wait_minutes=30)
    waiting = await github.enter(REPO, stage.names["ended"], "slow")
    github.clock.turn(by=timedelta(minutes=29))
    assert not waiting.over.is_set()
    github.clock.turn(by=timedelta(minutes=1))
    assert waiting.verdict == "approved"


async def _six_rules(stage: Stage) -> None:
    stage.github.environment(REPO, "crowded", gates=[(number, f"app-{number}") for number in range(6)])
    with pytest.raises(ValueError, match="at most 6"):
        stage.github.environment(REPO, "crowded", gate=True, gates=[(number, f"app-{number}") for number in range(6)])


async def _of_a_tag(stage: Stage) -> None:
    """And an input is a text in the run, whatever it was in JSON."""
    stage.github.forge.repository(REPO).tags["v1"] = stage.names["first"]
    sent = {"ref": "refs/tags/v1", "inputs": {"sha": True, "note": 5}, "return_run_details": True}
    found = (await stage.ask("POST", DISPATCH, sent)).body
    run = (await stage.ask("GET", f"{OF}/actions/runs/{found['workflow_run_id']}")).body
    assert (run["head_branch"], run["head_sha"], run["display_title"]) == ("v1", stage.names["first"], "Deploy true")
    nested = {"ref": "main", "inputs": {"sha": {"a": 1}}}
    assert (await stage.ask("POST", DISPATCH, nested)).status == 422


async def _renamed(stage: Stage) -> None:
    for place in ("canary", "production"):
        await stage.ask("POST", STATUSES, {"state": "in_progress", "environment": place})
    body = (await stage.ask("GET", f"{OF}/deployments/{{deployment}}")).body
    assert (body["original_environment"], body["environment"]) == ("staging", "production")


async def _history(stage: Stage) -> None:
    """What a merge brought is listed with it, and only what lies in the span asked for."""
    github = stage.github
    github.clock.turn(by=timedelta(hours=1))
    between = github.now()
    number = await github.open_pull(REPO, author="ben", title="Two", commits=["one", "two"])
    await github.merge_pull(REPO, number, merged_by="chi", how="merge")
    messages = [one["commit"]["message"].partition("\n")[0] for one in (await stage.ask("GET", f"{OF}/commits")).body]
    assert messages[:4] == [f"Merge pull request #{number} from acme/ben/{number}", "two", "one", "Retry"]
    span = f"{between:%Y-%m-%dT%H:%M:%SZ}"
    assert len((await stage.ask("GET", f"{OF}/commits?since={span}")).body) == 3
    assert len((await stage.ask("GET", f"{OF}/commits?until={span}")).body) == len(messages) - 3
    assert (await stage.ask("GET", f"{OF}/commits?since=yesterday")).status == 422


async def _runs_of_a_day(stage: Stage) -> None:
    begun = stage.github.forge.repository(REPO).runs[stage.names["ended"]].began
    day, after = f"{begun:%Y-%m-%d}", f"{begun + timedelta(days=1):%Y-%m-%d}"
    for created, many in (
        (day, 2), (after, 0), (f"{day}..{day}", 2), (f"{after}..*", 0), (f"*..{day}", 2),
        (f">={day}", 2), (f">{day}", 0), (f"<={day}", 2), (f"<{day}", 0), (f"<{after}", 2),
    ):  # fmt: skip
        listed = (await stage.ask("GET", f"{OF}/actions/runs?created={created}")).body
        assert listed["total_count"] == many, created
    for created in (">9999-12-31", "<0001-01-01", "today"):
        assert (await stage.ask("GET", f"{OF}/actions/runs?created={created}")).status == 422, created


async def _next_page(stage: Stage) -> None:
    """Its address asks for the same as the first one's, whatever that was."""
    begun = stage.github.forge.repository(REPO).runs[stage.names["ended"]].began
    for _ in range(2):
        await stage.github.workflow_run(REPO, stage.names["sha"], "a + b")
    address = f"{stage.sandbox.environment()['GITHUB_API_URL']}/repos/{REPO}/actions/runs"
    params = {"created": f">={begun.isoformat()}", "per_page": "1"}
    seen: list[int] = []
    async with aiohttp.ClientSession(headers={"Authorization": f"token {stage.github.token}"}) as session:
        async with session.get(address, params=params) as response:
            seen += [run["id"] for run in (await response.json())["workflow_runs"]]
            following = response.links.get("next")
        while following is not None:
            async with session.get(following["url"]) as response:
                seen += [run["id"] for run in (await response.json())["workflow_runs"]]
                following = response.links.get("next")
    assert len(seen) == len(set(seen)) == 4


async def _nobody(stage: Stage) -> None:
    address = f"{stage.sandbox.environment()['GITHUB_API_URL']}/rate_limit"
    async with aiohttp.ClientSession(skip_auto_headers=["User-Agent"]) as session, session.get(address) as response:
        assert (response.status, "User-Agent" in (await response.json())["message"]) == (403, True)


async def _version(stage: Stage) -> None:
    """The stand-in has one version; what another answers is not made up."""
    address = f"{stage.sandbox.environment()['GITHUB_API_URL']}/rate_limit"
    async with aiohttp.ClientSession() as session:
        for version, status in (("2022-11-28", 200), ("2026-03-10", 400), ("", 400)):
            async with session.get(address, headers={"X-GitHub-Api-Version": version}) as response:
                assert response.status == status, version


async def _cursor(stage: Stage) -> None:
    settings = stage.sandbox.environment(github_app=True)
    key, app = settings["GITHUB_APP_PRIVATE_KEY"], settings["GITHUB_APP_ID"]
    headers = {"Authorization": f"Bearer {pygithub.Auth.AppAuth(app, key).create_jwt()}"}
    stage.sandbox.connect("http://127.0.0.1:9")
    stage.github.drop_webhooks()
    await stage.github.commit(REPO, author="ana", message="lost")
    await stage.sandbox.settle()
    address = f"{settings['GITHUB_API_URL']}/app/hook/deliveries"
    async with aiohttp.ClientSession(headers=headers) as session:
        for query, status in (
            ("cursor=v1_1", 200),
            ("cursor=abc", 422),
            ("status=maybe", 422),
            ("status=failure", 200),
        ):
            async with session.get(f"{address}?{query}") as response:
                assert response.status == status, query
        stage.sandbox.clock.turn(by=timedelta(days=3, seconds=1))
        async with session.get(address) as response:
            assert await response.json() == []


Trial = Callable[[Stage], Awaitable[None]]
TRIALS: tuple[tuple[str, str, Trial], ...] = (
    ("a rule is answered once (status not documented)", RULES_PAGE, _twice),
    ("ten reports for each deployment", CREATING_PAGE, _ten_reports),
    ("every rule and reviewer must open", "GitHub docs: Deployments and environments", _all_rules_must_open),
    ("one no is enough, and fails the run", "GitHub docs: Deployments and environments", _one_no_is_enough),
    ("a cancelled run waits for nothing", "GitHub docs: Cancel a workflow run", _cancelled),
    ("a re-run asks afresh", "GitHub docs: Re-run a workflow", _again),
    ("a run is found by its run-name", DISPATCH_PAGE, _run_name),
    ("a success makes what was before it inactive", STATUS_PAGE, _auto_inactive),
    ("an App needs a permission for each", "GitHub docs: Permissions required for GitHub Apps", _permissions),
    ("pull requests are issues, the newest first", ISSUES_PAGE, _issues),
    ("an app opens an issue where it was granted that", "GitHub docs: Permissions required for GitHub Apps", _granted),
    ("what somebody may do is told by role and base", ROLES_PAGE, _roles),
    ("to nobody who may not push (observed, not documented)", ROLES_PAGE, _roles_are_told_to_those_who_may_push),
    ("read is not write", "GitHub docs: Permissions required for GitHub Apps", _read_is_not_write),
    ("an hour's calls", "GitHub docs: Rate limits for the REST API", _hourly),
    ("80 creations a minute", "GitHub docs: Rate limits for the REST API", _creations),
    ("900 points a minute", "GitHub docs: Rate limits for the REST API", _points),
    ("limits can be switched off (ours)", "the stand-in's own switch", _unlimited),
    ("nobody reviews their own run where that is prevented", REVIEW_PAGE, _review_by_self),
    ("a wait timer runs in minutes", "GitHub docs: Deployments and environments", _wait_timer),
    ("six custom rules at most", "GitHub docs: Deployments and environments", _six_rules),
    ("a tag is dispatched like a branch", DISPATCH_PAGE, _of_a_tag),
    ("a renamed environment is remembered", DEPLOYMENT_PAGE, _renamed),
    ("commits are listed with what was merged, by time", "GitHub docs: List commits", _history),
    ("a day alone is all of it", "GitHub docs: Understanding the search syntax", _runs_of_a_day),
    ("the next page is of the same list", "GitHub docs: Using pagination in the REST API", _next_page),
    ("whoever calls has a name", "GitHub docs: Getting started with the REST API, User agent", _nobody),
    ("a version there is not is refused", "GitHub docs: API Versions", _version),
    ("deliveries are known for three days", "GitHub docs: Viewing webhook deliveries", _cursor),
)


@pytest.mark.parametrize(("name", "source", "trial"), TRIALS, ids=[name for name, _, _ in TRIALS])
async def test_github_behaves_as_it_says_it_does(stage: Stage, name: str, source: str, trial: Trial) -> None:
    await trial(stage)
