"""What every scene stands on: time that passes at its pace, people who merge and press, a pipeline that rolls out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from bot.sandbox.pipeline import Pipeline
from bot.sandbox.repositories import File
from bot.sandbox.slack_blocks import elements_of
from bot.sandbox.world import Json, Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

CHECKOUT = "acme/checkout"
Found = TypeVar("Found")
PATIENCE = 20.0
"""Real seconds a scene waits for the bot to say what the scene needs."""


@dataclass(frozen=True)
class Scene:
    """One scene: what it shows, and how it goes; ``needs_bot`` if it waits for what the bot says."""

    summary: str
    play: Callable[[Sandbox, float], Awaitable[None]]
    needs_bot: bool = False


class Stage:
    """What scenes have in common: waiting at a pace, people who merge, and a pipeline that rolls one commit out."""

    def __init__(self, sandbox: Sandbox, pace: float, repo: str = CHECKOUT) -> None:
        self.sandbox = sandbox
        self.github = sandbox.github
        self.slack = sandbox.slack
        self.pace = pace
        self.repo = repo
        self.pipeline = Pipeline(sandbox.github, repo, self.wait)

    async def wait(self, seconds: float) -> None:
        """Let the story's time pass, and everything sent so far be answered."""
        await self.sandbox.settle()
        if self.pace > 0:
            await asyncio.sleep(seconds * self.pace)

    async def later(self, seconds: float, by: timedelta) -> None:
        """Let the story's time pass; then the world's clock is turned on."""
        await self.wait(seconds)
        self.sandbox.clock.turn(by=by)
        await self.sandbox.clock.followed()

    async def until_it_is(self, at: datetime, seconds: float) -> None:
        """Let the story's time pass; then the world's clock is turned on to an instant, unless it is later already."""
        await self.wait(seconds)
        if at > self.sandbox.clock.now():
            self.sandbox.clock.turn(to=at)
            await self.sandbox.clock.followed()

    async def merge(
        self,
        *,
        author: str,
        title: str,
        merged_by: str,
        number: int | None = None,
        how: str = "squash",
        body: str = "",
        coauthors: tuple[str, ...] = (),
        labels: tuple[str, ...] = (),
        files: Sequence[str | File] = ("src/checkout.py",),
    ) -> str:
        """Somebody's pull request is opened and merged; the sha it became. The number is taken if still free."""
        opened = await self.github.open_pull(
            self.repo,
            author=author,
            title=title,
            number=number if number not in self.github.repository(self.repo).pulls else None,
            body=body,
            coauthors=coauthors,
            labels=labels,
            files=files,
        )
        await self.wait(1)
        return await self.github.merge_pull(self.repo, opened, merged_by=merged_by, how=how)

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
        await self.github.workflow_run(self.repo, sha)
        for environment in ("staging", "production"):
            await self.roll_out(sha, environment, seconds=1)
        return sha

    # What people see and use

    async def sees(self, find: Callable[[], Found | None], what: str) -> Found:
        """What the bot wrote, as soon as it is there; LookupError if it never comes."""
        with suppress(TimeoutError):
            await self.slack.until(find, within=PATIENCE)
        found = find()
        if found is None:
            raise LookupError(f"{what}; does the bot run?")
        return found

    async def press(self, person: str, message: Message, action: str, *, chosen: str | None = None) -> None:
        """Somebody uses an element of a message: a button, or an option of a menu."""
        await self.slack.click(person, message.channel, message.ts, action_id=action, chosen=chosen)

    async def fill(self, person: str, callback: str, **values: str) -> None:
        """Somebody fills in the modal that opened for them, and submits it; LookupError where it is refused."""

        def opened() -> Json | None:
            return next((view for view in self.slack.modals(person)[-1:] if view["callback_id"] == callback), None)

        view = await self.sees(opened, f"no window {callback!r} opened for {person}")
        await self.wait(3)
        done = await self.slack.submit(person, view["id"], values)
        if not done.ok:
            raise LookupError(f"the window {callback!r} was not taken: {done.action} {dict(done.errors)}")

    async def until_offers(self, card: Message, action: str) -> None:
        """Wait until a card offers something."""
        await self.sees(lambda: offers(card, action), f"the card does not come to offer {action}: {card.text}")

    async def until_gone(self, card: Message, action: str) -> None:
        """Wait until a card does not offer something any more."""
        await self.sees(
            lambda: True if offers(card, action) is None else None, f"the card goes on offering {action}: {card.text}"
        )

    async def until_says(self, card: Message, words: str) -> None:
        """Wait until a card says something."""
        await self.sees(lambda: words in card.text or None, f"the card does not come to say {words!r}: {card.text}")


class Guarded(Stage):
    """A stage whose production is held behind gates. Its pipeline ships every merge to staging, and takes up what is
    asked of it for production; it goes on when a scene is over, so that people can press on.
    """

    def __init__(self, sandbox: Sandbox, pace: float, repo: str) -> None:
        super().__init__(sandbox, pace, repo)
        running = next((one for one in sandbox.pipelines if one.repo == repo), None)
        if running is None:
            running = Pipeline(sandbox.github, repo, self.wait, places=("staging",), smoke="e2e")
            running.watch()
            sandbox.pipelines.append(running)
        running.wait = self.wait
        self.pipeline = running

    async def something_is_live(self) -> str:
        """What runs in production; a bot that has heard nothing of it yet is told."""
        live = self.pipeline.live("production")
        if live is None:
            raise LookupError(f"nothing was ever live of {self.repo}")
        there = self.github.repository(self.repo)
        if len(there.deployments) == len(("staging", "production")):
            for number in sorted(there.deployments, reverse=True):  # what is live first: nothing is to bring it there
                await self.github.tell_again(self.repo, number)
            await self.wait(2)
        return live


def offers(message: Message, action: str) -> Json | None:
    """The element of a message with this action, if it stands there."""
    elements = (element for block in message.blocks for element, _ in elements_of(block))
    return next((element for element in elements if element.get("action_id") == action), None)
