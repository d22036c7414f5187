"""What a change may expect of a train: by hand, and whatever the histories and timetables are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.catalog import Train
from bot.timetable import departures
from bot.trains.forecast import (
    COARSE,
    Forecast,
    Frozen,
    History,
    Unknown,
    Way,
    When,
    catches,
    forecast,
    slowest,
)

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 3, 3, 11, 0, tzinfo=UTC)
"""A Tuesday's noon in Paris."""

MINUTE = timedelta(minutes=1)


def minutes(*lengths: float) -> History:
    """It took so many minutes each."""
    return History.of(timedelta(minutes=one) for one in lengths)


def at(clock: str, day: int = 3) -> datetime:
    """An instant by the clock of Paris, in that week."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 3, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


def train(*departs: str, closes: float = 15) -> Train:
    """A train of one service."""
    return Train(
        name="web", services=("checkout",), to="production", departs=departs or ("0 14,16 * * mon-fri",), zone=PARIS,
        stages=(("checkout",),), boarding_closes=timedelta(minutes=closes),
    )  # fmt: skip


def way(
    arrivals: Sequence[float] = (10, 10, 10, 10, 20), soak: float = 30, *rollouts: Sequence[float], undo: float = 0
) -> Way:
    """Ten minutes to staging but for one of twenty, half an hour of soak, and ten minutes of rollout unless said."""
    stages = rollouts or ((10, 10, 10, 10, 15),)
    return Way(
        arrivals=minutes(*arrivals), soak=timedelta(minutes=soak), rollouts=tuple(minutes(*one) for one in stages),
        undo=timedelta(minutes=undo),
    )  # fmt: skip


def told(found: Forecast) -> tuple[str | None, str | None, str | None, str | None]:
    """Which departure, which at worst, and from when until when it is live: by the clock of Paris."""
    return (
        clock(found.departs.at if found.departs else None),
        clock(found.at_worst.at if found.at_worst else None),
        clock(found.live.at if found.live else None),
        clock(found.live.latest if found.live else None),
    )


def clock(instant: datetime | None) -> str | None:
    """An instant by the clock of Paris."""
    return f"{instant.astimezone(PARIS):%H:%M}" if instant is not None else None


@pytest.mark.parametrize(
    ("lengths", "usual", "nine_in_ten"),
    [
        ((), None, None),
        ((7,), 7, 7),
        ((1, 3), 2, 3),
        ((5, 1, 3), 3, 5),
        (tuple(range(1, 11)), 5.5, 9),
        (tuple(range(1, 21)), 10.5, 18),
        ((-4,), 0, 0),
    ],
)
def test_what_is_usual_is_the_median_and_nine_in_ten_did_not_exceed_the_other(
    lengths: tuple[float, ...], usual: float | None, nine_in_ten: float | None
) -> None:
    history = minutes(*lengths)
    expected = [timedelta(minutes=one) if one is not None else None for one in (usual, nine_in_ten)]
    assert [history.usual, history.nine_in_ten] == expected


@pytest.mark.parametrize(
    ("merged", "expected"),
    [
        pytest.param("13:00", ("14:00", "14:00", "14:10", "14:15"), id="sure, also where it takes long"),
        pytest.param("13:15", ("14:00", "16:00", "14:10", "16:15"), id="soaked just before it leaves, or just not"),
        pytest.param("13:21", ("16:00", "16:00", "16:10", "16:15"), id="the soak ends too late"),
        pytest.param("15:50", ("10:00", "10:00", "10:10", "10:15"), id="the next day's first"),
    ],
)
def test_it_catches_the_first_departure_that_it_has_soaked_for(
    merged: str, expected: tuple[str, str, str, str]
) -> None:
    merged_at = at(merged)
    found = forecast(train("0 10,14,16 * * mon-fri"), way(), merged_at, merged_at=merged_at)
    assert told(found) == expected
    assert found.unknown is None


def test_without_a_soak_it_must_be_there_when_boarding_closes() -> None:
    """Boarding closes at 13:45, and it takes ten minutes: who merges at 13:36 comes a minute late."""
    for merged, departs in (("13:35", "14:00"), ("13:36", "16:00")):
        found = forecast(train(), way((10,), 0), at(merged), merged_at=at(merged))
        assert told(found)[0] == departs


def test_what_is_there_already_only_has_to_soak() -> None:
    found = forecast(train(), way(()), at("13:30"), merged_at=at("09:00"), staged_at=at("13:20"))
    assert (told(found)[0], found.staged, found.sure) == ("14:00", When(at("13:20"), at("13:20")), True)


def test_a_departure_whose_list_is_closed_is_not_caught() -> None:
    found = forecast(
        train(), way(), at("13:46"), merged_at=at("09:00"), staged_at=at("09:10"), sealed_until=at("14:00")
    )
    assert told(found)[0] == "16:00"


def test_a_merge_to_come_is_reckoned_from_then() -> None:
    assert told(forecast(train(), way(), NOON, merged_at=at("15:10")))[0] == "16:00"


def test_what_takes_long_already_is_like_those_that_did() -> None:
    """Of ten, ten, ten, ten and twenty minutes only the last took longer than twelve."""
    found = forecast(train(), way(), at("13:12"), merged_at=at("13:00"))
    assert found.staged == When(at("13:20"), at("13:20"), few=True)
    assert found.departs is not None
    assert found.departs.at == at("14:00")


def test_what_takes_longer_than_any_did_is_said_to_be_unknown() -> None:
    found = forecast(train(), way(), at("13:20"), merged_at=at("13:00"))
    assert (found.unknown, found.departs, found.live) == (Unknown.OVERDUE, None, None)


def test_what_nobody_knows_is_said_to_be_unknown() -> None:
    assert forecast(train(), way(()), NOON, merged_at=NOON).unknown is Unknown.ARRIVAL
    no_rollout = forecast(train(), way((10,), 30, ()), NOON, merged_at=NOON)
    assert (told(no_rollout), no_rollout.unknown) == (("14:00", "14:00", None, None), Unknown.ROLLOUT)
    over = train("DTSTART:20260105T100000\nRRULE:FREQ=DAILY;UNTIL=20260301T100000")
    assert forecast(over, way(), NOON, merged_at=NOON).unknown is Unknown.TIMETABLE


@pytest.mark.parametrize(
    ("arrivals", "rollouts", "few"),
    [((10,) * 5, (10,) * 5, False), ((10,) * 4, (10,) * 5, True), ((10,) * 5, (10,) * 4, True)],
)
def test_few_make_a_rough_guess(arrivals: tuple[float, ...], rollouts: tuple[float, ...], few: bool) -> None:
    live = forecast(train(), way(arrivals, 0, rollouts), NOON, merged_at=NOON).live
    assert live is not None
    assert live.few is few


def test_a_later_stage_leaves_once_the_one_before_is_there_and_each_waits_for_its_undo_time() -> None:
    found = forecast(train(), way((10,), 0, (10, 20), (5, 5), undo=1), NOON, merged_at=NOON)
    assert told(found) == ("14:00", "14:00", "14:22", "14:27")


def test_of_services_that_leave_together_the_slowest_counts_and_one_unknown_leaves_the_stage_unknown() -> None:
    assert slowest([minutes(1, 2), minutes(5), minutes(3)]) == minutes(5)
    assert slowest([minutes(1), minutes()]) == minutes()
    assert slowest([]) == minutes()


def test_a_frozen_departure_is_passed_over_and_named_once() -> None:
    freeze = Frozen(at("13:00"), at("16:00"), "Black Friday")
    found = forecast(train("*/30 * * * *"), way((10,), 0), at("12:50"), merged_at=at("12:50"), frozen=[freeze])
    assert told(found)[0] == "16:00", "a freeze is over at its end"
    assert [(one.departs.at, one.reason) for one in found.passed_over] == [(at("13:30"), "Black Friday")]


def test_people_are_told_instants_to_five_minutes_and_never_sooner() -> None:
    when = When(at("14:01"), at("14:10")).coarse
    assert (when.at, when.latest) == (at("14:05"), at("14:10"))


# --- whatever they are --------------------------------------------------------------------------------------------

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=12)
MERGED = st.integers(0, 60 * 24 * 14).map(lambda later: NOON + later * MINUTE)
DEPARTS = st.sampled_from([("0 14 * * *",), ("0 10,14 * * mon-fri",), ("*/20 * * * *",), ("30 2 * * *", "0 9 * * 1")])
FREEZES = st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 3000)), max_size=3).map(
    lambda found: [Frozen(NOON + begins * MINUTE, NOON + (begins + length) * MINUTE, "f") for begins, length in found]
)
FEW = settings(max_examples=40, deadline=None)


@FEW
@given(LENGTHS, LENGTHS, st.integers(0, 200), st.integers(0, 60), DEPARTS, MERGED, FREEZES)
def test_it_is_on_time_for_what_it_catches_and_for_nothing_sooner(
    arrivals: list[int], rollouts: list[int], soak: int, closes: int, departs: tuple[str, ...], merged_at: datetime,
    frozen: list[Frozen],
) -> None:  # fmt: skip
    here = train(*departs, closes=closes)
    found = forecast(here, way(arrivals, soak, rollouts), merged_at, merged_at=merged_at, frozen=frozen)
    assert found.staged
    assert found.soaked
    assert found.departs
    assert found.at_worst
    assert found.live
    for there, soaked, leaves in (
        (found.staged.at, found.soaked.at, found.departs.at),
        (found.staged.latest, found.soaked.latest, found.at_worst.at),
    ):
        came = departures(here.departs, here.zone, merged_at)
        for one in came:
            catches_it = there + here.boarding_closes <= one.at and soaked <= one.at
            goes = not any(freeze.begins <= one.at < freeze.ends for freeze in frozen)
            assert (one.at == leaves) is (catches_it and goes)
            if one.at == leaves:
                break
    assert found.staged.at <= found.staged.latest
    assert found.departs.at <= found.at_worst.at
    assert found.departs.at < found.live.at <= found.live.latest


@FEW
@given(LENGTHS, st.integers(0, 200), DEPARTS, MERGED, st.integers(0, 500))
def test_who_merges_later_is_never_there_sooner(
    arrivals: list[int], soak: int, departs: tuple[str, ...], merged_at: datetime, later: int
) -> None:
    here, its_way = train(*departs), way(arrivals, soak)
    sooner, after = (forecast(here, its_way, NOON, merged_at=one) for one in (merged_at, merged_at + later * MINUTE))
    assert sooner.live
    assert after.live
    assert sooner.live.at <= after.live.at
    assert sooner.live.latest <= after.live.latest


@FEW
@given(LENGTHS, st.integers(0, 400), MERGED)
def test_as_time_goes_by_what_is_still_under_way_is_never_expected_in_the_past(
    arrivals: list[int], elapsed: int, merged_at: datetime
) -> None:
    now = merged_at + elapsed * MINUTE
    found = forecast(train(), way(arrivals), now, merged_at=merged_at)
    if found.staged is None:
        assert found.unknown is Unknown.OVERDUE
        assert elapsed >= max(arrivals)
    else:
        assert now < found.staged.at <= found.staged.latest
        assert found.departs is not None
        assert found.departs.at > now


@FEW
@given(MERGED, st.integers(0, 600))
def test_an_instant_told_is_at_most_five_minutes_late(instant: datetime, seconds: int) -> None:
    exact = instant + timedelta(seconds=seconds)
    told_at = When(exact, exact).coarse.at
    assert timedelta() <= told_at - exact < COARSE
    assert told_at.timestamp() % COARSE.total_seconds() == 0


@FEW
@given(DEPARTS, MERGED, FREEZES)
def test_what_passes_over_a_freeze_is_within_it(
    departs: tuple[str, ...], after: datetime, frozen: list[Frozen]
) -> None:
    leaves, over = catches(train(*departs), after, after, after, frozen)
    assert leaves is not None
    assert not any(one.begins <= leaves.at < one.ends for one in frozen)
    for one in over:
        assert after < one.departs.at < leaves.at
        assert any(freeze.begins <= one.departs.at < freeze.ends for freeze in frozen)
