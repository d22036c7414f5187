"""Scenes about the way to production: who says yes, who may not, and what a newer build does to a yes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.sandbox.repositories import File
from bot.sandbox.story_cart import APPROVE, INCLUDE, SOAK, UNDO, Cart, Change

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

THREE_CHANGES = (
    Change(
        title="Hold the price while somebody pays",
        author="ana",
        merged_by="ana",
        files=(File(name="src/prices.py", additions=121, deletions=18),),
    ),
    Change(
        title="Bump redis from 5.0 to 5.1",
        author="dependabot[bot]",
        merged_by="chi",
        files=(File(name="requirements.txt"),),
    ),
    Change(
        title="Merge the baskets after signing in",
        author="ben",
        merged_by="ben",
        files=(File(name="src/basket.py", additions=90, deletions=18),),
    ),
)
"""Of whom one is a bot's: who merged it answers for it."""


async def production_needs_a_yes(sandbox: Sandbox, pace: float) -> None:
    """Three changes wait in staging; one of their authors may not approve them, Dee may, and time does the rest."""
    cart = await Cart.ready(sandbox, pace)
    card = await cart.build(*THREE_CHANGES)
    await cart.wait(5)
    await cart.press("ben", card, APPROVE)
    await cart.wait(5)
    await cart.approve("dee", card)
    await cart.until_offers(card, "promotions:undo")
    await cart.later(5, by=SOAK)
    await cart.goes_live(card)


async def two_race_to_approve(sandbox: Sandbox, pace: float) -> None:
    """One yes is missing, and both who can give it press at the same moment; one of them twice."""
    cart = await Cart.ready(sandbox, pace)
    card = await cart.build(
        Change(
            title="Empty the basket in one tap",
            author="ana",
            merged_by="ben",
            files=(File(name="src/basket.py", additions=42),),
        )
    )
    await cart.later(4, by=SOAK)
    await cart.until_says(card, "ships at once")
    await cart.wait(3)
    await asyncio.gather(*(cart.press(person, card, APPROVE) for person in ("dee", "eve", "dee")))
    await cart.until_gone(card, APPROVE)
    await cart.later(5, by=UNDO)
    await cart.goes_live(card)


async def one_more_while_it_waits(sandbox: Sandbox, pace: float) -> None:
    """A newer build waits behind an approved one; taken aboard, it makes the yes void."""
    cart = await Cart.ready(sandbox, pace)
    card = await cart.build(
        Change(
            title="Say why a voucher is refused",
            author="ben",
            merged_by="chi",
            files=(File(name="src/vouchers.py", additions=31),),
        )
    )
    await cart.wait(3)
    await cart.approve("dee", card)
    await cart.until_offers(card, "promotions:undo")
    await cart.wait(2)
    await cart.merge(author="ana", title="Take several vouchers at once", merged_by="ana", files=("src/vouchers.py",))
    await cart.until_offers(card, INCLUDE)
    await cart.wait(5)
    await cart.press("ana", card, INCLUDE)
    await cart.until_says(card, "needs 1 yes")
    await cart.wait(0)
