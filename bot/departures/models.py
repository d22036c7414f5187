"""The tables of release trains: each timetable as it was last told, its departures, and who is aboard of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from bot.departures.states import PassengerState, State


class TrainRow(SQLModel, table=True):
    """A train of the catalogue, as far as it was reckoned and told of."""

    __tablename__ = "trains"
    __table_args__ = (UniqueConstraint("name"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=255)
    timetable: str
    """The definition that people were last told of, as canonical JSON."""
    reckoned_until: datetime
    """Every departure scheduled up to this instant has a row, or was dealt with."""
    channel: str = Field(max_length=255)
    """Where it was last told of."""
    removed_at: datetime | None = None
    """When the catalogue was seen to name it no more."""


class Departure(SQLModel, table=True):
    """One run of a train. ``local`` is its time on the timetable, naive ISO in ``zone``; ``scheduled_at`` the instant.

    ``stages`` are the services aboard in the order in which they leave, as they were sealed; ``stage`` is the place in
    it that was reached. People are Slack ids, but for ``ended_by``, which is ``slack:U…`` or a name in our tables.
    """

    __tablename__ = "departures"
    __table_args__ = (
        UniqueConstraint("train", "scheduled_at"),
        Index(
            "ix_departures_alive",
            "train",
            sqlite_where=text("state <> 'closed'"),
            postgresql_where=text("state <> 'closed'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    train: int = Field(foreign_key="trains.id")
    scheduled_at: datetime
    local: str = Field(max_length=32)
    zone: str = Field(max_length=64)
    extra: bool = False
    """Whether somebody asked for it besides the timetable: a missed one that was run after all."""
    state: str = Field(default=State.SEALED, max_length=16)
    outcome: str | None = Field(default=None, max_length=16)
    stages: list[list[str]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    stage: int = 0
    sealed_at: datetime | None = None
    departed_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = Field(default=None, max_length=320)
    ended_reason: str | None = None
    conductor: str | None = Field(default=None, max_length=32)
    backup: str | None = Field(default=None, max_length=32)
    hold_reason: str | None = None
    """Why it is held: a person's words, or what it waits for where no person holds it."""
    hold_waits: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What each service that keeps it waits for, in words, where no person holds it: ``hold_reason`` in its parts."""
    hold_owner: str | None = Field(default=None, max_length=32)
    """Who holds it; None where it is held by a gate and leaves by itself once all are open."""
    hold_called: str | None = Field(default=None, max_length=255)
    """What people call its owner."""
    hold_review_at: datetime | None = None
    hold_nagged_at: datetime | None = None
    stopped_reason: str | None = None
    """Why it goes no further after it departed, until its conductor says roll on or back."""
    stopped_for: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Services whose failure that names; empty where something else stopped it."""
    passed_over: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Services whose failure the conductor let it roll on over."""
    over_freeze: str | None = Field(default=None, max_length=255)
    """What people call whoever let it roll on over a freeze that began when it was live in part."""
    over_freeze_at: datetime | None = None
    returning_at: datetime | None = None
    """When it was decided that what it had brought goes back."""
    tried_back: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Services that were taken back since, or could not be; the others' turn has not come."""
    decide_by: datetime | None = None
    """Until when it must leave, or its conductor decide: then the policy's default is done. On its way back: when its
    conductor is told again that it is not there yet."""

    @property
    def standing(self) -> State:
        """The state, typed."""
        return State(self.state)


class Passenger(SQLModel, table=True):
    """A change that was to go with a departure, once for each of the services that it touches."""

    __tablename__ = "passengers"
    __table_args__ = (UniqueConstraint("departure", "change", "service"),)

    id: int | None = Field(default=None, primary_key=True)
    departure: int = Field(foreign_key="departures.id", index=True)
    service: str = Field(max_length=255)
    change: int = Field(foreign_key="changes.id", index=True)
    promotion: int | None = Field(default=None, foreign_key="promotions.id", index=True)
    state: str = Field(default=PassengerState.ABOARD, max_length=16)
    reason: str | None = None
    """Why it was left behind or removed."""
    until: datetime | None = None
    """When that is over by itself, where it is known: a soak that ends."""
    by: str | None = Field(default=None, max_length=320)
    """Who removed it: ``slack:U…``."""
    ready_at: datetime | None = None
    """When its author gave it a thumbs-up."""
    position: int = 0
