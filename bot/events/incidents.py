"""What people do about incidents, and what is heard in their rooms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class IncidentOpened:
    """A person opens an incident. ``severity`` 1 is the worst, 5 the least; None: the usual one.

    ``channel`` and ``ts`` name the message from which it was opened, where it was; ``text`` is what stands there.
    """

    title: str
    service: str | None = None
    severity: int | None = None
    channel: str | None = None
    ts: str | None = None
    text: str | None = None
    slack_id: str
    called: str
    at: datetime


class IncidentAct(StrEnum):
    """What a person does to an incident."""

    MINE = "mine"
    """“I'm on it”: answers one's page; the first to say so leads."""
    NOT_MINE = "not_mine"
    """The likely change (``likely``) is not the cause: whoever is next is woken."""
    WAKE = "wake"
    """Whoever is on call is woken now."""
    RIGHT = "right"
    """The likely change (``likely``) is the cause."""
    LEAD = "lead"
    """``who`` leads; likewise the next two."""
    COMMUNICATIONS = "communications"
    SCRIBE = "scribe"
    SEVERITY = "severity"
    """It is as bad as ``severity`` says."""
    UPDATE = "update"
    """How it stands: ``text`` (condition), ``actions``, ``needs``; the next one comes at ``next_at``."""
    TASK = "task"
    """``text`` is to be done, by ``who`` where that is said."""
    DONE = "done"
    """The ``task`` is done."""
    FOLLOW_UP = "follow_up"
    """The ``task`` becomes an issue in the service's repository."""
    MERGE = "merge"
    """It is the same as the incident ``into``, which goes on."""
    OPEN_ROOM = "open_room"
    """One that was only watched becomes a real one: room, lock, people."""
    RESOLVE = "resolve"
    """It is over; ``text`` says how, ``likely`` (0: none of them) which change it was."""
    REOPEN = "reopen"


@dataclass(frozen=True, kw_only=True)
class IncidentActed:
    """A person does something about an incident; which of the fields are set depends on the act.

    ``incident`` None: the one whose room is ``channel``. ``likely`` is the number of a likely change of it.
    """

    act: IncidentAct
    incident: int | None
    channel: str | None = None
    likely: int | None = None
    severity: int | None = None
    who: str | None = None
    text: str | None = None
    actions: str | None = None
    needs: str | None = None
    next_at: datetime | None = None
    task: int | None = None
    into: int | None = None
    seen: str | None = None
    """Whom the button named that was pressed (``bot.incidents.paging.mark_of``); None: it named nobody."""
    slack_id: str
    called: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class MessageKept:
    """A message is to stand on an incident's timeline: by the shortcut, or by a reaction in its room.

    ``incident`` None: the one whose room is ``channel``. ``text`` None: it is still to be read (a reaction tells none).
    """

    incident: int | None
    channel: str
    ts: str
    text: str | None
    author: str | None
    slack_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class RoomJoined:
    """Somebody came into a channel that may be an incident's room."""

    channel: str
    slack_id: str
    at: datetime
