"""From rows to views: a whole train as somebody sees it who asks, with what runs, who boards, and what comes after."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from sqlmodel import Session, col, select

from bot.catalog import Train
from bot.departures.models import Departure, TrainRow
from bot.departures.states import Outcome
from bot.deploys import loading as deploys
from bot.deploys.loading import Desk
from bot.deploys.views import ChangeView
from bot.gates import Soak
from bot.timetable import Departs
from bot.trains import conductors, finding, gathering, loading, rules, times
from bot.trains.boarding import BuildFact, Left, Pick, board
from bot.trains.views import (
    BoardingService,
    BoardingView,
    ComingView,
    DepartureCard,
    LeftBehind,
    TrainView,
)

LATER = 3
"""Departures that are told of after the one that boards."""

MISSED_FOR = timedelta(hours=12)
"""How long a missed departure is offered to be run after all, where its train is asked about."""


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
        running=tuple(loading.departure_card(session, desk, one) for one in running),
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
    card = loading.departure_card(session, desk, last)
    return None if card.ran else card


def _coming(session: Session, desk: Desk, train: Train, row: TrainRow | None, departs: Departs) -> ComingView:
    crew = conductors.crew_of(session, desk, row, train, departs.local, departs.at) if row is not None else rules.Crew()
    today = desk.now.astimezone(train.zone).date()
    local = departs.local
    return ComingView(
        at=departs.at,
        clock=f"{local:%H:%M}" if local.date() == today else f"{local:%a} {local.day} {local:%b} {local:%H:%M}",
        closes_at=departs.at - train.boarding_closes,
        conductor=loading.person_of(session, desk, crew.conductor),
        backup=loading.person_of(session, desk, crew.backup),
    )


def _boarding(
    session: Session, desk: Desk, train: Train, departs: Departs, running: Sequence[Departure]
) -> BoardingView:
    """Who would go if boarding closed now, but for what ``running`` departures carry; nothing is written."""
    candidates = gathering.candidates(session, desk, train, departs.at, desk.now)
    boarding = board(train, candidates, departs.at)
    seated = {row.change for one in running for row, _ in finding.still_aboard(session, one)}
    boarding = replace(boarding, aboard=tuple(one for pick in boarding.aboard for one in _besides(pick, seated)))
    numbers = [change.id for pick in boarding.aboard for change in pick.changes]
    numbers += [one.change.id for one in boarding.left if one.change is not None]
    views = deploys.change_views(session, desk, loading.changes_called(session, numbers))
    builds = {(one.service, build.sha): build for one in candidates for build in one.builds}
    return BoardingView(
        aboard=tuple(
            BoardingService(
                service=pick.service,
                sha=pick.sha,
                soaks_until=_soaks_until(desk, pick.service, builds[(pick.service, pick.sha)]),
                changes=tuple(views[change.id] for change in pick.changes[: loading.LISTED] if change.id in views),
                more=max(0, len(pick.changes) - loading.LISTED) + builds[(pick.service, pick.sha)].truncated,
                unread=not builds[(pick.service, pick.sha)].read,
            )
            for pick in boarding.aboard
        ),
        left=tuple(
            _stays(views.get(one.change.id) if one.change else None, one) for one in boarding.left[: loading.MOST_LEFT]
        ),
        more_left=max(0, len(boarding.left) - loading.MOST_LEFT),
    )


def _besides(pick: Pick, seated: Collection[int]) -> Iterator[Pick]:
    """What a build brings beyond what another departure brings already; nothing where that is all of it."""
    changes = tuple(change for change in pick.changes if change.id not in seated)
    if changes or not pick.changes:
        yield replace(pick, changes=changes)


def _soaks_until(desk: Desk, service: str, build: BuildFact) -> datetime | None:
    """When the soak that its policy wants is over, where it is not yet."""
    soak = next((gate for gate in desk.catalog.service(service).gates if isinstance(gate, Soak)), None)
    if soak is None or build.succeeded_at is None or build.succeeded_at + soak.at_least <= desk.now:
        return None
    return build.succeeded_at + soak.at_least


def _stays(change: ChangeView | None, left: Left) -> LeftBehind:
    return LeftBehind(change=change, service=left.service, reason=left.reason, until=left.until)
