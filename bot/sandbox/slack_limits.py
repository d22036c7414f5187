"""Slack's rate limits: one message a second and channel with a small burst, a workspace total, and method tiers.

docs.slack.dev/apis/web-api/rate-limits gives the tiers and "1 per second"; the burst of three and the total of 400 a
minute are ours, for "short bursts" and "several hundred". Time is real, not the story's.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

MESSAGES_PER_SECOND = 1.0
BURST = 3
WORKSPACE_MESSAGES_PER_MINUTE = 400
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls a minute, per method."""


@dataclass
class Bucket:
    """Tokens that refill evenly up to ``size``."""

    size: float
    per_second: float
    tokens: float
    at: float

    def take(self, now: float) -> float:
        """Zero if a token was there; else the seconds until there is one."""
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.per_second)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.per_second


class RateLimits:
    """What the app has used up so far."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def wait(self, method: str, tier: int | None, channel: str | None) -> int:
        """Zero if the call may go on; else ``Retry-After`` in whole seconds. ``channel`` is given for a new message."""
        if tier is not None:
            return self._take(method, TIERS[tier], TIERS[tier] / 60)
        if method != "chat.postMessage" or channel is None:
            return 0
        wait = self._take(f"{method} {channel}", BURST, MESSAGES_PER_SECOND)
        if wait:
            return wait
        return self._take(method, WORKSPACE_MESSAGES_PER_MINUTE, WORKSPACE_MESSAGES_PER_MINUTE / 60)

    def _take(self, name: str, size: float, per_second: float) -> int:
        now = time.monotonic()
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(size, per_second, size, now)
        wait = bucket.take(now)
        return math.ceil(wait) if wait else 0
