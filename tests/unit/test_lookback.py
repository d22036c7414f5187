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
from bot.ports import Changes, DeviceProof, MissedDeliveries, Range
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
    standing: dict[str, DeployReported] = field(default_factory=dict)
    named: list[list[str]] = field(default_factory=list)

    async def redeliver_failed(self, since: datetime) -> MissedDeliveries | None:
        """What is asked for again."""
        self._ask("deliveries", since)
        return self.redelivered

    async def deployments_since(self, repo: str, since: datetime) -> Sequence[DeployReported]:
        """What was deployed since then."""
        self._ask(repo, since)
        return self.deployments.get(repo, [])

    async def statuses(self, repo: str, external_ids: Sequence[str]) -> Sequence[DeployReported]:
        """How these stand."""
        self.named.append(list(external_ids))
        return [self.standing[number] for number in external_ids if number in self.standing]

    async def compare(self, repo: str, base: str, head: str, *, paths: bool) -> Range:
        """Nobody compares here."""
        raise AssertionError

    async def single(self, repo: str, sha: str, *, paths: bool) -> Changes:
        """Nobody asks."""
        raise AssertionError

    async def email(self, login: str) -> str | None:
        """Nobody asks."""
        raise AssertionError

    async def login_by_sign_on(self, owner: str, email: str) -> str | None:
        """Nobody asks."""
        raise AssertionError

    async def begin_device_proof(self) -> DeviceProof:
        """Nobody asks."""
        raise AssertionError

    async def device_proven(self, proof: DeviceProof) -> str | None:
        """Nobody asks."""
        raise AssertionError

    async def may_push(self, repo: str, login: str) -> bool:
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
        assert (said["first_at"], said["last_at"]) == (minute(20).isoformat(), minute(30).isoformat())
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
    """Its webhook is given two minutes; until it comes, or was looked for again, that was not all."""
    async with watcher(sqlite_url) as here:
        here.forge.deployments[REPO] = [report("b", at=59)]
        assert not await here.lookback.look(None)
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


async def test_a_rollout_that_waited_long_and_ended_unheard_is_found(database_url: str) -> None:
    """It was created before the time that is listed; one of another sender, or too old, is not asked about."""
    async with watcher(database_url) as here:
        waiting = [
            report("b", "pending", 1, number="2"),
            report("c", "in_progress", 1, number="3"),
            report("d", "pending", 1, number="4", source="argocd"),
            report("e", "pending", -3 * 24 * 60, number="5"),
        ]
        await here.database.write(lambda session: here.lookback.reactions.react(session, waiting, NOON))
        here.forge.deployments[REPO] = [report("c", "in_progress", 1, number="3")]
        here.forge.standing["2"] = report("b", "succeeded", 30, began=0.5, number="2")
        assert await here.lookback.look(None)
        assert here.forge.named == [["2"]]
        (said,) = await here.said()
        assert said["first_at"] == minute(30).isoformat()
        states = await here.database.read(lambda session: session.exec(select(Deploy.sha, Deploy.status)).all())
        assert {sha[0]: state for sha, state in states}["b"] == "succeeded"


@pytest.mark.parametrize("limited", [False, True])
async def test_a_repository_that_does_not_answer_now_costs_no_other_its_news(sqlite_url: str, limited: bool) -> None:
    """What the others tell is applied and said; the gap is kept; when the limit is used up nobody else is asked."""
    async with watcher(sqlite_url) as here:
        names = ("bakery/attic", "bakery/zoo")
        known = [report("y", repo=name, number=name) for name in names]
        await here.database.write(lambda session: here.lookback.reactions.react(session, known, NOON))
        here.forge.faults[REPO] = RetryLater("not now", rate_limited=limited)
        for name, sha in zip(names, "bc", strict=True):
            here.forge.deployments[name] = [report(sha, at=20, repo=name)]
        assert not await here.lookback.look(Gap(NOON, LATE))
        found = (await here.deploys())[3:]
        assert found == (["b"] if limited else ["b", "c"])
        assert [len(said["deploys"]) for said in await here.said() if isinstance(said["deploys"], list)] == [len(found)]


async def test_a_token_that_is_refused_keeps_the_gap(sqlite_url: str) -> None:
    """Each repository refuses it; that one repository may not be read is no reason to wait."""
    async with watcher(sqlite_url) as here:
        here.forge.faults[REPO] = Unauthorised("bad_credentials", "Set GITHUB_TOKEN.")
        assert not await here.lookback.look(Gap(NOON, LATE))
        here.forge.faults[REPO] = Unauthorised("forbidden", "Let the token read it.")
        assert await here.lookback.look(Gap(NOON, LATE))


async def test_a_repository_without_deploys_for_a_week_is_let_be(sqlite_url: str) -> None:
    """Unless the catalogue names it."""
    async with watcher(sqlite_url) as here:
        here.clock.turn(days=8)
        assert await here.lookback.look(None)
        assert [what for what, _ in here.forge.asked] == ["deliveries"]


async def test_a_window_that_slides_is_told_once(sqlite_url: str) -> None:
    """By its beginning: more that failed in it is no other blind spot."""
    async with watcher(sqlite_url) as here:
        for last in (9, 12):
            here.forge.redelivered = MissedDeliveries(last, minute(5), minute(last))
            assert await here.lookback.look(None)
        assert len(await here.said()) == 1
