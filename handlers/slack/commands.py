"""The slash command `/ship` with its words; `/incident` has a door of its own (``incident_words``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.app import Bot
from bot.errors import UserError
from handlers.slack import words
from handlers.slack.answering import Answer, Answering, Reply
from handlers.slack.asking import Asker, asker_of
from handlers.slack.deploys import ask_drift, ask_metrics, ask_on_call, ask_status, ask_where
from handlers.slack.locks import LocksDoor, ask_locks
from handlers.slack.people import PeopleDoor
from handlers.slack.promotions import PromotionsDoor
from handlers.slack.storing import typed_on
from handlers.slack.trains import TrainsDoor
from handlers.slack.watching import WatchDoor


@dataclass(frozen=True)
class Commands:
    """What people type."""

    bot: Bot
    answering: Answering
    people: PeopleDoor
    promotions: PromotionsDoor
    locks: LocksDoor
    watching: WatchDoor
    trains: TrainsDoor

    async def ship(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """`/ship …`: what changes something is stored, then all is acknowledged, then answered."""
        asker = asker_of(body)
        await self.answering.take(asker, ack, lambda: self._ship(asker, body))

    async def unknown(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A command that somebody added to the app and we do not have."""

        async def answer() -> Answer:
            command = str(body.get("command"))[:40]
            raise UserError(
                f"I have no command {command}. There are /ship and /incident: /ship help lists what they do."
            )

        await self.answering.take(asker_of(body), ack, answer)

    async def _ship(self, asker: Asker, body: dict[str, Any]) -> Answer:
        word, *arguments = words.split(str(body.get("text") or "")) or ["help"]
        known = word.casefold()
        if known in _QUESTIONS:
            return _QUESTIONS[known](self.bot, arguments)
        if known in _OWN_QUESTIONS:
            return _OWN_QUESTIONS[known](self.bot, asker.slack_id, arguments)
        acts = self._acts(asker, arguments, body, typed_on(body))
        if known in acts:
            return await acts[known]()
        if known == "help":
            return _help(None)
        return _help(word, arguments)

    def _acts(
        self, asker: Asker, arguments: Sequence[str], body: dict[str, Any], occasion: str
    ) -> Mapping[str, Callable[[], Awaitable[Answer]]]:
        """The words that change something, or open a window in which to."""
        return {
            "me": lambda: self.people.ask(asker, arguments, occasion),
            "promote": lambda: self.promotions.promote(asker, arguments, body, occasion),
            "rollback": lambda: self.promotions.roll_back(asker, arguments, body),
            "lock": lambda: self.locks.lock(asker, arguments, body, occasion),
            "unlock": lambda: self.locks.unlock(asker, arguments, occasion),
            "freeze": lambda: self.locks.freeze(asker, arguments, str(body.get("text") or ""), occasion),
            "watch": lambda: self.watching.ask(asker, arguments, occasion),
            "train": lambda: self.trains.ask(asker, arguments, body, occasion),
        }


_QUESTIONS: Mapping[str, Callable[[Bot, Sequence[str]], Answer]] = {
    "status": ask_status,
    "locks": ask_locks,
    "oncall": ask_on_call,
    "metrics": ask_metrics,
}
"""The words that only ask."""

_OWN_QUESTIONS: Mapping[str, Callable[[Bot, str, Sequence[str]], Answer]] = {"where": ask_where, "drift": ask_drift}
"""Those whose answers depend on who asks."""


def _help(unknown: str | None, rest: Sequence[str] = ()) -> Answer:
    async def answer() -> Reply:
        return words.help_for(unknown, rest)

    return answer
