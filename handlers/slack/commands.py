"""The slash commands: `/ship` with its words, and `/incident`, which is still to come."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.app import Bot
from bot.errors import UserError
from handlers.slack import words
from handlers.slack.answering import Answer, Answering, Reply
from handlers.slack.asking import Asker, asker_of
from handlers.slack.deploys import ask_status, ask_where
from handlers.slack.people import PeopleDoor


@dataclass(frozen=True)
class Commands:
    """What people type."""

    bot: Bot
    answering: Answering
    people: PeopleDoor

    async def ship(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """`/ship …`: what changes something is stored, then all is acknowledged, then answered."""
        asker = asker_of(body)
        await self.answering.take(asker, ack, lambda: self._ship(asker, body))

    async def incident(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """`/incident …`: a clear not-yet."""

        async def answer() -> Answer:
            raise UserError(f"/incident is not here yet. {words.today()}")

        await self.answering.take(asker_of(body), ack, answer)

    async def unknown(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A command that somebody added to the app and we do not have."""

        async def answer() -> Answer:
            raise UserError(f"I have no command {str(body.get('command'))[:40]}. {words.today()}")

        await self.answering.take(asker_of(body), ack, answer)

    async def _ship(self, asker: Asker, body: dict[str, Any]) -> Answer:
        word, *arguments = words.split(str(body.get("text") or "")) or ["help"]
        match word.casefold():
            case "status":
                return ask_status(self.bot, arguments)
            case "where":
                return ask_where(self.bot, arguments)
            case "me":
                typed = str(body.get("trigger_id") or uuid.uuid4().hex)  # Slack makes one for each typing
                return await self.people.ask(asker, arguments, f"/ship\x1f{typed}")
            case "help":
                return _help(None)
            case known if known in words.names():
                raise UserError(f"/ship {known} is not here yet. {words.today()}")
            case _:
                return _help(word, arguments)


def _help(unknown: str | None, rest: Sequence[str] = ()) -> Answer:
    async def answer() -> Reply:
        return words.help_for(unknown, rest)

    return answer
