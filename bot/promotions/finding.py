"""Which promotions there are: of a target, of a build, of a line; and what is being carried out just now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from bot import work
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployStatus
from bot.promotions import statements
from bot.promotions.gathering import environment_before, target_of
from bot.promotions.models import Promotion, PromotionChange, State


@dataclass(frozen=True)
class Moving:
    """A promotion whose pipeline was called, or a rollout that began by itself (``called_at`` None): no lock stops it.

    ``promotion`` is None for a rollout that no promotion carries out.
    """

    promotion: int | None
    service: str
    environment: str
    sha: str
    called_at: datetime | None
    rollback: bool = False
    doubtful: bool = False
    """Whether its pipeline was called and has not answered yet: where the call did not arrive, it is judged again."""


def promotion_called(session: Session, promotion_id: int) -> Promotion | None:
    """The promotion of this number, as it stands now rather than as this session saw it before."""
    return session.get(Promotion, promotion_id, populate_existing=True)


def present(session: Session, root_id: int) -> Promotion | None:
    """The latest of a line: what its card shows."""
    return session.exec(statements.PRESENT, params={"of_root": root_id}).first()


def open_at(session: Session, target_id: int) -> Promotion | None:
    """The one whose gates are judged."""
    return session.exec(statements.OPEN, params={"of_target": target_id}).first()


def under_way_at(session: Session, target_id: int) -> Promotion | None:
    """The one that is starting or rolling."""
    return session.exec(statements.UNDER_WAY, params={"of_target": target_id}).first()


def alive_at(session: Session, target_id: int) -> Sequence[Promotion]:
    """Those that have not ended, as they stand now."""
    return session.exec(
        statements.ALIVE, params={"of_target": target_id}, execution_options={"populate_existing": True}
    ).all()


def occupying(session: Session, target_id: int) -> Promotion | None:
    """The one that no other may be opened beside: open, or starting, since what is starting may have to open again."""
    return next((one for one in alive_at(session, target_id) if one.state != State.ROLLING), None)


def of_build(session: Session, target_id: int, sha: str) -> Sequence[Promotion]:
    """Every promotion of this build to this target, the latest first."""
    return session.exec(statements.OF_BUILD, params={"of_target": target_id, "of_sha": sha}).all()


def builds_beginning(session: Session, service: str, sha: str) -> Sequence[str]:
    """The builds of a service whose commits begin so, as far as any was deployed or promoted; two where more are."""
    at = select(Target.id).where(func.lower(Target.service) == service.lower())
    deployed = select(Deploy.sha).where(col(Deploy.target).in_(at), col(Deploy.sha).startswith(sha, autoescape=True))
    asked = select(Promotion.sha).where(
        col(Promotion.target).in_(at), col(Promotion.sha).startswith(sha, autoescape=True)
    )
    found = [*session.exec(deployed.distinct().limit(2)).all(), *session.exec(asked.distinct().limit(2)).all()]
    return list(dict.fromkeys(found))[:2]


def target_called(session: Session, service: str, environment: str) -> Target | None:
    """The row of a service in an environment, None where it was never met; spelt as the catalogue does."""
    of = {"of_service": service, "of_environment": environment}
    return session.exec(statements.TARGET_CALLED, params=of).first()


def newest_build(session: Session, desk: Desk, target: Target) -> Deploy | None:
    """What is live in the environment before, unless it got there by going back: the build that could come next."""
    before = environment_before(desk.catalog.service(target.service), target.environment)
    staging = target_called(session, target.service, before) if before is not None else None
    newest = session.get(Deploy, staging.live) if staging is not None and staging.live is not None else None
    return None if newest is None or deploys.is_rollback(newest) else newest


def next_build(session: Session, desk: Desk, promotion: Promotion) -> Deploy | None:
    """The newer build that waits behind this promotion, if there is one."""
    if promotion.rollback or State(promotion.state).ended:
        return None
    target = target_of(session, promotion)
    newest = newest_build(session, desk, target)
    if newest is None or newest.sha == promotion.sha:
        return None
    since = succeeded_before(session, desk, target, promotion.sha) or promotion.created_at
    return newest if newest.status_at > since else None


def succeeded_before(session: Session, desk: Desk, target: Target, sha: str) -> datetime | None:
    """When a build first succeeded in the environment before this one."""
    before = environment_before(desk.catalog.service(target.service), target.environment)
    if before is None:
        return None
    of = {"of_service": target.service, "of_environment": before, "of_sha": sha}
    return session.exec(statements.SUCCEEDED_AT, params=of).first()


def moving(session: Session, target_ids: Sequence[int]) -> tuple[Moving, ...]:
    """What is on its way to these targets and was called: a lock that is set now does not stop it."""
    if not target_ids:
        return ()
    rows = session.exec(
        select(Promotion, Target)
        .join(Target, col(Promotion.target) == col(Target.id))
        .where(
            col(Promotion.target).in_(target_ids),
            or_(
                col(Promotion.state) == State.ROLLING.value,
                and_(col(Promotion.state) == State.STARTING.value, col(Promotion.called_at).is_not(None)),
            ),
        )
        .order_by(col(Promotion.id))
    ).all()
    shown = {promotion.deploy for promotion, _ in rows}
    unasked = session.exec(
        select(Deploy, Target)
        .join(Target, col(Deploy.target) == col(Target.id))
        .where(
            col(Deploy.target).in_(target_ids),
            Deploy.status == DeployStatus.IN_PROGRESS.value,
            col(Deploy.stuck_at).is_(None),
        )
        .order_by(col(Deploy.id))
    ).all()
    return (
        *(_moving(promotion, target) for promotion, target in rows),
        *(
            Moving(None, target.service, target.environment, deploy.sha, None)
            for deploy, target in unasked
            if deploy.id not in shown
        ),
    )


def about_to_start(session: Session, target_ids: Sequence[int]) -> tuple[Moving, ...]:
    """What every gate has let through to these targets and was not called yet: a lock still stops it."""
    rows = session.exec(
        select(Promotion, Target)
        .join(Target, col(Promotion.target) == col(Target.id))
        .where(
            col(Promotion.target).in_(target_ids),
            Promotion.state == State.STARTING.value,
            col(Promotion.called_at).is_(None),
        )
        .order_by(col(Promotion.id))
    ).all()
    return tuple(_moving(promotion, target) for promotion, target in rows)


def _moving(promotion: Promotion, target: Target) -> Moving:
    doubtful = promotion.state == State.STARTING.value and promotion.called_at is not None
    return Moving(
        promotion.id, target.service, target.environment, promotion.sha, promotion.called_at,
        rollback=promotion.rollback, doubtful=doubtful,
    )  # fmt: skip


def touch_build(session: Session, sha: str) -> None:
    """Something new is known of a commit: what waits to ship it is judged again."""
    waiting = (State.OPEN.value, State.STARTING.value)
    for target in session.exec(
        select(Promotion.target).where(Promotion.sha == sha, col(Promotion.state).in_(waiting)).distinct()
    ):
        work.touch(session, "target", target)


def touch_change(session: Session, change_id: int) -> None:
    """Something new is known of a change: what waits to bring it somewhere is judged and shown again."""
    waiting = (State.OPEN.value, State.STARTING.value)
    for target in session.exec(
        select(Promotion.target)
        .join(PromotionChange, col(PromotionChange.promotion) == col(Promotion.id))
        .where(PromotionChange.change == change_id, col(Promotion.state).in_(waiting))
        .distinct()
    ):
        work.touch(session, "target", target)


def open_targets(session: Session) -> Sequence[int]:
    """Every target with a promotion that waits for its gates or its call."""
    waiting = (State.OPEN.value, State.STARTING.value)
    return session.exec(select(Promotion.target).where(col(Promotion.state).in_(waiting)).distinct()).all()
