"""Where departures and their passengers stand, and how they may go on: pure, so that rules and tables share it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a departure stands. The rest is derived: boarding has no row yet, under way and soaking are promotions'."""

    SEALED = "sealed"
    """Its list is closed, and it leaves at its time."""
    HELD = "held"
    """It does not leave: a person holds it (``hold_owner``), or a gate was closed at its time."""
    DEPARTED = "departed"
    """Its stages are on their way, one after the other (``stage``), unless it stopped (``stopped_reason``)."""
    CLOSED = "closed"
    """Nothing more comes of it; ``outcome`` says what did."""


LEGAL: dict[State, frozenset[State]] = {
    State.SEALED: frozenset({State.HELD, State.DEPARTED, State.CLOSED}),
    State.HELD: frozenset({State.SEALED, State.DEPARTED, State.CLOSED}),
    State.DEPARTED: frozenset({State.CLOSED}),
}
"""Where each state may go; one that is not here is an end. One that is missed, or empty, begins CLOSED."""


class Outcome(StrEnum):
    """What came of a departure that is closed."""

    ARRIVED = "arrived"
    """Everything aboard is live."""
    FAILED = "failed"
    """It stopped on the way, and what is live stays."""
    ROLLED_BACK = "rolled_back"
    """It stopped on the way, and what it had brought was taken back."""
    CANCELLED = "cancelled"
    """Somebody called it off, or it could not leave until ``decide_by``."""
    MISSED = "missed"
    """Nobody was there to let it go until its grace was over."""
    EMPTY = "empty"
    """Nothing was aboard."""


class PassengerState(StrEnum):
    """Where a change stands with a departure."""

    ABOARD = "aboard"
    LEFT = "left"
    """It was left behind at sealing; ``reason`` says why."""
    REMOVED = "removed"
    """Somebody (``by``) took it off after sealing."""
