"""Which lock somebody means, and how locks are named to people: by scope, owner, number and instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot import people
from bot.catalog import Catalog
from bot.errors import UserError
from bot.events import FreezeDeclared, FreezeLifted, LockAct, LockActed, LockPlaced
from bot.locks import ends, rules, scopes
from bot.locks.models import Lock
from bot.locks.rules import Scope, Stage

OURSELVES = "Shipmate"
"""The owner, in words, of a lock that set itself."""


def number_of(event: LockActed) -> int | None:
    """The lock's number, given by a button or typed."""
    typed = (event.scope or "").strip().removeprefix("#")
    if event.lock is None and typed.isascii() and typed.isdecimal() and len(typed) < 10:
        return int(typed)
    return event.lock


def named(session: Session, catalog: Catalog, event: LockActed) -> Lock:
    """The lock that somebody means, by its number or by what they typed."""
    given = number_of(event)
    if given is not None:
        lock = session.get(Lock, given)
        if lock is None:
            raise UserError(f"There is no lock {given}. /ship locks lists those that stand.")
        return lock
    verb = {LockAct.LIFT: "unlock", LockAct.EXTEND: "extend"}.get(event.act, "say Go for")
    scope = rules.read_scope(event.scope or "", scopes.known(session, catalog), act=verb)
    try:
        return one_of(session, scope, event)
    except _NoneThere:
        within = inside(session, catalog, scope, event.at)
        # search is not locked, but search/production is: no other can be meant. "everything" does not mean search.
        if len(within) == 1 and scope.kind is rules.ScopeKind.SERVICE:
            return within[0]
        others = elsewhere(session, catalog, scope, event.at, verb=verb)
        raise UserError(f"{capital(scope.called)} is not locked.{others}") from None


class _NoneThere(UserError):
    """No lock stands on a scope."""


def one_of(session: Session, scope: Scope, event: LockActed) -> Lock:
    """Of the locks on a scope the person's own, else the only one; those that hold before those that ran out."""
    here = at_scope(session, scope)
    holding = [lock for lock in here if rules.stage(lock, event.at) is Stage.HOLDS]
    for candidates in (holding, here):
        own = [lock for lock in candidates if lock.owner == event.slack_id]
        if own or len(candidates) == 1:
            return (own or candidates)[0]
    if not here:
        raise _NoneThere(f"Nobody holds {scope.called}.")
    verb = "extend" if event.act is LockAct.EXTEND else "unlock"
    raise UserError(
        f"{capital(scope.called)} has {len(here)} locks, none of them yours: {listed(here)}. {how_to_name(verb, here)}"
    )


def at_scope(session: Session, scope: Scope) -> Sequence[Lock]:
    """What holds or waits for a Go on exactly this scope."""
    wanted = (scope.kind, scope.name.casefold())
    return [one for one in scopes.standing(session) if (one.covered.kind, one.scope.casefold()) == wanted]


def inside(session: Session, catalog: Catalog, scope: Scope, at: datetime) -> Sequence[Lock]:
    """The locks that hold or want a Go and lie within a scope, on a part of it: what its name may stand for."""
    here, others = _targets_of(session, catalog, scope), _concerning(session, catalog, scope, at)
    return [lock for lock, covers in others if covers <= here]


def elsewhere(session: Session, catalog: Catalog, scope: Scope, at: datetime, *, verb: str = "unlock") -> str:
    """Which locks of another scope concern the same targets: what somebody may have meant instead."""
    others = [lock for lock, _ in _concerning(session, catalog, scope, at)]
    return f" These concern it: {listed(others)}. {how_to_name(verb, others)}" if others else ""


def _concerning(
    session: Session, catalog: Catalog, scope: Scope, at: datetime
) -> Sequence[tuple[Lock, frozenset[int | None]]]:
    """The locks of another scope that concern any target of this one, each with all that it covers."""
    here = _targets_of(session, catalog, scope)
    found = [
        (lock, frozenset(target.id for target in scopes.covered_targets(session, catalog, lock)))
        for lock in scopes.standing(session)
        if lock.covered != scope and rules.stage(lock, at) is not Stage.OVER
    ]
    return [(lock, covers) for lock, covers in found if here & covers]


def _targets_of(session: Session, catalog: Catalog, scope: Scope) -> frozenset[int | None]:
    return frozenset(target.id for target in scopes.of_scope(session, catalog, scope))


def still_closed(session: Session, lock: Lock) -> str:
    """What else holds the same scope, in words; empty where nothing does."""
    others = [other for other in at_scope(session, lock.covered) if other.id != lock.id]
    return f"It stays closed by: {listed(others)}." if others else ""


def besides(session: Session, lock: Lock) -> str:
    """The same, for whoever has just set a lock."""
    others = [other for other in at_scope(session, lock.covered) if other.id != lock.id]
    return f"Besides: {listed(others)}." if others else ""


def listed(locks: Sequence[Lock]) -> str:
    """These locks as people read them, each with its number."""
    return "; ".join(f"lock {lock.id} on {lock.covered.called} ({owner_called(lock)}: {lock.reason})" for lock in locks)


def how_to_name(verb: str, locks: Sequence[Lock]) -> str:
    """How one of several is named."""
    return f"Name one by its number: /ship {verb} {locks[0].id}."


def owner_called(lock: Lock) -> str:
    """Whose lock it is, in words."""
    if lock.owner is None:
        return OURSELVES
    return lock.called or "somebody"


def capital(words: str) -> str:
    """A sentence's beginning; the name of a service keeps its letters."""
    return words[:1].upper() + words[1:] if words.startswith(("the ", "all ", "this ", "everything")) else words


def where_to_go(lock: Lock) -> str:
    """Where a person says Go."""
    return f"The button is on the card of what waits there; where nothing does, on the lock's in {lock.channel}."


def spoken(
    session: Session, catalog: Catalog, at: datetime, event: LockPlaced | LockActed | FreezeDeclared | FreezeLifted
) -> str:
    """An instant for whoever acts, in the zone in which they say their own."""
    return ends.spoken(at, people.hours_of(session, catalog, event.slack_id).zone, event.at)


def number(lock: Lock) -> int:
    """Its number, of one that was written."""
    assert lock.id is not None
    return lock.id
