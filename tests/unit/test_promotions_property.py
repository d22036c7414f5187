"""No path, in any state, promotes forward with a closed gate or by its own author: over generated histories.

What may ship is told by a second account of the same history, kept here by hand in the plainest way. So that much does
ship, histories are full of builds that are all but ready: what happens next decides.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, func, select

from bot.alerts import service as alerts
from bot.catalog import PromoteThrough, Supersede
from bot.errors import UserError
from bot.events import (
    Act,
    AlertReported,
    FreezeDeclared,
    FreezeLifted,
    GateRequested,
    Human,
    LockAct,
    LockActed,
    LockPlaced,
    RunEnded,
)
from bot.gates import Approval, Freeze, Gate, Health, Lock, Order, Soak
from bot.locks import scopes
from bot.locks import service as locks
from bot.promotions import service as promotions
from bot.promotions.models import Promotion, State
from tests.unit.promoting import LOGINS, World, world
from tests.unit.reports import ANA, BEN, BOT, CHI, REPO, carrying, pull, sha_of
from tests.unit.together import agrees

DEE, EVE = Human(login="dee", name="Dee"), Human(login="eve", name="Eve")
BUILDS: Mapping[str, Mapping[str, Any]] = {
    "b": {"author": ANA},
    "c": {"author": BEN, "coauthors": (DEE,)},
    "d": {"author": BOT, "merger": CHI},
    "e": {"author": ANA, "merger": EVE},
}
WROTE = {"b": {"ana"}, "c": {"ben", "dee"}, "d": {"chi"}, "e": {"ana"}}
"""Whose yes cannot count: authors, co-authors, and whoever merged for a bot."""

SHAS = "bcde"
PEOPLE = ("U0ANA", "U0BEN", "U0CHI", "U0DEE", "U0EVE")
FOUR_HOURS = timedelta(hours=4)
STATUSES = ("in_progress", "succeeded", "failed")
WAYS = (PromoteThrough.GITHUB_DEPLOYMENT, PromoteThrough.GITHUB_ENVIRONMENT, PromoteThrough.ARGO_ROLLOUTS)


@dataclass
class History:
    """A history as it is made, and its second account: who said yes to what and when, what was staged, what is braked.

    ``carries`` has for each promotion what it was read to carry from which base, and who wrote that.
    """

    here: World
    policy: Sequence[Gate]
    staged: dict[str, datetime] = field(default_factory=dict)
    yes: dict[int, dict[str, tuple[datetime, Any]]] = field(default_factory=dict)
    carries: dict[int, tuple[Any, frozenset[str]]] = field(default_factory=dict)
    askers: dict[int, str] = field(default_factory=dict)
    frozen: list[tuple[datetime, datetime]] = field(default_factory=list)
    firing: bool = False
    down: bool = False
    """Whether nobody can call anything just now."""
    shipped: int = 0

    # --- steps -------------------------------------------------------------------------------------------------

    def stage(self, sha: str) -> None:
        """A build is live in staging."""
        self.staged.setdefault(sha, self.here.now)
        self.here.stage(sha, number=f"s{sha}{self.here.at}")

    def read(self, more: frozenset[str]) -> None:
        """The forge tells what is aboard of what is open."""
        promotion = self._waiting()
        if promotion is None:
            return
        aboard = sorted({promotion.sha[0], *more} & set(BUILDS)) or ["b"]
        self.here.read(found=carrying(*(pull(800 + ord(sha), sha, **BUILDS[sha]) for sha in aboard)))
        wrote = frozenset[str]().union(*(WROTE[sha] for sha in aboard))
        self.carries[promotion.id or 0] = ((promotion.base_sha, tuple(aboard)), wrote)

    def act(self, how: tuple[Act, str, bool]) -> None:
        """Somebody clicks on the latest promotion, as it is or as it was."""
        act, who, present = how
        latest = self.last()
        promotion = self.here.session.get(Promotion, latest) if latest is not None else None
        if promotion is None or latest is None:
            return
        said = self.here.act(act, who, promotion, reason="because", **({} if present else {"seen": "stale"}))
        if act is Act.APPROVE and latest in self.carries and said.startswith("Approved"):
            self.yes.setdefault(latest, {})[who] = (self.here.now, self.carries[latest][0])
        elif act is Act.UNDO:
            self.yes.get(latest, {}).pop(who, None)

    def approve(self, who: str) -> None:
        """The act that matters most."""
        self.act((Act.APPROVE, who, True))

    def ready(self, how: tuple[str, tuple[str, ...], str, str | None]) -> None:
        """Everything is done that a build needs to ship, but for one thing that may be left out, or go wrong."""
        sha, approvers, without, asker = how
        rolling = self._in(State.ROLLING)
        if rolling is not None:
            self.here.ship(rolling.sha[0], "succeeded", promotion=rolling.id, number=f"r{rolling.id}")
        self.unlock("U0BEN")
        self.alert(without == "health")
        self.thaw("U0BEN")
        if asker is not None:
            with suppress(UserError):
                self.ask((sha, asker))
        self.stage(sha)
        if without != "read":
            self.read(frozenset())
        if without != "soak":
            self.time(31)
        self.run((sha, self.here.numbers))
        for who in approvers:
            with suppress(UserError):
                self.approve(who)
        if without == "expiry":  # nobody was there to look at the time: the bot was down
            self.here.at += 245
        elif without == "freeze":
            self.freeze(20)
            self.here.at += 30

    def outage(self, down: bool) -> None:
        """The pipeline cannot be reached, or can again: what is due meanwhile is called late."""
        self.down = down

    def freeze(self, after: int) -> None:
        """Somebody declares a freeze of an hour."""
        begins, ends = (self.here.now + timedelta(minutes=after + more) for more in (0, 60))
        self.here.tell(
            FreezeDeclared(
                service="oven", begins=begins, ends=ends, reason="fair", slack_id="U0BEN", called="Ben",
                at=self.here.now,
            )
        )  # fmt: skip
        self.frozen.append((begins, ends))

    def thaw(self, who: str) -> None:
        """Every freeze is lifted."""
        for one in locks.standing_freezes(self.here.session, self.here.now):
            self.here.tell(FreezeLifted(freeze=one.id or 0, slack_id=who, called=who, at=self.here.now))
        self.frozen.clear()

    def lock(self, who: str) -> None:
        """Somebody locks the service."""
        here = self.here
        here.tell(
            LockPlaced(
                scope="oven", reason="wait", ends_at=None, rollbacks=True, slack_id=who, called=who, channel=None,
                at=here.now,
            )
        )  # fmt: skip

    def unlock(self, who: str) -> None:
        """Every lock is lifted, and the Go given."""
        for lock in scopes.standing(self.here.session):
            for act in (LockAct.LIFT, LockAct.GO):
                event = LockActed(act=act, lock=lock.id, scope=None, slack_id=who, called=who, at=self.here.now)
                with suppress(UserError):
                    self.here.tell(event)

    def alert(self, fires: bool) -> None:
        """One alert fires, or every one that fired is over."""
        here, self.firing = self.here, fires
        began = [(f"f{here.at}", here.now)] if fires else []
        over = (
            []
            if fires
            else [(one.fingerprint, one.started_at) for one in alerts.firing(here.session, "oven", {"production"})]
        )
        for fingerprint, started_at in [*began, *over]:
            here.tell(
                AlertReported(
                    source="grafana", fingerprint=fingerprint, service="oven", name="5xx", started_at=started_at,
                    resolved_at=None if fires else here.now, at=here.now,
                )
            )  # fmt: skip

    def time(self, minutes: int) -> None:
        """Time passes."""
        self.here.turn(self.here.at + minutes)

    def ship(self, how: tuple[str, str]) -> None:
        """Somebody's pipeline rolls out by itself."""
        sha, status = how
        self.here.ship(sha, status, number=f"p{sha}{self.here.at}")

    def ask(self, how: tuple[str, str]) -> None:
        """Somebody asks for a build."""
        sha, who = how
        before = self.last()
        self.here.ask(sha_of(sha), f"slack:{who}", "production")
        latest = self.last()
        if latest is not None and latest != before:
            self.askers[latest] = who

    def run(self, how: tuple[str, int]) -> None:
        """A run waits before the environment."""
        sha, run = how
        here = self.here
        here.tell(
            GateRequested(repo=REPO, run=run, environment="production", sha=sha_of(sha), callback_url="x", at=here.now)
        )

    def end(self, run: int) -> None:
        """A run is over."""
        self.here.tell(RunEnded(repo=REPO, run=run, attempt=1, cancelled=True, at=self.here.now))

    def back(self, who: str) -> None:
        """Somebody declares a rollback."""
        self.here.roll_back(who=who)

    def poll(self, sha: str) -> None:
        """A pipeline asks: a yes to it is a way to production like any other."""
        here = self.here
        answer = promotions.ask(here.session, here.desk, "oven", "production", sha_of(sha))
        promotion = here.session.get(Promotion, answer.promotion) if answer.promotion is not None else None
        if answer.state == "approved":
            assert promotion is not None, "a yes to what nobody asked for"
            if not promotion.rollback:
                self.may(promotion.id or 0, sha)

    # --- what may ship -----------------------------------------------------------------------------------------

    def may(self, number: int, sha: str) -> None:
        """AssertionError unless this may ship now."""
        here = self.here
        for gate in self.policy:
            match gate:
                case Lock():
                    assert not scopes.standing(here.session), "locked"
                case Soak():
                    assert here.now - self.staged[sha] >= gate.at_least, "soaking"
                case Freeze():
                    assert not [one for one in self.frozen if one[0] <= here.now < one[1]], "frozen"
                case Health():
                    assert not self.firing, "an alert fires"
                case Order():
                    assert number in self.carries, "what it carries was never read"
                case Approval():
                    self._approved(number, gate)

    def _approved(self, number: int, gate: Approval) -> None:
        promotion = self.here.session.get(Promotion, number)
        assert promotion is not None
        carried, wrote = self.carries[number]
        assert carried[0] == promotion.base_sha, "something else is live by now"
        counting = [
            person
            for person, (at, saw) in self.yes.get(number, {}).items()
            if saw == carried
            and self.here.now < at + FOUR_HOURS
            and LOGINS[person] not in wrote
            and self.askers.get(number) != person
        ]
        assert len(counting) >= gate.count, f"{self.yes.get(number)} of what {sorted(wrote)} wrote: {carried}"

    def last(self) -> int | None:
        """The latest promotion's number."""
        return self.here.session.exec(select(func.max(Promotion.id))).one()

    def calls(self) -> None:
        """Whatever call is due is made; AssertionError where it was not to be."""
        for call in () if self.down else self.here.call():
            if not call.rollback:
                self.shipped += 1
                self.may(call.promotion, call.sha[0])

    def _waiting(self) -> Promotion | None:
        return self._in(State.OPEN)

    def _in(self, state: State) -> Promotion | None:
        return self.here.session.exec(select(Promotion).where(Promotion.state == state.value)).first()


def step(name: str, what: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    """One kind of step, with what it is about."""
    return st.tuples(st.just(name), what)


ANYBODY = st.sampled_from(PEOPLE)
BUILD = st.sampled_from(SHAS)
OFTEN = st.one_of(
    step("stage", BUILD),
    step("read", st.frozensets(BUILD, max_size=2)),
    step("approve", ANYBODY),
    step("approve", st.sampled_from(("U0DEE", "U0EVE"))),
    step("time", st.just(31)),
    step("ship", st.tuples(BUILD, st.just("succeeded"))),
    step("unlock", ANYBODY),
    step("alert", st.just(False)),
)
"""What brings a promotion on its way."""
READY = st.tuples(
    BUILD,
    st.sampled_from([("U0DEE",), ("U0EVE",), ("U0EVE", "U0BEN"), ("U0ANA", "U0CHI"), ("U0DEE", "U0EVE"), PEOPLE, ()]),
    st.sampled_from(["nothing", "nothing", "nothing", "read", "soak", "health", "expiry", "freeze"]),
    st.sampled_from([None, None, None, "U0DEE", "U0EVE"]),
)
STEPS = st.one_of(
    step("ready", READY),
    step("ready", READY),
    step("ready", READY),
    step("outage", st.booleans()),
    step("freeze", st.sampled_from([0, 20])),
    step("thaw", ANYBODY),
    OFTEN,
    OFTEN,
    OFTEN,
    step("stage", BUILD),
    step("read", st.frozensets(BUILD, max_size=2)),
    step("act", st.tuples(st.sampled_from(sorted(Act)), ANYBODY, st.booleans())),
    step("approve", ANYBODY),
    step("lock", ANYBODY),
    step("unlock", ANYBODY),
    step("alert", st.booleans()),
    step("time", st.sampled_from([1, 31, 245])),
    step("ship", st.tuples(BUILD, st.sampled_from(STATUSES))),
    step("ask", st.tuples(BUILD, ANYBODY)),
    step("run", st.tuples(BUILD, st.integers(1, 3))),
    step("end", st.integers(1, 3)),
    step("back", ANYBODY),
    step("poll", BUILD),
)
OTHERS = st.lists(st.sampled_from([Lock(), Freeze(), Order(), Soak(timedelta(minutes=30)), Health()]), unique=True)
POLICIES = st.builds(lambda others, count: (*others, Approval(count=count)), OTHERS, st.sampled_from([1, 1, 2]))


@cache
def empty() -> bytes:
    """A database with every table and nothing in them, made once."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    with engine.connect() as connection:
        made = _driver(connection).serialize()
    engine.dispose()
    return made


@contextmanager
def memory() -> Iterator[Session]:
    """A session of a database that is gone afterwards."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.connect() as connection:
        _driver(connection).deserialize(empty())
    with Session(engine) as session:
        yield session
    engine.dispose()


def _driver(connection: Any) -> sqlite3.Connection:
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


def told(
    policy: tuple[Gate, ...],
    steps: Sequence[tuple[str, Any]],
    through: PromoteThrough,
    supersede: Supersede = Supersede.NEVER,
) -> int:
    """Live through a history, looking after each step at what is called; how often something shipped forward."""
    with memory() as session:
        here = world(session, gates=policy, promote_through=through, supersede=supersede)
        history = History(here, policy)
        here.lives()
        history.staged["a"] = here.now - timedelta(days=3)
        for name, what in steps:
            with session.begin_nested() as savepoint:
                try:
                    getattr(history, name)(what)
                except UserError:
                    savepoint.rollback()
                    session.info.pop("touched", None)
            here.at += 0.5
            history.calls()
            agrees(session, here.desk)
        return history.shipped


@given(
    policy=POLICIES,
    steps=st.lists(STEPS, min_size=5, max_size=15),
    through=st.sampled_from(WAYS),
    supersede=st.sampled_from(list(Supersede)),
)
@settings(
    max_examples=settings().max_examples // 3,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_nothing_ships_with_a_closed_gate_or_by_its_author(
    policy: tuple[Gate, ...], steps: list[tuple[str, Any]], through: PromoteThrough, supersede: Supersede
) -> None:
    """Whatever is done, in whatever order; and after each step whatever call is due is made."""
    event(f"shipped {told(policy, steps, through, supersede)}")


ALL = (Lock(), Freeze(), Order(), Soak(timedelta(minutes=30)), Approval(), Health())


@pytest.mark.parametrize("through", WAYS)
@pytest.mark.parametrize(
    ("build", "approvers", "without", "asker", "ships"),
    [
        ("b", ("U0DEE",), "nothing", None, 1),
        ("b", ("U0DEE",), "nothing", "U0EVE", 1),
        ("b", (), "nothing", None, 0),
        ("b", ("U0ANA",), "nothing", None, 0),
        ("c", ("U0DEE",), "nothing", None, 0),
        ("d", ("U0CHI",), "nothing", None, 0),
        ("e", ("U0EVE",), "nothing", None, 1),
        ("b", ("U0DEE",), "nothing", "U0DEE", 0),
        ("b", ("U0DEE",), "read", None, 0),
        ("b", ("U0DEE",), "soak", None, 0),
        ("b", ("U0DEE",), "health", None, 0),
        ("b", ("U0DEE",), "expiry", None, 0),
        ("b", ("U0DEE",), "freeze", None, 0),
    ],
    ids=[
        "ready", "somebody-else-asked", "no-yes", "its-author", "its-co-author", "merged-it-for-a-bot",
        "merged-a-colleague's", "asked-for-it", "never-read", "soaking", "an-alert-fires", "called-late-expired",
        "called-late-frozen",
    ],
)  # fmt: skip
def test_whatever_one_thing_is_missing_it_does_not_ship(
    through: PromoteThrough, build: str, approvers: tuple[str, ...], without: str, asker: str | None, ships: int
) -> None:
    """And with nothing missing it does: by each way, also where the call comes after an outage."""
    assert told(ALL, [("ready", (build, approvers, without, asker)), ("poll", build)], through) == ships
