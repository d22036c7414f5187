"""Tables brought up to date by Alembic, which is imported only when there is something to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from bot.errors import UserError

SQLModel.metadata.naming_convention = {  # so that a later migration can name what it changes, on both engines
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

MIGRATIONS = Path(__file__).parent.parent / "migrations"

UPGRADE_KEY = 0x5348_4951
"""The advisory lock that keeps two replicas from upgrading an empty PostgreSQL database at once (one would fail)."""


def newest_revision() -> str:
    """The revision this code needs: migrations are named ``0001_….py`` in their order."""
    return max(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).split("_", 1)[0]


def present_revision(connection: Connection) -> str | None:
    """The revision the database is at, None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring the tables up to date; returns the revision before and after. The caller holds SQLite's lock.

    Raises UserError where the database cannot be used, and where a newer Shipmate has been here: its tables may mean
    what we do not know.
    """
    engine = create_engine(url)
    try:
        try:
            with engine.connect() as connection:
                present_revision(connection)  # SQLite looks into the file only now
        except DBAPIError as fault:
            raise UserError(f"{unusable(url, fault)} Is it running, and DATABASE_URL right?") from None
        with engine.connect() as connection:
            before = present_revision(connection)
            newest = newest_revision()
            if before == newest:
                return before, newest
            if before is not None and before > newest:
                raise UserError(
                    f"The database was brought to revision {before} by a newer Shipmate; this one knows {newest}. "
                    "Start the newer version again, or restore a backup from before it."
                )
            connection.rollback()
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": UPGRADE_KEY})
                connection.commit()
            try:
                _run_alembic(connection)
            finally:
                connection.rollback()
                if engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": UPGRADE_KEY})
                    connection.commit()
            return before, newest
    finally:
        engine.dispose()


def unusable(url: str, fault: DBAPIError) -> str:
    """Why a database cannot be used, in one sentence: its name or host and the reason, never the password."""
    address = make_url(url)
    reason = _reason(str(fault.orig))
    if address.password:
        reason = reason.replace(address.password, "…")
    if address.drivername.startswith("sqlite"):
        return f"{address.database}: {reason}."
    place = f"{address.host}:{address.port or 5432}" if address.host else "this machine"
    return f"PostgreSQL on {place} cannot be used: {reason}."


def _reason(words: str) -> str:
    """What a driver says, as short as it can be said."""
    for known in ("connection refused", "file is not a database", "unable to open database file"):
        if known in words.casefold():
            return known
    first = next((line.strip() for line in words.splitlines() if line.strip()), "it does not say why")
    return first.rpartition("FATAL:")[2].strip().rstrip(".")


def _run_alembic(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()
