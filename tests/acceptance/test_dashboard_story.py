"""The dashboard over an incident, end to end: Ana comes from her Home, sees it, and sees it gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.promoting import Company, company
from tests.acceptance.test_alert_story import CATALOGUE, broken, room


def button(there: Company, person: str) -> dict[str, Any] | None:
    """The button of somebody's Home that opens the dashboard."""
    view = there.sandbox.slack.home(person)
    assert view is not None
    found = (part for block in view["blocks"] for part in block.get("elements", ()))
    return next((part for part in found if part.get("action_id") == "home:dashboard"), None)


async def at_home(there: Company, person: str) -> dict[str, Any] | None:
    """Open Home; the same."""
    assert await there.sandbox.slack.open_home(person) == [200]
    await there.sandbox.slack.until(lambda: there.sandbox.slack.home(person))
    await there.at_rest()
    return button(there, person)


def known_at(there: Company, url: str | None) -> None:
    """The bot's own address, which nobody knows before it listens."""
    bot = there.serving.bot
    bot.settings = bot.settings.model_copy(update={"public_url": url})


async def test_an_incident_is_on_the_board_until_it_is_resolved(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    async with company(sandbox, sqlite_url, tmp_path, catalogue=CATALOGUE) as there:
        known_at(there, there.serving.url)
        pressed = await at_home(there, "ana")
        assert pressed is not None
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            async with browser.get(pressed["url"]) as answer:
                calm = await answer.text()
                assert (answer.status, answer.url.path, answer.url.query_string) == (200, "/", "")
            assert "No incident is open" in calm

            _, alert = await broken(there)

            async def seen() -> str:
                async with browser.get(f"{there.serving.url}/?service=checkout") as answer:
                    assert answer.status == 200
                    return await answer.text()

            burning = await seen()
            assert "checkout 5xx" in burning
            assert "Charge cards in one call" in burning
            assert f"{there.sandbox.url}/archives/" in burning, "the way to its room"
            assert "No incident is open" not in burning
            there.sandbox.monitoring.resolve(alert)
            await there.at_rest()
            (card,) = watching.cards(list(there.sandbox.world.everything(room(there))), "incident")
            await there.press("ana", "incidents:resolve", card)
            await there.fill("ana", {"text": "Rolled back by hand", "likely": "0"})
            over = await seen()
            assert "No incident is open" in over
            assert "checkout 5xx" not in over.partition('id="waiting"')[0]


async def test_only_members_are_shown_the_way_and_only_where_there_is_one(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """The press of its button is heard: the browser goes there by itself, and the button leads there anew."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=CATALOGUE) as there:
        assert await at_home(there, "dee") is None
        known_at(there, there.serving.url)
        assert await at_home(there, "fay") is None, "a guest"
        assert await at_home(there, "dee") is not None
        slack, view = there.sandbox.slack, there.sandbox.slack.home("dee")
        assert view is not None
        before, first = len(slack.direct_messages("dee")), button(there, "dee")
        answer = await slack.click_view("dee", view["id"], action_id="home:dashboard")
        await there.at_rest()
        assert answer.ok
        assert len(slack.direct_messages("dee")) == before
        second = button(there, "dee")
        assert first is not None
        assert second is not None
        assert first["url"] != second["url"], "a link opens one session"
