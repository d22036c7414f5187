"""What people do in the stand-in Slack reaches the app as from Slack: commands, clicks, events, modals."""

from __future__ import annotations

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.server import Sandbox
from bot.sandbox.slack_views import TRIGGER_SECONDS
from tests.adapters.slack_side import CARD, RecordingBot, refusal

# What people do


async def test_a_command_comes_signed_and_its_answer_is_shown_to_the_asker_alone(
    sandbox: Sandbox, recorder: RecordingBot
) -> None:
    recorder.answers.append(web.json_response({"text": "All is calm."}))
    answer = await sandbox.slack.command("ana", "/ship", "status", channel="#payments-deploys")
    assert answer.ok
    (command,) = recorder.received
    assert (command["command"], command["text"]) == ("/ship", "status")
    assert (command["user_id"], command["channel_id"], command["channel_name"]) == (
        "U0ANA",
        "C0PAYMENTS",
        "payments-deploys",
    )
    (message,) = sandbox.slack.messages("#payments-deploys")
    assert (message.text, message.ephemeral_for) == ("All is calm.", "U0ANA")


async def test_a_command_nobody_answers_well_is_told_by_slackbot(sandbox: Sandbox, recorder: RecordingBot) -> None:
    recorder.answers.append(web.Response(status=404))
    await sandbox.slack.command("ana", "/ship", "status", channel="#deploys")
    (message,) = sandbox.slack.messages("#deploys")
    assert (message.user, message.text) == ("USLACKBOT", '/ship failed with the error "dispatch_failed"')


async def test_a_response_url_works_five_times_and_whispers_unless_told_otherwise(
    sandbox: Sandbox, recorder: RecordingBot
) -> None:
    await sandbox.slack.command("ana", "/ship", "status", channel="#deploys")
    hook = AsyncWebhookClient(recorder.received[0]["response_url"])
    await hook.send(text="for you")
    await hook.send(text="for all", response_type="in_channel")
    statuses = [(await hook.send(text="more")).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 404]
    messages = sandbox.slack.messages("#deploys")
    assert [(one.text, one.ephemeral_for) for one in messages[:2]] == [("for you", "U0ANA"), ("for all", None)]


async def test_a_click_carries_the_whole_message_and_can_replace_it(
    sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot
) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD)
    await sandbox.slack.click("ben", "#deploys", posted["ts"], action_id="mute")
    (payload,) = recorder.received
    assert payload["type"] == "block_actions"
    assert (payload["user"]["id"], payload["actions"][0]["value"]) == ("U0BEN", "7")
    assert payload["message"]["ts"] == payload["container"]["message_ts"] == posted["ts"]
    await AsyncWebhookClient(payload["response_url"]).send(text="muted", replace_original=True)
    (message,) = sandbox.slack.messages("#deploys")
    assert (message.ts, message.text) == (posted["ts"], "muted")


async def test_choosing_an_option_sends_it_and_a_missing_button_is_a_mistake(
    sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot
) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD)
    await sandbox.slack.click("ben", "#deploys", posted["ts"], action_id="level", chosen="all")
    assert recorder.received[0]["actions"][0]["selected_option"]["value"] == "all"
    with pytest.raises(LookupError, match="mute"):
        await sandbox.slack.click("ben", "#deploys", posted["ts"], action_id="launch")


async def test_an_ephemeral_message_is_clicked_without_its_content_and_edited_by_its_response_url(
    sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot
) -> None:
    posted = await client.chat_postEphemeral(channel="C0DEPLOYS", user="U0ANA", text="you", blocks=CARD)
    await sandbox.slack.click("ana", "#deploys", posted["message_ts"], action_id="mute")
    (payload,) = recorder.received
    assert "message" not in payload
    assert payload["container"]["is_ephemeral"] is True
    await AsyncWebhookClient(payload["response_url"]).send(delete_original=True)
    assert sandbox.slack.messages("#deploys") == []


async def test_an_event_is_retried_with_the_same_id_until_it_is_acknowledged(
    sandbox: Sandbox, recorder: RecordingBot
) -> None:
    recorder.answers += [web.Response(status=500), web.Response(status=500)]
    statuses = await sandbox.slack.event({"type": "app_mention", "user": "U0ANA"}, retry_delays=(0, 0, 0))
    assert statuses == [500, 500, 200]
    assert len({body["event_id"] for body in recorder.received}) == 1
    assert recorder.headers[1]["X-Slack-Retry-Num"] == "1"
    assert recorder.headers[1]["X-Slack-Retry-Reason"] == "http_error"


async def test_a_mention_reaches_the_app_where_it_is_a_member(sandbox: Sandbox, recorder: RecordingBot) -> None:
    await sandbox.slack.say("ana", "<@U0SHIPMATE> hello", channel="#general")
    await sandbox.slack.say("ana", "<@U0SHIPMATE> hello", channel="#deploys")
    await sandbox.slack.until(lambda: recorder.received)
    assert [body["event"]["channel"] for body in recorder.received] == ["C0DEPLOYS"]


async def test_opening_the_home_tab_tells_the_app_and_shows_what_it_published(
    sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot
) -> None:
    assert await sandbox.slack.open_home("ana") == [200]
    assert recorder.received[0]["event"]["type"] == "app_home_opened"
    published = await client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": [{"type": "divider"}]})
    await sandbox.slack.open_home("ana")
    assert recorder.received[1]["event"]["view"]["hash"] == published["view"]["hash"]
    conflict = client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": []}, hash="old")
    assert (await refusal(conflict))["error"] == "hash_conflict"


async def test_a_trigger_opens_one_modal_once(sandbox: Sandbox, client: AsyncWebClient, recorder: RecordingBot) -> None:
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "Mute"}, "blocks": [{"type": "divider"}]}
    await sandbox.slack.command("ana", "/ship", "me", channel="#deploys")
    trigger = recorder.received[0]["trigger_id"]
    opened = await client.views_open(trigger_id=trigger, view=modal)
    assert opened["view"]["root_view_id"] == opened["view"]["id"]
    assert (await refusal(client.views_open(trigger_id=trigger, view=modal)))["error"] == "exchanged_trigger_id"
    assert (await refusal(client.views_open(trigger_id="1.2.3", view=modal)))["error"] == "invalid_trigger_id"
    sandbox.slack.views.patience = TRIGGER_SECONDS
    stale = sandbox.slack.views.trigger("U0ANA")
    sandbox.slack.views.triggers[stale].made -= 4
    assert (await refusal(client.views_open(trigger_id=stale, view=modal)))["error"] == "expired_trigger_id"


async def test_modals_stack_three_deep_and_an_old_hash_is_refused(sandbox: Sandbox, client: AsyncWebClient) -> None:
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "One"}, "blocks": [{"type": "divider"}]}
    first = await client.views_open(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=modal)
    second = await client.views_push(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=modal)
    assert second["view"]["previous_view_id"] == first["view"]["id"]
    await client.views_push(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=modal)
    fourth = client.views_push(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=modal)
    assert (await refusal(fourth))["error"] == "push_limit_reached"
    await client.views_update(view_id=first["view"]["id"], hash=first["view"]["hash"], view=modal)
    stale = client.views_update(view_id=first["view"]["id"], hash=first["view"]["hash"], view=modal)
    assert (await refusal(stale))["error"] == "hash_conflict"


async def test_a_modal_with_inputs_needs_a_submit_button(sandbox: Sandbox, client: AsyncWebClient) -> None:
    question = {
        "type": "input",
        "label": {"type": "plain_text", "text": "Why?"},
        "element": {"type": "plain_text_input"},
    }
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Mute"}, "blocks": [question]}
    answer = await refusal(client.views_open(trigger_id=sandbox.slack.views.trigger("U0ANA"), view=view))
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must define `submit` to use an `input` block in modals [json-pointer:/view]"
    ]
