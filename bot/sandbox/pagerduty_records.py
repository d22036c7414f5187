"""What exists on the stand-in PagerDuty: people and how they are woken, policies, services, incidents. Pure state."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """One of a person's notification rules: how they hear, how long after; an e-mail wakes nobody."""

    after: timedelta
    method: str

    @property
    def wakes(self) -> bool:
        """Whether it makes a noise."""
        return self.method != "email"


HIGH = (Way(timedelta(0), "push"), Way(timedelta(minutes=2), "phone"))
LOW = (Way(timedelta(0), "email"),)
"""How people here hear of urgent and other incidents; each person sets their own, which no caller of the API sees."""


@dataclass(frozen=True, kw_only=True)
class User:
    """A user. ``key`` is for tests; ``zone`` an IANA name."""

    id: str
    key: str
    name: str
    email: str
    zone: str = "Europe/Paris"
    role: str = "user"
    high: tuple[Way, ...] = HIGH
    low: tuple[Way, ...] = LOW


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level of an escalation policy: who is on call there, and how long they have to answer."""

    on_call: tuple[User, ...]
    patience: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """An escalation policy; after its last level it begins again ``loops`` times."""

    id: str
    name: str
    levels: tuple[Level, ...]
    loops: int = 0


@dataclass(kw_only=True, eq=False)
class Schedule:
    """A schedule, and whose shift it is now."""

    id: str
    name: str
    on_shift: tuple[User, ...]


@dataclass(kw_only=True, eq=False)
class Service:
    """A service. ``routing_key`` is that of its Events v2 integration."""

    id: str
    name: str
    policy: Policy
    routing_key: str
    created_at: datetime
    urgency: str = "high"
    changes: list[Json] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Notification:
    """Somebody was told of an incident, at that instant, in that way."""

    at: datetime
    user: User
    incident: str
    method: str
    wakes: bool


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of an incident's log; ``by`` None is the service itself."""

    id: str
    kind: str
    at: datetime
    by: User | None
    summary: str


@dataclass(kw_only=True, eq=False)
class Responder:
    """Somebody whose help was asked for: ``pending``, ``joined`` or ``declined``; only the first is documented."""

    user: User
    requester: User
    message: str
    at: datetime
    state: str = "pending"


@dataclass(kw_only=True, eq=False)
class Incident:
    """One incident. ``escalates`` is False where a person was named; no policy follows them. ``level`` is from 1."""

    id: str
    number: int
    title: str
    key: str
    service: Service
    policy: Policy
    urgency: str
    created_at: datetime
    status: str = "triggered"
    escalates: bool = True
    level: int = 1
    loops: int = 0
    details: str | None = None
    assigned: list[tuple[User, datetime]] = field(default_factory=list)
    acknowledged: list[tuple[User, datetime]] = field(default_factory=list)
    resolved_at: datetime | None = None
    resolved_by: User | None = None
    changed_at: datetime
    resolution: str | None = None
    turn: int = 0
    """Counts its assignments, so that what was meant for an earlier one does nothing."""
    log: list[Entry] = field(default_factory=list)
    notes: list[Json] = field(default_factory=list)
    updates: list[Json] = field(default_factory=list)
    responders: list[Responder] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether it is not resolved."""
        return self.status != "resolved"

    @property
    def assignees(self) -> list[User]:
        """Whom it is assigned to."""
        return [user for user, _ in self.assigned]


class Account:
    """Everything in one PagerDuty account."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.policies: dict[str, Policy] = {}
        self.services: dict[str, Service] = {}
        self.schedules: dict[str, Schedule] = {}
        self.incidents: dict[str, Incident] = {}
        self.abilities: set[str] = {"coordinated_responding", "teams", "urgencies"}
        self._numbers = itertools.count(1)

    def fresh(self, prefix: str) -> str:
        """An id nobody has had."""
        return f"{prefix}{next(self._numbers):06d}"

    def user(self, who: str) -> User:
        """The user with this id, key or e-mail; LookupError names those there are."""
        for user in self.users.values():
            if who.lower() in (user.id.lower(), user.key, user.email.lower()):
                return user
        raise LookupError(
            f"nobody in PagerDuty is {who!r}; there are {', '.join(one.key for one in self.users.values())}"
        )

    def by_email(self, email: str) -> User | None:
        """The user whose address this is."""
        return next((user for user in self.users.values() if user.email.lower() == email.strip().lower()), None)

    def service_of(self, routing_key: str) -> Service | None:
        """The service whose integration has this key."""
        return next((service for service in self.services.values() if service.routing_key == routing_key), None)

    def open_with(self, service: Service, key: str) -> Incident | None:
        """The open incident of a service with this key."""
        return next(
            (one for one in self.incidents.values() if one.open and one.service is service and one.key == key), None
        )
