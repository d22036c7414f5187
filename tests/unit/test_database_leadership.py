"""Who does the work: one process on a SQLite file, one leader among many on PostgreSQL, and bells across replicas."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from bot.database import Leadership, SqliteLock, wake_on_commit
from bot.errors import UserError
from tests.conftest import new_postgres_database
from tests.unit.stores import address, opened


def nobody(_bell: str) -> None:
    """Hear nothing."""


@asynccontextmanager
async def standing(url: str, on_bell: Callable[[str], None] = nobody) -> AsyncIterator[Leadership]:
    """A process that stands for leadership until the block is left."""
    leadership = Leadership(address(url), on_bell=on_bell)
    leadership.start()
    try:
        yield leadership
    finally:
        await leadership.stop()


def cut_leader(url: str) -> None:
    """End the connection on which somebody leads."""
    with psycopg.connect(url, autocommit=True) as connection:
        cut = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
    assert cut == [(True,)]


async def test_a_second_process_on_a_sqlite_file_is_told_who_holds_it(tmp_path: Path) -> None:
    """It names the process, the file and two ways out."""
    url = f"sqlite:///{tmp_path / 'ship.db'}"
    async with standing(url) as first:
        assert first.held
        with pytest.raises(UserError) as refusal:
            SqliteLock(url).acquire()
    said = str(refusal.value)
    assert said.startswith(f"Another Shipmate (process {os.getpid()}) is using ship.db. Stop it first")
    assert "PostgreSQL" in said


async def test_a_sqlite_file_is_free_again_once_its_process_has_stopped(tmp_path: Path) -> None:
    """Letting go twice does no harm."""
    url = f"sqlite:///{tmp_path / 'ship.db'}"
    async with standing(url):
        pass
    lock = SqliteLock(url)
    lock.acquire()
    lock.release()
    lock.release()
    async with standing(url) as again:
        await asyncio.wait_for(again.won(), 20)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A typing error in DATABASE_URL is told in words."""
    with pytest.raises(UserError, match=r"ship\.db\.lock"):
        SqliteLock(f"sqlite:///{tmp_path / 'nowhere' / 'ship.db'}").acquire()


async def test_one_of_two_leads_and_the_other_takes_over(postgres_server: str) -> None:
    """When the first one's connection is cut it knows that it leads no more, and the second one leads."""
    url = new_postgres_database(postgres_server)
    async with standing(url) as first:
        await asyncio.wait_for(first.won(), 20)
        async with standing(url) as second:
            third = asyncio.create_task(second.won())
            lost = asyncio.create_task(first.lost())
            await asyncio.wait({third}, timeout=0.05)
            assert (first.held, second.held) == (True, False)
            cut_leader(url)
            await asyncio.wait_for(asyncio.wait({third, lost}, return_when=asyncio.FIRST_COMPLETED), 20)
            await asyncio.wait_for(lost, 20)
            # Whichever of the two asks first leads now; never both.
            await asyncio.wait_for(
                asyncio.wait({asyncio.create_task(first.won()), third}, return_when=asyncio.FIRST_COMPLETED), 20
            )
            assert first.held is not second.held


async def test_an_orderly_stop_hands_leadership_on(postgres_server: str) -> None:
    """A deploy of Shipmate itself leaves no gap."""
    url = new_postgres_database(postgres_server)
    async with standing(url) as second:
        async with standing(url) as first:
            await asyncio.wait(
                {asyncio.create_task(first.won()), asyncio.create_task(second.won())},
                return_when=asyncio.FIRST_COMPLETED,
                timeout=20,
            )
        await asyncio.wait_for(second.won(), 20)
        assert second.held


async def test_two_databases_of_one_server_have_leaders_of_their_own(postgres_server: str) -> None:
    """The lock is the database's, not the server's."""
    async with (
        standing(new_postgres_database(postgres_server)) as one,
        standing(new_postgres_database(postgres_server)) as other,
    ):
        await asyncio.wait_for(asyncio.gather(one.won(), other.won()), 20)


async def test_a_bell_rung_on_one_replica_wakes_the_leader(postgres_server: str) -> None:
    """A webhook that another replica stored is applied at once, and only after it is committed."""
    url = new_postgres_database(postgres_server)
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[str] = asyncio.Queue()

    def hear(bell: str) -> None:
        loop.call_soon_threadsafe(heard.put_nowait, bell)

    async with (
        standing(url, hear) as leader,
        opened(url, upgraded=False) as replica,
    ):
        await asyncio.wait_for(leader.won(), 20)
        replica.notify_others = True
        for bell in ("inbox", "outgoing", "inbox"):
            await replica.write(lambda session, bell=bell: wake_on_commit(session, bell))  # type: ignore[misc]
        assert [await asyncio.wait_for(heard.get(), 20) for _ in range(3)] == ["inbox", "outgoing", "inbox"]


async def test_the_leaders_own_bells_stay_in_its_process(postgres_server: str) -> None:
    """What it writes itself it hears directly; PostgreSQL is not troubled."""
    url = new_postgres_database(postgres_server)
    heard: list[str] = []
    rung: list[str] = []
    async with standing(url, heard.append) as leader, opened(url, upgraded=False) as own:
        await asyncio.wait_for(leader.won(), 20)
        own.on_bell("inbox", lambda: rung.append("inbox"))
        await own.write(lambda session: wake_on_commit(session, "inbox"))
    assert (rung, heard) == (["inbox"], [])
