"""Somebody who was never met is asked after: what they may not do is then not offered to them."""

from __future__ import annotations

from bot import people
from bot.app import Bot


async def meet(bot: Bot, who: str) -> None:
    """Keep who somebody is, as Slack says, where nothing is known of them yet; OutgoingError where it does not."""
    if await bot.read(lambda session, desk: people.profile_of(session, who)) is not None:
        return
    member = await bot.chat.member(who)
    if member is not None:
        at = bot.clock()
        await bot.database.write(lambda session: people.saw(session, member, at), urgent=True)
