"""Every scene of the sandbox with the whole bot in it: it plays to its end, and people see what its name promises.

The world's clock runs a hundred times as fast as ours, and the bot follows it; a second of a story takes two there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlmodel import Session, select

from bot import sandbox as sandbox_package
from bot.inbox import Delivery, DeliveryState
from bot.sandbox.server import Sandbox
from bot.sandbox.story import CROWD, SCENES, play
from bot.sandbox.world import Message
from bot.server import Serving, serving
from tests.acceptance import digests, watching
from tests.conftest import UNLIMITED, settings_for

POLICY = Path(sandbox_package.__file__).parent / "acme.yml"
PAYMENTS = "#payments-deploys"
SPEED = 100.0
PACE = 0.02


@asynccontextmanager
async def at_acme(sandbox: Sandbox, database_url: str, folder: Path) -> AsyncIterator[Serving]:
    """The bot at Acme, by Acme's own policy, on the world's clock."""
    policy = folder / "shipmate.yml"
    policy.write_text(POLICY.read_text(encoding="utf-8").replace("{sandbox}", sandbox.url), encoding="utf-8")
    settings = settings_for(sandbox, database_url, SHIPMATE_CONFIG=str(policy))
    async with serving(settings, limits=UNLIMITED, clock=sandbox.clock.now) as running:
        sandbox.connect(running.url)
        yield running


@pytest.fixture
async def perform(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Plays a scene to its end, and lets the bot say all of it."""
    sandbox.clock.speed = SPEED
    async with at_acme(sandbox, sqlite_url, tmp_path) as running:

        async def performed(name: str) -> None:
            await play(sandbox, name, pace=PACE)
            await sandbox.settle()
            await watching.at_rest(running.bot.database)
            assert await running.bot.database.read(failed) == []

        yield performed


Perform = Callable[[str], Awaitable[None]]


def cards(sandbox: Sandbox, channel: str = PAYMENTS) -> list[Message]:
    """The cards of deploys that stand in a channel."""
    return watching.cards(sandbox.slack.messages(channel), "deploy")


@pytest.mark.parametrize("name", sorted(SCENES.keys() - {"a burst"}))
async def test_every_scene_is_told_without_a_fault_and_nothing_of_it_twice(
    sandbox: Sandbox, perform: Perform, name: str
) -> None:
    """Played twice, since people do; the burst has a test of its own."""
    await perform(name)
    said = len(list(watching.all_messages(sandbox)))
    await perform(name)
    assert len(list(watching.all_messages(sandbox))) >= said > 0
    assert watching.said_twice(sandbox) == []


async def test_in_a_calm_deploy_everybody_hears_that_theirs_is_live(sandbox: Sandbox, perform: Perform) -> None:
    await perform("a calm deploy")
    watching.one(cards(sandbox), "live in production", "Retry payments", "Bump stripe", "Show delivery date")
    for person, title in (("ana", "Retry payments"), ("ben", "Show delivery date"), ("dee", "Show delivery date")):
        watching.one(sandbox.slack.direct_messages(person), title, "live in production")


async def test_a_failing_canary_is_seen_to_fail_and_what_was_live_to_come_back(
    sandbox: Sandbox, perform: Perform
) -> None:
    await perform("a failing canary")
    watching.one(cards(sandbox), "failed in production", "Ask the gateway in parallel", "Stopped at 10 %")
    live = next(iter(sandbox.github.forge.repository("acme/checkout").deployments.values())).sha
    last = watching.words_of(cards(sandbox)[-1])
    assert "live in production" in last
    assert live[:7] in last


async def test_two_people_who_mute_one_change_at_once_both_have_their_way(sandbox: Sandbox, perform: Perform) -> None:
    """And one of them pressed twice. What is live afterwards is shown to both in silence."""
    await perform("two people press at once")
    for person in ("ben", "dee"):
        card = watching.one(sandbox.slack.direct_messages(person), "Show the saved cards first")
        assert "You muted this change" in watching.words_of(card)
        assert sandbox.slack.replies(card.channel, card.ts) == []


async def test_when_slack_is_back_everything_it_missed_is_said(sandbox: Sandbox, perform: Perform) -> None:
    await perform("Slack is down")
    refused = [call for call in sandbox.slack.calls if call.incoming and call.status == 503]
    assert refused
    assert any("Remember the currency" in watching.words_of(card) for card in cards(sandbox))
    ended = ("live in", "rolled back", "replaced", "superseded")
    assert all(any(word in watching.words_of(card).lower() for word in ended) for card in cards(sandbox))


async def test_in_a_burst_every_deploy_is_seen_and_the_failed_one_stands_out(
    sandbox: Sandbox, perform: Perform
) -> None:
    await perform("a burst")
    shown = cards(sandbox, "#deploys")
    folded = digests.lines(sandbox.slack.messages("#deploys"))
    assert len({line.service for line in folded} | {service(card) for card in shown}) >= CROWD
    watching.one(shown, "failed in production", f"worker-{CROWD // 2 + 1:03}")
    assert watching.said_twice(sandbox) == []


async def test_what_went_missing_is_found_when_the_bot_next_looks(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """It looks when it begins, and every ten minutes."""
    sandbox.clock.speed = SPEED
    async with at_acme(sandbox, sqlite_url, tmp_path) as running:
        await play(sandbox, "webhooks go missing", pace=PACE)
        await watching.at_rest(running.bot.database)
    async with at_acme(sandbox, sqlite_url, tmp_path):
        await sandbox.slack.until(
            lambda: any("Say when the parcel leaves" in watching.words_of(card) for card in cards(sandbox)), within=20
        )
    watching.one(cards(sandbox), "live in production", "Say when the parcel leaves")
    assert watching.said_twice(sandbox) == []


def failed(session: Session) -> list[str | None]:
    """Why deliveries could not be applied."""
    return list(session.exec(select(Delivery.error).where(Delivery.state == DeliveryState.FAILED)).all())


def service(card: Message) -> str:
    """The service that a card of a burst is about."""
    return next(word for word in watching.words_of(card).replace("*", " ").split() if word.startswith("worker-"))
