"""A scene about an alert after a rollout, as far as Shipmate goes today: it holds back what comes next, and says why.

Acme's monitoring reports by the API. Nobody is paged yet: that somebody looks, and goes back, is their own doing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.sandbox.repositories import File
from bot.sandbox.story_cart import GO, ROLL_BACK, SOAK, UNLOCK, Cart, Change

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

ALERT = "cart 5xx"
CULPRIT = "Look the price up while somebody types"
FIRES_AFTER = timedelta(minutes=12)
NEXT_BUILD_AFTER = timedelta(minutes=8)
OVER_AFTER = timedelta(minutes=2)
"""How long the old build runs again before monitoring calls it well."""


async def an_alert_after_a_rollout(sandbox: Sandbox, pace: float) -> None:
    """An alert holds back what is approved and soaked; Dee rolls back, the alert is over, and the fix may go in."""
    cart = await Cart.ready(sandbox, pace)
    card = await cart.build(
        Change(
            title=CULPRIT,
            author="ana",
            merged_by="chi",
            files=(File(name="src/prices.py", additions=57, deletions=11),),
        )
    )
    number = max(one.number for one in cart.github.repository(cart.repo).pulls.values() if one.title == CULPRIT)
    await cart.approve("dee", card)
    await cart.later(3, by=SOAK)
    await cart.goes_live(card)
    went_live = sandbox.clock.now()
    await cart.until_it_is(went_live + NEXT_BUILD_AFTER, 5)
    following = await cart.build(
        Change(
            title="Say what a parcel weighs",
            author="ben",
            merged_by="ben",
            files=(File(name="src/parcels.py", additions=23),),
        )
    )
    arrived = sandbox.clock.now()
    await cart.until_says(following, "no alert fires")
    await cart.until_it_is(went_live + FIRES_AFTER, 4)
    alert = sandbox.monitoring.fire("cart", ALERT)
    for held in (following, card):
        await cart.until_says(held, ALERT)
    await cart.wait(4)
    await cart.approve("eve", following)
    await cart.until_says(following, "Eve approved")
    await cart.until_it_is(arrived + SOAK, 4)
    await cart.until_says(following, "soaked")
    await cart.wait(4)
    await cart.press("dee", card, ROLL_BACK)
    await cart.fill("dee", ROLL_BACK, reason=f"{ALERT}, twelve minutes after it went live")
    lock = await cart.locked()
    await cart.until_says(card, "was rolled back")
    await cart.wait(3)
    fix = await cart.build(
        Change(
            title=f'Revert "{CULPRIT}"',
            author="ana",
            merged_by="chi",
            files=(File(name="src/prices.py", additions=11, deletions=57),),
            body=f"Reverts {cart.repo}#{number}",
        )
    )
    await cart.until_says(fix, ALERT)
    await cart.later(4, by=OVER_AFTER)
    sandbox.monitoring.resolve(alert)
    await cart.until_says(fix, "no alert fires")
    await cart.wait(4)
    await cart.press("dee", lock, UNLOCK)
    await cart.until_offers(lock, GO)
    await cart.press("eve", lock, GO)
    await cart.until_gone(lock, GO)
    await cart.approve("dee", fix)
    await cart.later(4, by=SOAK)
    await cart.goes_live(fix)
