"""What conductors do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TrainAct(StrEnum):
    """What a person does to one departure of a train."""

    HOLD = "hold"
    """It is not to leave until somebody releases it; needs a reason and a time to look at it again."""
    RELEASE = "release"
    """Takes a Hold back."""
    DEPART = "depart"
    """It is to leave now, if every gate is open."""
    REMOVE = "remove"
    """A service, or one change, is to stay behind."""
    CANCEL = "cancel"
    APPROVE = "approve"
    """A yes to everything aboard, as far as this person may say it."""
    READY = "ready"
    """A thumbs-up by whoever wrote a change aboard."""
    UNREADY = "unready"
    """Takes it back."""
    RUN = "run"
    """One that was missed is to leave after all, now."""
    ROLL_ON = "roll_on"
    """What was stopped half way goes on."""
    ROLL_BACK = "roll_back"
    """What was stopped half way is taken back."""


@dataclass(frozen=True, kw_only=True)
class TrainActed:
    """A person of our workspace, no guest, did something to a departure (our number) as they saw it (``seen``).

    ``service`` and ``change`` (our number of one) say what ``REMOVE`` leaves behind: the change, where both are given.
    ``change`` says what ``READY`` is about, None = everything of theirs. ``review_at`` is when a Hold is looked at
    again.
    """

    act: TrainAct
    departure: int
    seen: str | None = None
    service: str | None = None
    change: int | None = None
    reason: str | None = None
    review_at: datetime | None = None
    slack_id: str
    called: str
    at: datetime
