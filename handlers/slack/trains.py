"""Release trains: ``/ship train``, the buttons of departures' cards and of what authors are told, their modals.

A button's value is the departure's number and what its reader saw of it, ``12:9f8e7d``; that of Remove may name the
service that is offered first, ``12:9f8e7d:search``. Who may do what is for the verbs to say.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.context.ack.async_ack import AsyncAck
from sqlmodel import Session

from bot import people
from bot.answers import trains
from bot.app import Bot
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import TrainAct, TrainActed
from bot.locks import ends
from bot.spelling import did_you_mean, nearest
from handlers.slack.answering import Answer, Answering, Reply
from handlers.slack.asking import Asker, asker_of, may_act
from handlers.slack.modals import Amiss, Modals, Opened, Submitted
from handlers.slack.storing import Storing, clicked_on, submitted_on, value_of

AT_ONCE = {
    "trains:release": TrainAct.RELEASE,
    "trains:depart": TrainAct.DEPART,
    "trains:approve": TrainAct.APPROVE,
    "trains:ready": TrainAct.READY,
    "trains:unready": TrainAct.UNREADY,
    "trains:run": TrainAct.RUN,
    "trains:roll_on": TrainAct.ROLL_ON,
    "trains:roll_back": TrainAct.ROLL_BACK,
}
"""Buttons that act as they are clicked; the dangerous ones confirm before Slack sends the click."""

HOLD = "trains:hold"
CANCEL = "trains:cancel"
REMOVE = "trains:remove"
DETAILS = "trains:details"

_ASKING = (HOLD, CANCEL, REMOVE)
"""Buttons that ask something first; the modal is called by the same name."""

CONFIRMED = {TrainAct.ROLL_ON: "trains:roll_on", TrainAct.ROLL_BACK: "trains:roll_back"}
"""What is asked about once more before it is done: a button confirms by itself, and what is typed opens this modal."""

SUBMISSIONS = (*_ASKING, *CONFIRMED.values())
BUTTONS = (*AT_ONCE, *_ASKING, DETAILS)

HOLDS_FOR = timedelta(minutes=30)
"""After which a Hold is looked at again that says no time."""

TYPED = {
    "hold": TrainAct.HOLD,
    "release": TrainAct.RELEASE,
    "depart": TrainAct.DEPART,
    "leave": TrainAct.DEPART,
    "cancel": TrainAct.CANCEL,
    "remove": TrainAct.REMOVE,
    "run": TrainAct.RUN,
    "ready": TrainAct.READY,
    "unready": TrainAct.UNREADY,
    "on": TrainAct.ROLL_ON,
    "back": TrainAct.ROLL_BACK,
}
"""What can follow a train's name; ``roll on`` and ``roll back`` are said so too."""

USAGE = (
    "Say it like this: /ship train web, /ship train web hold <reason> [for 1h], /ship train web release, "
    "/ship train web depart, /ship train web remove <service or #812> <reason>, /ship train web cancel <reason>, "
    "/ship train web run, /ship train web ready, /ship train web roll on, /ship train web roll back"
)

_ALONE = (TrainAct.RELEASE, TrainAct.DEPART, TrainAct.RUN, TrainAct.READY, TrainAct.UNREADY)
"""Those of ``TYPED`` that nothing follows."""

_VALUE = re.compile(r"([1-9][0-9]{0,8}):([A-Za-z0-9_-]{0,64})(?::(.{1,255}))?", re.DOTALL)
_CHOICE = re.compile(r"([1-9][0-9]{0,8})(?::([1-9][0-9]{0,8}))?")


@dataclass(frozen=True)
class TrainsDoor:
    """What people ask of trains, and do to their departures."""

    bot: Bot
    answering: Answering
    storing: Storing
    modals: Modals

    # --- typed ------------------------------------------------------------------------------------------------------

    async def ask(self, asker: Asker, arguments: Sequence[str], body: dict[str, Any], occasion: str) -> Answer:
        """``/ship train [name]``; with an act after the name (``TYPED``), does it to the departure that is meant.

        To roll on or back it opens a window first, as the buttons ask once more.
        """
        if len(arguments) < 2:
            return self._shown(arguments[0] if arguments else None)
        name, *said = arguments
        act, rest = self._act_meant(name, said)
        may_act(asker, self.bot.ourselves.known)
        if act in _ALONE and rest:
            raise UserError(f"I cannot place “{' '.join(rest)[:80]}”. {USAGE}.")
        number = await self.bot.read(lambda session, desk: trains.departure_meant(session, desk, name, act))
        service = change = review_at = None
        reason = " ".join(rest)
        if act in CONFIRMED:
            await self.storing.judge(asker)
            view = await self.bot.read(
                lambda session, desk: trains.roll_modal(session, desk, number, act, asker.slack_id)
            )
            if view is not None:
                held = {"about": f"{number}:{view.card.seen}", "reason": reason[:500]}
                window = Opened("modals/roll_train", view, CONFIRMED[act], held)
                return await self.modals.open(asker, body, lambda: _ready(window))
        if act is TrainAct.HOLD:
            ending = ends.take_end(reason, await self._zone(asker), self.bot.clock())
            reason, review_at = ending.rest, ending.end or self.bot.clock() + HOLDS_FOR
        elif act is TrainAct.REMOVE:
            service, change, reason = await self.bot.read(
                lambda session, desk: trains.what_meant(session, desk, number, rest)
            )
        return await self._act(
            asker, act, number, None, occasion, service=service, change=change, reason=reason or None,
            review_at=review_at,
        )  # fmt: skip

    # --- clicked ----------------------------------------------------------------------------------------------------

    async def clicked(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button of a departure, wherever it stands."""
        asker = asker_of(body)
        await self.answering.take(asker, ack, lambda: self._clicked(asker, body))

    # --- filled in --------------------------------------------------------------------------------------------------

    async def submitted(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What somebody filled in, in any of the modals here."""
        name = body["view"]["callback_id"]
        store = {HOLD: self._held, CANCEL: self._cancelled, REMOVE: self._removed}.get(name)
        if store is None:
            store = partial(self._rolled, AT_ONCE[name])

        async def stored(asker: Asker, filled: Submitted) -> Answer:
            return await store(asker, filled, submitted_on(body))

        await self.modals.submitted(asker_of(body), ack, body, "reason", stored)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _shown(self, name: str | None) -> Answer:
        async def answer() -> Reply:
            return await self.bot.read(lambda session, desk: trains.trains(session, desk, name))

        return answer

    def _act_meant(self, name: str, said: list[str]) -> tuple[TrainAct, list[str]]:
        """The act that was typed, and what follows it; UserError with a did-you-mean."""
        word, *rest = said
        if word.casefold() == "roll" and rest and rest[0].casefold() in ("on", "back"):
            word, *rest = rest
        act = TYPED.get(word.casefold())
        if act is not None:
            return act, rest
        if name.casefold() in TYPED and nearest(word, self.bot.catalog.trains) is not None:
            raise UserError(f"The train's name comes first: /ship train {word[:40]} {name.casefold()}.")
        raise UserError(f"I do not know “{word[:80]}” of a train{did_you_mean(word, TYPED) or '.'} {USAGE}.")

    async def _clicked(self, asker: Asker, body: dict[str, Any]) -> Answer:
        name = str(body["actions"][0]["action_id"])
        departure, seen, service = _read_value(value_of(body))
        if name == DETAILS:  # a question: anybody who sees the card may ask it
            return await self.modals.open(asker, body, lambda: self._details(departure))
        may_act(asker, self.bot.ourselves.known)
        if name in AT_ONCE:
            return await self._act(asker, AT_ONCE[name], departure, seen, clicked_on(body))
        return await self._open(asker, body, lambda: self._window(name, departure, seen, service))

    async def _open(self, asker: Asker, body: dict[str, Any], make: Callable[[], Awaitable[Opened]]) -> Answer:
        """Open a window for somebody who may do what it is for; UserError for a guest, before they fill it in."""

        async def judged() -> Opened:
            await self.storing.judge(asker)
            return await make()

        return await self.modals.open(asker, body, judged)

    async def _window(self, name: str, departure: int, seen: str, service: str | None) -> Opened:
        held = {"about": f"{departure}:{seen}"}
        if name == HOLD:
            view = await self.bot.read(lambda session, desk: trains.hold_modal(session, desk, departure))
            return Opened("modals/hold_train", view, name, held)
        if name == CANCEL:
            call_off = await self.bot.read(lambda session, desk: trains.cancel_modal(session, desk, departure))
            return Opened("modals/cancel_train", call_off, name, held)
        taking = await self.bot.read(lambda session, desk: trains.remove_modal(session, desk, departure, service))
        return Opened("modals/remove_train", taking, name, held)

    async def _details(self, departure: int) -> Opened:
        view = await self.bot.read(lambda session, desk: trains.details_modal(session, desk, departure))
        return Opened("modals/details_train", view, DETAILS, {}, submits=False)

    async def _held(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        departure, seen, _ = _read_value(filled.about())
        reason = filled.needed("reason", "Say why: everybody who waits for it will read this.")
        length = filled.needed("review", "Choose when you look at it again.")
        try:
            review_at = ends.read_end(length, await self._zone(asker), self.bot.clock())
        except UserError as fault:
            raise Amiss("review", str(fault)) from None
        return await self._act(asker, TrainAct.HOLD, departure, seen, occasion, reason=reason, review_at=review_at)

    async def _cancelled(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        departure, seen, _ = _read_value(filled.about())
        reason = filled.needed("reason", "Say why: everybody aboard will read this.")
        return await self._act(asker, TrainAct.CANCEL, departure, seen, occasion, reason=reason)

    async def _rolled(self, act: TrainAct, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        departure, seen, _ = _read_value(filled.about())
        typed = filled.remembers.get("reason")
        reason = filled.values.get("reason", "").strip() or (typed if isinstance(typed, str) else "")
        return await self._act(asker, act, departure, seen, occasion, reason=reason or None)

    async def _removed(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        departure, seen, _ = _read_value(filled.about())
        chosen = _CHOICE.fullmatch(filled.needed("what", "Choose what stays behind."))
        reason = filled.needed("reason", "Say why: whoever wrote it will read this.")
        if chosen is None:
            raise Amiss("what", "That is nothing that is aboard. Open the window anew.")
        service = await self.bot.read(lambda session, desk: trains.service_of(session, int(chosen.group(1))))
        change = int(chosen.group(2)) if chosen.group(2) else None
        return await self._act(
            asker, TrainAct.REMOVE, departure, seen, occasion, service=service, change=change, reason=reason
        )

    async def _act(
        self,
        asker: Asker,
        act: TrainAct,
        departure: int,
        seen: str | None,
        occasion: str,
        *,
        service: str | None = None,
        change: int | None = None,
        reason: str | None = None,
        review_at: datetime | None = None,
    ) -> Answer:
        called = await self.storing.judge(asker)
        event = TrainActed(
            act=act,
            departure=departure,
            seen=seen,
            service=service,
            change=change,
            reason=reason,
            review_at=review_at,
            slack_id=asker.slack_id,
            called=called,
            at=self.bot.clock(),
        )
        return await self.storing.act(asker, event, occasion)

    async def _zone(self, asker: Asker) -> ZoneInfo:
        """The time zone in which this person says until when."""

        def read(session: Session, desk: Desk) -> ZoneInfo:
            return people.hours_of(session, desk.catalog, asker.slack_id).zone

        return await self.bot.read(read)


async def _ready(opened: Opened) -> Opened:
    return opened


def _read_value(value: str) -> tuple[int, str, str | None]:
    found = _VALUE.fullmatch(value)
    if found is None:
        raise UserError("That button does not say which departure it is about. /ship train shows them as they are now.")
    return int(found.group(1)), found.group(2), found.group(3)
