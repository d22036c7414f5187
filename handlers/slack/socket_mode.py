"""Socket Mode: the same commands, clicks and events over websockets that we open, where no address of ours is public.

Slack asks for each connection to be made anew about once an hour, and the SDK closes the old one first; a second
connection takes what arrives meanwhile. The SDK mends a connection with the address it has, which is good only once:
one that stays broken is therefore thrown away, and made anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

CONNECTIONS = 2
"""Of the ten that Slack allows one app, all its processes together."""

CALL_SECONDS = 10.0
"""How long asking for an address to connect to may take."""

CONNECT_SECONDS = 20.0
"""How long connecting may take in all."""

LOOK_SECONDS = 5.0
"""How often a connection is looked at."""

BROKEN_LOOKS = 6
"""After so many looks at a broken connection the SDK will not mend it any more."""

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds before connecting is tried again; twice as long after each failure."""


class SocketMode:
    """The connections of one process; made and closed within a running event loop."""

    def __init__(self, app: AsyncApp, *, app_token: str, api_url: str) -> None:
        self._app = app
        self._app_token = app_token
        self._api_url = api_url
        self._session: aiohttp.ClientSession | None = None
        self._keeping: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to connect; returns at once, so that a Slack that is down keeps nothing else from starting."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
        self._keeping = [
            asyncio.create_task(self._keep(self._session), name=f"shipmate-socket-mode-{number}")
            for number in range(CONNECTIONS)
        ]

    async def stop(self) -> None:
        """Close the connections; what was received is being worked on still."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._keeping, self._session = [], None

    async def _keep(self, session: aiohttp.ClientSession) -> None:
        """Have one connection, for ever."""
        wait = FIRST_WAIT
        while True:
            async with self._client(session) as client:
                try:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await client.connect_to_new_endpoint(force=True)
                except (TimeoutError, OSError, aiohttp.ClientError, SlackClientError) as fault:
                    log.warning("Socket Mode does not connect", error=_reason(fault), again_in=wait)
                else:
                    log.info("connected to Slack by Socket Mode")
                    wait = FIRST_WAIT
                    await _until_broken(client)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    @asynccontextmanager
    async def _client(self, session: aiohttp.ClientSession) -> AsyncIterator[SocketModeClient]:
        web = AsyncWebClient(base_url=self._api_url, session=session, retry_handlers=[])
        client = AsyncSocketModeHandler(self._app, self._app_token, web_client=web).client
        if _is_loopback(self._api_url):
            web.proxy = client.proxy = None  # the SDK takes HTTPS_PROXY even for this machine
        try:
            yield client
        finally:
            with suppress(aiohttp.ClientError, OSError):
                await client.close()  # type: ignore[no-untyped-call]
            if client.aiohttp_client_session is not None:  # close() leaves it open when saying goodbye fails
                await client.aiohttp_client_session.close()


async def _until_broken(client: SocketModeClient) -> None:
    """Return once the connection has been broken for so long that the SDK will not mend it."""
    broken = 0
    while broken < BROKEN_LOOKS:
        await asyncio.sleep(LOOK_SECONDS)
        broken = 0 if await client.is_connected() else broken + 1
    log.warning("a Socket Mode connection stays broken and is made anew")


def _reason(fault: Exception) -> str:
    """Why it failed; Slack's own code where there is one, never the address with its ticket."""
    response = getattr(fault, "response", None)
    code = response.get("error") if response is not None and hasattr(response, "get") else None
    return str(code or type(fault).__name__)


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
