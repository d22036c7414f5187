"""`/ship me` and the buttons that mute: what somebody hears, and who they are on GitHub.

Whatever changes something is stored as an act before Slack gets its acknowledgement; what became of it is told once the
inbox has applied it.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot import inbox, people
from bot.answers.me import change_meant, hours_meant, login_meant, me
from bot.answers.views import SaidReply
from bot.app import Bot
from bot.errors import OutgoingError, UserError
from bot.events import GithubLinked, HoursChosen, Level, PreferenceChosen
from bot.ports import Member
from handlers.slack import acts
from handlers.slack.answering import Answer, Answering, Reply
from handlers.slack.asking import PATIENCE, Asker, asker_of, full_member, may_act
from handlers.slack.meeting import meet
from handlers.slack.proving import Proving

log = structlog.get_logger(__name__)

SOURCE = "slack"
"""What deliveries from this door are stored under."""

USAGE = (
    "Say it like this: /ship me, or /ship me mute, unmute, failures, mute #812, unmute #812, github your-login, "
    "github none, github prove, hours 9-18, hours off"
)

PROVE = "prove"
"""What begins a proof instead of naming a login."""

NO_PROOF = "Guests cannot approve, so there is nothing to prove: that takes a full member of this workspace."
NO_HOURS = "Guests are never asked to approve, so I need not know their hours."
"""What a guest is told."""

UNLINK = ("none", "-")
"""What takes a linked login back."""

LEVELS = {"mute": Level.NONE, "unmute": Level.ALL, "failures": Level.FAILURES}
"""What a word after ``/ship me`` chooses."""

BUTTONS: Mapping[str, tuple[bool, Level]] = {
    "people:mute_change": (True, Level.NONE),
    "people:unmute_change": (True, Level.ALL),
    "people:mute_all": (False, Level.NONE),
    "people:unmute_all": (False, Level.ALL),
    "people:only_failures": (False, Level.FAILURES),
}
"""What each button chooses, by its action: whether it is about the one change in its value, and how much to hear."""

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
"""Our own number of a change, which fits the database's integers."""


@dataclass(frozen=True)
class PeopleDoor:
    """What people choose for themselves."""

    bot: Bot
    answering: Answering

    async def clicked(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button that mutes or unmutes: stored, acknowledged, applied, told."""
        asker = asker_of(body)
        await self.answering.take(asker, ack, lambda: self._store_click(asker, body))

    async def stale(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button that no longer means anything: somebody is told so rather than left waiting."""

        async def answer() -> Answer:
            raise UserError(
                "That button is from an older Shipmate and does nothing any more. Ask me anew with /ship help."
            )

        await self.answering.take(asker_of(body), ack, answer)

    async def ask(self, asker: Asker, arguments: Sequence[str], occasion: str) -> Answer:
        """What ``/ship me …`` asks or, stored under its ``occasion`` (what makes the typing of it unique), chooses."""
        word, *rest = [*(argument.casefold() for argument in arguments[:1]), *arguments[1:]] or [""]
        match word, rest:
            case "", []:
                return self._me(asker)
            case (("mute" | "unmute" | "failures"), []):
                return await self._store(asker, self._preference(asker, people.EVERYTHING, LEVELS[word]), occasion)
            case (("mute" | "unmute"), _):
                may_act(asker, self.bot.ourselves.known)
                asked = " ".join(rest)
                change = await self.bot.read(lambda session, _: change_meant(session, asked))
                return await self._store(asker, self._preference(asker, f"change:{change}", LEVELS[word]), occasion)
            case "github", [login] if login.casefold() == PROVE:
                return await self._prove(asker)
            case "github", [login]:
                return await self._link(asker, login, occasion)
            case (("hours" | "working"), [_, *_]):
                begins, ends = hours_meant(" ".join(rest)) or (None, None)
                await self._meet(asker, refused=NO_HOURS)
                act = HoursChosen(slack_id=asker.slack_id, begins=begins, ends=ends, at=self.bot.clock())
                return await self._store(asker, act, occasion)
            case _:
                raise UserError(USAGE)

    async def _link(self, asker: Asker, asked: str, occasion: str) -> Answer:
        may_act(asker, self.bot.ourselves.known)
        login = None if asked.casefold() in UNLINK else login_meant(asked)
        if login is not None:
            await full_member(asker, self.bot.chat)
        act = GithubLinked(slack_id=asker.slack_id, login=login, at=self.bot.clock())
        return await self._store(asker, act, occasion)

    async def _prove(self, asker: Asker) -> Answer:
        return Proving(self.bot, self.answering).ask(asker, await self._meet(asker, refused=NO_PROOF))

    async def _meet(self, asker: Asker, *, refused: str) -> Member:
        """Who this is, as Slack says now, kept; UserError for anybody but a full member."""
        may_act(asker, self.bot.ourselves.known)
        member = await full_member(asker, self.bot.chat, refused=refused)
        now = self.bot.clock()
        await self.bot.database.write(lambda session: people.saw(session, member, now), urgent=True)
        return member

    def _me(self, asker: Asker) -> Answer:
        async def answer() -> Reply:
            await self._met(asker.slack_id)
            return await self.bot.read(lambda session, desk: me(session, desk, asker.slack_id, asker.called))

        return answer

    async def _met(self, who: str) -> None:
        """Whoever was never met is asked after, as far as Slack answers: a guest is offered nothing they may not do."""
        try:
            async with asyncio.timeout(PATIENCE):
                await meet(self.bot, who)
        except (TimeoutError, OutgoingError) as fault:
            log.warning("Slack does not say who somebody is", error=str(fault) or "no answer in time")

    async def _store_click(self, asker: Asker, body: Mapping[str, Any]) -> Answer:
        action, container = body["actions"][0], body.get("container")
        name, value = str(action["action_id"]), str(action.get("value") or "")
        about_change, level = BUTTONS[name]
        if about_change and _NUMBER.fullmatch(value) is None:
            raise UserError("That button does not say which change it is about. Ask me anew with /ship me.")
        message = str(container.get("message_ts") or "") if isinstance(container, Mapping) else ""
        scope = f"change:{value}" if about_change else people.EVERYTHING
        occasion = "\x1f".join((name, value, str(action.get("action_ts") or uuid.uuid4().hex), message))
        return await self._store(asker, self._preference(asker, scope, level), occasion)

    def _preference(self, asker: Asker, scope: str, level: Level) -> PreferenceChosen:
        return PreferenceChosen(slack_id=asker.slack_id, scope=scope, level=level, at=self.bot.clock())

    async def _store(self, asker: Asker, act: acts.Act, occasion: str) -> Answer:
        may_act(asker, self.bot.ourselves.known)
        delivery_id = inbox.act_id(asker.slack_id, occasion)
        row = await self.bot.store_act(source=SOURCE, delivery_id=delivery_id, body=acts.body(act))

        async def answer() -> Reply:
            applied = await self.bot.outcome(row)
            return SaidReply(text=applied.said or "Done.", refused=applied.refused)

        return answer
