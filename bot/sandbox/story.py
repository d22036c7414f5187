"""Scenes: what happens at Acme, so that there is something to see. Each is played by the people and the pipeline.

Seconds are the story's; ``pace`` stretches them (0 = at once, each step answered before the next). Some scenes wait for
the bot: they break off where there is none that answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.sandbox.faults import FaultKind
from bot.sandbox.pipeline import CANARY, Pipeline
from bot.sandbox.world import Json, Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

REPO = "acme/checkout"
PATIENCE = 15.0
"""Real seconds a scene waits for the bot to say what the scene needs."""
CROWD = 200
"""Deploys in a burst."""


@dataclass(frozen=True)
class Scene:
    """One scene: what it shows, and how it goes; ``needs_bot`` if it waits for what the bot says."""

    summary: str
    play: Callable[[Sandbox, float], Awaitable[None]]
    needs_bot: bool = False


class Stage:
    """What scenes have in common: waiting at a pace, and a pipeline that rolls one commit out."""

    def __init__(self, sandbox: Sandbox, pace: float) -> None:
        self.sandbox = sandbox
        self.github = sandbox.github
        self.pace = pace
        self.pipeline = Pipeline(sandbox.github, REPO, self.wait)

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
        return (await self.pipeline.roll_out(sha, environment, run=run, seconds=seconds, state=state)).deployment

    async def something_is_live(self) -> str:
        """What runs in production; if nothing was ever rolled out, this morning's change by Eve is, now."""
        live = self.pipeline.live("production")
        if live is not None:
            return live
        sha = await self.merge(number=809, author="eve", title="Translate the error pages", merged_by="dee")
        await self.github.workflow_run(REPO, sha)
        for environment in ("staging", "production"):
            await self.roll_out(sha, environment, seconds=1)
        return sha

    async def card_of(self, person: str, title: str) -> tuple[Message, Json]:
        """Somebody's own message about a change, and its button that mutes; LookupError if the bot writes none."""
        slack = self.sandbox.slack

        def find() -> tuple[Message, Json] | None:
            for message in slack.direct_messages(person):
                muting = [one for one in buttons(message) if one["text"]["text"].startswith("Mute ")]
                if muting and any(title in text for text in (message.text, str(message.blocks))):
                    return message, muting[0]
            return None

        with suppress(TimeoutError):
            await slack.until(find, within=PATIENCE)
        found = find()
        if found is None:
            raise LookupError(f"{person} was not told of {title!r}; does the bot run?")
        return found


def buttons(message: Message) -> list[Json]:
    """The buttons of a message's rows of actions."""
    rows = [block for block in message.blocks if block["type"] == "actions"]
    return [element for row in rows for element in row["elements"] if element["type"] == "button"]


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


async def failing_canary(sandbox: Sandbox, pace: float) -> None:
    """A change does badly at a tenth of the traffic; the pipeline stops, and goes back by itself."""
    stage = Stage(sandbox, pace)
    before = await stage.something_is_live()
    sha = await stage.merge(number=841, author="ben", title="Ask the gateway in parallel", merged_by="ana")
    await stage.pipeline.build(sha)
    run = await stage.github.begin_run(REPO, sha)
    await stage.pipeline.roll_out(sha, "staging", run=run, seconds=3)
    stage.pipeline.break_next("production", at=CANARY[0])
    await stage.pipeline.roll_out(sha, "production", run=run, steps=CANARY)
    await stage.github.finish_run(REPO, run, "failure")
    await stage.wait(2)
    await stage.pipeline.roll_out(before, "production", seconds=3)


async def two_press_at_once(sandbox: Sandbox, pace: float) -> None:
    """A change of two people goes live, and both mute it at the same moment; one of them twice."""
    stage = Stage(sandbox, pace)
    await stage.something_is_live()
    title = "Show the saved cards first"
    sha = await stage.merge(number=851, author="ben", title=title, merged_by="ben", coauthors=("dee",))
    await stage.github.workflow_run(REPO, sha)
    await stage.roll_out(sha, "staging", seconds=2)
    cards = {person: await stage.card_of(person, title) for person in ("ben", "dee")}
    presses = [
        sandbox.slack.click(person, message.channel, message.ts, action_id=button["action_id"])
        for person, (message, button) in [*cards.items(), ("dee", cards["dee"])]
    ]
    await asyncio.gather(*presses)
    await stage.roll_out(sha, "production", seconds=2)


async def slack_is_down(sandbox: Sandbox, pace: float) -> None:
    """Slack answers 503 while two deploys go on; when it is back, everything is said, once."""
    stage = Stage(sandbox, pace)
    before = await stage.something_is_live()
    sha = await stage.merge(number=861, author="chi", title="Remember the currency", merged_by="dee")
    await stage.github.workflow_run(REPO, sha)
    sandbox.slack.fault(FaultKind.HTTP_503)
    try:
        await stage.roll_out(sha, "staging", seconds=4)
        await stage.roll_out(sha, "production", seconds=6)
        await stage.wait(3)
        await stage.roll_out(before, "production", seconds=2)
    finally:
        sandbox.slack.clear_faults()
    await stage.wait(2)


async def burst(sandbox: Sandbox, pace: float) -> None:
    """Two hundred services that nobody configured are rolled out within a moment, all told of in one channel."""
    stage = Stage(sandbox, pace)
    crowd = [f"acme/worker-{number:03}" for number in range(1, CROWD + 1)]
    going = []
    for name in crowd:
        repo = stage.github.repository(name)
        going.append(await stage.github.deployment(name, repo.default_branch, "production"))
        await stage.github.deployment_status(name, going[-1], "in_progress")
    await stage.wait(10)
    for number, (name, deployment) in enumerate(zip(crowd, going, strict=True)):
        await stage.github.deployment_status(name, deployment, "failure" if number == CROWD // 2 else "success")
    await stage.wait(0)


async def webhooks_go_missing(sandbox: Sandbox, pace: float) -> None:
    """GitHub's webhooks are lost while something goes live; a quarter of an hour later the bot has found it."""
    stage = Stage(sandbox, pace)
    await stage.something_is_live()
    sha = await stage.merge(number=871, author="ana", title="Say when the parcel leaves", merged_by="eve")
    stage.github.drop_webhooks()
    try:
        await stage.github.workflow_run(REPO, sha)
        await stage.roll_out(sha, "production", seconds=4)
    finally:
        stage.github.drop_webhooks(False)
    await stage.wait(3)
    sandbox.clock.turn(by=timedelta(minutes=15))
    await stage.wait(2)


SCENES: dict[str, Scene] = {
    "a calm deploy": Scene(
        "Three changes go to staging, then to production; each author hears when theirs is live.", calm_deploy
    ),
    "a failing deploy": Scene("Production does not come up; the author hears at once.", failing_deploy),
    "a failing canary": Scene(
        "A change does badly at 10 % of the traffic; the pipeline stops and goes back by itself.", failing_canary
    ),
    "a red build": Scene("The main branch turns red; its author and team hear, and it is mended.", red_build),
    "a rollback": Scene("A change goes live and production goes back to what ran before.", rollback),
    "two people press at once": Scene(
        "Ben and Dee mute their change at the same moment, Dee twice; each press is answered once.",
        two_press_at_once,
        needs_bot=True,
    ),
    "Slack is down": Scene("Deploys go on while Slack answers 503; then everything is said, once.", slack_is_down),
    "a burst": Scene(f"{CROWD} services deploy within a moment, into one channel; the one that fails is seen.", burst),
    "webhooks go missing": Scene(
        "GitHub loses webhooks during a deploy; 15 minutes later the bot has found out by itself.",
        webhooks_go_missing,
    ),
}


async def play(sandbox: Sandbox, name: str, *, pace: float = 1.0) -> None:
    """Play a scene to its end; LookupError if there is none of that name."""
    scene = SCENES.get(name)
    if scene is None:
        raise LookupError(f"there is no scene {name!r}; there are {', '.join(SCENES)}")
    await scene.play(sandbox, pace)
