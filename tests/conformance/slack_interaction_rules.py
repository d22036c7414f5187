"""The rules of commands, response addresses, elements, shortcuts and App Home, each played against a real Bolt app."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack_manifest import Command as OfferedCommand
from bot.sandbox.slack_manifest import Manifest, Shortcut
from tests.conformance.slack_modal_rules import CARD, MODAL, PLAIN, REASON, Told, carded, opened, row
from tests.conformance.slack_stage import Rule, Stage, call

# Commands and response addresses


async def _whispered(stage: Stage) -> None:
    told = Told(text="All is calm.")
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("ana", "/ship", "status", channel="#deploys")
    (message,) = stage.slack.messages("#deploys")
    assert (told.body["text"], message.text, message.ephemeral_for) == ("status", "All is calm.", "U0ANA")


async def _unanswered(stage: Stage) -> None:
    await stage.slack.command("ana", "/ship", channel="#deploys")
    assert stage.slack.messages("#deploys")[0].text == '/ship failed with the error "dispatch_failed"'


async def _unreachable(stage: Stage) -> None:
    stage.slack.bot_url = "http://127.0.0.1:9"
    await stage.slack.command("ana", "/ship", channel="#deploys")
    assert stage.slack.messages("#deploys")[0].text == '/ship failed with the error "dispatch_failed"'


async def _late(stage: Stage) -> None:
    told = asyncio.Event()

    async def dawdle(ack: Any) -> None:
        await told.wait()
        await ack()

    stage.app.command("/ship")(dawdle)
    stage.slack.patience = 0.05
    await stage.slack.command("ana", "/ship", channel="#deploys")
    told.set()
    assert stage.slack.messages("#deploys")[0].text == '/ship failed with the error "operation_timeout"'


async def _escaped(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    stage.slack.manifest = Manifest(commands=(OfferedCommand(command="/ship", should_escape=True),))
    await stage.slack.command("ana", "/ship", "watch @ben in #deploys & <x>", channel="#deploys")
    assert told.body["text"] == "watch <@U0BEN|ben> in <#C0DEPLOYS|deploys> &amp; &lt;x&gt;"


async def _unknown_command(stage: Stage) -> None:
    stage.slack.manifest = Manifest(commands=(OfferedCommand(command="/ship"),))
    with pytest.raises(LookupError, match="/ship"):
        await stage.slack.command("ana", "/shop")
    assert stage.requests == []


async def _no_commands(stage: Stage) -> None:
    with pytest.raises(LookupError, match="commands"):
        await stage.slack.command("ana", "/ship")


async def _private_name(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("dee", "/ship", channel="#payments-leads")
    assert (told.body["channel_id"], told.body["channel_name"]) == ("C0LEADS", "privategroup")


async def _five_uses(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("ana", "/ship", channel="#deploys")
    hook = AsyncWebhookClient(told.body["response_url"])
    assert [(await hook.send(text="x")).status_code for _ in range(6)] == [200] * 5 + [404]


async def _stays_ephemeral(stage: Stage) -> None:
    told = Told()
    stage.app.action("mute")(told.hear)
    whispered = await stage.client.chat_postEphemeral(channel="C0DEPLOYS", user="U0ANA", text="x", blocks=CARD)
    await stage.slack.click("ana", "#deploys", whispered["message_ts"], action_id="mute")
    hook = AsyncWebhookClient(told.body["response_url"])
    await hook.send(text="muted", replace_original=True, response_type="in_channel")
    (message,) = stage.slack.messages("#deploys")
    assert (message.text, message.ephemeral_for, "message" in told.body) == ("muted", "U0ANA", False)


async def _replaced_and_deleted(stage: Stage) -> None:
    told = Told()
    stage.app.action("mute")(told.hear)
    await stage.slack.click("ana", "#deploys", await carded(stage), action_id="mute")
    hook = AsyncWebhookClient(told.body["response_url"])
    await hook.send(text="muted", replace_original=True)
    assert [(one.text, one.blocks, one.edit_mark) for one in stage.slack.messages("#deploys")] == [("muted", [], False)]
    await hook.send_dict({"delete_original": True})
    assert stage.slack.messages("#deploys") == []


async def _half_an_hour(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("ana", "/ship", channel="#deploys")
    for given in stage.slack.responses.addresses.values():
        given.made -= 30 * 60
    answer = await AsyncWebhookClient(told.body["response_url"]).send(text="x")
    assert (answer.status_code, "expired_url" in answer.body) == (404, True)


async def _bad_response(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("ana", "/ship", channel="#deploys")
    hook = AsyncWebhookClient(told.body["response_url"])
    assert [(await hook.send(blocks=[{"type": "sparkle"}])).status_code, (await hook.send_dict({})).status_code] == [
        400
    ] * 2


# Elements


async def _button(stage: Stage) -> None:
    told = Told()
    stage.app.action("mute")(told.hear)
    await stage.slack.click("ben", "#deploys", await carded(stage), action_id="mute")
    action = told.body["actions"][0]
    assert (action["value"], action["block_id"], told.body["user"]["id"]) == ("7", "buttons", "U0BEN")


async def _chosen(stage: Stage) -> None:
    told = Told()
    stage.app.action("more")(told.hear)
    await stage.slack.click("ben", "#deploys", await carded(stage), action_id="more", chosen="details")
    assert told.body["actions"][0]["selected_option"]["value"] == "details"


async def _state(stage: Stage) -> None:
    told = Told()
    for name in ("until", "mute"):
        stage.app.action(name)(told.hear)
    ts = await carded(stage)
    await stage.slack.click("ben", "#deploys", ts, action_id="until", choice={"selected_date": "2027-01-02"})
    await stage.slack.click("ben", "#deploys", ts, action_id="mute", values={"ticks": ["a"]})
    values = told.body["state"]["values"]["buttons"]
    assert values["until"] == {"type": "datepicker", "selected_date": "2027-01-02"}
    assert [one["value"] for one in values["ticks"]["selected_options"]] == ["a"]


async def _in_a_view(stage: Stage) -> None:
    told = Told()
    stage.app.action("mute")(told.hear)
    view = await opened(stage, MODAL | {"blocks": [REASON, *CARD]})
    await stage.slack.click_view("ana", view, action_id="mute", values={"reason": "red"})
    assert told.body["container"] == {"type": "view", "view_id": view}
    assert told.body["view"]["state"]["values"]["reason"]["text"]["value"] == "red"
    assert "response_url" not in told.body
    assert "message" not in told.body


async def _suggested(stage: Stage) -> None:
    told = Told(options=[{"text": PLAIN, "value": "checkout"}])
    stage.app.options("find")(told.hear)
    submitted = Told()
    stage.app.view("lock")(submitted.hear)
    view = await opened(stage)
    assert (await stage.slack.suggest("ana", "c", action_id="find", view_id=view)).values == []
    assert (await stage.slack.suggest("ana", "che", action_id="find", view_id=view)).values == ["checkout"]
    assert [body["value"] for body in told.bodies] == ["che"]
    await stage.slack.submit("ana", view, {"reason": "red", "find": "checkout"})
    chosen = submitted.body["view"]["state"]["values"]["service"]["find"]
    assert chosen["selected_option"] == {"text": PLAIN, "value": "checkout"}


async def _too_many_suggested(stage: Stage) -> None:
    stage.app.options("find")(Told(options=[{"text": PLAIN, "value": str(n)} for n in range(101)]).hear)
    view = await opened(stage)
    assert (await stage.slack.suggest("ana", "che", action_id="find", view_id=view)).values == []


# Shortcuts and App Home


async def _global_shortcut(stage: Stage) -> None:
    told = Told()
    stage.app.global_shortcut("promote")(told.hear)
    assert (await stage.slack.shortcut("ana", "promote")).ok
    assert {"channel", "response_url"}.isdisjoint(told.body)
    await stage.client.views_open(trigger_id=told.body["trigger_id"], view=MODAL)


async def _message_shortcut(stage: Stage) -> None:
    told = Told()
    stage.app.message_shortcut("incident")(told.hear)
    said = await stage.slack.say("ben", "checkout is slow", channel="#deploys")
    assert (await stage.slack.shortcut("ana", "incident", message=("#deploys", said.ts))).ok
    assert (told.body["message"]["text"], told.body["message_ts"]) == ("checkout is slow", said.ts)
    assert (told.body["channel"]["id"], told.body["message"]["user"]) == ("C0DEPLOYS", "U0BEN")


async def _unknown_shortcut(stage: Stage) -> None:
    stage.slack.manifest = Manifest(shortcuts=(Shortcut(name="Lock", type="global", callback_id="lock"),))
    with pytest.raises(LookupError, match="lock"):
        await stage.slack.shortcut("ana", "promote")


async def _home(stage: Stage) -> None:
    told = Told()
    stage.app.event("app_home_opened")(told.hear)
    assert await stage.slack.open_home("ana") == [200]
    await stage.client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": CARD})
    assert await stage.slack.open_home("ana") == [200]
    first, second = (body["event"] for body in told.bodies)
    home = stage.slack.home("ana")
    assert home is not None
    assert ("view" in first, second["view"]["hash"], second["tab"]) == (False, home["hash"], "home")


async def _home_updated(stage: Stage) -> None:
    published = await stage.client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": CARD})
    await stage.client.views_update(view_id=published["view"]["id"], view={"type": "home", "blocks": []})
    home = stage.slack.home("ana")
    assert home is not None
    assert (home["id"], home["blocks"]) == (published["view"]["id"], [])


async def _home_off(stage: Stage) -> None:
    stage.slack.manifest = Manifest(home_tab=False)
    answer = await stage.call(call("views.publish", user_id="U0ANA", view={"type": "home", "blocks": []}))
    assert answer["error"] == "not_enabled"


async def _messages_off(stage: Stage) -> None:
    stage.slack.manifest = Manifest(messages_tab=False)
    answer = await stage.call(call("chat.postMessage", channel="U0ANA", text="x"))
    assert answer["error"] == "messages_tab_disabled"


async def _read_only(stage: Stage) -> None:
    stage.slack.manifest = Manifest(messages_read_only=True)
    with pytest.raises(LookupError, match="read-only"):
        await stage.slack.say("ana", "hello?", channel="dm")


_COMMANDS = "Slack docs: interactivity/implementing-slash-commands"
_HANDLING = "Slack docs: interactivity/handling-user-interaction"
_ACTIONS = "Slack docs: reference/interaction-payloads/block_actions-payload"
_SHORTCUTS = "Slack docs: interactivity/implementing-shortcuts"
_HOME = "Slack docs: surfaces/app-home"

INTERACTION_RULES: tuple[Rule, ...] = (
    row("what a command is answered at once is for the asker alone", _COMMANDS, _whispered),
    row("a command that nobody takes failed", _COMMANDS, _unanswered),
    row("a command that reaches nobody failed", "slackapi/bolt-js#2216", _unreachable),
    row("a command without an answer in time timed out", _COMMANDS, _late),
    row("should_escape makes names ids", _COMMANDS, _escaped),
    row("only the manifest's commands exist", "Slack docs: app manifest", _unknown_command),
    row("commands need their scope", "Slack docs: scopes/commands", _no_commands, "commands"),
    row("a private channel has no name in a command", _COMMANDS, _private_name),
    row("a response address works five times", _HANDLING, _five_uses),
    row("a response address works for half an hour", _HANDLING, _half_an_hour),
    row("a response address replaces and deletes what it came from", _HANDLING, _replaced_and_deleted),
    row("what a response address takes keeps the rules of messages", _HANDLING, _bad_response),
    row("an ephemeral message cannot be made public", _HANDLING, _stays_ephemeral),
    row("a button tells its value and who used it", _ACTIONS, _button),
    row("an overflow tells the option", _ACTIONS, _chosen),
    row("a message's state holds what was chosen before", _ACTIONS, _state),
    row("an element of a view tells of the view and of no channel", _ACTIONS, _in_a_view),
    row("an external select asks the app from its least length on", "Slack docs: block_suggestion payload", _suggested),
    row("more than 100 options are none", "Slack docs: block_suggestion payload", _too_many_suggested),
    row("a global shortcut has no channel", _SHORTCUTS, _global_shortcut),
    row("a message's shortcut has the message", _SHORTCUTS, _message_shortcut),
    row("only the manifest's shortcuts exist", "Slack docs: app manifest", _unknown_shortcut),
    row("opening App Home is told, with what was published", _HOME, _home),
    row("a home tab is updated as a view", "Slack docs: views.update", _home_updated),
    row("a home tab is enabled first", "Slack docs: views.publish", _home_off),
    row("a messages tab is enabled first", "Slack docs: chat.postMessage", _messages_off),
    row("a read-only messages tab takes nothing", _HOME, _read_only),
)
