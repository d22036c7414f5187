"""The stand-in Slack: what it is made of, what tests read from it, what people do in it, and what goes wrong."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import timedelta
from typing import Any

import aiohttp

from bot.sandbox.documents import Canvas, File
from bot.sandbox.exchanges import Exchange, Log
from bot.sandbox.faults import Fault, FaultKind, Faults
from bot.sandbox.slack_api import WebApi
from bot.sandbox.slack_events import RETRY_DELAYS, Events
from bot.sandbox.slack_interactions import Interactions
from bot.sandbox.slack_limits import RateLimits
from bot.sandbox.slack_manifest import Manifest
from bot.sandbox.slack_modals import Modals, SubmitResult, Suggestions, Values
from bot.sandbox.slack_payloads import Payloads
from bot.sandbox.slack_responses import Responses
from bot.sandbox.slack_scheduled import Scheduled
from bot.sandbox.slack_sending import Answer, Sender
from bot.sandbox.slack_socket import Sockets
from bot.sandbox.slack_views import Views
from bot.sandbox.workspace import Workspace
from bot.sandbox.world import BOT_USER_ID, Channel, Json, Message, Person

PATIENCE_SECONDS = 3.0
"""How long Slack waits for an acknowledgement (docs.slack.dev/interactivity/handling-user-interaction)."""


def _effective(granted: frozenset[str]) -> frozenset[str]:
    """What grants are worth: addresses are shown only to apps that may see people (Slack docs: users:read.email)."""
    return granted if "users:read" in granted else granted - {"users:read.email"}


class Slack:
    """One workspace with one app in it.

    ``rate_limits`` switches Slack's limits; ``patience`` is how long it waits for an acknowledgement (real seconds);
    ``retry_delays`` are those of events (the world's seconds); ``scopes`` are the app's grants, by default its
    manifest's; ``paid_plan`` is whether there are user groups; ``socket_mode`` is on once the app connected that way;
    ``chance`` decides what is random, the same in each run; ``calls`` is every request both ways. Methods are called on
    the loop the sandbox runs in.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        scopes: Iterable[str] | None,
        rate_limits: bool,
        manifest: Manifest | None = None,
    ) -> None:
        self.workspace = workspace
        self.manifest = manifest or Manifest()
        self.scopes = _effective(self.manifest.scopes if scopes is None else frozenset(scopes))
        self.rate_limits = rate_limits
        self.url = ""
        self.bot_url: str | None = None
        self.patience = PATIENCE_SECONDS
        self.retry_delays: Sequence[float] = RETRY_DELAYS
        self.paid_plan = True
        self.socket_mode = False
        self.chance = random.Random(0)  # noqa: S311  (what is random here is to be the same in each run)
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.token_fault: str | None = None
        self.faults = Faults(workspace.clock)
        self.limits = RateLimits()
        self.log = Log("slack")
        self.views = Views()
        self.scheduled: dict[str, Scheduled] = {}
        self.canvases: dict[str, Canvas] = {}
        """Those that stand alone, by id; a channel has its own."""
        self.uploads: dict[str, File] = {}
        """Files by the ticket in the address they are sent to."""
        self.sockets = Sockets(self)
        self.responses = Responses(self)
        self.api = WebApi(self)
        sender, payloads = Sender(self), Payloads(self)
        self.events = Events(self, sender)
        self._modals = Modals(self, sender, payloads)
        self._interactions = Interactions(self, sender, self.events, payloads, self._modals)
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

    async def stop(self) -> None:
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
        return await self._interactions.command(self._person(person), command, text, where)

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
        values: Values | None = None,
    ) -> Answer:
        """Use a button or, with ``chosen`` (an option's value), a select or overflow of a message.

        ``choice`` carries what other elements add, such as ``{"selected_date": "2027-01-02"}``; ``values`` what other
        inputs of the message hold by now.
        """
        message = self._message(person, channel, ts)
        use = (choice or {}) | ({"chosen": chosen} if chosen is not None else {})
        return await self._interactions.click(
            self._person(person), message, action_id, block_id=block_id, use=use, values=values or {}
        )

    async def click_view(
        self,
        person: str,
        view_id: str,
        *,
        action_id: str,
        block_id: str | None = None,
        chosen: str | None = None,
        choice: Json | None = None,
        values: Values | None = None,
    ) -> Answer:
        """Use an element of the modal on top, or of the home tab, as ``click`` does for messages."""
        use = (choice or {}) | ({"chosen": chosen} if chosen is not None else {})
        return await self._modals.click(
            self._person(person), view_id, action_id, block_id=block_id, use=use, values=values or {}
        )

    async def submit(self, person: str, view_id: str, values: Values | None = None) -> SubmitResult:
        """Fill in the modal on top and press its submit button.

        ``values`` are simple (a text, an option's value, a list of them) by block id or action id; what is left out
        keeps what it had.
        """
        return await self._modals.submit(self._person(person), view_id, values or {})

    async def close(self, person: str, view_id: str, *, everything: bool = False) -> Answer:
        """Cancel the modal on top, or with ``everything`` close the whole stack by the cross."""
        return await self._modals.close(self._person(person), view_id, everything=everything)

    async def shortcut(self, person: str, callback_id: str, *, message: tuple[str, str] | None = None) -> Answer:
        """Use a global shortcut, or one of a message (its channel and timestamp)."""
        found = self._message(person, *message) if message is not None else None
        return await self._interactions.shortcut(self._person(person), callback_id, found)

    async def suggest(
        self,
        person: str,
        text: str,
        *,
        action_id: str,
        block_id: str | None = None,
        view_id: str | None = None,
        message: tuple[str, str] | None = None,
    ) -> Suggestions:
        """Type into an external select of a view or of a message (its channel and timestamp); what the app offers."""
        who = self._person(person)
        if view_id is not None:
            return await self._interactions.suggest_in_view(who, view_id, action_id, block_id=block_id, text=text)
        if message is None:
            raise ValueError("say where: in a view or in a message")
        found = self._message(person, *message)
        return await self._interactions.suggest_in_message(who, found, action_id, block_id=block_id, text=text)

    async def say(self, person: str, text: str, *, channel: str = "#general", thread_ts: str | None = None) -> Message:
        """Write a message as a person."""
        where = self._place(person, channel)
        return await self._interactions.say(self._person(person), text, where, thread_ts)

    async def mention(self, person: str, text: str, *, channel: str, thread_ts: str | None = None) -> Message:
        """Write a message that begins with the app's name."""
        return await self.say(person, f"<@{BOT_USER_ID}> {text}", channel=channel, thread_ts=thread_ts)

    async def react(self, person: str, channel: str, ts: str, name: str, *, remove: bool = False) -> None:
        """Put an emoji on a message as a person, or take it off again."""
        message = self._message(person, channel, ts)
        self._interactions.react(self._person(person), message, name, remove=remove)

    def join(self, person: str, channel: str) -> None:
        """Come into a public channel as a person; twice is once."""
        self._interactions.join(self._person(person), self.workspace.channel(channel))

    def leave(self, person: str, channel: str) -> None:
        """Go out of a channel as a person."""
        self._interactions.leave(self._person(person), self.workspace.channel(channel))

    def set_status(self, person: str, text: str = "", emoji: str = "", *, until: int = 0) -> None:
        """Say in one's profile what one does, until then (Unix seconds; 0: until it is changed); nothing clears it."""
        self.change_person(person, status=text, status_emoji=emoji, status_until=until)

        def end() -> None:
            if until and self.workspace.person(person).status_until == until:
                self.change_person(person, status="", status_emoji="", status_until=0)

        if until:
            self.workspace.clock.call_later(timedelta(seconds=max(0, until - self.workspace.now())), end)

    async def open_home(self, person: str) -> list[int]:
        """Look at the app's Home tab; the statuses the app answered, retries included."""
        return await self._interactions.open_home(self._person(person))

    async def event(self, event: Json, *, retry_delays: Sequence[float] | None = None) -> list[int]:
        """Tell the app of any event, subscribed or not, until it acknowledges or ``retry_delays`` end; its statuses."""
        return await self.events.tell(event, retry_delays=retry_delays)

    async def uninstall(self) -> None:
        """Take the app out of the workspace: its token is worth nothing from now on, and it is told so."""
        self.token_fault = "account_inactive"  # noqa: S105  (an error's name)
        await self.event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER_ID]}})
        await self.event({"type": "app_uninstalled"})

    def change_person(self, person: str, **changes: Any) -> Person:
        """Change what a profile says (``zone``, ``email``, ``deactivated`` …) and tell the app of it."""
        changed = self.workspace.change_person(self.workspace.person(person), **changes)
        self.events.changed(changed)
        return changed

    def change_usergroup(self, handle: str, users: Iterable[str]) -> None:
        """Change who is in a user group (ids or keys) and tell the app of it."""
        group = next(one for one in self.workspace.usergroups.values() if one.handle == handle)
        before, previous = set(group.users), group.changed
        group.users = [self.workspace.person(who).slack_id for who in users]
        group.changed = self.workspace.now()
        self.events.regrouped(group, before, previous)

    def _person(self, who: str) -> Person:
        if self.faults.down:
            raise ConnectionError("Slack is down: nobody can do anything there")
        return self.workspace.person(who)

    def _message(self, person: str, channel: str, ts: str) -> Message:
        """A message that somebody has before them; another's ephemeral ones nobody has."""
        where = self._place(person, channel)
        message = where.by_ts.get(ts) or where.ephemeral(ts)
        who = self.workspace.person(person).slack_id
        if message is None or message.deleted or message.ephemeral_for not in (None, who):
            raise LookupError(f"no message {ts} in {channel}, or none that {person} can see")
        return message

    def _place(self, person: str, channel: str) -> Channel:
        """The channel with this id or name, if they see it; ``dm`` is the person's own conversation with the app."""
        who = self.workspace.person(person)
        if channel in ("dm", "@shipmate"):
            return self.workspace.direct(who.slack_id)
        where = self.workspace.channel(channel)
        if where.private and who.slack_id not in where.members:
            raise LookupError(f"{who.name} is not in {where.name}, which is private, and so does not see it")
        return where

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

    def modals(self, person: str) -> list[Json]:
        """The modals a person has open, the one on top last."""
        return self.views.stack(self.workspace.person(person).slack_id)

    def home(self, person: str) -> Json | None:
        """A person's home tab, if the app ever published it."""
        return self.views.homes.get(self.workspace.person(person).slack_id)

    def replies(self, channel: str, ts: str) -> list[Message]:
        """The thread below a message, oldest first."""
        return list(self.workspace.channel(channel).by_ts[ts].replies)

    async def until(self, condition: Callable[[], object], *, within: float = 30.0) -> None:
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
        duration: float | None = None,
    ) -> int:
        """Switch a fault on (a FaultKind) for a method and a channel (None = all); its number.

        It ends after so many ``times``, after ``duration`` of the world's seconds, or when it is cleared. ``channel``
        may be a person too: their conversation with the app.
        """
        where = self.workspace.find_channel(channel) if channel else None
        person = self.workspace.find_person(channel) if channel and where is None else None
        if person is not None:
            where = self.workspace.direct(person.slack_id)
        fault = Fault(
            kind=FaultKind(kind),
            method=method,
            channel=where.id if where else channel,
            times=times,
            seconds=seconds,
            retry_after=retry_after,
        )
        self.faults.add(fault, duration=duration)
        if kind == FaultKind.DOWN and self.sockets.connected:
            self.background(self.sockets.cut())
        return fault.number

    def clear_faults(self, number: int | None = None) -> None:
        """Switch every fault off, or one by its number; what hangs is cut."""
        self.faults.clear(number)
