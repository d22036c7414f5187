"""How the page reads Slack's markup, in a real browser: mrkdwn, date tokens, Markdown, and text that means harm.

Rules are those of docs.slack.dev: "Formatting text for app surfaces", "Date object type", "Markdown block".
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from bot.sandbox.slack_manifest import Manifest
from tests.browser.chromium import Chromium, Tab

pytestmark = pytest.mark.browser

MRKDWN = {
    "*bold* _it_ ~s~ `c`": "[bold bold] [italic it] [strike s] [code c]",
    "2 * 3 * 4": "2 * 3 * 4",
    "snake_case_name": "snake_case_name",
    "*not closed": "*not closed",
    "* no*": "* no*",
    "*no *": "*no *",
    "(*b*)": "([bold b])",
    "*b*x": "*b*x",
    "*_both_*": "[bold [italic both]]",
    "**": "**",
    "`a *b* c`": "[code a *b* c]",
    "*a `*` b*": "[bold a [code *] b]",
    "a\n> q1\n&gt; q2\nb": "a[quote q1\nq2]b",
    "&gt;&gt;&gt; all\nof it": "[quote all\nof it]",
    "x ```\ncode *b*\n``` y": "x [pre code *b*] y",
    "<@U1> <@U2|ana> <#C1|x>": "{user U1} {user U2|ana} {channel C1|x}",
    "<!here> <!subteam^S1|@leads>": "{broadcast here} {group S1|@leads}",
    "<https://e.x|l> <mailto:a@b|a>": "{link https://e.x|l} {link mailto:a@b|a}",
    "<!date^1392734382^{date} at {time}^https://e.x|fb>": "{date https://e.x}",
    "&lt;!channel&gt; &amp;amp;": "<!channel> &amp;",
    "https://e.x/a_b_c. #general @here": "{link https://e.x/a_b_c}. {channelName general} {broadcast here}",
    ":nope: :+1::skin-tone-3: 12:30:45": ":nope: {emoji +1} 12:30:45",
    "*<https://e.x|a*b>*": "[bold {link https://e.x|a*b}]",
    "a@here x#y": "a@here x#y",
    "*a\nb*": "*a\nb*",
    "<>": "<>",
}
VERBATIM = {
    "https://e.x #general @here :tada: *b*": "https://e.x #general @here {emoji tada} [bold b]",
}
DATES = {  # of 2014-02-18 14:39:42 UTC, as Slack's own documentation has it
    "{date}": "February 18th, 2014",
    "{date_long}": "Tuesday, February 18th, 2014",
    "{date_short}": "Feb 18, 2014",
    "{date_num}": "2014-02-18",
    "at {date_pretty}": "at today",
    "{date_pretty}": "Today",
    "{ago}": "5 hours ago",
    "{bogus}": None,
}
MARKDOWN = {
    "# Title #": "<h3>Title</h3>",
    "**b** *i* _j_ ~~s~~ `c`": "<p><strong>b</strong> <em>i</em> <em>j</em> <s>s</s> <code>c</code></p>",
    "a_b_c 2 * 3 * 4": "<p>a_b_c 2 * 3 * 4</p>",
    "- one\n  - two\n- three": (
        '<ul class="rich-list"><li>one<ul class="rich-list"><li>two</li></ul></li><li>three</li></ul>'
    ),
    "3. three\n4. four": '<ol class="rich-list" start="3"><li>three</li><li>four</li></ol>',
    "> a\n> b": "<blockquote><p>a\nb</p></blockquote>",
    "```py\n*x*\n```": "<pre><code>*x*</code></pre>",
    "\\*plain\\*": "<p>*plain*</p>",
    "<b>&": "<p>&lt;b&gt;&amp;</p>",
    "[x](javascript:alert(1))": '<p><span class="dead-link" title="This address cannot be followed">x</span>)</p>',
}
HOSTILE = (
    "<!channel> <https://evil|ok> <javascript:alert(1)|js> <img src=x onerror=document.title='taken'>"
    " <script>document.title='taken'</script> @here\n> q ~s~ &amp; &lt;b&gt; \u202e <!date^99999999999999999^{date}|f>"
    " <!date^x^{time}|fb> <<>> <|> ``` ` * _"
)

_FLAT = """(nodes) => {
  const said = (node) => node.id ?? node.url ?? node.name ?? node.range ?? node.format;
  const label = (node) => (node.label == null ? '' : `|${node.label}`);
  const one = (node) => {
    if (node.type === 'text') return node.text;
    return node.children ? `[${node.type} ${flat(node.children)}]` : `{${node.type} ${said(node)}${label(node)}}`;
  };
  const flat = (list) => list.map(one).join('');
  return flat(nodes);
}"""
_NOBODY = """({
  me: null, zone: null, now: () => new Date(),
  person: () => null, channel: () => null, channelNamed: () => null, group: () => null,
})"""


@pytest.fixture
async def page(chromium: Chromium, sandbox: Sandbox) -> AsyncIterator[Tab]:
    """The page, with nothing in it yet."""
    async with chromium.tab() as tab:
        await tab.open(f"{sandbox.url}/?as=ana#C0GENERAL")
        yield tab


async def each(page: Tab, module: str, inputs: list[str], function: str) -> list[Any]:
    """What a function gives for each input, with a module of the page as ``it``."""
    given: list[Any] = await page.evaluate(
        f"import('/{module}').then((it) => {json.dumps(inputs)}.map((input) => ({function})(input)))"
    )
    return given


async def test_mrkdwn_is_read_as_slack_documents_it(page: Tab) -> None:
    """Also where marks are not marks."""
    read = await each(page, "mrkdwn.js", list(MRKDWN), f"(text) => ({_FLAT})(it.parse(text))")
    assert dict(zip(MRKDWN, read, strict=True)) == MRKDWN


async def test_verbatim_text_turns_no_addresses_or_names_into_links(page: Tab) -> None:
    """What the bot marks verbatim pings nobody."""
    read = await each(page, "mrkdwn.js", list(VERBATIM), f"(text) => ({_FLAT})(it.parse(text, 'none'))")
    assert dict(zip(VERBATIM, read, strict=True)) == VERBATIM


async def test_date_tokens_are_filled_in_as_slack_documents_them(page: Tab) -> None:
    """An unknown token means the fallback."""
    at = "Date.UTC(2014, 1, 18, 14, 39, 42) / 1000, 'UTC', new Date(Date.UTC(2014, 1, 18, 20))"
    read = await each(page, "dates.js", list(DATES), f"(format) => it.fillTokens(format, {at})")
    assert dict(zip(DATES, read, strict=True)) == DATES


async def test_the_markdown_block_is_drawn_as_elements(page: Tab) -> None:
    """Never as HTML of the text's own."""
    draw = (
        "(text) => { const box = document.createElement('div');"
        f" box.append(...it.drawMarkdown(text, {_NOBODY}).flat(9)); return box.innerHTML; }}"
    )
    drawn = await each(page, "markdown.js", list(MARKDOWN), draw)
    assert dict(zip(MARKDOWN, drawn, strict=True)) == MARKDOWN


async def test_a_usage_hint_becomes_one_completion_for_each_of_its_words(page: Tab) -> None:
    """The page learns the commands from the app's manifest."""
    hint = "status [service] | where <#812 | sha> | help"
    command = json.dumps({"command": "/ship", "description": "Deploys", "usage_hint": hint})
    [lines] = await each(
        page, "completion.js", [""], f"() => it.offersOf([{command}]).map((one) => [one.command, one.usage])"
    )
    assert lines == [
        ["/ship", ""],
        ["/ship status", "[service]"],
        ["/ship where", "<#812 | sha>"],
        ["/ship help", ""],
    ]


async def test_text_that_means_harm_stays_text(page: Tab, sandbox: Sandbox) -> None:
    """A commit message can say anything; here it says it everywhere a message can."""
    settings = sandbox.environment()
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=settings["SLACK_BOT_TOKEN"], base_url=settings["SLACK_API_URL"], session=session, retry_handlers=[]
        )
        blocks: list[dict[str, Any]] = [
            {"type": "header", "text": {"type": "plain_text", "text": HOSTILE[:150]}},
            {"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": HOSTILE, "verbatim": True}]},
            {"type": "markdown", "text": HOSTILE},
        ]
        await client.chat_postMessage(channel="C0DEPLOYS", text=HOSTILE, blocks=blocks)
        await client.chat_postMessage(channel="C0DEPLOYS", text=HOSTILE)
    await page.click("[data-place=C0DEPLOYS]")
    await page.until("document.querySelectorAll('#log article').length === 2")
    found = "document.querySelectorAll('#log img, #log script, #log a[href^=javascript]').length"
    assert await page.evaluate(found) == 0
    assert await page.evaluate("document.title") == "Acme: sandbox, not Slack"


async def test_a_thread_with_the_app_takes_no_replies_where_its_conversation_takes_none(chromium: Chromium) -> None:
    """The manifest has the messages tab read-only; in a channel threads stay open."""
    async with Sandbox(rate_limits=False, manifest=Manifest(messages_read_only=True)) as world, chromium.tab() as page:
        settings = world.environment()
        async with aiohttp.ClientSession() as session:
            client = AsyncWebClient(
                token=settings["SLACK_BOT_TOKEN"], base_url=settings["SLACK_API_URL"], session=session
            )
            for channel in ("U0ANA", "C0DEPLOYS"):
                await client.chat_postMessage(channel=channel, text="Your change is live")
        await page.open(f"{world.url}/?as=ana#C0DEPLOYS")
        await page.hover("#log article")
        await page.click("#log [data-action=reply]")
        await page.sees("#thread-box textarea:enabled")
        await page.click("#thread-close")
        await page.click("#direct .place")
        await page.hover("#log article")
        await page.click("#log [data-action=reply]")
        await page.sees("#thread-box textarea:disabled")
        asked = "document.querySelector('#thread-box textarea').placeholder"
        assert await page.evaluate(asked) == "Sending messages to this app has been turned off."


async def test_a_burst_of_messages_is_drawn_to_its_end(page: Tab, sandbox: Sandbox) -> None:
    """Of a long list the end is drawn; what is earlier is a button away."""
    for number in range(600):
        await sandbox.slack.say("ben", f"message {number}", channel="#general")
    await page.sees("#log article", "message 599")
    assert await page.evaluate("document.querySelectorAll('#log article').length") <= 400
    await page.evaluate("document.querySelector('.earlier').click()")
    await page.until("document.querySelectorAll('#log article').length > 200")
