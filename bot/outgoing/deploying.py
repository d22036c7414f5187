"""The calls that carry promotions out: to the pipelines, and to GitHub about runs that wait.

``deploy`` is judged and marked as called before it is made, and looked for before it is made again, so that it has its
effect once. A status note made twice costs one of the ten that GitHub takes; a rejection made twice finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from bot.catalog import PromoteThrough
from bot.database import Database
from bot.delivery import EffectKind
from bot.delivery.kinds import Settle
from bot.deploys.loading import Desk
from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.outgoing.people import Consequences
from bot.ports import Found, GateKeeper, Pipeline, Started
from bot.promotions import advancing, calling, finding, gatekeeping, rules, telling
from bot.promotions.calling import Call
from bot.promotions.models import GateRequest
from bot.promotions.states import state_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Deploying:
    """Carries promotions out. A way that has no pipeline here fails, and says so; ``keeper`` None = no GitHub App."""

    database: Database
    pipelines: Mapping[PromoteThrough, Pipeline]
    keeper: GateKeeper | None
    clock: Callable[[], datetime]
    desk: Callable[[datetime], Desk]
    settle: Consequences

    def effects(self) -> Mapping[str, EffectKind]:
        """The kinds of effects."""
        return {
            advancing.DEPLOY: EffectKind(run=self.deploy, postponed=self.postponed, given_up=_as_it_is),
            gatekeeping.NOTE: EffectKind(run=self.note, postponed=_as_it_is, given_up=_as_it_is),
            gatekeeping.REJECT: EffectKind(run=self.reject, postponed=_as_it_is, given_up=_as_it_is),
        }

    async def deploy(self, data: Mapping[str, Any]) -> Settle:
        """Have a promotion carried out, where every gate is open at this moment."""
        call = await self._write(lambda session, now: calling.prepare(session, self.desk(now), data, now))
        if call is None:
            return _nothing
        pipeline = self.pipelines.get(call.through)
        if pipeline is None:
            return self._refused(data, f"nothing is set up here that promotes through {call.through.value}")
        if call.since is not None:
            found = await self._look(pipeline, call, call.since)
            if isinstance(found, Started):
                return self._started(data, call, found)
            if found is Found.UNKNOWN:
                return self._doubtful(data)
            since = call.since
            call = await self._write(
                lambda session, now: calling.prepare_again(session, self.desk(now), data, since, now)
            )
            if call is None:
                return _nothing
        return await self._call(pipeline, call, data)

    def postponed(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        """A call did not get through and is made again: its card says so, and what was seen."""
        promotion = finding.promotion_called(session, int(data["promotion"]))
        if promotion is not None and not state_of(promotion).ended:
            telling.show(session, self.desk(now), promotion, now)

    async def note(self, data: Mapping[str, Any]) -> Settle:
        """Post a status note on a run that waits, unless there is something newer to say."""
        wanted = await self.database.read(lambda session: _run_of(gatekeeping.note_wanted(session, data)))
        if wanted is not None:
            await self._keeper().note(*wanted, str(data["comment"]))
        return _nothing

    async def reject(self, data: Mapping[str, Any]) -> Settle:
        """End a run's wait with a person's no."""
        words = str(data["comment"])
        await self._keeper().reject(str(data["repo"]), int(data["run"]), str(data["environment"]), words)
        return _nothing

    async def _look(self, pipeline: Pipeline, call: Call, since: datetime) -> Started | Found:
        """What came of a call that nobody wrote down; RetryLater while its absence proves nothing."""
        try:
            found = await pipeline.find(call.order, since=since)
        except Unauthorised:
            raise  # a person must mend that first; meanwhile nothing is called
        except GiveUp as fault:
            log.error("an earlier call cannot be looked up", code=fault.code, mend=fault.mend)
            return Found.UNKNOWN
        settles = since + rules.CALL_SETTLES
        wait = (settles - self.clock()).total_seconds()
        if found is Found.ABSENT and wait > 0:
            raise RetryLater("an earlier call may still be on its way", delay=wait)
        return found

    async def _call(self, pipeline: Pipeline, call: Call, data: Mapping[str, Any]) -> Settle:
        try:
            begun = await pipeline.start(call.order)
        except (RetryLater, Unauthorised):  # certainly without effect: until it is tried again, a lock still stops it
            await self._write(lambda session, now: calling.not_called(session, self.desk(now), data, now))
            raise
        except Doubtful:
            raise
        except GiveUp as fault:
            if fault.code == VANISHED:
                return self._vanished(data, call)
            log.error("a pipeline refused", code=fault.code, mend=fault.mend, promotion=data["promotion"])
            return self._refused(data, str(fault))
        return self._started(data, call, begun)

    def _started(self, data: Mapping[str, Any], call: Call, begun: Started) -> Settle:
        def write(session: Session, now: datetime) -> None:
            calling.started(session, self.desk(now), data, call.order, begun, now)
            self.settle(session, now)

        return write

    def _vanished(self, data: Mapping[str, Any], call: Call) -> Settle:
        def write(session: Session, now: datetime) -> None:
            calling.vanished(session, self.desk(now), data, call.order, now)
            self.settle(session, now)

        return write

    def _refused(self, data: Mapping[str, Any], why: str) -> Settle:
        def write(session: Session, now: datetime) -> None:
            calling.refused(session, self.desk(now), data, why[:500], now)
            self.settle(session, now)

        return write

    def _doubtful(self, data: Mapping[str, Any]) -> Settle:
        def write(session: Session, now: datetime) -> None:
            calling.doubtful(session, self.desk(now), data, UNKNOWN_SAID, now)
            self.settle(session, now)

        return write

    async def _write(self, work: Callable[[Session, datetime], Call | None]) -> Call | None:
        def unit(session: Session) -> Call | None:
            now = self.clock()
            made = work(session, now)
            self.settle(session, now)
            return made

        return await self.database.write(unit)

    def _keeper(self) -> GateKeeper:
        if self.keeper is None:
            raise GiveUp("no_github_app", "only a GitHub App answers protection rules: set GITHUB_APP_ID and its key")
        return self.keeper


VANISHED = "vanished"
"""A pipeline's word for a run that waits no more, so that there was nothing to let in."""

UNKNOWN_SAID = "the answer to the call was lost, and the pipeline keeps no record that could be looked up"
"""Why a person is asked whether a call went through."""


def _run_of(run: GateRequest | None) -> tuple[str, int, str] | None:
    return (run.repo, run.run, run.environment) if run is not None else None


def _nothing(session: Session, now: datetime) -> None:
    """Nothing is to be written."""


def _as_it_is(session: Session, data: Mapping[str, Any], now: datetime) -> None:
    """What is known of it stays."""
