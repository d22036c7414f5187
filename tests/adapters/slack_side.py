"""The stand-in Slack's two sides: a client of its Web API, and a bot that remembers what it is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox

CARD: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*checkout* is live", "verbatim": True}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "mute", "value": "7", "text": {"type": "plain_text", "text": "Mute"}},
            {
                "type": "static_select",
                "action_id": "level",
                "options": [{"text": {"type": "plain_text", "text": "All"}, "value": "all"}],
            },
        ],
    },
]


class RecordingBot:
    """A bot that checks each signature by Slack's own code, remembers what came, and answers as told."""

    def __init__(self, secret: str) -> None:
        self.verifier = SignatureVerifier(secret)
        self.received: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[web.Response] = []
        self.url = ""
        self.hung = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        headers = dict(request.headers)
        assert self.verifier.is_valid_request(body, headers)
        self.headers.append(headers)
        if request.content_type == "application/json":
            self.received.append(json.loads(body))
        else:
            form = dict(await request.post())
            self.received.append(json.loads(str(form["payload"])) if "payload" in form else form)
        return self.answers.pop(0) if self.answers else web.Response()


def client_of(sandbox: Sandbox, session: aiohttp.ClientSession, **options: Any) -> AsyncWebClient:
    settings = sandbox.environment()
    token = options.pop("token", settings["SLACK_BOT_TOKEN"])
    return AsyncWebClient(token=token, base_url=settings["SLACK_API_URL"], session=session, retry_handlers=[])


async def refusal(call: Awaitable[Any]) -> dict[str, Any]:
    """What Slack answers to a call it refuses."""
    with pytest.raises(SlackApiError) as caught:
        await call
    answer: dict[str, Any] = caught.value.response.data
    return answer
