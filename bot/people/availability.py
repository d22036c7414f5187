"""Who can be asked now: online, in their hours, or from when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from bot.catalog import Catalog
from bot.people import freshness
from bot.people.hours import hours_of_each
from bot.people.members import profiles_of

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Available:
    """Somebody who can. ``online`` is None where nobody knows; ``from_at`` is when they next begin work, outside it."""

    slack_id: str
    name: str
    online: bool | None
    works_now: bool
    from_at: datetime | None


def who_can(session: Session, catalog: Catalog, slack_ids: Iterable[str], now: datetime) -> tuple[Available, ...]:
    """These people, whoever is easiest to reach first: at work and online, at work, then by when they begin."""
    wanted = frozenset(slack_ids)
    profiles = profiles_of(session, wanted)
    every = hours_of_each(session, catalog, wanted, profiles)
    found = []
    for slack_id, hours in every.items():
        row, entry = profiles.get(slack_id), catalog.person_by_slack(slack_id)
        watched = row is not None and row.online_at is not None and now - row.online_at < freshness.ATTENTIVE
        works = hours.at(now)
        found.append(
            Available(
                slack_id=slack_id,
                name=(entry.name if entry else None) or (row.name if row else None) or slack_id,
                online=row.online if row is not None and watched else None,
                works_now=works,
                from_at=None if works else hours.begins_after(now),
            )
        )
    return tuple(sorted(found, key=_ease))


def _ease(one: Available) -> tuple[bool, bool, datetime, str]:
    return (not one.works_now, not one.online, one.from_at or _NEVER, one.name)
