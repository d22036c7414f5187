"""What tests of the core stand on: an opened database of either engine, its sessions, a clock turned by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import event
from sqlalchemy.orm import Session as OrmSession
from sqlmodel import Session

import bot.outgoing  # noqa: F401 - so that every table is known
from bot.database import Database, upgrade
from tests.conftest import address

__all__ = ["NOON", "Clock", "Unit", "address", "opened"]

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""The instant at which the tests' stories begin: a Monday."""


class Unit(Session):
    """A session that holds on to the rows it meets, as those of ``bot.database`` do: verbs ask for the same ones again.

    It does so for a whole test, which is many units of the bot's.
    """


def _hold(session: OrmSession, row: object) -> None:
    session.info.setdefault("rows", []).append(row)


event.listen(Unit, "loaded_as_persistent", _hold)
event.listen(Unit, "pending_to_persistent", _hold)


class Clock:
    """The present instant, turned by hand."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **more: float) -> datetime:
        """Let this much time pass (``minutes=3``); returns the new instant."""
        self.now += timedelta(**more)
        return self.now


@asynccontextmanager
async def opened(url: str, *, upgraded: bool = True) -> AsyncIterator[Database]:
    """A database that takes work until the block is left, with every table unless told otherwise."""
    if upgraded:
        upgrade(address(url))
    database = Database(address(url))
    database.start()
    try:
        yield database
    finally:
        await database.close()
