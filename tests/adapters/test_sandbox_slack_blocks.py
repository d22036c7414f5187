"""Which blocks the stand-in Slack takes, and what it says of the others."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.adapters.slack_side import CARD, client_of, refusal

# Block Kit


@pytest.mark.parametrize(
    ("blocks", "pointer"),
    [
        ([{"type": "divider"}] * 51, "/"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "/0/text/text"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "/0/text/type"),
        ([{"type": "section"}], "/0"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "/0/text/text"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}], "/0/fields/0/text"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}], "/0/fields"),
        ([{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}], "/0/elements"),
        ([{"type": "divider", "colour": "red"}], "/0/colour"),
        ([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}], "/1/block_id"),
        ([{"type": "actions", "elements": [{"type": "button"}]}], "/0/elements/0"),
        (
            [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}]}],
            "/0/elements/0/text/text",
        ),
        (
            [
                {
                    "type": "actions",
                    "elements": [
                        {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}},
                        {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "y"}},
                    ],
                }
            ],
            "/0/elements/1/action_id",
        ),
        (
            [
                {
                    "type": "section",
                    "text": {"type": "mrkdwn", "text": "x"},
                    "accessory": {
                        "type": "button",
                        "value": "v" * 2001,
                        "url": "u" * 3001,
                        "text": {"type": "plain_text", "text": "x"},
                    },
                }
            ],
            "/0/accessory/value",
        ),
        ([{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}] * 2, "/"),
    ],
)
async def test_blocks_validate_points_at_what_is_wrong(
    client: AsyncWebClient, blocks: list[dict[str, Any]], pointer: str
) -> None:
    answer = await refusal(client.api_call("blocks.validate", params={"blocks": json.dumps(blocks)}))
    assert answer["error"] == "invalid_blocks"
    assert pointer.removesuffix("/") in [fault["pointer"] for fault in answer["errors"]]


async def test_blocks_validate_takes_exactly_one_thing_and_no_token(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session:
        client = client_of(sandbox, session, token="")
        assert (await client.api_call("blocks.validate", params={"blocks": json.dumps(CARD)}))["ok"]
        assert (await refusal(client.api_call("blocks.validate")))["error"] == "invalid_arguments"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("text", "must provide an object"),
        ({"type": "section", "text": "words"}, "must provide an object"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": 7}}, "must provide a string"),
        (
            {"type": "section", "text": {"type": "mrkdwn", "text": "x", "verbatim": "yes"}},
            "must provide a boolean",
        ),
        ({"type": "context", "elements": {}}, "must provide an array"),
        ({"type": "context", "elements": []}, "no fewer than 1 items allowed"),
        ({"type": "context", "elements": [{"type": "button"}]}, "unsupported type: button"),
        ({"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}, "unsupported type: text"),
        (
            {
                "type": "actions",
                "elements": [{"type": "button", "style": "loud", "text": {"type": "plain_text", "text": "x"}}],
            },
            "unsupported value: loud",
        ),
    ],
)
async def test_blocks_validate_says_what_is_wrong(client: AsyncWebClient, block: Any, message: str) -> None:
    answer = await refusal(client.api_call("blocks.validate", params={"blocks": json.dumps([block])}))
    expected = "unsupported type: None" if block == "text" else message
    assert expected in [fault["message"] for fault in answer["errors"]]


async def test_good_blocks_of_every_kind_are_taken(client: AsyncWebClient) -> None:
    text, plain = {"type": "mrkdwn", "text": "x"}, {"type": "plain_text", "text": "x", "emoji": True}
    option = {"text": plain, "value": "v"}
    confirm = {"title": plain, "text": text, "confirm": plain, "deny": plain, "style": "danger"}
    rich = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain},
        {
            "type": "section",
            "text": text,
            "fields": [text, plain],
            "accessory": {"type": "overflow", "options": [option]},
        },
        {
            "type": "context",
            "elements": [text, {"type": "image", "image_url": "https://example.com/a", "alt_text": "a"}],
        },
        {
            "type": "actions",
            "elements": [{"type": "button", "text": plain, "confirm": confirm}, {"type": "datepicker"}],
        },
        {"type": "rich_text", "elements": [rich]},
        {"type": "image", "image_url": "https://example.com/a", "alt_text": "a", "title": plain},
        {"type": "markdown", "text": "**x**"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]},
        {"type": "input", "label": plain, "element": {"type": "radio_buttons", "options": [option]}},
    ]
    assert (await client.chat_postMessage(channel="C0DEPLOYS", text="x", blocks=blocks))["ok"]
