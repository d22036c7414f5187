"""An inbox whose deliveries are words that are read aloud, each in the transaction that applies it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, select

from bot.database import Database
from bot.errors import UserError
from bot.events import Event, GithubLinked
from bot.inbox import RECEIVED_AT, Applied, Delivery, Inbox, Incoming, Lane
from tests.unit.stores import NOON, Clock, opened


async def acted(here: Inbox, act: Incoming, *, patience: float = 10.0) -> Applied:
    """Store an act and wait for what it comes to, as a door does."""
    return await here.outcome(await here.store_act(act), patience=patience)


def letter(name: str, *, lane: Lane = Lane.FEED, body: str | None = None) -> Incoming:
    """A delivery whose body is its own name."""
    return Incoming("github", name, {"X-Kind": "letter"}, (body or name).encode(), lane)


@dataclass
class Reader:
    """What the deliveries mean in these tests: each is read aloud, once for every time it is applied."""

    read: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def translate(self, headers: Mapping[str, str], body: bytes) -> Sequence[Event]:
        """One event for each of the body's words."""
        assert headers.keys() == {"X-Kind", RECEIVED_AT}
        assert datetime.fromisoformat(headers[RECEIVED_AT]) >= NOON
        return [GithubLinked(slack_id="U1", login=word, at=NOON) for word in body.decode().split("|")]

    def stream_of(self, events: Sequence[Event]) -> str:
        """What stands before a colon in the first word; what has none is all of one stream."""
        (first, *_) = events
        assert isinstance(first, GithubLinked)
        return str(first.login).rpartition(":")[0]

    def apply(self, session: Session, events: Sequence[Event], now: datetime) -> str | None:
        """Read it aloud in the same transaction, or fail as told."""
        for event in events:
            assert isinstance(event, GithubLinked)
            assert event.login is not None
            session.connection().execute(text("INSERT INTO aloud (words) VALUES (:words)"), {"words": event.login})
            if event.login in self.refused:
                raise UserError(f"Nobody may send {event.login}.")
            if event.login in self.broken:
                raise ValueError(f"cannot read {event.login}")
            self.read.append(event.login)
        return f"{events[0].login} was read" if isinstance(events[0], GithubLinked) else None


@dataclass(frozen=True)
class Office:
    """An inbox on an opened database."""

    database: Database
    inbox: Inbox
    reader: Reader
    clock: Clock

    async def aloud(self) -> list[str]:
        """What was read and committed, in order."""

        def read(session: Session) -> list[str]:
            return [row[0] for row in session.connection().execute(text("SELECT words FROM aloud ORDER BY id"))]

        return await self.database.read(read)

    async def states(self) -> dict[str, str]:
        """The state of each delivery by its name."""
        return dict(await self.database.read(lambda session: session.exec(
            select(Delivery.delivery_id, Delivery.state)).all()
        ))  # fmt: skip

    async def apply_all(self) -> None:
        """Apply until nothing is left."""
        while await self.inbox.apply_pending():
            pass


@asynccontextmanager
async def office(url: str) -> AsyncIterator[Office]:
    """An inbox whose deliveries are read aloud."""
    async with opened(url) as database:
        sort = "INTEGER PRIMARY KEY" if database.is_sqlite else "SERIAL PRIMARY KEY"
        await database.write(
            lambda session: session.connection().execute(text(f"CREATE TABLE aloud (id {sort}, words TEXT)"))
        )
        reader, clock = Reader(), Clock()
        box = Inbox(
            database,
            clock=clock,
            translators={"github": reader.translate},
            apply=reader.apply,
            stream_of=reader.stream_of,
        )
        yield Office(database, box, reader, clock)
