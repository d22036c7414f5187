"""The sandbox's page and the real bot, in a real browser: what a newcomer sees and does in the demo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.acme import acme_policy
from bot.sandbox.server import Sandbox
from bot.sandbox.story import play
from bot.sandbox.story_cart import Cart
from bot.sandbox.story_promotions import THREE_CHANGES
from tests.browser.chromium import Chromium
from tests.conftest import Living, living

pytestmark = pytest.mark.browser


@pytest.fixture
async def demo(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Living]:
    """The bot as the demo runs it."""
    catalogue = tmp_path / "shipmate.yml"
    catalogue.write_text(acme_policy(sandbox.url), encoding="utf-8")
    async with living(sandbox, sqlite_url, SHIPMATE_CONFIG=str(catalogue)) as running:
        yield running


async def test_a_card_appears_while_one_looks_and_changes_until_the_deploy_has_succeeded(
    chromium: Chromium, demo: Living
) -> None:
    """The channel is live: nobody reloads."""
    async with chromium.tab() as page:
        await page.open(f"{demo.sandbox.url}/?as=ana#C0PAYMENTS")
        await page.sees("#log", "Nothing in #payments-deploys yet")
        sha = await demo.sandbox.github.commit("acme/checkout", author="ana", message="Round totals half to even")
        rollout = await demo.sandbox.github.deployment("acme/checkout", sha, "production")
        await demo.sandbox.github.deployment_status("acme/checkout", rollout, "in_progress")
        await page.sees("#log article", "rolling out to production")
        await demo.sandbox.github.deployment_status("acme/checkout", rollout, "success")
        await page.sees("#log article", "live in production")
        assert len(await page.said("#log article")) == 1


async def test_a_scene_is_played_from_the_panel_and_says_when_it_is_over(chromium: Chromium, demo: Living) -> None:
    """Every scene the sandbox knows is offered; one is played by its button."""
    demo.sandbox.pace = 0
    async with chromium.tab() as page:
        await page.open(f"{demo.sandbox.url}/?as=ana#C0PAYMENTS")
        await page.sees(".scene", "A calm deploy")
        await page.click("[aria-label='Play: a calm deploy']")
        await page.sees(".scene-state", "Played")
        await page.sees("#log article", "live in production")


async def test_a_slash_command_is_completed_sent_and_answered_for_ones_eyes_only(
    chromium: Chromium, demo: Living
) -> None:
    """The ephemeral answer is marked as such, unseen by others, and dismissed for good."""
    await play(demo.sandbox, "a calm deploy", pace=0)
    async with chromium.tab() as page:
        await page.open(f"{demo.sandbox.url}/?as=ana#C0GENERAL")
        await page.press("/")
        await page.type("ship st")
        await page.sees(".offers li", "/ship status")
        await page.press("Tab")
        assert await page.evaluate("document.activeElement.value") == "/ship status "
        await page.press("Enter")
        await page.sees("#log .ephemeral", "Only visible to you")
        await page.sees("#log .ephemeral", "production")
        await page.choose("#me", "U0BEN")
        await page.misses("#log .ephemeral")
        await page.choose("#me", "U0ANA")
        await page.click("#log .ephemeral .quiet-link", "Dismiss")
        await page.misses("#log .ephemeral")
        await page.open(f"{demo.sandbox.url}/?as=ana#C0GENERAL")
        await page.sees("#log", "Nothing in #general yet")


async def test_pressing_mute_in_ones_own_message_offers_to_hear_again(chromium: Chromium, demo: Living) -> None:
    """A click goes to the bot, signed, and its answer changes the message in place."""
    await play(demo.sandbox, "a calm deploy", pace=0)
    async with chromium.tab() as page:
        await page.open(f"{demo.sandbox.url}/?as=ben#C0PAYMENTS")
        await page.click("#direct .place", "Shipmate")
        await page.click("#log .block-button", "Mute #815")
        await page.sees("#log .block-button", "Hear about #815 again")
        await page.misses("#log .block-button", "Mute #815")
        await page.click("#log .block-button", "Hear about #815 again")
        await page.sees("#log .block-button", "Mute #815")


async def test_acting_as_somebody_else_shows_their_messages_and_what_they_have_not_read(
    chromium: Chromium, demo: Living
) -> None:
    """Each person has conversations, unread marks and private channels of their own."""
    async with chromium.tab() as page:
        await page.open(f"{demo.sandbox.url}/?as=ana#C0GENERAL")
        await page.misses("#channels .place", "payments-leads")
        await play(demo.sandbox, "a calm deploy", pace=0)
        await page.sees("#channels .place.unread", "payments-deploys")
        await page.choose("#me", "U0DEE")
        await page.sees("#channels .place", "payments-leads")
        await page.click("#direct .place.unread", "Shipmate")
        await page.sees("#log article", "The change you co-wrote")
        await page.misses("#direct .place.unread")


async def test_a_thread_opens_beside_its_channel_and_takes_a_reply(chromium: Chromium, demo: Living) -> None:
    """Escape leaves it; commands are refused there, as in Slack."""
    async with chromium.tab() as page:
        await page.open(f"{demo.sandbox.url}/?as=ana#C0GENERAL")
        await page.write("#message-box textarea", "Who has seen <the> plan, @ben?")
        await page.press("Enter")
        await page.sees("#log article", "Who has seen <the> plan, @Ben?")
        await page.hover("#log article")
        await page.click("#log [data-action=reply]")
        await page.write("#thread-box textarea", "/ship status")
        await page.press("Enter")
        await page.sees(".toast", "not supported in threads")
        await page.write("#thread-box textarea", "*I* have")
        await page.press("Enter")
        await page.sees("#thread-log article strong", "I")
        await page.sees("#log .reply-bar", "1 reply")
        await page.press("Escape")
        await page.misses("#thread")


async def test_on_a_phone_one_pane_is_seen_at_a_time_and_nothing_is_wider_than_the_screen(
    chromium: Chromium, demo: Living
) -> None:
    """At 3 a.m. somebody reads this in bed."""
    await play(demo.sandbox, "a calm deploy", pace=0)
    async with chromium.tab(width=390, height=844, phone=True) as page:
        await page.open(f"{demo.sandbox.url}/?as=ana")
        await page.click("#channels .place", "payments-deploys")
        await page.sees("#log article", "live in production")
        await page.misses(".sidebar")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        assert await page.evaluate("(l => l.scrollWidth - l.clientWidth)(document.querySelector('#log'))") == 0
        await page.click(".tabbar button", "Story")
        await page.sees(".scene", "A calm deploy")
        await page.misses("#log")
        await page.click(".tabbar button", "Requests")
        await page.sees(".request", "chat.postMessage")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_the_page_is_dark_where_the_machine_is_and_the_choice_can_be_changed(
    chromium: Chromium, demo: Living
) -> None:
    """Words stay legible: the contrast of text on paper is that of WCAG AA in both."""
    async with chromium.tab(dark=True) as page:
        await page.open(f"{demo.sandbox.url}/?as=ana")
        assert await page.evaluate(_CONTRAST) > 4.5
        dark = await page.evaluate(_PAPER)
        await page.click("#theme")
        await page.until("document.documentElement.dataset.theme === 'light'")
        assert await page.evaluate(_CONTRAST) > 4.5
        light = await page.evaluate(_PAPER)
        assert dark < 0.1
        assert light > 0.9


async def test_the_inspector_shows_a_webhook_with_its_signature_and_the_answer(
    chromium: Chromium, demo: Living
) -> None:
    """And a call of the bot's with its token masked: no secret is shown."""
    await demo.sandbox.github.commit("acme/checkout", author="ana", message="Mend a typo")
    await demo.sandbox.settle()
    async with chromium.tab() as page:
        await page.open(f"{demo.sandbox.url}/?as=ana&pane=requests")
        await page.click("[data-show=out]")
        await page.click(".request summary", "push")
        await page.sees(".request-inside", "sha256=")
        await page.sees(".request-inside", "HMAC-SHA256 with the webhook’s secret over the body")
        await page.sees(".request-inside", "Answer 202")
        await page.click("[data-show=in]")
        await page.click(".request summary", "GitHub")
        await page.sees(".request-inside", "the bot shows its token")
        assert demo.sandbox.github.token not in await page.evaluate("document.body.textContent")


async def test_the_page_connects_again_by_itself_and_misses_nothing(chromium: Chromium, sandbox: Sandbox) -> None:
    """A laptop that slept shows what was said meanwhile."""
    async with chromium.tab() as page:
        await page.open(f"{sandbox.url}/?as=ana#C0GENERAL")
        await sandbox.control.close()
        await sandbox.slack.say("ben", "Said while nobody listened", channel="#general")
        await page.sees("#log article", "Said while nobody listened")
        await page.until("document.querySelector('#line').dataset.state === 'live'")


async def test_approve_asks_first_and_a_window_takes_a_reason_and_the_card_changes_each_time(
    chromium: Chromium, demo: Living
) -> None:
    """From a card that waits for a yes to one that was rejected, with real clicks and keys."""
    cart = await Cart.ready(demo.sandbox, 0)
    await cart.build(*THREE_CHANGES)
    async with chromium.tab() as page:
        await page.open(f"{demo.sandbox.url}/?as=dee#C0PAYMENTS")
        await page.click("#log .block-button", "Approve 3 changes…")
        await page.sees("dialog.confirm", "Ship cart in production?")
        await page.click("dialog.confirm .block-button", "Not yet")
        await page.misses("dialog.confirm")
        await page.click("#log .block-button", "Approve 3 changes…")
        await page.click("dialog.confirm .block-button", "Approve")
        await page.sees("#log article", "approved by Dee")
        await page.misses("#log .block-button", "Approve 3 changes…")
        await page.click("#log .block-button", "Reject…")
        await page.sees("dialog.modal", "Reject this promotion")
        await page.click("dialog.modal .modal-submit")
        await page.sees("dialog.modal [aria-invalid]")
        await page.write("dialog.modal textarea", "The baskets double")
        await page.click("dialog.modal .modal-submit")
        await page.misses("dialog.modal")
        await page.sees("#log article", "was rejected by Dee")
        await page.sees("#log article", "The baskets double")
        await page.misses("#log .block-button", "Reject…")


_PAPER = "parseInt(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]) / 255"
_CONTRAST = """(() => {
  const light = (colour) => {
    const part = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = colour.match(/\\d+/g).map(Number).map(part);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const words = '.scene p, .side-words, #channel-about, .play, .tabs button';
  const pairs = [...document.querySelectorAll(words)].map((one) => {
    let paper = one;
    while (getComputedStyle(paper).backgroundColor === 'rgba(0, 0, 0, 0)') paper = paper.parentElement;
    return [light(getComputedStyle(one).color), light(getComputedStyle(paper).backgroundColor)];
  });
  return Math.min(...pairs.map(([one, other]) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)));
})()"""
