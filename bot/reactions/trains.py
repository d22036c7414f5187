"""What follows for trains: from the clock, from whatever a target is touched by, and from a changed configuration."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot import work
from bot.deploys.loading import Desk
from bot.trains import service as trains
from bot.trains import telling

DEPARTURE = telling.DEPARTURE
"""The kind of work, and of what is touched, of one departure."""

KINDS = (telling.TRAIN, DEPARTURE)
"""Kinds of work that are trains'."""


def due(session: Session, desk: Desk, kind: str, number: int, now: datetime) -> None:
    """The time of a train, or of one of its departures, has come."""
    if kind == telling.TRAIN:
        trains.train_due(session, desk, number, now)
    else:
        trains.departure_due(session, desk, number, now)


def reconsider(session: Session, desk: Desk, departure_id: int, now: datetime) -> None:
    """Something that a departure carries moved, or somebody acted on it."""
    trains.reconsider(session, desk, departure_id, now)


def target_changed(session: Session, target_id: int) -> None:
    """Whatever opens or closes a gate of a target may let a departure go, or stop it on its way."""
    for number in trains.alive_at(session, target_id):
        work.touch(session, DEPARTURE, number)


def begin(session: Session, desk: Desk, now: datetime) -> None:
    """The timetable may be another one than before the start, and something may have come due meanwhile."""
    trains.reconcile(session, desk, now)
    for departure in trains.alive(session):
        work.touch(session, DEPARTURE, departure.id or 0)
