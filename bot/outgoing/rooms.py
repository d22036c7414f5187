"""The calls about incidents' rooms: one made, people let in, its head, what is read and written there, its end.

Why twice is harmless: a room is found again by its key; whoever is in it is not let in again; a topic, a pin, a
bookmark and a closed room stay what they are; a canvas has each draft once; reading changes nothing. Only a summary
that was whispered may come twice, or be lost, after a kill.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from bot.database import Database
from bot.delivery import EffectKind
from bot.delivery.kinds import Settle
from bot.deploys.loading import Desk
from bot.errors import GiveUp, OutgoingError, RetryLater, Unauthorised
from bot.incidents import postmortem, resolving, rooms, summary, tasks, telling, timeline, undone
from bot.incidents.models import Incident
from bot.incidents.states import State
from bot.outbox import CardState
from bot.outgoing.people import Consequences
from bot.ports import Issues, Posted, Rooms
from bot.rendering import Renderer

log = structlog.get_logger(__name__)

LONGEST_TITLE = 250
"""Characters of a document's title."""

Run = Callable[[Mapping[str, Any]], Awaitable[Settle]]
"""How an effect is done."""

Troubled = Callable[[Session, Desk, Incident, str, datetime], None]
"""A verb that says why something about an incident could not be done."""

CARD_STANDS_SOON = 1.0
"""Seconds until it is looked again whether a card that is to be pinned stands."""


@dataclass(frozen=True)
class RoomCalls:
    """Does what rooms need. Without ``rooms`` there are none, without ``issues`` no follow-ups; both are said."""

    database: Database
    rooms: Rooms | None
    issues: Issues | None
    clock: Callable[[], datetime]
    desk: Callable[[datetime], Desk]
    settle: Consequences
    renderer: Renderer = field(default_factory=Renderer)

    def effects(self) -> Mapping[str, EffectKind]:
        """The kinds of effects."""
        return {
            rooms.ROOM_OPEN: _kind(self.open),
            rooms.ROOM_PEOPLE: _kind(self.let_in),
            rooms.ROOM_TOPIC: _kind(self._told(rooms.ROOM_TOPIC, self.set_topic)),
            rooms.ROOM_PIN: _kind(self._told(rooms.ROOM_PIN, self.pin)),
            rooms.ROOM_BOOKMARKS: _kind(self._told(rooms.ROOM_BOOKMARKS, self.bookmark)),
            rooms.ROOM_ARCHIVE: _kind(self._told(rooms.ROOM_ARCHIVE, self.archive)),
            timeline.MESSAGE_READ: _kind(self._told(timeline.MESSAGE_READ, self.read_message)),
            summary.ROOM_WHISPER: _kind(self.whisper),
            rooms.ROOM_DOCUMENT: _kind(self.put_document),
            tasks.FOLLOW_UP: _kind(self.follow_up),
        }

    async def open(self, data: Mapping[str, Any]) -> Settle:
        """Make the room. What a person must mend first is said once, and tried again from time to time."""
        wanted = await self._read(data, _to_open)
        if wanted is None:
            return _nothing
        name, key = wanted
        try:
            room = await self._rooms().open_room(name, key, private=self.desk(self.clock()).catalog.incidents.private)
        except Unauthorised as fault:
            await self._first(data, fault, rooms.cannot)
            raise
        except GiveUp as fault:
            log.error("a room cannot be made", code=fault.code, mend=fault.mend, incident=data["incident"])
            why = str(fault)
            return self._of(data, lambda session, desk, one, now: rooms.cannot(session, desk, one, why, now))
        return self._of(data, lambda session, desk, one, now: rooms.opened(session, desk, one, room, now))

    async def let_in(self, data: Mapping[str, Any]) -> Settle:
        """Let in whoever is to be in the room and was not asked yet."""
        wanted = await self._read(data, lambda session, _, one: (one.room, tuple(rooms.waiting(session, one))))
        if wanted is None or wanted[0] is None or not wanted[1]:
            return _nothing
        channel, people = wanted
        try:
            troubles = await self._rooms().invite(channel, people)
        except Unauthorised as fault:
            await self._first(data, fault, rooms.nobody_let_in)
            raise
        except GiveUp as fault:
            log.error("people cannot be let into a room", code=fault.code, mend=fault.mend, incident=data["incident"])
            troubles = dict.fromkeys(people, str(fault))
        return self._of(data, lambda session, desk, one, now: rooms.asked_in(session, desk, one, troubles, people, now))

    async def set_topic(self, data: Mapping[str, Any]) -> Settle:
        """Say in the room's head how the incident stands."""
        wanted = await self._read(data, lambda session, desk, one: _in_room(one, rooms.topic(session, desk, one)))
        if wanted is None:
            return _nothing
        channel, words = wanted
        await self._rooms().set_topic(channel, words)

        def write(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
            if rooms.topic(session, desk, incident) != words:  # it changed while the call was on its way
                rooms.head_changed(session, incident, now)

        return self._of(data, write)

    async def pin(self, data: Mapping[str, Any]) -> Settle:
        """Pin the card in the room; RetryLater until it stands there."""
        channel = str(data["channel"])
        wanted = await self._read(data, lambda session, _, one: _card_in(session, one, channel))
        if wanted is None:
            return _nothing
        if wanted.ts == "":
            raise RetryLater("the card does not stand in the room yet", delay=CARD_STANDS_SOON)
        await self._rooms().pin(wanted)
        return _nothing

    async def bookmark(self, data: Mapping[str, Any]) -> Settle:
        """Put the links into the room's head; one that Slack refuses keeps out no other."""
        wanted = await self._read(data, lambda session, desk, one: _in_room(one, rooms.links(session, desk, one)))
        if wanted is None:
            return _nothing
        channel, links = wanted
        refused: GiveUp | None = None
        for title, url in links:
            try:
                await self._rooms().bookmark(channel, title, url)
            except Unauthorised:
                raise
            except GiveUp as fault:
                refused = fault
        if refused is not None:
            raise refused

        def write(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
            if rooms.links(session, desk, incident) != links:
                rooms.links_changed(session, incident, now)

        return self._of(data, write)

    async def archive(self, data: Mapping[str, Any]) -> Settle:
        """Close the room, unless the incident was opened again meanwhile."""
        channel = str(data["channel"])
        wanted = await self._read(
            data, lambda _, __, one: True if one.state != State.OPEN.value and one.room == channel else None
        )
        if wanted is None:
            return _nothing
        await self._rooms().archive(channel)

        def write(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
            rooms.closed(session, incident, channel, now)
            if incident.state == State.OPEN.value:  # it was opened again while the call was on its way
                rooms.wanted_anew(session, desk, incident, now)

        return self._of(data, write)

    async def read_message(self, data: Mapping[str, Any]) -> Settle:
        """Read a message that is to stand on a timeline: who wrote it, and where it can be read."""
        heard = await self._rooms().heard(str(data["channel"]), str(data["ts"]))

        def write(session: Session, now: datetime) -> None:
            timeline.message_heard(session, self.desk(now), data, heard)
            self.settle(session, now)

        return write

    async def whisper(self, data: Mapping[str, Any]) -> Settle:
        """Tell somebody who comes late how it stands, in the room and for them alone."""
        wanted = await self._read(data, lambda session, desk, one: _in_room(one, summary.load(session, desk, one)))
        if wanted is None:
            return _nothing
        channel, view = wanted
        key = f"{summary.ROOM_WHISPER}:{data['incident']}:{data['slack_id']}"
        message = self.renderer.message(summary.TEMPLATE, view, key=key)
        try:
            await self._rooms().whisper(channel, str(data["slack_id"]), message)
        except RetryLater:
            raise
        except OutgoingError as fault:  # it may be lost: the card is pinned
            log.info("a summary was not whispered", why=str(fault), incident=data["incident"])
        return _nothing

    async def put_document(self, data: Mapping[str, Any]) -> Settle:
        """Lay the postmortem's draft into the room."""
        wanted = await self._read(
            data,
            lambda session, desk, one: (
                _in_room(one, resolving.postmortem(session, desk, one)) if one.state == State.RESOLVED.value else None
            ),
        )
        if wanted is None:
            return _nothing
        channel, view = wanted
        text = postmortem.marked(self.renderer.document(postmortem.TEMPLATE, view), view.mark)
        title = rooms.quiet(postmortem.title_of(view), LONGEST_TITLE)
        try:
            address = await self._rooms().put_document(channel, title, text, view.mark)
        except Unauthorised as fault:
            await self._first(data, fault, resolving.not_written)
            raise
        except GiveUp as fault:
            log.error("a draft cannot be laid into a room", code=fault.code, mend=fault.mend, incident=data["incident"])
            why = str(fault)
            return self._of(data, lambda session, desk, one, now: resolving.not_written(session, desk, one, why, now))
        return self._of(data, lambda session, desk, one, now: resolving.written(session, desk, one, address, now))

    async def follow_up(self, data: Mapping[str, Any]) -> Settle:
        """Make an issue of a task that is left over; one that was made already is that one."""
        number = int(data["task"])
        wanted = await self.database.read(lambda session: tasks.issue_wanted(session, self.desk(self.clock()), number))
        if wanted is None:
            return _nothing
        try:
            if self.issues is None:
                raise GiveUp("no_forge", "set GITHUB_TOKEN, or GITHUB_APP_ID and its key")
            url = await self.issues.open_issue(wanted.repo, wanted.title, wanted.body, wanted.key)
        except Unauthorised as fault:
            await self._not_followed_up(number, fault)
            raise
        except GiveUp as fault:
            log.error("a task became no issue", code=fault.code, mend=fault.mend, task=number)
            why = str(fault)
            return self._task(number, lambda session, desk, now: tasks.no_issue(session, desk, number, why, now))
        return self._task(number, lambda session, desk, now: tasks.became(session, desk, number, url, now))

    # --- how a call's outcome is written ---------------------------------------------------------------------------

    def _of(self, data: Mapping[str, Any], writing: Callable[[Session, Desk, Incident, datetime], None]) -> Settle:
        def write(session: Session, now: datetime) -> None:
            incident = session.get(Incident, int(data["incident"]))
            if incident is not None:
                writing(session, self.desk(now), incident, now)
                self.settle(session, now)

        return write

    def _task(self, number: int, writing: Callable[[Session, Desk, datetime], None]) -> Settle:
        def write(session: Session, now: datetime) -> None:
            writing(session, self.desk(now), now)
            self.settle(session, now)

        return write

    async def _read(self, data: Mapping[str, Any], reading: Callable[[Session, Desk, Incident], Any]) -> Any:
        """What is wanted now, None where nothing is."""
        number, desk = int(data["incident"]), self.desk(self.clock())

        def read(session: Session) -> Any:
            incident = session.get(Incident, number)
            return reading(session, desk, incident) if incident is not None else None

        return await self.database.read(read)

    def _told(self, kind: str, run: Run) -> Run:
        """The same, which says once what Slack refuses, and why; it is given up then, or tried again by itself."""

        async def told(data: Mapping[str, Any]) -> Settle:
            try:
                return await run(data)
            except GiveUp as fault:
                why = fault
                write = self._of(data, lambda session, desk, one, now: undone.say(session, desk, one, kind, why, now))
                await self.database.write(lambda session: write(session, self.clock()))
                raise

        return told

    async def _first(self, data: Mapping[str, Any], fault: GiveUp, said: Troubled) -> None:
        """Have it ``said`` what a person must mend, before it is tried again by itself."""
        write = self._of(data, lambda session, desk, one, now: said(session, desk, one, str(fault), now))
        await self.database.write(lambda session: write(session, self.clock()))

    async def _not_followed_up(self, number: int, fault: GiveUp) -> None:
        now = self.clock()
        await self.database.write(lambda session: tasks.delayed(session, self.desk(now), number, str(fault), now))

    def _rooms(self) -> Rooms:
        if self.rooms is None:
            raise GiveUp("no_rooms", "nothing is set up here that makes channels: set SLACK_BOT_TOKEN")
        return self.rooms


def _to_open(session: Session, desk: Desk, incident: Incident) -> tuple[str, str] | None:
    if incident.room is not None or incident.state != State.OPEN.value or incident.room_name is None:
        return None
    return incident.room_name, rooms.key_of(incident)


def _in_room(incident: Incident, wanted: Any) -> tuple[str, Any] | None:
    """What is wanted in a room that is there and open; None where it is not."""
    if incident.room is None or incident.archived_at is not None:
        return None
    return incident.room, wanted


def _card_in(session: Session, incident: Incident, channel: str) -> Posted | None:
    """Where the card stands that is to be pinned; without a ``ts`` where it does not yet, None where it never will."""
    card = telling.card_in_room(session, incident) if incident.room == channel else None
    if card is None or incident.archived_at is not None or card.state != CardState.LIVE.value:
        return None
    return Posted(channel, card.ts or "")


def _kind(run: Run) -> EffectKind:
    return EffectKind(run=run, postponed=_as_it_is, given_up=_as_it_is)


def _nothing(session: Session, now: datetime) -> None:
    """Nothing is to be written."""


def _as_it_is(session: Session, data: Mapping[str, Any], now: datetime) -> None:
    """What is known of it stays."""
