"""How verbs that write, or ask what only the running bot can judge, reach it: SHIPMATE_URL and SHIPMATE_API_TOKEN."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.errors import UserError
from bot.settings import Settings

PATIENCE = 30.0
"""Seconds to wait for the bot's answer."""


class NobodyAnswers(UserError):
    """The bot is not reached; nothing was done, or nothing can be known of it. It may be worth another try."""


@dataclass(frozen=True)
class Answered:
    """The bot's answer: its HTTP status, and the JSON object in it (empty where there was none)."""

    status: int
    told: Mapping[str, Any]

    @property
    def words(self) -> str:
        """What it says is wrong, and the mend."""
        error = self.told.get("error", f"The bot gave no answer that can be read (status {self.status}).")
        return f"{error} {self.told.get('mend', '')}".strip()


def call(
    settings: Settings,
    method: str,
    path: str,
    *,
    body: object | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Ask the running bot; UserError without a token, NobodyAnswers when it is not reached."""
    if settings.api_token is None:
        raise UserError("SHIPMATE_API_TOKEN is not set: set it here to the value that the running bot has.")
    given = {"Authorization": f"Bearer {settings.api_token.get_secret_value()}", **(headers or {})}
    return asyncio.run(_call(settings.url, method, path, body, query, given))


async def _call(
    url: str,
    method: str,
    path: str,
    body: object | None,
    query: Mapping[str, str] | None,
    headers: Mapping[str, str],
) -> Answered:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session,
            session.request(method, f"{url.rstrip('/')}{path}", json=body, params=query, headers=headers) as response,
        ):
            answer = await response.json(content_type=None)
            return Answered(response.status, answer if isinstance(answer, dict) else {})
    except (TimeoutError, aiohttp.ClientError, ValueError) as fault:
        raise NobodyAnswers(f"No Shipmate answers at {url} ({type(fault).__name__}): set SHIPMATE_URL.") from None
