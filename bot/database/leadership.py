"""Who does the work: one leader applies the inbox, delivers and keeps the clock; every other replica only serves doors.

SQLite: a lock on a file beside the database; there is one process, and a second one is refused. PostgreSQL: an advisory
lock on a connection of its own (a pooled connection would keep the lock when it is handed back), noticed when lost.
The same connection listens for the bells of other replicas.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import psycopg
import structlog
from sqlalchemy.engine import make_url

from bot.errors import UserError

log = structlog.get_logger(__name__)

LEADER_KEY = 0x5348_4950
"""The advisory lock's number: "SHIP"."""

LISTEN_SECONDS = 1.0
"""How often the leader's connection is looked at when no bell rings: a lost one is noticed within this time."""

NOTICED_SOON: Mapping[str, str] = MappingProxyType(
    {
        "connect_timeout": "5",
        "keepalives_idle": "2",
        "keepalives_interval": "2",
        "keepalives_count": "2",
        "tcp_user_timeout": "5000",
    }
)
"""A connection that hangs is given up within seconds: the server has let somebody else lead by then."""

RETRY_SECONDS = 1.0
"""How often a replica asks whether it may lead."""


class SqliteLock:
    """The lock on a SQLite file that ``serve`` and ``db upgrade`` share."""

    def __init__(self, url: str) -> None:
        database = make_url(url).database or "shipmate.db"
        self.path = Path(f"{database}.lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock or say who holds it."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise UserError(
                f"Cannot write {self.path} ({fault.strerror}). DATABASE_URL must name a file in a folder that exists "
                "and that this process may write to."
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise UserError(
                f"Another Shipmate (process {holder}) is using {self.path.with_suffix('').name}. Stop it first, "
                "or use PostgreSQL (DATABASE_URL=postgresql://…) to run several."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go; harmless when not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Leadership:
    """Whether this process leads; ``on_bell`` is called from another thread for each bell rung by other replicas."""

    def __init__(self, url: str, *, on_bell: Callable[[str], None]) -> None:
        self._url = url
        self._on_bell = on_bell
        self._sqlite = SqliteLock(url) if url.startswith("sqlite") else None
        self._stopping = threading.Event()
        self._stop_bell: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._won: asyncio.Event = asyncio.Event()
        self._lost: asyncio.Event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to stand for leadership. On SQLite it is had at once, or refused with UserError."""
        self._loop = asyncio.get_running_loop()
        if self._sqlite is not None:
            self._sqlite.acquire()
            self._won.set()
            return
        self._stop_bell, stop = socket.socketpair()
        self._thread = threading.Thread(target=self._stand_forever, args=(stop,), name="shipmate-leader", daemon=True)
        self._thread.start()

    @property
    def held(self) -> bool:
        """Whether this process leads now, as far as it knows."""
        return self._won.is_set()

    async def won(self) -> None:
        """Return once this process leads."""
        await self._won.wait()

    async def lost(self) -> None:
        """Return once leadership was lost."""
        await self._lost.wait()

    async def stop(self) -> None:
        """Give leadership up."""
        self._stopping.set()
        if self._stop_bell is not None:
            self._stop_bell.close()  # heard at the other end
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        if self._sqlite is not None:
            self._sqlite.release()

    def _stand_forever(self, stop: socket.socket) -> None:
        url = make_url(self._url).set(drivername="postgresql").update_query_dict(NOTICED_SOON)
        address = url.render_as_string(hide_password=False)
        with stop:
            while not self._stopping.is_set():
                try:
                    with psycopg.connect(address, autocommit=True) as connection:
                        self._stand(connection, stop)
                except psycopg.Error as fault:
                    log.warning("the leader's connection was lost", error=type(fault).__name__)
                self._tell(leading=False)
                self._stopping.wait(RETRY_SECONDS)

    def _stand(self, connection: psycopg.Connection, stop: socket.socket) -> None:
        while not self._stopping.is_set():
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADER_KEY,)).fetchone()
            if row is not None and row[0]:
                break
            self._stopping.wait(RETRY_SECONDS)
        else:
            return
        connection.execute("LISTEN shipmate")
        self._tell(leading=True)
        with selectors.DefaultSelector() as ears:
            ears.register(connection.fileno(), selectors.EVENT_READ)
            ears.register(stop, selectors.EVENT_READ)
            while not self._stopping.is_set():
                # First what came with an answer: the driver keeps it, and nothing will be heard of it again.
                for notice in connection.notifies(timeout=0):
                    self._on_bell(notice.payload)
                if not ears.select(LISTEN_SECONDS):
                    connection.execute("SELECT 1")

    def _tell(self, *, leading: bool) -> None:
        def settle() -> None:
            if leading:
                self._lost.clear()
                self._won.set()
            elif self._won.is_set():
                self._won.clear()
                self._lost.set()

        if self._loop is not None:
            with suppress(RuntimeError):  # the loop was closed while we stood
                self._loop.call_soon_threadsafe(settle)
