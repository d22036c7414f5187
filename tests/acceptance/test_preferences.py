"""People say how much they want to hear, by a button or by a command, and it holds; nobody is found twice."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from tests.acceptance import watching
from tests.acceptance.stories import REPO, story

RETRY = "Retry payments on a gateway time-out"


async def test_muting_a_change_silences_its_replies_and_not_the_others(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """The button answers, the card says so and stays up to date, and another change is still heard aloud."""
    async with story(sandbox, database_url, tmp_path) as there:
        await there.something_is_live()
        sha = await there.merge("ana", RETRY)
        await there.roll_out(sha, "staging")
        await there.at_rest()
        card = there.told("ana", RETRY)
        answer = await sandbox.slack.click("ana", "dm", card.ts, action_id="people:mute_change")
        assert answer.ok
        await sandbox.slack.until(lambda: whispered(sandbox, "ana", "Muted #801"))
        await there.roll_out(sha, "production")
        other = await there.merge("ana", "Take payments by invoice")
        await there.roll_out(other, "production")
        await there.at_rest()
        assert there.heard("ana", RETRY) == []
        said = watching.words_of(there.told("ana", RETRY))
        assert "is live in *production*" in said
        assert "You muted this change" in said
        assert len(there.heard("ana", "Take payments by invoice")) == 1


async def test_unmuting_brings_the_replies_back(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """The muted card offers the way back."""
    async with story(sandbox, sqlite_url, tmp_path) as there:
        await there.something_is_live()
        sha = await there.merge("ana", RETRY)
        await there.roll_out(sha, "staging")
        await there.at_rest()
        ts = there.told("ana", RETRY).ts
        for action in ("people:mute_change", "people:unmute_change"):
            await sandbox.slack.click("ana", "dm", ts, action_id=action)
            await there.at_rest()
        await there.roll_out(sha, "production")
        await there.at_rest()
        assert len(there.heard("ana", RETRY)) == 1


async def test_whoever_wants_only_failures_hears_only_failures(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """A success is silent; a failure has its message and its reply."""
    async with story(sandbox, database_url, tmp_path) as there:
        await there.something_is_live()
        answer = await sandbox.slack.command("ana", "/ship", "me failures")
        assert answer.ok
        await sandbox.slack.until(lambda: whispered(sandbox, "ana", "only hear of your changes when", "#general"))
        fine = await there.merge("ana", "Take payments by invoice")
        await there.roll_out(fine, "production")
        await there.at_rest()
        assert not there.hears("ana", "Take payments by invoice")
        broken = await there.merge("ana", RETRY)
        await there.roll_out(broken, "production", "failure")
        await there.at_rest()
        (reply,) = there.heard("ana", RETRY)
        assert "did not go live" in reply


async def test_whoever_muted_everything_hears_nothing_and_can_come_back(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Neither messages nor replies; the others are unaffected."""
    async with story(sandbox, sqlite_url, tmp_path) as there:
        await there.something_is_live()
        await sandbox.slack.command("ana", "/ship", "me mute")
        await sandbox.slack.until(lambda: whispered(sandbox, "ana", "Muted: you hear nothing", "#general"))
        pull = await sandbox.github.open_pull(REPO, author="ana", title=RETRY, coauthors=("dee",))
        sha = await sandbox.github.merge_pull(REPO, pull, merged_by="ana")
        await there.roll_out(sha, "production", "failure")
        await there.at_rest()
        assert not there.hears("ana", RETRY)
        assert len(there.heard("dee", RETRY)) == 1
        await sandbox.slack.command("ana", "/ship", "me unmute")
        await sandbox.slack.until(lambda: whispered(sandbox, "ana", "You will hear how each", "#general"))
        again = await there.merge("ana", "Take payments by invoice")
        await there.roll_out(again, "production")
        await there.at_rest()
        assert len(there.heard("ana", "Take payments by invoice")) == 1


async def test_a_link_to_a_login_brings_its_messages(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Eve has no public address: nobody finds her until she says who she is, and nothing fails meanwhile."""
    async with story(sandbox, sqlite_url, tmp_path) as there:
        await there.something_is_live()
        before = await there.merge("eve", "Translate the receipt")
        await there.roll_out(before, "production")
        await there.at_rest()
        assert sandbox.slack.direct_messages("eve") == []
        assert "Eve Moreau" in watching.words_of(watching.one(there.cards(), "Translate the receipt"))
        await sandbox.slack.command("eve", "/ship", "me github eve")
        await sandbox.slack.until(lambda: whispered(sandbox, "eve", "eve's changes come to you", "#general"))
        after = await there.merge("eve", RETRY)
        await there.roll_out(after, "production")
        await there.at_rest()
        assert len(there.heard("eve", RETRY)) == 1


async def test_status_and_where_answer_from_what_is_known(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """In the channel where they were asked, to the asker alone."""
    async with story(sandbox, sqlite_url, tmp_path) as there:
        await there.something_is_live()
        sha = await there.merge("ana", RETRY)
        await there.roll_out(sha, "staging")
        await there.at_rest()
        for text, words in (("status checkout", "staging"), ("where 801", RETRY), (f"where {sha[:8]}", RETRY)):
            answer = await sandbox.slack.command("ben", "/ship", text)
            assert answer.ok
            await sandbox.slack.until(lambda words=words: whispered(sandbox, "ben", words, "#general"))  # type: ignore[misc]
            for whisper in whispers(sandbox, "ben", "#general"):
                sandbox.world.delete(whisper)


def whispers(sandbox: Sandbox, person: str, channel: str | None = None) -> list[Message]:
    """What the bot told somebody so that only they see it, in a channel or in their own conversation."""
    slack_id = sandbox.world.person(person).slack_id
    messages = sandbox.slack.messages(channel) if channel else sandbox.slack.direct_messages(person)
    return [one for one in messages if one.ephemeral_for == slack_id]


def whispered(sandbox: Sandbox, person: str, words: str, channel: str | None = None) -> bool:
    """Whether one of those says these words."""
    return any(words in watching.words_of(one) for one in whispers(sandbox, person, channel))
