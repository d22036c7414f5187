"""Who people are in the workspace, as Slack last said: whether they are full members of it, their zone, their address.

A guest, somebody deactivated and somebody of another workspace is no full member, and counts nowhere.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel, col, select

from bot.people import freshness
from bot.ports import Member


class Profile(SQLModel, table=True):
    """What Slack said of somebody; ``read_at`` None = nothing yet. ``online`` is None where Slack does not say."""

    __tablename__ = "members"

    id: int | None = Field(default=None, primary_key=True)
    slack_id: str = Field(unique=True, max_length=32)
    name: str | None = Field(default=None, max_length=255)
    email: str | None = Field(default=None, max_length=320)
    zone: str | None = Field(default=None, max_length=64)
    guest: bool = False
    active: bool = True
    online: bool | None = None
    online_at: datetime | None = None
    away: str | None = Field(default=None, max_length=255)
    """What their status says where it means that they are not there; until ``away_until``, where that is set."""
    away_until: datetime | None = None
    read_at: datetime | None = None
    wanted_at: datetime | None = None
    tried_at: datetime | None = None
    trouble: str | None = None

    @property
    def full(self) -> bool:
        """Whether this is a full member of the workspace, as far as was read."""
        return self.read_at is not None and self.active and not self.guest


_OF = select(Profile).where(Profile.slack_id == bindparam("of_slack_id"))
_OF_EACH = select(Profile).where(col(Profile.slack_id).in_(bindparam("of_slack_ids", expanding=True)))
_MAKE = {
    "sqlite": sqlite.insert(Profile).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(Profile).on_conflict_do_nothing(),
}
"""Doors write profiles too, on every replica: two may make the same one at once."""


def profile_of(session: Session, slack_id: str) -> Profile | None:
    """What Slack said of somebody, however long ago."""
    return session.exec(_OF, params={"of_slack_id": slack_id}).first()


def profiles_of(session: Session, slack_ids: frozenset[str]) -> dict[str, Profile]:
    """The same of several people, by Slack id."""
    if not slack_ids:
        return {}
    found = session.exec(_OF_EACH, params={"of_slack_ids": sorted(slack_ids)}).all()
    return {one.slack_id: one for one in found}


def saw(session: Session, member: Member, now: datetime) -> None:
    """Keep what Slack just said of somebody."""
    row = _made(session, member.slack_id)
    if row.read_at is not None and row.read_at > now:
        return
    row.name, row.guest, row.active = member.name[:255], member.guest, member.active
    row.email = member.email.lower() if member.email and len(member.email) <= 320 else None
    row.zone = member.zone if member.zone and len(member.zone) <= 64 else None
    row.away, row.away_until = member.away[:255] if member.away else None, member.away_until
    row.read_at, row.tried_at, row.trouble = now, now, None
    session.flush()


def unseen(session: Session, slack_id: str, now: datetime) -> None:
    """Slack shows nobody of this id (any more): whoever it was belongs nowhere."""
    row = _made(session, slack_id)
    row.active, row.read_at, row.tried_at, row.trouble = False, now, now, None
    session.flush()


def is_full(row: Profile | None, now: datetime) -> bool:
    """Whether Slack said within the hour that somebody is a full member of the workspace; not known is no."""
    return row is not None and row.full and freshness.fresh(row.read_at, now)


def doubt(row: Profile | None, called: str, now: datetime) -> str | None:
    """Why it is not known whether somebody is a full member, as people read it; None where Slack has said so, or no."""
    if row is not None and row.read_at is not None and (not row.full or freshness.fresh(row.read_at, now)):
        return None
    said = "yet" if row is None or row.read_at is None else "for more than an hour"
    why = f"Slack has not said {said} that {called} is a full member"
    return f"{why}: {row.trouble}" if row is not None and row.trouble else why


def want_member(session: Session, slack_id: str, now: datetime) -> None:
    """Keep fresh who somebody is, and whether they are online."""
    freshness.want(session, "member", _made(session, slack_id), now)


def _made(session: Session, slack_id: str) -> Profile:
    row = profile_of(session, slack_id)
    if row is None:
        made = _MAKE[session.connection().dialect.name]
        session.connection().execute(made, {"slack_id": slack_id, "guest": False, "active": True})
        row = session.exec(_OF, params={"of_slack_id": slack_id}).one()
    return row
