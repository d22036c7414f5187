"""Every scene of the sandbox with the whole bot in it: it plays to its end, and people see what its name promises.

The world's clock runs a hundred times as fast as ours, and the bot follows it; a second of a story takes two there.
Where a scene turns the clock by itself it runs slower: nothing is to be over before people have pressed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from bot.sandbox.story import SCENES, play
from bot.sandbox.story_deploys import burst
from bot.sandbox.story_stage import Stage
from bot.sandbox.world import Message
from tests.acceptance import digests, watching
from tests.acceptance.scenes import (
    PACE,
    PAYMENTS,
    SPEED,
    Perform,
    at_acme,
    cards,
    heard,
    in_order,
    once_more,
    promotions,
    pulls,
    shipped,
    told_to_the_end,
    whispered,
)

SMALL_CROWD = 60

MUTE = "people:mute_change"
AUTHORS = ("Hold the price", "Bump redis", "Merge the baskets")


WITH_TESTS_OF_THEIR_OWN = {
    "a burst",
    "a calm deploy",
    "a day of trains",
    "a declared rollback",
    "a failing canary",
    "a lock and its Go",
    "an alert after a rollout",
    "an alert storm",
    "nobody answers",
    "not mine",
    "one more while it waits",
    "production needs a yes",
    "Slack is down",
    "two people race to approve",
}
"""Scenes that a test of their own plays to their end; most of them are played there once more as well."""


@pytest.mark.parametrize("name", sorted(SCENES.keys() - WITH_TESTS_OF_THEIR_OWN))
async def test_every_scene_is_told_without_a_fault_and_nothing_of_it_twice(
    sandbox: Sandbox, perform: Perform, name: str
) -> None:
    await perform(name)
    await once_more(sandbox, perform, name)


async def test_in_a_calm_deploy_everybody_hears_that_theirs_is_live(sandbox: Sandbox, perform: Perform) -> None:
    await perform("a calm deploy")
    watching.one(cards(sandbox), "live in production", "Retry payments", "Bump stripe", "Show delivery date")
    for person, title in (("ana", "Retry payments"), ("ben", "Show delivery date"), ("dee", "Show delivery date")):
        watching.one(sandbox.slack.direct_messages(person), title, "live in production")
    await once_more(sandbox, perform, "a calm deploy")


async def test_a_failing_canary_is_seen_to_fail_and_what_was_live_to_come_back(
    sandbox: Sandbox, perform: Perform
) -> None:
    await perform("a failing canary")
    watching.one(cards(sandbox), "failed in production", "Ask the gateway in parallel", "Stopped at 10 %")
    live = next(iter(sandbox.github.forge.repository("acme/checkout").deployments.values())).sha
    last = watching.words_of(cards(sandbox)[-1])
    assert "live in production" in last
    assert live[:7] in last
    await once_more(sandbox, perform, "a failing canary")


async def test_two_people_who_mute_one_change_at_once_both_have_their_way(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """And one of them pressed twice. What is live afterwards is shown to both in silence."""
    sandbox.clock.speed = SPEED
    title = "Show the saved cards first"
    async with at_acme(sandbox, sqlite_url, tmp_path) as running:
        stage = Stage(sandbox, PACE)
        await stage.something_is_live()
        sha = await stage.merge(author="ben", title=title, merged_by="ben", coauthors=("dee",))
        await stage.roll_out(sha, "staging", seconds=2)
        await watching.at_rest(running.bot.database)
        told = {person: watching.one(sandbox.slack.direct_messages(person), title) for person in ("ben", "dee")}
        await asyncio.gather(*(stage.press(person, told[person], MUTE) for person in ("ben", "dee", "dee")))
        await stage.roll_out(sha, "production", seconds=2)
        await watching.at_rest(running.bot.database)
    for card in told.values():
        assert "You muted this change" in watching.words_of(card)
        assert sandbox.slack.replies(card.channel, card.ts) == []


async def test_production_waits_for_a_yes_of_somebody_who_wrote_none_of_it(sandbox: Sandbox, perform: Perform) -> None:
    """Ben is told why his does not count and whose does; the same card goes on to live, and the authors hear."""
    await perform("production needs a yes")
    card = watching.one(promotions(sandbox), *AUTHORS)
    assert all(words in watching.words_of(card) for words in ("live in *production*", "+214 −37", "👍 Dee approved"))
    (number,) = [change.number for change in pulls(sandbox) if change.author.login == "ben"]
    assert [words for words in whispered(sandbox, "ben") if f"You can't: you wrote #{number}" in words]
    assert all(name in whispered(sandbox, "ben")[0] for name in ("Dee", "Eve"))
    assert len(shipped(sandbox)) == 1
    for person in ("ana", "ben", "chi"):
        heard(sandbox, person, "is live in production")
    await once_more(sandbox, perform, "production needs a yes")


async def test_two_who_approve_at_once_ship_it_once_and_are_each_answered(sandbox: Sandbox, perform: Perform) -> None:
    """Also whoever pressed twice."""
    await perform("two people race to approve")
    assert len(shipped(sandbox)) == 1
    assert (len(whispered(sandbox, "dee")), len(whispered(sandbox, "eve"))) == (2, 1)
    watching.one(promotions(sandbox), "live in *production*", "Empty the basket in one tap")
    await once_more(sandbox, perform, "two people race to approve")


async def test_a_scene_plays_though_somebody_left_an_incident_open(sandbox: Sandbox, perform: Perform) -> None:
    """It would hold production back: whatever is wrong is ended before."""
    await sandbox.slack.command("ana", "/incident", "open sev2 cart The basket is slow", channel=PAYMENTS)
    await sandbox.slack.until(lambda: any(one.name.startswith("inc-") for one in sandbox.world.channels.values()))
    (room,) = (one for one in sandbox.world.channels.values() if one.name.startswith("inc-"))
    await perform("two people race to approve")
    assert len(shipped(sandbox)) == 1
    assert any("resolved" in watching.words_of(one) for one in sandbox.slack.messages(room.id))


async def test_what_is_taken_aboard_makes_a_yes_void(sandbox: Sandbox, perform: Perform) -> None:
    """And nothing ships until it is given anew, to what it is now."""
    await perform("one more while it waits")
    card = watching.one(promotions(sandbox), "Say why a voucher", "Take several vouchers")
    assert "1 change added since Dee approved; needs 1 yes" in watching.words_of(card)
    assert shipped(sandbox) == []
    await once_more(sandbox, perform, "one more while it waits")


async def test_whoever_waits_hears_of_a_lock_and_of_its_end_and_nothing_ships_before_a_go(
    sandbox: Sandbox, perform: Perform
) -> None:
    """The lock's own card says who said it."""
    await perform("a lock and its Go")
    for person in ("ana", "chi"):
        heard(sandbox, person, "is locked by Dee")
        heard(sandbox, person, "goes on")
        heard(sandbox, person, "is live in production")
    watching.one(watching.cards(sandbox.slack.messages(PAYMENTS), "lock"), "ran out", "Go by")
    assert len(shipped(sandbox)) == 1
    await once_more(sandbox, perform, "a lock and its Go")


async def test_everybody_whose_change_left_hears_and_the_fix_waits_for_a_go(sandbox: Sandbox, perform: Perform) -> None:
    """Three calls: there, back, and there again with the fix."""
    await perform("a declared rollback")
    assert len(shipped(sandbox)) == 3
    for person in ("ana", "ben"):
        heard(sandbox, person, "no longer in production")
    watching.one(promotions(sandbox), "Takes out:", "Why: Baskets stay empty")
    watching.one(promotions(sandbox), "live in *production*", "reverts")
    await once_more(sandbox, perform, "a declared rollback")


async def test_in_a_day_of_trains_one_leaves_on_time_one_is_held_and_one_is_missed_and_run(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """By a clock that keeps ours, but for where the scene turns it: each departure is on its way before the next."""
    states: list[str] = []
    sandbox.world.watchers.append(lambda message: states.append(watching.words_of(message)))
    async with at_acme(sandbox, sqlite_url, tmp_path) as running:
        await play(sandbox, "a day of trains", pace=PACE)
        await told_to_the_end(sandbox, running)
    in_order(states, [
        ("*shop 10:00* · sealed", "*search* 1", "*storefront* 1"),
        ("*shop 10:00* · under way", "*search* live", "*storefront*"),
        ("*shop 10:00* · arrived",),
        ("*shop 12:00* is HELD", "needs 1 yes", "Can help: ", "<@U0DEE>", "<@U0EVE>"),
        ("*shop 12:00* has left, late",),
        ("*shop 14:00* · MISSED",),
        ("*shop 14:00* · arrived", "besides the timetable"),
        ("*shop 16:00* is sealed", "Left behind", "soak ends after it leaves"),
        ("*shop 16:00* · arrived",),
    ])  # fmt: skip
    assert watching.said_twice(sandbox) == []


async def test_when_slack_is_back_everything_it_missed_is_said(sandbox: Sandbox, perform: Perform) -> None:
    await perform("Slack is down")
    refused = [call for call in sandbox.slack.calls if call.incoming and call.status == 503]
    assert refused
    assert any("Remember the currency" in watching.words_of(card) for card in cards(sandbox))
    ended = ("live in", "rolled back", "replaced", "superseded")
    assert all(any(word in watching.words_of(card).lower() for word in ended) for card in cards(sandbox))
    await once_more(sandbox, perform, "Slack is down")


async def test_in_a_burst_every_deploy_is_seen_and_the_failed_one_stands_out(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """A smaller crowd than the demo's, by a clock that keeps ours: a faster one has the bot look back all the time."""
    async with at_acme(sandbox, sqlite_url, tmp_path) as running:
        await burst(sandbox, PACE, services=SMALL_CROWD)
        await told_to_the_end(sandbox, running)
    shown = cards(sandbox, "#deploys")
    folded = digests.lines(sandbox.slack.messages("#deploys"))
    assert len({line.service for line in folded} | {service(card) for card in shown}) >= SMALL_CROWD
    watching.one(shown, "failed in production", f"worker-{SMALL_CROWD // 2 + 1:03}")
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


def service(card: Message) -> str:
    """The service that a card of a burst is about."""
    return next(word for word in watching.words_of(card).replace("*", " ").split() if word.startswith("worker-"))
