"""Running it: a channel that is not there, a restart in good order, two replicas of which one is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox.server import Sandbox
from bot.sandbox.world import BOT_USER_ID
from bot.server import Serving, serving
from tests.acceptance import processes, watching
from tests.acceptance.pipeline import Postman, Rollout
from tests.acceptance.stories import REPO, story
from tests.conftest import UNLIMITED, living, new_postgres_database, settings_for

RETRY = "Retry payments on a gateway time-out"


async def test_a_missing_channel_is_said_once_and_the_rest_flows_on(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """In the fallback channel, with what to do; authors hear, other services are shown, and this one is once mended."""
    catalogue = """
teams:
  payments: {channel: "#nowhere"}
  search: {channel: "#search-deploys"}
services:
  checkout: {team: payments, repo: acme/checkout}
  search: {team: search, repo: acme/search}
"""
    sandbox.world.add_channel("search-deploys", members={BOT_USER_ID})
    async with story(sandbox, database_url, tmp_path, catalogue=catalogue) as there:
        search = sandbox.github.repository("acme/search").branches["main"]
        await there.something_is_live()
        sha = await there.merge("ana", RETRY)
        await there.roll_out(sha, "production")
        await there.roll_out(search, "production", repo="acme/search")
        await there.at_rest()
        (told,) = sandbox.slack.messages("#deploys")
        said = watching.words_of(told)
        assert "I cannot write to #nowhere" in said
        assert "Check the channel's name" in said
        assert "*checkout*" in said
        assert len(there.heard("ana", RETRY)) == 1
        assert len(there.cards("#search-deploys")) == 1

        sandbox.world.add_channel("nowhere", members={BOT_USER_ID})
        after = await there.merge("ben", "Show the delivery date")
        await there.roll_out(after, "production")
        await there.at_rest()
        watching.one(there.cards("#nowhere"), "Show the delivery date")
        assert len(sandbox.slack.messages("#deploys")) == 1


async def test_a_restart_in_good_order_sends_nothing_twice_and_doubts_nothing(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """What was sent is not looked for; what waited for Slack's pause is sent by the next process, at once."""
    async with story(sandbox, database_url, tmp_path) as there:
        await there.something_is_live()
        sha = await there.merge("ana", RETRY)
        sandbox.slack.fault("ratelimited", method="chat.postMessage", retry_after=30)
        waiting = await there.roll_out(sha, "production")
        await sandbox.slack.until(lambda: any(call.status == 429 for call in sandbox.slack.calls))
        began = there.began
    sandbox.slack.clear_faults()
    before = {watching.key_of(message) for message in watching.all_messages(sandbox)}
    async with story(sandbox, database_url, tmp_path) as there:
        there.began = began
        await there.at_rest()
        assert "is live in *production*" in watching.words_of(there.told("ana", RETRY))
        there.card(waiting)
        assert len(there.heard("ana", RETRY)) == 1
    assert before < {watching.key_of(message) for message in watching.all_messages(sandbox)}
    assert watching.said_twice(sandbox) == []
    assert watching.calls(sandbox, "conversations.history") == 0
    assert watching.calls(sandbox, "conversations.replies") == 0


async def test_two_replicas_take_webhooks_one_leads_and_when_it_is_killed_the_other_goes_on(
    sandbox: Sandbox, postgres_server: str, tmp_path: Path
) -> None:
    """What either took is said once, and what the dead one had not said is said by the living one."""
    address = new_postgres_database(postgres_server)
    environment = {
        **sandbox.environment(),
        "DATABASE_URL": address,
        "SHIPMATE_PORT": "0",
        "SHIPMATE_DEFAULT_CHANNEL": "#deploys",
    }
    limits = {"per_channel": None, "updates_per_minute": None, "progress_every": 0.0, "doubt_settles": 0.3}
    sha = sandbox.github.repository(REPO).branches["main"]
    at = datetime.now(UTC) - timedelta(minutes=30)
    rollouts = [
        Rollout(number=n, repo=REPO, sha=sha, environment=f"cell-{n}", began_at=at + timedelta(minutes=n))
        for n in range(1, 7)
    ]
    async with processes.running(environment, tmp_path / "leader.log", **limits) as leader:
        await until_ready(leader.url, leads=True)
        async with replica(sandbox, address) as (second, postman):
            await until_ready(second.url, leads=False)
            for url, pair in ((leader.url, rollouts[:2]), (second.url, rollouts[2:4])):
                postman.at(url)
                for one in pair:
                    await postman.insist([one.announced(), one.said("success", one.began_at + timedelta(minutes=1))])
            await sandbox.slack.until(lambda: live(sandbox) == {one.environment for one in rollouts[:4]})
            assert not leads(second)
            sandbox.slack.fault("cut", method="chat.postMessage")
            await postman.insist([one.said("success", one.began_at) for one in rollouts[4:]])
            await leader.kill()
            sandbox.slack.clear_faults()
            # What the killed one may have been sending is doubted for as long as it might not know of its relief.
            await sandbox.slack.until(lambda: live(sandbox) == {one.environment for one in rollouts}, within=120)
            await watching.at_rest(second.bot.database, within=120)
            assert leads(second)
            assert watching.said_twice(sandbox) == []
            assert len(watching.cards(sandbox.slack.messages("#deploys"), "deploy")) == len(rollouts)


@asynccontextmanager
async def replica(sandbox: Sandbox, address: str) -> AsyncIterator[tuple[Serving, Postman]]:
    """A second bot on the same database, in this process, and whoever writes to either."""
    postman = Postman(sandbox)
    try:
        async with serving(settings_for(sandbox, address), limits=UNLIMITED) as running:
            yield running, postman
    finally:
        await postman.close()


async def until_ready(url: str, *, leads: bool) -> None:
    """Wait until a bot says that it can serve, and whether it leads."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            async with session.get(f"{url}/readyz") as answer:
                told = await answer.json()
            if answer.status == 200 and told.get("leading") is leads:
                return
            await asyncio.sleep(watching.LOOK_AGAIN)


def leads(replica: Serving) -> bool:
    """Whether this one does the work."""
    return replica.bot.leadership.held


def live(sandbox: Sandbox) -> set[str]:
    """The environments whose cards say that the deploy is live."""
    cards = watching.cards(sandbox.slack.messages("#deploys"), "deploy")
    words = [watching.words_of(card) for card in cards]
    return {said.partition("live in *")[2].partition("*")[0] for said in words if "live in *" in said}


async def test_a_second_process_on_one_sqlite_file_is_refused(sandbox: Sandbox, sqlite_url: str) -> None:
    """It is told who holds the file, and what to use instead; the first one goes on."""
    async with living(sandbox, sqlite_url):
        with pytest.raises(Exception, match="Another Shipmate") as refused:
            async with living(sandbox, sqlite_url):
                pass
    assert "PostgreSQL" in str(refused.value)
