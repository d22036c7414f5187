"""What templates see where somebody asks about incidents, or fills in what they do about one: replies and windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.events import IncidentAct
from bot.incidents.views import IncidentCard, IncidentLine


@dataclass(frozen=True, kw_only=True)
class IncidentReply:
    """``/incident status``: one incident at length."""

    card: IncidentCard


@dataclass(frozen=True, kw_only=True)
class SeverityRow:
    """One line of the table of severities."""

    number: int
    name: str
    meaning: str
    update_every: timedelta


@dataclass(frozen=True, kw_only=True)
class IncidentsReply:
    """``/incident``, and whatever names none: those that are open, lately ended ones, and how to say it.

    ``asked`` is what had to know which one, where several are open; ``said`` what was said about it, which is not lost;
    ``unknown`` a word that is none.
    """

    open: tuple[IncidentLine, ...]
    more: int
    ended: tuple[IncidentLine, ...]
    helps: bool
    """Whether the words are to be listed."""
    severities: tuple[SeverityRow, ...] = ()
    unknown: str | None = None
    meant: str | None = None
    asked: str | None = None
    said: str | None = None
    zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class TimelineLine:
    """One line of a timeline, at an instant in UTC. ``kind`` is a ``bot.incidents.states.EntryKind``."""

    at: datetime
    kind: str
    text: str
    who: str | None
    url: str | None

    @property
    def utc(self) -> str:
        """``21 Nov 14:12:05``."""
        at = self.at.astimezone(UTC)
        return f"{at.day} {at:%b %H:%M:%S}"


@dataclass(frozen=True, kw_only=True)
class TimelineReply:
    """``/incident timeline``: what happened; ``earlier`` lines are left out, the latest are shown."""

    incident_id: int
    title: str
    lines: tuple[TimelineLine, ...]
    earlier: int
    document: str | None


@dataclass(frozen=True, kw_only=True)
class OpenModal:
    """What somebody is about to open. ``chosen`` is the service that is offered first, ``title`` what stands there.

    ``quoted`` is the message from which it is opened; ``unknown`` a word typed that is no service, and may be it.
    """

    title: str | None
    chosen: str | None
    severities: tuple[SeverityRow, ...]
    severity: int
    quoted: str | None = None
    unknown: str | None = None


@dataclass(frozen=True, kw_only=True)
class ActModal:
    """What somebody is about to do to an incident; ``act`` names it.

    ``chosen`` is a likely change's number (None: nobody can say). ``others`` are the incidents that it can go on as.
    ``left_over`` tasks become issues in ``issues_in`` when it is resolved.
    """

    act: IncidentAct
    card: IncidentCard
    severities: tuple[SeverityRow, ...] = ()
    every: tuple[int, ...] = ()
    """Minutes after which the next word can be promised, the usual one first."""
    others: tuple[IncidentLine, ...] = ()
    chosen: int | None = None
    typed: str | None = None
    """What stands there already."""
    left_over: int = 0
    issues_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class KeepModal:
    """A message that is to stand on a timeline: on which one."""

    quoted: str
    open: tuple[IncidentLine, ...]
