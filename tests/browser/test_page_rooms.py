"""What an incident's room is to people in the sandbox's page, in a real browser: its head, emoji, statuses, phones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.pagerduty_acme import BOT_EMAIL
from bot.sandbox.server import Sandbox
from tests.browser.chromium import Chromium, Tab

pytestmark = pytest.mark.browser

RUNBOOK = "https://runbooks.example/checkout"


@pytest.fixture
async def room(sandbox: Sandbox) -> str:
    """A room that the app made, with everything that stands in its head; Ana is in it."""
    client = AsyncWebClient(token=sandbox.slack.bot_token, base_url=f"{sandbox.url}/api/")
    made = await client.conversations_create(name="inc-checkout-5xx")
    channel: str = made["channel"]["id"]
    await client.conversations_invite(channel=channel, users="U0ANA")
    await client.conversations_setTopic(channel=channel, topic="SEV3 · lead nobody yet")
    said = await client.chat_postMessage(channel=channel, text="checkout 5xx since 14:12")
    await client.pins_add(channel=channel, timestamp=said["ts"])
    await client.bookmarks_add(channel_id=channel, title="Runbook", type="link", link=RUNBOOK)
    document = {"type": "markdown", "markdown": "# Postmortem\n\n- <script>alert(1)</script>"}
    await client.conversations_canvases_create(channel_id=channel, document_content=document, title="Postmortem draft")
    await client.files_upload_v2(channel=channel, content="# As a file", filename="postmortem.md", title="The file")
    return channel


@pytest.fixture
async def page(chromium: Chromium, sandbox: Sandbox, room: str) -> AsyncIterator[Tab]:
    """Ana's page, in the room; no bot is there."""
    async with chromium.tab() as tab:
        await tab.open(f"{sandbox.url}/?as=ana#{room}")
        yield tab


async def test_a_rooms_head_shows_what_stands_there(page: Tab) -> None:
    """As text: what a document says is not run."""
    await page.sees("#channel-about", "SEV3 · lead nobody yet")
    await page.sees("#channel-head .bookmark", "Runbook")
    assert await page.evaluate("document.querySelector('#channel-head .bookmark a').href") == RUNBOOK
    await page.click("#pins", "1 pinned")
    await page.sees("[role=menuitem]", "checkout 5xx since 14:12")
    await page.press("Escape")
    await page.click("#canvas", "Postmortem draft")
    await page.sees("dialog.canvas", "<script>alert(1)</script>")
    await page.press("Escape")
    await page.misses("dialog.canvas")
    await page.click(".file summary", "The file")
    await page.sees(".file pre", "# As a file")


async def test_an_emoji_is_put_on_a_message_and_taken_off(page: Tab, sandbox: Sandbox, room: str) -> None:
    """From the message's own menu."""
    message = f"[data-ts='{sandbox.slack.messages(room)[0].ts}']"
    await page.hover(message)
    await page.click(f"{message} [data-action=react]")
    await page.click("[role=menuitem]", "pushpin")
    await page.sees(".reaction.mine", "1")
    assert sandbox.slack.messages(room)[0].reactions == {"pushpin": ["U0ANA"]}
    await page.click(".reaction.mine")
    await page.misses(".reaction")


async def test_whoever_is_not_in_a_room_joins_it(page: Tab, sandbox: Sandbox, room: str) -> None:
    """Ben sees it, for it is public."""
    await page.choose("#me", "U0BEN")
    await page.click(".head-link.join", "Join #inc-checkout-5xx")
    await page.misses(".head-link.join")
    assert "U0BEN" in sandbox.world.channels[room].members


async def test_a_status_is_set_and_seen_by_others(page: Tab, sandbox: Sandbox, room: str) -> None:
    """Beside the name, and in the profile that the app reads."""
    await sandbox.slack.say("ana", "On my way out", channel=room)
    await page.click(".status-button", "Set a status")
    await page.click("[role=menuitem]", "Vacationing")
    await page.sees(".status-button", "Vacationing")
    ana = sandbox.world.person("ana")
    assert (ana.status, ana.status_emoji) == ("Vacationing", ":palm_tree:")
    await page.click(".status-button")
    await page.click("[role=menuitem]", "Clear the status")
    await page.sees(".status-button", "Set a status")


async def test_a_phone_rings_until_it_is_answered(page: Tab, sandbox: Sandbox) -> None:
    """In the story panel, with the buttons to answer."""
    pagerduty, account = sandbox.pagerduty, sandbox.pagerduty.account
    by = account.by_email(BOT_EMAIL)
    assert by is not None
    service = account.services["PSCHECKOUT"]
    incident = pagerduty.open(service, "checkout 5xx", by=by, assignees=[account.user("ana")])
    await page.sees(".phone", "Ana Torres’s phone rings")
    await page.sees(".pager-incident", "checkout 5xx")
    await page.click(".phone .play", "Acknowledge")
    await page.misses(".phone")
    await page.sees(".pager-incident.acknowledged", "Ana Torres")
    assert incident.status == "acknowledged"
    await page.click("#pager summary", "Who answers their phone")
    await page.choose("[data-pager=does-ben]", "decline")
    pagerduty.ask_for_help(incident, by, [account.user("ben")], "You merged it")
    await page.sees(".pager-incident", "Ben Okafor declined")
    assert [one.state for one in incident.responders] == ["declined"]


async def test_what_is_over_at_pagerduty_is_folded_away(page: Tab, sandbox: Sandbox) -> None:
    """Else the scenes stand below a page of old incidents; what still goes on is seen at once."""
    pagerduty, account = sandbox.pagerduty, sandbox.pagerduty.account
    service, eve = account.services["PSCHECKOUT"], account.user("eve")
    incidents = [pagerduty.open(service, f"checkout {kind}", by=eve, assignees=[eve]) for kind in ("5xx", "slow")]
    await page.sees(".pager-incident", "checkout 5xx")
    pagerduty.resolve(incidents[0], eve)
    await page.misses(".pager-incident", "checkout 5xx")
    await page.sees(".pager-incident", "checkout slow")
    await page.click(".pager-over summary", "1 resolved")
    await page.sees(".pager-incident.resolved", "checkout 5xx")
    pagerduty.resolve(incidents[1], eve)
    await page.sees(".pager-over[open] summary", "2 resolved")
