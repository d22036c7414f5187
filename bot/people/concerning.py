"""Whom it concerns that something was read anew: by which keys of the policies, and as which people, that is asked for.

What a judge sees of one person is told apart here from what no judge looks at, such as whether they are online.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from bot.people import freshness
from bot.people.groups import Group, OnCallList
from bot.people.members import Profile, is_full


@dataclass(frozen=True)
class Concerning:
    """What was read anew: ``keys`` are those of ``groups.key_of`` by which policies ask for it or for one of them."""

    keys: frozenset[tuple[str, str]]
    slack_ids: frozenset[str]
    """The people among it."""


def concerning(session: Session, subjects: Iterable[tuple[str, int]]) -> Concerning:
    """Whom it concerns that these groups, lists and people (``freshness.KINDS`` with their numbers) were read anew.

    Somebody concerns also every group and every list that they are on.
    """
    numbers: dict[str, list[int]] = {kind: [] for kind in freshness.KINDS}
    for kind, number in subjects:
        numbers[kind].append(number)
    groups = session.exec(select(Group.handle).where(col(Group.id).in_(numbers["group"]))).all()
    lists = session.exec(select(OnCallList.service).where(col(OnCallList.id).in_(numbers["on_call"]))).all()
    people = frozenset(session.exec(select(Profile.slack_id).where(col(Profile.id).in_(numbers["member"]))).all())
    keys = {*(("group", one) for one in groups), *(("on_call", one) for one in lists)}
    if people:
        keys |= {("member", one) for one in people}
        keys |= {
            ("group", handle)
            for handle, members in session.exec(select(Group.handle, Group.members)).all()
            if not people.isdisjoint(members or ())
        }
        keys |= {
            ("on_call", service)
            for service, who in session.exec(select(OnCallList.service, OnCallList.who)).all()
            if not people.isdisjoint(one["slack_id"] for one in who)
        }
    return Concerning(frozenset(keys), people)


Seen = tuple[str | None, str | None, str | None, bool, bool, str | None]


def seen_of(row: Profile | None, now: datetime) -> Seen:
    """All that a judge, or a card that says who can, sees of somebody: equal where a look at them brought nothing new.

    Whether they are online is not among it: that is told when a card is sent, and calls for no other verdict.
    """
    if row is None:
        return (None, None, None, False, False, None)
    believed = freshness.fresh(row.read_at, now)
    return (row.name, row.email, row.zone, is_full(row, now), believed, None if believed else row.trouble)
