"""When people work: in their own time zone, on weekdays, and as they say themselves where they do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam
from sqlmodel import Field, Session, SQLModel, col, select

from bot import audit
from bot.catalog import Catalog
from bot.events import HoursChosen
from bot.people.members import Profile, profile_of

DAY = 24 * 60
"""Minutes."""

USUAL = (9 * 60, 18 * 60)
"""The minutes of their day in which somebody is taken to work who has not said otherwise."""

WEEKDAYS = range(5)
"""Monday to Friday."""


class Hours(SQLModel, table=True):
    """When somebody says that they work, in minutes of their own day; both None = the usual hours."""

    __tablename__ = "hours"

    slack_id: str = Field(primary_key=True, max_length=32)
    begins: int | None = None
    ends: int | None = None
    chosen_at: datetime


_OF_EACH = select(Hours).where(col(Hours.slack_id).in_(bindparam("of_slack_ids", expanding=True)))


@dataclass(frozen=True)
class Working:
    """Somebody's hours: from ``begins`` until before ``ends`` (past midnight where that is not later), weekdays."""

    begins: int
    ends: int
    zone: ZoneInfo
    chosen: bool

    def at(self, now: datetime) -> bool:
        """Whether they work at this instant."""
        today = now.astimezone(self.zone).date()
        found = (self._of(day) for day in (today - timedelta(days=1), today))
        return any(window is not None and window[0] <= now < window[1] for window in found)

    def begins_after(self, now: datetime) -> datetime:
        """When they next begin, after this instant."""
        today = now.astimezone(self.zone).date()
        for ahead in range(9):
            window = self._of(today + timedelta(days=ahead))
            if window is not None and window[0] > now:
                return window[0]
        raise AssertionError("a week without a weekday")

    def _of(self, day: date) -> tuple[datetime, datetime] | None:
        """The hours that begin on a day; None at the weekend."""
        if day.weekday() not in WEEKDAYS:
            return None
        end = day if self.ends > self.begins else day + timedelta(days=1)
        return self._instant(day, self.begins), self._instant(end, self.ends)

    def _instant(self, day: date, minute: int) -> datetime:
        """A minute of a day; one that a change of the clock skips is that much later, of a double one the first."""
        spoken = datetime.combine(day, time()) + timedelta(minutes=minute)
        return spoken.replace(tzinfo=self.zone).astimezone(UTC)


def hours_of(session: Session, catalog: Catalog, slack_id: str) -> Working:
    """When somebody works, in the zone that Slack knows of them, else the catalogue's."""
    return _working(catalog, session.get(Hours, slack_id), profile_of(session, slack_id))


def hours_of_each(
    session: Session, catalog: Catalog, slack_ids: Collection[str], profiles: Mapping[str, Profile]
) -> dict[str, Working]:
    """The same of several people of whom this is known, in one statement."""
    found = session.exec(_OF_EACH, params={"of_slack_ids": sorted(slack_ids)}).all() if slack_ids else ()
    rows = {row.slack_id: row for row in found}
    return {one: _working(catalog, rows.get(one), profiles.get(one)) for one in slack_ids}


def choose_hours(session: Session, event: HoursChosen) -> bool:
    """Keep when somebody works; returns False where what they chose after that stands."""
    row = session.get(Hours, event.slack_id)
    if row is not None and row.chosen_at > event.at:
        return False
    session.merge(Hours(slack_id=event.slack_id, begins=event.begins, ends=event.ends, chosen_at=event.at))
    audit.record(
        session, audit.Tag.HOURS_CHOSEN, f"person:{event.slack_id}", event.at,
        who=event.slack_id, begins=event.begins, ends=event.ends,
    )  # fmt: skip
    return True


def _working(catalog: Catalog, row: Hours | None, profile: Profile | None) -> Working:
    zone = _zone(profile.zone if profile else None) or catalog.timezone
    if row is None or row.begins is None or row.ends is None:
        return Working(*USUAL, zone, chosen=False)
    return Working(row.begins, row.ends, zone, chosen=True)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # no IANA name; that of a folder is an OSError
        return None
