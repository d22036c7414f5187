"""A person locks a scope, or holds one promotion back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from bot import audit, people
from bot.audit import Tag
from bot.catalog import Catalog
from bot.deploys import targets
from bot.deploys.models import Target
from bot.errors import UserError
from bot.events import LockPlaced
from bot.locks import ends, naming, rules, scopes, showing
from bot.locks.models import Lock
from bot.locks.rules import Scope, ScopeKind, Stage

Moving = Callable[[Session, Sequence[int]], rules.OnTheirWay]
"""What is on its way to these targets (our numbers)."""


def place(session: Session, catalog: Catalog, event: LockPlaced, now: datetime, moving: Moving | None = None) -> str:
    """Set a lock, or change the one this person set there before; returns what they are told.

    ``moving`` tells what is on its way already. UserError says what is missing, or who may.
    """
    if not event.scope.strip():
        raise UserError(f"A lock needs a scope. Say what to lock: {rules.EXPECTED}.")
    scope = rules.read_scope(event.scope, scopes.known(session, catalog))
    reason = rules.checked_reason(event.reason, of="a lock")
    end = rules.checked_end(event.ends_at, event.at)
    scopes.must_be_member(session, catalog, scope, None, event.slack_id, now, "lock")
    covered = scopes.hold(session, catalog, scope)
    lock, before = _set(
        session, catalog, scope, None,
        cause=f"person:{event.slack_id}", reason=reason, owner=event.slack_id, called=event.called,
        ends_at=end, chosen=event.ends_at is not None, rollbacks=event.rollbacks, at=event.at,
    )  # fmt: skip
    showing.changed(session, catalog, lock, now)
    until = naming.spoken(session, catalog, lock.ends_at, event) if lock.ends_at else "somebody lifts it"
    passing = "Declared rollbacks still pass." if lock.rollbacks else "Not even rollbacks pass."
    if before is Stage.HOLDS:
        said = f"You had locked {scope.called} already: it now holds until {until}. The reason is now: {reason}."
    elif before is Stage.WANTS_GO:
        said = f"Your lock on {scope.called} had run out: it holds again, until {until}. The reason is now: {reason}."
    else:
        said = f"Locked {scope.called} until {until}: {reason}."
    return " ".join(
        filter(
            None,
            [said, passing, _length_said(event), _moving_said(session, covered, moving), naming.besides(session, lock)],
        )
    )


def hold(
    session: Session,
    catalog: Catalog,
    promotion_id: int,
    target: Target,
    reason: str,
    slack_id: str,
    called: str,
    at: datetime,
    now: datetime,
    ends_at: datetime | None = None,
) -> str:
    """Hold one promotion back: a lock on it alone, which stops rollbacks too; returns what the person is told."""
    scope = Scope(ScopeKind.PROMOTION, str(promotion_id))
    why = rules.checked_reason(reason, of="a Hold")
    end = rules.checked_end(ends_at, at)
    assert target.id is not None
    scopes.must_be_member(session, catalog, scope, target.id, slack_id, now, "hold")
    targets.hold(session, catalog, [(target.service, target.environment)])
    lock, before = _set(
        session, catalog, scope, target,
        cause=f"person:{slack_id}", reason=why, owner=slack_id, called=called, ends_at=end,
        chosen=ends_at is not None, rollbacks=False, at=at,
    )  # fmt: skip
    showing.changed(session, catalog, lock, now)
    until = ends.spoken(lock.ends_at or end, people.hours_of(session, catalog, slack_id).zone, at)
    what = f"this promotion of {target.service} to {target.environment}"
    return f"{'Holding' if before is Stage.OVER else 'Still holding'} {what} until {until}: {why}."


def _set(
    session: Session,
    catalog: Catalog,
    scope: Scope,
    target: Target | None,
    *,
    cause: str,
    reason: str,
    owner: str,
    called: str,
    ends_at: datetime,
    chosen: bool,
    rollbacks: bool,
    at: datetime,
) -> tuple[Lock, Stage]:
    """The lock of this cause on this scope, new or changed, and where it stood before (OVER for a new one).

    An end that was not ``chosen`` never shortens the one it had.
    """
    own = next((lock for lock in naming.at_scope(session, scope) if lock.cause == cause), None)
    before = rules.stage(own, at) if own is not None else Stage.OVER
    if own is None:
        own = Lock(
            scope_kind=scope.kind.value, scope=scope.name, cause=cause, reason=reason, owner=owner, called=called,
            target=target.id if target else None, rollbacks=rollbacks, began_at=at, ends_at=ends_at,
            channel=scopes.channel_of(catalog, scope, target),
        )  # fmt: skip
    else:
        own.reason, own.called, own.rollbacks, own.ended_at = reason, called, rollbacks, None
        if chosen or own.ends_at is None or own.ends_at < ends_at:
            own.ends_at = ends_at
    own.nagged_at = rules.nagged_from_the_start(own.ends_at, at)
    session.add(own)
    session.flush()
    audit.record(
        session, Tag.LOCK_PLACED if before is Stage.OVER else Tag.LOCK_EXTENDED, f"lock:{own.id}", at, who=owner,
        scope=scope.typed, reason=reason, ends_at=own.ends_at.isoformat() if own.ends_at else None,
        rollbacks=rollbacks,
    )  # fmt: skip
    return own, before


def _length_said(event: LockPlaced) -> str:
    """Of a reason that ends in a length: that it was not read as one, and what to type where it was meant so."""
    meant = ends.length_at_the_end(event.reason) if event.ends_at is None else None
    if meant is None:
        return ""
    return f"“{meant}” is part of the reason; if it is how long: /ship lock {event.scope} for {meant} <reason>."


def _moving_said(session: Session, covered: Sequence[Target], moving: Moving | None) -> str:
    if moving is None:
        return ""
    return rules.on_their_way_words(moving(session, [target.id or 0 for target in covered]))
