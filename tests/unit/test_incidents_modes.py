"""Services that wake people beside services that are only watched: nobody who is to be woken is missed for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session, select

from bot import people
from bot.alerts.models import Alert
from bot.catalog import PagingMode
from bot.errors import UserError
from bot.events import AlertMapped, IncidentAct
from bot.incidents import loading
from bot.incidents.states import State
from bot.ports import Member
from tests.unit.alarming import Alarms, alarms, paged


def watching(here: Alarms, *names: str) -> Alarms:
    """These services are only watched from now on."""
    here.services = tuple(
        replace(one, paging=PagingMode.SHADOW if one.name in names else PagingMode.PAGE) for one in here.services
    )
    return here


def test_what_wakes_does_not_join_what_is_only_watched(sqlite_session: Session) -> None:
    """``checkout`` depends on ``cart``, which is watched: both began together, and somebody is woken."""
    here = watching(alarms(sqlite_session), "cart")
    here.fires("cart")
    here.fires("checkout")
    assert [(one.service, one.watched) for one in here.incidents()] == [("cart", True), ("checkout", False)]
    assert here.calls().phones() == [None]


def test_what_is_only_watched_joins_what_wakes(sqlite_session: Session) -> None:
    """The other way round it is one incident."""
    here = watching(alarms(sqlite_session), "cart")
    here.fires("checkout")
    here.fires("cart")
    (incident,) = here.incidents()
    assert (incident.service, incident.watched) == ("checkout", False)
    assert here.locked() == [("checkout/production", f"incident:{incident.id}")]
    card = loading.incident_card(here.session, here.desk, incident)
    assert [one.service for one in card.locked] == ["checkout"]
    assert [one.service for one in card.only_watched] == ["cart"]


def test_a_group_of_its_sender_is_no_reason_to_wake_nobody(sqlite_session: Session) -> None:
    here = watching(alarms(sqlite_session), "cart")
    here.fires("cart", grouping="g")
    here.fires("mail", grouping="g")
    assert [(one.service, one.watched) for one in here.incidents()] == [("cart", True), ("mail", False)]


def test_a_storm_of_what_is_only_watched_swallows_no_page(sqlite_session: Session) -> None:
    """Each sort has a storm of its own: the second has its first service's on-call woken, once."""
    names = [f"s{number:02}" for number in range(10)]
    here = watching(alarms(sqlite_session, services=tuple(paged(name) for name in names)), *names[:7])
    for name in names:
        here.fires(name)
    storms = [one for one in here.incidents() if one.storm]
    assert [one.watched for one in storms] == [True, False]
    assert here.calls().phones() == [None]
    assert here.calls().calls[0].service == "PS07"


@pytest.mark.parametrize("ended", [False, True])
def test_a_service_that_wakes_people_since_does_so_by_its_next_alert(sqlite_session: Session, *, ended: bool) -> None:
    """It was watched when it began; also where somebody had said that it was over."""
    here = watching(alarms(sqlite_session), "checkout")
    here.fires()
    if ended:
        here.over()
        here.acts(IncidentAct.RESOLVE)
    watching(here)
    here.fires(name="checkout latency")
    (incident,) = here.incidents()
    assert (incident.state, incident.watched) == (State.OPEN, False)
    assert here.calls().phones() == [None]
    assert here.locked() == [("checkout/production", f"incident:{incident.id}")]


def test_an_alert_that_joins_what_a_person_opened_wakes_whom_it_calls_for(sqlite_session: Session) -> None:
    """Eve opened it and woke nobody; what fires then is as good a reason as any."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 5
    here.opens("checkout is slow", "checkout", who="U0EVE")
    assert here.calls().phones() == []
    here.at = 6
    here.fires()
    here.turn(8)
    assert len(here.incidents()) == 1
    assert here.pager.phones() == ["PANA"]


def test_a_guest_opens_none(sqlite_session: Session) -> None:
    """It would lock production and make a room."""
    here = alarms(sqlite_session)
    people.saw(here.session, Member("U0EVE", "Eve", guest=True), here.now)
    with pytest.raises(UserError, match="Only full members of this workspace act on incidents: ask one of them"):
        here.opens("checkout is slow", "checkout", who="U0EVE")
    assert (here.incidents(), here.locked()) == ([], [])


def test_an_alert_that_turns_out_to_be_another_services_wakes_that_ones_people(sqlite_session: Session) -> None:
    """Somebody had said ``cart``, and says ``mail`` now: the first incident is quiet, another one is opened."""
    here = alarms(sqlite_session)
    here.fires(None, "queue is full", source="grafana")
    alert = here.session.exec(select(Alert)).one()
    for minute, service in enumerate(("cart", "mail")):
        here.turn(minute)
        here.tell(AlertMapped(alert=alert.id or 0, service=service, slack_id="U0DEE", called="Dee", at=here.now))
    first, second = here.incidents()
    assert [(one.service, one.quiet_at is None) for one in (first, second)] == [("cart", False), ("mail", True)]
    assert [call.service for call in here.calls().calls] == ["PCART", "PMAIL"]
    here.turn(2)
    assert here.aloud(first)[-2:] == ["left", "quiet"]


@pytest.mark.parametrize("named", [True, False])
def test_what_a_person_makes_real_locks_what_it_named_and_no_other_that_is_only_watched(
    sqlite_session: Session, *, named: bool
) -> None:
    """The question names all that it is about then; whoever joins later, or is opened again with it, was not asked."""
    here = watching(alarms(sqlite_session), "checkout", "cart", "mail")
    locked = ["cart/production", "checkout/production"] if named else ["checkout/production"]
    for service in ("checkout", "cart") if named else ("checkout",):
        here.fires(service)
    here.acts(IncidentAct.OPEN_ROOM)
    here.fires("cart", "cart p99")
    (incident,) = here.incidents()
    assert sorted(scope for scope, _ in here.locked()) == locked
    card = loading.incident_card(here.session, here.desk, incident)
    assert [one.service for one in card.only_watched] == ([] if named else ["cart"])
    here.acts(IncidentAct.RESOLVE, text="over")
    here.acts(IncidentAct.REOPEN)
    assert sorted(scope for scope, _ in here.locked()) == locked


def test_a_service_that_is_off_is_locked_by_no_incident_of_another(sqlite_session: Session) -> None:
    """Though the other depends on it, or its sender groups them: it opens nothing and joins nothing."""
    here = alarms(sqlite_session)
    here.services = tuple(replace(one, paging=PagingMode.OFF) if one.name == "cart" else one for one in here.services)
    here.fires("cart", grouping="g")
    here.fires("checkout", grouping="g")
    here.fires("cart", "cart p99", grouping="g")
    assert [one.service for one in here.incidents()] == ["checkout"]
    assert [scope for scope, _ in here.locked()] == ["checkout/production"]
