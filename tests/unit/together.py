"""What must be so of what is read of many at once: it says the same as of one, in as many statements as of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event
from sqlmodel import Session, col, select

from bot.deploys.loading import Desk
from bot.promotions import gathering, judging, several
from bot.promotions.models import Promotion, State


def agrees(session: Session, desk: Desk) -> int:
    """That whatever has not ended is judged together as it is alone; how many there are."""
    alive = session.exec(
        select(Promotion)
        .where(col(Promotion.state).in_([State.OPEN.value, State.STARTING.value, State.ROLLING.value]))
        .order_by(col(Promotion.id))
    ).all()
    alone = {one.id: gathering.situation(session, desk, one, desk.now) for one in alive}
    assert several.situations(session, desk, alive, desk.now) == alone if alive else True
    for held in several.held(session, desk, alive):
        known = alone[held.promotion.id]
        assert held.judgement == judging.judge_situation(session, desk, held.promotion, known)
        wants = any(one.gate == "approval" for one in held.judgement.closed)
        assert held.able == (judging.circle(session, desk, held.promotion, known).able if wants else ())
    return len(alive)


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """Every statement that is run meanwhile."""
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
