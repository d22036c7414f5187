"""The tables of alerts, of what was told about whose they are, and of flags that were turned."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class Alert(SQLModel, table=True):
    """One occurrence of an alert; ``fingerprint`` is its source's key, ``resolved_at`` None while it fires.

    ``service`` None: nobody knows whose it is. ``onset_at`` is when the symptom began, ``started_at`` when its rule
    fired; they are one where the sender tells no other.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("source", "fingerprint", "started_at"),
        Index(
            "ix_alerts_firing",
            "service",
            "started_at",
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index("ix_alerts_over", "incident", "resolved_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(max_length=32)
    fingerprint: str = Field(max_length=255)
    service: str | None = Field(default=None, max_length=255, index=True)
    environment: str | None = Field(default=None, max_length=255)
    name: str
    url: str | None = None
    started_at: datetime = Field(index=True)
    resolved_at: datetime | None = None
    seen_at: datetime
    """When its latest report was made, at its sender."""
    onset_at: datetime | None = None
    level: str | None = Field(default=None, max_length=16)
    summary: str | None = None
    labels: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}"))
    version: str | None = Field(default=None, max_length=255)
    paths: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]"))
    grouping: str | None = Field(default=None, max_length=255)
    runbook: str | None = None
    dashboard: str | None = None
    pager_incident: str | None = Field(default=None, max_length=64, index=True)
    incident: int | None = None
    """The incident that it belongs to."""

    @property
    def began_at(self) -> datetime:
        """When the symptom began, as far as is known."""
        return self.onset_at if self.onset_at is not None else self.started_at


class AlertMapping(SQLModel, table=True):
    """What a person said: alerts of this kind (``bot.alerts.mapping.kind_of``) are ``service``'s; None: nobody's."""

    __tablename__ = "alert_mappings"

    kind: str = Field(primary_key=True, max_length=255)
    service: str | None = Field(default=None, max_length=255)
    by: str = Field(max_length=32)
    at: datetime


class FlagChange(SQLModel, table=True):
    """A feature flag was turned. ``service`` None: nobody knows whose flag it is, and it is no likely cause then."""

    __tablename__ = "flag_changes"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(max_length=32)
    external_id: str = Field(max_length=255)
    flag: str
    project: str | None = None
    environment: str | None = Field(default=None, max_length=255)
    service: str | None = Field(default=None, max_length=255, index=True)
    summary: str
    who: str | None = Field(default=None, max_length=320)
    """Who turned it: a name in our tables (``bot.people.who_is``)."""
    name: str | None = None
    """What its sender calls them."""
    url: str | None = None
    at: datetime = Field(index=True)
