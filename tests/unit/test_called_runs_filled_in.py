"""What an earlier Shipmate did not write down of a promotion: the update fills in what follows from the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from bot.database import upgrade
from bot.database.schema import MIGRATIONS
from tests.conftest import address

CALLED_AT = "2026-03-02 12:10:00.000000"
BEFORE, AFTER = "2026-03-02 12:05:00.000000", "2026-03-02 12:15:00.000000"


def insert(connection: Connection, table: str, **columns: object) -> None:
    """One row."""
    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), columns)


@pytest.mark.parametrize(
    ("state", "called_at", "runs", "let_in"),
    [
        ("starting", CALLED_AT, [(1, None), (2, None)], 1),
        ("starting", CALLED_AT, [(1, AFTER), (2, None)], 1),
        ("starting", CALLED_AT, [(1, BEFORE), (2, None)], 2),
        ("starting", CALLED_AT, [(1, BEFORE)], None),
        ("rolling", CALLED_AT, [(1, AFTER)], 1),
        ("open", None, [(1, None)], None),
        ("done", CALLED_AT, [(1, AFTER)], None),
    ],
)
def test_the_run_that_waited_first_when_it_was_called_is_the_one(
    tmp_path: Path, state: str, called_at: str | None, runs: list[tuple[int, str | None]], let_in: int | None
) -> None:
    """It may be over by now: another one that waits must not be let in beside it."""
    url = address(f"sqlite:///{tmp_path / 'before.db'}")
    engine = create_engine(url)
    with engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        insert(connection, "targets", id=1, service="oven", environment="production")
        insert(
            connection, "promotions", id=7, target=1, sha="b" * 40, state=state, rollback=False, via="github",
            created_at=BEFORE, expires_at=AFTER, range="complete", truncated=0, seen="", called_at=called_at,
        )  # fmt: skip
        for run, over_at in runs:
            insert(
                connection, "gate_requests", id=run, repo="bakery/oven", run=90 + run, environment="production",
                target=1, sha="b" * 40, promotion=7, asked_at=BEFORE, notes=0, over_at=over_at,
            )  # fmt: skip
        insert(
            connection, "approvals", id=1, promotion=7, person="U0DEE", called="Dee", seen="", changes="[]", at=BEFORE
        )  # fmt: skip
        connection.commit()
    upgrade(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT called_run FROM promotions")).scalar_one() == let_in
        assert connection.execute(text("SELECT applied_at FROM approvals")).scalar_one() == BEFORE
    engine.dispose()
