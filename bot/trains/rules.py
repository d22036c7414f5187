"""Pure rules of release trains: who boards, what may be done, who conducts, and what a departure comes to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.catalog.model import OnFailure, Train, Turns  # from the model itself, which is pure: the package reads files
from bot.departures.states import Outcome, State
from bot.events import TrainAct
from bot.gates import Blocked, Judged, Waiting
from bot.gates.wording import UNREAD

NOT_BUILT = "not built yet"
LATE = "soak ends after it leaves"
"""Why a build stays behind whose wait is over at an instant that is told beside it."""

# --- who boards ---------------------------------------------------------------------------------------------------


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
    """Why nothing of it boards: "checkout is locked by Dee: …"."""
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
        one.verdict
        for one in verdicts
        if isinstance(one.verdict, Waiting) and (one.verdict.until is None or one.verdict.until > departs_at)
    ]
    if blocked:
        return _Closed("; ".join(dict.fromkeys(verdict.reason for verdict in blocked)))
    endless = [verdict for verdict in waiting if verdict.until is None]
    if endless:
        return _Closed("; ".join(dict.fromkeys(verdict.reason for verdict in endless)))
    ends = [verdict.until for verdict in waiting if verdict.until is not None]
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
        left.append(Left(change, candidate.service, why.reason, why.until))
    for behind in candidate.behind:
        if behind.change.id not in aboard and behind.change.id not in found:
            whole = next((one.reason for one in candidate.removed if one.change in (None, behind.change.id)), None)
            left.append(Left(behind.change, candidate.service, candidate.locked or whole or behind.reason))
    return left


# --- when it leaves -----------------------------------------------------------------------------------------------

ON_TIME = timedelta(minutes=1)
"""How late a departure leaves that nobody calls late: the clock looks a moment after its time, never before."""


def grace(train: Train) -> timedelta:
    """How long after its time a departure leaves all the same, where nobody saw to it then."""
    return max(train.late_by, ON_TIME)


# --- what may be done ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What of a departure decides what people may do."""

    state: State
    outcome: Outcome | None = None
    held_by_person: bool = False
    stopped: bool = False
    """Whether it waits for its conductor to say roll on or back."""
    batch: bool = False
    """Whether one approval is given to all of it."""
    asks_ready: bool = False
    """Whether its authors are asked for a thumbs-up."""
    returning: bool = False
    """Whether what it brought is being taken back."""
    ran: bool = False
    """Of a missed one: whether it was run after all."""


_BEFORE = frozenset({TrainAct.HOLD, TrainAct.DEPART, TrainAct.REMOVE, TrainAct.CANCEL})

MAY: Mapping[State, frozenset[TrainAct]] = {
    State.SEALED: _BEFORE,
    State.HELD: _BEFORE,
    State.DEPARTED: frozenset(),
    State.CLOSED: frozenset(),
}
"""What people may do in each state, whatever else is so; ``may`` adds what a Hold, a stop or a policy brings."""


def may(standing: Standing) -> frozenset[TrainAct]:
    """What people may do to a departure as it stands: the buttons of its card."""
    acts = set(MAY[standing.state])
    match standing.state:
        case State.SEALED | State.HELD:
            acts |= {TrainAct.APPROVE} if standing.batch else set()
            acts |= {TrainAct.READY, TrainAct.UNREADY} if standing.asks_ready else set()
            if standing.held_by_person:  # whoever wants it to leave says so to them: by releasing it, on record
                acts = (acts - {TrainAct.HOLD, TrainAct.DEPART}) | {TrainAct.RELEASE}
        case State.DEPARTED:
            acts |= {TrainAct.ROLL_ON, TrainAct.ROLL_BACK} if standing.stopped else set()
        case State.CLOSED:
            missed = standing.outcome is Outcome.MISSED and not standing.ran
            acts |= {TrainAct.RUN} if missed else set()
    return frozenset(acts)


def repeats(act: TrainAct, standing: Standing) -> bool:
    """Whether this act was done already, so that doing it again changes nothing and says so.

    Whether a removal, a yes or a thumbs-up is news depends on what it is about: that the rows say.
    """
    state, outcome = standing.state, standing.outcome
    done = {
        TrainAct.HOLD: state is State.HELD and standing.held_by_person,
        TrainAct.RELEASE: state in (State.SEALED, State.HELD) and not standing.held_by_person,
        TrainAct.DEPART: state is State.DEPARTED or outcome is Outcome.ARRIVED,
        TrainAct.CANCEL: outcome is Outcome.CANCELLED,
        TrainAct.RUN: outcome is Outcome.MISSED and standing.ran,
        TrainAct.ROLL_ON: state is State.DEPARTED and not standing.stopped and not standing.returning,
        TrainAct.ROLL_BACK: standing.returning or outcome is Outcome.ROLLED_BACK,
    }
    return done.get(act, False)


# --- who conducts -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crew:
    """Slack ids of who conducts, and of who stands in."""

    conductor: str | None = None
    backup: str | None = None


def crew(turns: Turns, members: Sequence[str], backup: str | None, on: date, before: int) -> Crew:
    """Whose turn a departure is: ``on`` its day on the timetable, ``before`` how many of its train were before it.

    By day a weekend goes on with Friday's. Where nobody is named to stand in, or conducts, whoever is next does.
    """
    rota = tuple(dict.fromkeys(members))
    if not rota:
        return Crew(None, backup)
    turn = _turn(turns, on, before)
    conductor = rota[turn % len(rota)]
    standing_in = backup if backup != conductor else None
    following = rota[(turn + 1) % len(rota)]
    return Crew(conductor, standing_in or (following if following != conductor else None))


_WORKDAYS = 5
"""Days of a week that turns are counted by: else of seven conductors two would never have one from Monday to Friday."""


def _turn(turns: Turns, on: date, before: int) -> int:
    match turns:
        case Turns.DEPARTURE:
            return before
        case Turns.DAY:
            return _WORKDAYS * _week(on) + min(on.weekday(), _WORKDAYS - 1)
        case Turns.WEEK:
            return _week(on)


def _week(on: date) -> int:
    """The number of a day's week, from Monday to Sunday."""
    return (on.toordinal() - 1) // 7


# --- what it comes to ---------------------------------------------------------------------------------------------


class Leg(StrEnum):
    """What became of one service aboard."""

    WAITS = "waits"
    """Its promotion was not called yet."""
    MOVING = "moving"
    LIVE = "live"
    FAILED = "failed"
    OFF = "off"
    """Somebody said no to it, or it expired, after the train had left."""
    BACK = "back"
    """What it had brought was taken back, or nothing of it stayed."""
    STUCK = "stuck"
    """Taking it back failed."""


@dataclass(frozen=True)
class Wait:
    """Nothing is to be done until something moves."""


@dataclass(frozen=True)
class Advance:
    """The next stage leaves."""

    stage: int


@dataclass(frozen=True)
class Stop:
    """It goes no further: the conductor is asked."""

    services: tuple[str, ...]


@dataclass(frozen=True)
class Return:
    """What it brought is taken back, these services in this order."""

    services: tuple[str, ...]


@dataclass(frozen=True)
class Close:
    """It is over."""

    outcome: Outcome


Onward = Wait | Advance | Stop | Return | Close


def stages_aboard(train: Train, services: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """The train's stages, of the services that are aboard alone; without empty ones."""
    aboard = {service.casefold() for service in services}
    stages = (tuple(one for one in stage if one.casefold() in aboard) for stage in train.stages)
    return tuple(stage for stage in stages if stage)


def follow(
    stages: Sequence[Sequence[str]], stage: int, legs: Mapping[str, Leg], on_failure: OnFailure,
    *, passed_over: Collection[str] = (), returning: bool = False,
) -> Onward:  # fmt: skip
    """What comes next of a departure that has left, from what became of each service aboard (``legs`` names them all).

    ``passed_over`` are services whose failure the conductor rolled on over; ``returning`` says that it goes back. What
    is on its way already is waited for before anything is taken back, and nothing new leaves meanwhile.
    """
    reached = [service for one in stages[: stage + 1] for service in one]
    became = {legs[service] for service in reached}
    wrong = tuple(one for one in reached if legs[one] in _WRONG and one not in passed_over)
    if wrong and on_failure is OnFailure.HOLD and not returning:
        return Stop(wrong)
    if Leg.MOVING in became:
        return Wait()
    if returning or (wrong and on_failure is OnFailure.ROLLBACK):
        brought = tuple(service for service in reversed(reached) if legs[service] in (Leg.LIVE, Leg.FAILED))
        return Return(brought) if brought else Close(_outcome(legs))
    if Leg.WAITS in became:
        return Wait()
    return Advance(stage + 1) if stage + 1 < len(stages) else Close(_outcome(legs))


_WRONG = (Leg.FAILED, Leg.OFF, Leg.BACK, Leg.STUCK)
"""What a train does not just go on after."""


def _outcome(legs: Mapping[str, Leg]) -> Outcome:
    """What it came to; what never left counts for nothing."""
    became = set(legs.values()) - {Leg.WAITS}
    if became <= {Leg.OFF}:
        return Outcome.CANCELLED
    if became & {Leg.FAILED, Leg.STUCK}:
        return Outcome.FAILED
    if Leg.BACK in became:
        return Outcome.ROLLED_BACK
    return Outcome.FAILED if Leg.OFF in became else Outcome.ARRIVED
