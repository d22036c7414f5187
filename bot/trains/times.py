"""When a train leaves next, by its present timetable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.catalog import Train
from bot.timetable import Departs, departures
from bot.trains.words import iso


def to_come(train: Train, after: datetime) -> Iterator[Departs]:
    """A train's departures after an instant; it ends only where its timetable does."""
    return departures(train.departs, train.zone, after)


def following(train: Train | None, after: datetime) -> str | None:
    """The next one, as notes keep instants; None where none is to come."""
    departs = next(to_come(train, after), None) if train is not None else None
    return iso(departs.at) if departs is not None else None
