"""What cards of rollouts say besides: the locks of their service there, and the incidents that are open about it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlmodel import Session

from bot.departures.states import State
from bot.deploys import service
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy
from bot.deploys.views import BrakeView, DeployCard
from bot.incidents import locking, rollouts
from bot.locks import service as locks
from bot.locks.models import Lock
from bot.promotions.models import State as Underway
from bot.promotions.views import PromotionCard
from bot.trains.views import DepartureCard

_ON_ITS_WAY = frozenset({Underway.OPEN.value, Underway.STARTING.value, Underway.ROLLING.value})


def on_deploy(session: Session, desk: Desk, deploy: Deploy, view: DeployCard) -> DeployCard:
    """A rollout's card with what holds there, where it is what runs or what was tried last."""
    if not service.is_present(session, deploy):
        return view
    incidents = rollouts.open_about(session, view.service, view.environment)
    told = {one.number for one in incidents if one.locked}
    return replace(view, incidents=incidents, locks=_locks(session, desk, view.service, view.environment, told))


def on_promotion(session: Session, view: PromotionCard) -> PromotionCard:
    """A promotion's card with the incidents of its service, while it is on its way or live."""
    if view.state not in _ON_ITS_WAY and not view.live:
        return view
    return replace(view, incidents=rollouts.open_about(session, view.service, view.environment))


def on_departure(session: Session, view: DepartureCard) -> DepartureCard:
    """A departure's card with the incidents of what is aboard, until it is over."""
    if view.state == State.CLOSED:
        return view
    return replace(
        view,
        aboard=tuple(
            replace(one, incidents=rollouts.open_about(session, one.service, view.environment)) for one in view.aboard
        ),
    )


def _locks(
    session: Session, desk: Desk, service_name: str, environment: str, told: Collection[int]
) -> tuple[BrakeView, ...]:
    """The locks on this service alone, but for those of incidents that are ``told`` of as holding it."""
    found = []
    for fact in locks.facts_for(session, desk.catalog, service_name, environment, None, desk.now):
        lock = session.get(Lock, fact.id)
        if lock is None or lock.covered.kind not in locks.NARROW:
            continue
        if not fact.ended and locking.incident_of(lock.cause) in told:
            continue
        found.append(
            BrakeView(
                scope=fact.scope, reason=fact.reason, owner=fact.owner, until=fact.ends_at, wants_go=fact.ended,
                room=fact.room,
            )
        )  # fmt: skip
    return tuple(found)
