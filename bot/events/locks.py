"""What people brake and let go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class LockPlaced:
    """A person sets a lock. ``scope`` is what they typed: ``checkout``, ``checkout/production``, ``team:payments``,
    ``environment:production``, ``everything``. ``ends_at`` None = the default end.
    """

    scope: str
    reason: str
    ends_at: datetime | None
    rollbacks: bool
    slack_id: str
    called: str
    channel: str | None
    at: datetime


class LockAct(StrEnum):
    """What a person does to a lock that stands."""

    LIFT = "lift"
    EXTEND = "extend"
    GO = "go"
    """Production may go on after a lock that ran out or lifted itself."""


@dataclass(frozen=True, kw_only=True)
class LockActed:
    """A person lifts, extends or gives the Go. ``lock`` is its number; with None, ``scope`` is what they typed."""

    act: LockAct
    lock: int | None
    scope: str | None
    until: datetime | None = None
    slack_id: str
    called: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class FreezeDeclared:
    """A person declares a freeze from ``begins`` until ``ends``; ``service`` None = all."""

    service: str | None
    begins: datetime
    ends: datetime
    reason: str
    slack_id: str
    called: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class FreezeLifted:
    """A person ends a freeze that a person declared."""

    freeze: int
    slack_id: str
    called: str
    at: datetime
