"""An incident's room end to end: what stands in it, what people do there, what is written down, how it is closed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from bot.sandbox.world import Channel, Message
from tests.acceptance import watching
from tests.acceptance.promoting import Company, company
from tests.acceptance.test_alert_story import CATALOGUE, broken, room

Story = Callable[..., AbstractAsyncContextManager[Company]]


@pytest.fixture
def story(sandbox: Sandbox, database_url: str, tmp_path: Path) -> Story:
    """A company whose alerts wake people, on either engine; its app hears of what happens in rooms."""
    heard = sandbox.slack.manifest.events | {"member_joined_channel", "reaction_added"}
    sandbox.slack.manifest = replace(sandbox.slack.manifest, events=heard)
    return lambda **more: company(sandbox, database_url, tmp_path, catalogue=CATALOGUE, **more)


def card(there: Company, here: Channel) -> Message:
    """The incident's card in its room."""
    (found,) = watching.cards(list(there.sandbox.world.everything(here)), "incident")
    return found


def standing_in(there: Company, channel: Channel) -> str:
    """Everything that everybody sees in a room."""
    return "\n".join(
        watching.words_of(one) for one in there.sandbox.world.everything(channel) if one.ephemeral_for is None
    )


def whispered(there: Company, channel: Channel, slack_id: str) -> list[str]:
    """What somebody alone sees in a room."""
    return [watching.words_of(one) for one in there.sandbox.world.everything(channel) if one.ephemeral_for == slack_id]


async def test_a_room_lives_and_is_closed(story: Story) -> None:
    """The pinned card, links and topic; a message kept, a latecomer told; the draft at the end; closed a week later."""
    async with story() as there:
        _, alert = await broken(there)
        here = room(there)
        await there.turn(seconds=5)  # a card is pinned once it stands
        assert card(there, here).pinned_at is not None
        assert "https://runbooks.example.com/checkout" in str(here.bookmarks)
        assert "lead nobody yet" in here.topic

        await there.press("ana", "incidents:mine", card(there, here))
        assert "lead Ana" in here.topic

        kept = await there.sandbox.slack.say("chi", "The provider answers after 31 s", channel=here.name)
        for person in ("chi", "ana"):
            await there.sandbox.slack.react(person, here.name, kept.ts, "pushpin")
        await there.at_rest()

        there.let_pass(minutes=10)
        there.sandbox.slack.join("ben", here.name)
        await there.sandbox.slack.until(lambda: whispered(there, here, "U0BEN"))
        await there.at_rest()
        (summary,) = whispered(there, here, "U0BEN")
        assert "Ana leads" in summary

        there.sandbox.monitoring.resolve(alert)
        await there.turn(minutes=2)
        assert "is it over?" in standing_in(there, here)
        await there.press("ana", "incidents:resolve", card(there, here))
        chosen = next(
            option["value"]
            for block in there.sandbox.slack.modals("ana")[-1]["blocks"]
            if block.get("block_id") == "likely"
            for option in block["element"]["options"]
        )
        await there.fill("ana", {"text": "Rolled back by hand", "likely": chosen})
        assert "resolved" in here.topic
        assert "is it over?" not in standing_in(there, here), "no old message asks it still"
        assert here.canvas is not None
        text = here.canvas.markdown
        assert "## Timeline (UTC)" in text
        assert text.count("The provider answers after 31 s") == 1
        assert "Rolled back by hand" in text
        assert "**The change that it was:**" in text
        here.canvas.markdown += "\nThe time-out is too long."
        await there.press("ana", "incidents:reopen", card(there, here))
        await there.turn(minutes=1)
        await there.press("ana", "incidents:resolve", card(there, here))
        await there.fill("ana", {"text": "Rolled back further", "likely": chosen})
        drafts = [here.canvas.markdown.index(one) for one in ("by hand", "time-out is too long", "back further")]
        assert drafts == sorted(drafts)
        assert "nothing that anybody wrote there was touched" in standing_in(there, here)

        assert not there.sandbox.slack.messages("#payments-deploys")[-1].deleted
        assert not watching.said_twice(there.sandbox)

        await there.turn(days=6)
        assert not here.archived
        await there.turn(days=2)
        assert here.archived


async def test_without_the_scope_everything_goes_on_in_the_channel_until_it_is_mended(story: Story) -> None:
    """Said with what mends it, once; Ana is woken all the same, and the room comes once the scope is given."""
    async with story() as there:
        given = there.sandbox.slack.scopes
        there.sandbox.slack.scopes = given - {"channels:manage"}
        await broken(there)
        (page,) = there.sandbox.pagerduty.incidents()
        assert [user.key for user, _ in page.assigned] == ["ana"]
        first = watching.cards(there.sandbox.slack.messages("#payments-deploys"), "incident")[-1]
        assert "There is no room: missing_scope: Give the app the bot scope channels:manage" in first.text
        said = there.standing_in("#payments-deploys")
        assert said.count("No room could be made") == 2, "once, in its blocks and its notification"
        await there.turn(minutes=4)
        assert there.standing_in("#payments-deploys").count("channels:manage") == said.count("channels:manage")
        there.sandbox.slack.scopes = given
        await there.turn(minutes=4)
        assert {"U0ANA", "U0CHI"} <= room(there).members


async def test_a_bot_that_is_started_again_opens_no_second_room_and_reminds_once(story: Story) -> None:
    """It stops between the reminder that is due and the next: nothing is said twice, and nothing is forgotten."""
    async with story() as there:
        await broken(there)
        here = room(there)
        await there.turn(minutes=32)
        await there.end()
        await there.begin()
        await there.turn(minutes=1)
        assert len([one for one in there.sandbox.world.channels.values() if one.name.startswith("inc-")]) == 1
        assert not watching.said_twice(there.sandbox)
        await there.turn(minutes=30)
        assert "A word on how it stands was due by" in standing_in(there, here)
