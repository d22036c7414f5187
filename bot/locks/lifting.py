"""A person lifts a lock, gives it another end, or says Go after one. Who lifts a person's lock has said Go by that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from bot import audit, work
from bot.audit import Tag
from bot.catalog import Catalog
from bot.errors import UserError
from bot.events import LockAct, LockActed
from bot.locks import automatic, naming, rules, scopes, showing
from bot.locks.models import Lock
from bot.locks.rules import Scope, ScopeKind, Stage
from bot.locks.showing import LOCK
from bot.locks.views import LockSaid

Beginning = Callable[[Session, Sequence[int]], str]
"""What begins at these targets (our numbers) now that something is lifted, or what it still waits for, in words."""

_VERBS: Mapping[LockAct, str] = {
    LockAct.LIFT: "unlock",
    LockAct.EXTEND: "extend the lock on",
    LockAct.GO: "say Go for",
}


def act(session: Session, catalog: Catalog, event: LockActed, now: datetime, beginning: Beginning | None = None) -> str:
    """Lift or extend a lock, or give the Go after one; returns what the person is told. UserError says who may.

    ``beginning`` tells what that lets begin.
    """
    if event.act is LockAct.GO and naming.number_of(event) is None:
        return _go_for_scope(session, catalog, event, now, beginning)
    lock = naming.named(session, catalog, event)
    scopes.must_be_member(session, catalog, lock.covered, lock.target, event.slack_id, now, _VERBS[event.act])
    scopes.hold_for(session, catalog, lock)
    session.refresh(lock)  # as it stands once nobody else can change it
    match event.act:
        case LockAct.LIFT:
            return _lift(session, catalog, lock, event.slack_id, event.at, now, beginning)
        case LockAct.EXTEND:
            return _extend(session, catalog, lock, event, now)
        case LockAct.GO:
            return _go(session, catalog, [lock], event, now, beginning)


def release(
    session: Session, catalog: Catalog, promotion_id: int, slack_id: str, called: str, at: datetime, now: datetime
) -> str:
    """Take back a Hold: this person's own or, where there is exactly one, that one; returns what they are told."""
    event = LockActed(act=LockAct.LIFT, lock=None, scope=None, slack_id=slack_id, called=called, at=at)
    scope = Scope(ScopeKind.PROMOTION, str(promotion_id))
    lock = naming.one_of(session, scope, event)
    scopes.must_be_member(session, catalog, scope, lock.target, slack_id, now, "release")
    scopes.hold_for(session, catalog, lock)
    session.refresh(lock)
    return _lift(session, catalog, lock, slack_id, at, now)


def promotion_over(session: Session, promotion_id: int, now: datetime) -> None:
    """A promotion has come to its end: nobody need be asked any more whether it is still to be held, nor for a Go."""
    for lock in naming.at_scope(session, Scope(ScopeKind.PROMOTION, str(promotion_id))):
        lock.closed = True
        session.add(lock)
        work.cancel(session, LOCK, naming.number(lock))
        showing.show_asked(session, lock, now)
    session.flush()


def _lift(
    session: Session, catalog: Catalog, lock: Lock, slack_id: str, at: datetime, now: datetime,
    beginning: Beginning | None = None,
) -> str:  # fmt: skip
    stage, what = rules.stage(lock, at), scopes.called(session, lock)
    if stage is Stage.OVER:
        still = naming.still_closed(session, lock)
        return f"{naming.capital(what)} was unlocked already: lock {lock.id} is over. {still}".rstrip()
    if stage is Stage.WANTS_GO and lock.owner is None:
        return f"Lock {lock.id} on {what} was lifted already; it waits for a person's Go. {naming.where_to_go(lock)}"
    by_itself = lock.owner is None
    if stage is Stage.HOLDS:
        lock.lifted_at, lock.lifted_by = at, slack_id
        while (former := automatic.former_of(session, lock)) is not None:  # all that it stood for is lifted with it
            former.lifted_by = slack_id
            session.flush()
    else:  # it ran out before somebody unlocked it: that says Go
        lock.ended_at, lock.go_at, lock.go_by = lock.ends_at, at, slack_id
    lock.closed = not by_itself
    session.add(lock)
    audit.record(
        session, Tag.LOCK_LIFTED if stage is Stage.HOLDS else Tag.LOCK_GO, f"lock:{lock.id}", at, who=slack_id,
        scope=lock.covered.typed,
    )  # fmt: skip
    if by_itself:
        showing.ask_go(session, lock, now)
    elif lock.owner is not None and lock.owner != slack_id:
        showing.say(session, lock, LockSaid.LIFTED, lock.owner, now, of=at, by=slack_id)
    showing.changed(session, catalog, lock, now)
    if by_itself:
        return (
            f"Unlocked {what}. It set itself, so nothing ships there until somebody says Go. {naming.where_to_go(lock)}"
        )
    told = f" {naming.owner_called(lock)} is told." if lock.owner != slack_id else ""
    verb = "Released" if lock.target is not None else "Unlocked"
    done = f"{verb} {what}." if stage is Stage.HOLDS else f"The lock on {what} had run out; your unlocking says Go."
    begins = _begins(session, catalog, lock, beginning)
    return " ".join(filter(None, [f"{done}{told}", naming.still_closed(session, lock), begins]))


def _extend(session: Session, catalog: Catalog, lock: Lock, event: LockActed, now: datetime) -> str:
    stage, what = rules.stage(lock, event.at), scopes.called(session, lock)
    if stage is Stage.OVER:
        again = "" if lock.target is not None else f" To lock it again: /ship lock {lock.covered.typed} <reason>."
        raise UserError(f"Lock {lock.id} on {what} is over.{again}")
    if lock.ends_at is None:
        raise UserError(f"Lock {lock.id} on {what} has no end: it holds until somebody lifts it.")
    asked = event.until or (max(lock.ends_at, event.at) + rules.DEFAULT_LENGTH)
    until = rules.checked_end(asked, event.at)
    if stage is Stage.HOLDS and until <= lock.ends_at:
        holds = naming.spoken(session, catalog, lock.ends_at, event)
        return f"The lock on {what} holds until {holds} already. To have it end sooner, lock again with that end."
    lock.ends_at, lock.ended_at = until, None
    lock.nagged_at = rules.nagged_from_the_start(until, event.at)
    session.add(lock)
    audit.record(
        session, Tag.LOCK_EXTENDED, f"lock:{lock.id}", event.at, who=event.slack_id, scope=lock.covered.typed,
        ends_at=until.isoformat(),
    )  # fmt: skip
    if lock.owner is not None and lock.owner != event.slack_id:
        showing.say(session, lock, LockSaid.EXTENDED, lock.owner, now, of=until, by=event.slack_id)
    showing.changed(session, catalog, lock, now)
    again = " again, it had run out," if stage is Stage.WANTS_GO else ""
    return f"The lock on {what} holds{again} until {naming.spoken(session, catalog, until, event)}: {lock.reason}."


def _go_for_scope(
    session: Session, catalog: Catalog, event: LockActed, now: datetime, beginning: Beginning | None
) -> str:
    """The Go for everything that ran out or lifted itself on exactly this scope."""
    scope = rules.read_scope(event.scope or "", scopes.known(session, catalog), act="say Go for")
    scopes.must_be_member(session, catalog, scope, None, event.slack_id, now, _VERBS[LockAct.GO])
    scopes.hold(session, catalog, scope)
    here = naming.at_scope(session, scope)
    waiting = [lock for lock in here if rules.stage(lock, event.at) is Stage.WANTS_GO]
    if not waiting and here:
        raise UserError(
            f"{naming.capital(scope.called)} is locked yet: {naming.listed(here)}. {naming.how_to_name('unlock', here)}"
        )
    if not waiting:
        others = naming.elsewhere(session, catalog, scope, event.at)
        raise UserError(f"No lock on {scope.called} waits for a Go.{others}")
    return _go(session, catalog, waiting, event, now, beginning)


def _go(
    session: Session, catalog: Catalog, locks: Sequence[Lock], event: LockActed, now: datetime,
    beginning: Beginning | None,
) -> str:  # fmt: skip
    first = locks[0]
    what = scopes.called(session, first)
    waiting = [lock for lock in locks if rules.stage(lock, event.at) is Stage.WANTS_GO]
    if not waiting:
        if rules.stage(first, event.at) is Stage.HOLDS:
            raise UserError(
                f"Lock {first.id} on {what} holds yet ({naming.owner_called(first)}: {first.reason}): there is nothing "
                f"to say Go for before it is lifted. /ship unlock {first.id}"
            )
        if first.go_at is None:
            return f"Lock {first.id} on {what} is over: no Go is wanted."
        return f"Go was said already for {what}, {naming.spoken(session, catalog, first.go_at, event)}."
    for lock in waiting:
        lock.go_at, lock.go_by, lock.closed = event.at, event.slack_id, True
        if lock.lifted_at is None:
            lock.ended_at = lock.ends_at
        session.add(lock)
        audit.record(session, Tag.LOCK_GO, f"lock:{lock.id}", event.at, who=event.slack_id, scope=lock.covered.typed)
        showing.changed(session, catalog, lock, now)
    begins = _begins(session, catalog, first, beginning) or "what waited there ships once its other gates are open."
    return f"Go for {what}: {begins} {naming.still_closed(session, first)}".rstrip()


def _begins(session: Session, catalog: Catalog, lock: Lock, beginning: Beginning | None) -> str:
    """What begins, or still waits, where this lock was."""
    if beginning is None:
        return ""
    return beginning(session, [target.id or 0 for target in scopes.covered_targets(session, catalog, lock)])
