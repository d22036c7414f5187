"""Which departure a change catches and when it is there, by the timetable and by how long it took others: pure.

Said is what the service's own history bears out: in the middle (the median), and what nine in ten did not exceed. What
has no history is said to be unknown, never guessed; of what is under way only those count that took as long already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from statistics import median

from bot.catalog.model import Train  # from the model itself, which is pure: the package reads files
from bot.timetable import Departs, departures

FEW = 5
"""Below so many, what was usual is a rough guess, and is said to be one."""

COARSE = timedelta(minutes=5)
"""To what people are told instants: none of it is more exact, and a message is not corrected for less."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class History:
    """How long something took lately, the shortest first."""

    lengths: tuple[timedelta, ...] = ()

    @classmethod
    def of(cls, lengths: Iterable[timedelta]) -> History:
        """The same in order; a clock that was set back makes no length less than none."""
        return cls(tuple(sorted(max(one, timedelta()) for one in lengths)))

    @property
    def usual(self) -> timedelta | None:
        """The median; None without any."""
        if not self.lengths:
            return None
        return timedelta(seconds=median(one.total_seconds() for one in self.lengths))

    @property
    def nine_in_ten(self) -> timedelta | None:
        """The shortest that nine in ten did not exceed; None without any."""
        return self.lengths[ceil(len(self.lengths) * 9 / 10) - 1] if self.lengths else None

    @property
    def few(self) -> bool:
        """Whether there are too few to say more than about."""
        return len(self.lengths) < FEW

    def beyond(self, elapsed: timedelta) -> History:
        """Those that took longer than this: what is still under way after so long can only be one of them."""
        return History(tuple(one for one in self.lengths if one > elapsed))


@dataclass(frozen=True)
class When:
    """An instant that nobody knows exactly: ``at`` by what is usual, ``latest`` by nine in ten."""

    at: datetime
    latest: datetime
    few: bool = False
    """Whether few rollouts bear it out."""

    def later(self, by: timedelta) -> When:
        """So much later."""
        return When(self.at + by, self.latest + by, self.few)

    @property
    def coarse(self) -> When:
        """As people are told: to the five minutes, and never sooner than it is."""
        return When(_up(self.at), _up(self.latest), self.few)


@dataclass(frozen=True)
class Frozen:
    """A window in which nothing leaves, from ``begins`` until before ``ends``."""

    begins: datetime
    ends: datetime
    reason: str


@dataclass(frozen=True)
class PassedOver:
    """A departure that the change would catch and that will not leave."""

    departs: Departs
    reason: str


@dataclass(frozen=True, kw_only=True)
class Way:
    """What a change goes through, by what is on record of its service.

    ``arrivals`` is from the merge to success in the environment before, and ``soak`` what its gates want there;
    ``rollouts`` is how long each stage of the train took that leaves before its own, and then its own; ``undo`` what
    passes before each of them is called.
    """

    arrivals: History
    soak: timedelta
    rollouts: tuple[History, ...]
    undo: timedelta = timedelta()


class Unknown(StrEnum):
    """Why nobody can tell."""

    ARRIVAL = "arrival"
    """Nothing is on record of how long a change takes to the environment before."""
    OVERDUE = "overdue"
    """It has taken longer to get there than any that is on record."""
    ROLLOUT = "rollout"
    """Nothing is on record of how long a rollout takes where the train goes."""
    TIMETABLE = "timetable"
    """No departure comes any more that it could catch."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a change may expect. Each is None where nobody can tell, and ``unknown`` says why.

    ``departs`` is the departure that it catches by what is usual, ``at_worst`` by what nine in ten took.
    """

    staged: When | None = None
    soaked: When | None = None
    departs: Departs | None = None
    at_worst: Departs | None = None
    live: When | None = None
    passed_over: tuple[PassedOver, ...] = ()
    unknown: Unknown | None = None

    @property
    def sure(self) -> bool:
        """Whether it catches the same departure also when it takes as long as few do."""
        return self.departs is not None and self.departs == self.at_worst


def forecast(
    train: Train, way: Way, now: datetime, *, merged_at: datetime, staged_at: datetime | None = None,
    sealed_until: datetime | None = None, frozen: Sequence[Frozen] = (),
) -> Forecast:  # fmt: skip
    """What a change may expect that was, or is to be, merged at ``merged_at`` and is not sealed into any departure.

    ``staged_at`` is when it first succeeded in the environment before; boarding has closed for every departure up to
    ``sealed_until``.
    """
    staged = When(staged_at, staged_at) if staged_at is not None else _arrives(way.arrivals, merged_at, now)
    if staged is None:
        return Forecast(unknown=Unknown.OVERDUE if way.arrivals.lengths else Unknown.ARRIVAL)
    soaked = staged.later(way.soak)
    after = max(now, sealed_until or now)
    first, over = catches(train, staged.at, soaked.at, after, frozen)
    last, _ = catches(train, staged.latest, soaked.latest, after, frozen)
    if first is None or last is None:
        return Forecast(staged=staged, soaked=soaked, departs=first, passed_over=over, unknown=Unknown.TIMETABLE)
    live = arrives_after(way, first.at, last.at)
    return Forecast(
        staged=staged,
        soaked=soaked,
        departs=first,
        at_worst=last,
        live=When(live.at, live.latest, live.few or staged.few) if live is not None else None,
        passed_over=over,
        unknown=Unknown.ROLLOUT if live is None else None,
    )


def catches(
    train: Train, staged_at: datetime, soaked_at: datetime, after: datetime, frozen: Sequence[Frozen] = ()
) -> tuple[Departs | None, tuple[PassedOver, ...]]:
    """The first departure after ``after`` for a build that is there when boarding closes and has soaked when it leaves.

    Besides, those that are frozen at their time, one for each freeze.
    """
    passed: list[PassedOver] = []
    since = max(after, staged_at + train.boarding_closes - _TICK, soaked_at - _TICK)
    while True:
        coming = next(departures(train.departs, train.zone, since), None)
        closed = next((one for one in frozen if coming is not None and one.begins <= coming.at < one.ends), None)
        if coming is None or closed is None:
            return coming, tuple(passed)
        passed.append(PassedOver(coming, closed.reason))
        since = closed.ends - _TICK  # later than what was just found: its window ends after it


def arrives_after(way: Way, departs_at: datetime, at_worst: datetime | None = None) -> When | None:
    """When it is live that leaves at this instant, or ``at_worst`` then; None where a rollout's length is unknown."""
    at, latest = departs_at, at_worst if at_worst is not None else departs_at
    for rollout in way.rollouts:
        usual, longest = rollout.usual, rollout.nine_in_ten
        if usual is None or longest is None:
            return None
        at, latest = at + way.undo + usual, latest + way.undo + max(usual, longest)
    return When(at, latest, any(one.few for one in way.rollouts))


def slowest(histories: Iterable[History]) -> History:
    """Of services that leave together, the one whose rollouts take the longest: the next stage waits for it.

    One without any history makes the stage unknown.
    """
    every = list(histories)
    if not every or any(not one.lengths for one in every):
        return History()
    return max(every, key=lambda one: (one.usual, one.nine_in_ten))


def _arrives(arrivals: History, merged_at: datetime, now: datetime) -> When | None:
    """When it is in the environment before, by how long those took that were not there after so long either."""
    of = arrivals.beyond(now - merged_at)
    usual, longest = of.usual, of.nine_in_ten
    if usual is None or longest is None:
        return None
    return When(merged_at + usual, merged_at + max(usual, longest), of.few)


def _up(at: datetime) -> datetime:
    beyond = timedelta(seconds=at.timestamp() % COARSE.total_seconds())
    return at + (COARSE - beyond) if beyond else at
