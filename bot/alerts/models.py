"""The table of alerts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel


class Alert(SQLModel, table=True):
    """One occurrence of an alert; ``fingerprint`` is its source's key, ``resolved_at`` None while it fires."""

    __tablename__ = "alerts"
    __table_args__ = (UniqueConstraint("source", "fingerprint", "started_at"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(max_length=32)
    fingerprint: str = Field(max_length=255)
    service: str = Field(max_length=255, index=True)
    environment: str | None = Field(default=None, max_length=255)
    name: str
    url: str | None = None
    started_at: datetime
    resolved_at: datetime | None = None
    seen_at: datetime
    """When its latest report was made, at its sender."""
