"""Modals, the Home tab, shortcuts and selects in the sandbox's page, with an app of our own on Bolt, in a real browser.

What the app is told is what Slack would tell it: the rules are those of docs.slack.dev (Modals, Block Kit elements,
App Home, Shortcuts), and Bolt itself checks each signature.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from bot.sandbox.slack_manifest import Command, Manifest, Shortcut
from tests.browser.chromium import Chromium, Tab
from tests.browser.form_bot import FORM, FormBot, Json, form_bot, modal, option, words
from tests.conftest import unhurried

pytestmark = pytest.mark.browser

MANIFEST = Manifest(
    commands=(Command(command="/ship", description="Ship lunch", usage_hint="form | stack"),),
    shortcuts=(
        Shortcut(name="Lunch now", type="global", callback_id="lunch_now", description="Why wait?"),
        Shortcut(name="Lunch about this", type="message", callback_id="lunch_about_this"),
    ),
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A world in which the app has shortcuts."""
    async with unhurried(manifest=MANIFEST) as world:
        yield world


@pytest.fixture
async def app(sandbox: Sandbox) -> AsyncIterator[FormBot]:
    """The app, connected."""
    async with form_bot(sandbox) as running:
        yield running


@pytest.fixture
async def page(chromium: Chromium, sandbox: Sandbox, app: FormBot) -> AsyncIterator[Tab]:
    """Ana's page, in #general."""
    async with chromium.tab() as tab:
        await tab.open(f"{sandbox.url}/?as=ana#C0GENERAL")
        yield tab


def block(name: str, inside: str = "") -> str:
    """The selector of an input block in the open modal."""
    return f".modal [data-block={name}] {inside}".strip()


async def command(page: Tab, text: str) -> None:
    """Give a slash command."""
    await page.write("#message-box textarea", text)
    await page.press("Enter")


async def pick(page: Tab, name: str, typed: str, choice: str) -> None:
    """Choose in a select menu by typing part of a choice."""
    await page.click(block(name, ".picker"))
    await page.type(typed)
    await page.sees(".choice.at", choice)
    await page.press("Enter")


async def test_a_form_is_filled_in_and_every_value_reaches_the_app(page: Tab, app: FormBot) -> None:
    """Each element's value arrives in the shape Slack documents for it, and the modal closes."""
    await command(page, "/ship form")
    await page.sees(".modal", "Lunch")
    await page.type("Risotto")  # the first input has the focus
    await page.write(block("guests", ".field"), "3")
    await page.write(block("mail", ".field"), "ana@example.com")
    await page.choose(block("hour", "input"), "12:30")
    await pick(page, "dish", "pa", "Pasta")
    await pick(page, "size", "la", "Large")
    await pick(page, "cooks", "chi", "Chi Nguyen")
    await page.press("Escape")
    await page.misses(".picker-panel")
    await pick(page, "where", "gen", "#general")
    await page.click(block("how", "label"), "Cold")
    await page.click(block("extras", "label"), "Salt")
    await page.click(".modal-submit", "Send")
    await page.misses(".modal")
    await page.sees("#log article", "Lunch: Risotto")
    [told] = app.submitted
    assert told["name"] == {"type": "plain_text_input", "value": "Risotto"}
    assert told["guests"] == {"type": "number_input", "value": "3"}
    assert told["mail"] == {"type": "email_text_input", "value": "ana@example.com"}
    assert told["day"] == {"type": "datepicker", "selected_date": "2027-03-04"}
    assert told["hour"] == {"type": "timepicker", "selected_time": "12:30"}
    assert told["dish"]["selected_option"]["value"] == "pasta"
    assert told["size"]["selected_option"]["value"] == "large"
    assert told["cooks"] == {"type": "multi_users_select", "selected_users": ["U0CHI"]}
    assert told["where"] == {"type": "conversations_select", "selected_conversation": "C0GENERAL"}
    assert told["how"]["selected_option"]["value"] == "cold"
    assert [one["value"] for one in told["extras"]["selected_options"]] == ["salt"]


async def test_what_is_missing_or_wrong_is_said_under_its_input_and_nothing_typed_is_lost(
    page: Tab, app: FormBot
) -> None:
    """First what Slack's client refuses by itself, then what the app says of it."""
    await command(page, "/ship form")
    await page.write(block("guests", ".field"), "three")
    await page.click(".modal-submit")
    await page.sees(block("name", ".input-error"))
    await page.sees(block("guests", ".input-error"))
    await page.sees(block("dish", ".input-error"))
    assert await page.evaluate(f"document.querySelector({block('guests', '.field')!r}).value") == "three"
    await page.write(block("guests", ".field"), "3")
    await page.write(block("name", ".field"), "mud")
    await pick(page, "dish", "so", "Soup")
    await pick(page, "size", "sm", "Small")
    await page.click(block("how", "label"), "Hot")
    await page.click(".modal-submit")
    await page.sees(block("name", ".input-error"), "Nobody eats mud")
    await page.sees(block("size", ".picker"), "Small")
    assert app.submitted == []
    await page.write(block("name", ".field"), "Bread")
    await page.click(".modal-submit")
    await page.misses(".modal")
    assert app.submitted[0]["name"]["value"] == "Bread"


async def test_a_button_in_a_modal_updates_it_and_what_was_typed_stays(page: Tab, app: FormBot) -> None:
    """Slack keeps an input's value where block and action keep their ids; the app sees it in the view's state."""
    await command(page, "/ship form")
    await page.write(block("name", ".field"), "Dumplings")
    await page.click(".modal .block-button", "Surprise me")
    await page.sees(".modal", "Dumplings, then.")
    assert await page.evaluate(f"document.querySelector({block('name', '.field')!r}).value") == "Dumplings"
    state: Json = app.acted[0]["view"]["state"]["values"]
    assert state["name"]["value"]["value"] == "Dumplings"


async def test_whoever_is_typing_goes_on_typing_there_when_the_app_updates_the_modal(
    page: Tab, sandbox: Sandbox
) -> None:
    """Each input of this form has the same action id: the block tells them apart. The caret stays as well."""
    await command(page, "/ship form")
    await page.write(block("mail", ".field"), "ana@example.com")
    await page.write(block("name", ".field"), "Rsotto")
    await page.evaluate("document.activeElement.setSelectionRange(1, 1)")
    view = sandbox.slack.modals("ana")[-1]
    said: Json = {"type": "section", "block_id": "said", "text": {"type": "mrkdwn", "text": "Changed meanwhile."}}
    client = AsyncWebClient(token=sandbox.slack.bot_token, base_url=f"{sandbox.url}/api/")
    await client.views_update(view_id=view["id"], view=modal("Lunch", "lunch", [*FORM[:1], FORM[3], FORM[1], said]))
    await page.sees(".modal", "Changed meanwhile.")
    await page.type("i")
    assert await page.evaluate(f"document.querySelector({block('name', '.field')!r}).value") == "Risotto"
    assert await page.evaluate(f"document.querySelector({block('mail', '.field')!r}).value") == "ana@example.com"


async def test_cancelling_tells_the_app_that_wanted_to_know(page: Tab, app: FormBot, sandbox: Sandbox) -> None:
    """notify_on_close."""
    await command(page, "/ship form")
    await page.click(".modal-close", "Cancel")
    await page.misses(".modal")
    await sandbox.slack.until(lambda: app.closed == ["U0ANA"])


async def test_a_modal_is_seen_by_the_person_who_opened_it_only(page: Tab) -> None:
    """It waits for them while somebody else is looked at."""
    await command(page, "/ship stack")
    await page.sees(".modal", "Step 1")
    await page.evaluate("document.querySelector('#me').value = 'U0BEN'")
    await page.evaluate("document.querySelector('#me').dispatchEvent(new Event('change'))")
    await page.misses(".modal")
    await page.choose("#me", "U0ANA")
    await page.sees(".modal", "Step 1")


async def test_views_are_stacked_and_closed_one_by_one_or_all_at_once(page: Tab) -> None:
    """Escape and Back leave the one on top; the cross leaves them all."""
    await command(page, "/ship stack")
    await page.click(".modal .block-button", "Deeper")
    await page.sees(".modal", "Step 2")
    await page.click(".modal .block-button", "Deeper")
    await page.sees(".modal", "3 of 3 deep")
    await page.press("Escape")
    await page.sees(".modal", "Step 2")
    await page.click("[aria-label='Back to the view below']")
    await page.sees(".modal", "Step 1")
    await page.click(".modal .block-button", "Deeper")
    await page.sees(".modal", "Step 2")
    await page.click(".modal [aria-label=Close]")
    await page.misses(".modal")


async def test_a_submission_that_the_app_does_not_take_leaves_the_modal_open_with_slacks_own_words(
    page: Tab, sandbox: Sandbox
) -> None:
    """Nothing typed is lost to a bot that is away."""
    await command(page, "/ship stack")
    await page.sees(".modal", "Step 1")
    sandbox.connect("http://127.0.0.1:9")
    await page.click(".modal-submit")
    await page.sees(".modal-trouble", "We had some trouble connecting. Try again?")
    await page.sees(".modal", "Step 1")


async def test_the_home_tab_is_published_when_it_is_opened_and_its_buttons_work(page: Tab, app: FormBot) -> None:
    """It is asked for anew each time, by app_home_opened."""
    await page.click("#direct .place")
    await page.click("#home-tab")
    await page.sees("#home", "Opened 1 times")
    await page.click("#messages-tab")
    await page.misses("#home")
    await page.click("#home-tab")
    await page.sees("#home", "Opened 2 times")
    await page.click("#home .block-button", "Greet me")
    await page.sees("#home", "Hello ana")


async def test_shortcuts_are_offered_beside_the_message_box_and_on_each_message(
    page: Tab, app: FormBot, sandbox: Sandbox
) -> None:
    """A message shortcut carries its message."""
    message = await sandbox.slack.say("ben", "What is for lunch?", channel="#general")
    await page.click("#shortcuts")
    await page.click(".menu button", "Lunch now")
    await page.hover("#log article", "What is for lunch?")
    await page.click("#log [data-action=more]")
    await page.click(".menu button", "Lunch about this")
    await sandbox.slack.until(lambda: len(app.shortcuts) == 2)
    assert [one["type"] for one in app.shortcuts] == ["shortcut", "message_action"]
    assert app.shortcuts[1]["message"]["ts"] == message.ts


async def test_elements_of_a_message_act_at_once_and_ask_first_where_they_should(
    page: Tab, app: FormBot, sandbox: Sandbox
) -> None:
    """Selects, overflow menus, checkboxes and dates send what Slack sends; a confirmation can be declined."""
    confirm = {
        "title": words("Sure?"),
        "text": words("It cannot be undone."),
        "confirm": words("Do it"),
        "deny": words("No"),
    }
    overflow: Json = {"type": "overflow", "options": [option("More"), option("Less")]}
    select: Json = {"type": "static_select", "options": [option("Red"), option("Blue")], "confirm": confirm}
    date: Json = {"type": "datepicker"}
    boxes: Json = {"type": "checkboxes", "options": [option("Left"), option("Right")]}
    elements: dict[str, Json] = {"overflow": overflow, "select": select, "date": date, "boxes": boxes}
    blocks: list[Json] = [
        {"type": "actions", "block_id": name, "elements": [{"action_id": "pick", **element}]}
        for name, element in elements.items()
    ]
    settings = sandbox.environment()
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=settings["SLACK_BOT_TOKEN"], base_url=settings["SLACK_API_URL"], session=session, retry_handlers=[]
        )
        await client.chat_postMessage(channel="C0DEPLOYS", text="Choose", blocks=blocks)
    await page.click("[data-place=C0DEPLOYS]")
    await page.click("#log .overflow-button")
    await page.click(".menu button", "Less")
    await page.click("#log .picker")
    await page.click(".choice", "Blue")
    await page.click(".confirm .block-button", "No")
    await page.sees("#log .picker", "Choose an option")
    await page.click("#log .picker")
    await page.click(".choice", "Red")
    await page.click(".confirm .block-button", "Do it")
    await page.sees("#log .picker", "Red")
    await page.choose("#log input[type=date]", "2027-05-06")
    await page.click("#log .block-choices label", "Right")
    await sandbox.slack.until(lambda: len(app.acted) == 4)
    did = {one["actions"][0]["block_id"]: one["actions"][0] for one in app.acted}
    assert did["overflow"]["selected_option"]["value"] == "less"
    assert did["select"]["selected_option"]["value"] == "red"
    assert did["date"]["selected_date"] == "2027-05-06"
    assert [one["value"] for one in did["boxes"]["selected_options"]] == ["right"]
