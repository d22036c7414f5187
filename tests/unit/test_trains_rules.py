"""What may be done with a departure, who conducts it, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from bot.catalog import OnFailure, Train, Turns
from bot.departures.states import LEGAL, Outcome, State
from bot.events import TrainAct
from bot.trains.rules import (
    Advance,
    Close,
    Crew,
    Leg,
    Onward,
    Return,
    Standing,
    Stop,
    Wait,
    crew,
    follow,
    may,
    repeats,
    stages_aboard,
)

WEB = Train(
    name="web",
    services=("checkout", "cart"),
    to="production",
    departs=("0 14 * * *",),
    zone=ZoneInfo("UTC"),
    stages=(("cart",), ("checkout",)),
)


# --- what may be done ---------------------------------------------------------------------------------------------

SEALED = Standing(state=State.SEALED)
DEPARTED = Standing(state=State.DEPARTED)


@pytest.mark.parametrize(
    ("standing", "acts"),
    [
        pytest.param(SEALED, "hold depart remove cancel", id="sealed"),
        pytest.param(
            replace(SEALED, batch=True, asks_ready=True), "hold depart remove cancel approve ready unready", id="asks"
        ),
        pytest.param(Standing(state=State.HELD), "hold depart remove cancel", id="held by what is closed"),
        pytest.param(Standing(state=State.HELD, held_by_person=True), "release remove cancel", id="held by a person"),
        pytest.param(DEPARTED, "", id="on its way"),
        pytest.param(replace(DEPARTED, stopped=True), "roll_on roll_back", id="stopped"),
        pytest.param(Standing(state=State.CLOSED, outcome=Outcome.MISSED), "run", id="missed"),
        pytest.param(Standing(state=State.CLOSED, outcome=Outcome.MISSED, ran=True), "", id="missed, run after all"),
        pytest.param(Standing(state=State.CLOSED, outcome=Outcome.ARRIVED), "", id="arrived"),
    ],
)
def test_what_may_be_done_follows_from_where_it_stands(standing: Standing, acts: str) -> None:
    """These are the buttons of its card."""
    assert may(standing) == {TrainAct(act) for act in acts.split()}


STANDINGS = [
    Standing(state=state, outcome=outcome, held_by_person=held and state is State.HELD, stopped=stopped, ran=ran)
    for state, held, stopped, ran in product(State, (True, False), (True, False), (True, False))
    for outcome in (Outcome if state is State.CLOSED else [None])
]


@pytest.mark.parametrize("act", TrainAct)
def test_what_was_done_is_not_offered_again(act: TrainAct) -> None:
    """A button that would change nothing is not there; whoever presses an old one is told so."""
    assert not any(repeats(act, standing) and act in may(standing) for standing in STANDINGS)


@pytest.mark.parametrize(
    ("act", "standing"),
    [
        (TrainAct.HOLD, Standing(state=State.HELD, held_by_person=True)),
        (TrainAct.RELEASE, SEALED),
        (TrainAct.DEPART, DEPARTED),
        (TrainAct.CANCEL, Standing(state=State.CLOSED, outcome=Outcome.CANCELLED)),
        (TrainAct.RUN, Standing(state=State.CLOSED, outcome=Outcome.MISSED, ran=True)),
        (TrainAct.ROLL_ON, DEPARTED),
        (TrainAct.ROLL_BACK, replace(DEPARTED, returning=True)),
    ],
)
def test_a_second_click_repeats_the_first(act: TrainAct, standing: Standing) -> None:
    """Where the first has brought it to."""
    assert repeats(act, standing)


def test_only_an_end_goes_nowhere() -> None:
    """And every state can come to one."""
    assert {state for state in State if not LEGAL.get(state)} == {State.CLOSED}
    assert all(State.CLOSED in LEGAL[state] for state in State if state is not State.CLOSED)


# --- who conducts -------------------------------------------------------------------------------------------------

MONDAY = date(2026, 11, 23)
ROTA = ("U0CHI", "U0DEE", "U0EVE")


def test_turns_pass_at_each_departure() -> None:
    """However many a day has; whoever is next stands in."""
    crews = [crew(Turns.DEPARTURE, ROTA, None, MONDAY, before) for before in range(4)]
    assert [one.conductor for one in crews] == ["U0CHI", "U0DEE", "U0EVE", "U0CHI"]
    assert [one.backup for one in crews] == ["U0DEE", "U0EVE", "U0CHI", "U0DEE"]


@pytest.mark.parametrize("size", range(1, 9))
def test_everybody_has_their_day(size: int) -> None:
    """Also of seven who depart from Monday to Friday only: nobody's day is always a Sunday."""
    rota = [f"U{number}" for number in range(size)]
    days = [MONDAY + timedelta(days=day) for day in range(7 * size)]
    turns = [crew(Turns.DAY, rota, None, day, 0).conductor for day in days if day.weekday() < 5]
    assert {turns.count(member) for member in rota} == {5}
    weekend = [crew(Turns.DAY, rota, None, MONDAY + timedelta(days=day), 9) for day in (4, 5, 6)]
    assert len(set(weekend)) == 1


def test_a_week_is_one_conductors_from_monday_to_sunday() -> None:
    """Whatever departs in it."""
    weeks = [
        [crew(Turns.WEEK, ROTA, None, MONDAY + timedelta(days=7 * week + day), day) for day in range(7)]
        for week in range(3)
    ]
    assert all(len(set(week)) == 1 for week in weeks)
    assert {week[0].conductor for week in weeks} == set(ROTA)


@pytest.mark.parametrize(
    ("members", "backup", "expected"),
    [
        pytest.param((), None, Crew(None, None), id="nobody"),
        pytest.param((), "U0FIN", Crew(None, "U0FIN"), id="only somebody who stands in"),
        pytest.param(("U0CHI",), None, Crew("U0CHI", None), id="alone"),
        pytest.param(("U0CHI", "U0CHI"), None, Crew("U0CHI", None), id="named twice"),
        pytest.param(ROTA, "U0FIN", Crew("U0CHI", "U0FIN"), id="somebody stands in"),
        pytest.param(ROTA, "U0CHI", Crew("U0CHI", "U0DEE"), id="who stands in conducts"),
    ],
)
def test_who_stands_in(members: tuple[str, ...], backup: str | None, expected: Crew) -> None:
    """Nobody stands in for themselves."""
    assert crew(Turns.DEPARTURE, members, backup, MONDAY, 0) == expected


# --- what comes of it ---------------------------------------------------------------------------------------------

STAGES = (("cart", "search"), ("checkout",))


def test_stages_without_anybody_aboard_are_left_out() -> None:
    """The others keep their order."""
    assert stages_aboard(WEB, ["Checkout"]) == (("checkout",),)
    assert stages_aboard(WEB, ["checkout", "cart"]) == WEB.stages
    assert stages_aboard(WEB, []) == ()


def legs(words: str) -> dict[str, Leg]:
    """What became of cart, search and checkout."""
    return dict(zip(("cart", "search", "checkout"), map(Leg, words.split()), strict=True))


@pytest.mark.parametrize(
    ("stage", "became", "on_failure", "onward"),
    [
        pytest.param(0, "waits moving waits", "hold", Wait(), id="the first stage is on its way"),
        pytest.param(0, "live waits waits", "hold", Wait(), id="one of it has not left"),
        pytest.param(0, "live live waits", "hold", Advance(1), id="the next stage"),
        pytest.param(1, "live live moving", "hold", Wait(), id="the last stage is on its way"),
        pytest.param(1, "live live live", "hold", Close(Outcome.ARRIVED), id="arrived"),
        pytest.param(0, "failed moving waits", "hold", Stop(("cart",)), id="hold: it stops at once"),
        pytest.param(0, "off live waits", "hold", Stop(("cart",)), id="somebody said no on the way"),
        pytest.param(1, "back live waits", "hold", Stop(("cart",)), id="somebody took it back on the way"),
        pytest.param(0, "failed moving waits", "rollback", Wait(), id="rollback: what moves comes to its end first"),
        pytest.param(
            0, "failed live waits", "rollback", Return(("search", "cart")), id="then the last goes back first"
        ),
        pytest.param(1, "live back failed", "rollback", Return(("checkout", "cart")), id="what is back stays back"),
        pytest.param(1, "back back back", "rollback", Close(Outcome.ROLLED_BACK), id="all are back"),
        pytest.param(0, "off off waits", "rollback", Close(Outcome.CANCELLED), id="nothing to take back"),
        pytest.param(1, "back stuck off", "rollback", Close(Outcome.FAILED), id="one did not go back"),
        pytest.param(0, "failed moving waits", "continue", Wait(), id="continue: the stage comes to its end"),
        pytest.param(0, "failed live waits", "continue", Advance(1), id="and the next leaves"),
        pytest.param(1, "failed live live", "continue", Close(Outcome.FAILED), id="it is told at the end"),
        pytest.param(1, "off live live", "continue", Close(Outcome.FAILED), id="so is what was called off"),
        pytest.param(1, "off off off", "continue", Close(Outcome.CANCELLED), id="all was called off"),
    ],
)
def test_what_comes_next(stage: int, became: str, on_failure: str, onward: Onward) -> None:
    """By what became of each service, and the policy."""
    assert follow(STAGES, stage, legs(became), OnFailure(on_failure)) == onward


def test_whoever_rolls_on_is_not_asked_again_about_the_same() -> None:
    """About another failure they are."""
    assert follow(STAGES, 0, legs("failed live waits"), OnFailure.HOLD, passed_over=["cart"]) == Advance(1)
    assert follow(STAGES, 1, legs("failed live failed"), OnFailure.HOLD, passed_over=["cart"]) == Stop(("checkout",))


def test_what_goes_back_goes_back_whatever_the_policy_says() -> None:
    """The conductor has decided, and nothing new leaves."""
    assert follow(STAGES, 0, legs("failed moving waits"), OnFailure.HOLD, returning=True) == Wait()
    back = follow(STAGES, 0, legs("failed live waits"), OnFailure.HOLD, returning=True)
    assert back == Return(("search", "cart"))
    assert follow(STAGES, 0, legs("back back waits"), OnFailure.HOLD, returning=True) == Close(Outcome.ROLLED_BACK)


@pytest.mark.parametrize("on_failure", OnFailure)
def test_every_departure_comes_to_an_end(on_failure: OnFailure) -> None:
    """Once nothing waits or moves it goes on, goes back, asks its conductor or is over: it never just waits."""
    settled = [Leg.LIVE, Leg.FAILED, Leg.OFF, Leg.BACK, Leg.STUCK]
    for stage, *became in product((0, 1), settled, settled, [*settled, Leg.WAITS]):
        known = dict(zip(("cart", "search", "checkout"), became, strict=True))
        onward = follow(STAGES, stage, known, on_failure)
        stays = stage == 1 and known["checkout"] is Leg.WAITS
        wrong = any(known[one] not in (Leg.LIVE, Leg.WAITS) for one in known)
        assert isinstance(onward, Wait) is (stays and (not wrong or on_failure is OnFailure.CONTINUE))
