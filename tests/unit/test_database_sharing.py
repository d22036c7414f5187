"""Who shares a commit with whom: urgent work cuts a group short, patient work waits for company; no row is old."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlmodel import Session

from bot.database import engine
from bot.people import Link
from bot.work import Watch, begin_watch
from tests.unit.stores import NOON, opened

pytestmark = pytest.mark.both_engines


async def test_urgent_work_is_committed_before_the_rest_of_a_long_group(sqlite_url: str) -> None:
    """A sender that waits for its answer does not wait for sixty rollouts; those it overtook keep their order."""
    async with opened(sqlite_url) as database:
        order: list[str] = []
        begun, come = threading.Event(), threading.Event()

        def first(_session: Session) -> None:
            begun.set()
            assert come.wait(20)
            until = time.monotonic() + engine.GROUP_SECONDS
            while time.monotonic() <= until:
                pass
            order.append("first")

        def unit(name: str) -> Callable[[Session], None]:
            return lambda _session: order.append(name)

        held = threading.Event()
        gate = asyncio.create_task(database.write(lambda _session: held.wait(20) and None))
        await asyncio.sleep(0)
        group = [asyncio.create_task(database.write(work)) for work in (first, unit("second"), unit("third"))]
        await asyncio.sleep(0)
        held.set()
        assert await asyncio.to_thread(begun.wait, 20)
        urgent = asyncio.create_task(database.write(unit("urgent"), urgent=True))
        await asyncio.sleep(0)
        come.set()
        await asyncio.gather(gate, urgent, *group)
        assert order == ["first", "urgent", "second", "third"]


async def test_patient_work_is_done_although_nobody_else_comes(database_url: str) -> None:
    """It waits for others to share a commit with, and not for ever."""
    async with opened(database_url) as database:
        assert (await database.write(lambda session: begin_watch(session, NOON), patient=True))[1] is None
        kept = await database.read(lambda session: session.get(Watch, 1))
        assert kept is not None
        assert kept.began_at == NOON


async def test_what_was_taken_on_patiently_is_written_when_the_database_is_closed(sqlite_url: str) -> None:
    """An orderly stop loses nothing that was sent and not yet written down."""
    async with opened(sqlite_url) as database:
        kept = asyncio.create_task(database.write(lambda session: begin_watch(session, NOON), patient=True))
        await asyncio.sleep(0)
    assert (await kept)[1] is None


async def test_a_unit_reads_what_the_one_before_it_wrote_past_the_rows(sqlite_url: str) -> None:
    """Two units of one group share a connection, not a memory of rows: one may write without loading them."""
    async with opened(sqlite_url) as database:
        held = threading.Event()
        gate = asyncio.create_task(database.write(lambda _session: held.wait(20) and None))
        await asyncio.sleep(0)

        def keep(session: Session) -> Link:
            link = Link(slack_id="U1", login="ana", linked_at=NOON)
            session.add(link)
            return link

        def rename(session: Session) -> None:
            session.connection().execute(text("UPDATE links SET login = 'ben'"))

        def login(session: Session) -> str | None:
            found = session.get(Link, "U1")
            return found.login if found else None

        tasks = [asyncio.create_task(database.write(work)) for work in (keep, rename)]
        read = asyncio.create_task(database.write(login))
        await asyncio.sleep(0)
        held.set()
        await asyncio.gather(gate, *tasks)
        assert await read == "ben"
