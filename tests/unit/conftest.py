"""What tests of verbs stand on: a session of an empty database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlmodel import Session

from tests.unit.stores import address


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """A session of a database with every table and nothing in them, once on each engine."""
    engine = create_engine(address(database_url))
    with Session(engine) as session:
        yield session
    engine.dispose()
