"""How locks and freezes are shown and said, with what waits because of them."""

from __future__ import annotations

from sqlmodel import Session

from bot import outbox
from bot.delivery import Showing
from bot.deploys.loading import Desk
from bot.incidents import locking
from bot.incidents.telling import INCIDENT
from bot.locks import loading, rules, scopes, service
from bot.locks.models import Lock
from bot.locks.rules import Stage
from bot.locks.views import Backlog
from bot.outbox import Card, Note
from bot.promotions import backlog, finding


def lock_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """One lock, with how much waits; None where its channel reads the same on another card."""
    lock = session.get(Lock, int(card.subject))
    if lock is None:
        return None
    waiting = _waiting(session, desk, lock)
    if card.ts is None and _said_elsewhere(session, desk, lock, waiting):
        return None
    view = loading.lock_card(session, desk, lock, waiting)
    return Showing("cards/lock", view, {"kind": "lock", "lock": card.subject})


def go_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """A lock is over and a Go is asked for, with what came of it."""
    lock = session.get(Lock, int(card.subject.partition(":")[0]))
    if lock is None:
        return None
    together = service.lifted_together(session, lock)
    asking = {one.id or 0: _waiting(session, desk, one).asking for one in together}
    view = loading.go_card(session, desk, lock, card, asking)
    return Showing("cards/lock_go", view, {"kind": "lock_go", "lock": str(view.lock_id)}) if view is not None else None


def lock_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """What is said of a lock; None once it is not so."""
    view = loading.lock_note(session, desk, note)
    return Showing("notes/lock", view, {"kind": "lock", "lock": str(view.lock_id)}) if view is not None else None


def freeze_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """One declared freeze, and what became of it; None where it was over before it was shown."""
    view = loading.freeze_card(session, desk, card)
    return Showing("cards/freeze", view, {"kind": "freeze", "freeze": card.subject}) if view is not None else None


def freeze_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """A freeze was lifted before its end."""
    view = loading.freeze_note(session, desk, note)
    return Showing("notes/freeze", view, {"kind": "freeze", "freeze": str(view.freeze_id)}) if view else None


def _said_elsewhere(session: Session, desk: Desk, lock: Lock, waiting: Backlog) -> bool:
    """Whether an incident's own card says in this channel what it locks, and what asks for a Go the rest.

    Where nothing waits after it, nothing else offers the Go.
    """
    incident = locking.incident_of(lock.cause)
    if incident is None or outbox.find_card(session, INCIDENT, str(incident), lock.channel) is None:
        return False
    return rules.stage(lock, desk.now) is not Stage.WANTS_GO or bool(waiting.asking)


def _waiting(session: Session, desk: Desk, lock: Lock) -> Backlog:
    if lock.closed:
        return Backlog()
    targets = [target.id or 0 for target in scopes.covered_targets(session, desk.catalog, lock)]
    changes, people = backlog.waiting_at(session, targets)
    doubtful = sum(one.doubtful and not (one.rollback and lock.rollbacks) for one in finding.moving(session, targets))
    asking = backlog.asking_at(session, targets)
    return Backlog(changes=changes, people=people, doubtful=doubtful, asking=asking)
