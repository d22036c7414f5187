"""What reply templates see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.alerts.views import AlertView
from bot.deploys.views import ChangeView, LinkView, OnwardView, PersonView, StageView
from bot.events import DeployStatus, Level
from bot.incidents.views import IncidentLine
from bot.locks.views import LocksReply
from bot.promotions.views import AbleView, GateLine, RoundView
from bot.trains.views import TrainView


@dataclass(frozen=True, kw_only=True)
class PromotionLine:
    """A promotion that is on its way, in short; ``closed`` are the gates that it waits for."""

    promotion_id: int
    sha: str
    state: str
    rollback: bool
    changes: int
    closed: tuple[GateLine, ...]


@dataclass(frozen=True, kw_only=True)
class LockLine:
    """A lock that holds a target back; ``wants_go`` once it is over and a person must say Go."""

    scope: str
    reason: str
    owner: str
    until: datetime | None
    wants_go: bool
    room: str | None = None
    """The channel in which what set it is dealt with."""


@dataclass(frozen=True, kw_only=True)
class TakenOut:
    """What a rollback took out of an environment, while nothing newer is live there."""

    sha: str
    since: datetime
    changes: tuple[ChangeView, ...]
    more: int = 0
    """Changes that are not listed."""


@dataclass(frozen=True, kw_only=True)
class EndedLine:
    """How a promotion ended that brought nothing live; ``who`` None where nobody ended it."""

    state: str
    at: datetime
    who: PersonView | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class RolledBackLine:
    """Who took a change out again by a declared rollback, and why."""

    at: datetime
    who: PersonView | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class TargetStatus:
    """What is live in one environment and what is on its way there."""

    environment: str
    live_sha: str | None
    live_since: datetime | None
    live_changes: tuple[ChangeView, ...]
    under_way: DeployStatus | None
    under_way_sha: str | None
    under_way_since: datetime | None
    under_way_percent: int | None
    last_failed_at: datetime | None
    last_failed_sha: str | None
    last_failed_url: str | None
    links: tuple[LinkView, ...]
    """Of what is live."""
    locks: tuple[LockLine, ...] = ()
    promotions: tuple[PromotionLine, ...] = ()
    not_running: TakenOut | None = None
    live_more: int = 0
    """Changes of what is live that are not listed."""
    round: RoundView | None = None
    """How what is live began, where no gate was asked."""
    alerts: tuple[AlertView, ...] = ()
    """What fires on the service there."""


@dataclass(frozen=True, kw_only=True)
class PlacedAlert:
    """An alert that fires, and where its sender says that it does; ``environment`` None where that is not told."""

    alert: AlertView
    environment: str | None


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One service, environments in pipeline order."""

    service: str
    team: str | None
    targets: tuple[TargetStatus, ...]
    incident: IncidentLine | None = None
    """The incident that is open there."""
    elsewhere: tuple[PlacedAlert, ...] = ()
    """What fires outside of the environments that are shown: of its pipeline, or where it was deployed."""


@dataclass(frozen=True, kw_only=True)
class StatusReply:
    """`/ship status [service]`; ``more`` counts services left out of the list."""

    services: tuple[ServiceStatus, ...]
    more: int


@dataclass(frozen=True, kw_only=True)
class AskView:
    """What becomes of asking for a promotion, where nothing promotes what is live before.

    ``typed`` is what brings it there; None where that would be refused (``why``), or where Shipmate promotes nothing
    there and the service's own pipeline does (not ``ours``). ``by`` is who may type it, where the reader may not;
    ``train`` what it would go by else.
    """

    typed: str | None = None
    why: str | None = None
    by: str | None = None
    train: str | None = None
    ours: bool = True


class Ahead(StrEnum):
    """What a change's way to an environment comes to just now."""

    ABOARD = "aboard"
    """A promotion carries it and waits for its gates."""
    STARTING = "starting"
    ROLLING = "rolling"
    NEXT = "next"
    """It waits behind the promotion that is open."""
    BEFORE = "before"
    """It is not live in the environment before yet."""
    UNASKED = "unasked"
    """It is live in the environment before, and nothing promotes it."""


@dataclass(frozen=True, kw_only=True)
class AheadView:
    """The rest of a change's way to one environment, and when it is there as far as that can be told.

    ``from_at`` and ``to_at`` are when, by how long rollouts there usually take; None where something without an instant
    comes first (``closed``). ``after_yes`` is how long it takes once the missing yes is given, and the rest is open.
    """

    service: str
    environment: str
    before: str | None
    ahead: Ahead
    promotion_id: int | None
    sha: str | None
    closed: tuple[GateLine, ...]
    able: tuple[AbleView, ...]
    from_at: datetime | None
    to_at: datetime | None
    after_yes: timedelta | None
    ended: EndedLine | None = None
    """How the last promotion of it ended, where nothing promotes it now."""
    onward: OnwardView | None = None
    """What it may expect of a train, to this environment or to a later one."""
    back: RolledBackLine | None = None
    """The declared rollback that took it out, where nothing brings it there again."""
    locks: tuple[LockLine, ...] = ()
    """What is locked there, where nothing brings it there."""
    stuck: str | None = None
    """What must come before its missing yeses can all be given: who is to be proven, or that nobody is left."""
    reentry: bool = False
    """Whether somebody must say why something aboard may go in again that was rolled back."""
    ask: AskView | None = None
    """What becomes of asking for it, where nothing brings it there."""

    @property
    def by_train(self) -> bool:
        """Whether its train says more of this step than the step itself does: nothing else is under way."""
        on_its_way = (Ahead.ABOARD, Ahead.STARTING, Ahead.ROLLING)
        return self.onward is not None and self.onward.environment == self.environment and self.ahead not in on_its_way


@dataclass(frozen=True, kw_only=True)
class WhereFound:
    """One change and how far it got; ``waiting`` names the environments of its pipeline it has not reached.

    Where several services carry it, each is named with its service: ``cart · production``.
    """

    change: ChangeView
    repo: str
    merged_at: datetime | None
    stages: tuple[StageView, ...]
    waiting: tuple[str, ...]
    ahead: tuple[AheadView, ...] = ()
    """The next step of each service that carries it: to where it is not yet, or is on its way."""

    @property
    def headline(self) -> StageView | None:
        """The stage that tells most: the farthest that ended of each service, bad news first; None where none did."""
        ended = [one for one in self.stages if one.left or one.status in (DeployStatus.SUCCEEDED, DeployStatus.FAILED)]
        farthest = {one.service: one for one in ended}.values()
        return min(farthest, key=lambda one: (not one.works, one.status is DeployStatus.SUCCEEDED), default=None)


@dataclass(frozen=True, kw_only=True)
class WhereReply:
    """`/ship where <PR|sha|url>`: usually one, several when a number exists in several repositories."""

    asked: str
    found: tuple[WhereFound, ...]


@dataclass(frozen=True, kw_only=True)
class MeReply:
    """`/ship me`: who we think you are and what you hear."""

    person: PersonView
    github: str | None
    github_source: str | None
    """``catalogue``, ``device``, ``sso``, ``link`` or ``e-mail``: where the GitHub login comes from."""
    level: Level
    muted_changes: tuple[ChangeView, ...]
    recent: tuple[ChangeView, ...]
    proven: bool = False
    """Whether the login is good enough to approve."""
    proves: bool = True
    """Whether GitHub can be asked who they are."""
    hours: HoursView | None = None
    reads_only: bool = False
    """Whether this is a guest, or somebody of another workspace: no login can be linked, and no yes is asked for."""


@dataclass(frozen=True, kw_only=True)
class HoursView:
    """When somebody works on weekdays, as ``09:00``, in their own zone. ``chosen`` is whether they said so."""

    begins: str
    ends: str
    zone: str
    chosen: bool
    on_call_first: bool = True
    """Whether whoever is on call is woken first outside them, and not they."""


@dataclass(frozen=True, kw_only=True)
class ProofReply:
    """A ``code`` to be entered at ``url`` until it runs out."""

    code: str
    url: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word of `/ship`, for help: ``usage`` is all that is typed after that (``status [service]``)."""

    name: str
    usage: str
    summary: str


@dataclass(frozen=True, kw_only=True)
class HelpReply:
    """`/ship help`, also the answer to an unknown word (``unknown``, with the nearest word in ``meant``).

    ``elsewhere`` is another command that the unknown word belongs to.
    """

    words: tuple[Word, ...]
    unknown: str | None = None
    meant: str | None = None
    elsewhere: str | None = None


@dataclass(frozen=True, kw_only=True)
class SaidReply:
    """A plain sentence: a setting taken, a refusal, or what went wrong and how to mend it. ``refused`` marks a no."""

    text: str
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class UsualRange:
    """How long most rollouts of a target take: half of the last ones took between these two."""

    shorter: timedelta
    longer: timedelta


@dataclass(frozen=True, kw_only=True)
class DriftLine:
    """A change that is in one environment and not in the next; ``since`` is when it came there."""

    change: ChangeView
    since: datetime


@dataclass(frozen=True, kw_only=True)
class ServiceDrift:
    """What an environment of a service has that the next one has not, the oldest first; ``more`` are not listed.

    ``people`` are those who wrote any of it.
    """

    service: str
    before: str
    environment: str
    before_sha: str | None
    sha: str | None
    lines: tuple[DriftLine, ...]
    more: int
    people: tuple[PersonView, ...]
    promotion: PromotionLine | None
    ended: EndedLine | None = None
    """How the last promotion of what is live before ended, where nothing promotes it now."""
    out: TakenOut | None = None
    """What a rollback took out of the next one."""
    ask: AskView | None = None
    """What becomes of asking for a promotion, where nothing promotes it."""


@dataclass(frozen=True, kw_only=True)
class DriftReply:
    """`/ship drift`; ``level`` counts services that are the same everywhere, ``more`` those left out of the list."""

    services: tuple[ServiceDrift, ...]
    level: int
    more: int


@dataclass(frozen=True, kw_only=True)
class WaitsForMe:
    """A promotion that this person's yes could let go on; ``seen`` goes into its button's value."""

    promotion_id: int
    seen: str
    service: str
    environment: str
    changes: tuple[ChangeView, ...]
    changes_in_all: int
    rollback: bool
    closed: tuple[GateLine, ...]


@dataclass(frozen=True, kw_only=True)
class AlarmView:
    """An alert that fires where something went live; ``changes`` are what that brought."""

    service: str
    environment: str
    alert: AlertView
    changes: tuple[ChangeView, ...]


@dataclass(frozen=True, kw_only=True)
class MyIncident:
    """An open incident of somebody's; ``waits`` is whether they were woken for it and have not answered.

    ``free`` is whether nobody is on it, though somebody should be: whoever reads it may be.
    """

    line: IncidentLine
    waits: bool
    free: bool = False


@dataclass(frozen=True, kw_only=True)
class HomeView:
    """Somebody's App Home. ``more_waits`` counts what waits for them and is not listed; no train tells who boards."""

    person: PersonView
    waits: tuple[WaitsForMe, ...]
    more_waits: int
    mine: tuple[WhereFound, ...]
    locks: LocksReply
    trains: tuple[TrainView, ...]
    proven: bool
    proves: bool = True
    """Whether GitHub can be asked who they are."""
    reads_only: bool = False
    """Whether this is a guest, or somebody of another workspace."""
    incidents: tuple[MyIncident, ...] = ()
    """What is open and concerns them: they were woken, lead, or belong to its team."""
    alarms: tuple[AlarmView, ...] = ()
    """What fires where their changes, or ones that they approve, went live last and are watched."""
    full: bool = False
    """Whether Slack has said that they are a full member of the workspace."""
    dashboard: str | None = None
    """The address that opens the dashboard for them, where there is one."""
