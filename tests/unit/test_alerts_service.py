"""Alerts as they are kept: occurrences told twice, out of order, by replicas; whose they are, and flags."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event as hooks
from sqlmodel import Session, col, select

from bot import work
from bot.alerts import service as alerts
from bot.alerts.models import Alert, AlertMapping
from bot.alerts.unknown import alert_of
from bot.alerts.views import MoreUnmappedCard, UnmappedCard
from bot.catalog import Service
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import AlertLevel, AlertMapped, AlertReported, FlagChanged, Human
from bot.outbox import Card
from bot.outgoing.alerts import more_unmapped_card, unmapped_card
from tests.unit.reports import catalog, minute

OVEN = Service(name="oven", channel="#bakers", environments=("staging", "production"))
MILL = Service(name="mill", channel="#millers", environments=("production",))
HERE = catalog(OVEN, MILL)


def told(at: float, *, began: float | None = 0, over: float | None = None, **more: Any) -> AlertReported:
    """A report made ``at`` minutes past noon."""
    return AlertReported(
        source=more.pop("source", "alertmanager"), fingerprint=more.pop("key", "f1"),
        service=more.pop("service", None), name=more.pop("name", "oven 5xx"),
        started_at=None if began is None else minute(began), resolved_at=None if over is None else minute(over),
        at=minute(at), **more,
    )  # fmt: skip


def hear(session: Session, *events: AlertReported) -> Sequence[Alert]:
    """They are reported one after the other, each when it was made; what the last one told of."""
    found: Sequence[Alert] = ()
    for one in events:
        found = alerts.reported(session, HERE, one, one.at)
    return found


def standing(session: Session) -> list[tuple[float, float | None]]:
    """Every occurrence: when it began and when it was over, in minutes past noon."""

    def minutes(alert: Alert, moment: Any) -> float | None:
        return None if moment is None else (moment - minute(0)).total_seconds() / 60

    rows = session.exec(select(Alert).order_by(col(Alert.started_at))).all()
    return [(minutes(row, row.started_at) or 0.0, minutes(row, row.resolved_at)) for row in rows]


REPORTS = (told(1), told(2), told(9, over=8), told(9.5, over=8))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
def test_replicas_and_any_order_make_one_occurrence_that_is_over(
    sqlite_session: Session, order: tuple[int, ...]
) -> None:
    """Each told twice."""
    for number in order:
        alerts.reported(sqlite_session, HERE, REPORTS[number], minute(10))
    assert standing(sqlite_session) == [(0, 8)]


def test_replicas_that_evaluate_at_other_instants_tell_of_one(sqlite_session: Session) -> None:
    """Its end ends it under either beginning; what is told of it then was overtaken."""
    hear(sqlite_session, told(1, began=0), told(1, began=0.25), told(9, began=0.25, over=8), told(9, began=0.1))
    assert standing(sqlite_session) == [(0, 8)]


def test_it_fires_again_with_another_beginning_or_with_the_one_it_had(sqlite_session: Session) -> None:
    """Prometheus keeps the beginning of what it could not tell of for a while; a report that was overtaken is none."""
    hear(sqlite_session, told(1), told(9, over=8), told(10))
    assert standing(sqlite_session) == [(0, 8)]
    hear(sqlite_session, told(20))
    assert standing(sqlite_session) == [(0, None)]
    hear(sqlite_session, told(31, over=30), told(40, began=39))
    assert standing(sqlite_session) == [(0, 30), (39, None)]


def test_an_end_ends_all_that_began_before_it_and_nothing_that_began_after(sqlite_session: Session) -> None:
    """One label set has one state; an end that comes late is of what was then."""
    hear(sqlite_session, told(1), told(20, began=19), told(21, began=0, over=8))
    assert standing(sqlite_session) == [(0, 8), (19, None)]
    hear(sqlite_session, told(31, began=19, over=30))
    assert standing(sqlite_session) == [(0, 8), (19, 30)]


def test_a_beginning_that_is_heard_of_after_the_next_one_is_over(sqlite_session: Session) -> None:
    """It would fire for ever: nobody tells its end any more."""
    hear(sqlite_session, told(20, began=19), told(21, began=0))
    assert standing(sqlite_session) == [(0, 19), (19, None)]


def test_an_end_without_a_beginning_ends_also_what_is_told_later(sqlite_session: Session) -> None:
    """However often it is told; and it says nothing of what begins after it."""
    for at in (8, 9):
        assert hear(sqlite_session, told(at, began=None, over=at, source="api")) == []
    hear(sqlite_session, told(1, began=0, source="api"), told(30, began=29, source="api"))
    assert standing(sqlite_session) == [(0, 9), (9, 9), (29, None)]
    hear(sqlite_session, told(40, began=None, over=40, source="api"), told(51, began=None, over=51, source="api"))
    hear(sqlite_session, told(50, began=50, source="api"))
    assert standing(sqlite_session) == [(0, 9), (9, 9), (29, 40), (50, 51), (51, 51)]


@pytest.mark.parametrize(("made", "fires"), [(6, False), (12, True)])
def test_an_end_that_was_heard_first_ends_what_began_before_it(
    sqlite_session: Session, made: float, fires: bool
) -> None:
    """As it does where the beginning is heard first; a report that was made since the end fires."""
    hear(sqlite_session, told(1, source="api"), told(10, began=None, over=10, source="api"))
    hear(sqlite_session, told(made, began=5, source="api"))
    assert standing(sqlite_session) == [(0, 10), (5, None if fires else 10)]


@pytest.mark.parametrize("source", ["datadog", "generic"])
def test_where_a_key_is_of_one_occurrence_each_repeat_is_of_it(sqlite_session: Session, source: str) -> None:
    """Datadog's name their own instants, and so does whoever names none; one after the end is another occurrence."""
    for at in (1, 2, 60):
        hear(sqlite_session, told(at, began=at, source=source))
    hear(sqlite_session, told(90, began=None, over=90, source=source))
    assert standing(sqlite_session) == [(1, 90)]
    hear(sqlite_session, told(95, began=95, source=source))
    assert standing(sqlite_session) == [(1, 90), (95, None)]


def test_where_a_later_beginning_is_named_it_is_another_occurrence(sqlite_session: Session) -> None:
    """The end of the one before was not heard yet; it ends that one alone."""
    hear(sqlite_session, told(1, began=0, source="generic"), told(20, began=19, source="generic"))
    hear(sqlite_session, told(21, began=0, over=8, source="generic"))
    assert standing(sqlite_session) == [(0, 8), (19, None)]


def test_all_that_is_told_of_it_is_kept_and_later_reports_add_to_it(sqlite_session: Session) -> None:
    """What a later one leaves out stays."""
    hear(sqlite_session, told(1, level=AlertLevel.WARNING, labels={"app": "oven", "env": "prod"}, paths=("a.py",)))
    [alert] = hear(sqlite_session, told(5, level=AlertLevel.ERROR, version="1.4.2", summary="7 %", grouping="g"))
    assert (alert.service, alert.environment, alert.level, alert.version) == ("oven", "production", "error", "1.4.2")
    assert (alert.labels, alert.paths, alert.summary, alert.grouping) == (
        {"app": "oven", "env": "prod"}, ["a.py"], "7 %", "g",
    )  # fmt: skip
    assert alert.seen_at == minute(5)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_of_an_issue_the_gravest_report_is_read_in_any_order(sqlite_session: Session, order: Sequence[int]) -> None:
    """That it is new, and by a rule's alert that it matters, are told at once, whichever was made first."""
    issue: dict[str, Any] = {"source": "sentry", "key": "issue:1", "service": "oven", "began": 1}
    reports = (
        told(3, level=AlertLevel.WARNING, paths=("basket.py",), **issue),
        told(2, level=AlertLevel.ERROR, paths=("basket.py", "views.py"), environment="prod", **issue),
        told(4, level=AlertLevel.WARNING, **issue),
    )
    [alert] = hear(sqlite_session, *(reports[number] for number in order))
    assert (alert.level, alert.paths, alert.environment) == ("error", ["basket.py", "views.py"], "production")
    assert (alert.seen_at, standing(sqlite_session)) == (minute(4), [(1, None)])


def test_a_repeat_costs_one_select_and_one_update(sqlite_session: Session) -> None:
    """And is news to nobody: nothing is judged anew."""
    hear(sqlite_session, told(1))
    sqlite_session.commit()
    sqlite_session.expire_all()
    work.take_touched(sqlite_session)
    ran: list[str] = []
    hooks.listen(sqlite_session.get_bind(), "before_cursor_execute", lambda *given: ran.append(given[2].split()[0]))
    hear(sqlite_session, told(2))
    assert ran == ["SELECT", "UPDATE"]
    assert work.take_touched(sqlite_session) == ()


def test_what_nobody_calls_over_lapses_after_an_hour_of_silence(sqlite_session: Session) -> None:
    """Sentry's issues stay open for weeks; each report is another hour."""
    [alert] = hear(sqlite_session, told(0, source="sentry", key="issue:1", labels={"project": "oven"}))
    hear(sqlite_session, told(30, began=30, source="sentry", key="issue:1"))
    number = alert.id or 0
    assert alerts.due(sqlite_session, HERE, alerts.LAPSE, number, minute(61)) == ()
    assert alerts.due(sqlite_session, HERE, alerts.LAPSE, number, minute(90)) == (alert,)
    assert standing(sqlite_session) == [(0, 90)]
    assert work.due(sqlite_session, minute(600)) == [(alerts.LAPSE, number)]


# --- whose they are ----------------------------------------------------------------------------------------------


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
        level = AlertLevel.CRITICAL if number == 24 else AlertLevel.WARNING
        hear(sqlite_session, unknown(number / 10, number, level=level))
    assert len(asked(sqlite_session)) == 10
    [line] = more(sqlite_session)
    shown = more_unmapped_card(sqlite_session, desk, line)
    assert shown is not None
    assert isinstance(shown.view, MoreUnmappedCard)
    first = shown.view.named[0]
    assert (shown.view.kinds, first.name, first.level) == (15, "Disk 24 is full", "critical")
    [(kind, subject)] = work.due(sqlite_session, minute(61))
    alerts.due(sqlite_session, HERE, kind, subject, minute(61))
    known = sqlite_session.get(Alert, asked(sqlite_session)[10])
    assert known is not None
    assert (len(asked(sqlite_session)), known.name) == (20, "Disk 24 is full")
    assert [one for one in work.due(sqlite_session, minute(122)) if one[0] == kind] == [(kind, subject)], "the rest"


def test_what_asked_shows_the_answer(sqlite_session: Session) -> None:
    """And has no menu any more; one that nobody could read yet is not sent at all."""
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


# --- flags -------------------------------------------------------------------------------------------------------


def test_a_flag_is_kept_once_with_whose_it_is_and_who_turned_it(sqlite_session: Session) -> None:
    """By its tags as an alert by its labels; the environment as the pipeline spells it."""
    event = FlagChanged(
        source="launchdarkly", external_id="e1", flag="new-basket", project="shop", environment="prod",
        summary="turned on", by=Human(name="Ana Alves", email="Ana@example.com"), url=None,
        labels={"project": "shop", "flag": "new-basket", "tag:oven": "true"}, at=minute(3),
    )  # fmt: skip
    change = alerts.flag_changed(sqlite_session, HERE, event, minute(4))
    assert change is not None
    assert (change.service, change.environment, change.who, change.name, change.at) == (
        "oven", "production", "email:ana@example.com", "Ana Alves", minute(3),
    )  # fmt: skip
    assert alerts.flag_changed(sqlite_session, HERE, event, minute(5)) is None
