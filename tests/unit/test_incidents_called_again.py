"""Nobody answers: the pager's policy goes round, and what was over is opened again. Who is called is always said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot.catalog.model import Incidents
from bot.errors import RetryLater
from bot.events import IncidentAct, PagerSaid
from bot.incidents import pages, paging
from bot.incidents.models import Page
from bot.outbox import Card
from tests.unit.alarming import Alarms, alarms
from tests.unit.seeing import card, heard, page_shown, shown


def silent(session: Session, **more: object) -> Alarms:
    """Dee is on call for checkout, and is called; Eve is the next by the policy."""
    here = alarms(session, **more)
    here.pager.tells = True
    here.fires()
    here.calls()
    return here


def goes_round(here: Alarms) -> None:
    """The policy calls Eve, then Dee again, then Eve again, before we ask it to: nobody answers."""
    key = pages.key_of(here.incident(), here.session.get(Page, 1))  # type: ignore[arg-type]
    for at, user in ((5, "PEVE"), (10, "PDEE"), (15, "PEVE")):
        here.at = at
        here.answers(PagerSaid.ESCALATED, user=user, key=key)
        here.calls()


def dm(here: Alarms, slack_id: str) -> str:
    """What somebody reads who was woken."""
    found = page_shown(here, slack_id)
    assert found is not None
    return found.text


def test_as_the_policy_goes_round_whoever_it_calls_is_waited_for_and_that_is_said(session: Session) -> None:
    here = silent(session)
    key = pages.key_of(here.incident(), here.session.get(Page, 1))  # type: ignore[arg-type]
    here.at = 5
    here.answers(PagerSaid.ESCALATED, user="PEVE", key=key)
    assert "Can you look? PagerDuty calls you.\nDee was called too, and did not answer\n" in dm(here, "U0EVE")
    assert "this went on to somebody else: Eve was woken" in dm(here, "U0DEE")
    here.at = 10
    here.answers(PagerSaid.ESCALATED, user="PDEE", key=key)
    assert [(name, state) for name, *_, state in here.pages()] == [("Dee", "sent"), ("Eve", "unanswered")]
    assert "Can you look? You are on call.\nEve was called too, and did not answer\n" in dm(here, "U0DEE")
    assert "this went on to somebody else: Dee was woken" in dm(here, "U0EVE")
    (said,) = heard(here, "incident_said", "called_again")
    assert "Nobody has answered: PagerDuty calls Dee again" in said
    assert here.entries().count("Dee was reached by escalation in PagerDuty") == 1
    assert "(is on call) was woken" in shown(card(here))


def test_in_the_end_nobody_else_is_left_and_whoever_still_rings_reads_it(session: Session) -> None:
    here = silent(session)
    goes_round(here)
    here.turn(40)
    (said,) = heard(here, "incident_said", "exhausted")
    assert "the escalation policy of bakers has nobody else to call: PagerDuty goes on calling Eve" in said
    assert "Can you look?" in dm(here, "U0EVE")
    assert "Dee was called too, and did not answer; nobody else is left to be woken\n" in dm(here, "U0EVE")
    assert shown(card(here)).count("did not answer") == 1
    assert "went to the next one" not in shown(card(here))


def test_whoever_is_called_late_has_their_time_from_when_we_hear_of_it(sqlite_session: Session) -> None:
    """We were away for eight minutes: the policy has called Eve three minutes ago."""
    here = alarms(sqlite_session)
    here.rota()
    here.fires()
    here.calls()
    here.at = 8
    here.answers(PagerSaid.ESCALATED, user="PEVE", name="Eve", key=None)
    here.turn(8.5)
    assert "no_answer" not in here.aloud()
    (row,) = [one for one in pages.of(here.session, here.incident()) if one.name == "Eve"]
    assert (row.state, row.no_answer_at) == ("sent", here.now.replace(minute=13, second=0))


def test_whoever_was_called_and_leads_now_is_on_it_though_it_had_gone_on(sqlite_session: Session) -> None:
    here = silent(sqlite_session)
    here.at = 5
    here.answers(PagerSaid.ESCALATED, user="PEVE")
    here.acts(IncidentAct.LEAD, "U0DEE")
    assert [(name, state) for name, *_, state in here.pages()] == [("Dee", "answered"), ("Eve", "sent")]
    assert here.calls().acknowledged == ["Q1"]
    assert "Dee is on it: you need not answer this any more" in dm(here, "U0EVE")


def test_a_policy_that_calls_somebody_else_than_was_thought_leaves_nobody_waiting(sqlite_session: Session) -> None:
    """Eve has taken Dee's place since the list was read."""
    here = alarms(sqlite_session)
    here.pager.tells, here.pager.levels = True, (("PEVE",),)
    here.fires()
    here.calls()
    assert [(name, state) for name, *_, state in here.pages()] == [("Dee", "passed_on"), ("Eve", "sent")]
    assert "This went on to somebody else: Eve was woken" in dm(here, "U0DEE")


def test_what_is_quiet_and_rings_on_says_how_the_calls_are_stopped(sqlite_session: Session) -> None:
    here = silent(sqlite_session)
    here.at = 2
    here.over()
    here.at = 5
    here.answers(PagerSaid.ESCALATED, user="PEVE")
    for slack_id in ("U0DEE", "U0EVE"):
        assert "say that you are on it, or resolve it, and PagerDuty stops calling" in dm(here, slack_id)
    here.acts(IncidentAct.MINE, "U0EVE")
    assert "stops calling" not in dm(here, "U0DEE")
    assert here.calls().acknowledged == ["Q1"]


# --- opened again -------------------------------------------------------------------------------------------------


def opened_again(session: Session, *, after: float) -> Alarms:
    """Nobody ever answered, Eve resolved it all the same, and something else fires."""
    here = silent(session, incidents_kept=Incidents())
    goes_round(here)
    here.turn(after)
    here.acts(IncidentAct.RESOLVE, "U0EVE", text="it will be fine")
    here.calls()
    here.at = after + 1
    here.fires(name="checkout latency")
    here.calls()
    return here


@pytest.mark.parametrize("after", [16, 24, 40])
def test_opened_again_after_nobody_answered_whoever_is_on_call_is_called(session: Session, after: float) -> None:
    """By one call alone, and it is theirs; Eve, who slept through hers, is not said to be called."""
    here = opened_again(session, after=after)
    assert (here.pager.phones(), here.pager.resolved) == ([None, None], ["Q1"])
    assert here.incident().pager_incident == "Q2"
    assert {one.person.name: str(one.state) for one in card(here).pages} == {"Dee": "sent", "Eve": "over"}
    assert "Can you look? You are on call." in dm(here, "U0DEE")
    assert here.told("U0DEE") == ["page", "page"]
    assert any("Dee is woken: is on call" in one for one in heard(here, "incident_said", "paged"))
    assert "did not answer" not in shown(card(here))


def test_and_goes_on_by_the_whole_policy_once_more(session: Session) -> None:
    """Whether the policy goes on by itself or we ask it to, Eve hears of it anew."""
    here = opened_again(session, after=16)
    before = here.told("U0EVE").count("page")
    here.turn(16 + 1 + 5.5)
    assert here.pager.escalated == [("Q2", "PESC")]
    assert [one.person.name for one in card(here).pages if one.state == "sent"] == ["Eve"]
    assert here.told("U0EVE").count("page") == before + 1
    assert "Dee was called too, and did not answer" in dm(here, "U0EVE")
    assert any("PagerDuty calls Eve again" in one for one in heard(here, "incident_said", "called_again"))
    here.turn(60)
    assert (here.pager.phones(), here.pager.escalated) == ([None, None], [("Q2", "PESC")])
    assert any("PagerDuty goes on calling Eve" in one for one in heard(here, "incident_said", "exhausted"))
    assert "nobody else is left to be woken" in dm(here, "U0EVE")


def test_whoever_was_on_it_is_called_by_name_though_a_policy_called_them(sqlite_session: Session) -> None:
    here = silent(sqlite_session)
    here.at = 5
    here.answers(PagerSaid.ESCALATED, user="PEVE")
    here.acts(IncidentAct.MINE, "U0EVE")
    here.over()
    here.acts(IncidentAct.RESOLVE, "U0EVE", text="restarted")
    here.calls()
    here.at = 10
    here.fires(name="checkout latency")
    assert here.calls().phones() == [None, "PEVE"]


def test_opened_again_though_everybody_had_passed_it_on_somebody_is_called(sqlite_session: Session) -> None:
    here = silent(sqlite_session)
    for _ in range(6):
        page = here.session.exec(select(Page).order_by(col(Page.id).desc())).first()
        paging.pass_on(here.session, here.desk, here.incident(), page, here.now)
        here.calls()
    before = len(here.pager.calls)
    here.acts(IncidentAct.RESOLVE, "U0EVE", text="it will be fine")
    here.calls()
    here.at = 5
    here.fires(name="checkout latency")
    assert here.calls().phones()[before:] == [None]
    assert [one.person.name for one in card(here).pages if one.state == "sent"] == ["Dee"]


@pytest.mark.parametrize("minutes", [5, 25])
def test_opened_again_once_no_pager_is_there_somebody_is_told_in_slack(sqlite_session: Session, minutes: int) -> None:
    here = silent(sqlite_session, incidents_kept=Incidents(reopens_within=timedelta(hours=2)))
    goes_round(here)
    here.acts(IncidentAct.RESOLVE, "U0EVE", text="it will be fine")
    here.calls()
    here.pages_by_pager = False
    here.at = 15 + minutes
    here.fires(name="checkout latency")
    here.calls()
    waited = [(one.person.name, one.way) for one in card(here).pages if one.state in ("wanted", "sent")]
    assert waited == [("Dee", "message")]


def test_opened_again_by_a_person_the_button_wakes_whoever_is_on_call(sqlite_session: Session) -> None:
    here = silent(sqlite_session)
    goes_round(here)
    here.acts(IncidentAct.RESOLVE, "U0EVE", text="it will be fine")
    here.acts(IncidentAct.REOPEN, "U0EVE")
    assert card(here).wakes_on_call == "Dee"
    assert here.acts(IncidentAct.WAKE, "U0EVE") == "Dee is called now."
    assert here.acts(IncidentAct.WAKE, "U0EVE") == "Dee was woken already."
    assert here.calls().phones() == [None, None]


# --- the pager is down --------------------------------------------------------------------------------------------


def test_while_a_call_does_not_leave_the_card_says_so_and_then_that_it_has(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.pager.tells = True
    here.pager.faults["page"] = RetryLater("down")
    here.fires()
    here.calls()
    assert "Dee (is on call) is being woken" in shown(card(here))
    here.turn(0.6)
    words = "could not be called so far: PagerDuty cannot be reached, and is tried again. Eve is told in Slack"
    assert words in shown(card(here))
    assert "Dee could not be called so far." in dm(here, "U0EVE")
    of_eve = here.session.exec(select(Card).where(Card.kind == "page", Card.place == "U0EVE")).one()
    del here.pager.faults["page"]
    version = of_eve.version
    here.turn(4)
    here.calls()
    assert of_eve.version > version, "hers is edited though the page is Dee's"
    told = dm(here, "U0EVE")
    assert "Dee could not be called at first, and is since" in told
    assert "this is asked again" not in told


def test_who_is_asked_to_come_is_named_once(sqlite_session: Session) -> None:
    """Dee is called; then it is heard of Ana's rollout, which Chi merged: he is asked to what rings already."""
    here = silent(sqlite_session)
    here.at = 1
    here.shipped(at=-5)
    assert [name for name, *_ in here.pages()] == ["Dee", "Ana", "Chi"]
    here.calls()
    assert "\n".join(heard(here, "incident_said", "paged")).count("Chi is asked to come") == 1
