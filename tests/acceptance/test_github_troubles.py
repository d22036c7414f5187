"""GitHub cannot be asked, or its webhooks do not come: cards appear at once and are completed, and gaps are said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.stories import REPO, Story, Turnable, story
from tests.conftest import living

RETRY = "Retry payments on a gateway time-out"


@pytest.mark.parametrize("fault", ["down", "rate-limited"])
async def test_a_card_appears_while_github_cannot_be_asked_and_is_completed_later(
    fault: str, sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """It says what the webhooks told, and that it is not all; the authors hear as well."""
    async with story(sandbox, sqlite_url, tmp_path) as there:
        await there.something_is_live()
        await there.merge("ana", RETRY)
        sha = await there.merge("ben", "Show the delivery date")
        sandbox.github.fault(down=fault == "down", rate_limited=3.0 if fault == "rate-limited" else None)
        production = await there.roll_out(sha, "production")
        incomplete, over = (
            there.shows(production, "could not be asked"),
            there.shows(production, "live in *production*"),
        )
        await sandbox.slack.until(lambda: incomplete() and over())
        said = watching.words_of(there.card(production))
        assert "Show the delivery date" in said
        assert RETRY not in said
        sandbox.github.fault()
        await there.at_rest()
        said = watching.words_of(there.card(production))
        assert "could not be asked" not in said
        assert RETRY in said
        assert len(there.heard("ana", RETRY)) == 1
        assert len(there.heard("ben", "Show the delivery date")) == 1


async def test_without_a_token_the_webhooks_are_enough_for_a_card_and_its_author(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """The pull request that a deploy's commit is was told by its own webhook; people are found by their commits."""
    async with story(sandbox, sqlite_url, tmp_path, environment={"GITHUB_TOKEN": ""}) as there:
        await there.something_is_live()
        sha = await there.merge("ana", RETRY)
        production = await there.roll_out(sha, "production")
        await there.at_rest()
        assert RETRY in watching.words_of(there.card(production))
        assert len(there.heard("ana", RETRY)) == 1


async def test_an_app_asks_again_for_what_it_missed_and_says_that_it_was_blind(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Webhooks that failed while nobody listened are asked for at the next start, and everything is told after all."""
    environment = sandbox.environment(github_app=True) | {"GITHUB_TOKEN": ""}
    async with story(sandbox, database_url, tmp_path, environment=environment) as there:
        await there.something_is_live()
    sha = await missed(sandbox)
    async with story(sandbox, database_url, tmp_path, environment=environment) as there:
        await sandbox.slack.until(lambda: blind(sandbox))
        await there.at_rest()
        card = watching.one(there.cards(), "live in *production*", f"`{sha[:7]}`")
        assert RETRY in watching.words_of(card)
        assert len(there.heard("ana", RETRY)) == 1
        (note,) = blind(sandbox)
        assert "I was blind from" in note
        assert "asked for again" in note
        assert watching.said_twice(sandbox) == []


async def test_without_an_app_missed_deployments_are_found_by_listing(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """The next look finds those that never were heard of, names them, and their authors hear; once, also after more."""
    clock = Turnable()
    async with story(sandbox, database_url, tmp_path, clock=clock) as there:
        await there.something_is_live()
        sha = await missed(sandbox)
        assert not await there.serving.bot.lookback.look(None), "it looks again soon"
        await there.at_rest()
        assert blind(sandbox) == [], "what happened a moment ago may still be on its way"
        clock.ahead = timedelta(minutes=10)
        for _ in range(2):
            await look_back(there)
        card = watching.one(there.cards(), "live in *production*", f"`{sha[:7]}`")
        assert RETRY in watching.words_of(card)
        assert len(there.heard("ana", RETRY)) == 1
        (note,) = blind(sandbox)
        assert "Here is what I missed:" in note
        assert "✅ checkout · production" in note
        assert sha[:7] in note


async def test_nothing_is_said_of_a_blind_spot_where_nothing_was_missed(sandbox: Sandbox, sqlite_url: str) -> None:
    """A look that finds only what is known, or nothing, is silent."""
    async with living(sandbox, sqlite_url) as world:
        await world.serving.bot.lookback.look(None)
        await watching.at_rest(world.serving.bot.database)
        assert sandbox.slack.messages("#deploys") == []


async def missed(sandbox: Sandbox) -> str:
    """Ana's change is merged and rolled out to production, and no webhook arrives; its commit."""
    github = sandbox.github
    github.drop_webhooks()
    pull = await github.open_pull(REPO, author="ana", title=RETRY)
    sha = await github.merge_pull(REPO, pull, merged_by="ana")
    deployment = await github.deployment(REPO, sha, "production")
    for state in ("in_progress", "success"):
        await github.deployment_status(REPO, deployment, state)
    await sandbox.settle()
    github.drop_webhooks(False)
    return sha


async def look_back(there: Story) -> None:
    """What the bot does every ten minutes."""
    assert await there.serving.bot.lookback.look(None)
    await there.at_rest()


def blind(sandbox: Sandbox) -> list[str]:
    """What the fallback channel was told of blind spots."""
    return [watching.words_of(note) for note in sandbox.slack.messages("#deploys") if "blind" in note.text]
