"""Who somebody is in Slack: asked for what waits to be said to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from bot import outbox, people, work
from bot.catalog import Catalog
from bot.database import Database
from bot.delivery.kinds import Settle
from bot.deploys import service
from bot.errors import GiveUp, Unauthorised
from bot.ports import Chat, Forge, Member

log = structlog.get_logger(__name__)

Consequences = Callable[[Session, datetime], None]
"""Derives what follows from everything that was touched in a transaction."""


@dataclass(frozen=True)
class Finding:
    """Finds the people that cards and notes are for."""

    catalog: Catalog
    database: Database
    chat: Chat
    forge: Forge
    clock: Callable[[], datetime]
    settle: Consequences

    async def find_person(self, who: str) -> Settle:
        """Who somebody is in Slack, by an address that Slack has verified; what waits for them goes there.

        It is remembered (for a while, also when there is nobody) in the same transaction that readdresses: in between,
        what happens would be written to the same person by two names.
        """
        now = self.clock()
        believed, slack_id = await self.database.read(lambda session: people.looked_up(session, who, now))
        found = None if believed else await self._member(who)

        def write(session: Session, now: datetime) -> None:
            if not believed:
                people.remember(session, who, found, now)
            place = (found.slack_id if found else slack_id) or people.linked_to(session, who)
            outbox.readdress(session, f"{outbox.WHO}{who}", place)
            if place is not None:  # cards that know a login only have a name to show now
                for change in service.named_by_login(session, who):
                    work.touch(session, "change", change)
                self.settle(session, now)

        return write

    async def _member(self, who: str) -> Member | None:
        for ask in self._addresses(who):
            address = await ask()
            member = await self._member_at(address) if address is not None else None
            if member is not None and member.active:
                return member
        return None

    async def _member_at(self, address: str) -> Member | None:
        try:
            return await self.chat.member_by_email(address)
        except Unauthorised:
            raise  # nobody at all can be found until that is mended
        except GiveUp as fault:
            log.warning("somebody cannot be looked up, and counts as not found", code=fault.code, mend=fault.mend)
            return None

    def _addresses(self, who: str) -> list[Callable[[], Awaitable[str | None]]]:
        """Ways to an e-mail address for somebody; the forge comes last, since it alone may have to be waited for."""
        sort, _, name = who.partition(":")
        if sort == "email":
            return [lambda: _now_known(name)]
        return [
            lambda: _now_known(self._catalogue_address(name)),
            lambda: self.database.read(lambda session: service.commit_address(session, name)),
            lambda: self._forge_address(name),
        ]

    def _catalogue_address(self, login: str) -> str | None:
        entry = self.catalog.person_by_github(login)
        return entry.email if entry else None

    async def _forge_address(self, login: str) -> str | None:
        try:
            return await self.forge.email(login)
        except GiveUp:
            return None  # the forge will not say: one way less, no failure


async def _now_known(address: str | None) -> str | None:
    return address
