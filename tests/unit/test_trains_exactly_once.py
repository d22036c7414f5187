"""Two replicas at the minute of departure: whoever comes second finds it done, and waits for nothing for ever.

Two replicas are two ``Database`` instances with a writing thread each, on PostgreSQL: a barrier lets both into their
transactions at the same moment. A single process has one writer, where both wait in one group of units.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from sqlmodel import Session, col, func, select

from bot.database import Database
from bot.departures.models import Departure, Passenger, TrainRow
from bot.departures.states import Outcome, State
from bot.errors import UserError
from bot.events import TrainAct
from bot.gates import Health, Lock
from bot.gates import Train as Gate
from bot.outbox import Effect, Note
from bot.promotions.advancing import DEPLOY
from bot.promotions.models import Promotion
from bot.trains import service as trains
from tests.unit.railway import Railway, carried, railway
from tests.unit.reports import minute
from tests.unit.stores import opened

TOGETHER = 10.0
"""Seconds that one side waits for the other before the test is broken."""

FREELY = (carried("cart", gates=(Lock(), Health(), Gate())), carried("checkout", gates=(Lock(), Health(), Gate())))
"""Services of which nobody is asked for a yes."""

Doing = Callable[[Railway], None]


def _railway(session: Session, at: float) -> Railway:
    here = railway(session)
    here.services, here.at = FREELY, at
    return here


def _unit(doing: Doing, at: float, barrier: threading.Barrier | None) -> Callable[[Session], None]:
    """One side: it begins when the other is in its transaction too."""
    waits = [barrier] if barrier is not None else []

    def unit(session: Session) -> None:
        session.connection()
        if waits:  # once: a unit that met a deadlock is run again
            waits.pop().wait(TOGETHER)
        here = _railway(session, at)
        doing(here)
        here.reactions.settle(session, here.now)

    return unit


def _seal(here: Railway) -> None:
    row = here.session.exec(select(TrainRow)).one()
    trains.train_due(here.session, here.desk, row.id or 0, here.now)


def _leave(here: Railway) -> None:
    trains.departure_due(here.session, here.desk, 1, here.now)


def _cancel(here: Railway) -> None:
    here.conduct(TrainAct.CANCEL, reason="not today")


async def _at_once(one: Database, other: Database, first: Doing, second: Doing, at: float) -> None:
    barrier = threading.Barrier(2) if one is not other else None
    await asyncio.gather(one.write(_unit(first, at, barrier)), other.write(_unit(second, at, barrier)))


async def _replicas(stack: AsyncExitStack, url: str, engine: str) -> tuple[Database, Database]:
    one = await stack.enter_async_context(opened(url, upgraded=False))
    if engine == "sqlite":
        return one, one
    return one, await stack.enter_async_context(opened(url, upgraded=False))


def _begin(session: Session) -> None:
    here = _railway(session, 0).opened()
    here.built("cart", "b", 812)
    here.built("checkout", "c", 820)


@pytest.mark.both_engines
async def test_two_replicas_seal_and_let_go_once(database_url: str, engine: str) -> None:
    """One departure, one promotion of each service, one call of each pipeline, and nothing said twice."""
    async with AsyncExitStack() as stack:
        one, other = await _replicas(stack, database_url, engine)
        await one.write(_begin)
        await _at_once(one, other, _seal, _seal, 105)
        await _at_once(one, other, _leave, _leave, 120)
        await one.read(_once)


def _once(session: Session) -> None:
    (departure,) = session.exec(select(Departure)).all()
    assert (departure.scheduled_at, departure.state) == (minute(120), State.DEPARTED)
    assert session.exec(select(func.count(col(Promotion.id)))).one() == 2
    assert session.exec(select(func.count(col(Passenger.id)))).one() == 2
    assert session.exec(select(func.count(col(Effect.id))).where(Effect.kind == DEPLOY)).one() == 2
    said = [note.data["said"] for note in session.exec(select(Note).order_by(col(Note.id))).all()]
    assert sorted(said) == ["aboard", "departed", "sealed"]


@pytest.mark.both_engines
async def test_a_cancel_that_races_the_departure_wins_or_hears_that_it_left(database_url: str, engine: str) -> None:
    """Never both."""
    async with AsyncExitStack() as stack:
        one, other = await _replicas(stack, database_url, engine)
        await one.write(_begin)
        await one.write(_unit(_seal, 105, None))
        called_off = True
        try:
            await _at_once(one, other, _leave, _cancel, 120)
        except UserError:
            called_off = False

        def look(session: Session) -> None:
            (departure,) = session.exec(select(Departure)).all()
            calls = session.exec(select(func.count(col(Effect.id))).where(Effect.kind == DEPLOY)).one()
            ended = (State.CLOSED, Outcome.CANCELLED, 0) if called_off else (State.DEPARTED, None, 2)
            assert (departure.state, departure.outcome, calls) == ended

        await one.read(look)


async def test_a_kill_before_the_commit_leaves_everything_to_the_next(database_url: str) -> None:
    """Sealing and leaving are one transaction each: undone as a whole, done again as a whole."""

    class Killed(Exception):
        """The process ends here."""

    def killed(session: Session, doing: Doing, at: float) -> None:
        _unit(doing, at, None)(session)
        raise Killed

    async with opened(database_url, upgraded=False) as database:
        await database.write(_begin)
        for doing, at in ((_seal, 105.0), (_leave, 120.0)):
            with pytest.raises(Killed):
                await database.write(lambda session, doing=doing, at=at: killed(session, doing, at))  # type: ignore[misc]
            await database.write(_unit(doing, at, None))
        await database.read(_once)
