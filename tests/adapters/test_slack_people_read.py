"""Who people are in Slack, and who we are there."""

from __future__ import annotations

import pytest

from bot.adapters.slack import SlackChat
from bot.errors import GiveUp, PlaceUnreachable, RetryLater
from bot.ports import Member
from tests.adapters.slack_stub import SlackServer, error, ok

# People


async def test_a_person_is_found_by_address(chat: SlackChat, slack: SlackServer) -> None:
    """By the name they show."""
    slack.tell(
        "users.lookupByEmail",
        ok(
            user={
                "id": "U0ANA",
                "name": "ana",
                "real_name": "Ana Lima",
                "tz": "Europe/Lisbon",
                "deleted": False,
                "profile": {"display_name": "Ana\0", "real_name": "Ana Lima", "email": "ana@acme.example"},
            }
        ),
    )
    assert await chat.member_by_email(" ana@acme.example ") == Member(
        slack_id="U0ANA", name="Ana", email="ana@acme.example", zone="Europe/Lisbon"
    )
    assert slack.arguments("users.lookupByEmail") == [{"email": "ana@acme.example"}]


async def test_nobody_has_this_address(chat: SlackChat, slack: SlackServer) -> None:
    """That is an answer, not a failure; and what is no address is not asked about."""
    slack.tell("users.lookupByEmail", error("users_not_found"))
    assert await chat.member_by_email("ghost@acme.example") is None
    assert await chat.member_by_email("not an address") is None
    assert len(slack.calls) == 1


async def test_a_deactivated_account_is_not_active(chat: SlackChat, slack: SlackServer) -> None:
    """Whoever left is still named, but not written to."""
    slack.tell("users.lookupByEmail", ok(user={"id": "U0BEN", "deleted": True, "profile": {"real_name": "Ben"}}))
    assert await chat.member_by_email("ben@acme.example") == Member(slack_id="U0BEN", name="Ben", active=False)


async def test_a_refusal_about_people_is_not_taken_for_nobody(chat: SlackChat, slack: SlackServer) -> None:
    """A missing scope would otherwise look like a company without people."""
    slack.tell(
        "users.lookupByEmail",
        error("missing_scope", needed="users:read.email"),
        ok(user=None),
        error("user_disabled"),
    )
    with pytest.raises(GiveUp, match=r"users:read\.email"):
        await chat.member_by_email("ana@acme.example")
    with pytest.raises(RetryLater):
        await chat.member_by_email("ana@acme.example")
    with pytest.raises(PlaceUnreachable):
        await chat.member_by_email("ana@acme.example")


async def test_we_know_who_we_are_and_what_we_may(chat: SlackChat, slack: SlackServer) -> None:
    """For the doctor; the scopes come in a header."""
    identity = await chat.identity()
    assert (identity.team, identity.user_id, identity.bot_id) == ("Acme", "U0SHIPMATE", "B0SHIPMATE")
    assert identity.scopes == {"chat:write", "users:read"}
