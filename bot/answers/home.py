"""App Home: what waits for somebody, their changes on their way, what is locked, the next trains."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from bot import people
from bot.answers.ahead import promotion_line
from bot.answers.views import HomeView, WaitsForMe, WhereFound
from bot.answers.where import how_far
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Contributor
from bot.locks import loading as locks
from bot.promotions import service as promotions
from bot.promotions.models import Promotion, State

MOST_WAITING = 10
MOST_OWN = 6
"""Of somebody's changes that are on their way."""

LATEST = 25
"""Of somebody's changes that are looked at for whether they are on their way."""

MOST_JUDGED = 60
"""Open promotions that are looked at for whether they wait for somebody."""


def home(session: Session, desk: Desk, slack_id: str) -> HomeView:
    """What this person sees when they open the app."""
    profile = people.profile_of(session, slack_id)
    waits = [one for one in _open(session) if _can_help(session, desk, one, slack_id)]
    return HomeView(
        person=locks.person(session, desk, slack_id),
        waits=tuple(_waits(session, desk, one) for one in waits[:MOST_WAITING]),
        more_waits=max(0, len(waits) - MOST_WAITING),
        mine=tuple(_on_their_way(session, desk, slack_id)),
        locks=locks.locks_reply(session, desk),
        trains=tuple(desk.catalog.trains),
        proven=people.proven_login(session, desk.catalog, slack_id) is not None,
        reads_only=profile is not None and profile.read_at is not None and not profile.full,
    )


def _open(session: Session) -> Sequence[Promotion]:
    return session.exec(
        select(Promotion)
        .where(Promotion.state == State.OPEN.value)
        .order_by(col(Promotion.created_at), col(Promotion.id))
        .limit(MOST_JUDGED)
    ).all()


def _can_help(session: Session, desk: Desk, promotion: Promotion, slack_id: str) -> bool:
    """Whether this person's yes is one that is missing."""
    return any(one.slack_id == slack_id for one in promotions.who_can(session, desk, promotion, desk.now))


def _waits(session: Session, desk: Desk, promotion: Promotion) -> WaitsForMe:
    line, target = promotion_line(session, desk, promotion), promotions.target_of(session, promotion)
    rows = promotions.changes_of(session, promotion.id)
    about = [change for row, change in rows if row.leaving is promotion.rollback][: loading.LISTED]
    views = loading.change_views(session, desk, about)
    return WaitsForMe(
        promotion_id=line.promotion_id,
        seen=promotions.seen_now(session, desk, promotion),
        service=target.service,
        environment=target.environment,
        changes=tuple(views.values()),
        changes_in_all=line.changes,
        rollback=promotion.rollback,
        closed=line.closed,
    )


def _on_their_way(session: Session, desk: Desk, slack_id: str) -> list[WhereFound]:
    """Their latest changes that have environments before them, or were taken out of one."""
    names = {*people.names_of(session, desk.catalog, slack_id), f"slack:{slack_id}"}
    latest = session.exec(
        select(Change)
        .where(col(Change.id).in_(select(Contributor.change).where(col(Contributor.who).in_(sorted(names)))))
        .order_by(col(Change.merged_at).desc().nulls_last(), col(Change.id).desc())
        .limit(LATEST)
    ).all()
    views = loading.change_views(session, desk, latest)
    found: list[WhereFound] = []
    for change in latest:
        one = how_far(session, desk, change, views[change.id or 0])
        if one.waiting or any(stage.left or not stage.status.ended for stage in one.stages):
            found.append(one)
        if len(found) == MOST_OWN:
            break
    return found
