"""What tests of the Slack door do besides: wait for what somebody alone reads, and meddle with what was sent."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from sqlmodel import Session, func, select

from bot.inbox import Delivery
from bot.sandbox.world import Message
from tests.acceptance.promoting import Company
from tests.acceptance.stories import CHANNEL


def whispers(there: Company, person: str) -> list[Message]:
    """Everything that this person alone was answered: in channels, and in the app's own conversation with them."""
    slack = there.sandbox.slack
    mine = slack.workspace.person(person).slack_id
    found = [
        message
        for channel in slack.workspace.channels.values()
        for message in slack.workspace.everything(channel)
        if message.ephemeral_for == mine
    ]
    answers = [one for one in slack.direct_messages(person) if one.text[:1] in ("✋", "👍")]
    return sorted([*found, *answers], key=lambda one: float(one.ts))


async def answered(there: Company, person: str, doing: Awaitable[Any]) -> str:
    """Do something; what the person is told."""
    there.let_pass(seconds=2)
    before = {id(one) for one in whispers(there, person)}
    await doing
    await there.sandbox.slack.until(lambda: any(id(one) not in before for one in whispers(there, person)))
    await there.at_rest()
    newest: str = [one for one in whispers(there, person) if id(one) not in before][-1].text
    return newest


async def typed(there: Company, person: str, words: str) -> str:
    """Type ``/ship …``; what the person is told."""
    return await answered(there, person, there.sandbox.slack.command(person, "/ship", words, channel=CHANNEL))


async def pressed(there: Company, person: str, action: str, card: Message | None = None, **how: Any) -> str:
    """Press a button of the newest card; what the person is told."""
    card = card or there.card()
    return await answered(
        there, person, there.sandbox.slack.click(person, card.channel, card.ts, action_id=action, **how)
    )


async def opened(there: Company, person: str, action: str, card: Message | None = None, **how: Any) -> dict[str, Any]:
    """Press a button that opens a modal; the modal."""
    card = card or there.card()
    answer = await there.sandbox.slack.click(person, card.channel, card.ts, action_id=action, **how)
    assert answer.ok
    view: dict[str, Any] = there.sandbox.slack.modals(person)[-1]
    return view


async def stored_acts(there: Company) -> int:
    """How many acts of people were stored."""

    def count(session: Session) -> int:
        return session.exec(select(func.count()).select_from(Delivery).where(Delivery.source == "slack")).one()

    return await there.serving.bot.database.read(count)


def element(card: Message, action: str) -> dict[str, Any]:
    """A button or menu of a message, to meddle with."""
    found = [
        one
        for block in card.blocks
        for one in [*block.get("elements", []), *filter(None, [block.get("accessory")])]
        if one.get("action_id") == action
    ]
    assert len(found) == 1, f"{action} stands there {len(found)} times"
    one: dict[str, Any] = found[0]
    return one


def shown(view: dict[str, Any]) -> str:
    """Every word of a modal or Home."""
    words = [block["text"]["text"] for block in view["blocks"] if "text" in block]
    words += [one["text"] for block in view["blocks"] for one in block.get("elements", []) if one["type"] == "mrkdwn"]
    return "\n".join(words)
