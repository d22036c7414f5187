"""Slack, spoken to through slack_sdk: messages, the look back for doubtful ones, and who is who.

The SDK's own retries are off: its default handler posts a message twice when the connection drops after
sending. The engine that calls us decides by the error. One aiohttp session serves all calls, since the SDK
would make a connection for each; given a session it ignores its own time-out, so the session carries it.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.reading import items, text
from bot.adapters.slack_errors import INVITE, Effect, answered, failed, unknown
from bot.adapters.slack_shapes import content, identifier, key, member
from bot.errors import Doubtful, GiveUp, MessageGone, OutgoingError, PlaceUnreachable, RetryLater, Unauthorised
from bot.ports import Member, Message, Posted

Result = TypeVar("Result")

METHODS: Mapping[str, tuple[Effect, frozenset[str]]] = MappingProxyType(
    {
        "auth.test": (Effect.READ, frozenset()),
        "chat.postMessage": (Effect.ONCE, frozenset({"chat:write"})),
        "chat.update": (Effect.REPEATABLE, frozenset({"chat:write"})),
        "conversations.history": (
            Effect.READ,
            frozenset({"channels:history", "groups:history", "im:history"}),
        ),
        "conversations.join": (Effect.REPEATABLE, frozenset({"channels:join"})),
        "conversations.list": (Effect.READ, frozenset({"channels:read", "groups:read"})),
        "conversations.open": (Effect.REPEATABLE, frozenset({"im:write"})),
        "conversations.replies": (
            Effect.READ,
            frozenset({"channels:history", "groups:history", "im:history"}),
        ),
        "usergroups.list": (Effect.READ, frozenset({"usergroups:read"})),
        "usergroups.users.list": (Effect.READ, frozenset({"usergroups:read"})),
        "users.getPresence": (Effect.READ, frozenset({"users:read"})),
        "users.info": (Effect.READ, frozenset({"users:read"})),
        "users.lookupByEmail": (Effect.READ, frozenset({"users:read", "users:read.email"})),
        "views.open": (Effect.ONCE, frozenset()),
        "views.publish": (Effect.REPEATABLE, frozenset()),
        "views.update": (Effect.REPEATABLE, frozenset()),
    }
)
"""Every method we call, what it changes, and the bot scopes it needs.

``users:read.email`` cannot be asked for without ``users:read`` (docs.slack.dev, scopes).
"""

_RESPONSE_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_CLIENT_MESSAGE_IDS = uuid.UUID("6b4c2f0e-3f0b-5d1a-9d53-7f6f5ad1c0de")
_CLOCK_SKEW = 60.0
"""Seconds before a doubtful send at which the look back begins: Slack's clock and ours differ."""
_MOST_CHANNELS = 1000
"""Channels to a page of ``conversations.list``: Slack's own maximum."""
_LISTING_HOLDS = 600.0
"""Seconds for which an interrupted listing is gone on with; after that it begins anew."""
_NOBODY = frozenset({"users_not_found", "user_not_found", "user_not_visible"})
_UNKNOWN_DUPLICATE = frozenset({"duplicate_message_not_found", "duplicate_channel_not_found"})


@dataclass(frozen=True)
class Identity:
    """Who we are in the workspace, by ``auth.test``. ``scopes`` come from its ``x-oauth-scopes`` header."""

    team: str
    team_id: str
    url: str
    user_id: str
    bot_id: str
    scopes: frozenset[str]


@dataclass
class _Listing:
    """How far the workspace's channels were listed, a page at a time; ``began`` is by the monotonic clock."""

    began: float = field(default_factory=time.monotonic)
    cursor: str = ""
    cursors: set[str] = field(default_factory=set)
    ended: bool = False


class SlackChat:
    """The Chat port. ``timeout`` is seconds for a whole call; half of it may go into connecting."""

    def __init__(self, token: str, base_url: str, *, timeout: float = 10.0) -> None:
        self._token = token.strip()
        self._base_url = base_url
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._client: AsyncWebClient | None = None
        self._identity: Identity | None = None
        self._channels: dict[str, str] = {}
        """Ids by place: ``#name`` and ``U…``, whether asked for or met on the way."""
        self._listing = _Listing()
        self._one_listing = asyncio.Lock()

    async def close(self) -> None:
        """Close the shared session; a later call is RetryLater, since nobody would close what it opened."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
        self._session = self._client = None

    async def post(self, place: str, message: Message, *, thread: str | None = None) -> Posted:
        """Post to a channel or person, or reply in a thread; joins a public channel it is not in, once.

        ``client_msg_id`` is undocumented as an argument, yet chat.postMessage names it in its errors: it is
        sent as a second net. The net that holds is the key in the metadata (see ``find``).
        """
        arguments: dict[str, Any] = {
            "channel": place,
            **content(message),
            "unfurl_links": False,
            "unfurl_media": False,
            "client_msg_id": str(uuid.uuid5(_CLIENT_MESSAGE_IDS, message.key)),
        }
        if thread is not None:
            arguments["thread_ts"] = thread

        async def send() -> Mapping[str, Any]:
            try:
                return await self._call("chat.postMessage", json=arguments)
            except GiveUp as fault:
                if fault.code not in _UNKNOWN_DUPLICATE:
                    raise
                # Slack remembers the id of a message that was deleted since: this one is meant anew.
                del arguments["client_msg_id"]
                return await self._call("chat.postMessage", json=arguments)

        answer = await self._joining(place, send)
        channel, ts = answer.get("channel"), answer.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            raise Doubtful("chat.postMessage: Slack did not say where the message stands")
        if place != channel:
            self._channels[place] = channel
        return Posted(channel, ts)

    async def update(self, at: Posted, message: Message) -> None:
        """Replace what a message of ours shows; of unknown outcome it is RetryLater, for twice is the same."""
        await self._call("chat.update", json={"channel": at.channel, "ts": at.ts, **content(message)})

    async def find(
        self, place: str, keys: set[str], *, since: datetime, threads: Sequence[str] = ()
    ) -> dict[str, Posted]:
        """Which messages of ours with these keys stand in ``place`` since then, or in these threads of it.

        GiveUp(``not_in_channel``), not PlaceUnreachable, where we may not read: we may have posted there all the same.
        """
        found: dict[str, Posted] = {}
        if not keys:
            return found
        channel = await self._channel(place)
        ours = await self._ourselves()
        oldest = f"{since.timestamp() - _CLOCK_SKEW:.6f}"

        async def look(method: str, **arguments: str) -> None:
            wanted = {
                "channel": channel,
                "oldest": oldest,
                "include_all_metadata": True,
                "limit": 200,
                **arguments,
            }
            async for page in self._pages(method, wanted):
                for posted in items(page.get("messages")):
                    name, ts = key(posted, bot_id=ours.bot_id, user_id=ours.user_id), posted.get("ts")
                    if name in keys and isinstance(ts, str):
                        found[name] = Posted(channel, ts)
                if found.keys() >= keys:
                    return

        try:
            await self._joining(channel, lambda: look("conversations.history"))
        except PlaceUnreachable as fault:
            if fault.code == "not_in_channel":
                raise GiveUp("not_in_channel", f"I cannot look whether a message went out there. {INVITE}") from fault
            raise
        for thread in threads:
            if found.keys() >= keys:
                break
            try:
                await look("conversations.replies", ts=thread)
            except MessageGone:
                continue  # The thread's first message was deleted, and its replies with it.
        return found

    async def member_by_email(self, email: str) -> Member | None:
        """The member whose verified address this is, or None (``users_not_found``)."""
        if "@" not in email.strip():
            return None
        return await self._person("users.lookupByEmail", {"email": email.strip()})

    async def member(self, slack_id: str) -> Member | None:
        """The person with this id, or None (``user_not_found``, ``user_not_visible``)."""
        ourselves = await self._ourselves()
        return await self._person("users.info", {"user": slack_id}, team_id=ourselves.team_id)

    async def group_members(self, handle: str) -> frozenset[str] | None:
        """The members of the user group ``@handle``, None where no such group is in use (``plan_upgrade_required``:
        the workspace's plan has none at all).
        """
        wanted = handle.removeprefix("@").casefold()
        listing = await self._call("usergroups.list", params={"include_disabled": False})
        found = next(
            (one for one in items(listing.get("usergroups")) if text(one, "handle").casefold() == wanted), None
        )
        if found is None:
            return None
        try:
            answer = await self._call(
                "usergroups.users.list", params={"usergroup": identifier("usergroups.list", found)}
            )
        except GiveUp as fault:
            if fault.code == "no_such_subteam":
                return None  # it was deleted in between
            raise
        users = answer.get("users")
        if not isinstance(users, list):
            raise RetryLater("usergroups.users.list: Slack answered without a list")
        return frozenset(one for one in users if isinstance(one, str))

    async def present(self, slack_id: str) -> bool | None:
        """Whether somebody is online now, None where Slack does not say."""
        try:
            answer = await self._call("users.getPresence", params={"user": slack_id})
        except PlaceUnreachable as fault:
            if fault.code in _NOBODY:
                return None
            raise
        return {"active": True, "away": False}.get(text(answer, "presence"))

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Open a modal for whoever's trigger this is; GiveUp(``expired_trigger_id``) after three seconds."""
        answer = await self._call("views.open", json={"trigger_id": trigger_id, "view": dict(view)})
        opened = text(answer.get("view"), "id")
        if not opened:
            raise Doubtful("views.open: Slack did not say which view it opened")
        return opened

    async def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Replace what an open modal shows; GiveUp(``not_found``) once it was closed."""
        await self._call("views.update", json={"view_id": view_id, "view": dict(view)})

    async def publish_home(self, slack_id: str, view: Mapping[str, Any]) -> None:
        """Replace somebody's App Home; GiveUp(``not_enabled``) where the app has none."""
        await self._call("views.publish", json={"user_id": slack_id, "view": dict(view)})

    async def identity(self) -> Identity:
        """Who the token is, and what it may do; asks Slack each time."""
        response = await self._send("auth.test")
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

    async def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        """Answer a command or click at the address Slack gave for it (5 uses in 30 minutes).

        The address comes from outside: GiveUp unless it is Slack's own, or the configured Slack's. It is a
        secret, so no error repeats it.
        """
        if not self._is_slacks(response_url):
            raise GiveUp("foreign_response_url", "The address to answer at is not Slack's; nothing was sent.")
        _, session = self._connected()
        try:
            async with session.post(response_url, json=dict(message), allow_redirects=False) as response:
                status, headers = response.status, response.headers
                body = await _json_or_none(response)
        except (TimeoutError, aiohttp.ClientError) as fault:
            raise failed("response_url", Effect.ONCE, fault) from None
        if status == 200 and not (isinstance(body, dict) and body.get("ok") is False):
            return
        if status in (200, 403, 404, 410):
            code = text(body, "error") or f"http_{status}"
            raise GiveUp(code, "The time to answer here has run out: ask again.")
        raise answered("response_url", Effect.ONCE, status, headers, body)

    # Places

    async def _channel(self, place: str) -> str:
        """The id of a place: a name is looked up (``conversations.list``), a person's conversation opened."""
        if place not in self._channels:
            if place.startswith(("U", "W")):
                answer = await self._call("conversations.open", json={"users": place})
                self._channels[place] = identifier("conversations.open", answer.get("channel"))
            elif place.startswith("#"):
                self._channels[place] = await self._channel_named(place.removeprefix("#"))
            else:
                return place
        return self._channels[place]

    async def _channel_named(self, name: str) -> str:
        """The id of a channel; every name met on the way is kept, and a listing cut short is gone on with.

        A workspace of thousands of channels has more pages than may be asked for in a minute: begun anew by each try,
        the listing would never end.
        """
        place = f"#{name}"
        async with self._one_listing:
            if time.monotonic() - self._listing.began > _LISTING_HOLDS:
                self._listing = _Listing()
            while place not in self._channels:
                if self._listing.ended:
                    self._listing = _Listing()
                    raise PlaceUnreachable("channel_not_found", "Check the channel's name. If it is private: " + INVITE)
                await self._list_on(self._listing)
            if self._listing.ended:
                self._listing = _Listing()  # another name may be new: only a listing of its own says that it is not
        return self._channels[place]

    async def _list_on(self, listing: _Listing) -> None:
        """Keep the names of the next page of channels."""
        wanted: dict[str, Any] = {
            "types": "public_channel,private_channel",
            "exclude_archived": True,
            "limit": _MOST_CHANNELS,
            **({"cursor": listing.cursor} if listing.cursor else {}),
        }
        try:
            page = await self._call("conversations.list", params=wanted)
        except GiveUp:
            self._listing = _Listing()  # its cursor may be what Slack refuses
            raise
        for channel in items(page.get("channels")):
            for called in (text(channel, "name"), text(channel, "name_normalized")):
                if called and text(channel, "id"):
                    self._channels[f"#{called}"] = text(channel, "id")
        listing.cursor = text(page.get("response_metadata"), "next_cursor")
        listing.ended = not listing.cursor
        if listing.cursor in listing.cursors:
            self._listing = _Listing()
            raise RetryLater("conversations.list: Slack's pages go round in a circle")
        listing.cursors.add(listing.cursor)

    async def _joining(self, place: str, act: Callable[[], Awaitable[Result]]) -> Result:
        """Do it; where we are not in the channel, join and do it once more.

        Posting to a public channel needs no membership (``chat:write.public``), reading its history does. Where the
        app lacks the scope to join, that is what is told: no invitation mends it for the next channel.
        """
        try:
            return await act()
        except PlaceUnreachable as fault:
            if fault.code == "channel_not_found":
                # It may have been made anew under the same name.
                self._channels = {name: at for name, at in self._channels.items() if place not in (name, at)}
            if fault.code != "not_in_channel":
                raise
        try:
            await self._call("conversations.join", json={"channel": await self._channel(place)})
        except GiveUp as fault:
            if fault.code == "is_archived" or isinstance(fault, Unauthorised):
                raise
            raise PlaceUnreachable("not_in_channel", INVITE) from fault
        return await act()

    def _is_slacks(self, address: str) -> bool:
        try:
            asked, ours = urlsplit(address), urlsplit(self._base_url)
            origin = (asked.scheme, asked.hostname, asked.port)
            allowed = origin == (ours.scheme, ours.hostname, ours.port)
        except ValueError:
            return False
        return allowed or (origin[0] == "https" and origin[1] in _RESPONSE_HOSTS and origin[2] in (None, 443))

    # People

    async def _person(self, method: str, arguments: Mapping[str, Any], *, team_id: str = "") -> Member | None:
        try:
            answer = await self._call(method, params=arguments)
        except PlaceUnreachable as fault:
            if fault.code in _NOBODY:
                return None
            raise
        user = answer.get("user")
        return member(identifier(method, user), user if isinstance(user, dict) else {}, team_id=team_id)

    async def _ourselves(self) -> Identity:
        return self._identity or await self.identity()

    # Calls

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

    async def _call(
        self, method: str, *, json: Mapping[str, Any] | None = None, params: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        response = await self._send(method, json=json, params=params)
        answer: Mapping[str, Any] = response.data
        return answer

    async def _send(
        self, method: str, *, json: Mapping[str, Any] | None = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        """One call; the SDK's response, or one of our errors. Without ``json`` it is a GET."""
        effect, _ = METHODS[method]
        if not self._token.isascii() or not self._token.isprintable():
            # aiohttp's complaint about such a header would repeat the token.
            raise Unauthorised("invalid_auth", "SLACK_BOT_TOKEN holds characters that no token has: copy it again.")
        client, _session = self._connected()
        verb = "GET" if json is None else "POST"
        sent = {"json": dict(json)} if json is not None else {"params": dict(params or {})}
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

    async def _pages(self, method: str, arguments: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        """Every page of a listing; one may hold as few as 15 objects (docs.slack.dev, rate limits)."""
        cursors: set[str] = set()
        cursor = ""
        while True:
            page = await self._call(method, params={**arguments, "cursor": cursor} if cursor else arguments)
            yield page
            cursor = text(page.get("response_metadata"), "next_cursor")
            if not cursor:
                return
            if cursor in cursors:
                raise RetryLater(f"{method}: Slack's pages go round in a circle")
            cursors.add(cursor)


def _answered(method: str, effect: Effect, response: Any) -> OutgoingError:
    """Slack's refusal; the SDK hands over its own response, or aiohttp's where the body was broken JSON."""
    if isinstance(response, aiohttp.ClientResponse):
        return answered(method, effect, response.status, response.headers, None)
    return answered(method, effect, response.status_code, response.headers, response.data)


async def _json_or_none(response: aiohttp.ClientResponse) -> object:
    """The body as JSON; a response_url answers ``ok`` in plain text or an object."""
    try:
        body: object = await response.json(content_type=None)
    except ValueError:
        return None
    return body


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
