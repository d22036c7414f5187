"""Where people read and write: messages, members, and rooms of our own making."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Message:
    """What one message shows: Block Kit blocks, the notification text, and metadata that names it to machines.

    ``key`` is unique per message we mean to send; it travels in the metadata, so that a doubtful send can be found.
    """

    text: str
    blocks: Sequence[dict[str, Any]]
    key: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Posted:
    """Where a message stands: the channel's id (``C…``, ``D…``) and Slack's timestamp, its name within the channel."""

    channel: str
    ts: str


@dataclass(frozen=True)
class Room:
    """A channel of our own making: its id and the name it was really given."""

    channel: str
    name: str


@dataclass(frozen=True)
class Heard:
    """A message that somebody wrote: who (``U…``; None where an app did), the words, and where it can be read."""

    author: str | None
    text: str
    permalink: str | None
    at: datetime


@dataclass(frozen=True)
class Member:
    """A person in the workspace; one whose account was deactivated is not ``active``.

    A ``guest`` is let into some channels only, or belongs to another workspace, or is an app's and nobody's.
    """

    slack_id: str
    name: str
    active: bool = True
    guest: bool = False
    email: str | None = None
    """Their address, which Slack has verified."""
    zone: str | None = None
    """The IANA name of their time zone."""
    away: str | None = None
    """What their status says where it means that they are not there (“On holiday”)."""
    away_until: datetime | None = None
    """When that status ends by itself, where it does."""


class Identity(Protocol):
    """Who we are in the workspace."""

    @property
    def team_id(self) -> str:
        """The workspace (``T…``)."""
        ...

    @property
    def user_id(self) -> str:
        """Our own user (``U…``)."""
        ...

    @property
    def bot_id(self) -> str:
        """The name our messages carry (``B…``)."""
        ...


class Chat(Protocol):
    """The workspace people read."""

    async def post(self, place: str, message: Message, *, thread: str | None = None) -> Posted:
        """Post to a channel (``#name``, ``C…``, ``D…``) or a person (``U…``), or reply in ``thread`` (a ts)."""
        ...

    async def update(self, at: Posted, message: Message) -> None:
        """Replace what a message of ours shows; MessageGone when it is no longer there."""
        ...

    async def find(
        self, place: str, keys: set[str], *, since: datetime, threads: Sequence[str] = ()
    ) -> dict[str, Posted]:
        """Which of our messages with these keys stand in ``place`` since then, in the channel or the given threads.

        PlaceUnreachable means that nothing of ours can have been sent there either. Where we may post and may not read
        it is another GiveUp: a message in doubt is then held until somebody lets us look, rather than sent twice.
        """
        ...

    async def member_by_email(self, email: str) -> Member | None:
        """The member whose verified address this is, or None."""
        ...

    async def member(self, slack_id: str) -> Member | None:
        """The person with this id, or None where Slack shows us nobody."""
        ...

    async def group_members(self, handle: str) -> frozenset[str] | None:
        """The members (``U…``) of the user group ``@handle``, or None where there is no such group."""
        ...

    async def present(self, slack_id: str) -> bool | None:
        """Whether somebody is online now, None where Slack does not say."""
        ...

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Open a modal for whoever's ``trigger_id`` this is (once, within 3 s); returns the view's id."""
        ...

    async def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Replace what an open modal shows."""
        ...

    async def publish_home(self, slack_id: str, view: Mapping[str, Any]) -> None:
        """Replace somebody's App Home."""
        ...

    async def identity(self) -> Identity:
        """Who we are, asked afresh."""
        ...

    async def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        """Answer a command or a click at the address that came with it (5 uses in 30 minutes).

        ``message`` is as Slack takes it there: ``text``, ``blocks``, ``response_type``, ``replace_original``.
        """
        ...


class Rooms(Protocol):
    """Channels of our own making, and what only they need."""

    async def open_room(self, name: str, key: str, *, private: bool) -> Room:
        """Make a channel of this name; the one that carries ``key`` already is taken again, so that twice is harmless.

        A name that somebody else's channel has gets a suffix (``-2`` …). ``key`` stands in the channel's purpose.
        """
        ...

    async def invite(self, channel: str, slack_ids: Sequence[str]) -> Mapping[str, str]:
        """Have these people in a channel; returns those who could not be let in, each with Slack's reason."""
        ...

    async def set_topic(self, channel: str, topic: str) -> None:
        """Say in a channel's head what it is about (at most 250 characters; longer is cut)."""
        ...

    async def pin(self, at: Posted) -> None:
        """Pin a message; one that is pinned already stays so."""
        ...

    async def bookmark(self, channel: str, title: str, url: str) -> None:
        """Put a link into a channel's head, in the place of ours of that title; one with that address stays alone."""
        ...

    async def archive(self, channel: str) -> None:
        """Close a channel; one that is closed already stays so."""
        ...

    async def whisper(self, channel: str, slack_id: str, message: Message) -> None:
        """Show somebody in a channel what nobody else there sees; it may be lost, and twice is twice."""
        ...

    async def heard(self, channel: str, ts: str) -> Heard | None:
        """A message by its place, also one in a thread; None where it is gone."""
        ...

    async def put_document(self, channel: str, title: str, markdown: str, mark: str) -> str | None:
        """Lay a document into a channel: as its canvas, where the plan has them, else as a file; returns its address.

        A canvas that the channel has already keeps what stands in it, and gets this text at its end; one in which the
        words ``mark`` stand, which a heading of the text says, has it.
        """
        ...
