"""Whose turn it is among what waits: a storm about one service keeps nobody else waiting.

While no more waits than one round takes, everything goes in the order in which it came, people's clicks, alerts and
pager answers first. Beyond that, what waits of those is read ahead, and taken by turns: of each stream (all that is
about one service, and all that people do) the first, then of each the second. Within a stream the order of arrival
holds. A stream that had no turn for longest comes first, so that none starves however many there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy import bindparam, case, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from bot.events import Event
from bot.inbox.models import RECEIVED_AT, Delivery, DeliveryState, Lane

log = structlog.get_logger(__name__)

BATCH = 50
"""Deliveries looked at per round; they share commits as the writer sees fit."""

IN_TURN = 20
"""The same while turns are taken: few, since whoever comes meanwhile waits for all of them."""

MOST_AHEAD = 10_000
"""Deliveries among which turns are taken: what waits beyond them has its turn once they are fewer."""

READ_AT_ONCE = 1_000
"""Deliveries that are read ahead in one round: a tenth of a second's work, off the writer's thread."""

READ_BYTES = 1024 * 1024
"""Bytes of bodies after which a round reads no more ahead: groups of fifty alerts take as long as fifty alone."""

SMALL = 64 * 1024
"""Bytes of a body that is read ahead; larger ones are few, and are read when their turn comes."""

KEPT = 4 * 1024
"""Bytes of a body of which it is kept what it means; of a larger one only whose turn it takes, else ten thousand
groups of alerts would take a gigabyte."""

_PART = 50
"""Deliveries read by one statement."""

AS_IF = 2
"""Rounds since its latest turn that a stream which is new counts as: whoever had one in the last round waits for it,
and it waits for whoever had none for longer, else those that keep coming would go before them for ever."""

Translate = Callable[[Mapping[str, str], bytes], Sequence[Event]]
StreamOf = Callable[[Sequence[Event]], str]
"""What a delivery's events are about: those of one stream take turns with all others as one."""

_FIRST = (
    select(Delivery.id, Delivery.source, Delivery.delivery_id)
    .where(Delivery.state == DeliveryState.PENDING.value)
    .order_by((col(Delivery.lane) == Lane.FEED.value), col(Delivery.id))
    .limit(BATCH)
)
_URGENT = (
    select(Delivery.id)
    .where(Delivery.state == DeliveryState.PENDING.value, Delivery.lane == Lane.URGENT.value)
    .order_by(col(Delivery.id))
    .limit(MOST_AHEAD)
)
_READ = select_columns(  # SQLModel's own takes four
    col(Delivery.id),
    col(Delivery.source),
    col(Delivery.delivery_id),
    col(Delivery.headers),
    col(Delivery.received_at),
    case((func.length(col(Delivery.body)) <= SMALL, col(Delivery.body))).label("body"),
).where(col(Delivery.id).in_(bindparam("of_rows", expanding=True)))


@dataclass(frozen=True)
class Waiting:
    """One delivery that waits; ``events`` is what it means, None where that was not read ahead."""

    row: int
    source: str
    delivery_id: str
    stream: str = ""
    events: Sequence[Event] | None = None


@dataclass(frozen=True)
class Ahead:
    """What was read ahead, by its row, and in which round each stream of it had its latest turn."""

    read: Mapping[int, Waiting] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)
    round: int = 0


def choose(
    session: Session, translators: Mapping[str, Translate], stream_of: StreamOf, known: Ahead
) -> tuple[Sequence[Waiting], Ahead]:
    """What is applied in this round, in order, and what is known ahead after it. Nothing is written."""
    first = [Waiting(*found) for found in session.connection().execute(_FIRST)]
    rows = session.connection().execute(_URGENT).scalars().all() if len(first) == BATCH else ()
    if len(rows) <= BATCH:
        return first, Ahead()
    unread = [row for row in rows if row not in known.read][:READ_AT_ONCE]
    read = {row: known.read[row] for row in rows if row in known.read}
    read |= {one.row: one for one in _read(session, translators, stream_of, unread)}
    waiting = [read[row] for row in rows if row in read]
    turns = {one.stream: known.turns.get(one.stream, known.round - AS_IF) for one in waiting}
    batch = in_turn(waiting, turns)[:IN_TURN]
    return batch, Ahead(read, {**turns, **{one.stream: known.round for one in batch}}, known.round + 1)


def in_turn(waiting: Iterable[Waiting], turns: Mapping[str, int]) -> list[Waiting]:
    """All that waits, given in the order of its arrival, by turns of its streams; ``turns`` are their latest ones."""
    before: Counter[str] = Counter()
    ordered = []
    for one in waiting:
        ordered.append((before[one.stream], turns.get(one.stream, -1), one.row, one))
        before[one.stream] += 1
    return [one for *_, one in sorted(ordered, key=lambda place: place[:3])]


def _read(
    session: Session, translators: Mapping[str, Translate], stream_of: StreamOf, rows: Sequence[int]
) -> list[Waiting]:
    found: list[Waiting] = []
    size = 0
    for start in range(0, len(rows), _PART):
        for row in session.connection().execute(_READ, {"of_rows": rows[start : start + _PART]}):
            waiting = Waiting(row.id, row.source, row.delivery_id, stream=row.source)
            found.append(_understood(waiting, row, translators, stream_of))
            size += len(row.body or b"")
        if size > READ_BYTES:
            break
    return found


def _understood(waiting: Waiting, row: Any, translators: Mapping[str, Translate], stream_of: StreamOf) -> Waiting:
    """The same with what it means and is about; all of a sender's that is too large or makes no sense is one stream."""
    if row.body is None:
        return waiting
    try:
        with structlog.contextvars.bound_contextvars(delivery=row.delivery_id, source=row.source):
            events = translators[row.source]({**row.headers, RECEIVED_AT: row.received_at.isoformat()}, row.body)
        return replace(waiting, events=events if len(row.body) <= KEPT else None, stream=stream_of(events))
    except Exception as fault:  # noqa: BLE001 - it is met again, told and parked when its turn comes
        log.debug("a delivery could not be read ahead", delivery=row.delivery_id, error=str(fault))
        return waiting
