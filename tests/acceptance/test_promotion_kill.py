"""``kill -9`` on the way to production: no click is lost, and exactly one deployment is created at GitHub.

The world (Slack, GitHub, people) lives in this process, the bot in one of its own that is killed and started again. It
follows the world's clock, which is turned on where a call can be believed not to have been made.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.database import Database
from bot.promotions.models import Approval, Promotion, State
from bot.sandbox.pipeline import Pipeline
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from tests.acceptance import processes, watching
from tests.acceptance.processes import Process
from tests.acceptance.promoting import next_wednesday, policy
from tests.acceptance.stories import CHANNEL, REPO
from tests.adapters.between import Between
from tests.conftest import settings_for

ROUNDS = int(os.environ.get("SHIPMATE_TORTURE_ROUNDS", "20"))
QUICK: dict[str, Any] = {"per_channel": None, "updates_per_minute": None, "progress_every": 0.0, "doubt_settles": 0.3}
GATES = "[lock, freeze, order, approval, health]"
WITHIN = 40.0
"""Seconds in which what is waited for comes on a machine that does much else."""

BELIEVED = timedelta(minutes=4)
"""A call that cannot be found is believed not to have been made within less than this."""


@dataclass
class World:
    """Everything outside the bot: its database, what stands between it and GitHub, and how it is started."""

    sandbox: Sandbox
    pipeline: Pipeline
    between: Between
    database: Database
    environment: dict[str, str]
    log: Path
    acknowledged: bool = False
    """Whether Slack was told that the last click arrived."""

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[Process]:
        """A bot that lives here, until it is killed."""
        async with processes.running(self.environment, self.log, **QUICK) as bot:
            self.sandbox.connect(bot.url)
            yield bot

    async def raised(self, title: str) -> Message:
        """Somebody's change is in staging and read; the card of its promotion."""
        self.sandbox.clock.turn(by=timedelta(minutes=1))
        github = self.sandbox.github
        number = await github.open_pull(REPO, author="ana", title=title)
        await github.merge_pull(REPO, number, merged_by="ana")
        await self.pipeline.settle()
        await self.until(lambda: [card for card in self.cards() if approvable(card, title)])
        return next(card for card in self.cards() if approvable(card, title))

    async def approve(self, card: Message) -> None:
        """Dee clicks Approve; where it does not get through, Slack shows her that."""
        answer = await self.sandbox.slack.click("dee", card.channel, card.ts, action_id="promotions:approve")
        self.acknowledged = answer.ok

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to be seen in Slack."""
        await self.sandbox.slack.until(condition, within=WITHIN)

    async def becomes(self, *states: State) -> None:
        """Wait until the newest promotion stands there."""
        async with asyncio.timeout(WITHIN):
            while await self.database.read(newest) not in states:  # noqa: ASYNC110 - the bot is in another process
                await asyncio.sleep(watching.LOOK_AGAIN)

    def cards(self) -> list[Message]:
        """The promotions' cards."""
        return watching.cards(self.sandbox.slack.messages(CHANNEL), "promotion")

    def ours(self) -> list[str]:
        """The commits of the deployments to production that Shipmate created at GitHub."""
        there = self.sandbox.github.repository(REPO)
        return [one.sha for one in there.deployments.values() if one.environment == "production"][1:]

    async def lives(self) -> None:
        """The bot of the moment brings everything to its end: live, once, and said once."""
        await self.becomes(State.DONE)
        await self.pipeline.settle()
        await watching.at_rest(self.database, within=WITHIN, by=self.sandbox.clock.now())
        assert watching.said_twice(self.sandbox) == []
        assert await self.database.read(approvals) == ["U0DEE"], "one click is one approval"


def newest(session: Session) -> State:
    """Where the newest promotion stands."""
    return State(session.exec(select(Promotion.state).order_by(col(Promotion.id).desc())).first() or State.OPEN)


def approvals(session: Session) -> list[str]:
    """Who approved the newest promotion."""
    latest = session.exec(select(Promotion.id).order_by(col(Promotion.id).desc())).first()
    return [*session.exec(select(Approval.person).where(Approval.promotion == latest))]


def approvable(card: Message, title: str) -> bool:
    """Whether a card is about this change and can be approved."""
    return title in watching.words_of(card) and "promotions:approve" in watching.plain(card.blocks)


@asynccontextmanager
async def world(sandbox: Sandbox, database_url: str, folder: Path, *, undo: str = "0s") -> AsyncIterator[World]:
    """Something is live everywhere, and the next change can be approved at once; no bot runs."""
    file, log = folder / "shipmate.yml", folder / "bot.log"
    file.write_text(policy(gates=GATES, undo=undo))
    sandbox.clock.turn(to=next_wednesday(sandbox.clock.now()))
    sandbox.slack.patience = WITHIN

    async def at_once(_: float) -> None:
        return

    async with AsyncExitStack() as stack:
        between = await stack.enter_async_context(Between(sandbox.url))
        environment = {
            **sandbox.environment(clock=True),
            "DATABASE_URL": database_url,
            "SHIPMATE_PORT": "0",
            "SHIPMATE_CONFIG": str(file),
            "SHIPMATE_DEFAULT_CHANNEL": "#deploys",
        }
        environment["GITHUB_API_URL"] = environment["GITHUB_API_URL"].replace(sandbox.url, between.url)
        database = Database(settings_for(sandbox, database_url).database_url)
        stack.push_async_callback(database.close)
        pipeline = Pipeline(sandbox.github, REPO, at_once, places=("staging",))
        there = World(sandbox, pipeline, between, database, environment, log)
        try:
            async with there.bot():
                first = sandbox.github.repository(REPO).branches["main"]
                await pipeline.roll_out(first, "staging")
                sandbox.clock.turn(by=timedelta(minutes=1))
                await pipeline.roll_out(first, "production")
                await sandbox.settle()
                await watching.at_rest(database, within=WITHIN, by=sandbox.clock.now())
            pipeline.watch()
            stack.push_async_callback(pipeline.close)
            yield there
        except BaseException:
            print(log.read_text()[-6000:])
            raise


async def test_killed_between_the_click_and_its_answer(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """Slack was told that it arrived, so it counts: the next process applies and answers to it, once."""
    async with world(sandbox, database_url, tmp_path) as there:
        async with there.bot() as bot:
            card = await there.raised("Retry payments")
            await there.approve(card)
            await bot.kill()
        assert there.acknowledged
        async with there.bot():
            await there.lives()
        assert len(there.ours()) == 1


async def test_killed_between_the_decision_and_its_effect(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """What was approved ships when the undo time is over, whoever is alive by then."""
    async with world(sandbox, database_url, tmp_path, undo="20m") as there:
        async with there.bot() as bot:
            await there.approve(await there.raised("Retry payments"))
            await there.becomes(State.STARTING)
            await bot.kill()
        assert there.ours() == []
        sandbox.clock.turn(by=timedelta(minutes=21))
        async with there.bot():
            await there.lives()
        assert len(there.ours()) == 1


@pytest.mark.parametrize("how", ["hang", "accept_then_hang"])
async def test_killed_within_the_call(sandbox: Sandbox, database_url: str, tmp_path: Path, how: str) -> None:
    """Whether GitHub had created the deployment or not: the next process looks before it calls again."""
    async with world(sandbox, database_url, tmp_path) as there:
        async with there.bot() as bot:
            card = await there.raised("Retry payments")
            there.between.spoil(how, path="/deployments")
            sandbox.github.hold_webhooks()  # the rollout goes on, and nobody is there to hear of it
            await there.approve(card)
            await called(there)
            await bot.kill()
        assert len(there.ours()) == (1 if how.startswith("accept") else 0)
        before = len(there.between.seen)
        async with there.bot():
            await there.becomes(State.ROLLING if how.startswith("accept") else State.STARTING)
            await there.pipeline.settle()
            sandbox.github.hooks.release(None, 1)
            if how == "hang":  # that it cannot be found proves nothing yet
                await looked(there, before)
                assert there.ours() == []
                sandbox.clock.turn(by=BELIEVED)
            await there.lives()
        assert len(there.ours()) == 1


async def called(there: World) -> None:
    """Wait until GitHub was asked to create a deployment, and had done so if it was to."""
    async with asyncio.timeout(WITHIN):
        while not there.between.hanging:  # noqa: ASYNC110 - it rings no bell
            await asyncio.sleep(watching.LOOK_AGAIN)


async def looked(there: World, before: int) -> None:
    """Wait until the deployments were looked through, after so many requests."""
    async with asyncio.timeout(WITHIN):
        while not _looked_since(there, before):  # noqa: ASYNC110 - it rings no bell
            await asyncio.sleep(watching.LOOK_AGAIN)


async def goes_on(there: World, before: int) -> None:
    """The same, or until nothing needs to be looked for: the call was made, and is known to have been."""
    async with asyncio.timeout(WITHIN):
        while not _looked_since(there, before) and await there.database.read(newest) not in (  # noqa: ASYNC110
            State.ROLLING,
            State.DONE,
        ):
            await asyncio.sleep(watching.LOOK_AGAIN)


def _looked_since(there: World, before: int) -> bool:
    return any(one.startswith("GET ") and "/deployments" in one for one in there.between.seen[before:])


@pytest.mark.torture
@pytest.mark.timeout(7200)
async def test_killed_again_and_again(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """At any moment from the click on, GitHub cutting what it likes: each change ships exactly once."""
    seed = int(os.environ.get("SHIPMATE_TORTURE_SEED") or random.randrange(2**32))
    print(f"SHIPMATE_TORTURE_SEED={seed}")
    chance = random.Random(seed)
    async with world(sandbox, database_url, tmp_path) as there:
        for number in range(1, ROUNDS + 1):
            async with there.bot() as bot:
                card = await there.raised(f"Change {number}.")
                how = chance.choice(["cut", "hang", "accept_then_cut", "accept_then_hang", "nothing"])
                if how != "nothing":
                    there.between.spoil(how, path="/deployments")
                click = asyncio.create_task(there.approve(card))
                await asyncio.sleep(chance.uniform(0.0, 0.6))
                await bot.kill()
                with suppress(OSError):
                    await click
            there.between.clear()
            before = len(there.between.seen)
            async with there.bot():
                if not there.acknowledged:
                    await there.approve(card)
                await goes_on(there, before)
                sandbox.clock.turn(by=BELIEVED)
                await there.lives()
            assert len(there.ours()) == number
