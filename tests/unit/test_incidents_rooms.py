"""An incident's room: its name, who is in it, its head, and one room whatever dies and whenever."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bot.catalog.model import Incidents
from bot.errors import GiveUp, Unauthorised
from bot.events import IncidentAct
from bot.incidents import loading, rooms
from bot.incidents.models import RoomPerson
from bot.rendering import Renderer
from tests.unit.alarming import paged
from tests.unit.rooming import Rooming


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


def test_a_link_that_leads_elsewhere_now_takes_the_place_of_the_former(burning: Rooming) -> None:
    """Of the page that was passed on nobody needs PagerDuty's incident any more."""
    here, incident, room = burning, burning.incident(), burning.room_of()
    for number in ("Q1", "Q2"):
        incident.pager_url = f"https://bakery.pagerduty.example/incidents/{number}"
        rooms.links_changed(burning.session, incident, here.now)
        here.does()
    assert [url for title, url in here.slack.links[room] if title == "PagerDuty"] == [incident.pager_url]


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


def said(here: Rooming, about: str) -> list[tuple[str, str]]:
    """Where something was said of it, and in which words."""
    found = []
    for note in here.notes(about):
        view = loading.incident_note(here.session, here.desk, note)
        found.append((note.place, Renderer().message("notes/incident_said", view, key="k").text))
    return found


def test_whoever_cannot_be_let_in_is_asked_once_and_the_room_reads_who_can_help(calm: Rooming) -> None:
    here = calm
    here.slack.refuses["U0CHI"] = "user_is_restricted"
    here.burns()
    room = here.room_of()
    assert "U0CHI" not in here.slack.people[room]
    assert here.slack.asked.count("invite") == 1
    ((place, words),) = said(here, "not_let_in")
    assert place == room
    assert words == (
        "🚪 Chi could not be let into this room: an app may not invite guests. To let them in, whoever manages the "
        "workspace can add them"
    )


@pytest.mark.parametrize("reason", ["cant_invite", "something_new"])
def test_any_reason_not_to_be_let_in_is_said(calm: Rooming, reason: str) -> None:
    here = calm
    here.slack.refuses["U0CHI"] = here.slack.refuses["U0DEE"] = reason
    here.burns()
    here.room_of()
    ((_, words),) = said(here, "not_let_in")
    assert words.startswith("🚪 Chi and Dee could not be let into this room: Slack ")


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
    ((place, words),) = said(here, "not_let_in")
    assert place == "#bakers", "nobody is in the room who could read it there"
    assert "could not be let into <#C0ROOM1>: restricted_action: A workspace owner lets apps invite people." in words


def test_a_scope_that_is_missing_to_let_people_in_is_waited_for(calm: Rooming) -> None:
    here = calm
    here.slack.faults["invite"] = Unauthorised("missing_scope", "Give the app channels:write.invites.")
    here.burns()
    room = here.room_of()
    here.turn(here.at + 3)
    assert here.slack.asked.count("invite") > 1
    ((place, words),) = said(here, "not_let_in")
    assert place == "#bakers"
    assert "missing_scope: Give the app channels:write.invites. It is tried again until then" in words
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
