"""What monitoring, flags and the pager really send, through the doors of a whole bot, to what people read of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
from sqlmodel import Session, col, select

from bot.alerts.models import Alert, AlertMapping, FlagChange
from bot.inbox import Delivery, DeliveryState
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from tests.acceptance import watching
from tests.conftest import Living, living
from tests.handlers.recorded import PAYLOADS, body_of, headers_of

CATALOGUE = """
services:
  cart: {environments: [staging, production], paging: "off"}
  checkout: {environments: [production], paging: "off"}
"""


async def rest(there: Living) -> None:
    """Everything that was sent is answered, applied and said."""
    await there.sandbox.settle()
    await watching.at_rest(there.serving.bot.database, by=there.serving.bot.clock())


def alerts_of(session: Session) -> list[tuple[str | None, str | None, str, datetime | None]]:
    """Every alert: whose, where, its name, when it was over."""
    rows = session.exec(select(Alert).order_by(col(Alert.id))).all()
    return [(row.service, row.environment, row.name, row.resolved_at) for row in rows]


def question(sandbox: Sandbox, words: str) -> Message:
    """The one message about whose an alert is, which says this."""
    [found] = [one for one in watching.all_messages(sandbox) if words in watching.words_of(one)]
    return found


async def test_alertmanager_from_two_replicas_and_a_flag_are_heard_once(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """By webhooks with their secrets; the service and its environment by labels and tags."""
    (tmp_path / "shipmate.yml").write_text(CATALOGUE)
    async with living(sandbox, sqlite_url, SHIPMATE_CONFIG=str(tmp_path / "shipmate.yml")) as there:
        sandbox.monitoring.groups, sandbox.monitoring.replicas = True, 2
        alert = sandbox.monitoring.fire("cart", "CartErrors")
        sandbox.flags.turn("new-basket", on=True, tags=["cart"])
        await rest(there)
        sandbox.monitoring.resolve(alert)
        await rest(there)
        [(service, environment, name, over)] = await there.serving.bot.database.read(alerts_of)
        flags = await there.serving.bot.database.read(lambda session: session.exec(select(FlagChange)).all())
    assert (service, environment, name, over is not None) == ("cart", "production", "CartErrors", True)
    assert [(one.service, one.summary, one.who) for one in flags] == [("cart", "turned on", "email:ana@example.com")]


async def test_an_alert_of_nobody_is_asked_about_and_a_click_says_whose_it_is(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Once, in the default channel; what is chosen holds for what fires already and for what comes."""
    (tmp_path / "shipmate.yml").write_text(CATALOGUE)
    async with living(sandbox, sqlite_url, SHIPMATE_CONFIG=str(tmp_path / "shipmate.yml")) as there:
        sandbox.monitoring.groups = True
        for pod in ("1", "2"):
            sandbox.monitoring.fire("db", "DiskFull", labels={"pod": pod})
        await rest(there)
        card = question(sandbox, "I do not know whose it is")
        [menu] = [one for block in card.blocks if block["type"] == "actions" for one in block["elements"]][:1]
        [value] = [one["value"] for one in menu["options"] if one["text"]["text"] == "checkout"]
        await sandbox.slack.click("dee", card.channel, card.ts, action_id=menu["action_id"], chosen=value)
        await rest(there)
        sandbox.monitoring.fire("db", "DiskFull", labels={"pod": "3"})
        await rest(there)
        found = await there.serving.bot.database.read(alerts_of)
        said = await there.serving.bot.database.read(lambda session: session.exec(select(AlertMapping)).all())
    assert [service for service, *_ in found] == ["checkout"] * 3
    assert [(one.service, one.by) for one in said] == [("checkout", "U0DEE")]
    assert question(sandbox, "*'s, as Dee said").ts == card.ts, "which is answered, and not asked again"


async def test_what_comes_and_goes_within_a_second_in_the_same_words_fires(sandbox: Sandbox, sqlite_url: str) -> None:
    """Scripts tell no times: a second try is answered as one, and whatever is told after another word is news."""
    words = [{"name": "disk", "service": "cart", "state": state} for state in ("firing", "resolved")]
    secret = {"Authorization": "Bearer shown"}
    async with (
        living(sandbox, sqlite_url, GENERIC_WEBHOOK_SECRET="shown") as there,
        aiohttp.ClientSession() as http,
    ):
        told = []
        for one in (0, 0, 1, 0, 1, 0, 0):
            async with http.post(f"{there.serving.url}/webhooks/generic", json=words[one], headers=secret) as answer:
                told.append(answer.status)
            await rest(there)
        found = await there.serving.bot.database.read(alerts_of)
    assert [told[at] for at in (0, 2, 3, 4, 5)] == [202] * 5
    assert [over is None for *_, over in found] == [False] * (len(found) - 1) + [True]


async def test_every_shape_of_every_source_is_taken_and_applied(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Each is answered 2xx within its door's patience, and none fails in the worker."""
    sources = ("alertmanager", "grafana", "datadog", "sentry", "pagerduty", "launchdarkly", "generic")
    trusted = ", ".join(f"{source}: {{insecure: true}}" for source in sources)
    (tmp_path / "shipmate.yml").write_text(f"{CATALOGUE}sources: {{{trusted}}}\n")
    unproven: dict[str, Any] = {f"{source.upper()}_WEBHOOK_SECRET": "" for source in sources}
    async with (
        living(sandbox, sqlite_url, SHIPMATE_CONFIG=str(tmp_path / "shipmate.yml"), **unproven) as there,
        aiohttp.ClientSession() as http,
    ):
        for source in sources:
            for file in sorted((PAYLOADS / source).glob("*.json")):
                url, headers = f"{there.serving.url}/webhooks/{source}", headers_of(source, file.stem)
                async with http.post(url, data=body_of(source, file.stem), headers=headers) as answer:
                    assert (file.stem, answer.status in (200, 202)) == (file.stem, True)
        await rest(there)
        states = await there.serving.bot.database.read(
            lambda session: set(session.exec(select(Delivery.state, Delivery.error)).all())
        )
    assert states == {(DeliveryState.APPLIED.value, None)}
