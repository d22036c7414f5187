"""What a lock's scope comes to: the targets it covers and holds, the names that can be typed, who may, where to tell.

Only reading, and the rows held. The verbs are in ``service``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from bot import people
from bot.catalog import Catalog, Team
from bot.deploys import targets
from bot.deploys.models import Target
from bot.errors import UserError
from bot.locks import rules
from bot.locks.models import Lock
from bot.locks.rules import Known, Scope, ScopeKind

_OPEN = select(Lock).where(text("locks.closed = false")).order_by(col(Lock.id))


def standing(session: Session) -> Sequence[Lock]:
    """Every lock that holds or waits for a Go, in the order in which they were set."""
    return session.exec(_OPEN, execution_options={"populate_existing": True}).all()


def known(session: Session, catalog: Catalog) -> Known:
    """The names by which scopes can be typed: of the catalogue, of what was ever deployed, of locks that stand."""
    pipelines: dict[str, list[str]] = {
        service.name: list(service.environments) for service in catalog.services.values()
    }
    teams, others = dict.fromkeys(catalog.teams), []
    pairs = [(target.service, target.environment) for target in targets.every(session)]
    for lock in standing(session):
        scope = lock.covered
        if scope.kind is ScopeKind.TEAM:
            teams.setdefault(scope.name)
        elif scope.kind is ScopeKind.SERVICE:
            pipelines.setdefault(catalog.service(scope.name).name, [])
        elif scope.kind is ScopeKind.ENVIRONMENT:
            others.append(scope.name)
        elif scope.kind is ScopeKind.TARGET:
            pairs.append((scope.service or "", scope.environment or ""))
    for service, environment in (targets.named(catalog, *pair) for pair in pairs):
        pipeline = pipelines.setdefault(service, [])
        if environment.casefold() not in {one.casefold() for one in pipeline}:
            pipeline.append(environment)
    return Known(pipelines=pipelines, teams=tuple(teams), others=tuple(others))


def covered_targets(session: Session, catalog: Catalog, lock: Lock) -> Sequence[Target]:
    """The targets that a lock concerns, of those that were ever met."""
    if lock.covered.kind is ScopeKind.PROMOTION:
        target = session.get(Target, lock.target) if lock.target is not None else None
        return [target] if target is not None else []
    return of_scope(session, catalog, lock.covered)


def of_scope(session: Session, catalog: Catalog, scope: Scope) -> Sequence[Target]:
    """The targets that a scope covers, of those that were ever met."""
    found = []
    for target in targets.every(session):
        owner = catalog.service(target.service)
        if rules.covers(scope, target.service, target.environment, team=owner.team.name if owner.team else None):
            found.append(target)
    return found


def hold(session: Session, catalog: Catalog, scope: Scope) -> Sequence[Target]:
    """Hold what a scope covers. A wide one holds ``*``, where everybody who decides anything passes."""
    pairs = [(target.service, target.environment) for target in of_scope(session, catalog, scope)]
    if scope.kind in (ScopeKind.SERVICE, ScopeKind.TARGET):
        if scope.kind is ScopeKind.TARGET:
            pairs.append((scope.service or "", scope.environment or ""))
        targets.hold(session, catalog, pairs)
    else:
        targets.hold(session, catalog, ())
    return of_scope(session, catalog, scope)


def hold_for(session: Session, catalog: Catalog, lock: Lock) -> None:
    """Hold what a lock covers, a Hold's own target included."""
    if lock.covered.kind is ScopeKind.PROMOTION:
        covered = covered_targets(session, catalog, lock)
        targets.hold(session, catalog, [(target.service, target.environment) for target in covered])
    else:
        hold(session, catalog, lock.covered)


def must_be_member(
    session: Session, catalog: Catalog, scope: Scope, target: int | None, slack_id: str, now: datetime, verb: str
) -> None:
    """UserError, naming who can, unless this person belongs to the team of what is covered.

    A wide scope has no team: any full member of the workspace may.
    """
    team = team_of(session, catalog, scope, target)
    if people.is_member(session, catalog, team, slack_id, now):
        return
    what = scope.called
    if team is None:
        raise UserError(f"Only full members of this workspace may {verb} {what}, no guests. Ask one of them to.")
    raise UserError(f"Only members of {team.name} may {verb} {what}. Ask one of them, in {team.channel}.")


def team_of(session: Session, catalog: Catalog, scope: Scope, target: int | None) -> Team | None:
    """Whose members may set and lift it, None where any full member may; ``target`` is that of a Hold."""
    if scope.kind is ScopeKind.TEAM:
        return catalog.teams.get(scope.name)
    service = scope.service
    if scope.kind is ScopeKind.PROMOTION:
        row = session.get(Target, target) if target is not None else None
        service = row.service if row is not None else None
    return catalog.service(service).team if service is not None else None


def channel_of(catalog: Catalog, scope: Scope, target: Target | None) -> str:
    """Where a lock is told: in the channel of whom it concerns; a wide one in the default channel."""
    service = target.service if target is not None else scope.service
    if service is not None:
        return catalog.service(service).channel
    team = catalog.teams.get(scope.name) if scope.kind is ScopeKind.TEAM else None
    return team.channel if team is not None else catalog.default_channel


def called(session: Session, lock: Lock) -> str:
    """How people name what is locked; a Hold by where its promotion goes."""
    target = session.get(Target, lock.target) if lock.target is not None else None
    if target is not None:
        return f"the promotion of {target.service} to {target.environment}"
    return lock.covered.called
