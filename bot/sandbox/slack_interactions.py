"""What people do in Slack, told to the app: commands, clicks, mentions, App Home; signed, or through Socket Mode.

Payloads are those of docs.slack.dev/reference/interaction-payloads. Events are retried at once, after a minute and
after five (docs.slack.dev/apis/events-api); commands and clicks are not. Slack's own words for a failed command
(``dispatch_failed``, ``operation_timeout``) are shown to the person by Slackbot.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack_responses import apply_response
from bot.sandbox.slack_shapes import find_element, message_json
from bot.sandbox.world import (
    APP_ID,
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

RETRY_DELAYS = (0.0, 60.0, 300.0)
_VERIFICATION_TOKEN = "not-used"  # noqa: S105  (the deprecated token; the signature counts)


@dataclass(frozen=True)
class Answer:
    """How the app answered: the HTTP status (200 for a Socket Mode acknowledgement, 0 for none in time) and body."""

    status: int
    body: Any = None

    @property
    def ok(self) -> bool:
        """Whether Slack takes it for an acknowledgement."""
        return 200 <= self.status < 300


class Interactions:
    """Sends to the app what people do."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._numbers = itertools.count(1)

    # What people do

    async def command(self, person: Person, command: str, text: str, channel: Channel) -> Answer:
        """Type a slash command; what the app answers at once is shown in the channel."""
        fields = {
            "token": _VERIFICATION_TOKEN,
            "team_id": TEAM_ID,
            "team_domain": TEAM_DOMAIN,
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.person else channel.name,
            "user_id": person.slack_id,
            "user_name": person.key,
            "command": command,
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._slack.responses.issue("commands", channel, person.slack_id),
            "trigger_id": self._slack.views.trigger(person.slack_id),
        }
        answer = await self._send("slash_commands", fields, urlencode(fields))
        if not answer.ok:
            word = "operation_timeout" if answer.status == 0 else "dispatch_failed"
            self._whisper(channel, person, f'{command} failed with the error "{word}"')
        elif answer.body:
            body = answer.body if isinstance(answer.body, dict) else {"text": str(answer.body)}
            apply_response(self._slack, channel, person.slack_id, None, body)
        return answer

    async def click(
        self,
        person: Person,
        message: Message,
        action_id: str,
        *,
        block_id: str | None,
        chosen: str | None,
        choice: Json,
    ) -> Answer:
        """Use a button or choose an option (by its value) of a message; LookupError if it is not there.

        ``choice`` are fields Slack adds for other elements, such as ``selected_date``.
        """
        channel = self._slack.workspace.channels[message.channel]
        block, element = find_element(message.blocks, action_id, block_id)
        action: Json = {
            "type": element["type"],
            "action_id": action_id,
            "block_id": block["block_id"],
            "action_ts": f"{time.time():.6f}",
        }
        if "text" in element:
            action["text"] = element["text"]
        if "value" in element:
            action["value"] = element["value"]
        action |= choice
        if chosen is not None:
            action["selected_option"] = _option(element, chosen)
        ephemeral = message.ephemeral_for is not None
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": ephemeral,
        }
        if message.is_reply:
            container["thread_ts"] = message.thread_ts
        payload = self._interaction("block_actions", person) | {
            "container": container,
            "trigger_id": self._slack.views.trigger(person.slack_id),
            "channel": {"id": channel.id, "name": "directmessage" if channel.person else channel.name},
            "state": {"values": {}},
            "response_url": self._slack.responses.issue("actions", channel, person.slack_id, message),
            "actions": [action],
        }
        if not ephemeral:
            payload["message"] = message_json(message)
        return await self._send("interactive", payload, urlencode({"payload": json.dumps(payload)}))

    async def say(self, person: Person, text: str, channel: Channel, thread_ts: str | None) -> Message:
        """Write a message; a mention of the app where it is a member tells it so, in the background."""
        message = self._slack.workspace.post(
            channel,
            Message(
                channel=channel.id,
                ts=channel.next_ts(),
                user=person.slack_id,
                bot=False,
                text=text,
                thread_ts=thread_ts,
            ),
        )
        if f"<@{BOT_USER_ID}>" in text and BOT_USER_ID in channel.members:
            event = {
                "type": "app_mention",
                "user": person.slack_id,
                "text": text,
                "ts": message.ts,
                "team": TEAM_ID,
                "channel": channel.id,
                "event_ts": message.ts,
                "client_msg_id": str(uuid.uuid4()),
            }
            if thread_ts:
                event["thread_ts"] = thread_ts
            self._slack.background(self.event(event))
        return message

    async def open_home(self, person: Person) -> list[int]:
        """Look at the app's Home tab."""
        view = self._slack.views.homes.get(person.slack_id)
        event: Json = {
            "type": "app_home_opened",
            "user": person.slack_id,
            "tab": "home",
            "channel": self._slack.workspace.direct(person.slack_id).id,
            "event_ts": f"{time.time():.6f}",
        }
        return await self.event(event | ({"view": view} if view else {}))

    async def event(self, event: Json, *, retry_delays: Sequence[float] = RETRY_DELAYS) -> list[int]:
        """Tell the app of an event, again after each delay (seconds) until it answers 2xx; the statuses it gave."""
        body: Json = {
            "token": _VERIFICATION_TOKEN,
            "team_id": TEAM_ID,
            "context_team_id": TEAM_ID,
            "context_enterprise_id": None,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev0{next(self._numbers):08d}",
            "event_time": int(time.time()),
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
        statuses: list[int] = []
        reason = ""
        for attempt, delay in enumerate((0.0, *retry_delays)):
            await asyncio.sleep(delay)
            answer = await self._send("events_api", body, json.dumps(body), attempt=attempt, reason=reason)
            statuses.append(answer.status)
            if answer.ok:
                break
            reason = "http_timeout" if answer.status == 0 else "http_error"
        return statuses

    # How it is sent

    def _interaction(self, kind: str, person: Person) -> Json:
        return {
            "type": kind,
            "user": {"id": person.slack_id, "username": person.key, "name": person.key, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "token": _VERIFICATION_TOKEN,
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    async def _send(self, kind: str, payload: Any, body: str, *, attempt: int = 0, reason: str = "") -> Answer:
        if self._slack.sockets.connected:
            return await self._send_by_socket(kind, payload, attempt, reason)
        return await self._send_by_http(kind, payload, body, attempt, reason)

    async def _send_by_socket(self, kind: str, payload: Any, attempt: int, reason: str) -> Answer:
        began = time.perf_counter()
        try:
            result = await self._slack.sockets.send(
                kind, payload, answerable=kind != "events_api", attempt=attempt, reason=reason
            )
            answer = Answer(200, result)
        except TimeoutError:
            answer = Answer(0)
        self._slack.log.add(
            incoming=False,
            verb="WS",
            path="(socket mode)",
            method=kind,
            args=payload,
            status=answer.status,
            answer=answer.body,
            began=began,
            request_body=json.dumps(payload),
            answer_body=json.dumps(answer.body),
        )
        return answer

    async def _send_by_http(self, kind: str, payload: Any, body: str, attempt: int, reason: str) -> Answer:
        if self._slack.bot_url is None:
            return Answer(0)
        stamp = str(int(time.time()))
        form = "application/json" if kind == "events_api" else "application/x-www-form-urlencoded"
        headers = {
            "Content-Type": form,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": sign(self._slack.signing_secret, stamp, body),
        }
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        began = time.perf_counter()
        status, text = 0, ""
        try:
            async with self._slack.session.post(
                f"{self._slack.bot_url}/slack/events",
                data=body.encode(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self._slack.patience),
            ) as response:
                status, text = response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            text = f"({type(error).__name__})"
        answer = Answer(status, decoded(text) if status else None)
        self._slack.log.add(
            incoming=False,
            verb="POST",
            path="/slack/events",
            method=kind,
            args=payload,
            status=status,
            answer=answer.body,
            began=began,
            request_headers=headers,
            request_body=body,
            answer_body=text,
        )
        return answer

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


def sign(secret: str, stamp: str, body: str) -> str:
    """Slack's signature, version 0 (docs.slack.dev/authentication/verifying-requests-from-slack)."""
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
    return f"v0={digest.hexdigest()}"


def decoded(text: str) -> Any:
    """JSON where it is JSON, else the text."""
    try:
        return json.loads(text) if text.startswith(("{", "[")) else text
    except ValueError:
        return text


def _option(element: Json, value: str) -> Json:
    options: list[Json] = list(element.get("options", []))
    for group in element.get("option_groups", []):
        options += group["options"]
    for option in options:
        if option["value"] == value:
            return option
    raise LookupError(f"no option {value!r}; there are {[option['value'] for option in options]}")
