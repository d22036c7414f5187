"""The control door's clock: what time it is in the world, turned forward or run at another speed by a wish.

``GET`` answers ``{"now": …, "speed": 1.0, "turned": seconds}``, for a bot that follows the clock. ``POST`` takes one or
both of a turn (``{"by": "30m"}``, ``{"by": 90}`` or ``{"to": "2026-11-02T09:00:00Z"}``) and ``{"speed": 60}``; it is
answered once such a bot goes by it, so that what is sent next happens in its present. A refused wish changes nothing.
"""

from __future__ import annotations

from aiohttp import web

from bot.sandbox.clock import Clock, duration, fit_speed, moment
from bot.sandbox.control_wishes import only, refusal, wish_of

ADDRESS = "/_sandbox/clock"


class ClockDoor:
    """Answers for one clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [web.get(ADDRESS, self._read), web.post(ADDRESS, self._change)]

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response(self._clock.read())

    async def _change(self, request: web.Request) -> web.Response:
        try:
            wish = await wish_of(request)
            only(wish, ("by", "to", "speed"))
            if not wish:
                raise ValueError('say how: {"by": "30m"}, {"to": "2026-11-02T09:00:00Z"} or {"speed": 60}')
            speed = _speed(wish["speed"]) if "speed" in wish else None
            if "by" in wish or "to" in wish:
                self._clock.turn(
                    by=duration(wish["by"]) if "by" in wish else None, to=moment(wish["to"]) if "to" in wish else None
                )
            if speed is not None:
                self._clock.speed = speed
            await self._clock.followed()
        except ValueError as error:
            return refusal(error)
        return web.json_response({"ok": True, **self._clock.told()})


def _speed(written: object) -> float:
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise ValueError(f"speed: expected a number, not {written!r}")
    return float(fit_speed(written))
