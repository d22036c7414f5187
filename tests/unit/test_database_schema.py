"""Tables brought up to date: from nothing, twice, by two at once, and exactly as the models say."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlmodel import SQLModel

from bot.database import upgrade
from bot.errors import UserError
from tests.conftest import new_postgres_database
from tests.unit.stores import address

pytestmark = pytest.mark.both_engines


def tables(engine: Engine) -> set[str]:
    """The tables that are there."""
    return set(inspect(engine).get_table_names())


def test_an_empty_database_is_brought_up_to_date_once(empty_database_url: str) -> None:
    """The second time there is nothing to do, and nothing is touched."""
    before, after = upgrade(address(empty_database_url))
    assert before is None
    engine = create_engine(address(empty_database_url))
    assert tables(engine) == {*SQLModel.metadata.tables, "alembic_version"}
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO targets (service, environment) VALUES ('till', 'production')"))
    assert upgrade(address(empty_database_url)) == (after, after)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM targets")).scalar_one() == 1
    engine.dispose()


async def test_two_replicas_may_upgrade_an_empty_database_at_once(postgres_server: str) -> None:
    """They start together; one waits for the other, and neither fails."""
    url = address(new_postgres_database(postgres_server))
    outcomes = await asyncio.gather(*(asyncio.to_thread(upgrade, url) for _ in range(3)))
    assert len({after for _, after in outcomes}) == 1
    engine = create_engine(url)
    assert tables(engine) >= set(SQLModel.metadata.tables)
    engine.dispose()


def test_the_migrations_make_what_the_models_say(empty_database_url: str) -> None:
    """Alembic, asked to compare, finds nothing to add, to change or to remove."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    upgrade(address(empty_database_url))
    engine = create_engine(address(empty_database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


@pytest.mark.parametrize(("table", "column"), [("cards", "subject"), ("notes", "key"), ("effects", "key")])
def test_what_is_looked_up_by_its_beginning_is_compared_byte_by_byte(
    postgres_server: str, postgres_template: str, table: str, column: str
) -> None:
    """PostgreSQL as it is mostly installed (en_US.UTF-8) puts ``;`` before ``:``: no call was ever found there."""
    engine = create_engine(address(new_postgres_database(postgres_server, postgres_template)))
    (found,) = [one for one in inspect(engine).get_columns(table) if one["name"] == column]
    assert getattr(found["type"], "collation", None) == "C"
    engine.dispose()


def named(engine: Engine) -> dict[str, set[str | None]]:
    """The name of every constraint, by table."""
    look: Any = inspect(engine)
    return {
        table: {look.get_pk_constraint(table)["name"]}
        | {one["name"] for one in look.get_unique_constraints(table)}
        | {one["name"] for one in look.get_foreign_keys(table)}
        for table in tables(engine) - {"alembic_version"}
    }


def test_every_constraint_has_a_name_of_ours(empty_database_url: str) -> None:
    """A later migration can only change what it can name, on both engines alike."""
    upgrade(address(empty_database_url))
    engine = create_engine(address(empty_database_url))
    for table, names in named(engine).items():
        for name in names:
            assert name is not None, table
            assert name.split("_", 1)[0] in {"pk", "uq", "fk"}, (table, name)
            assert name.split("_", 1)[1].startswith(table), (table, name)
    engine.dispose()


def test_a_database_of_a_newer_shipmate_is_refused_in_words(empty_database_url: str) -> None:
    """Whoever goes back a version hears what to do, and nothing is changed."""
    upgrade(address(empty_database_url))
    engine = create_engine(address(empty_database_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match="newer Shipmate"):
        upgrade(address(empty_database_url))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
    engine.dispose()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """Somebody's notes are not brought up to date."""
    file = tmp_path / "notes.db"
    file.write_text("Nothing that SQLite would know. " * 100, encoding="utf-8")
    with pytest.raises(UserError, match=r"notes\.db: file is not a database\. .*DATABASE_URL right\?"):
        upgrade(f"sqlite:///{file}")
    assert file.read_text(encoding="utf-8").startswith("Nothing that SQLite")


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # bound and not listening: whoever calls is refused
        with pytest.raises(UserError) as refused:
            upgrade(f"postgresql+psycopg://bot:not-a-secret@127.0.0.1:{port}/shipmate")
    said = str(refused.value)
    assert said.startswith(f"PostgreSQL on 127.0.0.1:{port} cannot be used: connection refused.")
    assert "not-a-secret" not in said
