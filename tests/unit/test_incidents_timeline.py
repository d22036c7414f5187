"""What stands on an incident's timeline: each thing once, in order, with where it can be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from bot import people
from bot.errors import UserError
from bot.events import IncidentAct
from bot.incidents import timeline
from bot.incidents.models import Incident
from bot.incidents.states import EntryKind
from bot.ports import Member
from tests.unit.rooming import Killed, Rooming
from tests.unit.stores import NOON

TS = "1772453700.000200"
"""12:15 UTC on the day of the stories."""

PERMALINK = "https://bakery.slack.example/archives/C0ROOM1/p1772453700000200"


def incident(session: Session) -> int:
    """An incident without anything."""
    row = Incident(title="checkout 5xx", opened_at=NOON, onset_at=NOON)
    session.add(row)
    session.flush()
    return row.id or 0


def test_a_line_is_written_once_for_each_key(sqlite_session: Session) -> None:
    number = incident(sqlite_session)
    for _ in range(2):
        timeline.enter(sqlite_session, number, EntryKind.ACT, "opened", "Ana opened it", NOON, who="Ana")
    assert timeline.enter(sqlite_session, number, EntryKind.ACT, "other", "Something else", NOON)
    assert [(row.text, row.who) for row in timeline.entries(sqlite_session, number)] == [
        ("Ana opened it", "Ana"),
        ("Something else", None),
    ]


def test_lines_stand_in_the_order_in_which_things_happened(sqlite_session: Session) -> None:
    """Not in that in which they were heard of; of the same instant the first heard comes first."""
    number = incident(sqlite_session)
    for key, minutes in (("c", 5), ("a", -3), ("b", 5)):
        timeline.enter(sqlite_session, number, EntryKind.DEPLOY, key, key, NOON + timedelta(minutes=minutes))
    assert [row.text for row in timeline.entries(sqlite_session, number)] == ["a", "c", "b"]
    assert [row.text for row in timeline.entries(sqlite_session, number, latest=2)] == ["c", "b"]
    assert timeline.count(sqlite_session, number) == 3


@given(st.text(max_size=3000))
def test_a_line_is_one_line_of_bounded_length(words: str) -> None:
    kept = timeline._kept(words)
    assert len(kept) <= timeline.LONGEST_TEXT
    assert "\n" not in kept


@pytest.mark.parametrize("key", ["k" * 300, "k" * 255])
def test_a_long_key_is_the_same_key(sqlite_session: Session, key: str) -> None:
    number = incident(sqlite_session)
    assert timeline.enter(sqlite_session, number, EntryKind.ALERT, key, "x", NOON)
    assert not timeline.enter(sqlite_session, number, EntryKind.ALERT, key, "x", NOON)


def test_when_a_message_was_written() -> None:
    assert timeline.said_at(TS) == datetime(2026, 3, 2, 12, 15, 0, 200, tzinfo=UTC)
    assert timeline.said_at("1772453700") == datetime(2026, 3, 2, 12, 15, tzinfo=UTC)
    for nonsense in ("", "yesterday", "17.x", "-5.1", "1" * 12, "²"):
        assert timeline.said_at(nonsense) is None


# --- messages -----------------------------------------------------------------------------------------------------


def test_a_message_kept_by_a_reaction_is_read_and_entered_with_its_permalink(burning: Rooming) -> None:
    here, found, room = burning, burning.incident(), burning.room_of()
    here.writes(room, TS, "The database is at 100 % CPU")
    assert here.keeps(room, TS) == "Kept on the timeline of incident 1 (checkout 5xx)."
    here.does()
    row = next(one for one in timeline.entries(burning.session, found.id or 0) if one.kind == "message")
    assert (row.text, row.who, row.url) == ("The database is at 100 % CPU", "Chi", PERMALINK)
    assert row.at == datetime(2026, 3, 2, 12, 15, 0, 200, tzinfo=UTC)


def test_a_message_kept_twice_is_one_line(burning: Rooming) -> None:
    """By a reaction, then by the shortcut, then by somebody else's reaction."""
    here, room = burning, burning.room_of()
    here.writes(room, TS, "The database is at 100 % CPU")
    here.keeps(room, TS)
    here.does()
    said = here.keeps(room, TS, "The database is at 100 % CPU", author="U0CHI")
    assert said == "It stands on the timeline of incident 1 (checkout 5xx) already."
    here.keeps(room, TS, who="U0EVE")
    here.does()
    assert here.entries().count("The database is at 100 % CPU") == 1
    assert here.slack.asked.count("heard") == 1


def test_the_shortcut_knows_the_words_and_slack_tells_the_rest(calm: Rooming) -> None:
    """From any channel, for an incident that was chosen."""
    here = calm
    found = here.burns()
    here.writes("C0SUPPORT", TS, "Customers cannot pay")
    here.keeps("C0SUPPORT", TS, "Customers cannot pay", incident=found.id)
    assert here.entries().count("Customers cannot pay") == 1, "it stands there before Slack was asked"
    here.does()
    row = next(one for one in timeline.entries(calm.session, found.id or 0) if one.kind == "message")
    assert (row.who, row.url) == ("Chi", "https://bakery.slack.example/archives/C0SUPPORT/p1772453700000200")


def test_what_people_write_reads_as_words(burning: Rooming) -> None:
    """Slack's own marks for people, channels and links are not what a postmortem is to show."""
    here, room = burning, burning.room_of()
    here.writes(room, TS, "<@U0ANA> see <https://graphs.example/d/1|the graph> &amp; <#C0X|ops>, a &lt; b <!here>")
    here.keeps(room, TS)
    here.does()
    assert "@Ana see the graph (https://graphs.example/d/1) & #ops, a < b @here" in here.entries()


def test_a_message_that_is_gone_is_not_entered(burning: Rooming) -> None:
    here, room = burning, burning.room_of()
    before = here.entries()
    here.keeps(room, TS)
    here.does()
    assert here.entries() == before


def test_a_kill_while_a_message_is_read_loses_it_not(burning: Rooming) -> None:
    here, room = burning, burning.room_of()
    here.writes(room, TS, "The database is at 100 % CPU")
    here.keeps(room, TS)
    here.slack.dies = "heard"
    with pytest.raises(Killed):
        here.does()
    here.does()
    assert here.entries().count("The database is at 100 % CPU") == 1


def test_a_message_of_a_channel_that_is_no_room_needs_an_incident(burning: Rooming) -> None:
    """The shortcut asks which one; a mark on a message means nothing to us there, and nobody is told off for it."""
    with pytest.raises(UserError, match="no incident's room"):
        burning.keeps("C0SUPPORT", TS, "Customers cannot pay")
    assert burning.keeps("C0SUPPORT", TS) == ""
    burning.does()
    assert burning.slack.asked.count("heard") == 0


def test_a_guests_mark_counts_for_nothing_and_a_strangers_does(burning: Rooming) -> None:
    """Nobody asks Slack who somebody is before a mark is heard."""
    room = burning.room_of()
    burning.writes(room, TS, "The database is at 100 % CPU")
    people.saw(burning.session, Member("U0GUS", "Gus", guest=True), burning.now)
    assert burning.keeps(room, TS, who="U0GUS") == ""
    with pytest.raises(UserError, match="Only full members"):
        burning.keeps(room, TS, "The database is at 100 % CPU", who="U0GUS")
    assert burning.keeps(room, TS, who="U0STRANGER").startswith("Kept")


def test_a_message_of_a_merged_incidents_room_goes_to_the_one_that_goes_on(burning: Rooming) -> None:
    here, first, room = burning, burning.incident(), burning.room_of()
    here.at += 1
    second = here.fires("mail")
    assert second is not None
    here.acts(IncidentAct.MERGE, incident=first, into=second.id)
    here.writes(room, TS, "It was the mail")
    assert here.keeps(room, TS) == f"Kept on the timeline of incident {second.id} (mail 5xx)."
    here.does()
    assert "It was the mail" in here.entries(second)
