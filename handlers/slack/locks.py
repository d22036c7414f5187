"""Locks and freezes: ``/ship lock``, ``unlock``, ``locks`` and ``freeze``, the buttons of their cards, the modal."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.context.ack.async_ack import AsyncAck
from sqlmodel import Session

from bot import people
from bot.answers.locks import LockModal, freeze_meant, scopes_offered
from bot.app import Bot
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import FreezeDeclared, FreezeLifted, LockAct, LockActed, LockPlaced
from bot.locks import ends, loading, words
from bot.locks.rules import EXPECTED
from handlers.slack.answering import Answer, Answering, Reply
from handlers.slack.asking import Asker, asker_of, may_act
from handlers.slack.modals import Amiss, Modals, Opened, Submitted
from handlers.slack.offering import offered, option
from handlers.slack.storing import Storing, clicked_on, submitted_on, value_of
from handlers.slack.words import as_typed

LIFT = "locks:lift"
EXTEND = "locks:extend"
GO = "locks:go"
LIFT_FREEZE = "locks:lift_freeze"

BUTTONS = (LIFT, EXTEND, GO, LIFT_FREEZE)
PLACE = "locks:place"
"""The modal that sets a lock."""
SCOPES = "locks:scope"
"""The menu of what can be locked, filled while somebody types."""
SHORTCUT = "lock"

NO_END = "none"
"""What the modal's menu of lengths says where the default end is meant."""

UNLOCK_USAGE = f"Say what to unlock: {EXPECTED}; or a lock's number, such as 12. /ship locks lists them."

_LOCK = re.compile(r"([1-9][0-9]{0,8})(?::([0-9]{1,11}))?")


@dataclass(frozen=True)
class LocksDoor:
    """What people lock, freeze, and let go again."""

    bot: Bot
    answering: Answering
    storing: Storing
    modals: Modals

    # --- typed ------------------------------------------------------------------------------------------------------

    async def lock(self, asker: Asker, arguments: Sequence[str], body: dict[str, Any], occasion: str) -> Answer:
        """``/ship lock <scope> [reason] [for 2h | until …]``; with nothing typed, its modal."""
        may_act(asker, self.bot.ourselves.known)
        if not arguments:
            return await self._open(asker, body, self._place_modal)
        zone = await self._zone(asker)
        typed = words.read_lock(" ".join(arguments), zone, self.bot.clock())
        typed = replace(typed, reason=as_typed(typed.reason, str(body.get("text") or "")))
        channel = body.get("channel_id")
        return await self._place(asker, typed, channel if isinstance(channel, str) else None, occasion)

    async def unlock(self, asker: Asker, arguments: Sequence[str], occasion: str) -> Answer:
        """``/ship unlock <scope or number>``."""
        if not arguments:
            raise UserError(UNLOCK_USAGE)
        scope = " ".join(arguments).removeprefix("#")
        return await self._act(asker, LockAct.LIFT, None, scope, None, occasion)

    async def freeze(self, asker: Asker, arguments: Sequence[str], text: str, occasion: str) -> Answer:
        """``/ship freeze [service] [from …] until … <reason>``, or ``/ship freeze lift [number or service]``.

        ``text`` is all that was typed, quotes included.
        """
        may_act(asker, self.bot.ourselves.known)
        if arguments and arguments[0].casefold() in ("lift", "end", "stop"):
            return await self._lift_freeze(asker, arguments[1:], occasion)
        now = self.bot.clock()
        typed = words.read_freeze(" ".join(arguments), await self._zone(asker), now)
        called = await self.storing.judge(asker)
        event = FreezeDeclared(
            service=typed.service,
            begins=typed.begins,
            ends=typed.ends,
            reason=as_typed(typed.reason, text),
            slack_id=asker.slack_id,
            called=called,
            at=now,
        )
        return await self.storing.act(asker, event, occasion)

    # --- clicked ----------------------------------------------------------------------------------------------------

    async def clicked(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button of a lock's or a freeze's card, or of ``/ship locks``."""
        asker = asker_of(body)
        await self.answering.take(asker, ack, lambda: self._clicked(asker, body))

    async def shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The global shortcut: what, why, how long."""
        asker = asker_of(body)

        async def opened() -> Answer:
            may_act(asker, self.bot.ourselves.known)
            return await self._open(asker, body, self._place_modal)

        await self.answering.take(asker, ack, opened)

    async def scopes(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What the menu of scopes offers for what was typed so far."""
        found = await self.bot.read(scopes_offered)
        await ack(options=offered([option(called, typed) for called, typed in found], body.get("value")))

    async def submitted(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What somebody filled in to set a lock."""

        async def stored(asker: Asker, filled: Submitted) -> Answer:
            return await self._placed(asker, filled, submitted_on(body))

        await self.modals.submitted(asker_of(body), ack, body, "scope", stored)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _clicked(self, asker: Asker, body: dict[str, Any]) -> Answer:
        name, found = str(body["actions"][0]["action_id"]), _LOCK.fullmatch(value_of(body))
        if found is None or (name == EXTEND) is not (found.group(2) is not None):
            raise UserError("That button does not say which lock it is about. /ship locks lists them as they are now.")
        number, occasion = int(found.group(1)), clicked_on(body)
        if name == LIFT_FREEZE:
            return await self._end_freeze(asker, number, occasion)
        until = datetime.fromtimestamp(int(found.group(2)), UTC) if found.group(2) else None
        act = {LIFT: LockAct.LIFT, EXTEND: LockAct.EXTEND, GO: LockAct.GO}[name]
        return await self._act(asker, act, number, None, until, occasion)

    async def _open(self, asker: Asker, body: dict[str, Any], make: Callable[[], Awaitable[Opened]]) -> Answer:
        """Open a window for somebody who may do what it is for; UserError for a guest, before they fill it in."""

        async def judged() -> Opened:
            await self.storing.judge(asker)
            return await make()

        return await self.modals.open(asker, body, judged)

    async def _act(
        self, asker: Asker, act: LockAct, number: int | None, scope: str | None, until: datetime | None, occasion: str
    ) -> Answer:
        called = await self.storing.judge(asker)
        event = LockActed(
            act=act,
            lock=number,
            scope=scope,
            until=until,
            slack_id=asker.slack_id,
            called=called,
            at=self.bot.clock(),
        )
        return await self.storing.act(asker, event, occasion)

    async def _place(self, asker: Asker, typed: words.LockWords, channel: str | None, occasion: str) -> Answer:
        called = await self.storing.judge(asker)
        event = LockPlaced(
            scope=typed.scope,
            reason=typed.reason,
            ends_at=typed.ends_at,
            rollbacks=typed.rollbacks,
            slack_id=asker.slack_id,
            called=called,
            channel=channel,
            at=self.bot.clock(),
        )
        return await self.storing.act(asker, event, occasion)

    async def _placed(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        scope = filled.needed("scope", "Choose what to lock.")
        reason = filled.needed("reason", "Say why: everybody who waits will read this.")
        length, passes = filled.values.get("length", NO_END), filled.values.get("rollbacks", "pass")
        ends_at = None
        if length != NO_END:
            try:
                ends_at = ends.read_end(length, await self._zone(asker), self.bot.clock())
            except UserError as fault:
                raise Amiss("length", str(fault)) from None
        typed = words.LockWords(scope=scope, reason=reason, ends_at=ends_at, rollbacks=passes != "hold")
        return await self._place(asker, typed, None, occasion)

    async def _lift_freeze(self, asker: Asker, arguments: Sequence[str], occasion: str) -> Answer:
        asked = " ".join(arguments).removeprefix("#")
        number = await self.bot.read(lambda session, desk: freeze_meant(session, desk, asked))
        return await self._end_freeze(asker, number, occasion)

    async def _end_freeze(self, asker: Asker, number: int, occasion: str) -> Answer:
        called = await self.storing.judge(asker)
        event = FreezeLifted(freeze=number, slack_id=asker.slack_id, called=called, at=self.bot.clock())
        return await self.storing.act(asker, event, occasion)

    async def _place_modal(self) -> Opened:
        return Opened("modals/lock", LockModal(), PLACE, {})

    async def _zone(self, asker: Asker) -> ZoneInfo:
        """The time zone in which this person says until when."""

        def read(session: Session, desk: Desk) -> ZoneInfo:
            return people.hours_of(session, desk.catalog, asker.slack_id).zone

        return await self.bot.read(read)


def ask_locks(bot: Bot, arguments: Sequence[str]) -> Answer:
    """``/ship locks``: what is held, by whom, until when."""
    if arguments:
        raise UserError("/ship locks lists them all and takes nothing more. To set one: /ship lock checkout <reason>")

    async def answer() -> Reply:
        return await bot.read(loading.locks_reply)

    return answer
