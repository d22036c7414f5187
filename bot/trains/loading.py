"""From rows to views: what templates see of a train and its departures, at the instant it is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from sqlmodel import Session, col, select

from bot.catalog import OnFailure, Ready, Train
from bot.departures.models import Departure, Passenger, TrainRow
from bot.departures.states import Outcome, PassengerState, State
from bot.deploys import loading as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy
from bot.deploys.views import AboutView, ChangeView, PersonView, RangeState
from bot.events import DeployStatus
from bot.gates import Soak
from bot.locks import loading as locks
from bot.outbox import Note
from bot.people import Available
from bot.promotions.gathering import approvals_of, changes_of, situation
from bot.promotions.judging import helpers, judge_situation
from bot.promotions.loading import gate_lines, who_view
from bot.promotions.models import Promotion
from bot.promotions.models import State as PromotionState
from bot.promotions.states import is_called, state_of
from bot.promotions.views import AbleView
from bot.timetable import Departs
from bot.trains import conducting, conductors, finding, following, foreseeing, gathering, rules, times
from bot.trains.departing import TRAIN_GATE
from bot.trains.rules import Left, Leg
from bot.trains.telling import PassengerSaid, Said, TrainSaid
from bot.trains.views import (
    BoardingService,
    BoardingView,
    ComingView,
    DepartureCard,
    DepartureNote,
    LeftBehind,
    PassengerNote,
    ServiceAboard,
    Standing,
    TrainNote,
    TrainView,
)
from bot.trains.words import called, time_words

LISTED = 10
"""Changes of one service that are named; the rest are counted."""

MOST_ABOARD = 12
"""Services that a card names, as its template has it."""

MOST_LEFT = 8
"""Changes left behind that a card names."""

MOST_ABLE = 5
"""How many of those who can help are named."""

LATER = 3
"""Departures that are told of after the one that boards."""

MISSED_FOR = timedelta(hours=12)
"""How long a missed departure is offered to be run after all, where its train is asked about."""


# --- one departure ------------------------------------------------------------------------------------------------


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
        environment=_environment(session, departure, train),
        at=departure.scheduled_at,
        clock=time_words(desk, departure),
        zone=departure.zone,
        extra=departure.extra,
        state=state,
        outcome=Outcome(departure.outcome) if departure.outcome is not None else None,
        stages=len(departure.stages),
        stage=departure.stage + 1,
        aboard=aboard,
        left=tuple(_left_behind(session, desk, row, views[change.id or 0]) for row, change in behind[:most_left]),
        more_left=max(0, len(behind) - most_left),
        missing_ready=tuple(waiting_views.values()),
        ready=len({change.id for row, change in asked if row.ready_at is not None}),
        ready_required=train is not None and train.ready is Ready.REQUIRED,
        batch=standing.batch and _names_all(aboard),
        conductor=_person(session, desk, departure.conductor),
        backup=_person(session, desk, departure.backup),
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
        next_at=_next_at(train, max(departure.scheduled_at, desk.now) if not before else departure.scheduled_at),
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
    closed = judge_situation(session, desk, promotion, known).closed if waiting else ()
    closed = tuple(one for one in closed if one.gate != TRAIN_GATE)
    read = promotion.range == RangeState.COMPLETE.value
    changes = [change for row, change in changes_of(session, promotion.id) if not row.leaving] if read else passengers
    views = deploys.change_views(session, desk, changes[:listed])
    deploy = session.get(Deploy, promotion.deploy) if promotion.deploy is not None else None
    wants_yes = any(one.gate == "approval" for one in closed)
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
        able=_able(helpers(session, desk, promotion, known)) if wants_yes else (),
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


def _left_behind(session: Session, desk: Desk, row: Passenger, change: ChangeView) -> LeftBehind:
    return LeftBehind(
        change=change,
        service=row.service,
        reason=row.reason or "it does not go along",
        until=row.until,
        by=who_view(session, desk, row.by),
    )


def _environment(session: Session, departure: Departure, train: Train | None) -> str:
    if train is not None:
        return train.to
    return next((target.environment for target in finding.targets_of(session, departure)), "production")


def _took(deploy: Deploy | None) -> timedelta | None:
    if deploy is None or not deploy.state.ended:
        return None
    return deploy.status_at - (deploy.in_progress_at or deploy.began_at)


def _person(session: Session, desk: Desk, slack_id: str | None) -> PersonView | None:
    return locks.person(session, desk, slack_id) if slack_id is not None else None


def _next_at(train: Train | None, after: datetime) -> datetime | None:
    if train is None:
        return None
    coming = next(times.to_come(train, after), None)
    return coming.at if coming is not None else None


# --- what is said -------------------------------------------------------------------------------------------------


def departure_note(session: Session, desk: Desk, note: Note) -> DepartureNote | None:
    """What a note says of a departure; None once it is not so any more."""
    departure = session.get(Departure, note.data["departure"])
    if departure is None or _is_moot(Said(note.data["said"]), departure):
        return None
    numbers = [number for number in note.data.get("changes") or () if isinstance(number, int)]
    views = deploys.change_views(session, desk, _changes(session, numbers[:LISTED]))
    following_at = note.data.get("next")
    return DepartureNote(
        said=note.data["said"],
        card=departure_card(session, desk, departure),
        who=who_view(session, desk, note.data.get("who")),
        why=note.data.get("why"),
        can=tuple(locks.person(session, desk, one) for one in (note.data.get("can") or ())[:MOST_ABLE]),
        changes=tuple(views.values()),
        service=note.data.get("service"),
        late=bool(note.data.get("late")),
        earlier=int(note.data.get("earlier") or 0),
        next_at=datetime.fromisoformat(following_at) if following_at else None,
        refused=tuple(note.data.get("refused") or ()),
    )


def _is_moot(said: Said, departure: Departure) -> bool:
    """Whether what is to be said was overtaken, and would only mislead."""
    state = departure.standing
    match said:
        case Said.SEALED:
            return state not in (State.SEALED, State.HELD)
        case Said.HELD | Said.REVIEW:
            return state is not State.HELD
        case Said.STOPPED | Said.STILL_STOPPED:
            return state is not State.DEPARTED or departure.stopped_reason is None or departure.returning_at is not None
        case _:
            return False


def train_note(session: Session, desk: Desk, note: Note) -> TrainNote | None:
    """What a note says of a train; None where nobody knows of the train any more."""
    row = session.get(TrainRow, note.data["train"])
    if row is None:
        return None
    data = note.data
    if data["said"] != TrainSaid.CHANGED.value:
        return TrainNote(said=data["said"], train=row.name)
    moved = data["before"] != data["after"]
    kept = [one for number in data.get("kept") or () if (one := session.get(Departure, number)) is not None]
    before, after = data.get("services_before") or [], data.get("services") or []
    return TrainNote(
        said=data["said"],
        train=row.name,
        before=tuple(datetime.fromisoformat(one) for one in data["before"]) if moved else (),
        after=tuple(datetime.fromisoformat(one) for one in data["after"]) if moved else (),
        joins=tuple(one for one in after if one not in before),
        leaves=tuple(one for one in before if one not in after),
        to=data.get("to") if data.get("to") != data.get("to_before") else None,
        closes=timedelta(seconds=data["closes"]) if data.get("closes") != data.get("closes_before") else None,
        kept=tuple(called(session, desk, one) for one in kept),
        kept_changes=sum(len(finding.still_aboard(session, one)) for one in kept),
    )


def passenger_note(session: Session, desk: Desk, note: Note) -> PassengerNote | None:
    """What an author is told of their changes on a departure; None once it is not so any more."""
    departure = session.get(Departure, note.data["departure"])
    if departure is None:
        return None
    said = PassengerSaid(note.data["said"])
    train = finding.train_of(session, desk, departure)
    theirs = [number for number in note.data.get("changes") or () if isinstance(number, int)]
    rows = [(row, change) for row, change in finding.passengers_of(session, departure) if change.id in theirs]
    if said is PassengerSaid.ABOARD:
        rows = [(row, change) for row, change in rows if row.state == PassengerState.ABOARD.value]
        if not rows or departure.standing is State.CLOSED:
            return None
    stays = [(row, change) for row, change in rows if row.state != PassengerState.ABOARD.value]
    by_number = {change.id: change for _, change in rows}
    views = deploys.change_views(session, desk, list(by_number.values()))
    before = departure.standing in (State.SEALED, State.HELD)
    live = _live_at(session, desk, list(by_number.values())) if said is PassengerSaid.ABOARD and before else ()
    return PassengerNote(
        said=said.value,
        departure_id=departure.id or 0,
        seen=conducting.seen_of(session, desk, departure),
        train=finding.row_of(session, departure).name,
        environment=_environment(session, departure, train),
        at=departure.scheduled_at,
        changes=tuple(views.values()),
        left=tuple(_left_behind(session, desk, row, views[change.id or 0]) for row, change in stays),
        who=who_view(session, desk, note.data.get("who")),
        why=note.data.get("why"),
        next_at=_next_at(train, max(departure.scheduled_at, desk.now)),
        conductor=_person(session, desk, departure.conductor),
        asks_ready=said is PassengerSaid.ABOARD and before and train is not None and train.ready is not None,
        ready_required=train is not None and train.ready is Ready.REQUIRED,
        live_from=min((one.from_at for one in live), default=None),
        live_to=max((one.to_at for one in live), default=None),
    )


def _live_at(session: Session, desk: Desk, changes: Sequence[Change]) -> Sequence[AboutView]:
    """When each of these is live everywhere that the train brings it; nothing where that cannot be told of one."""
    rides = [
        one
        for change in changes
        for one in foreseeing.onward(session, desk, change, deploys.stages(session, desk, change))
    ]
    known = [one.live for one in rides if one.live is not None]
    return known if len(known) == len(rides) else ()


def _changes(session: Session, numbers: Sequence[int]) -> list[Change]:
    found = {change.id: change for change in session.exec(select(Change).where(col(Change.id).in_(numbers)))}
    return [found[number] for number in numbers if number in found]


# --- a whole train ------------------------------------------------------------------------------------------------


def train_view(session: Session, desk: Desk, train: Train, *, later: int = LATER, boards: bool = True) -> TrainView:
    """A train as somebody sees it who asks: what runs, who boards (if ``boards``), and when it leaves after that."""
    row = finding.row_called(session, train.name)
    running = finding.alive(session, row.id) if row is not None and row.id is not None else ()
    to_come = [*islice(_to_come(desk, train, row), 1 + later)]
    first = to_come[0] if to_come else None
    views = [_coming(session, desk, train, row, one) for one in to_come]
    return TrainView(
        name=train.name,
        services=train.services,
        environment=train.to,
        zone=train.zone.key,
        running=tuple(departure_card(session, desk, one) for one in running),
        missed=_missed(session, desk, row),
        coming=views[0] if views else None,
        boarding=_boarding(session, desk, train, first, running) if first is not None and boards else None,
        later=tuple(views[1:]),
    )


def coming(session: Session, desk: Desk, train: Train, most: int) -> tuple[ComingView, ...]:
    """The next departures of a train whose list is not sealed yet."""
    row = finding.row_called(session, train.name)
    return tuple(_coming(session, desk, train, row, one) for one in islice(_to_come(desk, train, row), most))


def _to_come(desk: Desk, train: Train, row: TrainRow | None) -> Iterator[Departs]:
    after = desk.now if row is None or row.removed_at is not None else max(desk.now, row.reckoned_until)
    return times.to_come(train, after)


def _missed(session: Session, desk: Desk, row: TrainRow | None) -> DepartureCard | None:
    """The last departure, where it was missed and nothing of its train has left since."""
    if row is None:
        return None
    last = session.exec(
        select(Departure)
        .where(Departure.train == row.id, Departure.scheduled_at <= desk.now)
        .order_by(col(Departure.scheduled_at).desc())
        .limit(1)
    ).first()
    if last is None or last.outcome != Outcome.MISSED.value or last.scheduled_at < desk.now - MISSED_FOR:
        return None
    card = departure_card(session, desk, last)
    return None if card.ran else card


def _coming(session: Session, desk: Desk, train: Train, row: TrainRow | None, departs: Departs) -> ComingView:
    crew = conductors.crew_of(session, desk, row, train, departs.local, departs.at) if row is not None else rules.Crew()
    today = desk.now.astimezone(train.zone).date()
    local = departs.local
    return ComingView(
        at=departs.at,
        clock=f"{local:%H:%M}" if local.date() == today else f"{local:%a} {local.day} {local:%b} {local:%H:%M}",
        closes_at=departs.at - train.boarding_closes,
        conductor=_person(session, desk, crew.conductor),
        backup=_person(session, desk, crew.backup),
    )


def _boarding(
    session: Session, desk: Desk, train: Train, departs: Departs, running: Sequence[Departure]
) -> BoardingView:
    """Who would go if boarding closed now, but for what ``running`` departures carry; nothing is written."""
    candidates = gathering.candidates(session, desk, train, departs.at, desk.now)
    boarding = rules.board(train, candidates, departs.at)
    seated = {row.change for one in running for row, _ in finding.still_aboard(session, one)}
    boarding = replace(boarding, aboard=tuple(one for pick in boarding.aboard for one in _besides(pick, seated)))
    numbers = [change.id for pick in boarding.aboard for change in pick.changes]
    numbers += [one.change.id for one in boarding.left if one.change is not None]
    views = deploys.change_views(session, desk, _changes(session, numbers))
    builds = {(one.service, build.sha): build for one in candidates for build in one.builds}
    return BoardingView(
        aboard=tuple(
            BoardingService(
                service=pick.service,
                sha=pick.sha,
                soaks_until=_soaks_until(desk, pick.service, builds[(pick.service, pick.sha)]),
                changes=tuple(views[change.id] for change in pick.changes[:LISTED] if change.id in views),
                more=max(0, len(pick.changes) - LISTED) + builds[(pick.service, pick.sha)].truncated,
                unread=not builds[(pick.service, pick.sha)].read,
            )
            for pick in boarding.aboard
        ),
        left=tuple(_stays(views.get(one.change.id) if one.change else None, one) for one in boarding.left[:MOST_LEFT]),
        more_left=max(0, len(boarding.left) - MOST_LEFT),
    )


def _besides(pick: rules.Pick, seated: Collection[int]) -> Iterator[rules.Pick]:
    """What a build brings beyond what another departure brings already; nothing where that is all of it."""
    changes = tuple(change for change in pick.changes if change.id not in seated)
    if changes or not pick.changes:
        yield replace(pick, changes=changes)


def _soaks_until(desk: Desk, service: str, build: rules.BuildFact) -> datetime | None:
    """When the soak that its policy wants is over, where it is not yet."""
    soak = next((gate for gate in desk.catalog.service(service).gates if isinstance(gate, Soak)), None)
    if soak is None or build.succeeded_at is None or build.succeeded_at + soak.at_least <= desk.now:
        return None
    return build.succeeded_at + soak.at_least


def _stays(change: ChangeView | None, left: Left) -> LeftBehind:
    return LeftBehind(change=change, service=left.service, reason=left.reason, until=left.until)
