"""``kill -9`` on the way from an alert to whoever can mend it: one page, one room with one card pinned, nothing twice.

The world (Slack, PagerDuty, monitoring, people) lives in this process and keeps the time; what is killed is a bot in
one of its own, while a call of which it does not know whether it was made is on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.database import Database
from bot.inbox import Delivery
from bot.incidents.models import Incident
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Channel, Message
from bot.server import serving
from tests.acceptance import processes, watching
from tests.acceptance.processes import Process
from tests.acceptance.promoting import PEOPLE, next_wednesday
from tests.acceptance.stories import REPO
from tests.adapters.between import Between
from tests.conftest import UNLIMITED, settings_for

QUICK: dict[str, Any] = {"per_channel": None, "updates_per_minute": None, "progress_every": 0.0, "doubt_settles": 0.3}
WITHIN = 60.0
"""Seconds in which what is waited for comes on a machine that does much else."""

CATALOGUE = f"""
timezone: UTC
teams:
  payments: {{channel: "#payments-deploys", escalation_policy: PEPAYMENTS}}
services:
  checkout:
    team: payments
    repo: acme/checkout
    environments: [production]
    pagerduty_service: PSCHECKOUT
{PEOPLE}"""


@dataclass
class World:
    """Everything outside the bot: its database, what stands between it and the others, and how it is started."""

    sandbox: Sandbox
    between: Between
    database: Database
    database_url: str
    environment: dict[str, str]
    log: Path

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[Process]:
        """A bot in a process of its own, until it is killed."""
        async with processes.running(self.environment, self.log, **QUICK) as bot:
            self.sandbox.connect(bot.url)
            yield bot

    @asynccontextmanager
    async def here(self) -> AsyncIterator[None]:
        """A bot in this process, which is not killed."""
        settings = settings_for(self.sandbox, self.database_url, SHIPMATE_CONFIG=self.environment["SHIPMATE_CONFIG"])
        async with serving(settings, limits=UNLIMITED, clock=self.sandbox.clock.now) as running:
            ring = running.bot.database.ring_all
            self.sandbox.clock.watchers.append(ring)  # as a bot that follows the clock over HTTP hears of a turn
            self.sandbox.connect(running.url)
            try:
                yield
            finally:
                self.sandbox.clock.watchers.remove(ring)

    async def rolled_out(self) -> None:
        """Ana's change goes live, after the one that was live before."""
        github = self.sandbox.github
        before = github.repository(REPO).branches["main"]
        number = await github.open_pull(REPO, author="ana", title="Charge cards in one call")
        after = await github.merge_pull(REPO, number, merged_by="chi")
        for sha, ago in ((before, timedelta(hours=3)), (after, timedelta(minutes=12))):
            deployment = await github.deployment(REPO, sha, "production", creator="eve")
            await github.deployment_status(REPO, deployment, "success")
            self.sandbox.clock.turn(by=ago)
        await self.rests()

    async def rests(self) -> None:
        """Wait until everything has arrived and is said, also what is tried again in a moment."""
        for _ in range(2):
            await self.sandbox.settle()
            await watching.at_rest(self.database, within=WITHIN, by=self.sandbox.clock.now())
            self.sandbox.clock.turn(by=timedelta(seconds=2))

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something."""
        async with asyncio.timeout(WITHIN):
            while not condition():  # noqa: ASYNC110 - it rings no bell
                await asyncio.sleep(watching.LOOK_AGAIN)

    async def turned_to_reminder(self) -> None:
        """It becomes the time by which the next word is due."""
        promised = await self.database.read(lambda session: session.exec(select(Incident.next_update_at)).one())
        assert promised is not None
        self.sandbox.clock.turn(to=promised + timedelta(seconds=1))

    def rooms(self) -> list[Channel]:
        """The rooms of incidents."""
        return [one for one in self.sandbox.world.channels.values() if one.name.startswith("inc-")]

    def reminders(self) -> list[Message]:
        """What was said in the room of a word that did not come in time."""
        found = [one for room in self.rooms() for one in self.sandbox.world.everything(room)]
        return [one for one in found if "the next word was due by" in watching.words_of(one)]

    async def is_whole(self) -> None:
        """One incident, one page at PagerDuty, one room with one card, pinned; and nothing said twice."""
        incidents = await self.database.read(lambda session: session.exec(select(Incident)).all())
        assert len(incidents) == 1
        (page,) = self.sandbox.pagerduty.incidents()
        assert [user.key for user, _ in page.assigned] == ["ana"]
        rang = [one.user.key for one in self.sandbox.pagerduty.woken()]
        assert sorted(rang) == sorted(set(rang)), rang
        (room,) = self.rooms()
        assert "(shipmate-incident-" in room.purpose
        assert {"U0ANA", "U0CHI"} <= room.members
        everything = list(self.sandbox.world.everything(room))
        (card,) = watching.cards(everything, "incident")
        assert [one.ts for one in everything if one.pinned_at is not None] == [card.ts]
        assert watching.said_twice(self.sandbox) == []


@asynccontextmanager
async def world(sandbox: Sandbox, database_url: str, folder: Path) -> AsyncIterator[World]:
    """It is ten in the morning; nothing was ever rolled out, and no bot runs."""
    file, log = folder / "shipmate.yml", folder / "bot.log"
    file.write_text(CATALOGUE)
    log.touch()
    sandbox.clock.turn(to=next_wednesday(sandbox.clock.now()))
    sandbox.slack.patience = WITHIN
    sandbox.monitoring.groups = True
    async with AsyncExitStack() as stack:
        between = await stack.enter_async_context(Between(sandbox.url))
        environment = {
            **sandbox.environment(clock=True),
            "DATABASE_URL": database_url,
            "SHIPMATE_PORT": "0",
            "SHIPMATE_CONFIG": str(file),
            "SHIPMATE_DEFAULT_CHANNEL": "#deploys",
        }
        for name in ("SLACK_API_URL", "PAGERDUTY_API_URL"):
            environment[name] = environment[name].replace(sandbox.url, between.url)
        database = Database(settings_for(sandbox, database_url).database_url)
        stack.push_async_callback(database.close)
        try:
            yield World(sandbox, between, database, database_url, environment, log)
        except BaseException:
            print(log.read_text()[-6000:])
            raise


@pytest.mark.both_engines
async def test_killed_with_the_page_and_the_room_on_their_way(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """PagerDuty and Slack have done what was asked and not said so; then Slack is about to mark the room."""
    async with world(sandbox, database_url, tmp_path) as there:
        async with there.here():
            await there.rolled_out()
        async with there.bot() as bot:
            there.between.spoil("accept_then_hang", path="/incidents")
            there.between.spoil("accept_then_hang", path="/conversations.create")
            sandbox.monitoring.fire("checkout", "checkout 5xx")
            await there.until(lambda: there.between.hanging == 2)
            await bot.kill()
        assert len(sandbox.pagerduty.incidents()) == len(there.rooms()) == 1
        assert there.rooms()[0].purpose == ""
        there.between.spoil("hang", path="/conversations.setPurpose")
        async with there.bot() as bot:
            await there.until(lambda: there.between.hanging == 3)
            await bot.kill()
        async with there.here():
            await there.rests()
            await there.is_whole()
            sandbox.monitoring.repeat()
            await there.rests()
            await there.is_whole()


async def test_killed_as_soon_as_the_alert_is_stored_and_as_a_reminder_is_said(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """What was taken is not lost, and a reminder that Slack has already posted is not posted again."""
    async with world(sandbox, sqlite_url, tmp_path) as there:
        async with there.here():
            await there.rolled_out()
        async with there.bot() as bot:
            before = await there.database.read(_stored)
            sandbox.monitoring.fire("checkout", "checkout 5xx")
            while await there.database.read(_stored) == before:  # noqa: ASYNC110 - the bot is in another process
                await asyncio.sleep(watching.LOOK_AGAIN / 4)
            await bot.kill()
        async with there.bot() as bot:
            await there.rests()
            await there.is_whole()
            sandbox.pagerduty.answer("ana")
            await there.rests()
            there.between.spoil("accept_then_hang", path="/chat.postMessage", times=9)
            await there.turned_to_reminder()
            await there.until(there.reminders)
            await bot.kill()
        assert len(there.reminders()) == 1
        there.between.clear()
        async with there.here():
            await there.rests()
            assert len(there.reminders()) == 1
            sandbox.clock.turn(by=timedelta(minutes=10))
            await sandbox.slack.until(lambda: len(there.reminders()) == 2, within=WITHIN)
            await there.rests()
            await there.is_whole()


def _stored(session: Session) -> int:
    """How many deliveries were taken."""
    return len(session.exec(select(Delivery.id)).all())
