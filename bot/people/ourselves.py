"""Who we are in the workspace, asked of Slack once; nothing waits long for it: acts are stored without it, too."""

from __future__ import annotations

import asyncio

import structlog

from bot.errors import OutgoingError
from bot.ports import Chat, Identity

log = structlog.get_logger(__name__)

PATIENCE = 1.0
"""Seconds a click may wait for our own name; Slack gives three for everything."""

ASK_AGAIN = 30.0
"""Seconds after which Slack is asked again when it did not say."""


class Ourselves:
    """Our identity, kept once known."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._known: Identity | None = None
        self._ask_at = 0.0
        self._asking = asyncio.Lock()

    @property
    def known(self) -> Identity | None:
        """Who we are as far as Slack has said."""
        return self._known

    async def learn(self) -> Identity | None:
        """Who we are; None when Slack does not say it now."""
        if self._known is None:
            async with self._asking:
                await self._ask_in_time()
        return self._known

    async def ask(self) -> None:
        """Ask Slack, whatever was answered before; raises what the chat raises."""
        self._known = await self._chat.identity()

    async def _ask_in_time(self) -> None:
        """Ask, unless somebody has meanwhile, or did so in vain a moment ago."""
        if self._known is not None or asyncio.get_running_loop().time() < self._ask_at:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self.ask()
        except (TimeoutError, OutgoingError) as fault:
            log.warning("Slack does not say who we are", error=str(fault) or "no answer in time")
            self._ask_at = asyncio.get_running_loop().time() + ASK_AGAIN
