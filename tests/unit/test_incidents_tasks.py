"""What is to be done about an incident: noted, asked for, done, and what becomes an issue where the code lives."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bot.answers.incidents import act_modal
from bot.errors import GiveUp, Unauthorised
from bot.events import IncidentAct
from bot.incidents import loading, postmortem
from bot.incidents.models import Task
from bot.outgoing.incidents import incident_note
from bot.rendering import Renderer
from tests.unit.rooming import Killed, Rooming
from tests.unit.seeing import RENDERER, buttons, card

CALLED = "incident 1 (checkout 5xx)"


def test_a_task_is_noted_done_and_no_second_time(burning: Rooming) -> None:
    assert burning.gives(IncidentAct.TASK, "U0BEN", text="Restart the  cache") == (
        f"Noted as task 1 of {CALLED}. Ben is asked to."
    )
    assert burning.acts(IncidentAct.DONE, "U0BEN", task=1) == "Done: task 1."
    assert burning.acts(IncidentAct.DONE, "U0BEN", task=1).startswith("Nothing to do: task 1 was done at 12:12")
    assert [note.data.get("done") for note in burning.notes("task")] == [None, True]
    assert {"Restart the cache", "Done: Restart the cache"} <= set(burning.entries())


def test_a_task_says_who_asked_for_it(burning: Rooming) -> None:
    """Of what somebody wrote down for themselves that goes without saying."""
    burning.gives(IncidentAct.TASK, "U0BEN", by="U0CHI", text="Restart the cache")
    burning.gives(IncidentAct.TASK, "U0BEN", by="U0BEN", text="Tell support")
    burning.acts(IncidentAct.TASK, "U0EVE", text="Write it down")
    view = loading.incident_card(burning.session, burning.desk, burning.incident())
    assert [one.asked_by.name if one.asked_by else None for one in view.tasks] == ["Chi", None, "Eve"]
    text = Renderer().message("cards/incident", view, key="k").text
    assert "▫️ Restart the cache · Ben · asked by Chi" in text
    assert "▫️ Tell support · Ben\n" in text
    known = postmortem.load(burning.session, burning.desk, burning.incident())
    draft = Renderer().document("documents/postmortem.md", known)
    for line in ("Restart the cache (Ben, asked by Chi)", "Tell support (Ben)", "Write it down (asked by Eve)"):
        assert f"- [ ] {line}\n" in draft


def test_a_task_says_what_and_names_one_that_there_is(burning: Rooming) -> None:
    assert "what is to be done" in burning.refused_act(IncidentAct.TASK, text="  ")
    burning.acts(IncidentAct.TASK, text="Restart the cache")
    assert burning.refused_act(IncidentAct.DONE, task=7) == (
        "Incident 1 (checkout 5xx) has no such task. Still to be done: 1 (Restart the cache)."
    )


def test_a_follow_up_becomes_one_issue_where_the_code_is(burning: Rooming) -> None:
    burning.acts(IncidentAct.TASK, text="Alert <!channel> on @everyone *before*\nit burns")
    assert burning.acts(IncidentAct.FOLLOW_UP, task=1) == (
        "Task 1 becomes an issue in bakery/checkout; its address follows here."
    )
    assert burning.acts(IncidentAct.FOLLOW_UP, task=1).startswith("Nothing to do: task 1 is becoming an issue")
    burning.does()
    ((repo, title, body),) = burning.tracker.issues.values()
    assert repo == "bakery/checkout"
    assert title == "Alert ‹!channel› on @\N{WORD JOINER}everyone *before* it burns"
    assert "<" not in body
    assert "@everyone" not in body
    task = burning.session.exec(select(Task)).one()
    assert task.issue_url == "https://github.example/bakery/checkout/issues/1"
    assert burning.acts(IncidentAct.FOLLOW_UP, task=1) == f"Nothing to do: task 1 is an issue already: {task.issue_url}"


def test_a_follow_up_can_be_written_at_once(burning: Rooming) -> None:
    burning.acts(IncidentAct.FOLLOW_UP, text="Alert before it burns")
    burning.does()
    assert [title for _, title, _ in burning.tracker.issues.values()] == ["Alert before it burns"]


def test_a_kill_while_an_issue_is_opened_makes_no_second_one(burning: Rooming) -> None:
    burning.acts(IncidentAct.FOLLOW_UP, text="Alert before it burns")
    burning.tracker.dies = True
    with pytest.raises(Killed):
        burning.does()
    burning.does()
    assert len(burning.tracker.issues) == 1
    assert len([note for note in burning.notes("task") if note.key.endswith(":issue")]) == 1


def test_an_issue_that_cannot_be_opened_is_said_and_can_be_tried_again(burning: Rooming) -> None:
    burning.tracker.fault = GiveUp("not_found", "Give the app access to bakery/checkout.")
    burning.acts(IncidentAct.FOLLOW_UP, text="Alert before it burns")
    burning.does()
    assert burning.notes("task")[-1].data["why"] == "not_found: Give the app access to bakery/checkout."
    burning.tracker.fault = None
    burning.acts(IncidentAct.FOLLOW_UP, task=1)
    burning.does()
    assert len(burning.tracker.issues) == 1


def test_an_issue_that_is_refused_at_the_end_can_be_tried_again_by_a_button(burning: Rooming) -> None:
    """Each try is answered, also the second one of a day."""
    here = burning
    here.acts(IncidentAct.TASK, text="Alert before it burns")
    here.tracker.fault = GiveUp("issues_disabled", "Switch issues on in bakery/checkout.")
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    here.does()
    for tries in (1, 2):
        refusals = [note for note in here.notes("task") if "why" in note.data]
        assert len(refusals) == tries
        showing = incident_note(here.session, here.desk, refusals[-1])
        assert showing is not None
        message = RENDERER.message(showing.template, showing.view, key="k")
        assert "No issue could be opened: issues_disabled: Switch issues on" in message.text
        assert message.blocks[-1]["elements"][0]["action_id"] == "incidents:follow_up"
        assert message.blocks[-1]["elements"][0]["value"] == "1:1"
        here.at += 1
        here.acts(IncidentAct.FOLLOW_UP, task=1)
        here.does()
    here.tracker.fault = None
    here.at += 1
    here.acts(IncidentAct.FOLLOW_UP, task=1)
    here.does()
    assert len(here.tracker.issues) == 1


def test_what_is_learnt_after_the_end_is_noted_on_the_card(burning: Rooming) -> None:
    """The window that the card of a resolved incident opens takes tasks, and ticks them off."""
    here = burning
    here.acts(IncidentAct.TASK, text="Alert before it burns")
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    assert buttons(card(here))["Tasks…"] == "1"
    window = RENDERER.modal(
        "modals/incident_task", act_modal(here.session, here.desk, 1, IncidentAct.TASK), callback_id="c"
    )
    assert "Alert before it burns" in str(window)
    assert here.acts(IncidentAct.TASK, text="Tell support sooner").startswith("Noted as task 2")
    assert here.acts(IncidentAct.DONE, task=2) == "Done: task 2."


def test_an_issue_waits_for_a_person_to_mend_our_credentials(burning: Rooming) -> None:
    burning.tracker.fault = Unauthorised("bad_credentials", "Renew GITHUB_TOKEN.")
    burning.acts(IncidentAct.FOLLOW_UP, text="Alert before it burns")
    burning.does()
    burning.turn(burning.at + 5)
    assert len([note for note in burning.notes("task") if "why" in note.data]) == 1
    burning.tracker.fault = None
    burning.turn(burning.at + 5)
    assert len(burning.tracker.issues) == 1


def test_where_no_repository_is_known_somebody_can_name_one(burning: Rooming) -> None:
    burning.incident().service = None
    assert "incidents, issues_in" in burning.refused_act(IncidentAct.FOLLOW_UP, text="Alert before it burns")
