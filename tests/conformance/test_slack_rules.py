"""The stand-in Slack keeps each documented rule: one table, a row for each, tried by Slack's own client and by Bolt."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bot.sandbox.slack_manifest import ALL_SCOPES
from tests.conformance.slack_block_rules import BLOCK_RULES
from tests.conformance.slack_call_rules import MESSAGES, READING
from tests.conformance.slack_channel_rules import CHANNELS, MARKS
from tests.conformance.slack_event_rules import EVENT_RULES
from tests.conformance.slack_interaction_rules import INTERACTION_RULES
from tests.conformance.slack_modal_rules import MODAL_RULES
from tests.conformance.slack_people_rules import PEOPLE, TOOLS, VIEWS
from tests.conformance.slack_room_rules import ROOM_RULES
from tests.conformance.slack_stage import Rule, keep, staged

METHOD_PAGES = Path(__file__).parents[3] / "shared" / "payloads" / "slack" / "methods"
RULES: tuple[Rule, ...] = (
    *MESSAGES,
    *READING,
    *CHANNELS,
    *MARKS,
    *ROOM_RULES,
    *PEOPLE,
    *VIEWS,
    *TOOLS,
    *BLOCK_RULES,
    *INTERACTION_RULES,
    *MODAL_RULES,
    *EVENT_RULES,
)
NOT_LISTED = {"unknown_method", "thread_not_found", "is_inactive", "my_error"}
"""Errors that Slack gives and whose methods' pages do not list, each with its source in the table."""
EVERYWHERE = {"missing_scope", "invalid_arguments", "invalid_limit"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name.replace(" ", "-"))
async def test_the_stand_in_keeps_the_rule(rule: Rule) -> None:
    async with staged(scopes=set(ALL_SCOPES) - rule.without) as stage:
        await keep(rule, stage)


def test_each_rule_has_a_name_of_its_own_and_a_source() -> None:
    assert [name for name, count in Counter(rule.name for rule in RULES).items() if count > 1] == []
    assert all(rule.source for rule in RULES)


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
