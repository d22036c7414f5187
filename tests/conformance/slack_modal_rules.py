"""The rules of commands, clicks, modals, shortcuts and App Home, each played by a person against a real Bolt app."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack_manifest import Command as OfferedCommand
from bot.sandbox.slack_manifest import Manifest, Shortcut
from tests.conformance.slack_stage import Json, Play, Rule, Stage, call

PLAIN: Json = {"type": "plain_text", "text": "Lock"}
REASON: Json = {
    "type": "input",
    "block_id": "reason",
    "label": PLAIN,
    "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
}
HOURS: Json = {
    "type": "input",
    "block_id": "hours",
    "optional": True,
    "label": PLAIN,
    "element": {"type": "number_input", "action_id": "number", "is_decimal_allowed": False, "max_value": "72"},
}
SERVICE: Json = {
    "type": "section",
    "block_id": "service",
    "text": PLAIN,
    "accessory": {"type": "external_select", "action_id": "find", "min_query_length": 2},
}
MODAL: Json = {
    "type": "modal",
    "callback_id": "lock",
    "title": PLAIN,
    "submit": PLAIN,
    "private_metadata": "checkout",
    "blocks": [REASON, HOURS, SERVICE],
}
CARD: list[Json] = [
    {
        "type": "actions",
        "block_id": "buttons",
        "elements": [
            {"type": "button", "action_id": "mute", "value": "7", "text": PLAIN},
            {"type": "overflow", "action_id": "more", "options": [{"text": PLAIN, "value": "details"}]},
            {"type": "datepicker", "action_id": "until"},
            {"type": "checkboxes", "action_id": "ticks", "options": [{"text": PLAIN, "value": "a"}]},
        ],
    }
]


class Told:
    """What a Bolt listener was told, and how it answers."""

    def __init__(self, **answer: Any) -> None:
        self.bodies: list[Json] = []
        self.answer = answer

    async def hear(self, ack: AsyncAck, body: Json) -> None:
        """Remember and acknowledge."""
        self.bodies.append(body)
        await ack(**self.answer)

    @property
    def body(self) -> Json:
        """The last that came."""
        return self.bodies[-1]


async def opened(stage: Stage, view: Json = MODAL) -> str:
    """Open a modal before Ana; its id."""
    trigger = stage.slack.views.trigger("U0ANA")
    answer = await stage.client.views_open(trigger_id=trigger, view=view)
    return str(answer["view"]["id"])


async def carded(stage: Stage) -> str:
    """Post a card with elements to use; its timestamp."""
    return str((await stage.client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD))["ts"])


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


async def _late(stage: Stage) -> None:
    stage.slack.bot_url, stage.slack.patience = "http://127.0.0.1:9", 0.2
    await stage.slack.command("ana", "/ship", channel="#deploys")
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


# Modals


async def _submitted(stage: Stage) -> None:
    told = Told()
    stage.app.view("lock")(told.hear)
    view = await opened(stage)
    result = await stage.slack.submit("ana", view, {"reason": "red tests", "hours": 4})
    assert (result.action, stage.slack.modals("ana")) == ("close", [])
    shown = told.body["view"]
    assert shown["state"]["values"]["reason"]["text"] == {"type": "plain_text_input", "value": "red tests"}
    assert shown["state"]["values"]["hours"]["number"]["value"] == "4"
    assert (shown["private_metadata"], shown["callback_id"], told.body["user"]["id"]) == ("checkout", "lock", "U0ANA")


async def _incomplete(stage: Stage) -> None:
    view = await opened(stage)
    for values, faulty in (({}, "reason"), ({"reason": "x"}, "reason"), ({"reason": "red", "hours": 99}, "hours")):
        result = await stage.slack.submit("ana", view, values)
        assert (result.action, list(result.errors)) == ("incomplete", [faulty])
    assert stage.requests == []


async def _told_of_errors(stage: Stage) -> None:
    told = Told(response_action="errors", errors={"reason": "Say which tests."})
    stage.app.view("lock")(told.hear)
    result = await stage.slack.submit("ana", await opened(stage), {"reason": "red"})
    assert (result.action, result.errors) == ("errors", {"reason": "Say which tests."})
    assert len(stage.slack.modals("ana")) == 1


async def _misplaced_errors(stage: Stage) -> None:
    stage.app.view("lock")(Told(response_action="errors", errors={"service": "Not an input."}).hear)
    assert (await stage.slack.submit("ana", await opened(stage), {"reason": "red"})).action == "failed"


async def _updated(stage: Stage) -> None:
    second = MODAL | {"callback_id": "second", "blocks": [REASON]}
    stage.app.view("lock")(Told(response_action="update", view=second).hear)
    view = await opened(stage)
    result = await stage.slack.submit("ana", view, {"reason": "red"})
    assert result.action == "update"
    assert [(one["id"], one["callback_id"]) for one in stage.slack.modals("ana")] == [(view, "second")]


async def _pushed(stage: Stage) -> None:
    stage.app.view("lock")(Told(response_action="push", view=MODAL | {"callback_id": "second"}).hear)
    view = await opened(stage)
    result = await stage.slack.submit("ana", view, {"reason": "red"})
    assert result.view is not None
    assert (result.action, result.view["previous_view_id"], result.view["root_view_id"]) == ("push", view, view)


async def _submitted_above(stage: Stage) -> None:
    stage.app.view("lock")(Told().hear)
    below = await opened(stage)
    pushed = await stage.client.views_push(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
    result = await stage.slack.submit("ana", pushed["view"]["id"], {"reason": "red"})
    assert result.view is not None
    assert (result.action, result.view["id"]) == ("close", below)


async def _cleared(stage: Stage) -> None:
    stage.app.view("lock")(Told(response_action="clear").hear)
    await opened(stage)
    pushed = await stage.client.views_push(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
    assert (await stage.slack.submit("ana", pushed["view"]["id"], {"reason": "red"})).action == "clear"
    assert stage.slack.modals("ana") == []


async def _bad_update(stage: Stage) -> None:
    stage.app.view("lock")(Told(response_action="update", view={"type": "modal"}).hear)
    assert (await stage.slack.submit("ana", await opened(stage), {"reason": "red"})).action == "failed"
    assert len(stage.slack.modals("ana")) == 1


async def _nobody_listens(stage: Stage) -> None:
    result = await stage.slack.submit("ana", await opened(stage), {"reason": "red"})
    assert (result.action, result.answer.status) == ("failed", 404)


async def _kept(stage: Stage) -> None:
    told = Told()
    stage.app.view("lock")(told.hear)
    stage.app.action("mute")(told.hear)
    view = await opened(stage, MODAL | {"blocks": [REASON, *CARD]})
    await stage.slack.click_view("ana", view, action_id="mute", values={"reason": "red tests"})
    await stage.client.views_update(view_id=view, view=MODAL)
    assert (await stage.slack.submit("ana", view)).action == "close"
    assert told.body["view"]["state"]["values"]["reason"]["text"]["value"] == "red tests"


async def _hash_told(stage: Stage) -> None:
    told = Told()
    stage.app.view("lock")(told.hear)
    answer = await stage.client.views_open(trigger_id=stage.slack.views.trigger("U0ANA"), view=MODAL)
    await stage.slack.submit("ana", answer["view"]["id"], {"reason": "red"})
    assert told.body["view"]["hash"] == answer["view"]["hash"]


async def _closed(stage: Stage) -> None:
    told = Told()
    stage.app.view_closed("lock")(told.hear)
    view = await opened(stage, MODAL | {"notify_on_close": True})
    assert (await stage.slack.close("ana", view)).ok
    assert (told.body["view"]["id"], told.body["is_cleared"], stage.slack.modals("ana")) == (view, False, [])


async def _all_closed(stage: Stage) -> None:
    told = Told()
    stage.app.view_closed("lock")(told.hear)
    await opened(stage)
    trigger = stage.slack.views.trigger("U0ANA")
    pushed = await stage.client.views_push(trigger_id=trigger, view=MODAL | {"notify_on_close": True})
    await stage.slack.close("ana", pushed["view"]["id"], everything=True)
    assert (told.body["is_cleared"], stage.slack.modals("ana")) == (True, [])


async def _closed_quietly(stage: Stage) -> None:
    await stage.slack.close("ana", await opened(stage))
    assert (stage.requests, stage.slack.modals("ana")) == ([], [])


async def _trigger_once(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("ana", "/ship")
    first = await stage.call(call("views.open", trigger_id=told.body["trigger_id"], view=MODAL))
    again = await stage.call(call("views.open", trigger_id=told.body["trigger_id"], view=MODAL))
    assert (first["ok"], again.get("error")) == (True, "exchanged_trigger_id")


async def _trigger_late(stage: Stage) -> None:
    trigger = stage.slack.views.trigger("U0ANA")
    stage.slack.views.triggers[trigger].made -= 3.1
    answer = await stage.call(call("views.open", trigger_id=trigger, view=MODAL))
    assert answer["error"] == "expired_trigger_id"


async def _trigger_of_a_submission(stage: Stage) -> None:
    told = Told(response_action="clear")
    stage.app.view("lock")(told.hear)
    await stage.slack.submit("ana", await opened(stage), {"reason": "red"})
    await stage.client.views_open(trigger_id=told.body["trigger_id"], view=MODAL)
    assert len(stage.slack.modals("ana")) == 1


async def _response_urls(stage: Stage) -> None:
    told = Told()
    stage.app.view("lock")(told.hear)
    element = {"type": "conversations_select", "action_id": "where", "response_url_enabled": True}
    asked = {"type": "input", "block_id": "place", "label": PLAIN, "element": element}
    await stage.slack.submit("ana", await opened(stage, MODAL | {"blocks": [asked]}), {"where": "C0DEPLOYS"})
    (given,) = told.body["response_urls"]
    await AsyncWebhookClient(given["response_url"]).send(text="locked", response_type="in_channel")
    assert [one.text for one in stage.slack.messages("#deploys")] == ["locked"]


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


def row(name: str, page: str, play: Play, *without: str) -> Rule:
    """A row that is played."""
    return Rule(name=name, source=page, play=play, without=frozenset(without))


_COMMANDS = "Slack docs: interactivity/implementing-slash-commands"
_HANDLING = "Slack docs: interactivity/handling-user-interaction"
_MODALS = "Slack docs: surfaces/modals"
_VIEW_PAYLOADS = "Slack docs: reference/interaction-payloads/view-interactions-payload"
_ACTIONS = "Slack docs: reference/interaction-payloads/block_actions-payload"
_SHORTCUTS = "Slack docs: interactivity/implementing-shortcuts"
_HOME = "Slack docs: surfaces/app-home"

MODAL_RULES: tuple[Rule, ...] = (
    row("what a command is answered at once is for the asker alone", _COMMANDS, _whispered),
    row("a command that nobody takes failed", _COMMANDS, _unanswered),
    row("a command without an answer timed out", _COMMANDS, _late),
    row("should_escape makes names ids", _COMMANDS, _escaped),
    row("only the manifest's commands exist", "Slack docs: app manifest", _unknown_command),
    row("commands need their scope", "Slack docs: scopes/commands", _no_commands, "commands"),
    row("a private channel has no name in a command", _COMMANDS, _private_name),
    row("a response address works five times", _HANDLING, _five_uses),
    row("an ephemeral message cannot be made public", _HANDLING, _stays_ephemeral),
    row("a button tells its value and who used it", _ACTIONS, _button),
    row("an overflow tells the option", _ACTIONS, _chosen),
    row("a message's state holds what was chosen before", _ACTIONS, _state),
    row("an element of a view tells of the view and of no channel", _ACTIONS, _in_a_view),
    row("an external select asks the app from its least length on", "Slack docs: block_suggestion payload", _suggested),
    row("more than 100 options are none", "Slack docs: block_suggestion payload", _too_many_suggested),
    row("a submission carries what was filled in", _VIEW_PAYLOADS, _submitted),
    row("a required input is filled in before anything is sent", "Slack docs: block-kit/blocks/input", _incomplete),
    row("errors stand at their inputs and the modal stays", _MODALS, _told_of_errors),
    row("errors are for inputs only", _MODALS, _misplaced_errors),
    row("an update takes the modal's place", _MODALS, _updated),
    row("a push stands on the modal", _MODALS, _pushed),
    row("an empty answer closes the view and shows the one below", _MODALS, _submitted_above),
    row("clear closes all", _MODALS, _cleared),
    row("an update that breaks a rule changes nothing", _MODALS, _bad_update),
    row("a submission that nobody takes stays open", _MODALS, _nobody_listens),
    row("what was filled in stays where block and action are the same", _MODALS, _kept),
    row("a submission tells the view's hash", _VIEW_PAYLOADS, _hash_told),
    row("closing is told where it was asked for", _VIEW_PAYLOADS, _closed),
    row("the cross closes all and says so", _VIEW_PAYLOADS, _all_closed),
    row("closing is not told otherwise", _VIEW_PAYLOADS, _closed_quietly),
    row("a trigger works once", "Slack docs: views.open", _trigger_once),
    row("a trigger works for three seconds", "Slack docs: views.open", _trigger_late),
    row("a submission has a trigger, too", _VIEW_PAYLOADS, _trigger_of_a_submission),
    row("a chosen conversation gets a response address", _VIEW_PAYLOADS, _response_urls),
    row("a global shortcut has no channel", _SHORTCUTS, _global_shortcut),
    row("a message's shortcut has the message", _SHORTCUTS, _message_shortcut),
    row("only the manifest's shortcuts exist", "Slack docs: app manifest", _unknown_shortcut),
    row("opening App Home is told, with what was published", _HOME, _home),
    row("a home tab is updated as a view", "Slack docs: views.update", _home_updated),
    row("a home tab is enabled first", "Slack docs: views.publish", _home_off),
    row("a messages tab is enabled first", "Slack docs: chat.postMessage", _messages_off),
    row("a read-only messages tab takes nothing", _HOME, _read_only),
)
