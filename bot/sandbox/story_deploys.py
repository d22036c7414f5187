"""Scenes about rollouts: Acme's checkout, whose pipeline ships by itself, and what becomes of it there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.sandbox.faults import FaultKind
from bot.sandbox.pipeline import CANARY
from bot.sandbox.story_stage import CHECKOUT, Stage

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

CROWD = 200
"""Deploys in a burst."""


async def calm_deploy(sandbox: Sandbox, pace: float) -> None:
    """Three changes merge, the build is green, staging, then production."""
    stage = Stage(sandbox, pace)
    await stage.something_is_live()
    await stage.merge(
        number=812,
        author="ana",
        title="Retry payments on gateway timeout",
        merged_by="ana",
        labels=("payments",),
        files=("src/payments/gateway.py", "tests/test_gateway.py"),
    )
    await stage.wait(2)
    await stage.merge(
        number=816,
        author="dependabot[bot]",
        title="Bump stripe from 9.1 to 9.2",
        merged_by="chi",
        how="merge",
        labels=("dependencies",),
        files=("requirements.txt",),
    )
    await stage.wait(2)
    sha = await stage.merge(
        number=815,
        author="ben",
        title="Show delivery date in the basket",
        merged_by="ben",
        coauthors=("dee",),
        files=("src/basket.py", "templates/basket.html"),
    )
    await stage.wait(1)
    await stage.github.workflow_run(CHECKOUT, sha)
    await stage.wait(2)
    run = await stage.github.begin_run(CHECKOUT, sha)
    await stage.roll_out(sha, "staging", run=run)
    await stage.wait(2)
    await stage.roll_out(sha, "production", run=run, seconds=10)
    await stage.github.finish_run(CHECKOUT, run, "success")
    await stage.wait(0)


async def failing_deploy(sandbox: Sandbox, pace: float) -> None:
    """A change is fine in staging and fails in production; its author hears at once."""
    stage = Stage(sandbox, pace)
    await stage.something_is_live()
    sha = await stage.merge(number=821, author="ana", title="Cache exchange rates", merged_by="ben")
    await stage.github.workflow_run(CHECKOUT, sha)
    run = await stage.github.begin_run(CHECKOUT, sha)
    await stage.roll_out(sha, "staging", run=run, seconds=3)
    await stage.roll_out(sha, "production", run=run, state="failure")
    await stage.github.finish_run(CHECKOUT, run, "failure")
    await stage.wait(0)


async def red_build(sandbox: Sandbox, pace: float) -> None:
    """A merge turns the main branch red, and a second one makes it green again."""
    stage = Stage(sandbox, pace)
    sha = await stage.merge(number=824, author="ben", title="Round totals up", merged_by="ben")
    await stage.wait(3)
    await stage.github.workflow_run(CHECKOUT, sha, conclusion="failure")
    await stage.wait(8)
    mended = await stage.merge(number=825, author="ben", title="Round totals half to even", merged_by="chi")
    await stage.wait(3)
    await stage.github.workflow_run(CHECKOUT, mended)
    await stage.wait(0)


async def rollback(sandbox: Sandbox, pace: float) -> None:
    """A change goes live, and production goes back to what ran before it."""
    stage = Stage(sandbox, pace)
    before = await stage.something_is_live()
    sha = await stage.merge(number=831, author="chi", title="Ask for the card before the address", merged_by="ana")
    await stage.github.workflow_run(CHECKOUT, sha)
    await stage.roll_out(sha, "production", seconds=3)
    await stage.wait(5)
    await stage.roll_out(before, "production", seconds=2)


async def failing_canary(sandbox: Sandbox, pace: float) -> None:
    """A change does badly at a tenth of the traffic; the pipeline stops, and goes back by itself."""
    stage = Stage(sandbox, pace)
    before = await stage.something_is_live()
    sha = await stage.merge(number=841, author="ben", title="Ask the gateway in parallel", merged_by="ana")
    await stage.pipeline.build(sha)
    run = await stage.github.begin_run(CHECKOUT, sha)
    await stage.pipeline.roll_out(sha, "staging", run=run, seconds=3)
    stage.pipeline.break_next("production", at=CANARY[0])
    await stage.pipeline.roll_out(sha, "production", run=run, steps=CANARY)
    await stage.github.finish_run(CHECKOUT, run, "failure")
    await stage.wait(2)
    await stage.pipeline.roll_out(before, "production", seconds=3)


async def slack_is_down(sandbox: Sandbox, pace: float) -> None:
    """Slack answers 503 while two deploys go on; when it is back, everything is said, once."""
    stage = Stage(sandbox, pace)
    before = await stage.something_is_live()
    sha = await stage.merge(number=861, author="chi", title="Remember the currency", merged_by="dee")
    await stage.github.workflow_run(CHECKOUT, sha)
    sandbox.slack.fault(FaultKind.HTTP_503)
    try:
        await stage.roll_out(sha, "staging", seconds=4)
        await stage.roll_out(sha, "production", seconds=6)
        await stage.wait(3)
        await stage.roll_out(before, "production", seconds=2)
    finally:
        sandbox.slack.clear_faults()
    await stage.wait(2)


async def burst(sandbox: Sandbox, pace: float, services: int = CROWD) -> None:
    """Many services that nobody configured are rolled out within a moment, all told of in one channel; one fails."""
    stage = Stage(sandbox, pace)
    crowd = [f"acme/worker-{number:03}" for number in range(1, services + 1)]
    going = []
    for name in crowd:
        repo = stage.github.repository(name)
        going.append(await stage.github.deployment(name, repo.default_branch, "production"))
        await stage.github.deployment_status(name, going[-1], "in_progress")
    await stage.wait(10)
    for number, (name, deployment) in enumerate(zip(crowd, going, strict=True)):
        await stage.github.deployment_status(name, deployment, "failure" if number == services // 2 else "success")
    await stage.wait(0)


async def webhooks_go_missing(sandbox: Sandbox, pace: float) -> None:
    """GitHub's webhooks are lost while something goes live; a quarter of an hour later the bot has found it."""
    stage = Stage(sandbox, pace)
    await stage.something_is_live()
    sha = await stage.merge(number=871, author="ana", title="Say when the parcel leaves", merged_by="eve")
    stage.github.drop_webhooks()
    try:
        await stage.github.workflow_run(CHECKOUT, sha)
        await stage.roll_out(sha, "production", seconds=4)
    finally:
        stage.github.drop_webhooks(False)
    await stage.later(3, by=timedelta(minutes=15))
    await stage.wait(2)
