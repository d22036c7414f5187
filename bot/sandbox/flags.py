"""Acme's feature flags, told as LaunchDarkly tells of them: signed entries of an audit log, sent again once.

Limits: nothing is served by these flags; whoever tells the story says what is turned.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.sandbox.clock import Clock
from bot.sandbox.exchanges import Log
from bot.sandbox.sender import Sender
from bot.sandbox.world import Json

ADDRESS = "/webhooks/launchdarkly"
"""Where the bot hears of flags."""

PROJECT = "acme"
PATIENCE_SECONDS = 10.0
RETRY = timedelta(seconds=10)
ATTEMPTS = 2


class Flags:
    """The flags that were turned, and their telling. ``secret`` is what the webhook is signed with."""

    def __init__(self, clock: Clock) -> None:
        self.secret = secrets.token_hex(24)
        self.bot_url: str | None = None
        self.log = Log("flags")
        self.on: dict[tuple[str, str], bool] = {}
        """Which are on, by environment and flag."""
        self._clock = clock
        self._sender = Sender(PATIENCE_SECONDS)

    def turn(
        self,
        flag: str,
        *,
        on: bool,
        environment: str = "production",
        tags: Sequence[str] = (),
        name: str = "Ana",
        email: str = "ana@example.com",
    ) -> Json:
        """Somebody turns a flag on or off; the entry of the audit log."""
        self.on[environment, flag] = on
        verb = f"turned {'on' if on else 'off'} the flag"
        return self._write("updateOn", verb, "", flag, environment, tags, name, email)

    def roll_out(
        self,
        flag: str,
        before: int,
        after: int,
        *,
        environment: str = "production",
        tags: Sequence[str] = (),
        name: str = "Ana",
        email: str = "ana@example.com",
    ) -> Json:
        """Somebody serves it to more or fewer people, in per cent; the entry of the audit log."""
        said = f"* Changed the default rollout from `{before}%` to `{after}%`"
        return self._write("updateFallthrough", "updated the flag", said, flag, environment, tags, name, email)

    def _write(
        self,
        action: str,
        verb: str,
        said: str,
        flag: str,
        environment: str,
        tags: Sequence[str],
        name: str,
        email: str,
    ) -> Json:
        now, identity = self._clock.now(), secrets.token_hex(12)
        resource = f"proj/{PROJECT}:env/{environment}:flag/{flag}" + (f";{','.join(tags)}" if tags else "")
        site = {"href": f"/{PROJECT}/{environment}/features/{flag}", "type": "text/html"}
        entry: Json = {
            "_links": {"self": {"href": f"/api/v2/auditlog/{identity}", "type": "application/json"}, "site": site},
            "_id": identity,
            "_accountId": "acme",
            "date": int(now.timestamp() * 1000),
            "accesses": [{"action": action, "resource": resource}],
            "kind": "flag",
            "name": flag,
            "description": said,
            "shortDescription": "",
            "comment": "",
            "member": {"_id": f"member-{name.lower()}", "email": email, "firstName": name, "lastName": ""},
            "titleVerb": verb,
            "title": f"{name} {verb} {flag} in {environment}",
            "target": {"_links": {"site": site}, "name": flag, "resources": [resource]},
        }
        if self.bot_url is not None:
            self._sender.begin(self._attempt(json.dumps(entry).encode(), now, 1))
        return entry

    async def _attempt(self, body: bytes, written_at: datetime, attempt: int) -> None:
        began = time.perf_counter()
        headers = {
            "Content-Type": "application/json",
            "X-LD-Signature": hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest(),
            "User-Agent": "acme-flags/1",
        }
        status, answer = await self._sender.post(f"{self.bot_url}{ADDRESS}", headers, body)
        self.log.add(
            incoming=False,
            verb="POST",
            path=ADDRESS,
            method="flag turned",
            args={"attempt": attempt, "at": written_at.isoformat()},
            status=status,
            answer=answer,
            began=began,
            request_headers=headers,
            request_body=body.decode(),
            answer_body=answer,
        )
        if not 200 <= status < 300 and attempt < ATTEMPTS:
            again = attempt + 1
            self._clock.call_later(RETRY, lambda: self._sender.begin(self._attempt(body, written_at, again)))

    async def settle(self) -> None:
        """Wait until every entry sent so far was answered or has failed."""
        await self._sender.settle()

    async def close(self) -> None:
        """Stop telling."""
        await self._sender.close()
