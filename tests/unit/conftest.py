"""What tests of verbs stand on: a session of an empty database."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlmodel import Session

from bot.database.cursors import PlainCursor
from tests.unit import locking
from tests.unit.railway import railway
from tests.unit.rooming import Rooming, rooming
from tests.unit.stores import Unit, address


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """A session of a database with every table and nothing in them, once on each engine."""
    plain = {} if database_url.startswith("sqlite") else {"cursor_factory": PlainCursor}  # as the bot's own connections
    engine = create_engine(address(database_url), connect_args=plain)
    with Unit(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture(scope="session")
def railway_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file in which the world of trains has begun (``Railway.opened``): that takes as long as most tests."""
    file = tmp_path_factory.mktemp("railway") / "template.db"
    shutil.copyfile(sqlite_template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Unit(engine) as session:
        railway(session).opened()
        session.commit()
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def sealed_template(railway_template: Path) -> Path:
    """The same once the list of a departure is closed (``Railway.sealed``)."""
    file = railway_template.with_name("sealed.db")
    shutil.copyfile(railway_template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Unit(engine) as session:
        railway(session).sealed()
        session.commit()
    engine.dispose()
    return file


@pytest.fixture
def sealed_session(sealed_template: Path, tmp_path: Path) -> Iterator[Session]:
    """A session of a database in which a departure's list is closed."""
    file = tmp_path / "sealed.db"
    shutil.copyfile(sealed_template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Unit(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def railway_session(railway_template: Path, tmp_path: Path) -> Iterator[Session]:
    """A session of a database in which the world of trains has begun."""
    file = tmp_path / "railway.db"
    shutil.copyfile(railway_template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Unit(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def sqlite_session(sqlite_url: str) -> Iterator[Session]:
    """The same on SQLite alone, for tests in which the engine plays no part."""
    engine = create_engine(address(sqlite_url))
    with Unit(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture(scope="session")
def calm_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file in which services have lived for days and nothing fires (``Rooming.lived``)."""
    file = tmp_path_factory.mktemp("rooming") / "calm.db"
    shutil.copyfile(sqlite_template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Unit(engine) as session:
        rooming(session)
        session.commit()
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def burning_template(calm_template: Path) -> tuple[Path, Rooming]:
    """The same once an incident has a room (``Rooming.burns``), and the world outside of it."""
    file = calm_template.with_name("burning.db")
    shutil.copyfile(calm_template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Unit(engine) as session:
        here = Rooming(session)
        here.burns()
        here.room_of()
        session.commit()
    engine.dispose()
    return file, here


@pytest.fixture
def calm(calm_template: Path, tmp_path: Path) -> Iterator[Rooming]:
    """A world with rooms in which all is well so far."""
    file = tmp_path / "calm.db"
    shutil.copyfile(calm_template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Unit(engine) as session:
        yield Rooming(session)
    engine.dispose()


@pytest.fixture
def burning(burning_template: tuple[Path, Rooming], tmp_path: Path) -> Iterator[Rooming]:
    """A world in which checkout's incident has a room: Ana and Chi were paged for #812, 12 minutes after it."""
    template, before = burning_template
    file = tmp_path / "burning.db"
    shutil.copyfile(template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Unit(engine) as session:
        yield Rooming(session, at=before.at, slack=copy.deepcopy(before.slack))
    engine.dispose()


@pytest.fixture
def locking_people(request: pytest.FixtureRequest) -> None:
    """Whoever locks is known to Slack, and every service was deployed once, where the test has a database."""
    if "session" in request.fixturenames:
        locking.settled(request.getfixturevalue("session"))
