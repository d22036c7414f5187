"""A look at the database by a command of its own, beside a bot that runs or does not: nothing can be changed by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.database.engine import reader_engine
from bot.database.schema import newest_revision, present_revision, unusable
from bot.errors import UserError


@contextmanager
def reading(url: str) -> Iterator[Session]:
    """One snapshot of the database, read-only; UserError where there is none, or its tables are not of this version."""
    file = make_url(url).database if url.startswith("sqlite") else None
    if file is not None and not Path(file).is_file():  # SQLite would make it
        raise UserError(f"There is no database {file} yet. Is DATABASE_URL right? The bot makes it when it first runs.")
    engine = reader_engine(url)
    try:
        with Session(engine) as session:
            _is_ours(session)
            yield session
    except DBAPIError as fault:
        raise UserError(unusable(url, fault)) from None
    finally:
        engine.dispose()


def _is_ours(session: Session) -> None:
    found, wanted = present_revision(session.connection()), newest_revision()
    if found != wanted:
        raise UserError(
            f"The tables are at revision {found or 'none'}, and this Shipmate knows {wanted}. "
            "Run the same version as the bot, or bring them up to date: shipmate db upgrade"
        )
