"""What acceptance tests read: what stands in the stand-in Slack, and whether a bot has nothing left to do."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from sqlmodel import Session, select

from bot.database import Database
from bot.delivery import queue
from bot.inbox import Delivery, DeliveryState
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message

FOR_EVER = datetime.max.replace(tzinfo=UTC)

LOOK_AGAIN = 0.02
"""Seconds before the second look at a database whose bot may be in another process and cannot ring."""

LOOK_AT_LAST = 0.1
"""Seconds between two looks in the end: each takes from what is waited for."""


def key_of(message: Message) -> str | None:
    """The key that a message of the bot's carries in its metadata."""
    return _payload(message).get("key")


def kind_of(message: Message) -> str | None:
    """What a message of the bot's is about: ``deploy``, ``change``, ``digest`` …"""
    return _payload(message).get("kind")


def words_of(message: Message) -> str:
    """Everything that a message says: its blocks, then its notification text."""
    return "\n".join([*texts(message.blocks), message.text])


def cards(messages: list[Message], kind: str) -> list[Message]:
    """The living messages of one kind (notes about the same are not among them), oldest first."""
    return [one for one in messages if kind_of(one) == kind and (key_of(one) or "").startswith("card:")]


def one(messages: list[Message], *words: str) -> Message:
    """The only message that says all of these; AssertionError tells what there is instead."""
    found = [message for message in messages if all(word in words_of(message) for word in words)]
    everything = "\n---\n".join(words_of(message) for message in messages)
    assert len(found) == 1, f"{len(found)} messages say {words}; there are:\n{everything}"
    return found[0]


def all_messages(sandbox: Sandbox) -> Iterator[Message]:
    """Every message of the bot's that stands anywhere, threads included, what it whispers excluded."""
    for channel in sandbox.world.channels.values():
        for message in sandbox.world.everything(channel):
            if message.bot and message.ephemeral_for is None:
                yield message


def said_twice(sandbox: Sandbox) -> list[str]:
    """The keys under which more than one message stands anywhere."""
    return said_twice_among(all_messages(sandbox))


def said_twice_among(messages: Iterable[Message]) -> list[str]:
    """The keys under which more than one of these stands."""
    counted = Counter(key for message in messages if (key := key_of(message)) is not None)
    return sorted(key for key, times in counted.items() if times > 1)


def calls(sandbox: Sandbox, method: str) -> int:
    """How often the bot called a method of the Web API."""
    return sum(1 for call in sandbox.slack.calls if call.incoming and call.method == method)


def busy(session: Session) -> bool:
    """Whether something is stored and not applied, or waits to be sent or done."""
    return any(_left(session, FOR_EVER))


def _left(
    session: Session, by: datetime
) -> tuple[Sequence[str], Sequence[queue.Waiting], Sequence[queue.WaitingEffect]]:
    """The deliveries, or once all are applied the messages and effects, that wait, those put off until ``by`` included.

    Nobody rests while a delivery waits, and this is asked often.
    """
    pending = session.exec(_PENDING).all()
    return (pending, [], []) if pending else (pending, *queue.waiting(session, by))


_PENDING = select(Delivery.delivery_id).where(Delivery.state == DeliveryState.PENDING)


def _names(left: tuple[Sequence[str], Sequence[queue.Waiting], Sequence[queue.WaitingEffect]]) -> object:
    """What waits, without how often it was tried: trying is no progress."""
    pending, rows, effects = left
    return set(pending), {(row.name, row.version) for row in rows}, {effect.name for effect in effects}


async def at_rest(database: Database, *, within: float = 30.0, by: datetime = FOR_EVER) -> None:
    """Wait until the bot of this database has applied and sent everything; AssertionError once nothing moves any more.

    That is when what waits has been the same for ``within`` seconds: a slow machine may take as long as it needs. What
    is to be done only after ``by`` may wait.
    """
    clock, before, since = asyncio.get_running_loop().time, None, 0.0
    pause = LOOK_AGAIN
    while any(left := await database.read(lambda session: _left(session, by))):
        names = _names(left)
        if names != before:
            before, since = names, clock()
        assert clock() - since < within, f"still busy: {left}"
        await asyncio.sleep(pause)
        pause = min(1.5 * pause, LOOK_AT_LAST)


def _payload(message: Message) -> dict[str, str]:
    found: dict[str, str] = (message.metadata or {}).get("event_payload", {})
    return found


def texts(piece: object) -> Iterator[str]:
    """Every text object's words within blocks, in order."""
    if isinstance(piece, dict):
        text = piece.get("text")
        if isinstance(text, str):
            yield text
        for value in piece.values():
            if isinstance(value, dict | list):
                yield from texts(value)
    elif isinstance(piece, list):
        for value in piece:
            yield from texts(value)


def plain(blocks: object) -> str:
    """Blocks as text, without what our own numbers make different between two databases (ids of blocks and buttons)."""
    return json.dumps(_without_ids(blocks), sort_keys=True, ensure_ascii=False)


def _without_ids(piece: object) -> object:
    if isinstance(piece, dict):
        return {name: _without_ids(value) for name, value in piece.items() if name not in ("block_id", "value")}
    if isinstance(piece, list):
        return [_without_ids(value) for value in piece]
    return piece
