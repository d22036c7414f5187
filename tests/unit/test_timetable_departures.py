"""Timetables: every departure happens once and none is skipped, in any zone and year, whatever the clocks do."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.timetable import Comes, comes, departures, instant, is_recurrence, recurrence

PARIS, LORD_HOWE, APIA = ZoneInfo("Europe/Paris"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")
KATHMANDU, NEW_YORK = ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York")
ZONES = st.sampled_from([PARIS, NEW_YORK, LORD_HOWE, KATHMANDU, ZoneInfo("America/Santiago"), APIA])
YEARS = st.integers(2000, 2037)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
A_MONDAY = datetime.fromisoformat("1996-01-01T00:00")
FEW = settings(max_examples=25, deadline=None)


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(departs: Sequence[str], zone: ZoneInfo, after: str, count: int) -> list[str]:
    """The next departures, each as the timetable has it and as it is in UTC."""
    found = islice(departures(departs, zone, utc(after)), count)
    return [f"{each.local:%d %H:%M} {each.at:%d %H:%M}Z" for each in found]


# --- by hand ------------------------------------------------------------------------------------------------------

TUESDAYS = "DTSTART:20260105T100000\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH"


@pytest.mark.parametrize(
    ("zone", "departs", "after", "expected"),
    [
        pytest.param(
            PARIS,
            ["0 10,14 * * mon-fri"],
            "2026-11-20T09:00",
            ["20 14:00 20 13:00Z", "23 10:00 23 09:00Z", "23 14:00 23 13:00Z"],
            id="strictly after, and not at the weekend",
        ),
        pytest.param(
            PARIS,
            ["30 2 * * *"],
            "2026-03-28T00:00",
            ["28 02:30 28 01:30Z", "29 02:30 29 01:00Z", "30 02:30 30 00:30Z"],
            id="in the gap: as the clocks change",
        ),
        pytest.param(
            PARIS,
            ["15,45 2 * * *", "0 3 * * *", "0 5 * * *"],
            "2026-03-29T00:00",
            ["29 03:00 29 01:00Z", "29 05:00 29 03:00Z", "30 02:15 30 00:15Z"],
            id="three in one gap are one departure, called as the clock shows it",
        ),
        pytest.param(
            PARIS,
            ["15,45 2 * * *"],
            "2026-03-29T00:59:59",
            ["29 02:45 29 01:00Z", "30 02:15 30 00:15Z"],
            id="just before the gap",
        ),
        pytest.param(PARIS, ["15,45 2 * * *"], "2026-03-29T01:00", ["30 02:15 30 00:15Z"], id="as the clocks change"),
        pytest.param(
            PARIS,
            ["30 2 * * *"],
            "2026-10-24T12:00",
            ["25 02:30 25 00:30Z", "26 02:30 26 01:30Z"],
            id="in the overlap: the first time",
        ),
        pytest.param(
            PARIS, ["30 2 * * *"], "2026-10-25T00:30", ["26 02:30 26 01:30Z"], id="and not when it comes again"
        ),
        pytest.param(
            PARIS,
            ["*/30 2,3 * * *"],
            "2026-10-25T00:10",
            ["25 02:30 25 00:30Z", "25 03:00 25 02:00Z"],
            id="nothing leaves in an hour's second coming",
        ),
        pytest.param(NEW_YORK, ["30 1 * * *"], "2026-11-01T05:00", ["01 01:30 01 05:30Z"], id="New York's overlap"),
        pytest.param(LORD_HOWE, ["15 2 * * *"], "2026-10-03T15:00", ["04 02:15 03 15:30Z"], id="a half-hour gap"),
        pytest.param(LORD_HOWE, ["45 1 * * *"], "2026-04-04T14:50", ["06 01:45 05 15:15Z"], id="a half hour twice"),
        pytest.param(KATHMANDU, ["0 10 * * *"], "2026-01-01T04:15", ["02 10:00 02 04:15Z"], id="a quarter of an hour"),
        pytest.param(
            APIA,
            ["0 12 * * fri"],
            "2011-12-24T00:00",
            ["30 12:00 30 10:00Z", "06 12:00 05 22:00Z"],
            id="a Friday that Samoa skipped",
        ),
        pytest.param(PARIS, ["0 9 29 2 *"], "2026-01-01T00:00", ["29 09:00 29 08:00Z"], id="the next leap year"),
        pytest.param(PARIS, ["0 9 * * 0"], "2026-11-20T00:00", ["22 09:00 22 08:00Z"], id="0 is Sunday"),
        pytest.param(
            PARIS,
            [TUESDAYS, "0 16 * * fri"],
            "2026-03-27T12:00",
            ["27 16:00 27 15:00Z", "31 10:00 31 08:00Z", "02 10:00 02 08:00Z"],
            id="a rule and cron together, across the change",
        ),
        pytest.param(PARIS, [TUESDAYS], "2020-06-01T00:00", ["06 10:00 06 09:00Z"], id="a rule that begins later"),
        pytest.param(
            PARIS,
            ["DTSTART:20260102T100000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=9"],
            "2026-11-01T00:00",
            ["27 09:00 27 08:00Z", "25 09:00 25 08:00Z"],
            id="the last Friday of each month",
        ),
    ],
)  # fmt: skip
def test_a_timetable_is_kept(zone: ZoneInfo, departs: list[str], after: str, expected: list[str]) -> None:
    """The local time that is published, and the instant at which it leaves."""
    assert told(departs, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "DTSTART:20260105T100000\nRRULE:FREQ=DAILY;COUNT=3\n"
            "RDATE:20260105T080000,20260301T080000\nEXDATE:20260106T100000",
            ["05 08:00 05 07:00Z", "05 10:00 05 09:00Z", "07 10:00 07 09:00Z", "01 08:00 01 07:00Z"],
            id="days added and left out, and a last one",
        ),
        pytest.param(
            "dtstart:20260105t100000 rrule:freq=daily;until=20260106t100000;",
            ["05 10:00 05 09:00Z", "06 10:00 06 09:00Z"],
            id="folded into one line, in small letters, until a last time",
        ),
        pytest.param("DTSTART:20200105T100000\nRRULE:FREQ=DAILY;COUNT=3", [], id="over"),
        pytest.param("DTSTART:20260105T100000\nRRULE:FREQ=DAILY;UNTIL=20260101T000000", [], id="over before it began"),
    ],
)
def test_a_timetable_may_have_an_end(text: str, expected: list[str]) -> None:
    """After which nothing departs."""
    assert told([text], PARIS, "2025-01-01T00:00", 9) == expected


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        (PARIS, "2026-03-29T02:30", Comes.NEVER),
        (PARIS, "2026-03-29T03:00", Comes.ONCE),
        (PARIS, "2026-10-25T02:30", Comes.TWICE),
        (PARIS, "2026-10-25T03:00", Comes.ONCE),
        (LORD_HOWE, "2026-04-05T01:45", Comes.TWICE),
        (APIA, "2011-12-30T12:00", Comes.NEVER),
    ],
)
def test_a_local_time_comes_once_unless_clocks_change(zone: ZoneInfo, local: str, expected: Comes) -> None:
    """People are told of the exceptions."""
    assert comes(datetime.fromisoformat(local), zone) is expected


# --- in general ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Times:
    """Local times of days, and the same as cron and as a recurrence rule."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]

    def named(self, local: datetime) -> bool:
        """Whether this local time is one of them."""
        return local.minute in self.minutes and local.hour in self.hours and local.weekday() in self.days

    @property
    def cron(self) -> str:
        """Cron counts Sunday as 0."""
        weekdays = [(day + 1) % 7 for day in self.days]
        return f"{_joined(self.minutes)} {_joined(self.hours)} * * {_joined(weekdays)}"

    @property
    def rule(self) -> str:
        """Counted from a Monday long ago, daily or weekly alike."""
        frequency = "DAILY" if len(self.days) % 2 else "WEEKLY"
        days = ",".join(DAYS[day] for day in self.days)
        by = f"BYMINUTE={_joined(self.minutes)};BYHOUR={_joined(self.hours)};BYDAY={days}"
        return f"DTSTART:19960101T000000\nRRULE:FREQ={frequency};{by}"


def _joined(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _some(most: int, count: int) -> st.SearchStrategy[tuple[int, ...]]:
    chosen = st.lists(st.integers(0, most), min_size=1, max_size=count, unique=True)
    return chosen.map(lambda found: tuple(sorted(found)))


# Clocks change in the small hours, but for Samoa's, which changed at midnight.
HOURS = st.lists(st.sampled_from([0, 1, 2, 3, 10, 23]), min_size=1, max_size=6, unique=True).map(tuple)
TIMES = st.builds(Times, _some(59, 4), HOURS, _some(6, 7))


@lru_cache
def changes(zone: ZoneInfo, year: int) -> tuple[datetime, ...]:
    """The days, in UTC, within which this zone's clocks change; its New Year where they do not."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + DAY * count for count in range(366)]
    found = [
        day for day, after in pairwise(days) if day.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()
    ]
    return tuple(found or days[:1])


def wanted(times: Times, zone: ZoneInfo, begins: datetime, ends: datetime) -> list[datetime]:
    """What must depart, found minute by minute: each time as soon as the clock on the wall shows it or a later one."""
    minutes = [begins + MINUTE * count for count in range((ends - begins) // MINUTE)]
    walls = [minute.astimezone(zone).replace(tzinfo=None) for minute in minutes]
    found: list[datetime] = []
    seen, local = 0, walls[0]
    while local < walls[-1]:
        local += MINUTE
        while walls[seen] < local:
            seen += 1
        if times.named(local) and minutes[seen] not in found[-1:]:
            found.append(minutes[seen])
    return found


@FEW
@given(st.data(), ZONES, YEARS, TIMES, st.booleans())
def test_each_departure_happens_once_and_none_is_skipped(
    data: st.DataObject, zone: ZoneInfo, year: int, times: Times, by_rule: bool
) -> None:
    """In the days around a change of the clocks, by cron and by rule; and whoever begins anew goes on with the next."""
    begins = data.draw(st.sampled_from(changes(zone, year))) - DAY
    ends = begins + 3 * DAY
    departs = [times.rule if by_rule else times.cron]
    left = list(takewhile(lambda each: each.at < ends, departures(departs, zone, begins)))
    assert [each.at for each in left] == wanted(times, zone, begins, ends)
    assert all(instant(each.local, zone) == each.at and times.named(each.local) for each in left)
    if left:
        last = data.draw(st.integers(0, len(left) - 1))
        again = departures(departs, zone, left[last].at)
        assert list(islice(again, len(left) - last - 1)) == left[last + 1 :]


@FEW
@given(ZONES, YEARS, TIMES, TIMES)
def test_timetables_together_depart_when_one_of_them_does(zone: ZoneInfo, year: int, one: Times, other: Times) -> None:
    """At an instant that both name, once."""
    begins = changes(zone, year)[-1] - DAY
    ends = begins + 3 * DAY

    def left(*departs: str) -> list[datetime]:
        return [each.at for each in takewhile(lambda each: each.at < ends, departures(departs, zone, begins))]

    together = left(one.cron, other.rule)
    assert together == sorted({*left(one.cron), *left(other.cron)})
    assert all(before < after for before, after in pairwise(together))


@settings(max_examples=8, deadline=None)
@given(ZONES, YEARS, st.integers(0, 59), st.sampled_from([0, 1, 2, 3, 23]))
def test_a_daily_train_leaves_once_for_each_day_of_the_year(zone: ZoneInfo, year: int, minute: int, hour: int) -> None:
    """Also for a day that a zone skipped."""
    begins, ends = (instant(datetime.fromisoformat(f"{one}-01-01T00:00"), zone) - MINUTE for one in (year, year + 1))
    left = list(takewhile(lambda each: each.at <= ends, departures([f"{minute} {hour} * * *"], zone, begins)))
    assert len({each.local.date() for each in left}) == len(left) == 365 + isleap(year)
    assert all(before.at < after.at for before, after in pairwise(left))


@FEW
@given(
    st.sampled_from(["DAILY", "WEEKLY", "WEEKLY;BYDAY=MO,WE,SU", "WEEKLY;WKST=SU;BYDAY=SU,TU", "MONTHLY", "YEARLY",
                     "WEEKLY;BYDAY=TU,FR;BYSETPOS=-1", "MONTHLY;BYDAY=2TU", "DAILY;BYMONTH=2,3"]),
    st.integers(1, 5),
    st.integers(0, 2000),
    st.integers(0, 4000),
)  # fmt: skip
def test_a_rule_is_counted_from_its_beginning(rule: str, interval: int, first_day: int, hours: int) -> None:
    """However much of what lies behind is left out of the counting."""
    begins = A_MONDAY + DAY * first_day + timedelta(hours=10)
    since = begins + timedelta(hours=hours)
    text = f"RRULE:FREQ={rule};INTERVAL={interval}"
    whole = rrulestr(f"DTSTART:{begins:%Y%m%dT%H%M%S}\n{text}")
    near = recurrence(f"DTSTART:{begins:%Y%m%dT%H%M%S}\n{text}")
    assert list(islice(near.after(since), 5)) == list(islice(whole.xafter(since), 5))


# --- what is no rule ----------------------------------------------------------------------------------------------

START = "DTSTART:20260105T100000\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RRULE:FREQ=DAILY", "expected DTSTART:20260105T100000 and, on the next line, RRULE:"),
        (START, "on the next line, RRULE:"),
        (f"{START}{START}RRULE:FREQ=DAILY", "expected DTSTART"),
        (f"{START}FREQ=DAILY", "FREQ=DAILY stands without RRULE: before it"),
        (f"{START}RRULE:FREQ=WEEKLY; BYDAY=TU", "BYDAY=TU stands without RRULE: before it, or after a space"),
        (f"{START}RULE:FREQ=DAILY", "nothing is called RULE here; did you mean “RRULE”?"),
        ("DTSTART;TZID=Europe/Paris:20260105T100000\nRRULE:FREQ=DAILY", "leave out TZID"),
        ("DTSTART:20260105T100000Z\nRRULE:FREQ=DAILY", "write DTSTART without the Z"),
        ("DTSTART:20260105\nRRULE:FREQ=DAILY", "expected DTSTART as a day and a whole minute"),
        ("DTSTART:20260105T100030\nRRULE:FREQ=DAILY", "whole minute"),
        ("DTSTART:20261305T100000\nRRULE:FREQ=DAILY", "whole minute"),
        ("DTSTART:99990105T100000\nRRULE:FREQ=DAILY", "from 1970 to 2199"),
        (f"{START}RRULE:FREQ=DAILY;UNTIL=20260105T100000Z", "write UNTIL without the Z"),
        (f"{START}RRULE:FREQ=DAILY;UNTIL=20260105", "expected UNTIL as a day"),
        (f"{START}RRULE:FREQ=DAILY;UNTIL=20260105T100000;COUNT=3", "says both COUNT and UNTIL"),
        (f"{START}RRULE:FREQ=DAILY\nEXDATE:tomorrow", "expected EXDATE as a day"),
        (f"{START}RRULE:BYDAY=TU", "expected FREQ=DAILY, WEEKLY, MONTHLY or YEARLY"),
        (f"{START}RRULE:FREQ=WEEKLI", "did you mean “WEEKLY”?"),
        (f"{START}RRULE:FREQ=HOURLY", "for several times a day write FREQ=DAILY;BYHOUR=10,14"),
        (f"{START}RRULE:FREQ=DAILY;FREQ=DAILY", "says FREQ twice"),
        (f"{START}RRULE:FREQ=DAILY;BIDAY=TU", "“BIDAY=TU” is no part of a rule; did you mean “BYDAY”?"),
        (f"{START}RRULE:FREQ=DAILY;BYSECOND=5", "nothing departs by the second"),
        (f"{START}RRULE:", "“” is no part of a rule"),
        (f"{START}RRULE:FREQ=DAILY;INTERVAL=0", "expected INTERVAL from 1 to 1000"),
        (f"{START}RRULE:FREQ=DAILY;COUNT=1,2", "expected COUNT from 1 to 1000"),
        (f"{START}RRULE:FREQ=DAILY;BYHOUR=24", "expected BYHOUR from 0 to 23"),
        (f"{START}RRULE:FREQ=DAILY;BYHOUR=-1", "expected BYHOUR from 0 to 23"),
        (f"{START}RRULE:FREQ=MONTHLY;BYMONTHDAY=0", "expected BYMONTHDAY from 1 to 31 (or counted from the end: -1)"),
        (f"{START}RRULE:FREQ=WEEKLY;BYDAY=1TU", "numbered as in 1MO only in months and years"),
        (f"{START}RRULE:FREQ=MONTHLY;BYDAY=TUE", "expected BYDAY=MO,TU,WE,TH,FR,SA,SU, also the last one: -1FR"),
        (f"{START}RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "names a day that never comes"),
        (f"{START}RRULE:FREQ=DAILY;BYDAY=MO;BYSETPOS=2", "names a day that never comes"),
        (f"{START}RRULE:FREQ=WEEKLY;BYSETPOS=2;COUNT=3", "names a day that never comes"),
        (f"{START}RRULE:FREQ=WEEKLY;WKST=1", "expected WKST=MO or another weekday"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_was_expected(text: str, expected: str) -> None:
    """In a sentence that goes on from the key's name."""
    assert is_recurrence(text)
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole sentence is compared below
        recurrence(text)
    assert expected in str(refused.value)


PARTS = st.builds(
    "{}={}".format,
    st.sampled_from(
        [
            "BYDAY",
            "BYHOUR",
            "BYMINUTE",
            "BYMONTH",
            "BYMONTHDAY",
            "BYYEARDAY",
            "BYWEEKNO",
            "BYSETPOS",
            "COUNT",
            "UNTIL",
            "WKST",
        ]
    ),
    st.integers(-400, 400).map(str)
    | st.lists(st.sampled_from([*DAYS, "2MO", "-1FR", "1", "31", "-1"]), max_size=3).map(",".join)
    | st.just("20300101T000000"),
)


@FEW
@given(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]), st.lists(PARTS, max_size=3))
def test_whatever_is_accepted_can_be_counted(frequency: str, parts: list[str]) -> None:
    """dateutil takes it, and finds the first of it or, where it ends before it begins, that there is none."""
    text = f"{START}RRULE:{';'.join([f'FREQ={frequency}', *parts])}"
    try:
        found = recurrence(text)
    except ValueError:
        return
    assert found.first is None or found.first >= found.begins
