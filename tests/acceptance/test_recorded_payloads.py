"""Webhooks as GitHub recorded them, old and partial ones too: all are taken, and none fails in the worker.

The recordings are not part of this repository; where their folder is absent the test is skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import Session, select

from bot.inbox import Delivery, DeliveryState
from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.pipeline import Envelope, Postman
from tests.conftest import living

RECORDED = Path(__file__).parents[3] / "shared" / "payloads" / "github"


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


def states_of(session: Session) -> set[tuple[str, str | None]]:
    """How deliveries ended, with what was wrong."""
    return set(session.exec(select(Delivery.state, Delivery.error)).all())
