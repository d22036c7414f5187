"""What people type and click, in a whole bot in the stand-in world: each of it is answered, in plain words."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from bot import people
from bot.answers.me import change_meant
from bot.events import ChangeMerged, DeployReported, DeployStatus, Event, Human, Level, MergedPull
from bot.sandbox.server import Sandbox
from bot.sandbox.slack_interactions import Answer
from bot.sandbox.world import Json, Message
from tests.conftest import Begin, Living

SHA = "a1b2c3d4" * 5
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
MERGED = ChangeMerged(
    repo="acme/checkout",
    pull=MergedPull(
        number=812,
        sha=SHA,
        title="Retry payments",
        url="https://github.example/acme/checkout/pull/812",
        author=Human(login="ana"),
        merged_at=NOON,
    ),
    at=NOON,
)
LIVE = DeployReported(
    source="github",
    external_id="1",
    repo="acme/checkout",
    environment="production",
    sha=SHA,
    status=DeployStatus.SUCCEEDED,
    began_at=NOON,
    at=NOON,
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: answers and the inbox have their own tests on both."""
    return sqlite_url


@pytest.fixture
async def here(begin: Begin) -> Living:
    """A bot in which #812 of Ana's is live in production."""
    here = await begin()
    await happened(here, MERGED, LIVE)
    return here


async def happened(here: Living, *events: Event) -> None:
    bot = here.serving.bot
    await bot.database.write(lambda session: bot.reactions.react(session, events, bot.clock()))


def whispers(sandbox: Sandbox, person: str, channel: str = "#general") -> list[Message]:
    """What this person alone sees in a channel."""
    mine = sandbox.slack.workspace.person(person).slack_id
    return [message for message in sandbox.slack.messages(channel) if message.ephemeral_for == mine]


async def typed(here: Living, words: str, *, person: str = "ana", command: str = "/ship") -> Message:
    """Type a command; what the bot says to it."""
    slack = here.sandbox.slack
    before = len(whispers(here.sandbox, person))
    assert await slack.command(person, command, words) == Answer(200, "")
    await slack.until(lambda: len(whispers(here.sandbox, person)) > before)
    return whispers(here.sandbox, person)[-1]


async def level(here: Living, slack_id: str, *scopes: str) -> Level:
    def ask(session: Session, _: object) -> Level:
        return people.level_of(session, slack_id, *scopes)

    return await here.serving.bot.read(ask)


def buttons(blocks: list[Json]) -> list[str]:
    """The actions that a message offers."""
    elements = [element for block in blocks for element in block.get("elements", [])]
    elements += [block["accessory"] for block in blocks if "accessory" in block]
    return [element["action_id"] for element in elements if element.get("type") == "button"]


async def test_status_says_what_is_live(here: Living) -> None:
    said = await typed(here, "status checkout")
    assert "checkout" in said.text
    assert SHA[:7] in said.text
    assert "#812" in said.text


async def test_status_of_everything_and_of_nothing_known(here: Living) -> None:
    assert SHA[:7] in (await typed(here, "status")).text
    assert "did you mean" in (await typed(here, "status chekout")).text
    assert "One service at a time" in (await typed(here, "status checkout cart")).text


async def test_where_says_how_far_a_change_got_and_offers_nothing_to_others(here: Living) -> None:
    for asked in ("812", "<https://github.example/acme/checkout/pull/812>", "“#812”", SHA[:8]):
        said = await typed(here, f"where {asked}")
        assert "#812 is live in production" in said.text.replace("*", "")
        assert said.ephemeral_for == "U0ANA"


async def test_where_without_a_change_says_how_to_ask(here: Living) -> None:
    assert "/ship where 812" in (await typed(here, "where")).text
    assert "payload-fix" in (await typed(here, "where payload-fix")).text, "Bolt loses commands with this word"


async def test_help_lists_what_works(here: Living) -> None:
    for words in ("", "help", "HELP"):
        said = (await typed(here, words)).text
        assert "/ship status [service]" in said
        assert "/ship lock &lt;scope&gt; [for 2h | until 18:00] &lt;reason&gt;" in said
        assert "/ship oncall &lt;service&gt;" in said


async def test_an_unknown_word_gets_a_did_you_mean(here: Living) -> None:
    said = (await typed(here, "statsu")).text
    assert "Did you mean /ship status?" in said
    assert "/ship help lists all words" in said
    assert "/ship where" not in said, "not the whole help"
    assert "Did you mean /ship me mute #812?" in (await typed(here, "mute #812")).text


async def test_a_command_that_somebody_else_registered_is_answered_too(here: Living) -> None:
    assert "I have no command /deploy" in (await typed(here, "", command="/deploy")).text


async def test_me_says_who_somebody_is_and_what_they_hear(here: Living) -> None:
    await typed(here, "me github ana")
    said = await typed(here, "me")
    assert "you hear everything about your changes" in said.text
    assert "#812" in said.text
    assert buttons(said.blocks) == ["people:only_failures", "people:mute_all", "people:mute_change"]
    guest = (await typed(here, "me", person="fay")).text
    assert "You read here: guests" in guest
    assert "/ship me" not in guest, "nothing is offered that a guest is then refused"


async def test_what_me_is_told_is_kept(here: Living) -> None:
    for word, chosen in (("mute", Level.NONE), ("FAILURES", Level.FAILURES), ("unmute", Level.ALL)):
        said = await typed(here, f"me {word}")
        assert "✋" not in said.text
        assert await level(here, "U0ANA") is chosen
    change = await here.serving.bot.read(lambda session, _: change_meant(session, "812"))
    assert "Muted #812" in (await typed(here, "me mute #812")).text
    assert await level(here, "U0ANA", f"change:{change}") is Level.NONE
    assert "Unmuted #812" in (await typed(here, "me unmute acme/checkout#812")).text
    assert await level(here, "U0ANA", f"change:{change}") is Level.ALL


REFUSED = (
    ("me mute #9", "I know no change “#9”"),
    ("me github", "Say it like this"),
    ("me github no-", "no GitHub login"),
    ("me hours", "Say it like this"),
    ("me hours 9-9", "are no hours"),
    ("me loud", "Say it like this"),
    ("me failures 812", "Say it like this"),
)
"""What somebody types after ``/ship``, and what they are told."""


async def test_me_refuses_in_plain_words(here: Living) -> None:
    for words, said in REFUSED:
        told = (await typed(here, words)).text
        assert told.startswith("✋"), words
        assert said in told


async def test_the_catalogue_is_stronger_than_what_somebody_types(begin: Begin, tmp_path: Path) -> None:
    catalogue = tmp_path / "shipmate.yml"
    catalogue.write_text("people:\n  - {slack: U0ANA, github: ana, name: Ana}\n")
    here = await begin(catalogue=catalogue)
    assert "shipmate.yml says that you are ana" in (await typed(here, "me github mallory")).text
    assert "shipmate.yml says that ana is Ana" in (await typed(here, "me github ana", person="ben")).text


async def test_only_full_members_link_a_login_and_anybody_may_take_theirs_back(here: Living) -> None:
    """Guests and people of another workspace are refused; without an answer of Slack's nobody is believed."""
    for person in ("fay", "gus"):
        told = (await typed(here, "me github ana-a", person=person)).text
        assert told.startswith("✋"), person
    assert "Guests cannot link" in (await typed(here, "me github ana-a", person="fay")).text
    assert "come to you now" in (await typed(here, "me github ana-a", person="ben")).text
    assert "theirs" in (await typed(here, "me github ana-a", person="chi")).text
    for nothing in ("none", "-"):
        assert "Unlinked: ana-a" in (await typed(here, f"me github {nothing}", person="ben")).text
        assert "linked no GitHub login" in (await typed(here, "me github none", person="ben")).text
        await typed(here, "me github ana-a", person="ben")
    here.sandbox.slack.fault("http_500", method="users.info", times=1)
    assert "Slack does not tell me just now" in (await typed(here, "me github other", person="ben")).text


async def test_a_change_is_muted_on_its_own_message_and_the_click_is_answered(here: Living) -> None:
    """The author's message, the button on it, the answer, and the message that shows it: all as Slack would."""
    slack = here.sandbox.slack
    await slack.until(lambda: slack.direct_messages("ana") and buttons(slack.direct_messages("ana")[0].blocks))
    card = slack.direct_messages("ana")[0]
    assert buttons(card.blocks) == ["people:mute_change", "people:only_failures"]
    assert (await slack.click("ana", "dm", card.ts, action_id="people:mute_change")).ok
    await slack.until(lambda: buttons(card.blocks) == ["people:unmute_change"])
    await slack.until(lambda: "Muted #812" in slack.direct_messages("ana")[-1].text)
    assert slack.direct_messages("ana")[-1].ephemeral_for == "U0ANA"
    assert (await slack.click("ana", "dm", card.ts, action_id="people:unmute_change")).ok
    await slack.until(lambda: "Unmuted #812" in slack.direct_messages("ana")[-1].text)


async def test_a_button_of_an_older_shipmate_is_answered(here: Living) -> None:
    slack = here.sandbox.slack
    said = await typed(here, "me")
    said.blocks[-1]["elements"][0]["action_id"] = "people:serenade"
    before = len(whispers(here.sandbox, "ana"))
    assert (await slack.click("ana", "#general", said.ts, action_id="people:serenade")).ok
    await slack.until(lambda: len(whispers(here.sandbox, "ana")) > before)
    assert "That button is from an older Shipmate" in whispers(here.sandbox, "ana")[-1].text


async def test_without_a_database_people_are_told_so(here: Living) -> None:
    await here.serving.bot.database.close()
    said = (await typed(here, "me mute")).text
    assert "My database does not answer just now" in said


async def test_a_fault_of_ours_is_an_apology_with_a_reference_and_no_traceback(here: Living) -> None:
    spoil = text("UPDATE deploys SET status = 'sideways'")
    await here.serving.bot.database.write(lambda session: session.connection().execute(spoil).rowcount)
    said = (await typed(here, "status checkout")).text
    assert re.search(r"the fault is mine, not yours.* reference [0-9a-f]{8}\.$", said)
    assert "sideways" not in said


async def test_a_wrong_token_is_said_at_the_start_before_anything_is_sent(begin: Begin) -> None:
    """In `/readyz`, with what to do about it; doors are open all the same."""
    bot = (await begin(SLACK_BOT_TOKEN="xoxb-wrong")).serving.bot
    async with asyncio.timeout(20):
        while bot.delivery.trouble is None:  # noqa: ASYNC110 - it is a plain value, nobody rings
            await asyncio.sleep(0.01)
    readiness = await bot.readiness()
    assert readiness.ready
    assert "SLACK_BOT_TOKEN" in (readiness.slack or "")


async def test_by_socket_mode_everything_is_the_same(begin: Begin, sandbox: Sandbox) -> None:
    here = await begin(SLACK_APP_TOKEN=sandbox.slack.app_token)
    await happened(here, MERGED, LIVE)
    await connected(sandbox, 2)
    slack = sandbox.slack
    assert await slack.command("ana", "/ship", "where 812") == Answer(200, None)
    await slack.until(lambda: whispers(sandbox, "ana"))
    assert "#812" in whispers(sandbox, "ana")[-1].text
    assert await slack.event({"type": "tokens_revoked", "tokens": {"bot": ["U0SHIPMATE"]}}) == [200]
    assert not [call for call in slack.calls if call.path == "/slack/events"], "nothing came by HTTP"


async def test_socket_mode_connects_anew_when_slack_asks_for_it(begin: Begin, sandbox: Sandbox) -> None:
    await begin(SLACK_APP_TOKEN=sandbox.slack.app_token)
    await connected(sandbox, 2)
    await sandbox.slack.sockets.disconnect()
    await connected(sandbox, 2)
    assert [call.method for call in sandbox.slack.calls].count("apps.connections.open") >= 4


async def test_a_slack_that_is_down_keeps_socket_mode_trying_and_the_rest_going(begin: Begin, sandbox: Sandbox) -> None:
    sandbox.slack.fault("http_500", method="apps.connections.open", times=2)
    here = await begin(SLACK_APP_TOKEN=sandbox.slack.app_token)
    assert (await here.serving.bot.readiness()).ready
    await connected(sandbox, 2)


async def connected(sandbox: Sandbox, number: int) -> None:
    """Wait until so many websockets are open; nothing rings when they are."""
    async with asyncio.timeout(20):
        while sandbox.slack.sockets.connected < number:  # noqa: ASYNC110 - the stand-in has no event for it
            await asyncio.sleep(0.01)
