"""What people at Acme do while something is wrong: they are woken, go into the incident's room, and end it there.

Monitoring tells as Alertmanager does. People act as people do: they press what stands before them, in their own
conversation with Shipmate or in the room, and fill in windows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from bot.sandbox.story_stage import PATIENCE, Stage, offers
from bot.sandbox.world import Channel, Message

if TYPE_CHECKING:
    from bot.sandbox.exchanges import Exchange
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

STAYS_QUIET = timedelta(seconds=90)
"""Longer than nothing must have fired before that is said aloud."""


class Crew:
    """Whoever sees to one incident. ``stage`` is where the story plays; its rooms of before are not looked at."""

    def __init__(self, sandbox: Sandbox, stage: Stage) -> None:
        self.sandbox = sandbox
        self.stage = stage
        self._before: set[str] = set()
        self._rung = 0
        self._asked = 0
        self._since = 0.0

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
        crew._rung, crew._asked = len(sandbox.pagerduty.woken()), sandbox.pagerduty.log.total
        crew._since = sandbox.clock.now().timestamp()
        return crew

    async def an_hour_passes(self) -> None:
        """Until nothing that was before is laid to what comes: not at all where nothing happened lately."""
        since = self.sandbox.clock.now() - WINDOW
        rolled_out = (
            status.at for one in self.stage.github.repository(self.stage.repo).deployments.values()
            for status in one.statuses
        )  # fmt: skip
        complained = (datetime.fromtimestamp(one.created, UTC) for one in self._rooms(set()))
        if any(at > since for at in (*rolled_out, *complained)):
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

    async def says_it_was(self, card: Message, person: str, likely: str) -> None:
        """Somebody says which of the likely changes on a card it was."""
        button = next(
            one
            for block in card.blocks
            if (one := block.get("accessory") or {}).get("action_id") == RIGHT and one["value"].endswith(f":{likely}")
        )
        block = next(one for one in card.blocks if one.get("accessory") is button)
        await self.sandbox.slack.click(person, card.channel, card.ts, action_id=RIGHT, block_id=block.get("block_id"))

    # What they see

    async def is_woken(self, person: str) -> Message:
        """Somebody's phone rings; what Shipmate tells them besides."""
        await self.rings(person)
        return await self.is_told(person)

    async def is_refused(self) -> None:
        """The bot calls PagerDuty, which refuses, since it began; LookupError where it never calls."""
        log, called = self.sandbox.pagerduty.log, asyncio.Event()

        def ring(_: object) -> None:
            called.set()

        log.watchers.append(ring)
        try:
            async with asyncio.timeout(PATIENCE):
                while not any(self._refuses(one) for one in log.rows):
                    called.clear()
                    await called.wait()
        except TimeoutError:
            raise LookupError("nobody calls PagerDuty; does the bot run?") from None
        finally:
            log.watchers.remove(ring)

    def _refuses(self, call: Exchange) -> bool:
        return call.number > self._asked and call.incoming and call.status == HTTPStatus.TOO_MANY_REQUESTS

    async def rings(self, person: str) -> None:
        """Somebody's phone rings; LookupError tells whose do, where theirs does not."""
        pagerduty, rang = self.sandbox.pagerduty, asyncio.Event()
        pagerduty.watchers.append(rang.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    while person not in self.woken():
                        rang.clear()
                        await rang.wait()
        finally:
            pagerduty.watchers.remove(rang.set)
        if person not in self.woken():
            raise LookupError(f"{person}'s phone does not ring; woken: {', '.join(self.woken()) or 'nobody'}")

    def woken(self) -> list[str]:
        """Whose phones rang since it began, by their keys, in that order."""
        rung = self.sandbox.pagerduty.woken()[self._rung :]
        return list(dict.fromkeys(one.user.key for one in rung))

    async def is_told(self, person: str) -> Message:
        """What Shipmate tells somebody of what is wrong, in their own conversation."""
        slack = self.sandbox.slack

        def page() -> Message | None:
            told = reversed(slack.direct_messages(person))
            return next((one for one in told if offers(one, MINE) and float(one.ts) >= self._since), None)

        return await self.stage.sees(page, f"{person} is told of nothing")

    async def room(self, *people: str) -> Message:
        """The card that is pinned in the room which was made, once these people are in it."""
        ids = {self.sandbox.world.person(one).slack_id for one in people}

        def pinned() -> Message | None:
            for channel in self._rooms(self._before):
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

    async def falls_quiet(self, card: Message) -> None:
        """Nothing fires any more, and it stays so until that is said in the room of this card."""
        await self.stage.until_says(card, "no alert fires any more")
        await self.stage.later(2, by=STAYS_QUIET)
        await self.is_said(card, "None of its alerts fires")

    def likely(self, card: Message, words: str) -> str:
        """The number of the likely change that a card names with these words."""
        for block in card.blocks:
            button = block.get("accessory") or {}
            if button.get("action_id") == RIGHT and words in str(block.get("text", {}).get("text")):
                return str(button["value"]).partition(":")[2]
        raise LookupError(f"the card names no likely change with {words!r}: {card.text}")

    def _rooms(self, but: Collection[str]) -> Iterator[Channel]:
        """The rooms of incidents but for these, the newest first."""
        channels = reversed(list(self.sandbox.world.channels.values()))
        return (one for one in channels if one.id not in but and one.name.startswith("inc-"))

    def _offering(self, action: str) -> Iterator[Message]:
        """What offers this in any channel but an incident's room, the newest first."""
        for channel in list(self.sandbox.world.channels.values()):
            if channel.kind == "channel" and not channel.archived and not channel.name.startswith("inc-"):
                yield from (one for one in reversed(self.sandbox.slack.messages(channel.id)) if offers(one, action))
