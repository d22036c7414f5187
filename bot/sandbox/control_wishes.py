"""Reading what the control door is asked: every mistake is refused by name, with what was expected."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from datetime import timedelta

from aiohttp import web

from bot.sandbox.bodies import parsed
from bot.sandbox.clock import duration
from bot.sandbox.world import Json

LONGEST = 366 * 86_400.0
"""Seconds: no fault lasts longer, and nothing is later than this."""


async def wish_of(request: web.Request) -> Json:
    """The JSON object of a request; ValueError for anything else."""
    try:
        wish = parsed(await request.read())
    except ValueError:
        wish = None
    if not isinstance(wish, dict):
        raise ValueError("send a JSON object")
    return wish


def refusal(error: Exception) -> web.Response:
    """What is answered to a wish that cannot be granted."""
    told = f"missing {error}" if isinstance(error, KeyError) else str(error)
    return web.json_response({"ok": False, "error": told}, status=400)


def only(wish: Iterable[str], known: Collection[str], where: str = "") -> None:
    """Refuse (ValueError) a field that means nothing here, since it is a mistake in one that does."""
    strange = sorted(set(wish) - set(known))
    if strange:
        raise ValueError(f"{where}there is no {', '.join(map(repr, strange))}; there are {', '.join(known)}")


def one_of(wish: Json, name: str, known: Collection[str], default: str | None = None) -> str:
    """A field that is one of a few words; KeyError where it has no default and is absent."""
    value = wish[name] if default is None else wish.get(name, default)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name}: expected one of {', '.join(known)}, not {value!r}")
    return value


def inside(wish: Json, name: str) -> Json:
    """A field that is an object itself."""
    value = wish[name]
    if not isinstance(value, dict):
        raise ValueError(f'{name}: expected an object, such as {{"{name}": {{…}}}}, not {value!r}')
    return value


def text(wish: Json, name: str, default: str | None = None) -> str:
    """A field that is a string; KeyError where it has no default and is absent."""
    value = wish[name] if default is None else wish.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected a string, not {value!r}")
    return value


def texts(wish: Json, names: Collection[str]) -> Json:
    """Those of these fields that are there, each a string or null."""
    found = {name: wish[name] for name in names if wish.get(name) is not None}
    return {name: text(found, name) for name in found} | {name: None for name in names if name not in found}


def values_of(use: Json) -> Json:
    """``values``: what inputs hold, by block or action; empty where absent."""
    return inside(use, "values") if use.get("values") is not None else {}


def seconds(wish: Json, name: str) -> float | None:
    """A field that is a number of seconds, above 0 and at most a year; None where absent."""
    return _number(wish, name, "a number of seconds above 0, at most a year", least=0.0, most=LONGEST)


def lasting(wish: Json, name: str) -> timedelta:
    """A field that is a duration, as ``90s`` or a number of seconds, not below 0; none where absent."""
    found = duration(wish.get(name, 0))
    if found < timedelta():
        raise ValueError(f"{name}: expected a duration from 0 on, not {wish[name]!r}")
    return found


def whole(wish: Json, name: str) -> int | None:
    """A field that is a whole number of 1 or more; None where absent."""
    found = _number(wish, name, "a whole number of 1 or more", least=0.0, most=LONGEST)
    if found is not None and found != int(found):
        raise ValueError(f"{name}: expected a whole number of 1 or more, not {wish[name]!r}")
    return None if found is None else int(found)


def pace(wish: Json, default: float) -> float:
    """``pace``: how fast a scene plays, 0 without any pause; ``default`` where absent."""
    value = wish.get("pace", default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST:
        raise ValueError(f"pace: expected a number of 0 (no pauses) or more, 1 being its own, not {value!r}")
    return float(value)


def _number(wish: Json, name: str, expected: str, *, least: float, most: float) -> float | None:
    value = wish.get(name)
    if value is None or value == "":
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not least < number <= most:  # which nan never is
        raise ValueError(f"{name}: expected {expected}, not {value!r}")
    return number
