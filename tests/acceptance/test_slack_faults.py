"""Slack misbehaves in every way it can: nothing is lost or doubled, cards keep their order, others are unaffected.

Two services, each with a channel of its own; what is wrong is wrong in the first one's channel, with one person, or
everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.database import Database
from bot.delivery import Limits
from bot.sandbox.server import Sandbox
from bot.sandbox.world import BOT_USER_ID, Message
from bot.server import serving
from tests.acceptance import watching
from tests.acceptance.pipeline import Postman, Rollout
from tests.conftest import settings_for

PATIENCE = 0.25
"""Seconds that the bot waits for a Slack that does not answer; a doubt is resolved a little later than that."""

LONG = 60.0
"""Seconds that nothing takes on any machine, unless it never comes."""

LIMITS = Limits(per_channel=None, updates_per_minute=None, progress_every=0.0, doubt_settles=0.3)

SICK, WELL = "#payments-deploys", "#search-deploys"
"""The channel in which things go wrong, and the one that must not notice."""

CATALOGUE = """
teams:
  payments: {channel: "#payments-deploys"}
  search: {channel: "#search-deploys"}
services:
  checkout: {team: payments, repo: acme/checkout}
  search: {team: search, repo: acme/search}
"""

FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": "ratelimited", "times": 2},
    "500": {"kind": "http_500", "times": 3},
    "internal_error": {"kind": "internal_error", "times": 3},
    "hang": {"kind": "hang", "times": 2},
    "late": {"kind": "slow", "times": 2, "seconds": 2 * PATIENCE},
    "cut before": {"kind": "cut", "times": 3},
    "cut after": {"kind": "accept_then_cut", "times": 3},
}


def patience(fault: str) -> float:
    """Little only where it is to run out: how fast this machine answers plays no part."""
    return PATIENCE if FAULTS[fault]["kind"] in ("hang", "slow") else LONG


@dataclass
class Scene:
    """A bot in a sick world, and its pipeline."""

    sandbox: Sandbox
    postman: Postman
    database: Database
    shown: dict[str, list[str]]
    """Every state that each message has shown, by its key, in order."""
    _number: int = 0

    async def roll_out(self, repo: str, *states: str, environment: str | None = None) -> int:
        """Roll the repository's newest commit out, to an environment of its own if none is named; its number."""
        self._number += 1
        rollout = Rollout(
            number=self._number,
            repo=repo,
            sha=self.sandbox.github.repository(repo).branches["main"],
            environment=environment or f"cell-{self._number}",
            began_at=datetime.now(UTC) - timedelta(minutes=30) + timedelta(seconds=30 * self._number),
        )
        await self.postman.insist(
            [
                rollout.announced(),
                *(
                    rollout.said(state, rollout.began_at + timedelta(seconds=5 * step))
                    for step, state in enumerate(states, start=1)
                ),
            ]
        )
        return self._number

    def cells(self, channel: str) -> list[int]:
        """The rollouts whose cards stand in a channel, oldest message first."""
        cards = watching.cards(self.sandbox.slack.messages(channel), "deploy")
        return [int(watching.words_of(card).partition("*cell-")[2].partition("*")[0]) for card in cards]

    async def at_rest(self) -> None:
        """Wait until everything is said."""
        await watching.at_rest(self.database, within=40.0)


@asynccontextmanager
async def scene(sandbox: Sandbox, database_url: str, folder: Path, *, patience: float = LONG) -> AsyncIterator[Scene]:
    """A bot with so much patience with Slack, in a world with two services."""
    catalogue = folder / "shipmate.yml"
    catalogue.write_text(CATALOGUE)
    sandbox.world.add_channel(WELL.removeprefix("#"), members={BOT_USER_ID})
    shown: dict[str, list[str]] = defaultdict(list)

    def remember(message: Message) -> None:
        key = watching.key_of(message)
        if key is not None:
            shown[key].append(message.text.split(" ", 1)[0])

    sandbox.world.watchers.append(remember)
    async with AsyncExitStack() as stack:
        settings = settings_for(sandbox, database_url, SHIPMATE_CONFIG=str(catalogue))
        running = await stack.enter_async_context(serving(settings, limits=LIMITS, slack_timeout=patience))
        sandbox.connect(running.url)
        postman = Postman(sandbox)
        stack.push_async_callback(postman.close)
        postman.at(running.url)
        yield Scene(sandbox, postman, running.bot.database, shown)
        sandbox.slack.clear_faults()


@pytest.mark.parametrize("fault", FAULTS)
async def test_posts_into_a_sick_channel_all_arrive_once_and_in_order(
    fault: str, sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """While one channel suffers, its cards wait in order and the other channel's are all there."""
    async with scene(sandbox, sqlite_url, tmp_path, patience=patience(fault)) as there:
        sandbox.slack.fault(**FAULTS[fault], method="chat.postMessage", channel=SICK)
        sick = [await there.roll_out("acme/checkout", "in_progress") for _ in range(4)]
        well = [await there.roll_out("acme/search", "in_progress", "success") for _ in range(2)]
        await sandbox.slack.until(lambda: there.cells(WELL) == well)
        sick += [await there.roll_out("acme/checkout", "in_progress", "success") for _ in range(2)]
        await there.at_rest()
        assert there.cells(SICK) == sick
        assert there.cells(WELL) == well
        assert watching.said_twice(sandbox) == []


async def test_a_channel_that_hangs_does_not_hold_the_others_up(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """As long as it hangs, the other channel's cards come; when it recovers, all of its own do, once and in order."""
    async with scene(sandbox, database_url, tmp_path, patience=PATIENCE) as there:
        sandbox.slack.fault("hang", method="chat.postMessage", channel=SICK)
        sick = [await there.roll_out("acme/checkout", "in_progress", "success") for _ in range(3)]
        well = [await there.roll_out("acme/search", "in_progress", "success") for _ in range(3)]
        await sandbox.slack.until(lambda: there.cells(WELL) == well)
        assert there.cells(SICK) == []
        sandbox.slack.clear_faults()
        await there.at_rest()
        assert there.cells(SICK) == sick
        assert watching.said_twice(sandbox) == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_edits_that_fail_are_made_again_and_never_go_back_in_time(
    fault: str, sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Whatever happens to the calls between, each card ends with its end, and no card unsays it."""
    async with scene(sandbox, sqlite_url, tmp_path, patience=patience(fault)) as there:
        numbers = [await there.roll_out("acme/checkout", "in_progress") for _ in range(2)]
        await sandbox.slack.until(lambda: there.cells(SICK) == numbers)
        sandbox.slack.fault(**FAULTS[fault], method="chat.update", channel=SICK)
        for number in numbers:
            there._number = number - 1
            await there.roll_out("acme/checkout", "in_progress", "success")
        await there.at_rest()
        cards = watching.cards(sandbox.slack.messages(SICK), "deploy")
        assert [card.text.split(" ", 1)[0] for card in cards] == ["✅", "✅"]
        for key, states in there.shown.items():
            assert sorted(states, key="⏳🔄✅".index) == states, key
        assert watching.said_twice(sandbox) == []


async def test_nothing_is_lost_while_slack_is_down(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """Everything waits, in order, and webhooks are taken meanwhile."""
    async with scene(sandbox, database_url, tmp_path) as there:
        before = [await there.roll_out("acme/checkout", "in_progress")]
        await sandbox.slack.until(lambda: there.cells(SICK) == before, within=LONG)
        sandbox.slack.fault("down")
        failed = len(sandbox.slack.calls)
        numbers = [await there.roll_out("acme/checkout", "in_progress", "failure") for _ in range(3)]
        await sandbox.slack.until(lambda: len(sandbox.slack.calls) > failed + 3, within=LONG)
        assert there.cells(SICK) == before
        sandbox.slack.clear_faults()
        await there.at_rest()
        assert there.cells(SICK) == before + numbers
        assert watching.said_twice(sandbox) == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_author_hears_once_through_every_fault(
    fault: str, sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Their card and the reply in its thread, whatever happened to the first tries; somebody else hears at once."""
    async with scene(sandbox, sqlite_url, tmp_path, patience=patience(fault)) as there:
        github = sandbox.github
        sandbox.slack.fault(**FAULTS[fault], method="chat.postMessage", channel="ana")
        for author, title in (("ana", "Take payments by invoice"), ("ben", "Show the price in roubles")):
            pull = await github.open_pull("acme/checkout", author=author, title=title)
            await github.merge_pull("acme/checkout", pull, merged_by="chi")
            await there.roll_out("acme/checkout", "in_progress", "success", environment="production")
        await sandbox.slack.until(told(sandbox, "ben", "Show the price in roubles"))
        await sandbox.settle()
        await there.at_rest()
        for author, title in (("ana", "Take payments by invoice"), ("ben", "Show the price in roubles")):
            card = watching.one(sandbox.slack.direct_messages(author), title)
            (reply,) = sandbox.slack.replies(card.channel, card.ts)
            assert "is live in *production*" in watching.words_of(reply)
        assert watching.said_twice(sandbox) == []


def told(sandbox: Sandbox, person: str, title: str) -> Callable[[], bool]:
    """Whether a person has heard below their card that their change is live."""

    def heard() -> bool:
        found = [card for card in sandbox.slack.direct_messages(person) if title in watching.words_of(card)]
        return any(sandbox.slack.replies(card.channel, card.ts) for card in found)

    return heard


async def test_a_429_to_one_channel_pauses_it_for_as_long_as_slack_asked(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """No call into it meanwhile: the refusal is obeyed, and cost one call."""
    async with scene(sandbox, sqlite_url, tmp_path) as there:
        sandbox.slack.fault("ratelimited", method="chat.postMessage", channel=SICK, times=1, retry_after=1)
        number = await there.roll_out("acme/checkout", "in_progress", "success")
        await there.at_rest()
        posts = [call for call in sandbox.slack.calls if call.method == "chat.postMessage"]
        into = [call for call in posts if call.args["channel"] == SICK]
        assert [call.status for call in into] == [429, 200]
        assert into[1].at - into[0].at >= 1.0
        assert there.cells(SICK) == [number]
