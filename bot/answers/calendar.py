"""A train's departures as a calendar that people subscribe to (iCalendar, RFC 5545).

Every time is an instant in UTC, so that each calendar shows it by its owner's clock and no zone has to be described.
A departure keeps its identity (``UID``) whatever becomes of it: a calendar that reads it again moves or strikes out
what it has, and shows nothing twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_READ_AGAIN = timedelta(hours=1)
"""How often a calendar should look; Google Calendar takes its own time in any case."""


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
"""What RFC 5545 forbids in a text (§3.3.11), and what some readers take for the end of a line."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One departure in somebody's calendar; ``at`` aware. ``detail`` may have several lines.

    ``changed_at`` is when all this became so (RFC 5545 asks for it of each), never when somebody reads it.
    """

    at: datetime
    changed_at: datetime
    title: str
    detail: str = ""
    cancelled: bool = False


def calendar(train: str, entries: Sequence[Entry], *, address: str | None = None) -> bytes:
    """The feed of one train, the same bytes for the same facts. ``address`` is a page to open."""
    import icalendar  # half a second, for those who subscribe

    feed = icalendar.Calendar()
    feed.add("prodid", "-//Shipmate//Release trains//EN")
    feed.add("version", "2.0")
    feed.add("method", "PUBLISH")
    # Two names, as RFC 7986 is newer than most calendars; likewise for how often to read again.
    feed.add("name", train)
    feed.add("x-wr-calname", train)
    feed.add("refresh-interval", _READ_AGAIN, parameters={"VALUE": "DURATION"})
    feed.add("x-published-ttl", f"PT{_READ_AGAIN // timedelta(minutes=1)}M")
    for entry in entries:
        event, at = icalendar.Event(), entry.at.astimezone(UTC)
        event.add("uid", f"{train}-{at:%Y%m%dT%H%M%SZ}@shipmate")
        event.add("dtstamp", entry.changed_at.astimezone(UTC))
        event.add("dtstart", at)
        event.add("summary", _CONTROLS.sub(" ", entry.title))
        if entry.detail:
            event.add("description", _CONTROLS.sub(" ", entry.detail))
        if address:
            event.add("url", address)
        event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
        event.add("transp", "TRANSPARENT")  # nobody is busy because a train leaves
        feed.add_component(event)
    made: bytes = feed.to_ical()
    return made
