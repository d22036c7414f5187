"""A rate limit that is used up on demand: until when, and whether that is kept to."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Exhausted:
    """Used up ``until`` then, in real Unix seconds; one that ``lasts``, until it is taken away, whatever it told."""

    until: float
    lasts: bool = False

    def told(self) -> float | None:
        """Until when a caller is refused now; None where nobody is any more."""
        now = time.time()
        if self.lasts:
            return max(self.until, now + 1)
        return self.until if self.until > now else None


def exhausted(seconds: float | None, *, lasts: bool) -> Exhausted | None:
    """Used up for so many seconds from now; None where it is not."""
    return None if seconds is None else Exhausted(time.time() + seconds, lasts)


def refused_until(limit: Exhausted | None) -> float | None:
    """Until when a limit refuses a caller now; None where it is not used up."""
    return None if limit is None else limit.told()
