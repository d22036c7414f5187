"""Alerts as their sources report them: in any order, again and again, over with or without saying when they began."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from bot.alerts import service as alerts
from bot.events import AlertReported
from tests.unit.reports import catalog
from tests.unit.stores import NOON, opened


def told(minute: int, *, began: int | None, over: bool = False, key: str = "5xx") -> AlertReported:
    """A report, ``minute`` past noon, of an alert that began at ``began``."""
    at = NOON + timedelta(minutes=minute)
    started: datetime | None = None if began is None else NOON + timedelta(minutes=began)
    return AlertReported(
        source="api", fingerprint=key, service="oven", name="oven 5xx", started_at=started,
        resolved_at=at if over else None, at=at,
    )  # fmt: skip


async def firing(url: str, *events: AlertReported) -> int:
    """How many alerts fire once all of these were told."""
    async with opened(url) as database:
        for event in events:
            await database.write(partial(alerts.reported, catalog=catalog(), event=event, now=event.at))
        return len(await database.read(lambda session: alerts.firing(session, "oven", {"production"})))


async def test_an_alert_fires_until_it_is_over_whatever_comes_first(database_url: str) -> None:
    """The end may be told before the beginning; an older report does not make it fire again."""
    assert await firing(database_url, told(1, began=0)) == 1
    assert await firing(database_url, told(5, began=0, over=True), told(2, began=0)) == 0


async def test_an_end_that_names_no_beginning_ends_all_that_began_before_it(database_url: str) -> None:
    """Scripts do not remember when an alert began; another key, or a later occurrence, goes on."""
    assert await firing(database_url, told(1, began=0), told(3, began=2), told(5, began=None, over=True)) == 0
    assert await firing(database_url, told(9, began=8)) == 1
    assert await firing(database_url, told(10, began=None, over=True, key="slow")) == 1
