"""An incident's room: its name, who is in it, its head, and one room whatever dies and whenever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from bot.catalog.model import Incidents
from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.events import IncidentAct
from bot.incidents import rooms
from bot.incidents.models import Incident, RoomPerson
from bot.incidents.states import State
from tests.unit.alarming import away, paged
from tests.unit.rooming import Killed, Rooming


def test_a_room_is_there_with_its_card_people_topic_and_links(burning: Rooming) -> None:
    """Ana and Chi are paged, Dee is on call and approves with Eve; nobody else is let in."""
    here, incident, room = burning, burning.incident(), burning.room_of()
    assert incident.room_name == "inc-2026-03-02-checkout-5xx"
    assert set(here.slack.people[room]) == {"U0ANA", "U0CHI", "U0DEE", "U0EVE"}
    assert here.slack.asked.count("invite") == 1
    assert here.slack.topics[room] == ["SEV2 · lead nobody yet · checkout 5xx"]
    assert here.slack.links[room] == [("Runbook", "https://runbooks.example/checkout")]
    assert [channel for channel, _ in here.slack.pins] == [room]
    assert (str(incident.id), room) in here.cards("incident")
    assert not here.slack.private
    assert "The room #inc-2026-03-02-checkout-5xx was opened" in here.entries()


def test_a_room_is_private_where_the_catalogue_says_so(calm: Rooming) -> None:
    here = calm
    here.incidents_kept = Incidents(private=True)
    here.burns()
    assert here.slack.private == {here.room_of()}


def test_whoever_is_not_at_work_is_not_let_in_for_their_group_alone(calm: Rooming) -> None:
    here = calm
    here.rota()
    here.at = -8 * 60  # four in the morning: nobody who approves is at work
    here.fires("mail")
    assert "U0EVE" not in here.guests()


def test_two_incidents_of_one_day_have_rooms_of_their_own(calm: Rooming) -> None:
    """The second has the name of the first, and so a suffix; neither is taken for the other."""
    here = calm
    first = here.burns()
    here.room_of()
    here.acts(IncidentAct.RESOLVE, text="rolled back")
    here.at += 60
    here.over()
    here.at += 60
    second = here.fires(began=here.at)
    assert second is not None
    assert second.id != first.id
    here.room_of(second)
    assert (first.room_name, second.room_name) == ("inc-2026-03-02-checkout-5xx", "inc-2026-03-02-checkout-5xx-2")


def test_the_head_follows_the_severity_and_the_lead(burning: Rooming) -> None:
    here, room = burning, burning.room_of()
    here.acts(IncidentAct.MINE)
    here.acts(IncidentAct.SEVERITY, severity=1)
    here.does()
    here.acts(IncidentAct.RESOLVE, text="rolled back")
    here.does()
    assert here.slack.topics[room][1:] == ["SEV1 · lead Ana · checkout 5xx", "SEV1 · resolved · checkout 5xx"]


def test_a_head_that_changed_while_it_was_set_is_set_again(calm: Rooming) -> None:
    here = calm
    here.burns()
    here.slack.meanwhile["set_topic"] = lambda: here.acts(IncidentAct.LEAD, "U0BEN")
    room = here.room_of()
    assert here.slack.topics[room][-1] == "SEV2 · lead Ben · checkout 5xx"


def test_a_link_that_comes_later_is_put_there_once(burning: Rooming) -> None:
    here, incident, room = burning, burning.incident(), burning.room_of()
    incident.pager_url = "https://bakery.pagerduty.example/incidents/Q1"
    for _ in range(2):
        rooms.links_changed(burning.session, incident, here.now)
        here.does()
    assert here.slack.links[room] == [
        ("Runbook", "https://runbooks.example/checkout"),
        ("PagerDuty", incident.pager_url),
    ]


def test_only_addresses_that_slack_takes_are_links(calm: Rooming) -> None:
    """An alert's sender may write anything there."""
    here = calm
    here.services = (paged("checkout", runbook=None),)
    here.fires(url="javascript:alert(1)", runbook="https://user:secret@runbooks.example", dashboard="https://[broken")
    assert rooms.links(calm.session, here.desk, here.incident()) == []


def test_people_named_before_and_after_the_room_stands_are_let_in_once(calm: Rooming) -> None:
    here = calm
    incident = here.burns()
    rooms.let_in(calm.session, here.desk, incident, ["U0BEN", None, "pager:P1", "U0ANA"], here.now)
    room = here.room_of()
    assert here.slack.people[room].count("U0BEN") == 1
    rooms.let_in(calm.session, here.desk, incident, ["U0BEN", "U0FAY", "U0FAY"], here.now)
    here.does()
    rooms.let_in(calm.session, here.desk, incident, ["U0FAY"], here.now)
    here.does()
    assert here.slack.people[room][-1] == "U0FAY"
    assert here.slack.asked.count("invite") == 2


def test_somebody_named_while_others_are_let_in_is_not_forgotten(calm: Rooming) -> None:
    here = calm
    incident = here.burns()
    here.slack.meanwhile["invite"] = lambda: rooms.let_in(calm.session, here.desk, incident, ["U0FAY"], here.now)
    room = here.room_of()
    assert "U0FAY" in here.slack.people[room]


def test_whoever_cannot_be_let_in_is_asked_once(calm: Rooming) -> None:
    here = calm
    here.slack.refuses["U0CHI"] = "user_is_restricted"
    here.burns()
    room = here.room_of()
    assert "U0CHI" not in here.slack.people[room]
    assert here.slack.asked.count("invite") == 1


def test_a_card_is_pinned_once_it_stands(calm: Rooming) -> None:
    """The room is there before its card is sent: until then there is nothing to pin."""
    here = calm
    here.burns()
    here.does()
    assert not here.slack.pins
    here.stands()
    here.at += 1
    here.does()
    assert len(here.slack.pins) == 1


def test_where_nobody_can_be_let_in_it_is_not_tried_for_ever(calm: Rooming) -> None:
    """The room is public, and the card in the channel names it."""
    here = calm
    here.slack.faults["invite"] = GiveUp("restricted_action", "A workspace owner lets apps invite people.")
    here.burns()
    here.room_of()
    here.at += 5
    here.does()
    assert here.slack.asked.count("invite") == 1
    rows = here.session.exec(select(RoomPerson)).all()
    assert {row.trouble for row in rows} == {"restricted_action: A workspace owner lets apps invite people."}


def test_a_scope_that_is_missing_to_let_people_in_is_waited_for(calm: Rooming) -> None:
    here = calm
    here.slack.faults["invite"] = Unauthorised("missing_scope", "Give the app channels:write.invites.")
    here.burns()
    room = here.room_of()
    del here.slack.faults["invite"]
    here.at += 5
    here.does()
    assert set(here.slack.people[room]) == {"U0ANA", "U0CHI", "U0DEE", "U0EVE"}


def test_a_dashboard_of_the_likely_change_is_linked(calm: Rooming) -> None:
    here = calm
    here.services = (
        paged("checkout", compare_url="https://graphs.example/?old={{ previous.sha }}&new={{ deploy.sha }}"),
    )
    here.burns()
    room = here.room_of()
    assert ("Old vs new", f"https://graphs.example/?old={'a' * 40}&new={'b' * 40}") in here.slack.links[room]


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
