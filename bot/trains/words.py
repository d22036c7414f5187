"""Sentences about departures that several answers share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.departures.models import Departure
from bot.departures.states import Outcome, State
from bot.deploys.loading import Desk
from bot.promotions.models import Promotion
from bot.promotions.models import State as PromotionState
from bot.promotions.states import state_of
from bot.promotions.words import person_words
from bot.trains import finding

LONGEST_REASON = 500
"""Characters of what a departure waits for, as it is kept."""

NOBODY_THERE = "nobody was there to let it go"
"""Why a departure was missed."""

_FATES = {
    PromotionState.REJECTED: "was rejected",
    PromotionState.CANCELLED: "was cancelled",
    PromotionState.EXPIRED: "expired, its gates did not open in time",
}
"""What became of a promotion that does not go; any other failed."""

_ENDED = {
    Outcome.ARRIVED: "has arrived",
    Outcome.FAILED: "stopped on its way and is over",
    Outcome.ROLLED_BACK: "was rolled back",
    Outcome.CANCELLED: "was cancelled",
    Outcome.MISSED: "was missed",
    Outcome.EMPTY: "had nothing aboard",
}


def called(session: Session, desk: Desk, departure: Departure) -> str:
    """How a departure is called in a sentence: ``the web 14:00``, with its day where that is not today."""
    return f"the {finding.row_of(session, departure).name} {time_words(desk, departure)}"


def time_words(desk: Desk, departure: Departure) -> str:
    """Its time on the timetable, with its day where that is not today."""
    zone = ZoneInfo(departure.zone)
    local = datetime.fromisoformat(departure.local)
    today = desk.now.astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%a} {local.day} {local:%b} {local:%H:%M}"


def instant_words(desk: Desk, departure: Departure, at: datetime) -> str:
    """An instant in the train's zone, for plain text: ``14:30 (Europe/Paris)``."""
    zone = ZoneInfo(departure.zone)
    local, today = at.astimezone(zone), desk.now.astimezone(zone).date()
    day = "" if local.date() == today else f"{local:%a} {local.day} {local:%b} "
    return f"{day}{local:%H:%M} ({zone.key})"


def stands_words(session: Session, desk: Desk, departure: Departure) -> str:
    """Where a departure stands: ``the web 14:00 was cancelled by Chi at 13:50 (UTC): too risky``."""
    return f"{called(session, desk, departure)} {_stands(session, desk, departure)}"


def _stands(session: Session, desk: Desk, departure: Departure) -> str:
    state, left_at = departure.standing, departure.departed_at or departure.scheduled_at
    if state is State.CLOSED:
        by = f" by {person_words(session, desk, departure.ended_by)}" if departure.ended_by else ""
        at = f" at {instant_words(desk, departure, departure.ended_at)}" if departure.ended_at else ""
        why = f": {departure.ended_reason}" if departure.ended_reason else ""
        return f"{_ENDED[Outcome(departure.outcome or Outcome.ARRIVED)]}{by}{at}{why}"
    if state is State.SEALED:
        words = f"is sealed and leaves at {instant_words(desk, departure, departure.scheduled_at)}"
    elif state is State.HELD:
        by = f" by {departure.hold_called or 'somebody'}" if departure.hold_owner is not None else ""
        words = f"is held{by}: {departure.hold_reason}"
    elif departure.returning_at is not None:
        words = "is being rolled back"
    elif departure.stopped_reason is not None:
        words = f"has stopped on its way: {departure.stopped_reason}"
    else:
        words = f"left at {instant_words(desk, departure, left_at)}"
    return words


def fate_words(session: Session, desk: Desk, service: str, promotion: Promotion) -> str:
    """What became of one service aboard that does not go, and why: ``checkout was rejected by Dee: too risky``.

    The cause alone, with no instant and no build: whoever reads it sees these beside it.
    """
    by = f" by {person_words(session, desk, promotion.ended_by)}" if promotion.ended_by else ""
    why = f": {promotion.ended_reason.rstrip('.')}" if promotion.ended_reason else ""
    return f"{service} {_FATES.get(state_of(promotion), 'failed')}{by}{why}"


def held_words(departure: Departure) -> str | None:
    """That a departure is held, and for what: ``held: waits for cart: needs 1 yes``; None where it is not."""
    if departure.standing is not State.HELD:
        return None
    if departure.hold_owner is not None:
        return f"held by {departure.hold_called or 'somebody'}: {departure.hold_reason}"
    return f"held: waits for {departure.hold_reason or 'what is closed yet'}"


def listed(names: Iterable[str]) -> str:
    """These as people list them: ``cart, checkout and search``."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def clipped(words: str) -> str:
    """Words that are kept, no longer than there is room for."""
    return words if len(words) <= LONGEST_REASON else words[: LONGEST_REASON - 1] + "…"


def iso(at: datetime) -> str:
    """An instant as notes keep it."""
    return at.astimezone(UTC).isoformat()
