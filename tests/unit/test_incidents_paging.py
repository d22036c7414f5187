"""Waking people: the page leaves first and once, whoever does not answer is followed by somebody, nothing is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from bot import people
from bot.catalog import PersonEntry
from bot.errors import GiveUp, RetryLater, Unauthorised
from bot.events import HoursChosen, Human, IncidentAct, Level, PagerSaid, PreferenceChosen
from bot.incidents import pages, paging
from bot.incidents.models import Page
from bot.outbox import Card, Effect, Lane
from bot.people import choose_hours
from bot.ports import Member, PagerState
from tests.unit.alarming import PEOPLE, Alarms, alarms, away, paged
from tests.unit.reports import ANA, BEN, BOT, CHI, commit, minute, pull, sha_of

EVE = Human(login="eve", name="Eve")


def broken(session: Session, **more: Any) -> Alarms:
    """Twelve minutes after Ana's rollout, which Chi merged, an alert fires."""
    here = alarms(session, **more)
    here.shipped()
    here.at = 12
    here.fires()
    return here


# --- who ----------------------------------------------------------------------------------------------------------


def test_the_page_says_why_and_leaves_before_everything_else(session: Session) -> None:
    """The author is assigned, who merged it is asked once the pager's incident is there; both are told in Slack."""
    here = broken(session)
    assert [one.kind for one in here.session.exec(select(Effect).where(Effect.lane == Lane.PAGE))] == ["page"]
    (call,) = here.calls().calls
    assert (call.service, call.user, call.policy) == ("PCHECKOUT", "PANA", None)
    assert call.title == "checkout 5xx, 12 min after #812 went live. Likely change 1 of 1, confidence high"
    assert "Ana wrote #812" in call.details
    assert "https://runbooks.example/checkout" in call.details
    assert here.pager.asked == [("Q1", ("PCHI",))]
    assert here.pages() == [("Ana", "author", "assign", "sent"), ("Chi", "merger", "respond", "sent")]
    assert (here.told("U0ANA"), here.told("U0CHI")) == (["page"], ["page"])
    assert set(here.session.exec(select(Card.lane).where(Card.kind == "page")).all()) == {Lane.PAGE}
    incident = here.incident()
    assert (incident.pager_incident, incident.pager_ours) == ("Q1", True)


def test_what_is_muted_mutes_no_page(sqlite_session: Session) -> None:
    """Ana wants to hear nothing of anything."""
    here = alarms(sqlite_session)
    here.tell(PreferenceChosen(slack_id="U0ANA", scope="all", level=Level.NONE, at=here.now))
    here.shipped()
    here.fires()
    assert here.told("U0ANA") == ["page"]
    assert here.calls().phones() == ["PANA"]


def test_an_address_in_a_commit_wakes_nobody(sqlite_session: Session) -> None:
    """A commit that was pushed directly under Ana's name, and a trailer that names Ben: both are anybody's to write."""
    here = alarms(sqlite_session)
    forged = Human(login=None, name="Ana", email="ana@bakery.example")
    here.rollout("checkout", "b", pull(812, "b", author=CHI, coauthors=(BEN, forged)), at=0)
    here.at = 5
    here.fires()
    assert here.calls().phones() == ["PCHI"]
    assert [name for name, *_ in here.pages()] == ["Chi"]


def test_a_direct_commit_has_the_on_call_woken(sqlite_session: Session) -> None:
    """Whoever it says wrote it may be asked, and is not woken."""
    here = alarms(sqlite_session)
    here.rollout("checkout", "b", commit("b", author=ANA))  # type: ignore[arg-type]  # a commit of no pull request
    here.at = 5
    here.fires()
    assert here.calls().phones() == [None]
    assert here.told("U0ANA") == []


@pytest.mark.parametrize(
    ("author", "merger", "phones", "asked"),
    [(BOT, CHI, ["PCHI"], []), (ANA, ANA, ["PANA"], []), (ANA, BOT, ["PANA"], [])],
)
def test_bots_and_whoever_merged_their_own(
    sqlite_session: Session, author: Human, merger: Human, phones: list[str], asked: list[tuple[str, tuple[str, ...]]]
) -> None:
    """For a bot's change who merged it; nobody is woken twice."""
    here = alarms(sqlite_session)
    here.shipped(author=author, merger=merger)
    here.at = 5
    here.fires()
    assert here.calls().phones() == phones
    assert here.pager.asked == asked


def test_who_rolled_back_is_woken_and_not_the_old_author(sqlite_session: Session) -> None:
    """Eve's pipeline went back to Ana's old build; of a revert, whoever reverted."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 100
    deploy = here.rollout("checkout", "a", number="back", creator=EVE, at=100)
    deploy.direction = "behind"
    here.session.flush()
    here.at = 110
    here.fires()
    assert here.pages()[0][:3] == ("Eve", "rolled_back", "assign")


def test_who_reverted_is_woken(sqlite_session: Session) -> None:
    """Ben's pull request takes Ana's back."""
    here = alarms(sqlite_session)
    here.shipped("checkout", "c", 820, author=BEN, merger=CHI, reverts=812)
    here.at = 10
    here.fires()
    assert here.pages() == [("Ben", "rolled_back", "assign", "wanted"), ("Chi", "merger", "respond", "wanted")]


def test_an_author_who_is_away_has_the_on_call_woken_and_is_named_to_be_asked(sqlite_session: Session) -> None:
    """By their status in Slack; until it ends."""
    here = alarms(sqlite_session)
    here.shipped()
    away(here, "U0ANA")
    here.at = 5
    here.fires()
    assert here.pages()[0] == ("Dee", "on_call", "policy", "wanted")
    assert here.told("U0ANA") == ["asked"]
    row = people.profile_of(here.session, "U0ANA")
    assert row is not None
    row.away_until = minute(4)
    here.fires("mail")
    here.shipped("mail", "d", 830, at=3)
    assert ("Ana", "author", "assign", "wanted") in here.pages(here.incidents()[-1])


def test_outside_hours_that_somebody_set_the_on_call_is_woken_first(sqlite_session: Session) -> None:
    """Monday noon is not when Ana works; Chi, who never said, is asked."""
    here = alarms(sqlite_session)
    choose_hours(here.session, HoursChosen(slack_id="U0ANA", begins=18 * 60, ends=23 * 60, at=here.now))
    here.shipped()
    here.fires()
    assert [(name, way) for name, _, way, _ in here.pages()] == [("Dee", "policy"), ("Chi", "respond")]


def test_known_to_the_pager_by_an_address_alone(sqlite_session: Session) -> None:
    """The address that Slack has verified is asked for; nobody found is no wait: the on-call is woken."""
    nameless = tuple(replace(one, pagerduty=None) for one in PEOPLE)
    here = alarms(sqlite_session, people_known=nameless)
    people.saw(here.session, Member("U0ANA", "Ana", email="ana@bakery.example"), here.now)
    here.pager.users = {"ana@bakery.example": "PX"}
    here.shipped()
    here.fires()
    assert here.calls().phones() == ["PX"]
    people.saw(here.session, Member("U0BEN", "Ben", email="ben@bakery.example"), here.now)
    here.shipped("mail", "d", 830, author=BEN)
    here.fires("mail")
    assert here.calls().phones() == ["PX", None]
    assert "page_failed" in here.aloud()


def test_two_accounts_of_one_human_are_one(sqlite_session: Session) -> None:
    """Ana is on call herself: one page, and none when she passes it on to whoever is on call."""
    here = alarms(sqlite_session)
    here.rota("U0ANA")
    here.shipped()
    here.fires()
    assert [name for name, *_ in here.pages()] == ["Ana", "Chi"]


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
    assert [state for *_, state in here.pages()][2:] == ["unanswered", "unanswered", "failed"]
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


# --- when the pager cannot ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [GiveUp("400", "PagerDuty refused the page."), Unauthorised("401", "Make a new key.")]
)
def test_a_page_that_is_refused_is_never_silent(sqlite_session: Session, fault: GiveUp) -> None:
    """Whoever is next is tried at once, in the end people in Slack; each refusal is said."""
    here = alarms(sqlite_session)
    here.pager.faults["page"] = here.pager.faults["escalate"] = fault
    here.shipped()
    here.fires()
    here.calls()
    assert [state for *_, state in here.pages()] == ["failed", "sent", "failed", "failed", "sent"]
    assert here.aloud().count("page_failed") == 3
    assert here.pages()[1] == ("Chi", "merger", "message", "sent")
    assert here.pages()[-1] == ("Eve", "lead", "message", "sent")
    assert here.told("U0ANA") == here.told("U0CHI") == ["page"]


def test_while_the_pager_is_down_people_are_asked_in_slack(sqlite_session: Session) -> None:
    """The page is tried again and again; when it gets through it is one page."""
    here = alarms(sqlite_session)
    here.pager.faults["page"] = RetryLater("PagerDuty did not answer")
    here.shipped()
    here.fires()
    here.calls()
    here.turn(6)
    assert here.told("U0ANA") == ["page", "page"]
    assert "no_answer" in here.aloud()
    del here.pager.faults["page"]
    here.at = 8
    assert here.calls().phones() == ["PANA"]


def test_an_account_that_cannot_ask_responders(sqlite_session: Session) -> None:
    """They were told in Slack, and that is all."""
    here = alarms(sqlite_session)
    here.pager.responders = False
    here.shipped()
    here.fires()
    here.calls()
    assert here.pages()[1] == ("Chi", "merger", "message", "sent")


def test_without_a_pager_people_are_told_and_told_again(sqlite_session: Session) -> None:
    """Three times, then those who approve for the team are told as well; it is all in Slack."""
    here = broken(sqlite_session, pages_by_pager=False)
    assert here.pages() == [("Ana", "author", "message", "sent"), ("Chi", "merger", "message", "sent")]
    here.turn(28)
    assert here.told("U0ANA") == ["page"] * 4
    here.turn(60)
    assert {name for name, *_ in here.pages()} == {"Ana", "Chi", "Dee", "Eve"}
    assert here.calls().calls == []
    assert not here.effects("page")


def test_an_alert_that_is_the_pagers_own_incident_gets_responders_and_no_twin(session: Session) -> None:
    """Whoever is on call was woken by it; ours are asked to it, and it is not ours to end."""
    here = alarms(session)
    here.shipped()
    here.at = 5
    here.fires(pager_incident="QOWN", source="pagerduty")
    assert here.calls().phones() == []
    assert here.pager.asked == [("QOWN", ("PANA",)), ("QOWN", ("PCHI",))]
    here.answers(PagerSaid.ACKNOWLEDGED, incident="QOWN", user="PDEE")
    assert here.incident().lead == "U0DEE"
    here.acts(IncidentAct.RESOLVE, text="over")
    assert here.calls().resolved == []


# --- the end ------------------------------------------------------------------------------------------------------


def test_at_the_end_nobody_need_answer_and_the_pager_is_told(session: Session) -> None:
    """What had not left does not leave any more."""
    here = broken(session)
    here.calls()
    here.over()
    here.acts(IncidentAct.RESOLVE, text="rolled back")
    assert {state for *_, state in here.pages()} == {"over"}
    assert here.calls().resolved == ["Q1"]
    here.turn(60)
    assert here.pager.phones() == ["PANA"]


def test_a_page_that_leaves_while_it_ends_is_ended_as_well(sqlite_session: Session) -> None:
    """The call was on its way when somebody resolved it."""
    here = broken(sqlite_session)
    (effect,) = here.effects("page")
    settle = here.begun(effect)
    here.acts(IncidentAct.RESOLVE, text="it was nothing")
    settle(here.session, here.now)
    here.session.flush()
    assert here.calls().resolved == ["Q1"]


def test_a_page_done_twice_is_one(sqlite_session: Session) -> None:
    """A kill between the call and its mark: by its key the pager has one incident."""
    here = broken(sqlite_session)
    here.calls()
    for effect in here.session.exec(select(Effect).where(Effect.kind == "page")):
        effect.state = "pending"
    page = here.session.exec(select(Page).where(Page.name == "Ana")).one()
    page.state = "wanted"
    here.session.flush()
    here.calls()
    assert here.pager.phones() == ["PANA"]


# --- what is deployed ---------------------------------------------------------------------------------------------


def test_the_pager_is_told_of_every_production_deploy_once(sqlite_session: Session) -> None:
    """Not of what went to staging, nor of what is heard of days later."""
    here = alarms(sqlite_session)
    here.at = 10
    here.shipped()
    here.rollout("checkout", "c", pull(813, "c"), environment="staging", number="s1")
    assert [one.summary for one in here.calls().changes] == ["checkout → production: #812 (bbbbbbb)"]
    here.shipped()
    assert len(here.calls().changes) == 1


def test_whether_people_are_there_is_read_when_their_change_goes_live(sqlite_session: Session) -> None:
    """So that it is known when they are to be woken."""
    here = alarms(sqlite_session)
    here.shipped()
    for slack_id in ("U0ANA", "U0CHI"):
        row = people.profile_of(here.session, slack_id)
        assert row is not None
        assert row.wanted_at == here.now
    rota = here.session.exec(select(people.OnCallList).where(people.OnCallList.service == "PCHECKOUT")).one()
    assert rota.wanted_at == here.now


def test_people_without_any_identity(sqlite_session: Session) -> None:
    """Nobody of the catalogue: whoever is on call is woken, and nobody is taken for somebody else."""
    here = alarms(sqlite_session, people_known=(PersonEntry(slack="U0DEE", pagerduty="PDEE", name="Dee"),))
    here.shipped(author=Human(login="stranger", name="Stranger"), merger=Human(login="other"))
    here.fires()
    assert here.pages() == [("Dee", "on_call", "policy", "wanted")]


def test_titles_are_cut_and_never_lose_how_sure(sqlite_session: Session) -> None:
    """An alert may be called anything at any length."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 12
    here.fires(name="checkout " + "x" * 500)
    (call,) = here.calls().calls
    assert len(call.title) <= pages.LONGEST_TITLE
    assert call.title.endswith("Likely change 1 of 1, confidence high")
    assert timedelta(0) <= here.incident().onset_at - minute(12)
