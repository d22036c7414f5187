"""How trains and their departures are shown and said, in their channel and to whoever wrote what they carry."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlmodel import Session

from bot import people
from bot.delivery import Showing
from bot.departures.models import Departure
from bot.deploys.loading import Desk
from bot.events import Level
from bot.outbox import Card, Note
from bot.outgoing import brakes
from bot.trains import loading, noting
from bot.trains.telling import PassengerSaid


def departure_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """One departure in its train's channel."""
    departure = session.get(Departure, int(card.subject))
    if departure is None:
        return None
    view = brakes.on_departure(session, loading.departure_card(session, desk, departure))
    return Showing("cards/departure", view, {"kind": "departure", "departure": card.subject, "train": view.train})


def departure_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """What must be heard of a departure; None once it is not so."""
    view = noting.departure_note(session, desk, note)
    if view is None:
        return None
    return Showing("notes/departure", view, {"kind": "departure", "departure": str(view.card.departure_id)})


def train_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """Another timetable, or a train that runs no more."""
    view = noting.train_note(session, desk, note)
    return Showing("notes/train", view, {"kind": "train", "train": view.train}) if view is not None else None


def passenger_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """What an author hears of their changes on a train; None once it is not so, or where they want to hear nothing."""
    view = noting.passenger_note(session, desk, note)
    if view is None:
        return None
    wanted = _HEARD_BY_ALL if view.ready_required and view.asks_ready else _heard_by(PassengerSaid(view.said))
    heard = tuple(
        change
        for change in view.changes
        if people.level_of(session, note.place, f"change:{change.change_id}") in wanted
    )
    if not heard:
        return None
    view = replace(view, changes=heard, left=tuple(one for one in view.left if one.change in heard))
    return Showing("notes/passenger", view, {"kind": "departure", "departure": str(view.departure_id)})


_HEARD_BY_ALL = frozenset({Level.ALL, Level.FAILURES})
"""What is asked of somebody is heard unless they want to hear nothing at all."""


def _heard_by(said: PassengerSaid) -> Collection[Level]:
    """Who hears this: that a change stays is bad news, that it goes along is not."""
    return frozenset({Level.ALL}) if said in (PassengerSaid.ABOARD, PassengerSaid.LEFT) else _HEARD_BY_ALL
