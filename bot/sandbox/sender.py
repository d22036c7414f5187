"""How other systems of the world send to the bot: each in a task of its own, waited for no longer than its sender does.

Limits: what becomes of an attempt (a retry, a pause) is for whoever sends; nothing is queued here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

import aiohttp


class Sender:
    """One system's way to the bot; ``patience`` is how many real seconds it waits for an answer."""

    def __init__(self, patience: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=patience)
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def begin(self, attempt: Coroutine[Any, Any, None]) -> None:
        """Make an attempt in the background."""
        task = asyncio.get_running_loop().create_task(attempt)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """The answer's status and text; 0, and what was in the way, where none came."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.post(url, data=body, headers=headers) as response:
                return response.status, await response.text(errors="replace")
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            return 0, str(error) or type(error).__name__

    async def settle(self) -> None:
        """Wait until every attempt under way was answered or has failed, and those that these began."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Stop sending."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None
