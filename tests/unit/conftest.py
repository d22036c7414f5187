"""What tests of verbs stand on: a session of an empty database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlmodel import Session

from tests.unit.railway import railway
from tests.unit.stores import address


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """A session of a database with every table and nothing in them, once on each engine."""
    engine = create_engine(address(database_url))
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture(scope="session")
def railway_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file in which the world of trains has begun (``Railway.opened``): that takes as long as most tests."""
    file = tmp_path_factory.mktemp("railway") / "template.db"
    shutil.copyfile(sqlite_template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Session(engine) as session:
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
    with Session(engine) as session:
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
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def railway_session(railway_template: Path, tmp_path: Path) -> Iterator[Session]:
    """A session of a database in which the world of trains has begun."""
    file = tmp_path / "railway.db"
    shutil.copyfile(railway_template, file)
    engine = create_engine(address(f"sqlite:///{file}"))
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def sqlite_session(sqlite_url: str) -> Iterator[Session]:
    """The same on SQLite alone, for tests in which the engine plays no part."""
    engine = create_engine(address(sqlite_url))
    with Session(engine) as session:
        yield session
    engine.dispose()
