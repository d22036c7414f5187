"""From notes to views: what is said aloud of departures and trains, and to whoever wrote what they carry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.catalog import Ready
from bot.departures.models import Departure, TrainRow
from bot.departures.states import PassengerState, State
from bot.deploys import loading as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Change
from bot.deploys.views import AboutView
from bot.locks import loading as locks
from bot.outbox import Note
from bot.promotions.shown import who_view
from bot.trains import conducting, finding, foreseeing, loading
from bot.trains.telling import PassengerSaid, Said, TrainSaid
from bot.trains.views import (
    DepartureNote,
    PassengerNote,
    TrainNote,
)
from bot.trains.words import called, held_words


def departure_note(session: Session, desk: Desk, note: Note) -> DepartureNote | None:
    """What a note says of a departure; None once it is not so any more."""
    departure = session.get(Departure, note.data["departure"])
    if departure is None or _is_moot(Said(note.data["said"]), departure):
        return None
    numbers = [number for number in note.data.get("changes") or () if isinstance(number, int)]
    views = deploys.change_views(session, desk, loading.changes_called(session, numbers[: loading.LISTED]))
    following_at = note.data.get("next")
    return DepartureNote(
        said=note.data["said"],
        card=loading.departure_card(session, desk, departure),
        who=who_view(session, desk, note.data.get("who")),
        why=note.data.get("why"),
        can=tuple(locks.person(session, desk, one) for one in (note.data.get("can") or ())[: loading.MOST_ABLE]),
        changes=tuple(views.values()),
        service=note.data.get("service"),
        late=bool(note.data.get("late")),
        earlier=int(note.data.get("earlier") or 0),
        next_at=datetime.fromisoformat(following_at) if following_at else None,
        refused=tuple(note.data.get("refused") or ()),
        passed=tuple(note.data.get("passed") or ()),
        waits=tuple(note.data.get("services") or ()),
        nothing=bool(note.data.get("nothing")),
    )


def _is_moot(said: Said, departure: Departure) -> bool:
    """Whether what is to be said was overtaken, and would only mislead."""
    state = departure.standing
    match said:
        case Said.SEALED:
            return state not in (State.SEALED, State.HELD)
        case Said.HELD | Said.REVIEW:
            return state is not State.HELD
        case Said.STILL_RETURNING:
            return state is not State.DEPARTED
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
        zone=json.loads(row.timetable)["zone"],
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
        environment=loading.environment_of(session, departure, train),
        at=departure.scheduled_at,
        changes=tuple(views.values()),
        left=tuple(loading.left_behind(session, desk, row, views[change.id or 0]) for row, change in stays),
        who=who_view(session, desk, note.data.get("who")),
        why=note.data.get("why"),
        next_at=loading.next_at(train, max(departure.scheduled_at, desk.now)),
        conductor=loading.person_of(session, desk, departure.conductor),
        asks_ready=said is PassengerSaid.ABOARD and before and train is not None and train.ready is not None,
        ready_required=train is not None and train.ready is Ready.REQUIRED,
        live_from=min((one.from_at for one in live), default=None),
        live_to=max((one.to_at for one in live), default=None),
        held=held_words(departure) if said is PassengerSaid.ABOARD else None,
        zone=departure.zone,
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
