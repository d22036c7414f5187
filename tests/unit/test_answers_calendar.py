"""The calendar of a train: what people's own calendars make of it, read back with another reader's eyes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest

from bot.answers.calendar import Entry, calendar

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEN_IN_PARIS = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Europe/Paris"))


def events(feed: bytes) -> list[icalendar.Component]:
    """The events in a feed."""
    return list(icalendar.Calendar.from_ical(feed).walk("VEVENT"))


def test_each_departure_is_an_event_at_its_instant() -> None:
    """In UTC, whatever zone it comes in; nobody is busy by it."""
    entries = [
        Entry(
            at=TEN_IN_PARIS, changed_at=NOON, title="web → production", detail="Boarding closes 09:45\nConductor: Chi"
        ),
        Entry(at=TEN_IN_PARIS + timedelta(hours=4), changed_at=NOON, title="web → production", cancelled=True),
    ]
    first, second = events(calendar("web", entries, address="https://ship.example.com/trains/web"))
    assert first["DTSTART"].to_ical() == b"20261123T090000Z"
    assert (first["SUMMARY"], first["DESCRIPTION"]) == ("web → production", "Boarding closes 09:45\nConductor: Chi")
    assert (first["STATUS"], first["TRANSP"]) == ("CONFIRMED", "TRANSPARENT")
    assert first["URL"] == "https://ship.example.com/trains/web"
    assert second["STATUS"] == "CANCELLED"
    assert "DESCRIPTION" not in second
    assert first.decoded("DTSTAMP") == NOON


def test_a_departure_keeps_its_identity_whatever_becomes_of_it() -> None:
    """A calendar that reads the feed again must strike it out, not show it twice; other trains are others."""
    as_planned, cancelled = (
        events(calendar("web", [Entry(at=at, changed_at=NOON, title=title, cancelled=title == "off")]))[0]["UID"]
        for at, title in ((TEN_IN_PARIS, "on"), (TEN_IN_PARIS.astimezone(UTC), "off"))
    )
    other = events(calendar("api", [Entry(at=TEN_IN_PARIS, changed_at=NOON, title="on")]))[0]["UID"]
    assert as_planned == cancelled == "web-20261123T090000Z@shipmate"
    assert other != as_planned


def test_the_same_facts_give_the_same_bytes() -> None:
    """So that nobody downloads what has not changed; an empty timetable is a calendar as well."""
    entries = [Entry(at=TEN_IN_PARIS, changed_at=NOON, title="web")]
    assert calendar("web", entries) == calendar("web", entries)
    empty = icalendar.Calendar.from_ical(calendar("web", []))
    assert (empty["NAME"], empty["X-WR-CALNAME"], empty["METHOD"]) == ("web", "web", "PUBLISH")
    assert empty["REFRESH-INTERVAL"].to_ical() == b"PT1H"
    assert empty["X-PUBLISHED-TTL"] == "PT60M"


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
def test_words_from_outside_stay_words(line_end: str) -> None:
    """A title must not add a line of its own, by whatever a reader takes for the end of one."""
    hostile = f"web{line_end}END:VEVENT{line_end}BEGIN:VALARM"
    feed = calendar("web", [Entry(at=TEN_IN_PARIS, changed_at=NOON, title=hostile, detail=f"{hostile}\x00\x07")])
    lines = [line.strip() for line in feed.decode().splitlines()]
    assert [lines.count(line) for line in ("END:VEVENT", "BEGIN:VALARM", "BEGIN:VEVENT")] == [1, 0, 1]
    assert not [byte for byte in feed if byte < 32 and byte not in b"\r\n"]
    assert all(len(line) <= 75 for line in feed.split(b"\r\n"))
