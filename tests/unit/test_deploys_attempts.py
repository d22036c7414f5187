"""Which rollout a report means whose sender does not name its rollouts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from sqlmodel import col, select

from bot.deploys import service
from bot.deploys.attempts import UNNAMED
from bot.deploys.models import Deploy
from tests.unit.reports import catalog, report
from tests.unit.stores import NOON, opened

TOLD = {
    "one rollout from start to end": ([("a", "pending"), ("a", "in_progress"), ("a", "succeeded")], ["a succeeded"]),
    "an end told twice": ([("a", "succeeded"), ("a", "succeeded")], ["a succeeded"]),
    "a failure told twice": ([("a", "failed"), ("a", "failed")], ["a failed"]),
    "tried again after it failed": (
        [("a", "failed"), ("a", "in_progress"), ("a", "succeeded")],
        ["a failed", "a succeeded"],
    ),
    "back to what was live before": (
        [("a", "succeeded"), ("b", "succeeded"), ("a", "succeeded")],
        ["a succeeded", "b succeeded", "a succeeded"],
    ),
    "back and forth, with starts": (
        [("a", "succeeded"), ("b", "in_progress"), ("b", "succeeded"), ("a", "in_progress"), ("a", "failed")],
        ["a succeeded", "b succeeded", "a failed"],
    ),
}


@pytest.mark.parametrize("how", TOLD)
async def test_reports_without_a_name_find_their_rollout(sqlite_url: str, how: str) -> None:
    """By what was told of the same build before."""
    said, deploys = TOLD[how]
    async with opened(sqlite_url) as database:
        for minute, (sha, status) in enumerate(said):
            event = replace(report(sha, status, at=minute, source="api", number=sha), attempt=UNNAMED)
            await database.write(partial(service.reported, catalog=catalog(), event=event, now=NOON))
        found = await database.read(lambda session: session.exec(select(Deploy).order_by(col(Deploy.id))).all())
        assert [f"{deploy.sha[0]} {deploy.status}" for deploy in found] == deploys
