"""Pure rules of departures: when they leave, what may be done, who conducts, and what they come to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from bot.catalog.model import OnFailure, Train, Turns  # from the model itself, which is pure: the package reads files
from bot.departures.states import Outcome, State
from bot.events import TrainAct

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
    wrong = tuple(one for one in reached if legs[one] in WRONG and one not in passed_over)
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


WRONG = (Leg.FAILED, Leg.OFF, Leg.BACK, Leg.STUCK)
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
