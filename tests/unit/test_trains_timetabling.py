"""The timetable as it is published, changed and taken away: every departure once, and nothing changes unsaid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from bot import work
from bot.catalog import Conductors, Supersede, Turns
from bot.departures.models import TrainRow
from bot.departures.states import Outcome, State
from bot.outbox import Note
from bot.people.groups import Group
from bot.trains import service as trains
from tests.unit.railway import GATES, WEB, Railway, carried, railway
from tests.unit.reports import minute


def test_a_new_train_runs_from_its_start_on(sqlite_session: Session) -> None:
    """What its timetable named before that was never published; the clock looks when boarding closes next."""
    here = railway(sqlite_session)
    here.at = 125
    here.start()
    row = _row(here)
    assert (row.name, row.channel, row.reckoned_until) == ("web", "#releases", minute(125))
    here.turn(200)
    assert here.departures() == []
    assert work.next_due(here.session) is not None
    here.turn(240)
    assert [one.scheduled_at for one in here.departures()] == [minute(240)]


def test_a_changed_timetable_is_said_and_who_boards_goes_with_the_new_one(railway_session: Session) -> None:
    """With the old next departures and the new; once."""
    here = railway(railway_session).opened()
    here.built("cart", "b", 812)
    here.train = replace(WEB, departs=("30 14 * * *",))
    here.start()
    here.start()
    (note,) = _train_notes(here)
    assert (note.place, note.data["said"]) == ("#releases", "changed")
    assert note.data["before"][:2] == [minute(120).isoformat(), minute(240).isoformat()]
    assert note.data["after"][0] == minute(150).isoformat()
    assert note.data["kept"] == []
    here.turn(135)
    assert [one.scheduled_at for one in here.departures()] == [minute(150)]
    assert here.where() == [("#812", "cart", "aboard", None)]


def test_what_is_sealed_keeps_its_time_when_the_timetable_changes(sealed_session: Session) -> None:
    """Its list was promised; the note names it."""
    here = railway(sealed_session)
    departure = here.ready()
    here.train = replace(WEB, departs=("0 15 * * *",))
    here.start()
    (note,) = _train_notes(here)
    assert note.data["kept"] == [departure.id]
    here.turn(120)
    assert departure.state == State.DEPARTED


def test_what_came_by_the_old_timetable_while_nobody_was_there_is_missed(
    railway_session: Session,
) -> None:
    """The configuration was changed in the same outage."""
    here = railway(railway_session).opened()
    here.train = replace(WEB, departs=("0 18 * * *",))
    here.sleep(200)
    assert here.came_to() == [(minute(120), State.CLOSED, Outcome.MISSED)]
    here.turn(345)
    assert here.departure().scheduled_at == minute(360)


@pytest.mark.parametrize("more", [{"capacity": 3}, {"late_by": timedelta(minutes=5)}, {"name": "web"}])
def test_what_nobody_relies_on_changes_quietly(railway_session: Session, more: dict[str, object]) -> None:
    """The timetable is the same."""
    here = railway(railway_session).opened()
    here.train = replace(WEB, **more)  # type: ignore[arg-type]
    here.start()
    assert _train_notes(here) == []


def test_a_train_that_is_taken_away_says_so_and_calls_off_what_has_not_left(sealed_session: Session) -> None:
    """Its services are raised by the pipeline again; it may come back."""
    here = railway(sealed_session)
    departure = here.ready()
    here.train = None
    here.start()
    here.start()
    assert [note.data["said"] for note in _train_notes(here)] == ["removed"]
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.CANCELLED)
    assert here.notes("passenger_said")[-1] == ("cancelled", "U0ANA")
    here.train = WEB
    here.at = 130
    here.start()
    assert _row(here).removed_at is None
    here.turn(225)
    assert here.departure().scheduled_at == minute(240)


def test_what_is_aboard_of_a_train_that_carries_it_no_more_goes_with_it_all_the_same(sealed_session: Session) -> None:
    """Its service's policy names no train then: else it would ship as soon as it is approved."""
    here = railway(sealed_session)
    departure = here.sealed()
    here.train = replace(WEB, services=("cart",), stages=(("cart",),))
    alone = tuple(gate for gate in GATES if gate.name != "train")
    here.services = (carried("cart"), carried("checkout", gates=alone, supersede=Supersede.ALWAYS))
    here.start()
    here.yes("cart", "checkout")
    here.built("checkout", "d", 821)
    assert here.states_of() == {"cart": "open", "checkout": "open"}
    assert here.of("checkout").departure == departure.id
    here.turn(120)
    assert departure.state == State.DEPARTED
    assert [call.service for call in here.call()] == ["cart", "checkout"]


def test_one_that_is_on_its_way_is_followed_when_its_train_is_taken_away(sealed_session: Session) -> None:
    """What has left arrives."""
    here = railway(sealed_session)
    departure = here.ready()
    here.turn(120)
    here.call()
    here.train = None
    here.start()
    for service in ("cart", "checkout"):
        here.rolls(service, "succeeded")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.ARRIVED)


def test_every_departure_over_a_change_of_clocks_is_on_record_once(sqlite_session: Session) -> None:
    """Paris, the night of 28 March 2027: 02:30 never comes, and departs when clocks change."""
    paris = ZoneInfo("Europe/Paris")
    here = railway(sqlite_session, departs=("30 2 * * *",), zone=paris, boarding_closes=timedelta())
    here.at = (datetime(2027, 3, 26, 12, tzinfo=UTC) - minute(0)).total_seconds() / 60
    here.start()
    here.turn(here.at + 3 * 24 * 60)
    assert [(one.local, one.scheduled_at) for one in here.departures()] == [
        ("2027-03-27T02:30:00", datetime(2027, 3, 27, 1, 30, tzinfo=UTC)),
        ("2027-03-28T02:30:00", datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        ("2027-03-29T02:30:00", datetime(2027, 3, 29, 0, 30, tzinfo=UTC)),
    ]


def test_a_group_conducts_in_turn(railway_session: Session) -> None:
    """As Slack told of it; somebody named by their id conducts in any case."""
    here = railway(railway_session, conductors=Conductors(rota=("@conductors",), turns=Turns.DEPARTURE, backup="U0EVE"))
    here.services = (carried("cart"), carried("checkout"))
    here.opened()
    group = here.session.exec(select(Group)).one()
    group.members = ["U0BEN", "U0CHI"]
    for at in (105, 225):
        here.turn(at - 1)
        here.meet("U0BEN", "U0CHI")
        group.read_at = here.now
        here.turn(at)
    assert [one.conductor for one in here.departures()] == ["U0BEN", "U0CHI"]
    assert {one.backup for one in here.departures()} == {"U0EVE"}


def test_a_look_that_comes_twice_seals_once(sealed_session: Session) -> None:
    """Whoever fires it again finds it done."""
    here = railway(sealed_session)
    here.sealed()
    row = _row(here)
    row.reckoned_until = minute(0)
    here.session.flush()
    trains.train_due(here.session, here.desk, row.id or 0, here.now)
    assert len(here.departures()) == 1
    assert here.aloud() == ["sealed"]


def _row(here: Railway) -> TrainRow:
    return here.session.exec(select(TrainRow)).one()


def _train_notes(here: Railway) -> list[Note]:
    return [note for note in here.session.exec(select(Note)).all() if note.kind == "train_said"]
