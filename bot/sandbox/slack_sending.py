"""How Slack reaches the app: signed requests to its address, or envelopes through an open Socket Mode connection.

docs.slack.dev/authentication/verifying-requests-from-slack and /apis/events-api. Signatures are of real time, unless
the fault ``clock_skew`` is on.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.bodies import parsed
from bot.sandbox.faults import FaultKind
from bot.sandbox.world import Json

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

REDIRECTS = 2
"""How many Slack follows (docs.slack.dev/apis/events-api)."""


@dataclass(frozen=True)
class Answer:
    """How the app answered: the HTTP status (200 for a Socket Mode acknowledgement, 0 for none in time) and body.

    ``reason`` is Slack's word for what went wrong; ``final`` says that the app wants no retry.
    """

    status: int
    body: Any = None
    reason: str = ""
    final: bool = False

    @property
    def ok(self) -> bool:
        """Whether Slack takes it for an acknowledgement."""
        return 200 <= self.status < 300


class Sender:
    """Sends to the app of one Slack."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    async def interaction(self, payload: Json) -> Answer:
        """Send a click, a submission, a shortcut, or a question for options."""
        return await self.send("interactive", payload, urlencode({"payload": json.dumps(payload)}))

    async def send(self, kind: str, payload: Json, body: str, *, attempt: int = 0, reason: str = "") -> Answer:
        """Send one thing once; with Socket Mode on, nothing goes over HTTP, also while no connection is open."""
        if self._slack.socket_mode:
            return await self._by_socket(kind, payload, attempt, reason)
        return await self._by_http(kind, payload, body, attempt, reason)

    async def _by_socket(self, kind: str, payload: Json, attempt: int, reason: str) -> Answer:
        began = time.perf_counter()
        try:
            result = await self._slack.sockets.send(
                kind, payload, answerable=kind != "events_api", attempt=attempt, reason=reason
            )
            answer = Answer(200, result)
        except TimeoutError:
            answer = Answer(0, reason="timeout")
        except ConnectionError:
            answer = Answer(0, reason="connection_failed")
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
            answer_body=json.dumps(answer.body) if answer.ok else f"({answer.reason})",
        )
        return answer

    async def _by_http(self, kind: str, payload: Json, body: str, attempt: int, reason: str) -> Answer:
        if self._slack.bot_url is None:
            return Answer(0, reason="connection_failed")
        headers = self._headers(kind, body)
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        began = time.perf_counter()
        answer, text, received = await self._post(self._slack.bot_url, body, headers)
        self._slack.log.add(
            incoming=False,
            verb="POST",
            path="/slack/events",
            method=kind,
            args=payload,
            status=answer.status,
            answer=answer.body,
            began=began,
            request_headers=headers,
            request_body=body,
            answer_headers=received,
            answer_body=text,
        )
        return answer

    def _headers(self, kind: str, body: str) -> dict[str, str]:
        skew = self._slack.faults.sending(FaultKind.CLOCK_SKEW)
        stamp = str(int(time.time() - (skew.seconds if skew is not None else 0)))
        return {
            "Content-Type": "application/json" if kind == "events_api" else "application/x-www-form-urlencoded",
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": sign(self._slack.signing_secret, stamp, body),
        }

    async def _post(self, url: str, body: str, headers: dict[str, str]) -> tuple[Answer, str, dict[str, str]]:
        try:
            async with self._slack.session.post(
                f"{url}/slack/events",
                data=body.encode(),
                headers=headers,
                max_redirects=REDIRECTS,
                timeout=aiohttp.ClientTimeout(total=self._slack.patience),
            ) as response:
                text = await response.text(errors="replace")
                answer = Answer(
                    response.status,
                    decoded(text),
                    reason="" if response.status < 300 else "http_error",
                    final=response.headers.get("X-Slack-No-Retry") == "1",
                )
                return answer, text, dict(response.headers)
        except TimeoutError as error:
            failure, name = "http_timeout", type(error).__name__
        except aiohttp.TooManyRedirects as error:
            failure, name = "too_many_redirects", type(error).__name__
        except aiohttp.ClientError as error:
            failure, name = "connection_failed", type(error).__name__
        return Answer(0, reason=failure), f"({name})", {}


def sign(secret: str, stamp: str, body: str) -> str:
    """Slack's signature, version 0 (docs.slack.dev/authentication/verifying-requests-from-slack)."""
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
    return f"v0={digest.hexdigest()}"


def decoded(text: str) -> Any:
    """JSON where it is JSON, else the text."""
    try:
        return parsed(text) if text.startswith(("{", "[")) else text
    except ValueError:
        return text
