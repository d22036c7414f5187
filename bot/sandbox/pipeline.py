"""A small pipeline: it builds a commit, brings it from place to place, and goes back when a place does not come up.

It tells of itself as GitHub Actions does: workflow runs, deployments, statuses, and before a guarded environment it
waits for the verdict. Limits: one rollout at a time, in the order commits land.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.sandbox.repositories import Deployment, Repository, WorkflowRun

if TYPE_CHECKING:
    from bot.sandbox.github import GitHub

BUILD = "ci"
DEPLOY = "deploy"
CANARY = (10, 50)
"""Per cent of the traffic that production goes through on its way to all of it."""

Wait = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Rollout:
    """How one rollout ended: ``success``, ``failure``, or ``rejected`` before it began."""

    deployment: int
    state: str


class Pipeline:
    """The pipeline of one repository. ``wait`` lets so many seconds pass: of the story, or of the world's clock.

    ``smoke`` is a workflow that tries each build in the first place it comes to, if there is one.
    """

    def __init__(
        self,
        github: GitHub,
        repo: str,
        wait: Wait,
        *,
        places: Sequence[str] = ("staging", "production"),
        smoke: str | None = None,
    ) -> None:
        self.github = github
        self.repo = repo
        self.places = tuple(places)
        self.wait = wait
        self.smoke = smoke
        self._held_back: list[str] | None = None
        self._broken: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()

    def break_next(self, where: str = "production", *, at: int = 10) -> None:
        """Let the next build (``ci``) or trial (``smoke``) fail, or the next rollout to a place, at some per cent."""
        self._broken[where] = at

    def live(self, environment: str) -> str | None:
        """The sha that runs in a place, by its last success."""
        there = self.github.forge.repository(self.repo)
        succeeded = [
            (status.at, status.id, one.sha)
            for one in there.deployments.values()
            if one.environment == environment
            for status in one.statuses
            if status.state == "success"
        ]
        return max(succeeded)[2] if succeeded else None

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Its machines are busy: what lands meanwhile is shipped as one build afterwards, the last of it."""
        self._held_back = []
        try:
            yield
        finally:
            landed, self._held_back = self._held_back, None
            if landed:
                self._begin(self.ship(landed[-1]))

    # What it does

    async def build(self, sha: str) -> bool:
        """Build a commit; whether it is green."""
        run = await self.github.begin_run(self.repo, sha, BUILD)
        await self.wait(4)
        green = self._broken.pop(BUILD, None) is None
        await self.github.finish_run(self.repo, run, "success" if green else "failure")
        return green

    async def ship(self, sha: str) -> list[Rollout]:
        """Build a commit and bring it everywhere, as far as it goes; back again where a place does not come up."""
        async with self._one_at_a_time:
            if not await self.build(sha):
                return []
            run = await self.github.begin_run(self.repo, sha, DEPLOY)
            done: list[Rollout] = []
            for place in self.places:
                before = self.live(place)
                done.append(await self.roll_out(sha, place, run=run))
                if done[-1].state != "success":
                    await self._stop(run)
                    if done[-1].state == "failure" and before is not None:
                        done.append(await self.roll_out(before, place, seconds=2))
                    return done
                if self.smoke is not None and place == self.places[0]:
                    await self._try_out(sha, self.smoke)
            await self.github.finish_run(self.repo, run, "success")
            return done

    async def _try_out(self, sha: str, smoke: str) -> None:
        run = await self.github.begin_run(self.repo, sha, smoke)
        await self.wait(3)
        await self.github.finish_run(self.repo, run, "success" if self._broken.pop(smoke, None) is None else "failure")

    async def _stop(self, run: int) -> None:
        if self.github.forge.repository(self.repo).runs[run].status != "completed":
            await self.github.finish_run(self.repo, run, "failure")

    async def roll_out(
        self,
        sha: str,
        environment: str,
        *,
        run: int | None = None,
        seconds: float = 6,
        steps: Sequence[int] = (),
        state: str = "success",
    ) -> Rollout:
        """Roll a commit out: announced, under way by ``steps`` (per cent), ended with ``state`` unless it breaks.

        Within a run, a guarded environment is entered only when what stands before it has opened.
        """
        place = self.github.forge.repository(self.repo).environments.get(environment.lower())
        if run is not None and place is not None and place.guarded:
            waiting = await self.github.enter(self.repo, run, environment)
            await waiting.over.wait()
            deployment = waiting.deployment
            if waiting.verdict != "approved":
                return Rollout(deployment, "rejected")
        else:
            deployment = await self.github.deployment(self.repo, sha, environment, run=run)
            await self._say(deployment, "pending")
        return await self._carry_out(deployment, environment, seconds, steps, state)

    async def _carry_out(
        self, deployment: int, environment: str, seconds: float, steps: Sequence[int], state: str
    ) -> Rollout:
        """What is the same of every rollout once it has been announced."""
        await self.wait(1.5)
        broken_at = self._broken.pop(environment, None)
        if broken_at is not None:
            steps, state = [*(step for step in steps if step < broken_at), broken_at], "failure"
        await self._say(deployment, "in_progress")
        for step in steps:
            await self.wait(seconds / (len(steps) + 1))
            await self._say(deployment, "in_progress", f"Canary: {step} % of the traffic")
        await self.wait(seconds / (len(steps) + 1))
        told = "" if state == "success" else "3 of 8 instances did not become healthy"
        if broken_at is not None:
            told = f"Stopped at {broken_at} % of the traffic: 3 in 100 requests failed"
        await self._say(deployment, state, told, self._address(environment))
        await self.wait(1)
        return Rollout(deployment, state)

    async def _say(self, deployment: int, state: str, description: str = "", address: str = "") -> None:
        await self.github.deployment_status(
            self.repo, deployment, state, description=description, environment_url=address
        )

    def _address(self, environment: str) -> str:
        name = self.repo.partition("/")[2]
        return f"https://{name if environment == 'production' else f'{name}.{environment}'}.example.com"

    # By itself

    def watch(self) -> None:
        """From now on ship every commit that lands, and roll out what is dispatched or announced.

        A dispatch names ``sha`` and ``environment``, and may name ``service`` and ``promotion``, which its run's name
        repeats. What is announced is any deployment that somebody creates through the API.
        """
        self.github.landed.append(self._landed)
        self.github.started.append(self._started)
        self.github.announced.append(self._announced)
        there = self.github.forge.repository(self.repo)
        if DEPLOY not in there.workflows or there.workflows[DEPLOY].inputs is None:
            self.github.workflow(
                self.repo,
                DEPLOY,
                inputs={"sha": True, "environment": True, "service": False, "promotion": False},
                run_name="Deploy ${{ inputs.sha }} to ${{ inputs.environment }} (shipmate:${{ inputs.promotion }})",
            )

    def _landed(self, repo: Repository, branch: str, sha: str) -> None:
        if repo.full_name != self.repo or branch != repo.default_branch:
            return
        if self._held_back is not None:
            self._held_back.append(sha)
        else:
            self._begin(self.ship(sha))

    def _started(self, repo: Repository, run: WorkflowRun) -> None:
        if repo.full_name == self.repo and run.name == DEPLOY and run.inputs:
            self._begin(self._dispatched(run))

    def _announced(self, repo: Repository, deployment: Deployment) -> None:
        if repo.full_name == self.repo and not deployment.transient:
            self._begin(self._asked_for(deployment))

    async def _asked_for(self, deployment: Deployment) -> None:
        async with self._one_at_a_time:
            await self._say(deployment.id, "pending")
            await self._carry_out(deployment.id, deployment.environment, 6, (), "success")

    async def _dispatched(self, run: WorkflowRun) -> None:
        async with self._one_at_a_time:
            await self.github.work_on(self.repo, run.id)
            sha = self.github.forge.repository(self.repo).resolve(run.inputs["sha"])
            if sha is None:
                await self.github.finish_run(self.repo, run.id, "failure")
                return
            rollout = await self.roll_out(sha, run.inputs["environment"], run=run.id)
            if rollout.state == "success":
                await self.github.finish_run(self.repo, run.id, "success")
            else:
                await self._stop(run.id)

    def _begin(self, work: Coroutine[object, object, object]) -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Stop watching, and leave what is under way where it stands."""
        if self._landed in self.github.landed:
            self.github.landed.remove(self._landed)
            self.github.started.remove(self._started)
            self.github.announced.remove(self._announced)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
