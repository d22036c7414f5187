"""Who is on call, and waking people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Call:
    """A page to one person: ``user`` is the pager's id, ``service`` the one it is opened on.

    ``key`` is the pager incident's own, at most 255 characters: while one with it is open there is no second.
    """

    key: str
    service: str
    user: str | None
    """None: whoever the service's policy calls."""
    policy: str | None = None
    """The escalation policy to follow where no ``user`` is named; without it, the service's."""
    title: str
    details: str
    url: str | None = None


@dataclass(frozen=True)
class Reached:
    """Somebody whom the pager calls: its id of them, and what they are called there."""

    user: str
    name: str | None


@dataclass(frozen=True)
class Paged:
    """The pager's incident: its id, where people see it, and whom it went to, as far as the pager says."""

    incident: str
    url: str | None
    reached: tuple[Reached, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PagerState:
    """How an incident of the pager stands: acknowledged by whom (the pager's ids), resolved or not."""

    acknowledged_by: tuple[str, ...] = ()
    resolved: bool = False


@dataclass(frozen=True)
class OnCall:
    """Somebody on call: PagerDuty's id for them, their address there, and until when."""

    user: str
    email: str | None
    name: str
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class ChangeEvent:
    """A production deploy, as the pager shows it beside incidents."""

    summary: str
    source: str
    at: datetime
    details: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    """Texts by address."""


class Rota(Protocol):
    """Who is on call."""

    async def on_call(self, service: str) -> Sequence[OnCall]:
        """Who is on call now for a service (PagerDuty's id) at the first level of its escalation policy."""
        ...

    async def on_schedule(self, schedule: str, at: datetime) -> Sequence[OnCall]:
        """Whose shift it is at an instant by a schedule (PagerDuty's id), whether or not a policy calls it."""
        ...


class Pager(Rota, Protocol):
    """Who is on call, and waking people."""

    async def user_by_email(self, email: str) -> str | None:
        """The pager's id of the person with exactly this address, or None."""
        ...

    async def page(self, call: Call) -> Paged:
        """Wake somebody. Twice is harmless: an incident that is open with that key is returned as it is."""
        ...

    async def ask_responders(self, incident: str, users: Sequence[str], message: str) -> bool:
        """Ask further people to an incident, each once; False where the account cannot (PagerDuty's 402)."""
        ...

    async def escalate(self, incident: str, policy: str | None, but: Sequence[str]) -> Sequence[Reached]:
        """Bring an incident to the first level of a policy (None: its own) where anybody is other than ``but``.

        Returns whom it goes to now; nobody where the policy has no such level, and nothing was done then. An incident
        that went to somebody else by itself already stays there.
        """
        ...

    async def state(self, incident: str) -> PagerState:
        """How an incident stands now."""
        ...

    async def acknowledge(self, incident: str) -> None:
        """Say that somebody is on an incident, so that no phone rings on; one that is over stays so."""
        ...

    async def note(self, incident: str, text: str) -> None:
        """Write on an incident what people there should know (at most 2,000 characters); the same twice is once."""
        ...

    async def resolve(self, incident: str) -> None:
        """End an incident; one that is over stays so."""
        ...

    async def record_change(self, change: ChangeEvent) -> None:
        """Have the pager show that something was deployed (Events v2, change events); twice is shown twice."""
        ...
