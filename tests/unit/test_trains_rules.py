"""Rules of release trains: who boards and why others do not, what may be done, who conducts, what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import OnFailure, Train, Turns
from bot.departures.states import LEGAL, Outcome, State
from bot.events import TrainAct
from bot.gates import Blocked, Judged, Open, Verdict, Waiting
from bot.trains.boarding import Behind, Boarding, BuildFact, Candidate, ChangeAboard, Left, Pick, Removal, board
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
from tests.unit.situations import at

LEAVES = at(60)
WEB = Train(
    name="web",
    services=("checkout", "cart"),
    to="production",
    departs=("0 14 * * *",),
    zone=ZoneInfo("UTC"),
    stages=(("cart",), ("checkout",)),
)
SMOKE_FAILED = Blocked("e2e failed")
SOAKS_ON = Waiting("soaks in staging for 30 min", until=at(80))
SOAKED_BY_THEN = Waiting("soaks in staging for 30 min", until=LEAVES)
NOT_REPORTED = Waiting("e2e has not reported")


def change(number: int) -> ChangeAboard:
    """The change of this number."""
    return ChangeAboard(number, f"#{number}")


def changes(*numbers: int) -> tuple[ChangeAboard, ...]:
    """These changes."""
    return tuple(change(number) for number in numbers)


def build(sha: str, *numbers: int, verdicts: Sequence[Verdict] = (), **more: object) -> BuildFact:
    """A build that brings these changes; with nothing else said it may go."""
    judged = tuple(Judged(f"gate {place}", verdict) for place, verdict in enumerate(verdicts))
    return replace(
        BuildFact(sha=sha, changes=changes(*numbers), succeeded_at=at(-60), verdicts=judged),
        **more,  # type: ignore[arg-type]
    )


def checkout(*builds: BuildFact, **more: object) -> Candidate:
    """Checkout with these builds, the newest first."""
    return replace(Candidate(service="checkout", builds=builds), **more)  # type: ignore[arg-type]


def cart(*builds: BuildFact) -> Candidate:
    """Cart with these builds."""
    return Candidate(service="cart", builds=builds)


def left(number: int, reason: str, service: str = "checkout", until: float | None = None) -> Left:
    """A change that stays behind."""
    return Left(change(number), service, reason, None if until is None else at(until))


@pytest.mark.parametrize(
    ("candidates", "capacity", "boarding"),
    [
        pytest.param([], None, Boarding(), id="nobody"),
        pytest.param(
            [checkout(build("b", 1, 2), build("a", 1))],
            None,
            Boarding((Pick("checkout", "b", changes(1, 2)),)),
            id="the newest",
        ),
        pytest.param(
            [checkout(build("a", 1)), cart(build("c", 3))],
            None,
            Boarding((Pick("cart", "c", changes(3)), Pick("checkout", "a", changes(1)))),
            id="in the order of the stages",
        ),
        pytest.param(
            [checkout(build("b", 1, 2, verdicts=[SOAKS_ON]), build("a", 1))],
            None,
            Boarding((Pick("checkout", "a", changes(1)),), (left(2, "soak ends after it leaves", until=80),)),
            id="the newest soaks on: the one before goes",
        ),
        pytest.param(
            [checkout(build("a", 1, verdicts=[Open("passed"), SOAKED_BY_THEN]))],
            None,
            Boarding((Pick("checkout", "a", changes(1)),)),
            id="its soak ends as it leaves",
        ),
        pytest.param(
            [checkout(build("a", 1, verdicts=[SOAKS_ON, SMOKE_FAILED, NOT_REPORTED]))],
            None,
            Boarding((), (left(1, "e2e failed"),)),
            id="what somebody must mend is told first",
        ),
        pytest.param(
            [checkout(build("a", 1, verdicts=[SOAKS_ON, NOT_REPORTED]))],
            None,
            Boarding((), (left(1, "e2e has not reported"),)),
            id="then what has no end",
        ),
        pytest.param(
            [checkout(build("b", 1, 2, verdicts=[SOAKS_ON]), build("a", 1, verdicts=[SMOKE_FAILED]))],
            None,
            Boarding(
                (), (left(1, "soak ends after it leaves", until=80), left(2, "soak ends after it leaves", until=80))
            ),
            id="a fix that soaks is told rather than what it mends",
        ),
        pytest.param(
            [checkout(build("b", 1, 2, verdicts=[NOT_REPORTED]), build("a", 1, verdicts=[SMOKE_FAILED]))],
            None,
            Boarding((), (left(1, "e2e failed"), left(2, "e2e has not reported"))),
            id="else each hears of the first build that has it",
        ),
        pytest.param(
            [checkout(build("a", 1), locked="checkout is locked by Dee: rehearsal", locked_until=at(90))],
            None,
            Boarding((), (left(1, "checkout is locked by Dee: rehearsal", until=90),)),
            id="locked",
        ),
        pytest.param(
            [checkout(build("a", 1), behind=(Behind(change(2), "not built yet"),))],
            None,
            Boarding((Pick("checkout", "a", changes(1)),), (left(2, "not built yet"),)),
            id="merged, not built",
        ),
        pytest.param(
            [checkout(build("a", 1, refused="rejected by Dee"))],
            None,
            Boarding((), (left(1, "rejected by Dee"),)),
            id="somebody said no to it",
        ),
        pytest.param(
            [checkout(build("a", 1, succeeded_at=None))],
            None,
            Boarding((), (left(1, "not built yet"),)),
            id="not there",
        ),
        pytest.param(
            [checkout(build("b", 1, 2), build("a", 1), removed=(Removal(2, "removed by Chi: too early"),))],
            None,
            Boarding((Pick("checkout", "a", changes(1)),), (left(2, "removed by Chi: too early"),)),
            id="one removed: the build without it goes",
        ),
        pytest.param(
            [checkout(build("b", 1, 2), build("a", 1), removed=(Removal(1, "removed by Chi: too early"),))],
            None,
            Boarding((), (left(1, "removed by Chi: too early"), left(2, "removed by Chi: too early"))),
            id="no build without it: all of it waits",
        ),
        pytest.param(
            [
                checkout(
                    build("a", 1),
                    behind=(Behind(change(2), "not built yet"),),
                    removed=(Removal(None, "removed by Chi: slow"),),
                )
            ],
            None,
            Boarding((), (left(1, "removed by Chi: slow"), left(2, "removed by Chi: slow"))),
            id="a whole service removed",
        ),
        pytest.param(
            [checkout(build("b", 1, 2), build("a", 1)), cart(build("d", 8, 9))],
            3,
            Boarding(
                (Pick("cart", "d", changes(8, 9)), Pick("checkout", "a", changes(1))),
                (left(2, "the train is full (3)"),),
            ),
            id="full: an older build goes",
        ),
        pytest.param(
            [checkout(build("b", 1, 2)), cart(build("d", 8, 9))],
            3,
            Boarding(
                (Pick("cart", "d", changes(8, 9)),),
                (left(1, "the train is full (3)"), left(2, "the train is full (3)")),
            ),
            id="full: a service stays",
        ),
        pytest.param(
            [checkout(build("b", 8, 9)), cart(build("d", 8, 9))],
            2,
            Boarding((Pick("cart", "d", changes(8, 9)), Pick("checkout", "b", changes(8, 9)))),
            id="a change of two services takes one room",
        ),
        pytest.param(
            [checkout(build("b", 1, truncated=2))], 2, Boarding((), (left(1, "the train is full (2)"),)), id="unlisted"
        ),
        pytest.param(
            [checkout(build("b", read=False))],
            2,
            Boarding((), (Left(None, "checkout", "what it carries is not read yet"),)),
            id="nobody knows whether there is room",
        ),
        pytest.param(
            [checkout(build("b", read=False))],
            None,
            Boarding((Pick("checkout", "b", ()),)),
            id="where there is room for all it need not be known",
        ),
        pytest.param([checkout(build("b"))], None, Boarding(), id="nothing in it is this service's"),
        pytest.param([Candidate(service="search", builds=(build("b", 1),))], None, Boarding(), id="not of this train"),
    ],
)
def test_who_boards_and_why_the_others_do_not(
    candidates: list[Candidate], capacity: int | None, boarding: Boarding
) -> None:
    """Everybody hears why, and when it is over where that is known."""
    assert board(replace(WEB, capacity=capacity), candidates, LEAVES) == boarding


VERDICTS: st.SearchStrategy[list[Verdict]] = st.lists(
    st.sampled_from([Open("open"), SMOKE_FAILED, SOAKS_ON, SOAKED_BY_THEN, NOT_REPORTED]), max_size=2
)


@st.composite
def candidate(draw: st.DrawFn, service: str, first: int) -> Candidate:
    """A service whose builds each bring what the ones before do, and more."""
    known: list[int] = []
    builds: list[BuildFact] = []
    for sha in "abc"[: draw(st.integers(0, 3))]:
        known += range(first + len(known), first + len(known) + draw(st.integers(0, 3)))
        fact = build(f"{service}-{sha}", *known, verdicts=draw(VERDICTS))
        refused = draw(st.none() | st.just("rejected by Dee"))
        builds.insert(0, replace(fact, refused=refused, truncated=draw(st.integers(0, 1)), read=draw(st.booleans())))
    return Candidate(
        service=service,
        builds=tuple(builds),
        behind=tuple(Behind(change(first + 50 + more), "not built yet") for more in range(draw(st.integers(0, 2)))),
        locked=draw(st.none() | st.just("locked")),
        removed=tuple(
            draw(st.lists(st.builds(Removal, st.none() | st.integers(first, first + 9), st.just("off")), max_size=1))
        ),
    )


CANDIDATES = st.tuples(candidate("checkout", 0), candidate("cart", 100))
CAPACITIES = st.none() | st.integers(1, 6)


@given(CANDIDATES, CAPACITIES)
def test_everybody_is_aboard_or_hears_why(found: tuple[Candidate, ...], capacity: int | None) -> None:
    """Each change of each service once: in the build that goes, or with a reason."""
    boarding = board(replace(WEB, capacity=capacity), found, LEAVES)
    for one in found:
        aboard = [seat.id for pick in boarding.aboard if pick.service == one.service for seat in pick.changes]
        behind = [each.change.id for each in boarding.left if each.service == one.service and each.change is not None]
        known = {seat.id for each in one.builds for seat in each.changes} | {each.change.id for each in one.behind}
        assert sorted([*aboard, *behind]) == sorted(known)
    assert all(each.reason for each in boarding.left)


@given(CANDIDATES, CAPACITIES)
def test_nothing_boards_that_may_not(found: tuple[Candidate, ...], capacity: int | None) -> None:
    """What goes is open by then, has room, and nothing newer could have gone instead of it."""
    boarding = board(replace(WEB, capacity=capacity), found, LEAVES)
    taken = {pick.service: pick for pick in boarding.aboard}
    assert [pick.service for pick in boarding.aboard] == [one for one in ("cart", "checkout") if one in taken]
    for one in found:
        fine = [
            each.sha
            for each in one.builds
            if one.locked is None
            and each.refused is None
            and all(judged.verdict in (Open("open"), SOAKED_BY_THEN) for judged in each.verdicts)
            and not any(off.change in (None, *(seat.id for seat in each.changes)) for off in one.removed)
        ]
        assert one.service not in taken or taken[one.service].sha in fine
        if capacity is None and one.service not in taken:
            assert not any(
                each.sha in fine and (each.changes or each.truncated or not each.read) for each in one.builds
            )
    if capacity is not None:
        unlisted = sum(
            each.truncated for one in found for each in one.builds for pick in boarding.aboard if each.sha == pick.sha
        )
        assert len({seat.id for pick in boarding.aboard for seat in pick.changes}) + unlisted <= capacity


@given(CANDIDATES, st.integers(1, 6))
def test_more_room_never_leaves_the_first_stage_worse(found: tuple[Candidate, ...], capacity: int) -> None:
    """Whoever leaves first is seated first."""
    few, all_of_them = (board(replace(WEB, capacity=most), found, LEAVES) for most in (capacity, None))
    seated = [
        {seat.id for pick in one.aboard if pick.service == "cart" for seat in pick.changes}
        for one in (few, all_of_them)
    ]
    assert seated[0] <= seated[1]


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
