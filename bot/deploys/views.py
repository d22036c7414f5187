"""What templates see of deploys and changes: small frozen records, already chosen and ordered, never escaped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.events import DeployStatus


@dataclass(frozen=True, kw_only=True)
class PersonView:
    """Somebody to be named; mentioned only where ``slack_id`` is known."""

    name: str
    slack_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeView:
    """One change. ``label`` is ``#812`` or a short sha; ``merged_for`` is the bot in whose stead the merger stands.

    ``change_id`` is our own number, the value of its mute button; None where no button is to be offered.
    """

    label: str
    title: str
    url: str | None
    authors: tuple[PersonView, ...]
    merged_for: str | None = None
    reverts: str | None = None
    change_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class LinkView:
    """A link shown under a card."""

    name: str
    url: str


class RangeState(StrEnum):
    """How much we know of what a deploy carries."""

    READING = "reading"
    """The forge is being asked; the card will be completed."""
    COMPLETE = "complete"
    UNKNOWN = "unknown"
    """The forge does not answer now: this is what the event itself carries, to be completed later."""
    UNREADABLE = "unreadable"
    """The forge will not tell us (no token, no access): what the event itself carries is all there is."""


@dataclass(frozen=True, kw_only=True)
class OpenIncident:
    """An incident that is open about what runs somewhere; ``locked`` where that waits until it is resolved."""

    number: int
    title: str
    room: str | None
    locked: bool


@dataclass(frozen=True, kw_only=True)
class BrakeView:
    """A lock on a service where a rollout went; ``wants_go`` once it is over and a person must say Go."""

    scope: str
    reason: str
    owner: str
    until: datetime | None
    wants_go: bool
    room: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeployCard:
    """One rollout, as its channel sees it. ``duration`` is set once it ended; ``more`` counts changes not listed.

    ``locks`` and ``incidents`` are those of its service there, on the card of what runs or was tried last.
    """

    service: str
    environment: str
    status: DeployStatus
    percent: int | None
    rollback: bool
    sha: str
    ref: str | None
    version: str | None
    description: str | None
    creator: PersonView | None
    began_at: datetime
    ended_at: datetime | None
    duration: timedelta | None
    previous_sha: str | None
    first: bool
    range: RangeState
    arriving: tuple[ChangeView, ...]
    leaving: tuple[ChangeView, ...]
    more: int
    links: tuple[LinkView, ...]
    stuck: StuckView | None
    locks: tuple[BrakeView, ...] = ()
    incidents: tuple[OpenIncident, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StuckView:
    """A rollout that takes far longer than usual."""

    running_since: datetime
    usual: timedelta | None
    """What is usual here; None when there were too few rollouts to tell."""
    url: str | None


@dataclass(frozen=True, kw_only=True)
class RevertView:
    """What takes a change back where it is: since when, and whether both came there ``together``."""

    label: str
    url: str | None
    at: datetime
    together: bool


@dataclass(frozen=True, kw_only=True)
class StageView:
    """How one change fares in one environment."""

    service: str
    environment: str
    status: DeployStatus
    at: datetime
    url: str | None
    left: bool = False
    """It was live here and a rollback took it out."""
    reverted: RevertView | None = None
    """What takes it back here: it came, and does nothing."""

    @property
    def works(self) -> bool:
        """Whether what came here is still in force: neither taken out nor taken back."""
        return not self.left and self.reverted is None


@dataclass(frozen=True, kw_only=True)
class AboutView:
    """An instant that nobody knows exactly: as usual, and what nine in ten did not exceed; ``few`` bear it out."""

    from_at: datetime
    to_at: datetime
    few: bool = False


class Seat(StrEnum):
    """Where a change stands with the departure that it is to go with."""

    EXPECTED = "expected"
    """Boarding is open, and nothing keeps it off."""
    LEFT = "left"
    """Boarding is open, and it would stay behind."""
    SEALED = "sealed"
    """It is aboard, and boarding has closed."""
    HELD = "held"
    """It is aboard, and the departure does not leave."""
    GONE = "gone"
    """The departure has left with it."""


@dataclass(frozen=True, kw_only=True)
class OnwardView:
    """How a change goes on by a train, to one environment of one service. What nobody can tell is None.

    ``or_at`` is the departure that it catches only where it takes as long as few do, ``next_at`` the one after that
    which it misses. Until ``until`` what keeps it off (``reason``) lasts, where that is known.
    """

    service: str
    environment: str
    train: str
    seat: Seat
    before: str | None = None
    departs_at: datetime | None = None
    or_at: datetime | None = None
    next_at: datetime | None = None
    reason: str | None = None
    until: datetime | None = None
    frozen_at: datetime | None = None
    """A departure before, which it would catch and which a freeze (``frozen_by``) keeps here."""
    frozen_by: str | None = None
    staged: AboutView | None = None
    """When it is in the environment before, where it is not yet."""
    soak_ends_at: datetime | None = None
    in_hours: bool | None = None
    """Whether that is within the working hours of ``whose`` (None = the reader's)."""
    whose: PersonView | None = None
    live: AboutView | None = None
    unknown: str | None = None
    """Why nobody can tell when: ``arrival``, ``overdue``, ``rollout`` or ``timetable``."""
    once: str | None = None
    """What it waits for that is usually there soon after a build: "e2e has not reported"."""
    zone: str | None = None
    """By whose clock its train leaves."""


@dataclass(frozen=True, kw_only=True)
class ChangeCard:
    """One change, as one of its authors sees it in a direct message. ``change_id`` goes into the button's value."""

    change_id: int
    change: ChangeView
    role: str
    """``author``, ``coauthor`` or ``merger``."""
    stages: tuple[StageView, ...]
    muted: bool
    muted_everything: bool
    onward: tuple[OnwardView, ...] = ()
    """How it goes on where a train carries it."""

    @property
    def zone(self) -> str | None:
        """By whose clock it is told: that of the train that carries it."""
        return next((one.zone for one in self.onward), None)


class Outcome(StrEnum):
    """What a note in an author's thread says of a change."""

    LIVE = "live"
    FAILED = "failed"
    LEFT = "left"
    """A rollback took it out."""
    CORRECTED = "corrected"
    """How the deploy went is not what was said before."""
    ABSENT = "absent"
    """It was said to be aboard, and was not."""


@dataclass(frozen=True, kw_only=True)
class ChangeNote:
    """The loud reply in an author's thread."""

    outcome: Outcome
    change: ChangeView
    role: str
    """``author``, ``coauthor`` or ``merger``; ``watcher`` for somebody who had no part in it."""
    service: str
    environment: str
    status: DeployStatus
    duration: timedelta | None
    url: str | None
    by: PersonView | None = None
    """Who declared the rollback that took it out, where somebody did."""
    reason: str | None = None
    """Why they did."""
    channel: str | None = None
    """Where it is told in full."""
    locked: str | None = None
    """The lock that its failure has set by itself, in words."""
    reverted: RevertView | None = None
    """What takes it back there, of one that is live."""


class DeploySaid(StrEnum):
    """What is said aloud of a rollout that no promotion carries."""

    FAILED = "failed"
    ALERT = "alert"
    """An alert fires on it."""
    ALERT_OVER = "alert_over"
    """That alert is over."""


@dataclass(frozen=True, kw_only=True)
class DeployNote:
    """What is said in the thread of a rollout's card, or to an author of what it brought; ``said`` a ``DeploySaid``.

    ``alert`` is what fires, since ``since``, to be looked at at ``alert_url``; ``rolling``: it still rolls out.
    """

    said: str
    service: str
    environment: str
    sha: str
    rollback: bool
    changes: tuple[ChangeView, ...]
    more: int
    url: str | None
    alert: str | None = None
    alert_url: str | None = None
    since: datetime | None = None
    incident: OpenIncident | None = None
    """The incident that the alert belongs to, where that is open."""
    rolling: bool = False


@dataclass(frozen=True, kw_only=True)
class StuckNote:
    """To the authors of a rollout that looks stuck: what, since when, what to do."""

    service: str
    environment: str
    changes: tuple[ChangeView, ...]
    stuck: StuckView


@dataclass(frozen=True, kw_only=True)
class RedBuildNote:
    """A commit of the main branch is red; ``direct`` when it goes to the author rather than the team."""

    repo: str
    service: str
    checks: tuple[FailedCheck, ...]
    sha: str
    title: str | None
    author: PersonView | None
    direct: bool


@dataclass(frozen=True, kw_only=True)
class GreenBuildNote:
    """A check of the main branch passes again after it was told to be red; ``sha`` is the commit it passes on."""

    repo: str
    service: str
    check: str
    sha: str
    title: str | None
    url: str | None


@dataclass(frozen=True, kw_only=True)
class FailedCheck:
    """A check that failed, and its run where that is known."""

    name: str
    url: str | None


@dataclass(frozen=True, kw_only=True)
class DigestLine:
    """One folded deploy within a digest."""

    service: str
    environment: str
    status: DeployStatus
    sha: str
    url: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class DigestCard:
    """Deploys folded into one message because their cards would have waited too long.

    ``changes`` is true for an author's own changes, each of which stands for its latest deploy.
    """

    lines: tuple[DigestLine, ...]
    since: datetime
    until: datetime
    changes: bool = False


@dataclass(frozen=True, kw_only=True)
class BlindSpotNote:
    """What arrived late because webhooks did not reach us for a while."""

    first_at: datetime
    last_at: datetime
    redelivered: int
    deploys: tuple[DigestLine, ...]


@dataclass(frozen=True, kw_only=True)
class UnreachableNote:
    """To the fallback channel: a place cannot be written to, said once."""

    place: str
    reason: str
    mend: str
    service: str | None


@dataclass(frozen=True, kw_only=True)
class BrokenTemplateNote:
    """To the fallback channel: a template of the users' own is broken, and ours is shown instead."""

    template: str
    error: str
