"""Reading in the sandbox's page, in a real browser: what counts as seen, where the reader and the focus stay."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.acme import ELSEWHERE
from bot.sandbox.server import Sandbox
from tests.browser.chromium import Chromium, Tab

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement"
FIRST_SEEN = """(() => {
  const edge = document.querySelector('#log').getBoundingClientRect().top;
  const first = [...document.querySelectorAll('#log article')].find((one) => one.getBoundingClientRect().bottom > edge);
  return [first.querySelector('.message-text').textContent, Math.round(first.getBoundingClientRect().top)];
})()"""


@pytest.fixture
async def page(chromium: Chromium, sandbox: Sandbox) -> AsyncIterator[Tab]:
    """Ana's page, in #general; no bot is there."""
    async with chromium.tab() as tab:
        await tab.open(f"{sandbox.url}/?as=ana#C0GENERAL")
        yield tab


def app(sandbox: Sandbox) -> AsyncWebClient:
    """What the app speaks through."""
    return AsyncWebClient(token=sandbox.slack.bot_token, base_url=f"{sandbox.url}/api/")


def buttons(*values: str) -> list[dict[str, object]]:
    """A row of buttons of one action, told apart by their values alone."""
    return [
        {
            "type": "actions",
            "block_id": "row",
            "elements": [
                {
                    "type": "button",
                    "action_id": f"approve:{number}" if len(values) > 1 else "approve:0",
                    "value": value,
                    "text": {"type": "plain_text", "text": f"Approve {value}"},
                }
                for number, value in enumerate(values)
            ],
        }
    ]


async def test_on_a_phone_nothing_is_read_before_it_is_shown(chromium: Chromium, sandbox: Sandbox) -> None:
    """The list of channels is what a phone begins with, and what stands behind it was seen by nobody."""
    await sandbox.slack.say("ben", "Who ships?", channel="#general")
    async with chromium.tab(width=390, height=844, phone=True) as page:
        await page.open(f"{sandbox.url}/?as=ana")
        await page.sees("[data-place=C0GENERAL].unread .count", "1")
        assert "U0ANA" not in sandbox.world.read_marks
        await page.click("[data-place=C0GENERAL]")
        await page.sees("#log article", "Who ships?")
        await sandbox.slack.until(lambda: sandbox.world.read_marks.get("U0ANA"))
        await page.click("#back")
        await sandbox.slack.say("ben", "Anybody?", channel="#general")
        await page.sees("[data-place=C0GENERAL].unread .count", "1")


async def test_what_acme_keeps_elsewhere_is_at_the_worlds_own_address(page: Tab, sandbox: Sandbox) -> None:
    """A bot that takes Acme's policy as it is links to https://acme.example, of which no name server knows."""
    await sandbox.slack.say("ben", f"<{ELSEWHERE}/runbooks/cart?of=812|Runbook>", channel="#general")
    await page.open(f"{sandbox.url}/?as=ana#C0GENERAL")
    await page.sees("#log article", "Runbook")
    leads_to = await page.evaluate("document.querySelector('#log article a[target=_blank]').href")
    assert leads_to == f"{sandbox.url}/runbooks/cart?of=812"


async def test_on_a_phone_messages_leads_back_to_what_the_story_was_opened_from(
    chromium: Chromium, sandbox: Sandbox
) -> None:
    """The list of places if that was seen, the channel if somebody had opened it."""
    async with chromium.tab(width=390, height=844, phone=True) as page:
        await page.open(f"{sandbox.url}/?as=ana")
        await page.sees("[data-place=C0DEPLOYS]")
        await page.click(".tabbar [data-go=story]")
        await page.sees("body[data-pane=side]")
        await page.click(".tabbar [data-go=requests]")
        await page.click(".tabbar [data-go=places]")
        await page.sees("body[data-pane=places]")
        await page.click("[data-place=C0DEPLOYS]")
        await page.sees("body[data-pane=channel]")
        await page.click(".tabbar [data-go=story]")
        await page.sees("body[data-pane=side]")
        await page.click(".tabbar [data-go=places]")
        await page.sees("body[data-pane=channel]")


async def test_a_phone_says_in_full_that_the_line_is_lost(chromium: Chromium, sandbox: Sandbox) -> None:
    """It says it in a line of its own, and nothing is pushed off the screen."""
    async with chromium.tab(width=390, height=844, phone=True) as page:
        await page.open(f"{sandbox.url}/?as=ana#C0GENERAL")
        await sandbox.stop()
        await page.sees("#line", "The sandbox is not answering. Trying again…")
        assert await page.evaluate("((one) => one.scrollWidth - one.clientWidth)(document.querySelector('#line'))") == 0
        assert await page.evaluate("document.querySelector('.tabbar').getBoundingClientRect().bottom") == 844


async def test_whoever_reads_further_up_goes_on_reading_there_when_the_line_comes_back(
    page: Tab, sandbox: Sandbox
) -> None:
    """What came meanwhile is below, and said to be there."""
    for number in range(60):
        await sandbox.slack.say("ben", f"message {number}", channel="#general")
    await page.sees("#log article", "message 59")
    await page.evaluate("document.querySelector('#log article:nth-of-type(20)').scrollIntoView()")
    before = await page.evaluate(FIRST_SEEN)
    await sandbox.control.close()
    await sandbox.slack.say("ben", "Said while nobody listened", channel="#general")
    await page.until("document.querySelector('#log').textContent.includes('Said while nobody listened')")
    assert await page.evaluate(FIRST_SEEN) == before
    await page.sees(".jump", "New messages")


async def test_a_thread_of_a_world_that_is_gone_is_closed(chromium: Chromium) -> None:
    """The demo was started anew at the same address: its threads are others."""
    async with Sandbox(rate_limits=False) as first, chromium.tab() as page:
        await first.slack.say("ben", "Who ships?", channel="#general")
        port = int(first.url.rpartition(":")[2])
        await page.open(f"{first.url}/?as=ana#C0GENERAL")
        await page.hover("#log article")
        await page.click("#log [data-action=reply]")
        await page.sees("#thread-log article", "Who ships?")
        await first.stop()
        await page.sees("#line", "Trying again")
        async with Sandbox(port=port, rate_limits=False):
            await page.until("document.querySelector('#line').dataset.state === 'live'")
            await page.misses("#thread")
            await page.sees("#log", "Nothing in #general yet")


async def test_the_focus_stays_on_what_it_was_on_and_never_comes_to_another_meaning(
    page: Tab, sandbox: Sandbox
) -> None:
    """Else Enter, pressed in the moment in which a card changes, would approve another service."""
    client = app(sandbox)
    said = await client.chat_postMessage(channel="C0GENERAL", text="a card", blocks=buttons("cart", "search"))
    await page.sees("#log .block-button", "Approve search")
    await page.evaluate("document.querySelectorAll('#log .block-button')[1].focus()")
    await client.chat_update(
        channel="C0GENERAL", ts=str(said["ts"]), text="more", blocks=buttons("cart", "search", "x")
    )
    await page.sees("#log .block-button", "Approve x")
    assert await page.evaluate(f"{FOCUSED}.textContent") == "Approve search"
    await client.chat_update(channel="C0GENERAL", ts=str(said["ts"]), text="less", blocks=buttons("cart"))
    await page.misses("#log .block-button", "Approve search")
    assert await page.evaluate(f"{FOCUSED}.className") == "message changed"


async def test_messages_are_walked_with_the_arrows_and_what_one_offers_is_a_tab_away(
    page: Tab, sandbox: Sandbox
) -> None:
    """Also where nothing in a message takes the focus by itself."""
    for words in ("first", "second", "third"):
        await sandbox.slack.say("ben", words, channel="#general")
    await page.sees("#log article", "third")
    await page.evaluate("document.querySelector('#log').focus()")
    for _ in range(2):
        await page.press("ArrowUp")
    assert await page.evaluate(f"{FOCUSED}.querySelector('.message-text').textContent") == "second"
    await page.press("Tab")
    await page.press("Tab")
    assert await page.evaluate(f"{FOCUSED}.dataset.action") == "reply"
    await page.press("Enter")
    await page.sees("#thread-log article", "second")


async def test_the_tools_of_a_message_are_seen_while_they_are_meant(page: Tab, sandbox: Sandbox) -> None:
    """Under the mouse, while the menu that one of them opened is, and for a keyboard; not after a click alone."""
    await app(sandbox).chat_postMessage(channel="C0GENERAL", text="a card", blocks=buttons("cart"))
    await page.click("#log .block-button", "Approve cart")
    await page.sees("#log .message-tools")
    await page.hover("#channel-name")
    await page.misses("#log .message-tools")
    await page.hover("#log article")
    await page.click("#log [data-action=react]")
    await page.hover("[role=menuitem]", "pushpin")
    await page.sees("#log .message-tools")
    await page.press("Escape")
    await page.hover("#channel-name")
    await page.press("Tab")
    await page.sees("#log .message-tools")


async def test_names_are_completed_as_they_are_typed(page: Tab, sandbox: Sandbox) -> None:
    """People, groups and the app, channels and emoji; a number is none, and a whole name asks nothing any more."""
    for typed, completed in (
        ("ask @b", "ask @ben "),
        ("ask @payments", "ask @payments-leads "),
        ("see #rel", "see #releases "),
        ("done :tad", "done :tada: "),
    ):
        await page.write("#message-box textarea", typed)
        await page.sees(".offers li[aria-selected=true]")
        await page.press("Enter")
        assert await page.evaluate(f"{FOCUSED}.value") == completed
    for words in ("#812", "mail a@b", "12:30", "hello @ben"):
        await page.write("#message-box textarea", words)
        await page.press("Enter")
        await page.until(f"{FOCUSED}.value === ''")
    assert sandbox.slack.messages("#general")[-1].text == "hello <@U0BEN>"


async def test_rooms_of_one_day_are_told_apart_by_the_end_of_their_names(page: Tab, sandbox: Sandbox) -> None:
    """They all begin with the date; the whole name is in the tooltip."""
    names = ("inc-2026-11-22-cart-5xx", "inc-2026-11-22-ledger-out-of-balance")
    for name in names:
        made = await app(sandbox).conversations_create(name=name)
        await app(sandbox).conversations_invite(channel=str(made["channel"]["id"]), users="U0ANA")
    await page.sees(f"#channels [title='{names[-1]}']")
    shown = "[...document.querySelectorAll('#channels .place-name')].slice(-2)"
    assert await page.evaluate(f"{shown}.map((one) => one.title)") == list(names)
    whole = "({lastElementChild: end}) => end.scrollWidth <= end.clientWidth + 1 && end.textContent"
    assert await page.evaluate(f"{shown}.map({whole})") == ["22-cart-5xx", "of-balance"]


async def test_text_is_read_in_its_own_direction(page: Tab, sandbox: Sandbox) -> None:
    """Each message in that of its first words, as Slack has it."""
    for words in ("hello مرحبا", "مرحبا hello"):
        await sandbox.slack.say("ben", words, channel="#general")
    await page.until("document.querySelectorAll('#log article').length === 2")
    directions = "[...document.querySelectorAll('#log .message-text')].map((one) => getComputedStyle(one).direction)"
    assert await page.evaluate(directions) == ["ltr", "rtl"]
