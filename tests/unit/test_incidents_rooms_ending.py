"""When a room is closed, and another made in its place; and what whoever comes late into it is told."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bot.errors import GiveUp
from bot.events import IncidentAct
from bot.incidents.models import Incident, Likely
from bot.incidents.states import State
from tests.unit.alarming import away
from tests.unit.rooming import Killed, Rooming

# --- its end ------------------------------------------------------------------------------------------------------


def resolved(here: Rooming) -> Incident:
    """An incident with a room that is over."""
    incident = here.incident()
    here.over()
    here.acts(IncidentAct.RESOLVE, text="rolled back")
    return incident


def test_a_room_is_closed_some_days_after_the_end_and_once(burning: Rooming) -> None:
    here, incident = burning, resolved(burning)
    here.turn(here.at + 6 * 24 * 60)
    assert not here.slack.archived
    here.turn(here.at + 2 * 24 * 60)
    assert here.slack.archived == {incident.room}
    assert incident.archived_at is not None
    here.turn(here.at + 30 * 24 * 60)
    assert here.slack.asked.count("archive") == 1


def test_a_kill_while_a_room_is_closed_does_no_harm(burning: Rooming) -> None:
    here, incident = burning, resolved(burning)
    here.slack.dies = "archive"
    with pytest.raises(Killed):
        here.turn(here.at + 8 * 24 * 60)
    here.does()
    assert here.slack.archived == {incident.room}
    assert incident.archived_at is not None


def test_a_room_of_an_incident_that_is_open_again_is_not_closed(burning: Rooming) -> None:
    here, incident = burning, resolved(burning)
    room = incident.room
    here.at += 60
    here.acts(IncidentAct.REOPEN)
    here.turn(here.at + 10 * 24 * 60)
    assert not here.slack.archived
    assert incident.room == room


def test_an_incident_that_is_opened_after_its_room_was_closed_gets_another(burning: Rooming) -> None:
    """An app cannot open a closed channel: whoever was in the former room is let into the new one."""
    here, incident = burning, resolved(burning)
    first = incident.room
    here.turn(here.at + 8 * 24 * 60)
    here.acts(IncidentAct.REOPEN)
    second = here.room_of()
    assert second != first
    assert incident.room_name == "inc-2026-03-02-checkout-5xx-2"
    assert set(here.slack.people[second]) >= {"U0ANA", "U0CHI"}
    assert incident.archived_at is None


def test_one_that_is_opened_again_while_its_room_is_being_closed_gets_another(burning: Rooming) -> None:
    here, incident = burning, resolved(burning)
    first = incident.room
    here.slack.meanwhile["archive"] = lambda: here.acts(IncidentAct.REOPEN)
    here.turn(here.at + 8 * 24 * 60)
    assert here.room_of() != first
    assert incident.state == State.OPEN


def test_a_room_that_comes_after_the_end_is_closed_in_its_time(calm: Rooming) -> None:
    here = calm
    incident = here.burns()
    here.over()
    here.slack.meanwhile["open_room"] = lambda: here.acts(IncidentAct.RESOLVE, text="rolled back")
    here.does()
    assert incident.room is not None
    here.turn(here.at + 8 * 24 * 60)
    assert here.slack.archived == {incident.room}


def test_no_room_is_made_for_what_is_over(calm: Rooming) -> None:
    here = calm
    incident = here.burns()
    here.acts(IncidentAct.RESOLVE, text="a false alarm")
    here.does()
    assert incident.room is None
    assert not here.slack.rooms


# --- who comes late -----------------------------------------------------------------------------------------------


def test_whoever_comes_late_is_told_how_it_stands_once(burning: Rooming) -> None:
    here, room = burning, burning.room_of()
    here.joins(room, "U0DEE")
    here.does()
    assert not here.slack.whispers, "who comes at the beginning has missed nothing"
    here.acts(IncidentAct.MINE)
    here.at += 20
    here.acts(IncidentAct.UPDATE, text="One in ten payments fails.")
    for _ in range(2):
        here.joins(room, "U0BEN")
        here.does()
    ((where, who, message),) = here.slack.whispers
    assert (where, who) == (room, "U0BEN")
    for words in ("checkout 5xx", "Ana leads", "#812 (checkout, bbbbbbb)", "One in ten payments fails.", "locked"):
        assert words in message.text


def test_whoever_comes_late_reads_what_people_said_of_the_likely_change(burning: Rooming) -> None:
    here, room = burning, burning.room_of()
    likely = here.session.exec(select(Likely)).one().id
    here.at += 20
    here.joins(room, "U0BEN")
    here.acts(IncidentAct.NOT_MINE, likely=likely)
    here.joins(room, "U0FAY")
    here.does()
    assert ["Likely change (said not to be it): #812" in message.text for _, _, message in here.slack.whispers] == [
        True,
        True,
    ]


def test_whoever_comes_late_into_what_a_person_opened_is_not_told_that_nothing_fires(calm: Rooming) -> None:
    """No alert belongs to it, and nothing was looked at: that is no good news."""
    here = calm
    here.opens("nobody can log in", None, "U0BEN")
    room = here.room_of()
    here.at += 20
    here.joins(room, "U0EVE")
    here.does()
    ((_, _, message),) = here.slack.whispers
    assert "No alert belongs to it: people say how it stands." in message.text
    assert "fires" not in message.text
    assert "No change is likely" not in message.text


def test_nobody_is_told_anything_for_coming_into_another_channel(burning: Rooming) -> None:
    here = burning
    here.at += 20
    here.joins("C0OTHER", "U0BEN")
    here.does()
    assert not here.slack.whispers


def test_a_summary_that_cannot_be_whispered_is_let_go(burning: Rooming) -> None:
    here, room = burning, burning.room_of()
    here.at += 20
    here.slack.faults["whisper"] = GiveUp("user_not_in_channel")
    here.joins(room, "U0BEN")
    here.does()
    here.at += 20
    here.does()
    assert here.slack.asked.count("whisper") == 1


def test_somebody_away_is_let_in_all_the_same_when_they_are_paged(calm: Rooming) -> None:
    """Where she is not woken, she is not let in either: the on-call is."""
    here = calm
    away(here, "U0ANA")
    here.burns()
    assert "U0DEE" in here.slack.people[here.room_of()]
