"""Alerts as they are kept: occurrences told twice, out of order, by replicas; whose they are, and flags."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event as hooks
from sqlmodel import Session, col, select

from bot import work
from bot.alerts import service as alerts
from bot.alerts.models import Alert
from bot.catalog import Service
from bot.events import AlertLevel, AlertReported, FlagChanged, Human
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


@pytest.mark.parametrize("source", ["api", "generic"])
def test_who_tells_no_instant_of_its_own_is_heard_by_the_beginning(sqlite_session: Session, source: str) -> None:
    """The end may come first, or a twin of the beginning after it: that is one occurrence. Another one fires."""
    how: dict[str, Any] = {"source": source, "undated": True}
    hear(sqlite_session, told(5, began=0, over=5, **how), told(5.1, began=0, **how), told(6, began=0, **how))
    assert standing(sqlite_session) == [(0, 5)]
    hear(sqlite_session, told(6.5, began=4, **how))
    assert standing(sqlite_session) == [(0, 5), (4, None)]
    hear(sqlite_session, told(7, began=4, over=7, **how), told(7.1, began=4, **how))
    assert standing(sqlite_session) == [(0, 5), (4, 7)]
    hear(sqlite_session, told(10, began=4, **how))
    assert standing(sqlite_session) == [(0, 5), (4, None)], "it goes on telling of it"


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


def test_a_sender_whose_clock_is_fast_tells_of_nothing_that_is_to_come(sqlite_session: Session) -> None:
    """What fires again before an end that is still to come would be over already, and nobody hear of it."""
    ahead = 5
    hear(sqlite_session, told(2, began=1 + ahead), told(9, began=1 + ahead, over=8 + ahead))
    hear(sqlite_session, told(12, began=11 + ahead))
    *over, fires = standing(sqlite_session)
    assert (fires, {end for _, end in over}) == ((12, None), {9})
    late = told(20 + ahead, began=None, over=20 + ahead, source="api")
    alerts.reported(sqlite_session, HERE, told(19 + ahead, began=18 + ahead, source="api"), minute(19))
    alerts.reported(sqlite_session, HERE, late, minute(20))
    alerts.reported(sqlite_session, HERE, told(21, began=21, source="api"), minute(21))
    assert standing(sqlite_session)[-2:] == [(19, 20), (21, None)]


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
