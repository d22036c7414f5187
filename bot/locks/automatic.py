"""Locks that set and lift themselves by their cause, and what the clock does to any: it nags, and it runs out.

Nothing ships because a timer ran out, or because a cause is gone: both ask for a person's Go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot import audit
from bot.audit import Tag
from bot.catalog import Catalog
from bot.deploys import targets
from bot.locks import facts, naming, rules, scopes, showing
from bot.locks.models import Lock
from bot.locks.rules import Look, Scope, ScopeKind, Stage
from bot.locks.views import LockSaid

Waits = Callable[[Session, Sequence[int]], bool]
"""Whether anything waits to go to any of these targets (our numbers)."""


def set_by_itself(
    session: Session, catalog: Catalog, cause: str, service: str, environment: str, reason: str, now: datetime
) -> bool:
    """Lock a target because of ``cause`` (``failure:<deploy>``, ``rollback:<promotion>``), without an end.

    However often it is called there is one; once a person has lifted it, it is not set again for the same cause. A
    lock of the same kind that holds there takes the newer cause over, so that it is lifted and let go once; one that
    only waits for a Go gives way to a new one, which is told anew. Returns whether it holds anew.
    """
    spelt = targets.named(catalog, service, environment)
    scope = Scope(ScopeKind.TARGET, "/".join(spelt))
    targets.hold(session, catalog, [spelt])
    before = session.exec(
        select(Lock)
        .where(Lock.cause == cause, Lock.scope_kind == scope.kind.value, Lock.scope == scope.name)
        .order_by(col(Lock.id).desc())
        .limit(1),
        execution_options={"populate_existing": True},
    ).first()
    if before is not None and (before.lifted_at is None or before.lifted_by is not None):
        return False
    alike = [one for one in naming.at_scope(session, scope) if one.cause.partition(":")[0] == cause.partition(":")[0]]
    if before is not None and not before.closed:  # it had lifted itself, and nobody has said Go since
        lock = before
    elif alike and rules.stage(alike[0], now) is Stage.HOLDS:
        lock = alike[0]
        _remember(session, lock, now)
        lock.cause = cause
    else:
        lock = Lock(
            scope_kind=scope.kind.value, scope=scope.name, cause=cause, reason=reason, began_at=now,
            channel=scopes.channel_of(catalog, scope, None),
        )  # fmt: skip
        for former in alike:  # this one's Go is theirs too
            former.closed = True
            session.add(former)
            showing.changed(session, catalog, former, now)
    lock.reason, lock.lifted_at, lock.lifted_by, lock.room = reason, None, None, None
    lock.nagged_at = None if lock.id is None else now
    session.add(lock)
    session.flush()
    audit.record(session, Tag.LOCK_PLACED, f"lock:{lock.id}", now, scope=scope.typed, cause=cause, reason=reason)
    showing.changed(session, catalog, lock, now)
    return True


def name_room(session: Session, catalog: Catalog, cause: str, room: str | None, now: datetime) -> None:
    """What set these locks is dealt with in this channel: whatever they hold back says so."""
    for lock in [one for one in scopes.standing(session) if one.cause == cause and one.room != room]:
        lock.room = room
        session.add(lock)
        showing.changed(session, catalog, lock, now)


def lift_cause(session: Session, catalog: Catalog, cause: str, now: datetime, waits: Waits | None = None) -> None:
    """What set a lock is resolved: only its own is lifted, and production waits for a person's Go.

    Where a person said that it is resolved, and by ``waits`` nothing waits there, nobody is asked for a Go: it is
    open; nor where another lock holds on, whose own end asks for one. A lock that had taken over holds on for the
    others that it stands for.
    """
    taken_over = select(Lock).where(Lock.cause == cause, col(Lock.lifted_by).startswith("lock:"))
    for remembered in session.exec(taken_over).all():
        remembered.lifted_by = None
    for lock in [one for one in scopes.standing(session) if one.cause == cause]:
        scopes.hold_for(session, catalog, lock)
        session.refresh(lock)
        if lock.cause != cause or rules.stage(lock, now) is not Stage.HOLDS:
            continue
        former = former_of(session, lock)
        if former is not None:  # which is not resolved by this: it holds for that again
            lock.cause, lock.reason = former.cause, former.reason
            session.delete(former)
            showing.changed(session, catalog, lock, now)
            continue
        lock.lifted_at = now
        if facts.others_holding(session, catalog, lock, now):
            lock.closed = True
        elif waits is not None:
            lock.closed = not waits(session, [one.id or 0 for one in scopes.covered_targets(session, catalog, lock)])
        session.add(lock)
        audit.record(session, Tag.LOCK_LIFTED, f"lock:{lock.id}", now, scope=lock.covered.typed, cause=cause)
        if not lock.closed:
            showing.ask_go(session, lock, now)
        showing.changed(session, catalog, lock, now)


def due(session: Session, catalog: Catalog, lock_id: int, now: datetime) -> None:
    """A lock's time has come: its owner is asked whether it must still hold, or it ran out and a Go is wanted."""
    lock = session.get(Lock, lock_id)
    if lock is None:
        return
    scopes.hold_for(session, catalog, lock)
    session.refresh(lock)
    match rules.look(lock, now):
        case Look.NOTHING:
            showing.schedule(session, lock)
        case Look.NAG:
            lock.nagged_at = now
            said = LockSaid.ENDS_SOON if lock.ends_at is not None else LockSaid.STILL_HOLDS
            showing.say(session, lock, said, lock.owner or lock.channel, now, of=lock.ends_at or now, by=None)
            session.add(lock)
            showing.schedule(session, lock)
        case Look.END:
            lock.ended_at = lock.ends_at
            session.add(lock)
            audit.record(session, Tag.LOCK_RAN_OUT, f"lock:{lock.id}", now, scope=lock.covered.typed)
            showing.ask_go(session, lock, now)
            showing.changed(session, catalog, lock, now)


def _remember(session: Session, lock: Lock, now: datetime) -> None:
    """Keep, as a lock that is over, what a lock stood for until now: told late, it does not lock again."""
    taken_over = lock.lifted_at is None
    session.add(
        Lock(
            scope_kind=lock.scope_kind, scope=lock.scope, cause=lock.cause, reason=lock.reason, began_at=lock.began_at,
            channel=lock.channel, lifted_at=now if taken_over else lock.lifted_at,
            lifted_by=f"lock:{lock.id}" if taken_over else lock.lifted_by, closed=True,
        )
    )  # fmt: skip


def former_of(session: Session, lock: Lock) -> Lock | None:
    """What a lock stood for before, where that was not lifted but taken over."""
    mark = f"lock:{lock.id}"
    return session.exec(select(Lock).where(Lock.lifted_by == mark).order_by(col(Lock.id).desc()).limit(1)).first()
