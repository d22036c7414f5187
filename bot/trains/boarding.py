"""Who boards a train, and why whoever does not stays: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.catalog.model import Train  # from the model itself, which is pure: the package reads files
from bot.gates import Blocked, Judged, Smoke, Waiting
from bot.gates.wording import UNREAD

NOT_BUILT = "not built yet"
LATE = "soak ends after it leaves"
"""Why a build stays behind whose wait is over at an instant that is told beside it."""


@dataclass(frozen=True)
class ChangeAboard:
    """A change, as far as boarding knows it."""

    id: int
    label: str


@dataclass(frozen=True, kw_only=True)
class BuildFact:
    """A build that succeeded in the environment before, since what is live where the train goes.

    ``changes`` is everything that it brings beyond what is live, in order; ``truncated`` how many more there are that
    nobody lists. ``verdicts`` are those of its own gates (soak, smoke, order), as of the instant of departure.
    """

    sha: str
    changes: tuple[ChangeAboard, ...]
    succeeded_at: datetime | None
    verdicts: tuple[Judged, ...] = ()
    truncated: int = 0
    read: bool = True
    """Whether it is known what it brings."""
    refused: str | None = None
    """Why it does not go again by itself: it was live before, somebody said no to it, or its rollout failed."""


@dataclass(frozen=True)
class Behind:
    """A change that no build of the environment before carries yet, and why."""

    change: ChangeAboard
    reason: str


@dataclass(frozen=True)
class Removal:
    """What was taken off: a change, or (None) the whole service. ``reason`` is what people read."""

    change: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One service's builds, the newest first, and its changes that are still behind them."""

    service: str
    builds: tuple[BuildFact, ...] = ()
    behind: tuple[Behind, ...] = ()
    locked: str | None = None
    """Why nothing of it boards: "checkout is locked by Dee: …", or a hotfix of it is on its way."""
    locked_until: datetime | None = None
    removed: tuple[Removal, ...] = ()


@dataclass(frozen=True)
class Pick:
    """The build of one service that goes, with what it brings."""

    service: str
    sha: str
    changes: tuple[ChangeAboard, ...]


@dataclass(frozen=True)
class Left:
    """A change that stays behind and why; ``until`` is when that is over, where it is known.

    ``change`` is None for a build of which nobody knows yet what it brings.
    """

    change: ChangeAboard | None
    service: str
    reason: str
    until: datetime | None = None
    unreported: bool = False
    """Whether nothing but checks that have not reported keeps it."""


@dataclass(frozen=True)
class Boarding:
    """Who goes, in the order of the stages, and who does not."""

    aboard: tuple[Pick, ...] = ()
    left: tuple[Left, ...] = ()


def board(train: Train, candidates: Sequence[Candidate], departs_at: datetime) -> Boarding:
    """Of each service the newest build that may go at ``departs_at`` and has room; every change not in it is told why.

    Rooms are given in the order of the stages. A change that touches several services takes one room.
    """
    by_service = {one.service.casefold(): one for one in candidates}
    aboard: list[Pick] = []
    left: list[Left] = []
    seated: set[int] = set()
    unlisted = 0
    for service in (one for stage in train.stages for one in stage):
        candidate = by_service.get(service.casefold())
        if candidate is None:
            continue
        reasons = [_closed(candidate, build, departs_at) for build in candidate.builds]
        taken = len(candidate.builds)
        for place, build in enumerate(candidate.builds):
            if reasons[place] is not None:
                continue
            seats = seated | {change.id for change in build.changes}
            full = _no_room(train.capacity, build, len(seats) + unlisted)
            if full is not None:
                reasons[place] = full
                continue
            if build.read and not build.changes and not build.truncated:
                reasons[place] = _Closed("nothing in it is new")
                continue
            aboard.append(Pick(candidate.service, build.sha, build.changes))
            seated, unlisted, taken = seats, unlisted + build.truncated, place
            break
        left += _left(candidate, reasons, taken)
    return Boarding(tuple(aboard), tuple(left))


@dataclass(frozen=True)
class _Closed:
    """Why a build does not go, and until when where that is known."""

    reason: str
    until: datetime | None = None
    unreported: bool = False


def _closed(candidate: Candidate, build: BuildFact, departs_at: datetime) -> _Closed | None:
    """What speaks against a build, whatever room there is: what stands longest is told."""
    if candidate.locked is not None:
        return _Closed(candidate.locked, candidate.locked_until)
    carried = {change.id for change in build.changes}
    for removal in candidate.removed:
        if removal.change is None or removal.change in carried:
            return _Closed(removal.reason)
    if build.refused is not None:
        return _Closed(build.refused)
    if build.succeeded_at is None:
        return _Closed(NOT_BUILT)
    return _judged(build.verdicts, departs_at)


def _judged(verdicts: Sequence[Judged], departs_at: datetime) -> _Closed | None:
    blocked = [one.verdict for one in verdicts if isinstance(one.verdict, Blocked)]
    waiting = [
        (one.gate, one.verdict)
        for one in verdicts
        if isinstance(one.verdict, Waiting) and (one.verdict.until is None or one.verdict.until > departs_at)
    ]
    if blocked:
        return _Closed("; ".join(dict.fromkeys(verdict.reason for verdict in blocked)))
    endless = [(gate, verdict) for gate, verdict in waiting if verdict.until is None]
    if endless:
        reasons = dict.fromkeys(verdict.reason for _, verdict in endless)
        return _Closed("; ".join(reasons), unreported=all(gate == Smoke.name for gate, _ in endless))
    ends = [verdict.until for _, verdict in waiting if verdict.until is not None]
    return _Closed(LATE, max(ends)) if ends else None


def _no_room(capacity: int | None, build: BuildFact, seats: int) -> _Closed | None:
    """Why there is no room; ``seats`` is how many would be taken but for those of this build that nobody lists."""
    if capacity is None:
        return None
    if not build.read:
        return _Closed(UNREAD)
    return _Closed(f"the train is full ({capacity})") if seats + build.truncated > capacity else None


def _left(candidate: Candidate, reasons: Sequence[_Closed | None], taken: int) -> list[Left]:
    """Every change that the builds before the taken one carry, and what is still behind them.

    Of the builds that carry it that counts which is ready the soonest, where one says when; else the first of them.
    """
    aboard = {change.id for build in candidate.builds[taken : taken + 1] for change in build.changes}
    newer = list(zip(candidate.builds, reasons, strict=True))[:taken]
    found: dict[int, tuple[ChangeAboard, list[_Closed]]] = {}
    left: list[Left] = []
    for build, closed in reversed(newer):
        assert closed is not None
        if not build.read and not build.changes:
            left.append(Left(None, candidate.service, closed.reason, closed.until))
        for change in build.changes:
            if change.id not in aboard:
                found.setdefault(change.id, (change, []))[1].append(closed)
    for change, every in found.values():
        dated = [(one.until, place) for place, one in enumerate(every) if one.until is not None]
        why = every[min(dated)[1]] if dated else every[0]
        left.append(Left(change, candidate.service, why.reason, why.until, why.unreported))
    for behind in candidate.behind:
        if behind.change.id not in aboard and behind.change.id not in found:
            whole = next((one.reason for one in candidate.removed if one.change in (None, behind.change.id)), None)
            left.append(Left(behind.change, candidate.service, candidate.locked or whole or behind.reason))
    return left
