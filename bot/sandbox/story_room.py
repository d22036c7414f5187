"""What people at Acme do while something is wrong: they are woken, go into the incident's room, and end it there.

Monitoring tells as Alertmanager does. People act as people do: they press what stands before them, in their own
conversation with Shipmate or in the room, and fill in windows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.sandbox.story_stage import PATIENCE, Stage, offers
from bot.sandbox.world import Channel, Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

MINE = "incidents:mine"
NOT_MINE = "incidents:not_mine"
RIGHT = "incidents:right"
ROLL_BACK = "incidents:roll_back"
RESOLVE = "incidents:resolve"

NONE_OF_THEM = "0"
"""What the window of a resolve calls it that no likely change was it."""

WINDOW = timedelta(hours=1)
"""How long after a rollout an alert is laid to it, by Acme's policy."""


class Crew:
    """Whoever sees to one incident. ``stage`` is where the story plays; its rooms of before are not looked at."""

    def __init__(self, sandbox: Sandbox, stage: Stage) -> None:
        self.sandbox = sandbox
        self.stage = stage
        self._before: set[str] = set()
        self._rung = len(sandbox.pagerduty.woken())

    @classmethod
    async def ready(cls, sandbox: Sandbox, stage: Stage) -> Crew:
        """The crew, with nothing wrong any more that an earlier scene, or somebody at play, left so."""
        crew = cls(sandbox, stage)
        sandbox.monitoring.resolve_all()
        sandbox.monitoring.groups = True
        for message in list(crew._offering(RESOLVE)):
            if offers(message, RESOLVE):  # one that was merged is over with the other
                await crew.resolve("dee", message, "Making room for what comes next", NONE_OF_THEM)
        crew._before = set(sandbox.world.channels)
        crew._rung = len(sandbox.pagerduty.woken())
        return crew

    async def an_hour_passes(self) -> None:
        """So long that nothing that went live before is laid to what comes."""
        await self.stage.later(1, by=WINDOW + timedelta(minutes=5))
        await self.stage.wait(1)

    # What people do

    async def resolve(self, person: str, card: Message, words: str, likely: str) -> None:
        """Somebody says on a card that it is over, what ended it and which change it was."""
        await self.stage.press(person, card, RESOLVE)
        await self.stage.fill(person, RESOLVE, text=words, likely=likely)
        await self.stage.until_gone(card, RESOLVE)

    async def types_resolve(self, person: str, card: Message, words: str, likely: str) -> None:
        """Somebody types it in the room."""
        await self.sandbox.slack.command(person, "/incident", f"resolve {words}", channel=card.channel)
        await self.stage.fill(person, RESOLVE, text=words, likely=likely)
        await self.stage.until_gone(card, RESOLVE)

    # What they see

    async def is_woken(self, person: str) -> Message:
        """Somebody's phone rings; what Shipmate tells them besides."""
        pagerduty, rang = self.sandbox.pagerduty, asyncio.Event()
        pagerduty.watchers.append(rang.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    while not self._rang(person):
                        rang.clear()
                        await rang.wait()
        finally:
            pagerduty.watchers.remove(rang.set)
        if not self._rang(person):
            heard = ", ".join(one.user.name for one in pagerduty.woken()[self._rung :]) or "nobody"
            raise LookupError(f"{person}'s phone does not ring; woken: {heard}")
        return await self.is_told(person)

    async def is_told(self, person: str) -> Message:
        """What Shipmate tells somebody of what is wrong, in their own conversation."""
        slack = self.sandbox.slack

        def told() -> Message | None:
            return next((one for one in reversed(slack.direct_messages(person)) if offers(one, MINE)), None)

        return await self.stage.sees(told, f"{person} is told of nothing")

    async def room(self, *people: str) -> Message:
        """The card that is pinned in the room which was made, once these people are in it."""
        ids = {self.sandbox.world.person(one).slack_id for one in people}

        def pinned() -> Message | None:
            for channel in self._rooms():
                if ids <= channel.members:
                    for message in self.sandbox.slack.messages(channel.id):
                        if message.pinned_at is not None:
                            return message
            return None

        return await self.stage.sees(pinned, f"there is no room with a pinned card and {', '.join(people)} in it")

    async def is_said(self, card: Message, words: str) -> Message:
        """What is said with these words in the room of this card."""

        def said() -> Message | None:
            there = self.sandbox.slack.messages(card.channel)
            return next((one for one in there if words in one.text and one is not card), None)

        return await self.stage.sees(said, f"nothing is said in the room of {words!r}")

    def likely(self, card: Message, nth: int = 1) -> str:
        """The value of a likely change of a card, by its place there."""
        numbers = [
            str(block["accessory"]["value"]).partition(":")[2]
            for block in card.blocks
            if (block.get("accessory") or {}).get("action_id") == RIGHT
        ]
        if len(numbers) < nth:
            raise LookupError(f"the card names {len(numbers)} likely changes, not {nth}: {card.text}")
        return numbers[nth - 1]

    def _rang(self, person: str) -> bool:
        woken = self.sandbox.pagerduty.woken()[self._rung :]
        return any(one.user.key == person for one in woken)

    def _rooms(self) -> Iterator[Channel]:
        """The rooms that were made since it began, the newest first."""
        channels = reversed(list(self.sandbox.world.channels.values()))
        return (one for one in channels if one.id not in self._before and one.name.startswith("inc-"))

    def _offering(self, action: str) -> Iterator[Message]:
        """What offers this in any channel but an incident's room, the newest first."""
        for channel in list(self.sandbox.world.channels.values()):
            if channel.kind == "channel" and not channel.archived and not channel.name.startswith("inc-"):
                yield from (one for one in reversed(self.sandbox.slack.messages(channel.id)) if offers(one, action))
