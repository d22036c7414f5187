"""The sandbox's side panel in a real browser: faults switched on and off, the world's clock, and the keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.server import Sandbox
from tests.browser.chromium import Chromium, Tab

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(chromium: Chromium, sandbox: Sandbox) -> AsyncIterator[Tab]:
    """Ana's page, in #general; no bot is there."""
    async with chromium.tab() as tab:
        await tab.open(f"{sandbox.url}/?as=ana#C0GENERAL")
        yield tab


async def test_a_fault_is_switched_on_shown_and_ended(page: Tab, sandbox: Sandbox) -> None:
    """Who looks at the story sees that something is wrong, too."""
    await page.click("#faults-tab")
    await page.sees("#faults", "Everything works.")
    await page.click("[data-fault=slack-down] summary")
    await page.choose("[data-fault=slack-down] [name=for]", "600")
    await page.click("[data-fault=slack-down] .play")
    await page.sees(".fault-on", "10 min 0 s left")
    await page.sees("#faults-tab .count", "1")
    assert sandbox.slack.faults.down
    await page.click(".fault-on .quiet-button", "End it")
    await page.sees("#faults", "Everything works.")
    await page.misses("#faults-tab .count")
    assert not sandbox.slack.faults.down


async def test_a_fault_begun_twice_is_on_once(page: Tab, sandbox: Sandbox) -> None:
    """So that ending it ends it."""
    await page.click("#faults-tab")
    await page.click("[data-fault=slack-down] .play")
    await page.click("[data-fault=slack-down] summary")
    await page.choose("[data-fault=slack-down] [name=for]", "600")
    await page.click("[data-fault=slack-down] .play")
    await page.sees(".fault-on", "10 min 0 s left")
    assert len(await page.said(".fault-on")) == 1
    await page.click(".fault-on .quiet-button", "End it")
    await page.sees("#faults", "Everything works.")
    assert not sandbox.slack.faults.down


async def test_every_fault_on_offer_can_be_begun_and_all_are_ended_at_once(page: Tab) -> None:
    """None of the forms sends what the sandbox does not take."""
    await page.click("#faults-tab")
    await page.sees("#faults .fault")
    offered = len(await page.said("#faults .fault"))
    assert offered >= 8
    for number in range(offered):
        await page.evaluate(f"document.querySelectorAll('#faults .fault .play')[{number}].click()")
        await page.until(f"document.querySelectorAll('.fault-on').length >= {number + 1}")
    assert await page.said(".toast") == []
    await page.click("#faults .quiet-button", "End them all")
    await page.sees("#faults", "Everything works.")


async def test_the_clock_is_turned_and_runs_faster_from_the_panel(page: Tab, sandbox: Sandbox) -> None:
    """Every page follows, also when it is turned elsewhere."""
    began = sandbox.clock.now()
    await page.click("[data-turn='30m']")
    await page.sees("#clock", "30 min ahead of this machine")
    assert (sandbox.clock.now() - began).total_seconds() >= 1800
    await page.click("[data-speed='10']")
    await page.until("document.querySelector('[data-speed=\"10\"]').getAttribute('aria-pressed') === 'true'")
    assert sandbox.clock.speed == 10


async def test_places_are_walked_with_the_keyboard_and_words_sent_before_come_back(page: Tab, sandbox: Sandbox) -> None:
    """Nothing needs a mouse."""
    await page.press("/")
    await page.press("Backspace")
    await page.type("first")
    await page.press("Enter")
    await page.sees("#log article", "first")
    await page.press("ArrowUp")
    assert await page.evaluate("document.activeElement.value") == "first"
    await page.press("ArrowDown")
    assert await page.evaluate("document.activeElement.value") == ""
    await page.press("ArrowDown", alt=True)
    await page.sees("#channel-name", "#deploys")
    await page.press("ArrowUp", alt=True)
    await page.sees("#channel-name", "#general")


async def test_words_come_back_into_the_box_when_they_could_not_be_sent(page: Tab, sandbox: Sandbox) -> None:
    """A slash command that nobody knows is not lost either."""
    await sandbox.stop()
    await page.write("#message-box textarea", "not lost")
    await page.press("Enter")
    await page.sees(".toast", "The sandbox does not answer")
    await page.until("document.querySelector('#message-box textarea').value === 'not lost'")
    await page.sees("#line", "Trying again")


async def test_enter_completes_a_commands_name_and_says_nothing_yet(page: Tab, sandbox: Sandbox) -> None:
    """A half-typed command is no message to everybody."""
    for typed in ("/", "/sh"):
        await page.write("#message-box textarea", typed)
        await page.sees(".offers li", "/ship")
        await page.press("Enter")
        await page.until("document.activeElement.value === '/ship '")
    await page.write("#message-box textarea", "a/b")
    await page.press("Enter")
    await page.sees("#log article", "a/b")
    assert [one.text for one in sandbox.slack.messages("#general")] == ["a/b"]


async def test_what_one_hears_can_be_completed_as_the_readme_has_it(page: Tab) -> None:
    """Every word of ``/ship me``."""
    await page.write("#message-box textarea", "/ship me ")
    await page.sees(".offers li", "/ship me github")
    said = [line.split("\n")[0].split(" ")[:3] for line in await page.said(".offers li b")]
    assert [words[-1] for words in said] == ["mute", "unmute", "failures", "github"]


async def test_who_is_not_in_a_channel_is_told_so_and_keeps_the_words(page: Tab) -> None:
    """Gus looks into #general."""
    await page.choose("#me", "U0GUS")
    await page.click("[data-place=C0GENERAL]")
    await page.write("#message-box textarea", "hello")
    await page.press("Enter")
    await page.sees(".toast", "Gus is not in #general, and so cannot write there")
    await page.until("document.querySelector('#message-box textarea').value === 'hello'")


async def test_the_page_says_everywhere_that_it_is_not_slack(page: Tab) -> None:
    """In the title and at the top, on every width."""
    assert await page.evaluate("document.title") == "Acme: sandbox, not Slack"
    await page.sees(".not-slack", "Sandbox, not Slack")
    assert await page.evaluate("[...document.images].every((image) => new URL(image.src).origin === location.origin)")
