"""What can have happened: the canonical facts that every door translates to.

Pure data. Times are aware datetimes in UTC, taken from the sender where it says them. Text fields hold the sender's
words unescaped: they are hostile until rendering has escaped them. Nothing here reads the clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeployStatus(StrEnum):
    """Where a rollout stands; the last three are ends."""

    PENDING = "pending"
    """Announced, or waiting for the pipeline."""
    IN_PROGRESS = "in_progress"
    """Rolling out."""
    SUCCEEDED = "succeeded"
    """Live."""
    FAILED = "failed"
    """Did not go live."""
    CANCELLED = "cancelled"
    """Stopped by somebody or by a newer one."""

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected."""
        return self in (DeployStatus.SUCCEEDED, DeployStatus.FAILED, DeployStatus.CANCELLED)


class CheckStatus(StrEnum):
    """The verdict of one CI check on one commit."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Stopped or skipped: says nothing about the commit."""


@dataclass(frozen=True, kw_only=True)
class Human:
    """Somebody as a forge names them; ``login`` is the strongest, an e-mail from a commit is only a hint."""

    login: str | None = None
    name: str | None = None
    email: str | None = None
    bot: bool = False


_GITHUB_NOREPLY = re.compile(r"(?:\d+\+)?([a-z0-9_-]+(?:\[bot\])?)@users\.noreply\.github\.[a-z0-9.-]+", re.IGNORECASE)
"""The address GitHub gives an account that hides its own: ``583231+ana@users.noreply.github.com``."""

_NOBODY = ("noreply@", "no-reply@")
"""How the addresses of tools begin: an address that nobody reads is nobody's."""


def signed_by(name: str | None, email: str | None, login: str | None = None) -> Human:
    """Who signed a commit with this name and address; GitHub's own noreply addresses tell a login not given.

    A signature proves nothing: anybody can write any name and address into a commit.
    """
    noreply = _GITHUB_NOREPLY.fullmatch(email or "")
    login = login or (noreply.group(1) if noreply else None)
    bot = (
        any(word.casefold().endswith("[bot]") for word in (login, name) if word)
        or (login or "").casefold() == "copilot"
        or (login is None and (email or "").casefold().startswith(_NOBODY))
    )
    return Human(login=login, name=name, email=email, bot=bot)


def coauthors(message: str) -> tuple[Human, ...]:
    """Everyone named in a commit message by ``Co-authored-by: Name <address>``, once each, in its order.

    Such lines are read wherever they stand: a squash merge joins several messages into one, trailers and all.
    """
    found: dict[str, Human] = {}
    for line in message.splitlines():
        key, _, value = line.partition(":")
        if key.strip().casefold() != "co-authored-by":
            continue
        name, opening, address = value.strip().rpartition("<")
        email = address.removesuffix(">").strip()
        if not opening or not address.endswith(">") or "@" not in email:
            continue
        human = signed_by(name.strip() or None, email)
        found.setdefault((human.login or email).casefold(), human)
    return tuple(found.values())


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One commit; ``paths`` is None where the sender does not list the files it touches."""

    sha: str
    message: str
    author: Human
    coauthors: tuple[Human, ...] = ()
    url: str | None = None
    at: datetime | None = None
    paths: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class MergedPull:
    """One merged pull request. ``sha`` is the commit it became on its base branch (merge, squash or last rebased).

    ``reverts`` is the number of the pull request it takes back. ``commits`` are further commits on the base branch
    known to belong to it (rebase and merge commits), where the sender tells.
    """

    number: int
    sha: str
    title: str
    url: str
    author: Human
    merger: Human | None = None
    coauthors: tuple[Human, ...] = ()
    labels: tuple[str, ...] = ()
    additions: int | None = None
    deletions: int | None = None
    base: str | None = None
    merged_at: datetime | None = None
    reverts: int | None = None
    commits: tuple[str, ...] = ()
    paths: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeMerged:
    """A pull request was merged. ``repo`` is ``owner/name``."""

    repo: str
    pull: MergedPull
    at: datetime


@dataclass(frozen=True, kw_only=True)
class CommitsPushed:
    """Commits arrived on the main branch (other branches are not told)."""

    repo: str
    commits: tuple[Commit, ...]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class CheckFinished:
    """A CI check ended on a commit. ``main`` is whether it ran for the main branch rather than a pull request.

    ``run`` orders re-runs of one ``name`` on one commit: the highest is the present verdict.
    """

    repo: str
    sha: str
    name: str
    status: CheckStatus
    main: bool
    run: int
    at: datetime
    url: str | None = None
    author: Human | None = None
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeployReported:
    """A pipeline says where one rollout stands. (source, external_id, attempt) names the rollout at its sender.

    ``service`` is set where the sender names it; otherwise the catalogue derives it from ``repo``. ``began_at`` is
    when the rollout was created at the sender, ``at`` when this status was. ``percent`` is 0 to 100.
    ``final`` is the sender's own claim that this environment is production.
    """

    source: str
    external_id: str
    attempt: int = 1
    repo: str | None
    service: str | None = None
    environment: str
    sha: str
    ref: str | None = None
    status: DeployStatus
    percent: int | None = None
    began_at: datetime
    at: datetime
    url: str | None = None
    description: str | None = None
    creator: Human | None = None
    final: bool | None = None
    promotion: int | None = None
    """The promotion of ours that began it, where it carries that back to us."""
    run: int | None = None
    """The forge's workflow run that it is part of."""


@dataclass(frozen=True, kw_only=True)
class ReleasePublished:
    """A named version was published for a tag."""

    repo: str
    tag: str
    name: str
    url: str
    at: datetime


class Level(StrEnum):
    """How much of a scope somebody wants to hear."""

    ALL = "all"
    FAILURES = "failures"
    """Only what went wrong."""
    NONE = "none"
    """Muted. Pages are never muted."""


@dataclass(frozen=True, kw_only=True)
class PreferenceChosen:
    """Somebody in Slack said how much they want to hear. ``scope`` is ``all`` or ``change:<id>``."""

    slack_id: str
    scope: str
    level: Level
    at: datetime


@dataclass(frozen=True, kw_only=True)
class GithubLinked:
    """Somebody in Slack named their GitHub login: it routes messages and grants nothing. None takes it back."""

    slack_id: str
    login: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class AlertReported:
    """An alert fires, or is over (``resolved_at``). ``fingerprint`` is its source's own key for it.

    ``started_at`` may be None in a report that it is over: every occurrence until then is meant.
    """

    source: str
    fingerprint: str
    service: str
    environment: str | None = None
    name: str
    url: str | None = None
    started_at: datetime | None
    resolved_at: datetime | None = None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class GateRequested:
    """GitHub asks whether a run may enter an environment; ``callback_url`` is hostile until it has been checked.

    ``requested_by`` is whoever started the run: None where it started by itself, nobody's name where none is told.
    """

    repo: str
    run: int
    environment: str
    sha: str
    callback_url: str
    requested_by: Human | None = None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class RunEnded:
    """A workflow run is over: nothing waits in it any more. ``attempt`` counts its re-runs from 1."""

    repo: str
    run: int
    attempt: int
    cancelled: bool
    at: datetime


class Via(StrEnum):
    """How a promotion was asked for."""

    PIPELINE = "pipeline"
    """Its build succeeded in the environment before."""
    SLASH = "slash"
    API = "api"
    GITHUB = "github"
    """A run waits before the environment."""
    TRAIN = "train"
    """A departure's list was sealed with it aboard."""


@dataclass(frozen=True, kw_only=True)
class PromotionRequested:
    """Somebody asks for a build to go to an environment; None = the next one; ``sha`` None = the newest.

    A person may name the build in ``sha`` by its tag, its version or a pull request too.

    ``by`` is ``slack:U…`` or a name in our tables (``github:ana``), None where the caller names nobody.
    """

    service: str
    environment: str | None
    sha: str | None
    by: str | None
    via: Via
    at: datetime


@dataclass(frozen=True, kw_only=True)
class RollbackRequested:
    """Somebody declares a rollback of a service to what ``to_deploy`` (our number) brought; None = the last good one.

    ``leaves`` names what they were shown to leave (``Rollback.seen``): None where they were shown nothing.
    """

    service: str
    environment: str | None
    to_deploy: int | None
    leaves: str | None
    reason: str
    slack_id: str
    at: datetime


class Act(StrEnum):
    """What a person does to one promotion."""

    APPROVE = "approve"
    UNDO = "undo"
    """Takes one's own approval back."""
    REJECT = "reject"
    CANCEL = "cancel"
    HOLD = "hold"
    RELEASE = "release"
    INCLUDE = "include"
    """Includes newer: a new promotion takes its place."""
    ACKNOWLEDGE = "acknowledge"
    """What a rollback took out may go in again."""
    WENT_THROUGH = "went_through"
    """A doubtful call did reach the pipeline, a person says."""
    TRY_AGAIN = "try_again"
    """A doubtful call did not reach it: call again."""


@dataclass(frozen=True, kw_only=True)
class PromotionActed:
    """A person of our workspace, no guest, did something to a promotion as they saw it (``seen``)."""

    act: Act
    promotion: int
    seen: str
    slack_id: str
    called: str
    reason: str | None = None
    at: datetime


class TrainAct(StrEnum):
    """What a person does to one departure of a train."""

    HOLD = "hold"
    """It is not to leave until somebody releases it; needs a reason and a time to look at it again."""
    RELEASE = "release"
    """Takes a Hold back."""
    DEPART = "depart"
    """It is to leave now, if every gate is open."""
    REMOVE = "remove"
    """A service, or one change, is to stay behind."""
    CANCEL = "cancel"
    APPROVE = "approve"
    """A yes to everything aboard, as far as this person may say it."""
    READY = "ready"
    """A thumbs-up by whoever wrote a change aboard."""
    UNREADY = "unready"
    """Takes it back."""
    RUN = "run"
    """One that was missed is to leave after all, now."""
    ROLL_ON = "roll_on"
    """What was stopped half way goes on."""
    ROLL_BACK = "roll_back"
    """What was stopped half way is taken back."""


@dataclass(frozen=True, kw_only=True)
class TrainActed:
    """A person of our workspace, no guest, did something to a departure (our number) as they saw it (``seen``).

    ``service`` and ``change`` (our number of one) say what ``REMOVE`` leaves behind: the change, where both are given.
    ``change`` says what ``READY`` is about, None = everything of theirs. ``review_at`` is when a Hold is looked at
    again.
    """

    act: TrainAct
    departure: int
    seen: str | None = None
    service: str | None = None
    change: int | None = None
    reason: str | None = None
    review_at: datetime | None = None
    slack_id: str
    called: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class LockPlaced:
    """A person sets a lock. ``scope`` is what they typed: ``checkout``, ``checkout/production``, ``team:payments``,
    ``environment:production``, ``everything``. ``ends_at`` None = the default end.
    """

    scope: str
    reason: str
    ends_at: datetime | None
    rollbacks: bool
    slack_id: str
    called: str
    channel: str | None
    at: datetime


class LockAct(StrEnum):
    """What a person does to a lock that stands."""

    LIFT = "lift"
    EXTEND = "extend"
    GO = "go"
    """Production may go on after a lock that ran out or lifted itself."""


@dataclass(frozen=True, kw_only=True)
class LockActed:
    """A person lifts, extends or gives the Go. ``lock`` is its number; with None, ``scope`` is what they typed."""

    act: LockAct
    lock: int | None
    scope: str | None
    until: datetime | None = None
    slack_id: str
    called: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class FreezeDeclared:
    """A person declares a freeze from ``begins`` until ``ends``; ``service`` None = all."""

    service: str | None
    begins: datetime
    ends: datetime
    reason: str
    slack_id: str
    called: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class FreezeLifted:
    """A person ends a freeze that a person declared."""

    freeze: int
    slack_id: str
    called: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class WatchChosen:
    """Somebody is to hear when a change reaches an environment (None = every one): ``who`` (a Slack id)."""

    change: int
    environment: str | None
    who: str
    slack_id: str
    watching: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class IdentityProven:
    """GitHub itself said that this person is this login: by the device flow, or by single sign-on."""

    slack_id: str
    login: str
    how: str
    """``device`` or ``sso``."""
    at: datetime
    repo: str | None = None
    """A repository of the catalogue that GitHub says the login may push to: ``device`` proves nothing without one."""


@dataclass(frozen=True, kw_only=True)
class HoursChosen:
    """Somebody said when they work, in minutes of their own day; both None = the usual hours again."""

    slack_id: str
    begins: int | None
    ends: int | None
    at: datetime


Event = (
    ChangeMerged
    | CommitsPushed
    | CheckFinished
    | DeployReported
    | ReleasePublished
    | PreferenceChosen
    | GithubLinked
    | AlertReported
    | GateRequested
    | RunEnded
    | PromotionRequested
    | RollbackRequested
    | PromotionActed
    | TrainActed
    | LockPlaced
    | LockActed
    | FreezeDeclared
    | FreezeLifted
    | WatchChosen
    | IdentityProven
    | HoursChosen
)
