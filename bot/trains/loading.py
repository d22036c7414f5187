"""From rows to views: what templates see of one departure, at the instant it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.catalog import OnFailure, Ready, Train
from bot.departures.models import Departure, Passenger
from bot.departures.states import Outcome, PassengerState, State
from bot.deploys import loading as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy
from bot.deploys.views import ChangeView, PersonView, RangeState
from bot.events import DeployStatus
from bot.locks import loading as locks
from bot.people import Available
from bot.promotions import judging
from bot.promotions.gathering import approvals_of, changes_of, situation, target_of
from bot.promotions.models import Promotion
from bot.promotions.models import State as PromotionState
from bot.promotions.shown import gate_lines, who_view
from bot.promotions.states import is_called, state_of
from bot.promotions.views import AbleView
from bot.trains import conducting, finding, following, rules, times
from bot.trains.departing import TRAIN_GATE
from bot.trains.rules import Leg
from bot.trains.views import (
    AboardCard,
    DepartureCard,
    LeftBehind,
    ServiceAboard,
    Standing,
)
from bot.trains.words import time_words

LISTED = 10
"""Changes of one service that are named; the rest are counted."""

MOST_ABOARD = 12
"""Services that a card names, as its template has it."""

MOST_LEFT = 8
"""Changes left behind that a card names."""

MOST_ABLE = 5
"""How many of those who can help are named."""


def departure_card(
    session: Session, desk: Desk, departure: Departure, *, listed: int = LISTED, most_left: int = MOST_LEFT
) -> DepartureCard:
    """A departure as its channel sees it."""
    train = finding.train_of(session, desk, departure)
    state, standing = departure.standing, conducting.standing_of(session, desk, departure)
    rows = finding.passengers_of(session, departure)
    aboard = _aboard(session, desk, departure, rows, listed)
    behind = [(row, change) for row, change in rows if row.state != PassengerState.ABOARD.value]
    views = deploys.change_views(session, desk, [change for _, change in behind[:most_left]])
    before = state in (State.SEALED, State.HELD)
    asked = [
        (row, change) for row, change in rows
        if before and train is not None and train.ready is not None and row.state == PassengerState.ABOARD.value
    ]  # fmt: skip
    waiting = [change for row, change in asked if row.ready_at is None]
    waiting_views = deploys.change_views(session, desk, waiting)
    held_by = departure.hold_owner if state is State.HELD else None
    return DepartureCard(
        departure_id=departure.id or 0,
        seen=conducting.seen_of(session, desk, departure),
        train=finding.row_of(session, departure).name,
        environment=environment_of(session, departure, train),
        at=departure.scheduled_at,
        clock=time_words(desk, departure),
        zone=departure.zone,
        extra=departure.extra,
        state=state,
        outcome=Outcome(departure.outcome) if departure.outcome is not None else None,
        stages=len(departure.stages),
        stage=departure.stage + 1,
        aboard=aboard,
        left=tuple(left_behind(session, desk, row, views[change.id or 0]) for row, change in behind[:most_left]),
        more_left=max(0, len(behind) - most_left),
        missing_ready=tuple(waiting_views.values()),
        ready=len({change.id for row, change in asked if row.ready_at is not None}),
        ready_required=train is not None and train.ready is Ready.REQUIRED,
        batch=standing.batch and _names_all(aboard),
        conductor=person_of(session, desk, departure.conductor),
        backup=person_of(session, desk, departure.backup),
        sealed_at=departure.sealed_at,
        departed_at=departure.departed_at,
        ended_at=departure.ended_at,
        ended_by=who_view(session, desk, departure.ended_by),
        ended_reason=departure.ended_reason,
        held_by=locks.person(session, desk, held_by, departure.hold_called) if held_by is not None else None,
        hold_reason=departure.hold_reason,
        review_at=departure.hold_review_at,
        stopped_reason=departure.stopped_reason if state is State.DEPARTED else None,
        over_freeze=departure.over_freeze,
        returning=departure.returning_at is not None,
        decide_by=departure.decide_by,
        on_failure=(train.on_failure if train is not None else OnFailure.HOLD).value,
        next_at=next_at(train, max(departure.scheduled_at, desk.now) if not before else departure.scheduled_at),
        ran=standing.ran,
        may=tuple(sorted(rules.may(standing))),
    )


def _names_all(aboard: Sequence[ServiceAboard]) -> bool:
    """Whether every change aboard stands on the card: only then may one yes be asked for to all of them."""
    return len(aboard) <= MOST_ABOARD and not any(one.more for one in aboard)


def _aboard(
    session: Session, desk: Desk, departure: Departure, rows: Sequence[tuple[Passenger, Change]], listed: int
) -> tuple[ServiceAboard, ...]:
    promotions = finding.promotions_of(session, departure)
    legs = following.legs_of(session, departure) if departure.departed_at is not None else {}
    found = []
    for service in finding.aboard(departure):
        promotion = promotions.get(service)
        if promotion is None:
            continue
        passengers = [
            change for row, change in rows if row.service == service and row.state == PassengerState.ABOARD.value
        ]
        leg = legs.get(service, Leg.WAITS)
        found.append(_service(session, desk, departure, service, promotion, leg, passengers, listed))
    return tuple(found)


def _service(
    session: Session,
    desk: Desk,
    departure: Departure,
    service: str,
    promotion: Promotion,
    leg: Leg,
    passengers: Sequence[Change],
    listed: int,
) -> ServiceAboard:
    known = situation(session, desk, promotion, desk.now)
    waiting = not state_of(promotion).ended and not is_called(promotion)
    closed = judging.judge_situation(session, desk, promotion, known).closed if waiting else ()
    closed = tuple(one for one in closed if one.gate != TRAIN_GATE)
    read = promotion.range == RangeState.COMPLETE.value
    changes = [change for row, change in changes_of(session, promotion.id) if not row.leaving] if read else passengers
    views = deploys.change_views(session, desk, changes[:listed])
    deploy = session.get(Deploy, promotion.deploy) if promotion.deploy is not None else None
    wants_yes = any(one.gate == "approval" for one in closed)
    circle = judging.circle(session, desk, promotion, known) if wants_yes else judging.Circle()
    return ServiceAboard(
        service=service,
        promotion_id=promotion.id or 0,
        seen=known.run.seen,
        sha=promotion.sha,
        stands=_stands(departure, promotion, leg),
        after=_after(departure, service) if departure.standing is State.DEPARTED and waiting else (),
        changes=tuple(views.values()),
        more=max(0, len(changes) - listed) + promotion.truncated,
        closed=gate_lines(session, desk, known, closed),
        wants_yes=wants_yes,
        able=_able(circle.able),
        approved_by=tuple(
            locks.person(session, desk, yes.person)
            for yes in approvals_of(session, promotion.id)
            if yes.seen == known.run.seen
        ),
        percent=deploy.percent if deploy is not None and deploy.state is DeployStatus.IN_PROGRESS else None,
        took=_took(deploy),
        url=promotion.url or (deploy.url if deploy is not None else None),
        trouble=promotion.asks_person or (promotion.ended_reason if leg in (Leg.FAILED, Leg.OFF) else None),
        unread=not read,
        reentries=tuple(one.label for one in known.run.reentries if not one.answered) if waiting else (),
        stuck=judging.stuck_words(desk, service, circle),
    )


def _able(people: Sequence[Available]) -> tuple[AbleView, ...]:
    return tuple(
        AbleView(
            person=PersonView(name=one.name, slack_id=one.slack_id),
            online=one.online,
            from_at=None if one.works_now else one.from_at,
        )
        for one in people[:MOST_ABLE]
    )


def _stands(departure: Departure, promotion: Promotion, leg: Leg) -> Standing:
    if leg is Leg.WAITS:
        return Standing.STARTING if state_of(promotion) is PromotionState.STARTING else Standing.WAITS
    if leg is Leg.MOVING:
        going_back = departure.returning_at is not None and state_of(promotion).ended
        return Standing.GOING_BACK if going_back else Standing.ROLLING
    return _ENDED[leg]


_ENDED = {
    Leg.LIVE: Standing.LIVE,
    Leg.FAILED: Standing.FAILED,
    Leg.OFF: Standing.OFF,
    Leg.BACK: Standing.BACK,
    Leg.STUCK: Standing.STUCK,
}


def _after(departure: Departure, service: str) -> tuple[str, ...]:
    """What must be live before this service's stage is reached."""
    place = next((place for place, stage in enumerate(departure.stages) if service in stage), 0)
    return tuple(one for stage in departure.stages[departure.stage : place] for one in stage)


def left_behind(session: Session, desk: Desk, row: Passenger, change: ChangeView) -> LeftBehind:
    """A passenger that does not go along."""
    return LeftBehind(
        change=change,
        service=row.service,
        reason=row.reason or "it does not go along",
        until=row.until,
        by=who_view(session, desk, row.by),
    )


def environment_of(session: Session, departure: Departure, train: Train | None) -> str:
    """Where a departure goes; of a train that is configured no more, where it went."""
    if train is not None:
        return train.to
    return next((target.environment for target in finding.targets_of(session, departure)), "production")


def _took(deploy: Deploy | None) -> timedelta | None:
    if deploy is None or not deploy.state.ended:
        return None
    return deploy.status_at - (deploy.in_progress_at or deploy.began_at)


def person_of(session: Session, desk: Desk, slack_id: str | None) -> PersonView | None:
    """Somebody by their Slack id; None for nobody."""
    return locks.person(session, desk, slack_id) if slack_id is not None else None


def next_at(train: Train | None, after: datetime) -> datetime | None:
    """When a train leaves next after an instant; None where nothing is to come."""
    if train is None:
        return None
    coming = next(times.to_come(train, after), None)
    return coming.at if coming is not None else None


def aboard_card(session: Session, desk: Desk, promotion: Promotion) -> AboardCard | None:
    """What stands in place of a promotion's own card while a departure's card shows it; None where none does."""
    departure = session.get(Departure, promotion.departure) if promotion.departure is not None else None
    if departure is None:
        return None
    target = target_of(session, promotion)
    return AboardCard(
        promotion_id=promotion.id or 0,
        service=target.service,
        environment=target.environment,
        sha=promotion.sha,
        train=finding.row_of(session, departure).name,
        clock=time_words(desk, departure),
        at=departure.scheduled_at,
        over=departure.standing is State.CLOSED,
        zone=departure.zone,
    )


def changes_called(session: Session, numbers: Sequence[int]) -> list[Change]:
    """The changes of these numbers of ours, in their order."""
    found = {change.id: change for change in session.exec(select(Change).where(col(Change.id).in_(numbers)))}
    return [found[number] for number in numbers if number in found]
