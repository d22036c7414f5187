"""Who and what exists in the stand-in workspace: people, channels, messages. Pure state: no network, no protocol.

Limits: one workspace, one installed app. ``workspace`` holds them all and changes them; repositories live in
``repositories``; how Slack answers, in ``slack_*``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.documents import Canvas, File

Json = dict[str, Any]

TEAM_ID = "T0ACME"
PARTNER_TEAM_ID = "T0PARTNER"
"""Another workspace, whose people are met in shared channels."""
TEAM_DOMAIN = "acme-sandbox"
TEAM_NAME = "Acme (sandbox, not Slack)"
APP_ID = "A0SHIPMATE"
BOT_ID = "B0SHIPMATE"
BOT_USER_ID = "U0SHIPMATE"
BOT_NAME = "Shipmate"
SLACKBOT_ID = "USLACKBOT"
"""Slack's own voice: it tells people, and nobody else, that a command failed."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody people here can see. ``email`` is verified by Slack; ``zone`` is an IANA name; ``key`` is for tests.

    ``guest`` may be in a few channels, ``single_channel_guest`` in one; ``stranger`` belongs to another workspace;
    ``away`` is whoever is not looking at Slack. A ``status`` ends at ``status_until`` (Unix seconds; 0: not by itself).
    """

    key: str
    slack_id: str
    real_name: str
    email: str
    zone: str = "Europe/Paris"
    colour: str = "4d6bfe"
    deactivated: bool = False
    guest: bool = False
    single_channel_guest: bool = False
    stranger: bool = False
    title: str = ""
    status: str = ""
    status_emoji: str = ""
    status_until: int = 0
    away: bool = False

    @property
    def name(self) -> str:
        """What messages call them: the first name."""
        return self.real_name.split(" ", 1)[0]

    @property
    def team_id(self) -> str:
        """The workspace they belong to."""
        return PARTNER_TEAM_ID if self.stranger else TEAM_ID


@dataclass(kw_only=True, eq=False)
class Usergroup:
    """People who are mentioned together, as ``@handle``; a ``disabled`` one is kept, and mentions nobody."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    disabled: bool = False
    made: int = 0
    changed: int = 0


@dataclass(kw_only=True, eq=False)
class Message:
    """One message as it stands now. ``edits`` counts updates; ``ephemeral_for`` is the only person who sees it.

    ``reactions`` are people by emoji; ``pinned_at`` is None while it is not pinned; ``answers`` is the state of its
    inputs by block and action, for the person who uses them.
    """

    channel: str
    ts: str
    user: str
    bot: bool
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    parent_user: str = ""
    broadcast: bool = False
    edits: int = 0
    edit_mark: bool = False
    ephemeral_for: str | None = None
    deleted: bool = False
    replies: list[Message] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    pinned_at: int | None = None
    pinned_by: str = ""
    answers: dict[str, dict[str, Json]] = field(default_factory=dict)

    @property
    def is_reply(self) -> bool:
        """Whether it stands in a thread, below another message."""
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(kw_only=True, eq=False)
class Channel:
    """A channel; with ``person`` the direct conversation between the app and one person; ``group``: with several."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    private: bool = False
    archived: bool = False
    person: str | None = None
    group: bool = False
    shared: bool = False
    creator: str = SLACKBOT_ID
    created: int = 0
    topic: str = ""
    topic_by: str = ""
    topic_at: int = 0
    purpose: str = ""
    purpose_by: str = ""
    purpose_at: int = 0
    previous_names: list[str] = field(default_factory=list)
    bookmarks: list[Json] = field(default_factory=list)
    canvas: Canvas | None = None
    clock: Clock = field(default_factory=Clock)
    by_ts: dict[str, Message] = field(default_factory=dict)
    ephemerals: list[Message] = field(default_factory=list)
    main: list[Message] = field(default_factory=list)
    _main_instants: list[int] = field(default_factory=list)
    _last_instant: int = 0

    @property
    def kind(self) -> str:
        """``channel`` or ``dm``, also where several people talk directly."""
        return "dm" if self.person or self.group else "channel"

    @property
    def type(self) -> str:
        """``public``, ``private``, ``im`` or ``mpim``, which decides the scopes it needs."""
        if self.person:
            return "im"
        if self.group:
            return "mpim"
        return "private" if self.private else "public"

    @property
    def general(self) -> bool:
        """Whether it is the channel everybody is in, which cannot be left or archived."""
        return self.name == "general"

    def next_ts(self) -> str:
        """A timestamp no message here has had: Slack's are unique and increasing within one channel."""
        self._last_instant = max(int(self.clock.now().timestamp() * 1_000_000), self._last_instant + 1)
        return f"{self._last_instant // 1_000_000}.{self._last_instant % 1_000_000:06d}"

    def reached(self, ts: str) -> bool:
        """Whether it is a timestamp, and something as late as that was said here."""
        try:
            return instant(ts) <= self._last_instant
        except ValueError:
            return False

    def add(self, message: Message) -> None:
        """Put a message with a fresh ``ts`` at the end of the channel or of its thread."""
        if message.ephemeral_for is not None:
            self.ephemerals.append(message)
            return
        self.by_ts[message.ts] = message
        if message.is_reply and message.thread_ts is not None:
            parent = self.by_ts[message.thread_ts]
            message.parent_user = parent.user
            parent.replies.append(message)
        if not message.is_reply or message.broadcast:
            self.main.append(message)
            self._main_instants.append(instant(message.ts))

    def remove(self, message: Message) -> None:
        """Take a message away; a parent with replies stays as a tombstone for its thread."""
        message.deleted = True
        if message.ephemeral_for is not None:
            self.ephemerals.remove(message)
            return
        if message.is_reply and message.thread_ts is not None:
            self.by_ts[message.thread_ts].replies.remove(message)
        if message in self.main:
            place = self.main.index(message)
            del self.main[place], self._main_instants[place]
        if not message.replies:
            del self.by_ts[message.ts]

    def ephemeral(self, ts: str) -> Message | None:
        """The ephemeral message with this timestamp, newest first: there are few and the recent ones are asked for."""
        return next((one for one in reversed(self.ephemerals) if one.ts == ts), None)

    def between(self, oldest: int | None, latest: int | None, *, inclusive: bool) -> tuple[int, int]:
        """The slice of ``main`` between two instants in microseconds; the bounds themselves only if ``inclusive``."""
        first, last = 0, len(self.main)
        if oldest is not None:
            first = (bisect_left if inclusive else bisect_right)(self._main_instants, oldest)
        if latest is not None:
            last = (bisect_right if inclusive else bisect_left)(self._main_instants, latest)
        return first, max(first, last)


def instant(ts: str) -> int:
    """Microseconds of a Slack timestamp (``1700000000.000100``; fractions may be short or absent).

    Raises ValueError for anything else.
    """
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int((fraction + "000000")[:6] or 0)
