"""``/ship watch``: somebody is told when a change is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.answers.me import change_meant
from bot.app import Bot
from bot.errors import UserError
from bot.events import WatchChosen
from handlers.slack.answering import Answer
from handlers.slack.asking import Asker, may_act
from handlers.slack.storing import Storing

USAGE = (
    "Say it like this: /ship watch 812, /ship watch 812 production, /ship watch 812 production @pm, "
    "or /ship watch stop 812"
)

_PERSON = re.compile(r"<@([UW][A-Z0-9]{1,31})>")


@dataclass(frozen=True)
class WatchDoor:
    """What people want to hear of changes that may not be theirs."""

    bot: Bot
    storing: Storing

    async def ask(self, asker: Asker, arguments: Sequence[str], occasion: str) -> Answer:
        """``watch [stop] <change> [environment] [@person]``."""
        may_act(asker, self.bot.ourselves.known)
        words = list(arguments)
        watching = not (words and words[0].casefold() == "stop")
        if not watching:
            words.pop(0)
        named = [word for word in words if word.startswith("@") or _PERSON.fullmatch(word)]
        people = [found.group(1) for word in named if (found := _PERSON.fullmatch(word))]
        if len(people) < len(named):
            raise UserError(f"I cannot tell who {named[0][:80]} is: pick the name from the list that Slack offers.")
        rest = [word for word in words if word not in named]
        if len(people) > 1 or not 1 <= len(rest) <= 2:
            raise UserError(f"{USAGE}.")
        asked, environment = rest[0], rest[1] if len(rest) == 2 else None
        change = await self.bot.read(lambda session, _: change_meant(session, asked))
        event = WatchChosen(
            change=change,
            environment=environment,
            who=people[0] if people else asker.slack_id,
            slack_id=asker.slack_id,
            watching=watching,
            at=self.bot.clock(),
        )
        return await self.storing.act(asker, event, occasion)
