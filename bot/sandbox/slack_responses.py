"""``response_url``: five uses in thirty minutes, ephemeral unless told otherwise, no token needed.

docs.slack.dev/interactivity/handling-user-interaction. The refusals of a spent address are not documented; these
(404 ``used_url`` and ``expired_url``) are what people report. An ephemeral message cannot be made public.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.slack_api import hang_up, read_arguments
from bot.sandbox.slack_blocks import check_blocks
from bot.sandbox.slack_calls import Refusal
from bot.sandbox.slack_chat import refuse_blocks
from bot.sandbox.slack_shapes import stored_blocks
from bot.sandbox.world import BOT_USER_ID, TEAM_ID, Channel, Json, Message

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

USES = 5
LIFE_SECONDS = 30 * 60
KEPT = 1000


@dataclass(kw_only=True)
class ResponseUrl:
    """One address: where its messages go, for whom, and which message it came from."""

    channel: Channel
    person: str
    source: Message | None
    made: float = field(default_factory=time.monotonic)
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
        self.addresses[name] = ResponseUrl(channel=channel, person=person, source=source)
        return f"{self._slack.url}/{name}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one POST to an address."""
        if self._slack.faults.down:
            return hang_up(request)
        began = time.perf_counter()
        body: Json = {}
        text = ""
        try:
            body, text = await read_arguments(request)
            if not body and request.content_type != "application/json":
                raise Refusal("invalid_payload")
            self._use(request.path.removeprefix("/"), body)
            status, answer = 200, "ok"
        except Refusal as refusal:
            status = 404 if refusal.error in ("used_url", "expired_url") else 400
            answer = json.dumps({"ok": False, "error": refusal.error})
        self._slack.log.add(
            incoming=True,
            verb=request.method,
            path=request.path,
            method="response_url",
            args=body,
            status=status,
            answer=answer,
            began=began,
            request_headers=request.headers,
            request_body=text,
            answer_body=answer,
        )
        return web.Response(
            text=answer, status=status, content_type="text/html" if status == 200 else "application/json"
        )

    def _use(self, name: str, body: Json) -> None:
        address = self.addresses.get(name)
        if address is None or time.monotonic() - address.made > LIFE_SECONDS:
            raise Refusal("expired_url")
        if address.used >= USES:
            raise Refusal("used_url")
        address.used += 1
        apply_response(self._slack, address.channel, address.person, address.source, body)


def apply_response(slack: Slack, channel: Channel, person: str, source: Message | None, body: Json) -> None:
    """Do what an answer says: replace or delete the message it is about, or say something new."""
    if body.get("delete_original") and source is not None:
        slack.workspace.delete(source)
        return
    text = str(body.get("text") or "")
    blocks: Any = body.get("blocks") or []
    if isinstance(blocks, str):
        blocks = json.loads(blocks)
    refuse_blocks(check_blocks(blocks))
    if not text and not blocks:
        raise Refusal("no_text")
    if body.get("replace_original") and source is not None:
        source.text, source.blocks = text, stored_blocks(blocks)
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
            blocks=stored_blocks(blocks),
            thread_ts=thread_ts,
            ephemeral_for=None if public else person,
        ),
    )
