"""Who is woken, and what is said of it: nothing before it is so, nobody by a stale button, never nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.catalog import PagingMode
from bot.errors import GiveUp, RetryLater, UserError
from bot.events import HoursChosen, IncidentAct, IncidentActed, PagerSaid
from bot.incidents import acts, paging, resolving
from bot.incidents.loading import incident_card
from bot.people import choose_hours
from tests.unit.alarming import BAKERS, Alarms, alarms, paged
from tests.unit.seeing import card, heard, shown


def broken(session: Session) -> Alarms:
    """Ana's change, merged by Chi, went live twelve minutes before checkout's alert."""
    here = alarms(session)
    here.shipped()
    here.at = 12
    here.fires()
    return here


@pytest.mark.parametrize(("severity", "phones"), [(1, [None]), (2, [None]), (3, []), (None, [])])
def test_a_grave_one_that_a_person_opens_wakes_the_on_call(
    sqlite_session: Session, severity: int | None, phones: list[str | None]
) -> None:
    """And the author is asked, never woken; of a less grave one it is said that nobody was."""
    here = alarms(sqlite_session)
    here.shipped(at=-5)
    said = here.opens("customers cannot pay", "checkout", who="U0BEN", severity=severity)
    assert here.calls().phones() == phones
    assert ("Dee is called." if phones else "Nobody was woken: the button on its card wakes Dee.") in said
    assert here.told("U0ANA") == ["asked"]
    assert incident_card(here.session, here.desk, here.incident()).nobody_woken is not bool(phones)


def test_who_says_later_how_grave_it_is_wakes_too(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.opens("customers cannot pay", "checkout", who="U0BEN")
    here.acts(IncidentAct.SEVERITY, "U0BEN", severity=1)
    here.acts(IncidentAct.SEVERITY, "U0BEN", severity=2)
    assert here.calls().phones() == [None]


def test_a_service_that_only_watches_wakes_nobody_however_grave(sqlite_session: Session) -> None:
    here = alarms(sqlite_session, services=(paged("checkout", paging=PagingMode.SHADOW),))
    assert "Nobody was woken" in here.opens("customers cannot pay", "checkout", severity=1)
    assert here.calls().phones() == []


def test_nothing_says_that_somebody_was_woken_before_the_call_has_left(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    assert ("Ana is called: wrote #812" in here.entries(), "Ana was woken: wrote #812" in here.entries()) == (
        True,
        False,
    )
    assert "paged" not in here.aloud()
    here.calls()
    assert "Ana was woken: wrote #812" in here.entries()
    assert here.aloud().count("paged") == 1


@pytest.mark.parametrize("room", [False, True])
def test_all_who_are_woken_together_are_named_together(sqlite_session: Session, *, room: bool) -> None:
    """In the room if it is there by then, else in the channel's thread: nobody reads of one of them alone."""
    here = broken(sqlite_session)
    if room:
        here.incident().room = "C0ROOM"
    here.calls()
    (told,) = heard(here, "incident_said", "paged")
    assert "Ana is woken: wrote #812" in told
    assert "Chi is asked to come: merged #812" in told


def test_whoever_can_be_asked_to_no_call_is_named_all_the_same(sqlite_session: Session) -> None:
    """PagerDuty refuses every call: Chi, who was to be asked to Ana's, is told in Slack alone."""
    here = alarms(sqlite_session)
    here.pager.faults["page"] = GiveUp("http_403", "The key may not")
    here.shipped()
    here.at = 12
    here.fires()
    here.calls()
    assert any("Chi is told in Slack: merged #812" in told for told in heard(here, "incident_said", "paged"))


def test_a_call_that_has_not_left_in_half_a_minute_is_said_and_others_are_told(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.pager.faults["page"] = RetryLater("PagerDuty did not answer")
    here.shipped()
    here.at = 12
    here.fires()
    here.calls()
    here.turn(12.4)
    assert "page_failed" not in here.aloud()
    here.turn(12.6)
    assert here.aloud().count("page_failed") == 1
    assert here.told("U0DEE") == here.told("U0EVE") == ["page"]
    assert not any("was woken" in text for text in here.entries())


BARE = paged("checkout", team=replace(BAKERS, approvers=(), escalation_policy=None), pagerduty_service=None)


def test_where_nobody_is_known_to_be_on_call_that_is_said_and_by_whom_it_is_mended(sqlite_session: Session) -> None:
    """Neither PagerDuty nor approvers: nothing says that somebody was told, and who reads it is asked again."""
    here = alarms(sqlite_session, pages_by_pager=False, services=(BARE,))
    here.fires()
    (told,) = heard(here, "incident_said", "paged")
    assert "Nobody is known to be on call: whoever reads this, can you look?" in told
    assert "(approvers in shipmate.yml): name people in its room" in shown(card(here))
    assert not any("was woken" in text for text in here.entries())
    here.turn(6)
    (again,) = heard(here, "incident_said", "no_answer")
    assert "whoever reads this, can you look?" in again


def test_outside_their_hours_somebody_is_woken_where_nobody_else_can_be(sqlite_session: Session) -> None:
    here = alarms(sqlite_session, pages_by_pager=False, services=(BARE,))
    choose_hours(here.session, HoursChosen(slack_id="U0ANA", begins=18 * 60, ends=23 * 60, at=here.now))
    here.shipped()
    here.at = 12
    here.fires()
    assert [(name, way) for name, _, way, _ in here.pages()] == [("Ana", "message"), ("Chi", "message")]


def test_not_mine_while_somebody_is_on_it_is_kept_and_wakes_nobody(sqlite_session: Session) -> None:
    """Ana is on it; that Chi, who was only asked, says it is not his, takes nothing from her."""
    here = broken(sqlite_session)
    here.calls()
    here.acts(IncidentAct.MINE)
    said = here.acts(IncidentAct.NOT_MINE, "U0CHI")
    assert "Ana is on it, so nobody else is woken." in said
    assert here.calls().phones() == ["PANA"]
    assert here.pager.resolved == []


def test_whoever_was_only_asked_never_ends_the_page_of_who_was_woken(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    here.calls()
    here.acts(IncidentAct.NOT_MINE, "U0CHI")
    here.calls()
    assert here.pager.resolved == []


def test_a_stale_button_wakes_nobody_whom_it_did_not_name(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    here.calls()
    named = paging.mark_of(paging.next_words(here.session, here.desk, here.incident()))
    here.acts(IncidentAct.WAKE, "U0BEN")
    woken = here.calls().phones()
    with pytest.raises(UserError, match="would wake the escalation policy of bakers now"):
        here.acts(IncidentAct.NOT_MINE, seen=named)
    assert here.calls().phones() == woken


def test_whom_the_pager_reached_is_who_it_says(sqlite_session: Session) -> None:
    """It went on to Eve by itself: she is told in Slack, and is waited for; Dee did not answer."""
    here = alarms(sqlite_session)
    here.opens("customers cannot pay", "checkout", who="U0BEN", severity=1)
    here.calls()
    here.at = 4
    here.answers(PagerSaid.ESCALATED, user="PEVE", name="Eve")
    assert [(name, state) for name, *_, state in here.pages()] == [("Dee", "unanswered"), ("Eve", "sent")]
    assert here.told("U0EVE") == ["page"]
    assert "Eve was reached by escalation in PagerDuty" in here.entries()
    here.answers(PagerSaid.ACKNOWLEDGED, user="PEVE")
    assert here.pages()[-1][3] == "answered"
    here.turn(60)
    assert here.pager.escalated == []


def test_to_say_so_in_slack_puts_nobody_else_on_it(sqlite_session: Session) -> None:
    """PagerDuty tells of our own acknowledgement, for Chi: Dee did nothing."""
    here = alarms(sqlite_session)
    here.opens("customers cannot pay", "checkout", who="U0BEN", severity=1)
    here.calls()
    here.acts(IncidentAct.MINE, "U0CHI")
    here.calls()
    here.answers(PagerSaid.ACKNOWLEDGED, user="PSHIPMATE", name="Shipmate")
    assert here.pages() == [("Dee", "on_call", "policy", "sent")]
    assert here.incident().lead == "U0CHI"


def test_opened_again_by_an_alert_whoever_led_it_is_woken(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    here.calls()
    here.acts(IncidentAct.MINE)
    here.over()
    here.acts(IncidentAct.RESOLVE, text="restarted")
    here.calls()
    here.at = 16
    here.fires(name="checkout latency")
    assert here.calls().phones() == ["PANA", "PANA"]
    assert here.incident().pager_incident == "Q2"
    assert "Opened again: checkout latency fires" in here.entries()


def test_what_goes_on_as_another_is_looked_at_by_the_alerts_of_both(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.opens("customers cannot pay", "mail", who="U0BEN")
    here.shipped("cart", "c", 403)
    here.at = 12
    here.fires("cart")
    first, second = here.incidents()
    assert here.likely(first) == []
    found = here.likely(second)
    here.acts(IncidentAct.MERGE, "U0BEN", incident=second, into=first.id)
    assert (here.likely(first), found[0][1]) == (found, "high")


def test_while_something_fires_nobody_says_that_the_harm_has_ended(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    here.acts(IncidentAct.RESOLVE, text="known")
    assert resolving.recovery(here.incident()) is None
    assert "Resolved while 1 alert still fires: known" in here.entries()
    here.at = 40
    here.over()
    assert resolving.recovery(here.incident()) == timedelta(minutes=28)


def test_the_end_of_each_alert_stands_on_the_timeline(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    here.fires(name="checkout latency")
    here.at = 14
    here.over()
    assert "checkout 5xx is over" in here.entries()


def test_somebody_of_whom_slack_has_not_told_gets_no_role(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    event = IncidentActed(
        act=IncidentAct.LEAD, incident=here.incident().id, slack_id="U0ANA", called="Ana", who="U0ZOE", at=here.now
    )
    with pytest.raises(UserError, match="only full members take a role"):
        acts.act(here.session, here.desk, event, here.now)


def test_nothing_has_fired_since_the_future(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.at = 12
    incident = here.fires(began=12 + 5 * 365 * 24 * 60)
    assert incident is not None
    assert incident.onset_at == here.now
