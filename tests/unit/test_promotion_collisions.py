"""A brake that races an approval or the call: whoever is told that nothing moves is never proved wrong.

Two replicas are two ``Database`` instances with a writing thread each: a barrier lets both into their transactions at
the same moment, round after round. A single process has one writer, where both wait in one group of units.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from hypothesis import settings
from sqlmodel import Session, col, select

from bot.database import Database
from bot.errors import UserError
from bot.events import Act, LockAct, LockActed, LockPlaced
from bot.gates import Approval, Lock
from bot.locks import service as locks
from bot.outbox import Effect
from bot.promotions import calling
from bot.promotions.advancing import DEPLOY
from bot.promotions.models import Promotion, State
from tests.unit.promoting import World, world
from tests.unit.stores import opened

pytestmark = pytest.mark.both_engines

Result = TypeVar("Result")

THOROUGH = settings().max_examples // 40
"""``--hypothesis-profile thorough`` tries ten times as many of these too."""

ROUNDS = {"postgresql": 10 * THOROUGH, "sqlite": 5 * THOROUGH}
"""Collisions of each kind of brake: most where two replicas can decide at the same moment."""

UNTIL_BOTH = 40
"""Further rounds at most until each side has won once."""

TOGETHER = 10.0
"""Seconds that one side waits for the other before the test is broken."""

SCOPES = ("oven", "everything", "team:bakers", "environment:production", "oven/production")
"""Every kind of lock that covers the promotion; none of them is a Hold of it alone."""


@dataclass
class Race:
    """A promotion whose gates are open but for an approval, and the two writers that decide about it."""

    approving: Database
    braking: Database
    chance: random.Random
    barrier: threading.Barrier | None
    ends: Counter[str] = field(default_factory=Counter)

    async def prepare(self) -> None:
        """Raise the promotion."""
        await self.approving.write(lambda session: _world(session).raised())

    async def round(self, scope: str | None) -> None:
        """Approve and brake at once, then check who was told what; everything is put back afterwards."""
        late = self.chance.random() < 0.5  # whether the brake meets the call, or the approval before it
        if late:
            await self.approving.write(_approve)
        called, told = await self._at_once(
            self._side(_call if late else _approve), self._side(lambda session: _brake(session, scope))
        )
        after = await self.approving.write(_afterwards)
        shipped = (late and called is True) or after.called
        moving = "already on its way" in told.casefold() or "is under way" in told
        self.ends["shipped" if shipped else "stopped"] += 1
        assert not after.again, "it was called a second time"
        assert moving is shipped, f"it {'ships' if shipped else 'waits'}, and whoever braked was told: {told}"
        assert after.state is (State.STARTING if shipped else State.OPEN)

    def _side(self, doing: Callable[[Session], Result]) -> Callable[[Session], Result]:
        """One side of the collision: it begins when the other is in its transaction too."""
        waits = [self.barrier] if self.barrier is not None else []

        def unit(session: Session) -> Result:
            session.connection()
            if waits:  # once: a unit that met a deadlock is run again
                waits.pop().wait(TOGETHER)
            return doing(session)

        return unit

    async def _at_once(
        self, first: Callable[[Session], bool | str], second: Callable[[Session], str]
    ) -> tuple[bool | str, str]:
        urgent = self.chance.random() < 0.5
        if self.chance.random() < 0.5:
            one = asyncio.ensure_future(self.approving.write(first, urgent=urgent))
            other = asyncio.ensure_future(self.braking.write(second, urgent=not urgent))
        else:
            other = asyncio.ensure_future(self.braking.write(second, urgent=urgent))
            one = asyncio.ensure_future(self.approving.write(first, urgent=not urgent))
        return await one, await other


def _world(session: Session) -> World:
    here = world(session, gates=(Lock(), Approval()), undo=timedelta())
    here.at = 60
    return here


def _approve(session: Session) -> str:
    return _world(session).act(Act.APPROVE)


def _call(session: Session) -> bool:
    """The transaction before the call, as the effect makes it; whether the pipeline is called now."""
    here = _world(session)
    call = None
    for effect in _effects(session):
        call = calling.prepare(session, here.desk, effect.data, here.now)
    here.reactions.settle(session, here.now)
    return call is not None and call.since is None


def _brake(session: Session, scope: str | None) -> str:
    """Somebody locks this, or holds the promotion alone; what they are told."""
    here = _world(session)
    if scope is None:
        try:
            return here.act(Act.HOLD, "U0EVE", reason="fire")
        except UserError as refusal:
            return str(refusal)
    event = LockPlaced(
        scope=scope, reason="fire", ends_at=None, rollbacks=True, slack_id="U0EVE", called="Eve", channel=None,
        at=here.now,
    )  # fmt: skip
    said = here.tell(event)
    assert said is not None
    return said


@dataclass(frozen=True)
class After:
    """What came of a round: whether it was called after the collision, once more after that, and where it stood."""

    called: bool
    again: bool
    state: State


def _afterwards(session: Session) -> After:
    """Look, then put everything back: the call had no effect after all, the lock is lifted, the approval withdrawn."""
    called, state = _call(session), _state(session)
    after = After(called, _call(session), state)
    here = _world(session)
    if state is State.STARTING:
        calling.not_called(session, here.desk, _effects(session)[0].data, here.now)
    for lock in locks.standing(session):
        here.tell(LockActed(act=LockAct.LIFT, lock=lock.id, scope=None, slack_id="U0EVE", called="Eve", at=here.now))
    here.act(Act.UNDO)
    assert _state(session) is State.OPEN
    return after


def _effects(session: Session) -> Sequence[Effect]:
    """The latest call that was to be made."""
    return session.exec(select(Effect).where(Effect.kind == DEPLOY).order_by(col(Effect.id).desc()).limit(1)).all()


def _state(session: Session) -> State:
    return State(session.exec(select(Promotion)).one().state)


async def race(stack: AsyncExitStack, url: str, engine: str) -> Race:
    """Two writers on PostgreSQL, the one writer on SQLite."""
    approving = await stack.enter_async_context(opened(url, upgraded=False))
    if engine == "sqlite":
        return Race(approving, approving, random.Random(815), None)
    braking = await stack.enter_async_context(opened(url, upgraded=False))
    return Race(approving, braking, random.Random(815), threading.Barrier(2))


@pytest.mark.parametrize("scope", [*SCOPES, None], ids=[*SCOPES, "hold"])
async def test_nothing_ships_after_the_locker_was_told_that_nothing_moves(
    database_url: str, engine: str, scope: str | None
) -> None:
    """Forced collisions: either the brake wins, or whoever braked hears what is on its way."""
    async with AsyncExitStack() as stack:
        racing = await race(stack, database_url, engine)
        await racing.prepare()
        for number in range(ROUNDS[engine] + UNTIL_BOTH):
            if number >= ROUNDS[engine] and len(racing.ends) > 1:
                break
            await racing.round(scope)
        assert racing.ends["shipped"], "the brake won every time: nothing collided"
        assert racing.ends["stopped"], "the call won every time: nothing collided"
