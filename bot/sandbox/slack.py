"""The stand-in Slack: what it is made of, what tests read from it, what people do in it, and what goes wrong."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import aiohttp

from bot.sandbox.exchanges import Exchange, Log
from bot.sandbox.faults import Fault, FaultKind, Faults
from bot.sandbox.slack_api import WebApi
from bot.sandbox.slack_interactions import RETRY_DELAYS, Answer, Interactions
from bot.sandbox.slack_limits import RateLimits
from bot.sandbox.slack_responses import Responses
from bot.sandbox.slack_socket import Sockets
from bot.sandbox.slack_views import Views
from bot.sandbox.world import Channel, Json, Message, Workspace

ALL_SCOPES = (
    "app_mentions:read",
    "bookmarks:write",
    "canvases:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:read",
    "im:write",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
)
"""What the app is granted where no manifest says otherwise."""

PATIENCE_SECONDS = 3.0
"""How long Slack waits for an acknowledgement (docs.slack.dev/interactivity/handling-user-interaction)."""


class Slack:
    """One workspace with one app in it.

    ``rate_limits`` switches Slack's limits; ``patience`` is how long it waits for an acknowledgement (seconds);
    ``scopes`` are the app's grants; ``calls`` is every request both ways. Methods are called on the loop the sandbox
    runs in.
    """

    def __init__(self, workspace: Workspace, *, scopes: Iterable[str] | None, rate_limits: bool) -> None:
        self.workspace = workspace
        self.scopes = frozenset(ALL_SCOPES if scopes is None else scopes)
        self.rate_limits = rate_limits
        self.url = ""
        self.bot_url: str | None = None
        self.patience = PATIENCE_SECONDS
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.faults = Faults()
        self.limits = RateLimits()
        self.log = Log("slack")
        self.views = Views()
        self.sockets = Sockets(self)
        self.responses = Responses(self)
        self.api = WebApi(self)
        self._interactions = Interactions(self)
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    # Its life

    @property
    def session(self) -> aiohttp.ClientSession:
        """What requests to the bot go through; made when first needed, on the loop in use."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    def background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something while others go on; it ends with the sandbox."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let go of everything that waits."""
        self.faults.clear()
        await self.sockets.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    # What people do

    async def command(self, person: str, command: str, text: str = "", *, channel: str = "#general") -> Answer:
        """Type a slash command; the answer is what the app said at once (what it says later is a message)."""
        where = self._place(person, channel)
        return await self._interactions.command(self.workspace.person(person), command, text, where)

    async def click(
        self,
        person: str,
        channel: str,
        ts: str,
        *,
        action_id: str,
        block_id: str | None = None,
        chosen: str | None = None,
        choice: Json | None = None,
    ) -> Answer:
        """Use a button or, with ``chosen`` (an option's value), a select or overflow of a message.

        ``choice`` carries what other elements add, such as ``{"selected_date": "2027-01-02"}``.
        """
        where = self._place(person, channel)
        message = where.by_ts.get(ts) or where.ephemeral(ts)
        if message is None or message.deleted:
            raise LookupError(f"no message {ts} in {channel}")
        return await self._interactions.click(
            self.workspace.person(person), message, action_id, block_id=block_id, chosen=chosen, choice=choice or {}
        )

    async def say(self, person: str, text: str, *, channel: str = "#general", thread_ts: str | None = None) -> Message:
        """Write a message as a person."""
        where = self._place(person, channel)
        return await self._interactions.say(self.workspace.person(person), text, where, thread_ts)

    async def open_home(self, person: str) -> list[int]:
        """Look at the app's Home tab; the statuses the app answered, retries included."""
        return await self._interactions.open_home(self.workspace.person(person))

    async def event(self, event: Json, *, retry_delays: Sequence[float] = RETRY_DELAYS) -> list[int]:
        """Tell the app of an event, retried after these delays (seconds) until it is acknowledged; its statuses."""
        return await self._interactions.event(event, retry_delays=retry_delays)

    def _place(self, person: str, channel: str) -> Channel:
        """The channel with this id or name; ``dm`` is the person's own conversation with the app."""
        if channel in ("dm", "@shipmate"):
            return self.workspace.direct(self.workspace.person(person).slack_id)
        return self.workspace.channel(channel)

    # What tests read

    @property
    def calls(self) -> deque[Exchange]:
        """Every Web API call and every request sent to the bot, oldest first, bounded."""
        return self.log.rows

    def messages(self, channel: str) -> list[Message]:
        """What stands in a channel, oldest first: ephemerals included, replies in threads not (see ``replies``)."""
        return [one for one in self.workspace.everything(self.workspace.channel(channel)) if not one.is_reply]

    def direct_messages(self, person: str) -> list[Message]:
        """What stands in the conversation between the app and this person, oldest first, without replies."""
        channel = self.workspace.find_direct(self.workspace.person(person).slack_id)
        if channel is None:
            return []
        return [one for one in self.workspace.everything(channel) if not one.is_reply]

    def replies(self, channel: str, ts: str) -> list[Message]:
        """The thread below a message, oldest first."""
        return list(self.workspace.channel(channel).by_ts[ts].replies)

    async def until(self, condition: Callable[[], object], *, within: float = 10.0) -> None:
        """Wait until something holds, asked after each message or exchange; TimeoutError after ``within`` seconds."""
        happened = asyncio.Event()

        def ring(_: object) -> None:
            happened.set()

        self.workspace.watchers.append(ring)
        self.log.watchers.append(ring)
        try:
            async with asyncio.timeout(within):
                while not condition():
                    await happened.wait()
                    happened.clear()
        finally:
            self.workspace.watchers.remove(ring)
            self.log.watchers.remove(ring)

    # What goes wrong

    def fault(
        self,
        kind: str,
        *,
        method: str | None = None,
        channel: str | None = None,
        times: int | None = None,
        seconds: float = 1.0,
        retry_after: int = 1,
    ) -> None:
        """Switch a fault on (a FaultKind) for a method and a channel (None = all), so many times or until cleared.

        ``channel`` may be a person too: their conversation with the app.
        """
        where = self.workspace.find_channel(channel) if channel else None
        person = self.workspace.find_person(channel) if channel and where is None else None
        if person is not None:
            where = self.workspace.direct(person.slack_id)
        self.faults.add(
            Fault(
                kind=FaultKind(kind),
                method=method,
                channel=where.id if where else channel,
                times=times,
                seconds=seconds,
                retry_after=retry_after,
            )
        )
        if kind == FaultKind.DOWN and self.sockets.connected:
            self.background(self.sockets.cut())

    def clear_faults(self) -> None:
        """Switch every fault off; what hangs is cut."""
        self.faults.clear()
