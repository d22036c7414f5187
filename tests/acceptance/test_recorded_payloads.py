"""Webhooks as GitHub, Alertmanager and PagerDuty sent or publish them: all are taken, and none fails in the worker.

The recordings are not part of this repository; where their folder is absent the test is skipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlmodel import Session, select

from bot.inbox import Delivery, DeliveryState
from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.pipeline import Envelope, Postman
from tests.conftest import living

PAYLOADS = Path(__file__).parents[3] / "shared" / "payloads"
RECORDED = PAYLOADS / "github"
MONITORING = {"alertmanager": "webhook-*.json", "pagerduty": "*.json"}
"""Sources, and which of their files are for us: Alertmanager's others went to Slack."""


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the folder of recorded webhooks is not here")
async def test_every_recorded_webhook_is_taken_and_applied(sandbox: Sandbox, database_url: str) -> None:
    """Each is answered 2xx, applied, and shown if it is worth it; nothing is parked and nothing waits for ever."""
    files = sorted(RECORDED.glob("*/*.json"))
    assert files
    async with living(sandbox, database_url, GITHUB_TOKEN="") as world:
        postman = Postman(sandbox)
        postman.at(world.serving.url)
        try:
            answers = {
                file: await postman.send(Envelope(file.parent.name, f"recorded-{number}", file.read_bytes()))
                for number, file in enumerate(files)
            }
        finally:
            await postman.close()
        assert {file.name: status for file, status in answers.items() if status != 202} == {}
        await watching.at_rest(world.serving.bot.database)
        states = await world.serving.bot.database.read(states_of)
    assert states == {(DeliveryState.APPLIED.value, None)}


@pytest.mark.skipif(
    not all((PAYLOADS / source).is_dir() for source in MONITORING), reason="the folder of recorded webhooks is not here"
)
async def test_what_monitoring_sends_is_taken_and_applied(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Alertmanager's groups and every kind of PagerDuty's data, each twice: 2xx, and nothing is parked.

    PagerDuty's are samples of what is within a delivery, most without the envelope; they are put into one.
    """
    files = {source: sorted((PAYLOADS / source).glob(files)) for source, files in MONITORING.items()}
    assert all(files.values())
    trusted = ", ".join(f"{source}: {{insecure: true}}" for source in MONITORING)
    (tmp_path / "shipmate.yml").write_text(f"sources: {{{trusted}}}\n")
    unproven: dict[str, Any] = {f"{source.upper()}_WEBHOOK_SECRET": "" for source in MONITORING}
    async with (
        living(sandbox, sqlite_url, SHIPMATE_CONFIG=str(tmp_path / "shipmate.yml"), **unproven) as world,
        aiohttp.ClientSession() as http,
    ):
        answers = {}
        for source, file in [(source, file) for source, found in files.items() for file in (*found, *found)]:
            body = json.loads(file.read_text())
            if source == "alertmanager":  # kept with the headers it came with
                body = body["body"]
            elif "event" not in body:
                body = enveloped(file.stem, body)
            async with http.post(f"{world.serving.url}/webhooks/{source}", json=body) as answer:
                answers[file.name] = answer.status
        assert {name: status for name, status in answers.items() if not 200 <= status < 300} == {}
        await watching.at_rest(world.serving.bot.database)
        states = await world.serving.bot.database.read(states_of)
    assert states == {(DeliveryState.APPLIED.value, None)}


def enveloped(name: str, data: Any) -> Any:
    """A delivery of PagerDuty's version 3 that holds this."""
    sort = str(data.get("type", "incident")) if isinstance(data, dict) else "incident"
    about = {"incident": "incident.triggered", "service": "service.updated"}.get(sort, f"incident.{sort}")
    return {
        "event": {
            "id": name, "event_type": about, "resource_type": sort.partition("_")[0],
            "occurred_at": "2026-11-21T14:12:00.000Z", "agent": None, "client": None, "data": data,
        }
    }  # fmt: skip


def states_of(session: Session) -> set[tuple[str, str | None]]:
    """How deliveries ended, with what was wrong."""
    return set(session.exec(select(Delivery.state, Delivery.error)).all())
