"""``response_url``: five uses in thirty minutes, ephemeral unless told otherwise, no token needed.

docs.slack.dev/interactivity/handling-user-interaction; the minutes are the world's. The refusals of a spent address are
not documented; these (404 ``used_url`` and ``expired_url``) are what people report. An ephemeral message cannot be made
public. Ours, too: what would change a message that is gone is refused with ``message_not_found``.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.faults import lost, suffered
from bot.sandbox.slack_api import read_arguments
from bot.sandbox.slack_calls import Arguments, Refusal
from bot.sandbox.slack_chat import said
from bot.sandbox.world import BOT_USER_ID, TEAM_ID, Channel, Json, Message

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

USES = 5
LIFE = timedelta(minutes=30)
KEPT = 1000


@dataclass(kw_only=True)
class ResponseUrl:
    """One address: where its messages go, for whom, and which message it came from."""

    channel: Channel
    person: str
    source: Message | None
    made: datetime
    used: int = 0


class Responses:
    """The addresses given out, by what follows the host's name."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.addresses: dict[str, ResponseUrl] = {}

    def issue(self, kind: str, channel: Channel, person: str, source: Message | None = None) -> str:
        """A fresh address; ``kind`` is ``commands`` or ``actions``."""
        if len(self.addresses) >= KEPT:
            del self.addresses[next(iter(self.addresses))]
        name = f"{kind}/{TEAM_ID}/{len(self.addresses) + 1}/{secrets.token_urlsafe(12)}"
        made = self._slack.workspace.clock.now()
        self.addresses[name] = ResponseUrl(channel=channel, person=person, source=source, made=made)
        return f"{self._slack.url}/{name}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one POST to an address; faults call it the method ``response_url``."""
        began = time.perf_counter()
        address = self.addresses.get(request.path.removeprefix("/"))
        fault = self._slack.faults.take("response_url", address.channel.id if address is not None else None)
        body: Json = {}
        text = ""
        answered = await suffered(fault)
        if answered is None:
            try:
                body, text = await read_arguments(request)
                if not body and request.content_type != "application/json":
                    raise Refusal("invalid_payload")
                self._use(address, body)
                answered = 200, "ok", {}, lost(fault)
            except Refusal as refusal:
                status = 404 if refusal.error in ("used_url", "expired_url") else 400
                answered = status, {"ok": False, "error": refusal.error}, {}, False
        return self._slack.api.finish(request, "response_url", body, text, answered, began)

    def _use(self, address: ResponseUrl | None, body: Json) -> None:
        if address is None or self._slack.workspace.clock.now() - address.made >= LIFE:
            raise Refusal("expired_url")
        if address.used >= USES:
            raise Refusal("used_url")
        address.used += 1
        apply_response(self._slack, address.channel, address.person, address.source, body)


def apply_response(slack: Slack, channel: Channel, person: str, source: Message | None, body: Json) -> None:
    """Do what an answer says: replace or delete the message it is about, or say something new."""
    deletes = source is not None and body.get("delete_original")
    if source is not None and source.deleted and (deletes or body.get("replace_original")):
        raise Refusal("message_not_found")
    if source is not None and deletes:
        slack.workspace.delete(source)
        return
    text, blocks, attachments = said(Arguments(body))
    if body.get("replace_original") and source is not None:
        source.text, source.blocks, source.attachments = text, blocks, attachments
        slack.workspace.edited(source, mark=False)
        return
    public = body.get("response_type") == "in_channel"
    thread_ts = body.get("thread_ts")
    if not isinstance(thread_ts, str) or thread_ts not in channel.by_ts:
        thread_ts = source.thread_ts if source is not None and source.is_reply else None
    slack.workspace.post(
        channel,
        Message(
            channel=channel.id,
            ts=channel.next_ts(),
            user=BOT_USER_ID,
            bot=True,
            text=text,
            blocks=blocks,
            attachments=attachments,
            thread_ts=thread_ts,
            ephemeral_for=None if public else person,
        ),
    )
