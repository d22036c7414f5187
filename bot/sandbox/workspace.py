"""The stand-in workspace as a whole: who joins, what is opened, said, changed and read. No network, no protocol.

Whatever changes is told to the watchers, which is how the page stays live.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.world import BOT_USER_ID, SLACKBOT_ID, Channel, Message, Person, Usergroup, instant

Watcher = Callable[[Message], None]
PlaceWatcher = Callable[[Channel], None]
PersonWatcher = Callable[[Person], None]
ReadWatcher = Callable[[str, str, str], None]
"""Hears who has read which channel as far as which ``ts``."""


class Workspace:
    """Everything in the stand-in Slack, and the only way to change it. ``clock`` dates what happens."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, Usergroup] = {}
        self.watchers: list[Watcher] = []
        self.place_watchers: list[PlaceWatcher] = []
        self.people_watchers: list[PersonWatcher] = []
        self.read_watchers: list[ReadWatcher] = []
        self.read_marks: dict[str, dict[str, str]] = {}
        """The last ``ts`` that each person has looked at, by channel; who never looked has read nothing."""
        self._people_by_key: dict[str, Person] = {}
        self._channels_by_name: dict[str, Channel] = {}
        self._direct: dict[str, Channel] = {}
        self._numbers = itertools.count(1)

    # People

    def add_person(self, person: Person) -> Person:
        """Somebody joins the workspace."""
        self.people[person.slack_id] = person
        self._people_by_key[person.key] = person
        return person

    def change_person(self, person: Person, **changes: Any) -> Person:
        """Somebody's profile says something else from now on."""
        changed = self.add_person(replace(person, **changes))
        for watcher in self.people_watchers:
            watcher(changed)
        return changed

    def find_person(self, who: str) -> Person | None:
        """The person with this Slack id or key."""
        return self.people.get(who) or self._people_by_key.get(who.lower())

    def person(self, who: str) -> Person:
        """The person with this Slack id or key; LookupError names those there are."""
        found = self.find_person(who)
        if found is None:
            raise LookupError(f"nobody here is called {who!r}; there are {', '.join(self._people_by_key)}")
        return found

    def person_by_email(self, email: str) -> Person | None:
        """The active person whose verified address this is; case does not matter."""
        wanted = email.strip().lower()
        return next((p for p in self.people.values() if p.email.lower() == wanted and not p.deactivated), None)

    def add_usergroup(self, handle: str, *, group_id: str, name: str, users: Iterable[str]) -> Usergroup:
        """Make a user group; ``users`` are Slack ids."""
        group = Usergroup(id=group_id, handle=handle, name=name, users=list(users), made=self.now(), changed=self.now())
        self.usergroups[group_id] = group
        return group

    def now(self) -> int:
        """The present in whole Unix seconds."""
        return int(self.clock.now().timestamp())

    def fresh(self) -> str:
        """The end of an id that nobody has had."""
        return f"{next(self._numbers):07d}"

    # Channels

    def add_channel(
        self,
        name: str,
        *,
        channel_id: str | None = None,
        members: Iterable[str] = (),
        private: bool = False,
        archived: bool = False,
        purpose: str = "",
        shared: bool = False,
        group: bool = False,
        creator: str = SLACKBOT_ID,
    ) -> Channel:
        """Make a channel; ``members`` and ``creator`` are Slack ids."""
        identity = channel_id or f"C0{len(self.channels):06d}"
        channel = Channel(
            id=identity,
            name=name,
            members=set(members),
            private=private,
            archived=archived,
            created=self.now(),
            purpose=purpose,
            shared=shared,
            group=group,
            creator=creator,
            clock=self.clock,
        )
        self.channels[identity] = channel
        self._channels_by_name[name] = channel
        self.place_changed(channel)
        return channel

    def rename_channel(self, channel: Channel, name: str) -> None:
        """Give a channel another name; the old one is free again."""
        del self._channels_by_name[channel.name]
        channel.previous_names.insert(0, channel.name)
        channel.name = name
        self._channels_by_name[name] = channel
        self.place_changed(channel)

    def place_changed(self, channel: Channel) -> None:
        """Tell the watchers that a channel is new or different."""
        for watcher in self.place_watchers:
            watcher(channel)

    def find_channel(self, where: str) -> Channel | None:
        """The channel with this id or name (with or without ``#``)."""
        return self.channels.get(where) or self._channels_by_name.get(where.removeprefix("#"))

    def channel(self, where: str) -> Channel:
        """The channel with this id or name; LookupError names those there are."""
        found = self.find_channel(where)
        if found is None:
            raise LookupError(f"there is no channel {where!r}; there are {', '.join(self._channels_by_name)}")
        return found

    def direct(self, slack_id: str) -> Channel:
        """The direct conversation between the app and this person, opened if need be."""
        channel = self._direct.get(slack_id)
        if channel is None:
            channel = Channel(
                id=f"D{slack_id.removeprefix('U')}",
                name=f"dm-{self.people[slack_id].key}",
                members={slack_id, BOT_USER_ID},
                private=True,
                person=slack_id,
                created=self.now(),
                clock=self.clock,
            )
            self._direct[slack_id] = self.channels[channel.id] = channel
        return channel

    def find_direct(self, slack_id: str) -> Channel | None:
        """The direct conversation with this person, if it was ever opened."""
        return self._direct.get(slack_id)

    def mark_read(self, who: str, where: str, ts: str) -> None:
        """Somebody has seen a channel as far as ``ts``, and what they saw stays seen.

        LookupError for nobody or nowhere, ValueError for what is no timestamp, or one that was not given out yet.
        """
        person, channel = self.person(who), self.channel(where)
        if not channel.reached(ts):
            raise ValueError(f"ts: expected the timestamp of a message in #{channel.name}, not {ts!r}")
        marks = self.read_marks.setdefault(person.slack_id, {})
        if instant(ts) > instant(marks.get(channel.id, "0")):
            marks[channel.id] = ts
            for watcher in self.read_watchers:
                watcher(person.slack_id, channel.id, ts)

    # Messages

    def post(self, channel: Channel, message: Message) -> Message:
        """Add a message whose ``ts`` came from ``channel.next_ts()``, and tell the watchers."""
        channel.add(message)
        self.changed(message)
        if message.is_reply and message.thread_ts is not None and message.ephemeral_for is None:
            self.changed(channel.by_ts[message.thread_ts])
        return message

    def edited(self, message: Message, *, mark: bool) -> None:
        """Count an edit made to ``message``; ``mark`` is whether people see "(edited)"."""
        message.edits += 1
        message.edit_mark = mark
        self.changed(message)

    def delete(self, message: Message) -> None:
        """Take a message away and tell the watchers."""
        self.channels[message.channel].remove(message)
        self.changed(message)

    def changed(self, message: Message) -> None:
        """Tell the watchers that a message is new or different."""
        for watcher in self.watchers:
            watcher(message)

    def everything(self, channel: Channel) -> Iterator[Message]:
        """Every message of a channel that somebody can see, threads and ephemerals included, oldest first."""
        seen = [message for message in list(channel.by_ts.values()) if not message.deleted]
        return iter(sorted([*seen, *channel.ephemerals], key=lambda message: instant(message.ts)))
