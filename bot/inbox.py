"""The engine of what comes in: store, answer, then apply in order; park what cannot be applied, let the rest flow on.

``Inbox.accept`` returns once the delivery is on disk: many that arrive together share one insert and one commit.
``Inbox.run`` (on the leader) applies stored deliveries, each in a transaction of its own that also marks it applied, so
that a kill at any instant neither loses one nor applies one twice. Two lanes: people's clicks, alerts and pager answers
do not wait behind check suites; within a lane the order of arrival holds. A delivery of many events (a monitoring's
group of thousands of alerts) is applied in parts, each with the mark how far it came in its own transaction: what
follows from the first ones leaves at once, and whatever came meanwhile takes turns with the rest.

Meaning is given from outside: ``translate`` per source (pure) and ``apply`` (the reactions), plugged in by the wiring.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import JSON, Column, Index, LargeBinary, UniqueConstraint, bindparam, func, text, update
from sqlalchemy import select as select_columns
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel, col, select

from bot.database import Database, DatabaseUnavailable, wake_on_commit
from bot.errors import UserError
from bot.events import Event

log = structlog.get_logger(__name__)

BELL = "inbox"
"""The bell rung when there is something to apply."""

RECEIVED_AT = "X-Shipmate-Received"
"""The header in which a translation finds when its delivery came: some senders do not say when anything was."""

BATCH = 50
"""Deliveries looked at per round; they share commits as the writer sees fit."""

EVENTS_AT_ONCE = 50
"""Events of one delivery that are applied in one transaction: of alerts, a tenth of a second's work."""

AT_ONCE = 500
"""Deliveries named in one statement: databases take a limited number of parameters."""

POLL_SECONDS = 2.0
"""How often the tables are looked at although no bell rang."""

TURNS_TO_ANSWER = 5
"""Turns of the event loop between the bell and applying: senders get their answers before the threads get to work."""

ATTEMPT_WAIT = 2.0
"""Seconds to wait when the database does not answer."""


FAILED_SAID = "That did not work: an internal error, kept for the operators to replay."
"""What a person is told whose act could not be applied; the error itself is for the operators."""


class Lane(StrEnum):
    """Who is applied first."""

    URGENT = "urgent"
    """People's clicks, alerts, pager answers."""
    FEED = "feed"


class DeliveryState(StrEnum):
    """How far a delivery got."""

    PENDING = "pending"
    APPLIED = "applied"
    REFUSED = "refused"
    """Applied, and the answer was no: somebody was told why."""
    FAILED = "failed"
    """It could not be applied; kept with its error, to be replayed."""


class Accepted(StrEnum):
    """What storing a delivery came to."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """It is here already."""
    REQUEUED = "requeued"
    """It had failed and is tried again."""


class Delivery(SQLModel, table=True):
    """One message from the world, byte for byte. ``headers`` holds only those worth keeping, never a secret."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("source", "delivery_id"),
        Index(
            "ix_deliveries_pending",
            "lane",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(max_length=32)
    delivery_id: str = Field(max_length=255)
    lane: str = Field(default=Lane.FEED, max_length=16)
    received_at: datetime = Field(index=True)
    headers: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str = Field(default=DeliveryState.PENDING, max_length=16)
    reached: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """How many of its events are applied while it waits for the rest."""
    applied_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True)
class Incoming:
    """A verified, well-formed delivery that is to be stored."""

    source: str
    delivery_id: str
    headers: Mapping[str, str]
    body: bytes
    lane: Lane


@dataclass(frozen=True)
class Applied:
    """What applying a delivery came to: ``said`` is what the person who acted is told, ``refused`` that it was a no."""

    said: str | None = None
    refused: bool = False


# Held statements, and not through the ORM: each delivery needs them, and nobody needs the row as an object.
_STORED = (col(Delivery.source), col(Delivery.delivery_id), col(Delivery.id))
_STORE = {
    "sqlite": sqlite.insert(Delivery).on_conflict_do_nothing().returning(*_STORED),
    "postgresql": postgresql.insert(Delivery).on_conflict_do_nothing().returning(*_STORED),
}
_NEXT = (
    select(Delivery.id, Delivery.source, Delivery.delivery_id)
    .where(Delivery.state == DeliveryState.PENDING.value)
    .order_by((col(Delivery.lane) == Lane.FEED.value), col(Delivery.id))
    .limit(BATCH)
)
# For update: a leader that was relieved may still be applying what its successor reads as pending.
_PENDING = (
    select_columns(  # SQLModel's own takes four
        col(Delivery.delivery_id),
        col(Delivery.source),
        col(Delivery.reached),
        col(Delivery.headers),
        col(Delivery.body),
        col(Delivery.received_at),
    )
    .where(col(Delivery.id) == bindparam("of_row"), col(Delivery.state) == DeliveryState.PENDING.value)
    .with_for_update()
)
# Without the body, which is megabytes where there are many events, and was read for the first of them.
_BEGUN = _PENDING.with_only_columns(col(Delivery.delivery_id), col(Delivery.source), col(Delivery.reached))
_GO_ON = update(Delivery).where(col(Delivery.id) == bindparam("of_row")).values(reached=bindparam("so_far"))
_CLOSE = (
    update(Delivery)
    .where(col(Delivery.id) == bindparam("of_row"), col(Delivery.state) == DeliveryState.PENDING.value)
    .values(state=bindparam("to_state"), applied_at=bindparam("at"), error=bindparam("said"))
)


Translate = Callable[[Mapping[str, str], bytes], Sequence[Event]]
Apply = Callable[[Session, Sequence[Event], datetime], str | None]

RECEIVED = Counter(
    "shipmate_deliveries_received_total", "Deliveries stored, by source and outcome.", ["source", "outcome"]
)
APPLIED = Counter(
    "shipmate_deliveries_applied_total", "Deliveries applied, by source and outcome.", ["source", "outcome"]
)
LAG = Gauge("shipmate_inbox_lag_seconds", "Age of the oldest delivery that is not applied yet.")


class Inbox:
    """Stores what the doors hand over and applies it in order."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime],
        translators: Mapping[str, Translate],
        apply: Apply,
    ) -> None:
        self._database = database
        self._clock = clock
        self._translators = translators
        self._apply = apply
        self._arriving: list[tuple[Incoming, asyncio.Future[tuple[Accepted, int]]]] = []
        self._flushing = False
        self._answers: dict[int, asyncio.Future[Applied]] = {}
        self._begun: dict[int, Sequence[Event]] = {}
        """What the deliveries mean of which a part is applied; only the writer's thread looks at it."""
        self._bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, incoming: Incoming) -> Accepted:
        """Store a delivery durably; raises DatabaseUnavailable when that cannot be done now."""
        accepted, _ = await self._store(incoming)
        return accepted

    async def store_act(self, incoming: Incoming) -> int:
        """Store a person's act durably; returns what ``outcome`` knows it by (the first one's, for a double click).

        Raises DatabaseUnavailable when that cannot be done now.
        """
        _, row = await self._store(incoming)
        return row

    async def outcome(self, row: int, *, patience: float = 10.0) -> Applied:
        """What applying a stored act came to.

        ``patience`` is in seconds; an act that is not applied by then is not lost, and its effect will be seen.
        """
        deadline = asyncio.get_running_loop().time() + patience
        answer = self._answers.get(row)
        if answer is None:
            answer = self._answers[row] = asyncio.get_running_loop().create_future()
        try:
            while True:
                done = await self._database.read(lambda session: _outcome_of(session, row))
                if done is not None:
                    return done
                remaining = deadline - asyncio.get_running_loop().time()
                if remaining <= 0:
                    return Applied(said="Taken. It is being worked on; you will see it happen.")
                await asyncio.wait({answer}, timeout=min(remaining, POLL_SECONDS))
                if answer.done():
                    return answer.result()
        finally:
            self._answers.pop(row, None)

    def listen(self) -> None:
        """Hear the inbox's bell, rung from any thread."""
        self._loop = asyncio.get_running_loop()
        self._database.on_bell(BELL, self._ring)

    async def run(self) -> None:
        """Apply what is stored until cancelled; the database's writer finishes what it was handed."""
        while True:
            self._bell.clear()
            try:
                found = await self.apply_pending()
            except DatabaseUnavailable as fault:
                log.warning("the inbox waits for the database", error=str(fault))
                await asyncio.sleep(ATTEMPT_WAIT)
                continue
            if found < BATCH:
                try:
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._bell.wait()
                except TimeoutError:
                    continue
                for _ in range(TURNS_TO_ANSWER):
                    await asyncio.sleep(0)

    async def apply_pending(self) -> int:
        """Apply one batch of what is stored; returns how many deliveries it looked at."""
        batch = await self._database.read(_next_pending)
        # Handed over all at once: the writer runs them one after the other in this order, many to a commit.
        outcomes = await asyncio.gather(*(self._apply_one(*found) for found in batch), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(batch)

    async def measure(self) -> None:
        """Bring the gauge of lag up to date, whoever applies."""
        oldest = await self._database.read(_oldest_pending)
        LAG.set((self._clock() - oldest).total_seconds() if oldest else 0.0)

    async def _apply_one(self, row: int, source: str, delivery_id: str) -> None:
        state = DeliveryState.APPLIED
        try:
            outcome = await self._database.write(self._unit(row))
        except DatabaseUnavailable:
            raise
        except UserError as refusal:
            state, said = DeliveryState.REFUSED, str(refusal)
            outcome = Applied(said=said, refused=True)
            await self._database.write(lambda session: self._close(session, row, DeliveryState.REFUSED, said))
        except Exception as fault:
            log.error("a delivery could not be applied", delivery=delivery_id, source=source, exc_info=fault)
            state, error = DeliveryState.FAILED, f"{type(fault).__name__}: {fault}"[:2000]
            await self._database.write(lambda session: self._close(session, row, DeliveryState.FAILED, error))
            outcome = Applied(said=FAILED_SAID, refused=True)
        if outcome is None:
            return  # it goes on in the next round; or somebody else applied it, and whoever waits reads what came of it
        APPLIED.labels(source, state.value).inc()
        waiting = self._answers.get(row)
        if waiting is not None and not waiting.done():
            waiting.set_result(outcome)

    def _unit(self, row: int) -> Callable[[Session], Applied | None]:
        def apply(session: Session) -> Applied | None:
            events = self._begun.get(row)
            found = session.connection().execute(_PENDING if events is None else _BEGUN, {"of_row": row})
            delivery = found.first()
            if delivery is None:
                self._begun.pop(row, None)
                return None
            with structlog.contextvars.bound_contextvars(delivery=delivery.delivery_id, source=delivery.source):
                if events is None:
                    headers = {**delivery.headers, RECEIVED_AT: delivery.received_at.isoformat()}
                    events = self._translators[delivery.source](headers, delivery.body)
                so_far = delivery.reached + EVENTS_AT_ONCE
                said = self._apply(session, events[delivery.reached : so_far], self._clock())
            if so_far < len(events):
                self._begun[row] = events
                session.connection().execute(_GO_ON, {"of_row": row, "so_far": so_far})
                wake_on_commit(session, BELL)
                return None
            self._close(session, row, DeliveryState.APPLIED, said)
            return Applied(said=said)

        return apply

    def _close(self, session: Session, row: int, state: DeliveryState, error: str | None) -> None:
        closed = {"of_row": row, "to_state": state.value, "at": self._clock(), "said": error}
        session.connection().execute(_CLOSE, closed)
        self._begun.pop(row, None)

    async def _store(self, incoming: Incoming) -> tuple[Accepted, int]:
        future: asyncio.Future[tuple[Accepted, int]] = asyncio.get_running_loop().create_future()
        self._arriving.append((incoming, future))
        if not self._flushing:
            self._flushing = True
            task = asyncio.create_task(self._flush())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _flush(self) -> None:
        """Store everything that has arrived, and go on while more arrives: whoever comes meanwhile shares the next."""
        while self._arriving:
            group, self._arriving = self._arriving, []
            outcomes = await self._store_group([incoming for incoming, _ in group])
            for (incoming, future), outcome in zip(group, outcomes, strict=True):
                if not isinstance(outcome, Exception):
                    RECEIVED.labels(incoming.source, outcome[0].value).inc()
                if future.done():
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)  # each door tells its own sender
                else:
                    future.set_result(outcome)
        self._flushing = False

    async def _store_group(self, group: Sequence[Incoming]) -> Sequence[tuple[Accepted, int] | Exception]:
        """What storing each of these came to; one that cannot be stored turns nobody else's away."""
        received_at = self._clock()
        try:
            return await self._database.write(lambda session: store(session, group, received_at), urgent=True)
        except Exception as fault:  # noqa: BLE001 - it is handed to the door that waits
            if len(group) == 1 or isinstance(fault, DatabaseUnavailable):
                return [fault] * len(group)
            return [(await self._store_group([one]))[0] for one in group]

    def _ring(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._bell.set)


def store(session: Session, arriving: Sequence[Incoming], received_at: datetime) -> list[tuple[Accepted, int]]:
    """Insert these deliveries with one statement; one that is here is told apart, one that had failed is re-queued."""
    results: dict[tuple[str, str], tuple[Accepted, int]] = {}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for one in arriving:
        rows.setdefault(
            (one.source, one.delivery_id),
            {
                "source": one.source,
                "delivery_id": one.delivery_id,
                "lane": one.lane.value,
                "received_at": received_at,
                "headers": dict(one.headers),
                "body": one.body,
                "state": DeliveryState.PENDING.value,
            },
        )
    connection = session.connection()
    inserted = connection.execute(_STORE[connection.dialect.name], list(rows.values()))
    for source, delivery_id, number in inserted:
        assert number is not None
        results[(source, delivery_id)] = (Accepted.NEW, number)
    for key in rows.keys() - results.keys():
        results[key] = _again(session, *key)
    wake_on_commit(session, BELL)
    answers: list[tuple[Accepted, int]] = []
    seen: set[tuple[str, str]] = set()
    for one in arriving:
        key = (one.source, one.delivery_id)
        accepted, number = results[key]
        answers.append((Accepted.DUPLICATE if key in seen else accepted, number))
        seen.add(key)
    return answers


def requeue(session: Session, ids: Sequence[int] | None = None) -> int:
    """Apply these deliveries again (all failed ones when None), past the de-duplication; returns how many."""
    wake_on_commit(session, BELL)
    again = update(Delivery).values(state=DeliveryState.PENDING.value, reached=0, error=None, applied_at=None)
    if ids is None:
        return int(
            session.connection().execute(again.where(col(Delivery.state) == DeliveryState.FAILED.value)).rowcount
        )
    wanted = sorted(set(ids))
    parts = [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]
    return sum(session.connection().execute(again.where(col(Delivery.id).in_(part))).rowcount for part in parts)


def act_id(*parts: str) -> str:
    """A delivery id for a person's act: the same click, sent twice, is one act."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def forget_applied(session: Session, before: datetime, limit: int = 1000) -> int:
    """Delete applied and refused deliveries received before this instant, a few at a time; failed ones are kept."""
    done = (DeliveryState.APPLIED.value, DeliveryState.REFUSED.value)
    old = session.exec(
        select(Delivery.id).where(Delivery.received_at < before, col(Delivery.state).in_(done)).limit(limit)
    ).all()
    if old:
        session.connection().execute(Delivery.__table__.delete().where(col(Delivery.id).in_(old)))  # type: ignore[attr-defined]
    return len(old)


RETENTION = timedelta(days=30)
"""How long applied deliveries are kept: ten times GitHub's own window for asking one again."""


def _again(session: Session, source: str, delivery_id: str) -> tuple[Accepted, int]:
    delivery = session.exec(
        select(Delivery).where(Delivery.source == source, Delivery.delivery_id == delivery_id)
    ).one()
    assert delivery.id is not None
    if delivery.state != DeliveryState.FAILED:
        return Accepted.DUPLICATE, delivery.id
    delivery.state, delivery.reached, delivery.error, delivery.applied_at = DeliveryState.PENDING, 0, None, None
    return Accepted.REQUEUED, delivery.id


def _next_pending(session: Session) -> Sequence[tuple[int, str, str]]:
    found = session.connection().execute(_NEXT)
    return [(row, source, delivery_id) for row, source, delivery_id in found]


def _oldest_pending(session: Session) -> datetime | None:
    return session.exec(
        select(func.min(Delivery.received_at)).where(Delivery.state == DeliveryState.PENDING.value)
    ).one()


def _outcome_of(session: Session, row: int) -> Applied | None:
    delivery = session.get(Delivery, row)
    if delivery is None or delivery.state == DeliveryState.PENDING:
        return None
    if delivery.state == DeliveryState.FAILED:  # its error is for the operators
        return Applied(said=FAILED_SAID, refused=True)
    return Applied(said=delivery.error, refused=delivery.state == DeliveryState.REFUSED)
