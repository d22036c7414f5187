"""Modals: opened within the three seconds that Slack gives, filled in, submitted; a fault of what was filled in is
shown beside it, and what was typed stays.

What a modal must remember travels in its ``private_metadata``: what it is about, what its reader saw, and where to
answer. All of it is judged anew when it comes back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.app import Bot
from bot.database import DatabaseUnavailable
from bot.errors import GiveUp, OutgoingError, UserError
from bot.rendering import Renderer
from handlers.slack.answering import NO_DATABASE, Answer, Answering, Reply
from handlers.slack.asking import Asker

log = structlog.get_logger(__name__)

PATIENCE = 2.5
"""Seconds for a modal to be read and opened: after three Slack takes its trigger back."""

TOO_LATE = "Slack opens a window only within three seconds, and I needed longer. Try it once more."

_LONGEST_ADDRESS = 2000
"""Of an address to answer at: Slack takes 3,000 characters in all."""


class Amiss(Exception):
    """Something that was filled in cannot be taken; ``block_id`` is where to say so."""

    def __init__(self, block_id: str, said: str) -> None:
        super().__init__(said)
        self.block_id = block_id


@dataclass(frozen=True)
class Opened:
    """A modal to open: its template, what that sees, what its submission is called, what it must remember."""

    template: str
    view: object
    callback_id: str
    remembers: Mapping[str, Any]
    submits: bool = True


@dataclass(frozen=True)
class Submitted:
    """What somebody filled in, by block id; ``remembers`` is what the modal was opened with."""

    values: Mapping[str, str]
    remembers: Mapping[str, Any]

    def needed(self, block_id: str, said: str) -> str:
        """The answer to a question, without space around it; Amiss with ``said`` where it is empty."""
        value = self.values.get(block_id, "").strip()
        if not value:
            raise Amiss(block_id, said)
        return value

    def about(self) -> str:
        """What the modal is about, as the button's value had it; UserError where that is gone."""
        value = self.remembers.get("about")
        if not isinstance(value, str):
            raise UserError("This window does not say any more what it was about. Open it anew.")
        return value


@dataclass(frozen=True)
class Modals:
    """Opens modals, and takes what was filled in."""

    bot: Bot
    renderer: Renderer
    answering: Answering

    async def open(self, asker: Asker, body: Mapping[str, Any], make: Callable[[], Awaitable[Opened]]) -> Answer:
        """Open what ``make`` reads, for the trigger in ``body``; UserError where it cannot be."""
        trigger = body.get("trigger_id")
        if not isinstance(trigger, str) or not trigger:
            raise UserError("Slack did not say where to open a window. Try it once more.")
        try:
            async with asyncio.timeout(PATIENCE):
                opened = await make()
                await self.bot.chat.open_view(trigger, self._rendered(asker, opened))
        except TimeoutError:
            raise UserError(TOO_LATE) from None
        except GiveUp as fault:
            if "trigger" in fault.code:
                raise UserError(TOO_LATE) from None
            raise
        except OutgoingError as fault:
            log.warning("a window could not be opened", error=str(fault))
            raise UserError("Slack did not open the window just now. Try it once more.") from None
        return _nothing

    async def submitted(
        self,
        asker: Asker,
        ack: AsyncAck,
        body: Mapping[str, Any],
        block_id: str,
        store: Callable[[Asker, Submitted], Awaitable[Answer]],
    ) -> None:
        """Store what was filled in, then close the modal, then answer; a refusal is shown at ``block_id``."""
        filled = _read(body)
        address = filled.remembers.get("answer_at")
        asker = replace(asker, response_url=address if isinstance(address, str) else "")
        try:
            answer = await store(asker, filled)
        except Amiss as fault:
            await ack(response_action="errors", errors={fault.block_id: str(fault)})
            return
        except UserError as refusal:
            await ack(response_action="errors", errors={block_id: str(refusal)})
            return
        except DatabaseUnavailable as fault:
            log.warning("what somebody filled in could not be stored", error=str(fault))
            await ack(response_action="errors", errors={block_id: NO_DATABASE})
            return
        except Exception as fault:  # noqa: BLE001 - whatever it is, the person is told
            answer = _raising(fault)
        await ack()
        self.answering.soon(asker, answer)

    def _rendered(self, asker: Asker, opened: Opened) -> Mapping[str, Any]:
        remembers = dict(opened.remembers)
        if opened.submits and asker.response_url and len(asker.response_url) <= _LONGEST_ADDRESS:
            remembers["answer_at"] = asker.response_url
        return self.renderer.modal(
            opened.template,
            opened.view,
            callback_id=opened.callback_id,
            private_metadata=json.dumps(remembers, separators=(",", ":")),
        )


def _read(body: Mapping[str, Any]) -> Submitted:
    view = body["view"]
    try:
        remembers = json.loads(view.get("private_metadata") or "{}")
    except (TypeError, ValueError, RecursionError):
        remembers = {}
    values: dict[str, str] = {}
    for block_id, answers in view["state"]["values"].items():
        for answer in answers.values() if isinstance(answers, Mapping) else ():
            chosen = answer.get("selected_option") if isinstance(answer, Mapping) else None
            value = chosen.get("value") if isinstance(chosen, Mapping) else None
            if value is None and isinstance(answer, Mapping):
                value = answer.get("selected_user") or answer.get("value")
            if isinstance(value, str):
                values[block_id] = value
    return Submitted(values, remembers if isinstance(remembers, dict) else {})


async def _nothing() -> None:
    """The modal is the answer."""


def _raising(fault: Exception) -> Answer:
    async def answer() -> Reply:
        raise fault

    return answer
