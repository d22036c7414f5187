"""Whoever is woken answers, passes it on or says nothing: in Slack and at the pager, and who comes next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session, select

from bot.errors import RetryLater
from bot.events import Human, IncidentAct, PagerSaid
from bot.incidents import pages, paging
from bot.incidents.models import Page
from bot.ports import PagerState
from tests.unit.alarming import Alarms, alarms, broken, paged
from tests.unit.reports import BEN, sha_of

EVE = Human(login="eve", name="Eve")


# --- answers ------------------------------------------------------------------------------------------------------


def test_i_am_on_it_in_slack(session: Session) -> None:
    """Their page is answered, they lead, and nobody is woken by the time that passes."""
    here = broken(session)
    here.calls()
    paging.on_it(here.session, here.desk, here.incident(), "U0ANA", here.now)
    assert here.pages()[0][3] == "answered"
    assert here.incident().lead == "U0ANA"
    assert here.calls().acknowledged == ["Q1"]
    here.answers(PagerSaid.ACKNOWLEDGED, user="PSHIPMATE", name="Shipmate")
    here.turn(60)
    assert here.pager.phones() == ["PANA"]
    paging.on_it(here.session, here.desk, here.incident(), "U0ANA", here.now)
    assert here.aloud().count("answered") == 1


def test_on_it_before_the_page_has_left_spares_the_phone(sqlite_session: Session) -> None:
    """They saw it in Slack first."""
    here = broken(sqlite_session)
    paging.on_it(here.session, here.desk, here.incident(), "U0ANA", here.now)
    assert here.calls().phones() == []


@pytest.mark.parametrize("by_key", [True, False])
def test_an_acknowledgement_at_the_pager_answers(session: Session, by_key: bool) -> None:
    """By our key, also before we wrote down that it left; or by the pager's own number."""
    here = broken(session)
    page = here.session.exec(select(Page).where(Page.name == "Ana")).one()
    key = pages.key_of(here.incident(), page) if by_key else None
    if not by_key:
        here.calls()
    for _ in range(2):
        here.answers(PagerSaid.ACKNOWLEDGED, key=key)
    assert here.pages()[0][3] == "answered"
    assert here.incident().lead == "U0ANA"
    assert here.aloud().count("answered") == 1
    here.turn(40)
    assert len(here.pager.calls) <= 1


def test_an_acknowledgement_of_another_installation_is_none_of_ours(sqlite_session: Session) -> None:
    """The same numbers with another mark, and what no key of anybody's looks like."""
    here = broken(sqlite_session)
    here.calls()
    for key in ("shipmate:1:1:0000000000", "shipmate:1:99999999999999999999:x", "shipmate:1", "else", ""):
        here.answers(PagerSaid.ACKNOWLEDGED, incident="Q99", key=key)
    assert here.pages()[0][3] == "sent"
    assert here.incident().lead is None


def test_somebody_else_acknowledges(sqlite_session: Session) -> None:
    """Eve, whom nobody woke, took it over in PagerDuty: she is on it. A stranger is named as PagerDuty does."""
    here = broken(sqlite_session)
    here.calls()
    here.answers(PagerSaid.ACKNOWLEDGED, user="PEVE")
    assert here.incident().lead == "U0EVE"
    assert here.pages()[0][3] == "sent"
    here.turn(30)
    assert here.pager.escalated == []
    other = broken_again(here)
    here.answers(PagerSaid.ACKNOWLEDGED, incident=other, user="PZOE", name="Zoe")
    assert any("Zoe acknowledged the page in PagerDuty" in text for text in here.entries())
    assert here.aloud().count("answered") == 1


def broken_again(here: Alarms) -> str:
    """Another service breaks; the pager's number of it."""
    here.shipped("mail", "d", 830)
    here.fires("mail")
    here.calls()
    return here.incident().pager_incident or ""


def test_nobody_answers(session: Session) -> None:
    """After five minutes the pager is asked how it stands, then the team's escalation policy gets the same incident."""
    here = broken(session)
    here.calls()
    here.turn(16)
    assert here.pager.escalated == []
    here.turn(18)
    assert here.pager.escalated == [("Q1", "PESC")]
    assert "no_answer" in here.aloud()
    assert here.pages()[-1] == ("Dee", "on_call", "policy", "sent")
    assert here.told("U0DEE") == ["page"]
    here.turn(90)
    assert (here.pager.escalated, here.pager.phones()) == ([("Q1", "PESC"), ("Q1", "PESC")], ["PANA"])
    assert [name for name, *_ in here.pages()][-2:] == ["Eve", "the escalation policy of bakers"]
    assert here.told("U0EVE") == ["page"]
    assert [state for *_, state in here.pages()][2:] == ["unanswered", "sent", "failed"]
    assert any("has nobody else to call: PagerDuty goes on calling Eve" in text for text in here.entries())
    assert not any("could not be" in text for text in here.entries())
    assert any("Dee did not answer" in text for text in here.entries())
    assert not any("passed on" in text for text in here.entries())


def test_without_an_escalation_policy_the_services_own_calls_the_on_call(sqlite_session: Session) -> None:
    """And the incident of whoever did not answer is ended only when that has left."""
    team = replace(paged("checkout").team, escalation_policy=None)  # type: ignore[type-var]
    here = broken(sqlite_session, services=(paged("checkout", team=team),))
    here.calls()
    here.turn(18)
    assert here.pager.phones() == ["PANA", None]
    assert here.pager.resolved == ["Q1"]
    assert here.incident().pager_incident == "Q2"


def test_answered_at_the_pager_and_not_heard(sqlite_session: Session) -> None:
    """The webhook was lost: the look before escalating finds it."""
    here = broken(sqlite_session)
    here.calls()
    here.pager.states["Q1"] = PagerState(acknowledged_by=("PANA",))
    here.turn(30)
    assert here.pager.escalated == []
    assert (here.pages()[0][3], here.incident().lead) == ("answered", "U0ANA")


def test_the_pager_cannot_be_asked_how_it_stands(sqlite_session: Session) -> None:
    """One page too many is better than none."""
    here = broken(sqlite_session)
    here.calls()
    here.pager.faults["state"] = RetryLater("PagerDuty did not answer")
    here.turn(18)
    assert here.pager.escalated == [("Q1", "PESC")]


def test_while_nothing_fires_nobody_else_is_woken(sqlite_session: Session) -> None:
    """It recovered by itself; when it fires again, the time to answer goes on."""
    here = broken(sqlite_session)
    here.calls()
    here.at = 13
    here.over()
    here.turn(40)
    assert here.pager.escalated == []
    here.fires()
    here.turn(50)
    assert here.pager.escalated[0] == ("Q1", "PESC")


# --- not mine -----------------------------------------------------------------------------------------------------


def test_not_mine_wakes_who_was_named(session: Session) -> None:
    """The button named them; whoever passes on is let off at the pager once the next page has left."""
    here = broken(session)
    here.calls()
    assert paging.next_words(here.session, here.desk, here.incident()) == "Dee"
    said = here.acts(IncidentAct.NOT_MINE)
    assert "Dee is called now" in said
    assert here.calls().phones() == ["PANA", None]
    assert here.pager.resolved == ["Q1"]
    assert [(name, state) for name, _, _, state in here.pages()] == [
        ("Ana", "passed_on"), ("Chi", "sent"), ("Dee", "sent"),
    ]  # fmt: skip
    assert paging.next_words(here.session, here.desk, here.incident()) == "the escalation policy of bakers"


def test_next_is_whoever_wrote_the_next_likely_change(sqlite_session: Session) -> None:
    """Two rollouts within the window: the other one's author, where that is at least probable."""
    here = alarms(sqlite_session)
    here.shipped("checkout", "b", 812, at=-30)
    here.shipped("checkout", "c", 813, author=BEN, at=-5)
    here.at = 1
    here.fires(version=sha_of("c"))
    assert here.pages()[0][:3] == ("Ben", "author", "assign")
    words = paging.next_words(here.session, here.desk, here.incident())
    here.calls()
    here.acts(IncidentAct.NOT_MINE, "U0BEN")
    assert words in here.pages()[-1][0]


def test_passing_on_until_nobody_is_left(sqlite_session: Session) -> None:
    """Author, on-call, escalation policy, then those who approve, in Slack; then that is said."""
    here = broken(sqlite_session)
    here.calls()
    said = []
    for _ in range(6):
        page = here.session.exec(select(Page).order_by(Page.id.desc())).first()  # type: ignore[union-attr]
        said.append(paging.pass_on(here.session, here.desk, here.incident(), page, here.now))
        here.calls()
    assert said == [
        "Dee is called now",
        "the escalation policy of bakers is called now",  # which is Eve: Dee was called already
        "the escalation policy of bakers is called now",  # who has nobody above her
        "nobody else can be woken",
        "nobody else can be woken",
        "nobody else can be woken",
    ]


def test_wake_the_on_call(sqlite_session: Session) -> None:
    """By a button, once; then it is said who was."""
    here = broken(sqlite_session)
    assert here.acts(IncidentAct.WAKE) == "Dee is called now."
    assert here.acts(IncidentAct.WAKE) == "Dee was woken already."
    assert here.calls().phones() == ["PANA", None]


def test_wake_the_on_call_of_one_that_was_opened_again(sqlite_session: Session) -> None:
    """To open it again wakes nobody by itself; the button does, though Dee was woken before it was resolved."""
    here = broken(sqlite_session)
    here.acts(IncidentAct.WAKE)
    here.calls()
    here.over()
    here.acts(IncidentAct.RESOLVE, text="it was nothing")
    assert sorted(here.calls().resolved) == ["Q1", "Q2"]
    here.acts(IncidentAct.REOPEN)
    assert len(here.calls().calls) == 2
    assert here.acts(IncidentAct.WAKE) == "Dee is called now."
    assert here.acts(IncidentAct.WAKE) == "Dee was woken already."
    assert here.calls().phones() == ["PANA", None, None]
    assert here.incident().pager_incident == "Q3"
