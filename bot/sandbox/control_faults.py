"""The control door's faults: switch them on by a wish, list those that are on, switch them off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.clock import Alarm
from bot.sandbox.faults import FIELDS, SUMMARIES, FaultKind
from bot.sandbox.world import Json

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

_GITHUB: dict[str, tuple[str, tuple[str, ...]]] = {
    "down": ("GitHub is down", ("for",)),
    "slow": ("GitHub is slow", ("for", "seconds")),
    "rate_limited": ("GitHub's rate limit is used up", ("for",)),
    "drop_webhooks": ("GitHub's webhooks are lost", ("for",)),
    "hold_webhooks": ("GitHub's webhooks are kept back", ("for",)),
    "late_webhooks": ("GitHub's webhooks are late", ("for", "seconds")),
}
_RATE_LIMITED_SECONDS = 60.0


class FaultDoor:
    """Switches the faults of one sandbox. GitHub's are numbered from 1001 here, so that one can be switched off."""

    def __init__(self, sandbox: Sandbox, changed: Callable[[], None]) -> None:
        self._sandbox = sandbox
        self._changed = changed
        self._github: dict[str, float] = {}
        self._alarms: dict[str, Alarm] = {}
        sandbox.slack.faults.watchers.append(changed)

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
        github = [
            {"system": "github", "kind": kind, "summary": summary, "fields": list(fields)}
            for kind, (summary, fields) in _GITHUB.items()
        ]
        return web.json_response({"faults": self.listed(), "kinds": [*slack, *github]})

    def listed(self) -> list[Json]:
        """The faults that are on."""
        return [*self._sandbox.slack.faults.listed(), *(self._told(kind) for kind in self._github)]

    def _told(self, kind: str) -> Json:
        alarm = self._alarms.get(kind)
        left = (alarm.at - self._sandbox.clock.now()).total_seconds() if alarm is not None else None
        return {
            "id": 1001 + list(_GITHUB).index(kind),
            "system": "github",
            "kind": kind,
            "summary": _GITHUB[kind][0],
            "method": None,
            "channel": None,
            "times": None,
            "left": None if left is None else max(0.0, left),
            "seconds": self._github[kind],
            "retry_after": None,
        }

    async def _switch_on(self, request: web.Request) -> web.Response:
        try:
            wish = await request.json()
            if not isinstance(wish, dict):
                raise ValueError("send a JSON object")
            if wish.get("system", "slack") == "github":
                return web.json_response({"ok": True, **self._switch_github(wish)})
            number = self._sandbox.slack.fault(
                FaultKind(wish["kind"]),
                method=wish.get("method") or None,
                channel=wish.get("channel") or None,
                times=_whole(wish.get("times")),
                seconds=float(wish.get("seconds") or 1),
                retry_after=int(wish.get("retry_after") or 1),
                duration=_seconds(wish.get("for")),
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
        for kind in list(self._github):
            if chosen in (None, self._told(kind)["id"]):
                self._end_github(kind)
        return web.json_response({"ok": True})

    # GitHub

    def _switch_github(self, wish: Json) -> Json:
        """Switch one ``kind`` on; or, without a kind, each that is named, on or off: ``{"down": true, "slow": 0}``."""
        if "kind" in wish:
            return {"id": self._begin_github(wish)}
        for kind in _GITHUB.keys() & wish.keys():
            if not wish[kind]:
                self._end_github(kind)
            elif kind == "rate_limited":
                self._begin_github({"kind": kind, "for": wish[kind]})
            else:
                self._begin_github({"kind": kind, "seconds": wish[kind]})
        return {}

    def _begin_github(self, wish: Json) -> int:
        kind = wish.get("kind")
        if kind not in _GITHUB:
            raise ValueError(f"kind: expected one of {', '.join(_GITHUB)}, not {kind!r}")
        seconds, duration = float(wish.get("seconds") or 1), _seconds(wish.get("for"))
        self._end_github(kind)
        self._github[kind] = seconds
        if duration is not None:
            self._alarms[kind] = self._sandbox.clock.call_later(
                timedelta(seconds=duration), lambda: self._end_github(kind)
            )
        self._apply()
        return int(self._told(kind)["id"])

    def _end_github(self, kind: str) -> None:
        alarm = self._alarms.pop(kind, None)
        if alarm is not None:
            alarm.cancel()
        if self._github.pop(kind, None) is None:
            return
        if kind == "hold_webhooks":
            self._sandbox.slack.background(self._sandbox.github.release_webhooks())
        self._apply()

    def _apply(self) -> None:
        github, on = self._sandbox.github, self._github
        limited = None
        if "rate_limited" in on:
            limited = self._told("rate_limited")["left"] or _RATE_LIMITED_SECONDS
        github.fault(down="down" in on, rate_limited=limited, slow=on.get("slow", 0.0))
        github.drop_webhooks("drop_webhooks" in on)
        github.late_webhooks(on.get("late_webhooks", 0.0))
        if "hold_webhooks" in on:
            github.hold_webhooks()
        self._changed()


def _seconds(value: object) -> float | None:
    """How long it lasts; None for until it is cleared."""
    if value in (None, ""):
        return None
    seconds = float(str(value))
    if seconds <= 0:
        raise ValueError("for: expected a number of seconds above 0")
    return seconds


def _whole(value: object) -> int | None:
    if value in (None, ""):
        return None
    number = int(str(value))
    if number < 1:
        raise ValueError("times: expected a number of 1 or more")
    return number
