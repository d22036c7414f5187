"""One message: rendered, posted or edited, and what came of it written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol

import structlog
from sqlmodel import Session

from bot import outbox
from bot.database import Database, DatabaseUnavailable
from bot.delivery import queue
from bot.delivery.doubting import Doubting
from bot.delivery.figures import DELAY, FAILURES, LIMITED, SENT
from bot.delivery.loading import Loaded
from bot.delivery.memory import Memory
from bot.delivery.pace import UNAUTHORISED_SECONDS, backoff
from bot.delivery.queue import Waiting
from bot.errors import Doubtful, GiveUp, MessageGone, PlaceUnreachable, RetryLater, Unauthorised
from bot.outbox import CardState, SendState
from bot.ports import Chat, Message, Posted

log = structlog.get_logger(__name__)


class Renders(Protocol):
    """Turns a template and a view into a message."""

    def message(self, template: str, view: object, *, key: str, metadata: Mapping[str, str]) -> Message: ...


class Sending:
    """Sends messages. ``fallback`` is the place where it is said that another cannot be reached.

    There the notes of the kinds ``elsewhere`` go that cannot be said where they belong.
    """

    def __init__(
        self,
        memory: Memory,
        database: Database,
        chat: Chat,
        renderer: Renders,
        doubting: Doubting,
        *,
        fallback: str,
        elsewhere: Collection[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._memory = memory
        self._database = database
        self._chat = chat
        self._renderer = renderer
        self._doubting = doubting
        self._fallback = fallback
        self._elsewhere = elsewhere
        self._clock = clock

    async def deliver(self, loaded: Loaded) -> None:
        """Show what was loaded, where it is not shown already; settle it, or have it tried again."""
        row, showing = loaded.row, loaded.showing
        if showing is None:
            await self._settle_unshown(row)
            return
        try:
            message = self._renderer.message(showing.template, showing.view, key=row.key, metadata=showing.metadata)
        except Exception as fault:
            log.error("a message could not be rendered", template=showing.template, row=row.key, exc_info=fault)
            self._memory.again(row.name)
            return
        shown = _hash(message)
        if row.sort == "card" and loaded.at is not None:
            if shown != loaded.shown:
                await self._edit(row, loaded.at, message, shown)
            else:
                self._memory.pace.update_spared()
                await self._database.write(lambda session: queue.settle_card(session, row, self._clock()))
                self._memory.view.settle(row)
            return
        await self._post(row, loaded.at, message, shown)

    async def _settle_unshown(self, row: Waiting) -> None:
        if row.ts is not None:
            self._memory.pace.update_spared()
        if row.sort == "card":
            await self._database.write(lambda session: queue.settle_card(session, row, self._clock()))
        else:
            await self._database.write(lambda session: queue.settle_note(session, row, SendState.MOOT, None))
        self._memory.forget(row.name)
        self._memory.view.settle(row)

    async def _edit(self, row: Waiting, at: Posted, message: Message, shown: str) -> None:
        memory = self._memory
        try:
            await self._chat.update(at, message)
        except MessageGone:
            await self._database.write(lambda session: queue.repost_card(session, row))
            return
        except RetryLater as fault:
            if fault.rate_limited:
                LIMITED.labels("update").inc()
                memory.pace.updates_limited(fault.delay or backoff(1, memory.spread()), memory.now())
            memory.again(row.name, fault.delay)
            return
        except Unauthorised as fault:
            self._unauthorised(row, fault)
            return
        except GiveUp as fault:
            if message.blocks and not isinstance(fault, PlaceUnreachable):
                await self._edit(row, at, _plain(message, fault), shown)
            else:
                await self._give_up(row, fault)
            return
        except Doubtful:
            FAILURES.labels(row.kind, "again").inc()
            memory.again(row.name)  # editing twice is harmless
            return
        except Exception as fault:
            log.error("an unexpected fault while editing", row=row.key, exc_info=fault)
            memory.again(row.name)  # editing twice is harmless: whatever happened, try again
            return
        self._went_well(row, "update")
        await self._settled(row, at, shown)

    async def _post(self, row: Waiting, thread: Posted | None, message: Message, shown: str) -> None:
        place, pace = row.place, self._memory.pace
        pace.posting(place, self._memory.now())
        try:
            posted = await self._chat.post(
                thread.channel if thread else place, message, thread=thread.ts if thread else None
            )
        except RetryLater as fault:
            self._refused(row, fault)
            return
        except Doubtful as fault:
            self._doubting.doubt(row, str(fault))
            return
        except Unauthorised as fault:
            self._unauthorised(row, fault)
            return
        except GiveUp as fault:
            if message.blocks and not isinstance(fault, PlaceUnreachable):
                await self._post(row, thread, _plain(message, fault), shown)
            else:
                await self._give_up(row, fault)
            return
        except Exception as fault:
            log.error("an unexpected fault while posting", row=row.key, exc_info=fault)
            self._doubting.doubt(row, type(fault).__name__)
            return
        finally:
            pace.post_done(place)
        pace.post_succeeded(place)
        self._went_well(row, "post")
        DELAY.observe(max(0.0, (self._clock() - row.created_at).total_seconds()))
        await self._settled(row, posted, shown)

    async def _settled(self, row: Waiting, posted: Posted, shown: str) -> None:
        try:
            if row.sort == "card":
                await self._database.write(
                    lambda session: queue.settle_card(session, row, self._clock(), posted=posted, shown=shown),
                    patient=True,
                )
            else:
                await self._database.write(
                    lambda session: queue.settle_note(session, row, SendState.DONE, posted), patient=True
                )
        except Exception as fault:
            if not isinstance(fault, DatabaseUnavailable):
                log.error("what was sent could not be written down", row=row.key, exc_info=fault)
            if row.ts is None:
                self._doubting.doubt(row, str(fault))  # it is out, and nobody knows
            else:
                self._memory.again(row.name)
        else:
            self._memory.view.settle(row)

    def _went_well(self, row: Waiting, call: str) -> None:
        SENT.labels(row.kind, call).inc()
        self._memory.forget(row.name)
        self._memory.trouble = None

    def _refused(self, row: Waiting, fault: RetryLater) -> None:
        memory = self._memory
        delay = fault.delay or memory.backoff(row.place)
        if fault.rate_limited:
            LIMITED.labels("post").inc()
            memory.pace.post_limited(row.place, delay, memory.now())
        else:
            FAILURES.labels(row.kind, "again").inc()
            memory.pace.post_failed(row.place, delay, memory.now())

    def _unauthorised(self, row: Waiting, fault: Unauthorised) -> None:
        memory = self._memory
        FAILURES.labels(row.kind, "unauthorised").inc()
        if memory.trouble != str(fault):
            log.error("Slack refuses our credentials", code=fault.code, mend=fault.mend)
        memory.trouble = str(fault)
        until = memory.now() + UNAUTHORISED_SECONDS
        memory.pace.posts_paused_until = memory.pace.updates_paused_until = until

    async def _give_up(self, row: Waiting, fault: GiveUp) -> None:
        FAILURES.labels(row.kind, "given_up").inc()
        log.error(
            "a message cannot be sent", kind=row.kind, place=row.place, row=row.key, code=fault.code, mend=fault.mend
        )
        unreachable = isinstance(fault, PlaceUnreachable)
        elsewhere = unreachable and row.place != self._fallback

        def close(session: Session) -> None:
            said = elsewhere and queue.say_elsewhere(session, row, self._elsewhere, self._fallback)
            if row.sort == "card":
                state = CardState.UNREACHABLE if unreachable else CardState.LIVE
                queue.close_card(session, row, state, str(fault))
            elif not said:
                queue.settle_note(session, row, SendState.FAILED, None, str(fault))
            if elsewhere:
                worked = queue.last_sent(session, row.place)  # said once, and again only after it worked in between
                outbox.add_note(
                    session, "unreachable", f"unreachable:{row.place}:{fault.code}:{worked}", self._fallback,
                    self._clock(), unreachable=row.place, code=fault.code, mend=fault.mend,
                    card=row.id if row.sort == "card" else None,
                )  # fmt: skip

        await self._database.write(close)
        self._memory.forget(row.name)


def _hash(message: Message) -> str:
    return hashlib.sha256(json.dumps([message.text, list(message.blocks)], sort_keys=True).encode()).hexdigest()


def _plain(message: Message, fault: GiveUp) -> Message:
    """The same words without blocks, when Slack will not take the blocks: better plain than lost."""
    log.error("Slack refused our blocks; sending the words alone", key=message.key, code=fault.code, mend=fault.mend)
    return Message(text=message.text, blocks=(), key=message.key, metadata=message.metadata)
