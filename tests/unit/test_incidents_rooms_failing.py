"""Where no room can be made, or something ends in the middle of it: it is said, and in the end there is one room."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.events import IncidentAct
from bot.incidents import rooms
from bot.outbox import Card
from tests.unit.rooming import Killed, Rooming
from tests.unit.seeing import buttons, card, shown

# --- when no room can be made -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [GiveUp("restricted_action", "A workspace owner lets apps create channels."), GiveUp("name_taken", "All taken.")],
)
def test_where_no_room_can_be_made_everything_goes_on_in_the_channel(calm: Rooming, fault: GiveUp) -> None:
    here = calm
    here.slack.faults["open_room"] = fault
    incident = here.burns()
    here.does()
    (said,) = here.notes("no_room")
    assert (said.place, said.data["why"]) == ("#bakers", str(fault))
    assert incident.room_trouble == str(fault)
    words = shown(card(here))
    assert f"🚪 There is no room: {str(fault).rstrip('.')}. It is led in this thread" in words
    assert "being made" not in words
    assert buttons(card(here))["Try the room again"] == str(incident.id)
    here.acts(IncidentAct.MINE)
    here.acts(IncidentAct.UPDATE, text="We look at the graphs.")
    assert here.notes("update")[0].place == "#bakers"
    assert incident.lead == "U0ANA"


def test_a_missing_scope_is_said_once_and_tried_again_until_it_is_mended(calm: Rooming) -> None:
    here = calm
    here.slack.faults["open_room"] = Unauthorised("missing_scope", "Give the app channels:manage.")
    incident = here.burns()
    here.does()
    here.turn(here.at + 3)
    assert here.slack.asked.count("open_room") > 1
    assert len(here.notes("no_room")) == 1
    del here.slack.faults["open_room"]
    here.turn(here.at + 3)
    assert incident.room is not None
    assert incident.room_trouble is None
    assert here.cards("incident")[-1][1] == incident.room


def test_a_person_can_have_it_tried_again(calm: Rooming) -> None:
    here = calm
    here.slack.faults["open_room"] = GiveUp("restricted_action", "A workspace owner lets apps create channels.")
    incident = here.burns()
    here.does()
    here.slack.faults.clear()
    here.at += 1
    assert here.acts(IncidentAct.OPEN_ROOM) == "Trying again to open #inc-2026-03-02-checkout-5xx."
    assert "Led in #inc-2026-03-02-checkout-5xx (being made)" in shown(card(here))
    here.does()
    assert here.acts(IncidentAct.OPEN_ROOM) == "Nothing to do: its room is #inc-2026-03-02-checkout-5xx."
    assert incident.room is not None


def test_without_slack_there_are_no_rooms_and_that_is_said(calm: Rooming) -> None:
    here = calm
    here.has_rooms = False
    here.burns()
    here.does()
    assert "SLACK_BOT_TOKEN" in here.notes("no_room")[0].data["why"]


def test_a_room_is_wanted_once_however_often_that_is_said(calm: Rooming) -> None:
    here = calm
    incident = here.burns()
    assert here.acts(IncidentAct.OPEN_ROOM) == "Nothing to do: its room #inc-2026-03-02-checkout-5xx is being opened."
    for _ in range(3):
        rooms.want(calm.session, here.desk, incident, here.now + timedelta(minutes=1))
    here.room_of()
    assert len(here.slack.rooms) == 1


def test_where_the_channel_cannot_be_written_to_it_is_said_in_the_default_one(calm: Rooming) -> None:
    """Not in the thread of a card that nobody sees."""
    here = calm
    here.slack.faults["open_room"] = GiveUp("restricted_action", "A workspace owner lets apps create channels.")
    here.burns()
    card = here.session.exec(select(Card).where(Card.kind == "incident", Card.place == "#bakers")).one()
    card.error = "channel_not_found"
    here.does()
    (note,) = here.notes("no_room")
    assert (note.place, note.thread) == ("#deploys", None)
    card.ts = "1700000000.000100"  # somebody mended it, and it stands there now
    here.acts(IncidentAct.UPDATE, text="We look at the graphs.")
    (note,) = here.notes("update")
    assert (note.place, note.thread) == ("#bakers", card.id)


# --- whenever the process dies ------------------------------------------------------------------------------------

CALLS = ("open_room", "invite", "set_topic", "pin", "bookmark")


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("ending", ["killed", "doubtful", "later"])
def test_whatever_ends_a_call_there_is_one_room_with_everything_in_it(calm: Rooming, method: str, ending: str) -> None:
    """Killed after the call and before it was written down; an answer that was lost; a 429."""
    here = calm
    incident = here.burns()
    if method == "pin":
        here.does()
        here.stands()
        here.at += 1
    interrupted(here, method, ending)
    here.at += 2
    room = here.room_of()
    assert len(here.slack.rooms) == 1
    assert incident.room == room
    assert set(here.slack.people[room]) == {"U0ANA", "U0CHI", "U0DEE", "U0EVE"}
    assert here.slack.topics[room][-1] == "SEV2 · lead nobody yet · checkout 5xx"
    assert len(here.slack.pins) == len(here.slack.links[room]) == 1
    assert here.entries().count("The room #inc-2026-03-02-checkout-5xx was opened") == 1


def interrupted(here: Rooming, method: str, ending: str) -> None:
    """Everything is done until a call of this method, which does not end well."""
    if ending == "killed":
        here.slack.dies = method
        with pytest.raises(Killed):
            here.does()
        return
    here.slack.faults[method] = (
        RetryLater("ratelimited", delay=30, rate_limited=True) if ending == "later" else Doubtful("the answer was lost")
    )
    if ending == "doubtful":
        with pytest.raises(Doubtful):
            here.does()
    else:
        here.does()
    del here.slack.faults[method]
