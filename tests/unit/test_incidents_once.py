"""Nobody is woken twice for one cause, and nothing that goes on again is left to nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.catalog import PersonEntry
from bot.catalog.model import Incidents
from bot.events import AlertReported, IncidentAct, IncidentActed, PagerSaid
from bot.incidents import attributing, loading, telling
from bot.incidents.models import Page
from bot.incidents.states import State
from bot.outbox import Card, Note
from tests.unit.alarming import PEOPLE, Alarms, alarms, paged
from tests.unit.reports import minute

STACK = ("services/cart/src/till/sum.py",)
LONG = Incidents(reopens_within=timedelta(hours=2))


def broken(session: Session, **more: object) -> Alarms:
    """Ana's change went live at noon; ten minutes later her phone rang."""
    here = alarms(session, **more)
    here.shipped()
    here.at = 10
    here.fires()
    here.calls()
    return here


def pages_of(here: Alarms, name: str) -> list[str]:
    """Where the pages of somebody stand."""
    return [state for called, *_, state in here.pages() if called == name]


# --- one human, several names -------------------------------------------------------------------------------------


def test_somebody_who_becomes_known_in_slack_is_not_woken_again(sqlite_session: Session) -> None:
    """Woken by their login; then the catalogue says who they are in Slack."""
    unlinked = tuple(PersonEntry(github="ana", name="Ana", pagerduty="PANA") if one.github == "ana" else one
                     for one in PEOPLE)  # fmt: skip
    here = broken(sqlite_session, people_known=unlinked)
    assert here.session.exec(select(Page.who).where(Page.name == "Ana")).one() == "github:ana"
    here.people_known = PEOPLE
    attributing.attribute(here.session, here.desk, here.incident(), here.now)
    assert here.calls().phones() == ["PANA"]
    assert len(pages_of(here, "Ana")) == 1


# --- one cause, several incidents ---------------------------------------------------------------------------------


def one_cause(session: Session) -> Alarms:
    """``cart`` and, long after, what depends on it; then a rollout of ``cart`` is told of that is behind both."""
    here = alarms(session)
    here.at = 1
    here.fires("cart")
    here.at = 30
    here.fires("checkout", paths=STACK)
    assert len(here.incidents()) == 2
    here.shipped("cart", "c", at=0, paths=STACK)
    return here


def test_two_incidents_of_one_change_ring_one_phone(session: Session) -> None:
    """Of the second its author hears in Slack, with the first one's number."""
    here = one_cause(session)
    first, second = here.incidents()
    assert here.likely(first) == here.likely(second)
    assert ("Ana", "author", "assign", "wanted") in here.pages(first)
    assert ("Ana", "author", "message", "sent") in here.pages(second)
    assert here.calls().phones().count("PANA") == 1
    page = here.session.exec(select(Page).where(Page.incident == second.id, Page.name == "Ana")).one()
    assert page.reason == f"wrote #812, and was woken for incident {first.id}"
    assert here.told("U0ANA") == ["page", "page"]


def test_who_said_in_the_one_that_it_is_not_theirs_is_not_woken_for_the_other(sqlite_session: Session) -> None:
    """Whoever is on call is, for both."""
    here = alarms(sqlite_session)
    here.shipped("cart", "c", at=0, paths=STACK)
    here.at = 1
    first = here.fires("cart")
    here.calls()
    here.acts(IncidentAct.NOT_MINE)
    here.at = 2
    here.opens("checkout is slow", "checkout", who="U0EVE")
    here.fires("checkout", paths=STACK)
    here.turn(5)
    assert here.likely(first) == here.likely() == [(4, "high")]
    assert here.pager.phones().count("PANA") == 1
    assert [name for name, *_ in here.pages()] == ["Dee"]


# --- again --------------------------------------------------------------------------------------------------------


def test_whoever_passed_it_on_is_not_woken_when_it_goes_on(session: Session) -> None:
    """It fires again an hour later: Dee, to whom it went, is woken once more; Ana said that it is not hers."""
    here = broken(session, incidents_kept=LONG)
    here.acts(IncidentAct.NOT_MINE)
    assert here.calls().phones() == ["PANA", None]
    here.over()
    here.acts(IncidentAct.RESOLVE, text="restarted", who="U0DEE")
    here.at = 70
    here.fires()
    assert here.calls().phones() == ["PANA", None, None]
    assert pages_of(here, "Ana") == ["passed_on"]


def test_whoever_had_not_answered_is_woken_once_half_an_hour_has_passed(session: Session) -> None:
    """Chi resolved it at once, and it fires on ten minutes later: somebody must hear of it, and at once."""
    here = broken(session)
    here.over()
    here.acts(IncidentAct.RESOLVE, text="restarted", who="U0CHI")
    here.at = 20
    here.fires()
    assert here.incident().state == State.OPEN
    assert here.calls().phones() == ["PANA", "PANA"]
    assert len({call.key for call in here.pager.calls}) == 2, "what was ended is not taken up again"


def test_what_is_over_once_more_wakes_nobody_then(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    here.over()
    here.acts(IncidentAct.RESOLVE, text="restarted", who="U0CHI")
    here.at = 20
    here.fires()
    here.at = 22
    here.over()
    here.turn(100)
    assert here.pager.phones() == ["PANA", "PANA"]


def test_whoever_led_and_does_not_answer_this_time_is_followed_by_somebody(session: Session) -> None:
    """To have led it an hour ago is no answer to a page of now."""
    here = broken(session, incidents_kept=LONG)
    here.acts(IncidentAct.MINE)
    here.over()
    here.acts(IncidentAct.RESOLVE)
    here.at = 70
    here.fires()
    here.calls()
    assert (here.incident().lead, pages_of(here, "Ana")) == ("U0ANA", ["sent"])
    here.turn(76)
    assert [policy for _, policy in here.pager.escalated] == ["PESC"]


def test_to_take_the_lead_is_an_answer(session: Session) -> None:
    """Whoever was woken and leads is on it: the phone stops, and nobody else is woken."""
    here = broken(session)
    here.acts(IncidentAct.LEAD)
    assert pages_of(here, "Ana") == ["answered"]
    assert here.calls().acknowledged == ["Q1"]
    here.turn(30)
    assert here.pager.escalated == []


def test_to_be_given_the_lead_is_none(sqlite_session: Session) -> None:
    """Ben names Ana, who has not answered her page."""
    here = broken(sqlite_session)
    here.tell(
        IncidentActed(
            act=IncidentAct.LEAD, incident=here.incident().id, slack_id="U0BEN", called="Ben", at=here.now, who="U0ANA"
        )
    )
    here.turn(16)
    assert [policy for _, policy in here.pager.escalated] == ["PESC"]


# --- said truly ---------------------------------------------------------------------------------------------------


def test_who_declined_at_the_pager_is_not_said_to_have_kept_silent(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    here.answers(PagerSaid.DECLINED)
    assert "declined" in here.aloud()
    assert "no_answer" not in here.aloud()
    note = here.session.exec(select(Note).where(Note.key == f"incident_said:{here.incident().id}:declined:1")).one()
    assert note.data["next"] == "Dee is called now"


def test_what_somebody_is_told_goes_on_with_the_incident(sqlite_session: Session) -> None:
    """The message had not left when their incident turned out to be another one."""
    here = broken(sqlite_session)
    first = here.incident()
    here.opens("letters are late", "mail", who="U0EVE")
    other = here.incident()
    here.acts(IncidentAct.MERGE, "U0BEN", first, into=other.id)
    cards = here.session.exec(select(Card).where(Card.kind == "page", Card.place == "U0CHI")).all()
    views = [loading.page_note(here.session, here.desk, int(one.subject), place="U0CHI", first=True) for one in cards]
    assert [view.card.incident_id for view in views if view is not None] == [other.id]


@pytest.mark.parametrize("order", [("checkout 5xx", "latency"), ("latency", "checkout 5xx")])
def test_the_end_is_when_the_last_one_was_over_in_whatever_order_that_is_told(
    sqlite_session: Session, order: tuple[str, str]
) -> None:
    here = broken(sqlite_session)
    here.fires(name="latency")
    here.at = 30
    ended = {"checkout 5xx": 14, "latency": 20}
    for name in order:
        here.tell(
            AlertReported(
                source="api", fingerprint=name, service="checkout", environment="production", name=name,
                started_at=None, resolved_at=minute(ended[name]), at=here.now,
            )
        )  # fmt: skip
    assert (here.incident().quiet_at, here.incident().mitigated_at) == (minute(20), minute(20))


@pytest.mark.parametrize(("burns", "ended"), [(True, None), (False, 30)])
def test_what_was_two_is_over_when_both_are(sqlite_session: Session, *, burns: bool, ended: float | None) -> None:
    """The one that goes on was quiet at twenty minutes past noon; the one that joins it fires on for a while."""
    here = broken(sqlite_session)
    here.fires("mail")
    first, other = here.incidents()
    here.at = 20
    here.over("mail")
    here.at = 30
    if not burns:
        here.over("checkout")
    here.acts(IncidentAct.MERGE, "U0BEN", first, into=other.id)
    expected = minute(ended) if ended is not None else None
    assert (other.quiet_at, other.mitigated_at) == (expected, expected)


def rolled_back(here: Alarms) -> None:
    """The likely change is taken out at a quarter past noon, while its alert fires."""
    here.at = 15
    deploy = here.rollout("checkout", "a", number="back", at=15)
    deploy.direction = "behind"
    assert here.incident().mitigated_at == minute(15)


def test_what_fires_again_after_a_rollback_was_not_ended_by_it(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    rolled_back(here)
    here.at = 16
    here.over()
    here.at = 20
    here.fires()
    assert here.incident().mitigated_at is None
    here.at = 40
    here.over()
    here.acts(IncidentAct.RESOLVE)
    assert here.incident().mitigated_at == minute(40)


@pytest.mark.parametrize(("cause", "ended"), [(None, 15), (0, 50), (1, 15)])
def test_a_rollback_of_what_was_not_the_cause_ended_nothing(
    sqlite_session: Session, cause: int | None, ended: float
) -> None:
    """It fired on for half an hour; people say in the end which change it was."""
    here = broken(sqlite_session)
    rolled_back(here)
    here.at = 50
    here.over()
    here.acts(IncidentAct.RESOLVE, likely=cause)
    assert here.incident().mitigated_at == minute(ended)


def test_a_card_goes_on_being_shown_where_it_stands(sqlite_session: Session) -> None:
    """The channels of the first teams, however many services join after them by whatever name."""
    names = ["z", *(f"s{number}" for number in range(8))]
    teams = tuple(replace(paged(name), channel=f"#{name}") for name in names)
    here = alarms(sqlite_session, services=teams)
    for name in names:
        here.fires(name, grouping="g")
    (incident,) = here.incidents()
    assert telling.card_places(here.session, here.desk, incident) == ["#z", "#s0", "#s1", "#s2", "#s3"]
    assert {place for _, place in here.cards("incident")} == {"#z", "#s0", "#s1", "#s2", "#s3"}


def test_a_rollout_of_a_service_in_other_capitals_is_looked_at(sqlite_session: Session) -> None:
    """The catalogue knows neither: the alert says ``Bread``, the pipeline ``bread``."""
    here = alarms(sqlite_session)
    here.shipped("bread", "d", 811, at=-60)
    here.at = 5
    here.fires("Bread", environment="production")
    here.shipped("bread", "e", at=0)
    assert "rolls out" in " ".join(here.entries()) or "is live" in " ".join(here.entries())
