"""The calls to PagerDuty: waking people, asking how it stands, telling what changed.

A page made twice finds its incident open by its key and wakes nobody anew. Asking a responder twice, writing the same
note twice and ending what is ended have no effect; a change event shown twice costs a line. What PagerDuty refuses is
no reason to wait: whoever is next is woken at once, and it is said aloud.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from bot.database import Database
from bot.delivery import EffectKind
from bot.delivery.kinds import Settle
from bot.deploys.loading import Desk
from bot.errors import Doubtful, GiveUp, OutgoingError
from bot.incidents import answering, pages
from bot.incidents.answering import Leaving
from bot.incidents.changing import change_of
from bot.outgoing.people import Consequences
from bot.ports import Paged, Pager, PagerState

log = structlog.get_logger(__name__)

NOT_SET_UP = "PagerDuty is not set up"


@dataclass(frozen=True)
class Paging:
    """Speaks to the pager about incidents. ``pager`` None: no PagerDuty is set up, and pages fail, which is said."""

    database: Database
    pager: Pager | None
    clock: Callable[[], datetime]
    desk: Callable[[datetime], Desk]
    settle: Consequences

    def effects(self) -> Mapping[str, EffectKind]:
        """The kinds of effects."""
        return {
            pages.PAGE: EffectKind(run=self.page, postponed=_as_it_is, given_up=self.not_paged),
            pages.RESPOND: EffectKind(run=self.ask, postponed=_as_it_is, given_up=self.not_asked),
            pages.ESCALATE: EffectKind(run=self.look, postponed=_as_it_is, given_up=self.not_looked),
            pages.ACKNOWLEDGE: EffectKind(run=self.acknowledge, postponed=_as_it_is, given_up=_as_it_is),
            pages.NOTE: EffectKind(run=self.note, postponed=_as_it_is, given_up=_as_it_is),
            pages.RESOLVE: EffectKind(run=self.resolve, postponed=_as_it_is, given_up=_as_it_is),
            pages.CHANGE_EVENT: EffectKind(run=self.record_change, postponed=_as_it_is, given_up=_as_it_is),
        }

    async def page(self, data: Mapping[str, Any]) -> Settle:
        """Wake somebody, unless nobody needs to be woken by it any more."""
        number = int(data["page"])
        leaving = await self.database.read(lambda session: answering.leaving(session, self.desk(self.clock()), number))
        if leaving is None:
            return _nothing
        if self.pager is None:
            return self._failed(number, NOT_SET_UP)
        try:
            if leaving.incident is not None and leaving.policy is not None:
                return await self._escalated(self.pager, number, leaving.incident, leaving)
            user = leaving.call.user
            if leaving.by_name and user is None:
                user = await self.pager.user_by_email(leaving.email) if leaving.email is not None else None
                if user is None:
                    return self._failed(number, "PagerDuty knows nobody by their address")
            paged = await self.pager.page(leaving.calling(user))
        except Doubtful:
            raise
        except GiveUp as fault:  # also where our credentials do not suffice: nobody waits for that to be mended
            log.error("a page was refused", page=number, code=fault.code, mend=fault.mend)
            return self._failed(number, _why(fault))
        return self._sent(number, paged, user)

    async def _escalated(self, pager: Pager, number: int, incident: str, leaving: Leaving) -> Settle:
        """The pager's incident goes to whoever comes next by its policy; where nobody does, the page fails."""
        reached = await pager.escalate(incident, leaving.policy or None, leaving.rung)
        if not reached:
            return self._exhausted(number)
        return self._sent(number, Paged(incident, None, tuple(reached)), None)

    async def ask(self, data: Mapping[str, Any]) -> Settle:
        """Ask somebody to the pager's incident of somebody else; where that cannot be done, Slack has told them."""
        number = int(data["page"])
        asking = await self.database.read(lambda session: answering.asking(session, self.desk(self.clock()), number))
        if asking is None:
            return _nothing
        user, done = asking.user, False
        if self.pager is not None:
            try:
                if user is None and asking.email is not None:
                    user = await self.pager.user_by_email(asking.email)
                if user is not None:
                    done = await self.pager.ask_responders(asking.incident, [user], asking.message)
            except GiveUp as fault:
                log.error("a responder could not be asked", page=number, code=fault.code, mend=fault.mend)
        return self._asked(number, user, done=done)

    async def look(self, data: Mapping[str, Any]) -> Settle:
        """Nobody has answered a page here: ask the pager, and where nobody has there either, have it passed on."""
        number = int(data["page"])
        incident = await self.database.read(lambda session: answering.looking(session, number))
        if incident is None:
            return _nothing
        state: PagerState | None = None
        if self.pager is not None:
            try:
                state = await self.pager.state(incident)
            except OutgoingError as fault:  # nobody waits: one page too many is better than none
                log.warning("how a page stands cannot be told", page=number, error=str(fault))
        return self._looked(number, state)

    async def acknowledge(self, data: Mapping[str, Any]) -> Settle:
        """Say at the pager that somebody is on it."""
        if self.pager is not None:
            await self.pager.acknowledge(str(data["pager"]))
        return _nothing

    async def note(self, data: Mapping[str, Any]) -> Settle:
        """Write on the pager's incident."""
        if self.pager is not None:
            await self.pager.note(str(data["pager"]), str(data["text"]))
        return _nothing

    async def resolve(self, data: Mapping[str, Any]) -> Settle:
        """End an incident of the pager."""
        if self.pager is not None:
            await self.pager.resolve(str(data["pager"]))
        return _nothing

    async def record_change(self, data: Mapping[str, Any]) -> Settle:
        """Have the pager show a production deploy."""
        number = int(data["deploy"])
        change = await self.database.read(lambda session: change_of(session, self.desk(self.clock()), number))
        if self.pager is not None and change is not None:
            await self.pager.record_change(change)
        return _nothing

    def not_paged(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        """A page will not be tried again."""
        self._failed(int(data["page"]), "PagerDuty refused")(session, now)

    def not_asked(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        """Nor will a responder be asked."""
        self._asked(int(data["page"]), None, done=False)(session, now)

    def not_looked(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        """Nor will it be asked how a page stands."""
        self._looked(int(data["page"]), None)(session, now)

    def _sent(self, number: int, paged: Paged, user: str | None) -> Settle:
        def write(session: Session, now: datetime) -> None:
            answering.sent(session, self.desk(now), number, paged, user, now)
            self.settle(session, now)

        return write

    def _failed(self, number: int, why: str) -> Settle:
        def write(session: Session, now: datetime) -> None:
            answering.failed(session, self.desk(now), number, why, now)
            self.settle(session, now)

        return write

    def _exhausted(self, number: int) -> Settle:
        def write(session: Session, now: datetime) -> None:
            answering.exhausted(session, self.desk(now), number, now)
            self.settle(session, now)

        return write

    def _asked(self, number: int, user: str | None, *, done: bool) -> Settle:
        def write(session: Session, now: datetime) -> None:
            answering.asked(session, self.desk(now), number, done=done, user=user, now=now)
            self.settle(session, now)

        return write

    def _looked(self, number: int, state: PagerState | None) -> Settle:
        def write(session: Session, now: datetime) -> None:
            answering.looked(session, self.desk(now), number, state, now)
            self.settle(session, now)

        return write


def _why(fault: GiveUp) -> str:
    return (fault.mend or fault.code).rstrip(".")


def _nothing(session: Session, now: datetime) -> None:
    """Nothing is to be written."""


def _as_it_is(session: Session, data: Mapping[str, Any], now: datetime) -> None:
    """What is known of it stays."""
