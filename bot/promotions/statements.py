"""The statements that every judgement needs, held: to build one costs more than to run it.

Their parameters are named ``of_…`` after what is looked for. Rare questions are written where they are asked.
"""

from __future__ import annotations

from sqlalchemy import BindParameter, Integer, bindparam, func, literal, union_all
from sqlmodel import col, select

from bot.deploys.models import Change, Check, Deploy, DeployChange, Target
from bot.events import DeployStatus
from bot.promotions.models import Approval, Decision, GateRequest, Promotion, PromotionChange, State

_UNDER_WAY = (State.STARTING.value, State.ROLLING.value)
_OF_CHANGES: BindParameter[list[int]] = bindparam("of_changes", expanding=True)

OPEN = select(Promotion).where(Promotion.target == bindparam("of_target"), Promotion.state == State.OPEN.value)
UNDER_WAY = select(Promotion).where(Promotion.target == bindparam("of_target"), col(Promotion.state).in_(_UNDER_WAY))
ALIVE = (
    select(Promotion)
    .where(Promotion.target == bindparam("of_target"), col(Promotion.state).in_((State.OPEN.value, *_UNDER_WAY)))
    .order_by(col(Promotion.id))
)
EVER = select(Promotion.id).where(Promotion.target == bindparam("of_target")).limit(1)
PRESENT = select(Promotion).where(Promotion.root == bindparam("of_root")).order_by(col(Promotion.id).desc()).limit(1)
OF_BUILD = (
    select(Promotion)
    .where(Promotion.target == bindparam("of_target"), Promotion.sha == bindparam("of_sha"))
    .order_by(col(Promotion.id).desc())
)
# The last to end so, and the last of these builds to: of the latter as many as are asked for.
LAST_ENDED = (
    select(Promotion)
    .where(Promotion.target == bindparam("of_target"), Promotion.state == bindparam("of_state"))
    .order_by(col(Promotion.id).desc())
    .limit(bindparam("most", type_=Integer()))
)
LAST_OF_BUILDS = LAST_ENDED.where(col(Promotion.sha).in_(bindparam("of_shas", expanding=True)))
CARRYING = select(Promotion).where(Promotion.deploy == bindparam("of_deploy")).order_by(col(Promotion.id).desc())
CHANGES = (
    select(PromotionChange, Change)
    .join(Change, col(PromotionChange.change) == col(Change.id))
    .where(PromotionChange.promotion == bindparam("of_promotion"))
    .order_by(col(PromotionChange.leaving), col(PromotionChange.position))
)
APPROVALS = (
    select(Approval)
    .where(Approval.promotion == bindparam("of_promotion"), col(Approval.withdrawn_at).is_(None))
    .order_by(col(Approval.at), col(Approval.id))
)
SUCCEEDED_AT = (
    select(func.min(Deploy.status_at))
    .join(Target, col(Deploy.target) == col(Target.id))
    .where(
        Target.service == bindparam("of_service"),
        Target.environment == bindparam("of_environment"),
        Deploy.sha == bindparam("of_sha"),
        Deploy.status == DeployStatus.SUCCEEDED.value,
    )
)
DECISIONS = select(Decision).where(Decision.promotion == bindparam("of_promotion")).order_by(col(Decision.id))
CHECKS = select(Check).where(
    Check.repo == bindparam("of_repo"), Check.sha == bindparam("of_sha"),
    col(Check.name).in_(bindparam("of_names", expanding=True)),
)  # fmt: skip
# What moved these changes here, by rollouts first, then by promotions (of an instant, the rollout counts).
_MOVED = union_all(
    select(DeployChange.change, DeployChange.leaving, col(Deploy.status_at).label("at"), literal(0).label("source"))
    .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
    .where(
        Deploy.target == bindparam("of_target"),
        Deploy.status == DeployStatus.SUCCEEDED.value,
        col(DeployChange.dropped).is_(False),
        col(DeployChange.change).in_(_OF_CHANGES),
    ),
    select(PromotionChange.change, PromotionChange.leaving, Promotion.ended_at, literal(1))
    .join(Promotion, col(PromotionChange.promotion) == col(Promotion.id))
    .where(
        Promotion.target == bindparam("of_target"),
        Promotion.state == State.DONE.value,
        col(PromotionChange.change).in_(_OF_CHANGES),
    ),
).subquery()
MOVED = select(_MOVED.c.change, _MOVED.c.leaving, _MOVED.c.at).order_by(_MOVED.c.source)
TARGET_CALLED = select(Target).where(
    Target.service == bindparam("of_service"), Target.environment == bindparam("of_environment")
)
UNRAISED_RUN = (
    select(GateRequest)
    .where(
        GateRequest.target == bindparam("of_target"),
        col(GateRequest.over_at).is_(None),
        col(GateRequest.promotion).is_(None),
    )
    .order_by(col(GateRequest.asked_at).desc(), col(GateRequest.id).desc())
    .limit(1)
)
WAITING_RUNS = (
    select(GateRequest)
    .where(GateRequest.promotion == bindparam("of_promotion"), col(GateRequest.over_at).is_(None))
    .order_by(col(GateRequest.asked_at), col(GateRequest.id))
)
