"""A person's act on its way in: judged by who they are, stored, and answered once the inbox has applied it.

Who may do what is for the verbs to say. Here only strangers are turned away: bots, other workspaces, and (for all that
needs authority) whoever Slack does not call a full member of ours at that moment.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot import inbox, people
from bot.answers.views import SaidReply
from bot.app import Bot
from bot.errors import OutgoingError
from bot.ports import Member
from handlers.slack import acts
from handlers.slack.answering import Answer, Reply
from handlers.slack.asking import ONLY_READ, PATIENCE, Asker, SlackSilent, full_member, may_act

SOURCE = "slack"
"""What deliveries from this door are stored under."""

REMEMBERED = 60.0
"""Seconds for which Slack's word that somebody is a full member is believed; an approver clicks more than once."""

AfterAct = Callable[[Asker], Awaitable[None]]


@dataclass
class Storing:
    """Takes acts in, for every part of this door. ``after`` is called once an act was applied."""

    bot: Bot
    after: AfterAct | None = None
    _known: dict[str, tuple[float, str]] = field(default_factory=dict)

    async def act(self, asker: Asker, act: acts.Act, occasion: str, *, lately: bool = False) -> Answer:
        """Store what somebody with authority did, under its ``occasion`` (what makes the doing of it unique).

        UserError, with nothing stored, for whoever is no full member; ``lately`` as in ``judge``.
        """
        await self.judge(asker, lately=lately)
        row = await self.bot.store_act(
            source=SOURCE, delivery_id=inbox.act_id(asker.slack_id, occasion), body=acts.body(act)
        )

        async def answer() -> Reply:
            applied = await self.bot.outcome(row)
            if self.after is not None:
                await self.after(asker)
            return SaidReply(text=applied.said or "Done.", refused=applied.refused)

        return answer

    async def judge(self, asker: Asker, *, lately: bool = False) -> str:
        """What a full member of our workspace is called, as Slack says now, or said within the minute.

        ``lately``: while Slack answers nothing (it is down, or we asked too often) what it said within the hour counts.
        That is for the answer to a page, which must not be lost; nothing that reaches production is let through so.
        UserError for anybody else.
        """
        may_act(asker, self.bot.ourselves.known)
        now = asyncio.get_running_loop().time()
        until, called = self._known.get(asker.slack_id, (0.0, ""))
        if until > now:
            return called
        try:
            member = await full_member(asker, self.bot.chat, refused=ONLY_READ)
        except SlackSilent:
            if not lately:
                raise
            said = await self.bot.database.read(lambda session: _said(session, asker.slack_id, self.bot.clock()))
            if said is None:
                raise
            return said
        await self._keep(member)
        self._known = {one: known for one, known in self._known.items() if known[0] > now}
        self._known[asker.slack_id] = (now + REMEMBERED, member.name)
        return member.name

    async def meet(self, slack_id: str) -> None:
        """Have it known who somebody is of whom an act speaks; where Slack does not say, what it said before counts."""
        try:
            async with asyncio.timeout(PATIENCE):
                member = await self.bot.chat.member(slack_id)
        except (TimeoutError, OutgoingError):
            return
        if member is not None:
            await self._keep(member)

    async def _keep(self, member: Member) -> None:
        """What Slack said counts for the gates too, which ask nobody."""
        at = self.bot.clock()
        await self.bot.database.write(lambda session: people.saw(session, member, at), urgent=True)


def _said(session: Session, slack_id: str, now: datetime) -> str | None:
    """What somebody is called of whom Slack said within the hour that they are a full member; None of others."""
    row = people.profile_of(session, slack_id)
    return (row.name or slack_id) if row is not None and people.is_full(row, now) else None


def typed_on(body: Mapping[str, Any]) -> str:
    """What makes the typing of a command unique: Slack makes a trigger for each."""
    return f"{body.get('command')}\x1f{body.get('trigger_id') or uuid.uuid4().hex}"


def clicked_on(body: Mapping[str, Any]) -> str:
    """What makes a click unique: the same one, sent twice, is one act."""
    action, container = body["actions"][0], body.get("container")
    place = ""
    if isinstance(container, Mapping):
        place = str(container.get("message_ts") or container.get("view_id") or "")
    stamp = str(action.get("action_ts") or uuid.uuid4().hex)
    return "\x1f".join((str(action["action_id"]), value_of(body), stamp, place))


def submitted_on(body: Mapping[str, Any]) -> str:
    """What makes a submission unique: the modal that was opened for it."""
    view = body["view"]
    return f"{view.get('callback_id')}\x1f{view.get('id') or uuid.uuid4().hex}"


def value_of(body: Mapping[str, Any]) -> str:
    """The value of the button, or of the option of a menu, that was used."""
    action = body["actions"][0]
    chosen = action.get("selected_option")
    value = chosen.get("value") if isinstance(chosen, Mapping) else action.get("value")
    return value if isinstance(value, str) else ""
