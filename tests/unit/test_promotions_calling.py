"""The call to the pipeline: judged at the last moment, made once whatever is lost, until a person looks if need be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlmodel import Session, col, select

from bot.adapters.pipeline_github import LONGEST_CALL
from bot.audit import Fact, Tag
from bot.catalog import PromoteThrough
from bot.database import Database
from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.events import Act, LockPlaced
from bot.outbox import Effect, SendState
from bot.outgoing.deploying import Deploying
from bot.ports import Found, Order, Started
from bot.promotions import rules
from bot.promotions.models import Decision, Promotion, State
from tests.unit.promoting import World, world
from tests.unit.reports import minute
from tests.unit.stores import opened

Result = TypeVar("Result")


class Killed(BaseException):
    """The process died here."""


@dataclass
class Pipeline:
    """A pipeline that does as it is told; ``begun`` is what it really began, in order."""

    begun: list[Order] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    fault: BaseException | None = None
    takes: bool = True
    """Whether a call that ends with ``fault`` had its effect."""
    forgets: Found | None = None
    """What it answers when it is asked whether it has begun something, where that is not the truth."""
    meanwhile: Callable[[], None] | None = None

    async def start(self, order: Order) -> Started:
        """Begin it, or fail as told."""
        if self.meanwhile is not None:
            self.meanwhile()
        if self.fault is None or self.takes:
            self.begun.append(order)
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        return Started(f"deployment:{len(self.begun)}")

    async def find(self, order: Order, *, since: datetime) -> Started | Found:
        """Whether it has begun this."""
        self.asked.append(since)
        if self.forgets is not None:
            return self.forgets
        return Started("deployment:1") if order.promotion in {one.promotion for one in self.begun} else Found.ABSENT


@dataclass
class Stage:
    """A promotion that is approved and due, in a real database, with the pipeline that will be called."""

    database: Database
    pipeline: Pipeline
    at: float = 41

    @property
    def deploying(self) -> Deploying:
        """The effect's owner."""
        return Deploying(
            self.database,
            {PromoteThrough.GITHUB_DEPLOYMENT: self.pipeline},
            None,
            lambda: minute(self.at),
            lambda now: self._world(None).desk,
            lambda session, now: self._world(session).reactions.settle(session, now),
        )

    async def do(self) -> None:
        """Do what is due, once, as the engine does: the effect stays where it is not settled."""
        effect = await self.read(_due)
        settle = await self.deploying.deploy(effect.data)

        def write(session: Session) -> None:
            row = session.get(Effect, effect.id)
            assert row is not None
            row.state = SendState.DONE.value
            settle(session, minute(self.at))

        await self.database.write(write)

    async def told(self, doing: Callable[[World], Result]) -> Result:
        """Something happens."""
        return await self.database.write(lambda session: doing(self._world(session)))

    async def read(self, reading: Callable[[Session], Result]) -> Result:
        """What is kept."""
        return await self.database.read(reading)

    async def promotion(self) -> Promotion:
        """As it stands."""
        return await self.read(lambda session: session.exec(select(Promotion)).one())

    def _world(self, session: Session | None) -> World:
        here = world(session)  # type: ignore[arg-type]
        here.at = self.at
        return here


def _due(session: Session) -> Effect:
    pending = select(Effect).where(Effect.kind == "deploy", Effect.state == SendState.PENDING.value)
    return session.exec(pending.order_by(col(Effect.id).desc())).all()[0]


@asynccontextmanager
async def approved(url: str) -> AsyncIterator[Stage]:
    """A promotion whose call is due."""
    async with opened(url, upgraded=False) as database:
        stage = Stage(database, Pipeline())

        def prepare(session: Session) -> None:
            here = world(session)
            here.raised()
            here.turn(40)
            here.act(Act.APPROVE)

        await database.write(prepare)
        yield stage


def lock(here: World) -> str:
    """Somebody locks everything."""
    said = here.tell(
        LockPlaced(
            scope="everything", reason="fire", ends_at=None, rollbacks=True, slack_id="U0EVE", called="Eve",
            channel=None, at=here.now,
        )
    )  # fmt: skip
    assert said is not None
    return said


async def test_it_is_called_once_and_rolls(database_url: str) -> None:
    """And every gate was judged at that moment, which is kept."""
    async with approved(database_url) as stage:
        await stage.do()
        promotion = await stage.promotion()
        assert (promotion.state, promotion.external_id) == (State.ROLLING, "deployment:1")
        assert [order.promotion for order in stage.pipeline.begun] == [promotion.id]
        decisions = await stage.read(lambda session: [(one.act, one.outcome) for one in session.exec(select(Decision))])
        assert decisions == [("approve", "starting"), ("call", "called")]


async def test_an_effect_that_was_overtaken_does_nothing(database_url: str) -> None:
    """Undone and approved again: there is a newer call."""
    async with approved(database_url) as stage:
        stage.at = 40
        old = await stage.read(_due)
        await stage.told(lambda here: here.act(Act.UNDO))
        await stage.told(lambda here: here.act(Act.APPROVE))
        stage.at = 41
        settle = await stage.deploying.deploy(old.data)
        await stage.database.write(lambda session: settle(session, minute(41)))
        assert stage.pipeline.begun == []
        await stage.do()
        assert len(stage.pipeline.begun) == 1


async def test_a_gate_that_closed_since_returns_it_to_open(database_url: str) -> None:
    """A stale effect after an outage: what was approved four hours ago is approved no more."""
    async with approved(database_url) as stage:
        stage.at = 40 + 4 * 60 + 1
        await stage.do()
        assert stage.pipeline.begun == []
        assert (await stage.promotion()).state == State.OPEN


async def test_killed_after_the_effect_it_is_found_and_not_repeated(database_url: str) -> None:
    """Exactly one deployment."""
    async with approved(database_url) as stage:
        stage.pipeline.fault = Killed()
        with pytest.raises(Killed):
            await stage.do()
        stage.at += 1
        await stage.do()
        assert len(stage.pipeline.begun) == 1
        assert (await stage.promotion()).state == State.ROLLING


async def test_killed_before_the_effect_its_absence_is_believed_only_in_time(database_url: str) -> None:
    """Until a call can no longer be on its way, that it is not found proves nothing; then it is judged and made."""
    async with approved(database_url) as stage:
        stage.pipeline.fault, stage.pipeline.takes = Killed(), False
        with pytest.raises(Killed):
            await stage.do()
        stage.at += 0.5
        with pytest.raises(RetryLater) as late:
            await stage.do()
        assert late.value.delay == pytest.approx((rules.CALL_SETTLES - timedelta(seconds=30)).total_seconds())
        assert stage.pipeline.begun == []
        stage.at += rules.CALL_SETTLES.total_seconds() / 60
        await stage.do()
        assert len(stage.pipeline.begun) == 1


async def test_a_lock_stops_a_call_that_turned_out_not_to_have_been_made(database_url: str) -> None:
    """It is judged again before it is made again; the locker had been told that it may be moving."""
    async with approved(database_url) as stage:
        stage.pipeline.fault, stage.pipeline.takes = Killed(), False
        with pytest.raises(Killed):
            await stage.do()
        assert "promotion 1" in await stage.told(lock)
        stage.at += 5
        await stage.do()
        assert stage.pipeline.begun == []
        assert (await stage.promotion()).state == State.OPEN


async def test_a_doubtful_call_is_looked_up(database_url: str) -> None:
    """The answer was lost; it had its effect."""
    async with approved(database_url) as stage:
        stage.pipeline.fault = Doubtful("the answer was lost")
        with pytest.raises(Doubtful):
            await stage.do()
        await stage.do()
        assert len(stage.pipeline.begun) == 1
        assert (await stage.promotion()).state == State.ROLLING


@pytest.mark.parametrize("answer", [Act.WENT_THROUGH, Act.TRY_AGAIN])
async def test_what_cannot_be_looked_up_is_asked_of_a_person(database_url: str, answer: Act) -> None:
    """Nothing is called until they have said what they found."""
    async with approved(database_url) as stage:
        stage.pipeline.fault, stage.pipeline.takes = Doubtful("lost"), False
        with pytest.raises(Doubtful):
            await stage.do()
        stage.pipeline.forgets = Found.UNKNOWN
        await stage.do()
        promotion = await stage.promotion()
        assert promotion.state == State.STARTING
        assert promotion.asks_person is not None
        stage.pipeline.forgets = None
        refusal = await stage.told(lambda here: here.refused(Act.CANCEL))
        assert "in doubt" in refusal
        await stage.told(lambda here: here.act(answer))
        assert stage.pipeline.begun == []
        if answer is Act.WENT_THROUGH:
            assert (await stage.promotion()).state == State.ROLLING
        else:
            stage.at += 1
            await stage.do()
            assert len(stage.pipeline.begun) == 1


@pytest.mark.parametrize("fault", [RetryLater("busy"), Unauthorised("bad_credentials")])
async def test_what_certainly_had_no_effect_is_no_call(database_url: str, fault: Exception) -> None:
    """Until it is tried again a lock still wins, and nobody is told that anything moves."""
    async with approved(database_url) as stage:
        stage.pipeline.fault, stage.pipeline.takes = fault, False
        with pytest.raises(type(fault)):
            await stage.do()
        assert (await stage.promotion()).called_at is None
        assert "About to start, and held by this now" in await stage.told(lock)
        assert (await stage.promotion()).state == State.OPEN


async def test_a_pipeline_that_refuses_fails_the_promotion_and_says_why(database_url: str) -> None:
    """However often it were asked."""
    async with approved(database_url) as stage:
        stage.pipeline.fault, stage.pipeline.takes = GiveUp("not_found", "no such workflow"), False
        await stage.do()
        promotion = await stage.promotion()
        assert (promotion.state, promotion.ended_reason) == (State.FAILED, "not_found: no such workflow")


async def test_a_way_that_is_not_set_up_says_so(database_url: str) -> None:
    """Nobody is called."""
    async with approved(database_url) as stage:
        bare = Deploying(stage.database, {}, None, stage.deploying.clock, stage.deploying.desk, stage.deploying.settle)
        effect = await stage.read(_due)
        settle = await bare.deploy(effect.data)
        await stage.database.write(lambda session: settle(session, minute(stage.at)))
        promotion = await stage.promotion()
        assert promotion.state == State.FAILED
        assert promotion.ended_reason == "nothing is set up here that promotes through github-deployment"


async def test_a_rollout_that_is_reported_before_the_answer_is_ours(database_url: str) -> None:
    """Webhooks may overtake it: the promotion is live by then, and stays so."""
    async with approved(database_url) as stage:
        stage.pipeline.fault = Doubtful("lost")
        with pytest.raises(Doubtful):
            await stage.do()
        await stage.told(lambda here: here.ship("b", "succeeded", promotion=1))
        assert (await stage.promotion()).state == State.DONE
        await stage.do()
        assert len(stage.pipeline.begun) == 1
        assert (await stage.promotion()).state == State.DONE


async def test_every_call_is_in_the_trail(database_url: str) -> None:
    """With the verdicts that it was made on."""
    async with approved(database_url) as stage:
        await stage.do()

        def facts(session: Session) -> Sequence[Any]:
            found = session.exec(select(Fact).where(Fact.tag == Tag.PROMOTION_DECIDED.value).order_by(col(Fact.id)))
            return [(one.data["outcome"], [verdict["state"] for verdict in one.data["verdicts"]]) for one in found]

        assert await stage.read(facts) == [("starting", ["open"] * 6), ("called", ["open"] * 6)]


def test_no_call_outlasts_the_time_after_which_its_absence_is_believed() -> None:
    """The pipelines' own longest call, and a margin for clocks."""
    assert LONGEST_CALL + timedelta(seconds=20) <= rules.CALL_SETTLES
