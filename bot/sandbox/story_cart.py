"""The stage of scenes about promotions: Acme's cart, whose production is held behind gates, and who acts on its cards.

People act as people do: they find a card, press what it offers, fill in windows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.sandbox.repositories import File
from bot.sandbox.story_room import Crew
from bot.sandbox.story_stage import Guarded, offers
from bot.sandbox.world import Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

CART = "acme/cart"
CHANNEL = "#payments-deploys"
SOAK = timedelta(minutes=5)
"""How long a build of cart stays in staging, by Acme's policy."""
UNDO = timedelta(seconds=10)
"""How long an approval can be taken back before production is called."""
WINDOW = timedelta(minutes=30)

APPROVE = "promotions:approve"
INCLUDE = "promotions:include"
ACKNOWLEDGE = "promotions:acknowledge"
ROLL_BACK = "promotions:roll_back"
MORE = "promotions:more"
DETAILS = "promotions:details"
UNLOCK = "locks:lift"
GO = "locks:go"
_NUMBERED = re.compile(r"^lock \d+ · ", re.MULTILINE)
"""How the last line of a lock's card begins."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A pull request as somebody opens it, and who merges it."""

    title: str
    author: str
    merged_by: str
    files: tuple[File, ...]
    body: str = ""


class Cart(Guarded):
    """One scene at cart."""

    def __init__(self, sandbox: Sandbox, pace: float) -> None:
        super().__init__(sandbox, pace, CART)

    @classmethod
    async def ready(cls, sandbox: Sandbox, pace: float) -> Cart:
        """The stage, with nothing in the way of what is to come; LookupError where no bot keeps cards."""
        stage = cls(sandbox, pace)
        await stage.something_is_live()
        await stage.clear_the_way()
        return stage

    async def clear_the_way(self) -> None:
        """Whatever an earlier scene, or somebody at play, left firing, open or locked is ended."""
        await Crew.ready(self.sandbox, self)  # whatever was wrong is over: an incident holds production back
        for message in list(self._locks(UNLOCK)):
            await self.press("dee", message, UNLOCK)
            await self.until_gone(message, UNLOCK)
        await self.say_go("dee")
        for message in list(self._offering(MORE)):
            await self.choose("dee", message, "cancel")
            await self.fill("dee", "promotions:cancel", reason="Making room for what comes next")
            await self.until_gone(message, MORE)
        await self.pipeline.settle()

    # What happens

    async def build(self, *changes: Change) -> Message:
        """Changes that land together; the card that asks to bring them further."""
        before = set(map(id, self._cards()))
        with self.pipeline.busy():
            for one in changes:
                await self.merge(
                    author=one.author,
                    title=one.title,
                    merged_by=one.merged_by,
                    how="merge" if one.author.endswith("[bot]") else "squash",
                    body=one.body,
                    files=one.files,
                )
                await self.wait(1)

        def raised() -> Message | None:
            return next((one for one in self._cards() if id(one) not in before and offers(one, APPROVE)), None)

        return await self.sees(raised, "no card asks for a yes to cart")

    async def approve(self, person: str, card: Message) -> None:
        """Somebody says yes, and says first why what was rolled back may go in again, where the card asks that."""
        if offers(card, ACKNOWLEDGE):
            await self.press(person, card, ACKNOWLEDGE)
            await self.fill(person, ACKNOWLEDGE, reason="Looked at again: it was not the cause")
            await self.until_gone(card, ACKNOWLEDGE)
        await self.press(person, card, APPROVE)

    async def say_go(self, person: str) -> None:
        """Somebody says Go to every lock that was lifted, on whatever card offers it, until nothing asks for one."""
        while self._asks_go():
            await self.sees(self._offers_go_or_asks_none, "nothing offers the Go that is asked for")
            for message in list(self._offering(GO)):
                if offers(message, GO):  # one Go may answer several
                    await self.press(person, message, GO)
                    await self.until_gone(message, GO)

    async def goes_live(self, card: Message) -> None:
        """Wait until a promotion is live, as its card says."""
        await self.until_offers(card, ROLL_BACK)

    async def choose(self, person: str, card: Message, word: str) -> None:
        """Somebody chooses what begins with this word from a card's menu."""
        menu = offers(card, MORE) or {"options": []}
        value = next(option["value"] for option in menu["options"] if option["value"].startswith(f"{word}:"))
        await self.press(person, card, MORE, chosen=value)

    # What people see

    async def locked(self, why: str = "") -> Message:
        """The newest card of a lock that stands and says this."""

        def standing() -> Message | None:
            return next((one for one in self._locks(UNLOCK) if why in one.text), None)

        return await self.sees(standing, f"no lock's card is there that says {why!r}")

    def _cards(self) -> Iterator[Message]:
        """The cards of cart's promotions, newest first."""
        return (message for message in self._offering(DETAILS) if "cart" in message.text)

    def _offers_go_or_asks_none(self) -> bool | None:
        return next(self._offering(GO), None) is not None or not self._asks_go() or None

    def _asks_go(self) -> bool:
        """Whether anything in the channel asks for a person's Go."""
        return any("until a person says Go" in message.text for message in self.slack.messages(CHANNEL))

    def _locks(self, action: str) -> Iterator[Message]:
        """The cards of locks that offer this, newest first; what is said about a lock keeps its buttons for ever."""
        return (message for message in self._offering(action) if _NUMBERED.search(message.text))

    def _offering(self, action: str) -> Iterator[Message]:
        return (message for message in reversed(self.slack.messages(CHANNEL)) if offers(message, action))
