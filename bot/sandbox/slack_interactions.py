"""What people do in Slack, told to the app: commands, clicks, shortcuts, messages, App Home; signed, or by Socket Mode.

Commands and clicks are not retried. Slack's own words for a failed command (``dispatch_failed``,
``operation_timeout``) are shown to the person by Slackbot; so is, by our decision, what is wrong with an answer.
"""

from __future__ import annotations

import re
from html import escape as html_escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bot.sandbox.slack_calls import Refusal
from bot.sandbox.slack_events import VERIFICATION_TOKEN, Events
from bot.sandbox.slack_forms import filled
from bot.sandbox.slack_modals import Modals, Suggestions, Values
from bot.sandbox.slack_payloads import Payloads, message_state, place_name
from bot.sandbox.slack_responses import apply_response
from bot.sandbox.slack_sending import Answer, Sender
from bot.sandbox.slack_shapes import find_element
from bot.sandbox.workspace import Workspace
from bot.sandbox.world import (
    APP_ID,
    BOT_NAME,
    BOT_USER_ID,
    SLACKBOT_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    Json,
    Message,
    Person,
)

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

__all__ = ["Answer", "Interactions", "escaped"]


class Interactions:
    """Sends to the app what people do."""

    def __init__(self, slack: Slack, sender: Sender, events: Events, payloads: Payloads, modals: Modals) -> None:
        self._slack = slack
        self._sender = sender
        self._events = events
        self._payloads = payloads
        self._modals = modals

    async def command(self, person: Person, command: str, text: str, channel: Channel) -> Answer:
        """Type a slash command; what the app answers at once is shown in the channel. LookupError if it has none."""
        known = self._slack.manifest.command(command)
        self._granted("commands")
        fields = {
            "token": VERIFICATION_TOKEN,
            "team_id": TEAM_ID,
            "team_domain": TEAM_DOMAIN,
            "channel_id": channel.id,
            "channel_name": place_name(channel),
            "user_id": person.slack_id,
            "user_name": person.key,
            "command": command,
            "text": escaped(text, self._slack.workspace, names=True) if known.should_escape else text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._slack.responses.issue("commands", channel, person.slack_id),
            "trigger_id": self._slack.views.trigger(person.slack_id),
        }
        answer = await self._sender.send("slash_commands", fields, urlencode(fields))
        if not answer.ok:
            word = "operation_timeout" if answer.reason in ("timeout", "http_timeout") else "dispatch_failed"
            self._whisper(channel, person, f'{command} failed with the error "{word}"')
        elif answer.body:
            body = answer.body if isinstance(answer.body, dict) else {"text": str(answer.body)}
            self._answered(command, channel, person, body)
        return answer

    def _answered(self, command: str, channel: Channel, person: Person, body: Json) -> None:
        """Show what the app answered at once; without anything to show it is a mere acknowledgement."""
        if not any(body.get(name) for name in ("text", "blocks", "attachments")):
            return
        try:
            apply_response(self._slack, channel, person.slack_id, None, body)
        except Refusal as refusal:
            self._whisper(channel, person, f'{command} failed with the error "{refusal.error}"')

    async def click(
        self, person: Person, message: Message, action_id: str, *, block_id: str | None, use: Json, values: Values
    ) -> Answer:
        """Use an element of a message; ``use`` is as for ``Payloads.action``; LookupError if it is not there."""
        channel = self._slack.workspace.channels[message.channel]
        block, element = find_element(message.blocks, action_id, block_id)
        known = self._slack.views.suggested.get(person.slack_id, {})
        message.answers = filled(message.blocks, message_state(message), values, known)
        action = self._payloads.action(block, element, use, known=known)
        self._payloads.remember(message.answers, block, element, action)
        return await self._sender.interaction(self._payloads.message_action(person, channel, message, action))

    async def suggest_in_message(
        self, person: Person, message: Message, action_id: str, *, block_id: str | None, text: str
    ) -> Suggestions:
        """Type into an external select of a message."""
        channel = self._slack.workspace.channels[message.channel]
        block, element = find_element(message.blocks, action_id, block_id)
        payload = self._payloads.suggestion(person, block, element, text) | self._payloads.in_message(channel, message)
        return await self._modals.suggest(person, payload, element, text)

    async def suggest_in_view(
        self, person: Person, view_id: str, action_id: str, *, block_id: str | None, text: str
    ) -> Suggestions:
        """Type into an external select of a modal or a home tab."""
        view = self._modals.view(person, view_id)
        block, element = find_element(view["blocks"], action_id, block_id)
        where = self._payloads.in_view(view, self._slack.views.states[view_id])
        return await self._modals.suggest(
            person, self._payloads.suggestion(person, block, element, text) | where, element, text
        )

    async def shortcut(self, person: Person, callback_id: str, message: Message | None) -> Answer:
        """Use a shortcut, of a message if one is given; LookupError if the app has none of that name."""
        self._slack.manifest.shortcut(callback_id, "global" if message is None else "message")
        self._granted("commands")
        if message is None:
            return await self._sender.interaction(self._payloads.global_shortcut(person, callback_id))
        channel = self._slack.workspace.channels[message.channel]
        payload = self._payloads.message_shortcut(person, callback_id, channel, message)
        return await self._sender.interaction(payload)

    def _granted(self, scope: str) -> None:
        if scope not in self._slack.scopes:
            raise LookupError(f"the app was not granted {scope!r}, so Slack offers none of it")

    async def say(self, person: Person, text: str, channel: Channel, thread_ts: str | None) -> Message:
        """Write a message; the app is told, in the background, if it may know. LookupError where nobody can write."""
        if channel.archived:
            raise LookupError(f"#{channel.name} is archived: nobody can write there")
        if channel.person and (self._slack.manifest.messages_read_only or not self._slack.manifest.messages_tab):
            raise LookupError(f"nobody can write to {BOT_NAME}: its messages tab is read-only")
        if person.slack_id not in channel.members:
            raise LookupError(f"{person.name} is not in #{channel.name}, and so cannot write there")
        parent = channel.by_ts.get(thread_ts) if thread_ts is not None else None
        if thread_ts is not None and parent is None:
            raise LookupError(f"there is no message {thread_ts} in {channel.name} to reply to")
        message = self._slack.workspace.post(
            channel,
            Message(
                channel=channel.id,
                ts=channel.next_ts(),
                user=person.slack_id,
                bot=False,
                text=escaped(text, self._slack.workspace, names=False),
                thread_ts=parent.thread_ts if parent is not None and parent.is_reply else thread_ts,
            ),
        )
        self._events.said(message)
        return message

    async def open_home(self, person: Person) -> list[int]:
        """Look at the app's Home tab; the statuses the app answered. Nothing is told where it did not subscribe."""
        manifest = self._slack.manifest
        if not manifest.home_tab:
            raise LookupError(f"{BOT_NAME} has no Home tab")
        if not manifest.hears("app_home_opened", self._slack.scopes):
            return []
        view = self._slack.views.homes.get(person.slack_id)
        event: Json = {
            "type": "app_home_opened",
            "user": person.slack_id,
            "tab": "home",
            "channel": self._slack.workspace.direct(person.slack_id).id,
            "event_ts": f"{self._slack.workspace.clock.now().timestamp():.6f}",
        }
        return await self._events.tell(event | ({"view": view} if view else {}))

    def react(self, person: Person, message: Message, name: str, *, remove: bool) -> None:
        """Put an emoji on a message, or take it off; twice is once."""
        who = message.reactions.get(name, [])
        if (person.slack_id in who) is not remove:
            return
        if remove:
            who.remove(person.slack_id)
            if not who:
                del message.reactions[name]
        else:
            message.reactions.setdefault(name, []).append(person.slack_id)
        self._slack.workspace.changed(message)
        self._events.reacted(message, person.slack_id, name, added=not remove)

    def join(self, person: Person, channel: Channel) -> None:
        """Come into a public channel; LookupError where one has to be let in."""
        if channel.private or channel.archived or person.guest or person.single_channel_guest:
            raise LookupError(f"{person.name} cannot join #{channel.name}: it is private, archived or not for guests")
        if person.slack_id in channel.members:
            return
        channel.members.add(person.slack_id)
        self._slack.workspace.place_changed(channel)
        self._events.joined(channel, person.slack_id, inviter=None)

    def leave(self, person: Person, channel: Channel) -> None:
        """Go out of a channel."""
        if channel.person or channel.general:
            raise LookupError(f"nobody leaves {channel.name}")
        if person.slack_id in channel.members:
            channel.members.discard(person.slack_id)
            self._slack.workspace.place_changed(channel)
            self._events.left(channel, person.slack_id)

    def _whisper(self, channel: Channel, person: Person, text: str) -> None:
        self._slack.workspace.post(
            channel,
            Message(
                channel=channel.id,
                ts=channel.next_ts(),
                user=SLACKBOT_ID,
                bot=False,
                text=text,
                ephemeral_for=person.slack_id,
            ),
        )


_TOKEN = re.compile(r"<[@#!][^<>\s]+>|<https?://[^<>\s]+>")
_NAMED = re.compile(r"(?<![\w<])([@#])([\w-]+)|(?<![\w<|])(https?://[^\s<>|]+)")


def escaped(text: str, workspace: Workspace, *, names: bool) -> str:
    """What people type as Slack passes it on: people, channels, groups and addresses as tokens, ``& < >`` as entities.

    ``names`` puts the name beside the id, as slash commands with ``should_escape`` have it. Tokens typed as such stay.
    """
    pieces: list[str] = []
    at = 0
    for token in _TOKEN.finditer(text):
        pieces += [_written(text[at : token.start()], workspace, names=names), token.group()]
        at = token.end()
    return "".join([*pieces, _written(text[at:], workspace, names=names)])


def _written(text: str, workspace: Workspace, *, names: bool) -> str:
    def token(found: re.Match[str]) -> str:
        sign, name, url = found.groups()
        if url:
            return f"<{url}>"
        target = _channel_token(name, workspace) if sign == "#" else _person_token(name, workspace)
        if target is None:
            return found.group()
        identity, label = target
        return f"<{identity}|{label}>" if names else f"<{identity}>"

    return _NAMED.sub(token, html_escape(text, quote=False))


def _person_token(name: str, workspace: Workspace) -> tuple[str, str] | None:
    if name.lower() == BOT_NAME.lower():
        return f"@{BOT_USER_ID}", name.lower()
    if name in ("here", "channel", "everyone"):
        return f"!{name}", name
    person = workspace.find_person(name)
    if person is not None:
        return f"@{person.slack_id}", person.key
    group = next((one for one in workspace.usergroups.values() if one.handle == name and not one.disabled), None)
    return (f"!subteam^{group.id}", f"@{group.handle}") if group is not None else None


def _channel_token(name: str, workspace: Workspace) -> tuple[str, str] | None:
    channel = workspace.find_channel(f"#{name}")
    return (f"#{channel.id}", channel.name) if channel is not None and not channel.person else None
