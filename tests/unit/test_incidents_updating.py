"""How bad it is and how it stands; the next word that is promised, and the reminders when it does not come."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from bot import work
from bot.catalog.model import Incidents
from bot.events import IncidentAct
from bot.incidents import promises
from bot.incidents.models import Incident, StatusUpdate
from bot.incidents.states import SEVERITIES
from bot.work import Work
from tests.unit.reports import minute
from tests.unit.rooming import Rooming
from tests.unit.seeing import card, heard, shown
from tests.unit.stores import NOON

PROMISED = 42
"""Minutes past noon at which the burning incident's first word is due: it began at 12 as SEV2, every 30 min."""


def reminded(here: Rooming) -> list[float]:
    """When somebody was reminded, in minutes past noon."""
    return [round((note.created_at - NOON).total_seconds() / 60) for note in here.notes("update_due")]


# --- severity -----------------------------------------------------------------------------------------------------


def test_a_severity_is_one_of_a_plain_table(burning: Rooming) -> None:
    refusal = burning.refused_act(IncidentAct.SEVERITY, severity=9)
    for one in SEVERITIES.values():
        assert f"{one.number} ({one.name}): {one.meaning}" in refusal


def test_a_worse_severity_brings_the_next_word_nearer(burning: Rooming) -> None:
    said = burning.acts(IncidentAct.SEVERITY, severity=1)
    assert said.startswith("Incident 1 (checkout 5xx) is SEV1 now: Customers cannot use us, or data is at risk.")
    assert "due by 12:32 (UTC)" in said
    assert burning.acts(IncidentAct.SEVERITY, severity=1) == "Nothing to do: incident 1 (checkout 5xx) is SEV1 already."
    assert burning.entries()[-1] == "SEV1, was SEV2"
    assert [note.data["severity"] for note in burning.notes("severity")] == [1]


def test_a_milder_one_puts_off_no_promise(burning: Rooming) -> None:
    """People were told when the next word comes."""
    burning.acts(IncidentAct.SEVERITY, severity=4)
    assert burning.incident().next_update_at == minute(PROMISED)
    burning.acts(IncidentAct.UPDATE, text="It is slow, no more.")
    assert burning.incident().next_update_at == burning.now + timedelta(hours=4)


# --- updates ------------------------------------------------------------------------------------------------------


def test_an_update_is_said_in_the_room_with_when_the_next_one_comes(burning: Rooming) -> None:
    said = burning.acts(
        IncidentAct.UPDATE, text=" One in ten payments fails. ", actions="We roll back.", needs="Somebody of mail.",
        next_at=minute(40),
    )  # fmt: skip
    assert said == (
        "Said in #inc-2026-03-02-checkout-5xx. The next word is promised for 12:40 (UTC); the room is reminded then."
    )
    assert burning.gives(IncidentAct.LEAD, "U0CHI").startswith("Chi leads")
    assert "; Chi, who leads, is reminded then." in burning.acts(IncidentAct.UPDATE, text="All as it was.")
    assert "; you are reminded then." in burning.acts(IncidentAct.UPDATE, "U0CHI", text="All as it was.")
    row, *_ = burning.session.exec(select(StatusUpdate)).all()
    assert (row.condition, row.actions, row.needs) == (
        "One in ten payments fails.", "We roll back.", "Somebody of mail.",
    )  # fmt: skip
    note, *_ = burning.notes("update")
    assert (note.place, note.data["update"]) == (burning.incident().room, row.id)
    assert "One in ten payments fails. Being done: We roll back. Needed: Somebody of mail." in burning.entries()


def test_without_a_time_the_next_word_comes_as_the_severity_says(burning: Rooming) -> None:
    burning.acts(IncidentAct.UPDATE, text="x")
    assert burning.incident().next_update_at == burning.now + timedelta(minutes=30)


def test_or_as_the_catalogue_does(burning: Rooming) -> None:
    burning.incidents_kept = Incidents(update_every=timedelta(minutes=7))
    burning.acts(IncidentAct.UPDATE, text="x")
    assert burning.incident().next_update_at == burning.now + timedelta(minutes=7)


@pytest.mark.parametrize("at", [-5, 0, 8 * 24 * 60])
def test_the_next_word_is_to_come_and_within_a_week(burning: Rooming, at: float) -> None:
    assert "must be to come, within a week" in burning.refused_act(IncidentAct.UPDATE, text="x", next_at=minute(at))


def test_an_update_says_something(burning: Rooming) -> None:
    assert "says how it stands" in burning.refused_act(IncidentAct.UPDATE, text="  ")


# --- reminders ----------------------------------------------------------------------------------------------------


def test_whoever_does_not_keep_the_promise_is_reminded_every_ten_minutes_for_an_hour(burning: Rooming) -> None:
    burning.acts(IncidentAct.MINE)
    burning.turn(PROMISED - 1)
    assert reminded(burning) == []
    burning.turn(PROMISED + 300)
    assert reminded(burning) == [42, 52, 62, 72, 82, 92]
    assert {note.data["who"] for note in burning.notes("update_due")} == {"U0ANA"}
    assert burning.notes("update_due")[0].data["at"] == minute(PROMISED).isoformat()
    assert "⏰ The next update was due by 12:42 UTC" in shown(card(burning)), "nobody had promised it"
    burning.acts(IncidentAct.UPDATE, text="Two in ten fail.")
    assert "The next update was" not in shown(card(burning))


def test_an_update_ends_the_reminders_until_the_next_promise(burning: Rooming) -> None:
    burning.turn(PROMISED + 11)
    burning.acts(IncidentAct.UPDATE, text="x")
    burning.turn(PROMISED + 11 + 29)
    assert reminded(burning) == [42, 52]
    burning.turn(PROMISED + 11 + 31)
    assert reminded(burning) == [42, 52, 83]


def test_nobody_is_reminded_of_what_is_over(burning: Rooming) -> None:
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    burning.turn(PROMISED + 100)
    assert reminded(burning) == []


def test_a_process_that_was_away_says_one_reminder_and_goes_on(burning: Rooming) -> None:
    """It was down from before the first until after the third: one is due, not three."""
    burning.at = PROMISED + 25
    due(burning)
    due(burning)
    assert reminded(burning) == [67]
    burning.turn(PROMISED + 300)
    assert reminded(burning) == [67, 72, 82, 92]


def test_a_process_that_was_away_for_long_says_none_and_does_not_look_for_ever(burning: Rooming) -> None:
    burning.at = PROMISED + 24 * 60
    due(burning)
    assert reminded(burning) == []
    assert burning.session.exec(select(Work).where(Work.kind == "incident")).all() == []


def test_a_reminder_that_was_written_and_not_forgotten_by_the_clock_is_not_said_again(burning: Rooming) -> None:
    """Killed between the reminder's commit and whatever came next: the same instant is looked at again."""
    burning.at = PROMISED
    due(burning)
    work.schedule(burning.session, "incident", 1, burning.now)
    due(burning)
    assert reminded(burning) == [42]


def test_a_look_that_comes_too_early_is_put_off(burning: Rooming) -> None:
    work.schedule(burning.session, "incident", 1, burning.now)
    due(burning)
    assert reminded(burning) == []
    assert burning.session.exec(select(Work.due_at).where(Work.kind == "incident")).one() == minute(PROMISED)


def due(here: Rooming) -> None:
    """What is due is looked at once."""
    for subject in work.due(here.session, here.now):
        here.reactions.due(here.session, subject, here.now)
    here.session.flush()


@given(st.integers(1, 5), st.none() | st.timedeltas(timedelta(minutes=1), timedelta(days=2)))
def test_every_severity_has_a_time_for_the_next_word(severity: int, every: timedelta | None) -> None:
    here = Rooming(None, incidents_kept=Incidents(update_every=every))  # type: ignore[arg-type]  # none is needed
    incident = Incident(title="x", severity=severity, opened_at=NOON, onset_at=NOON)
    assert promises.every(here.desk, incident) == (every or SEVERITIES[severity].update_every)


# --- who is asked -------------------------------------------------------------------------------------------------


def test_where_nobody_is_on_it_nobody_has_promised_anything(burning: Rooming) -> None:
    """The severity calls for a word; whoever reads that is asked to look, and may wake somebody by a button."""
    burning.turn(PROMISED)
    (said,) = heard(burning, "incident_said", "update_due")
    assert "⏰ Nobody is on it. A word on how it stands was due by 12:42 UTC: whoever reads this, can you look?" in said
    assert "promised" not in shown(card(burning))


def test_whoever_is_on_it_without_leading_is_asked_for_the_word_that_is_due(burning: Rooming) -> None:
    burning.acts(IncidentAct.MINE)
    burning.incident().lead = None
    burning.turn(PROMISED)
    (said,) = heard(burning, "incident_said", "update_due")
    assert "⏰ <@U0ANA>, the next word was due by 12:42 UTC: how does it stand?" in said


def test_who_promised_a_word_is_held_to_it(burning: Rooming) -> None:
    burning.acts(IncidentAct.UPDATE, "U0DEE", text="One in ten payments fails.", next_at=minute(30))
    burning.turn(30)
    (said,) = heard(burning, "incident_said", "update_due")
    assert "⏰ <@U0DEE>, the next word was promised by 12:30 UTC: how does it stand?" in said
    assert "⏰ The next update was promised by 12:30 UTC" in shown(card(burning))


def test_what_a_worse_severity_brings_nearer_nobody_promised(burning: Rooming) -> None:
    burning.acts(IncidentAct.UPDATE, "U0DEE", text="One in ten payments fails.", next_at=minute(60))
    assert card(burning).promised
    burning.acts(IncidentAct.SEVERITY, severity=1)
    assert not card(burning).promised
