"""A small world in which promotions are told: a catalogue, people who are proven, a forge's answers, a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from bot import outbox, people
from bot.catalog import Catalog, PersonEntry, PromoteThrough, Service, Team
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy
from bot.errors import UserError
from bot.events import Act, Event, PromotionActed, PromotionRequested, RollbackRequested, Via
from bot.gates import Approval, Freeze, Health, Lock, Order, Soak
from bot.outbox import Card, Effect, Note, SendState
from bot.ports import Member, Range, Started
from bot.ports import Order as Call
from bot.promotions import calling, gathering, ranges
from bot.promotions.advancing import DEPLOY
from bot.promotions.models import Promotion, State
from bot.reactions import Reactions
from tests.unit.reports import REPO, carrying, minute, pull, report, sha_of

LOGINS = {"U0ANA": "ana", "U0BEN": "ben", "U0CHI": "chi", "U0DEE": "dee", "U0EVE": "eve"}
PEOPLE = tuple(PersonEntry(slack=slack, github=login, name=login.capitalize()) for slack, login in LOGINS.items())
GATES = (Lock(), Freeze(), Order(), Soak(timedelta(minutes=30)), Approval(), Health())
OVEN = Service(
    name="oven",
    channel="#bakers",
    repo=REPO,
    environments=("staging", "production"),
    promote_through=PromoteThrough.GITHUB_DEPLOYMENT,
    gates=GATES,
    team=Team(name="bakers", channel="#bakers"),
    undo=timedelta(seconds=10),
)

DAYS_AGO = -3 * 24 * 60.0
"""In minutes past noon."""


@dataclass
class World:
    """One bot's reactions over one session, with a clock turned by hand (minutes past noon)."""

    session: Session
    service: Service = OVEN
    at: float = 0
    numbers: int = 800
    called: list[Call] = field(default_factory=list)
    met: bool = True
    """Whether Slack tells who somebody is whenever they act, as the door asks it to."""

    def meet(self, *slack_ids: str) -> None:
        """Slack tells who these people are now: as before, and full members where it had never told."""
        for slack_id in slack_ids if self.met else ():
            row = people.profile_of(self.session, slack_id)
            known = Member(slack_id, LOGINS.get(slack_id, slack_id).capitalize())
            if row is not None and row.read_at is not None:
                known = replace(known, active=row.active, guest=row.guest, email=row.email, zone=row.zone)
            people.saw(self.session, known, self.now)

    @property
    def catalog(self) -> Catalog:
        """The catalogue with this one service."""
        return Catalog(
            default_channel="#deploys",
            unknown=Service(name="unknown", channel="#deploys", known=False),
            services={self.service.name: self.service},
            teams={self.service.team.name: self.service.team} if self.service.team else {},
            people=PEOPLE,
        )

    @property
    def now(self) -> datetime:
        """The present instant."""
        return minute(self.at)

    @property
    def desk(self) -> Desk:
        """What loading needs."""
        return Desk(self.catalog, "https://github.com", self.now)

    @property
    def reactions(self) -> Reactions:
        """The reactions by the present catalogue."""
        return Reactions(self.catalog, "https://github.com")

    def tell(self, *events: Event) -> str | None:
        """Events arrive, as one delivery; whoever acted was met by the door."""
        for event in events:
            by = getattr(event, "by", None) or ""
            who = by.removeprefix("slack:") if by.startswith("slack:") else getattr(event, "slack_id", None)
            self.meet(*([who] if who is not None else []))
        said = self.reactions.react(self.session, events, self.now)
        self.session.flush()
        return said

    def turn(self, at: float) -> None:
        """Let time pass to so many minutes past noon: what is due is looked at."""
        from bot import work

        self.at = at
        for subject in work.due(self.session, self.now):
            self.reactions.due(self.session, subject, self.now)
        self.session.flush()

    # --- what happens ------------------------------------------------------------------------------------------

    def stage(self, sha: str, at: float | None = None, **more: Any) -> None:
        """A build is live in staging."""
        self.at = max(self.at, at if at is not None else self.at)
        self.tell(
            report(sha, "succeeded", self.at, number=more.pop("number", f"s{sha}"), environment="staging", **more)
        )

    def ship(self, sha: str, status: str = "succeeded", *, number: str | None = None, **more: Any) -> None:
        """The pipeline tells of a rollout in production."""
        self.tell(report(sha, status, self.at, number=number or f"p{sha}", began=more.pop("began", self.at), **more))

    def read(self, *arriving: Any, found: Range | None = None) -> None:
        """The forge tells what the open promotion carries; without anything, one change by Ana."""
        promotion = self.only(State.OPEN)
        self.numbers += 1
        answer = found or carrying(*(arriving or (pull(self.numbers, promotion.sha),)))
        ranges.range_read(self.session, self.desk, promotion.id or 0, promotion.base_sha, answer, self.now)
        self.reactions.settle(self.session, self.now)
        self.session.flush()

    def raised(self, sha: str = "b", live: str = "a", *arriving: Any) -> Promotion:
        """A promotion of one build over another, read, at the end of its soak."""
        self.lives(live)
        self.at += 1
        self.stage(sha)
        self.read(*arriving)
        return self.only(State.OPEN)

    def lives(self, live: str = "a") -> None:
        """A build has been live everywhere for days."""
        for environment in ("production", "staging"):
            number = f"{environment}{live}"
            self.tell(report(live, "succeeded", DAYS_AGO, number=number, environment=environment, source="before"))
        for deploy in self.session.exec(select(Deploy)).all():
            deploys.range_read(self.session, self.catalog, deploy.id or 0, deploy.previous_sha, carrying(), self.now)
        self.reactions.settle(self.session, self.now)

    def act(self, act: Act, who: str = "U0DEE", promotion: Promotion | None = None, **more: Any) -> str:
        """Somebody clicks what they see now."""
        promotion = promotion or self.present()
        seen = more.pop("seen", None)
        event = PromotionActed(
            act=act,
            promotion=promotion.id or 0,
            seen=gathering.seen_now(self.session, self.desk, promotion) if seen is None else seen,
            slack_id=who,
            called=LOGINS[who].capitalize(),
            reason=more.pop("reason", None),
            at=self.now,
        )
        said = self.tell(event)
        assert said is not None
        return said

    def refused(self, act: Act, who: str = "U0DEE", promotion: Promotion | None = None, **more: Any) -> str:
        """The same, and it is refused: what they are told. Nothing is kept of it."""
        with self.session.begin_nested() as savepoint:
            try:
                said = self.act(act, who, promotion, **more)
            except UserError as refusal:
                savepoint.rollback()
                self.session.info.pop("touched", None)
                return str(refusal)
        raise AssertionError(f"it was not refused: {said}")

    def ask(self, sha: str | None = None, by: str | None = "slack:U0ANA", environment: str | None = None) -> str:
        """/ship promote."""
        event = PromotionRequested(service="oven", environment=environment, sha=sha, by=by, via=Via.SLASH, at=self.now)
        said = self.tell(event)
        assert said is not None
        return said

    def roll_back(self, to: int | None = None, leaves: str | None = None, who: str = "U0ANA") -> str:
        """/ship rollback."""
        event = RollbackRequested(
            service="oven", environment=None, to_deploy=to, leaves=leaves, reason="5xx", slack_id=who, at=self.now
        )
        said = self.tell(event)
        assert said is not None
        return said

    def call(self) -> list[Call]:
        """Do what calls are due, as the effect does with a pipeline that takes them: what it was asked."""
        made = []
        for effect in self.effects(DEPLOY):
            if effect.due_at is not None and effect.due_at > self.now:
                continue
            call = calling.prepare(self.session, self.desk, effect.data, self.now)
            self.reactions.settle(self.session, self.now)
            if call is not None:
                calling.started(self.session, self.desk, effect.data, call.order, Started("deployment:1"), self.now)
                made.append(call.order)
            effect.state = SendState.DONE.value
            self.reactions.settle(self.session, self.now)
            self.session.flush()
        self.called += made
        return made

    # --- what is seen ------------------------------------------------------------------------------------------

    def present(self) -> Promotion:
        """The latest promotion."""
        return self.session.exec(select(Promotion).order_by(col(Promotion.id).desc())).all()[0]

    def only(self, state: State) -> Promotion:
        """The only promotion in a state."""
        return self.session.exec(select(Promotion).where(Promotion.state == state.value)).one()

    def states(self) -> list[tuple[str, str]]:
        """Every promotion's build and state, in order."""
        rows = self.session.exec(select(Promotion).order_by(col(Promotion.id))).all()
        return [(row.sha[:1], row.state) for row in rows]

    def effects(self, kind: str) -> Sequence[Effect]:
        """What is still to be done of a kind."""
        return self.session.exec(
            select(Effect).where(Effect.kind == kind, Effect.state == SendState.PENDING.value).order_by(col(Effect.id))
        ).all()

    def said(self) -> list[str]:
        """What was said of promotions in their channel, in order."""
        notes = self.session.exec(select(Note).where(Note.kind == "promotion_said").order_by(col(Note.id))).all()
        return [note.data["said"] for note in notes if note.place == self.service.channel]

    def heard(self, place: str) -> list[str]:
        """What somebody was told of promotions."""
        notes = self.session.exec(select(Note).where(Note.place == place).order_by(col(Note.id))).all()
        return [note.data["said"] for note in notes if note.kind == "promotion_said"]

    def cards(self, kind: str = "promotion") -> list[tuple[str, str]]:
        """Cards of a kind: subject and place."""
        rows = self.session.exec(select(Card).where(Card.kind == kind).order_by(col(Card.id))).all()
        return [(row.subject, row.place) for row in rows]


def world(session: Session, **more: Any) -> World:
    """A world in which the service differs in this from the usual one."""
    return World(session, replace(OVEN, **more))


__all__ = ["GATES", "LOGINS", "OVEN", "World", "outbox", "sha_of", "world"]
