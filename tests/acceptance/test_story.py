"""The main job, in sentences: a deploy reaches its team's channel and the people who wrote what it carries."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.stories import BEGAN, CATALOGUE, CHANNEL, ENDED, REPO, Turnable, story

pytestmark = pytest.mark.both_engines

RETRY = "Retry payments on a gateway time-out"


async def test_ana_merges_and_hears_in_one_message_when_her_change_is_live(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """CI passes, staging, production: one card per deploy, edited in place, and one message to Ana with a reply."""
    async with story(sandbox, database_url, tmp_path) as there:
        before = await there.something_is_live()
        sha = await there.merge("ana", RETRY)
        await sandbox.github.workflow_run(REPO, sha)
        staging = await there.roll_out(sha, "staging")
        await sandbox.slack.until(there.shows(staging, "live in *staging* · 3 min 12 s"))
        await there.at_rest()
        assert there.heard("ana", RETRY) == []
        production = there.rollout(sha, "production")
        await there.say(production, "in_progress", BEGAN)
        await sandbox.slack.until(there.shows(production, RETRY))
        first = there.card(production)
        assert "is rolling out to *production*" in watching.words_of(first)
        await there.say(production, "success", ENDED)
        await there.at_rest()

        card = there.card(production)
        said = watching.words_of(card)
        assert (card.ts, card.edits > 0) == (first.ts, True)
        assert "✅ *checkout* live in *production* · 3 min 12 s" in said
        assert f"|#801> {RETRY} · Ana" in said
        assert f"/{REPO}/compare/{before}...{sha}|Diff>" in said
        assert f"https://grafana.example.com/d/canary?var-old={before}&amp;var-new={sha}|Old vs new>" in said
        assert f"<https://ci.example.com/runs/{production.number}|Run>" in said
        assert len(there.cards()) == 4, "one card for each deploy"
        mine = there.told("ana", RETRY)
        assert mine.edits > 0
        assert "is live in *production*" in watching.words_of(mine)
        (reply,) = there.heard("ana", RETRY)
        assert "✅ Your change *#801* is live in *production* · checkout · 3 min 12 s" in reply
        assert not any(there.hears(other, RETRY) for other in ("ben", "chi", "dee", "eve"))
        assert sandbox.slack.messages("#deploys") == []


async def test_everyone_who_wrote_a_change_hears_of_it_and_a_bots_merger_in_its_place(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Author and co-author of one, the merger of the bot's; the merger of a person's change does not."""
    async with story(sandbox, sqlite_url, tmp_path) as there:
        await there.something_is_live()
        pull = await sandbox.github.open_pull(REPO, author="ana", title=RETRY, coauthors=("dee",))
        await sandbox.github.merge_pull(REPO, pull, merged_by="ben")
        sha = await there.merge("dependabot[bot]", "Bump stripe from 9.1 to 9.2", merged_by="chi")
        production = await there.roll_out(sha, "production")
        await there.at_rest()
        assert "dependabot, merged by Chi" in watching.words_of(there.card(production))
        for person, title in (("ana", RETRY), ("dee", RETRY), ("chi", "Bump stripe from 9.1 to 9.2")):
            assert len(there.heard(person, title)) == 1, person
        assert not there.hears("ben", RETRY)


async def test_a_failed_deploy_is_said_at_once_to_whoever_wrote_what_it_carried(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """With what the pipeline says of it; and what was live before is still what the next one is compared with."""
    async with story(sandbox, database_url, tmp_path) as there:
        await there.something_is_live()
        sha = await there.merge("ana", RETRY)
        failed = await there.roll_out(sha, "production", "failure", description="3 of 8 did not become healthy")
        await there.at_rest()
        said = watching.words_of(there.card(failed))
        assert "🔴 *checkout* failed in *production* · 3 min 12 s" in said
        assert "The pipeline says: 3 of 8 did not become healthy" in said
        (reply,) = there.heard("ana", RETRY)
        assert "Your change *#801* did not go live in *production*" in reply
        mended = await there.merge("ben", "Mend the health check")
        again = await there.roll_out(mended, "production")
        await there.at_rest()
        said = watching.words_of(there.card(again))
        assert RETRY in said
        assert "Mend the health check" in said
        assert ["is live in" in reply for reply in there.heard("ana", RETRY)] == [False, True]


async def test_a_rollback_tells_those_whose_change_left(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """The card says what it takes out; the authors hear it in the thread in which they heard that it was live."""
    async with story(sandbox, database_url, tmp_path) as there:
        before = await there.something_is_live()
        sha = await there.merge("chi", "Ask for the card before the address", merged_by="ana")
        await there.roll_out(sha, "production")
        await there.at_rest()
        back = there.rollout(before, "production")
        await there.say(back, "in_progress", BEGAN)
        await there.say(back, "success", ENDED)
        await there.at_rest()
        said = watching.words_of(watching.one(there.cards(), "rolled back in *production*"))
        assert "Takes out:" in said
        assert "Ask for the card before the address" in said
        live, left = there.heard("chi", "Ask for the card before the address")
        assert "is live in *production*" in live
        assert "⏪ Your change *#801* is no longer in *production*" in left
        assert "was taken out of *production*" in watching.words_of(
            there.told("chi", "Ask for the card before the address")
        )


async def test_a_red_main_branch_is_told_once_to_its_team_and_its_author(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """However often CI reports it; a pull request's own red build is nobody's news."""
    catalogue = CATALOGUE + "people: [{github: ben, slack: U0BEN}]"
    async with story(sandbox, database_url, tmp_path, catalogue=catalogue) as there:
        sha = await there.merge("ben", "Round totals up")
        await sandbox.github.workflow_run(REPO, sha, conclusion="failure")
        await sandbox.github.workflow_run(REPO, sha, branch="ben/rounding", conclusion="failure", event="pull_request")
        await there.at_rest()
        for delivery in sandbox.github.deliveries[-2:]:
            await sandbox.github.redeliver(delivery.guid)
        await there.at_rest()
        (told,) = sandbox.slack.messages(CHANNEL)
        assert "failed on the main branch" in watching.words_of(told)
        assert "<@U0BEN>, can you look?" in watching.words_of(told)
        (direct,) = sandbox.slack.direct_messages("ben")
        assert "failed on the main branch with your commit" in watching.words_of(direct)


async def test_whoever_heard_that_main_is_red_hears_that_it_is_green_again(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Once, with the next commit that passes; the failed run of a deploy is no build, so its card alone tells of it."""
    catalogue = CATALOGUE + "people: [{github: ben, slack: U0BEN}]"
    async with story(sandbox, sqlite_url, tmp_path, catalogue=catalogue) as there:
        red = await there.merge("ben", "Round totals up")
        await sandbox.github.workflow_run(REPO, red, conclusion="failure")
        await there.at_rest()
        for title in ("Round totals half to even", "Show the delivery date"):
            await sandbox.github.workflow_run(REPO, await there.merge("chi", title))
            await there.at_rest()
        said = [watching.words_of(message) for message in sandbox.slack.messages(CHANNEL)]
        assert [("is green again on the main branch" in words) for words in said] == [False, True]
        direct = [watching.words_of(message) for message in sandbox.slack.direct_messages("ben")]
        assert [("is green again on the main branch" in words) for words in direct] == [False, True]

        run = await sandbox.github.begin_run(REPO, red)
        number = await sandbox.github.deployment(REPO, red, "production", run=run)
        await sandbox.github.deployment_status(REPO, number, "failure")
        await sandbox.github.finish_run(REPO, run, "failure")
        await there.at_rest()
        assert len(sandbox.slack.messages(CHANNEL)) == 3, "the deploy's card, and no second red build"


async def test_a_rollout_that_takes_far_too_long_tells_its_authors_once(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Its card says so as well, and forgets it when the rollout ends."""
    clock = Turnable()
    async with story(sandbox, database_url, tmp_path, clock=clock) as there:
        await there.something_is_live()
        sha = await there.merge("ana", RETRY)
        there.began += timedelta(minutes=38)
        production = there.rollout(sha, "production")
        await there.say(production, "in_progress", BEGAN)
        await there.at_rest()
        await there.serving.bot.due()
        await there.at_rest()
        assert "Looks stuck" not in watching.words_of(there.card(production))
        clock.ahead = timedelta(hours=2)
        for _ in range(2):
            await there.serving.bot.due()
        await there.at_rest()
        assert "🐌 Looks stuck: running since" in watching.words_of(there.card(production))
        stuck = [one for one in sandbox.slack.direct_messages("ana") if "looks stuck" in watching.words_of(one)]
        assert len(stuck) == 1
        assert f"https://ci.example.com/runs/{production.number}" in watching.words_of(stuck[0])
        await there.say(production, "success", ENDED)
        await there.at_rest()
        assert "Looks stuck" not in watching.words_of(there.card(production))


async def test_a_monorepos_card_names_only_the_changes_of_its_own_paths(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Two services in one repository, each with its own folder; the environment's name says which is meant."""
    catalogue = """
teams:
  payments: {channel: "#payments-deploys"}
services:
  cart: {team: payments, repo: acme/shop, paths: ["services/cart/**"], environments: [production]}
  search: {team: payments, repo: acme/shop, paths: ["services/search/**"], environments: [production]}
"""
    async with story(sandbox, sqlite_url, tmp_path, catalogue=catalogue) as there:
        repo = "acme/shop"
        first = sandbox.github.repository(repo).branches["main"]
        for environment in ("cart/production", "search/production"):
            await there.roll_out(first, environment, repo=repo)
        await there.merge("ana", "Empty the cart", repo=repo, files=("services/cart/cart.py",))
        sha = await there.merge("ben", "Find more", repo=repo, files=("services/search/index.py",))
        for environment in ("cart/production", "search/production"):
            await there.roll_out(sha, environment, repo=repo)
        await there.at_rest()
        cart = watching.one(there.cards(), "*cart* live in *production*", f"`{sha[:7]}`")
        search = watching.one(there.cards(), "*search* live in *production*", f"`{sha[:7]}`")
        assert "Empty the cart" in watching.words_of(cart)
        assert "Find more" not in watching.words_of(cart)
        assert "Find more" in watching.words_of(search)
        assert "Empty the cart" not in watching.words_of(search)
        assert len(there.heard("ana", "Empty the cart")) == 1
        assert len(there.heard("ben", "Find more")) == 1
