"""When people work, in their own zones, and who is the easiest to ask now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from bot import people
from bot.events import HoursChosen
from bot.people import Working
from bot.ports import Member
from tests.unit import reports
from tests.unit.stores import NOON

CATALOG = reports.catalog()
ZONES = ("Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC")


def at(text: str, zone: str = "UTC") -> datetime:
    """An instant, as a clock there shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def works(begins: int, ends: int, zone: str) -> Working:
    """Hours from one full hour to another."""
    return Working(begins * 60, ends * 60, ZoneInfo(zone), chosen=True)


@pytest.mark.parametrize(
    ("now", "working"),
    [
        ("2026-03-02T08:59:59", False),
        ("2026-03-02T09:00:00", True),
        ("2026-03-02T17:59:59", True),
        ("2026-03-02T18:00:00", False),
        ("2026-03-07T12:00:00", False),
        ("2026-03-08T12:00:00", False),
    ],
)
@pytest.mark.parametrize("zone", ZONES)
def test_hours_are_half_open_and_of_weekdays_in_ones_own_zone(now: str, working: bool, zone: str) -> None:
    assert works(9, 18, zone).at(at(now, zone)) is working


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-03-02T08:00:00", "2026-03-02T09:00:00"),
        ("2026-03-02T09:00:00", "2026-03-03T09:00:00"),
        ("2026-03-06T18:00:00", "2026-03-09T09:00:00"),
        ("2026-03-27T20:00:00", "2026-03-30T09:00:00"),
        ("2026-10-23T20:00:00", "2026-10-26T09:00:00"),
        ("2026-12-31T20:00:00", "2027-01-01T09:00:00"),
    ],
)
@pytest.mark.parametrize("zone", ZONES)
def test_the_next_hours_begin_at_the_same_time_of_day_across_a_weekend_and_a_change_of_the_clock(
    now: str, begins: str, zone: str
) -> None:
    assert works(9, 18, zone).begins_after(at(now, zone)) == at(begins, zone)


@pytest.mark.parametrize(
    ("now", "working"),
    [
        ("2026-03-02T21:59:00", False),
        ("2026-03-02T22:00:00", True),
        ("2026-03-03T05:59:00", True),
        ("2026-03-03T06:00:00", False),
        ("2026-03-07T05:00:00", True),
        ("2026-03-02T05:00:00", False),
        ("2026-03-08T23:00:00", False),
    ],
)
def test_a_night_shift_belongs_to_the_day_on_which_it_begins(now: str, working: bool) -> None:
    """That of Friday ends on Saturday; there is none from Sunday to Monday."""
    assert works(22, 6, "Europe/Paris").at(at(now, "Europe/Paris")) is working


def test_a_whole_day_is_one_however_long_the_weekend_before_was() -> None:
    """The clocks change on a Sunday."""
    whole = works(0, 24, "Europe/Paris")
    assert whole.at(at("2026-10-26T00:00", "Europe/Paris"))
    assert not whole.at(at("2026-10-25T23:59", "Europe/Paris"))
    assert whole.begins_after(at("2026-03-28T12:00", "Europe/Paris")) == at("2026-03-30T00:00", "Europe/Paris")


def test_hours_that_a_change_of_the_clock_skips_begin_that_much_later() -> None:
    """Cairo's clocks went from Friday 00:00 to 01:00 on 24 April 2026."""
    early = Working(30, 240, ZoneInfo("Africa/Cairo"), chosen=True)
    assert early.begins_after(at("2026-04-23T12:00")) == at("2026-04-23T22:30")
    assert early.at(at("2026-04-23T22:30"))


@given(
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.sampled_from(ZONES),
    st.integers(0, 2 * 366 * 24 * 60),
)
def test_whoever_does_not_work_now_does_when_they_next_begin(begins: int, ends: int, zone: str, minute: int) -> None:
    """At any instant of two years."""
    if begins == ends % 1440:
        return
    hours, now = Working(begins, ends, ZoneInfo(zone), chosen=True), at("2026-01-01T00:00") + timedelta(minutes=minute)
    following = hours.begins_after(now)
    assert now < following <= now + timedelta(days=4, hours=1)
    assert following.tzinfo is UTC
    length = (ends - begins) % 1440 or 1440
    if length > 120:  # an hour that a change of the clock skips may swallow a short one whole
        assert hours.at(following)


def chosen(begins: int | None, ends: int | None, *, minutes: float = 0) -> HoursChosen:
    """What Ana says, this long after noon."""
    return HoursChosen(slack_id="U0ANA", begins=begins, ends=ends, at=NOON + timedelta(minutes=minutes))


def test_who_said_nothing_works_the_usual_hours_in_the_zone_that_slack_knows(session: Session) -> None:
    assert people.hours_of(session, CATALOG, "U0ANA") == Working(*people.USUAL, ZoneInfo("UTC"), chosen=False)
    people.saw(session, Member("U0ANA", "Ana", zone="Asia/Kathmandu"), NOON)
    assert people.hours_of(session, CATALOG, "U0ANA").zone == ZoneInfo("Asia/Kathmandu")
    for strange in ("Mars/Olympus", "Europe", "../etc/passwd", ""):
        people.saw(session, Member("U0ANA", "Ana", zone=strange), NOON)
        assert people.hours_of(session, CATALOG, "U0ANA").zone == CATALOG.timezone


def test_what_somebody_says_of_their_hours_is_kept_and_the_last_word_counts(session: Session) -> None:
    assert people.choose_hours(session, chosen(480, 960, minutes=2))
    assert not people.choose_hours(session, chosen(0, 60, minutes=1)), "it was said before"
    session.flush()
    found = people.hours_of(session, CATALOG, "U0ANA")
    assert (found.begins, found.ends, found.chosen) == (480, 960, True)
    assert people.choose_hours(session, chosen(None, None, minutes=3))
    assert not people.choose_hours(session, chosen(480, 960, minutes=2)), "taking it back is a last word, too"
    session.flush()
    assert not people.hours_of(session, CATALOG, "U0ANA").chosen


def test_the_easiest_to_ask_come_first(session: Session) -> None:
    """Online at work, at work, then by when they begin; what is known of presence is forgotten soon."""
    for key, zone in (("ANA", "UTC"), ("BEN", "UTC"), ("CHI", "America/New_York"), ("DEE", "Australia/Lord_Howe")):
        people.saw(session, Member(f"U0{key}", key.title(), zone=zone), NOON)
    ana, ben = people.profile_of(session, "U0ANA"), people.profile_of(session, "U0BEN")
    assert ana is not None
    assert ben is not None
    ana.online, ana.online_at = False, NOON
    ben.online, ben.online_at = True, NOON
    found = people.who_can(session, CATALOG, {"U0ANA", "U0BEN", "U0CHI", "U0DEE", "U0NEW"}, NOON)
    assert [(one.name, one.online, one.works_now) for one in found] == [
        ("Ben", True, True),
        ("Ana", False, True),
        ("U0NEW", None, True),
        ("Chi", None, False),
        ("Dee", None, False),
    ]
    assert found[2].from_at is None
    assert found[3].from_at == at("2026-03-02T09:00", "America/New_York")
    assert found[4].from_at == at("2026-03-03T09:00", "Australia/Lord_Howe")
    (later,) = people.who_can(session, CATALOG, {"U0BEN"}, NOON + people.ATTENTIVE)
    assert later.online is None
