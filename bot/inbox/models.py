"""What is stored of a delivery, and what storing and applying it may come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

RECEIVED_AT = "X-Shipmate-Received"
"""The header in which a translation finds when its delivery came: some senders do not say when anything was."""


class Lane(StrEnum):
    """Who is applied first."""

    URGENT = "urgent"
    """People's clicks, alerts, pager answers."""
    FEED = "feed"


class DeliveryState(StrEnum):
    """How far a delivery got."""

    PENDING = "pending"
    APPLIED = "applied"
    REFUSED = "refused"
    """Applied, and the answer was no: somebody was told why."""
    FAILED = "failed"
    """It could not be applied; kept with its error, to be replayed."""


class Accepted(StrEnum):
    """What storing a delivery came to."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """It is here already."""
    REQUEUED = "requeued"
    """It had failed and is tried again."""


class Delivery(SQLModel, table=True):
    """One message from the world, byte for byte. ``headers`` holds only those worth keeping, never a secret."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("source", "delivery_id"),
        Index(
            "ix_deliveries_pending",
            "lane",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(max_length=32)
    delivery_id: str = Field(max_length=255)
    lane: str = Field(default=Lane.FEED, max_length=16)
    received_at: datetime = Field(index=True)
    headers: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str = Field(default=DeliveryState.PENDING, max_length=16)
    reached: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """How many of its events are applied while it waits for the rest."""
    applied_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True)
class Incoming:
    """A verified, well-formed delivery that is to be stored.

    ``about`` is how the ids of all deliveries of its source begin that are of the same thing; empty where each has an
    id of its own. The same id after another one about it is said anew, and is no duplicate: what fires, ends and fires
    again may be told in the same words.
    """

    source: str
    delivery_id: str
    headers: Mapping[str, str]
    body: bytes
    lane: Lane
    about: str = ""


@dataclass(frozen=True)
class Applied:
    """What applying a delivery came to: ``said`` is what the person who acted is told, ``refused`` that it was a no."""

    said: str | None = None
    refused: bool = False
