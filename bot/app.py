"""The bot as its doors see it: store a delivery, act for a person, read, look whether what is due is done.

``Bot`` holds the database, the catalogue and the engines, and runs them on the leader. It names no vendor: what it is
made of is plugged together by ``bot.wiring``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import text
from sqlmodel import Session

from bot import inbox, seals, work
from bot.catalog import Catalog
from bot.database import Database, DatabaseUnavailable, Leadership
from bot.delivery import Delivery
from bot.deploys.loading import Desk
from bot.errors import GiveUp, OutgoingError
from bot.inbox import Accepted, Applied, Inbox, Incoming, Lane
from bot.lookback import AGAIN, EVERY, IN_FLIGHT, Gap, LookBack
from bot.people.ourselves import Ourselves
from bot.ports import Chat, Forge
from bot.reactions import Reactions
from bot.settings import Settings

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

WATCH_SECONDS = 15.0
"""How often the leader writes down that it is on watch: a blind spot is known this exactly."""

AGAIN_SECONDS = 2.0
"""How long to wait before the engines are started again after one ended."""

STOP_SECONDS = 12.0
"""How long an orderly stop waits for calls under way: longer than any of them may take."""

RELIEF_SECONDS = 10.0
"""How long a leader that lost its connection to PostgreSQL may go on without noticing (``bot.database.leadership``)."""

PUT_OFF = timedelta(minutes=10)
"""When to look again at something due that could not be done by a fault of ours."""

SEAL_SECONDS = 2.0
"""How often the leader seals the facts that were committed since: within this time an edit may go unseen."""

LOOK_SECONDS = 1.0
"""How often it is seen whether the time for a look back has come: the clock may be turned."""

SETTLED = IN_FLIGHT + timedelta(seconds=30)
"""How long after a start everything that happened before it has arrived, or never will."""


GREET_AGAIN = 60.0
"""Seconds until Slack is asked again who we are, while it does not say."""


class ClockDoor(Protocol):
    """What fires when something is due; ``handlers.clock`` is one."""

    async def keep(self) -> None:
        """Fire for everything due until cancelled."""
        ...


@dataclass(frozen=True)
class Readiness:
    """Whether we can serve; ``slack`` is what keeps us from Slack, told but no reason to be unrouted."""

    database: str | None
    slack: str | None
    leading: bool

    @property
    def ready(self) -> bool:
        """Whether deliveries can be stored."""
        return self.database is None


@dataclass
class Bot:
    """One Shipmate process."""

    settings: Settings
    catalog: Catalog
    database: Database
    leadership: Leadership
    inbox: Inbox
    delivery: Delivery
    reactions: Reactions
    lookback: LookBack
    chat: Chat
    forge: Forge
    clock: Callable[[], datetime]

    def __post_init__(self) -> None:
        self.ourselves = Ourselves(self.chat)
        self._working: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._kept: set[asyncio.Task[object]] = set()

    # --- for the doors ----------------------------------------------------------------------------------------------

    async def accept(
        self, *, source: str, delivery_id: str, headers: Mapping[str, str], body: bytes, lane: Lane, about: str = ""
    ) -> Accepted:
        """Store a verified delivery durably, to be applied in its turn; raises DatabaseUnavailable.

        What is ``about`` the same (``Incoming``) is told again only with nothing else about it in between.
        """
        return await self.inbox.accept(Incoming(source, delivery_id, headers, body, lane, about))

    async def store_act(self, *, source: str, delivery_id: str, body: bytes) -> int:
        """Store what a person did, so that it can be acknowledged; ``outcome`` tells what became of it.

        The same ``delivery_id`` is the same act. Raises DatabaseUnavailable: nothing is stored then.
        """
        return await self.inbox.store_act(Incoming(source, delivery_id, {}, body, Lane.URGENT))

    async def outcome(self, act: int) -> Applied:
        """What a stored act came to, once it is applied (before the feed)."""
        return await self.inbox.outcome(act)

    async def read(self, answer: Callable[[Session, Desk], Result]) -> Result:
        """Answer a question from a snapshot of the database."""
        desk = self.desk()
        return await self.database.read(lambda session: answer(session, desk))

    def desk(self) -> Desk:
        """What loading needs, as of now."""
        return Desk(self.catalog, self.reactions.forge_url, self.clock())

    def webhook_secret(self, source: str) -> str | None:
        """The secret that a source's deliveries are signed with."""
        secret = self.settings.webhook_secret(source)
        return secret.get_secret_value() if secret else None

    def insecure(self, source: str) -> bool:
        """Whether the catalogue lets this source in unsigned."""
        return self.catalog.insecure(source)

    async def replay(self, ids: list[int] | None) -> int:
        """Apply deliveries again: these, or all that failed; returns how many."""
        return await self.database.write(lambda session: inbox.requeue(session, ids), urgent=True)

    async def readiness(self) -> Readiness:
        """Whether we can serve, asked of the database."""
        try:
            await self.database.read(lambda session: session.connection().execute(text("SELECT 1")))
        except DatabaseUnavailable as fault:
            return Readiness(str(fault), self.delivery.trouble, self.leadership.held)
        return Readiness(None, self.delivery.trouble, self.leadership.held)

    async def due(self) -> datetime | None:
        """Do what is due now, each thing for itself; returns when something is next.

        What cannot be done is put off, and keeps nothing else waiting.
        """
        for subject in await self.database.read(lambda session: work.due(session, self.clock())):
            try:
                await self._look_again(subject)
            except DatabaseUnavailable:
                raise
            except Exception as fault:
                log.error("what is due could not be done; it is put off", subject=subject, exc_info=fault)
                await self._put_off(subject)
        return await self.database.read(work.next_due)

    async def _look_again(self, subject: work.Subject) -> None:
        await self.database.write(lambda session: self.reactions.due(session, subject, self.clock()))

    async def _put_off(self, subject: work.Subject) -> None:
        at = self.clock() + PUT_OFF
        await self.database.write(lambda session: work.schedule(session, *subject, at))

    def track(self, task: asyncio.Task[object]) -> None:
        """Keep a door's own task until it ends; an orderly stop waits for it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def keep(self, task: asyncio.Task[object]) -> None:
        """Keep a task that may wait for somebody for long; an orderly stop ends it."""
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    # --- running ----------------------------------------------------------------------------------------------------

    def start(self, clock_door: ClockDoor) -> None:
        """Begin to take deliveries, and to work once this process leads."""
        self.database.start()
        self.inbox.listen()
        self.delivery.listen()
        self.leadership.start()
        self._working = asyncio.create_task(self._lead_forever(clock_door), name="shipmate-leader")

    async def stop(self) -> None:
        """Finish what is under way, write down that it ended well, and let go of everything."""
        kept = list(self._kept)
        for task in kept:
            task.cancel()
        await asyncio.gather(*kept, return_exceptions=True)
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=STOP_SECONDS)
        if self._working is not None:
            self._working.cancel()
            with suppress(asyncio.CancelledError):
                await self._working
        await self.leadership.stop()
        await self.database.close()

    async def _lead_forever(self, clock_door: ClockDoor) -> None:
        while True:
            self.database.notify_others = not self.database.is_sqlite
            await self.leadership.won()
            self.database.notify_others = False
            log.info("this process leads")
            try:
                await self._lead(clock_door)
            except DatabaseUnavailable as fault:
                log.warning("the leader could not begin", error=str(fault))
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception as fault:
                log.error("an engine ended; all are started again", exc_info=fault)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _lead(self, clock_door: ClockDoor) -> None:
        """Keep watch until leadership is lost or we are cancelled."""
        watch, before = await self.database.write(lambda session: work.begin_watch(session, self.clock()))
        orderly = before is None or before.ended_at is not None
        await self.inbox.apply_pending()  # what people did before the end comes before what time has brought since
        await self.database.write(lambda session: self.reactions.begin(session, self.clock()))
        gap = Gap(before.seen_at, self.clock()) if before else None
        alone = self.database.is_sqlite
        delivering = asyncio.create_task(
            self.delivery.run(orderly=orderly, watch=None if alone else watch, overlap=0.0 if alone else RELIEF_SECONDS)
        )
        others = [
            asyncio.create_task(self.inbox.run()),
            asyncio.create_task(clock_door.keep()),
            asyncio.create_task(self._keep_watch(watch)),
            asyncio.create_task(self._look_back(gap)),
            asyncio.create_task(self._seal()),
            asyncio.create_task(self._greet()),
        ]
        lost = asyncio.create_task(self.leadership.lost())
        try:
            done, _ = await asyncio.wait({delivering, lost, *others}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {lost}:
                task.result()  # an engine never ends by itself: let its fault be seen
        finally:
            await self._end_watch(watch, delivering, [*others, lost])

    async def _end_watch(self, watch: int, delivering: asyncio.Task[None], others: list[asyncio.Task[None]]) -> None:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        certain = await self.delivery.stop(STOP_SECONDS)
        await asyncio.gather(delivering, return_exceptions=True)
        if certain and self.leadership.held:
            with suppress(DatabaseUnavailable):
                await self.database.write(seals.seal)
                await self.database.write(lambda session: work.keep_watch(session, watch, self.clock(), ending=True))

    async def _keep_watch(self, watch: int) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with suppress(DatabaseUnavailable):
                await self.database.write(lambda session: work.keep_watch(session, watch, self.clock()))
                await self.database.write(lambda session: inbox.forget_applied(session, self.clock() - inbox.RETENTION))

    async def _seal(self) -> None:
        """Seal the audit trail as it grows."""
        while True:
            with suppress(DatabaseUnavailable):
                while await self.database.write(seals.seal, patient=True) == seals.BATCH:
                    pass
            await asyncio.sleep(SEAL_SECONDS)

    async def _greet(self) -> None:
        """Ask Slack who we are until it says so: a wrong token is found out at the start, not by the first deploy."""
        refused: str | None = None
        while True:
            try:
                await self.ourselves.ask()
            except GiveUp as fault:
                if refused != str(fault):
                    log.error("Slack refuses our credentials", code=fault.code, mend=fault.mend)
                refused = self.delivery.trouble = str(fault)
            except OutgoingError as fault:
                log.warning("Slack does not say who we are", error=str(fault))
            else:
                break
            await asyncio.sleep(GREET_AGAIN)
        if refused is not None and self.delivery.trouble == refused:
            self.delivery.trouble = None
            log.info("Slack takes our credentials again")
        await asyncio.Event().wait()  # from here on it shows whenever something is sent

    async def _look_back(self, gap: Gap | None) -> None:
        """Look back at the start, once more when nothing from before it can still be on its way, then now and then."""
        settled = self.clock() + SETTLED
        while True:
            begun = self.clock()
            try:
                asked = await self.lookback.look(gap)
            except DatabaseUnavailable:
                asked = False
            if asked and begun >= settled:
                gap = None
            following = settled if begun < settled and asked else begun + (EVERY if asked else AGAIN)
            while self.clock() < following:  # noqa: ASYNC110 - nobody rings when a clock goes on
                await asyncio.sleep(LOOK_SECONDS)
