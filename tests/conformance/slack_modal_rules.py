"""The rules of modals, each played by a person against a real Bolt app; and what such plays have in common."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack_views import TRIGGER_SECONDS
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


def row(name: str, page: str, play: Play, *without: str) -> Rule:
    """A row that is played."""
    return Rule(name=name, source=page, play=play, without=frozenset(without))


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
    stage.slack.views.patience = TRIGGER_SECONDS
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


_MODALS = "Slack docs: surfaces/modals"
_VIEW_PAYLOADS = "Slack docs: reference/interaction-payloads/view-interactions-payload"

MODAL_RULES: tuple[Rule, ...] = (
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
)
