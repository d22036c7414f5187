"""PagerDuty's webhooks (version 3): signed, retried for two days, dropped on a refusal, paused after three of those.

Retries wait by the world's clock, each twice as long as the one before (how long exactly is not documented). The bot
has 5 real seconds to answer. An event keeps its id through every attempt.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.sandbox.clock import Clock
from bot.sandbox.exchanges import Log
from bot.sandbox.pagerduty_records import Json
from bot.sandbox.sender import Sender

ADDRESS = "/webhooks/pagerduty"
"""Where the bot hears of its incidents."""

PATIENCE_SECONDS = 5.0
FIRST_RETRY = timedelta(seconds=10)
GIVES_UP_AFTER = timedelta(hours=48)
DROPS_TO_PAUSE = 3
PAUSE = timedelta(hours=24)
SUBSCRIPTION_ID = "PWSHIPMATE"


@dataclass(kw_only=True, eq=False)
class Sending:
    """One event on its way; ``status`` is the last answer's, 0 where none came."""

    id: str
    kind: str
    body: bytes
    began: datetime
    attempts: int = 0
    status: int = 0
    dropped: bool = False

    @property
    def ok(self) -> bool:
        """Whether the bot took it."""
        return 200 <= self.status < 300


class Hooks:
    """The one webhook subscription of the account."""

    def __init__(self, log: Log, clock: Clock) -> None:
        self.secret = secrets.token_hex(32)
        self.older_secret: str | None = None
        self.bot_url: str | None = None
        self.sent: list[Sending] = []
        self.paused_until: datetime | None = None
        self.late = 0.0
        """By how many of the world's seconds each event from now on is late."""
        self._drops = 0
        self._log = log
        self._clock = clock
        self._sender = Sender(PATIENCE_SECONDS)

    def rotate(self) -> None:
        """Make a new secret; until the next one, both sign, as while a subscription's secret is being replaced."""
        self.older_secret, self.secret = self.secret, secrets.token_hex(32)

    def send(self, kind: str, resource: str, agent: Json | None, data: Json, *, client: str | None = None) -> None:
        """Tell the bot of an event, if there is one to tell."""
        now = self._clock.now()
        if self.bot_url is None or (self.paused_until is not None and now < self.paused_until):
            return
        identity = secrets.token_hex(13).upper()
        event = {
            "id": identity,
            "event_type": kind,
            "resource_type": resource,
            "occurred_at": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
            "agent": agent,
            "client": {"name": client} if client else None,
            "data": data,
        }
        sending = Sending(id=identity, kind=kind, body=json.dumps({"event": event}).encode(), began=now)
        self.sent.append(sending)
        if self.late:
            self._clock.call_later(timedelta(seconds=self.late), lambda: self._begin(sending))
        else:
            self._begin(sending)

    def _begin(self, sending: Sending) -> None:
        self._sender.begin(self._attempt(sending))

    async def _attempt(self, sending: Sending) -> None:
        sending.attempts += 1
        began = time.perf_counter()
        headers = self._headers(sending)
        sending.status, answer = await self._sender.post(f"{self.bot_url}{ADDRESS}", headers, sending.body)
        self._log.add(
            incoming=False,
            verb="POST",
            path=ADDRESS,
            method=sending.kind,
            args={"id": sending.id, "attempt": sending.attempts},
            status=sending.status,
            answer=answer,
            began=began,
            request_headers=headers,
            request_body=sending.body.decode(),
            answer_body=answer,
        )
        self._conclude(sending)

    def _conclude(self, sending: Sending) -> None:
        if sending.ok:
            self._drops = 0
        elif sending.status in (0, 429) or sending.status >= 500:
            wait = FIRST_RETRY * 2 ** (sending.attempts - 1)
            if self._clock.now() + wait - sending.began <= GIVES_UP_AFTER:
                self._clock.call_later(wait, lambda: self._begin(sending))
            else:
                sending.dropped = True
        else:
            sending.dropped = True
            self._drops += 1
            if self._drops >= DROPS_TO_PAUSE:
                self.paused_until, self._drops = self._clock.now() + PAUSE, 0

    def _headers(self, sending: Sending) -> dict[str, str]:
        keys = [self.secret, *([self.older_secret] if self.older_secret else [])]
        signatures = [hmac.new(key.encode(), sending.body, hashlib.sha256).hexdigest() for key in keys]
        return {
            "Content-Type": "application/json",
            "User-Agent": "PagerDuty-Webhook/V3.0",
            "X-PagerDuty-Signature": ",".join(f"v1={signature}" for signature in signatures),
            "X-Webhook-Id": sending.id,
            "X-Webhook-Subscription": SUBSCRIPTION_ID,
        }

    async def settle(self) -> None:
        """Wait until every attempt under way was answered or has failed; retries that wait are not waited for."""
        await self._sender.settle()

    async def close(self) -> None:
        """Stop sending."""
        await self._sender.close()
