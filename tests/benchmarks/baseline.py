"""The bare baseline: the same aiohttp server with the signature check and one ``chat_postMessage``, and no storage.

What it takes is lost when it dies, it tells nobody anything, and it forgets at once: the price of everything Shipmate
adds is measured against this.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient


@asynccontextmanager
async def bare(secret: str, token: str, slack_url: str) -> AsyncIterator[str]:
    """Serve until the block is left; gives the address."""
    key = secret.encode()
    calls: set[asyncio.Task[object]] = set()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        client = AsyncWebClient(token=token, base_url=slack_url, session=session, retry_handlers=[])

        async def receive(request: web.Request) -> web.Response:
            body = await request.read()
            digest = hmac.new(key, body, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(f"sha256={digest}", request.headers.get("X-Hub-Signature-256", "")):
                return web.json_response({"error": "bad signature"}, status=401)
            words = f"rollout {request.headers['X-GitHub-Delivery']}"
            call: asyncio.Task[object] = asyncio.create_task(_post(client, words))
            calls.add(call)
            call.add_done_callback(calls.discard)
            return web.json_response({"accepted": True}, status=202)

        application = web.Application(client_max_size=26 * 1024 * 1024)
        application.router.add_post("/webhooks/{source}", receive)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
        await runner.cleanup()


async def _post(client: AsyncWebClient, words: str) -> None:
    await client.chat_postMessage(channel="C0BENCH", text=words)
