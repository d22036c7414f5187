"""The engine of what comes in: store, answer, then apply in order; park what cannot be applied, let the rest flow on.

``Inbox.accept`` returns once the delivery is on disk: many that arrive together share one insert and one commit.
``Inbox.run`` (on the leader) applies stored deliveries, each in a transaction of its own that also marks it applied, so
that a kill at any instant neither loses one nor applies one twice. Two lanes: people's clicks, alerts and pager answers
do not wait behind check suites; within a lane the order of arrival holds, until more waits than one round takes
(``bot.inbox.turns``). A delivery of many events (a monitoring's group of thousands of alerts) is applied in parts, each
with the mark how far it came in its own transaction: what follows from the first ones leaves at once, and whatever came
meanwhile takes turns with the rest.

Meaning is given from outside: ``translate`` per source (pure), ``apply`` (the reactions) and ``stream_of``, what events
are about, plugged in by the wiring.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import bindparam, func, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from bot.database import Database, DatabaseUnavailable, wake_on_commit
from bot.errors import UserError
from bot.events import Event
from bot.inbox.models import RECEIVED_AT, Accepted, Applied, Delivery, DeliveryState, Incoming
from bot.inbox.storing import BELL, store
from bot.inbox.turns import BATCH, Ahead, StreamOf, Translate, Waiting, choose

log = structlog.get_logger(__name__)

EVENTS_AT_ONCE = 50
"""Events of one delivery that are applied in one transaction: of alerts, a tenth of a second's work."""

POLL_SECONDS = 2.0
"""How often the tables are looked at although no bell rang."""

TURNS_TO_ANSWER = 5
"""Turns of the event loop between the bell and applying: senders get their answers before the threads get to work."""

ATTEMPT_WAIT = 2.0
"""Seconds to wait when the database does not answer."""

FAILED_SAID = "That did not work: an internal error, kept for the operators to replay."
"""What a person is told whose act could not be applied; the error itself is for the operators."""

# Held statements, and not through the ORM: each delivery needs them, and nobody needs the row as an object.
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
        stream_of: StreamOf,
    ) -> None:
        self._database = database
        self._clock = clock
        self._translators = translators
        self._apply = apply
        self._stream_of = stream_of
        self._ahead = Ahead()
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
            if found < BATCH and not self._ahead.read:
                try:
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._bell.wait()
                except TimeoutError:
                    continue
                for _ in range(TURNS_TO_ANSWER):
                    await asyncio.sleep(0)

    async def apply_pending(self) -> int:
        """Apply one batch of what is stored; returns how many deliveries it looked at."""
        known = self._ahead
        batch, self._ahead = await self._database.read(
            lambda session: choose(session, self._translators, self._stream_of, known)
        )
        # Handed over all at once: the writer runs them one after the other in this order, many to a commit.
        outcomes = await asyncio.gather(*(self._apply_one(waiting) for waiting in batch), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(batch)

    async def measure(self) -> None:
        """Bring the gauge of lag up to date, whoever applies."""
        oldest = await self._database.read(_oldest_pending)
        LAG.set((self._clock() - oldest).total_seconds() if oldest else 0.0)

    async def _apply_one(self, waiting: Waiting) -> None:
        row, source, delivery_id = waiting.row, waiting.source, waiting.delivery_id
        state = DeliveryState.APPLIED
        try:
            outcome = await self._database.write(self._unit(row, waiting.events))
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
        answer = self._answers.get(row)
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    def _unit(self, row: int, ahead: Sequence[Event] | None) -> Callable[[Session], Applied | None]:
        """One delivery's work; ``ahead`` is what it means where that was read already."""

        def apply(session: Session) -> Applied | None:
            events = self._begun.get(row, ahead)
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
