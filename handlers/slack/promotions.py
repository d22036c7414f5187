"""Promotions and rollbacks: ``/ship promote`` and ``/ship rollback``, the buttons of their cards, their modals.

A button's value is the promotion's number and what its reader saw of it, ``12:9f8e7d``; both are judged by the verb.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from sqlmodel import Session

from bot.answers.targets import promotable
from bot.app import Bot
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import Act, PromotionActed, PromotionRequested, RollbackRequested, Via
from bot.promotions import modals as windows
from bot.promotions.views import RollbackModal
from handlers.slack.answering import Answer, Answering
from handlers.slack.asking import Asker, asker_of, may_act
from handlers.slack.modals import Amiss, Modals, Opened, Submitted
from handlers.slack.offering import Option, offered, option
from handlers.slack.storing import Storing, clicked_on, submitted_on, value_of

AT_ONCE = {
    "promotions:approve": Act.APPROVE,
    "promotions:undo": Act.UNDO,
    "promotions:release": Act.RELEASE,
    "promotions:include": Act.INCLUDE,
    "promotions:went_through": Act.WENT_THROUGH,
    "promotions:try_again": Act.TRY_AGAIN,
}
"""Buttons that act as they are clicked; the dangerous ones confirm before Slack sends the click."""

ASKING = {
    "promotions:reject": Act.REJECT,
    "promotions:hold": Act.HOLD,
    "promotions:cancel": Act.CANCEL,
    "promotions:acknowledge": Act.ACKNOWLEDGE,
}
"""Buttons that ask for a reason first; the modal is called by the same name."""

DETAILS = "promotions:details"
ROLL_BACK = "promotions:roll_back"
MORE = "promotions:more"
"""A menu whose options are ``hold:12:9f8e7d``: the word of one of ``ASKING``, then what a button would carry."""

IN_MENU = ("promotions:hold", "promotions:cancel")
"""Those of ``ASKING`` that stand in the menu only."""

BUTTONS = (*AT_ONCE, *(name for name in ASKING if name not in IN_MENU), DETAILS, ROLL_BACK, MORE)
SUBMISSIONS = (*ASKING, ROLL_BACK, "promotions:promote")
TARGETS = "promotions:target"
"""The menu of services and where they can go, filled while somebody types."""

SHORTCUT = "promote"

PROMOTE_USAGE = (
    "Say it like this: /ship promote checkout, /ship promote checkout a1b2c3d (a commit; also a tag, a version or a "
    "pull request), or /ship promote checkout to production"
)
ROLLBACK_USAGE = "Say it like this: /ship rollback checkout, or /ship rollback checkout to a1b2c3d (a commit)"

_VALUE = re.compile(r"([1-9][0-9]{0,8}):([A-Za-z0-9_-]{0,64})")
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_BUILD = re.compile(r"[0-9a-f]{7,64}|(?=.*[0-9])[#\w][\w.+/-]{0,99}", re.IGNORECASE)
"""How a build can be named: its commit; its tag or version or a pull request, which have a digit somewhere."""
_FILLED_IN = re.compile(rf"{_BUILD.pattern}|(?=.*[0-9])\w[\w.+/ -]{{0,99}}", re.IGNORECASE)
"""The same where it stands by itself: a version may then be of several words (``Spring 1.2``)."""
_NO_REASON = "Say why: everybody who waits for it will read this."


@dataclass(frozen=True)
class PromotionsDoor:
    """What people do to promotions."""

    bot: Bot
    answering: Answering
    storing: Storing
    modals: Modals

    # --- typed ------------------------------------------------------------------------------------------------------

    async def promote(self, asker: Asker, arguments: Sequence[str], body: dict[str, Any], occasion: str) -> Answer:
        """``/ship promote <service> [build] [to <environment>]``; with nothing typed, its modal."""
        may_act(asker, self.bot.ourselves.known)
        if not arguments:
            return await self._open(asker, body, self._promote_modal)
        service, environment, sha = _wanted(arguments, PROMOTE_USAGE)
        return await self._request(asker, service, environment, sha, occasion)

    async def roll_back(self, asker: Asker, arguments: Sequence[str], body: dict[str, Any]) -> Answer:
        """``/ship rollback <service> [to <commit>]``: a modal that lists what leaves, and asks why."""
        may_act(asker, self.bot.ourselves.known)
        service, sha = _build_to_go_back_to(arguments)
        return await self._open(asker, body, lambda: self._rollback_modal(service, None, sha))

    # --- clicked ----------------------------------------------------------------------------------------------------

    async def clicked(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button of a promotion's card, wherever a copy of it stands."""
        asker = asker_of(body)
        await self.answering.take(asker, ack, lambda: self._clicked(asker, body))

    async def shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The global shortcut: which service, where to."""
        asker = asker_of(body)

        async def opened() -> Answer:
            may_act(asker, self.bot.ourselves.known)
            return await self._open(asker, body, self._promote_modal)

        await self.answering.take(asker, ack, opened)

    async def targets(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What the menu of services offers for what was typed so far."""
        await ack(options=offered(self._targets(), body.get("value")))

    # --- filled in --------------------------------------------------------------------------------------------------

    async def submitted(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What somebody filled in, in any of the modals here."""
        name = body["view"]["callback_id"]
        store = {ROLL_BACK: self._rolled_back, "promotions:promote": self._promoted}.get(name, self._reasoned)
        block_id = "target" if name == "promotions:promote" else "reason"

        async def stored(asker: Asker, filled: Submitted) -> Answer:
            return await store(asker, filled, name, submitted_on(body))

        await self.modals.submitted(asker_of(body), ack, body, block_id, stored)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _clicked(self, asker: Asker, body: dict[str, Any]) -> Answer:
        name, value = str(body["actions"][0]["action_id"]), value_of(body)
        if name == MORE:
            word, _, value = value.partition(":")
            name = f"promotions:{word}"
        promotion, seen = _read_value(value)
        if name == DETAILS:  # a question: anybody who sees the card may ask it
            return await self.modals.open(asker, body, lambda: self._details_modal(promotion))
        may_act(asker, self.bot.ourselves.known)
        if name == ROLL_BACK:
            return await self._open(asker, body, lambda: self._rollback_of(promotion))
        if name in ASKING:
            return await self._open(asker, body, lambda: self._reason_modal(promotion, name))
        if name not in AT_ONCE:
            raise UserError("That button does not say what to do. Look at the card as it is now and try again.")
        return await self._act(asker, AT_ONCE[name], promotion, seen, None, clicked_on(body))

    async def _open(self, asker: Asker, body: dict[str, Any], make: Callable[[], Awaitable[Opened]]) -> Answer:
        """Open a window for somebody who may do what it is for; UserError for a guest, before they fill it in."""

        async def judged() -> Opened:
            await self.storing.judge(asker)
            return await make()

        return await self.modals.open(asker, body, judged)

    async def _act(
        self, asker: Asker, act: Act, promotion: int, seen: str, reason: str | None, occasion: str
    ) -> Answer:
        called = await self.storing.judge(asker)
        event = PromotionActed(
            act=act,
            promotion=promotion,
            seen=seen,
            slack_id=asker.slack_id,
            called=called,
            reason=reason,
            at=self.bot.clock(),
        )
        return await self.storing.act(asker, event, occasion)

    async def _request(
        self, asker: Asker, service: str, environment: str | None, sha: str | None, occasion: str
    ) -> Answer:
        event = PromotionRequested(
            service=service,
            environment=environment,
            sha=sha,
            by=f"slack:{asker.slack_id}",
            via=Via.SLASH,
            at=self.bot.clock(),
        )
        return await self.storing.act(asker, event, occasion)

    async def _reasoned(self, asker: Asker, filled: Submitted, name: str, occasion: str) -> Answer:
        promotion, seen = _read_value(filled.about())
        reason = filled.needed("reason", _NO_REASON)
        return await self._act(asker, ASKING[name], promotion, seen, reason, occasion)

    async def _promoted(self, asker: Asker, filled: Submitted, name: str, occasion: str) -> Answer:
        target = filled.needed("target", "Choose what is to go where.")
        service, _, environment = target.rpartition("/")
        build = filled.values.get("build", "").strip().strip("`")
        if build and not _FILLED_IN.fullmatch(build):
            raise Amiss("build", "Name a build by its commit (a1b2c3d), its tag or version, or a pull request (#812).")
        return await self._request(asker, service, environment, build or None, occasion)

    async def _rolled_back(self, asker: Asker, filled: Submitted, name: str, occasion: str) -> Answer:
        held = filled.remembers
        service, environment, leaves, to = (held.get(one) for one in ("service", "environment", "leaves", "to"))
        if not isinstance(service, str) or not isinstance(environment, str) or not isinstance(leaves, str):
            raise UserError("This window does not say any more what it was about. Open it anew.")
        event = RollbackRequested(
            service=service,
            environment=environment,
            to_deploy=to if type(to) is int else None,
            leaves=leaves,
            reason=filled.needed("reason", "Say why: everyone whose change leaves will read this."),
            slack_id=asker.slack_id,
            at=self.bot.clock(),
        )
        return await self.storing.act(asker, event, occasion)

    async def _promote_modal(self) -> Opened:
        return Opened("modals/promote", windows.PromoteModal(), "promotions:promote", {})

    async def _reason_modal(self, promotion: int, name: str) -> Opened:
        act = ASKING[name]

        def read(session: Session, desk: Desk) -> windows.ReasonModal:
            return windows.reason_modal(session, desk, promotion, act)

        view = await self.bot.read(read)
        return Opened(f"modals/{act.value}", view, name, {"about": f"{view.promotion_id}:{view.seen}"})

    async def _details_modal(self, promotion: int) -> Opened:
        view = await self.bot.read(lambda session, desk: windows.details_modal(session, desk, promotion))
        return Opened("modals/details", view, DETAILS, {}, submits=False)

    async def _rollback_of(self, promotion: int) -> Opened:
        service, environment = await self.bot.read(lambda session, desk: windows.still_live(session, desk, promotion))
        return await self._rollback_modal(service, environment, None)

    async def _rollback_modal(self, service: str, environment: str | None, sha: str | None) -> Opened:
        view = await self.bot.read(
            lambda session, desk: windows.rollback_modal(session, desk, service, environment, sha)
        )
        return rollback_window(view)

    def _targets(self) -> Sequence[Option]:
        return [
            option(f"{service} → {environment}", f"{service}/{environment}")
            for service, environment in promotable(self.bot.catalog)
        ]


def rollback_window(view: RollbackModal) -> Opened:
    """The window of a rollback, wherever it is asked for; what is filled in comes back to this door."""
    held = {"service": view.service, "environment": view.environment, "to": view.to_deploy, "leaves": view.seen}
    return Opened("modals/roll_back", view, ROLL_BACK, held)


def _read_value(value: str) -> tuple[int, str]:
    found = _VALUE.fullmatch(value)
    if found is None:
        raise UserError("That button does not say which promotion it is about. Look at the card as it is now.")
    return int(found.group(1)), found.group(2)


def _wanted(arguments: Sequence[str], usage: str) -> tuple[str, str | None, str | None]:
    """The service, where to, and the build, as typed after ``promote``."""
    service, *rest = arguments
    environment = sha = None
    while rest:
        word, *rest = rest
        if word.casefold() == "to" and rest and environment is None:
            environment, *rest = rest
        elif _BUILD.fullmatch(word) and sha is None:
            sha = word
        else:
            raise UserError(f"I cannot place “{word[:80]}”. {usage}.")
    return service, environment, sha


def _build_to_go_back_to(arguments: Sequence[str]) -> tuple[str, str | None]:
    match [*arguments]:
        case [service]:
            return service, None
        case [service, sha] | [service, ("to" | "To" | "TO"), sha] if _COMMIT.fullmatch(sha):
            return service, sha.lower()
        case _:
            raise UserError(f"{ROLLBACK_USAGE}.")
