"""Who shares a commit with whom: urgent work cuts a group short, patient work waits for company; no row is old."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import event, text
from sqlmodel import Session, select

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


async def test_what_is_urgent_shares_the_commit_of_what_it_cuts_short(sqlite_url: str) -> None:
    """Its sender waits for one flush to disk and not for two; what was cut off has one of its own."""
    async with opened(sqlite_url) as database:
        commits: list[str] = []
        begun, come = threading.Event(), threading.Event()

        def first(session: Session) -> None:
            begin_watch(session, NOON)
            begun.set()
            assert come.wait(20)
            until = time.monotonic() + engine.GROUP_SECONDS
            while time.monotonic() <= until:
                pass
            commits.append("first")

        event.listen(database._writer_engine, "commit", lambda _connection: commits.append("commit"))
        held = threading.Event()
        gate = asyncio.create_task(database.write(lambda _session: held.wait(20) and None))
        await asyncio.sleep(0)
        group = [asyncio.create_task(database.write(work)) for work in (first, lambda _session: commits.append("rest"))]
        await asyncio.sleep(0)
        held.set()
        assert await asyncio.to_thread(begun.wait, 20)
        commits.clear()
        urgent = asyncio.create_task(database.write(lambda _session: commits.append("urgent"), urgent=True))
        await asyncio.sleep(0)
        come.set()
        await asyncio.gather(gate, urgent, *group)
        assert [one for one in commits if one != "commit"] == ["first", "urgent", "rest"]
        assert commits[:3] == ["first", "urgent", "commit"]


async def test_one_bad_unit_that_came_meanwhile_spoils_nobody_elses(sqlite_url: str) -> None:
    """The group is rolled back, and each of it is run alone, also those that it was cut short for."""
    async with opened(sqlite_url) as database:
        begun, come = threading.Event(), threading.Event()

        def first(session: Session) -> int:
            number, _ = begin_watch(session, NOON)
            begun.set()
            assert come.wait(20)
            until = time.monotonic() + engine.GROUP_SECONDS
            while time.monotonic() <= until:
                pass
            return number

        def bad(session: Session) -> None:
            begin_watch(session, NOON)
            raise ValueError("bad")

        held = threading.Event()
        gate = asyncio.create_task(database.write(lambda _session: held.wait(20) and None))
        await asyncio.sleep(0)
        group = [
            asyncio.create_task(database.write(work)) for work in (first, lambda session: begin_watch(session, NOON)[0])
        ]
        await asyncio.sleep(0)
        held.set()
        assert await asyncio.to_thread(begun.wait, 20)
        urgent = [asyncio.create_task(database.write(work, urgent=True)) for work in (bad, first)]
        await asyncio.sleep(0)
        come.set()
        found = await asyncio.gather(gate, *urgent, *group, return_exceptions=True)
        assert isinstance(found[1], ValueError)
        assert sorted(number for number in found[2:] if isinstance(number, int)) == [1, 2, 3]
        assert len(await database.read(lambda session: session.exec(select(Watch)).all())) == 3


async def test_whoever_waits_for_the_first_of_many_does_not_wait_for_the_last(sqlite_url: str) -> None:
    """Five large groups of alerts come at once: what the first one wakes leaves before the others are applied."""
    async with opened(sqlite_url) as database:
        known, went_on = threading.Event(), []

        def first(_session: Session) -> str:
            until = time.monotonic() + engine.GROUP_LASTS
            while time.monotonic() <= until:
                pass
            return "first"

        def second(_session: Session) -> None:
            went_on.append(known.wait(20))

        held = threading.Event()
        gate = asyncio.create_task(database.write(lambda _session: held.wait(20) and None))
        await asyncio.sleep(0)
        group = [asyncio.create_task(database.write(first)), asyncio.create_task(database.write(second))]
        await asyncio.sleep(0)
        held.set()
        assert await group[0] == "first"
        known.set()
        await asyncio.gather(gate, *group)
        assert went_on == [True]


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
