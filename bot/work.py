"""What to reconsider: now, because it was touched; later, because time will change it. And who kept watch when.

``touch`` is how a verb says that something about a subject changed; the door that opened the transaction has the
consequences derived before it commits (``bot.reactions.reconsider``). ``schedule`` keeps an instant for the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import UniqueConstraint, and_, bindparam, delete, func, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel, col, select

from bot.database import wake_on_commit

BELL = "work"
"""The bell rung when an instant was kept: the clock looks whether it is the earliest."""

Subject = tuple[str, int]
"""A kind of thing and its id: ``("deploy", 17)``."""


class Work(SQLModel, table=True):
    """One thing to look at again when ``due_at`` has come."""

    __tablename__ = "work"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=64)
    subject: int
    due_at: datetime = Field(index=True)


# Held statements: to build one costs more than to run it, and every status of every rollout moves an instant.
_OF = and_(col(Work.kind) == bindparam("of_kind"), col(Work.subject) == bindparam("of_subject"))
_MOVE = update(Work).where(_OF).values(due_at=bindparam("due"))
_KEEP = insert(Work)
_ONCE = {
    "sqlite": sqlite.insert(Work).on_conflict_do_nothing().returning(col(Work.id)),
    "postgresql": postgresql.insert(Work).on_conflict_do_nothing().returning(col(Work.id)),
}
_FORGET = delete(Work).where(_OF)
_TAKE = delete(Work).where(_OF, col(Work.due_at) <= bindparam("by"))


class Watch(SQLModel, table=True):
    """One leader's time on watch; the gap before the next is a blind spot. ``ended_at`` marks an orderly stop."""

    __tablename__ = "watches"

    id: int | None = Field(default=None, primary_key=True)
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None


def touch(session: Session, kind: str, subject: int) -> None:
    """Have the consequences for this subject derived before the transaction ends."""
    session.info.setdefault("touched", {})[(kind, subject)] = None


def take_touched(session: Session) -> Sequence[Subject]:
    """The subjects touched since the last call, in order, each once."""
    return tuple(session.info.pop("touched", {}))


def schedule(session: Session, kind: str, subject: int, due_at: datetime) -> None:
    """Look at this subject again at ``due_at``, instead of at the instant that was kept for it before."""
    wake_on_commit(session, BELL)
    connection = session.connection()
    of = {"of_kind": kind, "of_subject": subject}
    if not connection.execute(_MOVE, {**of, "due": due_at}).rowcount:
        connection.execute(_KEEP, {"kind": kind, "subject": subject, "due_at": due_at})


def once(session: Session, kind: str, subject: int, until: datetime) -> bool:
    """Keep that something was done, so that it is not done again; False where that was kept already.

    It is forgotten at ``until``, when nothing could come of doing it again. ``subject`` fits in 31 bits.
    """
    kept = {"kind": kind, "subject": subject, "due_at": until}
    made = session.connection().execute(_ONCE[session.get_bind().dialect.name], kept)
    new = made.first() is not None  # what PostgreSQL counts of an insert that did nothing is no number
    if new:
        wake_on_commit(session, BELL)
    return new


def cancel(session: Session, kind: str, subject: int) -> None:
    """Forget the instant kept for this subject, if any."""
    session.connection().execute(_FORGET, {"of_kind": kind, "of_subject": subject})


def due(session: Session, now: datetime, limit: int = 100) -> Sequence[Subject]:
    """What is due, earliest first."""
    statement = select(Work.kind, Work.subject).where(Work.due_at <= now).order_by(col(Work.due_at)).limit(limit)
    return [(kind, subject) for kind, subject in session.exec(statement)]


def take_due(session: Session, subject: Subject, now: datetime) -> bool:
    """Forget the instant kept for this subject if it has come; returns whether it had."""
    taken = {"of_kind": subject[0], "of_subject": subject[1], "by": now}
    return bool(session.connection().execute(_TAKE, taken).rowcount)


def next_due(session: Session) -> datetime | None:
    """The earliest instant kept."""
    return session.exec(select(Work.due_at).order_by(col(Work.due_at)).limit(1)).first()


def begin_watch(session: Session, now: datetime) -> tuple[int, Watch | None]:
    """Open a watch; returns its id and the one before it."""
    before = session.exec(select(Watch).order_by(col(Watch.id).desc()).limit(1)).first()
    watch = Watch(began_at=now, seen_at=now)
    session.add(watch)
    session.flush()
    assert watch.id is not None
    return watch.id, before


def is_latest_watch(session: Session, watch: int) -> bool:
    """Whether nobody has begun a watch after this one."""
    latest: int | None = session.exec(select(func.max(Watch.id))).one()
    return latest == watch


def keep_watch(session: Session, watch: int, now: datetime, *, ending: bool = False) -> None:
    """Say that the watch is still kept, or is ended in good order."""
    row = session.get(Watch, watch)
    if row is not None:
        row.seen_at = now
        row.ended_at = now if ending else None
