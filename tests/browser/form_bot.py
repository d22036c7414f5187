"""A small Bolt app that uses every surface of Block Kit, so that the page can be tried where the bot has none yet.

It speaks to the stand-in Slack as any app does: signed requests in, slack_sdk out. ``/ship form`` opens the form,
``/ship stack`` a modal that another is pushed onto; its Home tab counts how often it was opened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox

Json = dict[str, Any]
DISHES = ("Porridge", "Pasta", "Paella", "Soup")


def words(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def option(text: str) -> Json:
    """An option whose value is its text in lower case."""
    return {"text": words(text), "value": text.lower()}


def labelled(block_id: str, label: str, element: Json, **more: Any) -> Json:
    """An input block; its element's action is called ``value``."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": words(label),
        "element": {"action_id": "value", **element},
        **more,
    }


FORM: list[Json] = [
    {
        "type": "section",
        "block_id": "intro",
        "text": {"type": "mrkdwn", "text": "What is for *lunch*?"},
        "accessory": {"type": "button", "action_id": "surprise", "text": words("Surprise me")},
    },
    labelled("name", "Name", {"type": "plain_text_input", "min_length": 2}, hint=words("As the cook shall call it")),
    labelled("guests", "Guests", {"type": "number_input", "is_decimal_allowed": False, "max_value": "12"}),
    labelled("mail", "Mail", {"type": "email_text_input"}, optional=True),
    labelled("day", "Day", {"type": "datepicker", "initial_date": "2027-03-04"}),
    labelled("hour", "Hour", {"type": "timepicker"}, optional=True),
    labelled("dish", "Dish", {"type": "external_select", "min_query_length": 2}),
    labelled("size", "Size", {"type": "static_select", "options": [option("Small"), option("Large")]}),
    labelled("cooks", "Cooks", {"type": "multi_users_select"}, optional=True),
    labelled("where", "Where", {"type": "conversations_select", "filter": {"include": ["public"]}}, optional=True),
    labelled("how", "How", {"type": "radio_buttons", "options": [option("Hot"), option("Cold")]}),
    labelled("extras", "Extras", {"type": "checkboxes", "options": [option("Bread"), option("Salt")]}, optional=True),
]


def modal(title: str, callback_id: str, blocks: list[Json], **more: Any) -> Json:
    """A modal with a submit button."""
    return {
        "type": "modal",
        "title": words(title),
        "callback_id": callback_id,
        "submit": words("Send"),
        "blocks": blocks,
        **more,
    }


def step(number: int) -> Json:
    """One view of the stack, with a button that puts the next one on it."""
    button = {"type": "button", "action_id": "deeper", "value": str(number + 1), "text": words("Deeper")}
    return modal(f"Step {number}", "step", [{"type": "actions", "block_id": "go", "elements": [button]}])


@dataclass
class FormBot:
    """What the app was told, for tests to look at."""

    opened: int = 0
    closed: list[str] = field(default_factory=list)
    submitted: list[Json] = field(default_factory=list)
    acted: list[Json] = field(default_factory=list)
    shortcuts: list[Json] = field(default_factory=list)


@asynccontextmanager
async def form_bot(sandbox: Sandbox) -> AsyncIterator[FormBot]:
    """Run the app in this world until the block is left."""
    settings = sandbox.environment()
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=settings["SLACK_BOT_TOKEN"], base_url=settings["SLACK_API_URL"], session=session, retry_handlers=[]
        )
        app = AsyncApp(client=client, signing_secret=settings["SLACK_SIGNING_SECRET"], process_before_response=True)
        told = FormBot()
        _views(app, told)
        _doors(app, told)

        async def slack(request: web.Request) -> web.StreamResponse:
            return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

        application = web.Application()
        application.router.add_post("/slack/events", slack)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
            yield told
        finally:
            await runner.cleanup()


def _views(app: AsyncApp, told: FormBot) -> None:
    @app.command("/ship")
    async def command(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        view = step(1) if body["text"] == "stack" else modal("Lunch", "lunch", FORM, notify_on_close=True)
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @app.view("lunch")
    async def lunch(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        values = {block: one["value"] for block, one in body["view"]["state"]["values"].items()}
        if values["name"]["value"] == "mud":
            await ack(response_action="errors", errors={"name": "Nobody eats mud"})
            return
        told.submitted.append(values)
        await ack()
        await client.chat_postMessage(channel="C0GENERAL", text=f"Lunch: {values['name']['value']}")

    @app.view_closed("lunch")
    async def closed(ack: AsyncAck, body: Json) -> None:
        told.closed.append(body["user"]["id"])
        await ack()

    @app.view("step")
    async def done(ack: AsyncAck) -> None:
        await ack(response_action="clear")

    @app.action("surprise")
    async def surprise(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        told.acted.append(body)
        said: Json = {"type": "section", "block_id": "said", "text": {"type": "mrkdwn", "text": "Dumplings, then."}}
        view = modal("Lunch", "lunch", [said, *FORM], notify_on_close=True)
        await client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=view)
        await ack()

    @app.action("deeper")
    async def deeper(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await client.views_push(trigger_id=body["trigger_id"], view=step(int(body["actions"][0]["value"])))
        await ack()

    @app.options("value")
    async def dishes(ack: AsyncAck, body: Json) -> None:
        await ack(options=[option(dish) for dish in DISHES if dish.lower().startswith(body["value"])])


def _doors(app: AsyncApp, told: FormBot) -> None:
    @app.event("app_home_opened")
    async def home(body: Json, client: AsyncWebClient) -> None:
        told.opened += 1
        header = {"type": "header", "text": words(f"Opened {told.opened} times")}
        button = {"type": "button", "action_id": "greet", "text": words("Greet me")}
        blocks = [header, {"type": "actions", "block_id": "row", "elements": [button]}]
        await client.views_publish(user_id=body["event"]["user"], view={"type": "home", "blocks": blocks})

    @app.action("greet")
    async def greet(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        blocks = [{"type": "header", "text": words(f"Hello {body['user']['name']}")}]
        await client.views_publish(user_id=body["user"]["id"], view={"type": "home", "blocks": blocks})
        await ack()

    @app.action("pick")
    async def pick(ack: AsyncAck, body: Json) -> None:
        told.acted.append(body)
        await ack()

    async def shortcut(ack: AsyncAck, body: Json) -> None:
        told.shortcuts.append(body)
        await ack()

    app.shortcut("lunch_now")(shortcut)
    app.shortcut("lunch_about_this")(shortcut)
