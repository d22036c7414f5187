"""Looking back for webhooks that never came: asked for again or applied, and said aloud."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from bot.audit import Fact
from bot.database import Database
from bot.deploys.models import Deploy
from bot.errors import GiveUp, RetryLater, Unauthorised
from bot.events import DeployReported
from bot.lookback import FARTHEST, OVERLAP, Gap, LookBack
from bot.outbox import Note
from bot.ports import Changes, MissedDeliveries, Range
from bot.reactions import Reactions
from tests.unit.reports import REPO, catalog, minute, report
from tests.unit.stores import NOON, Clock, opened

LATE = NOON + timedelta(hours=1)


@dataclass
class Forge:
    """A forge that knows deployments, or which of its deliveries failed."""

    deployments: dict[str, list[DeployReported]] = field(default_factory=dict)
    redelivered: MissedDeliveries | None = None
    faults: dict[str, Exception] = field(default_factory=dict)
    asked: list[tuple[str, datetime]] = field(default_factory=list)

    async def redeliver_failed(self, since: datetime) -> MissedDeliveries | None:
        """What is asked for again."""
        self._ask("deliveries", since)
        return self.redelivered

    async def deployments_since(self, repo: str, since: datetime) -> Sequence[DeployReported]:
        """What was deployed since then."""
        self._ask(repo, since)
        return self.deployments.get(repo, [])

    async def compare(self, repo: str, base: str, head: str, *, paths: bool) -> Range:
        """Nobody compares here."""
        raise AssertionError

    async def single(self, repo: str, sha: str, *, paths: bool) -> Changes:
        """Nobody asks."""
        raise AssertionError

    async def email(self, login: str) -> str | None:
        """Nobody asks."""
        raise AssertionError

    def _ask(self, what: str, since: datetime) -> None:
        self.asked.append((what, since))
        if what in self.faults:
            raise self.faults[what]


@dataclass(frozen=True)
class Watcher:
    """A bot that looks back."""

    database: Database
    forge: Forge
    lookback: LookBack
    clock: Clock

    async def deploys(self) -> list[str]:
        """The first letters of the commits that are known to be deployed."""
        found = await self.database.read(
            lambda session: session.exec(select(Deploy.sha).order_by(col(Deploy.id))).all()
        )
        return [sha[0] for sha in found]

    async def said(self) -> list[dict[str, object]]:
        """The blind spots that were told."""
        notes = await self.database.read(lambda session: session.exec(select(Note)).all())
        return [{**note.data, "place": note.place} for note in notes if note.kind == "blind_spot"]


@asynccontextmanager
async def watcher(url: str) -> AsyncIterator[Watcher]:
    """A bot that has heard of one deploy, an hour ago."""
    async with opened(url) as database:
        here, forge, clock = catalog(), Forge(), Clock(LATE)
        reactions = Reactions(here, "https://github.com")
        await database.write(lambda session: reactions.react(session, [report("a", at=1)], NOON))
        yield Watcher(database, forge, LookBack(database, forge, here, reactions, clock), clock)


async def test_deployments_never_heard_of_are_applied_and_said(database_url: str) -> None:
    """Once: the next look finds nothing new."""
    async with watcher(database_url) as here:
        here.forge.deployments[REPO] = [report("a", at=1), report("b", at=20), report("c", "in_progress", 30)]
        assert await here.lookback.look(None)
        assert await here.deploys() == ["a", "b", "c"]
        (said,) = await here.said()
        assert said["place"] == "#deploys"
        assert (said["first_at"], said["last_at"]) == (minute(19.5).isoformat(), minute(30).isoformat())
        assert (said["redelivered"], len(said["deploys"]) if isinstance(said["deploys"], list) else 0) == (0, 2)
        assert await here.lookback.look(None)
        assert len(await here.said()) == 1
        facts = await here.database.read(lambda session: session.exec(select(Fact.tag)).all())
        assert facts.count("clock:inbox:blind_spot") == 1


async def test_a_status_that_was_missed_moves_its_deploy(database_url: str) -> None:
    """It had been heard of, and not how it ended; one that is behind what we know is no news."""
    async with watcher(database_url) as here:
        here.forge.deployments[REPO] = [report("a", "failed", 20, began=0.5)]
        assert await here.lookback.look(None)
        deploy = await here.database.read(lambda session: session.exec(select(Deploy)).one())
        assert deploy.status == "failed"
        here.forge.deployments[REPO] = [report("a", "in_progress", 25, began=0.5)]
        assert await here.lookback.look(None)
        assert len(await here.said()) == 1


async def test_what_happened_just_now_may_still_be_on_its_way(sqlite_url: str) -> None:
    """Its webhook is given two minutes."""
    async with watcher(sqlite_url) as here:
        here.forge.deployments[REPO] = [report("b", at=59)]
        assert await here.lookback.look(None)
        assert await here.deploys() == ["a"]
        here.clock.turn(minutes=1)
        assert await here.lookback.look(None)
        assert await here.deploys() == ["a", "b"]


async def test_after_a_gap_the_whole_of_it_is_looked_at_and_said(sqlite_url: str) -> None:
    """As far back as the forge keeps anything."""
    async with watcher(sqlite_url) as here:
        here.forge.deployments[REPO] = [report("b", at=20)]
        gap = Gap(NOON - timedelta(hours=2), LATE)
        assert await here.lookback.look(gap)
        assert {since for _, since in here.forge.asked} == {gap.since}
        (said,) = await here.said()
        assert (said["first_at"], said["last_at"]) == (gap.since.isoformat(), gap.until.isoformat())
        here.forge.asked.clear()
        await here.lookback.look(Gap(NOON - timedelta(days=9), LATE))
        await here.lookback.look(None)
        assert [since for _, since in here.forge.asked] == [LATE - FARTHEST] * 2 + [LATE - OVERLAP] * 2


async def test_a_gap_in_which_nothing_happened_is_not_said(sqlite_url: str) -> None:
    """A restart at night is nobody's news."""
    async with watcher(sqlite_url) as here:
        here.forge.deployments[REPO] = [report("a", at=1)]
        assert await here.lookback.look(Gap(NOON, LATE))
        assert await here.said() == []


async def test_failed_deliveries_are_asked_for_again_and_said_once(database_url: str) -> None:
    """An App is told which of them failed; nothing is listed then."""
    async with watcher(database_url) as here:
        here.forge.redelivered = MissedDeliveries(3, minute(5), minute(9))
        for _ in range(2):
            assert await here.lookback.look(None)
        assert {what for what, _ in here.forge.asked} == {"deliveries"}
        (said,) = await here.said()
        assert (said["redelivered"], said["first_at"], said["last_at"]) == (
            3,
            minute(5).isoformat(),
            minute(9).isoformat(),
        )
        here.forge.redelivered = MissedDeliveries(0)
        assert await here.lookback.look(None)
        assert len(await here.said()) == 1


@pytest.mark.parametrize(
    ("fault", "dealt_with"),
    [
        (RetryLater("down"), False),
        (Unauthorised("bad_credentials", "Set GITHUB_TOKEN."), False),
        (GiveUp("forbidden"), True),
    ],
)
async def test_whether_the_forge_could_be_asked_is_told(sqlite_url: str, fault: Exception, dealt_with: bool) -> None:
    """The gap is kept until somebody answers, also when a person must mend our credentials first."""
    async with watcher(sqlite_url) as here:
        here.forge.faults["deliveries"] = fault
        assert await here.lookback.look(Gap(NOON, LATE)) is dealt_with
        assert await here.said() == []


async def test_one_repository_that_we_may_not_read_hides_no_other(sqlite_url: str) -> None:
    """Each is asked for itself."""
    async with watcher(sqlite_url) as here:
        await here.database.write(
            lambda session: here.lookback.reactions.react(session, [report("z", repo="bakery/attic")], NOON)
        )
        here.forge.faults["bakery/attic"] = GiveUp("not_found")
        here.forge.deployments[REPO] = [report("b", at=20)]
        assert await here.lookback.look(None)
        assert await here.deploys() == ["a", "z", "b"]
