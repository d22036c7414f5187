"""The published timetable: kept in step with the configuration, and every departure of it dealt with exactly once.

``TrainRow.reckoned_until`` says up to where that is so; the unique ``(train, scheduled_at)`` decides where two meet.
Whoever was down at a departure's time lets it leave late within its grace; after that it is missed, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from bot import audit, people, work
from bot.audit import Tag
from bot.catalog import Train
from bot.departures.models import Departure, TrainRow
from bot.departures.states import Outcome, State
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.timetable import Departs, departures
from bot.trains import cancelling, conductors, finding, gathering, rules, sealing, telling
from bot.trains.boarding import board
from bot.trains.telling import TRAIN, Said, TrainSaid
from bot.trains.times import following, to_come
from bot.trains.words import NOBODY_THERE, iso

FARTHEST = timedelta(days=7)
"""How far back missed departures are put on record: nobody asks after older ones."""

TOLD_AHEAD = 3
"""How many departures of the old and of the new timetable are named when it changes."""

MOST_AT_ONCE = 500
"""Departures dealt with in one go; a timetable of every minute has a rest at the next look."""


def reconcile(session: Session, desk: Desk, now: datetime) -> None:
    """Bring what is on record in step with the configuration: at the start, and whenever that was read anew.

    A train that is new runs from now on; one whose timetable is another one says so; one that is gone is called off.
    """
    if not desk.catalog.trains and session.exec(select(TrainRow.id).limit(1)).first() is None:
        return
    targets.hold(session, desk.catalog, [])  # two replicas that start at once meet here
    rows = {row.name: row for row in session.exec(select(TrainRow).order_by(TrainRow.name)).all()}
    for train in desk.catalog.trains.values():
        row = rows.get(train.name)
        channel = finding.channel_of(desk, train)
        if row is None:
            row = TrainRow(name=train.name, timetable=words_of(train), reckoned_until=now, channel=channel)
            session.add(row)
            session.flush()
            audit.record(session, Tag.TRAIN_CHANGED, f"train:{train.name}", now, to=json.loads(row.timetable))
        elif row.removed_at is not None:
            row.removed_at, row.timetable, row.reckoned_until = None, words_of(train), max(now, row.reckoned_until)
            audit.record(session, Tag.TRAIN_CHANGED, f"train:{train.name}", now, to=json.loads(row.timetable))
        elif row.timetable != words_of(train):
            _change(session, desk, row, train, now)
        row.channel = channel
        session.flush()
        _look_next(session, desk, row, train, now)
    for name, row in rows.items():
        if name not in desk.catalog.trains and row.removed_at is None:
            _remove(session, desk, row, now)


def due(session: Session, desk: Desk, train_id: int, now: datetime) -> None:
    """A train's time has come: every departure whose boarding closes by now is sealed, or was missed."""
    row = session.get(TrainRow, train_id)
    train = desk.catalog.trains.get(row.name) if row is not None else None
    if row is None or train is None or row.removed_at is not None:
        return
    targets.hold(session, desk.catalog, [(service, train.to) for service in train.services])
    session.refresh(row)
    come = takewhile(lambda one: one.at - train.boarding_closes <= now, to_come(train, row.reckoned_until))
    _deal_with(session, desk, row, train, list(islice(come, MOST_AT_ONCE)), now)
    _look_next(session, desk, row, train, now)


def words_of(train: Train) -> str:
    """What of a train people rely on, as text that is the same for the same timetable."""
    return json.dumps(
        {
            "departs": list(train.departs), "zone": train.zone.key, "to": train.to, "services": list(train.services),
            "closes": int(train.boarding_closes.total_seconds()),
        },
        sort_keys=True,
    )  # fmt: skip


# --- inside -------------------------------------------------------------------------------------------------------


def _deal_with(
    session: Session, desk: Desk, row: TrainRow, train: Train, come: Sequence[Departs], now: datetime
) -> None:
    """Seal what is to leave, and put on record what was missed: of several that are late, the last leaves for all."""
    past = [one for one in come if one.at <= now]
    late = past[-1] if past and now <= past[-1].at + rules.grace(train) else None
    missed = [one for one in past if one is not late]
    for one in missed:
        if one.at >= now - FARTHEST and finding.scheduled(session, row, one.at) is None:
            _miss(session, desk, row, train, one, now)
    if missed and late is None:
        _say_missed(session, desk, row, train, missed, now)
    for one in [*([late] if late is not None else []), *(one for one in come if one.at > now)]:
        sealing.seal(session, desk, row, train, one, now)
    if come:
        row.reckoned_until = max(row.reckoned_until, come[-1].at)
        session.flush()


def _miss(session: Session, desk: Desk, row: TrainRow, train: Train, departs: Departs, now: datetime) -> None:
    crew = conductors.crew_of(session, desk, row, train, departs.local, departs.at)  # who may have it run after all
    departure = Departure(
        train=row.id or 0, scheduled_at=departs.at, local=departs.local.isoformat(), zone=train.zone.key,
        conductor=crew.conductor, backup=crew.backup,
        state=State.CLOSED.value, outcome=Outcome.MISSED.value, ended_at=now,
        ended_reason=NOBODY_THERE,
    )  # fmt: skip
    session.add(departure)
    session.flush()
    audit.record(session, Tag.DEPARTURE_MOVED, f"departure:{departure.id}", now, to=State.CLOSED.value,
                 outcome=Outcome.MISSED.value, scheduled_at=iso(departs.at))  # fmt: skip


def _say_missed(
    session: Session, desk: Desk, row: TrainRow, train: Train, missed: Sequence[Departs], now: datetime
) -> None:
    """The channel hears of the last one, with how many there were before it and when the next one goes.

    Nobody is asked to run one that nothing could go with.
    """
    last = finding.scheduled(session, row, missed[-1].at)
    if last is None or last.outcome != Outcome.MISSED.value:
        return
    telling.show(session, desk, last, now)
    could = board(train, gathering.candidates(session, desk, train, max(last.scheduled_at, now), now), now).aboard
    telling.say(
        session, desk, last, Said.MISSED, now, earlier=len(missed) - 1, next=following(train, now), nothing=not could
    )


def _change(session: Session, desk: Desk, row: TrainRow, train: Train, now: datetime) -> None:
    """Another timetable: what came by the old one until now is dealt with, what is sealed keeps its time."""
    before = json.loads(row.timetable)
    after = json.loads(words_of(train))
    row.timetable = words_of(train)
    if (before["departs"], before["zone"]) != (after["departs"], after["zone"]):
        came = takewhile(lambda one: one.at <= now, _written(before, row.reckoned_until))
        _deal_with(session, desk, row, train, list(islice(came, MOST_AT_ONCE)), now)
        row.reckoned_until = now
    session.flush()
    audit.record(session, Tag.TRAIN_CHANGED, f"train:{row.name}", now, before=before, to=after)
    sealed = [one for one in finding.alive(session, row.id) if one.standing in (State.SEALED, State.HELD)]
    telling.say_of_train(
        session, row, TrainSaid.CHANGED, now, of=iso(now),
        before=[iso(one.at) for one in islice(_written(before, now), TOLD_AHEAD)],
        after=[iso(one.at) for one in islice(to_come(train, now), TOLD_AHEAD)],
        services_before=before["services"], services=after["services"],
        to_before=before["to"], to=after["to"], closes_before=before["closes"], closes=after["closes"],
        kept=[one.id for one in sealed],
    )  # fmt: skip
    for departure in sealed:
        work.touch(session, telling.DEPARTURE, departure.id or 0)


def _written(definition: dict[str, object], after: datetime) -> Iterator[Departs]:
    """The departures of a timetable as it was told of."""
    departs, zone = definition["departs"], definition["zone"]
    assert isinstance(departs, list)
    return departures([str(one) for one in departs], ZoneInfo(str(zone)), after)


def _remove(session: Session, desk: Desk, row: TrainRow, now: datetime) -> None:
    """It runs no more: what has not left is called off, what has is followed to its end."""
    row.removed_at = now
    work.cancel(session, TRAIN, row.id or 0)
    session.flush()
    audit.record(session, Tag.TRAIN_CHANGED, f"train:{row.name}", now, before=json.loads(row.timetable))
    telling.say_of_train(session, row, TrainSaid.REMOVED, now, of=iso(now))
    for departure in finding.alive(session, row.id):
        if departure.standing in (State.SEALED, State.HELD):
            held = finding.held(session, desk, departure.id or 0)
            assert held is not None
            why = f"the train {row.name} was taken out of shipmate.yml"
            cancelling.cancel(session, desk, held, now, who=None, why=why)


def _look_next(session: Session, desk: Desk, row: TrainRow, train: Train, now: datetime) -> None:
    """Look again when boarding closes next; before that often enough that who conducts is known by then."""
    conductors.want(session, desk, train, now)
    departs = next(to_come(train, row.reckoned_until), None)
    if departs is None:
        work.cancel(session, TRAIN, row.id or 0)
        return
    at = departs.at - train.boarding_closes
    work.schedule(session, TRAIN, row.id or 0, max(now, min(at, now + people.WANTED / 2)))
