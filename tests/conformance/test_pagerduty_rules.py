"""The rules of PagerDuty that its stand-in keeps and one question tells: a row each, asked through pdpyras.

"PagerDuty docs" are the API reference and the knowledge base.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.conformance.pagerduty_stage import CHECKOUT, CREATE, POLICY, Json, Stage, assigned, prepared


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with prepared() as made:
        yield made


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is asked, and how PagerDuty answers; ``told`` stands somewhere in the answer."""

    name: str
    source: str
    verb: str = "POST"
    path: str = "/incidents"
    sent: Json | None = None
    sender: str | None = None
    key: str | None = None
    status: int
    code: int | None = None
    told: str = ""


def create(name: str, fields: Json, status: int, code: int | None = None, told: str = "", **who: str) -> Rule:
    """A row for the opening of an incident of checkout with these fields."""
    sent = {"incident": {"type": "incident", "title": "checkout 5xx", "service": CHECKOUT, **fields}}
    return Rule(name=name, source=CREATE, sent=sent, status=status, code=code, told=told, **who)


RULES = (
    create("an incident for the service's policy", {}, 201),
    create("for a person", {"assignments": [assigned("ana")]}, 201, told="Ana Torres"),
    create("for a policy", {"escalation_policy": POLICY}, 201, told="Dee Larsson"),
    create("not for both", {"assignments": [assigned("ana")], "escalation_policy": POLICY}, 400, 2001),
    create("one assignee", {"assignments": [assigned("ana"), assigned("ben")]}, 400, 2001),
    create("an assignee who is not there", {"assignments": [assigned("zoe")]}, 400, 2002),
    create("a service that is not there", {"service": {"id": "PNONE", "type": "service_reference"}}, 400, 2002),
    create("a title is required", {"title": ""}, 400, 2001, "Title"),
    create("an urgency is high or low", {"urgency": "medium"}, 400, 2001, "Urgency"),
    create("From is required", {}, 400, 2001, "From", sender=""),
    create("From is a user's address", {}, 400, 1008, "Requester User Not Found", sender="nobody@example.com"),
    create("a key that is not the account's", {}, 401, 2006, key="wrong"),
    Rule(name="the body's object stands under its name", source=CREATE, sent={"title": "x"}, status=400, code=2001),
    Rule(
        name="what is not there",
        source="PagerDuty docs: Errors",
        verb="GET",
        path="/incidents/QNONE",
        status=404,
        code=2100,
    ),
    Rule(
        name="a key of the account has no current user",
        source="PagerDuty docs: Get the current user",
        verb="GET",
        path="/users/me",
        status=400,
    ),
    Rule(
        name="an ability the account lacks",
        source="PagerDuty docs: Test an ability",
        verb="GET",
        path="/abilities/sso",
        status=402,
    ),
    Rule(
        name="an ability it has",
        source="PagerDuty docs: Test an ability",
        verb="GET",
        path="/abilities/coordinated_responding",
        status=204,
    ),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.verb} {rule.path}: {rule.name}")
async def test_pagerduty_answers_as_it_says_it_does(stage: Stage, rule: Rule) -> None:
    who = {name: value for name, value in (("sender", rule.sender), ("key", rule.key)) if value is not None}
    status, body, _ = await stage.ask(rule.verb, rule.path, rule.sent, **who)
    assert status == rule.status, (rule.source, body)
    assert ((body or {}).get("error") or {}).get("code") == rule.code or rule.code is None, rule.source
    assert rule.told in json.dumps(body), rule.source
