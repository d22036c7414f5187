"""What the train gate is told of a promotion, from the rows of departures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from bot.catalog import Catalog, Train
from bot.departures.loading import next_boarding, train_fact
from bot.departures.models import Departure, TrainRow
from bot.departures.states import State
from bot.deploys.models import Target
from bot.gates import TrainFact, TrainState
from tests.unit.promoting import OVEN
from tests.unit.reports import catalog, minute

WEB = Train(
    name="web",
    services=("oven", "till"),
    to="production",
    departs=("0 14,16 * * *",),
    zone=ZoneInfo("UTC"),
    stages=(("till",), ("oven",)),
    boarding_closes=timedelta(minutes=15),
)
TRAINS: Catalog = replace(catalog(OVEN), trains={"web": WEB})
TWO, FOUR = minute(120), minute(240)
PRODUCTION = Target(service="oven", environment="production")
CREW = ("U0CHI", "U0EVE")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a gate is told is the same on either engine."""
    return sqlite_url


def at_two(session: Session, state: State = State.SEALED, **more: Any) -> int:
    """The departure at 14:00, with the till and the oven aboard, in this state."""
    row = TrainRow(name="web", timetable="{}", reckoned_until=TWO, channel="#bakers")
    session.add(row)
    session.flush()
    departure = Departure(
        train=row.id or 0, scheduled_at=TWO, local="2026-03-02T14:00:00", zone="UTC", state=state.value,
        stages=[["till"], ["oven"]], conductor="U0CHI", backup="U0EVE", **more,
    )  # fmt: skip
    session.add(departure)
    session.flush()
    return departure.id or 0


def fact(session: Session, departure: int | None, *, asked: bool = False, known: Catalog = TRAINS) -> TrainFact | None:
    """What is told of the oven at noon."""
    return train_fact(session, known, PRODUCTION, departure, asked, minute(0))


SEALED = TrainFact(
    name="web", scheduled_at=TWO, state=TrainState.SEALED, aboard=True, stage_waits_for=("till",), who=CREW
)


def test_where_no_train_goes_there_is_nothing_to_tell(session: Session) -> None:
    """Staging is left to the pipeline."""
    assert fact(session, None, known=catalog(OVEN)) is None
    assert train_fact(session, TRAINS, Target(service="oven", environment="staging"), None, False, minute(0)) is None


@pytest.mark.parametrize("asked", [False, True])
def test_what_is_not_aboard_is_told_of_the_next_that_it_could_board(session: Session, asked: bool) -> None:
    """Whether somebody asked for it besides the train is told too."""
    boarding = TrainFact(name="web", scheduled_at=TWO, state=TrainState.BOARDING, aboard=False, hotfix=asked)
    assert fact(session, None, asked=asked) == boarding
    at_two(session)
    assert fact(session, None, asked=asked) == replace(boarding, scheduled_at=FOUR)


def test_the_next_is_one_whose_list_is_not_closed(session: Session) -> None:
    """A departure that was not sealed in time is still it, until it is dealt with."""
    assert next_boarding(session, WEB, minute(119)) == TWO
    at_two(session)
    assert next_boarding(session, WEB, minute(30)) == FOUR
    assert next_boarding(session, WEB, minute(600)) == minute(26 * 60)


def test_a_timetable_that_is_over_has_no_next(session: Session) -> None:
    """Nobody is promised one."""
    over = replace(WEB, departs=("DTSTART:20200105T100000\nRRULE:FREQ=DAILY;COUNT=3",))
    assert next_boarding(session, over, minute(0)) is None


@pytest.mark.parametrize(
    ("state", "more", "expected"),
    [
        pytest.param(State.SEALED, {}, SEALED, id="sealed"),
        pytest.param(
            State.HELD,
            {"hold_owner": "U0DEE", "hold_called": "Dee", "hold_reason": "slow"},
            replace(SEALED, state=TrainState.HELD, reason="slow", held_by="Dee", who=("U0DEE", *CREW)),
            id="held by a person",
        ),
        pytest.param(
            State.HELD,
            {"hold_reason": "till: e2e failed", "hold_waits": {"till": "e2e failed"}},
            replace(SEALED, state=TrainState.HELD, reason="till: e2e failed"),
            id="held by what is closed",
        ),
        pytest.param(
            State.HELD,
            {
                "hold_reason": "oven: approval: needs 1 yes; till: smoke: e2e failed; till: run 9",
                "hold_waits": {"oven": "approval: needs 1 yes", "till": "smoke: e2e failed; till: run 9"},
            },
            replace(SEALED, state=TrainState.HELD, reason="till: smoke: e2e failed; till: run 9"),
            id="its own gates say what it waits for itself",
        ),
        pytest.param(
            State.HELD,
            {"hold_reason": "oven: approval: needs 1 yes", "hold_waits": {"oven": "approval: needs 1 yes"}},
            replace(SEALED, state=TrainState.HELD, reason=None),
            id="held by nothing but its own gates",
        ),
        pytest.param(State.DEPARTED, {}, replace(SEALED, state=TrainState.DEPARTED), id="its stage comes later"),
        pytest.param(
            State.DEPARTED,
            {"stage": 1},
            replace(SEALED, state=TrainState.DEPARTED, stage_waits_for=()),
            id="its stage is reached",
        ),
        pytest.param(
            State.DEPARTED,
            {"stopped_reason": "till failed"},
            replace(SEALED, state=TrainState.DEPARTED, reason="till failed"),
            id="stopped",
        ),
        pytest.param(
            State.DEPARTED,
            {"stage": 1, "returning_at": minute(130)},
            replace(SEALED, state=TrainState.DEPARTED, stage_waits_for=(), reason="what it brought is taken back"),
            id="on its way back",
        ),
        pytest.param(
            State.DEPARTED,
            {"stage": 1, "over_freeze": "Chi", "over_freeze_at": minute(130)},
            replace(
                SEALED,
                state=TrainState.DEPARTED,
                stage_waits_for=(),
                over_freeze="Chi",
                over_freeze_at=minute(130),
            ),
            id="over a freeze",
        ),
    ],
)
def test_what_is_aboard_is_told_what_its_departure_does(
    session: Session, state: State, more: dict[str, Any], expected: TrainFact
) -> None:
    """Also once the catalogue knows the train no more: whatever is under way comes to its end."""
    departure = at_two(session, state, **more)
    assert fact(session, departure) == expected
    assert fact(session, departure, known=catalog(OVEN)) == expected


def test_what_was_aboard_waits_for_the_next_once_that_is_closed(session: Session) -> None:
    """So does what was taken off; and a number that names no departure carries nobody."""
    closed = at_two(session, State.CLOSED)
    waits = TrainFact(name="web", scheduled_at=FOUR, state=TrainState.BOARDING, aboard=False)
    assert fact(session, closed) == waits
    departure = session.get(Departure, closed)
    assert departure is not None
    departure.state, departure.stages = State.SEALED.value, [["till"]]
    assert fact(session, closed) == waits
    assert fact(session, closed + 1) == waits
