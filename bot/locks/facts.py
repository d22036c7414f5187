"""What gates judge of locks and freezes: those that concern a promotion, each with who can lift it. Only reading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot.catalog import Catalog, Team
from bot.gates.base import FreezeFact, LockFact
from bot.locks import naming, rules, scopes
from bot.locks.models import DeclaredFreeze, Lock
from bot.locks.rules import ScopeKind, Stage

_STANDING_FREEZES = select(DeclaredFreeze).where(col(DeclaredFreeze.lifted_at).is_(None)).order_by(
    col(DeclaredFreeze.begins), col(DeclaredFreeze.id)
)  # fmt: skip


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
                id=naming.number(lock),
                scope=lock.covered.called,
                reason=lock.reason,
                owner=naming.owner_called(lock),
                began_at=lock.began_at,
                ends_at=lock.ends_at,
                ended=stage is Stage.WANTS_GO,
                rollbacks=lock.rollbacks,
                who=_who_can(lock, owner.team),
                able=able_words(lock, owner.team),
                hold=lock.covered.kind is ScopeKind.PROMOTION,
                set_by=lock.owner,
                room=lock.room,
            )
        )
    return tuple(found)


def others_holding(session: Session, catalog: Catalog, lock: Lock, now: datetime) -> Sequence[LockFact]:
    """What else holds where a lock of one service's environment was set, wider locks included."""
    scope = lock.covered
    if scope.kind is not ScopeKind.TARGET:
        return ()
    found = facts_for(session, catalog, scope.service or "", scope.environment or "", None, now)
    return [fact for fact in found if not fact.ended and fact.id != lock.id]


def freezes_for(session: Session, catalog: Catalog, service: str, now: datetime) -> tuple[FreezeFact, ...]:
    """The freezes of this service that hold or are to come: of shipmate.yml and declared, the earliest first."""
    return freezes_among(standing_freezes(session, now), catalog, service, now)


def freezes_among(
    declared: Sequence[DeclaredFreeze], catalog: Catalog, service: str, now: datetime
) -> tuple[FreezeFact, ...]:
    """The same of freezes that were read before (``standing_freezes``)."""
    written = [
        FreezeFact(begins=freeze.begins, ends=freeze.ends, reason=freeze.reason)
        for freeze in catalog.freezes
        if freeze.ends > now and (freeze.services is None or _among(service, freeze.services))
    ]
    spoken = [
        FreezeFact(
            begins=freeze.begins,
            ends=freeze.ends,
            reason=freeze.reason,
            owner=freeze.called or "somebody",
            id=freeze.id,
            set_by=freeze.owner,
        )
        for freeze in declared
        if not freeze.service or _among(service, (freeze.service,))
    ]
    return tuple(sorted([*written, *spoken], key=lambda freeze: (freeze.begins, freeze.ends)))


def standing(session: Session) -> Sequence[Lock]:
    """Every lock that holds or waits for a Go, in the order in which they were set."""
    return scopes.standing(session)


def standing_freezes(session: Session, now: datetime) -> Sequence[DeclaredFreeze]:
    """Every declared freeze that holds or is to come."""
    return [freeze for freeze in session.exec(_STANDING_FREEZES).all() if freeze.ends > now]


def _who_can(lock: Lock, team: Team | None) -> tuple[str, ...]:
    """Slack ids of all who can lift a lock; empty where that is everybody, or some are known by their group alone."""
    named = not _anybody_can(lock, team) and all(one[:1] in ("U", "W") for one in _members(team))
    return _members(team) if named else ()


def able_words(lock: Lock, team: Team | None) -> str:
    """Who can lift a lock, in words: for whom there are too many to name, or who are known by their group alone."""
    return "anybody here but guests" if _anybody_can(lock, team) or team is None else f"members of {team.name}"


def _anybody_can(lock: Lock, team: Team | None) -> bool:
    """Whether every full member of the workspace may lift a lock."""
    return lock.covered.kind in (ScopeKind.EVERYTHING, ScopeKind.ENVIRONMENT) or not _members(team)


def _members(team: Team | None) -> tuple[str, ...]:
    return tuple(team.members) if team is not None else ()


def _among(service: str, names: Sequence[str]) -> bool:
    return service.casefold() in {name.casefold() for name in names}
