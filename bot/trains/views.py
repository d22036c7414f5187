"""What templates see of trains: small frozen records, already chosen and ordered, never escaped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.departures.states import Outcome, State
from bot.deploys.views import ChangeView, OpenIncident, PersonView
from bot.events import TrainAct
from bot.promotions.views import AbleView, GateLine


class Standing(StrEnum):
    """Where one service aboard stands."""

    WAITS = "waits"
    """Its turn, or a gate, has not come."""
    STARTING = "starting"
    """Every gate is open and its pipeline is called in a moment."""
    ROLLING = "rolling"
    LIVE = "live"
    FAILED = "failed"
    OFF = "off"
    """Somebody said no to it, or it expired, after the train had left."""
    GOING_BACK = "going_back"
    BACK = "back"
    """What it had brought was taken back."""
    STUCK = "stuck"
    """Taking it back failed."""


@dataclass(frozen=True, kw_only=True)
class ServiceAboard:
    """One service of a departure, with its changes (``more`` of them are not listed) and what keeps it.

    ``promotion_id`` and ``seen`` go into the value of its own Approve button.
    """

    service: str
    promotion_id: int
    seen: str
    sha: str
    stands: Standing
    after: tuple[str, ...]
    """The services that must be live before it leaves; empty once its stage was reached."""
    changes: tuple[ChangeView, ...]
    more: int
    closed: tuple[GateLine, ...]
    """Its closed gates, but for that of the train itself; empty once its pipeline was called."""
    wants_yes: bool
    """Whether an approval is missing."""
    able: tuple[AbleView, ...]
    """Whose yes is missing."""
    approved_by: tuple[PersonView, ...]
    """Whose yes is given to what it is now."""
    percent: int | None
    took: timedelta | None
    url: str | None
    trouble: str | None
    """Why it failed, or came to nothing; or what a person must find out."""
    unread: bool = False
    """Whether nobody knows yet what it carries."""
    reentries: tuple[str, ...] = ()
    """What was rolled back before and is aboard again, with no fix and nobody's word for it."""
    incidents: tuple[OpenIncident, ...] = ()
    """Those that are open about the service where it goes."""
    stuck: str | None = None
    """What must come before its missing yeses can all be given: who is to be proven, or that nobody is left."""

    @property
    def changes_in_all(self) -> int:
        """How many changes it brings."""
        return len(self.changes) + self.more


@dataclass(frozen=True, kw_only=True)
class LeftBehind:
    """One change that does not go along; ``reason`` says why, ``until`` when that is over, ``by`` who took it off.

    ``change`` None is a build of which nobody knows yet what it brings.
    """

    change: ChangeView | None
    service: str
    reason: str
    until: datetime | None = None
    by: PersonView | None = None


@dataclass(frozen=True, kw_only=True)
class DepartureCard:
    """One run of a train, from the closing of its list to its end. ``departure_id`` and ``seen`` go into its buttons.

    ``clock`` is its time on the timetable (``14:00``, with its day where that is not today) and ``zone`` whose clock
    that is. ``at`` is the instant.
    """

    departure_id: int
    seen: str
    train: str
    environment: str
    at: datetime
    clock: str
    zone: str
    extra: bool
    """Whether it is one that was missed and runs after all."""
    state: State
    outcome: Outcome | None
    stages: int
    stage: int
    """The stage that was reached, from 1."""
    aboard: tuple[ServiceAboard, ...]
    left: tuple[LeftBehind, ...]
    more_left: int
    missing_ready: tuple[ChangeView, ...]
    """Changes whose authors were asked for a thumbs-up and have not given it."""
    ready: int
    """How many changes have one."""
    ready_required: bool
    """Whether it waits for all of them."""
    batch: bool
    """Whether one approval is given to all of it."""
    conductor: PersonView | None
    backup: PersonView | None
    sealed_at: datetime | None
    departed_at: datetime | None
    ended_at: datetime | None
    ended_by: PersonView | None
    ended_reason: str | None
    held_by: PersonView | None
    """Who holds it; None where a gate does."""
    hold_reason: str | None
    review_at: datetime | None
    stopped_reason: str | None
    over_freeze: str | None
    returning: bool
    decide_by: datetime | None
    on_failure: str
    """What the policy does where nobody decides: ``hold``, ``rollback`` or ``continue``."""
    next_at: datetime | None
    """When the next departure of this train leaves."""
    ran: bool
    """Of a missed one: whether it was run after all."""
    may: tuple[TrainAct, ...]
    """What can be done to it as it stands."""

    @property
    def changes_in_all(self) -> int:
        """How many changes it carries; one that goes to several services counts once for each."""
        return sum(one.changes_in_all for one in self.aboard)


@dataclass(frozen=True, kw_only=True)
class DepartureNote:
    """What is said in the thread of a departure's card. ``said`` is a ``bot.trains.telling.Said``.

    ``who`` did it, ``why`` is their reason; ``can`` are those who can help. ``next_at`` is when the next one leaves,
    and ``earlier`` how many were missed before this one; ``nothing`` says that nothing could have gone with it.
    ``refused`` says what a rollback lets stay, and why; ``passed`` what it rolls on without, ``waits`` what is not
    back yet.
    """

    said: str
    card: DepartureCard
    who: PersonView | None
    why: str | None
    can: tuple[PersonView, ...] = ()
    changes: tuple[ChangeView, ...] = ()
    service: str | None = None
    late: bool = False
    earlier: int = 0
    next_at: datetime | None = None
    refused: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    nothing: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainNote:
    """What is said of a train: its timetable is another, or it runs no more. ``said`` is a ``telling.TrainSaid``.

    ``before`` and ``after`` are the next departures by the old timetable and by the new one; the rest is None, or
    empty, where it stays as it was.
    """

    said: str
    train: str
    before: tuple[datetime, ...] = ()
    after: tuple[datetime, ...] = ()
    joins: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    to: str | None = None
    closes: timedelta | None = None
    kept: tuple[str, ...] = ()
    """Departures that are sealed and keep their time."""
    kept_changes: int = 0
    zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class PassengerNote:
    """What an author hears of their changes. ``said`` is a ``bot.trains.telling.PassengerSaid``.

    ``left`` says why each change stays; ``asks_ready`` whether a thumbs-up is asked for; ``live_from`` and ``live_to``
    between when they are live, by how long rollouts there usually take: None where nobody can tell. ``held`` says that
    it does not leave at its time, and what it waits for: then nobody can tell.
    """

    said: str
    departure_id: int
    seen: str
    train: str
    environment: str
    at: datetime
    changes: tuple[ChangeView, ...]
    left: tuple[LeftBehind, ...]
    who: PersonView | None
    why: str | None
    next_at: datetime | None
    conductor: PersonView | None
    asks_ready: bool = False
    ready_required: bool = False
    live_from: datetime | None = None
    live_to: datetime | None = None
    held: str | None = None
    zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class AboardCard:
    """In place of a promotion's own card, where that was there before its train took it aboard.

    ``clock`` is the departure's time on the timetable, ``at`` the instant.
    """

    promotion_id: int
    service: str
    environment: str
    sha: str
    train: str
    clock: str
    at: datetime
    over: bool
    """Whether that departure is over."""
    zone: str


@dataclass(frozen=True, kw_only=True)
class RollModal:
    """What somebody is about to roll on, or (``back``) to take back, who has typed it."""

    card: DepartureCard
    back: bool
    services: tuple[str, ...]
    """What goes back, the last to leave first; what it rolls on without."""


@dataclass(frozen=True, kw_only=True)
class HoldModal:
    """What somebody is about to hold."""

    card: DepartureCard


@dataclass(frozen=True, kw_only=True)
class CancelModal:
    """What somebody is about to call off."""

    card: DepartureCard


@dataclass(frozen=True, kw_only=True)
class RemoveModal:
    """What can be taken off a departure; ``chosen`` is the service that is offered first.

    ``choices`` are each a value (``service:checkout``, ``change:41:checkout``) and what people read.
    """

    card: DepartureCard
    choices: tuple[Choice, ...]
    chosen: str | None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One thing to choose."""

    value: str
    words: str


@dataclass(frozen=True, kw_only=True)
class DepartureDetails:
    """All that is known of a departure: every change, every closed gate, everybody who stays behind."""

    card: DepartureCard


@dataclass(frozen=True, kw_only=True)
class ComingView:
    """A departure that is still boarding, until ``closes_at``. ``clock`` is its time on the timetable."""

    at: datetime
    clock: str
    closes_at: datetime
    conductor: PersonView | None
    backup: PersonView | None


@dataclass(frozen=True, kw_only=True)
class BoardingView:
    """Who would go with the next departure if boarding closed now, in the order in which they leave."""

    aboard: tuple[BoardingService, ...]
    left: tuple[LeftBehind, ...]
    more_left: int

    @property
    def changes_in_all(self) -> int:
        """How many changes would go."""
        return sum(one.changes_in_all for one in self.aboard)


@dataclass(frozen=True, kw_only=True)
class BoardingService:
    """One service's build that would go; ``unread`` where nobody knows yet what it brings."""

    service: str
    sha: str
    soaks_until: datetime | None
    """When its soak is over; None once it is, or where none is wanted."""
    changes: tuple[ChangeView, ...]
    more: int
    unread: bool = False

    @property
    def changes_in_all(self) -> int:
        """How many changes it brings."""
        return len(self.changes) + self.more


@dataclass(frozen=True, kw_only=True)
class TrainView:
    """One train: what of it is on its way or sealed (``running``), what boards, and when it leaves after that.

    ``missed`` is its last departure where that was missed and can still be run. ``coming`` is None where the timetable
    has come to an end, ``boarding`` also where only the timetable was asked for.
    """

    name: str
    services: tuple[str, ...]
    environment: str
    zone: str
    running: tuple[DepartureCard, ...]
    missed: DepartureCard | None
    coming: ComingView | None
    boarding: BoardingView | None
    later: tuple[ComingView, ...]

    @property
    def next_at(self) -> datetime | None:
        """When something of it leaves next, or was to; None where nothing is to come."""
        instants = [card.at for card in self.running] + ([self.coming.at] if self.coming is not None else [])
        return min(instants, default=None)


@dataclass(frozen=True, kw_only=True)
class TrainsReply:
    """``/ship train [name]``: one train at length, or each in short; ``more`` counts those left out."""

    trains: tuple[TrainView, ...]
    more: int = 0

    @property
    def zone(self) -> str | None:
        """The zone of all of them; None where they have several."""
        zones = {one.zone for one in self.trains}
        return next(iter(zones)) if len(zones) == 1 else None
