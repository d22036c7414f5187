"""``kill -9`` around a departure: whoever is alive next seals it, lets it go, follows it, and it departs exactly once.

The world (Slack, GitHub, people) lives in this process and keeps the time; what is killed is a bot in one of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.database import Database
from bot.departures.models import Departure
from bot.departures.states import Outcome, State
from bot.sandbox.pipeline import Pipeline
from bot.sandbox.server import Sandbox
from bot.server import serving
from tests.acceptance import processes, watching
from tests.acceptance.processes import Process
from tests.acceptance.promoting import PEOPLE, next_wednesday
from tests.acceptance.stories import REPO
from tests.adapters.between import Between
from tests.conftest import UNLIMITED, drop_postgres_database, new_postgres_database, settings_for

QUICK: dict[str, Any] = {"per_channel": None, "updates_per_minute": None, "progress_every": 0.0, "doubt_settles": 0.3}
WITHIN = 60.0
"""Seconds in which what is waited for comes on a machine that does much else."""

RELEASES = "#deploys"
CATALOGUE = f"""
timezone: UTC
teams:
  payments: {{channel: "#payments-deploys"}}
services:
  checkout:
    team: payments
    repo: acme/checkout
    environments: [staging, production]
    promote_through: github-deployment
    gates: [lock, freeze, order, health]
    undo: 0s
trains:
  web:
    services: [checkout]
    to: production
    departs: "0 12 * * *"
    boarding_closes: 15m
    channel: "{RELEASES}"
    conductors: {{rota: [U0CHI]}}
{PEOPLE}"""
"""Nobody is asked for a yes: what is sealed leaves at noon by itself."""


@dataclass
class World:
    """Everything outside the bot: its database, what stands between it and GitHub, and how it is started."""

    sandbox: Sandbox
    pipeline: Pipeline
    between: Between
    database: Database
    environment: dict[str, str]
    log: Path

    @asynccontextmanager
    async def bot(self, *, reached: bool = True) -> AsyncIterator[Process]:
        """A bot in a process of its own, until it is killed; ``reached``: the world's requests go to it."""
        async with processes.running(self.environment, self.log, **QUICK) as bot:
            if reached:
                self.sandbox.connect(bot.url)
            yield bot

    async def merged(self) -> None:
        """Something is live everywhere, and Ana's change in staging, as the bot of the moment knows."""
        first = self.sandbox.github.repository(REPO).branches["main"]
        await self.pipeline.roll_out(first, "staging")
        self.sandbox.clock.turn(by=timedelta(minutes=1))
        await self.pipeline.roll_out(first, "production")
        self.sandbox.clock.turn(by=timedelta(minutes=1))
        self.pipeline.watch()
        number = await self.sandbox.github.open_pull(REPO, author="ana", title="Retry payments")
        await self.sandbox.github.merge_pull(REPO, number, merged_by="ana")
        await self.rests()

    async def rests(self) -> None:
        """Wait until everything has arrived and is said; what is due later may wait."""
        await self.pipeline.settle()
        await self.sandbox.settle()
        await watching.at_rest(self.database, within=WITHIN, by=self.sandbox.clock.now())

    def turn(self, hour: int, minute: int) -> None:
        """It becomes this time of the day (UTC)."""
        now = self.sandbox.clock.now()
        self.sandbox.clock.turn(to=now.replace(hour=hour, minute=minute, second=1))

    async def becomes(self, *stands: tuple[State, Outcome | None]) -> None:
        """Wait until the only departure stands so."""
        async with asyncio.timeout(WITHIN):
            while await self.database.read(where) not in stands:  # noqa: ASYNC110 - the bot is in another process
                await asyncio.sleep(watching.LOOK_AGAIN)

    async def until_said(self, words: str) -> None:
        """Wait until this is said under the departure's card, and everything else that was to be said by then."""
        await self.sandbox.slack.until(lambda: any(words in one for one in self.said()), within=WITHIN)
        await self.rests()

    def said(self) -> list[str]:
        """What was said under the departure's card, in order."""
        cards = watching.cards(self.sandbox.slack.messages(RELEASES), "departure")
        return [watching.words_of(one) for card in cards for one in self.sandbox.slack.replies(card.channel, card.ts)]

    async def calls_and_hears_nothing(self) -> None:
        """Wait until GitHub has created the deployment, and has not answered."""
        async with asyncio.timeout(WITHIN):
            while not self.between.hanging:  # noqa: ASYNC110 - it rings no bell
                await asyncio.sleep(watching.LOOK_AGAIN)

    async def arrived_once(self) -> None:
        """The bot of the moment brings it to its end: one departure, one deployment, and each thing said once."""
        await self.becomes((State.CLOSED, Outcome.ARRIVED))
        await self.rests()
        there = self.sandbox.github.repository(REPO)
        live = [one for one in there.deployments.values() if one.environment == "production"]
        assert len(live) == 2, "what was live before, and the train's"
        assert watching.said_twice(self.sandbox) == []
        (card,) = watching.cards(self.sandbox.slack.messages(RELEASES), "departure")
        assert "✅ *web 12:00* · arrived" in watching.words_of(card)
        said = self.said()
        for words in ("*web 12:00* is sealed", "*web 12:00* has left", "*web 12:00* has arrived"):
            assert len([one for one in said if words in one]) == 1, f"{words}: {said}"
        heard = [watching.words_of(one) for one in watching.all_messages(self.sandbox)]
        assert len([one for one in heard if "Your *#801* is aboard the *web* train" in one]) == 1


def where(session: Session) -> tuple[State, Outcome | None] | None:
    """Where the only departure stands; None while there is none."""
    row = session.exec(select(Departure)).one_or_none()
    return None if row is None else (row.standing, Outcome(row.outcome) if row.outcome is not None else None)


@asynccontextmanager
async def world(sandbox: Sandbox, database_url: str, folder: Path) -> AsyncIterator[World]:
    """It is ten in the morning; nothing was ever rolled out, and no bot runs."""
    file, log = folder / "shipmate.yml", folder / "bot.log"
    file.write_text(CATALOGUE)
    log.touch()
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
            "SHIPMATE_DEFAULT_CHANNEL": RELEASES,
        }
        environment["GITHUB_API_URL"] = environment["GITHUB_API_URL"].replace(sandbox.url, between.url)
        database = Database(settings_for(sandbox, database_url).database_url)
        stack.push_async_callback(database.close)
        pipeline = Pipeline(sandbox.github, REPO, at_once, places=("staging",))
        stack.push_async_callback(pipeline.close)
        try:
            yield World(sandbox, pipeline, between, database, environment, log)
        except BaseException:
            print(log.read_text()[-6000:])
            raise


@asynccontextmanager
async def here(there: World, database_url: str) -> AsyncIterator[None]:
    """A bot in this process, which is not killed."""
    settings = settings_for(there.sandbox, database_url, SHIPMATE_CONFIG=there.environment["SHIPMATE_CONFIG"])
    async with serving(settings, limits=UNLIMITED, clock=there.sandbox.clock.now) as running:
        ring = running.bot.database.ring_all
        there.sandbox.clock.watchers.append(ring)  # as a bot that follows the clock over HTTP hears of a turn
        there.sandbox.connect(running.url)
        try:
            yield
        finally:
            there.sandbox.clock.watchers.remove(ring)


async def test_killed_at_each_step_and_started_again_it_departs_exactly_once(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """As the list is sealed and before it is posted; and at noon, as its pipeline is being called."""
    async with world(sandbox, sqlite_url, tmp_path) as there:
        async with here(there, sqlite_url):
            await there.merged()
        async with there.bot() as bot:
            there.turn(11, 45)
            await there.becomes((State.SEALED, None))
            await bot.kill()
        async with there.bot() as bot:
            await there.until_said("*web 12:00* is sealed")
            there.between.spoil("accept_then_hang", path="/deployments")
            sandbox.github.hold_webhooks()  # the rollout goes on, and nobody is there to hear of it
            there.turn(12, 0)
            await there.calls_and_hears_nothing()
            await bot.kill()
        async with there.bot():
            await there.pipeline.settle()
            sandbox.github.hooks.release(None, 1)
            await there.arrived_once()


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The address of a PostgreSQL database with every table: only there are several bots."""
    url = new_postgres_database(postgres_server, postgres_template)
    yield url
    drop_postgres_database(postgres_server, url)


async def test_one_of_two_replicas_is_killed_at_the_minute_of_departure(
    sandbox: Sandbox, postgres_url: str, tmp_path: Path
) -> None:
    """The other takes over while GitHub has created the deployment and told nobody yet; it is not created again."""
    async with (
        world(sandbox, postgres_url, tmp_path) as there,
        there.bot(reached=False) as leader,
        here(there, postgres_url),
    ):
        await there.merged()
        there.turn(11, 45)
        await there.becomes((State.SEALED, None))
        await there.rests()
        there.between.spoil("accept_then_hang", path="/deployments")
        there.turn(12, 0)
        await there.calls_and_hears_nothing()
        await leader.kill()
        await there.arrived_once()
