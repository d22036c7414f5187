"""Alerts of which nobody knows whose they are: asked about once for each kind, and what a person says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot import work
from bot.alerts import service as alerts
from bot.alerts.models import Alert, AlertMapping
from bot.alerts.unknown import alert_of
from bot.alerts.views import MoreUnmappedCard, UnmappedCard
from bot.deploys.loading import Desk
from bot.deploys.models import Target
from bot.errors import UserError
from bot.events import AlertLevel, AlertMapped, AlertReported
from bot.outbox import Card
from bot.outgoing.alerts import more_unmapped_card, unmapped_card
from bot.rendering import Renderer
from tests.unit.reports import catalog, minute
from tests.unit.test_alerts_service import HERE, MILL, OVEN, hear, told


def unknown(at: float, number: int = 0, **more: Any) -> AlertReported:
    """An alert of a kind of its own of which nothing tells whose it is."""
    return told(at, began=at, key=f"u{number}", name=f"Disk {number} is full", **more)


def asked(session: Session) -> list[int]:
    """The alerts that were asked about."""
    cards = session.exec(select(Card).where(Card.kind == "alert_unmapped").order_by(col(Card.id))).all()
    return [alert_of(card) for card in cards]


def more(session: Session) -> list[Card]:
    """The lines that say how many more there are."""
    return list(session.exec(select(Card).where(Card.kind == "alert_unmapped_more").order_by(col(Card.id))).all())


def says(session: Session, alert: Alert, service: str | None, at: float = 5) -> tuple[str, Sequence[Alert]]:
    """Dee says whose it is."""
    event = AlertMapped(alert=alert.id or 0, service=service, slack_id="U0DEE", called="Dee", at=minute(at))
    return alerts.mapped(session, HERE, event, event.at)


def test_one_that_is_nobodys_is_asked_about_once(sqlite_session: Session) -> None:
    """However often it is told, and however often it fires."""
    [alert] = hear(sqlite_session, unknown(0))
    hear(sqlite_session, unknown(0), told(9, began=0, over=8, key="u0", name="Disk 0 is full"), unknown(20))
    assert asked(sqlite_session) == [alert.id]
    assert alert.service is None


def test_what_a_person_says_holds_for_all_of_its_kind(sqlite_session: Session) -> None:
    """For those that fire already, and for those to come; the latest word stands."""
    [first] = hear(sqlite_session, unknown(0))
    [second] = hear(sqlite_session, told(1, key="other", name="Disk 0 is full", environment="prod"))
    said, firing = says(sqlite_session, first, "OVEN")
    assert said == "Alerts like “Disk 0 is full” are oven's from now on. 2 of them fire now."
    assert [one.id for one in firing] == [first.id, second.id]
    assert (second.service, second.environment) == ("oven", "production")
    [third] = hear(sqlite_session, told(7, key="third", name="disk 0 is full"))
    assert third.service == "oven"
    said, firing = says(sqlite_session, first, "mill", at=9)
    assert (len(firing), {one.service for one in firing}) == (3, {"mill"})
    with pytest.raises(UserError, match="are mill's: that stands"):
        says(sqlite_session, first, "oven", at=8)


def test_what_the_catalogue_learns_to_know_counts_at_its_next_report(sqlite_session: Session) -> None:
    """Somebody wrote its labels into shipmate.yml."""
    [alert] = hear(sqlite_session, unknown(0))
    taught = catalog(replace(OVEN, alerts={"disk": "0"}), MILL)
    event = unknown(0, labels={"disk": "0"})
    found = alerts.report(sqlite_session, taught, event, minute(9))
    assert (list(found.news), alert.service) == ([alert], "oven")


def test_what_is_called_nobodys_is_not_asked_about_again(sqlite_session: Session) -> None:
    """Nor counted for the service that it was given to before."""
    [alert] = hear(sqlite_session, unknown(0))
    says(sqlite_session, alert, "oven")
    said, moved = says(sqlite_session, alert, None, at=6)
    assert said == "Alerts like “Disk 0 is full” are nobody's: I ask about them no more."
    assert list(moved) == [alert], "what it was taken to belong to hears of it"
    [again] = hear(sqlite_session, told(70, began=70, key="again", name="Disk 0 is full"))
    assert (alert.service, again.service, len(asked(sqlite_session))) == (None, None, 1)


def test_who_names_what_is_not_there_is_told(sqlite_session: Session) -> None:
    """Nothing is kept of it."""
    [alert] = hear(sqlite_session, unknown(0))
    with pytest.raises(UserError, match="I know no service “brand-new”"):
        says(sqlite_session, alert, "brand-new")
    gone = Alert(id=99, source="x", fingerprint="x", name="x", started_at=minute(0), seen_at=minute(0))
    with pytest.raises(UserError, match="I know that alert no more"):
        says(sqlite_session, gone, "oven")
    assert sqlite_session.exec(select(AlertMapping)).all() == []


def test_no_more_than_ten_are_asked_about_in_an_hour(sqlite_session: Session) -> None:
    """How many more there are is one line at once; in the next hour those are asked about, the gravest first."""
    desk = Desk(HERE, "", minute(3))
    for number in range(25):
        level = AlertLevel.ERROR if number == 24 else AlertLevel.WARNING
        hear(sqlite_session, unknown(number / 10, number, level=level))
    assert len(asked(sqlite_session)) == 10
    [line] = more(sqlite_session)
    shown = more_unmapped_card(sqlite_session, desk, line)
    assert shown is not None
    assert isinstance(shown.view, MoreUnmappedCard)
    first = shown.view.named[0]
    assert (shown.view.kinds, shown.view.at_least) == (15, False)
    assert (first.name, first.level) == ("Disk 24 is full", "error")
    [(kind, subject)] = work.due(sqlite_session, minute(61))
    alerts.due(sqlite_session, HERE, kind, subject, minute(61))
    known = sqlite_session.get(Alert, asked(sqlite_session)[10])
    assert known is not None
    assert (len(asked(sqlite_session)), known.name) == (20, "Disk 24 is full")
    assert [one for one in work.due(sqlite_session, minute(122)) if one[0] == kind] == [(kind, subject)], "the rest"


def test_a_critical_one_is_asked_about_though_ten_were_that_hour(sqlite_session: Session) -> None:
    """Nobody is woken for it until somebody says whose it is, and an edited line notifies nobody."""
    for number in range(15):
        hear(sqlite_session, unknown(0, number, level=AlertLevel.WARNING))
    [grave] = hear(sqlite_session, unknown(1, 15, level=AlertLevel.CRITICAL))
    assert asked(sqlite_session)[10:] == [grave.id]
    for number in range(16, 40):
        hear(sqlite_session, unknown(2, number, level=AlertLevel.CRITICAL))
    assert len(asked(sqlite_session)) == 20


def test_a_name_that_is_a_story_is_cut_in_the_question(sqlite_session: Session) -> None:
    """Whose it is must be read on a phone, before it is over and after somebody answered."""
    [alert] = hear(sqlite_session, told(0, began=0, key="u0", name="Disk " + "x" * 400))
    card = sqlite_session.exec(select(Card).where(Card.kind == "alert_unmapped")).one()
    card.ts = "1.2"
    for service in (None, "oven"):
        shown = unmapped_card(sqlite_session, Desk(HERE, "", minute(9)), card)
        assert shown is not None
        words = Renderer().message(shown.template, shown.view, key="k").text
        assert f"Disk {'x' * 114}…" in words
        assert "x" * 115 not in words
        says(sqlite_session, alert, service or "oven")


def test_what_asked_shows_the_answer(sqlite_session: Session) -> None:
    """Whoever chose amiss chooses again there; one that nobody could read yet is not sent at all."""
    [alert] = hear(sqlite_session, unknown(0))
    card = sqlite_session.exec(select(Card).where(Card.kind == "alert_unmapped")).one()
    version, desk = card.version, Desk(HERE, "", minute(9))
    says(sqlite_session, alert, "oven")
    assert (card.version > version, unmapped_card(sqlite_session, desk, card)) == (True, None)
    card.ts = "1.2"
    shown = unmapped_card(sqlite_session, desk, card)
    assert shown is not None
    assert isinstance(shown.view, UnmappedCard)
    assert (shown.view.answered, shown.view.service, shown.view.by is not None) == (True, "oven", True)


def test_what_asked_shows_whether_any_of_its_kind_fires(sqlite_session: Session) -> None:
    """It is asked once; nobody reads that something fires and wakes nobody that was over long ago."""

    def shown(at: float) -> tuple[int, bool, datetime]:
        card = sqlite_session.exec(select(Card).where(Card.kind == "alert_unmapped")).one()
        found = unmapped_card(sqlite_session, Desk(HERE, "", minute(at)), card)
        assert found is not None
        assert isinstance(found.view, UnmappedCard)
        return card.version, found.view.over, found.view.since

    pod: dict[str, Any] = {"name": "Disk 0 is full", "key": "pod"}
    hear(sqlite_session, unknown(0))
    first = shown(1)[0]
    hear(sqlite_session, told(2, began=2, **pod))
    assert shown(2) == (first, False, minute(0)), "one more of those that fire changes nothing"
    hear(sqlite_session, told(4, began=0, over=3, key="u0", name="Disk 0 is full"))
    assert shown(4) == (first + 1, False, minute(2))
    hear(sqlite_session, told(6, began=2, over=5, **pod))
    assert shown(6) == (first + 2, True, minute(0))
    hear(sqlite_session, told(30, began=30, **pod))
    assert shown(31) == (first + 3, False, minute(30))


def test_services_that_were_only_deployed_are_offered_too(sqlite_session: Session) -> None:
    """Where nothing is configured, they are all there is."""
    sqlite_session.add(Target(service="cellar", environment="production"))
    hear(sqlite_session, unknown(0))
    card = sqlite_session.exec(select(Card).where(Card.kind == "alert_unmapped")).one()
    shown = unmapped_card(sqlite_session, Desk(catalog(), "", minute(1)), card)
    assert shown is not None
    assert isinstance(shown.view, UnmappedCard)
    assert [one.name for one in shown.view.choices] == ["cellar"]
    alert = sqlite_session.get(Alert, alert_of(card))
    assert alert is not None
    assert says(sqlite_session, alert, "cellar")[0].startswith("Alerts like “Disk 0 is full” are cellar's from now on")


# --- that name a service which is none ----------------------------------------------------------------------------


def misspelt(at: float, service: str = "ovn", **more: Any) -> AlertReported:
    """Its sender names a service outright; it is called after another one."""
    return told(at, began=at, source="generic", service=service, name="mill is slow", **more)


def test_one_whose_sender_names_a_service_that_nobody_knows_is_asked_about(sqlite_session: Session) -> None:
    """What may have been meant is told, and stands first; what the alert is called does not overrule its sender."""
    [alert] = hear(sqlite_session, misspelt(0, level=AlertLevel.CRITICAL))
    assert (alert.service, asked(sqlite_session)) == (None, [alert.id])
    card = sqlite_session.exec(select(Card)).one()
    shown = unmapped_card(sqlite_session, Desk(HERE, "", minute(1)), card)
    assert shown is not None
    view = shown.view
    assert isinstance(view, UnmappedCard)
    assert (view.named, view.meant, [one.name for one in view.choices]) == ("ovn", "oven", ["oven", "mill"])
    assert view.grave == "critical"


def test_what_is_said_of_a_misspelt_service_holds_for_that_spelling_alone(sqlite_session: Session) -> None:
    """Another spelling, and none at all, are other kinds."""
    [first] = hear(sqlite_session, misspelt(0))
    _, moved = says(sqlite_session, first, "oven", at=1)
    assert [one.service for one in moved] == ["oven"]
    [again] = hear(sqlite_session, misspelt(2, key="f2"))
    assert again.service == "oven"
    [other] = hear(sqlite_session, misspelt(3, "ofen", key="f3"))
    assert (other.service, asked(sqlite_session)) == (None, [first.id, other.id])
    [nameless] = hear(sqlite_session, told(4, began=4, key="f4", source="generic", name="mill is slow"))
    assert nameless.service == "mill"


@pytest.mark.parametrize(
    ("service", "labels", "whose"),
    [
        ("OVEN", {}, "oven"),
        ("oven-staging", {}, "oven"),
        ("ovn", {"Service": "mill"}, "mill"),
        ("ovn", {"app": "mill"}, "mill"),
        ("till", {}, "till"),
        ("Till", {}, "Till"),
    ],
    ids=["in capitals", "beside its environment", "and a label one", "and another label one", "deployed", "so, too"],
)
def test_one_whose_sender_names_what_is_a_service_after_all(
    sqlite_session: Session, service: str, labels: dict[str, str], whose: str
) -> None:
    """In the catalogue, by its labels, or because it was deployed."""
    sqlite_session.add(Target(service="till", environment="production"))
    sqlite_session.flush()
    [alert] = hear(sqlite_session, misspelt(0, service, labels=labels))
    assert (alert.service, asked(sqlite_session)) == (whose, [])


def test_without_a_catalogue_every_name_is_a_services(sqlite_session: Session) -> None:
    """There is nothing that it could be misspelt from."""
    event = misspelt(0)
    [alert] = alerts.reported(sqlite_session, catalog(), event, event.at)
    assert (alert.service, asked(sqlite_session)) == ("ovn", [])


def test_a_service_that_is_deployed_later_is_known_from_its_next_report_on(sqlite_session: Session) -> None:
    """The question shows that it is answered."""
    [alert] = hear(sqlite_session, misspelt(0))
    sqlite_session.add(Target(service="ovn", environment="production"))
    hear(sqlite_session, misspelt(1))
    assert alert.service == "ovn"
    shown = unmapped_card(sqlite_session, Desk(HERE, "", minute(1)), sqlite_session.exec(select(Card)).one())
    assert shown is None
