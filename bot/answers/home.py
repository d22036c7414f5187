"""App Home: what waits for somebody, their changes on their way, what is locked, the next trains."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from bot import people
from bot.alerts import service as alerts
from bot.answers.ahead import promotion_line
from bot.answers.views import AlarmView, HomeView, MyIncident, WaitsForMe, WhereFound
from bot.answers.where import how_far
from bot.catalog import Service
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Contributor, Deploy
from bot.incidents import finding, pages
from bot.incidents import loading as incidents
from bot.incidents.states import WAITING, PageState
from bot.locks import loading as locks
from bot.promotions import service as promotions
from bot.promotions.gathering import approver_words
from bot.promotions.models import Promotion, State
from bot.trains import whole as trains
from bot.trains.views import TrainView

MOST_WAITING = 10
MOST_OWN = 6
"""Of somebody's changes that are on their way."""

LATEST = 25
"""Of somebody's changes that are looked at for whether they are on their way."""

MOST_TRAINS = 6
"""Of those that are configured: `/ship train` lists more."""

MOST_ALARMS = 10
"""Firing alerts that are looked at for whether they are about what somebody shipped."""

MOST_INCIDENTS = 6
MOST_LOOKED_AT = 25
"""Open incidents that are looked at for whether they are somebody's."""

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
        trains=_next_trains(session, desk),
        proven=people.proven_login(session, desk.catalog, slack_id) is not None,
        proves=desk.catalog.proves_logins,
        alarms=tuple(_alarms(session, desk, slack_id)),
        incidents=tuple(_incidents(session, desk, slack_id)),
        reads_only=profile is not None and profile.read_at is not None and not profile.full,
        full=profile is not None and profile.full,
    )


def _next_trains(session: Session, desk: Desk) -> tuple[TrainView, ...]:
    """The trains, whichever leaves sooner first: what is sealed already counts by its own time."""
    views = [
        trains.train_view(session, desk, train, later=0, boards=False)
        for train in list(desk.catalog.trains.values())[:MOST_TRAINS]
    ]
    return tuple(sorted(views, key=lambda view: (view.next_at is None, view.next_at or desk.now, view.name)))


def _incidents(session: Session, desk: Desk, slack_id: str) -> list[MyIncident]:
    """What is open and theirs: what they were woken for and have not answered comes first.

    Whoever did not answer in time is still called, as far as anybody knows, until somebody is on it.
    """
    found: list[MyIncident] = []
    for row in incidents.open_incidents(session, MOST_LOOKED_AT):
        page = next((one for one in reversed(finding.pages_of(session, row)) if one.slack_id == slack_id), None)
        free = not row.watched and not pages.answered(session, row)
        waits = page is not None and (page.state in WAITING or (page.state == PageState.UNANSWERED.value and free))
        named = slack_id in (row.lead, row.communications, row.scribe, row.opened_by)
        owner = desk.catalog.service(row.service) if row.service is not None else None
        if page is not None or named or (owner is not None and _approves(session, desk, owner, slack_id)):
            found.append(MyIncident(line=incidents.incident_line(session, desk, row), waits=waits, free=free))
    return sorted(found, key=lambda one: not one.waits)[:MOST_INCIDENTS]


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


def _alarms(session: Session, desk: Desk, slack_id: str) -> list[AlarmView]:
    """What fires on what went live and is watched, where they wrote some of it or may approve there."""
    names = _names(session, desk, slack_id)
    found: list[AlarmView] = []
    for alert in alerts.firing_everywhere(session, MOST_ALARMS):
        if alert.service is None:
            continue
        owner = desk.catalog.service(alert.service)
        for environment in owner.environments[-1:]:
            target = promotions.target_called(session, owner.name, environment)
            live = session.get(Deploy, target.live) if target is not None and target.live is not None else None
            if live is None or not alerts.concerns(alert, environment):
                continue
            promotion = promotions.owner_of(session, live)
            if promotion is None or desk.now >= live.status_at + desk.catalog.paging.window:
                continue
            brought = [change for row, change in promotions.changes_of(session, promotion.id) if not row.leaving]
            if _wrote(session, brought, names) or _approves(session, desk, owner, slack_id):
                views = loading.change_views(session, desk, brought[: loading.LISTED])
                found.append(
                    AlarmView(
                        service=owner.name, environment=environment, alert=alerts.view(alert),
                        changes=tuple(views.values()),
                    )
                )  # fmt: skip
    return found


def _wrote(session: Session, changes: Sequence[Change], names: Sequence[str]) -> bool:
    of = [change.id for change in changes]
    written = select(Contributor.change).where(col(Contributor.change).in_(of), col(Contributor.who).in_(names))
    return session.exec(written.limit(1)).first() is not None


def _approves(session: Session, desk: Desk, owner: Service, slack_id: str) -> bool:
    groups = (people.group(session, desk.catalog, word, desk.now, service=owner) for word in approver_words(owner))
    return any(fact.members is not None and slack_id in fact.members for fact in groups)


def _names(session: Session, desk: Desk, slack_id: str) -> Sequence[str]:
    """Every name by which this person may stand in our tables."""
    return sorted({*people.names_of(session, desk.catalog, slack_id), f"slack:{slack_id}"})


def _on_their_way(session: Session, desk: Desk, slack_id: str) -> list[WhereFound]:
    """Their latest changes that have environments before them, or were taken out of one."""
    names = _names(session, desk, slack_id)
    latest = session.exec(
        select(Change)
        .where(col(Change.id).in_(select(Contributor.change).where(col(Contributor.who).in_(names))))
        .order_by(col(Change.merged_at).desc().nulls_last(), col(Change.id).desc())
        .limit(LATEST)
    ).all()
    views = loading.change_views(session, desk, latest)
    found: list[WhereFound] = []
    for change in latest:
        one = how_far(session, desk, change, views[change.id or 0], slack_id)
        if one.waiting or any(stage.left or not stage.status.ended for stage in one.stages):
            found.append(one)
        if len(found) == MOST_OWN:
            break
    return found
