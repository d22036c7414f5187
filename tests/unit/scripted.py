"""A chat that answers as it is told, and an outbox in front of it: what tests of the delivery engine stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from bot import outbox
from bot.database import Database
from bot.delivery import CardKind, Delivery, EffectKind, Limits, NoteKind, Outgoing, Showing
from bot.outbox import Card, Effect, Note
from bot.ports import Identity, Member, Message, Posted
from tests.unit.stores import Clock, opened

Settle = Callable[[Session, datetime], None]


@dataclass
class Rule:
    """How the next calls of a method (into one place, or any) end: with ``fault``, after taking effect or not."""

    method: str
    fault: Exception
    place: str | None
    left: int
    taken: bool


@dataclass
class Standing:
    """One message as it stands in the chat."""

    place: str
    ts: str
    thread: str | None
    message: Message

    @property
    def text(self) -> str:
        """What it says."""
        return self.message.text


class ScriptedChat:
    """The Chat port over nothing but memory; every message gets a channel ``C:place`` and a rising timestamp."""

    def __init__(self) -> None:
        self.standing: list[Standing] = []
        self.calls: list[tuple[str, str, str]] = []
        """Every call that was made, in order: the method, the place (or channel), the words or keys."""
        self._rules: list[Rule] = []
        self._held: dict[str, asyncio.Event] = {}
        self._number = 0
        self._happened = asyncio.Event()

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until this holds; looked at after each call and each message."""
        async with asyncio.timeout(20):
            while not holds():
                self._happened.clear()
                await self._happened.wait()

    def fail(
        self, method: str, fault: Exception, *, place: str | None = None, times: int = 1, taken: bool = False
    ) -> None:
        """Have the next calls end with ``fault``; ``taken`` has them take effect all the same."""
        self._rules.append(Rule(method, fault, place, times, taken))

    def hold(self, place: str) -> asyncio.Event:
        """Keep posts into a place waiting until the event is set."""
        self._held[place] = asyncio.Event()
        return self._held[place]

    def says(self, place: str) -> list[str]:
        """What stands in a place, oldest first; replies are indented."""
        here = [one for one in self.standing if one.place == place]
        return [f"  {one.text}" if one.thread else one.text for one in here]

    def remove(self, place: str) -> None:
        """Somebody deletes everything in a place."""
        self.standing = [one for one in self.standing if one.place != place]

    async def post(self, place: str, message: Message, *, thread: str | None = None) -> Posted:
        """Take a message, unless told otherwise."""
        name = place.removeprefix("C:")
        self._called("post", name, message.text)
        if name in self._held:
            await self._held[name].wait()
        rule = self._rule("post", name)
        if rule is not None and not rule.taken:
            raise rule.fault
        self._number += 1
        one = Standing(name, f"{self._number:04}.0", thread, message)
        self.standing.append(one)
        self._happened.set()
        if rule is not None:
            raise rule.fault
        return Posted(f"C:{name}", one.ts)

    async def update(self, at: Posted, message: Message) -> None:
        """Replace what a message says, unless told otherwise."""
        name = at.channel.removeprefix("C:")
        self._called("update", name, message.text)
        rule = self._rule("update", name)
        if rule is not None and not rule.taken:
            raise rule.fault
        next(one for one in self.standing if (one.place, one.ts) == (name, at.ts)).message = message
        if rule is not None:
            raise rule.fault

    async def find(
        self, place: str, keys: set[str], *, since: datetime, threads: Sequence[str] = ()
    ) -> dict[str, Posted]:
        """What of these keys stands in the place or in these threads."""
        self._called("find", place, ",".join(sorted(keys)))
        rule = self._rule("find", place)
        if rule is not None:
            raise rule.fault
        seen = [one for one in self.standing if one.place == place and (one.thread is None or one.thread in threads)]
        return {one.message.key: Posted(f"C:{place}", one.ts) for one in seen if one.message.key in keys}

    async def member_by_email(self, email: str) -> Member | None:
        """Nobody."""
        return None

    async def member(self, slack_id: str) -> Member | None:
        """Nobody."""
        return None

    async def group_members(self, handle: str) -> frozenset[str] | None:
        """No such group."""
        return None

    async def present(self, slack_id: str) -> bool | None:
        """It is not known."""
        return None

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Nobody opens any."""
        raise AssertionError("nobody opens a view")

    async def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Nobody opened any."""
        raise AssertionError("nobody opened a view")

    async def publish_home(self, slack_id: str, view: Mapping[str, Any]) -> None:
        """Nobody looks at it."""
        raise AssertionError("nobody has a home")

    async def identity(self) -> Identity:
        """Nobody asks."""
        raise AssertionError("nobody asks who we are")

    async def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        """Nobody responds."""
        raise AssertionError("nobody responds")

    def _called(self, method: str, place: str, words: str) -> None:
        self.calls.append((method, place, words))
        self._happened.set()

    def _rule(self, method: str, place: str) -> Rule | None:
        for rule in self._rules:
            if rule.method == method and rule.left > 0 and rule.place in (None, place):
                rule.left -= 1
                return rule
        return None


class PlainRenderer:
    """Shows a view as the words it is; a view that begins with ``broken`` cannot be shown."""

    def message(self, template: str, view: object, *, key: str, metadata: Mapping[str, str]) -> Message:
        """The words, once as text and once as a block."""
        words = str(view)
        if words.startswith("broken"):
            raise ValueError("this template is broken")
        blocks = ({"type": "section", "text": {"type": "mrkdwn", "text": words}},)
        return Message(words, blocks, key, dict(metadata))


class Ticks:
    """Seconds, turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Post:
    """An outbox, its engine and its chat. ``words`` says what each card's subject shows now; None shows nothing."""

    database: Database
    chat: ScriptedChat
    engine: Delivery
    clock: Clock
    ticks: Ticks
    words: dict[str, str | None]
    failed: set[str]
    """Subjects whose cards must not be folded."""
    people: dict[str, Callable[[], Awaitable[Settle]]]
    effects: list[str]
    """What was done of effects, in order: ``run 1``, ``done 1``, ``postponed 1``, ``given up 1``."""
    acts: dict[int, list[Exception]] = field(default_factory=dict)
    waits: dict[int, asyncio.Event] = field(default_factory=dict)
    """What an effect waits for once it is begun."""
    frees: dict[int, asyncio.Event] = field(default_factory=dict)
    """Who need not wait any more once it is begun."""
    """How the next runs of an effect (by its number) end."""

    async def card(self, subject: str, place: str, words: str | None = None, **how: Any) -> int:
        """There is something newer to show of this subject."""
        self.words[subject] = words if words is not None else subject

        def touch(session: Session) -> int:
            card = outbox.touch_card(session, "card", subject, place, self.clock(), **how)
            session.flush()
            return card.id or 0

        return await self.database.write(touch)

    async def note(self, words: str, place: str, *, thread: int | None = None, kind: str = "note", **how: Any) -> None:
        """Something is to be said once; what ``must`` be heard is said in the fallback channel if need be."""

        def add(session: Session) -> None:
            card = session.get(Card, thread) if thread else None
            outbox.add_note(session, kind, f"{words}:{place}", place, self.clock(), thread=card, words=words, **how)

        await self.database.write(add)

    async def effect(self, number: int, **how: Any) -> None:
        """Something is to be done."""
        await self.database.write(
            lambda session: outbox.add_effect(session, "act", f"act:{number}", self.clock(), number=number, **how)
        )

    async def send(self, rounds: int = 6) -> None:
        """Let the engine look a few times, each time until everything it started has ended; time stands still."""
        for _ in range(rounds):
            await self.engine._round()
            await self.settled()

    async def settled(self) -> None:
        """Wait until nothing the engine started is under way."""
        while self.engine._tasks:
            await asyncio.gather(*self.engine._tasks.values(), return_exceptions=True)
            await asyncio.sleep(0)  # the engine's own callbacks have run after this

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.turn(seconds=seconds)
        self.ticks.now += seconds

    async def cards(self) -> list[Card]:
        """Every card, in order."""
        return list(await self.database.read(lambda session: session.exec(select(Card).order_by(col(Card.id))).all()))

    async def notes(self) -> list[Note]:
        """Every note, in order."""
        return list(await self.database.read(lambda session: session.exec(select(Note).order_by(col(Note.id))).all()))

    async def effect_rows(self) -> list[Effect]:
        """Every effect, in order."""
        found = await self.database.read(lambda session: session.exec(select(Effect).order_by(col(Effect.id))).all())
        return list(found)

    def engine_after_restart(self) -> Delivery:
        """Another process takes over: nothing is remembered but what is in the database."""
        self.engine = _engine(self, self.engine._limits)
        return self.engine


def _engine(post: Post, limits: Limits) -> Delivery:
    def load_card(session: Session, card: Card, now: datetime) -> Showing | None:
        words = post.words.get(card.subject)
        if words == "cannot be loaded":
            raise LookupError(words)
        return Showing("card", words) if words is not None else None

    def load_digest(session: Session, card: Card, now: datetime) -> Showing:
        folded = session.exec(select(Card).where(Card.digest == card.id).order_by(col(Card.id))).all()
        return Showing("digest", "digest of " + ", ".join(str(post.words[one.subject]) for one in folded))

    def load_note(session: Session, note: Note, now: datetime) -> Showing | None:
        return Showing("note", note.data["words"]) if note.data["words"] != "moot" else None

    def load_unreachable(session: Session, note: Note, now: datetime) -> Showing:
        return Showing("note", f"{note.data['unreachable']} cannot be reached: {note.data['code']}")

    async def run(data: Mapping[str, Any]) -> Settle:
        number = data["number"]
        post.effects.append(f"run {number}")
        if number in post.frees:
            post.frees[number].set()
        if number in post.waits:
            await post.waits[number].wait()
        if post.acts.get(number):
            raise post.acts[number].pop(0)
        return lambda session, now: post.effects.append(f"done {number}")

    async def find(who: str) -> Settle:
        return await post.people[who]()

    act = EffectKind(
        run=run,
        postponed=lambda session, data, now: post.effects.append(f"postponed {data['number']}"),
        given_up=lambda session, data, now: post.effects.append(f"given up {data['number']}"),
    )
    outgoing = Outgoing(
        cards={
            "card": CardKind(load=load_card, foldable=lambda session, card: card.subject not in post.failed),
            "digest": CardKind(load=load_digest, foldable=lambda session, card: False),
        },
        notes={
            "note": NoteKind(load=load_note),
            "must": NoteKind(load=load_note, elsewhere=True),
            "unreachable": NoteKind(load=load_unreachable),
        },
        effects={"act": act},
        find_person=find,
        fallback="#deploys",
    )
    return Delivery(
        post.database, post.chat, PlainRenderer(), outgoing, clock=post.clock, limits=limits, ticks=post.ticks
    )


NO_PACE = Limits(per_channel=None, updates_per_minute=None, progress_every=0.0)
"""No pace of our own, for tests of something else."""


@asynccontextmanager
async def post_office(url: str, limits: Limits = NO_PACE) -> AsyncIterator[Post]:
    """An outbox whose engine is driven by hand."""
    async with opened(url) as database:
        post = Post(database, ScriptedChat(), None, Clock(), Ticks(), {}, set(), {}, [])  # type: ignore[arg-type]
        post.engine = _engine(post, limits)
        yield post
