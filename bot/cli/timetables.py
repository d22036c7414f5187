"""What ``shipmate config check`` tells of each train: when it departs next, and what clocks that change make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.catalog import Catalog, Train

_SHOWN = 10


@dataclass(frozen=True)
class Row:
    """One departure, with its times on the wall of the train's zone; ``oddity`` is what its local time has of it."""

    departs: datetime
    closes: datetime
    oddity: str | None


def next_departures(train: Train, now: datetime) -> list[Row]:
    """The next ten departures of a train, or as many as there are."""
    from bot.timetable import departures

    rows = []
    for each in islice(departures(train.departs, train.zone, now), _SHOWN):
        closes = (each.at - train.boarding_closes).astimezone(train.zone)
        rows.append(Row(each.at.astimezone(train.zone), closes, _oddity(each.local, train)))
    return rows


def as_lines(catalog: Catalog, now: datetime) -> Iterator[str]:
    """The timetables of all trains for people."""
    for train in catalog.trains.values():
        rows = next_departures(train, now)
        if not rows:
            continue  # which is a note already
        yield f"\n{train.name} departs next ({train.zone.key}):"
        for row in rows:
            odd = f" · {row.oddity}" if row.oddity else ""
            yield f"  {_clock(row.departs)} {_zone(row.departs)}, boarding closes {_closing(row)}{odd}"
        if len(rows) < _SHOWN:
            yield "  and never again."


def as_data(catalog: Catalog, now: datetime) -> list[dict[str, object]]:
    """The same for programs: instants in UTC, and as the clock on the wall shows them."""
    return [
        {
            "name": train.name,
            "timezone": train.zone.key,
            "departures": [
                {
                    "departs_at": f"{row.departs.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "local": row.departs.isoformat(),
                    "boarding_closes_at": f"{row.closes.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "note": row.oddity,
                }
                for row in next_departures(train, now)
            ],
        }
        for train in catalog.trains.values()
    ]


def notes(catalog: Catalog, now: datetime) -> Iterator[str]:
    """What of a timetable is allowed, and may still surprise."""
    for train in catalog.trains.values():
        rows = next_departures(train, now)
        if not rows:
            yield f"Note: the train {train.name} never departs again: its timetable has ended."
        for before, row in pairwise(rows):
            if row.closes < before.departs:
                yield (
                    f"Note: the train {train.name} closes boarding for {_clock(row.departs)} "
                    f"before the one at {before.departs:%H:%M} has left."
                )
                break
        for name in train.services:
            if not catalog.service(name).promote_through:
                yield f"Note: {name} names no promote_through, so the train {train.name} leaves without it."


def _oddity(local: datetime, train: Train) -> str | None:
    from bot.timetable import Comes, comes

    match comes(local, train.zone):
        case Comes.NEVER:
            return f"{local:%H:%M} does not come that day: the clocks are put forward"
        case Comes.TWICE:
            return f"{local:%H:%M} comes twice that day: it departs the first time"
        case Comes.ONCE:
            return None


def _clock(at: datetime) -> str:
    return f"{at:%a %d %b %Y %H:%M}"


def _zone(at: datetime) -> str:
    """The abbreviation that people there know, with the offset where that is no word (``+0545``)."""
    name, offset = at.tzname() or "", f"{at:%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}" if name[:1] in "+-" else name


def _closing(row: Row) -> str:
    return f"{row.closes:%H:%M}" if row.closes.date() == row.departs.date() else f"{row.closes:%a %d %b %H:%M}"
