"""What templates see of promotions: small frozen records, already chosen and ordered, never escaped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.alerts.views import AlertView
from bot.deploys.views import ChangeView, LinkView, OpenIncident, PersonView, RangeState
from bot.events import Act, DeployStatus


class Said(StrEnum):
    """What a note in the thread of a promotion's card says: edits do not notify."""

    APPROVAL_NEEDED = "approval_needed"
    """Somebody's yes is all that is missing."""
    VOID = "void"
    """A yes does not count any more: what it was given to has changed."""
    REOPENED = "reopened"
    """It was about to start, and a gate closed."""
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNAWAITED = "unawaited"
    """Somebody stopped waiting for what rolls out; it rolls on."""
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    """A newer build took its place."""
    FAILED = "failed"
    LIVE = "live"
    ROLLED_BACK = "rolled_back"
    """A declared rollback is live."""
    ASKS_PERSON = "asks_person"
    """A call is in doubt, and only a person can find out."""
    WENT_ROUND = "went_round"
    """A rollout reached the environment and no gate was asked."""
    ALERT = "alert"
    """An alert fires on what went live and is watched."""
    ALERT_OVER = "alert_over"
    """That alert is over."""
    HELD = "held"
    """To an author: a lock holds back what carries their change."""
    GOES_ON = "goes_on"
    """To an author: no lock holds it back any more."""


@dataclass(frozen=True, kw_only=True)
class GateLine:
    """One gate's verdict, or one of several locks. ``state`` is ``open``, ``waiting`` or ``blocked``.

    ``can`` are all who can open it, where they can be named; ``able`` says who can where they cannot.
    """

    gate: str
    state: str
    reason: str
    until: datetime | None = None
    can: tuple[PersonView, ...] = ()
    go: int | None = None
    """The lock that is over, and holds until a person says Go."""
    able: str = ""
    room: str | None = None
    """The channel in which what holds it is dealt with: an incident's room."""


@dataclass(frozen=True, kw_only=True)
class ApprovalView:
    """One person's yes; ``counts`` is false once it is void (what it was given to has changed) or has expired."""

    person: PersonView
    at: datetime
    counts: bool


@dataclass(frozen=True, kw_only=True)
class AbleView:
    """Somebody whose yes would count: ``online`` is None where nobody knows, ``from_at`` set outside their hours."""

    person: PersonView
    online: bool | None
    from_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class BarredView:
    """Somebody of those who approve whose yes cannot count, and why: "wrote #402"."""

    person: PersonView
    why: str


@dataclass(frozen=True, kw_only=True)
class NextBuild:
    """The newer build that waits behind a promotion, with what it would add as far as that is known."""

    sha: str
    changes: tuple[ChangeView, ...]
    more: int = 0
    """Changes that are not listed."""


@dataclass(frozen=True, kw_only=True)
class RoundView:
    """A rollout that no gate was asked for: what was ``closed`` then, and by which door it came (``sources``)."""

    closed: tuple[str, ...]
    sources: tuple[str, ...]
    who: PersonView | None
    url: str | None


@dataclass(frozen=True, kw_only=True)
class RejectionView:
    """Changes of which somebody said no, the last time that they were to go there."""

    labels: tuple[str, ...]
    who: PersonView | None
    at: datetime
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class PromotionCard:
    """One promotion, from open until it is live no more. ``promotion_id`` and ``seen`` go into its buttons' values.

    ``state`` is a ``bot.promotions.models.State``.
    """

    promotion_id: int
    seen: str
    service: str
    environment: str
    before: str | None
    """The environment that the build comes from."""
    state: str
    rollback: bool
    sha: str
    reason: str | None
    """Why somebody asked for it, as of a rollback."""
    requested_by: PersonView | None
    range: RangeState
    changes: tuple[ChangeView, ...]
    leaving: tuple[ChangeView, ...]
    more: int
    """Changes that are not listed."""
    changes_in_all: int
    additions: int | None
    deletions: int | None
    gates: tuple[GateLine, ...]
    """Empty once the pipeline was called: what they said then stands in the details."""
    ships_at: datetime | None
    """When time alone will have opened every gate but the approval, where no more than time is missing."""
    only_approval: bool
    """Whether a yes is all that is missing."""
    ships_at_said: str | None = None
    """``ships_at`` in words, with its zone: a question asked before a click shows no instant in the reader's own."""
    approvals: tuple[ApprovalView, ...]
    able: tuple[AbleView, ...]
    """Whose yes is missing, whoever is easiest to reach first; nobody where it could be anybody's."""
    reentries: tuple[str, ...]
    """Changes aboard that a rollback took out, and nobody has answered for yet."""
    held: bool
    """Whether somebody's Hold is on it."""
    next: NextBuild | None
    undo_until: datetime | None
    """Until when an approval can be taken back: then its pipeline is called."""
    called: bool
    asks_person: str | None
    """Why a person must say whether the call went through."""
    deploy: DeployStatus | None
    percent: int | None
    duration: timedelta | None
    ended_at: datetime | None
    ended_by: PersonView | None
    ended_reason: str | None
    live: bool
    """Whether this very build is live there."""
    rolled_back_at: datetime | None
    watched_until: datetime | None
    """Until when what it brought is watched, while it is live; its Roll back button stands as long."""
    alerts: tuple[AlertView, ...]
    """What fires on the service while it is watched."""
    links: tuple[LinkView, ...]
    may: tuple[Act, ...]
    """What can be done to it as it stands."""
    unproven: tuple[PersonView, ...] = ()
    """Whose yes is missing and would count, once GitHub or the catalogue says which login is theirs."""
    proves: bool = True
    """Whether they can have GitHub say it."""
    short: int = 0
    """How many of the missing yeses nobody is left to give."""
    barred: tuple[BarredView, ...] = ()
    """Where so: why those who approve cannot."""
    answered: tuple[str, ...] = ()
    """Changes aboard that a rollback took out, and of which somebody said why they may go in again."""
    answered_by: PersonView | None = None
    answered_reason: str | None = None
    trying: TryingView | None = None
    """The calls to its pipeline that did not get through, while it is tried again."""
    incidents: tuple[OpenIncident, ...] = ()
    """Those that are open about its service there, while it is on its way or live."""
    trouble: str | None = None
    """Why nobody can read what it carries."""
    now_live: LiveView | None = None
    """What is live there instead, once it has failed."""
    goes_back: bool = False
    """Whether a rollback would start from its failed rollout."""
    unawaited: bool = False
    """Whether its rollout is on its way, and nobody waits for it any more."""
    mended: tuple[str, ...] = ()
    """Changes aboard that a rollback took out, each with its fix aboard."""
    round: RoundView | None = None
    """How it began, where no gate was asked."""
    rejections: tuple[RejectionView, ...] = ()
    """What of it was rejected before, while it waits."""
    may_hold: tuple[GateLine, ...] = ()
    """Locks that hold it if its call, of which nothing is known, did not arrive."""
    besides: str | None = None
    """The train that goes there and that it is not aboard of: it is a hotfix."""


@dataclass(frozen=True, kw_only=True)
class TryingView:
    """What is tried again and again: ``reason`` is what was seen the last time, ``next_at`` the next try."""

    tries: int
    since: datetime
    reason: str
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class LiveView:
    """What is live somewhere, and since when."""

    sha: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class PromotionNote:
    """What is said in the thread of a promotion's card, or to one of its authors. ``said`` is a ``Said``."""

    said: str
    promotion_id: int
    service: str
    environment: str
    sha: str
    rollback: bool
    who: PersonView | None
    reason: str | None
    changes: tuple[ChangeView, ...]
    url: str | None
    able: tuple[AbleView, ...] = ()
    lock: HoldingLock | None = None
    waits: tuple[GateLine, ...] = ()
    """What else is closed, where that must be said."""
    alert: AlertView | None = None
    """The alert that it is about."""
    rolling: bool = False
    """Whether it still rolls out."""
    deploy: DeployStatus | None = None
    """Of a rollout that no gate was asked for: where it stands."""
    more: int = 0
    """Changes that are not listed."""
    round: RoundView | None = None
    """How what is live began, where no gate was asked."""
    incident: OpenIncident | None = None
    """The incident that the alert belongs to, where that is open."""


@dataclass(frozen=True, kw_only=True)
class HoldingLock:
    """The lock or freeze that holds back, or held back, what a note is about."""

    scope: str
    reason: str
    owner: str | None
    ends_at: datetime | None
    hold: bool = False
    """Whether it is on this promotion alone."""
    freeze: bool = False
    """Whether it is a freeze."""


@dataclass(frozen=True, kw_only=True)
class DecisionView:
    """One judged act of a promotion's history; ``closed`` are the gates that were closed then, each with its reason."""

    at: datetime
    act: str
    who: PersonView | None
    outcome: str
    closed: tuple[str, ...]
    reason: str | None = None
    """What whoever did it said, where that stands nowhere else."""


@dataclass(frozen=True, kw_only=True)
class SizedChange:
    """One change with its size, None where it is not known."""

    change: ChangeView
    additions: int | None
    deletions: int | None


@dataclass(frozen=True, kw_only=True)
class DetailsModal:
    """All that is known of a promotion. ``more`` counts changes that are not listed."""

    card: PromotionCard
    sized: tuple[SizedChange, ...]
    more: int
    verdicts: tuple[GateLine, ...]
    decisions: tuple[DecisionView, ...]


@dataclass(frozen=True, kw_only=True)
class ReasonModal:
    """What somebody is asked a reason for, and the changes that it is about."""

    promotion_id: int
    seen: str
    service: str
    environment: str
    sha: str
    changes: tuple[ChangeView, ...]
    more: int
    rolling: bool


@dataclass(frozen=True, kw_only=True)
class RollbackModal:
    """What leaves with a rollback. ``leaving`` lists it, ``complete`` is false where the forge could not tell it all.

    ``seen`` and ``to_deploy`` travel with the modal: the rollback is refused where they no longer hold.
    """

    service: str
    environment: str
    from_sha: str
    to_sha: str
    to_live_at: datetime
    to_deploy: int
    seen: str
    leaving: tuple[ChangeView, ...]
    more: int
    complete: bool


@dataclass(frozen=True, kw_only=True)
class PromoteModal:
    """Which service is to go where: all of it is chosen in the modal."""
