"""Whatever order reports come in, and however often: what fires is what fires, and each occurrence is one row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlmodel import Session, col, select

from bot.alerts import service as alerts
from bot.alerts.models import Alert
from bot.database import upgrade
from bot.events import AlertReported
from tests.unit.reports import catalog, minute

HERE = catalog()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An empty database; every example is taken back."""
    url = f"sqlite:///{tmp_path_factory.mktemp('order') / 'alerts.db'}"
    upgrade(url)
    made = create_engine(url)
    yield made
    made.dispose()


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[AlertReported], int, bool]:
    """Reports of a few occurrences of one key, shuffled and repeated; how many there were; whether the last fires."""
    source = draw(st.sampled_from(["api", "generic", "alertmanager", "grafana"]))
    reports: list[AlertReported] = []
    ends = draw(st.lists(st.booleans(), min_size=1, max_size=1))[0]
    lengths = draw(st.lists(st.tuples(st.integers(4, 30), st.integers(5, 30)), min_size=1, max_size=3))
    at = 0.0
    for number, (lasts, gap) in enumerate(lengths):
        began, over = at, at + lasts
        reports += [_report(source, began, began + seen) for seen in draw(st.sets(st.integers(1, 3), min_size=1))]
        if ends or number < len(lengths) - 1:
            reports += [
                _report(source, began, over + late, over=over) for late in draw(st.sets(st.integers(0, 1), min_size=1))
            ]
        at = over + gap
    told = draw(st.permutations(reports + draw(st.lists(st.sampled_from(reports), max_size=3))))
    return list(told), len(lengths), not ends


def _report(source: str, began: float | None, at: float, *, over: float | None = None) -> AlertReported:
    return AlertReported(
        source=source, fingerprint="f", service="oven", name="oven 5xx",
        started_at=None if began is None else minute(began),
        resolved_at=None if over is None else minute(over), at=minute(at),
    )  # fmt: skip


@settings(max_examples=80)
@given(history=histories())
def test_in_any_order_the_right_ones_fire(engine: Engine, history: tuple[list[AlertReported], int, bool]) -> None:
    """Only the last may, and only if its end was not told; nobody's end is lost, and none is counted twice."""
    reports, occurrences, fires = history
    with Session(engine) as session:
        for report in reports:
            alerts.reported(session, HERE, report, minute(0) + timedelta(days=1))
        rows = session.exec(select(Alert).order_by(col(Alert.started_at))).all()
        assert [row.resolved_at is None for row in rows] == [False] * (occurrences - 1) + [fires]
        assert all(row.resolved_at is None or row.resolved_at >= row.started_at for row in rows)
        session.rollback()


@st.composite
def undated_ends(draw: st.DrawFn) -> tuple[list[AlertReported], bool]:
    """The same of a sender that dates each report, and says of an end only when it was: each as of its own instant."""
    source = draw(st.sampled_from(["datadog", "sentry", "pagerduty"]))
    reports: list[AlertReported] = []
    ends, at = draw(st.booleans()), 0.0
    lengths = draw(st.lists(st.tuples(st.integers(4, 30), st.integers(5, 30)), min_size=1, max_size=3))
    for number, (lasts, gap) in enumerate(lengths):
        seen = draw(st.sets(st.integers(1, 3), min_size=1))
        reports += [_report(source, at + one, at + one) for one in seen]
        if ends or number < len(lengths) - 1:
            reports.append(_report(source, None, at + lasts, over=at + lasts))
        at += lasts + gap
    told = draw(st.permutations(reports + draw(st.lists(st.sampled_from(reports), max_size=3))))
    return list(told), not ends


@settings(max_examples=80)
@given(history=undated_ends())
def test_in_any_order_the_last_word_of_a_key_holds(engine: Engine, history: tuple[list[AlertReported], bool]) -> None:
    """An end that is heard of late ends nothing that was told to fire since; told twice, it leaves no other trace."""
    reports, fires = history
    with Session(engine) as session:
        for report in reports:
            alerts.reported(session, HERE, report, minute(0) + timedelta(days=1))
        rows = session.exec(select(Alert).order_by(col(Alert.started_at))).all()
        assert [row.resolved_at is None for row in rows] == [False] * (len(rows) - 1) + [fires]
        before = [(row.started_at, row.resolved_at) for row in rows]
        for report in reports:
            if report.resolved_at is not None:
                alerts.reported(session, HERE, report, minute(0) + timedelta(days=1))
        again = session.exec(select(Alert).order_by(col(Alert.started_at))).all()
        assert [(row.started_at, row.resolved_at) for row in again] == before
        session.rollback()
