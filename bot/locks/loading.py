"""From rows to views: what a template sees of a lock or a freeze, at the instant it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot import people
from bot.deploys.loading import Desk
from bot.deploys.views import PersonView
from bot.locks import facts, rules, scopes, service
from bot.locks.models import DeclaredFreeze, Lock
from bot.locks.rules import ScopeKind, Stage
from bot.locks.views import (
    Backlog,
    FreezeCard,
    FreezeNote,
    FreezeRow,
    GoCard,
    LockCard,
    LockNote,
    LockRow,
    LockSaid,
    LocksReply,
)
from bot.outbox import Card, Note

LISTED = 20
"""Locks shown by ``/ship locks``: each has a button, and Slack takes fifty blocks."""

NEAR = timedelta(days=14)
"""How far ahead ``/ship locks`` shows freezes of the calendar."""


def lock_card(session: Session, desk: Desk, lock: Lock, waiting: Backlog) -> LockCard:
    """A lock as its channel sees it; ``waiting`` is what is held back by it, which only promotions know."""
    stage = rules.stage(lock, desk.now)
    return LockCard(
        lock_id=_id(lock),
        stage=stage,
        scope=scopes.called(session, lock),
        reason=lock.reason,
        owner=_owner(session, desk, lock),
        rollbacks=lock.rollbacks,
        began_at=lock.began_at,
        ends_at=lock.ends_at,
        over_at=None if stage is Stage.HOLDS else lock.lifted_at or lock.ends_at,
        ran_out=stage is not Stage.HOLDS and lock.lifted_at is None,
        lifted_by=person(session, desk, lock.lifted_by) if lock.lifted_by else None,
        go_at=lock.go_at,
        go_by=person(session, desk, lock.go_by) if lock.go_by else None,
        waiting_changes=waiting.changes if stage is not Stage.OVER else 0,
        waiting_people=waiting.people if stage is not Stage.OVER else 0,
        waiting_doubtful=waiting.doubtful if stage is not Stage.OVER else 0,
        extend_until=_extend_until(lock, desk.now),
        room=lock.room if stage is Stage.HOLDS else None,
        still=_still(session, desk, lock) if stage is Stage.OVER else (),
        asking=waiting.asking if stage is Stage.WANTS_GO else (),
    )


def lock_note(session: Session, desk: Desk, note: Note) -> LockNote | None:
    """What a note says of a lock; None once it does not hold any more: nobody is asked about what is settled."""
    lock = session.get(Lock, note.data["lock"])
    if lock is None:
        return None
    said, by = LockSaid(note.data["said"]), note.data.get("by")
    stage = rules.stage(lock, desk.now)
    told_end = datetime.fromisoformat(note.data["ends_at"]) if note.data.get("ends_at") else None
    moot = {
        LockSaid.ENDS_SOON: stage is not Stage.HOLDS or lock.ends_at != told_end,
        LockSaid.STILL_HOLDS: stage is not Stage.HOLDS,
        LockSaid.EXTENDED: stage is not Stage.HOLDS or lock.ends_at != told_end,
        LockSaid.LIFTED: False,
    }
    if moot[said]:
        return None
    return LockNote(
        said=said,
        lock_id=_id(lock),
        scope=scopes.called(session, lock),
        reason=lock.reason,
        owner=_owner(session, desk, lock),
        by=person(session, desk, by) if by else None,
        began_at=lock.began_at,
        ends_at=lock.ends_at,
        extend_until=_extend_until(lock, desk.now),
    )


def go_card(session: Session, desk: Desk, lock: Lock, card: Card, asking: Mapping[int, Sequence[str]]) -> GoCard | None:
    """What asks for a person's Go, or what came of that; None where that was settled before anybody could read it.

    ``asking`` says of each lock, by its number, where promotions wait for its Go: of nothing that waits nobody is told
    aloud.
    """
    stage = rules.stage(lock, desk.now)
    together = service.lifted_together(session, lock) if service.asks_now(lock, card.subject) else ()
    wanting = [one for one in together if rules.stage(one, desk.now) is Stage.WANTS_GO]
    places = tuple(dict.fromkeys(place for one in wanting for place in asking.get(_id(one), ())))
    shown = wanting or [one for one in together if one.go_at is not None] or [lock]
    waits = bool(wanting)
    offers = waits and not places and lock.covered.kind is ScopeKind.PROMOTION
    if card.ts is None and not places and not offers:
        return None
    return GoCard(
        lock_id=_id(lock),
        scopes=tuple(scopes.called(session, one) for one in shown),
        asking=places,
        offers=offers,
        reason=lock.reason,
        owner=_owner(session, desk, lock),
        ran_out=lock.lifted_at is None,
        by=person(session, desk, lock.lifted_by) if lock.lifted_by else None,
        waits=waits,
        holds=stage is Stage.HOLDS,
        ends_at=lock.ends_at,
        go_at=shown[0].go_at if stage is Stage.OVER else None,
        go_by=person(session, desk, shown[0].go_by) if shown[0].go_by else None,
    )


def freeze_card(session: Session, desk: Desk, card: Card) -> FreezeCard | None:
    """A declared freeze as its channel sees it; None where it was over before anybody could read of it."""
    freeze = session.get(DeclaredFreeze, int(card.subject))
    if freeze is None:
        return None
    over = freeze.lifted_at is not None or freeze.ends <= desk.now
    if over and card.ts is None:
        return None
    return FreezeCard(
        freeze_id=freeze.id or 0,
        service=freeze.service or None,
        reason=freeze.reason,
        owner=person(session, desk, freeze.owner, freeze.called),
        begins=freeze.begins,
        ends=freeze.ends,
        over=over,
        lifted_at=freeze.lifted_at,
        lifted_by=person(session, desk, freeze.lifted_by) if freeze.lifted_by else None,
    )


def freeze_note(session: Session, desk: Desk, note: Note) -> FreezeNote | None:
    """That a freeze was lifted; None for one that was not."""
    freeze = session.get(DeclaredFreeze, note.data["freeze"])
    if freeze is None or freeze.lifted_at is None:
        return None
    return FreezeNote(
        freeze_id=freeze.id or 0,
        service=freeze.service or None,
        reason=freeze.reason,
        by=person(session, desk, note.data["by"]),
        yours=note.place == freeze.owner,
    )


def locks_reply(session: Session, desk: Desk) -> LocksReply:
    """Every lock that holds or waits for a Go, and the freezes that hold or are near."""
    standing = scopes.standing(session)
    rows = [
        LockRow(
            lock_id=_id(lock),
            stage=rules.stage(lock, desk.now),
            scope=scopes.called(session, lock),
            reason=lock.reason,
            owner=_owner(session, desk, lock),
            began_at=lock.began_at,
            ends_at=lock.ends_at,
        )
        for lock in standing
    ]
    freezes = _freezes(session, desk)
    return LocksReply(
        locks=tuple(rows[:LISTED]),
        freezes=tuple(freezes[:LISTED]),
        more=max(0, len(rows) - LISTED) + max(0, len(freezes) - LISTED),
    )


def person(session: Session, desk: Desk, slack_id: str, called: str | None = None) -> PersonView:
    """Somebody in Slack, by the name that is known of them."""
    entry = desk.catalog.person_by_slack(slack_id)
    profile = people.profile_of(session, slack_id)
    name = (entry.name if entry else None) or (profile.name if profile else None) or called or "somebody"
    return PersonView(name=name, slack_id=slack_id)


def _freezes(session: Session, desk: Desk) -> list[FreezeRow]:
    horizon = desk.now + NEAR
    declared = [
        FreezeRow(
            freeze_id=freeze.id,
            services=(freeze.service,) if freeze.service else (),
            reason=freeze.reason,
            owner=person(session, desk, freeze.owner, freeze.called),
            begins=freeze.begins,
            ends=freeze.ends,
            holds=freeze.begins <= desk.now,
        )
        for freeze in service.standing_freezes(session, desk.now)
    ]
    written = [
        FreezeRow(
            freeze_id=None,
            services=freeze.services or (),
            reason=freeze.reason,
            owner=None,
            begins=freeze.begins,
            ends=freeze.ends,
            holds=freeze.begins <= desk.now,
        )
        for freeze in desk.catalog.freezes
        if freeze.ends > desk.now and freeze.begins <= horizon
    ]
    return sorted([*declared, *written], key=lambda row: (row.begins, row.ends))


def _owner(session: Session, desk: Desk, lock: Lock) -> PersonView | None:
    return person(session, desk, lock.owner, lock.called) if lock.owner is not None else None


def _still(session: Session, desk: Desk, lock: Lock) -> tuple[str, ...]:
    """What holds on where a lock lifted itself, in words."""
    over = lock.lifted_at
    if over is None or lock.lifted_by is not None or lock.go_at is not None:
        return ()
    others = facts.others_holding(session, desk.catalog, lock, desk.now)
    return tuple(f"lock {one.id} ({one.owner}: {one.reason})" for one in others if one.began_at <= over)


def _extend_until(lock: Lock, now: datetime) -> int | None:
    """What the Extend button comes to: so much after the end that the reader sees. Two clicks say the same."""
    if lock.ends_at is None or rules.stage(lock, now) is not Stage.HOLDS:
        return None
    return int((lock.ends_at + rules.DEFAULT_LENGTH).timestamp())


def _id(lock: Lock) -> int:
    assert lock.id is not None
    return lock.id
