"""What Shipmate asks of other systems, in its own verbs; ``bot.adapters`` answers with the vendors' SDKs.

Every method may raise RetryLater, Doubtful, or GiveUp and its subclasses (``bot.errors``), and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from bot.events import Commit, DeployReported, MergedPull


@dataclass(frozen=True)
class Message:
    """What one message shows: Block Kit blocks, the notification text, and metadata that names it to machines.

    ``key`` is unique per message we mean to send; it travels in the metadata, so that a doubtful send can be found.
    """

    text: str
    blocks: Sequence[dict[str, Any]]
    key: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Posted:
    """Where a message stands: the channel's id (``C…``, ``D…``) and Slack's timestamp, its name within the channel."""

    channel: str
    ts: str


@dataclass(frozen=True)
class Member:
    """A person in the workspace; one whose account was deactivated is not ``active``.

    A ``guest`` is let into some channels only, or belongs to another workspace.
    """

    slack_id: str
    name: str
    active: bool = True
    guest: bool = False
    email: str | None = None
    """Their address, which Slack has verified."""
    zone: str | None = None
    """The IANA name of their time zone."""


class Identity(Protocol):
    """Who we are in the workspace."""

    @property
    def team_id(self) -> str:
        """The workspace (``T…``)."""
        ...

    @property
    def user_id(self) -> str:
        """Our own user (``U…``)."""
        ...

    @property
    def bot_id(self) -> str:
        """The name our messages carry (``B…``)."""
        ...


class Chat(Protocol):
    """The workspace people read."""

    async def post(self, place: str, message: Message, *, thread: str | None = None) -> Posted:
        """Post to a channel (``#name``, ``C…``, ``D…``) or a person (``U…``), or reply in ``thread`` (a ts)."""
        ...

    async def update(self, at: Posted, message: Message) -> None:
        """Replace what a message of ours shows; MessageGone when it is no longer there."""
        ...

    async def find(
        self, place: str, keys: set[str], *, since: datetime, threads: Sequence[str] = ()
    ) -> dict[str, Posted]:
        """Which of our messages with these keys stand in ``place`` since then, in the channel or the given threads.

        PlaceUnreachable means that nothing of ours can have been sent there either. Where we may post and may not read
        it is another GiveUp: a message in doubt is then held until somebody lets us look, rather than sent twice.
        """
        ...

    async def member_by_email(self, email: str) -> Member | None:
        """The member whose verified address this is, or None."""
        ...

    async def member(self, slack_id: str) -> Member | None:
        """The person with this id, or None where Slack shows us nobody."""
        ...

    async def group_members(self, handle: str) -> frozenset[str] | None:
        """The members (``U…``) of the user group ``@handle``, or None where there is no such group."""
        ...

    async def present(self, slack_id: str) -> bool | None:
        """Whether somebody is online now, None where Slack does not say."""
        ...

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Open a modal for whoever's ``trigger_id`` this is (once, within 3 s); returns the view's id."""
        ...

    async def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Replace what an open modal shows."""
        ...

    async def publish_home(self, slack_id: str, view: Mapping[str, Any]) -> None:
        """Replace somebody's App Home."""
        ...

    async def identity(self) -> Identity:
        """Who we are, asked afresh."""
        ...

    async def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        """Answer a command or a click at the address that came with it (5 uses in 30 minutes).

        ``message`` is as Slack takes it there: ``text``, ``blocks``, ``response_type``, ``replace_original``.
        """
        ...


class Direction(StrEnum):
    """How the head of a range stands to its base."""

    AHEAD = "ahead"
    BEHIND = "behind"
    DIVERGED = "diverged"
    IDENTICAL = "identical"


@dataclass(frozen=True)
class Changes:
    """Merged pull requests, and the commits that belong to none, oldest first."""

    pulls: tuple[MergedPull, ...] = ()
    commits: tuple[Commit, ...] = ()


@dataclass(frozen=True)
class Range:
    """What lies between two commits: ``arriving`` is in head and not in base, ``leaving`` the reverse.

    ``truncated`` is how many further commits were left out because the range is longer than we read.
    """

    direction: Direction
    arriving: Changes
    leaving: Changes
    truncated: int = 0


@dataclass(frozen=True)
class MissedDeliveries:
    """What a look back found: failed hook deliveries asked for again, and when the first and last of them had failed.

    ``requested`` counts each once, however often it has to be asked for.
    """

    requested: int
    first_at: datetime | None = None
    last_at: datetime | None = None


class Forge(Protocol):
    """Where the code lives."""

    async def compare(self, repo: str, base: str, head: str, *, paths: bool) -> Range:
        """The range base...head with each commit's pull request and everyone who wrote it; with files if ``paths``."""
        ...

    async def single(self, repo: str, sha: str, *, paths: bool) -> Changes:
        """The one change that a commit is (there is nothing before it to compare with)."""
        ...

    async def email(self, login: str) -> str | None:
        """The public address of an account, or None."""
        ...

    async def redeliver_failed(self, since: datetime) -> MissedDeliveries | None:
        """Ask for failed webhook deliveries again; None where we are no GitHub App and cannot."""
        ...

    async def statuses(self, repo: str, external_ids: Sequence[str]) -> Sequence[DeployReported]:
        """Where these deployments of a repository stand now, oldest first; one that is gone is left out."""
        ...

    async def deployments_since(self, repo: str, since: datetime) -> Sequence[DeployReported]:
        """Every deployment created in a repository since then, each with its latest status, oldest first."""
        ...

    async def login_by_sign_on(self, owner: str, email: str) -> str | None:
        """The login that an organisation's single sign-on knows under this address, or None."""
        ...

    async def begin_device_proof(self) -> DeviceProof:
        """Begin to have somebody prove at GitHub which account is theirs (OAuth's device flow)."""
        ...

    async def device_proven(self, proof: DeviceProof) -> str | None:
        """The login of whoever entered the code, None while nobody has; GiveUp once it has expired or was refused."""
        ...

    async def may_push(self, repo: str, login: str) -> bool:
        """Whether a login may push to a repository, by whatever way it was let in."""
        ...


@dataclass(frozen=True)
class DeviceProof:
    """A code that somebody enters at ``url`` until ``expires_at``; ask every ``interval`` seconds, no more often."""

    device_code: str
    user_code: str
    url: str
    interval: float
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a pipeline is asked to do. ``promotion`` is our number, which travels with the call to be found again.

    ``run`` and ``gate`` are the waiting run and its environment as GitHub names it, where a rule is answered.
    ``comment`` is Markdown: who approved, on what grounds.
    """

    promotion: int
    service: str
    environment: str
    repo: str
    sha: str
    rollback: bool
    run: int | None = None
    gate: str | None = None
    comment: str = ""
    requested_by: str | None = None


@dataclass(frozen=True)
class Started:
    """What the pipeline began: its own name for it (``deployment:17``, ``run:99``) where it gave one, its address."""

    external_id: str | None
    url: str | None = None


class Found(StrEnum):
    """What looking for a doubtful call came to, where the call itself was not found."""

    ABSENT = "absent"
    """It certainly did not happen: call again."""
    UNKNOWN = "unknown"
    """There is no way to tell: a person must say."""


class Pipeline(Protocol):
    """What carries promotions out; one implementation for each way (``PromoteThrough``)."""

    async def start(self, order: Order) -> Started:
        """Have it done. Doubtful means that it may have been; the caller then looks (``find``) before calling again."""
        ...

    async def find(self, order: Order, *, since: datetime) -> Started | Found:
        """What an earlier ``start`` of this order, made at or after ``since``, came to."""
        ...


@dataclass(frozen=True)
class Missing:
    """Something that a pipeline needs and does not have, and how to mend it."""

    said: str
    mend: str


class Promoter(Pipeline, Protocol):
    """A pipeline that can say what it lacks, for whoever sets it up."""

    async def missing(self, service: str, repo: str | None, environments: Sequence[str]) -> Sequence[Missing]:
        """What it lacks to promote this service to these environments; changes nothing."""
        ...


class GateKeeper(Protocol):
    """GitHub's custom deployment protection rules, besides the approval that ``Pipeline.start`` gives."""

    async def note(self, repo: str, run: int, gate: str, comment: str) -> None:
        """Post a status note (Markdown, at most 1,024 characters) on a run that waits; GitHub takes ten of them."""
        ...

    async def reject(self, repo: str, run: int, gate: str, comment: str) -> None:
        """End the wait with a no: only for a person's Reject. Twice is harmless: the second finds nothing pending."""
        ...


class Pager(Protocol):
    """Who is on call, and (to come) waking them."""

    async def on_call(self, service: str) -> Sequence[OnCall]:
        """Who is on call now for a service (PagerDuty's id) at the first level of its escalation policy."""
        ...

    async def on_schedule(self, schedule: str, at: datetime) -> Sequence[OnCall]:
        """Whose shift it is at an instant by a schedule (PagerDuty's id), whether or not a policy calls it."""
        ...


@dataclass(frozen=True)
class OnCall:
    """Somebody on call: PagerDuty's id for them, their address there, and until when."""

    user: str
    email: str | None
    name: str
    until: datetime | None
