"""What holds production back by somebody's hand or by the calendar: locks and freezes, read once for all services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from bot.answers.dashboard.scope import Scope
from bot.answers.dashboard.views import Brake, PromotionRow
from bot.answers.dashboard.wrong import RoomUrl
from bot.catalog import Service
from bot.deploys.loading import Desk
from bot.locks import facts, naming, rules, scopes, service
from bot.locks.models import DeclaredFreeze, Lock
from bot.locks.rules import ScopeKind, Stage
from bot.promotions.models import State

NEAR = timedelta(days=14)
"""How far ahead freezes are announced."""

MOST = 20


@dataclass(frozen=True, kw_only=True)
class Brakes:
    """Every lock that holds or wants a Go, and every freeze that holds or is to come."""

    desk: Desk
    locks: Sequence[Lock]
    freezes: Sequence[DeclaredFreeze]
    room_url: RoomUrl

    def on(self, owner: Service, environment: str) -> tuple[Brake, ...]:
        """What holds one environment of a service now; nothing is promoted to the first one of a pipeline."""
        if owner.environments[:1] == (environment,):
            return ()
        now, catalog = self.desk.now, self.desk.catalog
        held = service.facts_among(self.locks, catalog, owner.name, environment, None, now)
        frozen = service.freezes_among(self.freezes, catalog, owner.name, now)
        return (
            *(
                Brake(
                    what=one.scope, reason=one.reason, owner=one.owner, since=one.began_at, until=one.ends_at,
                    wants_go=one.ended, room_url=self.room_url(one.room) if one.room and not one.ended else None,
                )
                for one in held
            ),
            *(
                Brake(
                    what=owner.name, reason=one.reason, owner=one.owner, since=one.begins, until=one.ends, freeze=True
                )
                for one in frozen
                if one.holds(now)
            ),
        )  # fmt: skip


def read(session: Session, desk: Desk, room_url: RoomUrl) -> Brakes:
    """All of them, in two statements."""
    return Brakes(
        desk=desk,
        locks=service.standing(session),
        freezes=service.standing_freezes(session, desk.now),
        room_url=room_url,
    )


def listed(session: Session, brakes: Brakes, scope: Scope) -> tuple[tuple[Brake, ...], tuple[Brake, ...]]:
    """What holds now, and the freezes that are near, as far as they concern what is shown."""
    now, catalog = brakes.desk.now, brakes.desk.catalog
    holds = [
        Brake(
            what=scopes.called(session, lock),
            reason=lock.reason,
            owner=naming.owner_called(lock),
            since=lock.began_at,
            until=lock.ends_at,
            wants_go=rules.stage(lock, now) is Stage.WANTS_GO,
            room_url=brakes.room_url(lock.room) if lock.room is not None else None,
            number=lock.id,
            can=facts.able_words(lock, scopes.team_of(session, catalog, lock.covered, lock.target)),
        )
        for lock in brakes.locks
        if rules.stage(lock, now) is not Stage.OVER and _concerns(lock, scope)
    ]
    written = [
        (one.begins, one.ends, one.services, one.reason, None)
        for one in catalog.freezes
        if one.ends > now and one.begins <= now + NEAR
    ]
    declared = [
        (one.begins, one.ends, (one.service,) if one.service else None, one.reason, one.called or "somebody")
        for one in brakes.freezes
    ]
    freezes = [
        Brake(
            what=", ".join(names) if names else "everything", reason=reason, owner=owner, since=begins, until=ends,
            freeze=True, begun=begins <= now,
        )
        for begins, ends, names, reason, owner in sorted([*written, *declared], key=lambda one: (one[0], one[1]))
        if names is None or any(scope.has(name) for name in names)
    ]  # fmt: skip
    return (
        tuple([*holds, *(one for one in freezes if one.begun)][:MOST]),
        tuple([one for one in freezes if not one.begun][:MOST]),
    )


def goes(brakes: Brakes, scope: Scope, holds: Sequence[Brake], waiting: Sequence[PromotionRow]) -> tuple[Brake, ...]:
    """Of what ``holds``, what wants a Go where none of the promotions shown ``waiting`` asks for it already."""
    now, catalog = brakes.desk.now, brakes.desk.catalog
    asked = set()
    for row in waiting:
        held = service.facts_among(brakes.locks, catalog, row.service, row.environment, None, now)
        asked |= {one.id for one in held if one.ended} if row.state == State.OPEN.value else set()
    return tuple(one for one in holds if one.wants_go and one.number not in asked)


def _concerns(lock: Lock, scope: Scope) -> bool:
    if not scope.narrowed:
        return True
    if lock.covered.kind is ScopeKind.PROMOTION:
        return lock.target in {target.id for target in scope.targets}
    return any(
        rules.covers(lock.covered, one.name, environment, team=one.team.name if one.team is not None else None)
        for one in scope.services
        for environment in (one.environments or ("production",))
    )
