"""Units of work on one writing connection, in groups that share a commit; reads on connections of their own.

Everything that changes the database is a plain function of a ``Session``, run on one thread: it cannot wait for the
network, so no transaction is ever held open across a call to a slow friend. Units that wait at the same moment share
one transaction (group commit: one disk flush for all). They are run together hopefully; if one raises, the group is
rolled back and each is run again alone, so that one bad unit spoils nobody else's.

SQLite needs this shape for safety: without BEGIN IMMEDIATE it loses updates silently, and its WAL must have one writer.
PostgreSQL gets the same code; what two replicas may decide about at once is read FOR UPDATE by its owner.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import PoolProxiedConnection
from sqlmodel import Session

from bot.database.cursors import PlainCursor
from bot.errors import RetryLater

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
Work = Callable[[Session], Result]

GROUP_LIMIT = 64
"""Units per commit: more would make the first of them wait for the last."""

GROUP_SECONDS = 0.005
"""How long the engines' units go on within a group once something urgent waits, which is then taken in and ends it."""

GROUP_LASTS = 0.05
"""Seconds after which a group is committed although more wait: whoever its first unit wakes hears of it by then."""

PATIENT_SECONDS = 0.005
"""How long a unit that can wait does so for another to share a commit with; then it commits alone."""

PASSING_FAULT_WAITS = (0.02, 0.05, 0.2, 0.5, 1.0)
"""Seconds before each further try of a unit that met a passing fault (busy file, deadlock, lost connection)."""

PASSING_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""SQLite's codes that say something of the moment or the machine, and nothing of the work."""

STATEMENT_MS = 20_000
"""Milliseconds that one statement may take on PostgreSQL: a door must not wait for ever."""

NOTICED_SOON: Mapping[str, int] = MappingProxyType(
    {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
)
"""A connection to PostgreSQL that hangs is given up within seconds."""

SAFE_SQLITE = (3, 51, 3)
"""First SQLite without the WAL-reset defect (3.7.0 to 3.51.2), which needs a second writing connection to bite."""


class DatabaseUnavailable(RetryLater):
    """The database did not answer in spite of several tries; nothing was written."""


@dataclass(eq=False)
class _Unit(Generic[Result]):
    work: Work[Result]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Result]
    urgent: bool
    value: Any = None
    error: BaseException | None = None
    wakes: set[str] = field(default_factory=set)


def wake_on_commit(session: Session, bell: str) -> None:
    """Ring ``bell`` once this unit is committed: whoever waits for it in any process looks at the tables again."""
    session.info.setdefault("wakes", set()).add(bell)


class Database:
    """One database; ``url`` is an SQLAlchemy address as ``bot.settings`` makes it."""

    def __init__(self, url: str, *, readers: int = 4) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._writer_engine = _sqlite_engine(url, writer=True) if self.is_sqlite else _postgres_engine(url, writer=True)
        self._reader_engine = reader_engine(url, size=readers)
        self._write_session = _sessions(self._writer_engine)
        self._read_session = _sessions(self._reader_engine)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="shipmate-read")
        self._condition = threading.Condition()
        self._urgent: deque[_Unit[Any]] = deque()
        self._waiting: deque[_Unit[Any]] = deque()
        self._patient: deque[_Unit[Any]] = deque()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._listeners: dict[str, tuple[Callable[[], None], ...]] = {}
        self.notify_others = False
        """Set on replicas that do not lead: their bells are rung through PostgreSQL as well."""

    def start(self) -> None:
        """Begin to take work."""
        if self.is_sqlite and sqlite3.sqlite_version_info < SAFE_SQLITE:
            log.debug(
                "sqlite is old",
                version=sqlite3.sqlite_version,
                advice="3.51.3 or newer; one writer is kept, so this is safe",
            )
        self._thread = threading.Thread(target=self._write_forever, name="shipmate-write", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Finish what was taken on, then let go of every connection."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._readers.shutdown)
        self._writer_engine.dispose()
        self._reader_engine.dispose()

    async def write(self, work: Work[Result], *, urgent: bool = False, patient: bool = False) -> Result:
        """Run ``work`` in a transaction and return its value once that is on disk.

        ``work`` must touch nothing but its session and must be safe to run again. ``urgent`` work (a webhook to be
        answered, a click) goes before the engines' own; ``patient`` work waits a little for others to share a commit
        with, since what it writes has happened already. Raises what the work raises, or DatabaseUnavailable.
        """
        loop = asyncio.get_running_loop()
        unit: _Unit[Result] = _Unit(work, loop, loop.create_future(), urgent)
        with self._condition:
            if self._closing:
                raise DatabaseUnavailable("the database is being closed")
            (self._urgent if urgent else self._patient if patient else self._waiting).append(unit)
            self._condition.notify()
        return await unit.future

    async def read(self, work: Work[Result]) -> Result:
        """Run ``work`` on a read-only snapshot and return its value; raises what it raises, or DatabaseUnavailable."""
        if self._closing:
            raise DatabaseUnavailable("the database is being closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def on_bell(self, bell: str, ring: Callable[[], None]) -> None:
        """Call ``ring`` (from any thread) whenever ``bell`` is rung by a commit."""
        # A new tuple each time: the writer's thread may be going through the old one.
        self._listeners[bell] = (*self._listeners.get(bell, ()), ring)

    def ring(self, bell: str) -> None:
        """Wake whoever waits for ``bell`` in this process."""
        for listener in self._listeners.get(bell, ()):
            with suppress(RuntimeError):  # its loop was closed: nobody waits any more
                listener()

    def ring_all(self) -> None:
        """Wake everybody in this process: the time has changed under them."""
        for bell in tuple(self._listeners):
            self.ring(bell)

    def _read(self, work: Work[Result]) -> Result:
        for wait in (*PASSING_FAULT_WAITS, None):
            try:
                with self._read_session() as session:
                    return work(session)
            except DBAPIError as fault:
                if not _is_passing(fault) or wait is None:
                    raise _translated(fault) from fault
                time.sleep(wait)
        raise AssertionError("the loop above returns or raises")

    def _write_forever(self) -> None:
        while True:
            with self._condition:
                while not (self._urgent or self._waiting or self._patient or self._closing):
                    self._condition.wait()
                self._condition.wait_for(lambda: self._urgent or self._waiting or self._closing, PATIENT_SECONDS)
                group = self._take()
                if not group and self._closing:
                    return
            done = self._run_group(group)
            with self._condition:
                self._waiting.extendleft(reversed(group[len(done) :]))
            _deliver(done)
            for bell in set().union(*(unit.wakes for unit in done if unit.error is None)):
                self.ring(bell)

    def _take(self) -> list[_Unit[Any]]:
        group: list[_Unit[Any]] = []
        for queue in (self._urgent, self._waiting, self._patient):
            while queue and len(group) < GROUP_LIMIT:
                group.append(queue.popleft())
        return group

    def _take_urgent(self) -> list[_Unit[Any]]:
        with self._condition:
            taken = list(self._urgent)
            self._urgent.clear()
        return taken

    def _run_group(self, group: list[_Unit[Any]]) -> Sequence[_Unit[Any]]:
        """Run the group, or as much of it as may share a commit; returns those that have their outcome."""
        try:
            return group[: self._run_together(group)]
        except BaseException as fault:  # noqa: BLE001 - whatever a unit raised belongs to its caller, told in _run_alone
            if len(group) == 1 and not _is_passing(fault):
                group[0].error = _translated(fault)
            else:
                self._run_one_by_one(group)
            return group

    def _run_together(self, group: list[_Unit[Any]]) -> int:
        """Run and commit; returns how many units of the group that were.

        What is urgent and came meanwhile is taken into the group, so that it waits for one commit and not for two.
        """
        wakes: set[str] = set()
        done, closing = 0, False
        began = time.monotonic()
        with self._write_session() as session:
            while done < len(group):
                unit = group[done]
                if done and not unit.urgent:
                    lasted = time.monotonic() - began
                    if closing or lasted > GROUP_LASTS:
                        break
                    if self._urgent and lasted > GROUP_SECONDS:
                        group[done:done], closing = self._take_urgent(), True
                        continue
                session.info["wakes"] = unit.wakes = set()
                session.info["rows"] = []
                unit.value = unit.work(session)
                session.flush()
                session.expunge_all()  # the next unit reads for itself what this one wrote
                wakes |= unit.wakes
                done += 1
            if wakes and self.notify_others:
                for bell in wakes:
                    session.connection().execute(text("SELECT pg_notify('shipmate', :bell)"), {"bell": bell})
            session.commit()
        return done

    def _run_one_by_one(self, group: Sequence[_Unit[Any]]) -> None:
        """Run each alone; once the database did not answer one in spite of several tries, the rest need not try."""
        gone: BaseException | None = None
        for unit in group:
            if gone is not None:
                unit.error = gone
                continue
            self._run_alone(unit)
            if isinstance(unit.error, DatabaseUnavailable):
                gone = unit.error

    def _run_alone(self, unit: _Unit[Any]) -> None:
        for wait in (*PASSING_FAULT_WAITS, None):
            try:
                self._run_together([unit])
            except BaseException as fault:  # noqa: BLE001 - it is handed to the caller
                if not _is_passing(fault) or wait is None:
                    unit.error = _translated(fault)
                    return
                time.sleep(wait)
            else:
                return


def _sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that hold on to the rows a unit meets until it ends: its verbs ask for the same ones again and again."""
    sessions = sessionmaker(engine, class_=Session, expire_on_commit=False)

    def keep(session: OrmSession, row: object) -> None:
        session.info.setdefault("rows", []).append(row)

    event.listen(sessions, "loaded_as_persistent", keep)
    event.listen(sessions, "pending_to_persistent", keep)
    return sessions


def _deliver(group: Sequence[_Unit[Any]]) -> None:
    """Hand each unit's outcome to the loop that waits for it, with one wake-up per loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Unit[Any]]] = {}
    for unit in group:
        by_loop.setdefault(unit.loop, []).append(unit)
    for loop, units in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, units)


def _settle(units: Sequence[_Unit[Any]]) -> None:
    for unit in units:
        if unit.future.done():
            continue
        if unit.error is not None:
            unit.future.set_exception(unit.error)
        else:
            unit.future.set_result(unit.value)


def _is_passing(fault: BaseException) -> bool:
    """Whether the same work may succeed a moment later: SQLSTATE 08xxx, 40xxx, 53xxx, 57xxx, or PASSING_SQLITE."""
    if not isinstance(fault, DBAPIError):
        return False
    if fault.connection_invalidated:
        return True
    state = getattr(fault.orig, "sqlstate", None)
    if state is not None:
        return str(state)[:2] in {"08", "40", "53", "57"}
    if isinstance(fault.orig, sqlite3.Error):
        return (getattr(fault.orig, "sqlite_errorcode", 0) & 0xFF) in PASSING_SQLITE  # the low byte: the primary code
    return isinstance(fault, InterfaceError | OperationalError)


def _translated(fault: BaseException) -> BaseException:
    return DatabaseUnavailable(f"the database did not answer: {type(fault).__name__}") if _is_passing(fault) else fault


def reader_engine(url: str, *, size: int = 1) -> Engine:
    """Connections that only read, each transaction from one snapshot."""
    make = _sqlite_engine if url.startswith("sqlite") else _postgres_engine
    return make(url, writer=False, size=size)


def _sqlite_engine(url: str, *, writer: bool, size: int = 1) -> Engine:
    engine = create_engine(
        url, pool_size=size, max_overflow=0, pool_use_lifo=True, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = (
            None  # the driver's own BEGIN would be deferred: a read that turns to a write fails
        )
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA foreign_keys = ON")
        if writer:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        else:
            connection.execute("PRAGMA query_only = ON")

    def begin(dbapi_connection: PoolProxiedConnection) -> None:
        dbapi_connection.cursor().execute("BEGIN IMMEDIATE" if writer else "BEGIN")

    # Not the engine's event "begin": where an engine has a listener, each statement goes round by the listeners.
    engine.dialect.do_begin = begin  # type: ignore[method-assign]
    return engine


def _postgres_engine(url: str, *, writer: bool, size: int = 1) -> Engine:
    options = "-c timezone=UTC" if writer else "-c timezone=UTC -c default_transaction_read_only=on"
    return create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_use_lifo=True,
        isolation_level="READ COMMITTED" if writer else "REPEATABLE READ",
        connect_args={
            "options": f"{options} -c statement_timeout={STATEMENT_MS}",
            "connect_timeout": 5,
            "cursor_factory": PlainCursor,
            **NOTICED_SOON,
        },
    )
