"""GitHub's rate limits: the hourly one and the secondary ones (GitHub docs: Rate limits for the REST API).

They are counted always, since the answers' headers tell of them, and enforced only where that is switched on. Limits:
one count for all callers; the CPU-time limit is not modelled. Headers tell real time; but an hour that the world's
clock is turned by is one in which nothing was asked: a day that is played in a minute would use up a minute's calls.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from bot.sandbox.github_answers import Refused
from bot.sandbox.github_hooks import INSTALLATION_ID

RATE_LIMIT = "/rate_limit"
"""Asking here how the limits stand counts against none of them."""
HOURLY = 5000
SEARCHES = 30
"""Searches a minute, of which there are none here."""
POINTS_PER_MINUTE = 900
"""A GET costs 1 point, whatever changes something 5."""
CREATIONS_PER_MINUTE = 80
CREATIONS_PER_HOUR = 500
AT_ONCE = 100
_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID."
)


class Limits:
    """What has been asked of the REST API lately; ``ahead`` is how many seconds the world's clock is before ours."""

    def __init__(self, *, enforced: bool, ahead: Callable[[], float] = lambda: 0.0) -> None:
        self.enforced = enforced
        self.hourly = HOURLY
        self.used = 0
        self._ahead = ahead
        self._furthest = 0.0
        self._ends = self._now() + 3600
        self.under_way = 0
        self._points: deque[tuple[float, int]] = deque()
        self._creations: deque[float] = deque()

    @property
    def remaining(self) -> int:
        """Calls left in this hour."""
        return max(0, self.hourly - self.used)

    @property
    def reset(self) -> int:
        """When this hour is over, in real Unix seconds."""
        return int(self._ends - self._now() + time.time())

    def headers(self) -> dict[str, str]:
        """What every answer says of them."""
        return {
            "X-RateLimit-Limit": str(self.hourly),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Reset": str(self.reset),
            "X-RateLimit-Resource": "core",
        }

    def count(self, verb: str, path: str) -> None:
        """Count one call; Refused where that is one too many and limits are enforced."""
        now = self._now()
        if now >= self._ends:
            self.used, self._ends = 0, now + 3600
        if path == RATE_LIMIT:
            return
        if self.enforced and self.remaining == 0:
            raise primary(self.reset)
        self.used += 1
        reading = verb in {"GET", "HEAD", "OPTIONS"}
        if self.enforced:
            self._refuse_bursts(now, reading)
        self._points.append((now, 1 if reading else 5))
        if not reading:
            self._creations.append(now)

    def _now(self) -> float:
        """Real time, and all that the world's clock was turned by; where that stands still, time passes here."""
        self._furthest = max(self._furthest, self._ahead())
        return time.time() + self._furthest

    def _refuse_bursts(self, now: float, reading: bool) -> None:
        while self._points and self._points[0][0] <= now - 60:
            self._points.popleft()
        while self._creations and self._creations[0] <= now - 3600:
            self._creations.popleft()
        if self.under_way > AT_ONCE:
            raise secondary(1)
        if sum(points for _, points in self._points) + (1 if reading else 5) > POINTS_PER_MINUTE:
            raise secondary(self._points[0][0] + 60 - now)
        if reading:
            return
        lately = [at for at in self._creations if at > now - 60]
        if len(lately) >= CREATIONS_PER_MINUTE:
            raise secondary(lately[0] + 60 - now)
        if len(self._creations) >= CREATIONS_PER_HOUR:
            raise secondary(self._creations[0] + 3600 - now)


def primary(until: float) -> Refused:
    """The hourly limit is used up until then (Unix seconds)."""
    return Refused(
        403,
        f"API rate limit exceeded for installation ID {INSTALLATION_ID}.",
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(until) + 1)},
    )


def secondary(wait: float) -> Refused:
    """A secondary limit is exceeded; it is over in ``wait`` seconds."""
    return Refused(403, _SECONDARY, {"Retry-After": str(max(1, int(wait) + 1))})
