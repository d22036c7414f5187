"""Who somebody is on GitHub, proven; and when they work: typed in a whole bot in the stand-in world."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot import people
from bot.ports import Member
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from tests.conftest import Begin, Living

CATALOGUE = """
services:
  checkout: {repo: acme/checkout, environments: [staging, production]}
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: proofs and hours have their own tests on both."""
    return sqlite_url


@pytest.fixture
async def here(begin: Begin, sandbox: Sandbox, tmp_path: Path) -> Living:
    """A bot that is a GitHub App."""
    sandbox.github.sign_in.interval = 1
    sandbox.app.permissions["members"] = "read"
    catalogue = tmp_path / "shipmate.yml"
    catalogue.write_text(CATALOGUE, encoding="utf-8")
    app = sandbox.environment(github_app=True)
    return await begin(
        catalogue=catalogue,
        GITHUB_TOKEN="",
        GITHUB_APP_ID=app["GITHUB_APP_ID"],
        GITHUB_APP_PRIVATE_KEY=app["GITHUB_APP_PRIVATE_KEY"],
    )


def whispers(sandbox: Sandbox, person: str) -> list[Message]:
    """What this person alone sees."""
    mine = sandbox.slack.workspace.person(person).slack_id
    return [message for message in sandbox.slack.messages("#general") if message.ephemeral_for == mine]


async def typed(here: Living, words: str, *, person: str = "ana") -> str:
    """Type a command; what the bot says to it first."""
    slack, before = here.sandbox.slack, len(whispers(here.sandbox, person))
    await slack.command(person, "/ship", words)
    await slack.until(lambda: len(whispers(here.sandbox, person)) > before)
    return whispers(here.sandbox, person)[before].text


async def proven(here: Living, slack_id: str) -> tuple[str, str] | None:
    return await here.serving.bot.read(lambda session, desk: people.proven_login(session, desk.catalog, slack_id))


def code_in(said: str) -> str:
    """The code that somebody was given."""
    found = re.search(r"[A-Z]{4}-[A-Z]{4}", said)
    assert found is not None, said
    return found.group()


async def test_a_code_entered_at_github_proves_who_somebody_is(here: Living) -> None:
    said = await typed(here, "me github prove")
    assert f"{here.sandbox.url}/github.com/login/device" in said
    assert "Never enter a code that somebody sent you" in said
    assert await proven(here, "U0ANA") is None
    here.sandbox.github.sign_in.enter(code_in(said), "ana")
    await here.sandbox.slack.until(
        lambda: "Proven: GitHub says that you are ana" in whispers(here.sandbox, "ana")[-1].text
    )
    assert await proven(here, "U0ANA") == ("ana", "device")
    assert "GitHub: ana (proven at GitHub)" in await typed(here, "me")


async def test_a_code_that_is_refused_says_so(here: Living) -> None:
    said = await typed(here, "me github Prove")
    here.sandbox.github.sign_in.refuse(code_in(said))
    await here.sandbox.slack.until(lambda: "nothing was proven" in whispers(here.sandbox, "ana")[-1].text)
    assert await proven(here, "U0ANA") is None


async def test_a_login_that_is_known_to_be_anothers_is_refused_however_it_was_proven(here: Living) -> None:
    """Ben has talked Ana into entering his code."""
    await here.serving.bot.database.write(
        lambda session: people.remember(session, "github:ana", Member("U0ANA", "Ana Torres"), here.serving.bot.clock())
    )
    said = await typed(here, "me github prove", person="ben")
    here.sandbox.github.sign_in.enter(code_in(said), "ana")
    await here.sandbox.slack.until(lambda: "Ana Torres has the login ana" in whispers(here.sandbox, "ben")[-1].text)
    assert await proven(here, "U0BEN") is None


async def test_single_sign_on_proves_at_once(here: Living) -> None:
    here.sandbox.github.sign_in.identities = {"eve@example.com": "eve"}
    assert "single sign-on says that you are eve" in await typed(here, "me github prove", person="eve")
    assert await proven(here, "U0EVE") == ("eve", "sso")
    assert here.sandbox.github.sign_in.grants == {}


async def test_guests_and_a_github_without_the_device_flow_are_answered(here: Living) -> None:
    assert "Guests cannot approve" in await typed(here, "me github prove", person="fay")
    assert "Guests are never asked" in await typed(here, "me hours 9-17", person="fay")
    here.sandbox.github.sign_in.device_flow = False
    said = await typed(here, "me github prove")
    assert "Enable Device Flow" in said
    assert "Whoever runs Shipmate can do that" in said
    here.sandbox.github.fault(down=True)
    assert "GitHub does not answer just now" in await typed(here, "me github prove")


async def test_whoever_waits_for_a_code_keeps_nobody_from_stopping(here: Living) -> None:
    """The bot of this test stops when it ends, with the code still open."""
    here.sandbox.github.sign_in.interval = 5
    assert code_in(await typed(here, "me github prove"))
    assert len(here.serving.bot._kept) == 1


async def test_hours_are_kept_shown_and_taken_back(here: Living) -> None:
    assert "from 08:30 to 17:00 (Europe/Paris)" in await typed(here, "me hours 8:30-17")
    assert "from 08:30 to 17:00" in await typed(here, "me")
    assert "from 22:00 to 06:00" in await typed(here, "me hours 22 – 6")
    assert "Those are the usual hours" in await typed(here, "me hours off")
    assert "from 09:00 to 18:00" in await typed(here, "me")


@pytest.mark.parametrize("words", ["25-26", "9-9", "nine to five", "9", "24-25", "9:75-10"])
async def test_hours_that_are_none_say_how_to_say_them(here: Living, words: str) -> None:
    said = await typed(here, f"me hours {words}")
    assert "are no hours" in said
    assert "/ship me hours 9-18" in said


async def test_a_typed_link_says_that_it_does_not_approve(here: Living) -> None:
    await typed(here, "me github ana")
    said = await typed(here, "me")
    assert "GitHub: ana (you said so)" in said
    assert "/ship me github prove" in said
    assert await proven(here, "U0ANA") is None
