"""Waking people: the page leaves first and once, whoever does not answer is followed by somebody, nothing is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot import people
from bot.catalog import PersonEntry
from bot.errors import GiveUp, RetryLater, Unauthorised
from bot.events import HoursChosen, Human, IncidentAct, Level, PagerSaid, PreferenceChosen
from bot.incidents import finding, loading, naming, pages
from bot.incidents.models import Page
from bot.outbox import Card, Effect, Lane
from bot.people import choose_hours
from bot.ports import Member
from tests.unit.alarming import PEOPLE, alarms, away, broken
from tests.unit.reports import ANA, BEN, BOT, CHI, commit, minute, pull, report

EVE = Human(login="eve", name="Eve")


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


def test_a_success_that_is_told_once_more_takes_no_change_out_of_the_question(sqlite_session: Session) -> None:
    """Some pipelines report again at their end: what was live before the onset stays so."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 14
    here.rollout("checkout", "b")
    here.at = 15
    here.fires(began=12)
    (call,) = here.calls().calls
    assert call.title == "checkout 5xx, 12 min after #812 went live. Likely change 1 of 1, confidence high"
    assert call.user == "PANA"


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


def test_a_way_back_of_which_the_forge_tells_nothing_is_one_everywhere(sqlite_session: Session) -> None:
    """Without its word it is what ran there that tells: whoever is woken reads what they did."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 100
    told = {"repo": "bakery/checkout", "service": "checkout"}
    here.tell(report("a", "succeeded", 100, number="back", began=99, creator=EVE, **told))
    here.at = 110
    here.fires()
    assert here.pages()[0][:3] == ("Eve", "rolled_back", "assign")
    (call,) = here.calls().calls
    assert "10 min after the rollback to aaaaaaa went live" in call.title
    card = loading.incident_card(here.session, here.desk, here.incident())
    assert [(one.rollback, one.who and one.who.name) for one in card.likely] == [(True, "Eve")]
    assert card.before[0].kind == "rollback"
    called = naming.likely_called(here.session, here.desk, finding.named_likely(here.session, here.incident())[0])
    assert called == "the rollback of checkout to aaaaaaa"


def test_who_reverted_is_woken(sqlite_session: Session) -> None:
    """Ben's pull request takes Ana's back."""
    here = alarms(sqlite_session)
    here.shipped("checkout", "c", 820, author=BEN, merger=CHI, reverts=812)
    here.at = 10
    here.fires()
    assert here.pages() == [("Ben", "rolled_back", "assign", "wanted"), ("Chi", "merger", "respond", "wanted")]


def test_an_author_who_is_away_has_the_on_call_woken_and_is_named_to_be_asked(sqlite_session: Session) -> None:
    """By their status in Slack, until it ends; nobody is disturbed on a holiday to hear that they are not woken."""
    here = alarms(sqlite_session)
    here.shipped()
    away(here, "U0ANA")
    here.at = 5
    here.fires()
    assert here.pages()[0] == ("Dee", "on_call", "policy", "wanted")
    assert here.told("U0ANA") == []
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
