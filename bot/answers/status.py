"""`/ship status`: what is live where, what is on its way there, and what holds it back.

A failure is shown only while nothing newer has gone live; a rollout under way only if it began after what is live did,
so that one whose end was never reported does not stand there for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_
from sqlmodel import Session, col, func, select

from bot.alerts import service as alerts
from bot.alerts.models import Alert
from bot.alerts.views import AlertView
from bot.answers.ahead import lock_lines, promotion_line
from bot.answers.views import PlacedAlert, ServiceStatus, StatusReply, TakenOut, TargetStatus
from bot.catalog import Service
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.errors import UserError
from bot.events import DeployStatus
from bot.incidents.loading import open_line
from bot.incidents.models import Incident, IncidentService
from bot.incidents.states import State
from bot.promotions import service as promotions
from bot.promotions.models import Promotion
from bot.promotions.rolled import round_view
from bot.spelling import did_you_mean

LISTED = 8
"""Services shown when none is named: more would not be read on a phone."""


@dataclass(frozen=True)
class Standing:
    """The deploys that tell how one target stands."""

    live: Deploy | None
    under_way: Deploy | None
    failed: Deploy | None


def status(session: Session, desk: Desk, service: str | None = None) -> StatusReply:
    """How one service stands, or those deployed last; UserError for a service nobody has heard of."""
    active = _by_last_activity(session)
    if service is not None:
        return StatusReply(services=(_one(session, desk, _spelt(session, desk, active, service)),), more=0)
    deployed = {desk.catalog.service(name).name for name in active}
    strange = [one for one in amiss(session) if one not in deployed and not desk.catalog.service(one).known]
    names = [*strange, *active, *sorted(set(desk.catalog.services) - deployed)]
    shown = names[:LISTED]
    targets = _targets(session, shown)
    found = standings(session, [target for found in targets.values() for target in found])
    return StatusReply(
        services=tuple(
            _service(session, desk, name, {target.environment: found[_id(target)] for target in targets[name]})
            for name in shown
        ),
        more=len(names) - len(shown),
    )


def _one(session: Session, desk: Desk, name: str) -> ServiceStatus:
    """One service, with what each environment carries."""
    targets = _targets(session, [name])[name]
    found = standings(session, targets)
    return _service(session, desk, name, {target.environment: found[_id(target)] for target in targets}, alone=True)


def _service(
    session: Session, desk: Desk, name: str, standings: Mapping[str, Standing], *, alone: bool = False
) -> ServiceStatus:
    owner = desk.catalog.service(name)
    configured = [environment for environment in owner.environments if standings]
    others = sorted(set(standings) - set(configured))
    nothing = Standing(live=None, under_way=None, failed=None)
    return ServiceStatus(
        service=owner.name,
        team=owner.team.name if owner.team else None,
        targets=tuple(
            _target(session, desk, owner.name, environment, standings.get(environment, nothing), alone=alone)
            for environment in [*configured, *others]
        ),
        elsewhere=_elsewhere(session, owner, [*configured, *others]),
        incident=open_line(session, desk, owner.name),
    )


def _target(
    session: Session, desk: Desk, service: str, environment: str, standing: Standing, *, alone: bool
) -> TargetStatus:
    live, under_way, failed = standing.live, standing.under_way, standing.failed
    card = loading.deploy_card(session, desk, live) if alone and live is not None else None
    target = promotions.target_called(session, service, environment)
    moving = [] if target is None or target.id is None else [
        one
        for one in (promotions.under_way_at(session, target.id), promotions.open_at(session, target.id))
        if one is not None
    ]  # fmt: skip
    owned = session.exec(select(Promotion).where(Promotion.deploy == live.id)).first() if live is not None else None
    return TargetStatus(
        environment=environment,
        live_sha=live.sha if live else None,
        live_since=live.status_at if live else None,
        live_changes=card.arriving if card else (),
        under_way=under_way.state if under_way else None,
        under_way_sha=under_way.sha if under_way else None,
        under_way_since=(under_way.in_progress_at or under_way.began_at) if under_way else None,
        under_way_percent=under_way.percent if under_way else None,
        last_failed_at=failed.status_at if failed else None,
        last_failed_sha=failed.sha if failed else None,
        last_failed_url=failed.url if failed else None,
        links=card.links if card else (),
        locks=lock_lines(session, desk, service, environment),
        promotions=tuple(promotion_line(session, desk, one) for one in moving),
        not_running=taken_out(session, desk, target) if target is not None else None,
        live_more=card.more if card else 0,
        round=round_view(session, desk, owned) if owned is not None else None,
        alerts=_alerts(session, desk.catalog.service(service), environment),
    )


def fires_at(owner: Service, alert: Alert, environment: str) -> bool:
    """Whether an alert is shown with an environment: one that names none where customers are, as its incident is."""
    anywhere = alert.environment is not None or not owner.environments
    return alerts.concerns(alert, environment) and (anywhere or owner.is_final(environment))


def _alerts(session: Session, owner: Service, environment: str) -> tuple[AlertView, ...]:
    near = alerts.firing(session, owner.name, {environment})
    return tuple(alerts.view(one) for one in near if fires_at(owner, one, environment))


def _elsewhere(session: Session, owner: Service, shown: Sequence[str]) -> tuple[PlacedAlert, ...]:
    """What fires with none of the environments that are shown."""
    return tuple(
        PlacedAlert(alert=alerts.view(one), environment=one.environment)
        for one in alerts.firing_besides(session, owner.name, shown)
        if not any(fires_at(owner, one, environment) for environment in shown)
    )


def taken_out(session: Session, desk: Desk, target: Target) -> TakenOut | None:
    """What a rollback took out of an environment, while nothing newer is live there."""
    out = promotions.not_running(session, desk, target)
    if out is None:
        return None
    views = loading.change_views(session, desk, out.changes[: loading.LISTED])
    more = max(0, len(out.changes) - loading.LISTED)
    return TakenOut(sha=out.sha, since=out.since, changes=tuple(views.values()), more=more)


def called(session: Session, desk: Desk, asked: str) -> str:
    """The service of this name as it is spelt; UserError, with the nearest, for one nobody has heard of."""
    return _spelt(session, desk, _by_last_activity(session), asked)


def amiss(session: Session) -> Sequence[str]:
    """The services of open incidents and of alerts that fire, be they in shipmate.yml, deployed, or neither."""
    of_incidents = (
        select(IncidentService.service)
        .join(Incident, col(Incident.id) == col(IncidentService.incident))
        .where(Incident.state == State.OPEN.value)
    )
    of_alerts = select(Alert.service).where(col(Alert.resolved_at).is_(None), col(Alert.service).is_not(None))
    found = [*session.exec(of_incidents.distinct()).all(), *session.exec(of_alerts.distinct()).all()]
    return sorted({one for one in found if one is not None}, key=str.casefold)


def service_names(session: Session, desk: Desk) -> Sequence[str]:
    """Every service that anybody has heard of, as it is spelt: those of shipmate.yml, then those that were deployed."""
    known = {name.casefold(): name for name in (*_by_last_activity(session), *desk.catalog.services)}
    return list(known.values())


def _spelt(session: Session, desk: Desk, active: Sequence[str], asked: str) -> str:
    """The service of this name as it is spelt; a name that is none is answered with the nearest."""
    known = {name.casefold(): name for name in (*amiss(session), *desk.catalog.services, *active)}
    found = known.get(asked.casefold())
    if found is None:
        hint = did_you_mean(asked, known.values())
        ending = hint or ". /ship status lists the services that were deployed last."
        raise UserError(f"I know no service “{asked[:80]}”{ending}")
    return found


def _by_last_activity(session: Session) -> Sequence[str]:
    """Every service that was ever deployed, the last one first."""
    last = func.max(Deploy.status_at)
    rows = session.exec(
        select(Target.service, last)
        .join(Deploy, col(Deploy.target) == col(Target.id))
        .group_by(col(Target.service))
        .order_by(last.desc(), col(Target.service))
    ).all()
    return [service for service, _ in rows]


def _targets(session: Session, services: Sequence[str]) -> Mapping[str, Sequence[Target]]:
    found: dict[str, list[Target]] = {name: [] for name in services}
    for target in session.exec(select(Target).where(col(Target.service).in_(services))).all():
        found[target.service].append(target)
    return found


def standings(session: Session, targets: Sequence[Target]) -> Mapping[int, Standing]:
    """How these targets stand, asked for all of them at once."""
    wanted = [_id(target) for target in targets]
    live = {
        deploy.target: deploy
        for deploy in session.exec(
            select(Deploy).where(col(Deploy.id).in_([target.live for target in targets if target.live is not None]))
        )
    }
    under_way: dict[int, list[Deploy]] = defaultdict(list)
    unfinished = select(Deploy).where(
        col(Deploy.target).in_(wanted),
        col(Deploy.status).in_([DeployStatus.PENDING.value, DeployStatus.IN_PROGRESS.value]),
    )
    for deploy in session.exec(unfinished):
        under_way[deploy.target].append(deploy)
    failed = _last_failed(session, wanted)
    return {one: _standing(live.get(one), under_way[one], failed.get(one)) for one in wanted}


def _last_failed(session: Session, targets: Sequence[int]) -> Mapping[int, Deploy]:
    last = (
        select(col(Deploy.target).label("target"), func.max(Deploy.status_at).label("at"))
        .where(col(Deploy.target).in_(targets), Deploy.status == DeployStatus.FAILED.value)
        .group_by(col(Deploy.target))
        .subquery()
    )
    rows = session.exec(
        select(Deploy)
        .join(last, and_(col(Deploy.target) == last.c.target, col(Deploy.status_at) == last.c.at))
        .where(Deploy.status == DeployStatus.FAILED.value)
        .order_by(col(Deploy.id))
    )
    return {deploy.target: deploy for deploy in rows}


def _standing(live: Deploy | None, under_way: Iterable[Deploy], failed: Deploy | None) -> Standing:
    newer = [one for one in under_way if live is None or one.began_at >= live.began_at]
    return Standing(
        live=live,
        under_way=max(newer, key=lambda one: (one.began_at, one.id or 0), default=None),
        failed=failed if failed is not None and (live is None or failed.status_at > live.status_at) else None,
    )


def _id(target: Target) -> int:
    assert target.id is not None
    return target.id
