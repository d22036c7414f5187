"""The pipelines: of every service what is live where, how far ahead of what comes next, and what is the matter."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_
from sqlmodel import Session, col, func, select

from bot.alerts import service as alerts
from bot.answers.dashboard.brakes import Brakes
from bot.answers.dashboard.changes import carried, change_lines, newest
from bot.answers.dashboard.scope import Scope
from bot.answers.dashboard.views import Cell, ChangeLine, Failure, Pipeline, PromotionRow, Rolling, TeamPipelines
from bot.answers.dashboard.wrong import Wrong
from bot.answers.status import Standing, fires_at
from bot.catalog import Service
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, DeployChange, Target
from bot.events import DeployStatus

MOST = 200
"""Services that are shown, those first with which something is the matter; the rest is counted."""

FEW = 12
"""Services that are all shown at once: of more, those with which nothing is the matter are folded away."""

TOGETHER = 300
"""Places that one statement asks about: SQLite takes a condition of at most a thousand parts."""

BY_ITSELF = timedelta(days=7)
"""How long before a change is in one environment it may have gone to the next one all the same, as a hotfix."""


@dataclass(frozen=True, kw_only=True)
class Standings:
    """Everything about what is live that the cells are made of."""

    targets: Mapping[tuple[str, str], Target]
    """By service and environment, case folded."""
    environments: Mapping[str, Sequence[str]]
    """Where each service was met, case folded."""
    of: Mapping[int, Standing]
    changes: Mapping[int, Sequence[Change]]
    """What is live, by deploy."""
    lines: Mapping[int, ChangeLine]
    ahead: Mapping[int, int]
    """By target, how many changes its next environment has not; without those of which that is not known."""


def pipelines(
    session: Session,
    desk: Desk,
    scope: Scope,
    found: Mapping[int, Standing],
    wrong: Wrong,
    brakes: Brakes,
    moving: Mapping[int, PromotionRow],
) -> tuple[tuple[TeamPipelines, ...], int]:
    """Every service by its team, and how many are not shown; statements do not grow with either.

    Of many services those that need somebody's eyes come first, and the others are folded.
    """
    shown = _shown(scope, found, wrong, moving)
    known = _read(session, desk, scope, shown, found)
    by_team: dict[str | None, list[Pipeline]] = defaultdict(list)
    for service in shown:
        cells = tuple(
            _cell(service, environment, onward, known, wrong, brakes, moving)
            for environment, onward in _places(service, known)
        )
        by_team[service.team.name if service.team is not None else None].append(
            Pipeline(service=service.name, cells=cells)
        )
    teams = [_of_team(team, rows, folds=len(shown) > FEW) for team, rows in by_team.items()]
    teams.sort(key=lambda one: (not one.pipelines, one.team is None, (one.team or "").casefold()))
    return tuple(teams), len(scope.services) - len(shown)


def failures(desk: Desk, scope: Scope, found: Mapping[int, Standing]) -> tuple[Failure, ...]:
    """What failed where customers are and nothing newer is live since, the latest first, shown or not."""
    failed = [
        _failure(target.service, target.environment, deploy)
        for target in scope.targets
        if (deploy := found[target.id or 0].failed) is not None
        and desk.catalog.service(target.service).is_final(target.environment)
    ]
    return tuple(sorted(failed, key=lambda one: one.at, reverse=True))


# --- reading ------------------------------------------------------------------------------------------------------


def _shown(
    scope: Scope, found: Mapping[int, Standing], wrong: Wrong, moving: Mapping[int, PromotionRow]
) -> Sequence[Service]:
    """The services that are shown, in their order: of too many, those with which something is the matter stay."""
    if len(scope.services) <= MOST:
        return scope.services
    matter = {
        target.service.casefold()
        for target in scope.targets
        if found[target.id or 0].failed or found[target.id or 0].under_way or target.id in moving
    }
    matter |= {*wrong.about, *wrong.firing}
    first = sorted(scope.services, key=lambda one: one.name.casefold() not in matter)[:MOST]
    kept = {one.name for one in first}
    return [one for one in scope.services if one.name in kept]


def _read(
    session: Session, desk: Desk, scope: Scope, shown: Sequence[Service], found: Mapping[int, Standing]
) -> Standings:
    names = {one.name.casefold() for one in shown}
    targets = [one for one in scope.targets if one.service.casefold() in names]
    live = [deploy for one in targets if (deploy := found[one.id or 0].live) is not None]
    changes = carried(session, live)
    last = [change for every in changes.values() if (change := newest(every)) is not None]
    here = {(one.service.casefold(), one.environment.casefold()): one for one in targets}
    environments: dict[str, list[str]] = defaultdict(list)
    for one in targets:
        environments[one.service.casefold()].append(one.environment)
    return Standings(
        targets=here,
        environments=environments,
        of=found,
        changes=changes,
        lines=change_lines(session, desk, last),
        ahead=_ahead(session, shown, here, found),
    )


def _ahead(
    session: Session,
    shown: Sequence[Service],
    targets: Mapping[tuple[str, str], Target],
    found: Mapping[int, Standing],
) -> Mapping[int, int]:
    """How many changes came to each target since what its next environment runs came there, and are not there yet."""
    onward: dict[int, int] = {}
    ahead: dict[int, int] = {}
    for service in shown:
        for before, after in itertools.pairwise(service.environments):
            pair = [targets.get((service.name.casefold(), one.casefold())) for one in (before, after)]
            if pair[0] is None or pair[1] is None:
                continue
            first, second = pair[0].id or 0, pair[1].id or 0
            here, there = found[first].live, found[second].live
            if here is not None and there is not None and here.sha == there.sha:
                ahead[first] = 0
            elif here is not None and there is not None:
                onward[first] = second
    since = _since(session, {first: _sha(found[second]) for first, second in onward.items()})
    arrived = _moved(session, since)
    passed = _moved(session, {onward[first]: at - BY_ITSELF for first, at in since.items()})
    for first in since:
        ahead[first] = len(arrived[first] - passed[onward[first]])
    return ahead


def _sha(standing: Standing) -> str:
    assert standing.live is not None
    return standing.live.sha


def _since(session: Session, shas: Mapping[int, str]) -> Mapping[int, datetime]:
    """When each of these commits last went live at that target; without those that never did."""
    if not shas:
        return {}
    rows = session.exec(
        select(Deploy.target, Deploy.sha, func.max(Deploy.status_at))
        .where(col(Deploy.target).in_(sorted(shas)), col(Deploy.sha).in_(sorted(set(shas.values()))))
        .where(Deploy.status == DeployStatus.SUCCEEDED.value)
        .group_by(col(Deploy.target), col(Deploy.sha))
    ).all()
    return {target: at for target, sha, at in rows if shas[target] == sha}


def _moved(session: Session, since: Mapping[int, datetime]) -> Mapping[int, set[int]]:
    """The changes that went live at each target after its instant, less those that were taken out again."""
    found: dict[int, set[int]] = {target: set() for target in since}
    for part in _parts(since):
        rows = session.exec(
            select(Deploy.target, DeployChange.change, DeployChange.leaving)
            .join(DeployChange, col(DeployChange.deploy) == col(Deploy.id))
            .where(or_(*(and_(col(Deploy.target) == target, col(Deploy.status_at) > at) for target, at in part)))
            .where(Deploy.status == DeployStatus.SUCCEEDED.value, col(DeployChange.dropped).is_(False))
            .order_by(col(Deploy.status_at), col(Deploy.id))
        ).all()
        for target, change, leaving in rows:
            (found[target].discard if leaving else found[target].add)(change)
    return found


def _parts(since: Mapping[int, datetime]) -> Iterable[Sequence[tuple[int, datetime]]]:
    every = sorted(since.items())
    return (every[start : start + TOGETHER] for start in range(0, len(every), TOGETHER))


# --- showing ------------------------------------------------------------------------------------------------------


def _places(service: Service, known: Standings) -> list[tuple[str, str | None]]:
    """The environments of a service, its pipeline first, each with the one that comes next."""
    configured = list(service.environments)
    folded = {one.casefold() for one in configured}
    others = sorted(one for one in known.environments.get(service.name.casefold(), ()) if one.casefold() not in folded)
    return [*zip(configured, [*configured[1:], None], strict=False), *((one, None) for one in others)]


def _cell(
    service: Service,
    environment: str,
    onward: str | None,
    known: Standings,
    wrong: Wrong,
    brakes: Brakes,
    moving: Mapping[int, PromotionRow],
) -> Cell:
    name = service.name.casefold()
    target = known.targets.get((name, environment.casefold()))
    about = tuple(
        (incident.id or 0, incident.title)
        for part, incident in wrong.about.get(name, ())
        if part.environment.casefold() == environment.casefold()
    )
    held = brakes.on(service, environment)
    if target is None or target.id is None:
        return Cell(environment=environment, onward=onward, brakes=held, incidents=about)
    standing = known.of[target.id]
    live, under_way, failed = standing.live, standing.under_way, standing.failed
    changes = known.changes.get(live.id or 0, ()) if live is not None else ()
    last = newest(changes)
    return Cell(
        environment=environment,
        sha=live.sha if live is not None else None,
        since=live.status_at if live is not None else None,
        url=live.url if live is not None else None,
        newest=known.lines.get(last.id or 0) if last is not None else None,
        more=max(0, len(changes) - 1) + (live.truncated if live is not None else 0),
        rolled_back=live is not None and deploys.is_rollback(live),
        ahead=known.ahead.get(target.id),
        onward=onward,
        rolling=_rolling(under_way),
        failed=_failure(service.name, environment, failed) if failed is not None else None,
        promotion=moving.get(target.id),
        brakes=held,
        alerts=tuple(alerts.view(one) for one in wrong.firing.get(name, ()) if fires_at(service, one, environment)),
        incidents=about,
    )


def _failure(service: str, environment: str, deploy: Deploy) -> Failure:
    return Failure(service=service, environment=environment, sha=deploy.sha, at=deploy.status_at, url=deploy.url)


def _rolling(deploy: Deploy | None) -> Rolling | None:
    if deploy is None:
        return None
    return Rolling(
        sha=deploy.sha,
        status=deploy.state,
        percent=deploy.percent if deploy.state is DeployStatus.IN_PROGRESS else None,
        since=deploy.in_progress_at or deploy.began_at,
        url=deploy.url,
        stuck=deploy.stuck_at is not None,
    )


def _of_team(team: str | None, rows: Sequence[Pipeline], *, folds: bool) -> TeamPipelines:
    calm = tuple(one for one in rows if folds and not one.needs_eyes)
    shown = tuple(one for one in rows if not folds or one.needs_eyes)
    return TeamPipelines(team=team, environments=_columns(rows), pipelines=shown, calm=calm)


def _columns(pipelines: Sequence[Pipeline]) -> tuple[str, ...]:
    """The environments of a team's services, so that each of them reads from left to right."""
    found: list[str] = []
    for pipeline in sorted(pipelines, key=lambda one: -len(one.cells)):
        place = 0
        for cell in pipeline.cells:
            at = next((n for n, one in enumerate(found) if one.casefold() == cell.environment.casefold()), None)
            if at is None:
                found.insert(place, cell.environment)
                at = place
            place = at + 1
    return tuple(found)
