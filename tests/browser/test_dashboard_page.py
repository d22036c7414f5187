"""The dashboard in a real browser: it is narrowed, keeps itself fresh, says when nobody answers, and fits a phone."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox.acme import acme_policy
from bot.sandbox.server import Sandbox
from bot.sandbox.story import play
from tests.acceptance.watching import at_rest
from tests.browser.chromium import Chromium, Tab
from tests.conftest import living
from tests.handlers.board import opened

pytestmark = pytest.mark.browser

LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"
"""As when somebody comes back to the page: it is read at once, rather than in a quarter of a minute."""

FITS = "document.documentElement.scrollWidth <= window.innerWidth"


async def come_in(page: Tab, world: Sandbox) -> None:
    """Follow the link in Ana's Home."""
    assert await world.slack.open_home("ana") == [200]
    await world.slack.until(lambda: world.slack.home("ana"))
    view = world.slack.home("ana")
    assert view is not None
    buttons = (part for block in view["blocks"] for part in block.get("elements", ()))
    link = next(part["url"] for part in buttons if part.get("action_id") == "home:dashboard")
    await page.load(link)
    await page.sees("h2", "What is live where")
    assert "pass=" not in await page.evaluate("location.href")


async def gets_to(page: Tab, selector: str, words: str) -> None:
    """See something on the page that a click leads to: whoever asks while the old one goes is asked to ask again."""
    for _ in range(5):
        with suppress(RuntimeError):
            await page.sees(selector, words)
            return
    raise AssertionError(f"never got to {words}")


async def test_the_dashboard_is_narrowed_kept_fresh_and_fits_a_phone(
    chromium: Chromium, sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    catalogue = tmp_path / "shipmate.yml"
    catalogue.write_text(acme_policy(sandbox.url), encoding="utf-8")
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(living(sandbox, sqlite_url, SHIPMATE_CONFIG=str(catalogue)))
        bot = running.serving.bot
        bot.settings = bot.settings.model_copy(update={"public_url": running.serving.url})
        async with chromium.tab(width=360, height=740, phone=True) as page:
            await come_in(page, sandbox)
            await page.sees("#shipped", "Nothing has shipped yet.")
            await play(sandbox, "a calm deploy", pace=0)
            await at_rest(bot.database)
            await page.click("#pipelines a", "ledger")
            await gets_to(page, "h1", "ledger")
            await page.misses("#pipelines", "checkout")
            await page.evaluate("document.querySelector('.narrowed a').focus()")
            await page.press("Enter")
            await gets_to(page, "#shipped", "checkout")
            assert await page.evaluate(FITS)

            await page.evaluate("document.querySelector('#pipelines a[href=\"?service=checkout\"]').focus()")
            before = await page.evaluate("window.scrollY")
            assert before > 0
            sandbox.clock.turn(by=timedelta(seconds=30))  # what fails within the same second is no newer
            await play(sandbox, "a failing deploy", pace=0)
            await at_rest(bot.database)
            for _ in range(20):  # a page that was made a moment ago may be shown once more
                await page.evaluate(LOOK_AGAIN)
                with suppress(AssertionError):
                    await page.sees("#wrong .tag", "failed", within=1.0)
                    break
            assert await page.evaluate("document.activeElement.textContent") == "checkout", "the focus stays"
            await page.until("document.title.startsWith('(1)')")
            assert await page.evaluate(FITS)

            await page.choose("select[name=team]", "shop")
            await page.click(".filter button", "Show")
            await gets_to(page, "h1", "shop")
            assert await page.evaluate("location.search") == "?team=shop"

            await stack.aclose()
            await page.evaluate(LOOK_AGAIN)
            await page.sees("#fresh.away", "No answer since")
            await page.sees("h1", "shop")


async def test_calm_services_are_folded_away_and_what_somebody_unfolds_stays_so(
    chromium: Chromium, sqlite_url: str, tmp_path: Path
) -> None:
    names = "\n".join(f"  oven{number:02}: {{team: bakers, repo: bakery/oven}}" for number in range(14))
    catalogue = f'teams:\n  bakers: {{channel: "#bakers"}}\nservices:\n{names}\n'
    async for there in opened(sqlite_url, tmp_path, catalogue=catalogue):
        await there.meets("U0ANA")
        async with chromium.tab(width=390, height=740, phone=True) as page:
            await page.load(there.link())
            await page.sees("summary", "bakers: 14 services, where nothing is the matter")
            tall = "document.getElementById('pipelines').offsetHeight"
            folded = await page.evaluate(tall)
            assert folded < 200
            await page.evaluate("document.querySelector('summary').focus()")
            await page.press("Enter")
            assert await page.evaluate(tall) > 3 * folded
            await page.evaluate("document.querySelector('summary').marked = true")
            await page.evaluate(LOOK_AGAIN)
            await page.until("document.querySelector('summary').marked === undefined")
            assert await page.evaluate(tall) > 3 * folded
            assert await page.evaluate("document.activeElement.tagName") == "SUMMARY"
            assert await page.evaluate(FITS)
