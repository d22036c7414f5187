"""Whatever happens to locks: the facts never say free while one holds, nor the reverse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, select

from bot.errors import UserError
from bot.events import LockAct
from bot.locks import scopes, service
from bot.locks.models import Lock
from tests.unit.locking import CATALOG, DEE, EVE, act, due, failed, lock, settled
from tests.unit.stores import NOON

# --- whatever happens ---------------------------------------------------------------------------------------------


@dataclass
class Expected:
    """What a lock comes to by the words of the README, kept apart from the code that is judged."""

    ends_at: datetime | None
    state: str = "holds"
    by_itself: bool = False
    causes: list[str] = field(default_factory=list)
    """What one that set itself stands for, the latest last."""


@dataclass
class Story:
    """One history of the locks on a service, and what must be held back after each step."""

    session: Session
    now: datetime = NOON
    locks: dict[int, Expected] = field(default_factory=dict)

    def step(self, what: str, who: str, minutes: int, pick: int) -> None:
        """One act, so many minutes after the last; which lock it is about is picked among those there are."""
        self.now += timedelta(minutes=minutes)
        for one in self.locks.values():
            if one.state == "holds" and one.ends_at is not None and one.ends_at <= self.now:
                one.state = "go"
        number = sorted(self.locks)[pick % len(self.locks)] if self.locks else 0
        with suppress(UserError):  # a refusal changes nothing, which the facts must show
            getattr(self, what)(who, number, pick)
        self.session.flush()

    def place(self, who: str, number: int, pick: int) -> None:
        length = timedelta(minutes=[5, 60, 600][pick % 3])
        lock(self.session, ["checkout", "everything"][pick % 2], by=who, at=self.now, until=self.now + length)
        scope = ["service", "everything"][pick % 2]
        rows = self.session.exec(select(Lock).where(Lock.owner == who, Lock.scope_kind == scope)).all()
        self.locks[max(row.id or 0 for row in rows)] = Expected(self.now + length)

    def lift(self, who: str, number: int, pick: int) -> None:
        act(self.session, LockAct.LIFT, number, by=who, at=self.now)
        one = self.locks[number]
        if one.state != "over" and not (one.by_itself and one.state == "go"):
            one.causes.clear()
            one.state = "go" if one.by_itself else "over"

    def extend(self, who: str, number: int, pick: int) -> None:
        act(self.session, LockAct.EXTEND, number, by=who, at=self.now)
        one = self.locks[number]
        assert one.ends_at is not None
        assert one.state != "over"
        one.ends_at, one.state = max(one.ends_at, self.now) + timedelta(hours=4), "holds"

    def go(self, who: str, number: int, pick: int) -> None:
        act(self.session, LockAct.GO, number, by=who, at=self.now)
        assert self.locks[number].state != "holds"
        self.locks[number].state = "over"

    def clock(self, who: str, number: int, pick: int) -> None:
        due(self.session, self.now)

    def fails(self, who: str, number: int, pick: int) -> None:
        cause = f"failure:{pick % 3}"
        if failed(self.session, cause, self.now):
            standing = [one.id or 0 for one in scopes.standing(self.session) if one.owner is None]
            assert len(standing) == 1, "one for all that failed"
            before = self.locks.get(standing[0])
            causes = before.causes if before is not None and before.state == "holds" else []
            for one in self.locks.values():
                if one.by_itself and one.state == "go":  # the new one's Go is its own too
                    one.state = "over"
            self.locks[standing[0]] = Expected(None, by_itself=True, causes=[*causes, cause])

    def mends(self, who: str, number: int, pick: int) -> None:
        cause = f"failure:{pick % 3}"
        service.lift_cause(self.session, CATALOG, cause, self.now)
        for one in self.locks.values():
            if one.state == "holds" and cause in one.causes:
                one.causes.remove(cause)
                held = any(other.state == "holds" for other in self.locks.values() if other is not one)
                one.state = "holds" if one.causes else "over" if held else "go"


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """A database in memory, for stories that are told again and again."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    yield engine
    engine.dispose()


STEPS = st.tuples(
    st.sampled_from(["place", "place", "lift", "extend", "go", "clock", "fails", "mends"]),
    st.sampled_from([DEE, EVE]),
    st.sampled_from([0, 1, 4, 30, 400]),
    st.integers(0, 5),
)


@given(st.lists(STEPS, max_size=25))
def test_the_facts_never_say_free_while_a_lock_holds_or_a_go_is_wanted(
    memory: Engine, steps: list[tuple[str, str, int, int]]
) -> None:
    """Nor the reverse, whether or not the clock came in between; and no lock is nagged twice for one end."""
    with Session(memory) as session:
        settled(session)
        story = Story(session)
        for what, who, minutes, pick in steps:
            story.step(what, who, minutes, pick)
            found = service.facts_for(session, CATALOG, "checkout", "production", None, story.now)
            wanted = {number: one.state == "go" for number, one in story.locks.items() if one.state != "over"}
            assert {fact.id: fact.ended for fact in found} == wanted
            due(session, story.now)
            again = service.facts_for(session, CATALOG, "checkout", "production", None, story.now)
            assert {fact.id: fact.ended for fact in again} == wanted
        session.rollback()
