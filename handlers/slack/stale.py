"""What Slack still sends although we have it no more: modals, shortcuts and menus of an older Shipmate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.errors import UserError
from handlers.slack.answering import Answer, Answering
from handlers.slack.asking import asker_of


@dataclass(frozen=True)
class Stale:
    """Answers for what nobody else hears: somebody is told so rather than left waiting."""

    answering: Answering

    async def view(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A modal."""
        await self.answering.take(asker_of(body), ack, _older("window"))

    async def shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A shortcut, global or of a message."""
        await self.answering.take(asker_of(body), ack, _older("shortcut"))

    async def options(self, ack: AsyncAck) -> None:
        """A menu: there is nothing to choose."""
        await ack(options=[])


def _older(thing: str) -> Any:
    async def refuse() -> Answer:
        raise UserError(
            f"That {thing} is from an older Shipmate and does nothing any more. Ask me anew with /ship help."
        )

    return refuse
