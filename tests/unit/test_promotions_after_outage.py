"""An outage between a yes and the call: who may approve is not known afresh, so nothing ships before it is again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from sqlmodel import Session, col, select

from bot import people
from bot.catalog import PromoteThrough, Team
from bot.database import Database
from bot.delivery.kinds import Settle
from bot.events import Act
from bot.gates import Approval, Lock, Order, Soak
from bot.outbox import Effect, Note, SendState
from bot.outgoing.deploying import Deploying
from bot.people import Refreshing
from bot.ports import Chat, Found, Member, Started
from bot.ports import Order as Call
from bot.promotions import judging
from bot.promotions.models import Promotion, State
from tests.unit.promoting import OVEN, World
from tests.unit.reports import minute
from tests.unit.stores import opened

POLICY: dict[str, Any] = {
    "team": Team(name="bakers", channel="#bakers", approvers=("@leads",)),
    "gates": (Lock(), Order(), Soak(timedelta(minutes=30)), Approval()),
}


class Slack:
    """The answers of Slack that who may approve is read from."""

    async def group_members(self, handle: str) -> frozenset[str]:
        """Dee leads."""
        assert handle == "leads"
        return frozenset({"U0DEE"})

    async def member(self, slack_id: str) -> Member:
        """A full member."""
        return Member(slack_id, slack_id.removeprefix("U0").title(), zone="UTC")

    async def present(self, slack_id: str) -> bool:
        """They are all there."""
        return True


class Pipeline:
    """A pipeline that takes every call."""

    def __init__(self) -> None:
        self.begun: list[int] = []

    async def start(self, order: Call) -> Started:
        """Begin it."""
        self.begun.append(order.promotion)
        return Started("deployment:1")

    async def find(self, order: Call, *, since: object) -> Found:
        """Nothing was lost."""
        return Found.ABSENT


class Here:
    """A bot that does what is due when it is told to, on a clock turned by hand (minutes past noon)."""

    def __init__(self, database: Database) -> None:
        self.database, self.pipeline, self.at = database, Pipeline(), 0.0

    async def happens(self, *doing: Any) -> None:
        """Something happens in the world of promotions."""

        def work(session: Session) -> None:
            here = self.world(session)
            for do in doing:
                do(here)

        await self.database.write(work)

    def world(self, session: Session | None) -> World:
        """The world as it stands; who people are is only known as far as it was read."""
        return World(cast("Session", session), replace(OVEN, **POLICY), at=self.at, met=False)

    async def effect(self, kind: str) -> None:
        """Do what is due of a kind, as the engine would."""
        catalog = self.world(None).catalog

        def settles(session: Session, now: Any) -> None:
            self.world(session).reactions.settle(session, now)

        def clock() -> Any:
            return minute(self.at)

        refreshing = Refreshing(
            catalog=catalog, database=self.database, chat=cast("Chat", Slack()), pager=None, clock=clock, settle=settles
        )
        deploying = Deploying(
            self.database, {PromoteThrough.GITHUB_DEPLOYMENT: self.pipeline}, None, clock,
            lambda _: self.world(None).desk, settles,
        )  # fmt: skip
        pending = select(Effect).where(Effect.kind == kind, Effect.state == SendState.PENDING.value)
        for one in await self.database.read(lambda session: session.exec(pending.order_by(col(Effect.id))).all()):
            settle = await {**refreshing.effects(), **deploying.effects()}[kind].run(one.data)
            await self.database.write(self._done(one.id or 0, settle))

    def _done(self, number: int, settle: Settle) -> Any:
        def write(session: Session) -> None:
            row = session.get(Effect, number)
            assert row is not None
            row.state = SendState.DONE.value
            settle(session, minute(self.at))

        return write

    async def state(self) -> str:
        """Where the promotion stands."""
        return await self.database.read(lambda session: session.exec(select(Promotion.state)).one())

    async def closed(self) -> dict[str, str]:
        """The gates that are closed, with why."""

        def ask(session: Session) -> dict[str, str]:
            here = self.world(session)
            found = judging.judge(session, here.desk, here.present(), here.now)
            return {one.gate: one.verdict.reason for one in found.closed}

        return await self.database.read(ask)


async def test_after_an_outage_nothing_ships_before_it_is_read_again_who_may_approve(sqlite_url: str) -> None:
    """The yes stands, the group was last read before: closed in the moment of the call, with why; then it ships."""
    async with opened(sqlite_url, upgraded=False) as database:
        here = Here(database)
        await here.happens(lambda there: there.raised())
        here.at = 40
        await here.happens(lambda there: there.turn(40))
        await here.effect("group")
        await here.effect("member")
        assert await here.closed() == {"approval": "needs 1 yes (@leads)"}
        await here.happens(lambda there: there.act(Act.APPROVE))
        assert await here.state() == State.STARTING

        here.at += people.STALE.total_seconds() / 60 + 1  # nobody was there to make the call, or to read anything
        await here.effect("deploy")
        assert (here.pipeline.begun, await here.state()) == ([], State.OPEN)
        reason = (await here.closed())["approval"]
        assert "who belongs to @leads is not known (I could not read @leads for more than an hour" in reason
        notes = select(Note).where(Note.kind == "promotion_said", Note.place == "#bakers").order_by(col(Note.id).desc())
        last = await database.read(lambda session: session.exec(notes).all()[0].data)
        assert last["said"] == "reopened"
        assert "I could not read @leads for more than an hour" in last["why"]

        await here.happens(lambda there: there.turn(here.at))
        await here.effect("member")
        await here.effect("group")
        assert (await here.closed(), await here.state()) == ({}, State.STARTING)
        here.at += 1
        await here.effect("deploy")
        assert (here.pipeline.begun, await here.state()) == ([1], State.ROLLING)
