"""What the dashboard's templates see: small frozen records, already chosen and ordered, never escaped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.alerts.views import AlertView
from bot.answers.metrics import ServiceFigures, TeamFigures
from bot.events import DeployStatus
from bot.incidents.views import IncidentLine
from bot.promotions.views import AbleView


@dataclass(frozen=True, kw_only=True)
class ChangeLine:
    """One change, with the plain names of those who made it."""

    label: str
    title: str
    url: str | None
    authors: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class IncidentRow:
    """An open incident; ``room_url`` opens its room, None where there is none."""

    line: IncidentLine
    severity_words: str
    room_url: str | None


@dataclass(frozen=True, kw_only=True)
class LooseAlert:
    """An alert that fires and belongs to no incident; ``service`` None where that is not known, or nobody's."""

    alert: AlertView
    service: str | None
    environment: str | None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A rollout that failed where customers are, while nothing newer is live there."""

    service: str
    environment: str
    sha: str
    at: datetime
    url: str | None


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One closed gate: ``blocked`` where somebody must lift it, ``until`` where time alone opens it.

    ``can`` says in words who lifts it, of a lock.
    """

    gate: str
    reason: str
    blocked: bool
    until: datetime | None
    can: str = ""


@dataclass(frozen=True, kw_only=True)
class PromotionRow:
    """A promotion that has not ended. ``state`` is ``open``, ``starting`` or ``rolling``.

    ``waits`` are its closed gates, those that somebody must lift first; ``able`` whose yes is missing, whoever is
    easiest to reach first. ``wants_yes`` with nobody ``able`` means that it is anybody's, or nobody's: the card says.
    """

    promotion_id: int
    service: str
    environment: str
    sha: str
    state: str
    rollback: bool
    changes: int
    newest: ChangeLine | None
    since: datetime
    waits: tuple[Wait, ...]
    wants_yes: bool
    able: tuple[AbleView, ...]
    more_able: int
    percent: int | None
    asks_person: str | None
    """Why a person must say whether the call to its pipeline went through."""
    url: str | None

    @property
    def for_somebody(self) -> bool:
        """Whether it waits for a person: what only time, a pipeline, or a train's order opens waits for nobody."""
        return self.asks_person is not None or self.wants_yes or any(one.blocked for one in self.waits)


@dataclass(frozen=True, kw_only=True)
class Brake:
    """A lock, or (``freeze``) a freeze, that holds now. ``owner`` None for one that set itself.

    ``can`` says in words who lifts a lock, or says Go once it is over.
    """

    what: str
    reason: str
    owner: str | None
    since: datetime | None
    until: datetime | None
    wants_go: bool = False
    freeze: bool = False
    begun: bool = True
    room_url: str | None = None
    number: int | None = None
    """Of a lock."""
    can: str = ""


@dataclass(frozen=True, kw_only=True)
class Rolling:
    """A rollout under way; ``stuck`` where it takes far longer than usual."""

    sha: str
    status: DeployStatus
    percent: int | None
    since: datetime
    url: str | None
    stuck: bool


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One service in one environment: what is live, and what is the matter there.

    ``ahead`` counts the changes that are here and not in the ``onward`` environment; None where that is not known.
    Where a rollback is live (``rolled_back``), ``newest`` and ``more`` are what it took out.
    """

    environment: str
    sha: str | None = None
    since: datetime | None = None
    url: str | None = None
    newest: ChangeLine | None = None
    more: int = 0
    """Changes of what is live besides the newest."""
    rolled_back: bool = False
    ahead: int | None = None
    onward: str | None = None
    rolling: Rolling | None = None
    failed: Failure | None = None
    promotion: PromotionRow | None = None
    brakes: tuple[Brake, ...] = ()
    alerts: tuple[AlertView, ...] = ()
    incidents: tuple[tuple[int, str], ...] = ()
    """The number and the title of each that is open there."""

    @property
    def needs_eyes(self) -> bool:
        """Whether something moves or is the matter there; what is only locked or frozen stands among the locks."""
        moves = self.rolling or self.failed or self.promotion or self.alerts or self.incidents
        return bool(moves) or any(one.wants_go for one in self.brakes)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """One service and its environments, in the order of its pipeline."""

    service: str
    cells: tuple[Cell, ...]

    def at(self, environment: str) -> Cell | None:
        """The cell of an environment, case aside; None where the service has none such."""
        return next((one for one in self.cells if one.environment.casefold() == environment.casefold()), None)

    @property
    def needs_eyes(self) -> bool:
        """Whether anything does in any of them."""
        return any(one.needs_eyes for one in self.cells)


@dataclass(frozen=True, kw_only=True)
class TeamPipelines:
    """A team's services; ``team`` None for those that belong to none. ``environments`` are the columns of its table.

    ``calm`` are those of many services with which nothing is the matter: they are folded away until somebody looks.
    """

    team: str | None
    environments: tuple[str, ...]
    pipelines: tuple[Pipeline, ...]
    calm: tuple[Pipeline, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """A departure whose list is closed and that has not ended. ``state`` is ``sealed``, ``held`` or ``departed``.

    ``at`` is when it was to leave, ``left_at`` when it did.
    """

    at: datetime
    state: str
    services: tuple[str, ...]
    changes: int
    conductor: str | None
    held_by: str | None
    reason: str | None
    left_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class TrainRow:
    """A train: what runs, and its next departure that boards (None where its timetable has come to an end)."""

    name: str
    environment: str
    services: tuple[str, ...]
    zone: str
    running: tuple[Run, ...]
    leaves_at: datetime | None
    closes_at: datetime | None
    conductor: str | None


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A rollout that ended. ``who`` are its authors, else whoever began it; of a rollback whoever asked for it.

    ``live`` is whether it is what runs there now, ``out`` whether a rollback took it out again.
    """

    service: str
    environment: str
    sha: str
    status: DeployStatus
    rollback: bool
    newest: ChangeLine | None
    more: int
    who: tuple[str, ...]
    at: datetime
    took: timedelta
    url: str | None
    live: bool = False
    out: bool = False


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The figures of so many days, each of 24 hours, up to ``until``, as ``/ship metrics`` tells them."""

    days: int
    until: datetime
    teams: tuple[TeamFigures, ...] = ()
    services: tuple[ServiceFigures, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the page is narrowed to, as it is spelt.

    ``not_of`` is a team that was asked for besides, and that the service does not belong to.
    """

    team: str | None = None
    service: str | None = None
    not_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class Board:
    """The whole page, as of ``now``, told in ``zone``; ``more_…`` count what is not listed."""

    now: datetime
    zone: str
    asked: Asked
    teams: tuple[str, ...]
    services: tuple[str, ...]
    incidents: tuple[IncidentRow, ...] = ()
    more_incidents: int = 0
    alerts: tuple[LooseAlert, ...] = ()
    failures: tuple[Failure, ...] = ()
    waiting: tuple[PromotionRow, ...] = ()
    more_waiting: int = 0
    goes: tuple[Brake, ...] = ()
    """Locks that are over and want a Go, where none of ``waiting`` is held by them."""
    pipelines: tuple[TeamPipelines, ...] = ()
    more_services: int = 0
    rolling: int = 0
    """How many rollouts are under way, shown or not."""
    trains: tuple[TrainRow, ...] = ()
    more_trains: int = 0
    brakes: tuple[Brake, ...] = ()
    freezes_near: tuple[Brake, ...] = ()
    shipped: tuple[Shipped, ...] = ()

    @property
    def wrong(self) -> int:
        """How much is wrong now."""
        return len(self.incidents) + self.more_incidents + len(self.failures)

    @property
    def told(self) -> frozenset[int]:
        """The incidents that are told of at length, by number."""
        return frozenset(one.line.incident_id for one in self.incidents)

    @property
    def open(self) -> int:
        """How much waits for somebody."""
        return len(self.for_somebody) + len(self.goes) + self.more_waiting

    @property
    def for_somebody(self) -> tuple[PromotionRow, ...]:
        """The promotions that a person is waited for."""
        return tuple(one for one in self.waiting if one.for_somebody)

    @property
    def by_themselves(self) -> tuple[PromotionRow, ...]:
        """The promotions on their way that wait for nobody."""
        return tuple(one for one in self.waiting if not one.for_somebody)


@dataclass(frozen=True, kw_only=True)
class DashboardPage:
    """The page as a browser gets it. ``style`` and ``script`` are addresses; it is read anew ``every`` seconds."""

    now: datetime
    zone: str
    style: str
    script: str
    every: int
    board: Board
    figures: Figures


@dataclass(frozen=True, kw_only=True)
class NoticePage:
    """A page without any data: why nothing is shown, and what helps. ``home`` is the dashboard's own address."""

    now: datetime
    zone: str
    style: str
    home: str
    title: str
    said: str
    mend: tuple[str, ...]
