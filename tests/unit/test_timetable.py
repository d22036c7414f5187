"""Time in any zone: clocks that change, days that are skipped, hours that cross midnight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.timetable import DAY, instant, next_work_start, window, works_at

PARIS, KATHMANDU, LORD_HOWE = ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")
NEW_YORK, APIA = ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia")
ZONES = st.sampled_from(
    [PARIS, KATHMANDU, LORD_HOWE, NEW_YORK, APIA, *map(ZoneInfo, ["UTC", "Africa/Casablanca", "America/St_Johns"])]
)
LOCAL = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1))  # noqa: DTZ001 - local times are naive
EVERY_DAY = frozenset(range(7))
NINE, FIVE, TEN_AT_NIGHT, SIX = 9 * 60, 17 * 60, 22 * 60, 6 * 60


def local(text: str) -> datetime:
    """A naive local time."""
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "written", "first", "last"),
    [
        pytest.param(PARIS, "2026-01-15T12:00", "2026-01-15T11:00", "2026-01-15T11:00", id="Paris in winter"),
        pytest.param(PARIS, "2026-03-29T01:59", "2026-03-29T00:59", "2026-03-29T00:59", id="Paris before the gap"),
        pytest.param(PARIS, "2026-03-29T02:00", "2026-03-29T01:00", "2026-03-29T01:00", id="Paris at the gap"),
        pytest.param(PARIS, "2026-03-29T02:30", "2026-03-29T01:00", "2026-03-29T01:00", id="Paris in the gap"),
        pytest.param(PARIS, "2026-03-29T02:59:59", "2026-03-29T01:00", "2026-03-29T01:00", id="Paris late in the gap"),
        pytest.param(PARIS, "2026-03-29T03:00", "2026-03-29T01:00", "2026-03-29T01:00", id="Paris after the gap"),
        pytest.param(PARIS, "2026-10-25T01:59", "2026-10-24T23:59", "2026-10-24T23:59", id="Paris before the overlap"),
        pytest.param(PARIS, "2026-10-25T02:30", "2026-10-25T00:30", "2026-10-25T01:30", id="Paris in the overlap"),
        pytest.param(PARIS, "2026-10-25T03:00", "2026-10-25T02:00", "2026-10-25T02:00", id="Paris after the overlap"),
        pytest.param(NEW_YORK, "2026-03-08T02:30", "2026-03-08T07:00", "2026-03-08T07:00", id="New York in the gap"),
        pytest.param(NEW_YORK, "2026-11-01T01:30", "2026-11-01T05:30", "2026-11-01T06:30", id="New York twice"),
        pytest.param(KATHMANDU, "2026-06-01T00:00", "2026-05-31T18:15", "2026-05-31T18:15", id="Kathmandu, +05:45"),
        pytest.param(
            LORD_HOWE, "2026-10-04T02:15", "2026-10-03T15:30", "2026-10-03T15:30", id="Lord Howe's half-hour gap"
        ),
        pytest.param(
            LORD_HOWE, "2026-04-05T01:45", "2026-04-04T14:45", "2026-04-04T15:15", id="Lord Howe's half hour twice"
        ),
        pytest.param(APIA, "2011-12-30T12:00", "2011-12-30T10:00", "2011-12-30T10:00", id="a day that Samoa skipped"),
    ],
)
def test_a_local_time_is_an_instant(zone: ZoneInfo, written: str, first: str, last: str) -> None:
    """One that never comes is that of the change; of two the first, unless the last is asked for."""
    assert instant(local(written), zone) == utc(first)
    assert instant(local(written), zone, last=True) == utc(last)


@given(LOCAL, ZONES)
def test_a_local_time_that_comes_is_read_back_as_it_was_written(written: datetime, zone: ZoneInfo) -> None:
    """And one that never comes is followed by it."""
    at = instant(written, zone)
    assert at.astimezone(zone).replace(tzinfo=None, fold=0) >= written
    assert instant(at.astimezone(zone).replace(tzinfo=None, fold=0), zone) <= at <= instant(written, zone, last=True)


@given(LOCAL, LOCAL, ZONES)
def test_local_times_keep_their_order(one: datetime, other: datetime, zone: ZoneInfo) -> None:
    """But for the hour that comes twice, which is told apart by asking for the last."""
    begins, ends = window(min(one, other), max(one, other), zone)
    assert begins <= ends
    assert begins <= instant(max(one, other), zone) <= ends


@pytest.mark.parametrize(
    ("zone", "written", "covers"),
    [
        pytest.param(
            PARIS,
            ("2026-12-23T18:00", "2027-01-02T09:00"),
            ("2026-12-23T17:00", "2027-01-02T08:00"),
            id="across the year",
        ),
        pytest.param(
            KATHMANDU, ("2026-12-31T22:00", "2027-01-01T01:00"), ("2026-12-31T16:15", "2026-12-31T19:15"), id="midnight"
        ),
        pytest.param(
            PARIS, ("2026-10-25T02:30", "2026-10-25T02:45"), ("2026-10-25T00:30", "2026-10-25T01:45"), id="twice"
        ),
        pytest.param(
            PARIS, ("2026-03-29T02:10", "2026-03-29T02:50"), ("2026-03-29T01:00", "2026-03-29T01:00"), id="never"
        ),
        pytest.param(
            PARIS,
            ("2026-03-28T20:00", "2026-03-29T08:00"),
            ("2026-03-28T19:00", "2026-03-29T06:00"),
            id="a short night",
        ),
        pytest.param(
            LORD_HOWE,
            ("2026-04-05T01:30", "2026-04-05T02:00"),
            ("2026-04-04T14:30", "2026-04-04T15:30"),
            id="half an hour that takes an hour",
        ),
        pytest.param(
            PARIS,
            ("2026-12-24T12:00+05:45", "2026-12-24T12:00Z"),
            ("2026-12-24T06:15", "2026-12-24T12:00"),
            id="with offsets of their own",
        ),
    ],
)
def test_a_window_is_local_time_from_its_first_beginning_to_its_last_end(
    zone: ZoneInfo, written: tuple[str, str], covers: tuple[str, str]
) -> None:
    """So that an hour that comes twice is in it both times."""
    assert window(local(written[0]), local(written[1]), zone) == (utc(covers[0]), utc(covers[1]))


# --- working hours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "hours", "now", "works", "next_start"),
    [
        pytest.param(PARIS, (NINE, FIVE), "2026-03-02T08:00", True, "2026-03-03T08:00", id="Monday at nine"),
        pytest.param(PARIS, (NINE, FIVE), "2026-03-02T07:59:59", False, "2026-03-02T08:00", id="just before"),
        pytest.param(PARIS, (NINE, FIVE), "2026-03-02T15:59:59", True, "2026-03-03T08:00", id="just before five"),
        pytest.param(PARIS, (NINE, FIVE), "2026-03-02T16:00", False, "2026-03-03T08:00", id="at five"),
        pytest.param(PARIS, (NINE, FIVE), "2026-03-06T17:00", False, "2026-03-09T08:00", id="Friday evening"),
        pytest.param(PARIS, (NINE, FIVE), "2026-03-28T12:00", False, "2026-03-30T07:00", id="the clocks go forward"),
        pytest.param(PARIS, (NINE, FIVE), "2026-10-24T12:00", False, "2026-10-26T08:00", id="the clocks go back"),
        pytest.param(KATHMANDU, (NINE, FIVE), "2026-03-02T03:15", True, "2026-03-03T03:15", id="Kathmandu"),
        pytest.param(KATHMANDU, (NINE, FIVE), "2026-03-01T20:00", False, "2026-03-02T03:15", id="Kathmandu's Monday"),
        pytest.param(
            LORD_HOWE, (NINE, FIVE), "2026-10-03T00:00", False, "2026-10-04T22:00", id="Lord Howe's Monday, in summer"
        ),
        pytest.param(
            PARIS, (TEN_AT_NIGHT, SIX), "2026-03-06T23:00", True, "2026-03-09T21:00", id="Friday's night shift"
        ),
        pytest.param(
            PARIS, (TEN_AT_NIGHT, SIX), "2026-03-07T04:59", True, "2026-03-09T21:00", id="which ends on Saturday"
        ),
        pytest.param(PARIS, (TEN_AT_NIGHT, SIX), "2026-03-07T05:00", False, "2026-03-09T21:00", id="and is over then"),
        pytest.param(
            PARIS, (TEN_AT_NIGHT, SIX), "2026-03-09T03:00", False, "2026-03-09T21:00", id="none began on Sunday"
        ),
        pytest.param(
            PARIS, (TEN_AT_NIGHT, SIX), "2025-12-31T23:30", True, "2026-01-01T21:00", id="across the year's end"
        ),
        pytest.param(PARIS, (NINE, DAY), "2026-03-02T22:59", True, "2026-03-03T08:00", id="until midnight"),
        pytest.param(PARIS, (NINE, NINE), "2026-03-03T07:59", True, "2026-03-03T08:00", id="round the clock"),
        pytest.param(PARIS, (NINE, NINE), "2026-03-07T08:00", False, "2026-03-09T08:00", id="but not on Saturday"),
    ],
)
def test_people_work_by_their_own_clocks(
    zone: ZoneInfo, hours: tuple[int, int], now: str, works: bool, next_start: str
) -> None:
    """From Monday to Friday."""
    assert works_at(zone, *hours, utc(now)) is works
    assert next_work_start(zone, *hours, utc(now)) == utc(next_start)


@pytest.mark.parametrize(
    ("hours", "now", "works", "next_start"),
    [
        pytest.param((150, 600), "2026-03-29T00:59", False, "2026-03-29T01:00", id="begins in the gap"),
        pytest.param((150, 600), "2026-03-29T01:00", True, "2026-03-30T00:30", id="and is at work as clocks change"),
        pytest.param((130, 170), "2026-03-28T12:00", False, "2026-03-30T00:10", id="lies within the gap"),
        pytest.param((150, 600), "2026-10-25T00:30", True, "2026-10-26T01:30", id="begins when it first comes"),
    ],
)
def test_hours_that_begin_as_the_clocks_change(hours: tuple[int, int], now: str, works: bool, next_start: str) -> None:
    """A beginning that never comes is that of the change; a shift of which nothing is left is none."""
    assert works_at(PARIS, *hours, utc(now), EVERY_DAY) is works
    assert next_work_start(PARIS, *hours, utc(now), EVERY_DAY) == utc(next_start)


def test_a_weekday_that_a_zone_skipped_is_worked_a_week_later() -> None:
    """Samoa had no Friday, 30 December 2011."""
    assert next_work_start(APIA, NINE, FIVE, utc("2011-12-29T12:00"), {4}) == utc("2012-01-05T19:00")


@pytest.mark.parametrize("weekdays", [set[int](), {7}])
def test_without_a_weekday_nobody_ever_works(weekdays: set[int]) -> None:
    """And there is no next time."""
    assert not works_at(PARIS, NINE, FIVE, utc("2026-03-02T10:00"), weekdays)
    with pytest.raises(ValueError, match="weekday"):
        next_work_start(PARIS, NINE, FIVE, utc("2026-03-02T10:00"), weekdays)


@given(
    ZONES,
    st.integers(0, DAY - 1),
    st.integers(1, DAY),
    LOCAL.map(lambda at: at.replace(tzinfo=UTC)),
    st.frozensets(st.integers(0, 6), min_size=1),
)
def test_whoever_does_not_work_now_will(
    zone: ZoneInfo, begins: int, ends: int, now: datetime, weekdays: frozenset[int]
) -> None:
    """Within two weeks, and from that instant on; the second before, not yet, unless one shift follows another."""
    start = next_work_start(zone, begins, ends, now, weekdays)
    assert now < start <= now + timedelta(days=15)
    assert works_at(zone, begins, ends, start, weekdays)
    if not works_at(zone, begins, ends, now, weekdays):
        assert not works_at(zone, begins, ends, start - timedelta(microseconds=1), weekdays)
