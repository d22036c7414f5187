"""The tables of incidents: what is wrong, what may have done it, who was woken, what happened."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class Incident(SQLModel, table=True):
    """Something is wrong, until somebody says that it is over.

    ``bundle`` is what is unique while it is open: the service whose alerts join it. ``watched`` marks one of a service
    that nobody is woken for (``shadow``): it has no room, no lock and no pages until somebody opens them.
    ``service`` None: it is of no service, or of many at once (``storm``).
    """

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "uq_incidents_open_bundle",
            "bundle",
            unique=True,
            sqlite_where=text("state = 'open' AND bundle IS NOT NULL"),
            postgresql_where=text("state = 'open' AND bundle IS NOT NULL"),
        ),
        Index("ix_incidents_state", "state", "opened_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    title: str
    service: str | None = Field(default=None, max_length=255, index=True)
    environment: str | None = Field(default=None, max_length=255)
    bundle: str | None = Field(default=None, max_length=255)
    severity: int = 3
    state: str = Field(default="open", max_length=16)
    """``open``, ``resolved`` or ``merged`` (``bot.incidents.states``)."""
    watched: bool = False
    storm: bool = False
    opened_by: str | None = Field(default=None, max_length=32)
    """The Slack id of who opened it; None: an alert did."""
    opened_at: datetime
    onset_at: datetime
    quiet_at: datetime | None = None
    """Since when none of its alerts fires."""
    mitigated_at: datetime | None = None
    """When the likely change was taken out, or its alerts were over: whichever is known to have ended the harm."""
    resolved_at: datetime | None = None
    resolved_by: str | None = Field(default=None, max_length=32)
    resolution: str | None = None
    cause: int | None = None
    """The likely change (``Likely.id``) that it was, as said when it was resolved; 0: none of them."""
    merged_into: int | None = Field(default=None, foreign_key="incidents.id")
    confidence: str = Field(default="none", max_length=16)
    lead: str | None = Field(default=None, max_length=32)
    communications: str | None = Field(default=None, max_length=32)
    scribe: str | None = Field(default=None, max_length=32)
    next_update_at: datetime | None = None
    nagged_at: datetime | None = None
    pager_incident: str | None = Field(default=None, max_length=64, index=True)
    """PagerDuty's incident: the alert's own, or the one we opened."""
    pager_url: str | None = None
    pager_ours: bool = False
    room: str | None = Field(default=None, max_length=32, index=True)
    """The channel's id, once it is there."""
    room_wanted_at: datetime | None = None
    """Since when it is to have this room; one that is opened again after its room was archived gets another."""
    room_name: str | None = Field(default=None, max_length=80)
    """The name that it is to have, then the one that it has."""
    room_trouble: str | None = None
    """Why there is no room, where it cannot be made."""
    archived_at: datetime | None = None
    document: str | None = None
    """Where the postmortem's draft is, once it is written."""
    attributed_at: datetime | None = None


class RoomPerson(SQLModel, table=True):
    """Somebody who is to be in an incident's room; ``trouble`` is Slack's reason where they could not be let in."""

    __tablename__ = "room_people"
    __table_args__ = (UniqueConstraint("incident", "slack_id"),)

    id: int | None = Field(default=None, primary_key=True)
    incident: int = Field(foreign_key="incidents.id", index=True)
    slack_id: str = Field(max_length=32)
    invited_at: datetime | None = None
    trouble: str | None = None


class IncidentService(SQLModel, table=True):
    """A service that an incident is about, in one environment; ``locked`` where the incident's lock was set there."""

    __tablename__ = "incident_services"
    __table_args__ = (UniqueConstraint("incident", "service", "environment"),)

    id: int | None = Field(default=None, primary_key=True)
    incident: int = Field(foreign_key="incidents.id", index=True)
    service: str = Field(max_length=255, index=True)
    environment: str = Field(max_length=255)
    locked: bool = False


class Likely(SQLModel, table=True):
    """A change that may have done it: a deploy or a flag turned; the first is ``rank`` 1. People read “likely change”.

    ``evidence`` and ``against`` are what ``bot.alerts.suspects`` found, each a list of ``[name, words]``. One that a
    later look no longer names stays with ``rank`` 0, since people may have spoken about it.
    """

    __tablename__ = "likely_changes"
    __table_args__ = (UniqueConstraint("incident", "kind", "subject"),)

    id: int | None = Field(default=None, primary_key=True)
    incident: int = Field(foreign_key="incidents.id", index=True)
    kind: str = Field(max_length=16)
    """``deploy`` or ``flag``."""
    subject: int
    rank: int
    confidence: str = Field(max_length=16)
    score: float
    evidence: list[list[str]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    against: list[list[str]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    rolled_back_at: datetime | None = None


class Opinion(SQLModel, table=True):
    """What one person says of a likely change: that it was the cause (``right``), or was not."""

    __tablename__ = "opinions"
    __table_args__ = (UniqueConstraint("likely", "slack_id"),)

    id: int | None = Field(default=None, primary_key=True)
    likely: int = Field(foreign_key="likely_changes.id", index=True)
    slack_id: str = Field(max_length=32)
    right: bool
    at: datetime


class Page(SQLModel, table=True):
    """Somebody is woken for an incident, once. ``who`` is one name for one human: ``slack:U…`` or ``github:<login>``.

    It is ``pager:<id>`` for somebody whom only the pager knows, ``on-call`` for whoever is on call where nobody knows
    who that is, and ``policy:<id>`` for an escalation policy of the pager.

    ``state`` is one of ``bot.incidents.states.PageState``. ``likely`` is the change on whose account, if any.
    """

    __tablename__ = "pages"
    __table_args__ = (UniqueConstraint("incident", "who"),)

    id: int | None = Field(default=None, primary_key=True)
    incident: int = Field(foreign_key="incidents.id", index=True)
    who: str = Field(max_length=320)
    slack_id: str | None = Field(default=None, max_length=32, index=True)
    pager_user: str | None = Field(default=None, max_length=64)
    name: str
    role: str = Field(max_length=16)
    """Why them: ``bot.incidents.waking.Role``."""
    way: str = Field(max_length=16)
    """How: ``bot.incidents.waking.Way``."""
    reason: str
    likely: int | None = Field(default=None, foreign_key="likely_changes.id")
    state: str = Field(default="wanted", max_length=16)
    pager_incident: str | None = Field(default=None, max_length=64, index=True)
    asked_at: datetime
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    no_answer_at: datetime | None = None
    nags: int = 0


class Entry(SQLModel, table=True):
    """One line of an incident's timeline; ``key`` makes it the same however often it is heard."""

    __tablename__ = "incident_entries"
    __table_args__ = (UniqueConstraint("incident", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    incident: int = Field(foreign_key="incidents.id", index=True)
    key: str = Field(max_length=255)
    kind: str = Field(max_length=16)
    """``bot.incidents.states.EntryKind``."""
    text: str
    who: str | None = None
    """Whose doing or words it is, as people read it."""
    url: str | None = None
    at: datetime


class StatusUpdate(SQLModel, table=True):
    """How an incident stood, as somebody said."""

    __tablename__ = "status_updates"

    id: int | None = Field(default=None, primary_key=True)
    incident: int = Field(foreign_key="incidents.id", index=True)
    condition: str
    actions: str | None = None
    needs: str | None = None
    next_at: datetime | None = None
    slack_id: str = Field(max_length=32)
    called: str
    at: datetime


class Task(SQLModel, table=True):
    """Something to be done about an incident; ``issue_url`` once it has become an issue at the forge."""

    __tablename__ = "incident_tasks"

    id: int | None = Field(default=None, primary_key=True)
    incident: int = Field(foreign_key="incidents.id", index=True)
    text: str
    owner: str | None = Field(default=None, max_length=32)
    made_by: str = Field(max_length=32)
    at: datetime
    done_at: datetime | None = None
    follow_up: bool = False
    issue_url: str | None = None
