"""Calls to Slack through slack_sdk: every method we use, what it changes, what it needs, and how it fails.

The SDK's own retries are off: its default handler posts a message twice when the connection drops after
sending. The engine that calls us decides by the error. One aiohttp session serves all calls, since the SDK
would make a connection for each; given a session it ignores its own time-out, so the session carries it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.reading import text
from bot.adapters.slack_errors import Effect, answered, failed, unknown
from bot.errors import OutgoingError, RetryLater, Unauthorised

_HISTORIES = frozenset({"channels:history", "groups:history", "im:history"})
_CHANNELS = frozenset({"channels:read", "groups:read"})
_MANAGED = frozenset({"channels:manage", "groups:write"})

METHODS: Mapping[str, tuple[Effect, frozenset[str]]] = MappingProxyType(
    {
        "auth.test": (Effect.READ, frozenset()),
        "bookmarks.add": (Effect.REPEATABLE, frozenset({"bookmarks:write"})),
        "bookmarks.edit": (Effect.REPEATABLE, frozenset({"bookmarks:write"})),
        "bookmarks.list": (Effect.READ, frozenset({"bookmarks:read"})),
        "canvases.edit": (Effect.REPEATABLE, frozenset({"canvases:write"})),
        "canvases.sections.lookup": (Effect.READ, frozenset({"canvases:read"})),
        "chat.getPermalink": (Effect.READ, frozenset()),
        "chat.postEphemeral": (Effect.ONCE, frozenset({"chat:write"})),
        "chat.postMessage": (Effect.ONCE, frozenset({"chat:write"})),
        "chat.update": (Effect.REPEATABLE, frozenset({"chat:write"})),
        "conversations.archive": (Effect.REPEATABLE, _MANAGED),
        "conversations.canvases.create": (Effect.REPEATABLE, frozenset({"canvases:write"})),
        "conversations.create": (Effect.REPEATABLE, _MANAGED),
        "conversations.history": (Effect.READ, _HISTORIES),
        "conversations.info": (Effect.READ, _CHANNELS),
        "conversations.invite": (Effect.REPEATABLE, _MANAGED),
        "conversations.join": (Effect.REPEATABLE, frozenset({"channels:join"})),
        "conversations.list": (Effect.READ, _CHANNELS),
        "conversations.open": (Effect.REPEATABLE, frozenset({"im:write"})),
        "conversations.replies": (Effect.READ, _HISTORIES),
        "conversations.setPurpose": (Effect.REPEATABLE, _MANAGED),
        "conversations.setTopic": (Effect.REPEATABLE, _MANAGED),
        "files.completeUploadExternal": (Effect.ONCE, frozenset({"files:write"})),
        "files.getUploadURLExternal": (Effect.READ, frozenset({"files:write"})),
        "pins.add": (Effect.REPEATABLE, frozenset({"pins:write"})),
        "usergroups.list": (Effect.READ, frozenset({"usergroups:read"})),
        "usergroups.users.list": (Effect.READ, frozenset({"usergroups:read"})),
        "users.conversations": (Effect.READ, _CHANNELS),
        "users.getPresence": (Effect.READ, frozenset({"users:read"})),
        "users.info": (Effect.READ, frozenset({"users:read"})),
        "users.lookupByEmail": (Effect.READ, frozenset({"users:read", "users:read.email"})),
        "views.open": (Effect.ONCE, frozenset()),
        "views.publish": (Effect.REPEATABLE, frozenset()),
        "views.update": (Effect.REPEATABLE, frozenset()),
    }
)
"""Every method we call, what it changes, and the bot scopes it needs.

A room is made, a bookmark put and a canvas written on by callers that look first: so these may be repeated.
``users:read.email`` cannot be asked for without ``users:read`` (docs.slack.dev, scopes).
"""

_UPLOAD_HOSTS = frozenset({"files.slack.com", "files.slack-gov.com"})


@dataclass(frozen=True)
class Identity:
    """Who we are in the workspace, by ``auth.test``. ``scopes`` come from its ``x-oauth-scopes`` header."""

    team: str
    team_id: str
    url: str
    user_id: str
    bot_id: str
    scopes: frozenset[str]


class SlackCalls:
    """One connection to Slack. ``timeout`` is seconds for a whole call; half of it may go into connecting."""

    def __init__(self, token: str, base_url: str, *, timeout: float = 10.0) -> None:
        self._token = token.strip()
        self._base_url = base_url
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._client: AsyncWebClient | None = None
        self._identity: Identity | None = None

    async def close(self) -> None:
        """Close the shared session; a later call is RetryLater, since nobody would close what it opened."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
        self._session = self._client = None

    async def identity(self) -> Identity:
        """Who the token is, and what it may do; asks Slack each time."""
        response = await self._send("auth.test", "GET", {"params": {}})
        answer = response.data
        scopes = response.headers.get("x-oauth-scopes", "")
        self._identity = Identity(
            team=text(answer, "team"),
            team_id=text(answer, "team_id"),
            url=text(answer, "url"),
            user_id=text(answer, "user_id"),
            bot_id=text(answer, "bot_id"),
            scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
        )
        return self._identity

    async def ourselves(self) -> Identity:
        """Who the token is, as last asked."""
        return self._identity or await self.identity()

    async def call(
        self,
        method: str,
        *,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """POST ``json``, or a ``form`` as the SDK sends one (in the query), or GET with ``params``; the answer."""
        if json is not None:
            response = await self._send(method, "POST", {"json": dict(json)})
        elif form is not None:
            response = await self._send(method, "POST", {"params": dict(form)})
        else:
            response = await self._send(method, "GET", {"params": dict(params or {})})
        answer: Mapping[str, Any] = response.data
        return answer

    async def pages(self, method: str, arguments: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        """Every page of a listing; one may hold as few as 15 objects (docs.slack.dev, rate limits)."""
        cursors: set[str] = set()
        cursor = ""
        while True:
            page = await self.call(method, params={**arguments, "cursor": cursor} if cursor else arguments)
            yield page
            cursor = text(page.get("response_metadata"), "next_cursor")
            if not cursor:
                return
            if cursor in cursors:
                raise RetryLater(f"{method}: Slack's pages go round in a circle")
            cursors.add(cursor)

    async def upload(self, address: str, content: bytes) -> None:
        """Send a file's bytes where ``files.getUploadURLExternal`` said, if that is Slack's; nobody sees them yet.

        The address is a secret, so no error repeats it.
        """
        what = "the upload"
        if not self.is_slacks(address, _UPLOAD_HOSTS):
            raise RetryLater(f"{what}: the address to send the file to is not Slack's")
        session = self.session()
        try:
            async with session.post(address, data=BytesIO(content), allow_redirects=False) as response:
                status, headers = response.status, response.headers
                await response.read()
        except (TimeoutError, aiohttp.ClientError) as fault:
            raise failed(what, Effect.REPEATABLE, fault) from None
        if status != 200:
            raise answered(what, Effect.REPEATABLE, status, headers, None)

    def session(self) -> aiohttp.ClientSession:
        """The session that all calls share."""
        return self._connected()[1]

    def is_slacks(self, address: str, hosts: frozenset[str]) -> bool:
        """Whether an address is on one of Slack's hosts by https, or on the Slack that was configured."""
        try:
            asked, ours = urlsplit(address), urlsplit(self._base_url)
            origin = (asked.scheme, asked.hostname, asked.port)
            allowed = origin == (ours.scheme, ours.hostname, ours.port)
        except ValueError:
            return False
        return allowed or (origin[0] == "https" and origin[1] in hosts and origin[2] in (None, 443))

    def _connected(self) -> tuple[AsyncWebClient, aiohttp.ClientSession]:
        if self._closed:
            raise RetryLater("the connection to Slack was closed")
        if self._client is None or self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=40, ttl_dns_cache=60, keepalive_timeout=30),
                timeout=aiohttp.ClientTimeout(total=self._timeout, connect=self._timeout / 2),
            )
            self._client = AsyncWebClient(
                token=self._token, base_url=self._base_url, session=self._session, retry_handlers=[]
            )
            if _is_loopback(self._base_url):
                self._client.proxy = None  # The SDK takes HTTPS_PROXY even for an address on this machine.
        return self._client, self._session

    async def _send(self, method: str, verb: str, sent: dict[str, Any]) -> Any:
        """One call; the SDK's response, or one of our errors."""
        effect, _ = METHODS[method]
        if not self._token.isascii() or not self._token.isprintable():
            # aiohttp's complaint about such a header would repeat the token.
            raise Unauthorised("invalid_auth", "SLACK_BOT_TOKEN holds characters that no token has: copy it again.")
        client, _session = self._connected()
        try:
            response = await client.api_call(method, http_verb=verb, **sent)
        except SlackApiError as fault:
            raise _answered(method, effect, fault.response) from fault
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as fault:
            raise failed(method, effect, fault) from fault
        except (SlackClientError, AttributeError, TypeError, ValueError) as fault:
            # The SDK stumbles over a 200 whose body is plain text or a list: it was not Slack who answered.
            raise unknown(f"{method}: an answer that is not Slack's", effect) from fault
        if not isinstance(response.data, dict):
            raise unknown(f"{method}: an answer that is not Slack's", effect)
        return response


def refusal(fault: Exception) -> Mapping[str, Any]:
    """What else Slack said in the refusal that an error of ours stands for; nothing where it was no refusal."""
    cause = fault.__cause__
    body = getattr(cause.response, "data", None) if isinstance(cause, SlackApiError) else None
    return body if isinstance(body, dict) else {}


def _answered(method: str, effect: Effect, response: Any) -> OutgoingError:
    """Slack's refusal; the SDK hands over its own response, or aiohttp's where the body was broken JSON."""
    if isinstance(response, aiohttp.ClientResponse):
        return answered(method, effect, response.status, response.headers, None)
    return answered(method, effect, response.status_code, response.headers, response.data)


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
