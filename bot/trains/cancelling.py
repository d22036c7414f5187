"""How a departure that has not left comes to nothing: called off, or missed; whoever was aboard hears of it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot.departures.models import Departure
from bot.departures.states import Outcome, State
from bot.deploys.loading import Desk
from bot.trains import finding, moves, telling
from bot.trains.telling import PassengerSaid, Said
from bot.trains.words import NOBODY_THERE, called


def cancel(
    session: Session, desk: Desk, departure: Departure, now: datetime, *, who: str | None, why: str,
    cause: str | None = None,
) -> None:  # fmt: skip
    """Call it off: nothing of it ships, and the next departure takes what may go then. It is held, and has not left.

    ``cause`` is what lies behind ``why``, where that is more than one step away: what it carried keeps that alone.
    """
    _end(session, desk, departure, now, Outcome.CANCELLED, who, why, cause or why)
    telling.say(session, desk, departure, Said.CANCELLED, now, who=who, why=why)


def miss(session: Session, desk: Desk, departure: Departure, now: datetime, *, following: str | None) -> None:
    """Nobody was there to let it go until its grace was over; ``following`` is when the next one goes (ISO)."""
    _end(session, desk, departure, now, Outcome.MISSED, None, NOBODY_THERE, NOBODY_THERE)
    telling.say(session, desk, departure, Said.MISSED, now, earlier=0, next=following)


def _end(
    session: Session,
    desk: Desk,
    departure: Departure,
    now: datetime,
    outcome: Outcome,
    who: str | None,
    why: str,
    cause: str,
) -> None:
    name = called(session, desk, departure)
    changes = [change for _, change in finding.still_aboard(session, departure)]
    how = "was missed" if outcome is Outcome.MISSED else "was cancelled"
    moves.call_off(session, desk, departure, now, who=who, why=f"{name} {how}: {cause}")
    moves.move(session, departure, State.CLOSED, now, outcome=outcome, who=who, why=why)
    telling.show(session, desk, departure, now)
    said = PassengerSaid.MISSED if outcome is Outcome.MISSED else PassengerSaid.CANCELLED
    telling.tell_authors(session, desk, departure, said, changes, now, who=who, why=why)
