"""What Slack refuses about a room and nothing depends on: said once, with the mend, to whoever looks after Shipmate."""

from __future__ import annotations

import pytest

from bot import outbox
from bot.errors import GiveUp, PlaceUnreachable, RetryLater, Unauthorised
from bot.events import IncidentAct
from tests.unit.rooming import Rooming
from tests.unit.seeing import heard

SCOPE = Unauthorised("missing_scope", "Give the app the bot scope pins:write.")
WORDS = {
    "set_topic": "say in the room's head how it stands",
    "pin": "pin the card in its room",
    "bookmark": "put the links into the room's head",
}


def undone(here: Rooming) -> list[str]:
    """What was said of it, of any incident, as it would be sent now."""
    return heard(here, "incident_said", "undone")


@pytest.mark.parametrize("method", WORDS)
@pytest.mark.parametrize("fault", [SCOPE, GiveUp("restricted_action", "Ask who manages the channel to allow it.")])
def test_what_is_refused_is_said_once_with_what_mends_it(calm: Rooming, method: str, fault: GiveUp) -> None:
    """Tried again and again while a person may mend it, and with the next incident as well."""
    here = calm
    here.slack.faults[method] = fault
    here.burns()
    here.room_of()
    (said,) = undone(here)
    assert said.startswith(f"⚠️ I could not {WORDS[method]}: {fault}")
    assert "checkout 5xx · incident 1" in said
    assert here.notes("undone")[0].place == "#deploys", "whoever is woken has other things to do"
    here.turn(here.at + 5)
    here.fires("mail")
    here.room_of()
    assert len(undone(here)) == 1


def test_it_is_said_again_where_it_had_worked_in_between(calm: Rooming) -> None:
    here = calm
    here.slack.faults["pin"] = SCOPE
    first = here.burns()
    here.room_of()
    del here.slack.faults["pin"]
    here.turn(here.at + 5)
    assert len(here.slack.pins) == 1
    here.slack.faults["pin"] = SCOPE
    second = here.fires("mail")
    here.room_of()
    assert [len(here.notes("undone", one)) for one in (first, second)] == [1, 1]


def test_a_link_that_is_refused_keeps_out_no_other(calm: Rooming) -> None:
    here = calm
    here.slack.refused_links.add("http://grafana/d/1")
    here.shipped()
    here.at += 12
    here.fires(dashboard="http://grafana/d/1", url="https://alerts.example/1")
    room = here.room_of()
    assert [title for title, _ in here.slack.links[room]] == ["Runbook", "Alert"]
    assert "could not put the links into the room's head: invalid_link" in undone(here)[0]


def test_a_room_that_cannot_be_closed_and_a_message_that_cannot_be_read_are_said(burning: Rooming) -> None:
    here = burning
    here.slack.faults["heard"] = Unauthorised("missing_scope", "Give the app the bot scope channels:history.")
    here.keeps(here.room_of(), "1700000000.000100")
    here.does()
    here.slack.faults["archive"] = GiveUp("cant_archive_required", "An admin requires this channel.")
    here.over()
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    here.turn(here.at + 8 * 24 * 60)
    read, closed = undone(here)
    assert "I could not read a message that somebody wants on its timeline: missing_scope" in read
    assert "I could not close the room: cant_archive_required" in closed


@pytest.mark.parametrize(
    "fault", [PlaceUnreachable("is_archived", "It is archived."), RetryLater("ratelimited", delay=5)]
)
def test_nothing_is_said_of_a_room_that_is_gone_or_of_what_passes(calm: Rooming, fault: GiveUp) -> None:
    here = calm
    here.slack.faults["set_topic"] = fault
    here.burns()
    here.room_of()
    assert undone(here) == []


def test_what_is_said_where_a_person_closed_the_room_is_said_in_the_channel(burning: Rooming) -> None:
    """Until it is open again: the card, which is always tried anew, tells."""
    here, room = burning, burning.room_of()
    card = outbox.find_card(here.session, "incident", "1", room)
    assert card is not None
    card.error = "is_archived"
    told = here.acts(IncidentAct.UPDATE, text="One in ten payments fails.")
    assert told.startswith(
        "Said in the thread of its card, since #inc-2026-03-02-checkout-5xx is closed. The next word"
    )
    assert [note.place for note in here.notes("update")] == ["#bakers"]
    card.error = None
    here.acts(IncidentAct.UPDATE, text="One in twenty.")
    assert [note.place for note in here.notes("update")] == ["#bakers", room]
    here.over()
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    here.turn(here.at + 8 * 24 * 60)
    here.acts(IncidentAct.TASK, text="Alert on the queue")
    assert here.notes("task")[-1].place == "#bakers"
