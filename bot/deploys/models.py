"""The tables of deploys and changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from bot.deploys.views import RangeState
from bot.events import DeployStatus, Human

LONGEST_NAME = 255
"""Characters of a check's name that are kept: whoever writes a workflow may call it anything."""

LONGEST_WHO = 320
"""Characters of a contributor's name in our tables."""


class Target(SQLModel, table=True):
    """One service in one environment; ``live`` is the deploy that is live there. The row to lock when deciding."""

    __tablename__ = "targets"
    __table_args__ = (UniqueConstraint("service", "environment"),)

    id: int | None = Field(default=None, primary_key=True)
    service: str = Field(max_length=255)
    environment: str = Field(max_length=255)
    live: int | None = None


class Change(SQLModel, table=True):
    """One merged pull request (``number``), or a commit that belongs to none (``number`` is None)."""

    __tablename__ = "changes"
    __table_args__ = (
        UniqueConstraint("repo", "number"),
        # Two pull requests may share a merge commit (one was merged through the other); two plain commits never do.
        Index(
            "uq_changes_direct",
            "repo",
            "sha",
            unique=True,
            sqlite_where=text("number IS NULL"),
            postgresql_where=text("number IS NULL"),
        ),
        Index("ix_changes_sha", "sha"),
    )

    id: int | None = Field(default=None, primary_key=True)
    repo: str = Field(max_length=255)
    number: int | None = Field(default=None, index=True)
    sha: str = Field(max_length=64)
    title: str
    url: str | None = None
    base: str | None = None
    labels: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    additions: int | None = None
    deletions: int | None = None
    reverts: int | None = None
    merged_at: datetime | None = None
    paths: list[str] | None = Field(default=None, sa_column=Column(JSON, nullable=True))

    @property
    def label(self) -> str:
        """How people name it: ``#812`` or a short sha."""
        return f"#{self.number}" if self.number is not None else self.sha[:7]


class Contributor(SQLModel, table=True):
    """Somebody who had a hand in a change; ``who`` is their name in our tables (``bot.people.who_is``)."""

    __tablename__ = "contributors"
    __table_args__ = (UniqueConstraint("change", "role", "who"),)

    id: int | None = Field(default=None, primary_key=True)
    change: int = Field(foreign_key="changes.id", index=True)
    role: str = Field(max_length=16)
    who: str = Field(max_length=LONGEST_WHO, index=True)
    login: str | None = None
    name: str | None = None
    email: str | None = None
    bot: bool = False

    @property
    def human(self) -> Human:
        """The same as events name people."""
        return Human(login=self.login, name=self.name, email=self.email, bot=self.bot)


class CommitRow(SQLModel, table=True):
    """A commit of a main branch: its words, its author, and the change it belongs to once that is known."""

    __tablename__ = "commits"
    __table_args__ = (UniqueConstraint("repo", "sha"), Index("ix_commits_sha", "sha"))

    id: int | None = Field(default=None, primary_key=True)
    repo: str = Field(max_length=255)
    sha: str = Field(max_length=64)
    change: int | None = Field(default=None, foreign_key="changes.id", index=True)
    title: str | None = None
    url: str | None = None
    login: str | None = None
    name: str | None = None
    email: str | None = None


class Check(SQLModel, table=True):
    """The present verdict of one CI check on one commit; ``run`` orders its re-runs."""

    __tablename__ = "checks"
    __table_args__ = (
        UniqueConstraint("repo", "sha", "name"),
        Index(
            "ix_checks_failed",
            "repo",
            "name",
            "run",
            sqlite_where=text("status = 'failed'"),
            postgresql_where=text("status = 'failed'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    repo: str = Field(max_length=255)
    sha: str = Field(max_length=64)
    name: str = Field(max_length=LONGEST_NAME)
    status: str = Field(max_length=16)
    run: int = Field(sa_column=Column(BigInteger, nullable=False))
    url: str | None = None
    at: datetime


class Release(SQLModel, table=True):
    """The version name that a tag was given."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("repo", "tag"),)

    id: int | None = Field(default=None, primary_key=True)
    repo: str = Field(max_length=255)
    tag: str = Field(max_length=255)
    name: str
    url: str
    at: datetime


class Deploy(SQLModel, table=True):
    """One rollout. ``status_at`` is when its status came to be, at its sender; ``previous`` is the deploy it replaces.

    ``began_at`` is the sender's; ``in_progress_at`` the earliest instant at which it was reported rolling out, and
    ``live_at`` the earliest at which it was reported to have succeeded, which may be told again later.
    """

    __tablename__ = "deploys"
    __table_args__ = (Index("ix_deploys_target", "target", "status", "status_at"), Index("ix_deploys_sha", "sha"))

    id: int | None = Field(default=None, primary_key=True)
    target: int = Field(foreign_key="targets.id")
    repo: str | None = None
    sha: str = Field(max_length=64)
    ref: str | None = None
    status: str = Field(default=DeployStatus.PENDING, max_length=16)
    status_at: datetime
    percent: int | None = None
    began_at: datetime
    in_progress_at: datetime | None = None
    live_at: datetime | None = None
    url: str | None = None
    description: str | None = None
    creator: str | None = None
    final: bool | None = None
    told: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """By field, the weight (``rules.weight``) of the report that filled it: only one that weighs more replaces it."""
    previous: int | None = Field(default=None, foreign_key="deploys.id", index=True)
    previous_sha: str | None = Field(default=None, max_length=64)
    range: str = Field(default=RangeState.READING, max_length=16)
    range_asked: bool = False
    direction: str | None = Field(default=None, max_length=16)
    truncated: int = 0
    stuck_at: datetime | None = None

    @property
    def state(self) -> DeployStatus:
        """The status, typed."""
        return DeployStatus(self.status)


class DeployReport(SQLModel, table=True):
    """A sender's name for a rollout; two systems that report one rollout share one deploy."""

    __tablename__ = "deploy_reports"
    __table_args__ = (UniqueConstraint("source", "external_id", "attempt"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(max_length=32)
    external_id: str = Field(max_length=255)
    attempt: int = 1
    deploy: int = Field(foreign_key="deploys.id", index=True)


class DeployChange(SQLModel, table=True):
    """A change that a deploy brings in, or (``leaving``) takes out.

    ``dropped`` marks one that a later answer of the forge took back: it is shown nowhere, and kept to correct what was
    said about it.
    """

    __tablename__ = "deploy_changes"
    __table_args__ = (UniqueConstraint("deploy", "change"),)

    id: int | None = Field(default=None, primary_key=True)
    deploy: int = Field(foreign_key="deploys.id", index=True)
    change: int = Field(foreign_key="changes.id", index=True)
    leaving: bool = False
    dropped: bool = False
    position: int = 0


class RolloutStep(SQLModel, table=True):
    """How far a rollout had come at an instant, in per cent of the traffic, where its sender tells."""

    __tablename__ = "rollout_steps"
    __table_args__ = (UniqueConstraint("deploy", "percent"),)

    id: int | None = Field(default=None, primary_key=True)
    deploy: int = Field(foreign_key="deploys.id", index=True)
    percent: int
    at: datetime
    """The earliest report of it."""
