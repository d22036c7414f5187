"""How a departure gets from one state to the next: only by ``LEGAL``, always on record, and seen by what it carries."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot import audit, work
from bot.audit import Tag
from bot.departures.models import Departure, Passenger
from bot.departures.states import LEGAL, Outcome, PassengerState, State
from bot.deploys.loading import Desk
from bot.deploys.models import Change
from bot.promotions import advancing
from bot.promotions.models import Promotion
from bot.promotions.models import State as PromotionState
from bot.promotions.states import is_called, state_of
from bot.trains import finding, telling
from bot.trains.telling import DEPARTURE


def move(
    session: Session,
    departure: Departure,
    to: State,
    now: datetime,
    *,
    outcome: Outcome | None = None,
    who: str | None = None,
    why: str | None = None,
) -> None:
    """Bring it to another state; AssertionError where that is not legal. ``who`` and ``why`` are kept with an end."""
    before = departure.standing
    assert to in LEGAL.get(before, frozenset()), f"departure {departure.id} cannot go from {before} to {to}"
    assert (to is State.CLOSED) is (outcome is not None), "an end, and nothing else, has an outcome"
    departure.state = to.value
    if to is not State.HELD:
        departure.hold_reason = departure.hold_owner = departure.hold_called = None
        departure.hold_review_at = departure.hold_nagged_at = departure.decide_by = None
        departure.hold_waits = {}
    if outcome is not None:
        departure.outcome = outcome.value
        departure.ended_at, departure.ended_by, departure.ended_reason = now, who, why
        work.cancel(session, DEPARTURE, departure.id or 0)
    session.flush()
    audit.record(
        session, Tag.DEPARTURE_MOVED, f"departure:{departure.id}", now, who=who, before=before.value, to=to.value,
        outcome=outcome.value if outcome is not None else None, why=why,
    )  # fmt: skip
    touch(session, departure)


def touch(session: Session, departure: Departure) -> None:
    """Something about it changed: it is shown anew, and what it carries is judged again."""
    work.touch(session, DEPARTURE, departure.id or 0)
    for target in finding.targets_of(session, departure):
        work.touch(session, "target", target.id or 0)


def call_off(session: Session, desk: Desk, departure: Departure, now: datetime, *, who: str | None, why: str) -> None:
    """Whatever it carries that was not called is called off; what is under way goes on."""
    for promotion in finding.promotions_of(session, departure).values():
        if not state_of(promotion).ended and not is_called(promotion):
            advancing.end(session, desk, promotion, PromotionState.CANCELLED, now, who=who, why=why)


def take_off(
    session: Session,
    desk: Desk,
    departure: Departure,
    service: str,
    now: datetime,
    *,
    who: str | None,
    why: str,
) -> None:
    """A service leaves the list of a departure that has not left: everything of it waits for the next one."""
    rows = finding.still_aboard(session, departure, service)
    for row, _ in rows:
        _remove(session, row, who, why)
    stages = [[one for one in stage if one != service] for stage in departure.stages]
    departure.stages = [stage for stage in stages if stage]
    session.flush()
    removed(session, desk, departure, service, [change for _, change in rows], now, who=who, why=why)


def take_off_change(
    session: Session,
    desk: Desk,
    departure: Departure,
    service: str,
    row: Passenger,
    change: Change,
    instead: Promotion,
    staying: frozenset[int],
    now: datetime,
    *,
    who: str,
    why: str,
) -> None:
    """One change leaves the list, and with it whatever came after it: an older build goes (``instead``).

    ``staying`` are the changes that the older build brings.
    """
    _remove(session, row, who, why)
    with_it = []
    for other, its_change in finding.still_aboard(session, departure, service):
        if its_change.id in staying:
            other.promotion = instead.id
        else:
            other.state = PassengerState.LEFT.value
            other.reason = f"it was built after {change.label}, which was taken off"
            with_it.append(its_change)
    session.flush()
    removed(session, desk, departure, service, [change, *with_it], now, who=who, why=why)


def removed(
    session: Session,
    desk: Desk,
    departure: Departure,
    service: str,
    changes: list[Change],
    now: datetime,
    *,
    who: str | None,
    why: str,
) -> None:
    """Say that these are not aboard any more: in the channel, and to whoever wrote them."""
    numbers = [change.id for change in changes]
    of = f"{service}:{now.isoformat()}"
    audit.record(
        session, Tag.DEPARTURE_ACTED, f"departure:{departure.id}", now, who=who, act="remove", service=service,
        changes=[change.label for change in changes], why=why,
    )  # fmt: skip
    telling.say(
        session, desk, departure, telling.Said.REMOVED, now, of=of, who=who, why=why, service=service, changes=numbers
    )
    telling.tell_authors(session, desk, departure, telling.PassengerSaid.REMOVED, changes, now, of=of, who=who, why=why)
    touch(session, departure)


def _remove(session: Session, row: Passenger, who: str | None, why: str) -> None:
    row.state, row.reason, row.by = PassengerState.REMOVED.value, why, who
    session.add(row)
