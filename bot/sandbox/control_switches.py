"""The faults of GitHub and PagerDuty as the control door switches them: each on once, for a while or until ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.sandbox.clock import Alarm, Clock
from bot.sandbox.control_wishes import one_of, only, seconds
from bot.sandbox.world import Json

if TYPE_CHECKING:
    from bot.sandbox.github import GitHub
    from bot.sandbox.pagerduty import PagerDuty

Kinds = Mapping[str, tuple[str, tuple[str, ...]]]
"""What can go wrong: its name for people, and what can be said about it."""

GITHUB: Kinds = {
    "down": ("GitHub is down", ("for",)),
    "slow": ("GitHub is slow", ("for", "seconds")),
    "rate_limited": ("GitHub's rate limit is used up", ("for",)),
    "secondary": ("GitHub's secondary rate limit is exceeded", ("for",)),
    "drop_webhooks": ("GitHub's webhooks are lost", ("for",)),
    "hold_webhooks": ("GitHub's webhooks are kept back", ("for",)),
    "late_webhooks": ("GitHub's webhooks are late", ("for", "seconds")),
    "double_webhooks": ("GitHub's webhooks arrive twice", ("for",)),
    "shuffle_webhooks": ("GitHub's webhooks arrive in another order", ("for", "seconds")),
}
PAGERDUTY: Kinds = {
    "down": ("PagerDuty is down", ("for",)),
    "slow": ("PagerDuty is slow", ("for", "seconds")),
    "rate_limited": ("PagerDuty's rate limit is used up", ("for",)),
    "cut": ("PagerDuty does it, but the answer is lost", ("for",)),
    "late_webhooks": ("PagerDuty's webhooks are late", ("for", "seconds")),
}
_LASTING = ("rate_limited", "secondary")
"""Written without a kind, these are told how long: ``{"rate_limited": 60}``."""
LIMITED_SECONDS = 60.0
"""How long a limit says that it lasts where it has no end of its own; it lasts until it is ended."""


class Switches:
    """The switches of one system, numbered from ``first``. ``apply`` makes the system so, after each change."""

    def __init__(self, system: str, first: int, kinds: Kinds, clock: Clock, apply: Callable[[Switches], None]) -> None:
        self.system = system
        self.on: dict[str, float] = {}
        """The seconds of each that is on."""
        self._first = first
        self._kinds = kinds
        self._clock = clock
        self._apply = apply
        self._alarms: dict[str, Alarm] = {}

    def offered(self) -> list[Json]:
        """What can be switched on."""
        return [
            {"system": self.system, "kind": kind, "summary": summary, "fields": list(fields)}
            for kind, (summary, fields) in self._kinds.items()
        ]

    def listed(self) -> list[Json]:
        """What is on."""
        return [self._told(kind) for kind in self.on]

    def left(self, kind: str) -> float | None:
        """The seconds of the world for which it is still on; None where it has no end of its own."""
        alarm = self._alarms.get(kind)
        return None if alarm is None else max(0.0, (alarm.at - self._clock.now()).total_seconds())

    def _told(self, kind: str) -> Json:
        return {
            "id": self._number(kind),
            "system": self.system,
            "kind": kind,
            "summary": self._kinds[kind][0],
            "method": None,
            "channel": None,
            "times": None,
            "left": self.left(kind),
            "seconds": self.on[kind],
            "retry_after": None,
        }

    def _number(self, kind: str) -> int:
        return self._first + list(self._kinds).index(kind)

    def switch(self, wish: Json) -> Json:
        """Switch one ``kind`` on; or, without a kind, each that is named, on or off: ``{"down": true, "slow": 0}``."""
        if "kind" in wish:
            only(wish, ("system", "kind", *self._kinds[one_of(wish, "kind", list(self._kinds))][1]))
            return {"id": self._begin(wish)}
        only(wish, ("system", "kind", *self._kinds))
        if not self._kinds.keys() & wish.keys():
            raise KeyError("kind")
        for kind in self._kinds.keys() & wish.keys():
            if not wish[kind]:
                self._end(kind)
            elif wish[kind] is True:
                self._begin({"kind": kind})
            else:
                self._begin({"kind": kind, "for" if kind in _LASTING else "seconds": wish[kind]})
        return {}

    def end(self, number: int | None) -> None:
        """Switch off the one with this number, or all."""
        for kind in list(self.on):
            if number in (None, self._number(kind)):
                self._end(kind)

    def _begin(self, wish: Json) -> int:
        kind = one_of(wish, "kind", list(self._kinds))
        late, lasts = seconds(wish, "seconds") or 1.0, seconds(wish, "for")
        self._end(kind)
        self.on[kind] = late
        if lasts is not None:
            self._alarms[kind] = self._clock.call_later(timedelta(seconds=lasts), lambda: self._end(kind))
        self._apply(self)
        return self._number(kind)

    def _end(self, kind: str) -> None:
        alarm = self._alarms.pop(kind, None)
        if alarm is not None:
            alarm.cancel()
        if self.on.pop(kind, None) is not None:
            self._apply(self)


def make_github(github: GitHub, switches: Switches) -> None:
    """Make GitHub as its switches say."""
    on = switches.on
    github.fault(
        down="down" in on,
        rate_limited=_limited(switches, "rate_limited"),
        secondary=_limited(switches, "secondary"),
        slow=on.get("slow", 0.0),
        lasts=True,
    )
    github.drop_webhooks("drop_webhooks" in on)
    github.double_webhooks("double_webhooks" in on)
    github.shuffle_webhooks(on.get("shuffle_webhooks"))
    github.late_webhooks(on.get("late_webhooks", 0.0))
    if "hold_webhooks" in on:
        github.hold_webhooks()
    elif github.hooks.holding:
        github.hooks.release(None, 1)


def make_pagerduty(pagerduty: PagerDuty, switches: Switches) -> None:
    """Make PagerDuty as its switches say."""
    on = switches.on
    pagerduty.fault(
        down="down" in on,
        rate_limited=_limited(switches, "rate_limited"),
        slow=on.get("slow", 0.0),
        cut="cut" in on,
        lasts=True,
    )
    pagerduty.hooks.late = on.get("late_webhooks", 0.0)


def _limited(switches: Switches, kind: str) -> float | None:
    if kind not in switches.on:
        return None
    return switches.left(kind) or LIMITED_SECONDS
