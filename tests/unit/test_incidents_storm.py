"""Five thousand alerts: what one more of them costs, and what follows from it, does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event, insert
from sqlmodel import Session, col, func, select

from bot.alerts.models import Alert
from bot.events import AlertLevel, AlertReported
from bot.incidents.models import Entry, IncidentService, Page
from bot.outbox import Card, Effect, Note
from tests.unit.alarming import Alarms, alarms, paged
from tests.unit.reports import minute

MANY = 5_000
TOLD = 60
"""Of so many what they cost is counted; the others are there before."""


def test_the_five_thousandth_alert_of_a_service_costs_what_the_tenth_does(sqlite_session: Session) -> None:
    """As many statements, and not a row but its own: one incident, one page, one card, a few words."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 12
    for number in range(10):
        tell(here, number)
    here.calls()
    rows = beside_alerts(here)
    early = most_statements(here, range(10, 10 + TOLD))
    fill(sqlite_session, range(10 + TOLD, MANY - TOLD))
    late = most_statements(here, range(MANY - TOLD, MANY))
    assert late <= early
    assert late <= 40
    assert beside_alerts(here) == rows
    assert sqlite_session.exec(select(func.count()).select_from(Alert).where(Alert.incident == 1)).one() == MANY
    assert here.calls().phones() == ["PANA"]
    assert here.cards("incident") == [("1", "#bakers")]


def test_repeats_of_five_thousand_cost_an_update_each(sqlite_session: Session) -> None:
    """What fires already and is told again changes nothing but when it was heard last."""
    here = alarms(sqlite_session)
    here.at = 12
    tell(here, 0)
    fill(sqlite_session, range(1, MANY))
    here.calls()
    rows = beside_alerts(here)
    here.at = 13
    assert most_statements(here, range(MANY - TOLD, MANY)) <= 10
    assert beside_alerts(here) == rows


def test_a_storm_of_many_services_is_six_incidents_however_many_there_are(sqlite_session: Session) -> None:
    """Each service beyond the fifth adds a row that it is concerned, and nothing that anybody must read."""
    names = [f"s{number:02}" for number in range(70)]
    here = alarms(sqlite_session, services=tuple(paged(name) for name in names))
    here.at = 12
    for name in names[:30]:
        here.fires(name)
    phones, cards, aloud = len(here.calls().phones()), len(here.cards("incident")), words(here)
    statements = [len(sent) for sent in (fired(here, name) for name in names[30:])]
    assert len(here.incidents()) == 6
    assert (len(here.calls().phones()), len(here.cards("incident")), words(here)) == (phones, cards, aloud)
    assert phones == 6
    assert max(statements[-10:]) <= max(statements[:10])
    concerned = here.session.exec(select(func.count()).select_from(IncidentService)).one()
    assert concerned == len(names)


def fired(here: Alarms, name: str) -> list[str]:
    """The statements that an alert of another service takes."""
    with counted(here.session) as sent:
        here.fires(name)
    return sent


def tell(here: Alarms, number: int) -> None:
    """One of the alerts is told of, as its sender does: one delivery."""
    here.reactions.react(
        here.session,
        [
            AlertReported(
                source="alertmanager", fingerprint=f"f{number}", service="checkout", environment="production",
                name=f"pod trouble {number % 4}", started_at=minute(12), at=here.now, level=AlertLevel.CRITICAL,
            )
        ],
        here.now,
    )  # fmt: skip


def fill(session: Session, numbers: range) -> None:
    """These were told of as well, and belong to the first incident."""
    session.connection().execute(
        insert(Alert),
        [
            {
                "source": "alertmanager", "fingerprint": f"f{number}", "service": "checkout",
                "environment": "production", "name": f"pod trouble {number % 4}", "started_at": minute(12),
                "seen_at": minute(12), "level": "critical", "labels": {}, "paths": [], "incident": 1,
            }
            for number in numbers
        ],
    )  # fmt: skip


def most_statements(here: Alarms, numbers: range) -> int:
    """How many statements one of these alerts takes, at the most."""
    most = 0
    for number in numbers:
        with counted(here.session) as sent:
            tell(here, number)
        most = max(most, len(sent))
    return most


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """The statements that are sent within."""
    sent: list[str] = []

    def heard(*about: object) -> None:
        sent.append(str(about[2]))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", heard)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", heard)


def words(here: Alarms) -> int:
    """How many things were said of incidents."""
    return here.session.exec(select(func.count()).select_from(Note).where(col(Note.kind).startswith("incident"))).one()


def beside_alerts(here: Alarms) -> dict[str, int]:
    """How many rows there are of what follows from alerts."""
    tables = (Note, Effect, Card, Page, Entry, IncidentService)
    return {table.__name__: here.session.exec(select(func.count()).select_from(table)).one() for table in tables}
