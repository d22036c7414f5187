"""What the stand-in PagerDuty tells of whom it wakes, and what the bot's own door understands of that."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.events import Event, PagerAnswered, PagerSaid
from bot.sandbox.pagerduty_records import Incident
from bot.sandbox.server import Sandbox
from handlers.webhooks import pagerduty


class Ear:
    """The door, without what comes behind it."""

    def __init__(self) -> None:
        self.secret = ""
        self.heard: list[Event] = []

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        pagerduty.verify(request.headers, body, self.secret)
        pagerduty.check(request.headers, body)
        self.heard += pagerduty.translate(request.headers, body)
        return web.Response(status=202)

    def said(self) -> list[tuple[PagerSaid, str | None]]:
        """What was understood since the last time, of whom; alerts are none of it."""
        told = [(one.said, one.user) for one in self.heard if isinstance(one, PagerAnswered)]
        self.heard.clear()
        return told


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """A world whose clock stands still."""
    sandbox.clock.speed = 0
    return sandbox


@pytest.fixture
async def ear(sandbox: Sandbox) -> AsyncIterator[Ear]:
    made = Ear()
    made.secret = sandbox.environment()["PAGERDUTY_WEBHOOK_SECRET"]
    application = web.Application()
    application.router.add_post("/webhooks/pagerduty", made.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield made
    await runner.cleanup()


def page(sandbox: Sandbox, *who: str) -> Incident:
    """Page these people by name."""
    account = sandbox.pagerduty.account
    users = [account.user(one) for one in who]
    return sandbox.pagerduty.open(account.services["PSCHECKOUT"], "5xx", by=account.user("shipmate"), assignees=users)


async def test_whoever_answers_at_once_answers_a_page_that_was_told_of_before(sandbox: Sandbox) -> None:
    """Each event shows the incident as it was then."""
    sandbox.connect("http://127.0.0.1:9")
    sandbox.pagerduty.answer("ana")
    page(sandbox, "ana")
    told = [sending.kind for sending in sandbox.pagerduty.hooks.sent]
    assert told == ["incident.triggered", "incident.acknowledged"]
    assert b'"status": "triggered"' in sandbox.pagerduty.hooks.sent[0].body


async def test_the_bot_hears_who_takes_a_page(sandbox: Sandbox, ear: Ear) -> None:
    sandbox.pagerduty.answer("ana")
    page(sandbox, "ana")
    await sandbox.settle()
    assert ear.said() == [(PagerSaid.ACKNOWLEDGED, "PUANA")]


async def test_the_bot_hears_to_whom_a_policy_brings_it(sandbox: Sandbox, ear: Ear) -> None:
    """A policy that it is given to is another word than a person it is given to; both are somebody new."""
    incident = page(sandbox, "ana")
    account = sandbox.pagerduty.account
    sandbox.pagerduty.follow(incident, account.policies["PEPAYMENTS"], account.user("shipmate"))
    await sandbox.settle()
    assert sandbox.pagerduty.hooks.sent[-1].kind == "incident.delegated"
    assert ear.said() == [(PagerSaid.REASSIGNED, "PUDEE")]
    sandbox.pagerduty.escalate(incident, 2, None)
    await sandbox.settle()
    assert ear.said() == [(PagerSaid.ESCALATED, "PUEVE")]
    sandbox.pagerduty.reassign(incident, [account.user("ben")], account.user("eve"))
    await sandbox.settle()
    assert sandbox.pagerduty.hooks.sent[-1].kind == "incident.reassigned"
    assert ear.said() == [(PagerSaid.REASSIGNED, "PUBEN")]


@pytest.mark.parametrize("comes", [True, False])
async def test_the_bot_hears_whether_somebody_comes_to_help(sandbox: Sandbox, ear: Ear, comes: bool) -> None:
    incident = page(sandbox, "ana")
    account = sandbox.pagerduty.account
    (sandbox.pagerduty.answer if comes else sandbox.pagerduty.decline)("chi")
    sandbox.pagerduty.ask_for_help(incident, account.user("shipmate"), [account.user("chi")], "Please look")
    await sandbox.settle()
    assert ear.said() == [(PagerSaid.ACCEPTED if comes else PagerSaid.DECLINED, "PUCHI")]
