"""What follows for promotions: from rollouts and checks, and from whatever a target is touched by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot import work
from bot.alerts import service as alerts
from bot.catalog import Catalog
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployReported
from bot.locks import service as locks
from bot.locks.rules import OnTheirWay
from bot.promotions import finding, telling
from bot.promotions import service as promotions
from bot.promotions.models import Promotion, State
from bot.promotions.words import called
from bot.reactions import alerts as alerting

SHOWN_AGAIN = 3
"""How many of the promotions that went live last are shown again when something newer does."""

WATCH_ENDS = timedelta(minutes=2)
"""For how long after its watch a card is shown again, to say that it is over."""


def deploy_reported(session: Session, desk: Desk, deploy: Deploy, event: DeployReported, now: datetime) -> None:
    """A rollout moved: the promotion it carries out follows it, and its build goes on to the environment after."""
    promotions.deploy_moved(session, desk, deploy, event, now)
    promotions.raise_for_build(session, desk, deploy, now)


def reconsider(session: Session, desk: Desk, target_id: int, now: datetime) -> None:
    """Something about a target changed: what is open there is judged, and locks show what waits because of them."""
    promotions.reconsider(session, desk, target_id, now)
    target = session.get(Target, target_id)
    if target is not None:
        locks.show_covering(session, desk.catalog, target.service, target.environment, now)
        live = session.get(Deploy, target.live) if target.live is not None else None
        if live is not None and now <= live.status_at + desk.catalog.paging.window + WATCH_ENDS:
            show_went_live(session, desk, target_id, now)


def went_live(session: Session, desk: Desk, deploy: Deploy, now: datetime) -> None:
    """Something went live: the card of what was live before says so, and its own shows how long it is watched."""
    show_went_live(session, desk, deploy.target, now)
    owner = promotions.owner_of(session, deploy)
    target = session.get(Target, deploy.target)
    if target is not None:
        alerting.tell_of_live(session, desk, alerts.firing(session, target.service), now)
    watched_until = deploy.status_at + desk.catalog.paging.window
    if owner is not None and watched_until > now:
        work.schedule(session, telling.PROMOTION, owner.id or 0, watched_until)


def show_went_live(session: Session, desk: Desk, target_id: int, now: datetime) -> None:
    """Show the last promotions that went live there, or failed to, as they are now: live, replaced, rolled back."""
    last = session.exec(
        select(Promotion)
        .where(Promotion.target == target_id, col(Promotion.state).in_((State.DONE.value, State.FAILED.value)))
        .order_by(col(Promotion.id).desc())
        .limit(SHOWN_AGAIN)
    ).all()
    for promotion in last:
        if finding.present(session, promotion.root or 0) is promotion:
            telling.show(session, desk, promotion, now)


def due(session: Session, desk: Desk, promotion_id: int, now: datetime) -> None:
    """A promotion's time has come: its target is looked at; one that was watched shows that it is no more."""
    promotion = session.get(Promotion, promotion_id)
    if promotion is None:
        return
    work.touch(session, "target", promotion.target)
    if promotion.state == State.DONE.value and finding.present(session, promotion.root or 0) is promotion:
        telling.show(session, desk, promotion, now)


def touch_all(session: Session) -> None:
    """What every promotion is judged by may have changed: who belongs to a group, or the policy."""
    for target in promotions.open_targets(session):
        work.touch(session, "target", target)


def moving(session: Session, target_ids: Sequence[int], *, catalog: Catalog, rollbacks: bool) -> OnTheirWay:
    """What is on its way to these targets as a lock is set that ``rollbacks`` may pass, as its owner is told."""
    found = promotions.moving(session, target_ids)
    held = [
        one
        for one in promotions.about_to_start(session, target_ids)
        if not (one.rollback and rollbacks) and any(gate.name == "lock" for gate in catalog.service(one.service).gates)
    ]
    return OnTheirWay(
        called=[_named(one) for one in found if not one.doubtful],
        doubtful=[_named(one) for one in found if one.doubtful],
        held=[_named(one) for one in held],
    )


def _named(one: promotions.Moving) -> str:
    by = f", promotion {one.promotion}" if one.promotion else ""
    return f"{one.service} → {one.environment} ({one.sha[:7]}{by})"


MOST_TOLD = 3
"""How many of those that a lifted lock lets go are named to whoever lifted it."""


def beginning(session: Session, desk: Desk, target_ids: Sequence[int], now: datetime) -> str:
    """What begins at these targets now that nothing is judged by what was lifted, or what it still waits for."""
    waiting = [one for one in (promotions.open_at(session, target) for target in target_ids) if one is not None]
    told = [f"{called(session, one)} {promotions.begins_words(session, desk, one, now)}" for one in waiting]
    if not told:
        return ""
    more = f"; and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    return f"{'; '.join(told[:MOST_TOLD])}{more}."
