"""What shipped lately: the last rollouts that ended, how, and whether they are live still."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session, col, select

from bot.answers.dashboard.changes import carried, change_lines, newest, who_called
from bot.answers.dashboard.scope import Scope
from bot.answers.dashboard.views import Shipped
from bot.deploys import service
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployStatus
from bot.promotions.models import Promotion

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
    declared = _declared(session, [deploy for deploy, _ in rows])
    changes = carried(session, [deploy for deploy, _ in latest], declared)
    lines = change_lines(session, desk, [change for every in changes.values() for change in every])
    out = _taken_out([deploy for deploy, _ in rows], declared)
    began = {deploy.id or 0: declared.get(deploy.id or 0) or _creator(deploy) for deploy, _ in latest}
    called = who_called(session, desk.catalog, (who for who in began.values() if who is not None))
    found = []
    for deploy, target in latest:
        brought = changes.get(deploy.id or 0, ())
        last = newest(brought)
        back = service.is_rollback(deploy) or deploy.id in declared
        authors = list(dict.fromkeys(one for change in brought for one in lines[change.id or 0].authors))
        who = began[deploy.id or 0]
        by = [called[who]] if who is not None else []
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
                live=target.live == deploy.id,
                out=deploy.id in out,
            )
        )
    return tuple(found)


def _declared(session: Session, deploys: Sequence[Deploy]) -> Mapping[int | None, str | None]:
    """Who asked for the rollbacks that these rollouts carried out, by deploy; without those that nobody declared."""
    numbers = [one.id for one in deploys]
    rows = session.exec(
        select(Promotion.deploy, Promotion.requested_by)
        .where(col(Promotion.deploy).in_(numbers), col(Promotion.rollback).is_(True))
        .order_by(col(Promotion.id))
    ).all()
    return dict(rows)


def _creator(deploy: Deploy) -> str | None:
    return f"github:{deploy.creator}" if deploy.creator else None


def _taken_out(deploys: Iterable[Deploy], declared: Mapping[int | None, str | None]) -> set[int | None]:
    """Those that a rollback took out again: what was live from the commit that it went back to until it came."""
    known = {one.id: one for one in deploys if one.state is DeployStatus.SUCCEEDED}
    found: set[int | None] = set()
    for back in known.values():
        if not service.is_rollback(back) and back.id not in declared:
            continue
        before = known.get(back.previous)
        while before is not None and before.sha != back.sha and before.id not in found:
            found.add(before.id)
            before = known.get(before.previous)
    return found


def _few(people: Sequence[str]) -> tuple[str, ...]:
    if len(people) <= MOST_NAMED:
        return tuple(people)
    return (*people[:MOST_NAMED], f"{len(people) - MOST_NAMED} more")
