"""The rules of commands, response addresses, elements, shortcuts and App Home, each played against a real Bolt app."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack_manifest import Command as OfferedCommand
from bot.sandbox.slack_manifest import Manifest, Shortcut
from tests.conformance.slack_modal_rules import CARD, MODAL, PLAIN, REASON, Told, carded, opened, row
from tests.conformance.slack_stage import Json, Rule, Stage, call

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
    hook = AsyncWebhookClient(told.body["response_url"])
    stage.sandbox.clock.turn(by=timedelta(minutes=29))
    assert (await hook.send(text="x")).status_code == 200
    stage.sandbox.clock.turn(by=timedelta(minutes=1))
    answer = await hook.send(text="x")
    assert (answer.status_code, "expired_url" in answer.body) == (404, True)


async def _gone(stage: Stage) -> None:
    told = Told()
    stage.app.action("mute")(told.hear)
    for whispered in (False, True):
        posted = await stage.client.chat_postEphemeral(channel="C0DEPLOYS", user="U0ANA", text="x", blocks=CARD)
        ts = posted["message_ts"] if whispered else await carded(stage)
        await stage.slack.click("ana", "#deploys", ts, action_id="mute")
        hook = AsyncWebhookClient(told.body["response_url"])
        changes: list[Json] = [{"delete_original": True}] * 2 + [{"replace_original": True, "text": "muted"}]
        assert [(await hook.send_dict(change)).status_code for change in changes] == [200, 400, 400]


async def _faulty_address(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("ana", "/ship", channel="#deploys")
    hook = AsyncWebhookClient(told.body["response_url"], retry_handlers=[])
    for kind, status in (("ratelimited", 429), ("http_500", 500)):
        stage.slack.fault(kind, method="response_url", times=1)
        assert (await hook.send(text="x")).status_code == status
    assert stage.slack.messages("#deploys") == []
    stage.slack.fault("accept_then_cut", channel="#deploys", times=1)
    with pytest.raises(aiohttp.ClientError):
        await hook.send(text="once")
    assert [one.text for one in stage.slack.messages("#deploys")] == ["once"]
    assert [one.status for one in stage.slack.calls if one.method == "response_url"] == [429, 500, 0]


async def _attached(stage: Stage) -> None:
    stage.app.command("/ship")(Told(attachments=[{"text": "details"}]).hear)
    await stage.slack.command("ana", "/ship", channel="#deploys")
    assert [one.attachments for one in stage.slack.messages("#deploys")] == [[{"text": "details"}]]


async def _nothing_to_show(stage: Stage) -> None:
    stage.app.command("/ship")(Told(response_type="in_channel").hear)
    assert (await stage.slack.command("ana", "/ship", channel="#deploys")).ok
    assert stage.slack.messages("#deploys") == []


async def _bad_answer(stage: Stage) -> None:
    stage.app.command("/ship")(Told(text="x", blocks=[{"type": "sparkle"}]).hear)
    await stage.slack.command("ana", "/ship", channel="#deploys")
    assert stage.slack.messages("#deploys")[0].text == '/ship failed with the error "invalid_blocks"'


async def _bad_response(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("ana", "/ship", channel="#deploys")
    hook = AsyncWebhookClient(told.body["response_url"])
    bad: list[Json] = [{"blocks": [{"type": "sparkle"}]}, {"blocks": "sparkle"}, {"blocks": {"a": 1}}, {}]
    assert [(await hook.send_dict(body)).status_code for body in bad] == [400] * 4


# Who sees what


async def _not_theirs(stage: Stage) -> None:
    whispered = await stage.client.chat_postEphemeral(channel="C0DEPLOYS", user="U0ANA", text="x", blocks=CARD)
    with pytest.raises(LookupError, match="none that ben can see"):
        await stage.slack.click("ben", "#deploys", whispered["message_ts"], action_id="mute")
    with pytest.raises(LookupError, match="is private"):
        await stage.slack.command("ben", "/ship", channel="#payments-leads")
    assert stage.requests == []


async def _replied(stage: Stage) -> None:
    parent = await stage.slack.say("ana", "is it live?", channel="#deploys")
    first = await stage.slack.say("ben", "yes", channel="#deploys", thread_ts=parent.ts)
    await stage.slack.say("ana", "thanks", channel="#deploys", thread_ts=first.ts)
    assert [one.text for one in stage.slack.replies("C0DEPLOYS", parent.ts)] == ["yes", "thanks"]
    with pytest.raises(LookupError, match=r"there is no message 1\.1"):
        await stage.slack.say("ana", "hello?", channel="#deploys", thread_ts="1.1")


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
    row("a command is answered by attachments, too", _COMMANDS, _attached),
    row("an answer without anything to show is a mere acknowledgement", _COMMANDS, _nothing_to_show),
    row("an answer that breaks a rule is told as one", "ours: not documented", _bad_answer),
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
    row("a message that is gone is neither deleted nor replaced", "ours: not documented", _gone),
    row("a response address has its faults, too", "Slack docs: apis/web-api/rate-limits", _faulty_address),
    row("an ephemeral message cannot be made public", _HANDLING, _stays_ephemeral),
    row("nobody uses what they do not see", "Slack docs: chat.postEphemeral, conversations", _not_theirs),
    row("people reply in threads that are there", "Slack docs: messaging", _replied),
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
