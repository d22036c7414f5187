"""Where people are kept fresh: a Slack and a PagerDuty that answer as they are told, and one database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlmodel import Session, col, select

from bot import people, work
from bot.catalog import Catalog, PersonEntry, Service, Team
from bot.database import Database
from bot.delivery.kinds import Settle
from bot.errors import OutgoingError, RetryLater
from bot.gates.base import GroupFact
from bot.outbox import Effect, SendState
from bot.people import Refreshing
from bot.ports import Chat, Member, OnCall, Pager
from tests.unit import reports
from tests.unit.stores import Clock

CHECKOUT = Service(name="checkout", channel="#deploys", pagerduty_service="PSCHECKOUT")
PLAIN = Service(name="cart", channel="#deploys")
LEADS = Team(name="payments", channel="#payments", members=("@payments-leads", "dee"))
CATALOG = Catalog(
    default_channel="#deploys",
    unknown=reports.catalog().unknown,
    people=(
        PersonEntry(slack="U0DEE", github="dee", email="dee@example.com", pagerduty="PUDEE"),
        PersonEntry(github="ghost"),
    ),
)


@dataclass
class World:
    """A Slack and a PagerDuty that answer as they are told; either may fail."""

    groups: dict[str, frozenset[str]] = field(default_factory=lambda: {"payments-leads": frozenset({"U0DEE", "U0EVE"})})
    people: dict[str, Member | OutgoingError] = field(default_factory=dict)
    fault: OutgoingError | None = None
    on_duty: Sequence[OnCall] = ()
    asked: list[str] = field(default_factory=list)

    async def group_members(self, handle: str) -> frozenset[str] | None:
        """Who is in a group."""
        self.asked.append(f"@{handle}")
        if self.fault is not None:
            raise self.fault
        return self.groups.get(handle)

    async def member(self, slack_id: str) -> Member | None:
        """Who somebody is."""
        self.asked.append(slack_id)
        found = self.people.get(slack_id, Member(slack_id, slack_id.title(), zone="UTC"))
        if isinstance(found, OutgoingError):
            raise found
        return found

    async def member_by_email(self, email: str) -> Member | None:
        """Whose address this is."""
        return Member("U0EVE", "Eve") if email == "eve@example.com" else None

    async def present(self, slack_id: str) -> bool | None:
        """Eve is away."""
        if slack_id == "U0FAY":
            raise RetryLater("limited")
        return slack_id != "U0EVE"

    async def on_call(self, service: str) -> Sequence[OnCall]:
        """Who is on call."""
        self.asked.append(service)
        if self.fault is not None:
            raise self.fault
        return self.on_duty

    async def on_schedule(self, schedule: str, at: datetime) -> Sequence[OnCall]:
        """Whose shift it is."""
        self.asked.append(schedule)
        return self.on_duty


@dataclass
class Here:
    """People kept fresh in one database."""

    database: Database
    world: World
    clock: Clock
    pager: bool = True
    settled: list[tuple[str, int]] = field(default_factory=list)

    async def want(self, word: str, service: Service = CHECKOUT) -> None:
        """Somebody asks about a group."""
        await self.database.write(
            lambda session: people.want_group(session, CATALOG, word, self.clock(), service=service)
        )

    async def read(self) -> int:
        """Do what is due, as the engine would; returns how many effects were done."""

        def due(session: Session) -> None:
            for kind, number in work.due(session, self.clock()):
                work.take_due(session, (kind, number), self.clock())
                people.due(session, kind, number, self.clock())

        await self.database.write(due)
        refreshing = Refreshing(
            catalog=CATALOG,
            database=self.database,
            chat=cast("Chat", self.world),
            pager=cast("Pager", self.world) if self.pager else None,
            clock=self.clock,
            settle=self._settle,
        )

        def pending(session: Session) -> list[tuple[str, str, dict[str, int]]]:
            rows = session.exec(select(Effect).where(Effect.state == SendState.PENDING).order_by(col(Effect.id))).all()
            return [(row.kind, row.key, dict(row.data)) for row in rows]

        waiting = await self.database.read(pending)
        for kind, key, data in waiting:
            settle = await refreshing.effects()[kind].run(data)
            await self.database.write(lambda session, key=key, settle=settle: _done(session, key, settle, self.clock()))  # type: ignore[misc]
        return len(waiting)

    async def fact(self, word: str, service: Service = CHECKOUT) -> GroupFact:
        """Who belongs, as recorded."""
        return await self.database.read(
            lambda session: people.group(session, CATALOG, word, self.clock(), service=service)
        )

    def _settle(self, session: Session, now: datetime) -> None:
        self.settled += work.take_touched(session)


def _done(session: Session, key: str, settle: Settle, now: datetime) -> None:
    session.exec(select(Effect).where(Effect.key == key)).one().state = SendState.DONE.value
    settle(session, now)
