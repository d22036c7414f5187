"""What fires, what a flag was turned to, and who answered a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.events.code import Human


class AlertLevel(StrEnum):
    """How bad its sender calls an alert, worst first; every sender's own words are read as one of these."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class AlertReported:
    """An alert fires, or is over (``resolved_at``). ``fingerprint`` is its source's own key for it.

    ``service`` None: the sender names none, and its ``labels`` tell. ``started_at`` may be None in a report that it is
    over: every occurrence until then is meant. ``onset_at`` is when the symptom itself began, where the sender says
    that apart from when its rule fired. ``level`` None: the sender does not say.
    """

    source: str
    fingerprint: str
    service: str | None
    environment: str | None = None
    name: str
    url: str | None = None
    started_at: datetime | None
    resolved_at: datetime | None = None
    at: datetime
    onset_at: datetime | None = None
    level: AlertLevel | None = None
    summary: str | None = None
    """What the sender says of it in a line or two."""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    version: str | None = None
    """The version, release or commit on which alone the symptom is seen, where the sender can tell."""
    paths: tuple[str, ...] = ()
    """Files in the stack of an error, the innermost first."""
    grouping: str | None = None
    """The sender's own key of what belongs together."""
    runbook: str | None = None
    dashboard: str | None = None
    pager_incident: str | None = None
    """PagerDuty's incident that this is: whoever is on call is woken by it already."""
    undated: bool = False
    """Whether the sender says when it began and not when this report was made: ``at`` is when it came then."""


@dataclass(frozen=True, kw_only=True)
class FlagChanged:
    """A feature flag was turned, in one environment of its own project. ``external_id`` names the change itself.

    ``service`` None: ``labels`` (``project``, ``flag``, ``tag:<name>``) tell whose it is.
    """

    source: str
    external_id: str
    flag: str
    project: str | None
    environment: str | None
    service: str | None = None
    summary: str
    """What was done to it: “turned on”, “25 % → 50 %”."""
    by: Human | None = None
    url: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    at: datetime


class PagerSaid(StrEnum):
    """What the pager tells of an incident of its own."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    DECLINED = "declined"
    """A responder who was asked said no."""
    ACCEPTED = "accepted"
    """A responder who was asked is coming."""
    REASSIGNED = "reassigned"
    ESCALATED = "escalated"
    REOPENED = "reopened"


@dataclass(frozen=True, kw_only=True)
class PagerAnswered:
    """The pager tells how one of its incidents stands; ``incident`` is its own id, ``key`` the one we gave it.

    ``user`` is the pager's id of who did it (for a responder: of who was asked), None where nobody is told.
    """

    incident: str
    key: str | None
    said: PagerSaid
    user: str | None = None
    name: str | None = None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class AlertMapped:
    """A person says whose alerts of one kind are: ``alert`` is the number of one of them, ``service`` whose.

    ``service`` None: it is nobody's, and is not to be asked about again.
    """

    alert: int
    service: str | None
    slack_id: str
    called: str
    at: datetime
