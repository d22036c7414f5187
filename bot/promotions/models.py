"""The tables of promotions: what is asked for, what it carries, who said yes, what was decided and on what grounds."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from bot.deploys.views import RangeState

SOMEBODY = "somebody"
"""``requested_by`` of what somebody asked for who was not named in any way."""


class State(StrEnum):
    """Where a promotion stands; everything else (readiness, void approvals, stuck) is derived."""

    OPEN = "open"
    """Its gates are judged."""
    STARTING = "starting"
    """All were open; the call to the pipeline is due, or being made (``called_at``)."""
    ROLLING = "rolling"
    """The pipeline has it."""
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    """A person said no."""
    CANCELLED = "cancelled"
    """A person wants it no more; of one that was called (``states.unawaited``) only that nobody waits for it."""
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    """``successor`` took its place."""

    @property
    def under_way(self) -> bool:
        """Whether it holds its target's one place for what is being carried out."""
        return self in (State.STARTING, State.ROLLING)

    @property
    def ended(self) -> bool:
        """Whether nothing more can come of it."""
        return self not in (State.OPEN, State.STARTING, State.ROLLING)


LEGAL: dict[State, frozenset[State]] = {
    State.OPEN: frozenset(
        {State.STARTING, State.REJECTED, State.CANCELLED, State.EXPIRED, State.SUPERSEDED, State.DONE, State.ROLLING}
    ),
    State.STARTING: frozenset(
        {State.OPEN, State.ROLLING, State.DONE, State.FAILED, State.CANCELLED, State.REJECTED, State.SUPERSEDED}
    ),
    State.ROLLING: frozenset({State.DONE, State.FAILED, State.CANCELLED}),
    State.CANCELLED: frozenset({State.DONE, State.FAILED}),
}
"""Where each state may go; one that is not here is an end. OPEN goes straight to DONE when somebody went round us.

CANCELLED goes on only where its rollout was on its way by then: not to wait for it does not stop it.
"""


class Promotion(SQLModel, table=True):
    """The request to bring one build of a service to one environment (``target``).

    ``root`` is the first promotion of the line of which this one is the present (Include newer): the card's subject.
    ``base_sha`` is what was live there when its range was asked for. ``not_before`` is when the call may be made;
    ``called_at`` when it was begun: from then on it is looked up rather than repeated.
    """

    __tablename__ = "promotions"
    __table_args__ = (
        Index(
            "uq_promotions_open",
            "target",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "uq_promotions_under_way",
            "target",
            unique=True,
            sqlite_where=text("state IN ('starting', 'rolling')"),
            postgresql_where=text("state IN ('starting', 'rolling')"),
        ),
        Index("ix_promotions_sha", "target", "sha"),
    )

    id: int | None = Field(default=None, primary_key=True)
    target: int = Field(foreign_key="targets.id")
    root: int | None = Field(default=None, foreign_key="promotions.id", index=True)
    repo: str | None = Field(default=None, max_length=255)
    sha: str = Field(max_length=64)
    state: str = Field(default=State.OPEN, max_length=16)
    rollback: bool = False
    via: str = Field(max_length=16)
    """``pipeline`` (it succeeded in the environment before), ``slash``, ``api``, ``github``, ``train``."""
    requested_by: str | None = Field(default=None, max_length=320)
    """``slack:U…``, or a name in our tables (``github:ana``) where the forge or the API named somebody; or SOMEBODY."""
    reason: str | None = None
    """Why somebody asked for it, as of a rollback."""
    created_at: datetime
    expires_at: datetime
    base_sha: str | None = Field(default=None, max_length=64)
    range: str = Field(default=RangeState.READING, max_length=16)
    direction: str | None = Field(default=None, max_length=16)
    truncated: int = 0
    seen: str = Field(default="", max_length=64)
    """Names what people see of it: range and policy. It moves when either does; an approval of another is void."""
    not_before: datetime | None = None
    called_at: datetime | None = None
    called_run: int | None = None
    """The number of the ``GateRequest`` that the call begun at ``called_at`` lets in: a retry speaks of no other."""
    asks_person: str | None = None
    """Why a person must say whether the call went through: it is doubtful and cannot be looked up."""
    external_id: str | None = Field(default=None, max_length=255)
    """The pipeline's own name for what it began."""
    url: str | None = None
    deploy: int | None = Field(default=None, foreign_key="deploys.id", index=True)
    departure: int | None = Field(default=None, index=True)
    """The number of the train's departure that it is aboard of."""
    successor: int | None = Field(default=None, foreign_key="promotions.id")
    ended_at: datetime | None = None
    ended_by: str | None = Field(default=None, max_length=320)
    ended_reason: str | None = None
    acknowledged_by: str | None = Field(default=None, max_length=32)
    """Who said that what a rollback took out may go in again, as ``acknowledged_seen``."""
    acknowledged_seen: str | None = Field(default=None, max_length=64)
    acknowledged_reason: str | None = None


class PromotionChange(SQLModel, table=True):
    """A change that a promotion brings in, or (``leaving``) takes out."""

    __tablename__ = "promotion_changes"
    __table_args__ = (UniqueConstraint("promotion", "change"),)

    id: int | None = Field(default=None, primary_key=True)
    promotion: int = Field(foreign_key="promotions.id", index=True)
    change: int = Field(foreign_key="changes.id", index=True)
    leaving: bool = False
    position: int = 0


class Approval(SQLModel, table=True):
    """One person's yes to one promotion as they saw it."""

    __tablename__ = "approvals"
    __table_args__ = (
        Index(
            "uq_approvals_standing",
            "promotion",
            "person",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    promotion: int = Field(foreign_key="promotions.id", index=True)
    person: str = Field(max_length=32)
    called: str = Field(max_length=255)
    seen: str = Field(max_length=64)
    changes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Labels of the changes as they were seen, to say what was added since."""
    at: datetime
    """When they clicked: it expires counted from then."""
    applied_at: datetime
    """When it came to count, later than that after an outage: the time to undo it is counted from then."""
    withdrawn_at: datetime | None = None


class Decision(SQLModel, table=True):
    """One judged act with every gate's verdict: why did this ship? ``outcome`` is what the act came to."""

    __tablename__ = "decisions"

    id: int | None = Field(default=None, primary_key=True)
    promotion: int = Field(foreign_key="promotions.id", index=True)
    act: str = Field(max_length=32)
    who: str | None = Field(default=None, max_length=320)
    at: datetime
    seen: str = Field(max_length=64)
    verdicts: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    outcome: str = Field(max_length=32)


class GateRequest(SQLModel, table=True):
    """GitHub's question whether a run may enter an environment. A re-run asks afresh, after the first is over."""

    __tablename__ = "gate_requests"
    __table_args__ = (
        Index(
            "uq_gate_requests_waiting",
            "repo",
            "run",
            "environment",
            unique=True,
            sqlite_where=text("over_at IS NULL"),
            postgresql_where=text("over_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    repo: str = Field(max_length=255)
    run: int = Field(sa_column=Column(BigInteger, nullable=False))
    environment: str = Field(max_length=255)
    """As GitHub names it, which its answer must repeat."""
    target: int = Field(foreign_key="targets.id", index=True)
    sha: str = Field(max_length=64)
    promotion: int | None = Field(default=None, foreign_key="promotions.id", index=True)
    requested_by: str | None = Field(default=None, max_length=320)
    """Who started the run, as our tables name them, or SOMEBODY; None where it started by itself."""
    asked_at: datetime
    notes: int = 0
    """Status notes posted so far; GitHub takes ten."""
    noted: str | None = None
    """The words of the last one: the same is not posted twice."""
    over_at: datetime | None = None
    outcome: str | None = Field(default=None, max_length=16)
    """``approved``, ``rejected`` (by a person), ``vanished`` (the run ended without our answer)."""
