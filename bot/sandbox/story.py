"""Scenes: what happens at Acme, so that there is something to see. Each is played by the people and the pipeline.

Seconds are the story's; ``pace`` stretches them (0 = at once, each step answered before the next).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

REPO = "acme/checkout"


@dataclass(frozen=True)
class Scene:
    """One scene: what it shows, and how it goes."""

    summary: str
    play: Callable[[Sandbox, float], Awaitable[None]]


class Stage:
    """What scenes have in common: waiting at a pace, and a pipeline that rolls one commit out."""

    def __init__(self, sandbox: Sandbox, pace: float) -> None:
        self.sandbox = sandbox
        self.github = sandbox.github
        self.pace = pace

    async def wait(self, seconds: float) -> None:
        """Let the story's time pass, and everything sent so far be answered."""
        await self.sandbox.settle()
        if self.pace > 0:
            await asyncio.sleep(seconds * self.pace)

    async def merge(
        self,
        *,
        number: int,
        author: str,
        title: str,
        merged_by: str,
        how: str = "squash",
        coauthors: tuple[str, ...] = (),
        labels: tuple[str, ...] = (),
        files: tuple[str, ...] = ("src/checkout.py",),
    ) -> str:
        """Somebody's pull request is opened and merged; the sha it became. The number is taken if still free."""
        repo = self.github.repository(REPO)
        opened = await self.github.open_pull(
            REPO,
            author=author,
            title=title,
            number=number if number not in repo.pulls else None,
            coauthors=coauthors,
            labels=labels,
            files=files,
        )
        await self.wait(1)
        return await self.github.merge_pull(REPO, opened, merged_by=merged_by, how=how)

    async def roll_out(
        self, sha: str, environment: str, *, run: int | None = None, seconds: float = 6, state: str = "success"
    ) -> int:
        """The pipeline rolls a commit out: announced, under way, ended with ``state``; the deployment's id."""
        deployment = await self.github.deployment(REPO, sha, environment, run=run)
        await self.github.deployment_status(REPO, deployment, "pending")
        await self.wait(1.5)
        await self.github.deployment_status(REPO, deployment, "in_progress")
        await self.wait(seconds)
        told = "" if state == "success" else "3 of 8 instances did not become healthy"
        address = f"https://{'checkout' if environment == 'production' else f'checkout.{environment}'}.example.com"
        await self.github.deployment_status(REPO, deployment, state, description=told, environment_url=address)
        await self.wait(1)
        return deployment

    async def something_is_live(self) -> str:
        """What runs in production; if nothing was ever rolled out, this morning's change by Eve is, now."""
        repo = self.github.repository(REPO)
        live = [
            one
            for one in repo.deployments.values()
            if one.environment == "production" and one.statuses and one.statuses[-1].state == "success"
        ]
        if live:
            return live[-1].sha
        sha = await self.merge(number=809, author="eve", title="Translate the error pages", merged_by="dee")
        await self.github.workflow_run(REPO, sha)
        for environment in ("staging", "production"):
            await self.roll_out(sha, environment, seconds=1)
        return sha


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
    await stage.github.workflow_run(REPO, sha)
    await stage.wait(2)
    run = await stage.github.begin_run(REPO, sha)
    await stage.roll_out(sha, "staging", run=run)
    await stage.wait(2)
    await stage.roll_out(sha, "production", run=run, seconds=10)
    await stage.github.finish_run(REPO, run, "success")
    await stage.wait(0)


async def failing_deploy(sandbox: Sandbox, pace: float) -> None:
    """A change is fine in staging and fails in production; its author hears at once."""
    stage = Stage(sandbox, pace)
    await stage.something_is_live()
    sha = await stage.merge(number=821, author="ana", title="Cache exchange rates", merged_by="ben")
    await stage.github.workflow_run(REPO, sha)
    run = await stage.github.begin_run(REPO, sha)
    await stage.roll_out(sha, "staging", run=run, seconds=3)
    await stage.roll_out(sha, "production", run=run, state="failure")
    await stage.github.finish_run(REPO, run, "failure")
    await stage.wait(0)


async def red_build(sandbox: Sandbox, pace: float) -> None:
    """A merge turns the main branch red, and a second one makes it green again."""
    stage = Stage(sandbox, pace)
    sha = await stage.merge(number=824, author="ben", title="Round totals up", merged_by="ben")
    await stage.wait(3)
    await stage.github.workflow_run(REPO, sha, conclusion="failure")
    await stage.wait(8)
    mended = await stage.merge(number=825, author="ben", title="Round totals half to even", merged_by="chi")
    await stage.wait(3)
    await stage.github.workflow_run(REPO, mended)
    await stage.wait(0)


async def rollback(sandbox: Sandbox, pace: float) -> None:
    """A change goes live, and production goes back to what ran before it."""
    stage = Stage(sandbox, pace)
    before = await stage.something_is_live()
    sha = await stage.merge(number=831, author="chi", title="Ask for the card before the address", merged_by="ana")
    await stage.github.workflow_run(REPO, sha)
    await stage.roll_out(sha, "production", seconds=3)
    await stage.wait(5)
    await stage.roll_out(before, "production", seconds=2)


SCENES: dict[str, Scene] = {
    "a calm deploy": Scene(
        "Three changes go to staging, then to production; each author hears when theirs is live.", calm_deploy
    ),
    "a failing deploy": Scene("Production does not come up; the author hears at once.", failing_deploy),
    "a red build": Scene("The main branch turns red; its author and team hear, and it is mended.", red_build),
    "a rollback": Scene("A change goes live and production goes back to what ran before.", rollback),
}


async def play(sandbox: Sandbox, name: str, *, pace: float = 1.0) -> None:
    """Play a scene to its end; LookupError if there is none of that name."""
    scene = SCENES.get(name)
    if scene is None:
        raise LookupError(f"there is no scene {name!r}; there are {', '.join(SCENES)}")
    await scene.play(sandbox, pace)
