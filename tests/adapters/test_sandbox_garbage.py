"""Whatever is sent to a stand-in, it refuses in its service's words: a real service does not fall over it either."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from bot.sandbox.server import Sandbox

REPO = "acme/checkout"
NO_JSON = (b"\xff\xfe{", b"{", b"[" * 20_000)
NO_OBJECT = (b"null", b"[]", b"5", b'"x"')
OF_GITHUB: tuple[tuple[str, dict[str, Any]], ...] = (
    ("deployments", {"ref": "main", "auto_merge": False, "required_contexts": [{}]}),
    ("deployments", {"ref": "main", "auto_merge": "no"}),
    ("deployments", {"ref": "main", "auto_merge": False, "required_contexts": [], "payload": 5}),
    ("deployments", {"ref": "main", "auto_merge": False, "required_contexts": [], "production_environment": "yes"}),
    ("deployments/{deployment}/statuses", {"state": "success", "auto_inactive": "x"}),
    ("actions/runs/{run}/deployment_protection_rule", {"environment_name": "production", "state": ["approved"]}),
    ("actions/runs/{run}/pending_deployments", {"environment_ids": [{}], "state": "approved", "comment": "x"}),
    ("actions/workflows/deploy.yml/dispatches", {"ref": "main", "inputs": [1]}),
    ("check-runs", {"name": "x", "head_sha": "main", "output": {"title": 5, "summary": "x"}}),
    ("check-runs", {"name": "x", "head_sha": "main", "status": "completed"}),
    ("statuses/main", {"state": "success", "target_url": 9}),
    ("issues", {"title": "x", "labels": [1]}),
    ("pulls/{pull}/reviews", {"event": "COMMENT", "body": 5}),
)
OF_PAGERDUTY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "incidents", {"incident": {"title": "x", "service": {"id": "PSCART"}, "assignments": 5}}),
    ("POST", "incidents", {"incident": {"title": "x", "service": {"id": "PSCART"}, "incident_key": {}}}),
    ("POST", "incidents", {"incident": {"title": "x", "service": 5}}),
    ("PUT", "incidents", {"incidents": [{"id": []}]}),
    ("PUT", "incidents/{incident}", {"incident": {"status": []}}),
    ("PUT", "incidents/{incident}", {"incident": {"escalation_level": True}}),
    ("POST", "incidents/{incident}/notes", {"note": {"content": 5}}),
    ("POST", "incidents/{incident}/responder_requests", {"requester_id": "PUSHIPMATE", "message": "x"}),
)


async def test_github_refuses_what_it_cannot_read(sandbox: Sandbox) -> None:
    github = sandbox.github
    github.workflow(REPO, "deploy", inputs={})
    github.environment(REPO, "production", gate=True)
    names = {
        "deployment": await github.deployment(REPO, "main", "staging"),
        "run": await github.begin_run(REPO, github.forge.repository(REPO).branches["main"]),
        "pull": await github.open_pull(REPO, author="ana", title="x"),
    }
    await github.enter(REPO, names["run"], "production")
    made = len(github.forge.repository(REPO).checks)
    api = f"{sandbox.environment()['GITHUB_API_URL']}/repos/{REPO}/"
    headers = {"Authorization": f"token {sandbox.app.issue()['token']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in dict.fromkeys(path for path, _ in OF_GITHUB):
            for body in NO_JSON + NO_OBJECT:
                assert await _asked(session, "POST", api + path.format(**names), body) == 400, (path, body[:20])
        for path, sent in OF_GITHUB:
            assert await _asked(session, "POST", api + path.format(**names), json.dumps(sent).encode()) == 422, sent
    assert len(github.forge.repository(REPO).checks) == made
    assert {row.status for row in github.log.rows} == {400, 422}


async def test_githubs_graphql_says_what_is_wrong_with_a_question(sandbox: Sandbox) -> None:
    address = f"{sandbox.url}/github.com/api/graphql"
    async with aiohttp.ClientSession(headers={"Authorization": f"token {sandbox.github.token}"}) as session:
        for body in NO_JSON:
            assert await _asked(session, "POST", address, body) == 400
        for sent in (
            {},
            {"query": 5},
            {"query": "externalIdentities"},
            {"query": "externalIdentities", "variables": 1},
        ):
            async with session.post(address, json=sent) as response:
                assert (response.status, list((await response.json())["errors"][0])[-1]) == (200, "message")


async def test_pagerduty_refuses_what_it_cannot_read(sandbox: Sandbox) -> None:
    account = sandbox.pagerduty.account
    names = {"incident": sandbox.pagerduty.open(account.services["PSLEDGER"], "5xx", by=None).id}
    api = f"{sandbox.environment()['PAGERDUTY_API_URL']}/"
    headers = {"Authorization": f"Token token={sandbox.pagerduty.api_key}", "From": "shipmate@example.com"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for verb, path, sent in OF_PAGERDUTY:
            for body in (*NO_JSON, *NO_OBJECT, json.dumps(sent).encode()):
                assert await _asked(session, verb, api + path.format(**names), body) == 400, (path, body[:80])
        for path in ("v2/enqueue", "v2/change/enqueue"):
            for body in NO_JSON + NO_OBJECT:
                address = f"{sandbox.environment()['PAGERDUTY_EVENTS_URL']}/{path}"
                assert await _asked(session, "POST", address, body) == 400, (path, body[:20])
    assert len(sandbox.pagerduty.incidents()) == 1


async def test_the_page_has_no_file_of_an_impossible_name(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("%00", "a" * 3000, "..%2fserver.py"):
            async with session.get(f"{sandbox.url}/{path}") as response:
                assert response.status == 404, path[:20]


@pytest.mark.parametrize("door", ["act", "fault", "clock"])
async def test_the_control_door_says_what_it_expected(sandbox: Sandbox, door: str) -> None:
    async with aiohttp.ClientSession() as session:
        for body in NO_JSON + NO_OBJECT:
            async with session.post(f"{sandbox.url}/_sandbox/{door}", data=body) as response:
                assert (response.status, (await response.json())["error"]) == (400, "send a JSON object")


async def _asked(session: aiohttp.ClientSession, verb: str, address: str, body: bytes) -> int:
    async with session.request(verb, address, data=body) as response:
        told = await response.json()
        assert any(_messages(told)), told
        return response.status


def _messages(told: Any) -> Iterator[str]:
    """What the answer says is wrong, as each service has it."""
    if isinstance(told, dict):
        yield from (value for name, value in told.items() if name == "message" and isinstance(value, str))
        for value in told.values():
            yield from _messages(value)
