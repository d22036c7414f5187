"""A target that a transaction holds is read once in it, and afresh by the next one, or after what was undone."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import Session, select

from bot.deploys import targets
from bot.deploys.models import Target
from tests.conftest import address
from tests.unit.reports import catalog
from tests.unit.together import counted

OVEN = ("oven", "production")


def test_what_is_held_already_is_not_asked_for_again(sqlite_session: Session) -> None:
    """Nobody else can have changed it since."""
    first = targets.hold(sqlite_session, catalog(), [OVEN])
    with counted(sqlite_session) as asked:
        assert targets.hold(sqlite_session, catalog(), [OVEN]) == first
    assert not asked


def test_what_was_made_in_vain_is_made_again(sqlite_session: Session) -> None:
    """A savepoint was undone, and with it the row."""
    targets.hold(sqlite_session, catalog(), ())
    savepoint = sqlite_session.begin_nested()
    targets.hold(sqlite_session, catalog(), [OVEN])
    savepoint.rollback()
    held = targets.hold(sqlite_session, catalog(), [OVEN])[OVEN]
    assert sqlite_session.exec(select(Target.id).where(Target.service == "oven")).all() == [held.id]


@pytest.mark.both_engines
def test_the_next_transaction_reads_what_somebody_changed_in_between(database_url: str) -> None:
    """Another replica, which held it in its turn; what this session knew of it is out of date."""
    database = create_engine(address(database_url))
    with Session(database, expire_on_commit=False) as session:
        held = targets.hold(session, catalog(), [OVEN])[OVEN]
        session.commit()
        with database.begin() as other:
            other.execute(text("UPDATE targets SET environment = 'renamed' WHERE id = :id"), {"id": held.id})
            other.execute(text("INSERT INTO targets (service, environment) VALUES ('oven', 'production')"))
        again = targets.hold(session, catalog(), [OVEN])[OVEN]
        assert again.id != held.id
    database.dispose()
