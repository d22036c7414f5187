"""The control door's faults: switch them on by a wish, list those that are on, switch them off."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.control_switches import (
    GITHUB,
    PAGERDUTY,
    Switches,
    duration_of,
    make_github,
    make_pagerduty,
)
from bot.sandbox.faults import FIELDS, SUMMARIES, FaultKind
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
            wish = await request.json()
            if not isinstance(wish, dict):
                raise ValueError("send a JSON object")
            other = self._others.get(wish.get("system", "slack"))
            if other is not None:
                return web.json_response({"ok": True, **other.switch(wish)})
            number = self._sandbox.slack.fault(
                FaultKind(wish["kind"]),
                method=wish.get("method") or None,
                channel=wish.get("channel") or None,
                times=_whole(wish.get("times")),
                seconds=float(wish.get("seconds") or 1),
                retry_after=int(wish.get("retry_after") or 1),
                duration=duration_of(wish.get("for")),
            )
        except (LookupError, ValueError, TypeError) as error:
            told = f"missing {error}" if isinstance(error, KeyError) else str(error)
            return web.json_response({"ok": False, "error": told}, status=400)
        return web.json_response({"ok": True, "id": number})

    async def _switch_off(self, request: web.Request) -> web.Response:
        number = request.query.get("id")
        if number is not None and not number.isdecimal():
            return web.json_response({"ok": False, "error": "id: expected a number"}, status=400)
        chosen = int(number) if number is not None else None
        self._sandbox.slack.clear_faults(chosen)
        for switches in self._others.values():
            switches.end(chosen)
        return web.json_response({"ok": True})


def _whole(value: object) -> int | None:
    if value in (None, ""):
        return None
    number = int(str(value))
    if number < 1:
        raise ValueError("times: expected a number of 1 or more")
    return number
