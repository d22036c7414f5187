"""What changed before an incident began: rollouts and flags of its services, and of those that they depend on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.alerts.models import FlagChange
from bot.alerts.rollouts import went_back
from bot.catalog import Catalog
from bot.deploys import loading as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployStatus, Human
from bot.incidents import likely_changes, present
from bot.incidents.models import Incident, IncidentService
from bot.incidents.views import (
    BeforeLine,
)
from bot.people import is_bot
from bot.promotions import service as promotions

MOST_BEFORE = 20
"""Deploys and flags before the onset that are read: a storm's services have many."""


def before(
    session: Session, desk: Desk, incident: Incident, services: Sequence[IncidentService], most: int
) -> tuple[tuple[BeforeLine, ...], int]:
    """Rollouts and flags of these services, and of those they depend on, before the onset; how many more there are."""
    names = _with_dependencies(
        desk.catalog, [*(one.service for one in services), *([incident.service] if incident.service else [])]
    )
    onset = present.onset(session, incident)
    since = onset - desk.catalog.paging.window
    rolled = session.exec(
        select(Deploy, Target)
        .join(Target, col(Target.id) == col(Deploy.target))
        .where(
            func.lower(Target.service).in_(names),
            Deploy.began_at <= onset,
            Deploy.status_at >= since,
            col(Deploy.status).not_in((DeployStatus.PENDING.value, DeployStatus.CANCELLED.value)),
        )
        .order_by(col(Deploy.status_at).desc(), col(Deploy.id).desc())
        .limit(MOST_BEFORE)
    ).all()
    turned = session.exec(
        select(FlagChange)
        .where(func.lower(FlagChange.service).in_(names), FlagChange.at <= onset, FlagChange.at >= since)
        .order_by(col(FlagChange.at).desc())
        .limit(MOST_BEFORE)
    ).all()
    lines = [
        _rolled(session, desk, deploy, target, onset) for deploy, target in rolled if _is_last(desk.catalog, target)
    ]
    lines += [
        BeforeLine(
            kind="flag", at=flag.at, service=flag.service or "", environment=flag.environment,
            label=f"{flag.flag} {flag.summary}", who=likely_changes.turned_by(session, desk, flag), url=flag.url,
        )
        for flag in turned
    ]  # fmt: skip
    latest = sorted(lines, key=lambda line: line.at, reverse=True)
    return tuple(latest[:most]), max(0, len(latest) - most)


def _with_dependencies(catalog: Catalog, names: Sequence[str]) -> Collection[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name.casefold() not in found:
            found.add(name.casefold())
            waiting += catalog.service(name).depends_on
    return found


def _is_last(catalog: Catalog, target: Target) -> bool:
    owner = catalog.service(target.service)
    return not owner.environments or owner.is_final(target.environment)


def _rolled(session: Session, desk: Desk, deploy: Deploy, target: Target, onset: datetime) -> BeforeLine:
    labels = [change.label for change, leaving in likely_changes.carried(session, deploy) if not leaving]
    back = went_back(session, deploy)
    at, _ = likely_changes.took_effect(session, deploy, onset)
    failed = deploy.state is DeployStatus.FAILED
    plain = [label for label in labels if label != deploy.sha[:7]]
    ours = promotions.owner_of(session, deploy) is not None  # GitHub then names us, whoever asked for it
    person = deploy.creator if deploy.creator and not ours and not is_bot(f"github:{deploy.creator}") else None
    return BeforeLine(
        kind="rollback" if back else "failed" if failed else "deploy",
        at=at,
        service=target.service,
        environment=target.environment,
        label=f"{', '.join(plain[:3])} ({deploy.sha[:7]})" if plain and not back else deploy.sha[:7],
        changes=len(labels) if not back else 0,
        who=deploys.person(session, desk, Human(login=person)) if person else None,
        url=deploy.url,
    )
