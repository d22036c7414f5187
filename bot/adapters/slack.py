"""Slack, spoken to through slack_sdk: messages, the look back for doubtful ones, and who is who."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import aiohttp

from bot.adapters.reading import items, text
from bot.adapters.slack_calls import Identity, SlackCalls
from bot.adapters.slack_errors import INVITE, Effect, answered, failed
from bot.adapters.slack_rooms import SlackRooms
from bot.adapters.slack_shapes import content, identifier, key, member
from bot.errors import Doubtful, GiveUp, MessageGone, PlaceUnreachable, RetryLater, Unauthorised
from bot.ports import Member, Message, Posted

Result = TypeVar("Result")

_RESPONSE_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_CLIENT_MESSAGE_IDS = uuid.UUID("6b4c2f0e-3f0b-5d1a-9d53-7f6f5ad1c0de")
_CLOCK_SKEW = 60.0
"""Seconds before a doubtful send at which the look back begins: Slack's clock and ours differ."""
_MOST_CHANNELS = 999
"""Channels to a page of ``conversations.list``: Slack's own maximum."""
_LISTING_HOLDS = 600.0
"""Seconds for which an interrupted listing is gone on with; after that it begins anew."""
_NOBODY = frozenset({"users_not_found", "user_not_found", "user_not_visible"})
_UNKNOWN_DUPLICATE = frozenset({"duplicate_message_not_found", "duplicate_channel_not_found"})


@dataclass
class _Listing:
    """How far the workspace's channels were listed, a page at a time; ``began`` is by the monotonic clock."""

    began: float = field(default_factory=time.monotonic)
    cursor: str = ""
    cursors: set[str] = field(default_factory=set)
    ended: bool = False


class SlackChat(SlackRooms):
    """The Chat port, and by what it inherits the Rooms port, over one connection; ``timeout`` is seconds a call."""

    def __init__(self, token: str, base_url: str, *, timeout: float = 10.0) -> None:
        super().__init__(SlackCalls(token, base_url, timeout=timeout))
        self._channels: dict[str, str] = {}
        """Ids by place: ``#name`` and ``U…``, whether asked for or met on the way."""
        self._listing = _Listing()
        self._one_listing = asyncio.Lock()

    async def close(self) -> None:
        """Close the connection; a later call is RetryLater, since nobody would close what it opened."""
        await self._calls.close()

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
                return await self._calls.call("chat.postMessage", json=arguments)
            except GiveUp as fault:
                if fault.code not in _UNKNOWN_DUPLICATE:
                    raise
                # Slack remembers the id of a message that was deleted since: this one is meant anew.
                del arguments["client_msg_id"]
                return await self._calls.call("chat.postMessage", json=arguments)

        answer = await self._joining(place, send)
        channel, ts = answer.get("channel"), answer.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            raise Doubtful("chat.postMessage: Slack did not say where the message stands")
        if place != channel:
            self._channels[place] = channel
        return Posted(channel, ts)

    async def update(self, at: Posted, message: Message) -> None:
        """Replace what a message of ours shows; of unknown outcome it is RetryLater, for twice is the same."""
        await self._calls.call("chat.update", json={"channel": at.channel, "ts": at.ts, **content(message)})

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
        ours = await self._calls.ourselves()
        oldest = f"{since.timestamp() - _CLOCK_SKEW:.6f}"

        async def look(method: str, **arguments: str) -> None:
            wanted = {
                "channel": channel,
                "oldest": oldest,
                "include_all_metadata": True,
                "limit": 200,
                **arguments,
            }
            async for page in self._calls.pages(method, wanted):
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
        ourselves = await self._calls.ourselves()
        return await self._person("users.info", {"user": slack_id}, team_id=ourselves.team_id)

    async def group_members(self, handle: str) -> frozenset[str] | None:
        """The members of the user group ``@handle``, None where no such group is in use (``plan_upgrade_required``:
        the workspace's plan has none at all).
        """
        wanted = handle.removeprefix("@").casefold()
        listing = await self._calls.call("usergroups.list", params={"include_disabled": False})
        found = next(
            (one for one in items(listing.get("usergroups")) if text(one, "handle").casefold() == wanted), None
        )
        if found is None:
            return None
        try:
            answer = await self._calls.call(
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
            answer = await self._calls.call("users.getPresence", params={"user": slack_id})
        except PlaceUnreachable as fault:
            if fault.code in _NOBODY:
                return None
            raise
        return {"active": True, "away": False}.get(text(answer, "presence"))

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Open a modal for whoever's trigger this is; GiveUp(``expired_trigger_id``) after three seconds."""
        answer = await self._calls.call("views.open", json={"trigger_id": trigger_id, "view": dict(view)})
        opened = text(answer.get("view"), "id")
        if not opened:
            raise Doubtful("views.open: Slack did not say which view it opened")
        return opened

    async def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Replace what an open modal shows; GiveUp(``not_found``) once it was closed."""
        await self._calls.call("views.update", json={"view_id": view_id, "view": dict(view)})

    async def publish_home(self, slack_id: str, view: Mapping[str, Any]) -> None:
        """Replace somebody's App Home; GiveUp(``not_enabled``) where the app has none."""
        await self._calls.call("views.publish", json={"user_id": slack_id, "view": dict(view)})

    async def identity(self) -> Identity:
        """Who the token is, and what it may do; asks Slack each time."""
        return await self._calls.identity()

    async def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        """Answer a command or click at the address Slack gave for it (5 uses in 30 minutes).

        The address comes from outside: GiveUp unless it is Slack's own, or the configured Slack's. It is a
        secret, so no error repeats it.
        """
        if not self._calls.is_slacks(response_url, _RESPONSE_HOSTS):
            raise GiveUp("foreign_response_url", "The address to answer at is not Slack's; nothing was sent.")
        session = self._calls.session()
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
                answer = await self._calls.call("conversations.open", json={"users": place})
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
            page = await self._calls.call("conversations.list", params=wanted)
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
            await self._calls.call("conversations.join", json={"channel": await self._channel(place)})
        except GiveUp as fault:
            if fault.code == "is_archived" or isinstance(fault, Unauthorised):
                raise
            raise PlaceUnreachable("not_in_channel", INVITE) from fault
        return await act()

    # People

    async def _person(self, method: str, arguments: Mapping[str, Any], *, team_id: str = "") -> Member | None:
        try:
            answer = await self._calls.call(method, params=arguments)
        except PlaceUnreachable as fault:
            if fault.code in _NOBODY:
                return None
            raise
        user = answer.get("user")
        return member(identifier(method, user), user if isinstance(user, dict) else {}, team_id=team_id)


async def _json_or_none(response: aiohttp.ClientResponse) -> object:
    """The body as JSON; a response_url answers ``ok`` in plain text or an object."""
    try:
        body: object = await response.json(content_type=None)
    except ValueError:
        return None
    return body
