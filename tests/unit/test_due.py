"""What is due is done each thing for itself: a fault in one keeps no other waiting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlmodel import Session

from bot import work
from bot.app import PUT_OFF, Bot
from bot.reactions import Reactions
from tests.unit.stores import NOON, Clock, opened


@dataclass
class Brittle:
    """Reactions that stumble over one deploy, after they have written something."""

    done: list[int]

    def due(self, session: Session, subject: work.Subject, now: datetime) -> None:
        """Look again at one thing."""
        assert work.take_due(session, subject, now)
        if subject == ("deploy", 2):
            raise ZeroDivisionError
        self.done.append(subject[1])


async def test_one_thing_that_cannot_be_done_is_put_off_and_the_others_are_done(database_url: str) -> None:
    """It would otherwise be the first in every look, for ever."""
    async with opened(database_url) as database:
        brittle = Brittle([])
        bot = object.__new__(Bot)
        bot.database, bot.clock, bot.reactions = database, Clock(), cast("Reactions", brittle)

        def keep(session: Session) -> None:
            for number in (1, 2, 3):
                work.schedule(session, "deploy", number, NOON)

        await database.write(keep)
        assert await bot.due() == NOON + PUT_OFF
        assert brittle.done == [1, 3]
        assert await database.read(lambda session: work.due(session, NOON + PUT_OFF)) == [("deploy", 2)]
