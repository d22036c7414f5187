"""Units of work: groups that share a commit, order, urgency, faults that pass and faults that do not, snapshots."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session, col, select

from bot import inbox
from bot.database import Database, DatabaseUnavailable, wake_on_commit
from bot.inbox import Delivery, Incoming, Lane
from tests.conftest import new_postgres_database
from tests.unit.stores import address, opened

pytestmark = pytest.mark.both_engines


class Gate:
    """A unit that keeps the writer busy until it is let go, so that what comes meanwhile makes one group."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()

    def unit(self, session: Session) -> None:
        """Wait until let go."""
        self._reached.set()
        assert self._open.wait(20)

    async def reached(self) -> None:
        """Return once the writer stands at the gate."""
        assert await asyncio.to_thread(self._reached.wait, 20)

    def let_go(self) -> None:
        """Let the writer go on."""
        self._open.set()


def add(number: int) -> Callable[[Session], int]:
    """A unit that writes one number, and returns it."""

    def unit(session: Session) -> int:
        session.connection().execute(text("INSERT INTO numbers (number) VALUES (:number)"), {"number": number})
        return number

    return unit


def bad(session: Session) -> None:
    """A unit that writes and then fails for good."""
    add(666)(session)
    raise ValueError("this unit is bad")


def numbers(session: Session) -> list[int]:
    """All numbers, in the order in which they were written."""
    return [row[0] for row in session.connection().execute(text("SELECT number FROM numbers ORDER BY id"))]


@asynccontextmanager
async def counting(url: str) -> AsyncIterator[Database]:
    """A database with a table of numbers and nothing else."""
    async with opened(url, upgraded=False) as database:
        sort = "INTEGER PRIMARY KEY" if database.is_sqlite else "SERIAL PRIMARY KEY"
        await database.write(
            lambda session: session.connection().execute(text(f"CREATE TABLE numbers (id {sort}, number INTEGER)"))
        )
        yield database


def commits_of(database: Database) -> list[int]:
    """A list that grows by one with each commit of the writer."""
    commits: list[int] = []

    def committed(_connection: object) -> None:
        commits.append(1)

    event.listen(database._writer_engine, "commit", committed)
    return commits


async def test_units_that_wait_together_share_one_commit(database_url: str) -> None:
    """One flush of the disk for all of them."""
    async with counting(database_url) as database:
        gate = Gate()
        first = asyncio.create_task(database.write(gate.unit))
        await gate.reached()
        # Urgent ones: of others a group takes no more once it has lasted a while, as on a machine that is busy.
        together = [asyncio.create_task(database.write(add(number), urgent=True)) for number in range(20)]
        await asyncio.sleep(0)
        commits = commits_of(database)
        gate.let_go()
        await asyncio.gather(first, *together)
        assert len(commits) == 1  # the gate itself wrote nothing
        assert await database.read(numbers) == list(range(20))


async def test_one_bad_unit_spoils_nobody_elses(database_url: str) -> None:
    """Its neighbours in the group are written, in their order, and it alone hears of its fault."""
    async with counting(database_url) as database:
        gate = Gate()
        first = asyncio.create_task(database.write(gate.unit))
        await gate.reached()
        before = [asyncio.create_task(database.write(add(number))) for number in (1, 2)]
        failing = asyncio.create_task(database.write(bad))
        after = [asyncio.create_task(database.write(add(number))) for number in (3, 4)]
        await asyncio.sleep(0)
        gate.let_go()
        with pytest.raises(ValueError, match="this unit is bad"):
            await failing
        assert await asyncio.gather(first, *before, *after) == [None, 1, 2, 3, 4]
        assert await database.read(numbers) == [1, 2, 3, 4]


async def test_a_bad_unit_alone_leaves_nothing_behind(database_url: str) -> None:
    """What it wrote before it failed is gone, and the writer goes on."""
    async with counting(database_url) as database:
        with pytest.raises(ValueError, match="this unit is bad"):
            await database.write(bad)
        assert await database.write(add(1)) == 1
        assert await database.read(numbers) == [1]


async def test_a_row_that_breaks_a_constraint_is_its_own_units_fault(database_url: str) -> None:
    """Also when the database itself refuses, and only when the session flushes."""
    async with opened(database_url) as database:

        def twice(session: Session) -> None:
            for _ in range(2):
                session.add(
                    Delivery(source="github", delivery_id="1", received_at=datetime(2026, 1, 1, tzinfo=UTC), body=b"")
                )

        with pytest.raises(DBAPIError):
            await database.write(twice)
        assert await database.read(lambda session: session.exec(select(Delivery)).all()) == []


async def test_units_run_in_their_order(database_url: str) -> None:
    """Whoever came first is written first, over many groups."""
    async with counting(database_url) as database:
        await asyncio.gather(*(database.write(add(number)) for number in range(200)))
        assert await database.read(numbers) == list(range(200))


async def test_urgent_units_go_before_those_that_wait(database_url: str) -> None:
    """A webhook to be answered does not wait behind the engines' own work."""
    async with counting(database_url) as database:
        gate = Gate()
        first = asyncio.create_task(database.write(gate.unit))
        await gate.reached()
        usual = [asyncio.create_task(database.write(add(number))) for number in (1, 2)]
        urgent = [asyncio.create_task(database.write(add(number), urgent=True)) for number in (10, 11)]
        await asyncio.sleep(0)
        gate.let_go()
        await asyncio.gather(first, *usual, *urgent)
        assert await database.read(numbers) == [10, 11, 1, 2]


async def test_a_value_is_given_only_once_it_is_on_disk(database_url: str) -> None:
    """While the group's last unit still runs, the first one's caller waits, and nobody reads its row."""
    async with counting(database_url) as database:
        gate, second = Gate(), Gate()
        begun = asyncio.create_task(database.write(gate.unit))
        await gate.reached()
        # Urgent ones share their commit, however long they take.
        written = asyncio.create_task(database.write(add(1), urgent=True))
        last = asyncio.create_task(database.write(second.unit, urgent=True))
        await asyncio.sleep(0)
        gate.let_go()
        await second.reached()
        assert not written.done()
        assert await database.read(numbers) == []
        second.let_go()
        assert await written == 1
        assert await database.read(numbers) == [1]
        await asyncio.gather(begun, last)


async def test_a_bell_rings_only_after_the_commit(database_url: str) -> None:
    """Whoever is woken finds what woke them, whichever connection they look through."""
    seen: list[int] = []
    async with counting(database_url) as database:
        elsewhere = create_engine(address(database_url))

        def look() -> None:
            with elsewhere.connect() as connection:
                seen.append(connection.execute(text("SELECT count(*) FROM numbers")).scalar_one())

        database.on_bell("numbers", look)

        def unit(session: Session) -> None:
            wake_on_commit(session, "numbers")
            add(1)(session)

        await database.write(unit)
        await database.write(add(2))  # the bell of the unit before has rung by now
        elsewhere.dispose()
    assert seen == [1]


async def test_a_unit_that_fails_rings_no_bell(sqlite_url: str) -> None:
    """There is nothing new to look at."""
    rung: list[str] = []
    async with counting(sqlite_url) as database:
        database.on_bell("numbers", lambda: rung.append("numbers"))

        def unit(session: Session) -> None:
            wake_on_commit(session, "numbers")
            bad(session)

        with pytest.raises(ValueError, match="bad"):
            await database.write(unit)
        await database.write(add(1))
    assert rung == []


async def test_a_listener_whose_loop_is_gone_stops_nobody(sqlite_url: str) -> None:
    """A test or a replica that ended must not take the writer with it."""

    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    async with counting(sqlite_url) as database:
        database.on_bell("numbers", gone)
        await database.write(lambda session: wake_on_commit(session, "numbers"))
        assert await database.write(add(1)) == 1


async def test_concurrent_read_then_write_loses_no_update(database_url: str) -> None:
    """Fifty who each read a number and write one more make fifty."""
    async with counting(database_url) as database:
        await database.write(add(0))

        def one_more(session: Session) -> None:
            present = numbers(session)[0]
            session.connection().execute(text("UPDATE numbers SET number = :next"), {"next": present + 1})

        await asyncio.gather(*(database.write(one_more, urgent=turn % 2 == 0) for turn in range(50)))
        assert await database.read(numbers) == [50]


async def test_two_processes_on_one_sqlite_file_lose_no_update(sqlite_url: str) -> None:
    """Transactions that will write begin as such: a plain BEGIN would let both read the same number."""
    async with counting(sqlite_url) as one, opened(sqlite_url, upgraded=False) as other:
        await one.write(add(0))

        def one_more(session: Session) -> None:
            present = numbers(session)[0]
            session.connection().execute(text("UPDATE numbers SET number = :next"), {"next": present + 1})

        await asyncio.gather(*(database.write(one_more) for _ in range(20) for database in (one, other)))
        assert await one.read(numbers) == [40]


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_FULL])
async def test_a_passing_fault_is_tried_again_and_not_told(sqlite_url: str, code: int) -> None:
    """A busy file is nobody's concern, and the unit's neighbours are written once."""
    async with counting(sqlite_url) as database:
        left = [1, 1]

        def unit(session: Session) -> int:
            add(7)(session)
            if left:
                left.pop()
                fault = sqlite3.OperationalError("database is locked")
                fault.sqlite_errorcode = code
                raise OperationalError("INSERT", None, fault)
            return 7

        gate = Gate()
        first = asyncio.create_task(database.write(gate.unit))
        await gate.reached()
        together = [asyncio.create_task(database.write(one)) for one in (add(1), unit, add(2))]
        await asyncio.sleep(0)
        gate.let_go()
        assert await asyncio.gather(first, *together) == [None, 1, 7, 2]
        assert await database.read(numbers) == [1, 7, 2]


async def test_a_full_disk_is_no_fault_of_the_unit(sqlite_url: str) -> None:
    """It is said to be unavailable, nothing is written, and what comes when there is room again is."""
    async with counting(sqlite_url) as database:

        def limit(pages: int) -> Callable[[Session], Any]:
            return lambda session: session.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}").all()

        def large(session: Session) -> None:
            session.connection().execute(text("CREATE TABLE large (body BLOB)"))
            session.connection().execute(text("INSERT INTO large VALUES (zeroblob(1000000))"))

        await database.write(limit(20))
        with pytest.raises(DatabaseUnavailable):
            await database.write(large)
        assert await database.write(add(1)) == 1
        await database.write(limit(100_000))
        await database.write(large)


async def test_a_lost_connection_is_made_again(postgres_server: str) -> None:
    """PostgreSQL restarts, networks drop: neither a write nor a read notices."""
    database_url = new_postgres_database(postgres_server)
    async with counting(database_url) as database:

        def process(session: Session) -> int:
            return int(session.connection().execute(text("SELECT pg_backend_pid()")).scalar_one())

        def cut(session: Session) -> None:
            session.connection().execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN (:one, :other)"),
                {"one": writer, "other": reader},
            )

        writer, reader = await database.write(process), await database.read(process)
        async with opened(database_url, upgraded=False) as elsewhere:
            await elsewhere.write(cut)
        assert await database.write(add(1)) == 1
        assert await database.read(numbers) == [1]
        assert await database.write(process) != writer


async def test_a_database_that_is_not_there_is_said_to_be_unavailable() -> None:
    """The doors answer 503 and the engines wait; nobody sees the driver's own error."""
    async with opened("postgresql://nobody@127.0.0.1:1/nothing", upgraded=False) as database:
        outcomes = await asyncio.gather(database.write(add(1)), database.read(numbers), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable, DatabaseUnavailable]


async def test_a_read_cannot_write(database_url: str) -> None:
    """An answer to a question never changes anything, by mistake either."""
    async with counting(database_url) as database:
        with pytest.raises(DBAPIError):
            await database.read(add(1))
        assert await database.read(numbers) == []


async def test_a_read_sees_one_instant_throughout(database_url: str) -> None:
    """What is committed while an answer is put together does not get into its second half."""
    async with counting(database_url) as database:
        await database.write(add(1))
        looked, goes_on = threading.Event(), threading.Event()

        def twice(session: Session) -> tuple[list[int], list[int]]:
            first = numbers(session)
            looked.set()
            assert goes_on.wait(20)
            return first, numbers(session)

        reading = asyncio.create_task(database.read(twice))
        assert await asyncio.to_thread(looked.wait, 20)
        await database.write(add(2))
        goes_on.set()
        assert await reading == ([1], [1])
        assert await database.read(numbers) == [1, 2]


async def test_instants_come_back_aware_and_in_utc(database_url: str) -> None:
    """Whatever zone they were written in, on both engines, and they compare and sort as instants."""
    eastern = timezone(timedelta(hours=-5))
    early, late = datetime(2026, 3, 2, 23, 30, tzinfo=eastern), datetime(2026, 3, 3, 4, 31, tzinfo=UTC)
    async with opened(database_url) as database:
        for received_at in (late, early):
            group = [Incoming("github", str(received_at), {}, b"", Lane.FEED)]
            await database.write(lambda session, at=received_at, group=group: inbox.store(session, group, at))  # type: ignore[misc]

        def read(session: Session) -> tuple[list[datetime], list[datetime]]:
            ordered = session.exec(select(Delivery.received_at).order_by(col(Delivery.received_at))).all()
            before = session.exec(select(Delivery.received_at).where(Delivery.received_at < late)).all()
            return list(ordered), list(before)

        ordered, before = await database.read(read)
    assert [(one, one.utcoffset()) for one in ordered] == [(early, timedelta()), (late, timedelta())]
    assert before == [early]


async def test_an_instant_without_a_zone_is_refused(database_url: str) -> None:
    """Nobody could say what it means."""
    async with opened(database_url) as database:
        group = [Incoming("github", "1", {}, b"", Lane.FEED)]
        with pytest.raises(Exception, match="timezone"):
            await database.write(lambda session: inbox.store(session, group, datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_closing_finishes_what_was_taken_on(database_url: str) -> None:
    """And takes on nothing more."""
    async with counting(database_url) as database:
        gate = Gate()
        first = asyncio.create_task(database.write(gate.unit))
        await gate.reached()
        waiting = [asyncio.create_task(database.write(add(number))) for number in (1, 2)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(database.close())
        gate.let_go()
        await asyncio.gather(first, *waiting, closing)
        with pytest.raises(DatabaseUnavailable):
            await database.write(add(3))
        with pytest.raises(DatabaseUnavailable):
            await database.read(lambda session: None)
        elsewhere = create_engine(address(database_url))
        with elsewhere.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM numbers")).scalar_one() == 2
        elsewhere.dispose()
