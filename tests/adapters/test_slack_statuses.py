"""Who is not there, by what their profile says in Slack: a status that means absence, and when it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.slack import SlackChat
from bot.adapters.slack_shapes import absence
from bot.sandbox.server import Sandbox
from tests.conftest import UNHURRIED


@pytest.fixture
async def chat(sandbox: Sandbox) -> AsyncIterator[SlackChat]:
    """The bot's Slack."""
    made = SlackChat(sandbox.slack.bot_token, f"{sandbox.url}/api/", timeout=UNHURRIED)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("text", "emoji"),
    [
        ("On holiday", ":palm_tree:"),
        ("", ":palm_tree:"),
        ("Vacationing", ""),
        ("OOO until Monday", ":spiral_calendar_pad:"),
        ("Out of office", ""),
        ("out sick", ":face_with_thermometer:"),
        ("Parental leave", ":baby:"),
        ("On sick leave", ""),
        ("Away", ":speech_balloon:"),
        ("PTO", ""),
        ("", ":face_with_thermometer:"),
    ],
)
def test_a_status_that_means_absence(text: str, emoji: str) -> None:
    said, until = absence({"status_text": text, "status_emoji": emoji, "status_expiration": 1_795_000_000})
    assert said == (text or emoji.strip(":").replace("_", " "))
    assert until == datetime.fromtimestamp(1_795_000_000, UTC)


@pytest.mark.parametrize(
    ("text", "emoji"),
    [
        ("", ""),
        ("Lunch", ":hamburger:"),
        ("Commuting", ":bus:"),
        ("In a meeting", ":spiral_calendar_pad:"),
        ("Working remotely", ":house_with_garden:"),
        ("Working from Lisbon", ":palm_tree:"),
        ("Back from vacation", ":sunny:"),
        ("Focus time, will answer right away if urgent", ""),
        ("Leave me a message", ""),
        ("Holiday freeze: ask before you ship", ":snowflake:"),
        ("Stowaway", ""),
    ],
)
def test_a_status_that_does_not(text: str, emoji: str) -> None:
    assert absence({"status_text": text, "status_emoji": emoji, "status_expiration": 0}) == (None, None)


@pytest.mark.parametrize("broken", [None, {}, {"status_text": 7, "status_expiration": "soon"}, "x"])
def test_a_broken_status_is_none(broken: Mapping[str, Any] | None) -> None:
    assert absence(broken) == (None, None)


async def test_somebodys_status_is_read_with_who_they_are(chat: SlackChat, sandbox: Sandbox) -> None:
    """It ends by itself, in the world's time."""
    until = sandbox.world.now() + 7200
    sandbox.slack.set_status("ana", "On holiday", ":palm_tree:", until=until)
    ana = await chat.member("U0ANA")
    assert ana is not None
    assert (ana.away, ana.away_until) == ("On holiday", datetime.fromtimestamp(until, UTC))
    sandbox.clock.turn(by=timedelta(hours=3))
    back = await chat.member("U0ANA")
    assert back is not None
    assert (back.away, back.away_until) == (None, None)
