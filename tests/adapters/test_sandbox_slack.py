"""The stand-in Slack keeps messages, channels and people as Slack does, towards Slack's own client.

Rules are those of docs.slack.dev; the reports a few come from are named in the code. Time-outs are never asserted.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.adapters.slack_side import CARD, client_of, refusal

# Posting


async def test_a_message_is_posted_to_a_channel_by_its_name_and_to_a_person_by_id(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="#payments-deploys", text="one")
    direct = await client.chat_postMessage(channel="U0ANA", text="two")
    assert (posted["channel"], direct["channel"]) == ("C0PAYMENTS", "D0ANA")
    assert [one.text for one in sandbox.slack.messages("#payments-deploys")] == ["one"]
    assert [one.text for one in sandbox.slack.direct_messages("ana")] == ["two"]


async def test_timestamps_are_unique_and_increase_within_a_channel(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel="C0DEPLOYS", text="x"))["ts"] for _ in range(20)]
    assert stamps == sorted(set(stamps))


async def test_slack_gives_every_block_an_id_and_says_the_message_back(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD)
    blocks = posted["message"]["blocks"]
    assert all(block["block_id"] for block in blocks)
    assert posted["message"]["bot_id"] == "B0SHIPMATE"


async def test_a_text_over_4000_characters_is_posted_as_several_messages(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel="C0DEPLOYS", text="x" * 9000)
    assert [len(one.text) for one in sandbox.slack.messages("#deploys")] == [4000, 4000, 1000]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ({"channel": "#payments-leads", "text": "x"}, "channel_not_found"),
        ({"channel": "U0NOBODY", "text": "x"}, "channel_not_found"),
        ({"channel": "#old-deploys", "text": "x"}, "is_archived"),
        ({"channel": "#deploys"}, "no_text"),
        ({"channel": "#deploys", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": "#deploys", "text": "x", "blocks": "{not json"}, "invalid_blocks_format"),
        ({"channel": "#deploys", "text": "x", "blocks": [{"type": "sparkle"}]}, "invalid_blocks"),
        ({"channel": "#deploys", "text": "x", "metadata": {"event_type": "card"}}, "invalid_metadata_schema"),
        ({"channel": "#deploys", "text": "x", "metadata": "nonsense"}, "invalid_metadata_format"),
        ({"channel": "#deploys", "text": "x", "attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"channel": "#deploys", "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
    ],
)
async def test_post_message_refuses_with_slacks_own_word(
    client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    assert (await refusal(client.api_call("chat.postMessage", json=arguments)))["error"] == error


async def test_a_public_channel_can_be_written_to_without_joining_only_with_the_scope_for_it() -> None:
    everything = Sandbox(rate_limits=False).slack.scopes
    for scopes, expected in ((everything, None), (everything - {"chat:write.public"}, "not_in_channel")):
        async with Sandbox(rate_limits=False, scopes=scopes) as sandbox, aiohttp.ClientSession() as session:
            call = client_of(sandbox, session).chat_postMessage(channel="#general", text="x")
            if expected is None:
                await call
            else:
                assert (await refusal(call))["error"] == expected


async def test_blocks_of_more_than_13200_characters_in_all_are_refused(client: AsyncWebClient) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}
    await client.chat_postMessage(channel="C0DEPLOYS", text="x", blocks=[block] * 4)
    answer = await refusal(client.chat_postMessage(channel="C0DEPLOYS", text="x", blocks=[block] * 5))
    assert answer["error"] == "msg_blocks_too_long"


async def test_invalid_blocks_are_told_with_json_pointers(client: AsyncWebClient) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    answer = await refusal(client.chat_postMessage(channel="C0DEPLOYS", text="x", blocks=[block]))
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ]


# Threads, edits, deletions, whispers


async def test_a_reply_stands_in_the_thread_and_the_parent_counts_it(sandbox: Sandbox, client: AsyncWebClient) -> None:
    parent = await client.chat_postMessage(channel="C0DEPLOYS", text="card")
    reply = await client.chat_postMessage(channel="C0DEPLOYS", text="details", thread_ts=parent["ts"])
    nested = await client.chat_postMessage(channel="C0DEPLOYS", text="more", thread_ts=reply["ts"])
    assert nested["message"]["thread_ts"] == parent["ts"]
    assert [one.text for one in sandbox.slack.messages("#deploys")] == ["card"]
    assert [one.text for one in sandbox.slack.replies("#deploys", parent["ts"])] == ["details", "more"]
    history = await client.conversations_history(channel="C0DEPLOYS")
    assert [(one["text"], one["reply_count"]) for one in history["messages"]] == [("card", 2)]
    thread = await client.conversations_replies(channel="C0DEPLOYS", ts=parent["ts"])
    assert [one["text"] for one in thread["messages"]] == ["card", "details", "more"]


async def test_an_update_with_text_alone_removes_the_blocks_and_keeps_the_metadata(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    metadata = {"event_type": "card", "event_payload": {"key": "k1"}}
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD, metadata=metadata)
    await client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="done")
    (message,) = sandbox.slack.messages("#deploys")
    assert (message.text, message.blocks, message.metadata, message.edits) == ("done", [], metadata, 1)


async def test_the_edited_mark_is_missing_where_an_update_has_blocks(sandbox: Sandbox, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=CARD)
    await client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="card", blocks=CARD)
    assert not sandbox.slack.messages("#deploys")[0].edit_mark
    await client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="card")
    assert sandbox.slack.messages("#deploys")[0].edit_mark


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0DEPLOYS", "ts": "1.000001", "text": "x"}, "message_not_found"),
        ({"channel": "#deploys", "ts": "1.000001", "text": "x"}, "channel_not_found"),
        ({"channel": "C0DEPLOYS", "text": "x"}, "invalid_arguments"),
    ],
)
async def test_update_refuses_with_slacks_own_word(
    client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    assert (await refusal(client.api_call("chat.update", json=arguments)))["error"] == error


async def test_only_our_own_messages_can_be_updated_or_deleted(sandbox: Sandbox, client: AsyncWebClient) -> None:
    theirs = await sandbox.slack.say("ana", "hello", channel="#deploys")
    update = await refusal(client.chat_update(channel="C0DEPLOYS", ts=theirs.ts, text="x"))
    delete = await refusal(client.chat_delete(channel="C0DEPLOYS", ts=theirs.ts))
    assert (update["error"], delete["error"]) == ("cant_update_message", "cant_delete_message")


async def test_an_update_of_more_than_4000_characters_is_too_long(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="x")
    answer = await refusal(client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="x" * 4001))
    assert answer["error"] == "msg_too_long"


async def test_a_deleted_message_is_gone_and_deleting_it_again_says_so(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="x")
    await client.chat_delete(channel="C0DEPLOYS", ts=posted["ts"])
    assert sandbox.slack.messages("#deploys") == []
    again = await refusal(client.chat_delete(channel="C0DEPLOYS", ts=posted["ts"]))
    assert again["error"] == "message_not_found"


async def test_an_ephemeral_message_is_for_a_member_and_not_in_the_history(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    await client.chat_postEphemeral(channel="C0DEPLOYS", user="U0ANA", text="only you")
    (message,) = sandbox.slack.messages("#deploys")
    assert message.ephemeral_for == "U0ANA"
    assert (await client.conversations_history(channel="C0DEPLOYS"))["messages"] == []
    stranger = await refusal(client.chat_postEphemeral(channel="C0DEPLOYS", user="U0NOBODY", text="x"))
    assert stranger["error"] == "user_not_in_channel"


# Reading


async def test_metadata_is_in_the_history_only_for_those_who_ask(client: AsyncWebClient) -> None:
    metadata = {"event_type": "card", "event_payload": {"key": "k1"}}
    await client.chat_postMessage(channel="C0DEPLOYS", text="card", metadata=metadata)
    plain = await client.conversations_history(channel="C0DEPLOYS")
    full = await client.conversations_history(channel="C0DEPLOYS", include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


async def test_the_history_is_read_backwards_page_by_page(client: AsyncWebClient) -> None:
    for number in range(7):
        await client.chat_postMessage(channel="C0DEPLOYS", text=str(number))
    pages = await client.conversations_history(channel="C0DEPLOYS", limit=3)
    texts = [[one["text"] for one in page["messages"]] async for page in pages]
    assert texts == [["6", "5", "4"], ["3", "2", "1"], ["0"]]


async def test_the_bounds_of_the_history_are_left_out_unless_inclusive(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel="C0DEPLOYS", text=str(n)))["ts"] for n in range(4)]

    async def texts(**bounds: Any) -> list[str]:
        page = await client.conversations_history(channel="C0DEPLOYS", **bounds)
        return [one["text"] for one in page["messages"]]

    assert await texts(oldest=stamps[1], latest=stamps[3]) == ["2"]
    assert await texts(oldest=stamps[1], latest=stamps[3], inclusive=True) == ["3", "2", "1"]
    assert (await refusal(client.conversations_history(channel="C0DEPLOYS", oldest="noon")))["error"] == (
        "invalid_ts_oldest"
    )


async def test_a_channel_is_read_only_by_its_members_and_can_be_joined(client: AsyncWebClient) -> None:
    assert (await refusal(client.conversations_history(channel="C0GENERAL")))["error"] == "not_in_channel"
    await client.conversations_join(channel="C0GENERAL")
    assert (await client.conversations_history(channel="C0GENERAL"))["messages"] == []


async def test_private_channels_without_the_app_do_not_exist_for_it(client: AsyncWebClient) -> None:
    listed = await client.conversations_list(types="public_channel,private_channel")
    assert "payments-leads" not in [one["name"] for one in listed["channels"]]
    assert (await refusal(client.conversations_info(channel="C0LEADS")))["error"] == "channel_not_found"


async def test_channels_are_made_with_good_names_once(client: AsyncWebClient) -> None:
    made = await client.conversations_create(name="inc-checkout")
    assert made["channel"]["is_member"]
    errors = [
        (await refusal(client.conversations_create(name=name)))["error"]
        for name in ("inc-checkout", "Big Name", "x" * 81, "--")
    ]
    assert errors == ["name_taken", "invalid_name_specials", "invalid_name_maxlength", "invalid_name_punctuation"]


async def test_people_are_found_by_verified_address_and_with_their_time_zone(client: AsyncWebClient) -> None:
    found = await client.users_lookupByEmail(email="Dee@Example.com")
    assert (found["user"]["id"], found["user"]["tz"]) == ("U0DEE", "Asia/Kathmandu")
    assert (await refusal(client.users_lookupByEmail(email="x@example.com")))["error"] == "users_not_found"
    assert (await client.users_info(user="U0EVE"))["user"]["profile"]["email"] == "eve@example.com"


async def test_a_direct_conversation_is_opened_once(client: AsyncWebClient) -> None:
    first = await client.conversations_open(users="U0BEN")
    second = await client.conversations_open(users="U0BEN")
    assert first["channel"]["id"] == second["channel"]["id"] == "D0BEN"
    assert second["already_open"]


async def test_a_permalink_names_the_channel_and_the_message(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOYS", text="x")
    link = await client.chat_getPermalink(channel="C0DEPLOYS", message_ts=posted["ts"])
    assert link["permalink"].endswith(f"/archives/C0DEPLOYS/p{posted['ts'].replace('.', '')}")
