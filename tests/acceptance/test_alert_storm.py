"""Hundreds of alerts while Slack and PagerDuty both answer 429: the page leaves first and once, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlmodel import Session, col, func, select

from bot.alerts.models import Alert
from bot.incidents.models import Incident
from bot.sandbox import monitoring
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from tests.acceptance import watching
from tests.acceptance.promoting import PEOPLE, Company, company
from tests.acceptance.stories import REPO

MANY = 240
REPLICAS = 2
LIMITED = 30.0
"""Seconds for which PagerDuty says that it takes nothing."""

OPENED = 6
"""Incidents: one of checkout and four of the first shops, then one of all that follow."""

FEW = 3
"""Messages about one incident where its team reads, on average: its card, and who is woken."""

SHOPS = tuple(f"shop{number:02}" for number in range(12))
CATALOGUE = f"""
timezone: Europe/Paris
teams:
  payments: {{channel: "#payments-deploys", approvers: "@payments-leads", escalation_policy: PEPAYMENTS}}
services:
  checkout: {{team: payments, repo: acme/checkout, environments: [production], pagerduty_service: PSCHECKOUT}}
{"".join(f"  {name}: {{team: payments, environments: [production], paging: page}}{chr(10)}" for name in SHOPS)}
{PEOPLE}"""


def pods(there: Company) -> list[monitoring.Alert]:
    """Every pod of checkout fires, in four ways."""
    now = there.sandbox.clock.now()
    return [
        monitoring.Alert(
            service="checkout", environment="production", name=f"checkout trouble {number % 4}", began=now,
            labels={"pod": str(number)},
        )
        for number in range(MANY)
    ]  # fmt: skip


@pytest.fixture
async def rolled_out(sandbox: Sandbox, database_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    """Twelve minutes ago Ana's change went live, which Chi merged."""
    async with company(sandbox, database_url, tmp_path, catalogue=CATALOGUE) as there:
        sha = await there.merge("ana", "Charge cards in one call", merged_by="chi")
        deployment = await sandbox.github.deployment(REPO, sha, "production", creator="eve")
        await sandbox.github.deployment_status(REPO, deployment, "success")
        await there.at_rest()
        await there.turn(minutes=12)
        sandbox.monitoring.groups, sandbox.monitoring.replicas = True, REPLICAS
        yield there
        sandbox.slack.clear_faults()


async def test_the_page_leaves_while_slack_refuses_everything_and_nothing_is_lost(rolled_out: Company) -> None:
    """PagerDuty refuses as well at first; then Ana's phone rings though Slack takes nothing yet."""
    there, sandbox = rolled_out, rolled_out.sandbox
    sandbox.slack.fault("ratelimited", retry_after=1)
    sandbox.pagerduty.fault(rate_limited=LIMITED)
    sandbox.monitoring.fire_many(pods(there))
    for shop in SHOPS:
        sandbox.monitoring.fire(shop, "Unreachable")
    await sandbox.settle()
    await until(lambda: 429 in [call.status for call in sandbox.pagerduty.log.rows])
    sandbox.pagerduty.fault()
    there.let_pass(seconds=LIMITED + 2)
    there.serving.bot.database.ring_all()
    await until(sandbox.pagerduty.incidents)
    assert incidents_told(sandbox) == []

    sandbox.slack.clear_faults()
    await there.at_rest()
    kept, joined, opened, storms = await there.serving.bot.database.read(_rows)
    assert (kept, joined) == (MANY + len(SHOPS), MANY + len(SHOPS))
    assert (opened, storms) == (OPENED, 1)
    [page] = sandbox.pagerduty.incidents()
    assert [user.key for user, _ in page.assigned] == ["ana"]
    rang = [one.user.key for one in sandbox.pagerduty.woken()]
    assert len(rang) == len(set(rang))
    assert len([one for one in sandbox.world.channels.values() if one.name.startswith("inc-")]) == OPENED
    assert watching.said_twice(sandbox) == []
    for channel in sandbox.world.channels.values():
        about = [one for one in sandbox.world.everything(channel) if watching.kind_of(one) == "incident"]
        assert len(about) <= (OPENED * FEW if channel.name == "payments-deploys" else 2), channel.name


async def until(condition: Callable[[], object]) -> None:
    """Wait for something."""
    async with asyncio.timeout(20.0):
        while not condition():  # noqa: ASYNC110 - it rings no bell
            await asyncio.sleep(watching.LOOK_AGAIN)


def incidents_told(sandbox: Sandbox) -> list[Message]:
    """Every message that is about an incident."""
    return [one for one in watching.all_messages(sandbox) if (watching.kind_of(one) or "").startswith("incident")]


def _rows(session: Session) -> tuple[int, int, int, int]:
    """Alerts, those that belong to an incident, incidents, and those that are a storm."""
    every = session.exec(select(func.count()).select_from(Alert)).one()
    joined = session.exec(select(func.count()).select_from(Alert).where(col(Alert.incident).is_not(None))).one()
    storms = session.exec(select(Incident.storm)).all()
    return every, joined, len(storms), sum(storms)
