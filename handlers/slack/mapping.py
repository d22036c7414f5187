"""Whose an alert is that nobody knew: the menu of the note that asks, and its “Nobody's”."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.app import Bot
from bot.errors import UserError
from bot.events import AlertMapped
from handlers.slack.answering import Answer, Answering
from handlers.slack.asking import Asker, asker_of, may_act
from handlers.slack.storing import Storing, clicked_on, value_of

SERVICE = "alerts:map"
"""A menu whose options are ``<alert>:<service>``."""

NOBODY = "alerts:map_none"
"""A button whose value is the alert's number."""

BUTTONS = (SERVICE, NOBODY)

_VALUE = re.compile(r"([1-9][0-9]{0,8})(?::(.{1,255}))?", re.DOTALL)


@dataclass(frozen=True)
class MappingDoor:
    """Takes in what people say of alerts."""

    bot: Bot
    answering: Answering
    storing: Storing

    async def clicked(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A service was chosen, or nobody."""
        asker = asker_of(body)
        await self.answering.take(asker, ack, lambda: self._clicked(asker, body))

    async def _clicked(self, asker: Asker, body: dict[str, Any]) -> Answer:
        may_act(asker, self.bot.ourselves.known)
        name, found = str(body["actions"][0]["action_id"]), _VALUE.fullmatch(value_of(body))
        if found is None or (name == SERVICE) is not (found.group(2) is not None):
            raise UserError("That menu does not say which alert it is about. It is asked again when it fires next.")
        called = await self.storing.judge(asker)
        event = AlertMapped(
            alert=int(found.group(1)),
            service=found.group(2),
            slack_id=asker.slack_id,
            called=called,
            at=self.bot.clock(),
        )
        return await self.storing.act(asker, event, clicked_on(body))
