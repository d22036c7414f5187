"""The world of alarms, with a Slack that has rooms and a tracker that has issues; both remember everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from bot import outbox
from bot.errors import GiveUp, OutgoingError, RetryLater, Unauthorised, UserError
from bot.events import IncidentAct, IncidentActed, MessageKept, RoomJoined
from bot.incidents import acts
from bot.incidents.models import Incident, RoomPerson
from bot.outbox import Card, Effect, Note, SendState
from bot.outgoing.rooms import RoomCalls
from bot.ports import Heard, Message, Posted, Room
from bot.rendering import Renderer
from tests.unit.alarming import LOGINS, Alarms, Here
from tests.unit.reports import minute


class Killed(BaseException):
    """The process died here."""


@dataclass
class Slack:
    """Channels as Slack keeps them: found again by their key, with who is in them, a topic, pins, links and documents.

    ``faults`` is what a method raises; ``dies`` names the method after whose effect the process dies, once.
    """

    rooms: dict[str, Room] = field(default_factory=dict)
    """By key."""
    private: set[str] = field(default_factory=set)
    people: dict[str, list[str]] = field(default_factory=dict)
    topics: dict[str, list[str]] = field(default_factory=dict)
    pins: set[tuple[str, str]] = field(default_factory=set)
    links: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    archived: set[str] = field(default_factory=set)
    whispers: list[tuple[str, str, Message]] = field(default_factory=list)
    messages: dict[tuple[str, str], Heard] = field(default_factory=dict)
    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    faults: dict[str, OutgoingError] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)
    refused_links: set[str] = field(default_factory=set)
    dies: str | None = None
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens elsewhere while a call of this method is on its way, once."""

    def _called(self, method: str) -> None:
        self.asked.append(method)
        if method in self.faults:
            raise self.faults[method]

    def _ended(self, method: str) -> None:
        happens = self.meanwhile.pop(method, None)
        if happens is not None:
            happens()
        if self.dies == method:
            self.dies = None
            raise Killed(method)

    async def open_room(self, name: str, key: str, *, private: bool) -> Room:
        """One for each key; a name that is taken gets a suffix."""
        self._called("open_room")
        if key not in self.rooms:
            taken = {room.name for room in self.rooms.values()}
            given = next(one for one in [name, *(f"{name}-{n}" for n in range(2, 20))] if one not in taken)
            self.rooms[key] = Room(f"C0ROOM{len(self.rooms) + 1}", given)
            if private:
                self.private.add(self.rooms[key].channel)
        self._ended("open_room")
        return self.rooms[key]

    async def invite(self, channel: str, slack_ids: Sequence[str]) -> Mapping[str, str]:
        """Everybody but those whom ``refuses`` names."""
        self._called("invite")
        there = self.people.setdefault(channel, [])
        there += [one for one in slack_ids if one not in there and one not in self.refuses]
        self._ended("invite")
        return {one: why for one, why in self.refuses.items() if one in slack_ids}

    async def set_topic(self, channel: str, topic: str) -> None:
        """Every topic it had, in order."""
        self._called("set_topic")
        self.topics.setdefault(channel, []).append(topic)
        self._ended("set_topic")

    async def pin(self, at: Posted) -> None:
        """Pinned."""
        self._called("pin")
        self.pins.add((at.channel, at.ts))
        self._ended("pin")

    async def bookmark(self, channel: str, title: str, url: str) -> None:
        """Once for each address, and for each title."""
        self._called("bookmark")
        if url in self.refused_links:
            raise GiveUp("invalid_link", "Slack takes no such address.")
        there = self.links.setdefault(channel, [])
        if url not in [one for _, one in there]:
            self.links[channel] = [*(one for one in there if one[0] != title), (title, url)]
        self._ended("bookmark")

    async def archive(self, channel: str) -> None:
        """Closed."""
        self._called("archive")
        self.archived.add(channel)
        self._ended("archive")

    async def whisper(self, channel: str, slack_id: str, message: Message) -> None:
        """Remembered."""
        self._called("whisper")
        self.whispers.append((channel, slack_id, message))
        self._ended("whisper")

    async def heard(self, channel: str, ts: str) -> Heard | None:
        """What the test put there."""
        self._called("heard")
        self._ended("heard")
        return self.messages.get((channel, ts))

    async def put_document(self, channel: str, title: str, markdown: str, mark: str) -> str | None:
        """A channel has one canvas, in which people write; it gets longer."""
        self._called("put_document")
        known, there = self.documents.get(channel, (title, ""))
        if mark not in there:
            self.documents[channel] = (known, f"{there}\n{markdown}" if there else markdown)
        self._ended("put_document")
        return f"https://bakery.slack.example/docs/{channel}"


@dataclass
class Tracker:
    """Issues, one for each key."""

    issues: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    fault: OutgoingError | None = None
    dies: bool = False

    async def open_issue(self, repo: str, title: str, body: str, key: str) -> str:
        """Opened, or found again."""
        if self.fault is not None:
            raise self.fault
        self.issues.setdefault(key, (repo, title, body))
        if self.dies:
            self.dies = False
            raise Killed("open_issue")
        return f"https://github.example/{repo}/issues/{list(self.issues).index(key) + 1}"


@dataclass
class Rooming(Alarms):
    """One bot's reactions over one session, with rooms."""

    slack: Slack = field(default_factory=Slack)
    tracker: Tracker = field(default_factory=Tracker)
    renderer: Renderer = field(default_factory=Renderer)
    has_rooms: bool = True
    has_issues: bool = True

    # --- what happens ------------------------------------------------------------------------------------------

    def burns(self, minutes: float = 12) -> Incident:
        """Ana's change went live some minutes ago, and now checkout's alert fires."""
        self.shipped()
        self.at += minutes
        found = self.fires()
        assert found is not None
        return found

    def room_of(self, incident: Incident | None = None) -> str:
        """The room, once everything about it was done and its card stands."""
        self.does()
        self.stands()
        self.at += 2 / 60  # a card is looked for again after a second
        self.does()
        room = (incident or self.incident()).room
        assert room is not None
        return room

    def does(self) -> Slack:
        """Do what rooms and issues are to be asked, as the engine does, until nothing is due."""
        effects = self.room_calls().effects()
        for _ in range(30):
            due = [one for one in self._pending() if one.kind in effects]
            if not due:
                break
            for effect in due:
                self.one(effects[effect.kind], effect)
        return self.slack

    def one(self, kind: Any, effect: Effect) -> None:
        """Do one effect: settled in the transaction that marks it, put off, or given up; Killed leaves it as it was."""
        try:
            settle = asyncio.run(kind.run(effect.data))
        except (RetryLater, Unauthorised) as fault:
            delay = getattr(fault, "delay", None) or 60
            effect.due_at, effect.attempts = self.now + timedelta(seconds=delay), effect.attempts + 1
            kind.postponed(self.session, effect.data, self.now)
            return
        except GiveUp as fault:
            effect.state, effect.error = SendState.FAILED.value, str(fault)
            kind.given_up(self.session, effect.data, self.now)
            return
        effect.state = SendState.DONE.value
        settle(self.session, self.now)
        self.session.flush()

    def room_calls(self) -> RoomCalls:
        """The effects' owner."""
        return RoomCalls(
            Here(self.session),  # type: ignore[arg-type]  # the two methods that effects use
            self.slack if self.has_rooms else None,
            self.tracker if self.has_issues else None,
            lambda: self.now,
            lambda now: self.desk,
            self.reactions.settle,
            self.renderer,
        )

    def stands(self) -> None:
        """Every card of incidents was sent."""
        for card in self.session.exec(select(Card).where(Card.kind == "incident")).all():
            card.channel, card.ts = card.place, card.ts or f"17000000{card.id}.000100"
        self.session.flush()

    def turn(self, at: float) -> None:
        """Let time pass; what rooms are asked meanwhile is done in the end."""
        super().turn(at)
        self.does()

    def refused_act(self, act: IncidentAct, who: str = "U0ANA", incident: Incident | None = None, **more: Any) -> str:
        """Somebody does something, and it is refused: what they are told. Nothing is kept of it."""
        with self.session.begin_nested() as savepoint:
            try:
                said = self.acts(act, who, incident, **more)
            except UserError as refusal:
                savepoint.rollback()
                self.session.info.pop("touched", None)
                return str(refusal)
        raise AssertionError(f"it was not refused: {said}")

    def gives(self, act: IncidentAct, to: str, *, by: str = "U0ANA", **more: Any) -> str:
        """Somebody gives somebody else (``to``) a role or a task."""
        event = IncidentActed(
            act=act, incident=self.incident().id, who=to, slack_id=by, called=LOGINS[by].capitalize(), at=self.now,
            **more,
        )  # fmt: skip
        said = acts.act(self.session, self.desk, event, self.now)
        self._settled()
        return said

    def keeps(
        self, channel: str, ts: str, text: str | None = None, *, incident: int | None = None, who: str = "U0BEN",
        author: str | None = None,
    ) -> str:  # fmt: skip
        """Somebody has a message kept: by a reaction, or (with its ``text``) by the shortcut."""
        event = MessageKept(
            incident=incident, channel=channel, ts=ts, text=text, author=author, slack_id=who, at=self.now
        )
        said = acts.message_kept(self.session, self.desk, event, self.now)
        self.session.flush()
        return said

    def joins(self, channel: str, who: str) -> None:
        """Somebody comes into a channel."""
        acts.joined(self.session, self.desk, RoomJoined(channel=channel, slack_id=who, at=self.now), self.now)
        self.session.flush()

    def writes(self, channel: str, ts: str, text: str, author: str | None = "U0CHI") -> None:
        """Somebody wrote a message."""
        link = f"https://bakery.slack.example/archives/{channel}/p{ts.replace('.', '')}"
        at = datetime.fromtimestamp(float(ts), self.now.tzinfo)
        self.slack.messages[(channel, ts)] = Heard(author, text, link, at)

    # --- what is seen ------------------------------------------------------------------------------------------

    def notes(self, said: str, incident: Incident | None = None) -> Sequence[Note]:
        """What was said of one kind, in order."""
        number = (incident or self.incident()).id
        rows = self.session.exec(select(Note).where(Note.kind == "incident_said").order_by(col(Note.id))).all()
        return [note for note in rows if note.data["incident"] == number and note.data["said"] == said]

    def guests(self, incident: Incident | None = None) -> list[str]:
        """Who is to be in the room, in order."""
        number = (incident or self.incident()).id
        rows = self.session.exec(select(RoomPerson).where(RoomPerson.incident == number).order_by(col(RoomPerson.id)))
        return [row.slack_id for row in rows.all()]


def rooming(session: Session, **more: Any) -> Rooming:
    """A world in which all is well so far."""
    here = Rooming(session, **more)
    here.lived()
    return here


__all__ = ["Killed", "Rooming", "Slack", "Tracker", "minute", "outbox", "rooming"]
