"""A thousand deploys into one channel, under Slack's own limits: all visible in a few messages.

The stand-in's limits are the real ones, and so is the bot's pace (one message a second into a channel, fifty edits a
minute). Only two waits are shortened, so that the test takes seconds: the one after which cards fold, from thirty
seconds to three, and the one between two edits of a digest, from twenty to four. One by one, the cards would take a
thousand seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.delivery import Limits
from bot.sandbox.server import Sandbox
from tests.acceptance import digests, watching
from tests.acceptance.pipeline import Envelope, Postman, Rollout
from tests.conftest import living

DEPLOYS = {"sqlite": 1_000, "postgresql": 320}
"""Fewer where only the database differs."""

SENDERS = 16
CHANNEL = "#deploys"
LIMITS = Limits(fold_after=3.0, progress_every=4.0, doubt_settles=0.3)


@pytest.mark.timeout(400)
async def test_a_thousand_deploys_are_all_visible_in_a_few_messages(sandbox: Sandbox, database_url: str) -> None:
    """Cards for the first, one rolling digest for the rest, and a card of its own for each that fails, also later."""
    sandbox.slack.rate_limits = True
    count = DEPLOYS[database_url.partition(":")[0]]
    began = datetime.now(UTC) - timedelta(minutes=40)
    rollouts = [
        Rollout(
            number=number,
            repo=f"acme/cell-{number % 10}",
            sha=f"{number:07x}".ljust(40, "0"),
            environment="production",
            began_at=began + timedelta(seconds=number),
        )
        for number in range(1, count + 1)
    ]
    failing, late = set(rollouts[200:204]), set(rollouts[300:302])
    first: list[Envelope] = []
    for rollout in rollouts:
        state = "failure" if rollout in failing else "in_progress" if rollout in late else "success"
        first.append(rollout.said(state, rollout.began_at + timedelta(seconds=20)))
    async with living(sandbox, database_url, limits=LIMITS, GITHUB_TOKEN="") as world:
        postman = Postman(sandbox)
        postman.at(world.serving.url)
        try:
            await send(postman, first)
            await sandbox.slack.until(lambda: shown(sandbox) >= {rollout.sha[:7] for rollout in rollouts}, within=180)
            folded = {line.label for line in digests.lines(sandbox.slack.messages(CHANNEL))}
            assert {rollout.sha[:7] for rollout in late} <= folded, "they must be folded to be folded and fail"
            await send(postman, [one.said("failure", one.began_at + timedelta(minutes=1)) for one in late])
            wanted = {one.sha[:7] for one in failing | late}
            await sandbox.slack.until(lambda: failed(sandbox) == wanted and marked(sandbox, late) == {"🔴"}, within=180)
        finally:
            await postman.close()
    messages = sandbox.slack.messages(CHANNEL)
    lines = digests.lines(messages)
    assert len({line.label for line in lines}) == len(lines), "a deploy stands in two digests"
    assert len(lines) > count * 0.9
    assert len(messages) <= 40, "this many would be a flood"
    assert watching.said_twice(sandbox) == []
    refused = [call for call in sandbox.slack.calls if call.status == 429]
    assert len(refused) <= 5, "the bot keeps to Slack's pace by itself"


async def send(postman: Postman, envelopes: Sequence[Envelope]) -> None:
    """Many senders at once, each in the order of its own."""
    await asyncio.gather(*(postman.insist(envelopes[start::SENDERS]) for start in range(SENDERS)))


def shown(sandbox: Sandbox) -> set[str]:
    """The commits that stand in the channel, by card or by line."""
    messages = sandbox.slack.messages(CHANNEL)
    cards = watching.cards(messages, "deploy")
    own = {card.metadata["event_payload"]["sha"][:7] for card in cards if card.metadata}
    return own | {line.label for line in digests.lines(messages)}


def failed(sandbox: Sandbox) -> set[str]:
    """The commits whose own card says that they failed."""
    cards = watching.cards(sandbox.slack.messages(CHANNEL), "deploy")
    return {card.metadata["event_payload"]["sha"][:7] for card in cards if card.metadata and "🔴" in card.text}


def marked(sandbox: Sandbox, rollouts: set[Rollout]) -> set[str]:
    """How these rollouts' lines are marked in their digests."""
    labels = {rollout.sha[:7] for rollout in rollouts}
    return {line.icon for line in digests.lines(sandbox.slack.messages(CHANNEL)) if line.label in labels}
