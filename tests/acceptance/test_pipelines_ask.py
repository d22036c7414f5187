"""Pipelines that ask: how the gates stand, Flagger's webhooks, lists, a request by the API, and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from bot.sandbox.server import Sandbox
from handlers import api
from handlers.api.description import description
from tests.acceptance.processes import shipmate
from tests.acceptance.promoting import API_TOKEN, Company, company, policy
from tests.acceptance.stories import REPO

RETRY = "Retry payments on a gateway time-out"
BEARER = {"Authorization": f"Bearer {API_TOKEN}"}
GATES: dict[str, Any] = description()["components"]["schemas"]["Gates"]


async def get(there: Company, path: str, **query: str) -> tuple[int, Any]:
    """Ask the API; the status and the answer."""
    async with (
        aiohttp.ClientSession(headers=BEARER) as http,
        http.get(there.serving.url + path, params=query) as answer,
    ):
        return answer.status, await answer.json()


async def post(there: Company, path: str, body: object) -> tuple[int, Any]:
    """Send to the API; the status and the answer."""
    async with aiohttp.ClientSession(headers=BEARER) as http, http.post(there.serving.url + path, json=body) as answer:
        return answer.status, await answer.json()


async def gates(there: Company, sha: str, **query: str) -> tuple[int, str, dict[str, str]]:
    """How the gates stand for a build: the status, the state, and each gate's."""
    status, told = await get(there, "/api/v1/gates", service="checkout", environment="production", sha=sha, **query)
    Draft202012Validator(GATES).validate(told)
    return status, told["state"], {gate["name"]: gate["state"] for gate in told["gates"]}


async def flagger(there: Company, phase: str, **metadata: str) -> int:
    """What Flagger is answered."""
    about = {"service": "checkout", "environment": "production", **metadata}
    sent = {"name": "checkout", "namespace": "shop", "phase": phase, "checksum": "5d8f", "metadata": about}
    return (await post(there, "/gate/flagger", sent))[0]


async def test_a_poller_is_told_pending_until_every_gate_is_open_and_asking_makes_nothing(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Always 200 for those that take another status for a fault; strict for those that can only look at the status."""
    async with company(sandbox, database_url, tmp_path, catalogue=policy(through="argo-rollouts")) as there:
        sha = await there.merge("ana", RETRY)
        cards = len(there.promotions())
        status, state, each = await gates(there, sha)
        assert (status, state) == (200, "pending")
        assert (each["approval"], each["soak"], each["lock"]) == ("waiting", "waiting", "open")
        assert (await gates(there, sha, strict="1"))[:2] == (403, "pending")
        assert await flagger(there, "confirm-promotion", sha=sha) == 403
        assert await flagger(there, "confirm-promotion") == 403
        await there.press("dee", "promotions:approve")
        await there.turn(minutes=31)
        assert (await gates(there, sha, strict="1"))[:2] == (200, "approved")
        assert await flagger(there, "confirm-promotion", sha=sha) == 200
        assert await flagger(there, "confirm-promotion") == 403, "it could be any build that asks"
        assert await flagger(there, "rollback", sha=sha) == 403, "nobody asked for one"
        assert await flagger(there, "event", sha=sha) == 200
        await there.ship("dee", "lock checkout the database moves")
        assert (await gates(there, sha))[:2] == (200, "pending")
        assert len(there.promotions()) == cards


async def test_a_rejected_build_is_told_so_and_an_unknown_one_waits(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Rejected only where its promotion was; a service, environment or build that nobody knows opens nothing."""
    async with company(sandbox, sqlite_url, tmp_path) as there:
        sha = await there.merge("ana", RETRY)
        await there.press("dee", "promotions:reject")
        await there.fill("dee", {"reason": "wait for the new gateway"})
        assert (await gates(there, sha, strict="1"))[:2] == (409, "rejected")
        assert (await gates(there, "f" * 40))[:2] == (200, "pending")
        for about in ({"service": "nobody"}, {"environment": "moon"}):
            asked = {"service": "checkout", "environment": "production", "sha": sha} | about
            status, told = await get(there, "/api/v1/gates", **asked)
            assert (status, told["state"], bool(told["reason"])) == (200, "pending", True)
        status, told = await get(there, "/api/v1/gates", service="checkout")
        assert (status, told["error"]) == (400, "Say which environment.")
        assert (await post(there, "/gate/flagger", {"phase": "confirm-rollout"}))[0] == 400


async def test_a_request_by_the_api_raises_a_promotion_that_its_author_cannot_approve(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Whoever is named as asking cannot say yes; what cannot be promoted is refused with why."""
    async with company(sandbox, sqlite_url, tmp_path) as there:
        sha = await there.merge("ana", RETRY)
        await there.press("dee", "promotions:reject")
        await there.fill("dee", {"reason": "not today"})
        status, told = await post(
            there,
            "/api/v1/promotions",
            {"service": "checkout", "environment": "production", "sha": sha, "requested_by": "dee"},
        )
        await there.at_rest()
        assert status == 202, told
        assert "You can't" in await there.press("dee", "promotions:approve")
        assert "Approved" in await there.press("eve", "promotions:approve")
        status, told = await post(there, "/api/v1/promotions", {"service": "nobody"})
        assert (status, "nobody" in told["error"]) == (409, True)


async def test_what_there_is_can_be_listed_page_by_page(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """Newest first, narrowed by service, environment and state; a wrong argument is told."""
    async with company(sandbox, database_url, tmp_path) as there:
        sha = await there.merge("ana", RETRY)
        await there.ship("dee", "lock checkout/production for 2h the database moves")
        _, listed = await get(there, "/api/v1/promotions", state="open")
        (promotion,) = listed["promotions"]
        assert (promotion["sha"], promotion["via"], promotion["changes"][0]["title"]) == (sha, "pipeline", RETRY)
        _, listed = await get(there, "/api/v1/locks")
        (lock,) = listed["locks"]
        assert (lock["scope"], lock["reason"], lock["waits_for_go"]) == (
            "checkout/production",
            "the database moves",
            False,
        )
        _, first = await get(there, "/api/v1/deploys", limit="2", service="CHECKOUT")
        _, second = await get(there, "/api/v1/deploys", limit="2", before=str(first["next"]))
        numbers = [row["id"] for row in [*first["deploys"], *second["deploys"]]]
        assert numbers == sorted(numbers, reverse=True)
        assert (len(numbers), second["next"]) == (3, None)
        _, listed = await get(there, "/api/v1/services", service="checkout")
        (service,) = listed["services"]
        live = {place["name"]: place["live"]["sha"] for place in service["environments"]}
        assert (service["team"], live["staging"] == sha, live["production"] == sha) == ("payments", True, False)
        status, told = await get(there, "/api/v1/deploys", limit="many")
        assert (status, told["error"]) == (400, "limit is no number from 0 to 200.")
        assert (await get(there, "/api/v1/deploys", colour="red"))[0] == 400


async def test_the_command_line_reports_waits_and_is_refused(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """``gate check`` while it waits, ``record alert`` closes the gate health, ``gate wait`` ends when rejected."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates="[lock, approval, health]")) as there:
        sha = await there.merge("ana", RETRY)
        reach = {"SHIPMATE_URL": there.serving.url, "SHIPMATE_API_TOKEN": API_TOKEN}
        build = ("--service", "checkout", "--environment", "production", "--sha", sha)
        code, out, _ = await shipmate("gate", "check", *build, folder=tmp_path, **reach)
        assert code == 3
        assert "✓ health: no alert fires" in out
        assert "⏳ approval: needs 1 yes" in out
        alert = ("--service", "checkout", "--name", "checkout 5xx", "--state", "firing")
        assert (await shipmate("record", "alert", *alert, folder=tmp_path, **reach))[:2] == (0, "Told.\n")
        await there.at_rest()
        assert "checkout 5xx" in there.says()
        code, _, err = await shipmate("gate", "wait", *build, "--timeout", "0s", folder=tmp_path, **reach)
        assert (code, "checkout 5xx" in err) == (4, True)
        await there.press("dee", "promotions:reject")
        await there.fill("dee", {"reason": "it alerts"})
        code, _, err = await shipmate("gate", "wait", *build, folder=tmp_path, **reach)
        assert (code, "rejected" in err) == (3, True)
        other = ("--service", "cart", "--environment", "staging", "--sha", sha, "--status", "succeeded")
        assert (await shipmate("record", "deploy", *other, folder=tmp_path, **reach))[0] == 0
        await there.at_rest()
        assert "cart" in await there.ship("ana", "status cart")
        code, _, err = await shipmate("record", "deploy", *other[:-1], "done", folder=tmp_path, **reach)
        assert (code, "status: input should be" in err, "Traceback" in err) == (1, True, False)
        reach["SHIPMATE_API_TOKEN"] = "another"
        code, _, err = await shipmate("gate", "check", *build, folder=tmp_path, **reach)
        assert (code, "That token is not ours." in err) == (1, True)


@pytest.mark.parametrize("route", ["/api/v1/gates", "/api/v1/promotions", "/api/v1/services"])
async def test_nobody_is_told_anything_without_the_token(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, route: str
) -> None:
    """Neither how the gates stand nor what there is."""
    async with company(sandbox, sqlite_url, tmp_path) as there, aiohttp.ClientSession() as http:
        for headers in ({}, {"Authorization": "Bearer another"}):
            async with http.get(there.serving.url + route, headers=headers) as answer:
                assert answer.status == 401
        async with http.post(f"{there.serving.url}/gate/flagger", json={}) as answer:
            assert answer.status == 401


async def test_the_description_names_every_route_and_is_open_to_all(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """OpenAPI 3.1: what it names is there, and what is there it names."""
    async with company(sandbox, sqlite_url, tmp_path) as there, aiohttp.ClientSession() as http:
        async with http.get(f"{there.serving.url}/api/v1/openapi.json") as answer:
            told = await answer.json()
        application = web.Application()
        api.add_routes(application, there.serving.bot)
    opened = {
        (route.method.lower(), route.resource.canonical)
        for route in application.router.routes()
        if route.resource is not None and route.resource.canonical.startswith(("/api/", "/gate/"))
    }
    described = {(method, path) for path, methods in told["paths"].items() for method in methods}
    assert {one for one in opened if one[0] != "head"} == described | {("get", "/api/v1/openapi.json")}
    posts = [methods["post"]["responses"] for methods in told["paths"].values() if "post" in methods]
    assert ["web page" in one["403"]["description"] for one in posts] == [True] * 6
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert REPO not in str(told)
