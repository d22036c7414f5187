"""A pager that remembers what it was asked, and refuses what a test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.errors import OutgoingError
from bot.ports import Call, ChangeEvent, OnCall, Paged, PagerState, Reached


@dataclass
class Pager:
    """The pager, which remembers what it was asked, and refuses what ``faults`` says of a method."""

    calls: list[Call] = field(default_factory=list)
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    escalated: list[tuple[str, str]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    changes: list[ChangeEvent] = field(default_factory=list)
    states: dict[str, PagerState] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    faults: dict[str, OutgoingError] = field(default_factory=dict)
    responders: bool = True
    levels: tuple[tuple[str, ...], ...] = (("PDEE",), ("PEVE",))
    """Whom a policy calls, level by level."""
    tells: bool = False
    """Whether it tells whom it called where a service's own policy was asked, its first level."""

    def _may(self, method: str) -> None:
        if method in self.faults:
            raise self.faults[method]

    async def on_call(self, service: str) -> Sequence[OnCall]:
        """Nobody asks the pager here: who is on call is written by the test."""
        return ()

    async def on_schedule(self, schedule: str, at: datetime) -> Sequence[OnCall]:
        """Nor this."""
        return ()

    async def user_by_email(self, email: str) -> str | None:
        """By the addresses that the test gave it."""
        self._may("user_by_email")
        return self.users.get(email)

    async def page(self, call: Call) -> Paged:
        """One incident for each key while that is open."""
        self._may("page")
        known = {f"Q{place}": one.key for place, one in enumerate(self.calls, start=1)}
        number = next((one for one, key in known.items() if key == call.key and one not in self.resolved), None)
        if number is None:
            self.calls.append(call)
            number = f"Q{len(self.calls)}"
        reached = self.levels[0] if self.tells and call.user is None else ()
        called = tuple(Reached(user, user.removeprefix("P").capitalize()) for user in reached)
        return Paged(number, f"https://bakery.pagerduty.example/incidents/{number}", called)

    async def ask_responders(self, incident: str, users: Sequence[str], message: str) -> bool:
        """Where the account can."""
        self._may("ask_responders")
        if self.responders:
            self.asked.append((incident, tuple(users)))
        return self.responders

    async def escalate(self, incident: str, policy: str | None, but: Sequence[str]) -> Sequence[Reached]:
        """Level by level: the first one at which anybody has not been called yet."""
        self._may("escalate")
        level = next((one for one in self.levels if any(user not in but for user in one)), ())
        if level:
            self.escalated.append((incident, policy or "own"))
        return [Reached(user, user.removeprefix("P").capitalize()) for user in level]

    async def state(self, incident: str) -> PagerState:
        """As the test says, else nobody has answered."""
        self._may("state")
        return self.states.get(incident, PagerState())

    async def acknowledge(self, incident: str) -> None:
        """Remembered."""
        self._may("acknowledge")
        self.acknowledged.append(incident)

    async def note(self, incident: str, text: str) -> None:
        """Remembered."""
        self._may("note")
        self.notes.append((incident, text))

    async def resolve(self, incident: str) -> None:
        """Remembered."""
        self._may("resolve")
        self.resolved.append(incident)

    async def record_change(self, change: ChangeEvent) -> None:
        """Remembered."""
        self._may("record_change")
        self.changes.append(change)

    def phones(self) -> list[str | None]:
        """Whose phones rang, in order; None: by a policy."""
        return [call.user for call in self.calls]
