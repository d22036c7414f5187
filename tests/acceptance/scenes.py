"""Acme with the whole bot in it, in which scenes of the sandbox are played; and what people saw of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlmodel import Session, select

from bot.inbox import Delivery, DeliveryState
from bot.sandbox.acme import acme_policy
from bot.sandbox.repositories import Pull
from bot.sandbox.server import Sandbox
from bot.sandbox.story_cart import CART
from bot.sandbox.world import Channel, Message
from bot.server import Serving, serving
from tests.acceptance import watching
from tests.conftest import UNLIMITED, settings_for

PAYMENTS = "#payments-deploys"

SPEED = 100.0
SLOWER = 20.0
"""How many times faster than ours the world's clock runs; slower where a scene waits for the bot."""

PACE = 0.02
"""The part of its pauses for which a scene is held up."""


@asynccontextmanager
async def at_acme(sandbox: Sandbox, database_url: str, folder: Path) -> AsyncIterator[Serving]:
    """The bot at Acme, by Acme's own policy, on the world's clock."""
    policy = folder / "shipmate.yml"
    policy.write_text(acme_policy(sandbox.url), encoding="utf-8")
    token = sandbox.monitoring.token
    settings = settings_for(sandbox, database_url, SHIPMATE_CONFIG=str(policy), SHIPMATE_API_TOKEN=token)
    async with serving(settings, limits=UNLIMITED, clock=sandbox.clock.now) as running:
        sandbox.connect(running.url)
        ring = running.bot.database.ring_all
        sandbox.clock.watchers.append(ring)  # as a bot that follows the clock over HTTP hears of a turn
        try:
            yield running
        finally:
            sandbox.clock.watchers.remove(ring)


Perform = Callable[[str], Awaitable[None]]


async def told_to_the_end(sandbox: Sandbox, running: Serving) -> None:
    """Let everything that happened be said; nothing of it could not be applied."""
    await sandbox.settle()
    await watching.at_rest(running.bot.database)
    assert await running.bot.database.read(failed) == []


async def once_more(sandbox: Sandbox, perform: Perform, name: str) -> None:
    """Played again, since people do, it is told without a fault too, and nothing of either time twice."""
    said = len(list(watching.all_messages(sandbox)))
    await perform(name)
    assert len(list(watching.all_messages(sandbox))) >= said > 0
    assert watching.said_twice(sandbox) == []


def cards(sandbox: Sandbox, channel: str = PAYMENTS) -> list[Message]:
    """The cards of deploys that stand in a channel."""
    return watching.cards(sandbox.slack.messages(channel), "deploy")


def promotions(sandbox: Sandbox) -> list[Message]:
    """The cards of promotions that stand in the team's channel."""
    return watching.cards(sandbox.slack.messages(PAYMENTS), "promotion")


def pulls(sandbox: Sandbox) -> list[Pull]:
    """The pull requests of cart."""
    return list(sandbox.github.repository(CART).pulls.values())


def shipped(sandbox: Sandbox) -> list[str]:
    """The commits for which production was called, oldest first."""
    return [
        one.sha
        for one in sandbox.github.repository(CART).deployments.values()
        if one.environment == "production" and one.creator.login != "github-actions[bot]"
    ]


def rooms(sandbox: Sandbox) -> list[Channel]:
    """The rooms of incidents, oldest first."""
    return [one for one in sandbox.world.channels.values() if one.name.startswith("inc-")]


def pinned(sandbox: Sandbox, room: Channel) -> str:
    """What the card says that is pinned in a room."""
    (card,) = [one for one in sandbox.slack.messages(room.id) if one.pinned_at is not None]
    return watching.words_of(card)


def woken(sandbox: Sandbox) -> list[str]:
    """Whose phones rang for what was theirs, each once an incident of PagerDuty; who was asked besides is not named."""
    asked = {(incident.id, one.user) for incident in sandbox.pagerduty.incidents() for one in incident.responders}
    rung = dict.fromkeys((one.incident, one.user) for one in sandbox.pagerduty.woken())
    return [user.name.partition(" ")[0] for incident, user in rung if (incident, user) not in asked]


def whispered(sandbox: Sandbox, person: str) -> list[str]:
    """What this person alone was told in the team's channel, oldest first."""
    who = sandbox.world.person(person).slack_id
    return [one.text for one in sandbox.slack.messages(PAYMENTS) if one.ephemeral_for == who]


def heard(sandbox: Sandbox, person: str, words: str) -> None:
    """Somebody heard this aloud: in the thread of their own message about a change."""
    said = [
        reply.text
        for message in sandbox.slack.direct_messages(person)
        if message.ephemeral_for is None
        for reply in sandbox.slack.replies(message.channel, message.ts)
    ]
    assert [text for text in said if words in text], f"{person} heard {said}, and nothing of {words!r}"


def in_order(states: Sequence[str], steps: Sequence[tuple[str, ...]]) -> None:
    """Each step's words stood together in a state of its own, later than those of the step before."""
    coming = iter(states)
    for step in steps:
        found = any(all(words in state for words in step) for state in coming)
        assert found, f"nothing says {step} after what was before; there were:\n" + "\n---\n".join(states)


def failed(session: Session) -> list[str | None]:
    """Why deliveries could not be applied."""
    return list(session.exec(select(Delivery.error).where(Delivery.state == DeliveryState.FAILED)).all())
