"""How promotions are carried out: workflows, signed calls, pipelines that ask; and doubtful calls: in sentences."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox.github_answers import API
from bot.sandbox.pipeline import DEPLOY
from bot.sandbox.repositories import WorkflowRun
from bot.sandbox.server import Sandbox
from tests.acceptance.promoting import Company, company, policy
from tests.acceptance.stories import REPO
from tests.adapters.between import Between

RETRY = "Retry payments on a gateway time-out"
APPROVE = "promotions:approve"
GATES = "[lock, approval]"
DISPATCHED = policy(gates=GATES, through="github-workflow")
SECRET = "a long random text that both of us know"
LIMIT = 121
"""Seconds after which a call that cannot be found certainly never arrived."""


@dataclass
class Receiver:
    """The other end of a signed webhook: what arrived, and how it is to be answered (``cut``: not at all)."""

    url: str = ""
    calls: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    cut: bool = False

    async def take(self, request: web.Request) -> web.Response:
        """Keep a call; then answer, or hang up."""
        self.calls.append((dict(request.headers), await request.read()))
        if self.cut and request.transport is not None:
            request.transport.close()
        return web.json_response({"id": "rollout-7", "url": "https://deploys.example.com/7"})


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A pipeline's own address on this machine."""
    there, application = Receiver(), web.Application()
    application.router.add_post("/promote", there.take)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        there.url = f"http://127.0.0.1:{runner.addresses[0][1]}/promote"
        yield there
    finally:
        await runner.cleanup()


def called_at(address: str) -> str:
    """The catalogue whose pipeline is called at this address."""
    catalogue = policy(gates=GATES, through="webhook")
    return catalogue.replace("undo: 0s", f"undo: 0s\n    promote_webhook: {address}")


def dispatches(sandbox: Sandbox) -> list[WorkflowRun]:
    """The runs of the deploying workflow that were dispatched by us."""
    runs = sandbox.github.repository(REPO).runs.values()
    return [one for one in runs if one.event == "workflow_dispatch" and one.inputs]


def github_behind(sandbox: Sandbox) -> Between:
    """GitHub's API, where a call or its answer may be lost on the way."""
    return Between(sandbox.url)


async def report(there: Company, sha: str, status: str, **more: Any) -> None:
    """The pipeline reports its rollout to production by the API."""
    body = {"service": "checkout", "environment": "production", "sha": sha, "status": status, **more}
    answered, told = await there.tell("/api/v1/deploys", body)
    assert answered == 202, told


# --- GitHub deployments ---------------------------------------------------------------------------------------------


async def test_a_deployment_carries_our_promotion_and_merges_nothing(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Our gates have judged: GitHub is asked neither to merge nor to wait for checks of its own."""
    async with (
        github_behind(sandbox) as github,
        company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates=GATES), GITHUB_API_URL=github.url + API) as there,
    ):
        sha = await there.merge("ana", RETRY)
        await there.press("dee", APPROVE)
        (asked,) = [sent for sent in github.sent if sent is not None and "auto_merge" in sent]
        assert (asked["ref"], asked["environment"]) == (sha, "production")
        assert (asked["auto_merge"], asked["required_contexts"]) == (False, [])
        assert there.production()[-1] == sha


async def test_an_answer_that_was_lost_is_looked_up_and_nothing_is_deployed_twice(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """GitHub did it and hung up: the deployment is found by our number in it."""
    async with (
        github_behind(sandbox) as github,
        company(
            sandbox, database_url, tmp_path, catalogue=policy(gates=GATES), GITHUB_API_URL=github.url + API
        ) as there,
    ):
        sha = await there.merge("ana", RETRY)
        github.spoil("accept_then_cut", path="/deployments")
        await there.press("dee", APPROVE)
        await there.turn(seconds=LIMIT)
        assert there.production().count(sha) == 1
        assert len(github.posts("/deployments")) == 1
        assert there.shows("✅ *checkout* live in *production*")


async def test_a_call_that_never_arrived_is_made_again(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Once it can no longer be on its way."""
    async with (
        github_behind(sandbox) as github,
        company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates=GATES), GITHUB_API_URL=github.url + API) as there,
    ):
        sha = await there.merge("ana", RETRY)
        github.spoil("cut", path="/deployments")
        await there.press("dee", APPROVE)
        await there.turn(seconds=LIMIT)
        assert there.production().count(sha) == 1
        assert len(github.posts("/deployments")) == 2


async def test_what_github_refuses_fails_and_its_words_are_read(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """The card says why, aloud, and what to do."""
    async with (
        github_behind(sandbox) as github,
        company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates=GATES), GITHUB_API_URL=github.url + API) as there,
    ):
        sha = await there.merge("ana", RETRY)
        github.spoil("answer", path="/deployments", status=422, body={"message": "This environment is closed for good"})
        await there.press("dee", APPROVE)
        assert sha not in there.production()
        assert there.shows("🔴 *checkout* failed in *production*", "This environment is closed for good")
        assert "failed" in there.said_in_thread()[-1]


# --- workflows ------------------------------------------------------------------------------------------------------


async def test_a_workflow_is_dispatched_with_our_number_in_its_runs_name(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Its lost answer is looked up by that name, and its run is followed to live."""
    async with (
        github_behind(sandbox) as github,
        company(sandbox, database_url, tmp_path, catalogue=DISPATCHED, GITHUB_API_URL=github.url + API) as there,
    ):
        await there.merge("ana", RETRY)
        github.spoil("accept_then_cut", path="/dispatches")
        await there.press("dee", APPROVE)
        await there.turn(seconds=LIMIT)
        (run,) = dispatches(sandbox)
        assert "(shipmate:2)" in (run.title or "")
        assert there.shows("✅ *checkout* live in *production*")


async def test_of_a_workflow_without_our_number_a_person_must_say_whether_it_runs(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Nothing is called again by itself: that might ship it twice."""
    inputs = {"sha": True, "environment": True, "service": False, "promotion": False}
    sandbox.github.workflow(REPO, DEPLOY, inputs=inputs, run_name="Deploy")
    async with (
        github_behind(sandbox) as github,
        company(sandbox, sqlite_url, tmp_path, catalogue=DISPATCHED, GITHUB_API_URL=github.url + API) as there,
    ):
        sha = await there.merge("ana", RETRY)
        await there.pipeline.close()  # it is slow today, and reports nothing yet
        github.spoil("accept_then_cut", path="/dispatches")
        await there.press("dee", APPROVE)
        await there.turn(seconds=LIMIT)
        assert there.shows("❓ *checkout* → *production*: did it start? Somebody must look")
        assert "did it start? Somebody must look at the pipeline" in there.said_in_thread()[-1]
        assert there.buttons() == ["promotions:went_through", "promotions:try_again", "promotions:details"]
        await there.turn(hours=1)
        assert len(dispatches(sandbox)) == 1
        assert "is rolling out" in await there.press("ben", "promotions:went_through")
        await there.pipeline.roll_out(sha, "production")
        await there.at_rest()
        assert there.shows("✅ *checkout* live in *production*")
        assert len(dispatches(sandbox)) == 1


async def test_a_person_who_looked_and_found_nothing_has_it_called_again(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Judged afresh, and called once more."""
    sandbox.github.workflow(REPO, DEPLOY, inputs={"sha": True, "environment": True}, run_name="Deploy")
    async with (
        github_behind(sandbox) as github,
        company(sandbox, sqlite_url, tmp_path, catalogue=DISPATCHED, GITHUB_API_URL=github.url + API) as there,
    ):
        sha = await there.merge("ana", RETRY)
        github.spoil("cut", path="/dispatches")
        await sandbox.github.workflow_run(REPO, sha, DEPLOY, event="workflow_dispatch")  # somebody else's, nameless
        await there.press("dee", APPROVE)
        await there.turn(seconds=LIMIT)
        assert there.shows("did it start?")
        await there.press("ben", "promotions:try_again")
        assert there.production().count(sha) == 1
        assert there.shows("✅ *checkout* live in *production*")


# --- a signed call --------------------------------------------------------------------------------------------------


async def test_a_signed_call_has_an_idempotency_key_and_is_followed_to_live(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Whoever receives it can tell that it is ours and that a repetition is the same."""
    async with (
        receiver() as pipeline,
        company(
            sandbox, database_url, tmp_path, catalogue=called_at(pipeline.url), SHIPMATE_WEBHOOK_SECRET=SECRET
        ) as there,
    ):
        sha = await there.merge("ana", RETRY)
        await there.press("dee", APPROVE)
        ((headers, body),) = pipeline.calls
        message, at = headers["webhook-id"], headers["webhook-timestamp"]
        signed = hmac.new(SECRET.encode(), f"{message}.{at}.".encode() + body, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"
        assert headers["Idempotency-Key"] == message
        told = json.loads(body)["data"]
        assert (told["sha"], told["environment"]) == (sha, "production")
        assert there.shows("🔄 *checkout*")
        number = told["promotion"]
        await report(there, sha, "in_progress", percent=50, promotion=number)
        assert there.shows("is rolling out to *production* · 50 %")
        await report(there, sha, "succeeded", promotion=number)
        assert there.shows("✅ *checkout* live in *production*")


async def test_a_call_whose_answer_is_lost_is_repeated_under_the_same_key(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """That is what the key is for: the receiver sees one promotion."""
    async with (
        receiver() as pipeline,
        company(
            sandbox, sqlite_url, tmp_path, catalogue=called_at(pipeline.url), SHIPMATE_WEBHOOK_SECRET=SECRET
        ) as there,
    ):
        await there.merge("ana", RETRY)
        pipeline.cut = True
        await there.press("dee", APPROVE)
        pipeline.cut = False
        await there.turn(seconds=LIMIT)
        await there.turn(seconds=LIMIT)
        assert len(pipeline.calls) > 1
        assert len({headers["webhook-id"] for headers, _ in pipeline.calls}) == 1
        assert there.shows("🔄 *checkout*")


# --- pipelines that ask ---------------------------------------------------------------------------------------------


async def test_argo_rollouts_asks_until_it_may_and_is_followed(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Nothing is called: it goes on by itself, and reports."""
    async with company(
        sandbox, database_url, tmp_path, catalogue=policy(gates=GATES, through="argo-rollouts")
    ) as there:
        sha = await there.merge("ana", RETRY)
        about = {"service": "checkout", "environment": "production", "sha": sha}
        assert (await there.asked("/api/v1/gates", **about))[1]["state"] == "pending"
        await there.press("dee", APPROVE)
        assert (await there.asked("/api/v1/gates", **about))[1]["state"] == "approved"
        await report(there, sha, "in_progress")
        await report(there, sha, "succeeded")
        assert there.shows("✅ *checkout* live in *production*")
        assert "no gate was asked" not in "\n".join(there.said_in_thread())


async def test_flagger_is_held_until_every_gate_is_open_and_rolls_back_when_somebody_declares_it(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """A yes to its rollback webhook rolls back: that is asked the other way round."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates=GATES, through="argo-rollouts")) as there:

        async def asks(phase: str) -> int:
            about = {"service": "checkout", "environment": "production"}
            sent = {"name": "checkout", "namespace": "shop", "phase": phase, "checksum": "5d8f", "metadata": about}
            return (await there.tell("/gate/flagger", sent))[0]

        sha = await there.merge("ana", RETRY)
        assert await asks("confirm-promotion") == 403
        await there.press("dee", APPROVE)
        assert await asks("rollback") == 403
        await report(there, sha, "succeeded")
        await there.ship("dee", "rollback checkout")
        await there.submit("dee", {"reason": "every third payment fails"})
        assert await asks("rollback") == 200
