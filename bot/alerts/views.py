"""What templates see of an alert."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.deploys.views import PersonView


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
class UnmappedCard:
    """An alert of which nobody knew whose it is, and whose it may be, the likeliest first.

    Once ``answered`` it is the ``service``'s, or nobody's where that is None; ``by`` is whoever said so.
    """

    alert_id: int
    name: str
    source: str
    since: datetime
    over: bool
    url: str | None
    summary: str | None
    labels: tuple[str, ...]
    choices: tuple[ServiceChoice, ...]
    grave: str | None = None
    """Its level, where that would have woken somebody."""
    answered: bool = False
    service: str | None = None
    by: PersonView | None = None
    more: bool = False
    """Whether there are more services than a menu takes: one that is searched offers all of them."""
    named: str | None = None
    """What its sender calls a service that is none; ``meant`` is one that is spelt like it."""
    meant: str | None = None


@dataclass(frozen=True, kw_only=True)
class UnmappedKind:
    """A kind of alert that waits to be asked about; ``level`` None where its sender tells none."""

    name: str
    level: str | None


@dataclass(frozen=True, kw_only=True)
class MoreUnmappedCard:
    """How many more kinds of alerts fire of which nobody knows whose they are; ``named`` are the gravest of them."""

    kinds: int
    named: tuple[UnmappedKind, ...]
    at_least: bool = False
    """Whether so many fire that only some of them were counted."""
