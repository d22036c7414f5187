"""Who boards a train, who does not, and why: a table, and what must hold of any list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Train
from bot.gates import Blocked, Judged, Open, Verdict, Waiting
from bot.trains.boarding import Behind, Boarding, BuildFact, Candidate, ChangeAboard, Left, Pick, Removal, board
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
