"""What pipelines report to the API: checked, stored once for each Idempotency-Key, and understood again."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlmodel import col, select

from bot import wiring
from bot.app import Bot
from bot.events import (
    AlertLevel,
    AlertReported,
    CheckFinished,
    CheckStatus,
    DeployReported,
    DeployStatus,
    Event,
    PromotionRequested,
)
from bot.inbox import Delivery
from bot.settings import load_settings
from handlers import api

TOKEN = "a-token-of-ours"
SHA = "a1b2c3d" + "0" * 33
AT = "2026-11-21T14:12:00+01:00"
DEPLOY = {"service": "checkout", "environment": "staging", "sha": SHA, "status": "succeeded"}
CHECK = {"service": "checkout", "sha": SHA, "name": "e2e", "status": "passed"}
ALERT = {"service": "checkout", "key": "5xx", "name": "checkout 5xx", "state": "firing", "started_at": AT}


@dataclass(frozen=True)
class Door:
    """The open API of a bot whose engines do not run."""

    bot: Bot
    url: str
    http: aiohttp.ClientSession

    async def post(self, name: str, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
        """Send a report; the status and the answer."""
        how: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        given = {"Authorization": f"Bearer {TOKEN}"} | {key.replace("_", "-"): value for key, value in headers.items()}
        async with self.http.post(f"{self.url}/api/v1/{name}", headers=given, **how) as answer:
            return answer.status, await answer.json()

    async def events(self) -> list[Event]:
        """What everything stored means."""
        rows = await self.bot.database.read(
            lambda session: session.exec(select(Delivery.body).order_by(col(Delivery.id))).all()
        )
        return [event for row in rows for event in api.translate({}, row)]


@pytest.fixture
async def door(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    """The API of a bot that knows checkout."""
    (tmp_path / "shipmate.yml").write_text("services: {checkout: {repo: acme/checkout}, cart: {}}")
    settings = load_settings(
        {"DATABASE_URL": sqlite_url, "SHIPMATE_API_TOKEN": TOKEN, "SHIPMATE_CONFIG": str(tmp_path / "shipmate.yml")},
        None,
    )
    await asyncio.to_thread(wiring.upgrade_database, settings)
    wired = wiring.wire(settings, {api.SOURCE: api.translate})
    wired.bot.database.start()
    application = web.Application()
    api.add_routes(application, wired.bot)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as http:
        yield Door(wired.bot, f"http://{host}:{port}", http)
    await runner.cleanup()
    await wired.close()


async def test_a_deploy_is_stored_and_understood(door: Door) -> None:
    """With its own instant and name where it gives them, with ours where it does not."""
    assert await door.post("deploys", DEPLOY) == (202, {"accepted": True})
    told = {
        **DEPLOY,
        "status": "in_progress",
        "percent": 50,
        "at": AT,
        "run": "991",
        "url": "https://ci.example.com/991",
    }
    assert (await door.post("deploys", told))[0] == 202
    unnamed, named = await door.events()
    assert isinstance(unnamed, DeployReported)
    assert isinstance(named, DeployReported)
    assert (unnamed.service, unnamed.environment, unnamed.sha, unnamed.status) == (
        "checkout", "staging", SHA, DeployStatus.SUCCEEDED,
    )  # fmt: skip
    assert (unnamed.attempt, named.attempt, named.external_id, named.percent) == (0, 1, "991", 50)
    assert named.at == datetime(2026, 11, 21, 13, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "report", "warning"),
    [
        ("deploys", DEPLOY, "I know no service “crat”; did you mean “cart”? It is announced as a service of its own."),
        (
            "alerts",
            ALERT,
            "I know no service “crat”; did you mean “cart”? If it was never deployed, people are asked whose it is.",
        ),
    ],
)
async def test_a_misspelt_service_is_taken_with_a_warning(
    door: Door, name: str, report: dict[str, Any], warning: str
) -> None:
    """One that is like no other is simply a new one."""
    assert await door.post(name, {**report, "service": "crat"}) == (202, {"accepted": True, "warning": warning})
    assert await door.post(name, {**report, "service": "xylophone"}) == (202, {"accepted": True})
    assert len(await door.events()) == 2


async def test_a_check_belongs_to_its_services_repository(door: Door) -> None:
    """And one of a service whose repository nobody knows is refused with the mend."""
    assert (await door.post("checks", CHECK))[0] == 202
    (check,) = await door.events()
    assert isinstance(check, CheckFinished)
    assert (check.repo, check.sha, check.name, check.status) == ("acme/checkout", SHA, "e2e", CheckStatus.PASSED)
    status, answer = await door.post("checks", {**CHECK, "service": "cart"})
    assert (status, "repo: owner/name" in answer["mend"]) == (400, True)


async def test_an_alert_fires_and_is_over(door: Door) -> None:
    """The same alert by its key and when it began."""
    assert (await door.post("alerts", ALERT))[0] == 202
    assert (await door.post("alerts", {**ALERT, "state": "resolved"}))[0] == 202
    fires, over = await door.events()
    assert isinstance(fires, AlertReported)
    assert isinstance(over, AlertReported)
    assert (fires.fingerprint, fires.started_at, fires.resolved_at) == (over.fingerprint, over.started_at, None)
    assert over.resolved_at is not None
    assert (await door.post("alerts", {**ALERT, "state": "resolved", "started_at": None}))[0] == 202
    *_, every = await door.events()
    assert isinstance(every, AlertReported)
    assert (every.started_at, every.resolved_at == every.at) == (None, True)
    assert (await door.post("alerts", {**ALERT, "at": AT}))[0] == 202
    *_, dated = await door.events()
    assert isinstance(dated, AlertReported)
    assert (fires.undated, dated.undated) == (True, False)


async def test_an_alert_without_a_key_is_known_by_whose_it_is_where_and_its_name(door: Door) -> None:
    """A name as common as “5xx” may be many services': one's alert is no repeat of another's."""
    plain = {"name": "5xx", "state": "firing", "started_at": AT}
    for more in ({"service": "checkout"}, {"service": "cart"}, {"service": "cart", "environment": "staging"}):
        assert (await door.post("alerts", {**plain, **more}))[0] == 202
    long = {**plain, "service": "s" * 255, "environment": "e" * 255}
    for name in ("n" * 255, "m" * 255):
        assert (await door.post("alerts", {**long, "name": name}))[0] == 202
    keys = [one.fingerprint for one in await door.events() if isinstance(one, AlertReported)]
    assert keys[:3] == ["checkout/5xx", "cart/5xx", "cart/staging/5xx"]
    assert (len(set(keys)), max(map(len, keys))) == (5, 255)


async def test_an_alert_tells_more_where_it_can(door: Door) -> None:
    """Its labels may tell whose it is."""
    more = {
        "level": "warning", "summary": "7 %", "labels": {"app": "checkout"}, "version": "1.4.2",
        "url": "https://monitoring.example.com/1", "dashboard": "https://grafana.example.com/d/1",
        "runbook": "https://runbooks.example.com/1",
    }  # fmt: skip
    assert await door.post("alerts", {**ALERT, **more, "service": None}) == (202, {"accepted": True})
    (found,) = await door.events()
    assert isinstance(found, AlertReported)
    assert (found.service, found.level, found.summary, found.labels) == (
        None, AlertLevel.WARNING, "7 %", {"app": "checkout"},
    )  # fmt: skip
    assert [found.version, found.url, found.dashboard, found.runbook] == [
        more[name] for name in ("version", "url", "dashboard", "runbook")
    ]


def test_a_request_for_a_promotion_names_who_asks() -> None:
    """So that they cannot approve it."""
    stored = (
        b'{"report":"promotions","received_at":"2026-11-21T13:00:00+00:00",'
        b'"body":{"service":"checkout","requested_by":"Ana"}}'
    )
    (asked,) = api.translate({}, stored)
    assert isinstance(asked, PromotionRequested)
    assert (asked.service, asked.by, asked.sha) == ("checkout", "github:ana", None)


async def test_the_same_key_twice_is_one_report(door: Door) -> None:
    """As any pipeline sends that did not hear our answer; another key, or another route, is another report."""
    assert (await door.post("deploys", DEPLOY, Idempotency_Key="run-991"))[0] == 202
    assert await door.post("deploys", DEPLOY, Idempotency_Key="run-991") == (200, {"duplicate": True})
    assert (await door.post("checks", CHECK, Idempotency_Key="run-991"))[0] == 202
    assert (await door.post("deploys", DEPLOY, Idempotency_Key="run-992"))[0] == 202
    assert (await door.post("deploys", DEPLOY, Idempotency_Key=" "))[0] == 400
    assert len(await door.events()) == 3


WRONG = {
    "no JSON": ("deploys", b"{", "not valid JSON"),
    "a list": ("deploys", b"[]", "not an object"),
    "nothing in it": ("deploys", {}, "service: field required; environment: field required"),
    "a status of GitHub's": (
        "deploys",
        {**DEPLOY, "status": "success"},
        "status: input should be 'pending', 'in_progress'",
    ),
    "a name mistyped": ("deploys", {**DEPLOY, "enviroment": "x"}, "enviroment: extra inputs are not permitted"),
    "no commit": ("deploys", {**DEPLOY, "sha": "main"}, "sha: string should match pattern"),
    "an instant without its zone": (
        "deploys",
        {**DEPLOY, "at": "2026-11-21T14:12:00"},
        "at: input should have timezone",
    ),
    "an address that runs": ("deploys", {**DEPLOY, "url": "javascript:alert(1)"}, "url: is no address"),
    "an empty service": ("checks", {**CHECK, "service": " "}, "service: is empty"),
    "a shortened commit": ("checks", {**CHECK, "sha": "a1b2c3d"}, "sha: string should match pattern"),
    "more than all": ("deploys", {**DEPLOY, "percent": 101}, "percent: input should be less than or equal to 100"),
    "an alert without its beginning": (
        "alerts",
        {**ALERT, "started_at": None},
        "started_at: one that fires says when it began",
    ),
    "an alert of nobody": ("alerts", {**ALERT, "service": None}, "service: name it, or send labels"),
    "a level of somebody else's": ("alerts", {**ALERT, "level": "page"}, "level: input should be 'critical'"),
    "too much in a label": (
        "alerts",
        {**ALERT, "labels": {"app": "x" * 300}},
        "labels.app: string should have at most",
    ),
    "a promotion for everybody": ("promotions", {"service": "checkout", "requested_by": "<!channel>"}, "requested_by"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_wrong_body_is_refused_with_what_was_expected(door: Door, what: str) -> None:
    """Each fault with its field; nothing is stored."""
    name, body, said = WRONG[what]
    status, answer = await door.post(name, body)
    assert status == 400
    assert said in answer["error"]
    assert ("Expected {service" in answer["mend"]) or isinstance(body, bytes)
    assert await door.events() == []


async def test_a_body_larger_than_any_report_is_refused(door: Door) -> None:
    """Before it is read."""
    status, answer = await door.post("deploys", b"x" * 70_000)
    assert (status, answer["mend"]) == (413, "Send at most 64 kB.")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 202),
        ("Basic " + base64.b64encode(f"x:{TOKEN}".encode()).decode(), 202),
        ("Basic " + base64.b64encode(b"x:another").decode(), 401),
        ("Basic %%%", 401),
        ("Bearer another", 401),
        ("", 401),
    ],
)
async def test_only_who_has_the_token_may_report(door: Door, authorization: str, status: int) -> None:
    """By Bearer, or as the password in an address, for pipelines that can only give one."""
    assert (await door.post("deploys", DEPLOY, Authorization=authorization))[0] == status


@pytest.mark.parametrize(
    "said", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_page_reports_nothing_with_the_password_that_a_browser_keeps(door: Door, said: dict[str, str]) -> None:
    """Whoever signed in to the dashboard with the token may open another page, which sends a form here."""
    kept = {"Authorization": "Basic " + base64.b64encode(f"wall:{TOKEN}".encode()).decode(), **said}
    status, answer = await door.post("deploys", DEPLOY, **kept)
    assert (status, answer["mend"]) == (403, "Send it from your pipeline.")
    assert await door.events() == []
    assert (await door.post("deploys", DEPLOY, **said))[0] == 202, "no browser adds what it does not keep"
