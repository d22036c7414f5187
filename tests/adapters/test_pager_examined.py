"""What ``shipmate doctor`` says of PagerDuty in the stand-in world."""

from __future__ import annotations

import pytest

from bot import wiring
from bot.cli.examining_pager import pager
from bot.cli.findings import Finding, Health
from bot.sandbox.server import Sandbox
from bot.settings import load_settings


async def found(sandbox: Sandbox, database_url: str, **changes: str | None) -> list[Finding]:
    """The findings with these settings; None takes one out."""
    environ = {name: value for name, value in (sandbox.environment() | changes).items() if value is not None}
    settings = load_settings({**environ, "DATABASE_URL": database_url}, None)
    wired = wiring.wire(settings, {})
    try:
        return await pager(settings, wired)
    finally:
        await wired.close_adapters()


async def test_all_is_well(sandbox: Sandbox, sqlite_url: str) -> None:
    """Nothing but reading is done."""
    (finding,) = await found(sandbox, sqlite_url)
    assert (finding.health, "shipmate@example.com" in finding.said) == (Health.GOOD, True)
    assert {one.verb for one in sandbox.pagerduty.log.rows} == {"GET"}


async def test_without_a_key_nothing_is_said(sandbox: Sandbox, sqlite_url: str) -> None:
    assert await found(sandbox, sqlite_url, PAGERDUTY_API_KEY=None) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"PAGERDUTY_FROM": None}, "PAGERDUTY_FROM is not set"),
        ({"PAGERDUTY_FROM": "nobody@example.com"}, "nobody@example.com"),
        ({"PAGERDUTY_API_KEY": "u+old"}, "unauthorised"),
        ({"PAGERDUTY_API_URL": "http://127.0.0.1:9"}, "does not answer"),
    ],
)
async def test_what_keeps_people_asleep_is_a_fault(
    changes: dict[str, str | None], told: str, sandbox: Sandbox, sqlite_url: str
) -> None:
    (finding,) = await found(sandbox, sqlite_url, **changes)
    assert (finding.health, told in finding.said, bool(finding.mend)) == (Health.FAULT, True, True)


async def test_change_events_are_worth_knowing_of(sandbox: Sandbox, sqlite_url: str) -> None:
    first, second = await found(sandbox, sqlite_url, PAGERDUTY_ROUTING_KEY=None)
    assert (first.health, second.health) == (Health.GOOD, Health.NOTE)
    assert "PAGERDUTY_ROUTING_KEY" in second.mend
