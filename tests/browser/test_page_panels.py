"""The sandbox's side panel in a real browser: faults switched on and off, the world's clock, and the keyboard."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.exchanges import Log
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


async def test_the_inspector_counts_every_request_and_shows_older_ones_on_demand(page: Tab, sandbox: Sandbox) -> None:
    """Also after the page was loaded again; looking for something goes on further back, page after page."""
    for number in range(450):
        sandbox.slack.log.add(
            incoming=True, verb="POST", path="/api/x", method=f"call.{number}", status=200, began=time.perf_counter()
        )
    await page.click("#requests-tab")
    await page.sees("#tally", "450")
    await page.open(f"{sandbox.url}/?as=ana&pane=requests#C0GENERAL")
    await page.sees("#tally", "450")
    await page.sees(".older button", "Show older (250 more)")
    await page.click(".older button")
    await page.sees(".older button", "Show older (50 more)")
    await page.write("#request-words", "call.7")
    await page.sees(".request-name", "call.70")
    await page.click(".older button", "Look further back")
    await page.until("document.querySelectorAll('.request').length === 11")
    await page.misses(".older button")
    await page.choose("#request-words", "")
    await page.until("document.querySelectorAll('.request').length === 450")


async def test_the_inspector_says_how_the_receiver_knows_who_sent_it(page: Tab, sandbox: Sandbox) -> None:
    """Of each system by its own way, both ways; a refusal of Slack's counts as failed though it comes with a 200."""
    began = time.perf_counter()

    def out(log: Log, name: str, header: str) -> None:
        log.add(
            incoming=False,
            verb="POST",
            path="/x",
            method=name,
            status=200,
            began=began,
            request_headers={header: "v0=…"},
        )

    out(sandbox.slack.log, "block_actions", "X-Slack-Signature")
    out(sandbox.github.log, "push", "X-Hub-Signature-256")
    out(sandbox.pagerduty.log, "incident.acknowledged", "X-PagerDuty-Signature")
    out(sandbox.flags.log, "flag", "X-LD-Signature")
    out(sandbox.monitoring.log, "alert", "Authorization")
    sandbox.pagerduty.log.add(
        incoming=True,
        verb="POST",
        path="/x",
        method="enqueue",
        status=202,
        began=began,
        request_body='{"routing_key": "…"}',
    )
    sandbox.slack.log.add(
        incoming=True, verb="POST", path="/api/x", method="chat.update", status=200, began=began,
        answer_body='{"ok": false, "error": "message_not_found"}',
    )  # fmt: skip
    await page.click("#requests-tab")
    for name, known in (
        ("block_actions", "the signing secret over v0:timestamp:body"),
        ("push", "the webhook’s secret over the body"),
        ("incident.acknowledged", "the webhook’s secret over the body"),
        ("flag", "the webhook’s secret over the body"),
        ("alert", "monitoring shows the API’s token"),
        ("enqueue", "the integration’s routing key stands in the body"),
    ):
        await page.click(".request summary", name)
        await page.sees(".request-inside", known)
        await page.click(".request summary", name)
        await page.misses(".request-inside")
    await page.click("[data-show=failed]")
    await page.sees(".request .status.bad", "message_not_found")
    assert len(await page.said(".request")) == 1


async def test_a_page_that_is_opened_later_says_what_was_not_seen_until_somebody_looks(
    page: Tab, sandbox: Sandbox
) -> None:
    """In bold, with how much it is; what was seen is read on every page, for this person and nobody else."""
    for number in range(3):
        await sandbox.slack.say("chi", f"Who ships {number}?", channel="#deploys")
    settings = sandbox.environment()
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=settings["SLACK_BOT_TOKEN"], base_url=settings["SLACK_API_URL"], session=session, retry_handlers=[]
        )
        await client.chat_postMessage(channel="U0ANA", text="Your change is live")
    address = f"{sandbox.url}/?as=ana#C0GENERAL"
    await page.open(address)
    await page.sees("#channels .place.unread .count.quiet", "3")
    await page.sees("#direct .place.unread .count:not(.quiet)", "1")
    await page.click("[data-place=C0DEPLOYS]")
    await page.click("#direct .place")
    await page.misses(".place.unread")
    await sandbox.slack.until(lambda: len(sandbox.world.read_marks["U0ANA"]) == 2)
    await page.open(address)
    await page.sees("#direct .place")
    await page.misses(".place.unread")
    await page.choose("#me", "U0BEN")
    await page.sees("#channels .place.unread .count.quiet", "3")


async def test_a_place_that_changes_under_the_pointer_is_opened_all_the_same(page: Tab, sandbox: Sandbox) -> None:
    """Somebody writes there between the press and the release."""
    await sandbox.slack.say("chi", "Who ships?", channel="#deploys")
    await page.sees("#channels .place.unread .count.quiet", "1")
    async with page.pressed("#channels .place.unread .count"):
        await sandbox.slack.say("chi", "Nobody?", channel="#deploys")
        await page.sees("#channels .place.unread .count.quiet", "2")
    await page.sees("#log article", "Nobody?")


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
    assert [words[-1] for words in said] == ["mute", "unmute", "failures", "github", "hours"]


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
