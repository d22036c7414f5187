"""What a held train costs as it grows: statements, which do not depend on how fast a machine is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Engine, event
from sqlmodel import Session

from bot.departures.states import State
from bot.events import FreezeDeclared
from tests.unit.railway import WEB, Railway, carried
from tests.unit.reports import minute

BUILDS = "bcdef01234"


def test_an_event_that_touches_every_service_costs_so_much_for_each_and_no_more(sqlite_session: Session) -> None:
    """The train is judged once, however many of its services are touched; so is each of them."""
    few, more, many = (_frozen(sqlite_session, size) for size in (2, 4, 6))
    assert many - more <= more - few + 4, (few, more, many)


def _frozen(session: Session, size: int) -> int:
    """How many statements a freeze takes that begins while a train of this many services is held."""
    names = tuple(f"s{number}" for number in range(size))
    with session.begin_nested() as savepoint:
        here = Railway(session, train=replace(WEB, services=names, stages=(names,)))
        here.services = tuple(carried(name) for name in names)
        here.opened()
        for number, name in enumerate(names):
            here.built(name, BUILDS[number], 800 + number)
        here.turn(105)
        here.told()
        here.turn(120)
        assert here.departure().state == State.HELD
        with _counted(session) as statements:
            here.tell(
                FreezeDeclared(
                    service=None, begins=here.now, ends=minute(140), reason="a sale", slack_id="U0DEE", called="Dee",
                    at=here.now,
                )
            )  # fmt: skip
        savepoint.rollback()
    session.expunge_all()
    session.info.pop("touched", None)
    return len(statements)


@contextmanager
def _counted(session: Session) -> Iterator[list[str]]:
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    statements: list[str] = []

    def keep(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", keep)
