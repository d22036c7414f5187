"""A scene about release trains: a whole day of the shop train, on Acme's search and storefront.

Search leaves first, storefront when that is live. Times are Paris': it leaves at ten, twelve, two and four, and
boarding closes a quarter of an hour before. The clock is turned from one of them to the next; once it jumps over one,
as a bot would see it that was down at the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.sandbox.repositories import File
from bot.sandbox.story_stage import Guarded, offers
from bot.sandbox.world import Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

SEARCH = "acme/search"
STOREFRONT = "acme/storefront"
RELEASES = "#releases"
ZONE = ZoneInfo("Europe/Paris")
LEAVES = (10, 12, 14, 16)
BUSY = 0.3
"""How much faster than the story the pipelines are: a day has many rollouts."""

APPROVE = "trains:approve"
RUN = "trains:run"


class Day(Guarded):
    """One day of the shop train, as search sees it; ``storefront`` is the other service aboard."""

    def __init__(self, sandbox: Sandbox, pace: float) -> None:
        super().__init__(sandbox, pace, SEARCH)
        self.storefront = Guarded(sandbox, pace, STOREFRONT)
        for one in (self, self.storefront):
            one.pipeline.wait = self._hurry
        self.today = sandbox.clock.now().astimezone(ZONE).date()

    async def _hurry(self, seconds: float) -> None:
        await self.wait(seconds * BUSY)

    async def begins(self) -> None:
        """It becomes twenty past nine: of the next day, if it is later; what is left of this one leaves empty."""
        for one in (self, self.storefront):
            await one.something_is_live()
        if self.sandbox.clock.now() > self._at(9, 20):
            for hour in LEAVES:
                await self.until_it_is(self._at(hour, 1), 1)
            self.today += timedelta(days=1)
        await self.until_it_is(self._at(9, 20), 1)

    async def it_is(self, hour: int, minute: int, *, seconds: float = 3) -> None:
        """Let the story's time pass; then it is this time of the day, and a bot that follows the clock knows."""
        await self.until_it_is(self._at(hour, minute), seconds)
        await self.wait(1)

    async def lands(self, stage: Guarded, title: str, author: str, file: str, lines: int) -> str:
        """Somebody's change is merged and brought to staging."""
        sha = await stage.merge(author=author, title=title, merged_by=author, files=(File(name=file, additions=lines),))
        await stage.pipeline.settle()
        await self.wait(1)
        return sha

    async def sealed(self, title: str) -> Message:
        """The card of the departure that carries this change and asks for a yes."""

        def listed() -> Message | None:
            return next((one for one in self._cards(APPROVE) if f"#{self._number(title)}" in one.text), None)

        return await self.sees(listed, f"no departure is sealed with {title!r} aboard")

    async def misses(self, hour: int, minute: int) -> Message:
        """Let it become this time at once, past a departure of which nobody knows; the card that says so."""
        before = set(map(id, self._cards(RUN)))
        await self.it_is(hour, minute)

        def missed() -> Message | None:
            return next((one for one in self._cards(RUN) if id(one) not in before), None)

        return await self.sees(missed, "no departure was missed")

    def _cards(self, action: str) -> Iterator[Message]:
        """What offers this in the channel of the trains, the newest first."""
        return (message for message in reversed(self.slack.messages(RELEASES)) if offers(message, action))

    def _number(self, title: str) -> int:
        """The newest pull request of this title."""
        pulls = (self.github.repository(repo).pulls.values() for repo in (SEARCH, STOREFRONT))
        return max(one.number for every in pulls for one in every if one.title == title)

    def _at(self, hour: int, minute: int) -> datetime:
        return datetime(self.today.year, self.today.month, self.today.day, hour, minute, tzinfo=ZONE)


async def a_day_of_trains(sandbox: Sandbox, pace: float) -> None:
    """The ten o'clock leaves at its time; the noon is held for a yes, the two o'clock missed and run late."""
    day = Day(sandbox, pace)
    await day.begins()

    await day.lands(day, "Search by colour", "ana", "src/colours.py", 64)
    await day.lands(day.storefront, "Show the season first", "ben", "src/season.py", 28)
    await day.it_is(9, 46)
    ten = await day.sealed("Search by colour")
    await day.wait(4)
    await day.press("dee", ten, APPROVE)
    await day.until_says(ten, "Every gate is open")
    await day.it_is(10, 0)
    await day.until_says(ten, "arrived")

    await day.it_is(11, 10)
    await day.lands(day, "Forgive a letter too many", "chi", "src/spelling.py", 41)
    await day.it_is(11, 46)
    noon = await day.sealed("Forgive a letter too many")
    await day.it_is(12, 0)
    await day.until_says(noon, "HELD")
    await day.it_is(12, 8, seconds=5)
    await day.press("dee", noon, APPROVE)
    await day.until_says(noon, "arrived")

    await day.it_is(12, 50)
    await day.lands(day.storefront, "Look at a picture closely", "ana", "src/pictures.py", 87)
    missed = await day.misses(14, 40)
    await day.wait(4)
    await day.press("eve", missed, RUN)
    late = await day.sealed("Look at a picture closely")
    await day.wait(2)
    await day.press("dee", late, APPROVE)
    await day.until_says(late, "arrived")

    await day.it_is(15, 5)
    await day.lands(day, "Remember what was looked for", "ben", "src/memory.py", 33)
    await day.it_is(15, 42, seconds=2)
    await day.lands(day.storefront, "Put the prices in bold", "chi", "src/prices.css", 2)
    await day.it_is(15, 46)
    four = await day.sealed("Remember what was looked for")
    await day.wait(4)
    await day.press("dee", four, APPROVE)
    await day.until_says(four, "Every gate is open")
    await day.it_is(16, 0)
    await day.until_says(four, "arrived")
