"""Whose an alert is, where there are more services than a menu takes: it is searched, and offers each of them."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.promoting import PEOPLE, company
from tests.handlers.pressing import element, pressed

SERVICES = tuple(f"shop{number:03}" for number in range(130))
CATALOGUE = f"services: {{{', '.join(f'{name}: {{environments: [production]}}' for name in SERVICES)}}}\n{PEOPLE}"
ODD = {"name": "payments look odd", "state": "firing", "labels": {"cluster": "west", "queue": "shop117"}}


async def test_each_of_many_services_can_be_found_and_chosen(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """The likeliest first, then by what is typed; a menu that says of no alert offers nothing."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=CATALOGUE) as there:
        await there.tell("/api/v1/alerts", {**ODD, "started_at": there.clock().isoformat()})
        await there.turn(seconds=3)
        asks = watching.one(sandbox.slack.messages("deploys"), "payments look odd", "do not know whose it is")
        at = (asks.channel, asks.ts)
        first = (await sandbox.slack.suggest("ben", "", action_id="alerts:map", message=at)).values
        assert (first[0], len(first)) == ("1:shop117", 100)
        assert (await sandbox.slack.suggest("ben", "SHOP12", action_id="alerts:map", message=at)).values == [
            f"1:shop{number}" for number in range(120, 130)
        ]
        assert (await sandbox.slack.suggest("ben", "1:", action_id="alerts:map", message=at)).values == []
        assert element(asks, "alerts:map")["type"] == "external_select"
        (block,) = (one for one in asks.blocks if one.get("block_id") == "alert:1")
        block["block_id"] = "alert:x"
        assert (await sandbox.slack.suggest("ben", "", action_id="alerts:map", message=at)).values == []
        told = await pressed(there, "ben", "alerts:map", asks, chosen="1:shop129")
        assert "Alerts like “payments look odd” are shop129's from now on" in told
