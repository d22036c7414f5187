"""Situations for tests of gates: one in which every gate is open, and what strategies make of all the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from bot.gates import (
    AlertFact,
    Approval,
    Batch,
    ChangeFact,
    CheckFact,
    Freeze,
    FreezeFact,
    Gate,
    Group,
    GroupFact,
    Health,
    Lock,
    LockFact,
    Order,
    Reentry,
    Run,
    Situation,
    Smoke,
    Soak,
    Staging,
    Train,
    TrainFact,
    TrainState,
    Unbuilt,
    Vote,
)
from bot.ports import Direction

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def change(
    label: str = "#812", *wrote: str, lines: int | None = 10, merged: str | None = None, coauthored: str | None = None
) -> ChangeFact:
    """A change that these GitHub logins wrote, by default Ana."""
    names = frozenset(f"github:{login}" for login in wrote or ("ana",))
    by_merger = frozenset({f"github:{merged}"}) if merged else frozenset[str]()
    together = frozenset({f"github:{coauthored}"}) if coauthored else frozenset[str]()
    return ChangeFact(
        label=label, lines=lines, wrote=names | by_merger | together, coauthored=together, merged=by_merger
    )


def run(
    *changes: ChangeFact,
    rollback: bool = False,
    unread: bool = False,
    truncated: int = 0,
    direction: Direction | None = Direction.AHEAD,
    requested_by: frozenset[str] = frozenset(),
    unnamed: str = "",
    reentries: tuple[Reentry, ...] = (),
) -> Run:
    """checkout on its way to production with these changes, by default one of Ana's."""
    return Run(
        service="checkout",
        environment="production",
        sha="a1b2c3",
        rollback=rollback,
        seen="now",
        requested_by=requested_by,
        unnamed=unnamed,
        changes=None if unread else changes or (change(),),
        truncated=truncated,
        direction=direction,
        reentries=reentries,
    )


def vote(
    login: str,
    minutes: float = -1,
    *,
    seen: str = "now",
    saw: tuple[str, ...] = ("#812",),
    proven: bool = True,
    full: bool = True,
    trouble: str | None = None,
    names: frozenset[str] = frozenset(),
) -> Vote:
    """The yes of somebody who is called, and known to Slack and GitHub, by this name."""
    return Vote(
        person=f"U0{login.upper()}",
        called=login.capitalize(),
        at=at(minutes),
        seen=seen,
        names=names | {f"github:{login}"},
        proven=proven,
        full=full,
        trouble=trouble,
        saw=saw,
    )


def group(name: str, *logins: str, trouble: str | None = None) -> GroupFact:
    """A group of these people."""
    return GroupFact(name=name, members=frozenset(f"U0{login.upper()}" for login in logins), trouble=trouble)


def situation(
    of: Run | None = None,
    *votes: Vote,
    now: datetime = NOON,
    staging: Staging | None = None,
    checks: tuple[CheckFact, ...] = (),
    locks: tuple[LockFact, ...] = (),
    freezes: tuple[FreezeFact, ...] = (),
    groups: Mapping[str, GroupFact] | None = None,
    approvers: tuple[str, ...] = (),
    alerts: tuple[AlertFact, ...] = (),
    train: TrainFact | None = None,
) -> Situation:
    """What is known at noon of a promotion that nothing holds but its approvals."""
    return Situation(
        now=now,
        run=of or run(),
        staging=staging or Staging(environment="staging", succeeded_at=at(-60)),
        checks=checks,
        locks=locks,
        freezes=freezes,
        votes=votes,
        groups=groups or {},
        approvers=approvers,
        alerts=alerts,
        train=train,
    )


def lock(
    number: int = 1,
    *,
    ends: float | None = 60,
    ended: bool = False,
    rollbacks: bool = True,
    scope: str = "checkout",
    who: tuple[str, ...] = ("U0DEE",),
) -> LockFact:
    """A lock of Dee's."""
    return LockFact(
        id=number,
        scope=scope,
        reason="rollback in progress",
        owner="Dee",
        began_at=at(-30),
        ends_at=None if ends is None else at(ends),
        ended=ended,
        rollbacks=rollbacks,
        who=who,
    )


# --- everything that can be ---------------------------------------------------------------------------------------

LOGINS = ("ana", "ben", "chi", "dee", "eve")
WORDS = ("@leads", "@security", "on-call", "U0DEE")
INSTANTS = st.integers(-300, 300).map(at)
_LOGIN = st.sampled_from(LOGINS)
_NAMES = st.frozensets(_LOGIN.map("github:{}".format), max_size=3)

CHANGES = st.builds(
    ChangeFact,
    label=st.sampled_from([f"#{number}" for number in range(812, 820)]),
    lines=st.none() | st.integers(0, 900),
    wrote=_NAMES,
    coauthored=_NAMES,
    merged=_NAMES,
)
RUNS = st.builds(
    Run,
    service=st.just("checkout"),
    environment=st.just("production"),
    sha=st.just("a1b2c3"),
    rollback=st.booleans(),
    seen=st.just("now"),
    requested_by=_NAMES,
    unnamed=st.sampled_from(["", "as deploy[bot]"]),
    changes=st.none() | st.lists(CHANGES, max_size=7, unique_by=lambda one: one.label).map(tuple),
    truncated=st.integers(0, 2),
    direction=st.none() | st.sampled_from(Direction),
    reentries=st.lists(
        st.builds(Reentry, label=st.just("#812"), left_at=INSTANTS, answered=st.booleans()), max_size=2
    ).map(tuple),
)
LOCKS = st.builds(
    lock, st.integers(1, 3), ends=st.none() | st.integers(-60, 60), ended=st.booleans(), rollbacks=st.booleans()
)
VOTES = st.builds(
    vote,
    _LOGIN,
    st.integers(-300, 5),
    seen=st.sampled_from(["now", "now", "before"]),
    saw=st.lists(st.sampled_from(["#812", "#813", "#814"]), max_size=3, unique=True).map(tuple),
    proven=st.booleans(),
    full=st.booleans(),
    names=_NAMES,
)
GROUP_FACTS = st.builds(
    GroupFact,
    name=st.sampled_from(["leads", "security"]),
    members=st.none() | st.frozensets(_LOGIN.map(lambda login: f"U0{login.upper()}"), max_size=4),
    trouble=st.none() | st.just("Slack does not answer"),
)
TRAINS = st.builds(
    TrainFact,
    name=st.just("web"),
    scheduled_at=st.none() | INSTANTS,
    state=st.sampled_from(TrainState),
    aboard=st.booleans(),
    hotfix=st.booleans(),
    stage_waits_for=st.lists(st.sampled_from(["cart", "search"]), max_size=2, unique=True).map(tuple),
    reason=st.none() | st.just("search smoke failed"),
    held_by=st.none() | st.just("Chi"),
    who=st.just(("U0CHI",)),
)
SITUATIONS = st.builds(
    Situation,
    now=st.just(NOON),
    run=RUNS,
    staging=st.builds(Staging, environment=st.none() | st.just("staging"), succeeded_at=st.none() | INSTANTS),
    checks=st.lists(
        st.builds(
            CheckFact, name=st.sampled_from(["e2e", "unit"]), passed=st.sampled_from([None, True, False]), at=INSTANTS
        ),
        max_size=3,
    ).map(tuple),
    locks=st.lists(LOCKS, max_size=2).map(tuple),
    freezes=st.lists(st.builds(FreezeFact, begins=INSTANTS, ends=INSTANTS, reason=st.just("Holidays")), max_size=3).map(
        tuple
    ),
    votes=st.lists(VOTES, max_size=5, unique_by=lambda one: one.person).map(tuple),
    groups=st.dictionaries(st.sampled_from(WORDS), GROUP_FACTS, max_size=4),
    approvers=st.lists(st.sampled_from(WORDS), max_size=2, unique=True).map(tuple),
    alerts=st.lists(st.builds(AlertFact, name=st.just("5xx"), since=INSTANTS, source=st.just("api")), max_size=2).map(
        tuple
    ),
    train=st.none() | TRAINS,
)
APPROVALS = st.builds(
    Approval,
    st.integers(1, 3),
    st.sampled_from([timedelta(0), timedelta(hours=4)]),
    st.lists(
        st.builds(
            Group, st.lists(st.sampled_from(WORDS), min_size=1, max_size=2, unique=True).map(tuple), st.integers(1, 2)
        ),
        max_size=3,
    ).map(tuple),
    st.integers(0, 2),
)
GATES: st.SearchStrategy[tuple[Gate, ...]] = st.tuples(
    st.just(Lock()),
    st.just(Freeze()),
    st.just(Order()),
    st.just(Soak(timedelta(minutes=30))),
    st.just(Smoke(("e2e", "unit"))),
    st.builds(Batch, st.none() | st.integers(1, 5), st.none() | st.integers(1, 900)),
    APPROVALS,
    st.just(Train()),
    st.just(Health()),
    st.just(Unbuilt("risk")),
).flatmap(lambda gates: st.lists(st.sampled_from(gates), unique_by=lambda gate: gate.name).map(tuple))
