"""The stand-in GitHub's two sides: questions asked through PyGithub, and whoever receives its webhooks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, TypeVar

import github as pygithub
import pytest
from aiohttp import web

from bot.sandbox.server import Sandbox

REPO = "acme/checkout"
Found = TypeVar("Found")


class Receiver:
    """What a bot receives, each signature checked; it answers with the statuses it is told to."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.guids: list[str] = []
        self.statuses: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        assert request.headers["X-Hub-Signature-256"] == f"sha256={digest}"
        assert request.headers["User-Agent"].startswith("GitHub-Hookshot/")
        self.guids.append(request.headers["X-GitHub-Delivery"])
        self.events.append((request.headers["X-GitHub-Event"], json.loads(body)))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 202)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.events if name == event]


async def ask(sandbox: Sandbox, question: Callable[[pygithub.Github], Found], **options: Any) -> Found:
    """Ask through PyGithub, in a thread as the bot does."""
    settings = sandbox.environment()
    auth = options.pop("auth", None) or pygithub.Auth.Token(settings["GITHUB_TOKEN"])

    def work() -> Found:
        with pygithub.Github(
            auth=auth,
            base_url=settings["GITHUB_API_URL"],
            lazy=True,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            **options,
        ) as client:
            return question(client)

    return await asyncio.to_thread(work)


async def refusal(sandbox: Sandbox, question: Callable[[pygithub.Github], object], **options: Any) -> int:
    """The status GitHub refuses a question with."""
    with pytest.raises(pygithub.GithubException) as caught:
        await ask(sandbox, question, **options)
    return caught.value.status
