"""What people do about an incident: who may, what each act brings, and what a click that comes again or late hears."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select

from bot import people
from bot.audit import Fact, Tag
from bot.catalog import PagingMode
from bot.errors import UserError
from bot.events import IncidentAct, IncidentActed
from bot.incidents import acts
from bot.incidents.models import Likely, Opinion
from bot.outbox import Effect
from bot.ports import Member
from tests.unit.reports import minute
from tests.unit.rooming import Rooming

CALLED = "incident 1 (checkout 5xx)"


def likely(here: Rooming) -> int:
    """The likely change: Ana's deploy."""
    return here.session.exec(select(Likely.id).where(Likely.rank == 1)).one() or 0


def test_every_act_is_done_by_something() -> None:
    assert set(acts.DOING) == set(IncidentAct)


# --- who may, and which incident ----------------------------------------------------------------------------------


def test_a_guest_reads_only(burning: Rooming) -> None:
    people.saw(burning.session, Member("U0GUS", "Gus", guest=True), burning.now)
    event = IncidentActed(act=IncidentAct.MINE, incident=1, slack_id="U0GUS", called="Gus", at=burning.now)
    with pytest.raises(UserError, match="Only full members"):
        acts.act(burning.session, burning.desk, event, burning.now)


def test_anybody_of_the_workspace_acts_whatever_their_team(burning: Rooming) -> None:
    """An incident is everybody's; Fay belongs to no team."""
    people.saw(burning.session, Member("U0FAY", "Fay"), burning.now)
    event = IncidentActed(act=IncidentAct.SCRIBE, incident=1, slack_id="U0FAY", called="Fay", at=burning.now)
    assert acts.act(burning.session, burning.desk, event, burning.now) == f"You write down {CALLED} now."


def test_in_its_room_an_incident_needs_no_number(burning: Rooming) -> None:
    room = burning.incident().room
    event = IncidentActed(
        act=IncidentAct.MINE, incident=None, channel=room, slack_id="U0ANA", called="Ana", at=burning.now
    )
    assert acts.act(burning.session, burning.desk, event, burning.now).startswith(f"You are on {CALLED}")


@pytest.mark.parametrize(
    ("number", "channel", "said"),
    [
        (99, None, "I know no incident 99. Open: incident 1 (checkout 5xx)."),
        (None, "C0LUNCH", "This channel is no incident's room: say it there. Open: incident 1 (checkout 5xx)."),
        (None, None, "Which incident? Open: incident 1 (checkout 5xx)."),
    ],
)
def test_what_names_no_incident_hears_which_are_open(
    burning: Rooming, number: int | None, channel: str | None, said: str
) -> None:
    event = IncidentActed(
        act=IncidentAct.MINE, incident=number, channel=channel, slack_id="U0ANA", called="Ana", at=burning.now
    )
    with pytest.raises(UserError) as refusal:
        acts.act(burning.session, burning.desk, event, burning.now)
    assert str(refusal.value) == said


# --- “I'm on it” and roles ----------------------------------------------------------------------------------------


def test_the_first_to_be_on_it_leads(burning: Rooming) -> None:
    said = burning.acts(IncidentAct.MINE)
    assert said == f"You are on {CALLED} and lead it in #inc-2026-03-02-checkout-5xx."
    assert burning.incident().lead == "U0ANA"
    assert burning.pages()[0] == ("Ana", "author", "assign", "answered")
    assert (
        burning.acts(IncidentAct.MINE, "U0BEN")
        == f"You are on {CALLED}, and Ana leads in #inc-2026-03-02-checkout-5xx."
    )
    assert "U0BEN" in burning.guests()


@pytest.mark.parametrize("who", ["U0ANA", "U0BEN"])
def test_to_be_on_it_twice_is_nothing_new(burning: Rooming, who: str) -> None:
    """Of somebody who was paged, and of somebody who came by."""
    burning.acts(IncidentAct.MINE, who)
    before = burning.entries(), burning.aloud()
    said = burning.acts(IncidentAct.MINE, who)
    assert said == f"Nothing to do: you are on {CALLED} already in #inc-2026-03-02-checkout-5xx."
    assert (burning.entries(), burning.aloud()) == before


def test_roles_are_taken_and_given(burning: Rooming) -> None:
    incident = burning.incident()
    assert burning.acts(IncidentAct.LEAD) == f"You lead {CALLED} now."
    assert burning.gives(IncidentAct.LEAD, "U0EVE", by="U0BEN") == f"Eve leads {CALLED} now; until now Ana did."
    assert burning.gives(IncidentAct.COMMUNICATIONS, "U0BEN") == f"Ben speaks for {CALLED} now."
    assert burning.acts(IncidentAct.SCRIBE) == f"You write down {CALLED} now."
    assert (incident.lead, incident.communications, incident.scribe) == ("U0EVE", "U0BEN", "U0ANA")
    assert [note.data["role"] for note in burning.notes("role")] == ["lead", "lead", "communications", "scribe"]
    assert {"U0EVE", "U0BEN"} <= set(burning.guests())
    assert "Eve leads the incident" in burning.entries()


def test_a_role_that_somebody_has_is_nothing_new(burning: Rooming) -> None:
    burning.acts(IncidentAct.LEAD)
    assert burning.acts(IncidentAct.LEAD) == "Nothing to do: you have that role already (lead)."
    assert burning.gives(IncidentAct.LEAD, "U0ANA", by="U0BEN") == "Nothing to do: Ana has that role already (lead)."
    assert len(burning.notes("role")) == 1


@pytest.mark.parametrize(
    "act", [IncidentAct.LEAD, IncidentAct.COMMUNICATIONS, IncidentAct.SCRIBE, IncidentAct.TASK], ids=str
)
@pytest.mark.parametrize("who", ["a guest", "deactivated", "unknown"])
def test_whoever_can_do_nothing_here_gets_no_role_and_no_task(burning: Rooming, act: IncidentAct, who: str) -> None:
    """Whom Slack calls a stranger counts as a guest. Those who can are named."""
    if who != "unknown":
        member = Member("U0GUS", "Gus", guest=who == "a guest", active=who == "a guest")
        people.saw(burning.session, member, burning.now)
    with pytest.raises(UserError, match="for example Ana or Chi or ") as refused:
        burning.gives(act, "U0GUS", text="Tell support")
    told = "Gus is no full member of this workspace" if who != "unknown" else "Slack has not told me yet who"
    assert str(refused.value).startswith(told)
    assert (burning.notes("role"), burning.notes("task"), "U0GUS" in burning.guests()) == ([], [], False)


# --- verdicts -----------------------------------------------------------------------------------------------------


def test_not_mine_is_kept_and_whoever_is_next_is_woken(burning: Rooming) -> None:
    said = burning.acts(IncidentAct.NOT_MINE, likely=likely(burning))
    assert said == "Thank you: it is not #812 (checkout, bbbbbbb). Dee is called now."
    assert [(one.slack_id, one.right) for one in burning.session.exec(select(Opinion)).all()] == [("U0ANA", False)]
    assert ("Ana", "author", "assign", "passed_on") in burning.pages()
    assert burning.pages()[-1][0] == "Dee"
    (note,) = burning.notes("not_mine")
    assert (note.data["who"], note.data["next"]) == ("U0ANA", "Dee is called now")
    assert "Ana says that it was not #812 (checkout, bbbbbbb)" in burning.entries()
    facts = burning.session.exec(select(Fact).where(Fact.tag == Tag.OPINION_GIVEN.value)).all()
    assert [fact.data["right"] for fact in facts] == [False]


def test_not_mine_twice_wakes_nobody_twice(burning: Rooming) -> None:
    burning.acts(IncidentAct.NOT_MINE, likely=likely(burning))
    woken = burning.pages()
    said = burning.acts(IncidentAct.NOT_MINE, likely=likely(burning))
    assert said.startswith("Kept: it was not #812")
    assert burning.pages() == woken


def test_a_second_voice_is_kept_and_wakes_nobody(burning: Rooming) -> None:
    """Whoever has nothing to do with it is told who is asked; what they say for it is a label all the same."""
    burning.acts(IncidentAct.NOT_MINE, likely=likely(burning))
    woken = burning.pages()
    burning.acts(IncidentAct.RIGHT, "U0BEN", likely=likely(burning))
    said = burning.refused_act(IncidentAct.NOT_MINE, "U0BEN", likely=likely(burning))
    assert "Dee is asked now." in said
    assert burning.pages() == woken
    assert len(burning.session.exec(select(Opinion)).all()) == 2


def test_whoever_was_on_it_and_passes_it_on_does_not_lead_any_more(burning: Rooming) -> None:
    """Else it would look as though somebody were on it, and nobody would be woken when Dee does not answer."""
    burning.acts(IncidentAct.MINE)
    burning.acts(IncidentAct.NOT_MINE, likely=likely(burning))
    assert burning.incident().lead is None
    assert "Ana leads the incident no more" in burning.entries()


def test_not_mine_needs_a_change_or_a_page(burning: Rooming) -> None:
    assert "Of which likely change" in burning.refused_act(IncidentAct.NOT_MINE, "U0BEN")
    assert "no likely change of incident 1" in burning.refused_act(IncidentAct.NOT_MINE, likely=4711)


def test_somebody_changes_their_mind(burning: Rooming) -> None:
    number = likely(burning)
    burning.acts(IncidentAct.NOT_MINE, likely=number)
    assert burning.acts(IncidentAct.RIGHT, likely=number) == "Kept: it was #812 (checkout, bbbbbbb)."
    assert burning.acts(IncidentAct.RIGHT, likely=number).startswith("Nothing to do: you said already")
    (opinion,) = burning.session.exec(select(Opinion)).all()
    assert opinion.right


def test_right_needs_a_change(burning: Rooming) -> None:
    assert "Which likely change" in burning.refused_act(IncidentAct.RIGHT)


def test_verdicts_after_the_end_are_kept_and_wake_nobody(burning: Rooming) -> None:
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    before = burning.pages()
    said = burning.acts(IncidentAct.NOT_MINE, likely=likely(burning))
    assert said == "Kept: it was not #812 (checkout, bbbbbbb). Incident 1 (checkout 5xx) is over, so nobody is woken."
    assert burning.pages() == before
    assert burning.incident().cause is None


def test_right_after_the_end_names_the_cause_where_nobody_had(burning: Rooming) -> None:
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    burning.acts(IncidentAct.RIGHT, "U0BEN", likely=likely(burning))
    assert burning.incident().cause == likely(burning)


def test_no_word_of_ours_says_whose_fault_it_was(burning: Rooming) -> None:
    said = [
        burning.acts(IncidentAct.NOT_MINE, likely=likely(burning)),
        burning.acts(IncidentAct.RIGHT, "U0BEN", likely=likely(burning)),
        burning.acts(IncidentAct.RESOLVE, text="rolled back", likely=likely(burning)),
        *burning.entries(),
    ]
    for word in ("fault", "blame", "guilty", "culprit", "mistake", "caused by Ana", "your change broke"):
        assert word not in " ".join(said).casefold()


def watched(here: Rooming) -> None:
    """An alert fires of a service that nobody is woken for."""
    checkout, cart, mail = here.services
    here.services = (checkout, cart, replace(mail, paging=PagingMode.SHADOW))
    here.at += 30
    here.shipped("mail", "c", 900)
    here.at += 5
    here.fires("mail")


def test_of_what_is_only_watched_a_verdict_wakes_nobody(burning: Rooming) -> None:
    watched(burning)
    incident = burning.incident()
    number = burning.session.exec(select(Likely.id).where(Likely.incident == incident.id, Likely.rank == 1)).one()
    said = burning.acts(IncidentAct.NOT_MINE, likely=number)
    assert said.endswith("Nobody is woken for mail, so nobody else is either.")
    assert {state for *_, state in burning.pages()} == {"shadow"}
    assert burning.session.exec(select(Opinion)).one().right is False


def test_what_is_only_watched_becomes_real_by_a_click(burning: Rooming) -> None:
    """With a room, a lock, and whoever would have been woken; a second click finds it done."""
    watched(burning)
    assert burning.acts(IncidentAct.OPEN_ROOM, "U0BEN") == "Opening #inc-2026-03-02-mail-5xx for incident 2 (mail 5xx)."
    assert burning.acts(IncidentAct.OPEN_ROOM) == "Nothing to do: its room #inc-2026-03-02-mail-5xx is being opened."
    room = burning.room_of()
    assert {"U0ANA", "U0BEN"} <= set(burning.slack.people[room])
    assert ("mail/production", "incident:2") in burning.locked()
    assert ("Ana", "author", "assign", "wanted") in burning.pages()
    assert "Made an incident with a room, a lock and people" in burning.entries()


def test_what_is_only_watched_ends_without_a_room(burning: Rooming) -> None:
    watched(burning)
    assert burning.acts(IncidentAct.RESOLVE, text="restarted").startswith("Resolved: incident 2 (mail 5xx)")
    assert burning.acts(IncidentAct.REOPEN) == "Opened again: incident 2 (mail 5xx)."
    burning.does()
    assert burning.incident().room is None


# --- waking -------------------------------------------------------------------------------------------------------


def test_whoever_is_on_call_is_woken_because_somebody_asks(burning: Rooming) -> None:
    assert burning.acts(IncidentAct.WAKE, "U0BEN") == "Dee is called now."
    assert burning.acts(IncidentAct.WAKE, "U0BEN") == "Dee was woken already."


# --- late and repeated clicks -------------------------------------------------------------------------------------

LATE = (
    IncidentAct.MINE,
    IncidentAct.LEAD,
    IncidentAct.SEVERITY,
    IncidentAct.UPDATE,
    IncidentAct.WAKE,
    IncidentAct.MERGE,
)


@pytest.mark.parametrize("act", LATE)
def test_what_comes_after_the_end_changes_nothing_and_hears_what_stands(burning: Rooming, act: IncidentAct) -> None:
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    before = burning.session.exec(select(Effect.id).order_by(col(Effect.id))).all()
    said = burning.refused_act(act, severity=1, text="x", into=1)
    assert said == (
        f"Nothing was done: {CALLED} was resolved by Ana at 12:12 (UTC). "
        "If it is not over, reopen it by the button on its card."
        + (" You said: “x”" if act is IncidentAct.UPDATE else "")
    )
    assert burning.session.exec(select(Effect.id).order_by(col(Effect.id))).all() == before


def test_what_the_second_to_resolve_it_wrote_is_not_lost(burning: Rooming) -> None:
    burning.acts(IncidentAct.RESOLVE, text="Rolled back")
    said = burning.refused_act(IncidentAct.RESOLVE, "U0BEN", text="Rolled back, and restarted the cache")
    assert said.startswith("Nothing to do: incident 1 (checkout 5xx) was resolved by Ana at 12:12")
    assert said.endswith("You said: “Rolled back, and restarted the cache”")
    assert burning.incident().resolution == "Rolled back"


def test_to_resolve_twice_or_to_reopen_what_is_open_is_nothing_new(burning: Rooming) -> None:
    assert burning.acts(IncidentAct.REOPEN) == f"Nothing to do: {CALLED} is open in #inc-2026-03-02-checkout-5xx."
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    assert burning.acts(IncidentAct.RESOLVE, "U0BEN", text="rolled back") == (
        f"Nothing to do: {CALLED} was resolved by Ana at 12:12 (UTC)."
    )
    assert burning.incident().resolution == "rolled back"


def test_a_time_of_nothing_is_no_harm(burning: Rooming) -> None:
    """The clock's row may outlive what it was for."""
    acts.due(burning.session, burning.desk, 4711, minute(0) + timedelta(days=400))
