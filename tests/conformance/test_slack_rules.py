"""The stand-in Slack keeps each documented rule: one table, a row for each, tried by Slack's own client and by Bolt."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bot.sandbox.slack_api import METHODS
from bot.sandbox.slack_manifest import ALL_SCOPES
from bot.sandbox.slack_sending import sign
from tests.conformance.slack_block_rules import BLOCK_RULES
from tests.conformance.slack_call_rules import MESSAGES, READING
from tests.conformance.slack_channel_rules import CHANNELS, MARKS
from tests.conformance.slack_event_rules import EVENT_RULES
from tests.conformance.slack_interaction_rules import INTERACTION_RULES
from tests.conformance.slack_membership_rules import MEMBERSHIP_RULES
from tests.conformance.slack_modal_rules import MODAL_RULES
from tests.conformance.slack_people_rules import PEOPLE, TOOLS, VIEWS
from tests.conformance.slack_preview_rules import PREVIEW_RULES
from tests.conformance.slack_room_rules import ROOM_RULES
from tests.conformance.slack_socket_rules import SOCKET_RULES
from tests.conformance.slack_stage import Rule, keep, staged

METHOD_PAGES = Path(__file__).parents[3] / "shared" / "payloads" / "slack" / "methods"
RULES: tuple[Rule, ...] = (
    *MESSAGES,
    *READING,
    *CHANNELS,
    *MARKS,
    *ROOM_RULES,
    *PREVIEW_RULES,
    *PEOPLE,
    *VIEWS,
    *TOOLS,
    *BLOCK_RULES,
    *INTERACTION_RULES,
    *MODAL_RULES,
    *EVENT_RULES,
    *SOCKET_RULES,
    *MEMBERSHIP_RULES,
)
NOT_LISTED = {"unknown_method", "thread_not_found", "msg_too_long", "invalid_attachments", "my_error"}
"""Errors that Slack gives and whose methods' pages do not list, each with its source in the table."""
EVERYWHERE = {"missing_scope", "invalid_arguments", "invalid_limit"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name.replace(" ", "-"))
async def test_the_stand_in_keeps_the_rule(rule: Rule) -> None:
    async with staged(scopes=set(ALL_SCOPES) - rule.without) as stage:
        await keep(rule, stage)


def test_each_rule_has_a_name_of_its_own_and_a_source() -> None:
    assert [name for name, count in Counter(rule.name for rule in RULES).items() if count > 1] == []
    assert all(rule.source for rule in RULES)


def test_a_signature_is_the_one_that_slacks_page_shows() -> None:
    """docs.slack.dev/authentication/verifying-requests-from-slack: its secret, its request, its signature."""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body) == signature


def test_each_method_has_a_row() -> None:
    """A method that no row calls could say anything; those without a page of theirs are called in plays."""
    played = {"apps.connections.open", "chat.deleteScheduledMessage", "chat.scheduledMessages.list"}
    called = {one.method for rule in RULES for one in (*rule.before, *((rule.call,) if rule.call else ()))}
    assert METHODS.keys() - called - played == set()


@pytest.mark.skipif(not METHOD_PAGES.is_dir(), reason="the methods' pages are not beside this checkout")
def test_each_method_that_slack_describes_here_is_there() -> None:
    assert {file.stem for file in METHOD_PAGES.glob("*.json")} - METHODS.keys() == set()


@pytest.mark.skipif(not METHOD_PAGES.is_dir(), reason="the methods' pages are not beside this checkout")
def test_each_refusal_is_one_that_its_methods_page_lists() -> None:
    unlisted = []
    for rule in RULES:
        if rule.call is None or rule.error is None:
            continue
        page = METHOD_PAGES / f"{rule.call.method}.json"
        if page.is_file():
            listed = set(json.loads(page.read_text(encoding="utf-8")).get("errors") or {})
            if rule.error not in listed | NOT_LISTED | EVERYWHERE:
                unlisted.append((rule.call.method, rule.error))
    assert unlisted == []
