"""When what may be sent: Slack's limits, and what it asked of us when we met them. Pure arithmetic over a given clock.

Slack allows about one message a second to a channel, with short bursts; ``chat.update`` is a method of tier 3, about
fifty calls a minute for the whole workspace. A 429 to a post pauses its channel for ``Retry-After``; a second channel
refused meanwhile means the method itself is limited, and pauses it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

UNAUTHORISED_SECONDS = 60.0
"""How long to wait after our credentials were refused: a person must mend them."""

MAX_BACKOFF = 300.0
"""The longest wait, in seconds, between two tries of the same thing."""


@dataclass(frozen=True)
class Limits:
    """How fast we send; None switches a limit off (benchmarks, other chats). Times are in seconds."""

    per_channel: float | None = 1.0
    """Messages per second into one channel."""
    channel_burst: int = 3
    updates_per_minute: float | None = 50.0
    update_burst: int = 20
    progress_every: float = 20.0
    """The least time between two edits of one message that only tell progress."""
    fold_after: float = 30.0
    """Cards that would wait longer than this are folded into a digest."""
    doubt_settles: float = 10.0
    """How long after a doubtful send its message must be visible, if it was taken: the client's own time-out."""
    page_settles: float = 2.0
    """The same for what wakes somebody, after a process was killed: no client of it waits, and a page twice is better
    than a page late."""
    concurrency: int = 24
    """Calls under way at once."""
    effects: int = 4
    """Effects under way at once …"""
    pages: int = 4
    """… and so many more of those that wake people, which wait for nothing else."""


@dataclass
class Bucket:
    """A token bucket: ``rate`` tokens a second, at most ``size`` of them."""

    rate: float
    size: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.size

    def wait(self, now: float) -> float:
        """Seconds until a token is there."""
        self._refill(now)
        return 0.0 if self.tokens >= 1 else (1 - self.tokens) / self.rate

    def take(self, now: float) -> None:
        """Use a token; the caller has seen that one is there."""
        self._refill(now)
        self.tokens -= 1

    def give_back(self) -> None:
        """A token that was taken was not used."""
        self.tokens = min(self.size, self.tokens + 1)

    def _refill(self, now: float) -> None:
        if now > self.at:
            self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
            self.at = now


@dataclass
class Channel:
    """The pace of one place."""

    bucket: Bucket | None
    paused_until: float = 0.0
    limited_until: float = 0.0
    """Until when a 429 pauses it; other reasons to pause say nothing of the method."""
    failures: int = 0
    busy: bool = False


class Pace:
    """What may be sent at an instant (monotonic seconds), and until when to wait otherwise."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._channels: dict[str, Channel] = {}
        self._updates = (
            Bucket(limits.updates_per_minute / 60, limits.update_burst) if limits.updates_per_minute else None
        )
        self.posts_paused_until = 0.0
        self.updates_paused_until = 0.0

    def channel(self, place: str) -> Channel:
        """The pace of ``place``, begun when it is met for the first time."""
        found = self._channels.get(place)
        if found is None:
            rate = self._limits.per_channel
            bucket = Bucket(rate, self._limits.channel_burst) if rate else None
            found = self._channels[place] = Channel(bucket)
        return found

    def post_wait(self, place: str, now: float) -> float:
        """Seconds until a post into ``place`` may go."""
        channel = self.channel(place)
        pause = max(channel.paused_until, self.posts_paused_until) - now
        return max(0.0, pause, channel.bucket.wait(now) if channel.bucket else 0.0)

    def posting(self, place: str, now: float) -> None:
        """A post goes now."""
        channel = self.channel(place)
        channel.busy = True
        if channel.bucket:
            channel.bucket.take(now)

    def post_done(self, place: str) -> None:
        """The place is free for the next post."""
        self.channel(place).busy = False

    def update_wait(self, now: float) -> float:
        """Seconds until an edit may go."""
        return max(0.0, self.updates_paused_until - now, self._updates.wait(now) if self._updates else 0.0)

    def updating(self, now: float) -> None:
        """An edit goes now."""
        if self._updates:
            self._updates.take(now)

    def update_spared(self) -> None:
        """An edit that was to go turned out to show nothing new: its turn is anybody's."""
        if self._updates:
            self._updates.give_back()

    def post_limited(self, place: str, delay: float, now: float) -> None:
        """Slack answered 429 to a post: pause the channel; if another one is paused already, the method."""
        if any(other.limited_until > now for name, other in self._channels.items() if name != place):
            self.posts_paused_until = max(self.posts_paused_until, now + delay)
        channel = self.channel(place)
        channel.limited_until = channel.paused_until = now + delay
        channel.failures += 1

    def updates_limited(self, delay: float, now: float) -> None:
        """Slack answered 429 to an edit."""
        self.updates_paused_until = max(self.updates_paused_until, now + delay)

    def post_failed(self, place: str, delay: float, now: float) -> None:
        """A post did not go out: wait before the next one into this place, so that order is kept."""
        channel = self.channel(place)
        channel.failures += 1
        channel.paused_until = max(channel.paused_until, now + delay)

    def post_succeeded(self, place: str) -> None:
        """A post went out."""
        self.channel(place).failures = 0

    def backlog_wait(self, place: str, position: int, now: float) -> float:
        """Seconds that the ``position``-th message from now (0 is the next) has to wait for those before it.

        A pause counts for nothing here: what waits for it would be no sooner there as a line of a digest.
        """
        bucket = self.channel(place).bucket
        if bucket is None:
            return 0.0
        return bucket.wait(now) + max(0.0, position - max(0.0, bucket.tokens - 1)) / bucket.rate


def backoff(attempts: int, jitter: float) -> float:
    """Seconds before the next try after ``attempts`` failed ones; ``jitter`` (0 to 1) spreads many."""
    return min(MAX_BACKOFF, 0.5 * 2.0 ** min(attempts, 12)) * (0.5 + jitter / 2)
