"""A small world in which a train runs: two services, their builds, a timetable, a conductor, a clock turned by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from bot import work
from bot.catalog import Catalog, Conductors, PromoteThrough, Service, Team, Train
from bot.departures.models import Departure, Passenger
from bot.deploys import service as deploys
from bot.deploys.models import Change, Deploy, Target
from bot.deploys.views import RangeState
from bot.errors import UserError
from bot.events import Act, Event, Human, MergedPull, PromotionActed, TrainAct, TrainActed
from bot.gates import Approval, Freeze, Health, Lock, Order, Soak
from bot.gates import Train as Gate
from bot.outbox import Note
from bot.promotions import gathering, ranges
from bot.promotions.models import Promotion, State
from bot.trains import conducting
from tests.unit.promoting import DAYS_AGO, LOGINS, PEOPLE, World
from tests.unit.reports import ANA, carrying, minute, pull, report, sha_of

GATES = (Lock(), Freeze(), Order(), Soak(timedelta(minutes=30)), Approval(), Health(), Gate())
BAKERS = Team(name="bakers", channel="#bakers", approvers=("U0DEE", "U0EVE"))


def carried(name: str, **more: Any) -> Service:
    """A service that goes by train."""
    usual = Service(
        name=name, channel="#bakers", repo=f"bakery/{name}", environments=("staging", "production"), gates=GATES,
        promote_through=PromoteThrough.GITHUB_DEPLOYMENT, team=BAKERS, undo=timedelta(),
    )  # fmt: skip
    return replace(usual, **more)


WEB = Train(
    name="web",
    services=("cart", "checkout"),
    to="production",
    departs=("0 14,16 * * *",),
    zone=ZoneInfo("UTC"),
    stages=(("cart", "checkout"),),
    channel="#releases",
    boarding_closes=timedelta(minutes=15),
    conductors=Conductors(rota=("U0CHI",), backup="U0EVE"),
)
STAGED = replace(WEB, stages=(("cart",), ("checkout",)))
"""The same, in which checkout leaves after cart."""


@dataclass
class Railway(World):
    """One bot's reactions over one session; minutes past noon. The train leaves at minute 120 and seals at 105."""

    train: Train | None = WEB
    services: tuple[Service, ...] = (carried("cart"), carried("checkout"))
    pulls: dict[str, list[MergedPull]] = field(default_factory=dict)

    @property
    def catalog(self) -> Catalog:
        """The catalogue with these services and, where there is one, the train."""
        return Catalog(
            default_channel="#deploys",
            unknown=Service(name="unknown", channel="#deploys", known=False),
            services={service.name: service for service in self.services},
            teams={BAKERS.name: BAKERS},
            people=PEOPLE,
            trains={self.train.name: self.train} if self.train is not None else {},
        )

    def turn(self, at: float) -> None:
        """Let time pass to so many minutes past noon: what is due on the way is done at its time."""
        until = minute(at)
        for _ in range(1000):
            due = work.next_due(self.session)
            if due is None or due > until:
                break
            self.at = max(self.at, (due - minute(0)).total_seconds() / 60)
            for subject in work.due(self.session, self.now):
                self.reactions.due(self.session, subject, self.now)
            self.session.flush()
        else:
            raise AssertionError("the clock never comes to rest")
        self.at = at

    def sleep(self, at: float) -> None:
        """Nobody is there until so many minutes past noon; then the bot starts."""
        self.at = at
        self.start()

    def start(self) -> None:
        """The bot starts: the configuration is read, and what is due is done."""
        self.reactions.begin(self.session, self.now)
        self.session.flush()
        self.turn(self.at)

    # --- what happens ------------------------------------------------------------------------------------------

    def opened(self) -> Railway:
        """Old builds are live everywhere, everybody is known to Slack, and the bot has started at noon.

        Where that was so before, the bot starts again with what is configured now.
        """
        if self.session.exec(select(Deploy.id).limit(1)).first() is not None:
            self.start()
            return self
        self.meet(*LOGINS)
        for service in self.services:
            for environment in ("production", "staging"):
                self.deployed(service.name, "a", "succeeded", environment, DAYS_AGO)
        self.start()
        return self

    def built(self, service: str, sha: str, number: int, author: Human = ANA) -> None:
        """A pull request is merged and its build succeeds in staging now."""
        self.at += 0.1
        merged = pull(number, sha, author=author)
        self.pulls.setdefault(service, []).append(merged)
        self.deployed(service, sha, "succeeded", "staging", self.at, merged)

    def deployed(
        self, service: str, sha: str, status: str, environment: str, at: float, *merged: MergedPull, **more: Any
    ) -> None:
        """The pipeline tells of a rollout, and the forge what it brought."""
        number = more.pop("number", f"{service}-{environment}-{sha}")
        self.tell(
            report(
                sha, status, at, number=number, environment=environment, service=service, repo=f"bakery/{service}",
                began=at, **more,
            )
        )  # fmt: skip
        for deploy in self.session.exec(select(Deploy).where(Deploy.range == RangeState.READING.value)).all():
            deploys.range_read(
                self.session, self.catalog, deploy.id or 0, deploy.previous_sha, carrying(*merged), self.now
            )
        self.reactions.settle(self.session, self.now)
        self.session.flush()

    def rolls(self, service: str, status: str) -> None:
        """The pipeline tells of the rollout of what is on its way to production."""
        promotion = self.of(service)
        self.deployed(service, promotion.sha[:1], status, "production", self.at, promotion=promotion.id)

    def told(self) -> None:
        """The forge tells what every open promotion carries."""
        for promotion in self.session.exec(select(Promotion).where(Promotion.range == RangeState.READING.value)).all():
            target = self.session.get(Target, promotion.target)
            assert target is not None
            merged = self.pulls.get(target.service, [])
            place = next((at for at, one in enumerate(merged) if one.sha == promotion.sha), -1)
            ranges.range_read(
                self.session, self.desk, promotion.id or 0, promotion.base_sha, carrying(*merged[: place + 1]), self.now
            )
        self.reactions.settle(self.session, self.now)
        self.session.flush()

    def yes(self, *services: str, who: str = "U0DEE") -> None:
        """Somebody approves these."""
        for service in services:
            promotion = self.of(service)
            seen = gathering.seen_now(self.session, self.desk, promotion)
            self.tell(
                PromotionActed(
                    act=Act.APPROVE, promotion=promotion.id or 0, seen=seen, slack_id=who,
                    called=LOGINS[who].capitalize(), at=self.now,
                )
            )  # fmt: skip

    def sealed(self) -> Departure:
        """Two changes were built in time, boarding has closed, and the forge has told what they are.

        Where that was so before, it goes on from there, by the stages of the present train.
        """
        if self.departures():
            self.pulls = {"cart": [pull(812, "b")], "checkout": [pull(820, "c")]}
            self.at = 105
            assert self.train is not None
            self.departure().stages = [list(stage) for stage in self.train.stages]
            return self.departure()
        self.opened()
        self.built("cart", "b", 812)
        self.built("checkout", "c", 820)
        self.turn(105)
        self.told()
        return self.departure()

    def ready(self) -> Departure:
        """The same, and everything is approved."""
        departure = self.sealed()
        self.yes("cart", "checkout")
        return departure

    def conduct(self, act: TrainAct, who: str = "U0CHI", departure: Departure | None = None, **more: Any) -> str:
        """Somebody acts on a departure, the latest unless said, as they see it now."""
        departure = departure or self.departure()
        self.session.refresh(departure)
        event = TrainActed(
            act=act, departure=departure.id or 0, seen=conducting.seen_of(self.session, self.desk, departure),
            slack_id=who, called=LOGINS[who].capitalize(), at=self.now, **more,
        )  # fmt: skip
        said = self.tell(event)
        assert said is not None
        return said

    def no(self, act: TrainAct, who: str = "U0CHI", departure: Departure | None = None, **more: Any) -> str:
        """The same, and it is refused: what they are told. Nothing is kept of it."""
        with self.session.begin_nested() as savepoint:
            try:
                said = self.conduct(act, who, departure, **more)
            except UserError as refusal:
                savepoint.rollback()
                self.session.info.pop("touched", None)
                return str(refusal)
        raise AssertionError(f"it was not refused: {said}")

    def events(self, *events: Event) -> str | None:
        """Anything else happens."""
        return self.tell(*events)

    # --- what is seen ------------------------------------------------------------------------------------------

    def departures(self) -> Sequence[Departure]:
        """Every departure, in order."""
        return self.session.exec(select(Departure).order_by(col(Departure.id))).all()

    def departure(self) -> Departure:
        """The latest departure."""
        return self.departures()[-1]

    def came_to(self) -> list[tuple[datetime, str, str | None]]:
        """Every departure's time, state and outcome."""
        return [(one.scheduled_at, one.state, one.outcome) for one in self.departures()]

    def of(self, service: str) -> Promotion:
        """The latest promotion of a service."""
        return self.session.exec(
            select(Promotion)
            .join(Target, col(Promotion.target) == col(Target.id))
            .where(Target.service == service)
            .order_by(col(Promotion.id).desc())
        ).all()[0]

    def where(self, departure: Departure | None = None) -> list[tuple[str, str, str, str | None]]:
        """Every passenger of a departure: label, service, state, reason."""
        rows = self.session.exec(
            select(Passenger, Change)
            .join(Change, col(Passenger.change) == col(Change.id))
            .where(Passenger.departure == (departure or self.departure()).id)
            .order_by(col(Passenger.position))
        ).all()
        return [(change.label, row.service, row.state, row.reason) for row, change in rows]

    def notes(self, kind: str) -> list[tuple[str, str]]:
        """What was said of a kind, in order: what, and where."""
        rows = self.session.exec(select(Note).where(Note.kind == kind).order_by(col(Note.id))).all()
        return [(note.data["said"], note.place) for note in rows]

    def aloud(self) -> list[str]:
        """What was said of departures in their channel."""
        return [said for said, _ in self.notes("departure_said")]

    def states_of(self) -> dict[str, str]:
        """Where the latest promotion of each service stands."""
        rows = self.session.exec(
            select(Target.service, Promotion.state)
            .join(Promotion, col(Promotion.target) == col(Target.id))
            .order_by(col(Promotion.id))
        ).all()
        return dict(rows)


def railway(session: Session, train: Train | None = WEB, **more: Any) -> Railway:
    """A world in which this train runs; ``more`` is what differs of it."""
    return Railway(session, train=replace(train, **more) if train is not None else None)


__all__ = ["STAGED", "WEB", "Railway", "State", "railway", "sha_of"]
