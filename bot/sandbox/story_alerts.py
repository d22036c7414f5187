"""A scene about an alert after a rollout: it finds the change, the change finds its author, and a room opens by itself.

Acme's monitoring tells as Alertmanager does. What comes next waits until somebody says that it is over, and says Go.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.sandbox.monitoring import Alert
from bot.sandbox.repositories import File
from bot.sandbox.story_cart import GO, SOAK, UNLOCK, Cart, Change
from bot.sandbox.story_cart import ROLL_BACK as DECLARE
from bot.sandbox.story_room import MINE, ROLL_BACK, Crew
from bot.sandbox.world import Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

ALERT = "cart 5xx"
CULPRIT = "Look the price up while somebody types"
FIRES_AFTER = timedelta(minutes=12)
NEXT_BUILD_AFTER = timedelta(minutes=8)
OVER_AFTER = timedelta(minutes=2)
"""How long the old build runs again before monitoring calls it well."""


async def an_alert_after_a_rollout(sandbox: Sandbox, pace: float) -> None:
    """Ana's phone rings; she is on it, goes back from the room, it is over, and the fix may go in."""
    cart = await Cart.ready(sandbox, pace)
    crew = await Crew.ready(sandbox, cart)
    await crew.an_hour_passes()
    card = await ships_the_culprit(cart)
    number = max(one.number for one in cart.github.repository(cart.repo).pulls.values() if one.title == CULPRIT)
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
    await cart.until_says(following, "no alert fires")
    await cart.until_it_is(went_live + FIRES_AFTER, 4)
    alert = sandbox.monitoring.fire(
        "cart",
        ALERT,
        summary="4 of 100 requests fail",
        labels={"version": (cart.pipeline.live("production") or "")[:7]},
    )
    page = await crew.is_woken("ana")
    await cart.wait(4)
    await cart.press("ana", page, MINE)
    room = await crew.room("ana", "chi", "dee")
    await crew.is_said(room, "is on it")
    for held in (following, card):
        await cart.until_says(held, ALERT)
    await cart.wait(5)
    await cart.press("ana", room, ROLL_BACK)
    await cart.fill("ana", DECLARE, reason=f"{ALERT}, twelve minutes after it went live")
    lock = await cart.locked("rolled back")
    await cart.until_says(card, "was rolled back")
    await crew.is_said(room, "is out again")
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
    await crew.falls_quiet(room)
    await cart.wait(4)
    await crew.types_resolve("ana", room, f"Rolled back #{number}", crew.likely(room, CULPRIT))
    await crew.is_said(room, "postmortem")
    await cart.wait(4)
    await cart.press("dee", lock, UNLOCK)
    await cart.until_offers(fix, GO)
    await cart.say_go("eve")
    await cart.approve("dee", fix)
    await cart.later(4, by=SOAK)
    await cart.goes_live(fix)


async def ships_the_culprit(cart: Cart) -> Message:
    """Ana's change, which Chi merged, is approved and goes live; its card."""
    card = await cart.build(
        Change(
            title=CULPRIT,
            author="ana",
            merged_by="chi",
            files=(File(name="src/prices.py", additions=57, deletions=11),),
        )
    )
    await cart.approve("dee", card)
    await cart.later(3, by=SOAK)
    await cart.goes_live(card)
    return card


def fires(cart: Cart) -> Alert:
    """Monitoring says that what is live fails, and in which build."""
    build = (cart.pipeline.live("production") or "")[:7]
    return cart.sandbox.monitoring.fire("cart", ALERT, summary="4 of 100 requests fail", labels={"version": build})
