"""The control door's faults: switch them on by a wish, list those that are on, switch them off."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.control_switches import (
    GITHUB,
    PAGERDUTY,
    Switches,
    make_github,
    make_pagerduty,
)
from bot.sandbox.control_wishes import one_of, only, refusal, seconds, texts, whole, wish_of
from bot.sandbox.faults import FIELDS, SUMMARIES, Fault, FaultKind
from bot.sandbox.slack_api import BESIDE, METHODS
from bot.sandbox.world import Json

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


class FaultDoor:
    """Switches the faults of one sandbox. GitHub's are numbered from 1001, PagerDuty's from 2001."""

    def __init__(self, sandbox: Sandbox, changed: Callable[[], None]) -> None:
        self._sandbox = sandbox
        self._changed = changed
        github, pagerduty, clock = sandbox.github, sandbox.pagerduty, sandbox.clock
        self._others = {
            "github": Switches("github", 1001, GITHUB, clock, self._then(lambda on: make_github(github, on))),
            "pagerduty": Switches(
                "pagerduty", 2001, PAGERDUTY, clock, self._then(lambda on: make_pagerduty(pagerduty, on))
            ),
        }
        sandbox.slack.faults.watchers.append(changed)

    def _then(self, make: Callable[[Switches], None]) -> Callable[[Switches], None]:
        """Make a system so, and tell the page."""

        def apply(switches: Switches) -> None:
            make(switches)
            self._changed()

        return apply

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.get("/_sandbox/fault", self._list),
            web.post("/_sandbox/fault", self._switch_on),
            web.delete("/_sandbox/fault", self._switch_off),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        slack = [
            {"system": "slack", "kind": kind.value, "summary": SUMMARIES[kind], "fields": list(FIELDS[kind])}
            for kind in FaultKind
        ]
        others = [kind for switches in self._others.values() for kind in switches.offered()]
        return web.json_response({"faults": self.listed(), "kinds": [*slack, *others]})

    def listed(self) -> list[Json]:
        """The faults that are on."""
        others = [fault for switches in self._others.values() for fault in switches.listed()]
        return [*self._sandbox.slack.faults.listed(), *others]

    async def _switch_on(self, request: web.Request) -> web.Response:
        try:
            wish = await wish_of(request)
            other = self._others.get(one_of(wish, "system", ("slack", *self._others), "slack"))
            done = {"id": self._slacks(wish)} if other is None else other.switch(wish)
        except (LookupError, ValueError) as error:
            return refusal(error)
        return web.json_response({"ok": True, **done})

    def _slacks(self, wish: Json) -> int:
        """Switch one of Slack's on, in the place of one of the same kind for the same calls."""
        slack = self._sandbox.slack
        kind = FaultKind(one_of(wish, "kind", list(FaultKind)))
        only(wish, ("system", "kind", *FIELDS[kind]))
        where = texts(wish, ("method", "channel"))
        if where["method"] not in (None, *METHODS, *BESIDE):
            known = ", ".join((*METHODS, *BESIDE))
            raise LookupError(f"the stand-in Slack has no method {where['method']!r}; there are {known}")
        if where["channel"] is not None and slack.workspace.find_person(where["channel"]) is None:
            where["channel"] = slack.workspace.channel(where["channel"]).id
        number = slack.fault(
            kind,
            **where,
            times=whole(wish, "times"),
            seconds=seconds(wish, "seconds") or 1.0,
            retry_after=whole(wish, "retry_after") or 1,
            duration=seconds(wish, "for"),
        )
        new = next(one for one in slack.faults.active if one.number == number)
        for twin in [one for one in slack.faults.active if one is not new and _scope(one) == _scope(new)]:
            slack.clear_faults(twin.number)
        return number

    async def _switch_off(self, request: web.Request) -> web.Response:
        try:
            only(request.query, ("id",))
            number = request.query.get("id")
            if number is not None and not number.isdecimal():
                raise ValueError(f"id: expected the number of a fault, not {number!r}")
            chosen = int(number) if number is not None else None
        except ValueError as error:
            return refusal(error)
        before = {one["id"] for one in self.listed()}
        self._sandbox.slack.clear_faults(chosen)
        for switches in self._others.values():
            switches.end(chosen)
        return web.json_response({"ok": True, "ended": sorted(before - {one["id"] for one in self.listed()})})


def _scope(fault: Fault) -> tuple[str, str | None, str | None]:
    return fault.kind, fault.method, fault.channel
