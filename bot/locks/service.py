"""The verbs of locks and freezes. Each holds the rows of the targets it covers, writes its own and touches them.

A lock that ran out, and one that set itself and was lifted, hold production back until a person says Go: nothing ships
because a timer ran out. A person who lifts a person's lock has said Go by that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot import audit, outbox, people, work
from bot.audit import Tag
from bot.catalog import Catalog, Team
from bot.deploys import targets
from bot.deploys.models import Target
from bot.errors import UserError
from bot.events import FreezeDeclared, FreezeLifted, LockAct, LockActed, LockPlaced
from bot.gates.base import FreezeFact, LockFact
from bot.locks import ends, rules, scopes
from bot.locks.models import DeclaredFreeze, Lock
from bot.locks.rules import Look, Scope, ScopeKind, Stage
from bot.locks.views import LockSaid
from bot.outbox import Card, Lane

LOCK = "lock"
"""Its kind of work, card and note."""

GO = "lock_go"
"""The kind of card that asks for a person's Go."""

FREEZE = "freeze"
"""Its kind of work and note."""

OURSELVES = "Shipmate"
"""The owner, in words, of a lock that set itself."""

Moving = Callable[[Session, Sequence[int]], rules.OnTheirWay]
"""What is on its way to these targets (our numbers)."""

Beginning = Callable[[Session, Sequence[int]], str]
"""What begins at these targets (our numbers) now that something is lifted, or what it still waits for, in words."""

_STANDING_FREEZES = select(DeclaredFreeze).where(col(DeclaredFreeze.lifted_at).is_(None)).order_by(
    col(DeclaredFreeze.begins), col(DeclaredFreeze.id)
)  # fmt: skip


# --- what gates judge ---------------------------------------------------------------------------------------------


def facts_for(
    session: Session, catalog: Catalog, service: str, environment: str, promotion_id: int | None, now: datetime
) -> tuple[LockFact, ...]:
    """The locks that concern a promotion of this service to that environment, those that wait for a Go included."""
    return facts_among(scopes.standing(session), catalog, service, environment, promotion_id, now)


def facts_among(
    locks: Sequence[Lock],
    catalog: Catalog,
    service: str,
    environment: str,
    promotion_id: int | None,
    now: datetime,
) -> tuple[LockFact, ...]:
    """The same of locks that were read before (``standing``): for whoever judges many promotions at once."""
    owner = catalog.service(service)
    team = owner.team.name if owner.team else None
    found = []
    for lock in locks:
        stage = rules.stage(lock, now)
        if stage is Stage.OVER or not rules.covers(
            lock.covered, service, environment, team=team, promotion=promotion_id
        ):
            continue
        found.append(
            LockFact(
                id=_id(lock),
                scope=lock.covered.called,
                reason=lock.reason,
                owner=_owner_called(lock),
                began_at=lock.began_at,
                ends_at=lock.ends_at,
                ended=stage is Stage.WANTS_GO,
                rollbacks=lock.rollbacks,
                who=_who_can(lock, owner.team),
                able=_able_words(lock, owner.team),
                hold=lock.covered.kind is ScopeKind.PROMOTION,
                set_by=lock.owner,
            )
        )
    return tuple(found)


def freezes_for(session: Session, catalog: Catalog, service: str, now: datetime) -> tuple[FreezeFact, ...]:
    """The freezes of this service that hold or are to come: of shipmate.yml and declared, the earliest first."""
    written = [
        FreezeFact(begins=freeze.begins, ends=freeze.ends, reason=freeze.reason)
        for freeze in catalog.freezes
        if freeze.ends > now and (freeze.services is None or _among(service, freeze.services))
    ]
    declared = [
        FreezeFact(
            begins=freeze.begins,
            ends=freeze.ends,
            reason=freeze.reason,
            owner=freeze.called or "somebody",
            id=freeze.id,
            set_by=freeze.owner,
        )
        for freeze in standing_freezes(session, now)
        if not freeze.service or _among(service, (freeze.service,))
    ]
    return tuple(sorted([*written, *declared], key=lambda freeze: (freeze.begins, freeze.ends)))


def standing(session: Session) -> Sequence[Lock]:
    """Every lock that holds or waits for a Go, in the order in which they were set."""
    return scopes.standing(session)


def standing_freezes(session: Session, now: datetime) -> Sequence[DeclaredFreeze]:
    """Every declared freeze that holds or is to come."""
    return [freeze for freeze in session.exec(_STANDING_FREEZES).all() if freeze.ends > now]


# --- what people do -----------------------------------------------------------------------------------------------


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
    _changed(session, catalog, lock, now)
    until = _spoken(session, catalog, lock.ends_at, event) if lock.ends_at else "somebody lifts it"
    passing = "Declared rollbacks still pass." if lock.rollbacks else "Not even rollbacks pass."
    if before is Stage.HOLDS:
        said = f"You had locked {scope.called} already: it now holds until {until}. The reason is now: {reason}."
    elif before is Stage.WANTS_GO:
        said = f"Your lock on {scope.called} had run out: it holds again, until {until}. The reason is now: {reason}."
    else:
        said = f"Locked {scope.called} until {until}: {reason}."
    return " ".join(filter(None, [said, passing, _moving_said(session, covered, moving), _besides(session, lock)]))


def act(session: Session, catalog: Catalog, event: LockActed, now: datetime, beginning: Beginning | None = None) -> str:
    """Lift or extend a lock, or give the Go after one; returns what the person is told. UserError says who may.

    ``beginning`` tells what that lets begin.
    """
    if event.act is LockAct.GO and _number(event) is None:
        return _go_for_scope(session, catalog, event, now, beginning)
    lock = _named(session, catalog, event)
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
    _changed(session, catalog, lock, now)
    until = ends.spoken(lock.ends_at or end, people.hours_of(session, catalog, slack_id).zone, at)
    what = f"this promotion of {target.service} to {target.environment}"
    return f"{'Holding' if before is Stage.OVER else 'Still holding'} {what} until {until}: {why}."


def release(
    session: Session, catalog: Catalog, promotion_id: int, slack_id: str, called: str, at: datetime, now: datetime
) -> str:
    """Take back a Hold: this person's own or, where there is exactly one, that one; returns what they are told."""
    event = LockActed(act=LockAct.LIFT, lock=None, scope=None, slack_id=slack_id, called=called, at=at)
    scope = Scope(ScopeKind.PROMOTION, str(promotion_id))
    lock = _one_of(session, scope, event)
    scopes.must_be_member(session, catalog, scope, lock.target, slack_id, now, "release")
    scopes.hold_for(session, catalog, lock)
    session.refresh(lock)
    return _lift(session, catalog, lock, slack_id, at, now)


def promotion_over(session: Session, promotion_id: int, now: datetime) -> None:
    """A promotion has come to its end: nobody need be asked any more whether it is still to be held, nor for a Go."""
    for lock in _at_scope(session, Scope(ScopeKind.PROMOTION, str(promotion_id))):
        lock.closed = True
        session.add(lock)
        work.cancel(session, LOCK, _id(lock))
        _show_asked(session, lock, now)
    session.flush()


# --- what sets and lifts itself -----------------------------------------------------------------------------------


def set_by_itself(
    session: Session, catalog: Catalog, cause: str, service: str, environment: str, reason: str, now: datetime
) -> bool:
    """Lock a target because of ``cause`` (``failure:<deploy>``, ``rollback:<promotion>``), without an end.

    However often it is called there is one; once a person has lifted it, it is not set again for the same cause. A
    lock of the same kind that stands there takes the newer cause over, so that it is lifted and let go once. Returns
    whether it holds anew.
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
    alike = [one for one in _at_scope(session, scope) if one.cause.partition(":")[0] == cause.partition(":")[0]]
    if before is not None and not before.closed:  # it had lifted itself, and nobody has said Go since
        lock = before
    elif alike:
        lock = alike[0]
        _remember(session, lock, now)
        lock.cause = cause
    else:
        lock = Lock(
            scope_kind=scope.kind.value, scope=scope.name, cause=cause, reason=reason, began_at=now,
            channel=scopes.channel_of(catalog, scope, None),
        )  # fmt: skip
    lock.reason, lock.lifted_at, lock.lifted_by = reason, None, None
    lock.nagged_at = None if lock.id is None else now
    session.add(lock)
    session.flush()
    audit.record(session, Tag.LOCK_PLACED, f"lock:{lock.id}", now, scope=scope.typed, cause=cause, reason=reason)
    _changed(session, catalog, lock, now)
    return True


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


def _taken_over(session: Session, lock: Lock) -> Lock | None:
    """What a lock stood for before, where that was not lifted but taken over."""
    mark = f"lock:{lock.id}"
    return session.exec(select(Lock).where(Lock.lifted_by == mark).order_by(col(Lock.id).desc()).limit(1)).first()


def lift_cause(session: Session, catalog: Catalog, cause: str, now: datetime) -> None:
    """What set a lock is resolved: only its own is lifted, and production waits for a person's Go.

    A lock that had taken over holds on for the others that it stands for.
    """
    taken_over = select(Lock).where(Lock.cause == cause, col(Lock.lifted_by).startswith("lock:"))
    for remembered in session.exec(taken_over).all():
        remembered.lifted_by = None
    for lock in [one for one in scopes.standing(session) if one.cause == cause]:
        scopes.hold_for(session, catalog, lock)
        session.refresh(lock)
        if lock.cause != cause or rules.stage(lock, now) is not Stage.HOLDS:
            continue
        former = _taken_over(session, lock)
        if former is not None:  # which is not resolved by this: it holds for that again
            lock.cause, lock.reason = former.cause, former.reason
            session.delete(former)
            _changed(session, catalog, lock, now)
            continue
        lock.lifted_at = now
        session.add(lock)
        audit.record(session, Tag.LOCK_LIFTED, f"lock:{lock.id}", now, scope=lock.covered.typed, cause=cause)
        _ask_go(session, lock, now)
        _changed(session, catalog, lock, now)


def due(session: Session, catalog: Catalog, lock_id: int, now: datetime) -> None:
    """A lock's time has come: its owner is asked whether it must still hold, or it ran out and a Go is wanted."""
    lock = session.get(Lock, lock_id)
    if lock is None:
        return
    scopes.hold_for(session, catalog, lock)
    session.refresh(lock)
    match rules.look(lock, now):
        case Look.NOTHING:
            _schedule(session, lock)
        case Look.NAG:
            lock.nagged_at = now
            said = LockSaid.ENDS_SOON if lock.ends_at is not None else LockSaid.STILL_HOLDS
            _say(session, lock, said, lock.owner or lock.channel, now, of=lock.ends_at or now, by=None)
            session.add(lock)
            _schedule(session, lock)
        case Look.END:
            lock.ended_at = lock.ends_at
            session.add(lock)
            audit.record(session, Tag.LOCK_RAN_OUT, f"lock:{lock.id}", now, scope=lock.covered.typed)
            _ask_go(session, lock, now)
            _changed(session, catalog, lock, now)


def show_covering(session: Session, catalog: Catalog, service: str, environment: str, now: datetime) -> None:
    """What waits at this target has changed: the cards of the locks that concern it show it."""
    for fact in facts_for(session, catalog, service, environment, None, now):
        lock = session.get(Lock, fact.id)
        assert lock is not None
        _show(session, lock, now, urgent=False)


# --- freezes ------------------------------------------------------------------------------------------------------


def declare_freeze(session: Session, catalog: Catalog, event: FreezeDeclared, now: datetime) -> str:
    """Nothing is promoted from ``begins`` until ``ends``; returns what the person is told. UserError says why not."""
    reason = rules.checked_reason(event.reason, of="a freeze")
    rules.check_freeze(event.begins, event.ends, event.at)
    scope = Scope(ScopeKind.EVERYTHING)
    if event.service is not None:
        scope = rules.read_scope(f"service:{event.service}", scopes.known(session, catalog), act="freeze")
        if scope.kind is not ScopeKind.SERVICE:
            raise UserError(
                f"A freeze is for a whole service, or for all. For {scope.called} alone: /ship lock {scope.typed}."
            )
    scopes.must_be_member(session, catalog, scope, None, event.slack_id, now, "freeze")
    scopes.hold(session, catalog, scope)
    freeze = DeclaredFreeze(
        service=scope.name, begins=event.begins, ends=event.ends, reason=reason, owner=event.slack_id,
        called=event.called,
    )  # fmt: skip
    session.add(freeze)
    session.flush()
    audit.record(
        session, Tag.FREEZE_DECLARED, f"freeze:{freeze.id}", event.at, who=event.slack_id, scope=scope.typed,
        reason=reason, begins=event.begins.isoformat(), ends=event.ends.isoformat(),
    )  # fmt: skip
    _freeze_changed(session, catalog, freeze, event.slack_id, now, said="declared")
    begins = "now" if event.begins <= event.at else _spoken(session, catalog, event.begins, event)
    until = _spoken(session, catalog, event.ends, event)
    return f"Frozen: {scope.called} from {begins} until {until}: {reason}. It is freeze {freeze.id}."


def lift_freeze(
    session: Session, catalog: Catalog, event: FreezeLifted, now: datetime, beginning: Beginning | None = None
) -> str:
    """End a freeze that a person declared; returns what the person is told. UserError says who may.

    ``beginning`` tells what that lets begin. Whoever declared it hears that somebody else lifted it.
    """
    freeze = session.get(DeclaredFreeze, event.freeze)
    if freeze is None:
        raise UserError(f"There is no freeze {event.freeze}. /ship locks lists them; those of shipmate.yml end there.")
    scope = _freeze_scope(freeze)
    scopes.must_be_member(session, catalog, scope, None, event.slack_id, now, "lift a freeze of")
    scopes.hold(session, catalog, scope)
    session.refresh(freeze)
    if freeze.lifted_at is not None:
        return f"Freeze {freeze.id} was lifted already, {_spoken(session, catalog, freeze.lifted_at, event)}."
    if freeze.ends <= event.at:
        return f"Freeze {freeze.id} is over already, since {_spoken(session, catalog, freeze.ends, event)}."
    freeze.lifted_at, freeze.lifted_by = event.at, event.slack_id
    session.add(freeze)
    audit.record(session, Tag.FREEZE_LIFTED, f"freeze:{freeze.id}", event.at, who=event.slack_id, scope=scope.typed)
    _freeze_changed(session, catalog, freeze, event.slack_id, now, said="lifted")
    told = ""
    if freeze.owner != event.slack_id:
        outbox.add_note(
            session, FREEZE, f"freeze:{freeze.id}:lifted:{freeze.owner}", freeze.owner, now, lane=Lane.APPROVAL,
            freeze=freeze.id, said="lifted", by=event.slack_id,
        )  # fmt: skip
        told = f"{freeze.called or 'Whoever declared it'} is told."
    covered = [target.id or 0 for target in scopes.of_scope(session, catalog, scope)]
    begins = beginning(session, covered) if beginning is not None else ""
    return " ".join(filter(None, [f"Lifted the freeze of {scope.called}: {freeze.reason}.", told, begins]))


def freeze_due(session: Session, catalog: Catalog, freeze_id: int, now: datetime) -> None:
    """A declared freeze begins or ends: whatever it concerns is judged again."""
    freeze = session.get(DeclaredFreeze, freeze_id)
    if freeze is None or freeze.lifted_at is not None:
        return
    for target in scopes.hold(session, catalog, _freeze_scope(freeze)):
        work.touch(session, "target", target.id or 0)
    _schedule_freeze(session, freeze, now)


# --- inside: what a verb does to a lock ---------------------------------------------------------------------------

_VERBS: Mapping[LockAct, str] = {
    LockAct.LIFT: "unlock",
    LockAct.EXTEND: "extend the lock on",
    LockAct.GO: "say Go for",
}


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
    own = next((lock for lock in _at_scope(session, scope) if lock.cause == cause), None)
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


def _lift(
    session: Session, catalog: Catalog, lock: Lock, slack_id: str, at: datetime, now: datetime,
    beginning: Beginning | None = None,
) -> str:  # fmt: skip
    stage, what = rules.stage(lock, at), scopes.called(session, lock)
    if stage is Stage.OVER:
        return f"{_capital(what)} was unlocked already: lock {lock.id} is over. {_still(session, lock)}".rstrip()
    if stage is Stage.WANTS_GO and lock.owner is None:
        return f"Lock {lock.id} on {what} was lifted already; it waits for a person's Go. {_where_to_go(lock)}"
    by_itself = lock.owner is None
    if stage is Stage.HOLDS:
        lock.lifted_at, lock.lifted_by = at, slack_id
        while (former := _taken_over(session, lock)) is not None:  # all that it stood for is lifted with it
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
        _ask_go(session, lock, now)
    elif lock.owner is not None and lock.owner != slack_id:
        _say(session, lock, LockSaid.LIFTED, lock.owner, now, of=at, by=slack_id)
    _changed(session, catalog, lock, now)
    if by_itself:
        return f"Unlocked {what}. It set itself, so nothing ships there until somebody says Go. {_where_to_go(lock)}"
    told = f" {_owner_called(lock)} is told." if lock.owner != slack_id else ""
    verb = "Released" if lock.target is not None else "Unlocked"
    done = f"{verb} {what}." if stage is Stage.HOLDS else f"The lock on {what} had run out; your unlocking says Go."
    begins = _begins(session, catalog, lock, beginning)
    return " ".join(filter(None, [f"{done}{told}", _still(session, lock), begins]))


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
        holds = _spoken(session, catalog, lock.ends_at, event)
        return f"The lock on {what} holds until {holds} already. To have it end sooner, lock again with that end."
    lock.ends_at, lock.ended_at = until, None
    lock.nagged_at = rules.nagged_from_the_start(until, event.at)
    session.add(lock)
    audit.record(
        session, Tag.LOCK_EXTENDED, f"lock:{lock.id}", event.at, who=event.slack_id, scope=lock.covered.typed,
        ends_at=until.isoformat(),
    )  # fmt: skip
    if lock.owner is not None and lock.owner != event.slack_id:
        _say(session, lock, LockSaid.EXTENDED, lock.owner, now, of=until, by=event.slack_id)
    _changed(session, catalog, lock, now)
    again = " again, it had run out," if stage is Stage.WANTS_GO else ""
    return f"The lock on {what} holds{again} until {_spoken(session, catalog, until, event)}: {lock.reason}."


def _go_for_scope(
    session: Session, catalog: Catalog, event: LockActed, now: datetime, beginning: Beginning | None
) -> str:
    """The Go for everything that ran out or lifted itself on exactly this scope."""
    scope = rules.read_scope(event.scope or "", scopes.known(session, catalog), act="say Go for")
    scopes.must_be_member(session, catalog, scope, None, event.slack_id, now, _VERBS[LockAct.GO])
    scopes.hold(session, catalog, scope)
    here = _at_scope(session, scope)
    waiting = [lock for lock in here if rules.stage(lock, event.at) is Stage.WANTS_GO]
    if not waiting and here:
        raise UserError(f"{_capital(scope.called)} is locked yet: {_list(here)}. {_how_to_name('unlock', here)}")
    if not waiting:
        raise UserError(f"No lock on {scope.called} waits for a Go.{_elsewhere(session, catalog, scope, event.at)}")
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
                f"Lock {first.id} on {what} holds yet ({_owner_called(first)}: {first.reason}): there is nothing to "
                f"say Go for before it is lifted. /ship unlock {first.id}"
            )
        if first.go_at is None:
            return f"Lock {first.id} on {what} is over: no Go is wanted."
        return f"Go was said already for {what}, {_spoken(session, catalog, first.go_at, event)}."
    for lock in waiting:
        lock.go_at, lock.go_by, lock.closed = event.at, event.slack_id, True
        if lock.lifted_at is None:
            lock.ended_at = lock.ends_at
        session.add(lock)
        audit.record(session, Tag.LOCK_GO, f"lock:{lock.id}", event.at, who=event.slack_id, scope=lock.covered.typed)
        _changed(session, catalog, lock, now)
    begins = _begins(session, catalog, first, beginning) or "what waited there ships once its other gates are open."
    return f"Go for {what}: {begins} {_still(session, first)}".rstrip()


def _begins(session: Session, catalog: Catalog, lock: Lock, beginning: Beginning | None) -> str:
    """What begins, or still waits, where this lock was."""
    if beginning is None:
        return ""
    return beginning(session, [target.id or 0 for target in scopes.covered_targets(session, catalog, lock)])


def _changed(session: Session, catalog: Catalog, lock: Lock, now: datetime) -> None:
    """A lock was set or changed: whatever it covers is judged again, its card shows it, the clock knows."""
    session.flush()
    for target in scopes.covered_targets(session, catalog, lock):
        work.touch(session, "target", target.id or 0)
    _show(session, lock, now, urgent=True)
    _show_asked(session, lock, now)
    _schedule(session, lock)


def _schedule(session: Session, lock: Lock) -> None:
    at = rules.next_look(lock)
    if at is None:
        work.cancel(session, LOCK, _id(lock))
    else:
        work.schedule(session, LOCK, _id(lock), at)


def _show(session: Session, lock: Lock, now: datetime, *, urgent: bool) -> None:
    """Its card; a Hold has none of its own, since the promotion's shows it."""
    if lock.covered.kind is not ScopeKind.PROMOTION:
        outbox.touch_card(session, LOCK, str(lock.id), lock.channel, now, lane=Lane.APPROVAL, urgent=urgent)


def _ask_go(session: Session, lock: Lock, now: datetime) -> None:
    """Ask for a person's Go, aloud and each time it is over anew; the message says what came of it."""
    subject = f"{lock.id}:{_over_second(lock)}"
    outbox.touch_card(session, GO, subject, lock.channel, now, lane=Lane.APPROVAL, urgent=True)


def asks_now(lock: Lock, subject: str) -> bool:
    """Whether a message that asked for a Go is about the present end of its lock."""
    return subject == f"{lock.id}:{_over_second(lock)}"


def _over_second(lock: Lock) -> int:
    over = lock.lifted_at or lock.ended_at
    return int(over.timestamp()) if over is not None else 0


def _show_asked(session: Session, lock: Lock, now: datetime) -> None:
    """What asked for its Go shows what came of that."""
    first, last = f"{lock.id}:", f"{lock.id};"
    for card in session.exec(select(Card).where(Card.kind == GO, Card.subject >= first, Card.subject < last)).all():
        outbox.touch_card(session, GO, card.subject, card.place, now, urgent=True)


def _say(
    session: Session, lock: Lock, said: LockSaid, where: str, now: datetime, *, of: datetime, by: str | None
) -> None:
    """Say this once of a lock: ``of`` is the instant that makes it another time."""
    outbox.add_note(
        session, LOCK, f"lock:{lock.id}:{said.value}:{of.isoformat()}:{where}", where, now, lane=Lane.APPROVAL,
        lock=lock.id, said=said.value, by=by, ends_at=lock.ends_at.isoformat() if lock.ends_at else None,
    )  # fmt: skip


# --- inside: which lock, which targets, who may -------------------------------------------------------------------


def _number(event: LockActed) -> int | None:
    """The lock's number, given by a button or typed."""
    typed = (event.scope or "").strip().removeprefix("#")
    if event.lock is None and typed.isascii() and typed.isdecimal() and len(typed) < 10:
        return int(typed)
    return event.lock


def _named(session: Session, catalog: Catalog, event: LockActed) -> Lock:
    """The lock that somebody means, by its number or by what they typed."""
    number = _number(event)
    if number is not None:
        lock = session.get(Lock, number)
        if lock is None:
            raise UserError(f"There is no lock {number}. /ship locks lists those that stand.")
        return lock
    verb = {LockAct.LIFT: "unlock", LockAct.EXTEND: "extend"}.get(event.act, "say Go for")
    scope = rules.read_scope(event.scope or "", scopes.known(session, catalog), act=verb)
    try:
        return _one_of(session, scope, event)
    except _NoneThere:
        elsewhere = _elsewhere(session, catalog, scope, event.at)
        raise UserError(f"{_capital(scope.called)} is not locked.{elsewhere}") from None


class _NoneThere(UserError):
    """No lock stands on a scope."""


def _one_of(session: Session, scope: Scope, event: LockActed) -> Lock:
    """Of the locks on a scope the person's own, else the only one; those that hold before those that ran out."""
    here = _at_scope(session, scope)
    holding = [lock for lock in here if rules.stage(lock, event.at) is Stage.HOLDS]
    for candidates in (holding, here):
        own = [lock for lock in candidates if lock.owner == event.slack_id]
        if own or len(candidates) == 1:
            return (own or candidates)[0]
    if not here:
        raise _NoneThere(f"Nobody holds {scope.called}.")
    verb = "extend" if event.act is LockAct.EXTEND else "unlock"
    raise UserError(
        f"{_capital(scope.called)} has {len(here)} locks, none of them yours: {_list(here)}. {_how_to_name(verb, here)}"
    )


def _at_scope(session: Session, scope: Scope) -> Sequence[Lock]:
    """What holds or waits for a Go on exactly this scope."""
    wanted = (scope.kind, scope.name.casefold())
    return [one for one in scopes.standing(session) if (one.covered.kind, one.scope.casefold()) == wanted]


def _elsewhere(session: Session, catalog: Catalog, scope: Scope, at: datetime) -> str:
    """Which locks of another scope concern the same targets: what somebody may have meant instead."""
    here = {target.id for target in scopes.of_scope(session, catalog, scope)}
    others = [
        lock
        for lock in scopes.standing(session)
        if lock.covered != scope
        and rules.stage(lock, at) is not Stage.OVER
        and here & {target.id for target in scopes.covered_targets(session, catalog, lock)}
    ]
    return f" These concern it: {_list(others)}. {_how_to_name('unlock', others)}" if others else ""


def _still(session: Session, lock: Lock) -> str:
    others = [other for other in _at_scope(session, lock.covered) if other.id != lock.id]
    return f"It stays closed by: {_list(others)}." if others else ""


def _besides(session: Session, lock: Lock) -> str:
    others = [other for other in _at_scope(session, lock.covered) if other.id != lock.id]
    return f"Besides: {_list(others)}." if others else ""


def _list(locks: Sequence[Lock]) -> str:
    return "; ".join(
        f"lock {lock.id} on {lock.covered.called} ({_owner_called(lock)}: {lock.reason})" for lock in locks
    )


def _how_to_name(verb: str, locks: Sequence[Lock]) -> str:
    return f"Name one by its number: /ship {verb} {locks[0].id}."


def _moving_said(session: Session, covered: Sequence[Target], moving: Moving | None) -> str:
    if moving is None:
        return ""
    return rules.on_their_way_words(moving(session, [target.id or 0 for target in covered]))


def _who_can(lock: Lock, team: Team | None) -> tuple[str, ...]:
    """Slack ids of all who can lift a lock; empty where that is everybody, or some are known by their group alone."""
    named = not _anybody_can(lock, team) and all(one[:1] in ("U", "W") for one in _members(team))
    return _members(team) if named else ()


def _able_words(lock: Lock, team: Team | None) -> str:
    """Who can lift a lock, in words: for whom there are too many to name, or who are known by their group alone."""
    return "anybody here but guests" if _anybody_can(lock, team) or team is None else f"members of {team.name}"


def _anybody_can(lock: Lock, team: Team | None) -> bool:
    """Whether every full member of the workspace may lift a lock."""
    return lock.covered.kind in (ScopeKind.EVERYTHING, ScopeKind.ENVIRONMENT) or not _members(team)


def _members(team: Team | None) -> tuple[str, ...]:
    return tuple(team.members) if team is not None else ()


def _where_to_go(lock: Lock) -> str:
    return f"The button is on its card in {lock.channel}, on what waits there, and in /ship locks."


def _owner_called(lock: Lock) -> str:
    if lock.owner is None:
        return OURSELVES
    return lock.called or "somebody"


def _spoken(
    session: Session, catalog: Catalog, at: datetime, event: LockPlaced | LockActed | FreezeDeclared | FreezeLifted
) -> str:
    """An instant for whoever acts, in the zone in which they say their own."""
    return ends.spoken(at, people.hours_of(session, catalog, event.slack_id).zone, event.at)


def _capital(words: str) -> str:
    """A sentence's beginning; the name of a service keeps its letters."""
    return words[:1].upper() + words[1:] if words.startswith(("the ", "all ", "this ", "everything")) else words


def _among(service: str, names: Sequence[str]) -> bool:
    return service.casefold() in {name.casefold() for name in names}


def _freeze_scope(freeze: DeclaredFreeze) -> Scope:
    return Scope(ScopeKind.SERVICE, freeze.service) if freeze.service else Scope(ScopeKind.EVERYTHING)


def _freeze_changed(
    session: Session, catalog: Catalog, freeze: DeclaredFreeze, by: str, now: datetime, *, said: str
) -> None:
    session.flush()
    scope = _freeze_scope(freeze)
    for target in scopes.of_scope(session, catalog, scope):
        work.touch(session, "target", target.id or 0)
    channel = scopes.channel_of(catalog, scope, None)
    outbox.add_note(
        session, FREEZE, f"freeze:{freeze.id}:{said}:{channel}", channel, now, freeze=freeze.id, said=said, by=by
    )
    _schedule_freeze(session, freeze, now)


def _schedule_freeze(session: Session, freeze: DeclaredFreeze, now: datetime) -> None:
    assert freeze.id is not None
    instants = [at for at in (freeze.begins, freeze.ends) if at > now] if freeze.lifted_at is None else []
    if instants:
        work.schedule(session, FREEZE, freeze.id, min(instants))
    else:
        work.cancel(session, FREEZE, freeze.id)


def _id(lock: Lock) -> int:
    assert lock.id is not None
    return lock.id
