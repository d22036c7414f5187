"""`/ship status`, `where`, `drift`, `oncall` and `metrics`: questions about deploys, changes and who is there."""

from __future__ import annotations

from collections.abc import Sequence

from bot.answers.drift import drift
from bot.answers.metrics import LONGEST, metrics, read_days
from bot.answers.oncall import on_call
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


def ask_where(bot: Bot, who: str, arguments: Sequence[str]) -> Answer:
    """How far a change got, and what whoever asks can do."""
    asked = " ".join(arguments)
    if not asked:
        raise UserError("Which change? Like this: /ship where 812, or with a commit or an address.")

    async def answer() -> Reply:
        return await bot.read(lambda session, desk: where(session, desk, asked, who))

    return answer


def ask_drift(bot: Bot, who: str, arguments: Sequence[str]) -> Answer:
    """What is not in production yet, of one service or of all, and what whoever asks can do."""
    if len(arguments) > 1:
        raise UserError("One service at a time, like this: /ship drift checkout")
    service = arguments[0] if arguments else None

    async def answer() -> Reply:
        return await bot.read(lambda session, desk: drift(session, desk, service, who))

    return answer


def ask_on_call(bot: Bot, arguments: Sequence[str]) -> Answer:
    """Who is on call for a service now."""
    if len(arguments) != 1:
        raise UserError("Of which service? Like this: /ship oncall checkout")

    async def answer() -> Reply:
        return await bot.read(lambda session, desk: on_call(session, desk, arguments[0]))

    return answer


def ask_metrics(bot: Bot, arguments: Sequence[str]) -> Answer:
    """Figures of one service or team, or of all, over so many days."""
    rest = list(arguments)
    days = next((found for word in rest if (found := read_days(word)) is not None), None)
    rest = [word for word in rest if read_days(word) is None]
    if len(rest) > 1 or len(arguments) - len(rest) > 1:
        raise UserError(f"Say it like this: /ship metrics, /ship metrics checkout 30d (at most {LONGEST.days}d)")

    async def answer() -> Reply:
        return await bot.read(lambda session, desk: metrics(session, desk, rest[0] if rest else None, days))

    return answer
