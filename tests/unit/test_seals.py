"""The chain of seals: it grows with the facts, and no edit, removal or exchange of one goes unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from bot import audit, cli, seals
from bot.audit import Tag
from bot.database import Database
from tests.unit.stores import NOON, opened

pytestmark = pytest.mark.both_engines


def told(session: Session, *words: str) -> None:
    """One fact for each of these words."""
    for word in words:
        audit.record(
            session, Tag.PREFERENCE_CHOSEN, f"person:{word}", NOON, who=word, scope="all", level="none", à="é\n<>"
        )


async def sealed(database: Database, *words: str) -> None:
    """Facts, committed and then sealed."""
    await database.write(lambda session: told(session, *words))
    await database.write(seals.seal)


async def test_facts_are_sealed_in_order_once_and_the_chain_holds(database_url: str) -> None:
    """Also in several rounds, and however often it is looked."""
    async with opened(database_url) as database:
        assert await database.read(seals.verify) == seals.Verified(sealed=0, unsealed=0, head=seals.FIRST, fault=None)
        await sealed(database, "ana", "ben")
        first = await database.read(seals.verify)
        await sealed(database, "chi")
        assert await database.write(seals.seal) == 0
        await database.write(lambda session: told(session, "dee"))
        later = await database.read(seals.verify)
        assert (first.sealed, later.sealed, later.unsealed, later.fault) == (2, 3, 1, None)
        assert await database.read(lambda session: seals.holds(session, first.head))
        assert not await database.read(lambda session: seals.holds(session, "f" * 64))


async def test_more_facts_than_one_batch_are_walked_whole(sqlite_url: str) -> None:
    """Sealing goes on in batches, and so does reading."""
    async with opened(sqlite_url) as database:
        count = seals.READ + seals.BATCH + 1
        await database.write(lambda session: told(session, *(f"p{number}" for number in range(count))))
        rounds = [await database.write(seals.seal) for _ in range(4)]
        assert rounds == [seals.BATCH, seals.BATCH, seals.BATCH, 1]
        verified = await database.read(seals.verify)
        assert (verified.sealed, verified.fault) == (count, None)
        exported = await database.read(lambda session: list(seals.export(session)))
        assert len(exported) == count


TAMPERED = {
    "who did it": ("UPDATE facts SET who = 'eve' WHERE id = 2", "fact 2 (slack:person:chose) is not what was sealed"),
    "when": ("UPDATE facts SET at = '2026-03-02 11:00:00' WHERE id = 2", "fact 2 (slack:person:chose) is not"),
    "on what grounds": ("UPDATE facts SET data = '{}' WHERE id = 2", "fact 2 (slack:person:chose) is not"),
    "removed": ("DELETE FROM facts WHERE id = 2", "fact 2 was removed"),
    "removed with its seal": (
        "DELETE FROM seals WHERE fact = 2; DELETE FROM facts WHERE id = 2",
        "the seal at position 2 is gone",
    ),
    "two exchanged": (
        "UPDATE facts SET id=9 WHERE id=2; UPDATE facts SET id=2 WHERE id=3; UPDATE facts SET id=3 WHERE id=9",
        "fact 2 (slack:person:chose) is not",
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
async def test_a_fact_that_was_tampered_with_is_found(database_url: str, how: str) -> None:
    """At its place, with what is wrong; the facts before it still hold."""
    statements, found = TAMPERED[how]
    async with opened(database_url) as database:
        await sealed(database, "ana", "ben", "chi")

        def tamper(session: Session) -> None:
            for statement in statements.split(";"):
                session.connection().execute(text(statement))

        await database.write(tamper)
        verified = await database.read(seals.verify)
        assert verified.fault is not None
        assert verified.fault.what.startswith(found)
        assert verified.sealed == 1


async def test_a_fact_committed_late_with_a_lower_number_is_sealed_all_the_same(sqlite_url: str) -> None:
    """Another replica may commit after a fact with a higher number was sealed."""
    async with opened(sqlite_url) as database:
        await database.write(lambda session: told(session, "ana", "ben"))

        def without_the_first(session: Session) -> None:
            session.connection().execute(text("UPDATE facts SET id = 50 WHERE id = 1"))

        await database.write(without_the_first)
        await database.write(seals.seal)
        await database.write(
            lambda session: session.connection().execute(
                text(
                    "INSERT INTO facts (id, at, tag, subject, data) VALUES (10, '2026-03-02 12:00:00', 'a', 'b', '{}')"
                )
            )
        )
        assert await database.write(seals.seal) == 1
        verified = await database.read(seals.verify)
        assert (verified.sealed, verified.unsealed, verified.fault) == (3, 0, None)


def _lines(printed: str) -> list[str]:
    """Those that are JSON."""
    return [line for line in printed.splitlines() if line.startswith("{")]


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shipmate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sqlite_url: str) -> Run:
    """Runs the command line on a database; its exit code, and what it printed."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            cli.main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


async def test_the_command_line_verifies_and_exports(shipmate: Run, sqlite_url: str) -> None:
    """Whole: exit code 0 and a digest to keep; tampered with: 1, and what is wrong."""
    async with opened(sqlite_url) as database:
        await sealed(database, "ana", "ben")
        code, out, _ = shipmate("audit", "verify")
        *_, whole, advice, last = out.splitlines()
        assert (code, whole) == (0, "The audit trail is whole: 2 facts sealed.")
        assert "--head" in advice
        head = last.removeprefix("Head: ")
        assert shipmate("audit", "verify", "--head", head)[0] == 0
        code, _, error = shipmate("audit", "verify", "--head", "0" * 64)
        assert (code, "No seal has the digest" in error) == (1, True)
        lines = [json.loads(line) for line in _lines(shipmate("audit", "export", "--subject", "person:ben")[1])]
        assert [(line["who"], line["seal"]["digest"]) for line in lines] == [("ben", head)]
        assert _lines(shipmate("audit", "export", "--since", "2027-01-01")[1]) == []
        await database.write(lambda session: session.connection().execute(text("DELETE FROM facts WHERE id = 1")))
        code, _, error = shipmate("audit", "verify")
        assert (code, "fact 1 was removed after it was sealed" in error) == (1, True)
        code, out, _ = shipmate("audit", "verify", "--json")
        assert (code, '"whole": false' in out) == (1, True)


async def test_newest_facts_removed_with_their_seals_are_found_by_the_head_that_was_kept(
    shipmate: Run, sqlite_url: str
) -> None:
    """What is left is a whole chain: only what was kept elsewhere tells."""
    async with opened(sqlite_url) as database:
        await sealed(database, "ana", "ben")
        head = shipmate("audit", "verify")[1].splitlines()[-1].removeprefix("Head: ")
        for table in ("seals WHERE fact", "facts WHERE id"):
            gone = text(f"DELETE FROM {table} = 2")
            await database.write(lambda session, gone=gone: session.connection().execute(gone).rowcount)  # type: ignore[misc]
        assert shipmate("audit", "verify")[0] == 0
        code, _, error = shipmate("audit", "verify", "--head", head)
        assert (code, f"No seal has the digest {head}" in error) == (1, True)


def test_a_database_that_is_not_there_is_not_made(
    shipmate: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped address must not leave an empty file that looks like a whole trail."""
    mistyped = tmp_path / "shipmat.db"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{mistyped}")
    code, _, error = shipmate("audit", "verify")
    assert (code, f"There is no database {mistyped} yet." in error) == (1, True)
    assert not mistyped.exists()
