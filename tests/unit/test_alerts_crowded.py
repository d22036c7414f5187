"""Very many alerts of one service: what fires in one environment hides nothing of another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.alerts import service as alerts
from bot.catalog import Service
from bot.events import AlertReported
from tests.unit.alarming import alarms
from tests.unit.reports import catalog, minute

OVEN = Service(name="oven", channel="#bakers", environments=("staging", "production"))


def fires(session: Session, number: int, environment: str | None) -> bool:
    """One more alert fires there; whether that is news."""
    event = AlertReported(
        source="api", fingerprint=f"{environment}{number}", service="oven", environment=environment,
        name=f"oven {number}", started_at=minute(number / 60), at=minute(number / 60),
    )  # fmt: skip
    return bool(alerts.report(session, catalog(OVEN), event, event.at).news)


@pytest.mark.parametrize(
    ("crowded", "elsewhere"), [("staging", "production"), ("production", "staging"), ("staging", None)]
)
def test_a_storm_in_one_environment_is_none_in_another(session: Session, crowded: str, elsewhere: str | None) -> None:
    """Where it is crowded one more changes nothing; elsewhere the first one does, also one that does not say where."""
    told = [fires(session, number, crowded) for number in range(alerts.MANY + 3)]
    assert told == [True] * alerts.MANY + [False] * 3
    assert fires(session, 99, elsewhere)


def test_production_wakes_somebody_while_staging_is_on_fire(sqlite_session: Session) -> None:
    """A load test there, say."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 12
    for number in range(alerts.MANY + 3):
        here.fires(name=f"staging {number}", environment="staging", told=here.now - timedelta(minutes=1), began=11)
    assert here.incidents() == []
    here.fires()
    assert here.calls().phones() == ["PANA"]
