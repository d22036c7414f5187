"""How long what was read of people is believed, and how it is kept fresh while somebody wants it.

What grants authority is read anew every few minutes and believed for an hour: after that nobody counts. Nothing is
read that nobody asks about.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from bot import outbox, work
from bot.outbox import Lane

STALE = timedelta(hours=1)
"""What was read longer ago than this is not believed."""

EVERY = timedelta(minutes=10)
"""How often it is read anew."""

AGAIN = timedelta(minutes=1)
"""How soon it is read again where that failed."""

ATTENTIVE = timedelta(minutes=15)
"""How long it is believed that somebody is online, or is not."""

WANTED = timedelta(days=1)
"""How long something is kept fresh after somebody last asked about it."""

KINDS = ("group", "on_call", "member")
"""What is kept fresh: kinds of work, of touched subjects and of effects alike."""


class Kept(Protocol):
    """A row that is kept fresh."""

    id: int | None
    wanted_at: datetime | None
    tried_at: datetime | None
    trouble: str | None


def want(session: Session, kind: str, row: Kept, now: datetime) -> None:
    """Keep this row fresh from now on; it is read at once where that is due."""
    was_kept = row.wanted_at is not None and now - row.wanted_at < WANTED
    if row.wanted_at is None or now - row.wanted_at >= EVERY:
        row.wanted_at = now
    if row.id is None:
        session.flush()
    assert row.id is not None
    again = EVERY if row.trouble is None else AGAIN
    if row.tried_at is None or now - row.tried_at >= again:
        _read(session, kind, row.id, now)
    elif not was_kept:  # a door has read it just now, and nobody else would again
        work.schedule(session, kind, row.id, row.tried_at + again)


def due(session: Session, kind: str, subject: int, now: datetime) -> None:
    """The time has come to read a row anew (``work`` said so). Its effect ends the round when nobody wants it."""
    _read(session, kind, subject, now)


def tried(session: Session, kind: str, row: Kept, now: datetime, trouble: str | None) -> None:
    """Write down that a row was read, or why it could not be, and when to do so again while it is wanted."""
    row.tried_at, row.trouble = now, trouble
    assert row.id is not None
    if row.wanted_at is not None and now - row.wanted_at < WANTED:
        work.schedule(session, kind, row.id, now + (EVERY if trouble is None else AGAIN))


def fresh(read_at: datetime | None, now: datetime) -> bool:
    """Whether what was read then is still believed."""
    return read_at is not None and now - read_at < STALE


def _read(session: Session, kind: str, number: int, now: datetime) -> None:
    key = f"{kind}:{number}"
    if not outbox.add_effect(session, kind, key, now, lane=Lane.APPROVAL, id=number):
        outbox.rearm_effect(session, key)
