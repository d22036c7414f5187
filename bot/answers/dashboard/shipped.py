"""What shipped lately: the last rollouts that ended, and how."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from bot.answers.dashboard.changes import carried, change_lines, names, newest
from bot.answers.dashboard.scope import Scope
from bot.answers.dashboard.views import Shipped
from bot.deploys import service
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployStatus, Human

LISTED = 20
LOOKED_AT = 60
"""The latest to have been reported: reports come late, and in any order."""

MOST_NAMED = 4

_ENDED = tuple(status.value for status in DeployStatus if status.ended)


def shipped(session: Session, desk: Desk, scope: Scope) -> tuple[Shipped, ...]:
    """The last of them, the latest first; statements do not grow with their number."""
    here = [col(Deploy.target).in_([one.id for one in scope.targets])] if scope.narrowed else []
    rows = session.exec(
        select(Deploy, Target)
        .join(Target, col(Target.id) == col(Deploy.target))
        .where(col(Deploy.status).in_(_ENDED), *here)
        .order_by(col(Deploy.id).desc())
        .limit(LOOKED_AT)
    ).all()
    latest = sorted(rows, key=lambda row: (row[0].status_at, row[0].id), reverse=True)[:LISTED]
    changes = carried(session, [deploy for deploy, _ in latest])
    lines = change_lines(session, desk, [change for every in changes.values() for change in every])
    creators = {deploy.creator: Human(login=deploy.creator) for deploy, _ in latest if deploy.creator}
    called = names(session, desk.catalog, creators.values())
    found = []
    for deploy, target in latest:
        brought = changes.get(deploy.id or 0, ())
        last = newest(brought)
        back = service.is_rollback(deploy)
        authors = list(dict.fromkeys(one for change in brought for one in lines[change.id or 0].authors))
        by = [called[creators[deploy.creator]]] if deploy.creator else []
        found.append(
            Shipped(
                service=target.service,
                environment=target.environment,
                sha=deploy.sha,
                status=deploy.state,
                rollback=back,
                newest=lines[last.id or 0] if last is not None else None,
                more=max(0, len(brought) - 1) + deploy.truncated,
                who=_few(by if back or not authors else authors),
                at=deploy.status_at,
                took=deploy.status_at - (deploy.in_progress_at or deploy.began_at),
                url=deploy.url,
            )
        )
    return tuple(found)


def _few(people: Sequence[str]) -> tuple[str, ...]:
    if len(people) <= MOST_NAMED:
        return tuple(people)
    return (*people[:MOST_NAMED], f"{len(people) - MOST_NAMED} more")
