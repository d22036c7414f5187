"""What follows where a lock was set or changed: its card, the request for a Go, what its owner hears, its next look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot import outbox, work
from bot.catalog import Catalog
from bot.deploys import service as deploys
from bot.locks import facts, naming, rules, scopes
from bot.locks.models import Lock
from bot.locks.rules import ScopeKind, Stage
from bot.locks.views import LockSaid
from bot.outbox import Card, Lane

LOCK = "lock"
"""Its kind of work, card and note."""

GO = "lock_go"
"""The kind of card that asks for a person's Go."""

NARROW = (ScopeKind.TARGET, ScopeKind.SERVICE)
"""Scopes of one service alone: the cards of its rollouts say that it is locked. A wide lock edits not everybody's."""

_OUTLIVED = 20
"""Cards of locks that lifted themselves that are shown anew once another lock is over."""


def changed(session: Session, catalog: Catalog, lock: Lock, now: datetime) -> None:
    """A lock was set or changed: whatever it covers is judged again, its card shows it, the clock knows."""
    session.flush()
    for target in scopes.covered_targets(session, catalog, lock):
        work.touch(session, "target", target.id or 0)
        if lock.covered.kind in NARROW:
            deploys.show_latest(session, target.id or 0)
            if lock.owner is None:  # an incident's, which the card of what is live names
                work.touch(session, "live", target.id or 0)
    show(session, lock, now, urgent=True)
    show_asked(session, lock, now)
    show_outlived(session, lock, now)
    schedule(session, lock)


def show_outlived(session: Session, lock: Lock, now: datetime) -> None:
    """Where a lock is over: the cards of those that lifted themselves while it held name it no more."""
    if rules.stage(lock, now) is Stage.HOLDS:
        return
    rows = session.exec(
        select(Lock)
        .where(col(Lock.closed).is_(True), col(Lock.owner).is_(None), col(Lock.lifted_by).is_(None))
        .where(col(Lock.lifted_at) >= lock.began_at, Lock.id != lock.id)
        .order_by(col(Lock.id).desc())
        .limit(_OUTLIVED)
    ).all()
    for one in rows:
        card = outbox.find_card(session, LOCK, str(one.id), one.channel)
        if card is not None:
            outbox.show_newer(session, card, urgent=False)


def show_covering(session: Session, catalog: Catalog, service: str, environment: str, now: datetime) -> None:
    """What waits at this target has changed: the cards of the locks that concern it show it."""
    for fact in facts.facts_for(session, catalog, service, environment, None, now):
        lock = session.get(Lock, fact.id)
        assert lock is not None
        show(session, lock, now, urgent=False)


def ask_go(session: Session, lock: Lock, now: datetime) -> None:
    """Ask for a person's Go, aloud and each time it is over anew; the message says what came of it.

    Of locks that were lifted together, in one channel and for one cause, one message asks.
    """
    session.flush()
    first = lifted_together(session, lock)[0]
    subject = f"{first.id}:{_over_second(first)}"
    outbox.touch_card(session, GO, subject, lock.channel, now, lane=Lane.APPROVAL, urgent=True)


def lifted_together(session: Session, lock: Lock) -> Sequence[Lock]:
    """A lock and those that were lifted in the same instant, in one channel and for one cause; the first set first.

    Not one after which nobody is asked for a Go: nothing waited, or it was locked anew since.
    """
    found = [one for one in _lifted_with(session, lock) if not one.closed or one.go_at is not None]
    return found if lock in found else [lock, *found]


def _lifted_with(session: Session, lock: Lock) -> Sequence[Lock]:
    if lock.lifted_at is None:
        return [lock]
    return session.exec(
        select(Lock)
        .where(Lock.cause == lock.cause, Lock.channel == lock.channel, Lock.lifted_at == lock.lifted_at)
        .order_by(col(Lock.id))
    ).all()


def asks_now(lock: Lock, subject: str) -> bool:
    """Whether a message that asked for a Go is about the present end of its lock."""
    return subject == f"{lock.id}:{_over_second(lock)}"


def show_asked(session: Session, lock: Lock, now: datetime) -> None:
    """What asked for its Go shows what came of that."""
    for asked in _lifted_with(session, lock):  # whichever of them it was that asked for all
        first, last = f"{asked.id}:", f"{asked.id};"
        for card in session.exec(select(Card).where(Card.kind == GO, Card.subject >= first, Card.subject < last)).all():
            outbox.touch_card(session, GO, card.subject, card.place, now, urgent=True)


def schedule(session: Session, lock: Lock) -> None:
    at = rules.next_look(lock)
    if at is None:
        work.cancel(session, LOCK, naming.number(lock))
    else:
        work.schedule(session, LOCK, naming.number(lock), at)


def say(
    session: Session, lock: Lock, said: LockSaid, where: str, now: datetime, *, of: datetime, by: str | None
) -> None:
    """Say this once of a lock: ``of`` is the instant that makes it another time."""
    outbox.add_note(
        session, LOCK, f"lock:{lock.id}:{said.value}:{of.isoformat()}:{where}", where, now, lane=Lane.APPROVAL,
        lock=lock.id, said=said.value, by=by, ends_at=lock.ends_at.isoformat() if lock.ends_at else None,
    )  # fmt: skip


def show(session: Session, lock: Lock, now: datetime, *, urgent: bool) -> None:
    """Its card; a Hold has none of its own, since the promotion's shows it."""
    if lock.covered.kind is not ScopeKind.PROMOTION:
        outbox.touch_card(session, LOCK, str(lock.id), lock.channel, now, lane=Lane.APPROVAL, urgent=urgent)


def _over_second(lock: Lock) -> int:
    over = lock.lifted_at or lock.ended_at
    return int(over.timestamp()) if over is not None else 0
