"""The bare baseline: the same aiohttp server with the signature check and one ``chat_postMessage``, and no storage.

A click is answered likewise, and brings about one POST of a deployment to GitHub over the same session; an alert is
taken for its bearer token, and brings about one POST of an incident to PagerDuty and one message into a channel.

What it takes is lost when it dies, it tells nobody anything, and it forgets at once: the price of everything Shipmate
adds is measured against this.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

ROOMS = 30
"""Channels that are there beforehand, each for one service that alerts."""

_CLICKED = re.compile(rb"rollout(?:\+|%20)([0-9a-f]{40})")


@asynccontextmanager
async def bare(
    *,
    github_secret: str,
    slack_secret: str,
    alert_secret: str,
    token: str,
    slack_url: str,
    github_url: str,
    pager_url: str,
) -> AsyncIterator[str]:
    """Serve until the block is left; gives the address."""
    key, slack_key = github_secret.encode(), slack_secret.encode()
    calls: set[asyncio.Task[object]] = set()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        client = AsyncWebClient(token=token, base_url=slack_url, session=session, retry_handlers=[])

        async def receive(request: web.Request) -> web.Response:
            body = await request.read()
            digest = hmac.new(key, body, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(f"sha256={digest}", request.headers.get("X-Hub-Signature-256", "")):
                return web.json_response({"error": "bad signature"}, status=401)
            begin(_post(client, f"rollout {request.headers['X-GitHub-Delivery']}"))
            return web.json_response({"accepted": True}, status=202)

        async def alarm(request: web.Request) -> web.Response:
            body = await request.read()
            if not hmac.compare_digest(f"Bearer {alert_secret}", request.headers.get("Authorization", "")):
                return web.json_response({"error": "bad token"}, status=401)
            service = json.loads(body)["alerts"][0]["labels"]["service"]
            begin(_page(session, f"{pager_url}/incidents", service))
            begin(_post(client, "an alert", rooms[service]))
            return web.json_response({"accepted": True}, status=202)

        async def click(request: web.Request) -> web.Response:
            body = await request.read()
            base = b"v0:" + request.headers.get("X-Slack-Request-Timestamp", "").encode() + b":" + body
            digest = hmac.new(slack_key, base, hashlib.sha256).hexdigest()
            found = _CLICKED.search(body)
            if found is None or not hmac.compare_digest(f"v0={digest}", request.headers.get("X-Slack-Signature", "")):
                return web.json_response({"error": "bad signature"}, status=401)
            begin(_deploy(session, f"{github_url}/repos/acme/shop/deployments", found[1].decode()))
            return web.Response()

        def begin(work: Coroutine[object, object, None]) -> None:
            call: asyncio.Task[object] = asyncio.create_task(work)
            calls.add(call)
            call.add_done_callback(calls.discard)

        application = web.Application(client_max_size=26 * 1024 * 1024)
        rooms = {
            name: (await client.conversations_create(name=f"inc-{name}"))["channel"]["id"]
            for name in (f"bare-{number}" for number in range(ROOMS))
        }
        application.router.add_post("/webhooks/alertmanager", alarm)
        application.router.add_post("/webhooks/{source}", receive)
        application.router.add_post("/slack/events", click)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
        await runner.cleanup()


async def _post(client: AsyncWebClient, words: str, channel: str = "C0BENCH") -> None:
    await client.chat_postMessage(channel=channel, text=words)


async def _page(session: aiohttp.ClientSession, url: str, service: str) -> None:
    incident = {"service": {"id": service, "type": "service_reference"}, "title": "an alert", "type": "incident"}
    async with session.post(url, json={"incident": incident}) as answer:
        await answer.read()


async def _deploy(session: aiohttp.ClientSession, url: str, sha: str) -> None:
    asked = {"ref": sha, "environment": "production", "auto_merge": False, "required_contexts": []}
    async with session.post(url, json=asked) as answer:
        await answer.read()
