"""A small world in which alerts fire: connected services, people who can be woken, a pager that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

from sqlmodel import Session, col, select

from bot import people, work
from bot.catalog import Catalog, Paging, PagingMode, PersonEntry, Service, Team
from bot.catalog.model import Incidents
from bot.database import Database
from bot.delivery import EffectKind
from bot.delivery.kinds import Settle
from bot.deploys import service as deploys
from bot.deploys.models import Deploy
from bot.deploys.views import RangeState
from bot.errors import RetryLater
from bot.events import (
    AlertLevel,
    AlertReported,
    Human,
    IncidentAct,
    IncidentActed,
    IncidentOpened,
    MergedPull,
    PagerAnswered,
    PagerSaid,
)
from bot.incidents import acts
from bot.incidents.models import Entry, Incident, Likely, Page
from bot.incidents.states import State
from bot.locks.models import Lock
from bot.outbox import Card, Effect, Note, SendState
from bot.outgoing.paging import Paging as PagingEffects
from bot.people import OnCallList
from tests.unit.pager import Pager
from tests.unit.promoting import DAYS_AGO, LOGINS, World
from tests.unit.reports import ANA, CHI, carrying, minute, pull, report

PAGERS = {"U0ANA": "PANA", "U0BEN": "PBEN", "U0CHI": "PCHI", "U0DEE": "PDEE", "U0EVE": "PEVE"}
PEOPLE = tuple(
    PersonEntry(slack=slack, github=login, name=login.capitalize(), pagerduty=PAGERS[slack])
    for slack, login in LOGINS.items()
)
BAKERS = Team(name="bakers", channel="#bakers", approvers=("U0DEE", "U0EVE"), escalation_policy="PESC")


def paged(name: str, **more: Any) -> Service:
    """A service whose people are woken."""
    usual = Service(
        name=name, channel="#bakers", repo=f"bakery/{name}", environments=("staging", "production"), team=BAKERS,
        gates=(), pagerduty_service=f"P{name.upper()}", paging=PagingMode.PAGE,
        runbook=f"https://runbooks.example/{name}",
    )  # fmt: skip
    return replace(usual, **more)


class Here:
    """The world's own session in the place of a database, since an effect reads and writes in turn."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def read(self, unit: Callable[[Session], Any]) -> Any:
        return unit(self._session)

    async def write(self, unit: Callable[[Session], Any]) -> Any:
        return unit(self._session)


@dataclass
class Alarms(World):
    """One bot's reactions over one session; minutes past noon. ``checkout`` depends on ``cart``; ``mail`` is alone."""

    services: tuple[Service, ...] = (paged("checkout", depends_on=("cart",)), paged("cart"), paged("mail"))
    pager: Pager = field(default_factory=Pager)
    paging: Paging = field(default_factory=Paging)
    incidents_kept: Incidents = field(default_factory=Incidents)
    pages_by_pager: bool = True
    people_known: tuple[PersonEntry, ...] = PEOPLE
    alerts_made: int = 0

    @property
    def catalog(self) -> Catalog:
        """The catalogue with these services."""
        return Catalog(
            default_channel="#deploys",
            unknown=Service(name="unknown", channel="#deploys", known=False),
            services={service.name: service for service in self.services},
            teams={BAKERS.name: BAKERS},
            people=self.people_known,
            paging=self.paging,
            incidents=self.incidents_kept,
            pages=self.pages_by_pager,
            tells_changes=True,
        )

    # --- what happens ------------------------------------------------------------------------------------------

    def lived(self) -> Alarms:
        """Old builds have been live everywhere for days, everybody is known to Slack, and Dee is on call."""
        self.meet(*LOGINS)
        for service in self.services:
            self.rollout(service.name, "a", at=DAYS_AGO)
        self.rota("U0DEE")
        return self

    def rota(self, *slack_ids: str) -> None:
        """These people are on call for every service, as the pager just said."""
        for service in self.services:
            row = self.session.exec(
                select(OnCallList).where(OnCallList.service == service.pagerduty_service)
            ).first() or OnCallList(service=service.pagerduty_service or "")
            row.who = [
                {"user": PAGERS[one], "name": LOGINS[one].capitalize(), "slack_id": one, "until": None}
                for one in slack_ids
            ]
            row.read_at = row.tried_at = self.now
            self.session.add(row)
        self.session.flush()

    def rollout(
        self,
        service: str,
        sha: str,
        *merged: MergedPull,
        at: float | None = None,
        status: str = "succeeded",
        **more: Any,
    ) -> Deploy:
        """The pipeline tells of a rollout to production, and the forge what it brought; it began a minute earlier."""
        at = self.at if at is None else at
        number = more.pop("number", f"{service}-{sha}")
        found = more.pop("found", None) or carrying(*merged)
        self.tell(
            report(
                sha, status, at, number=number, service=service, repo=f"bakery/{service}",
                began=more.pop("began", at - 1), **more,
            )
        )  # fmt: skip
        for deploy in self.session.exec(select(Deploy).where(Deploy.range == RangeState.READING.value)).all():
            deploys.range_read(self.session, self.catalog, deploy.id or 0, deploy.previous_sha, found, self.now)
        self.reactions.settle(self.session, self.now)
        self.session.flush()
        return self.session.exec(select(Deploy).order_by(col(Deploy.id).desc())).all()[0]

    def shipped(self, service: str = "checkout", sha: str = "b", number: int = 812, **more: Any) -> Deploy:
        """Ana's change, which Chi merged, goes live now."""
        at = more.pop("at", None)
        merger: Human = more.pop("merger", CHI)
        author: Human = more.pop("author", ANA)
        return self.rollout(service, sha, pull(number, sha, author=author, merger=merger, **more), at=at)

    def fires(
        self, service: str | None = "checkout", name: str | None = None, *, began: float | None = None, **more: Any
    ) -> Incident | None:
        """An alert fires now, or has since ``began``; returns the incident that it belongs to."""
        name = name or f"{service} 5xx"
        self.tell(
            AlertReported(
                source=more.pop("source", "api"), fingerprint=more.pop("fingerprint", name), service=service,
                environment=more.pop("environment", "production"), name=name, url=more.pop("url", None),
                started_at=minute(self.at if began is None else began), at=more.pop("told", self.now),
                level=more.pop("level", AlertLevel.CRITICAL), **more,
            )
        )  # fmt: skip
        return self.incident() if self.incidents() else None

    def over(
        self, service: str = "checkout", name: str | None = None, *, began: float | None = None, **more: Any
    ) -> None:
        """It is over."""
        name = name or f"{service} 5xx"
        self.tell(
            AlertReported(
                source=more.pop("source", "api"), fingerprint=more.pop("fingerprint", name), service=service,
                environment=more.pop("environment", "production"), name=name,
                started_at=minute(began) if began is not None else None, resolved_at=self.now, at=self.now, **more,
            )
        )  # fmt: skip

    def opens(self, title: str, service: str | None = None, who: str = "U0ANA", **more: Any) -> str:
        """Somebody opens an incident."""
        event = IncidentOpened(
            title=title, service=service, slack_id=who, called=LOGINS[who].capitalize(), at=self.now, **more
        )
        said = acts.opened(self.session, self.desk, event, self.now)
        self._settled()
        return said

    def acts(self, act: IncidentAct, who: str = "U0ANA", incident: Incident | None = None, **more: Any) -> str:
        """Somebody does something about an incident, the latest unless said."""
        number = (incident or self.incident()).id
        event = IncidentActed(
            act=act, incident=number, slack_id=who, called=LOGINS[who].capitalize(), at=self.now, **more
        )
        said = acts.act(self.session, self.desk, event, self.now)
        self._settled()
        return said

    def answers(self, said: PagerSaid, incident: str = "Q1", user: str | None = "PANA", **more: Any) -> None:
        """The pager tells how one of its incidents stands."""
        key = more.pop("key", None)
        self.tell(PagerAnswered(incident=incident, key=key, said=said, user=user, at=self.now, **more))

    def calls(self) -> Pager:
        """Do what the pager is to be asked, as the effects do, until nothing is left; pages stand in Slack by then."""
        for card in self.session.exec(select(Card).where(Card.kind == "page", col(Card.ts).is_(None))).all():
            card.ts = str(card.id)
        for _ in range(20):
            due = [one for one in self._pending() if one.kind in self._kinds]
            if not due:
                break
            for effect in due:
                self._do(effect)
        return self.pager

    def begun(self, effect: Effect) -> Settle:
        """Make the call of an effect, and return what is still to be written of it."""

        async def call() -> Settle:
            return await self._kinds[effect.kind].run(effect.data)

        return asyncio.run(call())

    @property
    def _kinds(self) -> Mapping[str, EffectKind]:
        return PagingEffects(
            cast("Database", Here(self.session)), self.pager, lambda: self.now, lambda now: self.desk,
            self.reactions.settle,
        ).effects()  # fmt: skip

    def _do(self, effect: Effect) -> None:
        try:
            settle = self.begun(effect)
        except RetryLater as fault:
            effect.due_at, effect.attempts = self.now + timedelta(seconds=fault.delay or 60), effect.attempts + 1
            return
        effect.state = SendState.DONE.value
        settle(self.session, self.now)
        self.session.flush()

    def _pending(self) -> Sequence[Effect]:
        return [
            one
            for one in self.session.exec(
                select(Effect).where(Effect.state == SendState.PENDING.value).order_by(col(Effect.lane), col(Effect.id))
            ).all()
            if one.due_at is None or one.due_at <= self.now
        ]

    def turn(self, at: float) -> None:
        """Let time pass to so many minutes past noon: what is due on the way is done in time, and calls are made."""
        until = minute(at)
        for _ in range(1000):
            due = work.next_due(self.session)
            if due is None or due > until:
                break
            self.at = max(self.at, (due - minute(0)).total_seconds() / 60)
            for subject in work.due(self.session, self.now):
                self.reactions.due(self.session, subject, self.now)
            self.session.flush()
            self.calls()
        self.at = at

    def _settled(self) -> None:
        self.reactions.settle(self.session, self.now)
        self.session.flush()

    # --- what is seen ------------------------------------------------------------------------------------------

    def incidents(self, state: State | None = None) -> Sequence[Incident]:
        """Every incident, in order."""
        rows = self.session.exec(select(Incident).order_by(col(Incident.id))).all()
        return [row for row in rows if state is None or row.state == state]

    def incident(self) -> Incident:
        """The latest incident."""
        return self.incidents()[-1]

    def likely(self, incident: Incident | None = None) -> list[tuple[int, str]]:
        """The likely changes of an incident: the deploy or flag, and how sure."""
        rows = self.session.exec(
            select(Likely)
            .where(Likely.incident == (incident or self.incident()).id, Likely.rank > 0)
            .order_by(col(Likely.rank))
        ).all()
        return [(row.subject, row.confidence) for row in rows]

    def pages(self, incident: Incident | None = None) -> list[tuple[str, str, str, str]]:
        """Who was woken, why and how, and where that stands."""
        rows = self.session.exec(
            select(Page).where(Page.incident == (incident or self.incident()).id).order_by(col(Page.id))
        ).all()
        return [(row.name, row.role, row.way, row.state) for row in rows]

    def aloud(self, incident: Incident | None = None) -> list[str]:
        """What was said of an incident, in order."""
        number = (incident or self.incident()).id
        rows = self.session.exec(select(Note).where(Note.kind == "incident_said").order_by(col(Note.id))).all()
        return [note.data["said"] for note in rows if note.data["incident"] == number]

    def told(self, slack_id: str) -> list[str]:
        """What somebody was told of incidents in their own conversation: what wakes them, then what is said."""
        cards = self.session.exec(select(Card).where(Card.kind == "page", Card.place == slack_id)).all()
        rows = self.session.exec(
            select(Note).where(Note.kind == "incident_person", Note.place == slack_id).order_by(col(Note.id))
        ).all()
        return [*("page" for _ in cards), *(note.data["said"] for note in rows)]

    def entries(self, incident: Incident | None = None) -> list[str]:
        """The timeline of an incident."""
        rows = self.session.exec(
            select(Entry)
            .where(Entry.incident == (incident or self.incident()).id)
            .order_by(col(Entry.at), col(Entry.id))
        ).all()
        return [row.text for row in rows]

    def locked(self) -> list[tuple[str, str]]:
        """What is locked by itself, and why."""
        rows = self.session.exec(select(Lock).where(col(Lock.lifted_at).is_(None)).order_by(col(Lock.id))).all()
        return [(row.scope, row.cause) for row in rows]


def alarms(session: Session, **more: Any) -> Alarms:
    """A world in which all is well so far."""
    return Alarms(session, **more).lived()


def away(here: Alarms, slack_id: str, why: str = "On holiday") -> None:
    """Somebody's status says that they are not there."""
    row = people.profile_of(here.session, slack_id)
    assert row is not None
    row.away = why
    here.session.flush()


def broken(session: Session, **more: Any) -> Alarms:
    """Twelve minutes after Ana's rollout, which Chi merged, an alert fires."""
    here = alarms(session, **more)
    here.shipped()
    here.at = 12
    here.fires()
    return here


__all__ = ["BAKERS", "LOGINS", "PAGERS", "Alarms", "Here", "Pager", "alarms", "away", "broken", "paged"]
