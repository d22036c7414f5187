"""How locks and freezes are shown and said, with what waits because of them."""

from __future__ import annotations

from sqlmodel import Session

from bot.delivery import Showing
from bot.deploys.loading import Desk
from bot.locks import loading, scopes
from bot.locks.models import Lock
from bot.locks.views import Backlog
from bot.outbox import Card, Note
from bot.promotions import backlog, finding


def lock_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """One lock, with how much waits."""
    lock = session.get(Lock, int(card.subject))
    if lock is None:
        return None
    view = loading.lock_card(session, desk, lock, _waiting(session, desk, lock))
    return Showing("cards/lock", view, {"kind": "lock", "lock": card.subject})


def go_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """A lock is over and a Go is asked for, with what came of it."""
    lock = session.get(Lock, int(card.subject.partition(":")[0]))
    view = loading.go_card(session, desk, lock, card) if lock is not None else None
    return Showing("cards/lock_go", view, {"kind": "lock_go", "lock": str(view.lock_id)}) if view is not None else None


def lock_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """What is said of a lock; None once it is not so."""
    view = loading.lock_note(session, desk, note)
    return Showing("notes/lock", view, {"kind": "lock", "lock": str(view.lock_id)}) if view is not None else None


def freeze_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """A freeze was declared or lifted; None once it is not so."""
    view = loading.freeze_note(session, desk, note)
    return Showing("notes/freeze", view, {"kind": "freeze", "freeze": str(view.freeze_id)}) if view else None


def _waiting(session: Session, desk: Desk, lock: Lock) -> Backlog:
    if lock.closed:
        return Backlog()
    targets = [target.id or 0 for target in scopes.covered_targets(session, desk.catalog, lock)]
    changes, people = backlog.waiting_at(session, targets)
    doubtful = sum(one.doubtful and not (one.rollback and lock.rollbacks) for one in finding.moving(session, targets))
    return Backlog(changes=changes, people=people, doubtful=doubtful)
