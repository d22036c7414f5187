"""The Events API: what happens in the workspace, told to the app if it subscribed, until it acknowledges.

docs.slack.dev/apis/events-api: three retries, at once, after a minute, after five, by the world's clock; an answer with
``x-slack-no-retry: 1`` ends them. On demand events come twice, or in another order, or wait until Slack is up again.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.slack_sending import Sender
from bot.sandbox.slack_shapes import message_json, person_json
from bot.sandbox.world import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, Channel, Json, Message, Person, Usergroup

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

RETRY_DELAYS = (0.0, 60.0, 300.0)
VERIFICATION_TOKEN = "not-used"  # noqa: S105  (the deprecated token; the signature counts)


@dataclass(eq=False)
class _Turn:
    """One event that waits for the others, until it may go and until it has gone."""

    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class Events:
    """Tells the app of one Slack what happens."""

    def __init__(self, slack: Slack, sender: Sender) -> None:
        self._slack = slack
        self._sender = sender
        self._numbers = itertools.count(1)
        self._held: list[_Turn] = []

    async def tell(self, event: Json, *, retry_delays: Sequence[float] | None = None) -> list[int]:
        """Tell the app of an event, again after each delay (seconds) until it answers 2xx; the statuses it gave."""
        body = self._wrapped(event)
        await self._slack.faults.until_up()
        shuffled = self._slack.faults.sending(FaultKind.EVENTS_SHUFFLED)
        turn = await self._wait_for_turn(shuffled) if shuffled is not None else None
        copies = 1 if self._slack.faults.sending(FaultKind.EVENTS_TWICE) is None else 2
        statuses: list[int] = []
        try:
            for _ in range(copies):
                statuses += await self._until_acknowledged(body, retry_delays, turn)
        finally:
            if turn is not None:
                turn.gone.set()
        return statuses

    async def _until_acknowledged(
        self, body: Json, retry_delays: Sequence[float] | None, turn: _Turn | None
    ) -> list[int]:
        delays = self._slack.retry_delays if retry_delays is None else retry_delays
        statuses: list[int] = []
        reason = ""
        for attempt, delay in enumerate((0.0, *delays)):
            if delay > 0:
                await self._slack.workspace.clock.sleep(delay)
            await self._slack.faults.until_up()
            answer = await self._sender.send("events_api", body, json.dumps(body), attempt=attempt, reason=reason)
            statuses.append(answer.status)
            if turn is not None:
                turn.gone.set()
            if answer.ok or answer.final:
                break
            reason = answer.reason
        return statuses

    def _wrapped(self, event: Json) -> Json:
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": TEAM_ID,
            "context_team_id": TEAM_ID,
            "context_enterprise_id": None,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev0{next(self._numbers):08d}",
            "event_time": self._slack.workspace.now(),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": TEAM_ID,
                    "user_id": BOT_USER_ID,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{uuid.uuid4().hex}",
        }

    # In another order

    async def _wait_for_turn(self, fault: Fault) -> _Turn:
        turn = _Turn()
        if not self._held:
            self._slack.background(self._let_go(fault))
        self._held.append(turn)
        await turn.may_go.wait()
        return turn

    async def _let_go(self, fault: Fault) -> None:
        """Wait for the fault's while, or its end; then let those that came go, one by one, in another order."""
        waiting = [
            asyncio.ensure_future(self._slack.workspace.clock.sleep(fault.seconds)),
            asyncio.ensure_future(fault.over.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        came, self._held = self._held, []
        order = came.copy()
        self._slack.chance.shuffle(order)
        if order == came:
            order.reverse()
        for turn in order:
            turn.may_go.set()
            await turn.gone.wait()

    # What happens

    def happened(self, kind: str, event: Json) -> None:
        """Tell of an event in the background, if the app subscribed to it; ``kind`` is the subscription's name."""
        if self._slack.manifest.hears(kind, self._slack.scopes):
            stamp = f"{self._slack.workspace.clock.now().timestamp():.6f}"
            self._slack.background(self.tell({"event_ts": stamp, **event}))

    def said(self, message: Message) -> None:
        """Tell of a message in a conversation the app is in; a mention of it is told as such, too."""
        channel = self._slack.workspace.channels[message.channel]
        if BOT_USER_ID not in channel.members or message.ephemeral_for is not None:
            return
        person = self._slack.workspace.people.get(message.user)
        event: Json = {
            "type": "message",
            "user": message.user,
            "text": message.text,
            "ts": message.ts,
            "event_ts": message.ts,
            "team": person.team_id if person is not None else TEAM_ID,
            "channel": channel.id,
            "client_msg_id": str(uuid.uuid4()),
        }
        if message.bot:
            event |= {"bot_id": BOT_ID, "app_id": APP_ID}
        if message.blocks:
            event["blocks"] = message.blocks
        if message.thread_ts is not None:
            event["thread_ts"] = message.thread_ts
        kind = {"public": "channels", "private": "groups"}.get(channel.type, channel.type)
        one_of_channels = {"channels": "channel", "groups": "group"}.get(kind, kind)
        self.happened(f"message.{kind}", event | {"channel_type": one_of_channels})
        if f"<@{BOT_USER_ID}>" in message.text and not message.bot:
            self.happened("app_mention", event | {"type": "app_mention"})

    def joined(self, channel: Channel, who: str, *, inviter: str | None) -> None:
        """Tell that somebody, or the app, is now in a channel the app is in."""
        self._membership("member_joined_channel", channel, who, {"inviter": inviter} if inviter else {})

    def left(self, channel: Channel, who: str) -> None:
        """Tell that somebody is no more in a channel the app is in."""
        self._membership("member_left_channel", channel, who, {})

    def _membership(self, kind: str, channel: Channel, who: str, more: Json) -> None:
        """By its page this event requires membership, and the scope to read this kind of conversation."""
        reading = {"public": "channels:read", "private": "groups:read"}.get(channel.type, f"{channel.type}:read")
        if BOT_USER_ID not in channel.members or reading not in self._slack.scopes:
            return
        event: Json = {
            "type": kind,
            "user": who,
            "channel": channel.id,
            "channel_type": "G" if channel.private else "C",
            "team": TEAM_ID,
        }
        self.happened(kind, event | more)

    def reacted(self, message: Message, who: str, name: str, *, added: bool) -> None:
        """Tell of an emoji put on a message that the app can see, or taken off."""
        if BOT_USER_ID not in self._slack.workspace.channels[message.channel].members:
            return
        kind = "reaction_added" if added else "reaction_removed"
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        self.happened(kind, {"type": kind, "user": who, "reaction": name, "item_user": message.user, "item": item})

    def pinned(self, message: Message, *, added: bool) -> None:
        """Tell that the app pinned a message where it is, or took the pin off."""
        channel = self._slack.workspace.channels[message.channel]
        if BOT_USER_ID not in channel.members:
            return
        kind = "pin_added" if added else "pin_removed"
        item = {
            "type": "message",
            "channel": channel.id,
            "created": message.pinned_at or self._slack.workspace.now(),
            "created_by": BOT_USER_ID,
            "message": message_json(message),
        }
        told: Json = {"type": kind, "user": BOT_USER_ID, "channel_id": channel.id, "item": item}
        left = any(one.pinned_at is not None for one in channel.by_ts.values())
        self.happened(kind, told if added else told | {"has_pins": left})

    def made(self, channel: Channel) -> None:
        """Tell of a public channel that is new."""
        shape = {"id": channel.id, "name": channel.name, "created": channel.created, "creator": channel.creator}
        if not channel.private:
            self.happened("channel_created", {"type": "channel_created", "channel": shape})

    def regrouped(self, group: Usergroup, before: set[str], previous: int) -> None:
        """Tell who came into a user group, and who left it."""
        added, removed = sorted(set(group.users) - before), sorted(before - set(group.users))
        event = {
            "type": "subteam_members_changed",
            "subteam_id": group.id,
            "team_id": TEAM_ID,
            "date_previous_update": previous,
            "date_update": group.changed,
            "added_users": added,
            "added_users_count": len(added),
            "removed_users": removed,
            "removed_users_count": len(removed),
        }
        self.happened("subteam_members_changed", event)

    def changed(self, person: Person) -> None:
        """Tell that somebody's profile is different."""
        email = "users:read.email" in self._slack.scopes
        shape = person_json(person, email=email, now=self._slack.workspace.clock.now())
        self.happened("user_change", {"type": "user_change", "user": shape})
