"""What templates see of an alert."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class AlertView:
    """An alert that fires since then, or did; ``url`` is where to look."""

    name: str
    since: datetime
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceChoice:
    """A service that an alert may be said to be of; ``value`` is what comes back."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class UnmappedNote:
    """An alert of which nobody knows whose it is, and whose it may be, the likeliest first."""

    alert_id: int
    name: str
    source: str
    since: datetime
    over: bool
    url: str | None
    summary: str | None
    labels: tuple[str, ...]
    choices: tuple[ServiceChoice, ...]


@dataclass(frozen=True, kw_only=True)
class MoreUnmappedNote:
    """How many more kinds of alerts fire of which nobody knows whose they are."""

    kinds: int
