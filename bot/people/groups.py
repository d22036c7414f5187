"""Who belongs to a group, as read within the hour: Slack's user groups, named people, a service's on-call.

Only full members of the workspace belong. Where the membership was never read, or too long ago, nobody does, and
``trouble`` says why: a group that cannot be read opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import JSON, Column, bindparam
from sqlmodel import Field, Session, SQLModel, select

from bot.catalog import Catalog, Service, Team
from bot.errors import UserError
from bot.gates.base import GroupFact
from bot.people import freshness
from bot.people.members import is_full, profile_of, profiles_of, want_member

ON_CALL = "on-call"
"""The word for whoever is on call for the service."""

SCHEDULE = "schedule:"
"""How the key of a schedule's list begins, where a service's is its own id."""

Row = TypeVar("Row", bound=SQLModel)

_SLACK_ID = re.compile(r"[UW][A-Z0-9]{1,31}")
_SCHEDULE_ID = re.compile(r"P[A-Z0-9]{2,31}")


class Group(SQLModel, table=True):
    """A user group of Slack's. ``members`` are Slack ids, guests included; None = there is no such group."""

    __tablename__ = "groups"

    id: int | None = Field(default=None, primary_key=True)
    handle: str = Field(unique=True, max_length=80)
    """In lower case, without the @."""
    members: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    read_at: datetime | None = None
    wanted_at: datetime | None = None
    tried_at: datetime | None = None
    trouble: str | None = None


class OnCallList(SQLModel, table=True):
    """Who is on call for a service, by PagerDuty's id of it; or whose shift it is by a schedule (``SCHEDULE``).

    ``who`` has for each ``user`` (PagerDuty's id), ``name``, ``slack_id`` (null = nobody we know in Slack), ``until``.
    """

    __tablename__ = "on_call"

    id: int | None = Field(default=None, primary_key=True)
    service: str = Field(unique=True, max_length=255)
    who: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    read_at: datetime | None = None
    wanted_at: datetime | None = None
    tried_at: datetime | None = None
    trouble: str | None = None


# Held statements: to build one costs more than to run it, and every judgement asks who may approve.
_CALLED = select(Group).where(Group.handle == bindparam("of_handle"))
_FOR_SERVICE = select(OnCallList).where(OnCallList.service == bindparam("of_service"))


def group(session: Session, catalog: Catalog, word: str, now: datetime, *, service: Service | None) -> GroupFact:
    """Who belongs to what the configuration names with this word, for this service.

    Words are ``@handle``, a Slack id, the GitHub login or address of somebody in the catalogue, ``on-call``, and the id
    of a PagerDuty schedule: whose shift it is now.
    """
    if word.startswith("@"):
        return _user_group(session, word, now)
    if word.casefold() == ON_CALL:
        return _on_call(session, word, now, service)
    if _is_schedule(catalog, word):
        by = f"by the schedule {word}"
        return _listed(session, word, f"{SCHEDULE}{word}", f"whose shift it is {by}", f"nobody has a shift {by}", now)
    return _person(session, catalog, word, now)


def want_group(session: Session, catalog: Catalog, word: str, now: datetime, *, service: Service | None) -> None:
    """Have this group read, and kept fresh for a day: wherever a promotion is made or judged; it costs little."""
    match key_of(catalog, word, service):
        case ("group", handle):
            found = session.exec(_CALLED, params={"of_handle": handle}).first()
            freshness.want(session, "group", found or _added(session, Group(handle=handle)), now)
        case ("on_call", name):
            row = session.exec(_FOR_SERVICE, params={"of_service": name}).first()
            freshness.want(session, "on_call", row or _added(session, OnCallList(service=name)), now)
        case ("member", slack_id):
            want_member(session, slack_id, now)


def key_of(catalog: Catalog, word: str, service: Service | None) -> tuple[str, str] | None:
    """What a word of the configuration is read by: its kind (``freshness.KINDS``), and what that knows it by.

    A group's handle, PagerDuty's id of a service, a schedule (``SCHEDULE``), or a Slack id; None where nothing is read.
    """
    if word.startswith("@"):
        return "group", _handle(word)
    if word.casefold() == ON_CALL:
        name = service.pagerduty_service if service is not None else None
        return ("on_call", name) if name else None
    if _is_schedule(catalog, word):
        return "on_call", f"{SCHEDULE}{word}"
    slack_id = _slack_id(catalog, word)
    return ("member", slack_id) if slack_id is not None else None


def is_member(session: Session, catalog: Catalog, team: Team | None, slack_id: str, now: datetime) -> bool:
    """Whether somebody belongs to a team; UserError, with the reason, where that cannot be told just now.

    A team that names no members (and no team at all) is every full member of the workspace. The doors ask Slack before
    they take an act in, so what it said last is what it said of that act, however late the act comes to be applied.
    """
    if team is None or not team.members:
        known = profile_of(session, slack_id)
        if known is None or known.read_at is None:
            raise UserError("Slack has not said yet that you are a full member, so nothing was done. Try it again.")
        return known.full
    facts = [group(session, catalog, word, now, service=None) for word in team.members]
    if any(fact.trouble is None and slack_id in (fact.members or ()) for fact in facts):
        return True
    troubles = [fact.trouble for fact in facts if fact.trouble is not None]
    if troubles:
        raise UserError(
            f"I cannot tell just now whether you are in the team {team.name}: {troubles[0]}. Try it again in a minute."
        )
    return False


def _user_group(session: Session, word: str, now: datetime) -> GroupFact:
    row = session.exec(_CALLED, params={"of_handle": _handle(word)}).first()
    if row is None or row.read_at is None:
        return _unread(word, row.trouble if row else None)
    if row.members is None and freshness.fresh(row.read_at, now):
        return _nobody(word, f"there is no user group {word} in Slack", row.read_at)
    if not freshness.fresh(row.read_at, now):
        return _stale(word, row.trouble, row.read_at)
    return GroupFact(name=word, members=_full(session, row.members or (), now), read_at=row.read_at)


def _on_call(session: Session, word: str, now: datetime, service: Service | None) -> GroupFact:
    name = service.pagerduty_service if service is not None else None
    if service is None or not name:
        whose = service.name if service is not None else "the service"
        return _nobody(word, f"{whose} has no pagerduty_service in shipmate.yml, so nobody is on call")
    called, nobody = (f"{who} is on call for {service.name}" for who in ("who", "nobody"))
    return _listed(session, word, name, called, nobody, now)


def _listed(session: Session, word: str, key: str, called: str, nobody: str, now: datetime) -> GroupFact:
    """Who stands on a list of PagerDuty's, as read within the hour and as far as their shift lasts."""
    row = session.exec(_FOR_SERVICE, params={"of_service": key}).first()
    if row is None or row.read_at is None:
        return _unread(called, row.trouble if row else None, word)
    if not freshness.fresh(row.read_at, now):
        return _stale(called, row.trouble, row.read_at, word)
    present = [one for one in row.who if one["until"] is None or datetime.fromisoformat(one["until"]) > now]
    if not present:
        return _nobody(word, nobody, row.read_at)
    known = _full(session, (one["slack_id"] for one in present if one["slack_id"]), now)
    if not known:
        names = ", ".join(one["name"] for one in present)
        trouble = f"{names} is on call, and I do not know them in Slack: write them under people in shipmate.yml"
        return _nobody(word, trouble, row.read_at)
    return GroupFact(name=word, members=known, read_at=row.read_at)


def _person(session: Session, catalog: Catalog, word: str, now: datetime) -> GroupFact:
    slack_id = _slack_id(catalog, word)
    if slack_id is None:
        return _nobody(word, f"shipmate.yml does not say who {word} is in Slack: add them under people")
    row, entry = profile_of(session, slack_id), catalog.person_by_slack(slack_id)
    name = (entry.name if entry else None) or (row.name if row else None) or word
    called = f"who {name} is"
    if row is None or row.read_at is None:
        return _unread(called, row.trouble if row else None, word)
    if not freshness.fresh(row.read_at, now):
        return _stale(called, row.trouble, row.read_at, word)
    return GroupFact(name=name, members=frozenset({slack_id} if row.full else ()), read_at=row.read_at)


def _full(session: Session, slack_ids: Iterable[str], now: datetime) -> frozenset[str]:
    """Those of these people who are full members of the workspace, as read within the hour."""
    profiles = profiles_of(session, frozenset(slack_ids))
    return frozenset(one for one, row in profiles.items() if is_full(row, now))


def _unread(called: str, trouble: str | None, word: str | None = None) -> GroupFact:
    why = f"I cannot read {called}: {trouble}" if trouble else f"I have not read {called} yet"
    return _nobody(word or called, why)


def _stale(called: str, trouble: str | None, read_at: datetime, word: str | None = None) -> GroupFact:
    why = f"I could not read {called} for more than an hour"
    return _nobody(word or called, f"{why}: {trouble}" if trouble else why, read_at)


def _nobody(word: str, trouble: str, read_at: datetime | None = None) -> GroupFact:
    return GroupFact(name=word, members=frozenset(), trouble=trouble, read_at=read_at)


def _slack_id(catalog: Catalog, word: str) -> str | None:
    """Whom a word names: somebody in the catalogue by login or address, else a Slack id."""
    entry = catalog.person_by_github(word) or catalog.person_by_email(word)
    if entry is not None:
        return entry.slack
    return word if _SLACK_ID.fullmatch(word) else None


def _is_schedule(catalog: Catalog, word: str) -> bool:
    return _SCHEDULE_ID.fullmatch(word) is not None and catalog.person_by_github(word) is None


def _handle(word: str) -> str:
    return word.removeprefix("@").casefold()[:80]


def _added(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row
