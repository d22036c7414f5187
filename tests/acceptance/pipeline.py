"""A pipeline for acceptance tests: webhooks about rollouts at instants of the test's choosing, signed and sent.

The stand-in GitHub tells of what happens *now*; a test about order, or about hours that pass, needs times of its own.
Merges, compare answers and people still come from the stand-in.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bot.sandbox.server import Sandbox

REFUSED = 0
"""What ``Postman.send`` returns where no answer came."""

_GUIDS = uuid.UUID("2a6d1a3c-74b8-5c0e-9b1e-1d7a4f7a51aa")


@dataclass(frozen=True)
class Envelope:
    """One webhook, ready to be signed and sent any number of times: the same ``guid`` is the same delivery."""

    event: str
    guid: str
    body: bytes

    def headers(self, secret: str) -> dict[str, str]:
        """What GitHub sends with it."""
        digest = hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-GitHub-Event": self.event,
            "X-GitHub-Delivery": self.guid,
            "X-Hub-Signature-256": f"sha256={digest}",
        }


def sealed(event: str, payload: dict[str, Any]) -> Envelope:
    """A payload as a delivery; equal payloads are equal deliveries."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    return Envelope(event, str(uuid.uuid5(_GUIDS, f"{event} {body.decode()}")), body)


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One deployment as the pipeline knows it: ``number`` is its id, unique in the test."""

    number: int
    repo: str
    sha: str
    environment: str
    began_at: datetime
    ref: str = "main"

    def announced(self) -> Envelope:
        """The deployment was created."""
        return sealed("deployment", {"action": "created", **self._about()})

    def said(self, state: str, at: datetime, *, description: str = "") -> Envelope:
        """Its status became ``state`` (GitHub's word: ``in_progress``, ``success``, ``failure`` …)."""
        status = {
            "id": self.number * 1000 + int((at - self.began_at).total_seconds()),
            "state": state,
            "description": description,
            "environment": self.environment,
            "log_url": f"https://ci.example.com/runs/{self.number}",
            "created_at": _stamp(at),
            "updated_at": _stamp(at),
        }
        return sealed("deployment_status", {"action": "created", "deployment_status": status, **self._about()})

    def _about(self) -> dict[str, Any]:
        owner, _, name = self.repo.partition("/")
        return {
            "deployment": {
                "id": self.number,
                "sha": self.sha,
                "ref": self.ref,
                "task": "deploy",
                "payload": {},
                "environment": self.environment,
                "original_environment": self.environment,
                "description": None,
                "creator": {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"},
                "created_at": _stamp(self.began_at),
                "updated_at": _stamp(self.began_at),
                "transient_environment": False,
                "production_environment": self.environment == "production",
            },
            "workflow": None,
            "workflow_run": None,
            "repository": {
                "id": 7000,
                "name": name,
                "full_name": self.repo,
                "owner": {"login": owner, "id": 9001, "type": "Organization"},
                "html_url": f"https://github.com/{self.repo}",
                "default_branch": "main",
            },
            "sender": {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"},
        }


class Postman:
    """Carries envelopes to a bot that may be killed meanwhile. ``at`` says where the bot is from now on."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._secret = sandbox.github.webhook_secret
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        self._url = ""
        self._there = asyncio.Event()
        self.accepted: set[str] = set()
        """The deliveries that were answered 2xx."""

    def at(self, url: str) -> None:
        """The bot listens there now."""
        self._url = url
        self._there.set()

    async def send(self, envelope: Envelope) -> int:
        """Send once; the answer's status, or REFUSED."""
        url = self._url
        try:
            async with self._session.post(
                f"{url}/webhooks/github", data=envelope.body, headers=envelope.headers(self._secret)
            ) as answer:
                await answer.read()
                if 200 <= answer.status < 300:
                    self.accepted.add(envelope.guid)
                return answer.status
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            if url == self._url:
                self._there.clear()
            return REFUSED

    async def insist(self, envelopes: Iterable[Envelope]) -> None:
        """Send these one after the other, each until it is accepted, waiting while no bot is there."""
        for envelope in envelopes:
            while envelope.guid not in self.accepted:
                await self._there.wait()
                status = await self.send(envelope)
                assert status in (REFUSED, 200, 202), f"a webhook was answered {status}"

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()


def captured(sandbox: Sandbox, since: int = 0) -> list[Envelope]:
    """The webhooks that the stand-in GitHub tried to deliver, from the ``since``-th on."""
    return [Envelope(one.event, one.guid, one.body) for one in sandbox.github.deliveries[since:]]


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
