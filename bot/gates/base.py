"""What every gate shares: its verdict, and the frozen facts that gates judge.

``Waiting`` = the normal course opens it (time, CI, a missing approval); ``Blocked`` = somebody must lift it. Reasons
are sentences people read, in lower case and without a full stop: "soaked for 30 min", "locked by Dee: rollback
in progress". An instant never stands in a reason: it goes into ``until``, which readers see in their own time zone.
Names and words in reasons come from outside and are hostile until rendering has escaped them. A missing fact (None)
never opens a gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.ports import Direction


@dataclass(frozen=True)
class Open:
    """Nothing here stands in the way."""

    reason: str


@dataclass(frozen=True)
class Waiting:
    """The normal course opens it; ``until`` is when, where that is known. ``who`` are Slack ids of who can."""

    reason: str
    until: datetime | None = None
    who: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blocked:
    """Somebody must lift it; ``until`` is when it ends by itself, where it does. ``who`` are Slack ids of who can."""

    reason: str
    until: datetime | None = None
    who: tuple[str, ...] = ()


Verdict = Open | Waiting | Blocked


@dataclass(frozen=True)
class Judged:
    """One gate's name and its verdict."""

    gate: str
    verdict: Verdict


@dataclass(frozen=True)
class Judgement:
    """Every gate's verdict, in the policy's order."""

    verdicts: tuple[Judged, ...]

    @property
    def open(self) -> bool:
        """Whether every gate is open; no gate at all opens nothing."""
        return bool(self.verdicts) and all(isinstance(one.verdict, Open) for one in self.verdicts)

    @property
    def closed(self) -> tuple[Judged, ...]:
        """Those that are not open."""
        return tuple(one for one in self.verdicts if not isinstance(one.verdict, Open))

    @property
    def only_approval_missing(self) -> bool:
        """Whether an approval is all that is waited for."""
        return [one.gate for one in self.closed] == ["approval"]

    @property
    def asks_for_yes(self) -> bool:
        """Whether people are asked for an approval now: it is all that is missing.

        What goes by train may also wait for it to leave, and for whatever time opens until then: else people would be
        asked when it is too late.
        """
        verdicts = {one.gate: one.verdict for one in self.closed}
        train, approval = verdicts.pop("train", None), verdicts.pop("approval", None)
        if approval is None or isinstance(train, Blocked):
            return False
        leaves_at = train.until if isinstance(train, Waiting) else None
        return all(
            isinstance(one, Waiting) and one.until is not None and leaves_at is not None and one.until <= leaves_at
            for one in verdicts.values()
        )

    @property
    def next_at(self) -> datetime | None:
        """The earliest instant at which time alone changes a verdict."""
        instants = [one.verdict.until for one in self.closed if not isinstance(one.verdict, Open)]
        return min((at for at in instants if at is not None), default=None)


@dataclass(frozen=True, kw_only=True)
class ChangeFact:
    """One change aboard. ``lines`` is added plus deleted, None when not told.

    ``wrote`` are the names in our tables (``bot.people.who_is``: ``github:ana``, ``email:…``) of its author and
    co-authors, and of the merger who stands in for a bot; ``writers`` how they are called. A bot's own name is among
    them, so that ``wrote`` is empty only where nobody can tell who it was: one more approval is then needed.
    ``coauthored`` and ``merged`` are those of ``wrote`` who only co-authored it, and who merged it for a bot.
    ``unproven`` = only the commit itself names its author, which anybody can write: one more approval is needed too.
    """

    label: str
    lines: int | None
    wrote: frozenset[str]
    writers: tuple[str, ...] = ()
    coauthored: frozenset[str] = frozenset()
    merged: frozenset[str] = frozenset()
    unproven: bool = False


@dataclass(frozen=True, kw_only=True)
class Reentry:
    """A change aboard that a rollback took out of the destination; ``answered`` = fixed, or acknowledged since."""

    label: str
    left_at: datetime
    answered: bool


@dataclass(frozen=True, kw_only=True)
class Run:
    """The promotion that is judged. ``changes`` is None until the forge has told what it carries.

    ``seen`` names exactly what people see (range and policy); an approval counts only for the same. ``requested_by``
    are all names of whoever asked for it (``slack:U…``, ``github:…``); empty when the pipeline did, or where they are
    not named (``unnamed``).
    """

    service: str
    environment: str
    sha: str
    rollback: bool
    seen: str
    requested_by: frozenset[str] = frozenset()
    unnamed: str = ""
    """How somebody asked who is nobody known: ``by the API (requested_by)``, ``as deploy[bot]``; else empty."""
    changes: tuple[ChangeFact, ...] | None
    truncated: int = 0
    direction: Direction | None
    reentries: tuple[Reentry, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Staging:
    """The environment before; ``succeeded_at`` is when this very build first succeeded there, None when it has not."""

    environment: str | None
    succeeded_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class CheckFact:
    """The present verdict of one check on this build; ``passed`` None while it runs or when it was cancelled."""

    name: str
    passed: bool | None
    at: datetime
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class LockFact:
    """A lock that covers this promotion. ``ended`` = it has ended, and waits for a person's Go.

    ``scope`` is how people name it ("checkout", "all of payments", "everything"); ``who`` may lift it, all of them,
    empty where they cannot be told one by one.
    """

    id: int
    scope: str
    reason: str
    owner: str
    began_at: datetime
    ends_at: datetime | None
    ended: bool = False
    rollbacks: bool = True
    """Whether rollbacks may pass."""
    who: tuple[str, ...] = ()
    hold: bool = False
    """Whether it is on this promotion alone."""
    set_by: str | None = None
    """The Slack id of whoever set it, None for one that set itself."""
    able: str = ""
    """Who may lift it, in words: "members of payments"."""
    room: str | None = None
    """The channel in which what set it is dealt with."""


@dataclass(frozen=True, kw_only=True)
class FreezeFact:
    """A calendar window that covers this promotion's service, from ``begins`` until before ``ends``."""

    begins: datetime
    ends: datetime
    reason: str
    owner: str | None = None
    """Who declared it, None for one of the configuration."""
    id: int | None = None
    """Its number, None for one of the configuration."""
    set_by: str | None = None
    """The Slack id of whoever declared it."""

    def holds(self, now: datetime) -> bool:
        """Whether this instant is within it."""
        return self.begins <= now < self.ends


@dataclass(frozen=True, kw_only=True)
class GroupFact:
    """Who belongs to a group of approvers. ``members`` None = every full member of the workspace.

    ``trouble`` says why the membership is not to be relied on (never read, stale, Slack refuses): nobody counts then.
    """

    name: str
    members: frozenset[str] | None
    trouble: str | None = None
    read_at: datetime | None = None
    """When the membership was last read, where that is known: with ``trouble``, since when it could not be."""


@dataclass(frozen=True, kw_only=True)
class Vote:
    """One person's yes to this promotion, not withdrawn. ``seen`` is what they saw, ``saw`` the labels in it.

    ``names`` are all names by which they are known to us (``slack:U…``, ``github:…``, ``email:…``, also those that only
    exclude); ``proven`` whether their GitHub identity is proven. Only a full member of the workspace is ``full``;
    ``trouble`` says why that is not known (never read, or too long ago): it counts once it is known again.
    """

    person: str
    called: str
    at: datetime
    seen: str
    names: frozenset[str]
    proven: bool
    full: bool = True
    trouble: str | None = None
    saw: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AlertFact:
    """An alert that fires on this service; ``environment`` None: it does not say where, and is about all of them."""

    name: str
    since: datetime
    source: str
    environment: str | None = None
    url: str | None = None


class TrainState(StrEnum):
    """Where the departure stands that a promotion is to go with."""

    BOARDING = "boarding"
    """Its list is not closed yet."""
    SEALED = "sealed"
    HELD = "held"
    DEPARTED = "departed"


@dataclass(frozen=True, kw_only=True)
class TrainFact:
    """What the train that goes to this promotion's destination does about it.

    ``scheduled_at`` is when its departure is to leave, or (not aboard) the next one; None where none is to come.
    ``reason`` says why it is held or goes no further, and ``who`` are the Slack ids of those who decide about that.
    """

    name: str
    scheduled_at: datetime | None
    state: TrainState
    aboard: bool
    hotfix: bool = False
    """Whether somebody asked for it besides the train."""
    stage_waits_for: tuple[str, ...] = ()
    """The services of the stages before its own that it leaves after."""
    reason: str | None = None
    held_by: str | None = None
    """What people call whoever holds it; None where something closed does, and it leaves by itself once that opens."""
    who: tuple[str, ...] = ()
    over_freeze: str | None = None
    """What people call whoever lets it roll on over a freeze that began when it was live in part."""
    over_freeze_at: datetime | None = None
    """When they did: a freeze that begins later holds it again."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that is known when a promotion is judged, at one instant."""

    now: datetime
    run: Run
    staging: Staging
    checks: tuple[CheckFact, ...] = ()
    locks: tuple[LockFact, ...] = ()
    freezes: tuple[FreezeFact, ...] = ()
    votes: tuple[Vote, ...] = ()
    groups: Mapping[str, GroupFact] = field(default_factory=dict)
    """By the word that the policy names a group with: ``@payments-leads``, ``U0DEE``, ``on-call``."""
    approvers: tuple[str, ...] = ()
    """The words for who approves where the gate itself names nobody: the team's; empty = every full member."""
    alerts: tuple[AlertFact, ...] = ()
    train: TrainFact | None = None
    """None where no train goes there."""


class Gate(Protocol):
    """One gate with its options."""

    @property
    def name(self) -> str:
        """Its name in the policy."""
        ...

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Pure. ``demands`` is how many approvals other gates ask for beyond the policy's count."""
        ...
