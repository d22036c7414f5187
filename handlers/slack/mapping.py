"""Whose an alert is that nobody knew: the menu of the card that asks, and its “Nobody's”."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from sqlmodel import Session

from bot.alerts import service as alerts
from bot.alerts.models import Alert
from bot.app import Bot
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import AlertMapped
from handlers.slack.answering import Answer, Answering
from handlers.slack.asking import Asker, asker_of, may_act
from handlers.slack.offering import offered, option
from handlers.slack.storing import Storing, clicked_on, value_of

SERVICE = "alerts:map"
"""A menu whose options are ``<alert>:<service>``; where it is filled while somebody types, its row says the alert."""

NOBODY = "alerts:map_none"
"""A button whose value is the alert's number."""

BUTTONS = (SERVICE, NOBODY)

_ROW = re.compile(r"alert:([1-9][0-9]{0,8})")
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

    async def services(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What the menu offers for what was typed so far, of all services the likeliest first."""
        found = _ROW.fullmatch(str(body.get("block_id")))
        number, typed = int(found.group(1)) if found else 0, str(body.get("value") or "").strip()

        def may_be_of(session: Session, desk: Desk) -> Sequence[str]:
            alert = session.get(Alert, number)
            return alerts.those_it_may_be_of(session, desk.catalog, alert) if alert is not None else ()

        names = [one for one in await self.bot.read(may_be_of) if typed.casefold() in one.casefold()]
        await ack(options=offered([option(one, f"{number}:{one}") for one in names], typed))

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
