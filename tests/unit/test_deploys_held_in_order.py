"""Reports hold rows in the order in which whoever decides does: two leaders never wait for each other."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from bot.deploys import service as deploys
from bot.deploys import targets
from bot.events import DeployReported
from tests.conftest import address
from tests.unit.reports import catalog, minute, report

AT_ONCE = text("SET lock_timeout = '1ms'")
"""Whoever would wait is refused instead, and holds on to what it has until it is rolled back."""


@pytest.fixture
def engine() -> str:
    """SQLite has one writer, and nobody to wait for."""
    return "postgresql"


@pytest.mark.parametrize(
    "told", [report("b", "in_progress", 1), report("a", "succeeded", 1)], ids=["a new rollout", "one that is known"]
)
def test_a_report_holds_nothing_while_it_waits_for_what_is_held_first(database_url: str, told: DeployReported) -> None:
    """A leader that was relieved may still be applying one: its successor decides, and is not kept from it."""
    database = create_engine(address(database_url))
    with Session(database) as first:
        deploys.reported(first, catalog(), report("a", "in_progress", 0), minute(0))
        first.commit()
    with Session(database) as deciding, Session(database) as reporting:
        targets.hold(deciding, catalog(), ())
        reporting.connection().execute(AT_ONCE)
        with pytest.raises(OperationalError, match="lock timeout"):
            deploys.reported(reporting, catalog(), told, minute(1))
        deciding.connection().execute(AT_ONCE)
        assert targets.hold(deciding, catalog(), [("oven", "production")])
    database.dispose()
