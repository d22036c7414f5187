"""What rollouts come to for promotions: whose they are, how those end, who went round the gates, what locks itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot import audit, outbox, work
from bot.audit import Tag
from bot.catalog import PromoteThrough, Service
from bot.deploys import service as deploys
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, DeployReport, Target
from bot.events import DeployReported, DeployStatus
from bot.locks import service as locks
from bot.outbox import Lane
from bot.promotions import advancing, finding, judging, rules, statements, telling
from bot.promotions.gathering import environment_before
from bot.promotions.models import GateRequest, Promotion, State
from bot.promotions.rollbacks import lock_cause
from bot.promotions.states import is_called, move, state_of, unawaited
from bot.promotions.views import Said

LONG_AGO = timedelta(days=1)
"""A rollout that ended longer ago than this is history that was told late, and nobody is to hear that it went round."""

_CALLED = (State.STARTING, State.ROLLING, State.CANCELLED)
"""Where a promotion may stand whose rollout was not reported yet: one may have been aborted on its way."""


def deploy_moved(session: Session, desk: Desk, deploy: Deploy, event: DeployReported | None, now: datetime) -> None:
    """Derive what a rollout, as it stands, means for the promotions of its target.

    ``event`` is the report that moved it, which may name the promotion or the run that it is of.
    """
    target = session.get(Target, deploy.target)
    assert target is not None
    owner = desk.catalog.service(target.service)
    if owner.promote_through is None:
        return
    if environment_before(owner, target.environment) is not None:
        targets.hold(session, desk.catalog, [(target.service, target.environment)])
        promotion = _own(session, target, deploy, event)
        if promotion is not None:
            _carry(session, desk, promotion, deploy, now)
        elif deploy.state is not DeployStatus.PENDING:
            _went_round(session, desk, owner, target, deploy, now)
        _lock_by_itself(session, desk, owner, target, deploy, promotion, now)
        work.touch(session, "target", deploy.target)


def owner_of(session: Session, deploy: Deploy) -> Promotion | None:
    """The promotion whose card shows this rollout: it carried it out, or it is what a run at its gate announced."""
    carried = session.exec(statements.CARRYING, params={"of_deploy": deploy.id}).first()
    if carried is not None or deploy.state is not DeployStatus.PENDING:
        return carried
    alive = session.exec(statements.ALIVE, params={"of_target": deploy.target}).all()
    return next((one for one in alive if one.sha == deploy.sha), None)


def fell_back(session: Session, desk: Desk, deploy: Deploy, promotion: Promotion | None, now: datetime) -> None:
    """What a rollout carries is known by now: where it went back and nobody had declared that, it locks.

    ``promotion`` is the one whose card shows it (``owner_of``).
    """
    target = session.get(Target, deploy.target)
    assert target is not None
    owner = desk.catalog.service(target.service)
    if owner.promote_through is not None and environment_before(owner, target.environment) is not None:
        _lock_by_itself(session, desk, owner, target, deploy, promotion, now)


def _own(session: Session, target: Target, deploy: Deploy, event: DeployReported | None) -> Promotion | None:
    """The promotion that a rollout carries out, linked to it once that is known."""
    carried = session.exec(statements.CARRYING, params={"of_deploy": deploy.id}).first()
    if carried is not None:
        return carried
    found = _named(session, target, deploy, event) or _of_run(session, target, event) or _alike(session, deploy)
    if found is not None and found.deploy is None:
        found.deploy = deploy.id
        session.flush()
    return found


def _named(session: Session, target: Target, deploy: Deploy, event: DeployReported | None) -> Promotion | None:
    """The one that the pipeline names: believed only of the same build, there, and once it was called."""
    found = session.get(Promotion, event.promotion) if event is not None and event.promotion else None
    if found is None or found.target != target.id or found.sha != deploy.sha or found.called_at is None:
        return None
    return found


def _of_run(session: Session, target: Target, event: DeployReported | None) -> Promotion | None:
    """The one for which a run was let in."""
    if event is None or event.run is None or event.repo is None:
        return None
    run = session.exec(
        select(GateRequest)
        .where(
            GateRequest.repo == event.repo, GateRequest.run == event.run, GateRequest.target == target.id,
            GateRequest.sha == event.sha, col(GateRequest.promotion).is_not(None),
        )
        .order_by(col(GateRequest.id).desc())
        .limit(1)
    ).first()  # fmt: skip
    found = session.get(Promotion, run.promotion) if run is not None else None
    return found if found is not None and found.called_at is not None else None


def _alike(session: Session, deploy: Deploy) -> Promotion | None:
    """One of the same build that was called and has no rollout yet; what ended before the call is none of its."""
    for one in finding.of_build(session, deploy.target, deploy.sha):
        if one.called_at is None or one.deploy is not None or state_of(one) not in _CALLED:
            continue
        if not deploy.state.ended or deploy.status_at >= one.called_at - rules.ORDERED_ANEW:
            return one
    return None


def _carry(session: Session, desk: Desk, promotion: Promotion, deploy: Deploy, now: datetime) -> None:
    """Bring a promotion to where its rollout is; one that has ended stays so, and its card shows the rollout.

    One that nobody waits for any more is followed without its target's place, until its rollout ends.
    """
    promotion.url = promotion.url or deploy.url
    alone = unawaited(promotion)
    if (state_of(promotion).ended and not alone) or promotion.deploy != deploy.id:
        telling.show(session, desk, promotion, now)
        return
    match deploy.state:
        case DeployStatus.PENDING:
            pass
        case DeployStatus.IN_PROGRESS:
            other = finding.under_way_at(session, promotion.target)
            here = not alone and state_of(promotion) is not State.ROLLING
            if here and (other is None or other.id == promotion.id):
                move(session, promotion, State.ROLLING, now)
        case DeployStatus.SUCCEEDED:
            said = Said.ROLLED_BACK if promotion.rollback else Said.LIVE
            advancing.end(session, desk, promotion, State.DONE, now, said=said)
        case DeployStatus.FAILED | DeployStatus.CANCELLED if state_of(promotion) is not State.OPEN:
            why = "its rollout was cancelled" if deploy.state is DeployStatus.CANCELLED else "its rollout failed"
            advancing.end(session, desk, promotion, State.FAILED, now, why=why, said=Said.FAILED)
    telling.show(session, desk, promotion, now)


def _went_round(session: Session, desk: Desk, owner: Service, target: Target, deploy: Deploy, now: datetime) -> None:
    """A rollout that no promotion called: the channel hears it once; a promotion of that very build follows it."""
    alive = finding.alive_at(session, deploy.target)
    same = next((one for one in alive if one.sha == deploy.sha and not is_called(one)), None)
    if owner.promote_through is PromoteThrough.ARGO_ROLLOUTS and deploy.state is not DeployStatus.SUCCEEDED:
        return  # it has begun, and asks us before it goes on
    if not (deploy.state.ended and now - deploy.status_at > LONG_AGO):
        _announce(session, owner, target, deploy, now)
    if same is None or (deploy.state.ended and deploy.status_at < same.created_at):
        return
    others = finding.under_way_at(session, deploy.target)
    if deploy.state is DeployStatus.SUCCEEDED:
        _keep_closed(session, desk, same, deploy, "done", now)
        same.deploy = deploy.id
        why = "went live by itself, round the gates"
        advancing.end(session, desk, same, State.DONE, now, why=why, said=Said.LIVE)
    elif deploy.state is DeployStatus.IN_PROGRESS and (others is None or others.id == same.id):
        _keep_closed(session, desk, same, deploy, "rolling", now)
        same.deploy = deploy.id
        move(session, same, State.ROLLING, now, why="began by itself, round the gates")


def _keep_closed(
    session: Session, desk: Desk, promotion: Promotion, deploy: Deploy, outcome: str, now: datetime
) -> None:
    """Keep what every gate said when its rollout went round them."""
    who = f"github:{deploy.creator.lower()}" if deploy.creator else None
    judging.decide(session, promotion, judging.judge(session, desk, promotion, now), judging.ROUND, outcome, now, who)


def _announce(session: Session, owner: Service, target: Target, deploy: Deploy, now: datetime) -> None:
    key = f"went_round:{deploy.id}:{owner.channel}"
    if outbox.add_note(
        session, "went_round", key, owner.channel, now, lane=Lane.APPROVAL, deploy=deploy.id
    ):  # fmt: skip
        senders = session.exec(select(DeployReport.source).where(DeployReport.deploy == deploy.id)).all()
        audit.record(
            session, Tag.DEPLOY_WENT_ROUND, f"deploy:{deploy.id}", now, service=target.service,
            environment=target.environment, sha=deploy.sha, sources=sorted(senders),
        )  # fmt: skip


def _lock_by_itself(
    session: Session,
    desk: Desk,
    owner: Service,
    target: Target,
    deploy: Deploy,
    promotion: Promotion | None,
    now: datetime,
) -> None:
    """A failure where customers are locks, until a rollout succeeds; so does going back, until somebody lifts it."""
    if promotion is not None and promotion.rollback and state_of(promotion) is State.FAILED:
        locks.lift_cause(session, desk.catalog, lock_cause(promotion), now)  # it took nothing out
    if owner.is_final(target.environment, deploy.final) and deploy.state is DeployStatus.FAILED:
        newer = _later_success(session, deploy)
        if not newer and now - deploy.status_at <= LONG_AGO:
            reason = f"the rollout of {deploy.sha[:7]} failed"
            locks.set_by_itself(
                session, desk.catalog, f"failure:{deploy.id}", owner.name, target.environment, reason, now
            )
    if deploy.state is not DeployStatus.SUCCEEDED:
        return
    for lock in locks.standing(session):
        cause = ""
        while lock.cause != cause and _mends(session, deploy, lock.cause):  # it may hold for an earlier one after that
            cause = lock.cause
            locks.lift_cause(session, desk.catalog, cause, now)
    undeclared = deploys.is_rollback(deploy) and (promotion is None or not promotion.rollback)
    if undeclared and target.live == deploy.id and now - deploy.status_at <= LONG_AGO:
        reason = f"went back to {deploy.sha[:7]}"
        locks.set_by_itself(
            session, desk.catalog, f"rollback:deploy-{deploy.id}", owner.name, target.environment, reason, now
        )


def _mends(session: Session, deploy: Deploy, cause: str) -> bool:
    """Whether what set a lock is a failed rollout that this successful one comes after."""
    sort, _, number = cause.partition(":")
    failed = session.get(Deploy, int(number)) if sort == "failure" and number.isdecimal() else None
    return failed is not None and failed.target == deploy.target and failed.status_at <= deploy.status_at


def _later_success(session: Session, deploy: Deploy) -> bool:
    return (
        session.exec(
            select(Deploy.id)
            .where(
                Deploy.target == deploy.target, Deploy.status == DeployStatus.SUCCEEDED.value,
                Deploy.status_at > deploy.status_at,
            )
            .limit(1)
        ).first()
        is not None
    )  # fmt: skip
