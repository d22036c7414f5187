"""`/ship status`, `/ship where` and `/ship drift`: questions about deploys and changes."""

from __future__ import annotations

from collections.abc import Sequence

from bot.answers.drift import drift
from bot.answers.status import status
from bot.answers.where import where
from bot.app import Bot
from bot.errors import UserError
from handlers.slack.answering import Answer, Reply


def ask_status(bot: Bot, arguments: Sequence[str]) -> Answer:
    """How one service stands, or those deployed last."""
    if len(arguments) > 1:
        raise UserError("One service at a time, like this: /ship status checkout")
    service = arguments[0] if arguments else None

    async def answer() -> Reply:
        return await bot.read(lambda session, desk: status(session, desk, service))

    return answer


def ask_where(bot: Bot, arguments: Sequence[str]) -> Answer:
    """How far a change got."""
    asked = " ".join(arguments)
    if not asked:
        raise UserError("Which change? Like this: /ship where 812, or with a commit or an address.")

    async def answer() -> Reply:
        return await bot.read(lambda session, desk: where(session, desk, asked))

    return answer


def ask_drift(bot: Bot, arguments: Sequence[str]) -> Answer:
    """What is not in production yet, of one service or of all."""
    if len(arguments) > 1:
        raise UserError("One service at a time, like this: /ship drift checkout")
    service = arguments[0] if arguments else None

    async def answer() -> Reply:
        return await bot.read(lambda session, desk: drift(session, desk, service))

    return answer
