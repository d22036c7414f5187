"""A departure's card, and what must be heard besides: in its train's channel, and by whoever wrote what it carries.

The kinds and the data of all that trains say are named here; ``bot.outgoing`` loads them from present state when they
are sent. Each is said once, however often a step is repeated: after a restart nobody is told anything twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from bot import outbox
from bot.departures.models import Departure, TrainRow
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Change
from bot.outbox import Card, Lane
from bot.promotions import telling as promotions
from bot.trains import finding

DEPARTURE = promotions.DEPARTURE
"""Its kind of card and of work; the subject is its number."""

TRAIN = "train"
"""A train's kind of work."""

SAID = "departure_said"
"""A note in the thread of a departure's card: ``departure``, ``said``, and what ``Said`` names."""

TRAIN_SAID = "train_said"
"""A note of a train itself, in its channel: ``train``, ``said``, and what ``TrainSaid`` names."""

PASSENGER_SAID = "passenger_said"
"""A note to whoever wrote changes: ``departure``, ``said``, ``changes`` (our numbers of theirs), ``who``, ``why``."""


class Said(StrEnum):
    """What is said aloud of a departure. ``who`` is ``slack:U…``, None where the clock or a report did it."""

    SEALED = "sealed"
    """Its list is closed."""
    HELD = "held"
    """It does not leave at its time: somebody holds it (``who``, ``why``), or something is closed (``why``)."""
    REVIEW = "review"
    """A person's Hold was to be looked at again by now."""
    RELEASED = "released"
    """``who`` took the Hold back."""
    DEPARTED = "departed"
    """It left; ``late`` = after its time, ``who`` = somebody had it leave."""
    MISSED = "missed"
    """Nobody was there when it was to leave; ``earlier`` is how many were missed before it, ``next`` when one comes.

    With ``nothing`` nobody is asked to run it: nothing could have gone.
    """
    REMOVED = "removed"
    """``service`` (or its ``changes``, our numbers) was taken off it by ``who``, or fell off it (``why``)."""
    STOPPED = "stopped"
    """It is live in part and goes no further (``why``): the conductor is asked to roll on or back; ``can`` can help."""
    STILL_STOPPED = "still_stopped"
    """The same, and nobody has answered."""
    ROLLED_ON = "rolled_on"
    """Its conductor had it go on, past ``passed``."""
    ROLLED_BACK = "rolled_back"
    """What had gone live of it is taken back; ``who`` is None where the policy did it; ``refused`` says what stays."""
    STILL_RETURNING = "still_returning"
    """It is not back yet: ``services`` are on their way."""
    CANCELLED = "cancelled"
    ARRIVED = "arrived"
    """Everything it carried is live, or has ended otherwise."""


class TrainSaid(StrEnum):
    """What is said aloud of a train."""

    CHANGED = "changed"
    """Its timetable is another one: ``before`` and ``after`` are the next instants (ISO), ``kept`` a sealed number."""
    REMOVED = "removed"
    """It runs no more."""


class PassengerSaid(StrEnum):
    """What an author hears of their changes."""

    ABOARD = "aboard"
    """Sealed with them aboard; a thumbs-up is asked for where the train wants one."""
    LEFT = "left"
    """Sealed without them: why stands with the passenger."""
    REMOVED = "removed"
    """Taken off after that (``who``, ``why``)."""
    CANCELLED = "cancelled"
    """The departure does not go (``who``, ``why``)."""
    MISSED = "missed"


def show(session: Session, desk: Desk, departure: Departure, now: datetime) -> Card:
    """Show it anew in its train's channel; its card is made where it is not there."""
    place = channel(session, desk, departure)
    return outbox.touch_card(session, DEPARTURE, str(departure.id), place, now, lane=Lane.APPROVAL, urgent=True)


def say(
    session: Session, desk: Desk, departure: Departure, said: Said, now: datetime, *, of: str = "", **data: Any
) -> bool:
    """Say this in the thread of its card, once for each ``of``; returns whether it is news."""
    place = channel(session, desk, departure)
    card = outbox.find_card(session, DEPARTURE, str(departure.id), place) or show(session, desk, departure, now)
    return outbox.add_note(
        session, SAID, f"{DEPARTURE}:{departure.id}:{said.value}:{of}:{place}", place, now,
        thread=card, lane=Lane.APPROVAL, departure=departure.id, said=said.value, **data,
    )  # fmt: skip


def say_of_train(session: Session, train: TrainRow, said: TrainSaid, now: datetime, *, of: str, **data: Any) -> bool:
    """Say this of a train in the channel that it was last told in, once for each ``of``."""
    return outbox.add_note(
        session, TRAIN_SAID, f"{TRAIN}:{train.id}:{said.value}:{of}:{train.channel}", train.channel, now,
        lane=Lane.APPROVAL, train=train.id, said=said.value, **data,
    )  # fmt: skip


def tell_authors(
    session: Session,
    desk: Desk,
    departure: Departure,
    said: PassengerSaid,
    changes: Iterable[Change],
    now: datetime,
    *,
    of: str = "",
    who: str | None = None,
    why: str | None = None,
) -> None:
    """Each author hears this of their changes, once for each ``of`` and in one message; but for whoever did it."""
    for place, theirs in _by_author(session, desk, changes).items():
        if who is not None and who == f"slack:{place}":
            continue
        outbox.add_note(
            session, PASSENGER_SAID, f"{DEPARTURE}:{departure.id}:{said.value}:{of}:{place}", place, now,
            thread=outbox.find_card(session, "change", str(theirs[0]), place),
            departure=departure.id, said=said.value, changes=list(theirs), who=who, why=why,
        )  # fmt: skip


def channel(session: Session, desk: Desk, departure: Departure) -> str:
    """Where it is told of: its train's channel; where the train was last told of, once it is configured no more."""
    row = finding.row_of(session, departure)
    train = desk.catalog.trains.get(row.name)
    return finding.channel_of(desk, train) if train is not None else row.channel


def _by_author(session: Session, desk: Desk, changes: Iterable[Change]) -> Mapping[str, Sequence[int]]:
    found: dict[str, list[int]] = {}
    for change in changes:
        for _, place in loading.author_slack_ids(session, desk, change):
            theirs = found.setdefault(place, [])
            if change.id is not None and change.id not in theirs:
                theirs.append(change.id)
    return found
