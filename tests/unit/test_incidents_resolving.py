"""The end of an incident, its beginning anew, and the draft of what is learnt from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from bot.audit import Fact, Tag
from bot.deploys.models import Target
from bot.errors import GiveUp, Unauthorised
from bot.events import IncidentAct, LockAct, LockActed
from bot.incidents import finding, loading, postmortem, resolving, timeline
from bot.incidents.models import Incident, Likely, Page
from bot.incidents.states import EntryKind, State
from bot.locks import service as locks
from bot.locks.models import Lock
from bot.outbox import Card
from bot.promotions.models import Promotion
from bot.rendering import Renderer
from tests.unit.reports import minute
from tests.unit.rooming import Killed, Rooming
from tests.unit.seeing import card, heard, shown
from tests.unit.stores import NOON

CALLED = "incident 1 (checkout 5xx)"


def likely(here: Rooming) -> int:
    """The likely change: Ana's deploy."""
    return here.session.exec(select(Likely.id).where(Likely.rank == 1)).one() or 0


def quiet(here: Rooming, after: float = 20) -> Incident:
    """Its alert is over some minutes later."""
    here.at += after
    here.over()
    return here.incident()


# --- resolving ----------------------------------------------------------------------------------------------------


def test_what_is_over_is_let_go_and_written_down(burning: Rooming) -> None:
    burning.acts(IncidentAct.MINE)
    incident = quiet(burning)
    burning.at += 5
    said = burning.acts(IncidentAct.RESOLVE, text="Rolled back to a.", likely=likely(burning))
    assert said == f"Resolved: {CALLED}, 25 min after it began (recovered after 20 min)."
    assert (incident.state, incident.resolved_by, incident.cause) == (State.RESOLVED, "U0ANA", likely(burning))
    assert incident.resolved_at == burning.now
    assert incident.mitigated_at == burning.now - timedelta(minutes=5), "the harm ended when nothing fired any more"
    assert burning.locked() == []
    assert not any(row.locked for row in finding.services_of(burning.session, incident))
    assert incident.next_update_at is None
    assert burning.entries()[-1] == "Resolved 25 min after it began (recovered after 20 min): Rolled back to a."
    assert burning.notes("resolved")[0].data["called"] == "Ana"
    fact = burning.session.exec(select(Fact).where(Fact.tag == Tag.INCIDENT_MOVED.value)).all()[-1]
    assert (fact.data["to"], fact.data["cause"]) == ("resolved", likely(burning))


@pytest.mark.parametrize("state", [None, "open", "succeeded"])
def test_what_waits_in_production_waits_for_a_persons_go(burning: Rooming, state: str | None) -> None:
    """Nothing ships because an incident was resolved; and where nothing waits, nobody is asked about nothing."""
    lock = burning.session.exec(select(Lock).where(Lock.cause == "incident:1")).one()
    target = burning.session.exec(
        select(Target).where(Target.service == "checkout", Target.environment == "production")
    ).one()
    if state is not None:
        waiting = Promotion(
            target=target.id or 0, repo="acme/checkout", sha="f" * 40, state=state, via="slash",
            created_at=minute(1), expires_at=minute(600),
        )  # fmt: skip
        burning.session.add(waiting)
        burning.session.flush()
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    assert lock.lifted_at is not None
    asked = burning.session.exec(select(Card).where(Card.kind == "lock_go")).all()
    assert (lock.closed, len(asked)) == ((False, 1) if state == "open" else (True, 0))


def test_pages_that_nobody_answered_are_over(burning: Rooming) -> None:
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    assert {state for *_, state in burning.pages()} == {"over"}


def test_while_alerts_fire_somebody_says_how_it_was_resolved(burning: Rooming) -> None:
    """Asked once, politely: words are what it takes."""
    assert burning.refused_act(IncidentAct.RESOLVE) == (
        f"Nothing was done: 1 alert still fires of {CALLED} (checkout 5xx). "
        "To resolve it all the same, say how it was resolved."
    )
    assert burning.incident().state == State.OPEN
    said = burning.acts(IncidentAct.RESOLVE, text="The alert is broken, customers are well")
    assert said == f"Resolved: {CALLED}, 2 s after it began. 1 alert still fires of it."


def test_once_nothing_fires_no_words_are_asked_for(burning: Rooming) -> None:
    quiet(burning)
    assert burning.acts(IncidentAct.RESOLVE).startswith("Resolved")
    assert burning.incident().resolution is None


def test_none_of_the_likely_changes_is_an_answer(burning: Rooming) -> None:
    burning.acts(IncidentAct.RESOLVE, text="a certificate ran out", likely=0)
    assert burning.incident().cause == 0


def test_the_cause_is_one_of_the_likely_changes(burning: Rooming) -> None:
    assert "no likely change" in burning.refused_act(IncidentAct.RESOLVE, text="x", likely=4711)


def test_tasks_that_are_left_over_become_issues(burning: Rooming) -> None:
    for text in ("Restart the cache", "Alert before it burns", "Write it down"):
        burning.acts(IncidentAct.TASK, text=text)
    burning.acts(IncidentAct.DONE, task=1)
    said = burning.acts(IncidentAct.RESOLVE, text="rolled back")
    assert said.endswith("2 tasks left over become issues in bakery/checkout.")
    burning.does()
    assert [title for _, title, _ in burning.tracker.issues.values()] == ["Alert before it burns", "Write it down"]


@pytest.mark.parametrize(
    ("mitigated", "resolved", "took"),
    [(10, 30, 10), (None, 30, None), (None, None, None), (-5, 30, 0)],
)
def test_recovery_runs_from_the_onset_to_the_end_of_the_harm(
    mitigated: float | None, resolved: float | None, took: float | None
) -> None:
    incident = Incident(
        title="x", opened_at=NOON, onset_at=NOON,
        mitigated_at=minute(mitigated) if mitigated is not None else None,
        resolved_at=minute(resolved) if resolved is not None else None,
    )  # fmt: skip
    assert resolving.recovery(incident) == (timedelta(minutes=took) if took is not None else None)


# --- reopening ----------------------------------------------------------------------------------------------------


def test_what_is_not_over_is_opened_and_locked_again(burning: Rooming) -> None:
    incident = quiet(burning)
    burning.acts(IncidentAct.RESOLVE, likely=likely(burning))
    burning.at += 60
    said = burning.acts(IncidentAct.REOPEN, "U0BEN")
    assert said == (
        f"Opened again: {CALLED} in #inc-2026-03-02-checkout-5xx. Deploys of checkout are locked until it is resolved."
    )
    assert incident.state == State.OPEN
    assert {incident.resolved_at, incident.resolved_by, incident.cause, incident.mitigated_at} == {None}
    assert burning.locked() == [("checkout/production", "incident:1")]
    assert incident.next_update_at == burning.now + timedelta(minutes=30)
    assert burning.notes("reopened")[0].data["called"] == "Ben"
    pages = burning.session.exec(select(Page).order_by(col(Page.id))).all()
    assert {page.state for page in pages} == {"over"}, "nobody is woken because somebody reopens it"


def test_resolved_and_opened_again_it_is_said_each_time(burning: Rooming) -> None:
    for _ in range(2):
        burning.at += 1
        burning.acts(IncidentAct.RESOLVE, text="rolled back")
        burning.at += 1
        burning.acts(IncidentAct.REOPEN)
    assert (len(burning.notes("resolved")), len(burning.notes("reopened"))) == (2, 2)


def test_a_persons_unlocking_stands_when_it_is_opened_again(burning: Rooming) -> None:
    lock = burning.session.exec(select(Lock).where(Lock.cause == "incident:1")).one()
    burning.tell(LockActed(act=LockAct.LIFT, lock=lock.id, scope=None, slack_id="U0ANA", called="Ana", at=burning.now))
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    assert burning.acts(IncidentAct.REOPEN) == f"Opened again: {CALLED} in #inc-2026-03-02-checkout-5xx."
    assert burning.locked() == []


def test_where_another_is_open_for_the_service_one_goes_on_there(burning: Rooming) -> None:
    quiet(burning)
    burning.acts(IncidentAct.RESOLVE)
    burning.at += 60
    burning.fires(began=burning.at)
    assert len(burning.incidents()) == 2
    burning.room_of()
    assert burning.refused_act(IncidentAct.REOPEN, incident=burning.incidents()[0]) == (
        "Nothing was done: incident 2 (checkout 5xx) is open for the same service. Go on there in "
        "#inc-2026-03-02-checkout-5xx-2, or resolve it first."
    )


# --- the document -------------------------------------------------------------------------------------------------


def test_the_draft_is_laid_into_the_room_and_that_is_said(burning: Rooming) -> None:
    burning.acts(IncidentAct.RESOLVE, text="Rolled back to a.", likely=likely(burning))
    burning.does()
    incident = burning.incident()
    title, text = burning.slack.documents[incident.room or ""]
    assert title == "Postmortem of incident 1: checkout 5xx"
    assert text.startswith("# Postmortem: checkout 5xx (incident 1, resolved 2026-03-02 12:12:02 UTC)\n")
    assert incident.document == f"https://bakery.slack.example/docs/{incident.room}"
    assert len(burning.notes("document")) == 1


def test_a_kill_while_it_is_written_leaves_one_that_is_said_once(burning: Rooming) -> None:
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    burning.slack.dies = "put_document"
    with pytest.raises(Killed):
        burning.does()
    burning.does()
    assert len(burning.slack.documents) == len(burning.notes("document")) == 1


def test_a_later_end_writes_below_what_people_wrote_and_says_so(burning: Rooming) -> None:
    """They have filled in the first draft by then."""
    burning.acts(IncidentAct.RESOLVE, text="Rolled back to a.")
    burning.does()
    ((room, (title, text)),) = burning.slack.documents.items()
    burning.slack.documents[room] = (title, f"{text}\nWe learnt that the time-out is too long.")
    burning.at += 5
    burning.acts(IncidentAct.REOPEN)
    burning.at += 5
    burning.acts(IncidentAct.RESOLVE, text="Rolled back further.")
    burning.does()
    ((_, text),) = burning.slack.documents.values()
    written = [text.index(one) for one in ("Rolled back to a.", "We learnt that", "Rolled back further.")]
    assert written == sorted(written)
    first, second = burning.notes("document")
    said = [loading.incident_note(burning.session, burning.desk, note) for note in (first, second)]
    told = [Renderer().message("notes/incident_said", one, key="k").text for one in said]
    assert "nothing that anybody wrote there was touched" not in told[0]
    assert "nothing that anybody wrote there was touched" in told[1]


@pytest.mark.parametrize(
    "fault",
    [Unauthorised("missing_scope", "Give the app canvases:write."), GiveUp("restricted_action", "Ask an admin.")],
    ids=["a person mends it", "given up"],
)
def test_a_draft_that_cannot_be_laid_there_is_said_once_and_can_be_read(burning: Rooming, fault: GiveUp) -> None:
    burning.slack.faults["put_document"] = fault
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    burning.does()
    burning.turn(burning.at + 3)
    waits = isinstance(fault, Unauthorised)
    assert (burning.slack.asked.count("put_document") > 1) is waits
    (note,) = burning.notes("no_document")
    view = loading.incident_note(burning.session, burning.desk, note)
    told = Renderer().message("notes/incident_said", view, key="k").text
    assert told.startswith(f"📄 The postmortem's draft could not be laid into the room: {fault}")
    assert "/api/v1/incidents/1/postmortem" in told
    del burning.slack.faults["put_document"]
    burning.turn(burning.at + 3)
    assert bool(burning.slack.documents) is waits, "what a person mended is done then"


def test_a_draft_for_which_there_is_no_room_can_be_read_and_that_is_said(calm: Rooming) -> None:
    here = calm
    here.slack.faults["open_room"] = GiveUp("restricted_action", "Ask an admin.")
    here.burns()
    here.does()
    here.over()
    here.acts(IncidentAct.RESOLVE, text="rolled back")
    (told,) = heard(here, "incident_said", "no_document")
    assert told.startswith("📄 There is no room to lay the postmortem's draft into.")
    assert "/api/v1/incidents/1/postmortem" in told
    assert "being made" not in shown(card(here))


def test_a_room_that_comes_after_the_end_gets_the_draft(calm: Rooming) -> None:
    here = calm
    incident = here.burns()
    here.over()
    here.slack.meanwhile["open_room"] = lambda: here.acts(IncidentAct.RESOLVE, text="rolled back")
    here.does()
    assert incident.room in here.slack.documents
    assert len(heard(here, "incident_said", "document")) == 1
    assert heard(here, "incident_said", "no_document") == []


def test_what_still_holds_when_it_is_over_is_said_with_its_end(burning: Rooming) -> None:
    """Nobody is to believe that deploys pass while a rollback's lock, or a person's, holds on."""
    here = burning
    here.over()
    locks.set_by_itself(
        here.session, here.catalog, "rollback:1", "checkout", "production", "rolled back: 5xx", here.now
    )
    here.acts(IncidentAct.RESOLVE, text="rolled back")
    (told,) = heard(here, "incident_said", "resolved")
    assert "🔒 Its own lock is lifted, but checkout → production stays locked: rolled back: 5xx" in told
    locks.lift_cause(here.session, here.catalog, "rollback:1", here.now)
    (told,) = heard(here, "incident_said", "resolved")
    assert "stays locked" not in told
    assert "Its lock is lifted" in told


def test_what_was_opened_again_meanwhile_gets_none(burning: Rooming) -> None:
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    burning.acts(IncidentAct.REOPEN)
    burning.does()
    assert not burning.slack.documents


def test_the_draft_has_what_was_recorded(burning: Rooming) -> None:
    burning.acts(IncidentAct.MINE)
    burning.at += 3
    burning.acts(IncidentAct.UPDATE, text="One in ten payments fails.", actions="We roll back.")
    burning.acts(IncidentAct.TASK, text="Alert before it burns")
    quiet(burning)
    burning.acts(IncidentAct.RESOLVE, text="Rolled back to a.", likely=likely(burning))
    view = resolving.postmortem(burning.session, burning.desk, burning.incident())
    text = Renderer().document("documents/postmortem.md", view)
    for words in (
        "- **Severity:** SEV2. Many customers are badly affected.",
        "- **Recovery time:** 23 min",
        "checkout 5xx, over at 2026-03-02 12:35 UTC",
        "- **The change that it was:** #812 (checkout, bbbbbbb)",
        "[#812](https://github.com/bakery/oven/pull/812) Change 812 (Ana)",
        "- **Lead:** Ana",
        "- Ana, wrote #812: woken at 12:12:00 UTC",
        "- 2026-03-02 12:15 Ana: One in ten payments fails. Being done: We roll back.",
        "- [ ] Alert before it burns",
    ):
        assert words in text, (words, text)


def test_a_document_of_ones_own_wins_and_a_broken_one_is_passed_over(burning: Rooming, tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    own = tmp_path / "documents" / "postmortem.md.j2"
    broken: list[tuple[str, str]] = []
    renderer = Renderer(tmp_path, lambda name, fault: broken.append((name, fault)))
    view = resolving.postmortem(burning.session, burning.desk, burning.incident())
    own.write_text("# Ours: {{ title }}, {{ onset_at | utc }}\n")
    assert renderer.document("documents/postmortem.md", view) == "# Ours: checkout 5xx, 2026-03-02 12:12\n"
    own.write_text("{{ nothing }}\n")
    assert renderer.document("documents/postmortem.md", view).startswith("# Postmortem: checkout 5xx")
    assert [name for name, _ in broken] == ["documents/postmortem.md"]


def test_a_document_of_ones_own_is_found_again_after_a_kill(burning: Rooming, tmp_path: Path) -> None:
    """It need not say in a heading of which end it is: that is added, or it would be laid there twice."""
    here = burning
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "postmortem.md.j2").write_text("# Ours\n\nWhat did we learn?\n")
    here.renderer = Renderer(tmp_path, lambda name, fault: None)
    here.acts(IncidentAct.RESOLVE, text="rolled back")
    here.slack.dies = "put_document"
    with pytest.raises(Killed):
        here.does()
    here.does()
    _, text = here.slack.documents[here.room_of()]
    assert text == "# Ours\n\nWhat did we learn?\n\n### incident 1, resolved 2026-03-02 12:12:02 UTC\n"


def test_a_storm_has_a_timeline_of_bounded_length(burning: Rooming) -> None:
    for number in range(postmortem.MOST_LINES + 7):
        timeline.enter(burning.session, 1, EntryKind.ALERT, f"x{number}", f"alert {number}", burning.now)
    view = resolving.postmortem(burning.session, burning.desk, burning.incident())
    assert len(view.lines) == postmortem.MOST_LINES
    assert view.earlier == timeline.count(burning.session, 1) - postmortem.MOST_LINES
    text = Renderer().document("documents/postmortem.md", replace(view, lines=view.lines[:1]))
    assert f"- {view.earlier} earlier lines left out." in text
