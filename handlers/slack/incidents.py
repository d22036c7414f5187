"""Incidents in Slack: the buttons and menus of their cards, notes and pages, and what is filled in there.

A button's value is the incident's number, ``7``, and where it is about a likely change also that one's, ``7:31``; a
menu's options begin with what is to be done, ``severity:7``, ``done:7:51``. Who may do what is for the verbs to say.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.answers import incidents
from bot.app import Bot
from bot.errors import UserError
from bot.events import IncidentAct, IncidentActed
from handlers.slack import promotions
from handlers.slack.answering import Answer, Answering, Reply
from handlers.slack.asking import Asker, asker_of, may_act
from handlers.slack.modals import Amiss, Modals, Opened, Submitted
from handlers.slack.storing import Storing, clicked_on, submitted_on, value_of

AT_ONCE = {
    "incidents:mine": IncidentAct.MINE,
    "incidents:not_mine": IncidentAct.NOT_MINE,
    "incidents:wake": IncidentAct.WAKE,
    "incidents:right": IncidentAct.RIGHT,
    "incidents:open_room": IncidentAct.OPEN_ROOM,
    "incidents:reopen": IncidentAct.REOPEN,
}
"""Buttons that act as they are clicked; those that wake somebody, or lock, confirm before Slack sends the click."""

WINDOWS = {
    "update": IncidentAct.UPDATE,
    "resolve": IncidentAct.RESOLVE,
    "severity": IncidentAct.SEVERITY,
    "role": IncidentAct.LEAD,
    "task": IncidentAct.TASK,
    "merge": IncidentAct.MERGE,
}
"""What asks something first; the modal's callback is ``incidents:<word>``."""

OF_TASKS = {"done": IncidentAct.DONE, "follow_up": IncidentAct.FOLLOW_UP}

NOT_MINE = "incidents:not_mine"
DETAILS = "incidents:details"
TIMELINE = "incidents:timeline"
ROLL_BACK = "incidents:roll_back"
MENU = "incidents:more"
TASK_MENU = "incidents:task_menu"

FOLLOW_UP = "incidents:follow_up"
"""The button of a task that could not become an issue; its value is as the menu's, ``7:51``."""

OF_WINDOWS = ("incidents:update", "incidents:resolve", "incidents:task")
BUTTONS = (*AT_ONCE, *OF_WINDOWS, FOLLOW_UP, DETAILS, TIMELINE, ROLL_BACK, MENU, TASK_MENU)
SUBMISSIONS = tuple(f"incidents:{word}" for word in WINDOWS)

_ABOUT = re.compile(r"([1-9][0-9]{0,8})(?::([0-9]{1,9}))?(?::([0-9a-f]{8}))?")
_MINUTES = re.compile(r"[1-9][0-9]{0,3}")
_SLACK_ID = re.compile(r"[UW][A-Z0-9]{1,31}")
ANSWERS = (IncidentAct.MINE, IncidentAct.NOT_MINE, IncidentAct.WAKE)
"""What answers a page, and is taken also while Slack does not say who somebody is."""

UNKNOWN = "unknown"
"""What is chosen by whoever resolves an incident and does not know which change it was."""

_FIRST_BLOCK = {"severity": "severity", "role": "who", "merge": "into"}
"""Where a refusal is shown; elsewhere at the words that were typed."""


@dataclass(frozen=True)
class IncidentsDoor:
    """What people press and fill in about incidents."""

    bot: Bot
    answering: Answering
    storing: Storing
    modals: Modals

    async def clicked(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button or menu of an incident, wherever it stands."""
        asker = asker_of(body)
        await self.answering.take(asker, ack, lambda: self._clicked(asker, body))

    async def submitted(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What somebody filled in, in any of the modals here."""
        word = body["view"]["callback_id"].removeprefix("incidents:")
        store = {
            "update": self._updated, "resolve": self._resolved, "severity": self._judged, "role": self._given,
            "task": self._tasked, "merge": self._merged,
        }[word]  # fmt: skip

        async def stored(asker: Asker, filled: Submitted) -> Answer:
            return await store(asker, filled, submitted_on(body))

        await self.modals.submitted(asker_of(body), ack, body, _FIRST_BLOCK.get(word, "text"), stored)

    def shown(self, number: int) -> Answer:
        """How one incident stands."""

        async def answer() -> Reply:
            return await self.bot.read(lambda session, desk: incidents.status(session, desk, number))

        return answer

    def timeline(self, number: int) -> Answer:
        """What happened in it."""

        async def answer() -> Reply:
            return await self.bot.read(lambda session, desk: incidents.timeline_of(session, desk, number))

        return answer

    async def window(
        self, asker: Asker, body: dict[str, Any], number: int, word: str, typed: str | None = None
    ) -> Answer:
        """Open the window of one of ``WINDOWS``, with what was typed already."""
        act = WINDOWS[word]

        async def make() -> Opened:
            await self.storing.judge(asker)
            view = await self.bot.read(lambda session, desk: incidents.act_modal(session, desk, number, act, typed))
            return Opened(f"modals/incident_{word}", view, f"incidents:{word}", {"about": str(number)})

        return await self.modals.open(asker, body, make)

    async def act(self, asker: Asker, act: IncidentAct, number: int, occasion: str, **fields: Any) -> Answer:
        """Store what somebody does to an incident; ``fields`` are those of the event that the act needs."""
        lately = act in ANSWERS
        called = await self.storing.judge(asker, lately=lately)
        if fields.get("who"):  # a role or a task is for full members alone, which Slack is asked about
            await self.storing.meet(fields["who"])
        event = IncidentActed(
            act=act, incident=number, slack_id=asker.slack_id, called=called, at=self.bot.clock(), **fields
        )
        return await self.storing.act(asker, event, occasion, lately=lately)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _clicked(self, asker: Asker, body: dict[str, Any]) -> Answer:
        name, value = str(body["actions"][0]["action_id"]), value_of(body)
        word = ""
        if name in (MENU, TASK_MENU):
            word, _, value = value.partition(":")
        number, other = _read_value(value)
        if name == DETAILS:  # a question: anybody who sees the card may ask it
            return await self.modals.open(asker, body, lambda: self._details(number))
        if name == TIMELINE:
            return self.timeline(number)
        may_act(asker, self.bot.ourselves.known)
        if name == ROLL_BACK:
            return await self._open(asker, body, lambda: self._rollback(other))
        if name in AT_ONCE:
            seen = _seen(value) if name == NOT_MINE else None
            return await self.act(asker, AT_ONCE[name], number, clicked_on(body), likely=other or None, seen=seen)
        word = word or name.removeprefix("incidents:")
        if word in OF_TASKS:
            return await self.act(asker, OF_TASKS[word], number, clicked_on(body), task=other)
        if word not in WINDOWS:
            raise UserError("That button does not say what to do. Look at the card as it is now and try again.")
        return await self.window(asker, body, number, word)

    async def _open(self, asker: Asker, body: dict[str, Any], make: Callable[[], Awaitable[Opened]]) -> Answer:
        async def judged() -> Opened:
            await self.storing.judge(asker)
            return await make()

        return await self.modals.open(asker, body, judged)

    async def _details(self, number: int) -> Opened:
        view = await self.bot.read(lambda session, desk: incidents.details_modal(session, desk, number))
        return Opened("modals/incident_likely", view, DETAILS, {}, submits=False)

    async def _rollback(self, likely: int) -> Opened:
        """The window of a rollback, of the target where the likely change went."""
        view = await self.bot.read(lambda session, desk: incidents.rollback_modal(session, desk, likely))
        return promotions.rollback_window(view)

    async def _updated(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        number, _ = _read_value(filled.about())
        text = filled.needed("text", "Say how it stands: everybody who waits will read this.")
        minutes = filled.needed("next", "Choose when the next word comes.")
        if _MINUTES.fullmatch(minutes) is None:
            raise Amiss("next", "That is no time. Open the window anew.")
        return await self.act(
            asker, IncidentAct.UPDATE, number, occasion, text=text,
            actions=filled.values.get("actions", "").strip() or None,
            needs=filled.values.get("needs", "").strip() or None,
            next_at=self.bot.clock() + timedelta(minutes=int(minutes)),
        )  # fmt: skip

    async def _resolved(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        number, _ = _read_value(filled.about())
        text = filled.needed("text", "Say what ended it: it opens the postmortem.")
        cause = filled.needed("likely", "Choose which change it was; none of them is an answer too.")
        which = None if cause == UNKNOWN else _number(cause, "likely")
        return await self.act(asker, IncidentAct.RESOLVE, number, occasion, text=text, likely=which)

    async def _judged(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        number, _ = _read_value(filled.about())
        severity = _number(filled.needed("severity", "Choose how bad it is."), "severity")
        return await self.act(asker, IncidentAct.SEVERITY, number, occasion, severity=severity)

    async def _given(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        number, _ = _read_value(filled.about())
        role = filled.needed("role", "Choose what they do.")
        who = filled.needed("who", "Choose who does it.")
        if role not in ("lead", "communications", "scribe"):
            raise Amiss("role", "There is no such role. Open the window anew.")
        return await self.act(asker, IncidentAct(role), number, occasion, who=_person(who))

    async def _tasked(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        number, _ = _read_value(filled.about())
        text = filled.needed("text", "Say what is to be done.")
        who = filled.values.get("who", "").strip()
        return await self.act(asker, IncidentAct.TASK, number, occasion, text=text, who=_person(who) if who else None)

    async def _merged(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        number, _ = _read_value(filled.about())
        into = _number(filled.needed("into", "Choose which one goes on."), "into")
        return await self.act(asker, IncidentAct.MERGE, number, occasion, into=into)


def _read_value(value: str) -> tuple[int, int]:
    found = _ABOUT.fullmatch(value)
    if found is None:
        raise UserError("That button does not say which incident it is about. /incident shows those that are open.")
    return int(found.group(1)), int(found.group(2) or 0)


def _seen(value: str) -> str | None:
    """The mark of whom the button named that was pressed; one that was shown long ago may carry none."""
    found = _ABOUT.fullmatch(value)
    return found.group(3) if found is not None else None


def _number(value: str, block_id: str) -> int:
    if not value.isascii() or not value.isdecimal() or len(value) > 9:
        raise Amiss(block_id, "That is nothing to choose. Open the window anew.")
    return int(value)


def _person(value: str) -> str:
    if _SLACK_ID.fullmatch(value) is None:
        raise Amiss("who", "I cannot tell who that is. Choose them from the list.")
    return value


def people_in(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The people that are named (their Slack ids), and the other words; UserError for a name without an id."""
    found, rest = [], []
    for word in words:
        if word.startswith("<@") and word.endswith(">") and _SLACK_ID.fullmatch(word[2:-1]):
            found.append(word[2:-1])
        elif word.startswith("@"):
            raise UserError(f"I cannot tell who {word[:80]} is: pick the name from the list that Slack offers.")
        else:
            rest.append(word)
    return found, rest
