"""Two runs of one build wait at GitHub: whatever is lost, a yes lets in the one that was called, and no other."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.catalog import PromoteThrough
from bot.events import Act, GateRequested, RunEnded
from bot.gates import Approval, Lock, Order
from bot.outbox import Effect
from bot.ports import Started
from bot.promotions import calling
from bot.promotions.calling import Call
from bot.promotions.models import GateRequest, State
from tests.unit.promoting import World, sha_of, world
from tests.unit.reports import REPO

ENDS, ASKS_AGAIN, ANOTHER = "99 ends", "99 asks again", "100 asks"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: the target is held throughout."""
    return sqlite_url


def asks(here: World, run: int) -> None:
    """A run of the build waits."""
    event = GateRequested(
        repo=REPO, run=run, environment="production", sha=sha_of("b"), callback_url="https://api.github.com/x",
        at=here.now,
    )  # fmt: skip
    here.tell(event)


def happens(here: World, what: str) -> None:
    """Something becomes of the runs."""
    here.at += 0.1
    match what:
        case "99 ends":
            here.tell(RunEnded(repo=REPO, run=99, attempt=1, cancelled=False, at=here.now))
        case "99 asks again":
            asks(here, 99)
        case _:
            asks(here, 100)


def called(session: Session, *before: str) -> tuple[World, Effect]:
    """A call that lets in run 99 was begun, and nobody wrote down what came of it."""
    here = world(session, promote_through=PromoteThrough.GITHUB_ENVIRONMENT, gates=(Lock(), Order(), Approval()))
    here.raised()
    asks(here, 99)
    for what in before:
        happens(here, what)
    here.act(Act.APPROVE)
    here.at += 1
    (effect,) = here.effects("deploy")
    call = prepared(here, effect)
    assert (call.since, call.order.run) == (None, 99)
    return here, effect


def prepared(here: World, effect: Effect) -> Call:
    """The effect is done (again)."""
    call = calling.prepare(here.session, here.desk, effect.data, here.now)
    assert call is not None
    return call


def requests(here: World) -> list[tuple[int, str | None]]:
    """Every question, by its run, and what it came to."""
    rows = here.session.exec(select(GateRequest).order_by(col(GateRequest.id))).all()
    return [(row.run, row.outcome) for row in rows]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), ()),
        ((), (ENDS,)),
        ((), (ANOTHER,)),
        ((), (ENDS, ANOTHER)),
        ((), (ENDS, ASKS_AGAIN)),
        ((ANOTHER,), ()),
        ((ANOTHER,), (ENDS,)),
        ((ANOTHER,), (ENDS, ASKS_AGAIN)),
    ],
)
def test_a_retry_asks_after_the_run_that_was_called(
    session: Session, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """It may have been let in and have ended since: the next one that waits must not follow it."""
    here, effect = called(session, *before)
    for what in after:
        happens(here, what)
    again = prepared(here, effect)
    assert again.since is not None
    assert again.order.run == 99
    waiting = [run for run, outcome in requests(here) if outcome is None]
    calling.started(session, here.desk, effect.data, again.order, Started("run:99"), here.now)
    assert here.present().state == State.ROLLING
    stays = waiting if ENDS in after else [run for run in waiting if run != 99]
    assert [run for run, outcome in requests(here) if outcome is None] == stays, "only what was called is over"


@pytest.mark.parametrize(
    ("after", "following"), [((), 99), ((ANOTHER,), 99), ((ENDS, ANOTHER), 100), ((ANOTHER, ENDS, ASKS_AGAIN), 100)]
)
def test_a_call_that_certainly_was_not_made_chooses_afresh(
    session: Session, after: tuple[str, ...], following: int
) -> None:
    """Nothing was let in by it: the first that waits now is."""
    here, effect = called(session)
    for what in after:
        happens(here, what)
    since = prepared(here, effect).since
    assert since is not None
    call = calling.prepare_again(session, here.desk, effect.data, since, here.now)
    assert call is not None
    assert call.order.run == following
    calling.started(session, here.desk, effect.data, call.order, Started(f"run:{following}"), here.now)
    assert [run for run, outcome in requests(here) if outcome == "approved"] == [following]
