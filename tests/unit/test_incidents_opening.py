"""Which alerts are one incident, what opens one, what comes with it, and that order and repetition change nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlmodel import Session, col, func, select

from bot.alerts.models import Alert
from bot.catalog import PagingMode
from bot.catalog.model import Incidents, Paging
from bot.errors import UserError
from bot.events import AlertLevel, AlertReported, IncidentAct
from bot.incidents import locking, opening
from bot.incidents.models import Incident
from bot.incidents.states import State
from bot.outbox import Card, Effect, Note
from tests.unit.alarming import Alarms, alarms, paged
from tests.unit.reports import BEN, minute, sha_of
from tests.unit.stores import address

HA = {"fingerprint": "f1", "source": "alertmanager"}


# --- what opens one -----------------------------------------------------------------------------------------------


def test_an_alert_opens_an_incident_with_all_that_belongs_to_it(session: Session) -> None:
    """Ana's phone, the room, the lock, the card and the first lines of the timeline come of one transaction."""
    here = alarms(session)
    deploy = here.shipped()
    here.at = 12
    incident = here.fires()
    assert incident is not None
    assert (incident.title, incident.service, incident.environment) == ("checkout 5xx", "checkout", "production")
    assert (incident.severity, incident.watched, incident.onset_at) == (2, False, minute(12))
    assert here.likely() == [(deploy.id, "high")]
    assert here.pages() == [("Ana", "author", "assign", "wanted"), ("Chi", "merger", "respond", "wanted")]
    assert here.locked() == [("checkout/production", f"incident:{incident.id}")]
    assert here.entries()[:2] == ["checkout 5xx fired", "Opened by that alert"]
    assert [one.kind for one in here.session.exec(select(Effect).where(Effect.kind == "room_open"))] == ["room_open"]
    assert ("1", "#bakers") in here.cards("incident")


@pytest.mark.parametrize(
    ("alert", "opens"),
    [
        ({}, True),
        ({"environment": None}, True),
        ({"environment": "Production"}, True),
        ({"environment": "staging"}, False),
        ({"environment": "laboratory"}, False),
        ({"level": None}, True),
        ({"level": AlertLevel.WARNING}, False),
        ({"service": None, "name": "whose is this"}, False),
    ],
)
def test_only_what_is_grave_where_customers_are_opens_one(
    sqlite_session: Session, alert: dict[str, object], opens: bool
) -> None:
    """An environment before the last, a warning, and an alert that is nobody's open none."""
    here = alarms(sqlite_session)
    here.fires(**{"service": "checkout", **alert})  # type: ignore[arg-type]
    assert bool(here.incidents()) is opens


def test_policy_says_from_which_level_on(sqlite_session: Session) -> None:
    """``paging.opens_at`` may be lower; a warning is less severe then."""
    here = alarms(sqlite_session, paging=Paging(opens_at=AlertLevel.WARNING))
    incident = here.fires(level=AlertLevel.WARNING)
    assert incident is not None
    assert incident.severity == 4


def test_a_service_that_is_off_opens_none(sqlite_session: Session) -> None:
    """Nothing but what was there before."""
    here = alarms(sqlite_session, services=(paged("checkout", paging=PagingMode.OFF),))
    here.fires()
    assert not here.incidents()


def test_a_service_that_only_watches_says_whom_it_would_wake_and_wakes_nobody(sqlite_session: Session) -> None:
    """No room, no lock, no page, no word to anybody in person."""
    here = alarms(sqlite_session, services=(paged("checkout", paging=PagingMode.SHADOW),))
    here.shipped()
    here.at = 5
    incident = here.fires()
    assert incident is not None
    assert incident.watched
    assert here.pages() == [("Ana", "author", "shadow", "shadow"), ("Chi", "merger", "shadow", "shadow")]
    assert (here.aloud(), here.locked(), here.told("U0ANA")) == ([], [], []), "its card says whom it would wake"
    here.turn(60)
    assert here.calls().calls == []
    assert not [one for one in here.session.exec(select(Effect)) if one.kind.startswith(("room", "page"))]


def test_a_watched_one_is_made_real_by_a_person(sqlite_session: Session) -> None:
    """Open a room: then it has its lock, and whoever would have been woken is."""
    here = alarms(sqlite_session, services=(paged("checkout", paging=PagingMode.SHADOW),))
    here.shipped()
    here.at = 5
    incident = here.fires()
    assert incident is not None
    opening.make_real(here.session, here.desk, incident, here.now)
    opening.make_real(here.session, here.desk, incident, here.now)
    assert here.calls().phones() == ["PANA"]
    assert here.pages() == [("Ana", "author", "assign", "sent"), ("Chi", "merger", "respond", "sent")]
    assert here.locked() == [("checkout/production", "incident:1")]


def test_one_that_is_over_when_it_is_first_heard_of_opens_none(sqlite_session: Session) -> None:
    """The end before the beginning: neither report opens anything."""
    here = alarms(sqlite_session)
    here.at = 9
    here.over(began=5)
    here.fires(began=5, told=minute(6))
    assert not here.incidents()


# --- which are one ------------------------------------------------------------------------------------------------


def test_repeats_and_duplicates_of_two_senders_are_one(sqlite_session: Session) -> None:
    """The same alert again, from the other Alertmanager seconds apart, and other alerts of the service."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 12
    for began in (12, 12, 12.05, 12.1):
        here.fires(began=began, **HA)
    here.fires(name="checkout latency")
    here.fires(name="checkout latency", began=12.5)
    assert len(here.incidents()) == 1
    assert here.calls().phones() == ["PANA"]
    assert here.aloud() == ["alerts", "paged"]


def test_hundreds_of_alerts_are_one_incident_one_card_and_one_page(sqlite_session: Session) -> None:
    """A storm of one service: what it costs is rows of alerts, and little else."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 12
    many = [
        AlertReported(
            source="alertmanager", fingerprint=f"f{number}", service="checkout", name=f"pod {number % 50} restarts",
            started_at=minute(12 + number / 1000), at=minute(12 + number / 1000), level=AlertLevel.CRITICAL,
        )
        for number in range(300)
    ]  # fmt: skip
    for alert in many:
        here.reactions.react(here.session, [alert], here.now)
    assert here.session.exec(select(func.count()).select_from(Alert).where(col(Alert.incident) == 1)).one() == 300
    assert len(here.incidents()) == 1
    assert here.calls().phones() == ["PANA"]
    assert here.cards("incident").count(("1", "#bakers")) == 1
    assert len(here.aloud()) <= 7
    assert len(here.entries()) <= 40


def test_a_service_that_depends_on_it_joins_where_it_began_at_about_the_same_time(sqlite_session: Session) -> None:
    """``checkout`` depends on ``cart``: its symptoms ten minutes apart are one cause; it is locked as well."""
    here = alarms(sqlite_session)
    here.at = 20
    here.fires("cart")
    here.at = 28
    here.fires("checkout")
    here.fires("mail")
    assert [one.service for one in here.incidents()] == ["cart", "mail"]
    assert [scope for scope, _ in here.locked()] == ["cart/production", "checkout/production", "mail/production"]


def test_later_it_joins_only_by_the_same_likely_change(sqlite_session: Session) -> None:
    """Half an hour apart, but what is likely to have done it is the same rollout of the dependency."""
    here = alarms(sqlite_session)
    here.shipped("cart")
    here.at = 2
    here.fires("cart")
    here.at = 32
    here.fires("checkout")
    assert len(here.incidents()) == 1
    here.shipped("checkout", "c", 820)
    here.at = 40
    here.over("checkout")
    assert len(here.incidents()) == 1


def test_its_own_likely_change_keeps_it_apart(sqlite_session: Session) -> None:
    """The dependency fails since long ago, and the service itself was rolled out just now."""
    here = alarms(sqlite_session)
    here.fires("cart", began=-200)
    here.shipped("checkout", "c", 820)
    here.at = 5
    here.fires("checkout")
    assert [one.service for one in here.incidents()] == ["cart", "checkout"]


def test_what_its_sender_groups_is_one(sqlite_session: Session) -> None:
    """The same group of the same sender within the hour, though nothing connects the services."""
    here = alarms(sqlite_session)
    here.fires("mail", grouping="smtp")
    here.at = 30
    here.fires("cart", grouping="smtp")
    here.fires("checkout", grouping="smtp", source="grafana", began=-100)
    assert [one.service for one in here.incidents()] == ["mail", "checkout"] or len(here.incidents()) == 1


def test_of_one_group_what_surely_has_a_cause_of_its_own_is_apart(sqlite_session: Session) -> None:
    """Alertmanager groups all services by the alert's name, as it comes: Ben breaks mail while Ana mends checkout."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 12
    here.fires("checkout", grouping='{}:{alertname="Errors"}')
    here.at = 40
    here.shipped("mail", "m", 820, author=BEN, merger=BEN)
    here.at = 45
    here.fires("mail", grouping='{}:{alertname="Errors"}')
    assert [one.service for one in here.incidents()] == ["checkout", "mail"]
    assert [name for name, *_ in here.pages()] == ["Ben"]
    here.fires("cart", grouping='{}:{alertname="Errors"}')
    assert len(here.incidents()) == 2, "nothing went live there"


def test_many_services_at_once_are_one_storm(sqlite_session: Session) -> None:
    """From the sixth on, what has no clear cause of its own joins one incident, which wakes its first service once.

    The last one points to its own new build.
    """
    names = [f"s{number:02}" for number in range(30)]
    here = alarms(sqlite_session, services=tuple(paged(name) for name in names))
    here.shipped("s29", "c", 829)
    here.at = 3
    for name in names:
        here.fires(name, version=sha_of("c") if name == "s29" else None)
    titles = [one.title for one in here.incidents()]
    assert titles == [f"{name} 5xx" for name in names[:5]] + ["Many services at once", "s29 5xx"]
    storm = next(one for one in here.incidents() if one.storm)
    assert len([call for call in here.calls().calls if call.title.startswith("Many")]) == 1
    assert len([scope for scope, cause in here.locked() if cause == f"incident:{storm.id}"]) == locking.MOST_LOCKED
    assert here.calls().phones()[-1] == "PANA"
    assert here.cards("incident").count((str(storm.id), "#bakers")) == 1


# --- over and again -----------------------------------------------------------------------------------------------


def test_after_long_quiet_it_is_another_one(sqlite_session: Session) -> None:
    """Nobody resolved the first, and the next day it fires: it is looked at and somebody woken for it anew."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 10
    here.fires()
    here.at = 12
    here.over()
    here.turn(24 * 60)
    here.shipped("checkout", "c", 820, author=BEN)
    here.at += 5
    here.fires()
    here.fires(name="checkout latency")
    assert [one.state for one in here.incidents()] == ["open", "open"]
    assert here.pages(here.incidents()[1])[0][:3] == ("Ben", "author", "assign")
    assert here.locked() == [("checkout/production", "incident:2")]


def test_one_that_was_only_watched_ends_by_itself(sqlite_session: Session) -> None:
    """Half an hour after it fell quiet; not where it fires again before."""
    here = alarms(sqlite_session, services=(paged("checkout", paging=PagingMode.SHADOW),))
    here.fires()
    here.at = 10
    here.over()
    here.at = 20
    here.fires()
    here.turn(60)
    assert here.incident().state == "open"
    here.over()
    here.turn(80)
    assert here.incident().state == "open"
    here.turn(91)
    assert (here.incident().state, here.incident().resolved_at) == ("resolved", minute(60))
    here.fires()
    assert [one.state for one in here.incidents()] == ["resolved", "open"]


def test_flapping_is_one_incident_and_one_page(sqlite_session: Session) -> None:
    """On and off a dozen times."""
    here = alarms(sqlite_session)
    here.shipped()
    for times in range(12):
        here.at = 10 + times
        here.fires()
        here.at += 0.5
        here.over(began=10 + times)
    assert len(here.incidents()) == 1
    assert here.calls().phones() == ["PANA"]


@pytest.mark.parametrize(("after", "incidents"), [(20, 1), (45, 2)])
def test_an_alert_soon_after_the_end_opens_it_again(sqlite_session: Session, after: float, incidents: int) -> None:
    """Within ``reopens_within``: it was not over, and whoever was woken for it is woken again; never nobody."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 10
    here.fires()
    here.calls()
    here.over()
    here.acts(IncidentAct.RESOLVE, text="restarted")
    assert here.locked() == []
    here.at = 10 + after
    here.fires()
    assert len(here.incidents()) == incidents
    assert len(here.incidents(State.OPEN)) == 1
    assert here.calls().phones() == ["PANA", "PANA"]
    assert [cause for _, cause in here.locked()] == [f"incident:{incidents}"]


def test_what_fires_on_through_the_end_does_not_open_it_again(sqlite_session: Session) -> None:
    """People were told that it fires, and resolved it all the same."""
    here = alarms(sqlite_session)
    here.fires(began=0)
    here.at = 10
    here.acts(IncidentAct.RESOLVE, text="known, and harmless")
    here.fires(began=0)
    assert [one.state for one in here.incidents()] == ["resolved"]
    here.at = 12
    here.over()
    here.at = 20
    here.fires()
    assert [one.state for one in here.incidents()] == ["open"]


def test_reopened_after_long_the_same_people_are_woken_again(sqlite_session: Session) -> None:
    """Half an hour after they were woken, they may be: by a new incident of the pager, since the first was ended."""
    here = alarms(sqlite_session, incidents_kept=Incidents(reopens_within=timedelta(hours=2)))
    here.shipped()
    here.at = 10
    here.fires()
    here.calls()
    here.over()
    here.at = 15
    here.acts(IncidentAct.RESOLVE, text="restarted")
    assert here.calls().resolved == ["Q1"]
    here.at = 60
    here.fires()
    assert [one.state for one in here.incidents()] == ["open"]
    assert here.pages()[0] == ("Ana", "author", "assign", "wanted")
    assert here.told("U0ANA").count("page") == 2
    assert here.calls().phones() == ["PANA", "PANA"]
    assert here.pager.asked == [("Q1", ("PCHI",)), ("Q2", ("PCHI",))]


# --- by a person --------------------------------------------------------------------------------------------------


def test_a_person_opens_one(sqlite_session: Session) -> None:
    """Room and lock; nobody is woken unasked, and the author hears that they may know something."""
    here = alarms(sqlite_session)
    here.shipped(at=-5)
    said = here.opens("checkout takes no cards", "checkout", who="U0BEN")
    assert said.startswith("Incident 1 (checkout takes no cards) is open.")
    assert (here.pages(), here.told("U0ANA")) == ([], ["asked"])
    assert here.locked() == [("checkout/production", "incident:1")]
    assert here.opens("checkout takes no cards", "checkout", who="U0BEN").endswith("is open.")
    assert len(here.incidents()) == 1
    here.at = 1
    assert "is open about checkout already" in here.opens("cards are refused", "checkout", who="U0CHI")
    assert "cards are refused" in here.entries(), "what was said is kept"
    here.fires()
    assert here.calls().phones() == []
    here.acts(IncidentAct.WAKE)
    assert here.calls().phones() == [None]


def test_one_of_no_service_and_one_without_a_title(sqlite_session: Session) -> None:
    """The first locks nothing; the second is refused, with what to say."""
    here = alarms(sqlite_session)
    here.opens("the office is on fire")
    assert (here.incident().service, here.locked(), here.pages()) == (None, [], [])
    assert "is of no service" in here.acts(IncidentAct.WAKE)
    with pytest.raises(UserError, match="Say what is wrong"):
        here.opens("  ")


# --- any order ----------------------------------------------------------------------------------------------------


STEPS = st.permutations(["deploy", "fire", "again", "twin", "over", "late over"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=STEPS, repeats=st.sampled_from([1, 2]))
def test_any_order_and_any_repetition(sqlite_url: str, order: list[str], repeats: int) -> None:
    """At most one incident; nobody is woken twice; what is over is quiet; a likely change is the one that there is."""
    engine = create_engine(address(sqlite_url))
    with Session(engine) as session:
        here = alarms(session)
        here.at = 20
        for step in [one for one in order for _ in range(repeats)]:
            _step(here, step)
        here.calls()
        assert len(here.incidents()) <= 1
        numbers = [call.key for call in here.pager.calls]
        assert len(numbers) == len(set(numbers))
        whos = [page[0] for incident in here.incidents() for page in here.pages(incident)]
        assert len(whos) == len(set(whos))
        firing = session.exec(select(Alert).where(col(Alert.resolved_at).is_(None))).all()
        for incident in here.incidents():
            assert (incident.quiet_at is None) is bool(firing)
            assert [sure for _, sure in here.likely(incident)] == ["high"]
            assert "Ana" in whos
        session.rollback()
    engine.dispose()


def _step(here: Alarms, step: str) -> None:
    match step:
        case "deploy":
            here.shipped(at=0)
        case "fire":
            here.fires(began=12, told=minute(12.5), **HA)
        case "again":
            here.fires(began=12, told=minute(13), **HA)
        case "twin":
            here.fires(began=12.02, told=minute(12.6), **HA)
        case "over":
            here.at = 15
            here.over(began=12, **HA)
            here.at = 20
        case "late over":
            here.at = 16
            here.over(began=12.02, **HA)
            here.at = 20


def test_a_storm_costs_no_more_statements_for_each_alert_as_it_grows(sqlite_session: Session) -> None:
    """The hundredth alert of an incident asks what the tenth does."""
    here = alarms(sqlite_session)
    here.fires()
    counts = []
    for number in range(100):
        before = _rows(here)
        here.fires(name="checkout 5xx", fingerprint=f"f{number}", began=number / 100)
        counts.append(_rows(here) - before)
    assert set(counts[10:]) == {0}


def _rows(here: Alarms) -> int:
    """Everything there is to send or do, and every incident."""
    tables = (Note, Effect, Card, Incident)
    return sum(here.session.exec(select(func.count()).select_from(table)).one() for table in tables)
