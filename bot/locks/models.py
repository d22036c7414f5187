"""The tables of locks and of freezes declared by hand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from bot.locks.rules import Scope, ScopeKind


class Lock(SQLModel, table=True):
    """One brake. ``cause`` is ``person:<Slack id>``, or what set it by itself: ``failure:<deploy>``, ``rollback:<id>``.

    ``scope`` is the service, team, environment, ``service/environment`` or promotion's number; empty for everything.
    ``owner`` is a Slack id, or None for one that set itself. It is over once ``lifted_at`` is set or ``ends_at`` has
    passed; production then waits for ``go_at`` unless it is ``closed``. Where it stands is derived: ``rules.stage``.
    """

    __tablename__ = "locks"
    __table_args__ = (
        Index(
            "uq_locks_standing",
            "scope_kind",
            "scope",
            "cause",
            unique=True,
            sqlite_where=text("lifted_at IS NULL AND ended_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL AND ended_at IS NULL"),
        ),
        Index(
            "ix_locks_holding",
            "id",
            sqlite_where=text("closed = false"),
            postgresql_where=text("closed = false"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    scope_kind: str = Field(max_length=16)
    scope: str = Field(default="", max_length=512)
    cause: str = Field(max_length=64)
    reason: str
    owner: str | None = Field(default=None, max_length=32)
    called: str | None = Field(default=None, max_length=255)
    """What people call its owner."""
    target: int | None = Field(default=None, foreign_key="targets.id")
    """Of a Hold: where its promotion goes."""
    rollbacks: bool = True
    """Whether rollbacks may pass."""
    began_at: datetime
    ends_at: datetime | None = None
    nagged_at: datetime | None = None
    """When it was last brought to mind, for its present end."""
    ended_at: datetime | None = None
    """Set when it ran out by itself."""
    lifted_at: datetime | None = None
    lifted_by: str | None = Field(default=None, max_length=32)
    """Whoever lifted it; ``lock:<id>`` of a cause that another lock took over."""
    go_at: datetime | None = None
    go_by: str | None = Field(default=None, max_length=32)
    closed: bool = False
    """Over, and no Go is wanted (any more): it holds nothing."""
    channel: str = Field(max_length=255)
    """Where it is told."""
    room: str | None = Field(default=None, max_length=32)
    """The channel in which what set it is dealt with, where there is one: an incident's."""

    @property
    def covered(self) -> Scope:
        """What it covers, typed."""
        return Scope(ScopeKind(self.scope_kind), self.scope)


class DeclaredFreeze(SQLModel, table=True):
    """A freeze that a person declared; those of shipmate.yml are in no table."""

    __tablename__ = "freezes"

    id: int | None = Field(default=None, primary_key=True)
    service: str = Field(default="", max_length=255)
    """One service, or empty for all."""
    begins: datetime
    ends: datetime
    reason: str
    owner: str = Field(max_length=32)
    called: str | None = Field(default=None, max_length=255)
    """What people call its owner."""
    lifted_at: datetime | None = None
    lifted_by: str | None = Field(default=None, max_length=32)
