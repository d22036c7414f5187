"""Who is on call is known before anything fires, for whoever the pager wakes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlmodel import Session, select

from bot.people import OnCallList
from tests.unit.alarming import Alarms, alarms


def wanted(here: Alarms) -> list[str]:
    """The services of the pager whose list is being read, or kept fresh."""
    rows = here.session.exec(select(OnCallList).order_by(OnCallList.service)).all()
    return [row.service for row in rows if row.wanted_at is not None]


def test_from_the_start_on_and_for_as_long_as_it_runs(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.reactions.begin(here.session, here.now)
    known = wanted(here)
    assert known == sorted(one.pagerduty_service for one in here.services if one.pagerduty_service)
    began = here.now
    here.turn(60 * 36)
    asked = {row.wanted_at for row in here.session.exec(select(OnCallList)).all()}
    assert all(at is not None and at > began + timedelta(hours=20) for at in asked)


def test_without_a_pager_nobody_asks(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    replace(here.reactions, catalog=replace(here.catalog, pages=False)).begin(here.session, here.now)
    assert wanted(here) == []
