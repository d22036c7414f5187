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
class Room:
    """A channel of our own making: its id and the name it was really given."""

    channel: str
    name: str


@dataclass(frozen=True)
class Heard:
    """A message that somebody wrote: who (``U…``; None where an app did), the words, and where it can be read."""

    author: str | None
    text: str
    permalink: str | None
    at: datetime


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
    away: str | None = None
    """What their status says where it means that they are not there (“On holiday”)."""
    away_until: datetime | None = None
    """When that status ends by itself, where it does."""


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


class Rooms(Protocol):
    """Channels of our own making, and what only they need."""

    async def open_room(self, name: str, key: str, *, private: bool) -> Room:
        """Make a channel of this name; the one that carries ``key`` already is taken again, so that twice is harmless.

        A name that somebody else's channel has gets a suffix (``-2`` …). ``key`` stands in the channel's purpose.
        """
        ...

    async def invite(self, channel: str, slack_ids: Sequence[str]) -> Mapping[str, str]:
        """Have these people in a channel; returns those who could not be let in, each with Slack's reason."""
        ...

    async def set_topic(self, channel: str, topic: str) -> None:
        """Say in a channel's head what it is about (at most 250 characters; longer is cut)."""
        ...

    async def pin(self, at: Posted) -> None:
        """Pin a message; one that is pinned already stays so."""
        ...

    async def bookmark(self, channel: str, title: str, url: str) -> None:
        """Put a link into a channel's head; one with that address is not put there twice."""
        ...

    async def archive(self, channel: str) -> None:
        """Close a channel; one that is closed already stays so."""
        ...

    async def whisper(self, channel: str, slack_id: str, message: Message) -> None:
        """Show somebody in a channel what nobody else there sees; it may be lost, and twice is twice."""
        ...

    async def heard(self, channel: str, ts: str) -> Heard | None:
        """A message by its place, also one in a thread; None where it is gone."""
        ...

    async def put_document(self, channel: str, title: str, markdown: str) -> str | None:
        """Lay a document into a channel: as its canvas, where the plan has them, else as a file; returns its address.

        A canvas that the channel has already gets this text instead of its own.
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


class Issues(Protocol):
    """Where work that is left over is kept."""

    async def open_issue(self, repo: str, title: str, body: str, key: str) -> str:
        """Open an issue and return its address; one whose body carries ``key`` already is that one."""
        ...


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


@dataclass(frozen=True, kw_only=True)
class Call:
    """A page to one person: ``user`` is the pager's id, ``service`` the one it is opened on.

    ``key`` is the pager incident's own, at most 255 characters: while one with it is open there is no second.
    """

    key: str
    service: str
    user: str | None
    """None: whoever the service's policy calls."""
    policy: str | None = None
    """The escalation policy to follow where no ``user`` is named; without it, the service's."""
    title: str
    details: str
    url: str | None = None


@dataclass(frozen=True)
class Reached:
    """Somebody whom the pager calls: its id of them, and what they are called there."""

    user: str
    name: str | None


@dataclass(frozen=True)
class Paged:
    """The pager's incident: its id, where people see it, and whom it went to, as far as the pager says."""

    incident: str
    url: str | None
    reached: tuple[Reached, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PagerState:
    """How an incident of the pager stands: acknowledged by whom (the pager's ids), resolved or not."""

    acknowledged_by: tuple[str, ...] = ()
    resolved: bool = False


class Rota(Protocol):
    """Who is on call."""

    async def on_call(self, service: str) -> Sequence[OnCall]:
        """Who is on call now for a service (PagerDuty's id) at the first level of its escalation policy."""
        ...

    async def on_schedule(self, schedule: str, at: datetime) -> Sequence[OnCall]:
        """Whose shift it is at an instant by a schedule (PagerDuty's id), whether or not a policy calls it."""
        ...


class Pager(Rota, Protocol):
    """Who is on call, and waking people."""

    async def user_by_email(self, email: str) -> str | None:
        """The pager's id of the person with exactly this address, or None."""
        ...

    async def page(self, call: Call) -> Paged:
        """Wake somebody. Twice is harmless: an incident that is open with that key is returned as it is."""
        ...

    async def ask_responders(self, incident: str, users: Sequence[str], message: str) -> bool:
        """Ask further people to an incident, each once; False where the account cannot (PagerDuty's 402)."""
        ...

    async def escalate(self, incident: str, policy: str | None, but: Sequence[str]) -> Sequence[Reached]:
        """Bring an incident to the first level of a policy (None: its own) where anybody is other than ``but``.

        Returns whom it goes to now; nobody where the policy has no such level, and nothing was done then. An incident
        that went to somebody else by itself already stays there.
        """
        ...

    async def state(self, incident: str) -> PagerState:
        """How an incident stands now."""
        ...

    async def acknowledge(self, incident: str) -> None:
        """Say that somebody is on an incident, so that no phone rings on; one that is over stays so."""
        ...

    async def note(self, incident: str, text: str) -> None:
        """Write on an incident what people there should know (at most 2,000 characters); the same twice is once."""
        ...

    async def resolve(self, incident: str) -> None:
        """End an incident; one that is over stays so."""
        ...

    async def record_change(self, change: ChangeEvent) -> None:
        """Have the pager show that something was deployed (Events v2, change events); twice is shown twice."""
        ...


@dataclass(frozen=True, kw_only=True)
class ChangeEvent:
    """A production deploy, as the pager shows it beside incidents."""

    summary: str
    source: str
    at: datetime
    details: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    """Texts by address."""


@dataclass(frozen=True)
class OnCall:
    """Somebody on call: PagerDuty's id for them, their address there, and until when."""

    user: str
    email: str | None
    name: str
    until: datetime | None
