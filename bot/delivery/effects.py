"""Acts on other systems: done once, tried again with growing waits, or given up; each outcome written down.

An effect may be done twice (a kill between the act and its mark): its kind documents why that is harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from bot.database import Database, DatabaseUnavailable
from bot.delivery import queue
from bot.delivery.figures import FAILURES
from bot.delivery.kinds import EffectKind, Settle
from bot.delivery.pace import UNAUTHORISED_SECONDS, backoff
from bot.delivery.queue import WaitingEffect
from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.outbox import SendState

log = structlog.get_logger(__name__)


class Effects:
    """Does effects. ``spread`` gives a number from 0 to 1 by which tries of many are spread in time."""

    def __init__(
        self,
        database: Database,
        kinds: Mapping[str, EffectKind],
        *,
        clock: Callable[[], datetime],
        spread: Callable[[], float],
    ) -> None:
        self._database = database
        self._kinds = kinds
        self._clock = clock
        self._spread = spread

    async def do(self, row: WaitingEffect) -> bool:
        """Do one and write down what came of it; returns whether it is done for good.

        Raises DatabaseUnavailable: nothing of the effect's own went wrong then, and it may be started again at once.
        """
        kind = self._kinds[row.kind]
        try:
            settle = await kind.run(row.data)
            await self._database.write(lambda session: _done(session, row, settle, self._clock()))
        except DatabaseUnavailable:
            raise
        except (RetryLater, Doubtful, Unauthorised) as fault:
            await self._postpone(row, kind, fault)
        except GiveUp as fault:
            log.error("an effect was given up", kind=row.kind, key=row.key, code=fault.code, mend=fault.mend)
            FAILURES.labels(row.kind, "given_up").inc()
            error = str(fault)
            await self._database.write(lambda session: _failed(session, row, kind, self._clock(), error))
        except Exception as fault:
            log.error("an unexpected fault in an effect", kind=row.kind, key=row.key, exc_info=fault)
            await self._postpone(row, kind, fault)
        else:
            return True
        return False

    async def _postpone(self, row: WaitingEffect, kind: EffectKind, fault: Exception) -> None:
        FAILURES.labels(row.kind, "again").inc()
        delay = fault.delay if isinstance(fault, RetryLater) else None
        if delay is None:
            tried = backoff(row.attempts + 1, self._spread())
            delay = UNAUTHORISED_SECONDS if isinstance(fault, Unauthorised) else tried
        due = self._clock() + timedelta(seconds=delay)

        def write(session: Session) -> None:
            queue.postpone_effect(session, row, due, str(fault)[:500])
            kind.postponed(session, row.data, self._clock())

        await self._database.write(write)


def _failed(session: Session, row: WaitingEffect, kind: EffectKind, now: datetime, error: str) -> None:
    queue.settle_effect(session, row, SendState.FAILED, error[:500])
    kind.given_up(session, row.data, now)


def _done(session: Session, row: WaitingEffect, settle: Settle, now: datetime) -> None:
    queue.settle_effect(session, row, SendState.DONE)
    settle(session, now)
