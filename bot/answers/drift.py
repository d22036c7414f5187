"""`/ship drift`: what an environment has that the next one has not, how old it is, and who waits for it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.answers.ahead import ask_view, ended_line, promotion_line
from bot.answers.status import called, taken_out
from bot.answers.views import DriftLine, DriftReply, ServiceDrift
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, DeployChange, Target
from bot.deploys.views import PersonView
from bot.events import DeployStatus
from bot.promotions import service as promotions

LISTED = 8
"""Services shown when none is named."""

ALONE = 15
TOGETHER = 4
"""Changes listed of one service, when it is asked for alone and when it is one of many."""

REMEMBERED = timedelta(days=90)
"""How far back rollouts count: what waits for longer than this is not drift, it is forgotten."""


def drift(session: Session, desk: Desk, asked: str | None = None, who: str | None = None) -> DriftReply:
    """What waits before production, of one service or of all; UserError for a service nobody has heard of.

    ``who`` reads it.
    """
    names = [called(session, desk, asked)] if asked is not None else sorted(_several(session, desk))
    most = ALONE if asked is not None else TOGETHER
    found = [one for name in names for one in _of_service(session, desk, name, most, who)]
    apart = [one for one in found if one.lines or one.before_sha != one.sha]
    apart.sort(key=lambda one: one.lines[0].since if one.lines else desk.now)
    shown = apart if asked is not None else apart[:LISTED]
    level = len(names) - len({one.service for one in apart})
    return DriftReply(services=tuple(shown), level=level, more=len(apart) - len(shown))


def _several(session: Session, desk: Desk) -> set[str]:
    """Services with more than one environment."""
    return {service.name for service in desk.catalog.services.values() if len(service.environments) > 1}


def _of_service(session: Session, desk: Desk, name: str, most: int, who: str | None) -> list[ServiceDrift]:
    pipeline = desk.catalog.service(name).environments
    return [
        _between(session, desk, name, before, environment, most, who)
        for before, environment in itertools.pairwise(pipeline)
    ]


def _between(
    session: Session, desk: Desk, name: str, before: str, environment: str, most: int, who: str | None
) -> ServiceDrift:
    here, there = (promotions.target_called(session, name, one) for one in (before, environment))
    arrived, passed = _aboard(session, desk, here), _aboard(session, desk, there)
    missing = sorted(
        ((since, change) for key, (since, change) in arrived.items() if key not in passed),
        key=lambda pair: (pair[0], pair[1].id or 0),
    )
    views = loading.change_views(session, desk, [change for _, change in missing])
    people: dict[PersonView, None] = {}
    for _, change in missing:
        people.update(dict.fromkeys(views[change.id or 0].authors))
    waiting = None
    if there is not None and there.id is not None:
        waiting = promotions.open_at(session, there.id) or promotions.under_way_at(session, there.id)
    sha, last = _live_sha(session, here), None
    if waiting is None and there is not None and there.id is not None and sha is not None:
        last = next((one for one in promotions.of_build(session, there.id, sha) if not one.rollback), None)
    return ServiceDrift(
        service=name,
        before=before,
        environment=environment,
        before_sha=sha,
        sha=_live_sha(session, there),
        lines=tuple(DriftLine(change=views[change.id or 0], since=since) for since, change in missing[:most]),
        more=max(0, len(missing) - most),
        people=tuple(people),
        promotion=promotion_line(session, desk, waiting) if waiting is not None else None,
        ended=ended_line(session, desk, last),
        out=taken_out(session, desk, there) if there is not None else None,
        ask=ask_view(session, desk, name, environment, who) if waiting is None and missing else None,
    )


def _aboard(session: Session, desk: Desk, target: Target | None) -> dict[int, tuple[datetime, Change]]:
    """What the last rollouts left in an environment, each change with when it last came there."""
    if target is None:
        return {}
    rows: Sequence[tuple[DeployChange, Deploy, Change]] = session.exec(
        select(DeployChange, Deploy, Change)
        .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
        .join(Change, col(DeployChange.change) == col(Change.id))
        .where(
            Deploy.target == target.id,
            Deploy.status == DeployStatus.SUCCEEDED.value,
            Deploy.status_at > desk.now - REMEMBERED,
            col(DeployChange.dropped).is_(False),
        )
        .order_by(col(Deploy.status_at), col(Deploy.id))
    ).all()
    aboard: dict[int, tuple[datetime, Change]] = {}
    for link, deploy, change in rows:
        if link.leaving:
            aboard.pop(change.id or 0, None)
        else:
            aboard.setdefault(change.id or 0, (deploy.status_at, change))
    return aboard


def _live_sha(session: Session, target: Target | None) -> str | None:
    live = session.get(Deploy, target.live) if target is not None and target.live is not None else None
    return live.sha if live is not None else None
