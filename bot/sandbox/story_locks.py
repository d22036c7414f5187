"""Scenes about brakes: a lock that runs out and a person's Go after it, and a rollback that somebody declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.repositories import File
from bot.sandbox.story_cart import CHANNEL, GO, ROLL_BACK, SOAK, UNLOCK, WINDOW, Cart, Change

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


async def a_lock_and_its_go(sandbox: Sandbox, pace: float) -> None:
    """Dee locks cart for half an hour; whoever waits hears. It runs out, and ships only when somebody says Go."""
    cart = await Cart.ready(sandbox, pace)
    card = await cart.build(
        Change(
            title="Round the weight of a parcel",
            author="ana",
            merged_by="ana",
            files=(File(name="src/parcels.py", additions=12),),
        ),
        Change(
            title="Offer a gift wrap",
            author="chi",
            merged_by="ben",
            files=(File(name="src/gifts.py", additions=74, deletions=2),),
        ),
    )
    await cart.wait(3)
    await cart.approve("dee", card)
    await cart.until_offers(card, "promotions:undo")
    await cart.wait(2)
    await sandbox.slack.command("dee", "/ship", "lock cart the warehouse moves its database for 30m", channel=CHANNEL)
    await cart.locked()
    await cart.until_says(card, "held back")
    await cart.later(6, by=WINDOW / 2)
    await cart.later(5, by=WINDOW / 2)
    await cart.until_offers(card, GO)
    await cart.wait(5)
    await cart.press("dee", card, GO)
    await cart.goes_live(card)


async def a_declared_rollback(sandbox: Sandbox, pace: float) -> None:
    """Something is wrong in production: Dee goes back from its card, whose changes left hear, and a fix goes in."""
    cart = await Cart.ready(sandbox, pace)
    title = "Take the stock when something is put aside"
    card = await cart.build(
        Change(
            title=title, author="ana", merged_by="ana", files=(File(name="src/stock.py", additions=66, deletions=9),)
        ),
        Change(
            title="Warn when little is left",
            author="ben",
            merged_by="chi",
            files=(File(name="src/stock.py", additions=17),),
        ),
    )
    number = max(one.number for one in cart.github.repository(cart.repo).pulls.values() if one.title == title)
    await cart.approve("dee", card)
    await cart.later(3, by=SOAK)
    await cart.goes_live(card)
    await cart.wait(5)
    await cart.press("dee", card, ROLL_BACK)
    await cart.fill("dee", ROLL_BACK, reason="Baskets stay empty: stock is taken twice")
    lock = await cart.locked()
    await cart.until_gone(card, ROLL_BACK)
    await cart.wait(6)
    fix = await cart.build(
        Change(
            title=f'Revert "{title}"',
            author="ana",
            merged_by="chi",
            files=(File(name="src/stock.py", additions=9, deletions=66),),
            body=f"Reverts {cart.repo}#{number}",
        )
    )
    await cart.wait(3)
    await cart.press("dee", lock, UNLOCK)
    await cart.until_offers(fix, GO)
    await cart.wait(3)
    await cart.press("eve", fix, GO)
    await cart.until_gone(fix, GO)
    await cart.wait(3)
    await cart.approve("eve", fix)
    await cart.later(5, by=SOAK)
    await cart.goes_live(fix)
