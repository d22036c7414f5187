"""Pure rules of deploys: which of two statuses stands, what ran before, who wrote it, when a rollout looks stuck.

Statuses and rollouts arrive in any order and any number of times. Each rule is therefore a choice by a fixed order
among all that is known (never "the newest to arrive"), so that every order of arrival ends in the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from bot.events import DeployStatus, Human, MergedPull

RANK = {
    DeployStatus.PENDING: 0,
    DeployStatus.IN_PROGRESS: 1,
    DeployStatus.CANCELLED: 2,
    DeployStatus.FAILED: 3,
    DeployStatus.SUCCEEDED: 4,
}
"""Which of two statuses with the same instant stands (senders' clocks tick in seconds)."""

USUAL_SAMPLES = 20
"""How many of the last succeeded rollouts say what is usual."""

FEWEST_SAMPLES = 3
"""Below this many, nothing is usual yet."""

STUCK_FACTOR = 3
"""A rollout is stuck after this many times its usual duration …"""

STUCK_MARGIN = timedelta(minutes=10)
"""… and at least this much longer than it …"""

STUCK_UNKNOWN = timedelta(hours=1)
"""… or after this long when nothing is usual yet."""


@dataclass(frozen=True)
class Standing:
    """A status and the instant at which it came to be."""

    status: DeployStatus
    at: datetime


def later(one: Standing, other: Standing) -> Standing:
    """Which of two reported statuses of one rollout stands: an end over anything else, then the later, then RANK."""

    def order(standing: Standing) -> tuple[bool, datetime, int]:
        return standing.status.ended, standing.at, RANK[standing.status]

    return max(one, other, key=order)


def weight(standing: Standing) -> str:
    """How much what is said with a status weighs against what was said with another: a text that sorts as ``later``."""
    at = standing.at.astimezone(UTC).isoformat("T", "microseconds")
    return f"{standing.status.ended:d} {at} {RANK[standing.status]}"


@dataclass(frozen=True)
class Rollout:
    """What the rules need to know of one deploy."""

    id: int
    sha: str
    status: DeployStatus
    status_at: datetime
    began_at: datetime

    @property
    def place(self) -> tuple[datetime, datetime, str]:
        """Its place among those that went live; of two within a second the one that began later, then by commit."""
        return self.status_at, self.began_at, self.sha

    @property
    def start(self) -> tuple[datetime, str]:
        """Its place among those that began, alike on every run."""
        return self.began_at, self.sha


def previous_of(rollout: Rollout, others: Iterable[Rollout]) -> Rollout | None:
    """What ran there before: for a live one, the last to go live before it did; else the last that began before it."""
    succeeded = [one for one in others if one.status is DeployStatus.SUCCEEDED and one.id != rollout.id]
    if rollout.status is DeployStatus.SUCCEEDED:
        before = [one for one in succeeded if one.place < rollout.place]
    else:
        before = [one for one in succeeded if one.start < rollout.start]
    return max(before, key=lambda one: one.place, default=None)


def live_of(rollouts: Iterable[Rollout]) -> Rollout | None:
    """What is live: the last to have succeeded."""
    succeeded = (one for one in rollouts if one.status is DeployStatus.SUCCEEDED)
    return max(succeeded, key=lambda one: one.place, default=None)


def usual_duration(durations: Sequence[timedelta]) -> timedelta | None:
    """What is usual among these, None when there are too few to tell."""
    if len(durations) < FEWEST_SAMPLES:
        return None
    return timedelta(seconds=median(duration.total_seconds() for duration in durations[:USUAL_SAMPLES]))


def stuck_after(usual: timedelta | None) -> timedelta:
    """How long a rollout may take before it looks stuck."""
    if usual is None:
        return STUCK_UNKNOWN
    return max(usual * STUCK_FACTOR, usual + STUCK_MARGIN)


@dataclass(frozen=True)
class Part:
    """One person's part in a change: ``author``, ``coauthor`` or ``merger``."""

    human: Human
    role: str


def parts_of(pull: MergedPull) -> tuple[Part, ...]:
    """Everybody recorded with a pull request, the author first; nobody twice for the same part."""
    merger = (Part(pull.merger, "merger"),) if pull.merger is not None else ()
    return (Part(pull.author, "author"), *(Part(one, "coauthor") for one in pull.coauthors), *merger)


def to_be_told(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Who hears of a change: everyone who wrote it; in the place of a bot that wrote it, whoever merged it.

    Bots hear nothing. The merger of a person's change is on record, and is not told: they did not write it.
    """
    wrote = [part for part in parts if part.role in ("author", "coauthor") and not part.human.bot]
    author_is_bot = any(part.role == "author" and part.human.bot for part in parts)
    if author_is_bot or not wrote:
        wrote += [part for part in parts if part.role == "merger" and not part.human.bot]
    seen: set[tuple[str, str]] = set()
    told = []
    for part in wrote:
        name = (part.human.login or "").lower(), "" if part.human.login else (part.human.email or "").lower()
        if name not in seen:
            seen.add(name)
            told.append(part)
    return tuple(told)


def standing_in_for(parts: Sequence[Part]) -> str | None:
    """The bot in whose stead the merger is named, None when a person wrote the change."""
    for part in parts:
        if part.role == "author" and part.human.bot:
            return (part.human.login or part.human.name or "a bot").removesuffix("[bot]")
    return None
