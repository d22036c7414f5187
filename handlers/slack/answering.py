"""How people are answered: at the address that came with their command or click, and never with silence.

Each answer is made and sent in a task that the bot keeps (``Bot.track``), so an orderly stop waits for it. Slack lets
the address be used five times in thirty minutes; what it says is seen by the asker alone. A second try may repeat an
answer that had arrived after all, which does no harm; none at all would.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.answers.metrics import MetricsReply
from bot.answers.oncall import OnCallReply
from bot.answers.views import DriftReply, HelpReply, MeReply, ProofReply, SaidReply, StatusReply, WhereReply
from bot.app import Bot
from bot.database import DatabaseUnavailable
from bot.errors import Doubtful, OutgoingError, RetryLater, UserError
from bot.incidents.replies import IncidentReply, IncidentsReply, TimelineReply
from bot.locks.views import LocksReply
from bot.ports import Message
from bot.rendering import Renderer
from bot.trains.views import TrainsReply
from handlers.slack.asking import Asker

log = structlog.get_logger(__name__)

Reply = (
    StatusReply
    | WhereReply
    | MeReply
    | HelpReply
    | ProofReply
    | SaidReply
    | LocksReply
    | DriftReply
    | TrainsReply
    | IncidentReply
    | IncidentsReply
    | TimelineReply
    | OnCallReply
    | MetricsReply
)
Answer = Callable[[], Awaitable[Reply | None]]
"""Finds out what to say, None where nothing is to be said (a modal opened); UserError is a refusal in its own words."""

NO_DATABASE = "My database does not answer just now, so nothing was changed. Try it again in a moment."

TRIES = 3
LONGEST_WAIT = 5.0
"""Seconds between two tries at most: whoever waits longer has asked again."""

TEMPLATES = {
    StatusReply: "replies/status",
    WhereReply: "replies/where",
    MeReply: "replies/me",
    HelpReply: "replies/help",
    ProofReply: "replies/proof",
    SaidReply: "replies/said",
    LocksReply: "replies/locks",
    DriftReply: "replies/drift",
    TrainsReply: "replies/train",
    IncidentReply: "replies/incident",
    IncidentsReply: "replies/incidents",
    TimelineReply: "replies/timeline",
    OnCallReply: "replies/oncall",
    MetricsReply: "replies/metrics",
}


@dataclass(frozen=True)
class Answering:
    """The voice of this door."""

    bot: Bot
    renderer: Renderer

    async def take(self, asker: Asker, ack: AsyncAck, store: Callable[[], Awaitable[Answer]]) -> None:
        """Store what is to be stored, then acknowledge, then answer; a fault on the way is the answer."""
        try:
            answer = await store()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the person is told in ``_reply``
            answer = _raising(fault)
        await ack()
        self.soon(asker, answer)

    def soon(self, asker: Asker, answer: Answer) -> None:
        """Answer in a task of its own."""
        self.bot.track(asyncio.get_running_loop().create_task(self._answer(asker, answer)))

    async def _answer(self, asker: Asker, answer: Answer) -> None:
        reference = uuid.uuid4().hex[:8]
        with structlog.contextvars.bound_contextvars(reference=reference):
            reply = await self._reply(answer, reference)
            if reply is not None:
                await self._send(asker, self._rendered(reply))

    async def _reply(self, answer: Answer, reference: str) -> Reply | None:
        try:
            return await answer()
        except UserError as refusal:
            return SaidReply(text=str(refusal), refused=True)
        except DatabaseUnavailable as fault:
            log.warning("somebody could not be answered", error=str(fault))
            return SaidReply(text=NO_DATABASE, refused=True)
        except Exception:
            log.exception("somebody could not be answered")
            return SaidReply(text=_apology(reference), refused=True)

    def _rendered(self, reply: Reply) -> dict[str, Any]:
        try:
            message = self.renderer.message(TEMPLATES[type(reply)], reply, key="reply")
        except Exception:
            log.exception("a reply could not be shown", template=TEMPLATES[type(reply)])
            return _shown("✋ I found the answer and could not show it. Tell whoever runs Shipmate to look at its log.")
        return {**_shown(message.text), "blocks": list(message.blocks)}

    async def _send(self, asker: Asker, message: dict[str, Any]) -> None:
        """Tell the asker; where Slack gave no address to answer at (modals, shortcuts), in our conversation with them.

        So too where the address is used up: whoever fills in a modal for half an hour is answered all the same.
        """
        if asker.response_url and await self._tried(lambda: self.bot.chat.respond(asker.response_url, message)):
            return
        if not asker.slack_id:
            log.warning("Slack gave no address to answer at")
            return
        direct = Message(text=message["text"], blocks=message.get("blocks", []), key=f"reply:{uuid.uuid4().hex}")
        await self._tried(lambda: self.bot.chat.post(asker.slack_id, direct))

    async def _tried(self, send: Callable[[], Awaitable[object]]) -> bool:
        """Send, a few times if need be; False where it was refused, and may be tried in another way."""
        for left in reversed(range(TRIES)):
            try:
                await send()
            except (RetryLater, Doubtful) as fault:
                if not left:
                    log.warning("an answer did not arrive", error=str(fault))
                    return True
                asked = fault.delay if isinstance(fault, RetryLater) else None
                await asyncio.sleep(min(1.0 if asked is None else asked, LONGEST_WAIT))
            except OutgoingError as fault:
                log.warning("an answer was refused", error=str(fault))
                return False
            else:
                return True
        return True


def _shown(text: str) -> dict[str, Any]:
    """To the asker alone, beside what is there."""
    return {"response_type": "ephemeral", "replace_original": False, "text": text}


def _apology(reference: str) -> str:
    return (
        "That did not work, and the fault is mine, not yours. "
        f"Try it again; if it stays so, tell whoever runs Shipmate: reference {reference}."
    )


def _raising(fault: Exception) -> Answer:
    async def answer() -> Reply:
        raise fault

    return answer
