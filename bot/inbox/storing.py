"""Storing what arrives, telling apart what is here already, trying again what failed, and forgetting what is old."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from bot.database import wake_on_commit
from bot.inbox.models import Accepted, Delivery, DeliveryState, Incoming

BELL = "inbox"
"""The bell rung when there is something to apply."""

AT_ONCE = 500
"""Deliveries named in one statement: databases take a limited number of parameters."""

RETENTION = timedelta(days=30)
"""How long applied deliveries are kept: ten times GitHub's own window for asking one again."""

_ANEW = "+"
"""What stands in the id of what is said anew between that of the first time and what was said in between."""

# Held statements, and not through the ORM: each delivery needs them, and nobody needs the row as an object.
_STORED = (col(Delivery.source), col(Delivery.delivery_id), col(Delivery.id))
_STORE = {
    "sqlite": sqlite.insert(Delivery).on_conflict_do_nothing().returning(*_STORED),
    "postgresql": postgresql.insert(Delivery).on_conflict_do_nothing().returning(*_STORED),
}


def store(session: Session, arriving: Sequence[Incoming], received_at: datetime) -> list[tuple[Accepted, int]]:
    """Insert these deliveries, in order; one that is here is told apart, one that had failed is re-queued."""
    return [answer for run in _runs(arriving) for answer in _store_together(session, run, received_at)]


def _runs(arriving: Sequence[Incoming]) -> list[list[Incoming]]:
    """The same, cut where another thing is told about what one tells of already: which came first must be known."""
    runs: list[list[Incoming]] = [[]]
    told: dict[tuple[str, str], str] = {}
    for one in arriving:
        if one.about and told.setdefault((one.source, one.about), one.delivery_id) != one.delivery_id:
            runs.append([])
            told = {(one.source, one.about): one.delivery_id}
        runs[-1].append(one)
    return [run for run in runs if run]


def _store_together(
    session: Session, arriving: Sequence[Incoming], received_at: datetime
) -> list[tuple[Accepted, int]]:
    """With one statement."""
    results: dict[tuple[str, str], tuple[Accepted, int]] = {}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for one in arriving:
        rows.setdefault(
            (one.source, one.delivery_id),
            {
                "source": one.source,
                "delivery_id": one.delivery_id,
                "lane": one.lane.value,
                "received_at": received_at,
                "headers": dict(one.headers),
                "body": one.body,
                "state": DeliveryState.PENDING.value,
            },
        )
    connection = session.connection()
    inserted = connection.execute(_STORE[connection.dialect.name], list(rows.values()))
    for source, delivery_id, number in inserted:
        assert number is not None
        results[(source, delivery_id)] = (Accepted.NEW, number)
    for one in {(one.source, one.delivery_id): one for one in arriving}.values():
        if (one.source, one.delivery_id) not in results:
            results[(one.source, one.delivery_id)] = _again(session, one, received_at)
    wake_on_commit(session, BELL)
    answers: list[tuple[Accepted, int]] = []
    seen: set[tuple[str, str]] = set()
    for one in arriving:
        key = (one.source, one.delivery_id)
        accepted, number = results[key]
        answers.append((Accepted.DUPLICATE if key in seen else accepted, number))
        seen.add(key)
    return answers


def requeue(session: Session, ids: Sequence[int] | None = None) -> int:
    """Apply these deliveries again (all failed ones when None), past the de-duplication; returns how many."""
    wake_on_commit(session, BELL)
    again = update(Delivery).values(state=DeliveryState.PENDING.value, reached=0, error=None, applied_at=None)
    if ids is None:
        return int(
            session.connection().execute(again.where(col(Delivery.state) == DeliveryState.FAILED.value)).rowcount
        )
    wanted = sorted(set(ids))
    parts = [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]
    return sum(session.connection().execute(again.where(col(Delivery.id).in_(part))).rowcount for part in parts)


def act_id(*parts: str) -> str:
    """A delivery id for a person's act: the same click, sent twice, is one act."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def forget_applied(session: Session, before: datetime, limit: int = 1000) -> int:
    """Delete applied and refused deliveries received before this instant, a few at a time; failed ones are kept."""
    done = (DeliveryState.APPLIED.value, DeliveryState.REFUSED.value)
    old = session.exec(
        select(Delivery.id).where(Delivery.received_at < before, col(Delivery.state).in_(done)).limit(limit)
    ).all()
    if old:
        session.connection().execute(Delivery.__table__.delete().where(col(Delivery.id).in_(old)))  # type: ignore[attr-defined]
    return len(old)


def _again(session: Session, one: Incoming, received_at: datetime) -> tuple[Accepted, int]:
    delivery = session.exec(
        select(Delivery).where(Delivery.source == one.source, Delivery.delivery_id == one.delivery_id)
    ).one()
    assert delivery.id is not None
    after = _told_since(session, one, delivery.id) if one.about else None
    if after is not None:
        anew = replace(one, delivery_id=f"{one.delivery_id}{_ANEW}{after}", about="")
        return store(session, [anew], received_at)[0]
    if delivery.state != DeliveryState.FAILED:
        return Accepted.DUPLICATE, delivery.id
    delivery.state, delivery.reached, delivery.error, delivery.applied_at = DeliveryState.PENDING, 0, None, None
    return Accepted.REQUEUED, delivery.id


def _told_since(session: Session, one: Incoming, first: int) -> int | None:
    """The number of the latest delivery about the same thing, where it is of later than the first and says another.

    By number, of which few are later: by its source SQLite would look through all that it ever sent.
    """
    later = session.exec(
        select(Delivery.id, Delivery.delivery_id)
        .where(
            col(Delivery.id) > first,
            col(Delivery.source).concat("") == one.source,
            col(Delivery.delivery_id).startswith(one.about, autoescape=True),
        )
        .order_by(col(Delivery.id).desc())
        .limit(1)
    ).first()
    return None if later is None or later[1].partition(_ANEW)[0] == one.delivery_id else later[0]
